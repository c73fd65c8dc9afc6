/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "“X” deleted [Undo]": floats over the bottom of a view for a while. What it speaks of is done when it is "gone" (); "undo" ()
 * when the person takes it back. One at a time. */
#pragma once

#include <gtk/gtk.h>

#define VITRINE_TYPE_UNDO_BAR (vitrine_undo_bar_get_type ())
G_DECLARE_FINAL_TYPE (VitrineUndoBar, vitrine_undo_bar, VITRINE, UNDO_BAR, GtkRevealer)

/* Adds itself to the overlay. */
GtkWidget *vitrine_undo_bar_add_to (GtkOverlay *overlay);
/* The one before is gone by that. Takes the focus. */
void       vitrine_undo_bar_show (VitrineUndoBar *self, const char *words);
/* As if its time was over. */
void       vitrine_undo_bar_end (VitrineUndoBar *self);
