/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB devices of this computer in a definition: <hostdev mode='subsystem' type='usb'>, which are plugged in when the machine starts, and
 * <redirdev bus='usb' type='spicevmc'>, which are ports for what a person plugs in
 * (https://libvirt.org/formatdomain.html#host-device-assignment, #redirected-devices). Main thread, or one at a time. */
#pragma once

#include "domain.h"

/* Which device: all that is given must fit. */
typedef struct
{
  gboolean has_product, has_place;
  guint    vendor, product, bus, address;
  char    *port;               /* where it is plugged in, as the kernel names it: "1-4.2"; NULL: anywhere */
} VitrineUsbWanted;

void  vitrine_usb_wanted_clear (VitrineUsbWanted *wanted);
/* "0781:5581", "1:7", "1-4.2". */
char *vitrine_usb_wanted_describe (const VitrineUsbWanted *wanted);

typedef struct
{
  VitrineUsbWanted wanted;
  gboolean         optional;   /* startupPolicy: the machine starts without it, too */
} VitrineUsbHostdev;

/* VitrineUsbHostdev, in document order. Those that name no device are not among them. */
GPtrArray *vitrine_domain_get_usb_hostdevs (VitrineDomain *domain);
/* So many <redirdev>s that we know. */
guint      vitrine_domain_count_usb_ports (VitrineDomain *domain);
