/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shared folder on PCI: messages of 9P2000.L (VIRTIO's device 9; its messages are those of a share). */
#pragma once

#include "pci-function.h"
#include "share-interface.h"

extern const VtDeviceClass vt_virtio_9p_pci;

typedef struct
{
  VtPciPlace  place;
  VtShare    *share;       /* borrowed; NULL: every message is refused */
  const char *tag;         /* that the guest mounts it by; at most 32 bytes count */
  uint64_t    ring_forms;  /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtio9pConfig;
