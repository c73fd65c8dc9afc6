/* SPDX-License-Identifier: GPL-3.0-or-later */
/* States that a machine process keeps of its machine: the one that it is suspended in, and snapshots. */
#include "machine-process-private.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "paths.h"

/* --- suspending ------------------------------------------------------------------------------------------------- */

static char *
suspended_path (VitrineMachineProcess *self)
{
  return vitrine_paths_in_machine (self->uuid, "suspended.state");
}

gboolean
vitrine_machine_process_restore_suspended (VitrineMachineProcess *self, VitrineBackend *backend, GError **error)
{
  g_autofree char *path = suspended_path (self);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (vitrine_backend_restore (backend, path, error))
    {
      g_unlink (path);   /* disks change from here on: this state must never be used twice */
      return TRUE;
    }
  g_prefix_error (error, _("The suspended machine cannot go on: "));
  return FALSE;
}

static void
answer_suspending (VitrineMachineProcess *self, const GError *error)
{
  GDBusMethodInvocation *call = g_steal_pointer (&self->suspending);

  if (call != NULL && error != NULL)
    g_dbus_method_invocation_return_gerror (call, error);
  else if (call != NULL)
    g_dbus_method_invocation_return_value (call, NULL);
}

static gboolean
suspend_now (gpointer data)
{
  VitrineMachineProcess *self = data;
  g_autofree char *path = suspended_path (self);
  g_autoptr(GError) error = NULL;

  if (self->backend == NULL)
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The machine has ended meanwhile."));
  else
    vitrine_backend_pause (self->backend);
  gboolean ok = error == NULL && vitrine_backend_save (self->backend, path, &error);
  answer_suspending (self, error);
  if (ok)
    vitrine_backend_force_off (self->backend);
  else if (self->backend != NULL && self->window != NULL)
    {
      vitrine_machine_window_set_backend (self->window, self->backend);
      vitrine_machine_window_show_error (self->window, error->message);
    }
  return G_SOURCE_REMOVE;
}

void
vitrine_machine_process_suspend (VitrineMachineProcess *self)
{
  vitrine_machine_window_set_busy (self->window, _("Suspending…"));
  g_timeout_add (50, suspend_now, self);
}

void
vitrine_machine_process_suspend_asked (VitrineMachineProcess *self, GDBusMethodInvocation *call)
{
  if (self->suspending != NULL)
    {
      g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_BUSY, _("The machine is being suspended already."));
      return;
    }
  self->suspending = call;
  vitrine_machine_process_suspend (self);
}

/* --- snapshots -------------------------------------------------------------------------------------------------- */

/* Each of them has the definition of its day. */
void
vitrine_machine_process_keep_snapshots (VitrineMachineProcess *self)
{
  g_autofree char *folder = vitrine_paths_in_machine (self->uuid, "snapshots");

  g_clear_object (&self->snapshots);
  self->snapshots = vitrine_snapshots_new (folder, self->domain);
  vitrine_service_set_keeper (self->service, &vitrine_snapshots_keeper, self->snapshots);
}

static void
went_back (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineProcess) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_snapshots_finish (VITRINE_SNAPSHOTS (source), result, &error);

  if (self->window == NULL || gtk_widget_in_destruction (GTK_WIDGET (self->window)))
    return;
  if (ok)
    vitrine_machine_process_start_again (self);
  else
    vitrine_machine_process_set_failed (self, error->message);
}

/* Files of the snapshot are those that this process was started with. */
void
vitrine_machine_process_go_back (VitrineMachineProcess *self, const char *name)
{
  g_autoptr(GError) error = NULL;

  if (!vitrine_snapshots_can_go_back (self->snapshots, name, &error))
    {
      vitrine_machine_window_show_error (self->window, error->message);
      return;
    }
  g_autofree char *to = g_strdup (name);   /* the page that said it goes away */
  vitrine_machine_process_drop_backend (self);
  vitrine_machine_window_set_busy (self->window, _("Going back…"));
  vitrine_snapshots_go_back_async (self->snapshots, to, went_back, g_object_ref (self));
}
