/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "domain-hostdev.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "domain-private.h"
#include <vitrine/error.h>

static const char *const types[] = { [VITRINE_HOSTDEV_PCI] = "pci", [VITRINE_HOSTDEV_MDEV] = "mdev" };

void
vitrine_hostdev_free (VitrineHostdev *hostdev)
{
  g_free (hostdev->id);
  g_free (hostdev->model);
  g_free (hostdev);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

/* "0x01" and "1"; a missing domain is 0. */
static guint
get_part (const xmlNode *address, const char *name)
{
  g_autofree char *text = vitrine_xml_attr (address, name);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 0) : 0;
}

static char *
read_pci_address (const xmlNode *address)
{
  return address != NULL
             ? g_strdup_printf ("%04x:%02x:%02x.%x", get_part (address, "domain"), get_part (address, "bus"),
                                get_part (address, "slot"), get_part (address, "function"))
             : NULL;
}

static void
set_part (xmlNode *address, const char *name, int digits, guint value)
{
  g_autofree char *text = g_strdup_printf ("0x%0*x", digits, value);

  vitrine_xml_set_attr (address, name, text);
}

static void
write_pci_address (xmlNode *address, const char *text)
{
  guint domain, bus, slot, function;

  vitrine_pci_address_parse (text, &domain, &bus, &slot, &function);
  set_part (address, "domain", 4, domain);
  set_part (address, "bus", 2, bus);
  set_part (address, "slot", 2, slot);
  set_part (address, "function", 1, function);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* NULL: it is of another type, or not complete. */
static char *
read_id (const xmlNode *node, VitrineHostdevKind kind)
{
  const xmlNode *address = vitrine_xml_find (node, "source/address");

  if (!vitrine_xml_attr_is (node, "mode", "subsystem") || !vitrine_xml_attr_is (node, "type", types[kind]))
    return NULL;
  if (kind == VITRINE_HOSTDEV_PCI)
    return read_pci_address (address);
  g_autofree char *uuid = vitrine_xml_attr (address, "uuid");
  return uuid != NULL ? g_ascii_strdown (uuid, -1) : NULL;
}

static VitrineHostdev *
read_hostdev (const xmlNode *node)
{
  for (VitrineHostdevKind kind = VITRINE_HOSTDEV_PCI; kind <= VITRINE_HOSTDEV_MDEV; kind++)
    {
      char *id = read_id (node, kind);
      if (id == NULL)
        continue;
      VitrineHostdev *hostdev = g_new0 (VitrineHostdev, 1);
      hostdev->kind = kind;
      hostdev->id = id;
      hostdev->model = vitrine_xml_attr (node, "model");
      hostdev->managed = vitrine_xml_attr_is (node, "managed", "yes");
      hostdev->rom_off = vitrine_xml_attr_is (vitrine_xml_child (node, "rom"), "bar", "off");
      hostdev->display = vitrine_xml_attr_is (node, "display", "on");
      hostdev->ramfb = vitrine_xml_attr_is (node, "ramfb", "on");
      hostdev->boot_order = get_part (vitrine_xml_child (node, "boot"), "order");
      return hostdev;
    }
  return NULL;
}

static void
free_hostdev (gpointer data)
{
  vitrine_hostdev_free (data);
}

GPtrArray *
vitrine_domain_get_hostdevs (VitrineDomain *self)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (free_hostdev);

  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (self), "devices"), "hostdev")
    {
      VitrineHostdev *hostdev = read_hostdev (node);
      if (hostdev != NULL)
        g_ptr_array_add (all, hostdev);
    }
  return all;
}

static xmlNode *
find (VitrineDomain *self, VitrineHostdevKind kind, const char *id)
{
  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (self), "devices"), "hostdev")
    {
      g_autofree char *own = read_id (node, kind);
      if (own != NULL && g_ascii_strcasecmp (own, id) == 0)
        return node;
    }
  return NULL;
}

gboolean
vitrine_domain_has_hostdev (VitrineDomain *self, VitrineHostdevKind kind, const char *id)
{
  return find (self, kind, id) != NULL;
}

char *
vitrine_domain_get_hostdev_xml (VitrineDomain *self, VitrineHostdevKind kind, const char *id)
{
  xmlNode *node = find (self, kind, id);

  if (node == NULL)
    return NULL;
  xmlBuffer *buffer = xmlBufferCreate ();
  xmlNodeDump (buffer, node->doc, node, 0, 1);
  char *xml = g_strdup ((const char *) xmlBufferContent (buffer));
  xmlBufferFree (buffer);
  return xml;
}

