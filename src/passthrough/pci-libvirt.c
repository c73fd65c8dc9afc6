/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI devices as libvirt's node devices (https://libvirt.org/formatnode.html). A remote host does not say where its
 * default route goes, or what is mounted: so what is on a device is said, and that it may be needed. */
#include <glib/gi18n-lib.h>

#include "host-text.h"
#include "host-xml.h"
#include "pci-address.h"
#include "pci-private.h"

#define MAX_DEPTH 16   /* from a disk up to its controller */

typedef struct
{
  VitrinePciHost      *host;
  const VitrinePciIds *ids;
  GHashTable          *parents;     /* libvirt's name of a device -> of its parent */
  GHashTable          *by_name;     /* the same -> VitrinePciDevice, borrowed */
  GPtrArray           *documents;   /* of xmlDoc */
} Reading;

/* --- PCI devices -------------------------------------------------------------------------------------------------- */

/* A capability of a device, or one inside of a capability. */
static xmlNode *
find_capability (const xmlNode *parent, const char *type)
{
  VITRINE_XML_FOREACH (node, parent, "capability")
    if (vitrine_xml_attr_is (node, "type", type))
      return node;
  return NULL;
}

static guint64
to_number (char *text)
{
  guint64 value = text != NULL ? g_ascii_strtoull (text, NULL, 0) : 0;

  g_free (text);
  return value;
}

static guint64
number (const xmlNode *parent, const char *name)
{
  return to_number (vitrine_xml_text (vitrine_xml_child (parent, name)));
}

static guint64
number_attr (const xmlNode *node, const char *name)
{
  return to_number (vitrine_xml_attr (node, name));
}

static char *
format_address (guint64 domain, guint64 bus, guint64 slot, guint64 function)
{
  return g_strdup_printf ("%04x:%02x:%02x.%x", (guint) domain, (guint) bus, (guint) slot, (guint) function);
}

static void
read_sriov (VitrinePciDevice *device, const xmlNode *pci)
{
  const xmlNode *virtual = find_capability (pci, "virt_functions"), *physical = find_capability (pci, "phys_function");
  const xmlNode *address = vitrine_xml_child (physical, "address");

  device->max_virtual = (guint) number_attr (virtual, "maxCount");
  VITRINE_XML_FOREACH (node, virtual, "address")
    device->n_virtual++;
  if (address != NULL)
    device->physical = format_address (number_attr (address, "domain"), number_attr (address, "bus"),
                                       number_attr (address, "slot"), number_attr (address, "function"));
}

static void
read_pci (Reading *reading, const char *name, const xmlNode *root, const xmlNode *pci)
{
  g_autofree char *address
    = format_address (number (pci, "domain"), number (pci, "bus"), number (pci, "slot"), number (pci, "function"));
  g_autofree char *driver = vitrine_xml_text (vitrine_xml_find (root, "driver/name"));
  g_autofree char *product = vitrine_xml_text (vitrine_xml_child (pci, "product"));
  g_autofree char *vendor = vitrine_xml_text (vitrine_xml_child (pci, "vendor"));
  const xmlNode *group = vitrine_xml_child (pci, "iommuGroup");

  if (!vitrine_pci_address_parse (address, NULL, NULL, NULL, NULL))
    return;
  VitrinePciDevice *device
      = vitrine_pci_host_add (reading->host, address, reading->ids, (guint32) number (pci, "class") & 0xffffff,
                              (guint16) number_attr (vitrine_xml_child (pci, "vendor"), "id"),
                              (guint16) number_attr (vitrine_xml_child (pci, "product"), "id"));
  if (product != NULL && vendor != NULL)   /* the host's list of names may be newer than ours */
    {
      g_autofree char *both = g_strdup_printf ("%s %s", vendor, product);
      g_free (device->name);
      device->name = vitrine_host_text (both, VITRINE_HOST_TITLE_CHARS);
    }
  device->driver = vitrine_host_text (driver, VITRINE_HOST_TITLE_CHARS);
  device->group = group != NULL ? (int) (number_attr (group, "number") & G_MAXINT) : -1;
  read_sriov (device, pci);
  g_hash_table_insert (reading->by_name, g_strdup (name), device);
}

/* --- what is on them ---------------------------------------------------------------------------------------------- */

/* The PCI device nearest above; NULL. */
static VitrinePciDevice *
find_above (const Reading *reading, const char *name)
{
  for (guint depth = 0; name != NULL && depth < MAX_DEPTH; depth++)
    {
      VitrinePciDevice *device = g_hash_table_lookup (reading->by_name, name);
      if (device != NULL)
        return device;
      name = g_hash_table_lookup (reading->parents, name);
    }
  return NULL;
}

