/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pools, networks and devices of a host: listing, starting, stopping. */
#include "host-resources.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "host-private.h"
#include "host-xml.h"

#define MAX_VOLUMES 2000   /* of one pool: more are no list that a person reads */
#define MAX_DEVICES 2000

static void
volume_free (gpointer data)
{
  VitrineHostVolume *volume = data;

  g_free (volume->name);
  g_free (volume->path);
  g_free (volume->format);
  g_free (volume);
}

static void
pool_free (gpointer data)
{
  VitrineHostPool *pool = data;

  g_free (pool->name);
  g_free (pool->path);
  g_ptr_array_unref (pool->volumes);
  g_free (pool);
}

static void
network_free (gpointer data)
{
  VitrineHostNetwork *network = data;

  g_free (network->name);
  g_free (network->bridge);
  g_free (network);
}

static void
device_free (gpointer data)
{
  VitrineHostDevice *device = data;

  g_free (device->name);
  g_free (device->kind);
  g_free (device->description);
  g_free (device);
}

void
vitrine_host_resources_free (VitrineHostResources *resources)
{
  if (resources == NULL)
    return;
  g_ptr_array_unref (resources->pools);
  g_ptr_array_unref (resources->networks);
  g_ptr_array_unref (resources->devices);
  g_free (resources->no_devices);
  g_free (resources);
}

/* The text of one element; NULL when it is not there. */
static char *
take_text (char *xml, const char *path)
{
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (xml);

  return document != NULL ? vitrine_xml_text (vitrine_xml_find (xmlDocGetRootElement (document), path)) : NULL;
}

/* --- pools ------------------------------------------------------------------------------------------------------ */

static VitrineHostVolume *
read_volume (virStorageVolPtr handle)
{
  VitrineHostVolume *volume = g_new0 (VitrineHostVolume, 1);
  virStorageVolInfo info;
  char *path = virStorageVolGetPath (handle);
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virStorageVolGetXMLDesc (handle, 0));

  volume->name = g_strdup (virStorageVolGetName (handle));
  volume->path = g_strdup (path != NULL ? path : "");
  free (path);
  if (document != NULL)
    volume->format = vitrine_xml_attr (vitrine_xml_find (xmlDocGetRootElement (document), "target/format"), "type");
  if (virStorageVolGetInfo (handle, &info) == 0)
    {
      volume->capacity_bytes = info.capacity;
      volume->allocation_bytes = info.allocation;
    }
  return volume;
}

static int
compare_volumes (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(VitrineHostVolume **) a)->name, (*(VitrineHostVolume **) b)->name);
}

static void
read_volumes (virStoragePoolPtr handle, GPtrArray *volumes)
{
  virStorageVolPtr *all = NULL;

  if (virStoragePoolListAllVolumes (handle, &all, 0) < 0)
    return;
  for (virStorageVolPtr *at = all; *at != NULL; at++)
    {
      if (volumes->len < MAX_VOLUMES)
        g_ptr_array_add (volumes, read_volume (*at));
      virStorageVolFree (*at);
    }
  free (all);
  g_ptr_array_sort (volumes, compare_volumes);
}

static VitrineHostPool *
read_pool (virStoragePoolPtr handle)
{
  VitrineHostPool *pool = g_new0 (VitrineHostPool, 1);
  virStoragePoolInfo info;
  int autostart = 0;

  pool->name = g_strdup (virStoragePoolGetName (handle));
  pool->path = take_text (virStoragePoolGetXMLDesc (handle, 0), "target/path");
  pool->active = virStoragePoolIsActive (handle) == 1;
  pool->autostart = virStoragePoolGetAutostart (handle, &autostart) == 0 && autostart != 0;
  pool->volumes = g_ptr_array_new_with_free_func (volume_free);
  if (virStoragePoolGetInfo (handle, &info) == 0)
    {
      pool->capacity_bytes = info.capacity;
      pool->available_bytes = info.available;
    }
  if (pool->active)
    read_volumes (handle, pool->volumes);
  return pool;
}

