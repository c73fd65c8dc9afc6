/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How PCI devices go from the host's drivers to vfio-pci and back: what libvirt does by itself with managed='yes'. */
#pragma once

#include "host-plan.h"

/* Devices that vfio-pci has already take no steps. Refused when one is not there. */
VitrineHostPlan *vitrine_pci_plan_give (VitrineHostTree *tree, const char *const *addresses, GError **error);
/* To whichever driver the host has for them. Devices that vfio-pci does not have take no steps. */
VitrineHostPlan *vitrine_pci_plan_take_back (VitrineHostTree *tree, const char *const *addresses, GError **error);
/* Has no process them open, as far as we may see? The kernel would wait for it. The error names the process. */
gboolean         vitrine_pci_check_free (VitrineHostTree *tree, const char *const *addresses, GError **error);
