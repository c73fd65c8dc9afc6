/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making and removing mediated devices: through mdevctl(8) where it is, else by the kernel's own attributes. */
#include <glib/gi18n-lib.h>

#include "mdev-private.h"

/* --- steps ------------------------------------------------------------------------------------------------------- */

static char *
create_path (const char *parent, const char *type)
{
  return g_strdup_printf ("sys/class/mdev_bus/%s/mdev_supported_types/%s/create", parent, type);
}

static char *
attribute_path (const char *uuid, const char *name)
{
  return g_strdup_printf ("sys/bus/mdev/devices/%s/%s", uuid, name);
}

static const VitrineMdevAttribute *
attribute (const GArray *attributes, guint i)
{
  return attributes != NULL && i < attributes->len ? &g_array_index (attributes, VitrineMdevAttribute, i) : NULL;
}

static void
add_by_mdevctl (VitrineHostPlan *plan, const char *parent, const char *type, const char *uuid, const GArray *attributes)
{
  const char *const define[]
      = { "mdevctl", "define", "--uuid", uuid, "--parent", parent, "--type", type, "--auto", NULL };
  const char *const undefine[] = { "mdevctl", "undefine", "--uuid", uuid, NULL };
  const char *const start[] = { "mdevctl", "start", "--uuid", uuid, NULL };
  const char *const stop[] = { "mdevctl", "stop", "--uuid", uuid, NULL };
  const VitrineMdevAttribute *at;

  vitrine_host_plan_run_program (plan, define, undefine,
                                 _("Writes the device down, to be made whenever the host starts."));
  for (guint i = 0; (at = attribute (attributes, i)) != NULL; i++)
    {
      g_autofree char *value = g_strdup_printf ("%u", at->value);
      const char *const modify[]
          = { "mdevctl", "modify", "--uuid", uuid, "--addattr", at->name, "--value", value, NULL };
      vitrine_host_plan_run_program (plan, modify, NULL, _("Writes down what is in it."));
    }
  vitrine_host_plan_run_program (plan, start, stop, _("Makes the device."));
}

static void
add_by_kernel (VitrineHostPlan *plan, const char *parent, const char *type, const char *uuid, const GArray *attributes)
{
  g_autofree char *create = create_path (parent, type), *remove = attribute_path (uuid, "remove");
  const VitrineMdevAttribute *at;

  vitrine_host_plan_write (plan, create, uuid, remove, "1", _("Makes the device. It is gone when the host restarts."));
  for (guint i = 0; (at = attribute (attributes, i)) != NULL; i++)
    {
      g_autofree char *path = attribute_path (uuid, at->name), *value = g_strdup_printf ("%u", at->value);
      vitrine_host_plan_write (plan, path, value, NULL, NULL, _("Puts it into the device."));
    }
}

void
vitrine_mdev_plan_add (VitrineHostPlan *plan, gboolean mdevctl, const char *parent, const char *type, const char *uuid,
                       const GArray *attributes)
{
  if (mdevctl)
    add_by_mdevctl (plan, parent, type, uuid, attributes);
  else
    add_by_kernel (plan, parent, type, uuid, attributes);
}

static void
stop_by_kernel (VitrineHostPlan *plan, const VitrineMdevDevice *device, const GArray *attributes)
{
  g_autofree char *create = create_path (device->parent, device->type);
  g_autofree char *remove = attribute_path (device->uuid, "remove");
  const VitrineMdevAttribute *at;

  vitrine_host_plan_write (plan, remove, "1", create, device->uuid, _("Removes the device."));
  for (guint i = 0; (at = attribute (attributes, i)) != NULL; i++)
    {
      g_autofree char *path = attribute_path (device->uuid, at->name), *value = g_strdup_printf ("%u", at->value);
      vitrine_host_plan_undo_also (plan, path, value);
    }
}

void
vitrine_mdev_plan_stop (VitrineHostPlan *plan, const VitrineMdevDevice *device, const GArray *attributes)
{
  const char *const stop[] = { "mdevctl", "stop", "--uuid", device->uuid, NULL };
  const char *const start[] = { "mdevctl", "start", "--uuid", device->uuid, NULL };

  if (!device->active)
    return;
  if (device->persistent)
    vitrine_host_plan_run_program (plan, stop, start, _("Removes the device."));
  else
    stop_by_kernel (plan, device, attributes);
}

void
vitrine_mdev_plan_forget (VitrineHostPlan *plan, const VitrineMdevDevice *device)
{
  const char *const undefine[] = { "mdevctl", "undefine", "--uuid", device->uuid, NULL };

  if (device->persistent)
    vitrine_host_plan_run_program (plan, undefine, NULL, _("It is not made again when the host starts."));
}

/* --- plans ------------------------------------------------------------------------------------------------------- */

static gboolean
refuse (GError **error, GIOErrorEnum code, char *sentence)
{
  g_set_error_literal (error, G_IO_ERROR, (int) code, sentence);
  g_free (sentence);
  return FALSE;
}

gboolean
vitrine_mdevs_check_new (const VitrineMdevs *mdevs, const char *parent, const char *type, const char *uuid,
                         GError **error)
{
  const VitrineMdevType *offered = vitrine_mdevs_find_type (mdevs, parent, type);

  if (!g_uuid_string_is_valid (uuid))
    return refuse (error, G_IO_ERROR_INVALID_ARGUMENT, g_strdup_printf (_("“%s” is no UUID."), uuid));
  if (vitrine_mdevs_find_device (mdevs, uuid) != NULL)
    return refuse (error, G_IO_ERROR_EXISTS, g_strdup_printf (_("There is a mediated device %s already."), uuid));
  if (offered == NULL)
    return refuse (error, G_IO_ERROR_NOT_FOUND,
                   g_strdup_printf (_("“%s” offers no mediated devices of type “%s”."), parent, type));
  if (offered->available == 0)
    return refuse (error, G_IO_ERROR_BUSY,
                   g_strdup_printf (_("“%s” has no room for another device of type “%s”."), parent, type));
  return TRUE;
}

VitrineHostPlan *
vitrine_mdev_plan_create (const VitrineMdevs *mdevs, const char *parent, const char *type, const char *uuid,
                          GError **error)
{
  if (!vitrine_mdevs_check_new (mdevs, parent, type, uuid, error))
    return NULL;
  VitrineHostPlan *plan = vitrine_host_plan_new ();
  vitrine_mdev_plan_add (plan, mdevs->has_mdevctl, parent, type, uuid, NULL);
  return plan;
}

VitrineHostPlan *
vitrine_mdev_plan_remove (const VitrineMdevs *mdevs, const char *uuid, GError **error)
{
  const VitrineMdevDevice *device = vitrine_mdevs_find_device (mdevs, uuid);

  if (device == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("There is no mediated device %s."), uuid);
      return NULL;
    }
  VitrineHostPlan *plan = vitrine_host_plan_new ();
  vitrine_mdev_plan_stop (plan, device, NULL);
  vitrine_mdev_plan_forget (plan, device);
  return plan;
}
