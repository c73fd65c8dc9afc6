/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio block device on PCI (VIRTIO 1.1, 5.2). */
#pragma once

#include "block.h"
#include "pci-function.h"

extern const VtDeviceClass vt_virtio_blk_pci;

enum { VT_VIRTIO_BLK_QUEUES = 8 };

typedef struct
{
  VtPciPlace  place;
  VtBlock    *block;    /* borrowed */
  const char *serial;   /* nullable; at most 20 bytes count */
  unsigned    n_queues; /* at most VT_VIRTIO_BLK_QUEUES; 0: one */
  uint64_t   ring_forms;   /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioBlkConfig;

/* The block has another size now: the driver is told. Machine lock held. */
void vt_virtio_blk_resized (VtDevice *dev);
