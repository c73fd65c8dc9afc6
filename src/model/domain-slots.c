/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: slots for hot plug.
 *
 * The document says them as libvirt does: a controller of model pcie-root-port, and the address of a device on its bus.  Only
 * a port that sits where our machine has one counts, so that definitions of other programs, which put every device behind
 * a port of its own, mean the same machine as before. */
#include <string.h>

#include "domain-private.h"

#define PORTS_SLOT 0x1c   /* engine: X86_PORTS_SLOT */

static gboolean
get_number (const xmlNode *node, const char *name, guint64 most, guint *out)
{
  g_autofree char *text = vitrine_xml_attr (node, name);
  const char *digits = text != NULL && g_str_has_prefix (text, "0x") ? text + 2 : text;
  guint64 value;

  if (text == NULL || !g_ascii_string_to_unsigned (digits, digits == text ? 10 : 16, 0, most, &value, NULL))
    return FALSE;
  *out = (guint) value;
  return TRUE;
}

/* Which of our ports that controller is, from 1; 0: none. */
static guint
port_of_controller (const xmlNode *controller)
{
  const xmlNode *address = vitrine_xml_child (controller, "address");
  guint bus, slot, function;

  if (!vitrine_xml_attr_is (controller, "type", "pci") || !vitrine_xml_attr_is (controller, "model", "pcie-root-port")
      || !get_number (address, "bus", 255, &bus) || !get_number (address, "slot", 31, &slot)
      || !get_number (address, "function", 7, &function))
    return 0;
  return bus == 0 && slot == PORTS_SLOT && function < VT_HOTPLUG_PORTS ? function + 1 : 0;
}

static guint
index_of_port (const xmlNode *devices, guint port)
{
  guint index;

  VITRINE_XML_FOREACH (controller, devices, "controller")
    if (port_of_controller (controller) == port && get_number (controller, "index", 255, &index))
      return index;
  return 0;
}

guint
vitrine_domain_get_slot (VitrineDomain *self, const xmlNode *device)
{
  const xmlNode *address = vitrine_xml_child (device, "address");
  guint bus;

  if (!vitrine_xml_attr_is (address, "type", "pci") || !get_number (address, "bus", 255, &bus) || bus == 0)
    return 0;
  for (guint port = 1; port <= VT_HOTPLUG_PORTS; port++)
    if (index_of_port (vitrine_domain_devices (self), port) == bus)
      return port;
  return 0;
}

static gboolean
index_taken (const xmlNode *devices, guint wanted)
{
  guint index;

  VITRINE_XML_FOREACH (controller, devices, "controller")
    if (vitrine_xml_attr_is (controller, "type", "pci") && get_number (controller, "index", 255, &index) && index == wanted)
      return TRUE;
  return FALSE;
}

static xmlNode *
new_element (xmlNode *parent, const char *name)
{
  return xmlNewChild (parent, NULL, (const xmlChar *) name, NULL);
}

static void
set_hex (xmlNode *node, const char *name, guint digits, guint value)
{
  g_autofree char *text = g_strdup_printf ("0x%0*x", (int) digits, value);

  vitrine_xml_set_attr (node, name, text);
}

static void
add_port (xmlNode *devices, guint port)
{
  guint index = port;

  while (index_taken (devices, index))
    index++;
  g_autofree char *text = g_strdup_printf ("%u", index);
  xmlNode *controller = new_element (devices, "controller");
  vitrine_xml_set_attr (controller, "type", "pci");
  vitrine_xml_set_attr (controller, "index", text);
  vitrine_xml_set_attr (controller, "model", "pcie-root-port");
  xmlNode *address = new_element (controller, "address");
  vitrine_xml_set_attr (address, "type", "pci");
  set_hex (address, "domain", 4, 0);
  set_hex (address, "bus", 2, 0);
  set_hex (address, "slot", 2, PORTS_SLOT);
  set_hex (address, "function", 1, port - 1);
  if (port == 1)
    vitrine_xml_set_attr (address, "multifunction", "on");
}

static gboolean
slot_taken (VitrineDomain *self, guint port)
{
  const xmlNode *devices = vitrine_domain_devices (self);

  VITRINE_XML_FOREACH (disk, devices, "disk")
    if (vitrine_domain_get_slot (self, disk) == port)
      return TRUE;
  VITRINE_XML_FOREACH (interface, devices, "interface")
    if (vitrine_domain_get_slot (self, interface) == port)
      return TRUE;
  return FALSE;
}

/* All ports at once: the first of them says that there are more. */
static guint
give_slot (VitrineDomain *self, xmlNode *device)
{
  xmlNode *devices = vitrine_domain_devices (self);
  guint    port = 1;

  if (g_strcmp0 (vitrine_domain_get_board (self), "q35") != 0)
    return 0;
  while (port <= VT_HOTPLUG_PORTS && slot_taken (self, port))
    port++;
  if (port > VT_HOTPLUG_PORTS)
    return 0;
  for (guint i = 1; i <= VT_HOTPLUG_PORTS; i++)
    if (index_of_port (devices, i) == 0)
      add_port (devices, i);
  vitrine_xml_remove (vitrine_xml_child (device, "address"));
  xmlNode *address = new_element (device, "address");
  vitrine_xml_set_attr (address, "type", "pci");
  set_hex (address, "domain", 4, 0);
  set_hex (address, "bus", 2, index_of_port (devices, port));
  set_hex (address, "slot", 2, 0);
  set_hex (address, "function", 1, 0);
  return port;
}

static xmlNode *
find_disk (VitrineDomain *self, const char *target)
{
  VITRINE_XML_FOREACH (disk, vitrine_domain_devices (self), "disk")
    if (vitrine_xml_attr_is (vitrine_xml_child (disk, "target"), "dev", target))
      return disk;
  return NULL;
}

guint
vitrine_domain_get_disk_slot (VitrineDomain *self, const char *target)
{
  return vitrine_domain_get_slot (self, find_disk (self, target));
}

guint
vitrine_domain_get_network_slot (VitrineDomain *self, guint index)
{
  return vitrine_domain_get_slot (self, vitrine_domain_find_interface (self, index));
}

guint
vitrine_domain_give_disk_slot (VitrineDomain *self, const char *target)
{
  xmlNode *disk = find_disk (self, target);

  if (disk == NULL || !vitrine_domain_is_on_virtio (disk))
    return 0;
  guint slot = vitrine_domain_get_slot (self, disk);
  return slot != 0 ? slot : give_slot (self, disk);
}

/* Locally administered, of the range that virtual machines use. */
static void
make_mac (xmlNode *interface)
{
  guint32          random = g_random_int ();
  g_autofree char *text = g_strdup_printf ("52:54:00:%02x:%02x:%02x", random >> 16 & 0xff, random >> 8 & 0xff, random & 0xff);

  g_autofree char *has = vitrine_xml_attr (vitrine_xml_child (interface, "mac"), "address");
  if (has == NULL)
    vitrine_xml_set_attr (vitrine_xml_ensure (interface, "mac"), "address", text);
}

guint
vitrine_domain_give_network_slot (VitrineDomain *self, guint index)
{
  xmlNode *interface = vitrine_domain_find_interface (self, index);

  if (interface == NULL)
    return 0;
  make_mac (interface);
  guint slot = vitrine_domain_get_slot (self, interface);
  return slot != 0 ? slot : give_slot (self, interface);
}
