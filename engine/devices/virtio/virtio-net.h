/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio network card on PCI (VIRTIO 1.1, 5.1). */
#pragma once

#include "net.h"
#include "pci-function.h"

extern const VtDeviceClass vt_virtio_net_pci;

typedef struct
{
  VtPciPlace place;
  VtNet     *net;          /* borrowed, closed before the card is freed; the card becomes its client. NULL: no cable */
  uint8_t    mac[6];
  uint64_t   ring_forms;   /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioNetConfig;

/* Another address; the driver takes it when it starts. */
void vt_virtio_net_set_mac (VtDevice *dev, const uint8_t mac[6]);
/* Pulls the cable, or plugs it in again. */
void vt_virtio_net_set_link (VtDevice *dev, bool up);
