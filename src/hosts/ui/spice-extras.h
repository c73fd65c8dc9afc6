/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What SPICE does beside the screen, and needs widgets for: the clipboard is shared, USB devices of this computer go to
 * the guest by a dialog, files are dropped on the window. For other screens there is nothing of it. */
#pragma once

#include "machine-window.h"
#include "remote-screen.h"

typedef struct VitrineSpiceExtras VitrineSpiceExtras;

/* NULL: it is no SPICE screen. */
VitrineSpiceExtras *vitrine_spice_extras_new (VitrineMachineWindow *window, VitrineRemoteScreen *screen);
void                vitrine_spice_extras_free (VitrineSpiceExtras *self);
void                vitrine_spice_extras_add_to_menu (VitrineSpiceExtras *self, GMenu *menu);
