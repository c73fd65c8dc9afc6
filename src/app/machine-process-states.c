/* SPDX-License-Identifier: GPL-3.0-or-later */
/* States that a machine process keeps of its machine: the one that it is suspended in, and snapshots. */
#include "machine-process-private.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "paths.h"

#define PROGRESS_MS 100

/* --- a thread that writes or reads ------------------------------------------------------------------------------ */

/* A thread of its own, which ends with the work. */
struct _VitrineStateWork
{
  VitrineMachineProcess *self;      /* which does not end before */
  VitrineBackend        *backend;
  char                  *path;
  gboolean               saves;
  gboolean               was_running;
  VitrineRestored        restored;
  GThread               *thread;
  guint                  poll;      /* source id */
  gint                   permille;  /* atomic, as the next */
  gint                   stop;
  gboolean               ok;
  GError                *error;
};

static void saved (VitrineStateWork *work);
static void restored (VitrineStateWork *work);

static char *
suspended_path (VitrineMachineProcess *self)
{
  return vitrine_paths_in_machine (self->uuid, "suspended.state");
}

static VitrineStateWork *
work_new (VitrineMachineProcess *self, VitrineBackend *backend, gboolean saves)
{
  VitrineStateWork *work = g_new0 (VitrineStateWork, 1);

  work->self = self;
  work->backend = g_object_ref (backend);
  work->path = suspended_path (self);
  work->saves = saves;
  self->work = work;
  return work;
}

static gboolean
work_is_over (gpointer data)
{
  VitrineStateWork *work = data;

  g_thread_join (work->thread);
  g_clear_handle_id (&work->poll, g_source_remove);
  work->self->work = NULL;
  if (work->saves)
    saved (work);
  else
    restored (work);
  g_object_unref (work->backend);
  g_free (work->path);
  g_clear_error (&work->error);
  g_free (work);
  return G_SOURCE_REMOVE;
}

static gboolean
progressed (gpointer data, guint64 done_bytes, guint64 total_bytes)
{
  VitrineStateWork *work = data;

  g_atomic_int_set (&work->permille, (gint) (total_bytes > 0 ? 1000 * done_bytes / total_bytes : 0));
  return !g_atomic_int_get (&work->stop);
}

static gpointer
work_in_thread (gpointer data)
{
  VitrineStateWork *work = data;

  work->ok = work->saves ? vitrine_backend_save (work->backend, work->path, progressed, work, &work->error)
                         : vitrine_backend_restore (work->backend, work->path, &work->error);
  g_idle_add (work_is_over, work);
  return NULL;
}

void
vitrine_machine_process_wait_for_work (VitrineMachineProcess *self)
{
  while (self->work != NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* --- going on from a suspended state ---------------------------------------------------------------------------- */

gboolean
vitrine_machine_process_is_suspended (VitrineMachineProcess *self)
{
  g_autofree char *path = suspended_path (self);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
restored (VitrineStateWork *work)
{
  if (!work->ok)
    g_prefix_error (&work->error, _("The suspended machine cannot go on: "));
  else if (work->self->window != NULL)
    g_unlink (work->path);   /* disks change from here on: this state must never be used twice */
  work->restored (work->self, work->backend, work->error);
}

void
vitrine_machine_process_restore_suspended (VitrineMachineProcess *self, VitrineBackend *backend, VitrineRestored done)
{
  VitrineStateWork *work = work_new (self, backend, FALSE);

  work->restored = done;
  if (self->window != NULL)
    vitrine_machine_window_set_busy (self->window, _("Resuming…"));
  work->thread = g_thread_new ("restore", work_in_thread, work);
}

/* --- suspending ------------------------------------------------------------------------------------------------- */

static void
answer_suspending (VitrineMachineProcess *self, const GError *error)
{
  GDBusMethodInvocation *call = g_steal_pointer (&self->suspending);

  if (call != NULL && error != NULL)
    g_dbus_method_invocation_return_gerror (call, error);
  else if (call != NULL)
    g_dbus_method_invocation_return_value (call, NULL);
}

/* It goes on as if nobody had asked. */
static void
go_on (VitrineStateWork *work)
{
  VitrineMachineProcess *self = work->self;
  gboolean stopped = g_atomic_int_get (&work->stop);

  vitrine_machine_process_plug (self);
  if (work->was_running)
    vitrine_backend_resume (self->backend);
  if (!stopped && self->window != NULL)
    {
      vitrine_machine_window_show_error (self->window, work->error->message);
      gtk_window_present (GTK_WINDOW (self->window));   /* somebody may have closed it, sure that this would end well */
    }
}

static void
saved (VitrineStateWork *work)
{
  VitrineMachineProcess *self = work->self;

  if (!work->ok && g_atomic_int_get (&work->stop))
    {
      g_clear_error (&work->error);
      g_set_error_literal (&work->error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Somebody cancelled that: the machine goes on."));
    }
  else if (!work->ok)
    g_prefix_error (&work->error, _("The machine was not suspended, and goes on: "));
  answer_suspending (self, work->error);
  if (work->ok)
    vitrine_backend_force_off (work->backend);
  else
    go_on (work);
}

static gboolean
show_progress (gpointer data)
{
  VitrineStateWork *work = data;

  if (work->self->window != NULL && !g_atomic_int_get (&work->stop))
    vitrine_machine_window_set_progress (work->self->window, g_atomic_int_get (&work->permille) / 1000.0);
  return G_SOURCE_CONTINUE;
}

void
vitrine_machine_process_cancel_suspending (VitrineMachineProcess *self)
{
  if (self->work != NULL)
    g_atomic_int_set (&self->work->stop, TRUE);
}

/* The machine stands still from here on: what it wrote to its disks later would not be what is in its memory. */
void
vitrine_machine_process_suspend (VitrineMachineProcess *self)
{
  if (self->work != NULL || self->backend == NULL)
    return;
  VitrineStateWork *work = work_new (self, self->backend, TRUE);
  work->was_running = vitrine_backend_get_state (self->backend) == VITRINE_STATE_RUNNING;
  vitrine_backend_pause (self->backend);
  vitrine_service_set_suspending (self->service);
  vitrine_machine_process_unplug (self, _("Suspending…"));
  show_progress (work);
  work->poll = g_timeout_add (PROGRESS_MS, show_progress, work);
  work->thread = g_thread_new ("suspend", work_in_thread, work);
}

void
vitrine_machine_process_suspend_asked (VitrineMachineProcess *self, GDBusMethodInvocation *call)
{
  self->suspending = call;      /* the service asks only while nothing is being written */
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
