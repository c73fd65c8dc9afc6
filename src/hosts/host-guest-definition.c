/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host guest's XML: read, changed by a person, deleted together with its volumes. */
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "host-guest.h"
#include "host-private.h"
#include "host-text.h"
#include "host-xml.h"

#define MAX_DIFF_CHARS 4000

static char *
get_xml (virDomainPtr domain, unsigned flags, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, flags);

  if (xml == NULL && (flags & VIR_DOMAIN_XML_SECURE) != 0)
    xml = virDomainGetXMLDesc (domain, flags & ~(unsigned) VIR_DOMAIN_XML_SECURE);   /* a connection for reading only */
  if (xml == NULL)
    return vitrine_host_set_error (error);
  char *copy = g_strdup (xml);
  free (xml);
  return copy;
}

/* --- read ------------------------------------------------------------------------------------------------------- */

static gpointer
read_definition (virDomainPtr domain, gpointer running, GCancellable *cancellable, GError **error)
{
  return get_xml (domain, running != NULL ? 0 : VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE, error);
}

void
vitrine_host_guest_read_definition_async (VitrineHostGuest *self, gboolean running, GAsyncReadyCallback done,
                                          gpointer data)
{
  vitrine_host_guest_run_async (self, read_definition, GINT_TO_POINTER (running), NULL, g_free, NULL, done, data);
}

char *
vitrine_host_guest_read_definition_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error);
}

/* --- change ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  char *was, *xml;
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free (change->was);
  g_free (change->xml);
  g_free (change);
}

static char *
write_temporary (const char *text)
{
  char *path = NULL;
  int fd = g_file_open_tmp ("vitrine-XXXXXX.xml", &path, NULL);

  if (fd < 0)
    return NULL;
  g_close (fd, NULL);
  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL);   /* there may be passwords in it */
  return path;
}

/* What diff(1) says; NULL when it is not there. */
static char *
diff (const char *was, const char *is)
{
  g_autofree char *first = write_temporary (was), *second = write_temporary (is), *out = NULL;
  const char *const argv[]
      = { "diff", "--unified=2", "--label", _("as you opened it"), "--label", _("as the host has it now"),
          first,  second,        NULL };

  if (first != NULL && second != NULL)
    g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL,
                  NULL, NULL);
  if (first != NULL)
    g_unlink (first);
  if (second != NULL)
    g_unlink (second);
  if (out == NULL || *out == '\0')
    return NULL;
  g_autofree char *valid = g_utf8_make_valid (out, -1);
  return g_utf8_substring (valid, 0, MIN (g_utf8_strlen (valid, -1), MAX_DIFF_CHARS));
}

static gboolean
check_unchanged (virDomainPtr domain, const char *was, GError **error)
{
  g_autofree char *is = get_xml (domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE, error);

  if (is == NULL)
    return FALSE;
  if (g_str_equal (is, was))
    return TRUE;
  g_autofree char *lines = diff (was, is);
  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_CONFLICT,
               _("Somebody else has changed this definition since you opened it. Nothing was written.\n%s"),
               lines != NULL ? lines : "");
  return FALSE;
}

/* Else libvirt would take it for another machine. */
static gboolean
check_identity (virDomainPtr domain, const char *xml, GError **error)
{
  g_autoptr(xmlDoc) document = vitrine_host_parse_xml (xml);
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  char uuid[VIR_UUID_STRING_BUFLEN] = "";

  if (root == NULL)
    {
      g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
                           _("This is not XML: a tag may be open."));
      return FALSE;
    }
  g_autofree char *given = vitrine_xml_text (vitrine_xml_child (root, "uuid"));
  virDomainGetUUIDString (domain, uuid);
  if (given != NULL && g_ascii_strcasecmp (given, uuid) == 0)
    return TRUE;
  g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_INVALID,
               _("The UUID must stay %s: another one is another machine."), uuid);
  return FALSE;
}

static gpointer
write_definition (virDomainPtr domain, gpointer data, GCancellable *cancellable, GError **error)
{
  const Change *change = data;

  if (!check_identity (domain, change->xml, error) || !check_unchanged (domain, change->was, error))
    return NULL;
  virDomainPtr defined
      = virDomainDefineXMLFlags (virDomainGetConnect (domain), change->xml, VIR_DOMAIN_DEFINE_VALIDATE);
  if (defined == NULL)
    return vitrine_host_set_error (error);
  virDomainFree (defined);
  return VITRINE_HOST_DONE;
}

