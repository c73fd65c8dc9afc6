/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Subchannels, and how one is handed from the host's driver to vfio_ccw and back. A driver is bound by hand only if it
 * is the one that driver_override names: so the order is unbind, override, probe, and undone in reverse all is as it
 * was. */
#include "ccw.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SUBCHANNELS "sys/bus/css/devices"
#define DEVICES "sys/bus/ccw/devices"
#define MAX_PATHS 8
#define TYPE_IO 0

static void
subchannel_free (gpointer data)
{
  VitrineCcwSubchannel *subchannel = data;

  g_free (subchannel->name);
  g_free (subchannel->device);
  g_free (subchannel->driver);
  g_free (subchannel->chpids);
  g_free (subchannel->disk);
  g_free (subchannel->needed);
  g_free (subchannel);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* "0.0.1234" */
static gboolean
is_bus_id (const char *name)
{
  return g_ascii_isxdigit (name[0]) && name[1] == '.' && g_ascii_isdigit (name[2]) && name[3] == '.'
         && strspn (name + 4, "0123456789abcdef") == 4 && name[8] == '\0';
}

/* Kernels before 5.13 have no dev_busid; the device is the folder below. */
static char *
read_device (VitrineHostTree *tree, const char *name)
{
  g_autofree char *said = vitrine_host_tree_read (tree, SUBCHANNELS "/%s/dev_busid", name);
  g_auto(GStrv) children = vitrine_host_tree_list (tree, SUBCHANNELS "/%s", name);

  if (said != NULL && is_bus_id (said))
    return g_steal_pointer (&said);
  for (guint i = 0; children[i] != NULL; i++)
    if (is_bus_id (children[i]))
      return g_strdup (children[i]);
  return NULL;
}

/* "40 41 00 …" with the installed ones named by the first mask of "c0 c0 ff". */
static char *
read_chpids (VitrineHostTree *tree, const char *name)
{
  g_autofree char *chpids = vitrine_host_tree_read (tree, SUBCHANNELS "/%s/chpids", name);
  g_autofree char *masks = vitrine_host_tree_read (tree, SUBCHANNELS "/%s/pimpampom", name);
  g_auto(GStrv) each = g_strsplit (chpids != NULL ? chpids : "", " ", MAX_PATHS + 1);
  guint64 installed = masks != NULL ? g_ascii_strtoull (masks, NULL, 16) : 0;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MAX_PATHS && each[i] != NULL; i++)
    if ((installed & (0x80u >> i)) != 0 && strspn (each[i], "0123456789abcdef") == 2 && each[i][2] == '\0')
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", each[i]);
  return g_string_free (text, FALSE);
}

static gboolean
is_in_table (VitrineHostTree *tree, const char *table, const char *disk)
{
  g_autofree char *text = vitrine_host_tree_read (tree, "%s", table);
  g_auto(GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  g_autofree char *device = g_strconcat ("/dev/", disk, NULL);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      gsize n = strlen (device);
      if (g_str_has_prefix (lines[i], device) && strspn (lines[i] + n, "0123456789") == strcspn (lines[i] + n, " \t"))
        return TRUE;
    }
  return FALSE;
}

/* Device mapper or RAID is on the disk or on one of its partitions. */
static gboolean
has_holders (VitrineHostTree *tree, const char *disk)
{
  g_auto(GStrv) names = vitrine_host_tree_list (tree, "sys/block/%s", disk);
  g_auto(GStrv) own = vitrine_host_tree_list (tree, "sys/block/%s/holders", disk);
  gboolean held = own[0] != NULL;

  for (guint i = 0; names[i] != NULL && !held; i++)
    if (g_str_has_prefix (names[i], disk))
      {
        g_auto(GStrv) holders = vitrine_host_tree_list (tree, "sys/block/%s/%s/holders", disk, names[i]);
        held = holders[0] != NULL;
      }
  return held;
}

static char *
why_needed (VitrineHostTree *tree, const char *disk)
{
  if (disk == NULL)
    return NULL;
  if (is_in_table (tree, "proc/mounts", disk))
    return g_strdup_printf (_("The host has a file system of the disk %s mounted."), disk);
  if (is_in_table (tree, "proc/swaps", disk))
    return g_strdup_printf (_("The host swaps to the disk %s."), disk);
  if (has_holders (tree, disk))
    return g_strdup_printf (_("The disk %s is part of a volume of the host."), disk);
  return NULL;
}

static VitrineCcwSubchannel *
read_subchannel (VitrineHostTree *tree, const char *name)
{
  VitrineCcwSubchannel *subchannel = g_new0 (VitrineCcwSubchannel, 1);
  guint64 online = 0;

  subchannel->name = g_strdup (name);
  subchannel->driver = vitrine_host_tree_link (tree, SUBCHANNELS "/%s/driver", name);
  subchannel->chpids = read_chpids (tree, name);
  subchannel->device = read_device (tree, name);
  if (subchannel->device == NULL)
    return subchannel;
  g_auto(GStrv) disks = vitrine_host_tree_list (tree, DEVICES "/%s/block", subchannel->device);
  subchannel->online
      = vitrine_host_tree_read_number (tree, &online, DEVICES "/%s/online", subchannel->device) && online != 0;
  subchannel->disk = g_strdup (disks[0]);
  subchannel->needed = why_needed (tree, subchannel->disk);
  return subchannel;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const VitrineCcwSubchannel *first = *(VitrineCcwSubchannel **) a, *second = *(VitrineCcwSubchannel **) b;
  int order = g_strcmp0 (first->device, second->device);

  return order != 0 ? order : strcmp (first->name, second->name);
}

