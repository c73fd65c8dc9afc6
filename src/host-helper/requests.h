/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be asked of vitrine-host-helper: a method of the bus, the action that polkit decides about, and the plan that does it. */
#pragma once

#include "helper-error.h"
#include "host-plan.h"

/* The plan for a call with @parameters, which are of the interface's types and anything else; or NULL and why not. Worker thread. */
typedef VitrineHostPlan *(*VitrineHelperPlan) (VitrineHostTree *tree, GVariant *parameters, GError **error);

typedef struct
{
  const char       *method, *action;
  VitrineHelperPlan plan;
} VitrineHelperRequest;

/* NULL: there is no such method. */
const VitrineHelperRequest *vitrine_helper_find_request (const char *method);

/* pci-requests.c */
VitrineHostPlan *vitrine_helper_plan_give_pci (VitrineHostTree *tree, GVariant *parameters, GError **error);
VitrineHostPlan *vitrine_helper_plan_take_back_pci (VitrineHostTree *tree, GVariant *parameters, GError **error);

/* mediated-requests.c */
VitrineHostPlan *vitrine_helper_plan_create_matrix (VitrineHostTree *tree, GVariant *parameters, GError **error);
VitrineHostPlan *vitrine_helper_plan_remove_matrix (VitrineHostTree *tree, GVariant *parameters, GError **error);
VitrineHostPlan *vitrine_helper_plan_create_mediated (VitrineHostTree *tree, GVariant *parameters, GError **error);
VitrineHostPlan *vitrine_helper_plan_remove_mediated (VitrineHostTree *tree, GVariant *parameters, GError **error);
VitrineHostPlan *vitrine_helper_plan_take_channel (VitrineHostTree *tree, GVariant *parameters, GError **error);
VitrineHostPlan *vitrine_helper_plan_give_back_channel (VitrineHostTree *tree, GVariant *parameters, GError **error);
