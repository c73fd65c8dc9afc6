/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Consoles and named ports on PCI (VIRTIO 1.1, 5.3): hvc0, hvc1 ..., and byte streams that programs of the guest open by name. */
#pragma once

#include "chardev.h"
#include "pci-function.h"

extern const VtDeviceClass vt_virtio_console_pci;

enum
{
  VT_VIRTIO_CONSOLE_PORTS = 8,
};

typedef struct
{
  VtChardev  *chr;         /* borrowed; NULL: nobody is there */
  const char *name;        /* nullable; at most 63 bytes count */
  bool        console;     /* a terminal: hvcN */
} VtVirtioConsolePort;

typedef struct
{
  VtPciPlace          place;
  VtVirtioConsolePort port[VT_VIRTIO_CONSOLE_PORTS];
  unsigned            n_ports;         /* 0: one */
  uint64_t            ring_forms;      /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioConsoleConfig;
