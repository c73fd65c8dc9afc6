/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialogs about files that a confined machine's process asks for. */
#include "chooser.h"

#include <glib/gi18n.h>
#include <handy.h>
#include <stdio.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

#include "colors.h"
#include "outside.h"
#include "settings.h"
#include "usb-devices.h"

#define CHOOSE "--choose-file="

gboolean
vitrine_chooser_is_meant (int argc, char **argv)
{
  return argc > 1 && g_str_has_prefix (argv[1], CHOOSE);
}

static const char *
find_value (int argc, char **argv, const char *option)
{
  for (int i = 2; i < argc; i++)
    if (g_str_has_prefix (argv[i], option))
      return argv[i] + strlen (option);
  return "";
}

static void
add_filter (GtkFileChooser *chooser, const char *name, const char *const *patterns)
{
  GtkFileFilter *filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, name);
  for (; *patterns != NULL; patterns++)
    gtk_file_filter_add_pattern (filter, *patterns);
  gtk_file_chooser_add_filter (chooser, filter);
}

static void
begin_in (GtkFileChooser *chooser, GUserDirectory folder)
{
  const char *path = g_get_user_special_dir (folder);

  gtk_file_chooser_set_current_folder (chooser, path != NULL ? path : g_get_home_dir ());
}

static GtkWidget *
new_medium_dialog (const char *title, const char *kind, const char *const *images)
{
  static const char *const all[] = { "*", NULL };
  GtkWidget *dialog = gtk_file_chooser_dialog_new (title, NULL, GTK_FILE_CHOOSER_ACTION_OPEN, _("_Cancel"),
                                                   GTK_RESPONSE_CANCEL, _("_Insert"), GTK_RESPONSE_ACCEPT, NULL);

  add_filter (GTK_FILE_CHOOSER (dialog), kind, images);
  add_filter (GTK_FILE_CHOOSER (dialog), _("All files"), all);
  begin_in (GTK_FILE_CHOOSER (dialog), G_USER_DIRECTORY_DOWNLOAD);
  return dialog;
}

static GtkWidget *
new_save_dialog (const char *title, const char *accept, GUserDirectory folder, const char *name)
{
  GtkWidget *dialog = gtk_file_chooser_dialog_new (title, NULL, GTK_FILE_CHOOSER_ACTION_SAVE, _("_Cancel"),
                                                   GTK_RESPONSE_CANCEL, accept, GTK_RESPONSE_ACCEPT, NULL);

  gtk_file_chooser_set_do_overwrite_confirmation (GTK_FILE_CHOOSER (dialog), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), name);
  begin_in (GTK_FILE_CHOOSER (dialog), folder);
  return dialog;
}

/* --- Files for the guest ------------------------------------------------------------------------------------------ */

static GtkWidget *
new_files_dialog (void)
{
  GtkWidget *dialog = gtk_file_chooser_dialog_new (_("Send Files"), NULL, GTK_FILE_CHOOSER_ACTION_OPEN, _("_Cancel"),
                                                   GTK_RESPONSE_CANCEL, _("_Send"), GTK_RESPONSE_ACCEPT, NULL);

  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (dialog), TRUE);
  begin_in (GTK_FILE_CHOOSER (dialog), G_USER_DIRECTORY_DOCUMENTS);
  return dialog;
}

/* Whoever asks may be a guest: a name must not look like several, nor like one in another order. */
static char *
harmless (const char *path)
{
  g_autofree char *display = g_filename_display_name (path);
  GString *out = g_string_new (NULL);

  for (const char *at = display; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      GUnicodeType type = g_unichar_type (c);
      gboolean odd = type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR
                     || type == G_UNICODE_PARAGRAPH_SEPARATOR;
      g_string_append_unichar (out, odd ? 0xfffd : c);
    }
  return g_string_free (out, FALSE);
}

