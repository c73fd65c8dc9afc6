/* SPDX-License-Identifier: GPL-3.0-or-later */
/* List rows with one control each. */
#include "rows.h"

#include <glib/gi18n.h>

static char *
without_mnemonic (const char *title)
{
  char **parts = g_strsplit (title, "_", -1);
  char *plain = g_strjoinv (NULL, parts);

  g_strfreev (parts);
  return plain;
}

static GtkWidget *
new_row (const char *title, const char *subtitle, GtkWidget *control, gboolean stretch)
{
  GtkWidget *row = hdy_action_row_new ();
  g_autofree char *name = without_mnemonic (title);

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), title);
  hdy_action_row_set_use_underline (HDY_ACTION_ROW (row), TRUE);
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), subtitle);
  gtk_widget_set_valign (control, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (control, stretch);
  gtk_container_add (GTK_CONTAINER (row), control);
  hdy_action_row_set_activatable_widget (HDY_ACTION_ROW (row), control);
  atk_object_set_name (gtk_widget_get_accessible (control), name);
  atk_object_set_name (gtk_widget_get_accessible (row), name);
  if (subtitle != NULL)
    atk_object_set_description (gtk_widget_get_accessible (control), subtitle);
  gtk_list_box_row_set_selectable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_show_all (row);
  return row;
}

GtkWidget *
vitrine_row_new_entry (const char *title, GtkWidget **entry)
{
  *entry = gtk_entry_new ();
  gtk_entry_set_activates_default (GTK_ENTRY (*entry), TRUE);
  gtk_entry_set_width_chars (GTK_ENTRY (*entry), 30);
  return new_row (title, NULL, *entry, FALSE);
}

static void
file_chosen (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autofree char *path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));

  if (response == GTK_RESPONSE_ACCEPT && path != NULL)
    gtk_entry_set_text (GTK_ENTRY (data), path);
  g_object_unref (dialog);
}

static void
add_filter (GtkFileChooser *chooser, const char *name, const char *patterns)
{
  GtkFileFilter *filter = gtk_file_filter_new ();
  g_auto(GStrv) list = patterns != NULL ? g_strsplit (patterns, ";", -1) : NULL;

  gtk_file_filter_set_name (filter, name);
  for (guint i = 0; list != NULL && list[i] != NULL; i++)
    gtk_file_filter_add_pattern (filter, list[i]);
  if (list == NULL)
    gtk_file_filter_add_pattern (filter, "*");
  gtk_file_chooser_add_filter (chooser, filter);
}

static GtkFileChooserNative *
new_chooser (GtkWidget *entry, gboolean folder)
{
  GtkWidget *toplevel = gtk_widget_get_toplevel (entry);
  const char *title = g_object_get_data (G_OBJECT (entry), "vitrine-title");

  return gtk_file_chooser_native_new (title, GTK_WINDOW (toplevel), folder ? GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER : GTK_FILE_CHOOSER_ACTION_OPEN,
                                      folder ? _("_Select") : _("_Open"), _("_Cancel"));
}

static void
browse (GtkWidget *button, GtkWidget *entry)
{
  const char *name = g_object_get_data (G_OBJECT (entry), "vitrine-pattern-name");
  gboolean folder = g_object_get_data (G_OBJECT (entry), "vitrine-is-folder") != NULL;
  GtkFileChooserNative *dialog = new_chooser (entry, folder);
  g_autofree char *path = vitrine_row_get_path (entry);

  if (name != NULL)
    {
      add_filter (GTK_FILE_CHOOSER (dialog), name, g_object_get_data (G_OBJECT (entry), "vitrine-patterns"));
      add_filter (GTK_FILE_CHOOSER (dialog), _("All files"), NULL);
    }
  if (path != NULL)
    gtk_file_chooser_set_filename (GTK_FILE_CHOOSER (dialog), path);
  else if (folder)
    gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), g_get_home_dir ());
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (file_chosen), entry, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

GtkWidget *
vitrine_row_new_file (const char *title, const char *pattern_name, const char *patterns, GtkWidget **entry)
{
  GtkWidget *row = vitrine_row_new_entry (title, entry);
  GtkWidget *button = gtk_button_new_from_icon_name ("document-open-symbolic", GTK_ICON_SIZE_BUTTON);
  g_autofree char *name = without_mnemonic (title);
  g_autofree char *words = g_strdup_printf (_("Choose %s…"), name);

  g_object_set_data_full (G_OBJECT (*entry), "vitrine-title", g_strdup (name), g_free);
  g_object_set_data_full (G_OBJECT (*entry), "vitrine-pattern-name", g_strdup (pattern_name), g_free);
  g_object_set_data_full (G_OBJECT (*entry), "vitrine-patterns", g_strdup (patterns), g_free);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, words);
  atk_object_set_name (gtk_widget_get_accessible (button), words);
  gtk_container_add (GTK_CONTAINER (row), button);
  gtk_widget_show_all (row);
  g_signal_connect (button, "clicked", G_CALLBACK (browse), *entry);
  return row;
}

GtkWidget *
vitrine_row_new_folder (const char *title, GtkWidget **entry)
{
  GtkWidget *row = vitrine_row_new_file (title, NULL, NULL, entry);

  g_object_set_data (G_OBJECT (*entry), "vitrine-is-folder", *entry);
  return row;
}

GtkWidget *
vitrine_row_new_spin (const char *title, const char *subtitle, double minimum, double maximum, double step, GtkWidget **spin)
{
  *spin = gtk_spin_button_new_with_range (minimum, maximum, step);
  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (*spin), TRUE);
  gtk_entry_set_activates_default (GTK_ENTRY (*spin), TRUE);
  gtk_entry_set_width_chars (GTK_ENTRY (*spin), 7);
  return new_row (title, subtitle, *spin, FALSE);
}

GtkWidget *
vitrine_row_new_switch (const char *title, const char *subtitle, GtkWidget **button)
{
  *button = gtk_switch_new ();
  return new_row (title, subtitle, *button, FALSE);
}

GtkWidget *
vitrine_row_new_combo (const char *title, const char *const *ids, const char *const *labels, GtkWidget **combo)
{
  *combo = gtk_combo_box_text_new ();
  for (guint i = 0; ids[i] != NULL; i++)
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (*combo), ids[i], _(labels[i]));
  gtk_combo_box_set_active (GTK_COMBO_BOX (*combo), 0);
  return new_row (title, NULL, *combo, FALSE);
}

GtkWidget *
vitrine_row_new_text (const char *title, GtkWidget **label)
{
  GtkWidget *row;

  *label = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (*label), 1);
  gtk_label_set_ellipsize (GTK_LABEL (*label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_selectable (GTK_LABEL (*label), FALSE);
  gtk_style_context_add_class (gtk_widget_get_style_context (*label), "dim-label");
  row = new_row (title, NULL, *label, TRUE);
  atk_object_set_name (gtk_widget_get_accessible (*label), "");   /* its text is its name */
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  return row;
}

char *
vitrine_row_get_path (GtkWidget *entry)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (entry))));

  if (*text == '\0')
    return NULL;
  if (g_str_has_prefix (text, "file://"))
    return g_filename_from_uri (text, NULL, NULL);
  if (*text == '~')
    return g_build_filename (g_get_home_dir (), text + 1, NULL);
  return g_canonicalize_filename (text, g_get_home_dir ());
}
