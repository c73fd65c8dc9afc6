/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The port of the guest's SPICE agent in a definition. libvirt's kind of it without a SPICE server is `qemu-vdagent`. */
#include <errno.h>
#include <gio/gio.h>
#include <sys/socket.h>

#include "domain-private.h"

#define PORT_NAME "com.redhat.spice.0"

static gboolean
is_agent (const xmlNode *channel)
{
  return vitrine_xml_attr_is (vitrine_xml_child (channel, "target"), "name", PORT_NAME)
         && (vitrine_xml_attr_is (channel, "type", "qemu-vdagent") || vitrine_xml_attr_is (channel, "type", "spicevmc"));
}

static xmlNode *
find_agent (VitrineDomain *self)
{
  VITRINE_XML_FOREACH (channel, vitrine_domain_devices (self), "channel")
    if (is_agent (channel))
      return channel;
  return NULL;
}

static xmlNode *
clipboard_of (const xmlNode *agent)
{
  return vitrine_xml_child (vitrine_xml_child (agent, "source"), "clipboard");
}

gboolean
vitrine_domain_get_clipboard (VitrineDomain *self)
{
  const xmlNode *agent = find_agent (self);

  return agent != NULL && !vitrine_xml_attr_is (clipboard_of (agent), "copypaste", "no");
}

void
vitrine_domain_set_clipboard (VitrineDomain *self, gboolean on)
{
  if (on == vitrine_domain_get_clipboard (self))
    return;
  xmlNode *agent = find_agent (self);
  if (agent == NULL)
    {
      agent = xmlNewChild (vitrine_domain_devices (self), NULL, BAD_CAST "channel", NULL);
      vitrine_xml_set_attr (vitrine_xml_ensure (agent, "target"), "type", "virtio");
      vitrine_xml_set_attr (vitrine_xml_ensure (agent, "target"), "name", PORT_NAME);
    }
  vitrine_xml_set_attr (agent, "type", "qemu-vdagent");
  vitrine_xml_set_attr (vitrine_xml_ensure (vitrine_xml_ensure (agent, "source"), "clipboard"), "copypaste", on ? "yes" : "no");
}

static VtPortConfig *
find_port (const VtConfig *config)
{
  for (guint i = 0; i < config->ports->len; i++)
    {
      VtPortConfig *port = config->ports->pdata[i];
      if (g_strcmp0 (port->name, PORT_NAME) == 0 && port->end.kind == VT_SERIAL_NULL)
        return port;
    }
  return NULL;
}

GSocket *
vitrine_domain_open_agent (VitrineDomain *self, VtConfig *config, int *end)
{
  VtPortConfig *port = vitrine_domain_get_clipboard (self) ? find_port (config) : NULL;
  g_autoptr(GError) error = NULL;
  int ends[2];

  *end = -1;
  if (port == NULL)
    return NULL;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    {
      g_warning ("No port for the guest’s agent: %s", g_strerror (errno));
      return NULL;
    }
  GSocket *ours = g_socket_new_from_fd (ends[1], &error);
  if (ours == NULL)
    g_error ("%s", error->message);      /* of a socket that was made just now */
  port->end.kind = VT_SERIAL_DESCRIPTOR;
  port->end.fd = *end = ends[0];
  return ours;
}
