/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting to a libvirt host: keep-alive, events. */
#include "host-link-private.h"

#include <glib/gi18n-lib.h>
#include <libvirt/virterror.h>

#include "host-error.h"

#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_MISSES 3

enum
{
  LIFECYCLE,
  METADATA,
  NETWORKS,
  POOLS,
  DEVICES,
  N_CALLBACKS
};

struct _VitrineHostLink
{
  gatomicrefcount              references;   /* each of libvirt's event callbacks has one */
  virConnectPtr                connection;
  const VitrineHostLinkEvents *events;
  GWeakRef                     owner;
  int                          callbacks[N_CALLBACKS];   /* -1: the host has no such events */
};

/* --- events ----------------------------------------------------------------------------------------------------- */

static void
link_unref (gpointer data)
{
  VitrineHostLink *link = data;

  if (!g_atomic_ref_count_dec (&link->references))
    return;
  g_weak_ref_clear (&link->owner);
  g_free (link);
}

static int
domain_event (virConnectPtr connection, virDomainPtr domain, int event, int detail, void *data)
{
  VitrineHostLink *link = data;
  g_autoptr(GObject) owner = g_weak_ref_get (&link->owner);

  if (owner != NULL)
    link->events->domain_changed (owner, domain);
  return 0;
}

static void
metadata_event (virConnectPtr connection, virDomainPtr domain, int type, const char *uri, void *data)
{
  if (type == VIR_DOMAIN_METADATA_TITLE)
    domain_event (connection, domain, 0, 0, data);
}

static void
resources_event (VitrineHostLink *link, VitrineHostResourceKinds changed)
{
  g_autoptr(GObject) owner = g_weak_ref_get (&link->owner);

  if (owner != NULL)
    link->events->resources_changed (owner, changed);
}

static void
network_event (virConnectPtr connection, virNetworkPtr network, int event, int detail, void *data)
{
  resources_event (data, VITRINE_HOST_NETWORKS);
}

static void
pool_event (virConnectPtr connection, virStoragePoolPtr pool, int event, int detail, void *data)
{
  resources_event (data, VITRINE_HOST_POOLS);
}

static void
device_event (virConnectPtr connection, virNodeDevicePtr device, int event, int detail, void *data)
{
  resources_event (data, VITRINE_HOST_DEVICES);
}

typedef struct
{
  VitrineHostLink *link;
  const char      *reason;
} Loss;

static gboolean
tell_loss (gpointer data)
{
  const Loss *loss = data;
  g_autoptr(GObject) owner = g_weak_ref_get (&loss->link->owner);

  if (owner != NULL)
    loss->link->events->lost (owner, loss->reason);
  return G_SOURCE_REMOVE;
}

static void
loss_free (gpointer data)
{
  Loss *loss = data;

  link_unref (loss->link);
  g_free (loss);
}

/* libvirt holds locks here that whoever closes the connection or a stream of it would wait for. */
static void
closed (virConnectPtr connection, int why, void *data)
{
  static const char *const reasons[] = {
    [VIR_CONNECT_CLOSE_REASON_ERROR] = N_("The connection broke."),
    [VIR_CONNECT_CLOSE_REASON_EOF] = N_("The host closed the connection. Its libvirt may have been stopped."),
    [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = N_("The host does not answer any more."),
    [VIR_CONNECT_CLOSE_REASON_CLIENT] = N_("The connection was closed."),
  };
  Loss *loss = g_new0 (Loss, 1);

  loss->link = data;
  g_atomic_ref_count_inc (&loss->link->references);
  loss->reason = _(reasons[why >= 0 && why < (int) G_N_ELEMENTS (reasons) ? why : 0]);
  g_idle_add_full (G_PRIORITY_DEFAULT, tell_loss, loss, loss_free);
}

static void
took (VitrineHostLink *link, int which, int id)
{
  link->callbacks[which] = id;
  if (id >= 0)
    g_atomic_ref_count_inc (&link->references);
}

static gboolean
follow (VitrineHostLink *link, GError **error)
{
  virConnectPtr connection = link->connection;

  took (link, LIFECYCLE, virConnectDomainEventRegisterAny (connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                                           VIR_DOMAIN_EVENT_CALLBACK (domain_event), link, link_unref));
  if (link->callbacks[LIFECYCLE] < 0)
    return vitrine_host_set_error (error) != NULL;
  took (link, METADATA,
        virConnectDomainEventRegisterAny (connection, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                                          VIR_DOMAIN_EVENT_CALLBACK (metadata_event), link, link_unref));
  took (link, NETWORKS,
        virConnectNetworkEventRegisterAny (connection, NULL, VIR_NETWORK_EVENT_ID_LIFECYCLE,
                                           VIR_NETWORK_EVENT_CALLBACK (network_event), link, link_unref));
  took (link, POOLS,
        virConnectStoragePoolEventRegisterAny (connection, NULL, VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
                                               VIR_STORAGE_POOL_EVENT_CALLBACK (pool_event), link, link_unref));
  took (link, DEVICES,
        virConnectNodeDeviceEventRegisterAny (connection, NULL, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                              VIR_NODE_DEVICE_EVENT_CALLBACK (device_event), link, link_unref));
  /* Without a reference: drivers that never lose their host take the callback, and forget it. */
  virConnectRegisterCloseCallback (connection, closed, link, NULL);
  /* Local drivers and old hosts have no keep-alive, and are none the worse for it. */
  if (virConnectSetKeepAlive (connection, KEEPALIVE_SECONDS, KEEPALIVE_MISSES) < 0)
    virResetLastError ();
  return TRUE;
}

static void
stop_following (VitrineHostLink *link)
{
  virConnectPtr connection = link->connection;

  virConnectUnregisterCloseCallback (connection, closed);
  for (guint i = 0; i < N_CALLBACKS; i++)
    if (link->callbacks[i] >= 0)
      switch (i)
        {
        case NETWORKS:
          virConnectNetworkEventDeregisterAny (connection, link->callbacks[i]);
          break;
        case POOLS:
          virConnectStoragePoolEventDeregisterAny (connection, link->callbacks[i]);
          break;
        case DEVICES:
          virConnectNodeDeviceEventDeregisterAny (connection, link->callbacks[i]);
          break;
        default:
          virConnectDomainEventDeregisterAny (connection, link->callbacks[i]);
        }
}

/* --- open and close --------------------------------------------------------------------------------------------- */

VitrineHostLink *
vitrine_host_link_open (const char *uri, const VitrineHostLinkEvents *events, GObject *owner, GCancellable *cancellable,
                        GError **error)
{
  VitrineHostLink *link = g_new0 (VitrineHostLink, 1);

  g_atomic_ref_count_init (&link->references);
  g_weak_ref_init (&link->owner, owner);
  link->events = events;
  for (guint i = 0; i < N_CALLBACKS; i++)
    link->callbacks[i] = -1;
  link->connection = vitrine_host_link_connect (uri, events, &link->owner, cancellable, error);
  if (link->connection == NULL)
    {
      link_unref (link);
      return NULL;
    }
  if (!follow (link, error))
    {
      vitrine_host_link_close (link);
      return NULL;
    }
  return link;
}

virConnectPtr
vitrine_host_link_get_connection (VitrineHostLink *link)
{
  return link->connection;
}

void
vitrine_host_link_close (VitrineHostLink *link)
{
  stop_following (link);
  virConnectClose (link->connection);
  link->connection = NULL;
  link_unref (link);
}
