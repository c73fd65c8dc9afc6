/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a running machine takes from one definition to the other: discs, cables, memory, disks and cards in slots for hot plug,
 * larger disks. Done in a thread: a guest takes seconds to let go of a device. */
#pragma once

#include "client.h"
#include "domain.h"

typedef struct
{
  VitrineClient *client;             /* NULL: it is not running any more */
  VitrineDomain *before, *after;     /* own copies */
  guint64        memory;             /* bytes for the guest; 0: as it is */
  GPtrArray     *growing;            /* targets ... */
  GArray        *sizes;              /* ... and how many bytes they should have, guint64 */
} VitrineRunningChange;

/* Takes the client; the definitions are copied. */
VitrineRunningChange *vitrine_running_change_new (VitrineClient *client, VitrineDomain *before, VitrineDomain *after);
void                  vitrine_running_change_grow (VitrineRunningChange *change, const char *target, guint64 bytes);

/* Takes the change. */
void     vitrine_hardware_change_running_async (GObject *source, VitrineRunningChange *change, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_hardware_change_running_finish (GAsyncResult *result, GError **error);