GPtrArray *
vitrine_ccw_list_from_tree (VitrineHostTree *tree)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (subchannel_free);
  g_auto(GStrv) names = vitrine_host_tree_list (tree, SUBCHANNELS);

  for (guint i = 0; names[i] != NULL; i++)
    {
      guint64 type;
      if (is_bus_id (names[i]) && vitrine_host_tree_read_number (tree, &type, SUBCHANNELS "/%s/type", names[i])
          && type == TYPE_IO)
        g_ptr_array_add (all, read_subchannel (tree, names[i]));
    }
  g_ptr_array_sort (all, compare);
  return all;
}

const VitrineCcwSubchannel *
vitrine_ccw_find (const GPtrArray *subchannels, const char *name)
{
  for (guint i = 0; i < subchannels->len; i++)
    {
      const VitrineCcwSubchannel *subchannel = subchannels->pdata[i];
      if (g_str_equal (subchannel->name, name) || g_strcmp0 (subchannel->device, name) == 0)
        return subchannel;
    }
  return NULL;
}

/* --- plans ------------------------------------------------------------------------------------------------------- */

static const VitrineCcwSubchannel *
find_or_say (const GPtrArray *subchannels, const char *name, GError **error)
{
  const VitrineCcwSubchannel *subchannel = vitrine_ccw_find (subchannels, name);

  if (subchannel == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("There is no channel device “%s”."), name);
  return subchannel;
}

static char *
of_subchannel (const VitrineCcwSubchannel *subchannel, const char *attribute)
{
  return g_strdup_printf (SUBCHANNELS "/%s/%s", subchannel->name, attribute);
}

static void
plan_unbind (VitrineHostPlan *plan, const VitrineCcwSubchannel *subchannel, const char *why)
{
  g_autofree char *unbind = g_strdup_printf ("sys/bus/css/drivers/%s/unbind", subchannel->driver);
  g_autofree char *bind = g_strdup_printf ("sys/bus/css/drivers/%s/bind", subchannel->driver);

  vitrine_host_plan_write (plan, unbind, subchannel->name, bind, subchannel->name, why);
}

static void
plan_override (VitrineHostPlan *plan, const VitrineCcwSubchannel *subchannel, const char *from, const char *to,
               const char *why)
{
  g_autofree char *path = of_subchannel (subchannel, "driver_override");

  vitrine_host_plan_write (plan, path, to, path, from, why);
}

static void
plan_probe (VitrineHostPlan *plan, const VitrineCcwSubchannel *subchannel, const char *why)
{
  g_autofree char *undo = of_subchannel (subchannel, "driver/unbind");

  vitrine_host_plan_write (plan, "sys/bus/css/drivers_probe", subchannel->name, undo, subchannel->name, why);
}

static void
plan_offline (VitrineHostPlan *plan, const VitrineCcwSubchannel *subchannel)
{
  g_autofree char *path = g_strdup_printf (DEVICES "/%s/online", subchannel->device);

  if (subchannel->online)
    vitrine_host_plan_write (plan, path, "0", path, "1", _("Sets the device offline on the host."));
}

static VitrineHostPlan *
make_take (VitrineHostTree *tree, const VitrineCcwSubchannel *subchannel)
{
  VitrineHostPlan *plan = vitrine_host_plan_new ();
  g_autofree char *link = of_subchannel (subchannel, "driver");

  if (!vitrine_host_tree_exists (tree, "sys/bus/css/drivers/vfio_ccw"))
    vitrine_host_plan_load_module (plan, "vfio_ccw", _("Loads the driver that gives channel devices to guests."));
  if (subchannel->device != NULL)
    plan_offline (plan, subchannel);
  if (subchannel->driver != NULL)
    plan_unbind (plan, subchannel, _("Takes it away from the host’s driver."));
  plan_override (plan, subchannel, "", "vfio_ccw", _("Only vfio_ccw may have it from now on."));
  plan_probe (plan, subchannel, _("Lets vfio_ccw take it."));
  vitrine_host_plan_expect_link (plan, link, "vfio_ccw", _("Has vfio_ccw taken it?"));
  return plan;
}

VitrineHostPlan *
vitrine_ccw_plan_take (VitrineHostTree *tree, const char *name, gboolean needed_too, GError **error)
{
  g_autoptr(GPtrArray) subchannels = vitrine_ccw_list_from_tree (tree);
  const VitrineCcwSubchannel *subchannel = find_or_say (subchannels, name, error);

  if (subchannel == NULL)
    return NULL;
  if (g_strcmp0 (subchannel->driver, "vfio_ccw") == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, _("“%s” is vfio_ccw’s already."), name);
  else if (!vitrine_host_tree_exists (tree, SUBCHANNELS "/%s/driver_override", subchannel->name))
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        _("The host’s kernel is too old: it cannot choose a driver for a subchannel (driver_override)."));
  else if (subchannel->needed != NULL && !needed_too)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, subchannel->needed);
  else
    return make_take (tree, subchannel);
  return NULL;
}

VitrineHostPlan *
vitrine_ccw_plan_give_back (VitrineHostTree *tree, const char *name, GError **error)
{
  g_autoptr(GPtrArray) subchannels = vitrine_ccw_list_from_tree (tree);
  const VitrineCcwSubchannel *subchannel = find_or_say (subchannels, name, error);

  if (subchannel == NULL)
    return NULL;
  if (g_strcmp0 (subchannel->driver, "vfio_ccw") != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("“%s” is not vfio_ccw’s."), name);
      return NULL;
    }
  VitrineHostPlan *plan = vitrine_host_plan_new ();
  plan_unbind (plan, subchannel, _("Takes it away from vfio_ccw."));
  plan_override (plan, subchannel, "vfio_ccw", "", _("The host’s driver may have it again."));
  plan_probe (plan, subchannel, _("Lets the host’s driver take it."));
  return plan;
}
