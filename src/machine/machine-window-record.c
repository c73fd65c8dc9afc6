/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recording the machine's screen: where it goes, and that everybody sees that it is being recorded, whoever asked for it. */
#include <glib/gi18n.h>
#include <unistd.h>

#include "machine-window-private.h"
#include "outside.h"

static gboolean
show_time (gpointer data)
{
  VitrineMachineWindow *self = data;
  guint seconds = vitrine_recording_get_seconds (self->recording);
  g_autofree char *time = g_strdup_printf ("%u:%02u", seconds / 60, seconds % 60);

  gtk_label_set_label (GTK_LABEL (self->record_label), time);
  atk_object_set_description (gtk_widget_get_accessible (self->record_button), time);
  return G_SOURCE_CONTINUE;
}

void
vitrine_machine_window_update_recording (VitrineMachineWindow *self)
{
  gboolean on = self->recording != NULL && vitrine_recording_is_on (self->recording);

  vitrine_machine_window_enable (self, "record", self->recording != NULL && vitrine_recording_can_start (self->recording));
  vitrine_machine_window_enable (self, "stop-recording", on);
  gtk_widget_set_visible (self->record_button, on);
  if (on && self->record_timer == 0)
    {
      self->record_timer = g_timeout_add_seconds (1, show_time, self);
      show_time (self);
    }
  else if (!on)
    g_clear_handle_id (&self->record_timer, g_source_remove);
}

static void
completed (VitrineMachineWindow *self, const char *name)
{
  g_autofree char *words = g_markup_printf_escaped (_("Saved as “%s”."), name);

  vitrine_machine_window_show_hint (self, words);
}

void
vitrine_machine_window_set_recording (VitrineMachineWindow *self, VitrineRecording *recording)
{
  g_set_object (&self->recording, recording);
  g_signal_connect_object (recording, "changed", G_CALLBACK (vitrine_machine_window_update_recording), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (recording, "completed", G_CALLBACK (completed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (recording, "failed", G_CALLBACK (vitrine_machine_window_show_error), self, G_CONNECT_SWAPPED);
}

static void
video_chosen (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineWindow) self = data;
  g_autoptr(GError) error = NULL;
  int fd;
  g_autofree char *path = vitrine_outside_choose_finish (result, &fd, &error);
  g_autofree char *name = path != NULL ? g_filename_display_basename (path) : NULL;

  if (path != NULL)
    vitrine_recording_start (self->recording, fd, name, &error);
  vitrine_machine_window_show_result (self, error == NULL, error);
}

void
vitrine_machine_window_record (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;
  g_autofree char *name = vitrine_machine_window_propose_name (self, "webm");

  vitrine_machine_window_choose_file (self, VITRINE_OUTSIDE_VIDEO, name, video_chosen);
}

void
vitrine_machine_window_stop_recording (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;

  vitrine_recording_stop (self->recording);
}
