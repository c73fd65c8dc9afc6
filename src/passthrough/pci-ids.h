/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of PCI vendors, devices and classes, from pci.ids (https://pci-ids.ucw.cz; format in its own head). Immutable,
 * any thread. */
#pragma once

#include "host-tree.h"

typedef struct _VitrinePciIds VitrinePciIds;

/* The tree's own list; without one, numbers are the names. Takes some milliseconds. */
VitrinePciIds *vitrine_pci_ids_new (VitrineHostTree *tree);
/* The same of USB: usb.ids (http://www.linux-usb.org/usb-ids.html), which has the same form. */
VitrinePciIds *vitrine_pci_ids_new_for_usb (VitrineHostTree *tree);
void           vitrine_pci_ids_free (VitrinePciIds *ids);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrinePciIds, vitrine_pci_ids_free)

/* "Intel Corporation"; "Vendor 8086" where there is no name. Never NULL. */
char *vitrine_pci_ids_vendor (const VitrinePciIds *ids, guint16 vendor);
char *vitrine_pci_ids_device (const VitrinePciIds *ids, guint16 vendor, guint16 device);
/* @class_code: 24 bits, as in sysfs. The most exact name of class and subclass. */
char *vitrine_pci_ids_class (const VitrinePciIds *ids, guint32 class_code);
