/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a host offers: virConnectGetDomainCapabilities() and what is on the host
 * (https://libvirt.org/formatdomaincaps.html). */
#include "host-offer.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

#include "host-private.h"
#include "host-xml.h"

void
vitrine_host_offer_free (VitrineHostOffer *offer)
{
  if (offer == NULL)
    return;
  g_free (offer->host_uuid);
  g_free (offer->emulator);
  g_free (offer->machine);
  g_free (offer->no_machine);
  g_clear_pointer (&offer->domain, xmlFreeDoc);
  g_clear_pointer (&offer->machines, g_hash_table_unref);
  vitrine_host_resources_free (offer->resources);
  g_free (offer);
}

static void
take_domain (VitrineHostOffer *offer, xmlDoc *document)
{
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  g_autofree char *kind = vitrine_xml_text (vitrine_xml_child (root, "domain"));

  offer->domain = document;
  offer->emulator = vitrine_xml_text (vitrine_xml_child (root, "path"));
  offer->machine = vitrine_xml_text (vitrine_xml_child (root, "machine"));
  offer->kvm = g_strcmp0 (kind, "kvm") == 0;
}

VitrineHostOffer *
vitrine_host_offer_new_from_xml (const char *domain_capabilities)
{
  VitrineHostOffer *offer = g_new0 (VitrineHostOffer, 1);

  take_domain (offer, vitrine_host_parse_xml (domain_capabilities));
  offer->machines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return offer;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  char *arch, *board;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->arch);
  g_free (question->board);
  g_free (question);
}

/* KVM first: a host that has it says no to nothing else. */
static void
read_domain (virConnectPtr connection, const Question *question, VitrineHostOffer *offer)
{
  static const char *const kinds[] = { "kvm", "qemu", NULL /* what the driver has: libvirt's test driver */ };
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds) && offer->machine == NULL; i++)
    {
      char *xml = virConnectGetDomainCapabilities (connection, NULL, question->arch, question->board, kinds[i], 0);
      g_clear_error (&error);
      if (xml == NULL)
        vitrine_host_set_error (&error);
      else
        take_domain (offer, vitrine_host_take_xml (xml));
    }
  if (offer->machine == NULL)
    offer->no_machine = g_strdup (error != NULL ? error->message : _("The host has no such board."));
}

static void
read_host_uuid (virConnectPtr connection, VitrineHostOffer *offer)
{
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virConnectGetCapabilities (connection));

  if (document != NULL)
    offer->host_uuid = vitrine_xml_text (vitrine_xml_find (xmlDocGetRootElement (document), "host/uuid"));
}

static gboolean
read_machines (virConnectPtr connection, VitrineHostOffer *offer, GError **error)
{
  virDomainPtr *all = NULL;
  char uuid[VIR_UUID_STRING_BUFLEN] = "";

  offer->machines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (virConnectListAllDomains (connection, &all, 0) < 0)
    return vitrine_host_set_error (error) != NULL;
  for (virDomainPtr *at = all; *at != NULL; at++)
    {
      virDomainGetUUIDString (*at, uuid);
      g_hash_table_insert (offer->machines, g_strdup (uuid), g_strdup (virDomainGetName (*at)));
      virDomainFree (*at);
    }
  free (all);
  return TRUE;
}

static gpointer
read_offer (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  g_autoptr(VitrineHostOffer) offer = g_new0 (VitrineHostOffer, 1);

  offer->resources = vitrine_host_read_resources (connection, VITRINE_HOST_ALL_RESOURCES, error);
  if (offer->resources == NULL || !read_machines (connection, offer, error))
    return NULL;
  offer->free_memory_bytes = virNodeGetFreeMemory (connection);
  read_host_uuid (connection, offer);
  read_domain (connection, data, offer);
  return g_steal_pointer (&offer);
}

void
vitrine_host_read_offer_async (VitrineHost *self, const char *arch, const char *board, GAsyncReadyCallback done,
                               gpointer data)
{
  Question *question = g_new0 (Question, 1);

  question->arch = g_strdup (arch);
  question->board = g_strdup (board);
  vitrine_host_run_async (self, read_offer, question, question_free, (GDestroyNotify) vitrine_host_offer_free, NULL,
                          done, data);
}

VitrineHostOffer *
vitrine_host_read_offer_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error);
}

