/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pci-host.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "pci-private.h"

#define VFIO_DRIVER "vfio-pci"

/* --- life --------------------------------------------------------------------------------------------------------- */

static void
device_free (gpointer data)
{
  VitrinePciDevice *device = data;

  g_free (device->address);
  g_free (device->class_name);
  g_free (device->name);
  g_free (device->driver);
  g_free (device->physical);
  g_ptr_array_unref (device->losses);
  g_free (device->user);
  g_free (device);
}

VitrinePciHost *
vitrine_pci_host_new (gboolean remote)
{
  VitrinePciHost *host = g_new0 (VitrinePciHost, 1);

  host->devices = g_ptr_array_new_with_free_func (device_free);
  host->remote = remote;
  return host;
}

void
vitrine_pci_host_free (VitrinePciHost *host)
{
  if (host == NULL)
    return;
  g_ptr_array_unref (host->devices);
  g_free (host->no_iommu);
  g_free (host->no_vfio);
  g_free (host);
}

/* --- filling ------------------------------------------------------------------------------------------------------ */

VitrinePciDevice *
vitrine_pci_host_add (VitrinePciHost *host, const char *address, const VitrinePciIds *ids, guint32 class_code,
                      guint16 vendor, guint16 product)
{
  VitrinePciDevice *device = g_new0 (VitrinePciDevice, 1);
  g_autofree char *maker = vitrine_pci_ids_vendor (ids, vendor), *model = vitrine_pci_ids_device (ids, vendor, product);

  device->address = g_strdup (address);
  device->class_code = class_code;
  device->vendor = vendor;
  device->product = product;
  device->class_name = vitrine_pci_ids_class (ids, class_code);
  device->name = g_strdup_printf ("%s %s", maker, model);
  device->group = -1;
  device->losses = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (host->devices, device);
  return device;
}

static int
compare_addresses (gconstpointer a, gconstpointer b)
{
  const VitrinePciDevice *first = *(VitrinePciDevice **) a, *second = *(VitrinePciDevice **) b;
  gsize n = strlen (first->address), m = strlen (second->address);

  return n != m ? (n > m) - (n < m) : strcmp (first->address, second->address);
}

void
vitrine_pci_host_sort (VitrinePciHost *host)
{
  g_ptr_array_sort (host->devices, compare_addresses);
}

void
vitrine_pci_device_add_loss (VitrinePciDevice *device, char *sentence)
{
  if (g_ptr_array_find_with_equal_func (device->losses, sentence, g_str_equal, NULL))
    g_free (sentence);
  else
    g_ptr_array_add (device->losses, sentence);
}

guint
vitrine_pci_host_count_displays (const VitrinePciHost *host)
{
  guint n = 0;

  for (guint i = 0; i < host->devices->len; i++)
    n += ((VitrinePciDevice *) host->devices->pdata[i])->class_code >> 16 == VITRINE_PCI_CLASS_DISPLAY;
  return n;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

VitrinePciDevice *
vitrine_pci_host_lookup (const VitrinePciHost *host, const char *address)
{
  for (guint i = 0; i < host->devices->len; i++)
    if (g_str_equal (((VitrinePciDevice *) host->devices->pdata[i])->address, address))
      return host->devices->pdata[i];
  return NULL;
}

gboolean
vitrine_pci_device_is_giveable (const VitrinePciDevice *device)
{
  return device->class_code >> 16 != VITRINE_PCI_CLASS_BRIDGE;
}

/* Without IOMMU groups nothing is known but that the functions of one slot are one card. */
static gboolean
is_together (const VitrinePciDevice *device, const VitrinePciDevice *other)
{
  gsize to_function = (gsize) (strrchr (device->address, '.') - device->address);

  if (device->group >= 0)
    return device->group == other->group;
  return strncmp (device->address, other->address, to_function + 1) == 0;
}

GPtrArray *
vitrine_pci_host_list_together (const VitrinePciHost *host, const VitrinePciDevice *device)
{
  GPtrArray *together = g_ptr_array_new ();

  for (guint i = 0; i < host->devices->len; i++)
    {
      VitrinePciDevice *other = host->devices->pdata[i];
      if (is_together (device, other) && vitrine_pci_device_is_giveable (other))
        g_ptr_array_add (together, other);
    }
  return together;
}

GStrv
vitrine_pci_host_list_losses (const VitrinePciHost *host, const char *const *addresses)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new ();

  for (guint i = 0; addresses[i] != NULL; i++)
    {
      const VitrinePciDevice *device = vitrine_pci_host_lookup (host, addresses[i]);
      for (guint at = 0; device != NULL && at < device->losses->len; at++)
        if (!g_ptr_array_find_with_equal_func (all, device->losses->pdata[at], g_str_equal, NULL))
          g_ptr_array_add (all, device->losses->pdata[at]);
    }
  g_ptr_array_add (all, NULL);
  return g_strdupv ((GStrv) all->pdata);
}

/* --- what is in the way ------------------------------------------------------------------------------------------- */

static gboolean
refuse (GError **error, char *sentence)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, sentence);
  g_free (sentence);
  return FALSE;
}

/* Would VFIO take the group with only @addresses of it given? It asks for every device that has another driver than
 * vfio-pci, except bridges that pcieport drives. */
static gboolean
check_group (const VitrinePciHost *host, const VitrinePciDevice *device, const char *const *addresses, GError **error)
{
  for (guint i = 0; i < host->devices->len; i++)
    {
      const VitrinePciDevice *other = host->devices->pdata[i];
      if (other->group != device->group || other->driver == NULL || g_strv_contains (addresses, other->address)
          || g_str_equal (other->driver, VFIO_DRIVER) || g_str_equal (other->driver, "pci-stub")
          || other->class_code >> 8 == VITRINE_PCI_BRIDGE_PCI)
        continue;
      return refuse (
          error,
          vitrine_pci_device_is_giveable (other)
              ? g_strdup_printf (_("%s is in one IOMMU group with %s, which the host would keep: they can only be "
                                   "given together."),
                                 device->address, other->address)
              : g_strdup_printf (_("%s is in one IOMMU group with %s, a part of the board that the host cannot do "
                                   "without."),
                                 device->address, other->address));
    }
  return TRUE;
}

static gboolean
check_device (const VitrinePciHost *host, const char *address, const char *const *addresses, const char *title,
              GError **error)
{
  const VitrinePciDevice *device = vitrine_pci_host_lookup (host, address);

  if (device == NULL)
    return refuse (error, g_strdup_printf (_("The host has no device %s (any more)."), address));
  if (!vitrine_pci_device_is_giveable (device))
    return refuse (error, g_strdup_printf (_("%s is a bridge: it stays with the host."), address));
  if (device->user_runs && g_strcmp0 (device->user, title) != 0)
    return refuse (error, g_strdup_printf (_("%s is in use by “%s”, which is running."), address, device->user));
  if (device->group < 0)
    return refuse (
        error,
        g_strdup_printf (_("%s is in no IOMMU group: nothing would keep the guest from the host’s memory."), address));
  return check_group (host, device, addresses, error);
}

gboolean
vitrine_pci_host_check (const VitrinePciHost *host, const char *const *addresses, const char *title, GError **error)
{
  if (host->no_iommu != NULL)
    return refuse (error, g_strdup (host->no_iommu));
  if (host->no_vfio != NULL)
    return refuse (error, g_strdup (host->no_vfio));
  for (guint i = 0; addresses[i] != NULL; i++)
    if (!check_device (host, addresses[i], addresses, title, error))
      return FALSE;
  return TRUE;
}
