/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the machine window's menus and keys do. */
#include <gio/gunixoutputstream.h>
#include <glib/gi18n.h>
#include <gtk/gtk.h>
#include <unistd.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

#include "details.h"
#include "machine-window-private.h"
#include "outside.h"
#include "type-dialog.h"

/* --- which of them can be used ---------------------------------------------------------------------------------- */

void
vitrine_machine_window_enable (VitrineMachineWindow *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

/* The first CD or floppy drive. */
static gboolean
find_drive (VitrineMachineWindow *self, gboolean floppy, guint *index)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (self->domain);

  for (guint i = 0; i < disks->len; i++)
    if (floppy ? ((VitrineDisk *) disks->pdata[i])->floppy : ((VitrineDisk *) disks->pdata[i])->cdrom)
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

void
vitrine_machine_window_update_actions (VitrineMachineWindow *self)
{
  static const char *const when_alive[] = { "pause", "reset", "power-button", "force-off", "suspend", "send-keys", "type-text",
                                            "screenshot", "copy-text" };
  gboolean alive = vitrine_machine_window_is_alive (self);
  guint drive;
  gboolean media = alive && vitrine_machine_window_can (self, VITRINE_BACKEND_CHANGES_MEDIA);
  gboolean cd = media && find_drive (self, FALSE, &drive), floppy = media && find_drive (self, TRUE, &drive);

  for (guint i = 0; i < G_N_ELEMENTS (when_alive); i++)
    vitrine_machine_window_enable (self, when_alive[i], alive);
  vitrine_machine_window_enable (self, "copy-text", alive && vitrine_machine_window_can (self, VITRINE_BACKEND_READS_TEXT));
  vitrine_machine_window_enable (self, "insert-cd", cd);
  vitrine_machine_window_enable (self, "eject-cd", cd);
  vitrine_machine_window_enable (self, "insert-floppy", floppy);
  vitrine_machine_window_enable (self, "eject-floppy", floppy);
  vitrine_machine_window_update_recording (self);
  vitrine_machine_window_update_capture (self);
  vitrine_machine_window_update_files (self);
  gtk_widget_set_sensitive (self->power_button, alive);
  gtk_widget_set_sensitive (self->keys_button, alive);
}

/* --- actions ---------------------------------------------------------------------------------------------------- */

static void
action_pause (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;

  if (vitrine_backend_get_state (self->backend) == VITRINE_STATE_RUNNING)
    vitrine_backend_pause (self->backend);
  else
    vitrine_backend_resume (self->backend);
}

static void
action_reset (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_backend_reset (VITRINE_MACHINE_WINDOW (data)->backend);
}

static void
action_power_button (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_backend_power_button (VITRINE_MACHINE_WINDOW (data)->backend);
}

static void
action_force_off (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_backend_force_off (VITRINE_MACHINE_WINDOW (data)->backend);
}

static void
action_suspend (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_machine_window_ask_to_suspend (data);
}

static void
action_send_keys (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_backend_send_keys (self->backend, g_variant_get_string (parameter, NULL), &error);

  vitrine_machine_window_show_result (self, ok, error);
}

static void
action_type_text (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;

  vitrine_screen_release (self->screen);
  vitrine_type_dialog_show (GTK_WINDOW (self), self->backend, self->view);
}

static void
action_fullscreen (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;

  if (self->fullscreen)
    gtk_window_unfullscreen (GTK_WINDOW (self));
  else
    gtk_window_fullscreen (GTK_WINDOW (self));
}

static void
action_resize (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_machine_window_resize_to_screen (data);
}

static void
resize_guest_changed (GSimpleAction *action, GVariant *value, gpointer data)
{
  VitrineMachineWindow *self = data;

  g_simple_action_set_state (action, value);
  self->resize_guest = g_variant_get_boolean (value);
  vitrine_view_set_flag (self->view, 0, "resize-guest", self->resize_guest);
  vitrine_machine_window_update_follow (self);
}

static void
action_menu (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;

  if (self->fullscreen)
    vitrine_machine_window_reveal_header (self);
  gtk_button_clicked (GTK_BUTTON (self->menu_button));
}

static void
action_details (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;

  vitrine_details_show (self->menu_button, self->domain, self->backend);
}

static void
action_close (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gtk_window_close (GTK_WINDOW (data));
}

/* --- files ------------------------------------------------------------------------------------------------------ */

char *
vitrine_machine_window_propose_name (VitrineMachineWindow *self, const char *suffix)
{
  g_autofree char *title = vitrine_domain_get_title (self->domain);
  g_autoptr(GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%d %H-%M-%S");

  return g_strdup_printf ("%s %s.%s", title, time, suffix);
}

gulong
vitrine_machine_window_get_xid (VitrineMachineWindow *self)
{
#ifdef GDK_WINDOWING_X11
  GdkWindow *window = gtk_widget_get_window (GTK_WIDGET (self));

  if (window != NULL && GDK_IS_X11_WINDOW (window))
    return gdk_x11_window_get_xid (window);
#endif
  return 0;
}

/* The dialog runs outside of this process (outside.h); it stays above this window where the window system can do that. */
void
vitrine_machine_window_choose_file (VitrineMachineWindow *self, VitrineOutsideKind kind, const char *name,
                                    GAsyncReadyCallback done)
{
  vitrine_screen_release (self->screen);
  vitrine_outside_choose_async (kind, name, vitrine_machine_window_get_xid (self), done, g_object_ref (self));
}

static gboolean
write_picture (VitrineMachineWindow *self, int fd, GError **error)
{
  g_autoptr(GBytes) png = vitrine_backend_screenshot (self->backend, 0, error);
  g_autoptr(GOutputStream) out = g_unix_output_stream_new (fd, FALSE);

  return png != NULL
         && g_output_stream_write_all (out, g_bytes_get_data (png, NULL), g_bytes_get_size (png), NULL, NULL, error);
}

static void
screenshot_chosen (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineWindow) self = data;
  g_autoptr(GError) error = NULL;
  int fd;
  g_autofree char *path = vitrine_outside_choose_finish (result, &fd, &error);

  if (path != NULL && vitrine_machine_window_is_alive (self) && write_picture (self, fd, &error))
    {
      g_autofree char *display = g_filename_display_basename (path);
      g_autofree char *words = g_markup_printf_escaped (_("Saved as “%s”."), display);
      vitrine_machine_window_show_hint (self, words);
    }
  vitrine_machine_window_show_result (self, error == NULL, error);
  if (fd >= 0)
    close (fd);
}

static void
action_screenshot (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autofree char *name = vitrine_machine_window_propose_name (data, "png");

  vitrine_machine_window_choose_file (data, VITRINE_OUTSIDE_PICTURE, name, screenshot_chosen);
}

static void
action_copy_text (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;
  g_autofree char *text = vitrine_backend_get_text (self->backend);

  if (text != NULL)
    gtk_clipboard_set_text (gtk_clipboard_get (GDK_SELECTION_CLIPBOARD), text, -1);
  vitrine_machine_window_show_hint (self, text != NULL ? _("The text on the screen has been copied.")
                                : _("The machine shows pictures now, no text that could be copied."));
}

static void
change_medium (VitrineMachineWindow *self, gboolean floppy, const char *path, int fd)
{
  g_autoptr(GError) error = NULL;
  guint drive = 0;

  if (vitrine_machine_window_is_alive (self) && find_drive (self, floppy, &drive))
    {
      gboolean ok = vitrine_backend_change_medium (self->backend, drive, path, fd, &error);
      vitrine_machine_window_show_result (self, ok, error);
    }
  else if (fd >= 0)
    close (fd);
}

static void
medium_chosen (VitrineMachineWindow *window, gboolean floppy, GAsyncResult *result)
{
  g_autoptr(VitrineMachineWindow) self = window;
  g_autoptr(GError) error = NULL;
  int fd;
  g_autofree char *path = vitrine_outside_choose_finish (result, &fd, &error);

  vitrine_machine_window_show_result (self, error == NULL, error);
  if (path != NULL)
    change_medium (self, floppy, path, fd);
}

static void
cd_chosen (GObject *source, GAsyncResult *result, gpointer data)
{
  medium_chosen (data, FALSE, result);
}

static void
floppy_chosen (GObject *source, GAsyncResult *result, gpointer data)
{
  medium_chosen (data, TRUE, result);
}

static void
action_insert_cd (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_machine_window_choose_file (data, VITRINE_OUTSIDE_CD, "", cd_chosen);
}

static void
action_eject_cd (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  change_medium (data, FALSE, NULL, -1);
}

static void
action_insert_floppy (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  vitrine_machine_window_choose_file (data, VITRINE_OUTSIDE_FLOPPY, "", floppy_chosen);
}

static void
action_eject_floppy (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  change_medium (data, TRUE, NULL, -1);
}

static const GActionEntry actions[] = {
  { "pause", action_pause },
  { "reset", action_reset },
  { "power-button", action_power_button },
  { "force-off", action_force_off },
  { "suspend", action_suspend },
  { "send-keys", action_send_keys, "s" },
  { "type-text", action_type_text },
  { "fullscreen", action_fullscreen },
  { "resize-guest", NULL, NULL, "true", resize_guest_changed },
  { "resize-to-screen", action_resize },
  { "screenshot", action_screenshot },
  { "copy-text", action_copy_text },
  { "record", vitrine_machine_window_record },
  { "stop-recording", vitrine_machine_window_stop_recording },
  { "capture", vitrine_machine_window_capture, "u" },
  { "stop-capture", vitrine_machine_window_stop_capture },
  { "send-files", vitrine_machine_window_send_files },
  { "cancel-files", vitrine_machine_window_cancel_files },
  { "insert-cd", action_insert_cd },
  { "eject-cd", action_eject_cd },
  { "insert-floppy", action_insert_floppy },
  { "eject-floppy", action_eject_floppy },
  { "details", action_details },
  { "menu", action_menu },
  { "close", action_close },
};

void
vitrine_machine_window_add_actions (VitrineMachineWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}

/* What every machine's window does alike is a setting, what a person wants of one machine is in its view. */
void
vitrine_machine_window_add_view_actions (VitrineMachineWindow *self)
{
  static const char *const keys[] = { "scaling", "smooth-scaling" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr(GAction) action = g_settings_create_action (self->settings, keys[i]);
      g_action_map_add_action (G_ACTION_MAP (self), action);
    }
  self->resize_guest = vitrine_view_get_flag (self->view, 0, "resize-guest", TRUE);
  GAction *resize = g_action_map_lookup_action (G_ACTION_MAP (self), "resize-guest");
  g_simple_action_set_state (G_SIMPLE_ACTION (resize), g_variant_new_boolean (self->resize_guest));
  vitrine_machine_window_update_follow (self);
}
