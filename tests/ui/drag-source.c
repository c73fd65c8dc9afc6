/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drag-source URI...: a window from which these can be dragged, as from a file manager. */
#include <gtk/gtk.h>

static void
give (GtkWidget *widget, GdkDragContext *context, GtkSelectionData *selection, guint info, guint time, gpointer uris)
{
  gtk_selection_data_set_uris (selection, uris);
}

int
main (int argc, char **argv)
{
  gtk_init (NULL, NULL);
  GtkWidget *window = gtk_window_new (GTK_WINDOW_TOPLEVEL), *box = gtk_event_box_new ();
  gtk_window_set_title (GTK_WINDOW (window), "Files to Drag");
  gtk_window_set_default_size (GTK_WINDOW (window), 120, 120);
  gtk_window_set_keep_above (GTK_WINDOW (window), TRUE);
  gtk_container_add (GTK_CONTAINER (box), gtk_label_new ("drag here"));
  gtk_container_add (GTK_CONTAINER (window), box);
  gtk_drag_source_set (box, GDK_BUTTON1_MASK, NULL, 0, GDK_ACTION_COPY);
  gtk_drag_source_add_uri_targets (box);
  g_signal_connect (box, "drag-data-get", G_CALLBACK (give), argv + 1);
  g_signal_connect (window, "destroy", gtk_main_quit, NULL);
  gtk_widget_show_all (window);
  gtk_main ();
  return 0;
}
