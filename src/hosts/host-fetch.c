/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine from a host: what its files are, and their bytes. */
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-private.h"
#include "host-shipment.h"
#include "host-stream.h"
#include "host-text.h"
#include "host-xml.h"

#define MAX_CHAIN 32   /* as many as the engine takes */

void
vitrine_host_cargo_free (VitrineHostCargo *cargo)
{
  g_free (cargo->what);
  g_free (cargo->path);
  g_free (cargo->named);
  g_free (cargo->pool);
  g_free (cargo->format);
  g_strfreev (cargo->chain);
  g_free (cargo->broken);
  g_free (cargo);
}

/* --- listing ---------------------------------------------------------------------------------------------------- */

static virStorageVolPtr
find_volume (virConnectPtr connection, const char *pool_name, const char *name, const char *path)
{
  if (pool_name == NULL || name == NULL)
    return path != NULL ? virStorageVolLookupByPath (connection, path) : NULL;
  virStoragePoolPtr pool = virStoragePoolLookupByName (connection, pool_name);
  virStorageVolPtr volume = pool != NULL ? virStorageVolLookupByName (pool, name) : NULL;
  if (pool != NULL)
    virStoragePoolFree (pool);
  return volume;
}

/* What a volume stands on. Whether that one stands on another again is a question only to an image whose format says
 * so: a guest may have written any header into its raw disk. */
static char *
backing_of (virStorageVolPtr volume, gboolean *goes_on)
{
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virStorageVolGetXMLDesc (volume, 0));
  xmlNode *backing = document != NULL ? vitrine_xml_child (xmlDocGetRootElement (document), "backingStore") : NULL;

  *goes_on = vitrine_xml_attr_is (vitrine_xml_child (backing, "format"), "type", "qcow2");
  return vitrine_xml_text (vitrine_xml_child (backing, "path"));
}

static void
follow_chain (VitrineHostCargo *cargo, virStorageVolPtr top)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  gboolean goes_on;
  char *backing = backing_of (top, &goes_on);

  for (guint n = 0; backing != NULL && cargo->broken == NULL; n++)
    {
      g_autofree char *path = g_steal_pointer (&backing);
      virStorageVolPtr volume = n < MAX_CHAIN ? virStorageVolLookupByPath (virStorageVolGetConnect (top), path) : NULL;
      if (volume == NULL)
        {
          cargo->broken = g_steal_pointer (&path);
          break;
        }
      g_strv_builder_add (builder, path);
      cargo->file_bytes += vitrine_host_volume_file_bytes (volume);
      if (goes_on)
        backing = backing_of (volume, &goes_on);
      virStorageVolFree (volume);
    }
  cargo->chain = g_strv_builder_end (builder);
}

static void
look_into (VitrineHostCargo *cargo, virStorageVolPtr volume)
{
  virStoragePoolPtr pool = virStoragePoolLookupByVolume (volume);
  virStorageVolInfo info;
  char *path = virStorageVolGetPath (volume);

  cargo->path = g_strdup (path);
  cargo->pool = g_strdup (pool != NULL ? virStoragePoolGetName (pool) : NULL);
  cargo->file_bytes = vitrine_host_volume_file_bytes (volume);
  cargo->capacity_bytes = virStorageVolGetInfo (volume, &info) == 0 ? info.capacity : 0;
  free (path);
  if (pool != NULL)
    virStoragePoolFree (pool);
  if (g_strcmp0 (cargo->format, "qcow2") == 0)
    follow_chain (cargo, volume);
}

/* Takes @what, @format and @named. */
static void
add (GPtrArray *all, virConnectPtr connection, const char *pool, const char *name, char *what, char *format,
     char *named)
{
  VitrineHostCargo *cargo = g_new0 (VitrineHostCargo, 1);
  virStorageVolPtr volume = find_volume (connection, pool, name, named);

  cargo->what = what;
  cargo->format = format;
  cargo->named = named;
  if (volume != NULL)
    {
      look_into (cargo, volume);
      virStorageVolFree (volume);
    }
  g_ptr_array_add (all, cargo);
}

static void
add_disk (GPtrArray *all, virConnectPtr connection, xmlNode *disk)
{
  xmlNode *source = vitrine_xml_child (disk, "source");
  g_autofree char *pool = vitrine_xml_attr (source, "pool"), *name = vitrine_xml_attr (source, "volume");
  char *named = vitrine_xml_attr (source, "file"),
       *format = vitrine_xml_attr (vitrine_xml_child (disk, "driver"), "type");

  if (named == NULL)
    named = vitrine_xml_attr (source, "dev");
  if (named == NULL)
    named = g_strdup (name);
  if (named == NULL && (source == NULL || vitrine_xml_attr_is (disk, "device", "cdrom")))
    {
      g_free (format);
      return;   /* an empty drive */
    }
  add (all, connection, pool, name, vitrine_xml_attr (vitrine_xml_child (disk, "target"), "dev"),
       format != NULL ? format : g_strdup ("raw"), named);
}

