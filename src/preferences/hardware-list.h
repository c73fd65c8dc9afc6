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
/* Images grow. */
gboolean   vitrine_hardware_list_apply (VitrineHardwareList *self, GError **error);
/* The definition has been written: new images that it names stay. Those that it does not go now, as all of them do without this. */
void       vitrine_hardware_list_written (VitrineHardwareList *self);

/* What a running machine takes: discs, cables, how much memory its guest should use, disks and cards in slots, larger disks. It takes
 * seconds where the guest has to let go of something. */
void       vitrine_hardware_list_apply_running_async (VitrineHardwareList *self, GAsyncReadyCallback done, gpointer data);
gboolean   vitrine_hardware_list_apply_running_finish (VitrineHardwareList *self, GAsyncResult *result, GError **error);
