/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PCI devices of a host, as somebody who wants to give one away has to know them: what it is, what is in its IOMMU
 * group, who drives it, what the host would lose. Filled from a tree (this computer) or from libvirt's node devices
 * (another one). Strings are for people, and harmless. Made in any thread; one at a time. */
#pragma once

#include "domain.h"
#include "pci-ids.h"

typedef struct
{
  char    *address;         /* "0000:01:00.0" */
  guint32  class_code;      /* 24 bits */
  guint16  vendor, product;
  char    *class_name;      /* "VGA compatible controller" */
  char    *name;            /* "NVIDIA Corporation TU106 [GeForce RTX 2070]" */
  char    *driver;          /* of the host; NULL: none */
  int      group;           /* IOMMU group; -1: in none */
  char    *physical;        /* of an SR-IOV virtual function: whose it is; NULL */
  guint    n_virtual, max_virtual;   /* SR-IOV virtual functions that it has, and could have */
  GPtrArray *losses;        /* sentences: what the host would lose; empty: nothing that we know of */
  char    *user;            /* the machine that has it, by title; NULL: none */
  gboolean user_runs;
} VitrinePciDevice;

typedef struct
{
  GPtrArray *devices;       /* of VitrinePciDevice, by address */
  gboolean   remote;        /* by libvirt: what only the host itself knows is missing */
  char      *no_iommu;      /* why devices cannot be given away, a sentence; NULL: they can */
  char      *no_vfio;       /* the same of the driver vfio-pci */
  gboolean   vfio_loaded;
} VitrinePciHost;

VitrinePciHost *vitrine_pci_host_new_from_tree (VitrineHostTree *tree);
/* @xml: what virNodeDeviceGetXMLDesc() says of PCI, net and storage devices. What is no such XML is left out. */
VitrinePciHost *vitrine_pci_host_new_from_libvirt (const char *const *xml, const VitrinePciIds *ids);
void            vitrine_pci_host_free (VitrinePciHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrinePciHost, vitrine_pci_host_free)

VitrinePciDevice *vitrine_pci_host_lookup (const VitrinePciHost *host, const char *address);   /* borrowed; NULL */
/* Those that a definition has are that machine's from now on. */
void vitrine_pci_host_mark_user (VitrinePciHost *host, VitrineDomain *domain, const char *title, gboolean runs);

/* Bridges and the like stay with the board. */
gboolean   vitrine_pci_device_is_giveable (const VitrinePciDevice *device);
/* All that goes with it, itself included: what else is in its IOMMU group, and without one the functions of its slot.
 * Bridges stay. Borrowed devices, by address. */
GPtrArray *vitrine_pci_host_list_together (const VitrinePciHost *host, const VitrinePciDevice *device);
/* What the host would lose by these, each sentence once. */
GStrv      vitrine_pci_host_list_losses (const VitrinePciHost *host, const char *const *addresses);
/* Can these be given to the machine @title now, by this host as it is? The error is the first thing that is in the way.
 * Losses are not: those a person decides. */
gboolean
vitrine_pci_host_check (const VitrinePciHost *host, const char *const *addresses, const char *title, GError **error);
