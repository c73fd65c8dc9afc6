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

void
vitrine_domain_take_disk_driver (const xmlNode *node, VtDiskConfig *disk)
{
  const xmlNode *device = node;

  if (disk->bus == VT_BUS_SCSI)
    {
      device = NULL;
      VITRINE_XML_FOREACH (controller, node->parent, "controller")
        if (vitrine_xml_attr_is (controller, "type", "scsi"))
          device = controller;
    }
  disk->queues = vitrine_domain_take_queues (device);
  vitrine_domain_take_rings (device, &disk->rings);
}

void
vitrine_domain_take_balloon (const xmlNode *devices, VtConfig *config)
{
  const xmlNode *balloon = vitrine_xml_child (devices, "memballoon");

  config->balloon = balloon != NULL && !vitrine_xml_attr_is (balloon, "model", "none");
  config->balloon_deflates = vitrine_xml_attr_is (balloon, "autodeflate", "on");
  config->balloon_reports = vitrine_xml_attr_is (balloon, "freePageReporting", "on");
  vitrine_domain_take_rings (balloon, &config->balloon_rings);
}
