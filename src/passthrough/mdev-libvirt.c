/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mediated devices as libvirt's node devices, and what makes one there. Parents have libvirt's names:
 * "pci_0000_00_02_0", "css_0_0_0313", "ap_matrix". */
#include "mdev-private.h"
#include "node-xml.h"

static void
read_type (VitrineMdevs *mdevs, const char *parent, const xmlNode *node)
{
  VitrineMdevType *type = g_new0 (VitrineMdevType, 1);

  type->parent = g_strdup (parent);
  type->id = vitrine_xml_attr (node, "id");
  type->name = vitrine_xml_text (vitrine_xml_child (node, "name"));
  type->api = vitrine_xml_text (vitrine_xml_child (node, "deviceAPI"));
  vitrine_node_read_number (node, "availableInstances", G_MAXUINT, &type->available);
  if (type->id == NULL)
    type->id = g_strdup ("");
  g_ptr_array_add (mdevs->types, type);
}

static void
read_types (VitrineMdevs *mdevs, const xmlNode *device)
{
  g_autofree char *name = vitrine_xml_text (vitrine_xml_child (device, "name"));

  VITRINE_XML_FOREACH (capability, device, "capability")
    {
      const xmlNode *types = vitrine_node_find_capability (capability, "mdev_types");
      VITRINE_XML_FOREACH (type, types, "type")
        if (name != NULL)
          read_type (mdevs, name, type);
    }
}

static void
read_device (VitrineMdevs *mdevs, const xmlNode *node, const xmlNode *capability)
{
  g_autofree char *uuid = vitrine_xml_text (vitrine_xml_child (capability, "uuid"));
  g_autofree char *path = vitrine_xml_text (vitrine_xml_child (node, "path"));

  if (uuid == NULL || !g_uuid_string_is_valid (uuid))
    return;
  VitrineMdevDevice *device = g_new0 (VitrineMdevDevice, 1);
  device->uuid = g_steal_pointer (&uuid);
  device->parent = vitrine_xml_text (vitrine_xml_child (node, "parent"));
  device->type = vitrine_xml_attr (vitrine_xml_child (capability, "type"), "id");
  device->active = path != NULL;
  g_ptr_array_add (mdevs->devices, device);
}

static void
look (const xmlNode *device, gpointer data)
{
  const xmlNode *capability = vitrine_node_find_capability (device, "mdev");

  read_types (data, device);
  if (capability != NULL)
    read_device (data, device, capability);
}

VitrineMdevs *
vitrine_mdevs_new_from_libvirt (const char *const *xml)
{
  VitrineMdevs *mdevs = vitrine_mdevs_new ();

  vitrine_node_each (xml, look, mdevs);
  mdevs->has_mdevctl = TRUE;   /* libvirt makes them through it */
  vitrine_mdevs_sort (mdevs);
  for (guint i = 0; i < mdevs->devices->len; i++)
    {
      VitrineMdevDevice *device = mdevs->devices->pdata[i];
      const VitrineMdevType *type = device->parent != NULL && device->type != NULL
                                        ? vitrine_mdevs_find_type (mdevs, device->parent, device->type)
                                        : NULL;
      device->api = g_strdup (type != NULL ? type->api : NULL);
    }
  return mdevs;
}

static xmlNode *
add (xmlNode *parent, const char *name, const char *text)
{
  return xmlNewTextChild (parent, NULL, BAD_CAST name, BAD_CAST text);
}

static void
add_attribute (xmlNode *capability, const VitrineMdevAttribute *attribute)
{
  xmlNode *node = add (capability, "attr", NULL);
  g_autofree char *value = g_strdup_printf ("%u", attribute->value);

  xmlNewProp (node, BAD_CAST "name", BAD_CAST attribute->name);
  xmlNewProp (node, BAD_CAST "value", BAD_CAST value);
}

char *
vitrine_mdev_to_libvirt (const char *parent, const char *type, const char *uuid, const GArray *attributes)
{
  g_autoptr(xmlDoc) document = xmlNewDoc (BAD_CAST "1.0");
  xmlNode *device = xmlNewNode (NULL, BAD_CAST "device");
  xmlChar *text = NULL;
  int n = 0;

  xmlDocSetRootElement (document, device);
  add (device, "parent", parent);
  xmlNode *capability = add (device, "capability", NULL);
  xmlNewProp (capability, BAD_CAST "type", BAD_CAST "mdev");
  xmlNewProp (add (capability, "type", NULL), BAD_CAST "id", BAD_CAST type);
  add (capability, "uuid", uuid);
  for (guint i = 0; attributes != NULL && i < attributes->len; i++)
    add_attribute (capability, &g_array_index (attributes, VitrineMdevAttribute, i));
  xmlDocDumpFormatMemoryEnc (document, &text, &n, "UTF-8", 1);
  char *copy = g_strndup ((const char *) text, (gsize) n);
  xmlFree (text);
  return copy;
}

char *
vitrine_mdev_xml_create (const VitrineMdevs *mdevs, const char *parent, const char *type, const char *uuid,
                         GError **error)
{
  if (!vitrine_mdevs_check_new (mdevs, parent, type, uuid, error))
    return NULL;
  return vitrine_mdev_to_libvirt (parent, type, uuid, NULL);
}
