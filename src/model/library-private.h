/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineLibrary share. */
#pragma once

#include "library.h"

struct _VitrineLibrary
{
  GObject parent_instance;

  GPtrArray    *machines;   /* VitrineMachine, sorted by title */
  GFileMonitor *monitor;
  guint         rescan;     /* source id */
  guint         changes;    /* so many machines came into the list and went: what was read of the folder before is out of date */
};

/* library.c */
/* Into the list, and out of it. */
void     vitrine_library_adopt (VitrineLibrary *self, VitrineMachine *machine);
void     vitrine_library_take_out (VitrineLibrary *self, guint position);
gboolean vitrine_library_check_free_name (VitrineLibrary *self, const char *name, VitrineMachine *except, GError **error);

/* library-folder.c */
/* A folder that is there now, unless the list has it. */
void     vitrine_library_take_in (VitrineLibrary *self, const char *uuid);
