/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files that fill a VitrinePciHost share. */
#pragma once

#include "pci-host.h"

#define VITRINE_PCI_CLASS_DISPLAY 0x03
#define VITRINE_PCI_CLASS_BRIDGE 0x06
#define VITRINE_PCI_BRIDGE_HOST 0x0600   /* with subclass */
#define VITRINE_PCI_BRIDGE_PCI 0x0604

VitrinePciHost   *vitrine_pci_host_new (gboolean remote);
/* The host's; name and class are looked up. */
VitrinePciDevice *vitrine_pci_host_add (VitrinePciHost *host, const char *address, const VitrinePciIds *ids,
                                        guint32 class_code, guint16 vendor, guint16 product);
void              vitrine_pci_host_sort (VitrinePciHost *host);
guint             vitrine_pci_host_count_displays (const VitrinePciHost *host);
/* Takes @sentence; one that is there already is not said twice. */
void              vitrine_pci_device_add_loss (VitrinePciDevice *device, char *sentence);

/* pci-losses.c: what the host stands on. */
void vitrine_pci_host_find_losses (VitrinePciHost *host, VitrineHostTree *tree);
/* vfio.c: fills no_iommu, no_vfio and vfio_loaded. */
void vitrine_pci_host_find_vfio (VitrinePciHost *host, VitrineHostTree *tree);