static gboolean
list_pools (virConnectPtr connection, GPtrArray *pools, GError **error)
{
  virStoragePoolPtr *all = NULL;

  if (virConnectListAllStoragePools (connection, &all, 0) < 0)
    return vitrine_host_set_error (error) != NULL;
  for (virStoragePoolPtr *at = all; *at != NULL; at++)
    {
      g_ptr_array_add (pools, read_pool (*at));
      virStoragePoolFree (*at);
    }
  free (all);
  return TRUE;
}

/* --- networks and devices --------------------------------------------------------------------------------------- */

static VitrineHostNetwork *
read_network (virNetworkPtr handle)
{
  VitrineHostNetwork *network = g_new0 (VitrineHostNetwork, 1);
  char *bridge = virNetworkGetBridgeName (handle);
  int autostart = 0;

  network->name = g_strdup (virNetworkGetName (handle));
  network->bridge = g_strdup (bridge);
  network->active = virNetworkIsActive (handle) == 1;
  network->autostart = virNetworkGetAutostart (handle, &autostart) == 0 && autostart != 0;
  free (bridge);
  return network;
}

/* A host without networks of its own, as a person's session, has an empty list. */
static void
list_networks (virConnectPtr connection, GPtrArray *networks)
{
  virNetworkPtr *all = NULL;

  if (virConnectListAllNetworks (connection, &all, 0) < 0)
    return;
  for (virNetworkPtr *at = all; *at != NULL; at++)
    {
      g_ptr_array_add (networks, read_network (*at));
      virNetworkFree (*at);
    }
  free (all);
}

static VitrineHostDevice *
read_device (virNodeDevicePtr handle)
{
  VitrineHostDevice *device = g_new0 (VitrineHostDevice, 1);
  g_autoptr(xmlDoc) document = vitrine_host_take_xml (virNodeDeviceGetXMLDesc (handle, 0));
  xmlNode *capability = document != NULL ? vitrine_xml_child (xmlDocGetRootElement (document), "capability") : NULL;
  g_autofree char *vendor = vitrine_xml_text (vitrine_xml_child (capability, "vendor"));
  g_autofree char *product = vitrine_xml_text (vitrine_xml_child (capability, "product"));

  device->name = g_strdup (virNodeDeviceGetName (handle));
  device->kind = capability != NULL ? vitrine_xml_attr (capability, "type") : NULL;
  if (vendor != NULL && product != NULL)
    device->description = g_strdup_printf ("%s %s", vendor, product);
  else
    device->description
        = product != NULL ? g_steal_pointer (&product) : vitrine_xml_text (vitrine_xml_child (capability, "interface"));
  return device;
}

static int
compare_devices (gconstpointer a, gconstpointer b)
{
  const VitrineHostDevice *first = *(VitrineHostDevice **) a, *second = *(VitrineHostDevice **) b;
  int order = g_strcmp0 (first->kind, second->kind);

  return order != 0 ? order : strcmp (first->name, second->name);
}

static void
list_devices (virConnectPtr connection, VitrineHostResources *resources)
{
  virNodeDevicePtr *all = NULL;
  g_autoptr(GError) error = NULL;

  if (virConnectListAllNodeDevices (connection, &all, 0) < 0)
    {
      vitrine_host_set_error (&error);
      resources->no_devices = g_strdup (error->message);
      return;
    }
  for (virNodeDevicePtr *at = all; *at != NULL; at++)
    {
      if (resources->devices->len < MAX_DEVICES)
        g_ptr_array_add (resources->devices, read_device (*at));
      virNodeDeviceFree (*at);
    }
  free (all);
  g_ptr_array_sort (resources->devices, compare_devices);
}

VitrineHostResources *
vitrine_host_read_resources (virConnectPtr connection, VitrineHostResourceKinds kinds, GError **error)
{
  g_autoptr(VitrineHostResources) resources = g_new0 (VitrineHostResources, 1);

  resources->kinds = kinds;
  resources->pools = g_ptr_array_new_with_free_func (pool_free);
  resources->networks = g_ptr_array_new_with_free_func (network_free);
  resources->devices = g_ptr_array_new_with_free_func (device_free);
  if ((kinds & VITRINE_HOST_POOLS) != 0 && !list_pools (connection, resources->pools, error))
    return NULL;
  if ((kinds & VITRINE_HOST_NETWORKS) != 0)
    list_networks (connection, resources->networks);
  if ((kinds & VITRINE_HOST_DEVICES) != 0)
    list_devices (connection, resources);
  return g_steal_pointer (&resources);
}

