/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-xml.h"

#include <string.h>

const xmlNode *
vitrine_node_find_capability (const xmlNode *parent, const char *type)
{
  VITRINE_XML_FOREACH (node, parent, "capability")
    if (vitrine_xml_attr_is (node, "type", type))
      return node;
  return NULL;
}

gboolean
vitrine_node_read_number (const xmlNode *parent, const char *name, guint most, guint *value)
{
  g_autofree char *text = vitrine_xml_text (vitrine_xml_child (parent, name));
  gboolean hex = text != NULL && g_str_has_prefix (text, "0x");
  guint64 read = 0;

  if (text == NULL || !g_ascii_string_to_unsigned (hex ? text + 2 : text, hex ? 16 : 10, 0, most, &read, NULL))
    return FALSE;
  *value = (guint) read;
  return TRUE;
}

void
vitrine_node_each (const char *const *xml, void (*look) (const xmlNode *device, gpointer data), gpointer data)
{
  for (guint i = 0; xml[i] != NULL; i++)
    {
      g_autoptr(xmlDoc) document = vitrine_host_parse_xml (xml[i]);
      const xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
      if (root != NULL && strcmp ((const char *) root->name, "device") == 0)
        look (root, data);
    }
}
