/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small helpers over libxml2's tree. */
#include "xml-tree.h"

#include <string.h>

static gboolean
is_element (const xmlNode *node, const char *name)
{
  return node->type == XML_ELEMENT_NODE && node->ns == NULL && strcmp ((const char *) node->name, name) == 0;
}

static xmlNode *
first_from (xmlNode *node, const char *name)
{
  while (node != NULL && !is_element (node, name))
    node = node->next;
  return node;
}

xmlNode *
vitrine_xml_child (const xmlNode *parent, const char *name)
{
  return parent != NULL ? first_from (parent->children, name) : NULL;
}

xmlNode *
vitrine_xml_next (const xmlNode *node, const char *name)
{
  return first_from (node->next, name);
}

static xmlNode *
walk (xmlNode *parent, const char *path, gboolean create)
{
  g_auto(GStrv) steps = g_strsplit (path, "/", -1);
  for (guint i = 0; parent != NULL && steps[i] != NULL; i++)
    {
      xmlNode *next = vitrine_xml_child (parent, steps[i]);
      if (next == NULL && create)
        next = xmlNewChild (parent, NULL, (const xmlChar *) steps[i], NULL);
      parent = next;
    }
  return parent;
}

xmlNode *
vitrine_xml_find (const xmlNode *parent, const char *path)
{
  return walk ((xmlNode *) parent, path, FALSE);
}

xmlNode *
vitrine_xml_ensure (xmlNode *parent, const char *path)
{
  return walk (parent, path, TRUE);
}

void
vitrine_xml_remove (xmlNode *node)
{
  if (node == NULL)
    return;
  xmlUnlinkNode (node);
  xmlFreeNode (node);
}

/* libxml2's strings come from its own allocator. */
static char *
take (xmlChar *string)
{
  char *copy = g_strdup ((const char *) string);
  xmlFree (string);
  return copy;
}

char *
vitrine_xml_text (const xmlNode *node)
{
  if (node == NULL)
    return NULL;
  char *text = take (xmlNodeGetContent (node));
  if (text == NULL)
    return NULL;
  g_strstrip (text);
  if (*text == '\0')
    g_clear_pointer (&text, g_free);
  return text;
}

void
vitrine_xml_set_text (xmlNode *node, const char *text)
{
  xmlNodeSetContent (node, NULL);
  xmlNodeAddContent (node, (const xmlChar *) text);   /* escapes, which xmlNodeSetContent would not */
}

char *
vitrine_xml_attr (const xmlNode *node, const char *name)
{
  return node != NULL ? take (xmlGetNoNsProp (node, (const xmlChar *) name)) : NULL;
}

gboolean
vitrine_xml_attr_is (const xmlNode *node, const char *name, const char *value)
{
  g_autofree char *actual = vitrine_xml_attr (node, name);
  return g_strcmp0 (actual, value) == 0;
}

void
vitrine_xml_set_attr (xmlNode *node, const char *name, const char *value)
{
  if (value != NULL)
    xmlSetProp (node, (const xmlChar *) name, (const xmlChar *) value);
  else
    xmlUnsetProp (node, (const xmlChar *) name);
}
