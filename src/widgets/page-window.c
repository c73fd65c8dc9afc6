/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "page-window.h"

static gboolean
key_pressed (GtkWidget *window, GdkEventKey *event, const gboolean *unless)
{
  if (event->keyval != GDK_KEY_Escape || (unless != NULL && *unless))
    return GDK_EVENT_PROPAGATE;
  gtk_window_close (GTK_WINDOW (window));
  return GDK_EVENT_STOP;
}

void
vitrine_window_close_by_escape (GtkWidget *window, const gboolean *unless)
{
  g_signal_connect_after (window, "key-press-event", G_CALLBACK (key_pressed), (gpointer) unless);
}

GtkWidget *
vitrine_page_window_new (GtkWindow *parent, const char *title, GtkWidget *page, int width, int height)
{
  GtkWidget *window
      = g_object_new (HDY_TYPE_WINDOW, "transient-for", parent, "modal", TRUE, "type-hint", GDK_WINDOW_TYPE_HINT_DIALOG,
                      "title", title, "default-width", width, "default-height", height, NULL);
  GtkWidget *header = hdy_header_bar_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  hdy_header_bar_set_title (HDY_HEADER_BAR (header), title);
  hdy_header_bar_set_show_close_button (HDY_HEADER_BAR (header), TRUE);
  gtk_widget_show (header);
  gtk_widget_show (box);
  gtk_container_add (GTK_CONTAINER (box), header);
  gtk_box_pack_start (GTK_BOX (box), page, TRUE, TRUE, 0);
  gtk_container_add (GTK_CONTAINER (window), box);
  g_object_set_data (G_OBJECT (window), "vitrine-header", header);
  vitrine_window_close_by_escape (window, NULL);
  return window;
}

void
vitrine_page_window_add_buttons (GtkWidget *window, GtkWidget *start, GtkWidget *end)
{
  HdyHeaderBar *header = g_object_get_data (G_OBJECT (window), "vitrine-header");

  if (start != NULL)
    hdy_header_bar_pack_start (header, start);
  if (end != NULL)
    hdy_header_bar_pack_end (header, end);
  hdy_header_bar_set_show_close_button (header, start == NULL);   /* "Cancel" is there instead */
}
