/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host guest deleted, with those of its volumes that nobody else needs. libvirt knows no owner of a volume, so all
 * machines and all volumes of the host are asked; what cannot be asked could need them. */
#include <glib/gi18n-lib.h>
#include <stdlib.h>

#include "host-guest.h"
#include "host-private.h"
#include "host-xml.h"

/* --- what machines name ----------------------------------------------------------------------------------------- */

/* The path by which the volume's pool calls it; NULL: it is of no pool. */
static char *
take_volume_path (virStorageVolPtr volume)
{
  char *path = volume != NULL ? virStorageVolGetPath (volume) : NULL, *copy = g_strdup (path);

  free (path);
  if (volume != NULL)
    virStorageVolFree (volume);
  return copy;
}

static char *
volume_in_pool (virConnectPtr connection, const char *pool_name, const char *name)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (connection, pool_name);

  if (pool == NULL)
    return NULL;
  char *path = take_volume_path (virStorageVolLookupByName (pool, name));
  virStoragePoolFree (pool);
  return path;
}

/* What a <source> is on, as its pool calls it where it is in one. NULL: on nothing that could be a volume, or, with an
 * error, nobody knows. */
static char *
resolve_source (virConnectPtr connection, xmlNode *source, GError **error)
{
  g_autofree char *pool = vitrine_xml_attr (source, "pool"), *name = vitrine_xml_attr (source, "volume"),
                  *path = vitrine_xml_attr (source, "file");

  if (pool != NULL && name != NULL)
    {
      char *found = volume_in_pool (connection, pool, name);
      if (found == NULL)
        g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
                     _("A machine uses the volume “%s” of the pool “%s”, which cannot be found."), name, pool);
      return found;
    }
  if (path == NULL)
    path = vitrine_xml_attr (source, "dev");
  if (path == NULL)
    return NULL;
  char *known = take_volume_path (virStorageVolLookupByPath (connection, path));
  return known != NULL ? known : g_steal_pointer (&path);
}

static xmlDoc *
read_xml (virDomainPtr domain, unsigned flags, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, flags);

  if (xml == NULL)
    return vitrine_host_set_error (error);
  xmlDoc *document = vitrine_host_take_xml (xml);
  if (document == NULL)
    g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
                 _("The definition of “%s” cannot be read; it may be too large."), virDomainGetName (domain));
  return document;
}

