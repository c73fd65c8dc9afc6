/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrix of crypto queues: a row for each domain, a column for each card, both chosen by what is at their heads. A
 * cell says whose its queue is; activating one chooses its card and its domain, or drops the domain again.
 *
 * Signal "changed" (): the person chose something else. */
#pragma once

#include <gtk/gtk.h>

#include "ap-review.h"

#define VITRINE_TYPE_AP_GRID (vitrine_ap_grid_get_type ())
G_DECLARE_FINAL_TYPE (VitrineApGrid, vitrine_ap_grid, VITRINE, AP_GRID, GtkTreeView)

GtkWidget *vitrine_ap_grid_new (void);
/* @matrix is borrowed, and has to outlive what is shown of it; NULL: nothing. What was chosen stays chosen. */
void       vitrine_ap_grid_show (VitrineApGrid *self, const VitrineApMatrix *matrix);
void       vitrine_ap_grid_get_selection (VitrineApGrid *self, VitrineApSelection *selection);