static gpointer
list_resources (virConnectPtr connection, gpointer kinds, GCancellable *cancellable, GError **error)
{
  return vitrine_host_read_resources (connection, GPOINTER_TO_UINT (kinds), error);
}

void
vitrine_host_list_resources_async (VitrineHost *self, VitrineHostResourceKinds kinds, GAsyncReadyCallback done,
                                   gpointer data)
{
  vitrine_host_run_async (self, list_resources, GUINT_TO_POINTER (kinds), NULL,
                          (GDestroyNotify) vitrine_host_resources_free, NULL, done, data);
}

VitrineHostResources *
vitrine_host_list_resources_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error);
}

const VitrineHostNetwork *
vitrine_host_resources_find_idle_default (const VitrineHostResources *resources)
{
  for (guint i = 0; i < resources->networks->len; i++)
    {
      const VitrineHostNetwork *network = resources->networks->pdata[i];
      if (g_str_equal (network->name, "default") && !network->active)
        return network;
    }
  return NULL;
}

/* --- starting and stopping -------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineHostResourceVerb verb;
  char                   *name;
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free (change->name);
  g_free (change);
}

/* The error is taken before the handle is freed: every call of libvirt's resets the last one. */
static gboolean
check (int status, GError **error)
{
  return status == 0 || vitrine_host_set_error (error) != NULL;
}

static gboolean
change_network (virConnectPtr connection, const Change *change, GError **error)
{
  virNetworkPtr network = virNetworkLookupByName (connection, change->name);

  if (network == NULL)
    return vitrine_host_set_error (error) != NULL;
  gboolean ok = check (change->verb == VITRINE_HOST_STOP_NETWORK ? virNetworkDestroy (network)
                                                                 : virNetworkCreate (network),
                       error);
  virNetworkFree (network);
  return ok;
}

static gboolean
change_pool (virConnectPtr connection, const Change *change, GError **error)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (connection, change->name);

  if (pool == NULL)
    return vitrine_host_set_error (error) != NULL;
  gboolean ok = check (change->verb == VITRINE_HOST_START_POOL  ? virStoragePoolCreate (pool, 0)
                       : change->verb == VITRINE_HOST_STOP_POOL ? virStoragePoolDestroy (pool)
                                                                : virStoragePoolRefresh (pool, 0),
                       error);
  virStoragePoolFree (pool);
  return ok;
}

static gboolean
delete_volume (virConnectPtr connection, const char *path, GError **error)
{
  virStorageVolPtr volume = virStorageVolLookupByPath (connection, path);

  if (volume == NULL)
    return vitrine_host_set_error (error) != NULL;
  gboolean ok = check (virStorageVolDelete (volume, 0), error);
  virStorageVolFree (volume);
  return ok;
}

static gpointer
change_resource (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  const Change *change = data;
  gboolean ok = FALSE;

  switch (change->verb)
    {
    case VITRINE_HOST_START_NETWORK:
    case VITRINE_HOST_STOP_NETWORK:
      ok = change_network (connection, change, error);
      break;
    case VITRINE_HOST_START_POOL:
    case VITRINE_HOST_STOP_POOL:
    case VITRINE_HOST_REFRESH_POOL:
      ok = change_pool (connection, change, error);
      break;
    case VITRINE_HOST_DELETE_VOLUME:
      ok = delete_volume (connection, change->name, error);
      break;
    }
  return ok ? VITRINE_HOST_DONE : NULL;
}

void
vitrine_host_change_resource_async (VitrineHost *self, VitrineHostResourceVerb verb, const char *name,
                                    GAsyncReadyCallback done, gpointer data)
{
  Change *change = g_new0 (Change, 1);

  change->verb = verb;
  change->name = g_strdup (name);
  vitrine_host_run_async (self, change_resource, change, change_free, NULL, NULL, done, data);
}

gboolean
vitrine_host_resource_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error) != NULL;
}
