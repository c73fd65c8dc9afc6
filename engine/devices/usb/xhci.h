/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB host controller (eXtensible Host Controller Interface for Universal Serial Bus 1.2) on PCI. */
#pragma once

#include "pci-function.h"
#include "usb-device.h"

extern const VtDeviceClass vt_xhci;

enum { VT_XHCI_PORTS = 16, VT_XHCI_FIRST_SUPER = 8 };    /* 0-7: up to high speed; 8-15: SuperSpeed */

typedef struct
{
  VtPciPlace place;
} VtXhciConfig;

/* A place for a device: port 0.. of the fitting kind. */
VtUsbPlace vt_xhci_place (VtDevice *dev, unsigned port);
