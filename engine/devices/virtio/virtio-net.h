/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio network card on PCI (VIRTIO 1.1, 5.1). */
#pragma once

#include "net.h"
#include "pci-function.h"

extern const VtDeviceClass vt_virtio_net_pci;

enum { VT_VIRTIO_NET_PAIRS = 8 };

typedef struct
{
  VtPciPlace place;
  VtNet     *net;          /* borrowed, closed before the card is freed; the card becomes its client. NULL: no cable */
  uint8_t    mac[6];
  unsigned   n_pairs;      /* of queues, at most VT_VIRTIO_NET_PAIRS; 0: one */
  uint64_t   ring_forms;   /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioNetConfig;

/* Another address; the driver takes it when it starts again, and keeps its old one until then. */
void vt_virtio_net_set_mac (VtDevice *dev, const uint8_t mac[6]);
/* The machine is in another place now (restored): its driver tells the network. */
void vt_virtio_net_announce (VtDevice *dev);
/* Pulls the cable, or plugs it in again. */
void vt_virtio_net_set_link (VtDevice *dev, bool up);