void
vitrine_host_guest_write_definition_async (VitrineHostGuest *self, const char *was, const char *xml,
                                           GAsyncReadyCallback done, gpointer data)
{
  Change *change = g_new0 (Change, 1);

  change->was = g_strdup (was);
  change->xml = g_strdup (xml);
  vitrine_host_guest_run_async (self, write_definition, change, change_free, NULL, NULL, done, data);
}

gboolean
vitrine_host_guest_write_definition_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error) != NULL;
}

/* --- volumes ---------------------------------------------------------------------------------------------------- */

/* The set of files and devices that disks are on; with @own only those that are this machine's alone by its own word.
 */
static void
collect_sources (virDomainPtr domain, gboolean own, GHashTable *sources)
{
  g_autofree char *xml = get_xml (domain, VIR_DOMAIN_XML_INACTIVE, NULL);
  g_autoptr(xmlDoc) document = vitrine_host_parse_xml (xml);
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;

  VITRINE_XML_FOREACH (disk, vitrine_xml_child (root, "devices"), "disk")
  {
    xmlNode *source = vitrine_xml_child (disk, "source");
    g_autofree char *device = vitrine_xml_attr (disk, "device"), *path = vitrine_xml_attr (source, "file");
    gboolean shared = vitrine_xml_child (disk, "readonly") != NULL || vitrine_xml_child (disk, "shareable") != NULL;
    if (path == NULL)
      path = vitrine_xml_attr (source, "dev");
    if (path != NULL && !(own && (shared || (device != NULL && !g_str_equal (device, "disk")))))
      g_hash_table_add (sources, g_steal_pointer (&path));
  }
}

static void
leave_out_used (virDomainPtr domain, GHashTable *sources)
{
  g_autoptr(GHashTable) used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  virDomainPtr *all = NULL;
  char own[VIR_UUID_STRING_BUFLEN] = "", uuid[VIR_UUID_STRING_BUFLEN] = "";
  GHashTableIter iterator;
  gpointer path;

  if (virConnectListAllDomains (virDomainGetConnect (domain), &all, 0) < 0)
    g_hash_table_remove_all (sources);   /* who cannot look deletes nothing */
  virDomainGetUUIDString (domain, own);
  for (virDomainPtr *at = all; at != NULL && *at != NULL; at++)
    {
      virDomainGetUUIDString (*at, uuid);
      if (!g_str_equal (own, uuid))
        collect_sources (*at, FALSE, used);
      virDomainFree (*at);
    }
  free (all);
  g_hash_table_iter_init (&iterator, used);
  while (g_hash_table_iter_next (&iterator, &path, NULL))
    g_hash_table_remove (sources, path);
}

static GStrv
find_volumes (virDomainPtr domain)
{
  g_autoptr(GHashTable) sources = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  GHashTableIter iterator;
  gpointer path;

  collect_sources (domain, TRUE, sources);
  if (g_hash_table_size (sources) > 0)
    leave_out_used (domain, sources);
  g_hash_table_iter_init (&iterator, sources);
  while (g_hash_table_iter_next (&iterator, &path, NULL))
    {
      virStorageVolPtr volume = virStorageVolLookupByPath (virDomainGetConnect (domain), path);
      if (volume == NULL)
        continue;
      g_strv_builder_add (builder, path);
      virStorageVolFree (volume);
    }
  return g_strv_builder_end (builder);
}

static gpointer
list_volumes (virDomainPtr domain, gpointer unused, GCancellable *cancellable, GError **error)
{
  return find_volumes (domain);
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

static gpointer
delete_domain (virDomainPtr domain, gpointer volumes, GCancellable *cancellable, GError **error)
{
  g_auto(GStrv) paths = volumes != NULL ? find_volumes (domain) : NULL;
  gboolean ok = undefine (domain, error);

  for (guint i = 0; ok && paths != NULL && paths[i] != NULL; i++)
    ok = delete_volume (virDomainGetConnect (domain), paths[i], error);
  return ok ? VITRINE_HOST_DONE : NULL;
}

void
vitrine_host_guest_delete_async (VitrineHostGuest *self, gboolean volumes, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (self, delete_domain, GINT_TO_POINTER (volumes), NULL, NULL, NULL, done, data);
}

gboolean
vitrine_host_guest_delete_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error) != NULL;
}
