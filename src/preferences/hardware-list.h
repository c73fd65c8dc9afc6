/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The devices of a definition as rows that open: drives in boot order, network cards, the balloon, and sentences about what our
 * machine goes without. Changes the definition as the person does. */
#pragma once

#include "domain.h"
#include "machine.h"
#include "undo-bar.h"

#define VITRINE_TYPE_HARDWARE_LIST (vitrine_hardware_list_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHardwareList, vitrine_hardware_list, VITRINE, HARDWARE_LIST, GtkBox)

/* @running: NULL where the machine is off, and everything can be changed. @undo_bar: what is removed can be had back there. */
GtkWidget *vitrine_hardware_list_new (VitrineDomain *domain, VitrineMachine *running, VitrineUndoBar *undo_bar);
/* The first thing wrong, as a sentence. */
gboolean   vitrine_hardware_list_check (VitrineHardwareList *self, GError **error);
/* Images grow. New ones that the definition does not name any more go, as all new ones do without this. */
gboolean   vitrine_hardware_list_apply (VitrineHardwareList *self, GError **error);

/* What a running machine takes: discs, cables, and how much memory its guest should use. Blocks for a moment. */
gboolean   vitrine_hardware_list_apply_running (VitrineHardwareList *self, GError **error);
