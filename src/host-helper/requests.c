/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "requests.h"

#define ACTION(name) "org.vitrine.host-helper." name   /* data/org.vitrine.host-helper.policy.in */

static const VitrineHelperRequest requests[] = {
  { "GivePciDevices", ACTION ("pci"), vitrine_helper_plan_give_pci },
  { "TakeBackPciDevices", ACTION ("pci"), vitrine_helper_plan_take_back_pci },
  { "CreateCryptoMatrix", ACTION ("mediated"), vitrine_helper_plan_create_matrix },
  { "RemoveCryptoMatrix", ACTION ("mediated"), vitrine_helper_plan_remove_matrix },
  { "CreateMediatedDevice", ACTION ("mediated"), vitrine_helper_plan_create_mediated },
  { "RemoveMediatedDevice", ACTION ("mediated"), vitrine_helper_plan_remove_mediated },
  { "TakeChannelDevice", ACTION ("mediated"), vitrine_helper_plan_take_channel },
  { "GiveBackChannelDevice", ACTION ("mediated"), vitrine_helper_plan_give_back_channel },
};

const VitrineHelperRequest *
vitrine_helper_find_request (const char *method)
{
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    if (g_str_equal (requests[i].method, method))
      return &requests[i];
  return NULL;
}