static void
look_at_net (VitrinePciDevice *device, const xmlNode *net)
{
  g_autofree char *raw = vitrine_xml_text (vitrine_xml_child (net, "interface"));
  g_autofree char *interface = vitrine_host_text (raw, VITRINE_HOST_TITLE_CHARS);

  if (interface != NULL && vitrine_xml_attr_is (vitrine_xml_child (net, "link"), "state", "up"))
    vitrine_pci_device_add_loss (
        device, g_strdup_printf (_("The host’s network card %s is connected: if the host is reached over "
                                   "it, it would be lost."),
                                 interface));
}

static void
look_at_storage (VitrinePciDevice *device, const xmlNode *storage)
{
  g_autofree char *raw = vitrine_xml_text (vitrine_xml_child (storage, "block"));
  g_autofree char *block = vitrine_host_text (raw, VITRINE_HOST_TITLE_CHARS);

  if (block != NULL)
    vitrine_pci_device_add_loss (
        device, g_strdup_printf (_("The host’s disk %s is on it: if anything is mounted from there, the host "
                                   "would lose it."),
                                 block));
}

static void
look_at_children (const Reading *reading, const char *name, const xmlNode *root)
{
  const xmlNode *net = find_capability (root, "net"), *storage = find_capability (root, "storage");
  VitrinePciDevice *device = net != NULL || storage != NULL ? find_above (reading, name) : NULL;

  if (device != NULL && net != NULL)
    look_at_net (device, net);
  if (device != NULL && storage != NULL)
    look_at_storage (device, storage);
}

static void
look_at_screens (VitrinePciHost *host)
{
  if (vitrine_pci_host_count_displays (host) != 1)
    return;
  for (guint i = 0; i < host->devices->len; i++)
    {
      VitrinePciDevice *device = host->devices->pdata[i];
      if (device->class_code >> 16 == VITRINE_PCI_CLASS_DISPLAY)
        vitrine_pci_device_add_loss (
            device, g_strdup (_("It is the host’s only graphics adapter: its screen would go dark.")));
    }
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static void
each_device (Reading *reading, void (*look) (Reading *reading, const char *name, const xmlNode *root))
{
  for (guint i = 0; i < reading->documents->len; i++)
    {
      const xmlNode *root = xmlDocGetRootElement (reading->documents->pdata[i]);
      g_autofree char *name = root != NULL ? vitrine_xml_text (vitrine_xml_child (root, "name")) : NULL;
      if (name != NULL)
        look (reading, name, root);
    }
}

static void
first_look (Reading *reading, const char *name, const xmlNode *root)
{
  const xmlNode *pci = find_capability (root, "pci");
  char *parent = vitrine_xml_text (vitrine_xml_child (root, "parent"));

  if (parent != NULL)
    g_hash_table_insert (reading->parents, g_strdup (name), parent);
  if (pci != NULL)
    read_pci (reading, name, root, pci);
}

static void
second_look (Reading *reading, const char *name, const xmlNode *root)
{
  look_at_children (reading, name, root);
}

static gboolean
has_groups (const VitrinePciHost *host)
{
  for (guint i = 0; i < host->devices->len; i++)
    if (((VitrinePciDevice *) host->devices->pdata[i])->group >= 0)
      return TRUE;
  return FALSE;
}

static void
free_document (gpointer document)
{
  xmlFreeDoc (document);
}

VitrinePciHost *
vitrine_pci_host_new_from_libvirt (const char *const *xml, const VitrinePciIds *ids)
{
  g_autoptr(GHashTable) parents = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr(GHashTable) by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func (free_document);
  Reading reading = { vitrine_pci_host_new (TRUE), ids, parents, by_name, documents };

  for (guint i = 0; xml[i] != NULL; i++)
    {
      xmlDoc *document = vitrine_host_parse_xml (xml[i]);
      if (document != NULL)
        g_ptr_array_add (documents, document);
    }
  each_device (&reading, first_look);
  each_device (&reading, second_look);
  vitrine_pci_host_sort (reading.host);
  look_at_screens (reading.host);
  reading.host->vfio_loaded = TRUE;   /* libvirt loads it */
  if (!has_groups (reading.host))
    reading.host->no_iommu = g_strdup (_("The host has no IOMMU groups: its IOMMU is off, or it has none."));
  return reading.host;
}
