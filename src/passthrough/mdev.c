/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mediated devices as the kernel tells them under sys/class/mdev_bus and sys/bus/mdev. */
#include <string.h>

#include "mdev-private.h"

#define PARENTS "sys/class/mdev_bus"
#define DEVICES "sys/bus/mdev/devices"

/* --- life -------------------------------------------------------------------------------------------------------- */

static void
type_free (gpointer data)
{
  VitrineMdevType *type = data;

  g_free (type->parent);
  g_free (type->id);
  g_free (type->name);
  g_free (type->description);
  g_free (type->api);
  g_free (type);
}

static void
device_free (gpointer data)
{
  VitrineMdevDevice *device = data;

  g_free (device->uuid);
  g_free (device->parent);
  g_free (device->type);
  g_free (device->api);
  g_free (device);
}

VitrineMdevs *
vitrine_mdevs_new (void)
{
  VitrineMdevs *mdevs = g_new0 (VitrineMdevs, 1);

  mdevs->types = g_ptr_array_new_with_free_func (type_free);
  mdevs->devices = g_ptr_array_new_with_free_func (device_free);
  return mdevs;
}

void
vitrine_mdevs_free (VitrineMdevs *mdevs)
{
  if (mdevs == NULL)
    return;
  g_ptr_array_unref (mdevs->types);
  g_ptr_array_unref (mdevs->devices);
  g_free (mdevs);
}

static int
compare_types (gconstpointer a, gconstpointer b)
{
  const VitrineMdevType *first = *(VitrineMdevType **) a, *second = *(VitrineMdevType **) b;
  int order = strcmp (first->parent, second->parent);

  return order != 0 ? order : strcmp (first->id, second->id);
}

static int
compare_devices (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(VitrineMdevDevice **) a)->uuid, (*(VitrineMdevDevice **) b)->uuid);
}

void
vitrine_mdevs_sort (VitrineMdevs *mdevs)
{
  g_ptr_array_sort (mdevs->types, compare_types);
  g_ptr_array_sort (mdevs->devices, compare_devices);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static char *
read_of_type (VitrineHostTree *tree, const char *parent, const char *id, const char *name)
{
  return vitrine_host_tree_read (tree, PARENTS "/%s/mdev_supported_types/%s/%s", parent, id, name);
}

static void
read_types (VitrineHostTree *tree, VitrineMdevs *mdevs, const char *parent)
{
  g_auto(GStrv) ids = vitrine_host_tree_list (tree, PARENTS "/%s/mdev_supported_types", parent);

  for (guint i = 0; ids[i] != NULL; i++)
    {
      VitrineMdevType *type = g_new0 (VitrineMdevType, 1);
      g_autofree char *available = read_of_type (tree, parent, ids[i], "available_instances");
      guint64 n = 0;
      type->parent = g_strdup (parent);
      type->id = g_strdup (ids[i]);
      type->name = read_of_type (tree, parent, ids[i], "name");
      type->description = read_of_type (tree, parent, ids[i], "description");
      type->api = read_of_type (tree, parent, ids[i], "device_api");
      if (available != NULL && g_ascii_string_to_unsigned (available, 10, 0, G_MAXUINT, &n, NULL))
        type->available = (guint) n;
      g_ptr_array_add (mdevs->types, type);
    }
}

/* The last folder but one of where the device really is: ".../0000:00:02.0/UUID". */
static char *
read_parent (VitrineHostTree *tree, const char *uuid)
{
  g_autofree char *real = vitrine_host_tree_resolve (tree, DEVICES "/%s", uuid);
  g_autofree char *above = real != NULL ? g_path_get_dirname (real) : NULL;

  return above != NULL ? g_path_get_basename (above) : NULL;
}

static void
read_device (VitrineHostTree *tree, VitrineMdevs *mdevs, const char *uuid)
{
  VitrineMdevDevice *device = g_new0 (VitrineMdevDevice, 1);

  device->uuid = g_strdup (uuid);
  device->parent = read_parent (tree, uuid);
  device->type = vitrine_host_tree_link (tree, DEVICES "/%s/mdev_type", uuid);
  device->active = TRUE;
  if (device->parent != NULL && device->type != NULL)
    device->api = read_of_type (tree, device->parent, device->type, "device_api");
  if (device->parent != NULL && mdevs->has_mdevctl)
    device->persistent = vitrine_host_tree_exists (tree, "etc/mdevctl.d/%s/%s", device->parent, uuid);
  g_ptr_array_add (mdevs->devices, device);
}

VitrineMdevs *
vitrine_mdevs_new_from_tree (VitrineHostTree *tree)
{
  VitrineMdevs *mdevs = vitrine_mdevs_new ();
  g_auto(GStrv) parents = vitrine_host_tree_list (tree, PARENTS);
  g_auto(GStrv) devices = vitrine_host_tree_list (tree, DEVICES);

  mdevs->has_mdevctl = vitrine_host_tree_has_program (tree, "mdevctl");
  for (guint i = 0; parents[i] != NULL; i++)
    read_types (tree, mdevs, parents[i]);
  for (guint i = 0; devices[i] != NULL; i++)
    if (g_uuid_string_is_valid (devices[i]))
      read_device (tree, mdevs, devices[i]);
  vitrine_mdevs_sort (mdevs);
  return mdevs;
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

const VitrineMdevType *
vitrine_mdevs_find_type (const VitrineMdevs *mdevs, const char *parent, const char *id)
{
  for (guint i = 0; i < mdevs->types->len; i++)
    {
      const VitrineMdevType *type = mdevs->types->pdata[i];
      if (g_str_equal (type->parent, parent) && g_str_equal (type->id, id))
        return type;
    }
  return NULL;
}

const VitrineMdevDevice *
vitrine_mdevs_find_device (const VitrineMdevs *mdevs, const char *uuid)
{
  for (guint i = 0; i < mdevs->devices->len; i++)
    if (g_ascii_strcasecmp (((VitrineMdevDevice *) mdevs->devices->pdata[i])->uuid, uuid) == 0)
      return mdevs->devices->pdata[i];
  return NULL;
}
