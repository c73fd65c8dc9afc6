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
} VtVirtioRngConfig;
