/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-mediated.h"

#include <glib/gi18n-lib.h>

#include "host-private.h"

static gpointer
make_mediated (virConnectPtr connection, gpointer xml, GCancellable *cancellable, GError **error)
{
  virNodeDevicePtr device = virNodeDeviceDefineXML (connection, xml, 0);

  if (device == NULL)
    return vitrine_host_set_error (error);
  gpointer result = VITRINE_HOST_DONE;
  if (virNodeDeviceSetAutostart (device, 1) < 0 || virNodeDeviceCreate (device, 0) < 0)
    {
      result = vitrine_host_set_error (error);
      virNodeDeviceUndefine (device, 0);
    }
  virNodeDeviceFree (device);
  return result;
}

void
vitrine_host_make_mediated_async (VitrineHost *self, const char *xml, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_run_async (self, make_mediated, g_strdup (xml), g_free, NULL, NULL, done, data);
}

/* libvirt calls it mdev_UUID_PARENT, with underscores; older ones without the parent. */
static virNodeDevicePtr
find_mediated (virConnectPtr connection, const char *uuid)
{
  virNodeDevicePtr *all = NULL, found = NULL;
  g_autofree char *name = g_strconcat ("mdev_", uuid, NULL);

  g_strdelimit (name, "-", '_');
  if (virConnectListAllNodeDevices (connection, &all,
                                    VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV | VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE
                                        | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE)
      < 0)
    return NULL;
  for (virNodeDevicePtr *at = all; *at != NULL; at++)
    if (found == NULL && g_str_has_prefix (virNodeDeviceGetName (*at), name))
      found = *at;
    else
      virNodeDeviceFree (*at);
  free (all);
  return found;
}

static gboolean
remove_device (virNodeDevicePtr device)
{
  gboolean persistent = virNodeDeviceIsPersistent (device) == 1;

  if (virNodeDeviceIsActive (device) != 0 && virNodeDeviceDestroy (device) < 0)
    return FALSE;
  return !persistent || virNodeDeviceUndefine (device, 0) == 0;
}

static gpointer
remove_mediated (virConnectPtr connection, gpointer uuid, GCancellable *cancellable, GError **error)
{
  virNodeDevicePtr device = find_mediated (connection, uuid);

  if (device == NULL)
    {
      g_set_error (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_GONE, _("There is no mediated device %s."),
                   (const char *) uuid);
      return NULL;
    }
  gpointer result = remove_device (device) ? VITRINE_HOST_DONE : vitrine_host_set_error (error);
  virNodeDeviceFree (device);
  return result;
}

void
vitrine_host_remove_mediated_async (VitrineHost *self, const char *uuid, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_run_async (self, remove_mediated, g_strdup (uuid), g_free, NULL, NULL, done, data);
}

gboolean
vitrine_host_mediated_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error) != NULL;
}
