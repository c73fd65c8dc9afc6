/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot-row.h"

#include <glib/gi18n.h>

#define PICTURE_WIDTH  96
#define PICTURE_HEIGHT 60
#define INDENT         24
#define DEEPEST        8u      /* further down the tree nothing is gained by indenting */

/* --- Picture -------------------------------------------------------------------------------------------------------- */

static void
picture_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GtkImage) image = data;
  g_autoptr(GdkPixbuf) pixbuf = gdk_pixbuf_new_from_stream_finish (result, NULL);

  if (pixbuf == NULL)
    return;
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (image));
  cairo_surface_t *surface = gdk_cairo_surface_create_from_pixbuf (pixbuf, scale, NULL);
  gtk_image_set_from_surface (image, surface);
  cairo_surface_destroy (surface);
}

static GtkWidget *
new_picture (const char *folder, const VitrineSnapshot *snapshot)
{
  g_autofree char *path = folder != NULL ? vitrine_snapshot_store_path (folder, snapshot->name, VITRINE_SNAPSHOT_SCREEN) : NULL;
  g_autoptr(GFile) file = path != NULL ? g_file_new_for_path (path) : NULL;
  g_autoptr(GFileInputStream) stream = file != NULL ? g_file_read (file, NULL, NULL) : NULL;
  const char *icon = snapshot->has_state ? "video-display-symbolic" : "system-shutdown-symbolic";
  GtkWidget *image = gtk_image_new_from_icon_name (icon, GTK_ICON_SIZE_DND);
  int scale = gtk_widget_get_scale_factor (image);

  gtk_widget_set_size_request (image, PICTURE_WIDTH, PICTURE_HEIGHT);
  gtk_widget_set_valign (image, GTK_ALIGN_CENTER);
  gtk_style_context_add_class (gtk_widget_get_style_context (image), "snapshot-picture");
  if (stream != NULL)
    gdk_pixbuf_new_from_stream_at_scale_async (G_INPUT_STREAM (stream), PICTURE_WIDTH * scale, PICTURE_HEIGHT * scale, TRUE, NULL,
                                               picture_read, g_object_ref (image));
  return image;
}

/* --- Words ---------------------------------------------------------------------------------------------------------- */

static char *
say_when (const VitrineSnapshot *snapshot)
{
  g_autoptr(GDateTime) when = g_date_time_new_from_unix_local (snapshot->created);
  /* Translators: day and time of a snapshot, as g_date_time_format() has it. */
  g_autofree char *time = when != NULL ? g_date_time_format (when, _("%-d %B %Y, %H:%M")) : g_strdup ("?");

  return g_strdup_printf ("%s · %s", time, snapshot->has_state ? _("running") : _("off"));
}

static GtkWidget *
new_label (const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_style_context_add_class (gtk_widget_get_style_context (label), style);
  return label;
}

static GtkWidget *
new_words (const VitrineSnapshot *snapshot, const char *when, gboolean current)
{
  GtkWidget *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3), *first = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);

  gtk_container_add (GTK_CONTAINER (first), new_label (snapshot->name, "heading"));
  if (current)
    gtk_container_add (GTK_CONTAINER (first), new_label (_("You are here"), "snapshot-current"));
  gtk_container_add (GTK_CONTAINER (words), first);
  if (snapshot->description != NULL)
    {
      GtkWidget *description = new_label (snapshot->description, "snapshot-description");
      gtk_widget_set_tooltip_text (description, snapshot->description);
      gtk_container_add (GTK_CONTAINER (words), description);
    }
  gtk_container_add (GTK_CONTAINER (words), new_label (when, GTK_STYLE_CLASS_DIM_LABEL));
  gtk_widget_set_valign (words, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (words, TRUE);
  return words;
}

/* --- The row -------------------------------------------------------------------------------------------------------- */

static GtkWidget *
add_button (GtkWidget *box, const char *icon, const char *text, const char *name)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon, GTK_ICON_SIZE_BUTTON);

  gtk_style_context_add_class (gtk_widget_get_style_context (button), GTK_STYLE_CLASS_FLAT);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, text);
  atk_object_set_name (gtk_widget_get_accessible (button), text);
  g_object_set_data_full (G_OBJECT (button), "vitrine-snapshot", g_strdup (name), g_free);
  gtk_container_add (GTK_CONTAINER (box), button);
  return button;
}

static void
name_row (GtkWidget *row, const VitrineSnapshot *snapshot, const char *when, gboolean current)
{
  AtkObject *accessible = gtk_widget_get_accessible (row);
  g_autofree char *name = g_strdup_printf (current ? _("%s, %s, you are here") : "%s, %s", snapshot->name, when);
  g_autofree char *after = snapshot->parent != NULL ? g_strdup_printf (_("After “%s”"), snapshot->parent) : NULL;
  g_autofree char *description = g_strdup_printf ("%s%s%s", snapshot->description != NULL ? snapshot->description : "",
                                                  snapshot->description != NULL && after != NULL ? "\n" : "",
                                                  after != NULL ? after : "");

  atk_object_set_name (accessible, name);
  atk_object_set_description (accessible, description);
}

const char *
vitrine_snapshot_row_get_name (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), "vitrine-snapshot");
}

GtkWidget *
vitrine_snapshot_row_new (const char *folder, const VitrineSnapshot *snapshot, gboolean current, GtkWidget **go_back,
                          GtkWidget **forget)
{
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  g_autofree char *when = say_when (snapshot);
  g_autofree char *back_words = g_strdup_printf (_("Go back to “%s”"), snapshot->name);
  g_autofree char *forget_words = g_strdup_printf (_("Delete “%s”"), snapshot->name);

  g_object_set (box, "margin", 9, "margin-start", 9 + INDENT * (int) MIN (snapshot->depth, DEEPEST), NULL);
  gtk_container_add (GTK_CONTAINER (box), new_picture (folder, snapshot));
  gtk_container_add (GTK_CONTAINER (box), new_words (snapshot, when, current));
  *go_back = add_button (box, "document-revert-symbolic", back_words, snapshot->name);
  *forget = add_button (box, "user-trash-symbolic", forget_words, snapshot->name);
  gtk_container_add (GTK_CONTAINER (row), box);
  g_object_set_data_full (G_OBJECT (row), "vitrine-snapshot", g_strdup (snapshot->name), g_free);
  name_row (row, snapshot, when, current);
  gtk_widget_show_all (row);
  return row;
}