static gpointer
list_cargo (virDomainPtr domain, gpointer unused, GCancellable *cancellable, GError **error)
{
  static const char *const others[] = { "nvram", "kernel", "initrd" };
  char *xml = virDomainGetXMLDesc (domain, VIR_DOMAIN_XML_INACTIVE);
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_host_cargo_free);

  if (xml == NULL)
    {
      g_ptr_array_unref (all);
      return vitrine_host_set_error (error);
    }
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (xml);
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  VITRINE_XML_FOREACH (disk, vitrine_xml_child (root, "devices"), "disk")
    add_disk (all, virDomainGetConnect (domain), disk);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      char *path = vitrine_xml_text (vitrine_xml_child (vitrine_xml_child (root, "os"), others[i]));
      if (path != NULL)
        add (all, virDomainGetConnect (domain), NULL, NULL, g_strdup (others[i]), g_strdup ("raw"), path);
    }
  return all;
}

void
vitrine_host_guest_list_cargo_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (self, list_cargo, NULL, NULL, (GDestroyNotify) g_ptr_array_unref, NULL, done, data);
}

GPtrArray *
vitrine_host_guest_list_cargo_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (self, result, error);
}

/* --- fetching --------------------------------------------------------------------------------------------------- */

typedef struct
{
  GStrv            paths, files;
  GPtrArray       *stamps;        /* char*, as the paths: when each was changed last; NULL: the host does not say */
  VitrineHostMeter meter;
} Fetch;

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;

  g_clear_pointer (&fetch->stamps, g_ptr_array_unref);
  g_strfreev (fetch->paths);
  g_strfreev (fetch->files);
  g_free (fetch);
}

static gboolean
fetch_one (Fetch *fetch, virConnectPtr connection, guint i, GCancellable *cancellable, GError **error)
{
  virStorageVolPtr volume = virStorageVolLookupByPath (connection, fetch->paths[i]);

  if (volume == NULL)
    return vitrine_host_set_error (error) != NULL;
  gboolean ok = vitrine_host_receive_file (volume, fetch->files[i], &fetch->meter, cancellable, error);
  virStorageVolFree (volume);
  return ok;
}

static char *
stamp_of (virStorageVolPtr volume)
{
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virStorageVolGetXMLDesc (volume, 0));

  return document != NULL
             ? vitrine_xml_text (vitrine_xml_find (xmlDocGetRootElement (document), "target/timestamps/mtime"))
             : NULL;
}

static gboolean
look_at_volumes (Fetch *fetch, virConnectPtr connection, GError **error)
{
  fetch->stamps = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; fetch->paths[i] != NULL; i++)
    {
      virStorageVolPtr volume = virStorageVolLookupByPath (connection, fetch->paths[i]);
      if (volume == NULL)
        return vitrine_host_set_error (error) != NULL;
      fetch->meter.total_bytes += vitrine_host_volume_file_bytes (volume);
      g_ptr_array_add (fetch->stamps, stamp_of (volume));
      virStorageVolFree (volume);
    }
  return TRUE;
}

static gboolean
check_unchanged (const Fetch *fetch, virConnectPtr connection, GError **error)
{
  for (guint i = 0; fetch->paths[i] != NULL; i++)
    {
      virStorageVolPtr volume = virStorageVolLookupByPath (connection, fetch->paths[i]);
      g_autofree char *stamp = volume != NULL ? stamp_of (volume) : NULL;
      if (volume != NULL)
        virStorageVolFree (volume);
      if (g_strcmp0 (stamp, fetch->stamps->pdata[i]) == 0)
        continue;
      g_autofree char *shown = vitrine_host_text (fetch->paths[i], VITRINE_HOST_TITLE_CHARS);
      g_set_error (
          error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
          _("“%s” has changed on the host while it was fetched: a machine writes to it. Shut that down first."),
          shown);
      return FALSE;
    }
  return TRUE;
}

static void
drop_files (const Fetch *fetch, guint n)
{
  while (n-- > 0)
    g_unlink (fetch->files[n]);
}

static gpointer
fetch_all (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  Fetch *fetch = data;
  gboolean ok = look_at_volumes (fetch, connection, error);
  guint n = 0;

  for (; ok && fetch->paths[n] != NULL; n += ok)
    ok = fetch_one (fetch, connection, n, cancellable, error);
  if (ok && check_unchanged (fetch, connection, error))
    return VITRINE_HOST_DONE;
  drop_files (fetch, n);
  return NULL;
}

void
vitrine_host_fetch_async (VitrineHost *self, const char *const *paths, const char *const *files,
                          GCancellable *cancellable, VitrineHostProgress progress, gpointer progress_data,
                          GAsyncReadyCallback done, gpointer data)
{
  Fetch *fetch = g_new0 (Fetch, 1);

  fetch->paths = g_strdupv ((GStrv) paths);
  fetch->files = g_strdupv ((GStrv) files);
  fetch->meter = (VitrineHostMeter) { progress, progress_data, 0, 0, 0 };
  vitrine_host_run_async (self, fetch_all, fetch, fetch_free, NULL, cancellable, done, data);
}

gboolean
vitrine_host_fetch_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error) != NULL;
}
