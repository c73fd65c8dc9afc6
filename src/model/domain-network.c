/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: network cards one by one, the balloon, and what is taken out of the document for a while. */
#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

#include <vitrine/tap.h>

#include "domain-private.h"
#include "paths.h"

#define MCAST_PORT "5558"

void
vitrine_network_free (VitrineNetwork *network)
{
  if (network == NULL)
    return;
  g_free (network->model);
  g_free (network->mac);
  g_free (network->name);
  g_free (network);
}

xmlNode *
vitrine_domain_find_interface (VitrineDomain *self, guint index)
{
  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "interface")
    if (index-- == 0)
      return node;
  return NULL;
}

/* --- What a card is on ---------------------------------------------------------------------------------------------- */

/* Without a name, a kind that needs one is none. */
VitrineNetworkKind
vitrine_domain_get_network_kind (const xmlNode *interface)
{
  static const struct { const char *type, *child, *attr; VitrineNetworkKind kind; } kinds[] = {
    { "mcast", "source", "address", VITRINE_NETWORK_ISOLATED },
    { "bridge", "source", "bridge", VITRINE_NETWORK_BRIDGE },
    { "ethernet", "target", "dev", VITRINE_NETWORK_TAP },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (vitrine_xml_attr_is (interface, "type", kinds[i].type))
      {
        g_autofree char *name = vitrine_xml_attr (vitrine_xml_child (interface, kinds[i].child), kinds[i].attr);
        return name != NULL ? kinds[i].kind : VITRINE_NETWORK_USER;
      }
  return VITRINE_NETWORK_USER;
}

static char *
get_device (const xmlNode *interface, VitrineNetworkKind kind)
{
  return kind == VITRINE_NETWORK_BRIDGE ? vitrine_xml_attr (vitrine_xml_child (interface, "source"), "bridge")
                                        : vitrine_xml_attr (vitrine_xml_child (interface, "target"), "dev");
}

static char *
get_folder (const xmlNode *interface)
{
  const xmlNode *source = vitrine_xml_child (interface, "source");
  g_autofree char *address = vitrine_xml_attr (source, "address"), *port = vitrine_xml_attr (source, "port");
  g_autofree char *name = g_strdup_printf ("mcast-%s-%s", address, port != NULL ? port : "");

  return vitrine_paths_network (name);
}

void
vitrine_domain_take_card_network (const xmlNode *interface, VtNetConfig *net)
{
  VitrineNetworkKind kind = vitrine_domain_get_network_kind (interface);

  switch (kind)
    {
    case VITRINE_NETWORK_USER:
      break;
    case VITRINE_NETWORK_ISOLATED:
      net->local = get_folder (interface);
      break;
    case VITRINE_NETWORK_BRIDGE:
      net->bridge = get_device (interface, kind);
      break;
    case VITRINE_NETWORK_TAP:
      net->tap = get_device (interface, kind);
      break;
    }
}

/* --- Isolated networks ---------------------------------------------------------------------------------------------- */

/* A multicast address is what the document can say (docs/decisions/0011); the name that a person knows is in our metadata. An
 * address from a name is always the same, so that two machines meet. RFC 2365: 239.0.0.0/8 is for use within a site. */
static char *
address_of_name (const char *name)
{
  g_autoptr(GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize  length = sizeof digest;

  g_checksum_update (sum, (const guchar *) name, -1);
  g_checksum_get_digest (sum, digest, &length);
  return g_strdup_printf ("239.%u.%u.%u", digest[0], digest[1], digest[2]);
}

static char *
key_of_address (const char *address)
{
  return g_strdup_printf ("network-%s", address);
}

static char *
get_isolated (VitrineDomain *self, const xmlNode *node)
{
  const xmlNode *source = vitrine_xml_child (node, "source");
  g_autofree char *address = vitrine_xml_attr (source, "address"), *port = vitrine_xml_attr (source, "port");

  g_autofree char *key = key_of_address (address);
  char *name = g_strcmp0 (port, MCAST_PORT) == 0 ? vitrine_domain_get_extra (self, key) : NULL;
  return name != NULL ? name : g_strdup_printf ("%s:%s", address, port != NULL ? port : "");
}

/* The name of an address that no card is at any more. */
static void
forget_name (VitrineDomain *self, const char *address)
{
  g_autofree char *key = key_of_address (address);

  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "interface")
    if (vitrine_xml_attr_is (vitrine_xml_child (node, "source"), "address", address))
      return;
  vitrine_domain_set_extra (self, key, NULL);
}

static void
set_isolated (VitrineDomain *self, xmlNode *node, const char *name)
{
  g_autofree char *address = address_of_name (name), *key = key_of_address (address);
  xmlNode *source = vitrine_xml_ensure (node, "source");

  vitrine_xml_set_attr (source, "address", address);
  vitrine_xml_set_attr (source, "port", MCAST_PORT);
  vitrine_domain_set_extra (self, key, name);
}

/* --- All kinds ------------------------------------------------------------------------------------------------------ */

static char *
get_name (VitrineDomain *self, const xmlNode *node, VitrineNetworkKind kind)
{
  if (kind == VITRINE_NETWORK_USER)
    return NULL;
  return kind == VITRINE_NETWORK_ISOLATED ? get_isolated (self, node) : get_device (node, kind);
}

/* What only the kind that it was had a meaning for. */
static void
clear_network (VitrineDomain *self, xmlNode *node, VitrineNetworkKind kind)
{
  g_autofree char *address = vitrine_xml_attr (vitrine_xml_child (node, "source"), "address");

  vitrine_xml_remove (vitrine_xml_child (node, "source"));
  if (kind == VITRINE_NETWORK_ISOLATED)
    forget_name (self, address);
  if (kind == VITRINE_NETWORK_TAP)
    vitrine_xml_remove (vitrine_xml_child (node, "target"));
}

static void
set_kind (VitrineDomain *self, xmlNode *node, const VitrineNetwork *network)
{
  static const char *const types[] = { [VITRINE_NETWORK_USER] = "user", [VITRINE_NETWORK_ISOLATED] = "mcast",
                                       [VITRINE_NETWORK_BRIDGE] = "bridge", [VITRINE_NETWORK_TAP] = "ethernet" };
  VitrineNetworkKind before = vitrine_domain_get_network_kind (node);
  g_autofree char *old_name = get_name (self, node, before);

  if (before == network->kind && g_strcmp0 (old_name, network->name) == 0)
    return;
  clear_network (self, node, before);
  vitrine_xml_set_attr (node, "type", types[network->kind]);
  if (network->kind == VITRINE_NETWORK_ISOLATED)
    set_isolated (self, node, network->name);
  else if (network->kind == VITRINE_NETWORK_BRIDGE)
    vitrine_xml_set_attr (vitrine_xml_ensure (node, "source"), "bridge", network->name);
  else if (network->kind == VITRINE_NETWORK_TAP)
    {
      vitrine_xml_set_attr (vitrine_xml_ensure (node, "target"), "dev", network->name);
      vitrine_xml_set_attr (vitrine_xml_ensure (node, "target"), "managed", "no");     /* libvirt: not ours to make */
    }
}

/* --- Restricted user networking ------------------------------------------------------------------------------------- */

/* libvirt has no word for it. NULL: that is no address. */
static char *
key_of_mac (const char *mac)
{
  guint8 bytes[6];

  if (mac == NULL || !vt_parse_mac (mac, bytes))
    return NULL;
  return g_strdup_printf ("restricted-%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
}

gboolean
vitrine_domain_is_restricted (VitrineDomain *self, const xmlNode *interface)
{
  g_autofree char *mac = vitrine_xml_attr (vitrine_xml_child (interface, "mac"), "address"), *key = key_of_mac (mac);
  g_autofree char *value = key != NULL ? vitrine_domain_get_extra (self, key) : NULL;

  return vitrine_domain_get_network_kind (interface) == VITRINE_NETWORK_USER && g_strcmp0 (value, "yes") == 0;
}

/* As the machine would choose it. */
static void
give_usual_mac (VitrineDomain *self, xmlNode *interface)
{
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (self);
  g_autofree char *uuid = vitrine_domain_get_uuid (self), *name = vitrine_domain_get_name (self);
  guint8 mac[6];
  guint card = 0, i = 0;

  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "interface")
    {
      if (node == interface)
        break;
      card += vitrine_network_is_supported (networks->pdata[i++]);
    }
  vt_default_mac (uuid != NULL ? uuid : name, card, mac);
  g_autofree char *text = g_strdup_printf ("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  vitrine_xml_set_attr (vitrine_xml_ensure (interface, "mac"), "address", text);
}

static void
set_restricted (VitrineDomain *self, xmlNode *interface, gboolean restricted)
{
  if (restricted && vitrine_xml_child (interface, "mac") == NULL)
    give_usual_mac (self, interface);
  g_autofree char *mac = vitrine_xml_attr (vitrine_xml_child (interface, "mac"), "address"), *key = key_of_mac (mac);
  if (key != NULL)
    vitrine_domain_set_extra (self, key, restricted ? "yes" : NULL);
}

/* --- Cards ---------------------------------------------------------------------------------------------------------- */

gboolean
vitrine_network_is_supported (const VitrineNetwork *network)
{
  return g_strcmp0 (network->model, "virtio") == 0 || g_strcmp0 (network->model, "e1000e") == 0;
}

gboolean
vitrine_network_is_on_device (const VitrineNetwork *network)
{
  return network->kind == VITRINE_NETWORK_BRIDGE || network->kind == VITRINE_NETWORK_TAP;
}

gboolean
vitrine_network_check_name (const VitrineNetwork *network, GError **error)
{
  if (network->kind == VITRINE_NETWORK_ISOLATED && *network->name == '\0')
    g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG,
                         _("An isolated network needs a name: machines that have a card on the same one see each other."));
  else if (vitrine_network_is_on_device (network) && !vt_net_device_name_valid (network->name))
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                 _("“%s” is no name of a network device of this computer. “ip link” lists those that it has."), network->name);
  else
    return TRUE;
  return FALSE;
}

