/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtio devices in a definition, beside the disks, cards and screens of domain-config.c. */
#include <glib/gi18n-lib.h>

#include "domain-private.h"
#include "paths.h"
#include <vitrine/error.h>

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
vitrine_domain_take_plain (const xmlNode *devices, VtConfig *config)
{
  const xmlNode *balloon = vitrine_xml_child (devices, "memballoon");

  config->balloon = balloon != NULL && !vitrine_xml_attr_is (balloon, "model", "none");
  config->balloon_deflates = vitrine_xml_attr_is (balloon, "autodeflate", "on");
  config->balloon_reports = vitrine_xml_attr_is (balloon, "freePageReporting", "on");
  vitrine_domain_take_rings (balloon, &config->balloon_rings);
  config->crypto = vitrine_xml_child (devices, "crypto") != NULL;
  vitrine_domain_take_rings (vitrine_xml_child (devices, "crypto"), &config->crypto_rings);
}

/* A person's terminal is our own console tab. What SPICE or another program would be at the end of, nobody is. */
static VtSerialKind
kind_of_port (const xmlNode *node, gboolean console)
{
  static const struct { const char *type; VtSerialKind kind; } kinds[] = {
    { "unix", VT_SERIAL_SOCKET }, { "file", VT_SERIAL_FILE }, { "pty", VT_SERIAL_PTY },
  };
  g_autofree char *type = vitrine_xml_attr (node, "type");

  if (console && g_strcmp0 (type, "pty") == 0)
    return VT_SERIAL_CONSOLE;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kinds[i].type, type) == 0)
      return kinds[i].kind;
  return VT_SERIAL_NULL;
}

static gboolean
take_port (const xmlNode *node, gboolean console, VtConfig *config, GError **error)
{
  const xmlNode *source = vitrine_xml_child (node, "source");
  VtSerialKind kind = kind_of_port (node, console);
  gboolean needs_path = kind == VT_SERIAL_SOCKET || kind == VT_SERIAL_FILE;
  g_autofree char *path = vitrine_xml_attr (source, "path");

  if (kind == VT_SERIAL_SOCKET && vitrine_xml_attr_is (source, "mode", "connect"))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                   _("<%s type='unix'> with mode='connect' is not supported. Change it to mode='bind'."), (const char *) node->name);
      return FALSE;
    }
  if (needs_path && path == NULL)
    kind = VT_SERIAL_NULL;      /* libvirt would make a path up for its own agent */
  VtPortConfig *port = vt_config_add_port (config, kind, console);
  port->end.path = g_steal_pointer (&path);
  port->name = vitrine_xml_attr (vitrine_xml_child (node, "target"), "name");
  VITRINE_XML_FOREACH (controller, node->parent, "controller")
    if (vitrine_xml_attr_is (controller, "type", "virtio-serial"))
      vitrine_domain_take_rings (controller, &port->rings);
  return TRUE;
}

gboolean
vitrine_domain_take_ports (const xmlNode *devices, VtConfig *config, GError **error)
{
  VITRINE_XML_FOREACH (console, devices, "console")
    if (vitrine_xml_attr_is (vitrine_xml_child (console, "target"), "type", "virtio") && !take_port (console, TRUE, config, error))
      return FALSE;
  VITRINE_XML_FOREACH (channel, devices, "channel")
    if (vitrine_xml_attr_is (vitrine_xml_child (channel, "target"), "type", "virtio") && !take_port (channel, FALSE, config, error))
      return FALSE;
  return TRUE;
}

void
vitrine_domain_take_vsock (const xmlNode *devices, VtConfig *config)
{
  const xmlNode *vsock = vitrine_xml_child (devices, "vsock");
  g_autofree char *cid = vitrine_xml_attr (vitrine_xml_child (vsock, "cid"), "address");
  g_autofree char *sockets = vitrine_paths_sockets ();
  g_autofree char *name = g_strdup_printf ("%s.vsock", config->uuid != NULL ? config->uuid : config->name);

  if (vsock == NULL)
    return;
  /* auto='yes': any will do, since no two guests share a transport here. */
  guint64 number = cid != NULL ? g_ascii_strtoull (cid, NULL, 10) : 3;
  config->vsock_cid = (guint32) CLAMP (number, 3, G_MAXUINT32 - 1);
  config->vsock_path = g_build_filename (sockets, name, NULL);
  vitrine_domain_take_rings (vsock, &config->vsock_rings);
}
