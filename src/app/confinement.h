/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files a machine's process may reach: Landlock rules (landlock(7)), entered before there is a second thread, so that they
 * hold for all. What a person chooses later comes in from the outside (model/outside.h). */
#pragma once

#include "domain.h"

typedef enum
{
  VITRINE_REACH_READ,       /* files and folders, all below */
  VITRINE_REACH_CHANGE,     /* read, write, make and remove, all below */
  VITRINE_REACH_SHARE,      /* the same, with links, FIFOs and sockets */
  VITRINE_REACH_USE,        /* devices: read, write, control */
  VITRINE_REACH_SOCKETS,    /* make sockets in this folder, and remove what is there */
  VITRINE_REACH_NEW,        /* make sockets in this folder */
} VitrineReach;

typedef struct VitrineConfinement VitrineConfinement;

VitrineConfinement *vitrine_confinement_new (void);
void                vitrine_confinement_free (VitrineConfinement *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineConfinement, vitrine_confinement_free)

/* What is not there needs no rule. */
void vitrine_confinement_allow (VitrineConfinement *self, const char *path, VitrineReach reach);
/* What GTK and the C library need: programs' data, the person's look and fonts, the display. */
void vitrine_confinement_allow_desktop (VitrineConfinement *self);
/* The machine's folder, its socket, and the files of its definition (@domain: NULL when that is broken). */
void vitrine_confinement_allow_machine (VitrineConfinement *self, const char *uuid, VitrineDomain *domain);
/* For good. FALSE where the kernel cannot, with a line on standard error. */
gboolean vitrine_confinement_enter (VitrineConfinement *self);
