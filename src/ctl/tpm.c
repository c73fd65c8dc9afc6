/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about the TPM of a machine: attach-tpm, detach-tpm. */
#include <glib/gi18n.h>

#include "change.h"
#include "ctl.h"
#include "run-options-private.h"
#include "tpm-process.h"

static gboolean
add (VitrineDomain *domain, gpointer model, VitrineCtlOutcome *outcome, GError **error)
{
  outcome->reach = VITRINE_CTL_COLD;
  if (vitrine_domain_get_tpm (domain))
    return vitrine_ctl_refuse (error, _("The machine has a TPM already. “vitrinectl set” changes its interface."));
  vitrine_domain_add_tpm (domain);
  return vitrine_domain_choose_tpm (domain, model, error);
}

int
vitrine_ctl_attach_tpm (int argc, char **argv)
{
  gboolean config_only = FALSE;

  if (!vitrine_ctl_take_switches (&argc, argv, 1, &config_only, NULL) || argc > 3)
    return vitrine_ctl_usage ("attach-tpm MACHINE [crb|tis] [--config]");
  int status = vitrine_ctl_change (argv[1], config_only, add, argc == 3 ? argv[2] : (char *) "crb", NULL);
  if (status == 0 && !vitrine_tpm_is_installed ())
    g_printerr (_("note: %s\n"), _("It takes the program swtpm, which is not installed."));
  return status;
}

static gboolean
take_out (VitrineDomain *domain, gpointer force, VitrineCtlOutcome *outcome, GError **error)
{
  VitrineRemoved *removed = vitrine_domain_remove_tpm (domain);

  outcome->reach = VITRINE_CTL_COLD;
  if (removed == NULL)
    return vitrine_ctl_refuse (error, _("The machine has no TPM"));
  vitrine_removed_free (removed);
  return *(gboolean *) force
         || vitrine_ctl_refuse (error, _("What is sealed in the TPM will be lost when the machine next starts. Say --force to remove it."));
}

int
vitrine_ctl_detach_tpm (int argc, char **argv)
{
  gboolean config_only = FALSE, force = FALSE;

  if (!vitrine_ctl_take_switches (&argc, argv, 1, &config_only, &force) || argc != 2)
    return vitrine_ctl_usage ("detach-tpm MACHINE [--force] [--config]");
  int status = vitrine_ctl_change (argv[1], config_only, take_out, &force, NULL);
  if (status == 0)
    g_printerr (_("note: %s\n"), _("Until the machine next starts, “vitrinectl attach-tpm” brings back what is sealed in the TPM."));
  return status;
}
