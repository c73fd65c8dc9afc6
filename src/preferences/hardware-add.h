/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The buttons below a machine's hardware that add to it. They change the definition; "added" (drive, name) says that there is something
 * new: a drive by its target, or another device, whose name may be NULL. */
#pragma once

#include "domain.h"
#include "undo-bar.h"

#define VITRINE_TYPE_HARDWARE_ADD (vitrine_hardware_add_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHardwareAdd, vitrine_hardware_add, VITRINE, HARDWARE_ADD, GtkBox)

/* @cold: the machine is off. What can be had back by @undo_bar is lost by the next addition. */
GtkWidget *vitrine_hardware_add_new (VitrineDomain *domain, gboolean cold, VitrineUndoBar *undo_bar);
/* What there is no room for any more cannot be added. */
void       vitrine_hardware_add_update (VitrineHardwareAdd *self);
/* Images that were made here are deleted, unless a disk of @keep has them, which may be NULL. */
void       vitrine_hardware_add_drop_created (VitrineHardwareAdd *self, GPtrArray *keep);
