/* SPDX-License-Identifier: GPL-3.0-or-later */
/* XML that a host says. For src/hosts and src/passthrough. */
#pragma once

#include <libxml/parser.h>

#include "xml-tree.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)

/* Nothing is fetched, no entity is expanded, no message printed; huge text nodes are refused. NULL when @xml is NULL, or
 * no XML. */
xmlDoc *vitrine_host_parse_xml (const char *xml);
/* The same; frees @xml, which is libvirt's. */
xmlDoc *vitrine_host_take_xml (char *xml);
