/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net-devices.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>
#include <vitrine/error.h>
#include <vitrine/tap.h>

#include "device-words.h"

typedef struct
{
  gboolean bridge;
  gboolean came;       /* while the machine ran */
  char    *name;
  guint8   mac[6];     /* of the card; all zero: made for it */
  int      fd;         /* -1: ... */
  GError  *problem;    /* ... this is why */
} Device;

static GArray *devices;    /* in the order of the cards */

static const char *
get_name (const VtNetConfig *net)
{
  return net->tap != NULL ? net->tap : net->bridge;
}

static void
device_clear (gpointer data)
{
  Device *device = data;

  g_free (device->name);
  g_clear_error (&device->problem);
  if (device->fd >= 0)
    close (device->fd);
}

static void
add_device (const VtNetConfig *net, gboolean came, int fd, GError *problem)
{
  Device device = { .bridge = net->bridge != NULL, .came = came, .name = g_strdup (get_name (net)), .fd = fd, .problem = problem };

  if (devices == NULL)
    {
      devices = g_array_new (FALSE, FALSE, sizeof (Device));
      g_array_set_clear_func (devices, device_clear);
    }
  memcpy (device.mac, net->mac, sizeof device.mac);
  g_array_append_val (devices, device);
}

int
vitrine_net_device_open (const VtNetConfig *net, GError **error)
{
  if (net->bridge != NULL)
    return vt_bridge_open (net->bridge, error);
  return net->tap != NULL ? vt_tap_open (net->tap, error) : -1;
}

void
vitrine_net_devices_open (VitrineDomain *domain)
{
  g_autoptr(VtConfig) config = domain != NULL ? vitrine_domain_to_config (domain, NULL) : NULL;

  g_clear_pointer (&devices, g_array_unref);
  for (guint i = 0; config != NULL && i < config->nets->len; i++)
    {
      const VtNetConfig *net = config->nets->pdata[i];
      GError *problem = NULL;
      if (get_name (net) == NULL)
        continue;
      int fd = vitrine_net_device_open (net, &problem);
      add_device (net, FALSE, fd, problem);
    }
}

void
vitrine_net_devices_keep (GVariant *card, int fd)
{
  g_autoptr(VtConfig) config = vitrine_net_from_words (card, NULL);
  const VtNetConfig *net = config != NULL ? config->nets->pdata[0] : NULL;
  int own = net != NULL && get_name (net) != NULL ? fcntl (fd, F_DUPFD_CLOEXEC, 3) : -1;

  if (own >= 0)
    add_device (net, TRUE, own, NULL);
}

void
vitrine_net_devices_forget (const char *mac)
{
  guint8 bytes[6];

  for (guint i = 0; devices != NULL && vt_parse_mac (mac, bytes) && i < devices->len; i++)
    if (memcmp (g_array_index (devices, Device, i).mac, bytes, sizeof bytes) == 0)
      {
        g_array_remove_index (devices, i);
        return;
      }
}

/* Of a card that came, and that the machine is without by now: nobody else could have the device. */
static void
drop_unused (const gboolean *taken)
{
  for (guint i = devices != NULL ? devices->len : 0; i-- > 0;)
    if (!taken[i] && g_array_index (devices, Device, i).came)
      g_array_remove_index (devices, i);
}

/* Of several cards on one bridge, each has a device of its own. */
static const Device *
find (const VtNetConfig *net, const gboolean *taken, guint *index)
{
  for (*index = 0; devices != NULL && *index < devices->len; ++*index)
    {
      const Device *device = &g_array_index (devices, Device, *index);
      if (!taken[*index] && device->bridge == (net->bridge != NULL) && g_strcmp0 (device->name, get_name (net)) == 0)
        return device;
    }
  return NULL;
}

gboolean
vitrine_net_devices_lend (VtConfig *config, GError **error)
{
  g_autofree gboolean *taken = g_new0 (gboolean, devices != NULL ? devices->len : 0);

  for (guint i = 0; i < config->nets->len; i++)
    {
      VtNetConfig *net = config->nets->pdata[i];
      guint index;
      if (get_name (net) == NULL)
        continue;
      const Device *device = find (net, taken, &index);
      if (device == NULL)
        g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                     _("A card was put on “%s” after this window had been opened. Close the window and start the machine again."), get_name (net));
      else if (device->problem != NULL)
        g_propagate_error (error, g_error_copy (device->problem));
      if (device == NULL || device->problem != NULL)
        return FALSE;
      net->fd = device->fd;
      taken[index] = TRUE;
    }
  drop_unused (taken);
  return TRUE;
}
