/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineTarget share. */
#pragma once

#include "target.h"

struct _VitrineTarget
{
  GObject parent_instance;

  VitrineHost      *host;       /* NULL: a local machine */
  VitrineHostGuest *guest;
  VitrineLibrary   *library;    /* of a local machine */
  VitrineMachine   *machine;
  VitrineDomain    *draft;      /* NULL: changes are written at once */
  VitrineHostTree  *tree;       /* NULL: a host elsewhere */

  char             *was;        /* what the host's definition was, for writing it back */
  VitrineDomain    *domain;
  VitrinePciHost   *pci;
  VitrinePciIds    *ids;        /* NULL: not needed yet */
};

/* Do devices have to go to vfio-pci before, or back after, by ourselves? The addresses; NULL: none. */
GStrv vitrine_target_list_moves (VitrineTarget *self, const VitrinePciChange *change);
/* On a host: how the definition, and with @live the running machine, gets elements or loses them, as commands. */
void  vitrine_target_append_virsh (VitrineTarget *self, const char *const *elements, gboolean removes, gboolean live,
                                   GString *text);