/* Every <source> at any depth: disks with their backing files and mirrors, and whatever else is a file. */
static gboolean
collect_sources (virConnectPtr connection, xmlNode *parent, GHashTable *used, GError **error)
{
  for (xmlNode *child = parent != NULL ? parent->children : NULL; child != NULL; child = child->next)
    {
      g_autoptr(GError) problem = NULL;
      if (child->type != XML_ELEMENT_NODE)
        continue;
      char *path = xmlStrEqual (child->name, BAD_CAST "source") ? resolve_source (connection, child, &problem) : NULL;
      if (path != NULL)
        g_hash_table_add (used, path);
      if (problem != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
      if (!collect_sources (connection, child, used, error))
        return FALSE;
    }
  return TRUE;
}

/* As it runs, and as it will start: a disk may be in one of them only. */
static gboolean
collect_of_machine (virDomainPtr domain, GHashTable *used, GError **error)
{
  static const unsigned ways[] = { 0, VIR_DOMAIN_XML_INACTIVE };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr(xmlDoc) document = read_xml (domain, ways[i], error);
      if (document == NULL
          || !collect_sources (virDomainGetConnect (domain), xmlDocGetRootElement (document), used, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
collect_of_others (virDomainPtr domain, GHashTable *used, GError **error)
{
  virDomainPtr *all = NULL;
  char own[VIR_UUID_STRING_BUFLEN] = "", uuid[VIR_UUID_STRING_BUFLEN] = "";
  gboolean ok = TRUE;

  if (virConnectListAllDomains (virDomainGetConnect (domain), &all, 0) < 0)
    return vitrine_host_set_error (error) != NULL;
  virDomainGetUUIDString (domain, own);
  for (virDomainPtr *at = all; *at != NULL; at++)
    {
      virDomainGetUUIDString (*at, uuid);
      if (ok && !g_str_equal (own, uuid))
        ok = collect_of_machine (*at, used, error);
      virDomainFree (*at);
    }
  free (all);
  return ok;
}

/* --- what volumes name ------------------------------------------------------------------------------------------ */

static gboolean
collect_backing (virConnectPtr connection, virStorageVolPtr volume, GHashTable *used, GError **error)
{
  char *xml = virStorageVolGetXMLDesc (volume, 0);

  if (xml == NULL)
    return vitrine_host_set_error (error) != NULL;
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (xml);
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  g_autofree char *path = vitrine_xml_text (vitrine_xml_child (vitrine_xml_child (root, "backingStore"), "path"));
  if (path == NULL)
    return TRUE;
  char *known = take_volume_path (virStorageVolLookupByPath (connection, path));
  g_hash_table_add (used, known != NULL ? known : g_steal_pointer (&path));
  return TRUE;
}

static gboolean
collect_of_pool (virStoragePoolPtr pool, GHashTable *used, GError **error)
{
  virStorageVolPtr *all = NULL;
  gboolean ok = TRUE;

  if (virStoragePoolListAllVolumes (pool, &all, 0) < 0)
    {
      vitrine_host_set_error (error);
      g_prefix_error (error, _("The pool “%s” cannot be looked through: "), virStoragePoolGetName (pool));
      return FALSE;
    }
  for (virStorageVolPtr *at = all; *at != NULL; at++)
    {
      ok = ok && collect_backing (virStoragePoolGetConnect (pool), *at, used, error);
      virStorageVolFree (*at);
    }
  free (all);
  return ok;
}

static gboolean
collect_of_pools (virConnectPtr connection, GHashTable *used, GError **error)
{
  virStoragePoolPtr *all = NULL;
  gboolean ok = TRUE;

  if (virConnectListAllStoragePools (connection, &all, 0) < 0)
    return vitrine_host_set_error (error) != NULL;
  for (virStoragePoolPtr *at = all; *at != NULL; at++)
    {
      ok = ok && collect_of_pool (*at, used, error);
      virStoragePoolFree (*at);
    }
  free (all);
  return ok;
}

/* --- what would go ---------------------------------------------------------------------------------------------- */

static gboolean
is_own_disk (xmlNode *disk)
{
  g_autofree char *device = vitrine_xml_attr (disk, "device");

  return vitrine_xml_child (disk, "readonly") == NULL && vitrine_xml_child (disk, "shareable") == NULL
         && (device == NULL || g_str_equal (device, "disk"));
}

/* The volumes that are this machine's alone by its own word. */
static GPtrArray *
list_own (virDomainPtr domain, GError **error)
{
  g_autoptr(GPtrArray) own = g_ptr_array_new_with_free_func (g_free);
  virConnectPtr connection = virDomainGetConnect (domain);
  g_autoptr(xmlDoc) document = read_xml (domain, VIR_DOMAIN_XML_INACTIVE, error);

  if (document == NULL)
    return NULL;
  VITRINE_XML_FOREACH (disk, vitrine_xml_child (xmlDocGetRootElement (document), "devices"), "disk")
  {
    g_autofree char *path = is_own_disk (disk) ? resolve_source (connection, vitrine_xml_child (disk, "source"), NULL)
                                               : NULL;
    g_autofree char *known
        = path != NULL ? take_volume_path (virStorageVolLookupByPath (connection, path)) : NULL;
    if (known != NULL)
      g_ptr_array_add (own, g_steal_pointer (&known));
  }
  return g_steal_pointer (&own);
}

/* NULL and an error: somebody could not be asked. */
static GStrv
find_volumes (virDomainPtr domain, GError **error)
{
  g_autoptr(GHashTable) used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr(GPtrArray) own = list_own (domain, error);
  virConnectPtr connection = virDomainGetConnect (domain);

  if (own == NULL)
    return NULL;
  if (own->len > 0
      && (!collect_of_others (domain, used, error) || !collect_of_pools (connection, used, error)))
    return NULL;
  for (guint i = 0; i < own->len; i++)
    if (g_hash_table_add (used, g_strdup (own->pdata[i])))   /* each once */
      g_strv_builder_add (builder, own->pdata[i]);
  return g_strv_builder_end (builder);
}

static gpointer
list_volumes (virDomainPtr domain, gpointer unused, GCancellable *cancellable, GError **error)
{
  return find_volumes (domain, error);
}

void
vitrine_host_guest_list_volumes_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (self, list_volumes, NULL, NULL, (GDestroyNotify) g_strfreev, NULL, done, data);
}

GStrv
vitrine_host_guest_list_volumes_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error);
}

/* --- delete ----------------------------------------------------------------------------------------------------- */

static gboolean
undefine (virDomainPtr domain, GError **error)
{
  static const unsigned ways[] = {
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
      | VIR_DOMAIN_UNDEFINE_NVRAM,
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
    0,
  };

  g_autoptr(GError) first = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      if (virDomainUndefineFlags (domain, ways[i]) == 0)
        return TRUE;
      vitrine_host_set_error (first == NULL ? &first : NULL);   /* the other ways are for hosts that know less */
    }
  g_propagate_error (error, g_steal_pointer (&first));
  return FALSE;
}

static gboolean
delete_volume (virConnectPtr connection, const char *path, GError **error)
{
  virStorageVolPtr volume = virStorageVolLookupByPath (connection, path);
  gboolean ok = volume != NULL && virStorageVolDelete (volume, 0) == 0;

  if (!ok)
    {
      vitrine_host_set_error (error);
      g_prefix_error (error, _("The machine is deleted, but its volume “%s” is still there: "), path);
    }
  if (volume != NULL)
    virStorageVolFree (volume);
  return ok;
}

/* It would go on without them. */
static gboolean
check_off (virDomainPtr domain, GError **error)
{
  int active = virDomainIsActive (domain);

  if (active < 0)
    return vitrine_host_set_error (error) != NULL;
  if (active > 0)
    g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
                 _("“%s” runs: turn it off before you delete it with its volumes."), virDomainGetName (domain));
  return active == 0;
}

static gpointer
delete_domain (virDomainPtr domain, gpointer volumes, GCancellable *cancellable, GError **error)
{
  const char *const *wanted = volumes;
  g_auto(GStrv) paths = NULL;

  if (wanted != NULL && (!check_off (domain, error) || (paths = find_volumes (domain, error)) == NULL))
    return NULL;
  gboolean ok = undefine (domain, error);
  for (guint i = 0; ok && paths != NULL && paths[i] != NULL; i++)
    if (g_strv_contains (wanted, paths[i]))
      ok = delete_volume (virDomainGetConnect (domain), paths[i], error);
  return ok ? VITRINE_HOST_DONE : NULL;
}

void
vitrine_host_guest_delete_async (VitrineHostGuest *self, const char *const *volumes, GAsyncReadyCallback done,
                                 gpointer data)
{
  vitrine_host_guest_run_async (self, delete_domain, g_strdupv ((char **) volumes), (GDestroyNotify) g_strfreev, NULL,
                                NULL, done, data);
}

gboolean
vitrine_host_guest_delete_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error) != NULL;
}
