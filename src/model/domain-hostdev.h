/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices of a host that a definition gives to its guest: <hostdev mode='subsystem'> of the types pci and mdev
 * (https://libvirt.org/formatdomain.html#host-device-assignment). Others are left alone. Main thread, or one at a time.
 */
#pragma once

#include "domain.h"
#include "pci-address.h"

typedef enum
{
  VITRINE_HOSTDEV_PCI,    /* known by its address on the host: "0000:01:00.0" */
  VITRINE_HOSTDEV_MDEV,   /* a mediated device, known by its UUID */
} VitrineHostdevKind;

/* A copy: changing it changes nothing. */
typedef struct
{
  VitrineHostdevKind kind;
  char              *id;
  char              *model;        /* mdev: "vfio-pci", "vfio-ap", "vfio-ccw" */
  gboolean           managed;      /* pci: libvirt takes it from the host's driver, and gives it back */
  gboolean           rom_off;      /* pci: the guest's firmware does not see the card's own */
  gboolean           display;      /* mdev of a GPU: its picture is a screen of the machine */
  gboolean           ramfb;        /* ... from the firmware on; goes with display only */
  guint              boot_order;   /* 1..; 0: not in the order */
} VitrineHostdev;

void vitrine_hostdev_free (VitrineHostdev *hostdev);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHostdev, vitrine_hostdev_free)

GPtrArray *vitrine_domain_get_hostdevs (VitrineDomain *domain);   /* of VitrineHostdev, in document order */
gboolean   vitrine_domain_has_hostdev (VitrineDomain *domain, VitrineHostdevKind kind, const char *id);
/* Addresses on the host of all PCI devices that the machine has of it: also virtual functions as <interface type='hostdev'>, and
 * <disk type='nvme'>. */
GStrv      vitrine_domain_list_host_pci (VitrineDomain *domain);
/* At the end. Refused when it is there already, when its id is none, and when it is a second vfio-ap: a guest has one.
 */
gboolean   vitrine_domain_add_hostdev (VitrineDomain *domain, const VitrineHostdev *hostdev, GError **error);
/* With all that the document says of it. FALSE: there is no such device. */
gboolean   vitrine_domain_remove_hostdev (VitrineDomain *domain, VitrineHostdevKind kind, const char *id);
/* The element alone, as virsh attach-device and detach-device take it. NULL: there is no such device. */
char      *vitrine_domain_get_hostdev_xml (VitrineDomain *domain, VitrineHostdevKind kind, const char *id);
