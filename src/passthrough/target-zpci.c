/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineTarget: what lspci says in an s390x guest. Its PCI domain is the uid; slot and function are always 0. */
#include <glib/gi18n-lib.h>

#include "target-private.h"

#define RED_HAT 0x1af4

/* What QEMU makes of an element, where the element alone says it. Numbers: pci.ids; classes: virtio 1.0, 4.1.2. */
static const struct
{
  const char *element;
  guint16     device;
  guint32     class_code;
} known[] = {
  { "interface", 0x1000, 0x020000 }, { "disk", 0x1001, 0x010000 }, { "memballoon", 0x1002, 0x00ff00 },
  { "console", 0x1003, 0x078000 },   { "rng", 0x1005, 0x00ff00 },  { "filesystem", 0x1009, 0x000200 },
};

static const VitrinePciIds *
get_ids (VitrineTarget *self)
{
  g_autoptr(VitrineHostTree) here = vitrine_host_tree_new ("/");

  if (self->ids == NULL)
    self->ids = vitrine_pci_ids_new (self->tree != NULL ? self->tree : here);
  return self->ids;
}

static char *
describe (VitrineTarget *self, const VitrineZpci *zpci)
{
  const VitrinePciDevice *device = self->pci != NULL ? vitrine_pci_host_lookup (self->pci, zpci->id) : NULL;

  if (g_str_equal (zpci->element, "hostdev"))
    return device != NULL ? g_strdup_printf ("%s: %s", device->class_name, device->name)
                          : g_strdup (_("a device that is not there"));
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (known[i].element, zpci->element))
      {
        g_autofree char *class_name = vitrine_pci_ids_class (get_ids (self), known[i].class_code);
        g_autofree char *vendor = vitrine_pci_ids_vendor (get_ids (self), RED_HAT);
        g_autofree char *name = vitrine_pci_ids_device (get_ids (self), RED_HAT, known[i].device);
        return g_strdup_printf ("%s: %s %s", class_name, vendor, name);
      }
  return g_strdup (zpci->element);
}

/* libvirt goes through the devices, and gives each that has none the least uid that is free. */
static guint32
find_uid (VitrineDomain *domain, const VitrineZpci *zpci)
{
  g_autoptr(VitrineDomain) copy = vitrine_domain_copy (domain);
  g_autoptr(GPtrArray) all = vitrine_domain_get_zpci (copy);

  for (guint i = 0; !zpci->has_uid && i < all->len; i++)
    {
      const VitrineZpci *other = all->pdata[i];
      guint32 uid = vitrine_domain_free_zpci_uid (copy);
      if (g_str_equal (other->id, zpci->id))
        return uid;
      if (!other->has_uid)
        vitrine_domain_set_zpci (copy, other->id, uid, vitrine_domain_free_zpci_fid (copy), NULL);
    }
  return zpci->uid;
}

char *
vitrine_target_preview_zpci (VitrineTarget *self, VitrineDomain *domain, const VitrineZpci *zpci)
{
  g_autofree char *what = describe (self, zpci);

  return g_strdup_printf ("%04x:00:00.0 %s", find_uid (domain, zpci), what);
}
