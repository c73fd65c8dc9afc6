/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libvirt says of a host's devices (https://libvirt.org/formatnode.html): looking into it. Private to
 * src/passthrough. */
#pragma once

#include "host-xml.h"

/* A capability of @parent by its type; borrowed; NULL: none. */
const xmlNode *vitrine_node_find_capability (const xmlNode *parent, const char *type);
/* "0x2a" and "42"; FALSE: there is no such element, it is no number, or more than @most. */
gboolean       vitrine_node_read_number (const xmlNode *parent, const char *name, guint most, guint *value);
/* Each one that is a <device>. */
void vitrine_node_each (const char *const *xml, void (*look) (const xmlNode *device, gpointer data), gpointer data);
