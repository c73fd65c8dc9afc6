/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI devices: checked against the computer as it is now, whatever a window was told before. */
#include <glib/gi18n-lib.h>

#include "pci-host.h"
#include "pci-plan.h"
#include "requests.h"

#define MAX_DEVICES 64   /* more are in no IOMMU group */

static gboolean
check_number (const char *const *addresses, GError **error)
{
  guint n = g_strv_length ((GStrv) addresses);

  if (n >= 1 && n <= MAX_DEVICES)
    return TRUE;
  g_set_error (error, VITRINE_HELPER_ERROR, VITRINE_HELPER_ERROR_FAILED, _("From 1 to %d devices can be named."),
               MAX_DEVICES);
  return FALSE;
}

static gboolean
check_losses (const VitrinePciHost *host, const char *const *addresses, GError **error)
{
  g_auto(GStrv) losses = vitrine_pci_host_list_losses (host, addresses);
  g_autofree char *lines = g_strjoinv ("\n", losses);

  if (*lines == '\0')
    return TRUE;
  g_set_error_literal (error, VITRINE_HELPER_ERROR, VITRINE_HELPER_ERROR_NEEDS_CONFIRMATION, lines);
  return FALSE;
}

VitrineHostPlan *
vitrine_helper_plan_give_pci (VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  g_autofree const char **addresses = NULL;
  gboolean confirmed;

  g_variant_get (parameters, "(^a&sb)", &addresses, &confirmed);
  if (!check_number (addresses, error))
    return NULL;
  g_autoptr(VitrinePciHost) host = vitrine_pci_host_new_from_tree (tree);
  if (!vitrine_pci_host_check (host, addresses, NULL, error) || (!confirmed && !check_losses (host, addresses, error)))
    return NULL;
  return vitrine_pci_plan_give (tree, addresses, error);
}

VitrineHostPlan *
vitrine_helper_plan_take_back_pci (VitrineHostTree *tree, GVariant *parameters, GError **error)
{
  g_autofree const char **addresses = NULL;

  g_variant_get (parameters, "(^a&s)", &addresses);
  if (!check_number (addresses, error))
    return NULL;
  g_autoptr(VitrineHostPlan) plan = vitrine_pci_plan_take_back (tree, addresses, error);
  return plan != NULL && vitrine_pci_check_free (tree, addresses, error) ? g_steal_pointer (&plan) : NULL;
}
