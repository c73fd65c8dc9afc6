/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recording the machine's screen: where it goes, and that everybody sees that it is being recorded. */
#include <glib/gi18n.h>
#include <unistd.h>

#include "machine-window-private.h"
#include "outside.h"

void
vitrine_machine_window_update_recording (VitrineMachineWindow *self)
{
  gboolean alive = vitrine_machine_window_is_alive (self), display = alive && vitrine_backend_get_n_heads (self->backend) > 0;

  vitrine_machine_window_enable (self, "record", display && self->recorder == NULL);
  vitrine_machine_window_enable (self, "stop-recording", self->recorder != NULL && !self->completing);
  gtk_widget_set_visible (self->record_button, self->recorder != NULL && !self->completing);
}

static gboolean
show_time (gpointer data)
{
  VitrineMachineWindow *self = data;
  guint seconds = vitrine_recorder_get_seconds (self->recorder);
  g_autofree char *time = g_strdup_printf ("%u:%02u", seconds / 60, seconds % 60);

  gtk_label_set_label (GTK_LABEL (self->record_label), time);
  atk_object_set_description (gtk_widget_get_accessible (self->record_button), time);
  return G_SOURCE_CONTINUE;
}

static void
failed (gpointer data, const char *message)
{
  VitrineMachineWindow *self = data;
  g_autofree char *words = g_strdup_printf (_("The recording has ended: %s"), message);

  self->recorder = NULL;
  self->completing = FALSE;
  g_clear_handle_id (&self->record_timer, g_source_remove);
  vitrine_machine_window_update_recording (self);
  vitrine_machine_window_show_error (self, words);
}

static void
begin (VitrineMachineWindow *self, const char *path, int fd, GError **error)
{
  self->recorder = vitrine_recorder_new (self->backend, fd, failed, self, error);
  if (self->recorder == NULL)
    return;
  g_free (self->record_name);
  self->record_name = g_filename_display_basename (path);
  self->record_timer = g_timeout_add_seconds (1, show_time, self);
  show_time (self);
  vitrine_machine_window_update_recording (self);
}

static void
video_chosen (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineWindow) self = data;
  g_autoptr(GError) error = NULL;
  int fd;
  g_autofree char *path = vitrine_outside_choose_finish (result, &fd, &error);

  if (path != NULL && vitrine_machine_window_is_alive (self) && self->recorder == NULL)
    begin (self, path, fd, &error);
  else if (fd >= 0)
    close (fd);
  vitrine_machine_window_show_result (self, error == NULL, error);
}

void
vitrine_machine_window_record (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;
  g_autofree char *name = vitrine_machine_window_propose_name (self, "webm");

  vitrine_machine_window_choose_file (self, VITRINE_OUTSIDE_VIDEO, name, video_chosen);
}

static void
complete (gpointer data)
{
  VitrineMachineWindow *self = data;
  g_autofree char *words = g_markup_printf_escaped (_("Saved as “%s”."), self->record_name);

  self->recorder = NULL;
  self->completing = FALSE;
  vitrine_machine_window_update_recording (self);
  vitrine_machine_window_show_hint (self, words);
}

void
vitrine_machine_window_stop_recording (VitrineMachineWindow *self)
{
  if (self->recorder == NULL || self->completing)
    return;
  g_clear_handle_id (&self->record_timer, g_source_remove);
  self->completing = TRUE;
  vitrine_recorder_stop (self->recorder, complete);
  vitrine_machine_window_update_recording (self);
}

/* The process ends: the file is completed first. */
void
vitrine_machine_window_end_recording (VitrineMachineWindow *self)
{
  g_clear_handle_id (&self->record_timer, g_source_remove);
  g_clear_pointer (&self->recorder, vitrine_recorder_stop_now);
}
