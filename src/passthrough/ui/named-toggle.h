/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A check box in a tree view that has a name of its own. GTK's are told apart by nothing but their places.
 *
 * Property "label" (string): what assistive technology calls it; drawn nowhere. */
#pragma once

#include <gtk/gtk.h>

#define VITRINE_TYPE_NAMED_TOGGLE (vitrine_named_toggle_get_type ())
G_DECLARE_FINAL_TYPE (VitrineNamedToggle, vitrine_named_toggle, VITRINE, NAMED_TOGGLE, GtkCellRendererToggle)

GtkCellRenderer *vitrine_named_toggle_new (void);
