/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-devices.h"

#include "host-private.h"
#include "host-text.h"

#define MAX_DEVICES 4000

/* --- listing ------------------------------------------------------------------------------------------------------ */

static gpointer
list_devices (virConnectPtr connection, gpointer which, GCancellable *cancellable, GError **error)
{
  static const unsigned flags[] = {
    [VITRINE_HOST_DEVICES_PCI] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV | VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET
                                 | VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE | VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_HOST
                                 | VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_TARGET | VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI,
    [VITRINE_HOST_DEVICES_MEDIATED] = VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV | VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES
                                      | VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_CARD | VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_QUEUE
                                      | VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_MATRIX
                                      | VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE,
  };
  g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  virNodeDevicePtr *all = NULL;

  if (virConnectListAllNodeDevices (connection, &all, flags[GPOINTER_TO_UINT (which)]) < 0)
    return vitrine_host_set_error (error);
  for (virNodeDevicePtr *at = all; *at != NULL; at++)
    {
      char *xml = texts->len < MAX_DEVICES ? virNodeDeviceGetXMLDesc (*at, 0) : NULL;
      if (xml != NULL)   /* else it has gone meanwhile */
        g_ptr_array_add (texts, g_strdup (xml));
      free (xml);
      virNodeDeviceFree (*at);
    }
  free (all);
  g_ptr_array_add (texts, NULL);
  return g_ptr_array_steal (texts, NULL);
}

static void
free_texts (gpointer texts)
{
  g_strfreev (texts);
}

void
vitrine_host_list_node_devices_async (VitrineHost *self, VitrineHostDevices which, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_run_async (self, list_devices, GUINT_TO_POINTER (which), NULL, free_texts, NULL, done, data);
}

GStrv
vitrine_host_list_node_devices_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error);
}

static void
definition_free (gpointer data)
{
  VitrineHostDefinitionText *definition = data;

  g_free (definition->title);
  g_free (definition->uuid);
  g_free (definition->xml);
  g_free (definition);
}

/* NULL: it has gone meanwhile. */
static VitrineHostDefinitionText *
read_definition (virDomainPtr domain)
{
  char *xml = virDomainGetXMLDesc (domain, 0);
  char uuid[VIR_UUID_STRING_BUFLEN] = "";

  if (xml == NULL)
    return NULL;
  VitrineHostDefinitionText *definition = g_new0 (VitrineHostDefinitionText, 1);
  virDomainGetUUIDString (domain, uuid);
  definition->uuid = g_strdup (uuid);
  definition->title = vitrine_host_text (virDomainGetName (domain), VITRINE_HOST_TITLE_CHARS);
  definition->xml = g_strdup (xml);
  definition->runs = virDomainIsActive (domain) == 1;
  free (xml);
  return definition;
}

static gpointer
list_definitions (virConnectPtr connection, gpointer unused, GCancellable *cancellable, GError **error)
{
  GPtrArray *definitions = g_ptr_array_new_with_free_func (definition_free);
  virDomainPtr *all = NULL;

  if (virConnectListAllDomains (connection, &all, 0) < 0)
    {
      g_ptr_array_unref (definitions);
      return vitrine_host_set_error (error);
    }
  for (virDomainPtr *at = all; *at != NULL; at++)
    {
      VitrineHostDefinitionText *definition = read_definition (*at);
      if (definition != NULL)
        g_ptr_array_add (definitions, definition);
      virDomainFree (*at);
    }
  free (all);
  return definitions;
}

void
vitrine_host_list_definitions_async (VitrineHost *self, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_run_async (self, list_definitions, NULL, NULL, (GDestroyNotify) g_ptr_array_unref, NULL, done, data);
}

GPtrArray *
vitrine_host_list_definitions_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error);
}

/* --- between drivers ---------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineHostDeviceVerb verb;
  GStrv                 names;
} Move;

static void
move_free (gpointer data)
{
  Move *move = data;

  g_strfreev (move->names);
  g_free (move);
}

static gboolean
move_one (virConnectPtr connection, const char *name, gboolean give, GError **error)
{
  virNodeDevicePtr device = virNodeDeviceLookupByName (connection, name);
  gboolean ok = device != NULL && (give ? virNodeDeviceDetachFlags (device, NULL, 0) : virNodeDeviceReAttach (device)) == 0;

  if (!ok)
    vitrine_host_set_error (error);   /* before the handle is freed: every call of libvirt's resets the last one */
  if (device != NULL)
    virNodeDeviceFree (device);
  return ok;
}

static gpointer
move_all (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  const Move *move = data;
  gboolean give = move->verb == VITRINE_HOST_DEVICE_GIVE;

  for (guint i = 0; move->names[i] != NULL; i++)
    {
      if (move_one (connection, move->names[i], give, error))
        continue;
      while (i-- > 0)
        move_one (connection, move->names[i], !give, NULL);
      return NULL;
    }
  return VITRINE_HOST_DONE;
}

void
vitrine_host_move_devices_async (VitrineHost *self, VitrineHostDeviceVerb verb, const char *const *names, GAsyncReadyCallback done,
                                 gpointer data)
{
  Move *move = g_new0 (Move, 1);

  move->verb = verb;
  move->names = g_strdupv ((GStrv) names);
  vitrine_host_run_async (self, move_all, move, move_free, NULL, NULL, done, data);
}

gboolean
vitrine_host_move_devices_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return vitrine_host_run_finish (self, result, error) != NULL;
}

/* --- into and out of a running machine ---------------------------------------------------------------------------- */

static int
attach_one (virDomainPtr domain, const char *xml, gboolean attach)
{
  unsigned flags = VIR_DOMAIN_AFFECT_LIVE | (virDomainIsPersistent (domain) == 1 ? VIR_DOMAIN_AFFECT_CONFIG : 0);

  return attach ? virDomainAttachDeviceFlags (domain, xml, flags) : virDomainDetachDeviceFlags (domain, xml, flags);
}

static gpointer
attach_all (virDomainPtr domain, GStrv xml, gboolean attach, GError **error)
{
  for (guint i = 0; xml[i] != NULL; i++)
    {
      if (attach_one (domain, xml[i], attach) == 0)
        continue;
      vitrine_host_set_error (error);
      while (i-- > 0)
        attach_one (domain, xml[i], !attach);
      return NULL;
    }
  return VITRINE_HOST_DONE;
}

static gpointer
attach (virDomainPtr domain, gpointer xml, GCancellable *cancellable, GError **error)
{
  return attach_all (domain, xml, TRUE, error);
}

static gpointer
detach (virDomainPtr domain, gpointer xml, GCancellable *cancellable, GError **error)
{
  return attach_all (domain, xml, FALSE, error);
}

void
vitrine_host_guest_attach_async (VitrineHostGuest *guest, const char *const *xml, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (guest, attach, g_strdupv ((GStrv) xml), free_texts, NULL, NULL, done, data);
}

void
vitrine_host_guest_detach_async (VitrineHostGuest *guest, const char *const *xml, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (guest, detach, g_strdupv ((GStrv) xml), free_texts, NULL, NULL, done, data);
}

gboolean
vitrine_host_guest_attach_finish (VitrineHostGuest *guest, GAsyncResult *result, GError **error)
{
  return vitrine_host_guest_run_finish (guest, result, error) != NULL;
}
