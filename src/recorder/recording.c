/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recording.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

struct _VitrineRecording
{
  GObject parent_instance;

  VitrineBackend  *backend;
  VitrineRecorder *recorder;     /* NULL: nothing is recorded */
  gboolean         completing;   /* its file is being written */
  char            *name;
  GPtrArray       *waiting;      /* GTask: want to know how the file ends */
};

G_DEFINE_FINAL_TYPE (VitrineRecording, vitrine_recording, G_TYPE_OBJECT)

enum { CHANGED, COMPLETED, FAILED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
changed (VitrineRecording *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

/* @problem: NULL when the file is complete. */
static void
answer (VitrineRecording *self, const char *problem)
{
  g_autoptr(GPtrArray) waiting = g_steal_pointer (&self->waiting);

  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    {
      if (problem == NULL)
        g_task_return_boolean (waiting->pdata[i], TRUE);
      else
        g_task_return_new_error (waiting->pdata[i], G_IO_ERROR, G_IO_ERROR_FAILED, "%s", problem);
    }
}

static void
ended (VitrineRecording *self, const char *problem)
{
  g_autofree char *name = g_steal_pointer (&self->name);

  self->recorder = NULL;
  self->completing = FALSE;
  answer (self, problem);
  changed (self);
  if (problem == NULL)
    g_signal_emit (self, signals[COMPLETED], 0, name);
  else
    g_signal_emit (self, signals[FAILED], 0, problem);
}

static void
complete (gpointer data)
{
  g_autoptr(VitrineRecording) self = g_object_ref (data);

  ended (self, NULL);
}

static void
failed (gpointer data, const char *message)
{
  g_autoptr(VitrineRecording) self = g_object_ref (data);
  g_autofree char *words = g_strdup_printf (_("The recording has ended: %s"), message);

  ended (self, words);
}

void
vitrine_recording_end (VitrineRecording *self)
{
  if (self->recorder == NULL)
    return;
  vitrine_recorder_stop_now (self->recorder);
  ended (self, NULL);
}

static void
vitrine_recording_dispose (GObject *object)
{
  VitrineRecording *self = VITRINE_RECORDING (object);

  vitrine_recording_end (self);
  g_clear_object (&self->backend);
  g_clear_pointer (&self->waiting, g_ptr_array_unref);
  G_OBJECT_CLASS (vitrine_recording_parent_class)->dispose (object);
}

static void
vitrine_recording_class_init (VitrineRecordingClass *klass)
{
  const GType type = VITRINE_TYPE_RECORDING;

  G_OBJECT_CLASS (klass)->dispose = vitrine_recording_dispose;
  signals[CHANGED] = g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[COMPLETED] = g_signal_new ("completed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[FAILED] = g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
vitrine_recording_init (VitrineRecording *self)
{
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
}

VitrineRecording *
vitrine_recording_new (void)
{
  return g_object_new (VITRINE_TYPE_RECORDING, NULL);
}

void
vitrine_recording_set_backend (VitrineRecording *self, VitrineBackend *backend)
{
  if (backend == self->backend)
    return;
  vitrine_recording_stop (self);
  g_set_object (&self->backend, backend);
  changed (self);
}

gboolean
vitrine_recording_can_start (VitrineRecording *self)
{
  return self->recorder == NULL && self->backend != NULL
         && vitrine_state_is_alive (vitrine_backend_get_state (self->backend)) && vitrine_backend_get_n_heads (self->backend) > 0;
}

static gboolean
check (VitrineRecording *self, GError **error)
{
  if (self->recorder != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, _("The screen is being recorded already. Stop that first."));
  else if (!vitrine_recording_can_start (self))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, _("The machine has no screen that could be recorded."));
  else
    return TRUE;
  return FALSE;
}

gboolean
vitrine_recording_start (VitrineRecording *self, int fd, const char *name, GError **error)
{
  if (!check (self, error))
    {
      close (fd);
      return FALSE;
    }
  self->recorder = vitrine_recorder_new (self->backend, fd, failed, self, error);
  if (self->recorder == NULL)
    return FALSE;
  self->name = g_strdup (name);
  changed (self);
  return TRUE;
}

void
vitrine_recording_stop (VitrineRecording *self)
{
  if (!vitrine_recording_is_on (self))
    return;
  self->completing = TRUE;
  vitrine_recorder_stop (self->recorder, complete);
  changed (self);
}

gboolean
vitrine_recording_is_on (VitrineRecording *self)
{
  return self->recorder != NULL && !self->completing;
}

guint
vitrine_recording_get_seconds (VitrineRecording *self)
{
  return self->recorder != NULL ? vitrine_recorder_get_seconds (self->recorder) : 0;
}

/* --- for the service -------------------------------------------------------------------------------------------- */

static gboolean
keeper_start (gpointer keeper, int fd, const char *name, GError **error)
{
  return vitrine_recording_start (keeper, fd, name, error);
}

static void
keeper_stop (gpointer keeper, GAsyncReadyCallback done, gpointer data)
{
  VitrineRecording *self = keeper;
  GTask *task = g_task_new (self, NULL, done, data);

  if (self->recorder == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s", _("The screen is not being recorded."));
      g_object_unref (task);
      return;
    }
  g_ptr_array_add (self->waiting, task);
  vitrine_recording_stop (self);
}

static gboolean
keeper_finish (gpointer keeper, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

const VitrineRecordingKeeper vitrine_recording_keeper = { keeper_start, keeper_stop, keeper_finish };
