/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio memory balloon on PCI (VIRTIO 1.1, 5.5; free page reporting as in 1.2, 5.5.6.7). */
#pragma once

#include "pci-function.h"
#include "vitrine/stats.h"

extern const VtDeviceClass vt_virtio_balloon_pci;

typedef struct
{
  VtPciPlace place;
  uint64_t   memory_bytes;           /* of the machine */
  bool       deflate_on_oom;         /* the guest may take pages back before it kills a process */
  bool       free_page_reporting;    /* the guest tells which pages it does not use, and the host gets them */
  uint64_t   ring_forms;             /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioBalloonConfig;

/* Asks the guest to make do with that much memory, which is rounded to pages and at most what the machine has. */
void vt_virtio_balloon_set_memory (VtDevice *dev, uint64_t bytes);
/* What the guest said last of its memory; also asks it to say so again. */
void vt_virtio_balloon_stats (VtDevice *dev, VtMemoryStats *out);