GPtrArray *
vitrine_domain_get_networks (VitrineDomain *self)
{
  GPtrArray *networks = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_network_free);

  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "interface")
    {
      VitrineNetwork *network = g_new0 (VitrineNetwork, 1);
      network->model = vitrine_xml_attr (vitrine_xml_child (node, "model"), "type");
      network->mac = vitrine_xml_attr (vitrine_xml_child (node, "mac"), "address");
      network->kind = vitrine_domain_get_network_kind (node);
      network->name = get_name (self, node, network->kind);
      network->cable_out = vitrine_xml_attr_is (vitrine_xml_child (node, "link"), "state", "down");
      network->restricted = vitrine_domain_is_restricted (self, node);
      if (network->model == NULL)
        network->model = g_strdup ("virtio");
      g_ptr_array_add (networks, network);
    }
  return networks;
}

void
vitrine_domain_add_network (VitrineDomain *self)
{
  xmlNode *node = xmlNewChild (vitrine_domain_devices (self), NULL, (const xmlChar *) "interface", NULL);

  vitrine_xml_set_attr (node, "type", "user");
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "model"), "type", "virtio");
}

static void
set_or_remove (xmlNode *node, const char *child, const char *attr, const char *value)
{
  if (value != NULL)
    vitrine_xml_set_attr (vitrine_xml_ensure (node, child), attr, value);
  else
    vitrine_xml_remove (vitrine_xml_child (node, child));
}

