/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net-devices.h"

#include <glib/gi18n-lib.h>
#include <vitrine/error.h>
#include <vitrine/tap.h>

typedef struct
{
  gboolean bridge;
  char    *name;
  int      fd;         /* -1: ... */
  GError  *problem;    /* ... this is why */
} Device;

static GArray *devices;    /* in the order of the cards */

static const char *
get_name (const VtNetConfig *net)
{
  return net->tap != NULL ? net->tap : net->bridge;
}

void
vitrine_net_devices_open (VitrineDomain *domain)
{
  g_autoptr(VtConfig) config = domain != NULL ? vitrine_domain_to_config (domain, NULL) : NULL;

  devices = g_array_new (FALSE, FALSE, sizeof (Device));
  for (guint i = 0; config != NULL && i < config->nets->len; i++)
    {
      const VtNetConfig *net = config->nets->pdata[i];
      Device device = { .bridge = net->bridge != NULL, .name = g_strdup (get_name (net)) };
      if (device.name == NULL)
        continue;
      device.fd = device.bridge ? vt_bridge_open (device.name, &device.problem) : vt_tap_open (device.name, &device.problem);
      g_array_append_val (devices, device);
    }
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
  return TRUE;
}
