/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file dialog that a confined machine's process asks for. */
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

static GtkWidget *
new_dialog (VitrineOutsideKind kind, const char *name)
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
  GtkWidget *dialog = new_dialog (kind, find_value (argc, argv, "--name="));
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT);
  stay_above (dialog, find_value (argc, argv, "--parent="));
  if (gtk_dialog_run (GTK_DIALOG (dialog)) != GTK_RESPONSE_ACCEPT)
    return 0;
  g_autofree char *path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));
  if (path != NULL)
    fputs (path, stdout);
  return 0;
}
