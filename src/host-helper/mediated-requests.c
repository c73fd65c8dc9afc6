/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mediated devices, crypto queues and channel devices: the plan is made of the computer as it is now. */
#include <glib/gi18n-lib.h>

#include "mediated-change.h"
#include "requests.h"

static VitrineHostPlan *
plan (VitrineMediatedVerb verb, VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  VitrineMediatedChange change;
  g_autoptr(GError) reason = NULL;

  if (!vitrine_mediated_change_parse (&change, verb, parameters))
    {
      g_set_error_literal (error, VITRINE_HELPER_ERROR, VITRINE_HELPER_ERROR_FAILED,
                           _("Cards and domains are numbers from 0 to 255."));
      return NULL;
    }
  VitrineHostPlan *made = vitrine_mediated_change_plan (&change, tree, &reason);
  if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    g_set_error_literal (error, VITRINE_HELPER_ERROR, VITRINE_HELPER_ERROR_NEEDS_CONFIRMATION, reason->message);
  else if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  return made;
}

VitrineHostPlan *
vitrine_helper_plan_create_matrix (VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  return plan (VITRINE_MEDIATED_CREATE_MATRIX, tree, parameters, error);
}

VitrineHostPlan *
vitrine_helper_plan_remove_matrix (VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  return plan (VITRINE_MEDIATED_REMOVE_MATRIX, tree, parameters, error);
}

VitrineHostPlan *
vitrine_helper_plan_create_mediated (VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  return plan (VITRINE_MEDIATED_CREATE, tree, parameters, error);
}

VitrineHostPlan *
vitrine_helper_plan_remove_mediated (VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  return plan (VITRINE_MEDIATED_REMOVE, tree, parameters, error);
}

VitrineHostPlan *
vitrine_helper_plan_take_channel (VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  return plan (VITRINE_MEDIATED_TAKE_CHANNEL, tree, parameters, error);
}

VitrineHostPlan *
vitrine_helper_plan_give_back_channel (VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  return plan (VITRINE_MEDIATED_GIVE_BACK_CHANNEL, tree, parameters, error);
}