void
vitrine_domain_set_network (VitrineDomain *self, guint index, const VitrineNetwork *network)
{
  xmlNode *node = vitrine_domain_find_interface (self, index);

  if (node == NULL)
    return;
  set_restricted (self, node, FALSE);      /* its address may be another one now */
  set_kind (self, node, network);
  if (network->model != NULL)
    vitrine_xml_set_attr (vitrine_xml_ensure (node, "model"), "type", network->model);
  set_or_remove (node, "mac", "address", network->mac);
  set_or_remove (node, "link", "state", network->cable_out ? "down" : NULL);
  if (network->restricted && network->kind == VITRINE_NETWORK_USER)
    set_restricted (self, node, TRUE);
}

gboolean
vitrine_domain_check_mac (const char *mac, GError **error)
{
  guint8 first = (guint8) g_ascii_strtoull (mac, NULL, 16);

  if (!g_regex_match_simple ("^[0-9a-f]{2}(:[0-9a-f]{2}){5}$", mac, G_REGEX_CASELESS, 0))
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is no address of a network card. Write for example 52:54:00:12:34:56."), mac);
  else if (first & 1)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is an address of many cards: the first two digits must be even."), mac);
  else
    return TRUE;
  return FALSE;
}

gboolean
vitrine_network_check (const VitrineNetwork *network, GError **error)
{
  return (network->mac == NULL || vitrine_domain_check_mac (network->mac, error)) && vitrine_network_check_name (network, error);
}

