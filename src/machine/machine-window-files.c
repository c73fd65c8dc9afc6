/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files for the guest: chosen, or dropped onto its screen. This process can open none of them: the helper outside does,
 * for what a person has chosen or confirmed there (outside.h). */
#include <glib/gi18n.h>
#include <math.h>

#include "machine-window-private.h"

/* --- What is shown of it ------------------------------------------------------------------------------------------ */

/* An entry that cannot be used says why. */
static void
update_entry (VitrineMachineWindow *self, const char *obstacle)
{
  gboolean filled = g_menu_model_get_n_items (G_MENU_MODEL (self->files_section)) > 0;

  if (filled && g_strcmp0 (obstacle, self->files_obstacle) == 0)
    return;
  g_free (self->files_obstacle);
  self->files_obstacle = g_strdup (obstacle);
  g_autofree char *label = g_strjoin (obstacle != NULL ? "\n" : "", _("_Send Files…"), obstacle, NULL);
  g_menu_remove_all (self->files_section);
  g_menu_append (self->files_section, label, "win.send-files");
}

static void
update_progress (VitrineMachineWindow *self, const char *name)
{
  double percent = floor (100 * vitrine_file_sender_get_fraction (self->sender));

  gtk_widget_set_visible (self->files_button, name != NULL);
  if (name == NULL)
    return;
  g_autofree char *tooltip = g_strdup_printf (_("“%s” is being sent to the guest. Click to cancel."), name);
  g_autofree char *label = g_strdup_printf (_("%.0f %%"), percent);
  if (g_strcmp0 (gtk_widget_get_tooltip_text (self->files_button), tooltip) != 0)
    gtk_widget_set_tooltip_text (self->files_button, tooltip);
  if (g_str_equal (gtk_label_get_label (GTK_LABEL (self->files_label)), label))
    return;
  gtk_label_set_label (GTK_LABEL (self->files_label), label);
  atk_object_set_description (gtk_widget_get_accessible (self->files_button), label);
}

void
vitrine_machine_window_update_files (VitrineMachineWindow *self)
{
  gboolean alive = vitrine_machine_window_is_alive (self);
  const char *obstacle = self->sender != NULL ? vitrine_file_sender_get_obstacle (self->sender) : NULL;
  const char *name = self->sender != NULL ? vitrine_file_sender_get_name (self->sender) : NULL;

  vitrine_machine_window_enable (self, "send-files", self->sender != NULL && alive && obstacle == NULL);
  vitrine_machine_window_enable (self, "cancel-files", name != NULL);
  if (self->sender == NULL)
    return;
  update_entry (self, obstacle);
  update_progress (self, name);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

typedef struct
{
  VitrineMachineWindow *window;
  char                 *problems;    /* with those that could not be opened; NULL: none */
} Sending;

static void
show_problems (VitrineMachineWindow *self, const char *before, const GError *error)
{
  g_autofree char *words = g_strjoin (before != NULL && error != NULL ? "\n" : "", before != NULL ? before : "",
                                      error != NULL ? error->message : "", NULL);

  if (*words != '\0')
    vitrine_machine_window_show_error (self, words);
}

static void
sent (GObject *source, GAsyncResult *result, gpointer data)
{
  Sending *sending = data;
  g_autoptr(VitrineMachineWindow) self = sending->window;
  g_autofree char *problems = sending->problems;
  g_autoptr(GError) error = NULL;
  guint arrived = vitrine_file_sender_send_finish (VITRINE_FILE_SENDER (source), result, &error);

  g_free (sending);
  if (self->backend == NULL || gtk_widget_in_destruction (GTK_WIDGET (self))
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  show_problems (self, problems, error);
  if (error != NULL || arrived == 0)
    return;
  g_autofree char *words = g_strdup_printf (ngettext ("%u file is on the guest’s desktop or in its downloads.",
                                                      "%u files are on the guest’s desktop or in its downloads.", arrived), arrived);
  vitrine_machine_window_show_hint (self, words);
}

static void
send_all (VitrineMachineWindow *self, VitrineOutsideFiles *files)
{
  const Sending sending = { g_object_ref (self), files->problems->len > 0 ? g_strdup (files->problems->str) : NULL };

  vitrine_file_sender_send_async (self->sender, (const char *const *) files->paths->pdata, (const int *) files->fds->data,
                                  files->fds->len, NULL, NULL, NULL, sent, g_memdup2 (&sending, sizeof sending));
  for (guint i = 0; i < files->fds->len; i++)
    g_array_index (files->fds, int, i) = -1;
}

static void
files_chosen (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineWindow) self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineOutsideFiles) files = vitrine_outside_files_finish (result, &error);

  if (gtk_widget_in_destruction (GTK_WIDGET (self)))
    return;
  if (files != NULL && files->fds->len > 0)
    send_all (self, files);
  else
    show_problems (self, files != NULL && files->problems->len > 0 ? files->problems->str : NULL, error);
}

void
vitrine_machine_window_send_files (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_machine_window_choose_file (data, VITRINE_OUTSIDE_FILES, "", files_chosen);
}

void
vitrine_machine_window_cancel_files (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;

  vitrine_file_sender_cancel (self->sender);
}

/* --- Dropping ----------------------------------------------------------------------------------------------------- */

/* NULL after an error. */
static GStrv
paths_of (VitrineMachineWindow *self, char **uris)
{
  g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  for (; uris != NULL && *uris != NULL; uris++)
    {
      char *path = g_filename_from_uri (*uris, NULL, NULL);
      if (path == NULL)
        {
          g_autofree char *words = g_strdup_printf (_("“%s” is not on this computer. Copy it here first."), *uris);
          vitrine_machine_window_show_error (self, words);
          return NULL;
        }
      g_ptr_array_add (paths, path);
    }
  g_ptr_array_add (paths, NULL);
  return (GStrv) g_ptr_array_free (g_steal_pointer (&paths), FALSE);
}

static void
dropped (VitrineMachineWindow *self, GdkDragContext *context, int x, int y, GtkSelectionData *selection)
{
  const char *obstacle = vitrine_file_sender_get_obstacle (self->sender);
  g_auto(GStrv) uris = gtk_selection_data_get_uris (selection);

  if (!vitrine_machine_window_is_alive (self) || uris == NULL || uris[0] == NULL)
    return;
  if (obstacle != NULL)
    {
      vitrine_machine_window_show_error (self, obstacle);
      return;
    }
  g_auto(GStrv) paths = paths_of (self, uris);
  if (paths == NULL)
    return;
  vitrine_screen_release (self->screen);
  vitrine_outside_confirm_async ((const char *const *) paths, vitrine_machine_window_get_xid (self), files_chosen,
                                 g_object_ref (self));
}

void
vitrine_machine_window_set_file_sender (VitrineMachineWindow *self, VitrineFileSender *sender)
{
  GtkWidget *screen = GTK_WIDGET (self->screen);

  g_set_object (&self->sender, sender);
  g_signal_connect_object (sender, "changed", G_CALLBACK (vitrine_machine_window_update_files), self, G_CONNECT_SWAPPED);
  gtk_drag_dest_set (screen, GTK_DEST_DEFAULT_ALL, NULL, 0, GDK_ACTION_COPY);
  gtk_drag_dest_add_uri_targets (screen);
  g_signal_connect_object (screen, "drag-data-received", G_CALLBACK (dropped), self, G_CONNECT_SWAPPED);
  vitrine_machine_window_update_files (self);
}
