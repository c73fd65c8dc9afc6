/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Source: Documentation/ABI/testing/sysfs-bus-pci of Linux: driver_override, unbind, drivers_probe.
 *
 * A driver that is bound by hand has to be the one that driver_override names. So the order is: unbind, override,
 * probe; and undone in reverse, the override is the old one again before the old driver is bound. */
#include "pci-plan.h"

#include <glib/gi18n-lib.h>

#include "pci-address.h"

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

/* The files that a process opens to have it: its group, and from Linux 6.2 on perhaps the device alone. */
static GStrv
list_nodes (VitrineHostTree *tree, const char *address)
{
  g_autofree char *group = vitrine_host_tree_link (tree, DEVICE "/iommu_group", address);
  g_auto(GStrv) devices = vitrine_host_tree_list (tree, DEVICE "/vfio-dev", address);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *group_node = g_strconcat ("/dev/vfio/", group != NULL ? group : "-", NULL);

  g_strv_builder_add (builder, group_node);
  for (guint i = 0; devices[i] != NULL; i++)
    {
      g_autofree char *node = g_strconcat ("/dev/vfio/devices/", devices[i], NULL);
      g_strv_builder_add (builder, node);
    }
  return g_strv_builder_end (builder);
}

static gboolean
has_open (VitrineHostTree *tree, const char *process, const char *const *nodes)
{
  g_auto(GStrv) files = vitrine_host_tree_list (tree, "proc/%s/fd", process);

  for (guint i = 0; files[i] != NULL; i++)
    {
      g_autofree char *target = vitrine_host_tree_target (tree, "proc/%s/fd/%s", process, files[i]);
      if (target != NULL && g_strv_contains (nodes, target))
        return TRUE;
    }
  return FALSE;
}

/* A process that has it open; NULL: there is none that we may see. */
static char *
find_user (VitrineHostTree *tree, const char *address)
{
  g_auto(GStrv) nodes = list_nodes (tree, address), processes = vitrine_host_tree_list (tree, "proc");

  for (guint i = 0; processes[i] != NULL; i++)
    if (g_ascii_isdigit (*processes[i]) && has_open (tree, processes[i], (const char *const *) nodes))
      return g_strdup (processes[i]);
  return NULL;
}

static gboolean
check_free (VitrineHostTree *tree, const char *address, GError **error)
{
  g_autofree char *process = find_user (tree, address);

  if (process == NULL)
    return TRUE;
  g_autofree char *name = vitrine_host_tree_read (tree, "proc/%s/comm", process);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, _("%s is in use by %s (process %s): shut the machine down first."),
               address, name != NULL ? name : "?", process);
  return FALSE;
}

gboolean
vitrine_pci_check_free (VitrineHostTree *tree, const char *const *addresses, GError **error)
{
  for (guint i = 0; addresses[i] != NULL; i++)
    if (!check_free (tree, addresses[i], error))
      return FALSE;
  return TRUE;
}
