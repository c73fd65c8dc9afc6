/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A port for USB devices that are somewhere else: whoever has the real one is at the other end of a byte stream and speaks the usbredir
 * protocol (version 0.7). What the guest sees there is the device's own: descriptors, speed, everything. */
#pragma once

#include "chardev.h"
#include "usb-device.h"

extern const VtDeviceClass vt_usb_redir;

typedef struct
{
  VtUsbPlace place, super_place;     /* for what is slower than SuperSpeed, and for what is not */
  VtChardev *chr;                    /* nullable; the device's from then on */
  /* The device, or the other end with it, has gone by itself or was unplugged. Machine lock held; nullable. */
  void     (*left) (void *opaque);
  void      *opaque;
} VtUsbRedirConfig;

/* Was this program built with libusbredirparser? If not, the device can be there, but nothing can be plugged in. */
bool vt_usb_redir_is_built (void);
/* Is nobody at the other end? */
bool vt_usb_redir_is_free (VtDevice *dev);
/* Takes the stream, in any case. False: the port is not free. */
bool vt_usb_redir_plug (VtDevice *dev, VtChardev *chr, GError **error);
/* As if its cable was pulled. */
void vt_usb_redir_unplug (VtDevice *dev);