static GtkWidget *
new_paths_view (char **paths)
{
  GtkWidget *scroller = gtk_scrolled_window_new (NULL, NULL), *list = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  for (; *paths != NULL; paths++)
    {
      g_autofree char *path = harmless (*paths);
      GtkWidget *label = gtk_label_new (path);
      gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
      gtk_label_set_line_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
      gtk_label_set_width_chars (GTK_LABEL (label), 60);
      gtk_label_set_max_width_chars (GTK_LABEL (label), 60);
      gtk_label_set_xalign (GTK_LABEL (label), 0);
      gtk_label_set_selectable (GTK_LABEL (label), TRUE);
      gtk_container_add (GTK_CONTAINER (list), label);
    }
  gtk_container_add (GTK_CONTAINER (scroller), list);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 300);
  gtk_widget_show_all (scroller);
  return scroller;
}

/* Says where they are; only who means it sends them, and not who happens to press Enter now. */
static GtkWidget *
new_dropped_dialog (char **paths)
{
  guint n = g_strv_length (paths);
  GtkWidget *dialog = gtk_message_dialog_new (NULL, 0, GTK_MESSAGE_QUESTION, GTK_BUTTONS_NONE,
                                              ngettext ("Send %u file to the guest?", "Send %u files to the guest?", n), n);

  gtk_window_set_title (GTK_WINDOW (dialog), _("Send Files"));
  atk_object_set_name (gtk_widget_get_accessible (dialog), _("Send Files"));   /* else it is called “Question” */
  GtkWidget *area = gtk_message_dialog_get_message_area (GTK_MESSAGE_DIALOG (dialog));
  gtk_container_add (GTK_CONTAINER (area), new_paths_view (paths));
  gtk_dialog_add_buttons (GTK_DIALOG (dialog), _("_Cancel"), GTK_RESPONSE_CANCEL, _("_Send"), GTK_RESPONSE_ACCEPT, NULL);
  gtk_widget_grab_focus (gtk_dialog_get_widget_for_response (GTK_DIALOG (dialog), GTK_RESPONSE_CANCEL));
  return dialog;
}

/* --- USB devices -------------------------------------------------------------------------------------------------- */

static VitrineUsbDevice *
find_usb_device (const char *id)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_open ();
  g_autoptr(GPtrArray) devices = vitrine_usb_devices_list (tree);

  for (guint i = 0; i < devices->len; i++)
    if (g_str_equal (((VitrineUsbDevice *) devices->pdata[i])->id, id))
      return g_ptr_array_steal_index (devices, i);
  return NULL;
}

/* As above: nobody gives a device away by pressing Enter at the wrong moment. NULL: there is no such device. */
static GtkWidget *
new_usb_dialog (const char *id)
{
  g_autoptr(VitrineUsbDevice) device = find_usb_device (id);

  if (device == NULL)
    return NULL;
  GtkWidget *dialog = gtk_message_dialog_new (NULL, 0, device->loss != NULL ? GTK_MESSAGE_WARNING : GTK_MESSAGE_QUESTION, GTK_BUTTONS_NONE,
                                              _("Give “%s” to the guest?"), device->name);
  gtk_message_dialog_format_secondary_text (GTK_MESSAGE_DIALOG (dialog), "%s", device->loss != NULL ? device->loss
                                            : _("This computer does not have it until the guest gives it back."));
  gtk_window_set_title (GTK_WINDOW (dialog), _("USB Device"));
  atk_object_set_name (gtk_widget_get_accessible (dialog), _("USB Device"));
  gtk_dialog_add_buttons (GTK_DIALOG (dialog), _("_Cancel"), GTK_RESPONSE_CANCEL, _("_Give"), GTK_RESPONSE_ACCEPT, NULL);
  gtk_widget_grab_focus (gtk_dialog_get_widget_for_response (GTK_DIALOG (dialog), GTK_RESPONSE_CANCEL));
  return dialog;
}

/* --- The program -------------------------------------------------------------------------------------------------- */

