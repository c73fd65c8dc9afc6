/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtio devices in a definition, beside the disks, cards and screens of domain-config.c. */
#include "domain-private.h"

void
vitrine_domain_take_rings (const xmlNode *device, VtRingConfig *rings)
{
  rings->packed = vitrine_xml_attr_is (vitrine_xml_child (device, "driver"), "packed", "on");
}

guint
vitrine_domain_take_queues (const xmlNode *device)
{
  g_autofree char *queues = vitrine_xml_attr (vitrine_xml_child (device, "driver"), "queues");
  return queues != NULL ? (guint) MIN (g_ascii_strtoull (queues, NULL, 10), 1024) : 0;
}
