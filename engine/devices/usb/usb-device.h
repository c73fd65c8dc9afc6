/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A USB device as its bus sees it, and the bus as the device sees it (Universal Serial Bus Specification 2.0).
 *
 * As on the wire, the host asks and the device answers: with data, with STALL, or with NAK, "not now". After a NAK the device
 * says when to ask again (vt_usb_ready()), so nobody polls. All under the machine lock. */
#pragma once

#include "device.h"

typedef struct VtUsbDevice VtUsbDevice;

typedef enum
{
  VT_USB_DONE,
  VT_USB_NAK,
  VT_USB_STALL,
  VT_USB_ERROR,     /* no answer, or a broken one */
} VtUsbResult;

typedef enum   /* the port speed identifiers of xHCI 7.2.2.1.1 */
{
  VT_USB_FULL_SPEED  = 1,
  VT_USB_LOW_SPEED   = 2,
  VT_USB_HIGH_SPEED  = 3,
  VT_USB_SUPER_SPEED = 4,
} VtUsbSpeed;

/* Table 9-2. */
typedef struct
{
  uint8_t  type;        /* bmRequestType; bit 7: to the host */
  uint8_t  request;
  uint16_t value, index, length;
} VtUsbSetup;

#define VT_USB_TO_HOST 0x80u

typedef struct
{
  void (*reset) (VtUsbDevice *device);
  /* *len: room in data (to the host) or bytes in it; set to how much was transferred. Never more than setup->length. After a NAK
   * the same request comes again once endpoint VT_USB_TO_HOST of 0 is ready. SET_ADDRESS is answered at once. */
  VtUsbResult (*control) (VtUsbDevice *device, const VtUsbSetup *setup, uint8_t *data, uint32_t *len);
  VtUsbResult (*in) (VtUsbDevice *device, unsigned endpoint, uint8_t *data, uint32_t *len);
  VtUsbResult (*out) (VtUsbDevice *device, unsigned endpoint, const uint8_t *data, uint32_t len);
  /* What got a NAK there will not come again: the host has given it up. NULL: the device keeps nothing of it. */
  void (*cancel) (VtUsbDevice *device, unsigned address);
} VtUsbOps;

/* What a controller offers to what is plugged in. */
typedef struct
{
  bool (*attach) (void *host, unsigned port, VtUsbDevice *device, GError **error);
  void (*detach) (void *host, unsigned port);
  /* Endpoint `address` (bit 7: to the host) has something to say. */
  void (*ready) (void *host, unsigned port, unsigned address);
} VtUsbHostOps;

/* Where a device is plugged in: a member of its config. ops NULL (tests): nowhere. */
typedef struct
{
  const VtUsbHostOps *ops;
  void               *host;
  unsigned            port;      /* from 0 */
} VtUsbPlace;

struct VtUsbDevice
{
  const VtUsbOps *ops;
  VtUsbSpeed      speed;
  VtUsbPlace      place;
};

static inline void
vt_usb_ready (VtUsbDevice *device, unsigned address)
{
  if (device->place.ops != NULL)
    device->place.ops->ready (device->place.host, device->place.port, address);
}

static inline void
vt_usb_cancel (VtUsbDevice *device, unsigned address)
{
  if (device->ops->cancel != NULL)
    device->ops->cancel (device, address);
}

/* --- Chapter 9: what every device answers alike --------------------------------------------------------------------- */

/* Guest-visible state: part of a device's state block. */
typedef struct
{
  uint16_t halted;          /* bit per IN endpoint, OUT endpoints from bit 8; numbers 0-7 */
  uint8_t  address;
  uint8_t  configuration;
  bool     remote_wakeup;
  uint8_t  pad_[3];
} VtUsbState;

#define VT_USB_FIELDS(T, m)                                                                                            \
  VT_FIELD (T, m.halted), VT_FIELD (T, m.address), VT_FIELD (T, m.configuration), VT_FIELD (T, m.remote_wakeup),       \
    VT_FIELD (T, m.pad_)

typedef struct
{
  const uint8_t *bytes;
  uint16_t       len;
} VtUsbBytes;

typedef struct
{
  VtUsbBytes  device, configuration;        /* the latter with all that belongs to it */
  const char *const *strings;               /* of index 1, 2, ...; ASCII; NULL-ended */
} VtUsbDescriptors;

/* Handles the request if it is a standard one. *stall: as VtUsbOps.control. False: it is the class's business. */
bool vt_usb_standard_request (VtUsbState *state, const VtUsbDescriptors *descriptors, const VtUsbSetup *setup,
                              uint8_t *data, uint32_t *len, VtUsbResult *result);
bool vt_usb_halted (const VtUsbState *state, unsigned address);
/* Gives `bytes` as the answer, as far as there is room. */
VtUsbResult vt_usb_answer (const void *bytes, size_t n, uint8_t *data, uint32_t *len);
