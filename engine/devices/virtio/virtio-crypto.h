/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ciphers, hashes and MACs for the guest, on PCI (VIRTIO 1.1, 5.9). */
#pragma once

#include "pci-function.h"

extern const VtDeviceClass vt_virtio_crypto_pci;

typedef struct
{
  VtPciPlace place;
  uint64_t   ring_forms;   /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioCryptoConfig;