/* --- Taking out ----------------------------------------------------------------------------------------------------- */

struct _VitrineRemoved
{
  xmlNode *node;      /* of no document: it outlives this one */
  guint    index;     /* among elements of its name */
};

VitrineRemoved *
vitrine_domain_take_out (xmlNode *node)
{
  if (node == NULL)
    return NULL;
  VitrineRemoved *removed = g_new0 (VitrineRemoved, 1);
  for (const xmlNode *other = node->prev; other != NULL; other = other->prev)
    removed->index += other->type == XML_ELEMENT_NODE && xmlStrEqual (other->name, node->name);
  removed->node = xmlCopyNode (node, 1);
  vitrine_xml_remove (node);
  return removed;
}

VitrineRemoved *
vitrine_domain_take_disk (VitrineDomain *self, const char *target)
{
  VITRINE_XML_FOREACH (node, vitrine_domain_devices (self), "disk")
    if (vitrine_xml_attr_is (vitrine_xml_child (node, "target"), "dev", target))
      return vitrine_domain_take_out (node);
  return NULL;
}

VitrineRemoved *
vitrine_domain_take_network (VitrineDomain *self, guint index)
{
  return vitrine_domain_take_out (vitrine_domain_find_interface (self, index));
}

VitrineRemoved *
vitrine_domain_remove_tpm (VitrineDomain *self)
{
  return vitrine_domain_take_out (vitrine_xml_child (vitrine_domain_devices (self), "tpm"));
}

/* Another disk may have its name by now. */
static void
keep_target_unique (VitrineDomain *self, xmlNode *disk)
{
  xmlNode         *target = vitrine_xml_child (disk, "target");
  g_autofree char *name = vitrine_xml_attr (target, "dev"), *bus = vitrine_xml_attr (target, "bus");

  VITRINE_XML_FOREACH (other, vitrine_domain_devices (self), "disk")
    if (name != NULL && vitrine_xml_attr_is (vitrine_xml_child (other, "target"), "dev", name))
      {
        g_autofree char *fresh = vitrine_domain_free_target (self, bus);
        vitrine_xml_set_attr (target, "dev", fresh);
        return;
      }
}

void
vitrine_domain_put_back (VitrineDomain *self, VitrineRemoved *removed)
{
  xmlNode *parent = vitrine_domain_devices (self), *node = xmlDocCopyNode (removed->node, parent->doc, 1);
  guint    index = removed->index;

  if (xmlStrEqual (node->name, (const xmlChar *) "disk"))
    keep_target_unique (self, node);
  if (xmlStrEqual (node->name, (const xmlChar *) "filesystem"))
    vitrine_domain_keep_folder_name_unique (self, node);
  VITRINE_XML_FOREACH (other, parent, (const char *) node->name)
    if (index-- == 0)
      {
        xmlAddPrevSibling (other, node);
        return;
      }
  xmlAddChild (parent, node);
}

void
vitrine_removed_free (VitrineRemoved *removed)
{
  xmlFreeNode (removed->node);
  g_free (removed);
}

/* --- Balloon -------------------------------------------------------------------------------------------------------- */

gboolean
vitrine_domain_get_balloon (VitrineDomain *self)
{
  const xmlNode *balloon = vitrine_xml_child (vitrine_domain_devices (self), "memballoon");

  return balloon != NULL && !vitrine_xml_attr_is (balloon, "model", "none");
}

void
vitrine_domain_set_balloon (VitrineDomain *self, gboolean on)
{
  if (on == vitrine_domain_get_balloon (self))
    return;
  vitrine_xml_remove (vitrine_xml_child (vitrine_domain_devices (self), "memballoon"));
  xmlNode *balloon = vitrine_xml_ensure (vitrine_domain_devices (self), "memballoon");
  vitrine_xml_set_attr (balloon, "model", on ? "virtio" : "none");
  if (on)
    vitrine_xml_set_attr (balloon, "freePageReporting", "on");
}
