/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Source: Documentation/ABI/testing/sysfs-bus-pci of Linux: driver_override, unbind, drivers_probe.
 *
 * A driver that is bound by hand has to be the one that driver_override names. So the order is: unbind, override,
 * probe; and undone in reverse, the override is the old one again before the old driver is bound. */
#include "pci-plan.h"

#include <glib/gi18n-lib.h>

#include "pci-address.h"
#include "vfio-user.h"

#define VFIO "vfio-pci"
#define DEVICE "sys/bus/pci/devices/%s"
#define PROBE "sys/bus/pci/drivers_probe"

static gboolean
check_address (VitrineHostTree *tree, const char *address, GError **error)
{
  if (!vitrine_pci_address_parse (address, NULL, NULL, NULL, NULL))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 _("“%s” is no PCI address: write for example 0000:01:00.0."), address);
  else if (!vitrine_host_tree_exists (tree, DEVICE, address))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("The host has no device %s (any more)."), address);
  else
    return TRUE;
  return FALSE;
}

/* What the kernel shows when there is none. */
static char *
read_override (VitrineHostTree *tree, const char *address)
{
  char *value = vitrine_host_tree_read (tree, DEVICE "/driver_override", address);

  if (value != NULL && g_str_equal (value, "(null)"))
    *value = '\0';
  return value != NULL ? value : g_strdup ("");
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void
unbind (VitrineHostPlan *plan, const char *address, const char *driver)
{
  g_autofree char *path = g_strdup_printf ("sys/bus/pci/drivers/%s/unbind", driver);
  g_autofree char *undo = g_strdup_printf ("sys/bus/pci/drivers/%s/bind", driver);
  g_autofree char *why = g_strdup_printf (_("Take %s from its driver %s."), address, driver);

  vitrine_host_plan_write (plan, path, address, undo, address, why);
}

static void
override (VitrineHostPlan *plan, VitrineHostTree *tree, const char *address, const char *driver, const char *why)
{
  g_autofree char *path = g_strdup_printf (DEVICE "/driver_override", address), *before = read_override (tree, address);

  vitrine_host_plan_write (plan, path, driver, path, before, why);
}

static void
probe (VitrineHostPlan *plan, const char *address, const char *why)
{
  g_autofree char *undo = g_strdup_printf (DEVICE "/driver/unbind", address);

  vitrine_host_plan_write (plan, PROBE, address, undo, address, why);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

static void
give (VitrineHostPlan *plan, VitrineHostTree *tree, const char *address)
{
  g_autofree char *driver = vitrine_host_tree_link (tree, DEVICE "/driver", address);
  g_autofree char *path = g_strdup_printf (DEVICE "/driver", address);
  g_autofree char *prefer = g_strdup_printf (_("Say that %s is for vfio-pci, and for no other driver."), address);
  g_autofree char *bind = g_strdup_printf (_("Let vfio-pci take %s."), address);
  g_autofree char *check = g_strdup_printf (_("Check that vfio-pci has %s."), address);

  if (g_strcmp0 (driver, VFIO) == 0)
    return;
  if (driver != NULL)
    unbind (plan, address, driver);
  override (plan, tree, address, VFIO, prefer);
  probe (plan, address, bind);
  vitrine_host_plan_expect_link (plan, path, VFIO, check);
}

VitrineHostPlan *
vitrine_pci_plan_give (VitrineHostTree *tree, const char *const *addresses, GError **error)
{
  g_autoptr(VitrineHostPlan) plan = vitrine_host_plan_new ();

  for (guint i = 0; addresses[i] != NULL; i++)
    if (!check_address (tree, addresses[i], error))
      return NULL;
  if (!vitrine_host_tree_exists (tree, "sys/bus/pci/drivers/" VFIO))
    vitrine_host_plan_load_module (plan, VFIO, _("Load the driver that gives devices away."));
  for (guint i = 0; addresses[i] != NULL; i++)
    give (plan, tree, addresses[i]);
  return g_steal_pointer (&plan);
}

VitrineHostPlan *
vitrine_pci_plan_take_back (VitrineHostTree *tree, const char *const *addresses, GError **error)
{
  g_autoptr(VitrineHostPlan) plan = vitrine_host_plan_new ();

  for (guint i = 0; addresses[i] != NULL; i++)
    {
      if (!check_address (tree, addresses[i], error))
        return NULL;
      g_autofree char *driver = vitrine_host_tree_link (tree, DEVICE "/driver", addresses[i]);
      g_autofree char *any = g_strdup_printf (_("Say that %s is for any driver again."), addresses[i]);
      g_autofree char *bind = g_strdup_printf (_("Let the host’s own driver take %s."), addresses[i]);
      if (g_strcmp0 (driver, VFIO) != 0)
        continue;
      unbind (plan, addresses[i], VFIO);
      override (plan, tree, addresses[i], "", any);
      probe (plan, addresses[i], bind);
    }
  return g_steal_pointer (&plan);
}

/* --- who has them ------------------------------------------------------------------------------------------------- */

static gboolean
check_free (VitrineHostTree *tree, const char *address, GError **error)
{
  g_autofree char *device = g_strdup_printf (DEVICE, address);

  return vitrine_vfio_check_free (tree, device, address, error);
}

gboolean
vitrine_pci_check_free (VitrineHostTree *tree, const char *const *addresses, GError **error)
{
  for (guint i = 0; addresses[i] != NULL; i++)
    if (!check_free (tree, addresses[i], error))
      return FALSE;
  return TRUE;
}
