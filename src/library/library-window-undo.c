/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines and hosts that are taken out of the library, and brought back. */
#include "library-window-private.h"

#include <glib/gi18n.h>

#include "undo-bar.h"

static void
purged (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineLibraryWindow) self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_library_purge_finish (VITRINE_LIBRARY (source), result, &error))
    g_message ("A deleted machine’s folder stays: %s", error->message);
}

void
vitrine_library_window_purge (VitrineLibraryWindow *self, const char *uuid)
{
  vitrine_library_purge_async (self->library, uuid, purged, g_object_ref (self));
}

/* Not when the person has added it anew: its kept password is that one's then. */
static void
forget_removed (VitrineLibraryWindow *self)
{
  if (self->removed != NULL && vitrine_hosts_find (self->hosts, vitrine_host_get_uri (self->removed), NULL) == NULL)
    vitrine_hosts_forget (self->removed);
  g_clear_object (&self->removed);
}

static void
too_late (VitrineLibraryWindow *self)
{
  if (self->deleted != NULL)
    vitrine_library_window_purge (self, self->deleted);
  g_clear_pointer (&self->deleted, g_free);
  forget_removed (self);
}

static void
undo (VitrineLibraryWindow *self)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *uuid = g_steal_pointer (&self->deleted);
  g_autoptr(VitrineHost) host = g_steal_pointer (&self->removed);

  if (host != NULL && !vitrine_hosts_put_back (self->hosts, host, &error))
    {
      vitrine_library_window_show_error (self, error->message);
      return;
    }

  if (uuid != NULL && !vitrine_library_undelete (self->library, uuid, &error))
    vitrine_library_window_show_error (self, error->message);
}

void
vitrine_library_window_delete_machine (VitrineLibraryWindow *self, VitrineMachine *machine)
{
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (machine));
  g_autofree char *words = g_strdup_printf (_("“%s” deleted"), vitrine_machine_get_title (machine));
  g_autoptr(GError) error = NULL;

  vitrine_undo_bar_end (VITRINE_UNDO_BAR (self->undo_bar));
  if (!vitrine_library_delete (self->library, machine, &error))
    {
      vitrine_library_window_show_error (self, error->message);
      return;
    }
  self->deleted = g_steal_pointer (&uuid);
  vitrine_undo_bar_show (VITRINE_UNDO_BAR (self->undo_bar), words);
}

void
vitrine_library_window_remove_host (VitrineLibraryWindow *self, VitrineHost *host)
{
  g_autoptr(VitrineHost) kept = g_object_ref (host);
  g_autofree char *words = g_strdup_printf (_("“%s” removed"), vitrine_host_get_name (host));
  g_autoptr(GError) error = NULL;

  vitrine_undo_bar_end (VITRINE_UNDO_BAR (self->undo_bar));
  if (!vitrine_hosts_remove (self->hosts, host, &error))
    {
      vitrine_library_window_show_error (self, error->message);
      return;
    }
  self->removed = g_steal_pointer (&kept);
  vitrine_undo_bar_show (VITRINE_UNDO_BAR (self->undo_bar), words);
}

void
vitrine_library_window_add_undo_bar (VitrineLibraryWindow *self)
{
  self->undo_bar = vitrine_undo_bar_add_to (GTK_OVERLAY (self->overlay));
  g_signal_connect_object (self->undo_bar, "undo", G_CALLBACK (undo), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->undo_bar, "gone", G_CALLBACK (too_late), self, G_CONNECT_SWAPPED);
}

void
vitrine_library_window_end_undo (VitrineLibraryWindow *self)
{
  g_autoptr(GError) error = NULL;

  if (self->deleted != NULL && !vitrine_library_purge (self->library, self->deleted, &error))
    g_message ("A deleted machine’s folder stays: %s", error->message);
  g_clear_pointer (&self->deleted, g_free);
  forget_removed (self);
}
