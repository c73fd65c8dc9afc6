/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What assistive technology reads on a guest's screen: its text, as long as the guest is in a text mode. */
#pragma once

#include <gtk/gtk-a11y.h>
#include <gtk/gtk.h>

#define VITRINE_TYPE_SCREEN_ACCESSIBLE (vitrine_screen_accessible_get_type ())
G_DECLARE_FINAL_TYPE (VitrineScreenAccessible, vitrine_screen_accessible, VITRINE, SCREEN_ACCESSIBLE, GtkWidgetAccessible)
