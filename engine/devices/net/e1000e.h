/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network card that systems without virtio know: Intel 82574L. */
#pragma once

#include "net.h"
#include "pci-function.h"

extern const VtDeviceClass vt_e1000e;

typedef struct
{
  VtPciPlace place;
  VtNet     *net;       /* borrowed, closed before the card is freed; the card becomes its client. NULL: no cable */
  uint8_t    mac[6];
} VtE1000eConfig;

/* Another address; the driver takes it when it resets the card. */
void vt_e1000e_set_mac (VtDevice *dev, const uint8_t mac[6]);
/* Pulls the cable, or plugs it in again. */
void vt_e1000e_set_link (VtDevice *dev, bool up);