static void
add_sources (GPtrArray *all, const xmlNode *devices, const char *element, const char *type)
{
  VITRINE_XML_FOREACH (node, devices, element)
    {
      char *address = vitrine_xml_attr_is (node, "type", type)
                          ? read_pci_address (vitrine_xml_find (node, "source/address"))
                          : NULL;
      if (address != NULL)
        g_ptr_array_add (all, address);
    }
}

GStrv
vitrine_domain_list_host_pci (VitrineDomain *self)
{
  const xmlNode *devices = vitrine_xml_child (vitrine_domain_root (self), "devices");
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func (g_free);

  add_sources (all, devices, "hostdev", "pci");
  add_sources (all, devices, "interface", "hostdev");
  add_sources (all, devices, "disk", "nvme");
  g_ptr_array_add (all, NULL);
  return (GStrv) g_ptr_array_steal (all, NULL);
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

static gboolean
has_vfio_ap (VitrineDomain *self)
{
  g_autoptr(GPtrArray) all = vitrine_domain_get_hostdevs (self);

  for (guint i = 0; i < all->len; i++)
    if (g_strcmp0 (((VitrineHostdev *) all->pdata[i])->model, "vfio-ap") == 0)
      return TRUE;
  return FALSE;
}

static gboolean
check (VitrineDomain *self, const VitrineHostdev *hostdev, GError **error)
{
  gboolean valid = hostdev->kind == VITRINE_HOSTDEV_PCI
                       ? vitrine_pci_address_parse (hostdev->id, NULL, NULL, NULL, NULL)
                       : g_uuid_string_is_valid (hostdev->id);

  if (!valid && hostdev->kind == VITRINE_HOSTDEV_PCI)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is no PCI address: write for example 0000:01:00.0."),
                 hostdev->id);
  else if (!valid)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is no UUID of a mediated device."), hostdev->id);
  else if (vitrine_domain_has_hostdev (self, hostdev->kind, hostdev->id))
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("The machine has the device %s already."), hostdev->id);
  else if (g_strcmp0 (hostdev->model, "vfio-ap") == 0 && has_vfio_ap (self))
    g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG,
                         _("The machine has a crypto matrix already, and can have one only: add to that one."));
  else if (hostdev->display && vitrine_xml_find (vitrine_domain_root (self), "devices/graphics") == NULL)
    g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG,
                         _("The machine has no screen that the device’s picture could be shown on: add SPICE or VNC first."));
  else
    return TRUE;
  return FALSE;
}

static void
write_pci (xmlNode *node, const VitrineHostdev *hostdev)
{
  vitrine_xml_set_attr (node, "managed", hostdev->managed ? "yes" : "no");
  write_pci_address (vitrine_xml_ensure (node, "source/address"), hostdev->id);
  if (hostdev->rom_off)
    vitrine_xml_set_attr (vitrine_xml_ensure (node, "rom"), "bar", "off");
}

static void
write_mdev (xmlNode *node, const VitrineHostdev *hostdev)
{
  vitrine_xml_set_attr (node, "model", hostdev->model);
  vitrine_xml_set_attr (node, "display", hostdev->display ? "on" : NULL);
  vitrine_xml_set_attr (node, "ramfb", hostdev->display && hostdev->ramfb ? "on" : NULL);
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "source/address"), "uuid", hostdev->id);
}

gboolean
vitrine_domain_add_hostdev (VitrineDomain *self, const VitrineHostdev *hostdev, GError **error)
{
  if (!check (self, hostdev, error))
    return FALSE;
  xmlNode *node = xmlNewChild (vitrine_domain_devices (self), NULL, BAD_CAST "hostdev", NULL);
  vitrine_xml_set_attr (node, "mode", "subsystem");
  vitrine_xml_set_attr (node, "type", types[hostdev->kind]);
  if (hostdev->kind == VITRINE_HOSTDEV_PCI)
    write_pci (node, hostdev);
  else
    write_mdev (node, hostdev);
  if (hostdev->boot_order > 0)
    {
      g_autofree char *order = g_strdup_printf ("%u", hostdev->boot_order);
      vitrine_xml_set_attr (vitrine_xml_ensure (node, "boot"), "order", order);
    }
  return TRUE;
}

gboolean
vitrine_domain_remove_hostdev (VitrineDomain *self, VitrineHostdevKind kind, const char *id)
{
  xmlNode *node = find (self, kind, id);

  vitrine_xml_remove (node);
  return node != NULL;
}
