/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots-dialog.h"

#include <glib/gi18n.h>

#include "page-window.h"
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

GtkWidget *
vitrine_snapshots_dialog_new (GtkWindow *parent, VitrineMachine *machine)
{
  g_autofree char *title = g_strdup_printf (_("Snapshots of %s"), vitrine_machine_get_title (machine));
  g_autofree char *folder = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), "snapshots");
  VitrineSnapshots *snapshots = vitrine_snapshots_new_offline (folder, vitrine_machine_get_domain (machine));
  GtkWidget *page = vitrine_snapshots_page_new (snapshots, NULL);
  GtkWidget *window = vitrine_page_window_new (parent, title, page, WIDTH, HEIGHT);

  g_signal_connect_object (page, "go-back", G_CALLBACK (go_back), snapshots, 0);
  g_signal_connect_object (snapshots, "changed", G_CALLBACK (vitrine_machine_reload), machine, G_CONNECT_SWAPPED);
  g_signal_connect_data (window, "destroy", G_CALLBACK (destroyed), snapshots, (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  return window;
}
