/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tpm-process.h"

#include <glib/gi18n-lib.h>
#include <vitrine/error.h>
#include <vitrine/tpm.h>

#include "paths.h"

static struct
{
  gboolean  started;
  VtTpmEnds ends;
  GError   *problem;    /* why there are none */
} program = { .ends = { -1, -1 } };

gboolean
vitrine_tpm_is_installed (void)
{
  return vt_tpm_is_installed ();
}

char *
vitrine_tpm_folder (const char *uuid)
{
  return vitrine_paths_in_machine (uuid, "tpm");
}

char *
vitrine_tpm_state_file (const char *uuid)
{
  g_autofree char *folder = vitrine_tpm_folder (uuid);

  return g_build_filename (folder, VT_TPM_STATE_FILE, NULL);
}

/* A suspended machine may still have it, whatever its definition says by now. */
static void
forget_state (const char *uuid)
{
  g_autofree char *path = vitrine_tpm_folder (uuid), *suspended = vitrine_paths_in_machine (uuid, "suspended.state");

  if (!g_file_test (suspended, G_FILE_TEST_EXISTS))
    vt_tpm_forget (path);
}

void
vitrine_tpm_process_start (VitrineDomain *domain, const char *uuid)
{
  g_autoptr(VtConfig) config = domain != NULL ? vitrine_domain_to_config (domain, NULL) : NULL;
  g_autofree char *folder = vitrine_tpm_folder (uuid);

  if (config == NULL)
    return;
  if (config->tpm == VT_TPM_NONE)
    {
      forget_state (uuid);
      return;
    }
  program.started = TRUE;
  vt_tpm_start (folder, &program.ends, &program.problem);
}

gboolean
vitrine_tpm_process_lend (VtConfig *config, GError **error)
{
  if (config->tpm == VT_TPM_NONE)
    return TRUE;
  if (!program.started)
    g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG,
                         _("The machine got its TPM after this window had been opened. Close the window and start the machine again."));
  else if (program.problem != NULL)
    g_propagate_error (error, g_error_copy (program.problem));
  if (!program.started || program.problem != NULL)
    return FALSE;
  config->tpm_control_fd = program.ends.control;
  config->tpm_data_fd = program.ends.data;
  return TRUE;
}
