/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI devices as /sys has them: Documentation/ABI/testing/sysfs-bus-pci of Linux. */
#include "host-text.h"
#include "pci-address.h"
#include "pci-private.h"

#define DEVICES "sys/bus/pci/devices"

static guint64
number (VitrineHostTree *tree, const char *address, const char *attribute)
{
  guint64 value;

  vitrine_host_tree_read_number (tree, &value, DEVICES "/%s/%s", address, attribute);
  return value;
}

static int
read_group (VitrineHostTree *tree, const char *address)
{
  g_autofree char *link = vitrine_host_tree_link (tree, DEVICES "/%s/iommu_group", address);
  guint64 group;

  return link != NULL && g_ascii_string_to_unsigned (link, 10, 0, G_MAXINT, &group, NULL) ? (int) group : -1;
}

static void
read_device (VitrinePciHost *host, VitrineHostTree *tree, const VitrinePciIds *ids, const char *address)
{
  VitrinePciDevice *device
    = vitrine_pci_host_add (host, address, ids, (guint32) number (tree, address, "class") & 0xffffff,
                            (guint16) number (tree, address, "vendor"), (guint16) number (tree, address, "device"));
  g_autofree char *driver = vitrine_host_tree_link (tree, DEVICES "/%s/driver", address);
  g_autofree char *physical = vitrine_host_tree_link (tree, DEVICES "/%s/physfn", address);

  device->driver = vitrine_host_text (driver, VITRINE_HOST_TITLE_CHARS);
  device->physical = vitrine_host_text (physical, VITRINE_HOST_TITLE_CHARS);
  device->group = read_group (tree, address);
  device->n_virtual = (guint) number (tree, address, "sriov_numvfs");
  device->max_virtual = (guint) number (tree, address, "sriov_totalvfs");
}

VitrinePciHost *
vitrine_pci_host_new_from_tree (VitrineHostTree *tree)
{
  VitrinePciHost *host = vitrine_pci_host_new (FALSE);
  g_autoptr(VitrinePciIds) ids = vitrine_pci_ids_new (tree);
  g_auto(GStrv) addresses = vitrine_host_tree_list (tree, DEVICES);

  for (guint i = 0; addresses[i] != NULL; i++)
    if (vitrine_pci_address_parse (addresses[i], NULL, NULL, NULL, NULL))
      read_device (host, tree, ids, addresses[i]);
  vitrine_pci_host_sort (host);
  vitrine_pci_host_find_losses (host, tree);
  vitrine_pci_host_find_vfio (host, tree);
  return host;
}
