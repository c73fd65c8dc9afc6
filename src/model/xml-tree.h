/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small helpers over libxml2's tree: elements by path, attributes and text as GLib strings. For src/model, src/hosts and src/passthrough. */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

/* First child element of that name in the same namespace state as libvirt's own elements (none). NULL when absent. */
xmlNode *vitrine_xml_child (const xmlNode *parent, const char *name);
xmlNode *vitrine_xml_next (const xmlNode *node, const char *name);   /* next sibling of that name */
/* "os/loader": walks down; NULL when a step is missing. */
xmlNode *vitrine_xml_find (const xmlNode *parent, const char *path);
/* The same, but creates what is missing. */
xmlNode *vitrine_xml_ensure (xmlNode *parent, const char *path);
void     vitrine_xml_remove (xmlNode *node);   /* NULL is fine */

char *vitrine_xml_text (const xmlNode *node);                    /* stripped; NULL for a NULL node or empty text */
void  vitrine_xml_set_text (xmlNode *node, const char *text);    /* attributes stay */
char *vitrine_xml_attr (const xmlNode *node, const char *name);  /* NULL when absent, also for a NULL node */
gboolean vitrine_xml_attr_is (const xmlNode *node, const char *name, const char *value);
void  vitrine_xml_set_attr (xmlNode *node, const char *name, const char *value);   /* NULL removes */

#define VITRINE_XML_FOREACH(child, parent, name)                                                                       \
  for (xmlNode *child = vitrine_xml_child (parent, name); child != NULL; child = vitrine_xml_next (child, name))
