/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtio disks and network cards of a running machine come and go with its definition. Everything here blocks, for the seconds
 * that a guest needs to let go of a device; any thread. */
#pragma once

#include "client.h"
#include "domain.h"

/* What @after has and @before has not gets a slot there, as far as there are free ones and it goes there; the rest comes with the
 * next start. */
void     vitrine_hotplug_give_slots (VitrineDomain *before, VitrineDomain *after);
/* FALSE: a device that only one of them has is in no slot; the error says what to do. */
gboolean vitrine_hotplug_covers (VitrineDomain *before, VitrineDomain *after, GError **error);
/* Takes the machine from one definition to the other. All or nothing: what came goes again when something else fails. */
gboolean vitrine_hotplug_change (VitrineClient *client, VitrineDomain *before, VitrineDomain *after, GError **error);

/* One device, without a definition. @number: of the machine's, from then on. */
gboolean vitrine_hotplug_add_disk (VitrineClient *client, guint number, const VtDiskConfig *disk, GError **error);
gboolean vitrine_hotplug_add_net (VitrineClient *client, guint number, const VtNetConfig *net, GError **error);
