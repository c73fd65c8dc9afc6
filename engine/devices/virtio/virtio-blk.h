/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio block device on PCI (VIRTIO 1.1, 5.2). */
#pragma once

#include "block.h"
#include "pci-function.h"

extern const VtDeviceClass vt_virtio_blk_pci;

typedef struct
{
  VtPciPlace  place;
  VtBlock    *block;    /* borrowed */
  const char *serial;   /* nullable; at most 20 bytes count */
} VtVirtioBlkConfig;
