/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine in the library, wherever it runs: live picture, name, state, menu. Activating it starts the machine or
 * presents its window. Signals for what needs the whole window: "error" (message), "settings" (), "edit-xml" (),
 * "devices" (), "snapshots" (), "clone" (), "move" (), "bring" (), "migrate" (), "log" (), "delete" (). */
#pragma once

#include <gtk/gtk.h>

#include "guest.h"

#define VITRINE_TYPE_MACHINE_CARD (vitrine_machine_card_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMachineCard, vitrine_machine_card, VITRINE, MACHINE_CARD, GtkFlowBoxChild)

GtkWidget      *vitrine_machine_card_new (VitrineGuest *guest);
VitrineGuest   *vitrine_machine_card_get_guest (VitrineMachineCard *self);
void            vitrine_machine_card_open (VitrineMachineCard *self);
gboolean        vitrine_machine_card_matches (VitrineMachineCard *self, const char *words);
