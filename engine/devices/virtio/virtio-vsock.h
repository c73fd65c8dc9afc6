/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets between the guest and this computer, on PCI (VIRTIO 1.1, 5.10). */
#pragma once

#include "pci-function.h"
#include "port-stream.h"

extern const VtDeviceClass vt_virtio_vsock_pci;

enum { VT_VSOCK_CID_MIN = 3 };

typedef struct
{
  VtPciPlace    place;
  VtStreamHost *host;        /* borrowed; the device becomes its owner's peer. NULL: nobody answers */
  uint32_t      cid;         /* of the guest */
  uint64_t      ring_forms;  /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioVsockConfig;
