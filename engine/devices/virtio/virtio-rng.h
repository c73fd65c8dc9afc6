/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio entropy device on PCI (VIRTIO 1.1, 5.4). */
#pragma once

#include "pci-function.h"

extern const VtDeviceClass vt_virtio_rng_pci;

typedef struct
{
  VtPciPlace place;
  /* Fills the buffer with random bytes, at once. */
  void     (*fill) (void *opaque, uint8_t *bytes, size_t n);
  void      *opaque;
  uint64_t   ring_forms;   /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioRngConfig;
