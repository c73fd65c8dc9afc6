/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's snapshots as a tree: take, go back, delete with undo. Signal: "go-back" (name), when the person has said yes. */
#pragma once

#include <gtk/gtk.h>

#include "backend.h"
#include "snapshots.h"

#define VITRINE_TYPE_SNAPSHOTS_PAGE (vitrine_snapshots_page_get_type ())
G_DECLARE_FINAL_TYPE (VitrineSnapshotsPage, vitrine_snapshots_page, VITRINE, SNAPSHOTS_PAGE, GtkOverlay)

/* @backend: NULL where the machine does not run. */
GtkWidget *vitrine_snapshots_page_new (VitrineSnapshots *snapshots, VitrineBackend *backend);
void       vitrine_snapshots_page_show_error (VitrineSnapshotsPage *self, const GError *error);
/* Adds itself to the stack. */
GtkWidget *vitrine_snapshots_page_add_to (GtkStack *stack, VitrineSnapshots *snapshots, VitrineBackend *backend);
