/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes, their plans, and how they travel over the bus: data/org.vitrine.HostHelper1.xml. */
#include "mediated-change.h"

#include "ap-plan.h"
#include "ccw.h"
#include "mdev.h"
#include "vfio-user.h"

static const char *const methods[] = {
  [VITRINE_MEDIATED_CREATE_MATRIX] = "CreateCryptoMatrix",
  [VITRINE_MEDIATED_REMOVE_MATRIX] = "RemoveCryptoMatrix",
  [VITRINE_MEDIATED_CREATE] = "CreateMediatedDevice",
  [VITRINE_MEDIATED_REMOVE] = "RemoveMediatedDevice",
  [VITRINE_MEDIATED_TAKE_CHANNEL] = "TakeChannelDevice",
  [VITRINE_MEDIATED_GIVE_BACK_CHANNEL] = "GiveBackChannelDevice",
};

/* --- plans ------------------------------------------------------------------------------------------------------- */

static VitrineHostPlan *
plan_matrix (const VitrineMediatedChange *change, VitrineHostTree *tree, GError **error)
{
  g_autoptr(VitrineApMatrix) matrix = vitrine_ap_matrix_new_from_tree (tree);

  if (change->verb == VITRINE_MEDIATED_REMOVE_MATRIX)
    return vitrine_ap_plan_remove (matrix, change->uuid, change->give_back, error);
  return vitrine_ap_plan_create (matrix, &change->selection, change->reserve, change->confirmed, change->uuid, error);
}

/* A crypto matrix is more than its device: what is in it has to come back when something fails. */
static gboolean
is_matrix (const VitrineMdevs *mdevs, const char *uuid)
{
  const VitrineMdevDevice *device = vitrine_mdevs_find_device (mdevs, uuid);

  return device != NULL && g_strcmp0 (device->type, VITRINE_AP_TYPE) == 0;
}

static VitrineHostPlan *
plan_device (const VitrineMediatedChange *change, VitrineHostTree *tree, GError **error)
{
  g_autoptr(VitrineMdevs) mdevs = vitrine_mdevs_new_from_tree (tree);

  if (change->verb == VITRINE_MEDIATED_REMOVE && is_matrix (mdevs, change->uuid))
    {
      const VitrineMediatedChange whole = { .verb = VITRINE_MEDIATED_REMOVE_MATRIX, .uuid = change->uuid };
      return plan_matrix (&whole, tree, error);
    }
  if (change->verb == VITRINE_MEDIATED_REMOVE)
    return vitrine_mdev_plan_remove (mdevs, change->uuid, error);
  return vitrine_mdev_plan_create (mdevs, change->parent, change->type, change->uuid, error);
}

/* Removing one that a guest has waits in the kernel for the guest, or is refused there half-way. */
static gboolean
check_free (const VitrineMediatedChange *change, VitrineHostTree *tree, GError **error)
{
  gboolean removes = change->verb == VITRINE_MEDIATED_REMOVE || change->verb == VITRINE_MEDIATED_REMOVE_MATRIX;

  if (!removes || !g_uuid_string_is_valid (change->uuid))
    return TRUE;   /* what is no UUID is refused by the plan */
  g_autofree char *device = g_strconcat ("sys/bus/mdev/devices/", change->uuid, NULL);
  return vitrine_vfio_check_free (tree, device, change->uuid, error);
}

VitrineHostPlan *
vitrine_mediated_change_plan (const VitrineMediatedChange *change, VitrineHostTree *tree, GError **error)
{
  if (!check_free (change, tree, error))
    return NULL;
  switch (change->verb)
    {
    case VITRINE_MEDIATED_CREATE_MATRIX:
    case VITRINE_MEDIATED_REMOVE_MATRIX:
      return plan_matrix (change, tree, error);
    case VITRINE_MEDIATED_CREATE:
    case VITRINE_MEDIATED_REMOVE:
      return plan_device (change, tree, error);
    case VITRINE_MEDIATED_TAKE_CHANNEL:
      return vitrine_ccw_plan_take (tree, change->channel, change->confirmed, error);
    case VITRINE_MEDIATED_GIVE_BACK_CHANNEL:
      return vitrine_ccw_plan_give_back (tree, change->channel, error);
    }
  g_return_val_if_reached (NULL);
}

