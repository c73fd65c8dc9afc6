/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB devices of this computer, as /sys tells of them: nothing is opened. No widgets. Any thread, one at a time. */
#pragma once

#include "domain-usb.h"
#include "host-tree.h"

typedef struct
{
  guint    bus, address;       /* as lsusb shows them; another address after each plugging in */
  char    *id;                 /* both: "1:7" */
  char    *port;               /* where it is plugged in: "1-4.2" */
  guint16  vendor, product;
  char    *name;               /* "SanDisk Ultra Fit" */
  char    *loss;               /* what this computer loses with it, a sentence; NULL: nothing that it uses now */
} VitrineUsbDevice;

void vitrine_usb_device_free (VitrineUsbDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineUsbDevice, vitrine_usb_device_free)

/* By where they are plugged in; hubs are not among them, which belong to the computer. */
GPtrArray *vitrine_usb_devices_list (VitrineHostTree *tree);

/* What a person names: an id ("1:7", "001:007"), vendor and product ("0781:5581"), or a port ("1-4.2"). */
gboolean vitrine_usb_wanted_parse (VitrineUsbWanted *wanted, const char *words, GError **error);
/* Borrowed from @devices. NULL: there is none of that kind (G_IO_ERROR_NOT_FOUND), or several. */
const VitrineUsbDevice *vitrine_usb_devices_find (const GPtrArray *devices, const VitrineUsbWanted *wanted, GError **error);
