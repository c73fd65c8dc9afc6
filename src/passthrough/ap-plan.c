/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans for vfio_ap. Order: the driver, which costs nothing; the masks, as queues of the host cannot be assigned; then
 * the device. */
#include "ap-plan.h"

#include <glib/gi18n-lib.h>

#include "ap-matrix-private.h"
#include "mdev-private.h"

static void
plan_mask (VitrineHostPlan *plan, const char *name, const VitrineApMask *from, const VitrineApMask *to, const char *why)
{
  g_autofree char *path = g_strconcat ("sys/bus/ap/", name, NULL);
  g_autofree char *there = vitrine_ap_mask_difference (from, to);
  g_autofree char *back = vitrine_ap_mask_difference (to, from);

  if (there != NULL)
    vitrine_host_plan_write (plan, path, there, path, back, why);
}

static void
append (GArray *attributes, const char *name, const VitrineApMask *numbers)
{
  for (guint bit = 0; (bit = vitrine_ap_mask_next (numbers, bit)) < VITRINE_AP_BITS; bit++)
    {
      const VitrineMdevAttribute attribute = { .name = name, .value = bit };
      g_array_append_val (attributes, attribute);
    }
}

GArray *
vitrine_ap_list_attributes (const VitrineApMask *cards, const VitrineApMask *domains, const VitrineApMask *control)
{
  GArray *attributes = g_array_new (FALSE, FALSE, sizeof (VitrineMdevAttribute));

  append (attributes, "assign_adapter", cards);
  append (attributes, "assign_domain", domains);
  append (attributes, "assign_control_domain", control);
  return attributes;
}

gboolean
vitrine_ap_check_new (const VitrineApMatrix *matrix, const VitrineApReview *review, gboolean take_all, const char *uuid,
                      GError **error)
{
  if (!g_uuid_string_is_valid (uuid))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("“%s” is no UUID."), uuid);
  else if (vitrine_ap_matrix_find_device (matrix, uuid) != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, _("There is a mediated device %s already."), uuid);
  else if (review->problem != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, review->problem);
  else if (vitrine_ap_review_takes_all (review) && !take_all)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                         _("Nothing would be left for the host."));
  else
    return TRUE;
  return FALSE;
}

VitrineHostPlan *
vitrine_ap_plan_create (const VitrineApMatrix *matrix, const VitrineApSelection *selection, VitrineApReserve reserve,
                        gboolean take_all, const char *uuid, GError **error)
{
  g_autoptr(VitrineApReview) review = vitrine_ap_review (matrix, selection, reserve);
  g_autoptr (GArray) attributes
      = vitrine_ap_list_attributes (&selection->cards, &selection->domains, &selection->control);

  if (!vitrine_ap_check_new (matrix, review, take_all, uuid, error))
    return NULL;
  VitrineHostPlan *plan = vitrine_host_plan_new ();
  if (!matrix->driver_loaded)
    vitrine_host_plan_load_module (plan, "vfio_ap", _("Loads the driver that gives crypto queues to guests."));
  plan_mask (plan, "apmask", &matrix->apmask, &review->apmask,
             _("Takes these cards away from the host’s own drivers."));
  plan_mask (plan, "aqmask", &matrix->aqmask, &review->aqmask,
             _("Takes these domains away from the host’s own drivers."));
  vitrine_mdev_plan_add (plan, matrix->has_mdevctl, VITRINE_AP_PARENT, VITRINE_AP_TYPE, uuid, attributes);
  return plan;
}

static void
give_back_queues (VitrineHostPlan *plan, const VitrineApMatrix *matrix, const VitrineApDevice *device)
{
  VitrineApMask apmask, aqmask;

  vitrine_ap_masks_without (matrix, device, &apmask, &aqmask);
  plan_mask (plan, "apmask", &matrix->apmask, &apmask, _("Gives these cards back to the host’s own drivers."));
  plan_mask (plan, "aqmask", &matrix->aqmask, &aqmask, _("Gives these domains back to the host’s own drivers."));
}

VitrineHostPlan *
vitrine_ap_plan_remove (const VitrineApMatrix *matrix, const char *uuid, gboolean give_back, GError **error)
{
  const VitrineApDevice *device = vitrine_ap_matrix_find_device (matrix, uuid);

  if (device == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("There is no crypto matrix %s."), uuid);
      return NULL;
    }
  const VitrineMdevDevice mediated = { .uuid = device->uuid,
                                       .parent = (char *) VITRINE_AP_PARENT,
                                       .type = (char *) VITRINE_AP_TYPE,
                                       .active = device->active,
                                       .persistent = device->persistent };
  g_autoptr(GArray) attributes = vitrine_ap_list_attributes (&device->cards, &device->domains, &device->control);
  VitrineHostPlan *plan = vitrine_host_plan_new ();
  vitrine_mdev_plan_stop (plan, &mediated, attributes);
  if (give_back && matrix->has_masks)
    give_back_queues (plan, matrix, device);
  vitrine_mdev_plan_forget (plan, &mediated);
  return plan;
}
