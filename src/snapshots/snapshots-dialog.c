/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots-dialog.h"

#include <glib/gi18n.h>
#include <handy.h>

#include "paths.h"
#include "snapshots-page.h"

#define WIDTH  700
#define HEIGHT 560

/* What can still be taken back is deleted with the window. */
static void
destroyed (GtkWidget *window, VitrineSnapshots *snapshots)
{
  vitrine_snapshots_stop (snapshots);
  vitrine_snapshots_forget_doomed (snapshots);
}

static void
went_back (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineSnapshotsPage) page = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_snapshots_finish (VITRINE_SNAPSHOTS (source), result, &error))
    vitrine_snapshots_page_show_error (page, error);
}

static void
go_back (VitrineSnapshotsPage *page, const char *name, VitrineSnapshots *snapshots)
{
  vitrine_snapshots_go_back_async (snapshots, name, went_back, g_object_ref (page));
}

static gboolean
key_pressed (GtkWidget *window, GdkEventKey *event)
{
  if (event->keyval != GDK_KEY_Escape)
    return GDK_EVENT_PROPAGATE;
  gtk_window_close (GTK_WINDOW (window));
  return GDK_EVENT_STOP;
}

static GtkWidget *
new_window (GtkWindow *parent, const char *title, GtkWidget *page)
{
  GtkWidget *window = g_object_new (HDY_TYPE_WINDOW, "transient-for", parent, "modal", TRUE, "type-hint", GDK_WINDOW_TYPE_HINT_DIALOG,
                                    "title", title, "default-width", WIDTH, "default-height", HEIGHT, NULL);
  GtkWidget *header = hdy_header_bar_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  hdy_header_bar_set_title (HDY_HEADER_BAR (header), title);
  hdy_header_bar_set_show_close_button (HDY_HEADER_BAR (header), TRUE);
  gtk_widget_show (header);
  gtk_widget_show (box);
  gtk_container_add (GTK_CONTAINER (box), header);
  gtk_box_pack_start (GTK_BOX (box), page, TRUE, TRUE, 0);
  gtk_container_add (GTK_CONTAINER (window), box);
  g_signal_connect_after (window, "key-press-event", G_CALLBACK (key_pressed), NULL);
  return window;
}

GtkWidget *
vitrine_snapshots_dialog_new (GtkWindow *parent, VitrineMachine *machine)
{
  g_autofree char *title = g_strdup_printf (_("Snapshots of %s"), vitrine_machine_get_title (machine));
  g_autofree char *folder = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), "snapshots");
  VitrineSnapshots *snapshots = vitrine_snapshots_new_offline (folder, vitrine_machine_get_domain (machine));
  GtkWidget *page = vitrine_snapshots_page_new (snapshots, NULL);
  GtkWidget *window = new_window (parent, title, page);

  g_signal_connect_object (page, "go-back", G_CALLBACK (go_back), snapshots, 0);
  g_signal_connect_object (snapshots, "changed", G_CALLBACK (vitrine_machine_reload), machine, G_CONNECT_SWAPPED);
  g_signal_connect_data (window, "destroy", G_CALLBACK (destroyed), snapshots, (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  return window;
}
