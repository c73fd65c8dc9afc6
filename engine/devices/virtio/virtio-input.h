/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keyboard, mouse and tablet as virtio input devices on PCI (VIRTIO 1.1, 5.8). */
#pragma once

#include "input-sink.h"
#include "pci-function.h"

extern const VtDeviceClass vt_virtio_keyboard_pci, vt_virtio_mouse_pci, vt_virtio_tablet_pci;

typedef struct
{
  VtPciPlace      place;
  VtLedSink       leds;         /* keyboards; may be empty */
  VtListeningSink listening;    /* may be empty */
  uint64_t   ring_forms;   /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioInputConfig;

/* Where the person's input goes in. It listens while a driver has the device. */
VtInputSink vt_virtio_input_sink (VtDevice *dev);
