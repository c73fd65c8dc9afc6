/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "domain-zpci.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "domain-hostdev.h"
#include "domain-private.h"
#include <vitrine/error.h>

void
vitrine_zpci_free (VitrineZpci *zpci)
{
  g_free (zpci->id);
  g_free (zpci->element);
  g_free (zpci);
}

gboolean
vitrine_domain_is_s390x (VitrineDomain *self)
{
  const xmlNode *type = vitrine_xml_find (vitrine_domain_root (self), "os/type");
  g_autofree char *machine = vitrine_xml_attr (type, "machine");

  return vitrine_xml_attr_is (type, "arch", "s390x")
         || (machine != NULL && g_str_has_prefix (machine, "s390-ccw-virtio"));
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Without an address, libvirt gives PCI ones to host devices and to what is PCI by its nature; virtio goes to channel
 * I/O. */
static gboolean
is_pci (const xmlNode *node)
{
  const xmlNode *address = vitrine_xml_child (node, "address");

  if (address != NULL)
    return vitrine_xml_attr_is (address, "type", "pci");
  return strcmp ((const char *) node->name, "hostdev") == 0 && vitrine_xml_attr_is (node, "type", "pci");
}

static char *
own_name (const xmlNode *node)
{
  const char *element = (const char *) node->name;

  if (g_str_equal (element, "interface"))
    return vitrine_xml_attr (vitrine_xml_child (node, "mac"), "address");
  if (g_str_equal (element, "disk"))
    return vitrine_xml_attr (vitrine_xml_child (node, "target"), "dev");
  return NULL;
}

/* The host's address, as the model of host devices has it. */
static char *
hostdev_name (VitrineDomain *self, guint nth)
{
  g_autoptr(GPtrArray) all = vitrine_domain_get_hostdevs (self);
  guint i = 0;

  for (guint at = 0; at < all->len; at++)
    {
      const VitrineHostdev *hostdev = all->pdata[at];
      if (hostdev->kind == VITRINE_HOSTDEV_PCI && i++ == nth)
        return g_strdup (hostdev->id);
    }
  return NULL;
}

static gboolean
read_number (const xmlNode *node, const char *name, guint32 *value)
{
  g_autofree char *text = vitrine_xml_attr (node, name);

  *value = text != NULL ? (guint32) g_ascii_strtoull (text, NULL, 0) : 0;
  return text != NULL;
}

typedef void (*Visit) (xmlNode *node, VitrineZpci *zpci, gpointer data);

static char *
name_device (VitrineDomain *self, const xmlNode *node, guint *n_hostdevs, GHashTable *names)
{
  const char *element = (const char *) node->name;
  gboolean pci_hostdev = g_str_equal (element, "hostdev") && vitrine_xml_attr_is (node, "type", "pci");
  g_autofree char *name = pci_hostdev ? hostdev_name (self, (*n_hostdevs)++) : own_name (node);

  if (name == NULL)
    name = g_strdup (element);
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (names, name)) + 1;
  g_hash_table_insert (names, g_strdup (name), GUINT_TO_POINTER (n));
  return n == 1 ? g_steal_pointer (&name) : g_strdup_printf ("%s-%u", name, n);
}

static void
visit_all (VitrineDomain *self, Visit visit, gpointer data)
{
  xmlNode *devices = vitrine_xml_child (vitrine_domain_root (self), "devices");
  g_autoptr(GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n_hostdevs = 0;

  if (!vitrine_domain_is_s390x (self) || devices == NULL)
    return;
  for (xmlNode *node = devices->children; node != NULL; node = node->next)
    {
      if (node->type != XML_ELEMENT_NODE || node->ns != NULL || !is_pci (node))
        continue;
      const xmlNode *zpci = vitrine_xml_find (node, "address/zpci");
      VitrineZpci *device = g_new0 (VitrineZpci, 1);
      device->id = name_device (self, node, &n_hostdevs, names);
      device->element = g_strdup ((const char *) node->name);
      device->has_uid = read_number (zpci, "uid", &device->uid);
      device->has_fid = read_number (zpci, "fid", &device->fid);
      visit (node, device, data);
    }
}

static void
keep (xmlNode *node, VitrineZpci *zpci, gpointer all)
{
  g_ptr_array_add (all, zpci);
}

static void
free_zpci (gpointer data)
{
  vitrine_zpci_free (data);
}

GPtrArray *
vitrine_domain_get_zpci (VitrineDomain *self)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (free_zpci);

  visit_all (self, keep, all);
  return all;
}

typedef struct
{
  const char *id;
  xmlNode    *node;
} Search;

static void
compare (xmlNode *node, VitrineZpci *zpci, gpointer data)
{
  Search *search = data;

  if (g_ascii_strcasecmp (zpci->id, search->id) == 0)
    search->node = node;
  vitrine_zpci_free (zpci);
}

