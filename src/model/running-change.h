/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a running machine takes from one definition to the other: discs, cables, forwarded ports, memory, disks and cards in slots for
 * hot plug, larger disks. One thread at a time, any of them. */
#pragma once

#include "client.h"
#include "domain.h"

typedef struct _VitrineRunningChange VitrineRunningChange;

/* Takes the client, which may be NULL when the machine has just ended; the definitions are copied. */
VitrineRunningChange *vitrine_running_change_new (VitrineClient *client, VitrineDomain *before, VitrineDomain *after);
void                  vitrine_running_change_free (VitrineRunningChange *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineRunningChange, vitrine_running_change_free)
/* That the guest should use, with its balloon. */
void                  vitrine_running_change_set_memory (VitrineRunningChange *self, guint64 bytes);
void                  vitrine_running_change_grow (VitrineRunningChange *self, const char *target, guint64 bytes);

/* Blocks, for the seconds that a guest needs to let go of a device. Nothing is done while the key of an encrypted disk is wanted: give
 * that, and call it again. */
gboolean            vitrine_running_change_carry_out (VitrineRunningChange *self, GError **error);
/* Devices that came go again, and the other way round, when the definition could not be written. Blocks. */
void                vitrine_running_change_take_back (VitrineRunningChange *self);
/* Whose key is wanted; NULL: nobody's. */
const VtDiskConfig *vitrine_running_change_get_locked (VitrineRunningChange *self);
void                vitrine_running_change_unlock (VitrineRunningChange *self, VtSecret *key);