/* --- the bus ----------------------------------------------------------------------------------------------------- */

const char *
vitrine_mediated_change_get_method (const VitrineMediatedChange *change)
{
  return methods[change->verb];
}

static GVariant *
numbers_of (const VitrineApMask *mask)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("au"));
  for (guint bit = 0; (bit = vitrine_ap_mask_next (mask, bit)) < VITRINE_AP_BITS; bit++)
    g_variant_builder_add (&builder, "u", bit);
  return g_variant_builder_end (&builder);
}

GVariant *
vitrine_mediated_change_to_parameters (const VitrineMediatedChange *change)
{
  switch (change->verb)
    {
    case VITRINE_MEDIATED_CREATE_MATRIX:
      return g_variant_new ("(s@au@au@aubb)", change->uuid, numbers_of (&change->selection.cards),
                            numbers_of (&change->selection.domains), numbers_of (&change->selection.control),
                            change->reserve == VITRINE_AP_RESERVE_DOMAINS, change->confirmed);
    case VITRINE_MEDIATED_REMOVE_MATRIX:
      return g_variant_new ("(sb)", change->uuid, change->give_back);
    case VITRINE_MEDIATED_CREATE:
      return g_variant_new ("(sss)", change->parent, change->type, change->uuid);
    case VITRINE_MEDIATED_REMOVE:
      return g_variant_new ("(s)", change->uuid);
    case VITRINE_MEDIATED_TAKE_CHANNEL:
      return g_variant_new ("(sb)", change->channel, change->confirmed);
    case VITRINE_MEDIATED_GIVE_BACK_CHANNEL:
      return g_variant_new ("(s)", change->channel);
    }
  g_return_val_if_reached (NULL);
}

static gboolean
take_numbers (VitrineApMask *mask, GVariantIter *numbers)
{
  guint number;

  while (g_variant_iter_next (numbers, "u", &number))
    {
      if (number >= VITRINE_AP_BITS)
        return FALSE;
      vitrine_ap_mask_set (mask, number, TRUE);
    }
  return TRUE;
}

static gboolean
parse_matrix (VitrineMediatedChange *change, GVariant *parameters)
{
  g_autoptr(GVariantIter) cards = NULL;
  g_autoptr(GVariantIter) domains = NULL;
  g_autoptr(GVariantIter) control = NULL;
  gboolean by_domains;

  g_variant_get (parameters, "(&sauauaubb)", &change->uuid, &cards, &domains, &control, &by_domains,
                 &change->confirmed);
  change->reserve = by_domains ? VITRINE_AP_RESERVE_DOMAINS : VITRINE_AP_RESERVE_CARDS;
  return take_numbers (&change->selection.cards, cards) && take_numbers (&change->selection.domains, domains)
         && take_numbers (&change->selection.control, control);
}

gboolean
vitrine_mediated_change_parse (VitrineMediatedChange *change, VitrineMediatedVerb verb, GVariant *parameters)
{
  *change = (VitrineMediatedChange){ .verb = verb };
  switch (verb)
    {
    case VITRINE_MEDIATED_CREATE_MATRIX:
      return parse_matrix (change, parameters);
    case VITRINE_MEDIATED_REMOVE_MATRIX:
      g_variant_get (parameters, "(&sb)", &change->uuid, &change->give_back);
      break;
    case VITRINE_MEDIATED_CREATE:
      g_variant_get (parameters, "(&s&s&s)", &change->parent, &change->type, &change->uuid);
      break;
    case VITRINE_MEDIATED_REMOVE:
      g_variant_get (parameters, "(&s)", &change->uuid);
      break;
    case VITRINE_MEDIATED_TAKE_CHANNEL:
      g_variant_get (parameters, "(&sb)", &change->channel, &change->confirmed);
      break;
    case VITRINE_MEDIATED_GIVE_BACK_CHANNEL:
      g_variant_get (parameters, "(&s)", &change->channel);
      break;
    }
  return TRUE;
}