static GtkWidget *
new_dialog (VitrineOutsideKind kind, const char *name, char **paths)
{
  static const char *const discs[] = { "*.iso", "*.ISO", "*.img", "*.cdr", NULL };
  static const char *const floppies[] = { "*.img", "*.IMG", "*.ima", "*.flp", "*.vfd", NULL };

  switch (kind)
    {
    case VITRINE_OUTSIDE_CD:
      return new_medium_dialog (_("Insert CD"), _("Disc images"), discs);
    case VITRINE_OUTSIDE_FLOPPY:
      return new_medium_dialog (_("Insert Floppy Disk"), _("Floppy images"), floppies);
    case VITRINE_OUTSIDE_PICTURE:
      return new_save_dialog (_("Save Screenshot"), _("_Save"), G_USER_DIRECTORY_PICTURES, name);
    case VITRINE_OUTSIDE_VIDEO:
      return new_save_dialog (_("Record Screen"), _("_Record"), G_USER_DIRECTORY_VIDEOS, name);
    case VITRINE_OUTSIDE_CAPTURE:
      return new_save_dialog (_("Capture Network Traffic"), _("_Capture"), G_USER_DIRECTORY_DOCUMENTS, name);
    case VITRINE_OUTSIDE_FILES:
      return new_files_dialog ();
    case VITRINE_OUTSIDE_DROPPED:
      return new_dropped_dialog (paths);
    case VITRINE_OUTSIDE_USB:
      return new_usb_dialog (name);
    }
  g_return_val_if_reached (NULL);
}

/* The machine's window belongs to another process; the window manager keeps the dialog above it all the same. */
static void
stay_above (GtkWidget *dialog, const char *parent)
{
#ifdef GDK_WINDOWING_X11
  GdkDisplay *display = gtk_widget_get_display (dialog);
  guint64 number = g_ascii_strtoull (parent, NULL, 10);
  g_autoptr(GdkWindow) window = NULL;

  if (number != 0 && GDK_IS_X11_DISPLAY (display))
    window = gdk_x11_window_foreign_new_for_display (display, (Window) number);
  gtk_widget_realize (dialog);
  if (window != NULL)
    gdk_window_set_transient_for (gtk_widget_get_window (dialog), window);
#endif
}

/* What comes after "--". */
static char **
find_paths (int argc, char **argv)
{
  int at = 0;

  while (at < argc && !g_str_equal (argv[at], "--"))
    at++;
  return argv + MIN (at + 1, argc);    /* main's list ends with a NULL */
}

/* Each path of several is ended by a NUL. */
static void
print_choice (VitrineOutsideKind kind, GtkWidget *dialog)
{
  if (kind == VITRINE_OUTSIDE_DROPPED || kind == VITRINE_OUTSIDE_USB)
    {
      putchar ('y');
      return;
    }
  GSList *paths = gtk_file_chooser_get_filenames (GTK_FILE_CHOOSER (dialog));
  for (const GSList *path = paths; path != NULL; path = path->next)
    {
      fputs (path->data, stdout);
      if (kind == VITRINE_OUTSIDE_FILES)
        putchar ('\0');
    }
  g_slist_free_full (paths, g_free);
}

int
vitrine_chooser_main (int argc, char **argv)
{
  VitrineOutsideKind kind;

  if (!vitrine_outside_kind_from_nick (argv[1] + strlen (CHOOSE), &kind) || !gtk_init_check (NULL, NULL))
    return 1;
  g_autoptr(GSettings) settings = vitrine_settings_new ();
  hdy_init ();
  if (settings != NULL)
    vitrine_colors_follow (settings);
  GtkWidget *dialog = new_dialog (kind, find_value (argc, argv, "--name="), find_paths (argc, argv));
  if (dialog == NULL)
    return 1;
  if (kind != VITRINE_OUTSIDE_DROPPED && kind != VITRINE_OUTSIDE_USB)
    gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT);
  stay_above (dialog, find_value (argc, argv, "--parent="));
  if (gtk_dialog_run (GTK_DIALOG (dialog)) == GTK_RESPONSE_ACCEPT)
    print_choice (kind, dialog);
  return 0;
}
