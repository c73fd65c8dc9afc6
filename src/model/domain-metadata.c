/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: what lives in <metadata>, ours and libosinfo's. libvirt allows one child per namespace there. */
#include <string.h>

#include "domain-private.h"

#define OSINFO_NAMESPACE "http://libosinfo.org/xmlns/libvirt/domain/1.0"

static xmlNode *
find_in (const xmlNode *parent, const char *namespace_uri, const char *name)
{
  for (xmlNode *node = parent != NULL ? parent->children : NULL; node != NULL; node = node->next)
    if (node->type == XML_ELEMENT_NODE && node->ns != NULL && strcmp ((const char *) node->name, name) == 0
        && strcmp ((const char *) node->ns->href, namespace_uri) == 0)
      return node;
  return NULL;
}

static xmlNode *
find_block (VitrineDomain *self, const char *namespace_uri, const char *name)
{
  return find_in (vitrine_xml_child (vitrine_domain_root (self), "metadata"), namespace_uri, name);
}

static xmlNode *
ensure_block (VitrineDomain *self, const char *namespace_uri, const char *prefix, const char *name)
{
  xmlNode *block = find_block (self, namespace_uri, name);
  if (block != NULL)
    return block;

  xmlNode *metadata = vitrine_xml_ensure (vitrine_domain_root (self), "metadata");
  block = xmlNewChild (metadata, NULL, (const xmlChar *) name, NULL);
  xmlSetNs (block, xmlNewNs (block, (const xmlChar *) namespace_uri, (const xmlChar *) prefix));
  return block;
}

char *
vitrine_domain_get_os_id (VitrineDomain *self)
{
  const xmlNode *block = find_block (self, OSINFO_NAMESPACE, "libosinfo");
  return vitrine_xml_attr (find_in (block, OSINFO_NAMESPACE, "os"), "id");
}

void
vitrine_domain_set_os_id (VitrineDomain *self, const char *id)
{
  xmlNode *block = ensure_block (self, OSINFO_NAMESPACE, "libosinfo", "libosinfo");
  xmlNode *os = find_in (block, OSINFO_NAMESPACE, "os");

  if (id == NULL)
    {
      vitrine_xml_remove (block);
      return;
    }
  if (os == NULL)
    os = xmlNewChild (block, block->ns, (const xmlChar *) "os", NULL);
  vitrine_xml_set_attr (os, "id", id);
}

static xmlNode *
find_extra (VitrineDomain *self, const char *key)
{
  return find_in (find_block (self, VITRINE_DOMAIN_NAMESPACE, "machine"), VITRINE_DOMAIN_NAMESPACE, key);
}

char *
vitrine_domain_get_extra (VitrineDomain *self, const char *key)
{
  return vitrine_xml_text (find_extra (self, key));
}

void
vitrine_domain_set_extra (VitrineDomain *self, const char *key, const char *value)
{
  xmlNode *node = find_extra (self, key);

  if (value == NULL)
    {
      vitrine_xml_remove (node);
      return;
    }
  if (node == NULL)
    {
      xmlNode *block = ensure_block (self, VITRINE_DOMAIN_NAMESPACE, "vitrine", "machine");
      node = xmlNewChild (block, block->ns, (const xmlChar *) key, NULL);
    }
  vitrine_xml_set_text (node, value);
}