static xmlNode *
find (VitrineDomain *self, const char *id, GError **error)
{
  Search search = { .id = id };

  visit_all (self, compare, &search);
  if (search.node == NULL && !vitrine_domain_is_s390x (self))
    g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG,
                         _("Only machines of the architecture s390x have zPCI addresses."));
  else if (search.node == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("The machine has no PCI device “%s”."), id);
  return search.node;
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static gboolean
parse_number (const char *text, guint64 *value)
{
  char *end = NULL;

  if (!g_ascii_isdigit (*text))
    return FALSE;
  errno = 0;
  gboolean hex = g_ascii_strncasecmp (text, "0x", 2) == 0;
  *value = g_ascii_strtoull (text, &end, hex ? 16 : 10);
  return errno == 0 && *end == '\0';
}

gboolean
vitrine_zpci_parse_uid (const char *text, guint32 *uid, GError **error)
{
  guint64 value = 0;

  if (parse_number (text, &value) && value >= 1 && value <= VITRINE_ZPCI_MAX_UID)
    {
      *uid = (guint32) value;
      return TRUE;
    }
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is no uid: it is a number from 0x0001 to 0xffff."), text);
  return FALSE;
}

gboolean
vitrine_zpci_parse_fid (const char *text, guint32 *fid, GError **error)
{
  guint64 value = 0;

  if (parse_number (text, &value) && value <= G_MAXUINT32)
    {
      *fid = (guint32) value;
      return TRUE;
    }
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("“%s” is no fid: it is a number from 0x00000000 to 0xffffffff."),
               text);
  return FALSE;
}

/* Who else has it; NULL: nobody. */
static char *
find_owner (VitrineDomain *self, const char *but, gboolean by_uid, guint32 number)
{
  g_autoptr(GPtrArray) all = vitrine_domain_get_zpci (self);

  for (guint i = 0; i < all->len; i++)
    {
      const VitrineZpci *zpci = all->pdata[i];
      gboolean same = by_uid ? zpci->has_uid && zpci->uid == number : zpci->has_fid && zpci->fid == number;
      if (same && (but == NULL || g_ascii_strcasecmp (zpci->id, but) != 0))
        return g_strdup (zpci->id);
    }
  return NULL;
}

static gboolean
is_taken (VitrineDomain *self, gboolean by_uid, guint32 number)
{
  g_autofree char *owner = find_owner (self, NULL, by_uid, number);

  return owner != NULL;
}

guint32
vitrine_domain_free_zpci_uid (VitrineDomain *self)
{
  for (guint32 uid = 1; uid <= VITRINE_ZPCI_MAX_UID; uid++)
    if (!is_taken (self, TRUE, uid))
      return uid;
  return 0;
}

/* There are more numbers than a definition has room for devices. */
guint32
vitrine_domain_free_zpci_fid (VitrineDomain *self)
{
  guint32 fid = 0;

  while (is_taken (self, FALSE, fid))
    fid++;
  return fid;
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

static gboolean
check (VitrineDomain *self, const char *id, guint32 uid, guint32 fid, GError **error)
{
  g_autofree char *uid_owner = find_owner (self, id, TRUE, uid), *fid_owner = find_owner (self, id, FALSE, fid);

  if (uid == 0 || uid > VITRINE_ZPCI_MAX_UID)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("0x%04x is no uid: it is a number from 0x0001 to 0xffff."), uid);
  else if (uid_owner != NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("The uid 0x%04x is that of “%s”. 0x%04x is free."), uid, uid_owner,
                 vitrine_domain_free_zpci_uid (self));
  else if (fid_owner != NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("The fid 0x%08x is that of “%s”. 0x%08x is free."), fid, fid_owner,
                 vitrine_domain_free_zpci_fid (self));
  else
    return TRUE;
  return FALSE;
}

gboolean
vitrine_domain_set_zpci (VitrineDomain *self, const char *id, guint32 uid, guint32 fid, GError **error)
{
  xmlNode *node = find (self, id, error);

  if (node == NULL || !check (self, id, uid, fid, error))
    return FALSE;
  g_autofree char *uid_text = g_strdup_printf ("0x%04x", uid), *fid_text = g_strdup_printf ("0x%08x", fid);
  vitrine_xml_set_attr (vitrine_xml_ensure (node, "address"), "type", "pci");
  xmlNode *zpci = vitrine_xml_ensure (node, "address/zpci");
  vitrine_xml_set_attr (zpci, "uid", uid_text);
  vitrine_xml_set_attr (zpci, "fid", fid_text);
  return TRUE;
}

gboolean
vitrine_domain_clear_zpci (VitrineDomain *self, const char *id, GError **error)
{
  xmlNode *node = find (self, id, error);

  if (node != NULL)
    vitrine_xml_remove (vitrine_xml_find (node, "address/zpci"));
  return node != NULL;
}
