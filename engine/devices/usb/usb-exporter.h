/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: gives one of our own USB devices away over a byte stream, as a computer with a real one does (usbredir protocol, in the role
 * of its “usb-host”). One thread. */
#pragma once

#include "usb-device.h"

typedef struct UsbExporter UsbExporter;

/* write: what goes to the other end; not called from inside itself. */
UsbExporter *usb_exporter_new (void (*write) (void *opaque, const uint8_t *bytes, size_t n), void *opaque);
/* After the device. */
void         usb_exporter_free (UsbExporter *exporter);
/* Where the device is plugged in, one. */
VtUsbPlace   usb_exporter_place (UsbExporter *exporter);
/* The other end has said that. It hears of the device once it has said hello. */
void         usb_exporter_receive (UsbExporter *exporter, const uint8_t *bytes, size_t n);
/* The device's cable is pulled. */
void         usb_exporter_pull (UsbExporter *exporter);
/* Packets of the other end so far. */
unsigned     usb_exporter_requests (const UsbExporter *exporter);
