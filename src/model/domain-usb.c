/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "domain-usb.h"

#include <glib/gi18n-lib.h>

#include "domain-private.h"

#define PORTS_MAX 8      /* of our controller */

void
vitrine_usb_wanted_clear (VitrineUsbWanted *wanted)
{
  g_clear_pointer (&wanted->port, g_free);
}

char *
vitrine_usb_wanted_describe (const VitrineUsbWanted *wanted)
{
  if (wanted->port != NULL)
    return g_strdup (wanted->port);
  if (wanted->has_product)
    return g_strdup_printf ("%04x:%04x", wanted->vendor, wanted->product);
  return g_strdup_printf ("%u:%u", wanted->bus, wanted->address);
}

static void
free_hostdev (gpointer data)
{
  VitrineUsbHostdev *hostdev = data;

  vitrine_usb_wanted_clear (&hostdev->wanted);
  g_free (hostdev);
}

/* "0x0781" and "7". */
static gboolean
read_number (const xmlNode *node, const char *name, guint64 limit, guint *number)
{
  g_autofree char *text = vitrine_xml_attr (node, name);
  gboolean hex = text != NULL && g_str_has_prefix (text, "0x");
  guint64 value = 0;
  gboolean ok = text != NULL && g_ascii_string_to_unsigned (hex ? text + 2 : text, hex ? 16 : 10, 0, limit, &value, NULL);

  *number = (guint) value;
  return ok;
}

static gboolean
read_hostdev (const xmlNode *node, VitrineUsbHostdev *hostdev)
{
  const xmlNode *source = vitrine_xml_child (node, "source"), *address = vitrine_xml_child (source, "address");
  VitrineUsbWanted *wanted = &hostdev->wanted;

  wanted->has_product = read_number (vitrine_xml_child (source, "vendor"), "id", 0xffff, &wanted->vendor)
                        && read_number (vitrine_xml_child (source, "product"), "id", 0xffff, &wanted->product);
  wanted->has_place = read_number (address, "bus", 999, &wanted->bus) && read_number (address, "device", 999, &wanted->address);
  hostdev->optional = vitrine_xml_attr_is (source, "startupPolicy", "optional");
  return wanted->has_product || wanted->has_place;
}

GPtrArray *
vitrine_domain_get_usb_hostdevs (VitrineDomain *self)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (free_hostdev);

  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (self), "devices"), "hostdev")
    {
      VitrineUsbHostdev hostdev = { .optional = FALSE };
      if (vitrine_xml_attr_is (node, "type", "usb") && read_hostdev (node, &hostdev))
        g_ptr_array_add (all, g_memdup2 (&hostdev, sizeof hostdev));
    }
  return all;
}

gboolean
vitrine_domain_is_usb_port (const xmlNode *redirdev)
{
  return vitrine_xml_attr_is (redirdev, "type", "spicevmc")
         && (vitrine_xml_attr_is (redirdev, "bus", "usb") || xmlHasProp (redirdev, (const xmlChar *) "bus") == NULL);
}

guint
vitrine_domain_count_usb_ports (VitrineDomain *self)
{
  guint n = 0;

  VITRINE_XML_FOREACH (node, vitrine_xml_child (vitrine_domain_root (self), "devices"), "redirdev")
    n += vitrine_domain_is_usb_port (node);
  return n;
}

static guint
count_usb (const VtConfig *config)
{
  guint n = 0;

  for (guint i = 0; i < config->inputs->len; i++)
    n += ((const VtInputConfig *) config->inputs->pdata[i])->bus == VT_INPUT_USB;
  for (guint i = 0; i < config->disks->len; i++)
    n += ((const VtDiskConfig *) config->disks->pdata[i])->bus == VT_BUS_USB;
  return n;
}

/* Empty ports are a wish: with other devices on USB, there may be fewer. */
void
vitrine_domain_take_usb (VitrineDomain *domain, VtConfig *config)
{
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_usb_hostdevs (domain);
  guint taken = count_usb (config) + hostdevs->len, left = PORTS_MAX - MIN (taken, PORTS_MAX);

  config->usb_ports = hostdevs->len + MIN (vitrine_domain_count_usb_ports (domain), left);
}

void
vitrine_domain_list_missing_hostdevs (const xmlNode *devices, GStrvBuilder *builder)
{
  gboolean other_device = FALSE, other_port = FALSE;

  VITRINE_XML_FOREACH (node, devices, "hostdev")
    other_device = other_device || !vitrine_xml_attr_is (node, "type", "usb");
  VITRINE_XML_FOREACH (node, devices, "redirdev")
    other_port = other_port || !vitrine_domain_is_usb_port (node);
  if (other_device)
    g_strv_builder_add (builder, _("Host devices other than USB ones are left out: Vitrine’s own processor cannot give such a device away, a libvirt host can."));
  if (other_port)
    g_strv_builder_add (builder, _("USB redirection from another computer is not supported: that port is left out."));
}
