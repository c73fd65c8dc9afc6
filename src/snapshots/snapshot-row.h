/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One snapshot in a list: picture, name, what is said of it, when it was taken; indented below the one that it came of. */
#pragma once

#include <gtk/gtk.h>

#include "snapshot-store.h"

/* @folder: with its picture; NULL: there is none. The buttons are the caller's to connect. The row's accessible name says all of it. */
GtkWidget  *vitrine_snapshot_row_new (const char *folder, const VitrineSnapshot *snapshot, gboolean current, GtkWidget **go_back,
                                      GtkWidget **forget);
/* Of that row, or of one of its buttons. */
const char *vitrine_snapshot_row_get_name (GtkWidget *widget);
