/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtio disks and network cards of a running machine come and go with its definition. What opens images, TAP devices and bridges is this
 * process, which is not confined. Any thread. */
#pragma once

#include "client.h"
#include "domain.h"

/* What @after has and @before has not gets a slot there, as far as there are free ones and it goes there; the rest comes with the
 * next start. */
void     vitrine_hotplug_give_slots (VitrineDomain *before, VitrineDomain *after);
/* FALSE: a device that only one of them has is in no slot; the error says what to do. */
gboolean vitrine_hotplug_covers (VitrineDomain *before, VitrineDomain *after, GError **error);

/* What takes a running machine from one definition to the other. One thread at a time. */
typedef struct _VitrineHotplug VitrineHotplug;

VitrineHotplug *vitrine_hotplug_new (VitrineDomain *before, VitrineDomain *after, GError **error);
void            vitrine_hotplug_free (VitrineHotplug *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHotplug, vitrine_hotplug_free)
/* An encrypted disk that comes and whose secret is not known yet: put its key (vitrine/image.h) there, and ask again. */
VtDiskConfig   *vitrine_hotplug_next_locked (VitrineHotplug *self);
/* All or nothing: what came goes again when something else fails. Blocks, for the seconds that a guest needs to let go of a device. */
gboolean        vitrine_hotplug_carry_out (VitrineHotplug *self, VitrineClient *client, GError **error);
/* After that, as far as the guest lets it, when the definition could not be written. */
void            vitrine_hotplug_take_back (VitrineHotplug *self, VitrineClient *client);

/* One device, without a definition. @number: of the machine's, from then on. Of an encrypted disk, the secret is its key. Block. */
gboolean vitrine_hotplug_add_disk (VitrineClient *client, guint number, const VtDiskConfig *disk, GError **error);
gboolean vitrine_hotplug_add_net (VitrineClient *client, guint number, const VtNetConfig *net, GError **error);
