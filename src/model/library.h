/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every machine of $XDG_DATA_HOME/vitrine/machines, as a GListModel of VitrineMachine sorted by title. Follows changes that
 * other processes make. Main thread only. */
#pragma once

#include "machine.h"

#define VITRINE_TYPE_LIBRARY (vitrine_library_get_type ())
G_DECLARE_FINAL_TYPE (VitrineLibrary, vitrine_library, VITRINE, LIBRARY, GObject)

VitrineLibrary *vitrine_library_new (void);
/* Reads the folder in a thread, then follows it. */
void     vitrine_library_load_async (VitrineLibrary *self, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_library_load_finish (VitrineLibrary *self, GAsyncResult *result, GError **error);
/* Blocks, does not follow: for vitrinectl and tests. */
gboolean vitrine_library_load (VitrineLibrary *self, GError **error);

guint           vitrine_library_get_size (VitrineLibrary *self);
VitrineMachine *vitrine_library_get (VitrineLibrary *self, guint position);         /* borrowed */
VitrineMachine *vitrine_library_lookup (VitrineLibrary *self, const char *uuid);    /* borrowed, NULL */
/* By name, UUID or an unambiguous start of the UUID; the error names what there is. Borrowed. */
VitrineMachine *vitrine_library_find (VitrineLibrary *self, const char *words, GError **error);
/* A name that no machine has: "Debian", "Debian 2", ... */
char           *vitrine_library_free_name (VitrineLibrary *self, const char *wish);

/* Writes the definition into a folder of its own. A name or UUID that is taken is refused. Returns a borrowed machine. */
VitrineMachine *vitrine_library_add (VitrineLibrary *self, VitrineDomain *domain, GError **error);
gboolean        vitrine_library_rename (VitrineLibrary *self, VitrineMachine *machine, const char *name, GError **error);

/* Moves the machine's folder aside; nothing is lost until vitrine_library_purge(). Refused while it runs. */
gboolean vitrine_library_delete (VitrineLibrary *self, VitrineMachine *machine, GError **error);
/* Puts a deleted machine back. */
gboolean vitrine_library_undelete (VitrineLibrary *self, const char *uuid, GError **error);
/* Ends the chance to undo: the folder goes, and disks in our own image folder that no other machine uses go to the desktop's
 * trash. File work in a thread. @uuid NULL: everything deleted so far, also by an earlier run. */
void     vitrine_library_purge_async (VitrineLibrary *self, const char *uuid, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_library_purge_finish (VitrineLibrary *self, GAsyncResult *result, GError **error);
gboolean vitrine_library_purge (VitrineLibrary *self, const char *uuid, GError **error);