/* --- asking ----------------------------------------------------------------------------------------------------- */

static xmlNode *
find (const VitrineHostOffer *offer, const char *element)
{
  return offer->domain != NULL ? vitrine_xml_find (xmlDocGetRootElement (offer->domain), element) : NULL;
}

static gboolean
lists (xmlNode *parent, const char *wanted)
{
  VITRINE_XML_FOREACH (value, parent, "value")
    {
      g_autofree char *text = vitrine_xml_text (value);
      if (g_strcmp0 (text, wanted) == 0)
        return TRUE;
    }
  return FALSE;
}

gboolean
vitrine_host_offer_has (const VitrineHostOffer *offer, const char *element, const char *name, const char *value)
{
  VITRINE_XML_FOREACH (list, find (offer, element), "enum")
    if (vitrine_xml_attr_is (list, "name", name))
      return lists (list, value);
  return !vitrine_host_offer_lacks (offer, element);
}

gboolean
vitrine_host_offer_lacks (const VitrineHostOffer *offer, const char *element)
{
  return vitrine_xml_attr_is (find (offer, element), "supported", "no");
}

static xmlNode *
find_cpu_mode (const VitrineHostOffer *offer, const char *name)
{
  VITRINE_XML_FOREACH (mode, find (offer, "cpu"), "mode")
    if (vitrine_xml_attr_is (mode, "name", name))
      return mode;
  return NULL;
}

gboolean
vitrine_host_offer_has_cpu_mode (const VitrineHostOffer *offer, const char *name)
{
  return vitrine_xml_attr_is (find_cpu_mode (offer, name), "supported", "yes");
}

gboolean
vitrine_host_offer_has_cpu (const VitrineHostOffer *offer, const char *wanted)
{
  VITRINE_XML_FOREACH (model, find_cpu_mode (offer, "custom"), "model")
    {
      g_autofree char *name = vitrine_xml_text (model);
      if (g_strcmp0 (name, wanted) == 0)
        return !vitrine_xml_attr_is (model, "usable", "no");
    }
  return FALSE;
}

char *
vitrine_host_offer_find_loader (const VitrineHostOffer *offer, const char *path)
{
  g_autofree char *wanted = g_path_get_basename (path);

  VITRINE_XML_FOREACH (value, find (offer, "os/loader"), "value")
    {
      g_autofree char *there = vitrine_xml_text (value), *base = there != NULL ? g_path_get_basename (there) : NULL;
      if (g_strcmp0 (base, wanted) == 0)
        return g_steal_pointer (&there);
    }
  return NULL;
}

const VitrineHostPool *
vitrine_host_offer_find_pool (const VitrineHostOffer *offer, const char *name)
{
  for (guint i = 0; offer->resources != NULL && i < offer->resources->pools->len; i++)
    {
      const VitrineHostPool *pool = offer->resources->pools->pdata[i];
      if (g_strcmp0 (pool->name, name) == 0)
        return pool;
    }
  return NULL;
}

const VitrineHostNetwork *
vitrine_host_offer_find_network (const VitrineHostOffer *offer, const char *name)
{
  for (guint i = 0; offer->resources != NULL && i < offer->resources->networks->len; i++)
    {
      const VitrineHostNetwork *network = offer->resources->networks->pdata[i];
      if (g_strcmp0 (network->name, name) == 0)
        return network;
    }
  return NULL;
}

const VitrineHostVolume *
vitrine_host_offer_find_volume (const VitrineHostOffer *offer, const char *path)
{
  for (guint i = 0; offer->resources != NULL && i < offer->resources->pools->len; i++)
    {
      const VitrineHostPool *pool = offer->resources->pools->pdata[i];
      for (guint j = 0; j < pool->volumes->len; j++)
        {
          const VitrineHostVolume *volume = pool->volumes->pdata[j];
          if (g_strcmp0 (volume->path, path) == 0)
            return volume;
        }
    }
  return NULL;
}

const char *
vitrine_host_offer_find_machine (const VitrineHostOffer *offer, const char *name)
{
  GHashTableIter iter;
  gpointer uuid, there;

  g_hash_table_iter_init (&iter, offer->machines);
  while (g_hash_table_iter_next (&iter, &uuid, &there))
    if (g_strcmp0 (there, name) == 0)
      return uuid;
  return NULL;
}
