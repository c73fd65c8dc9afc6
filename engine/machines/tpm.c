/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The TPM of a machine: a swtpm of its own, which was started for it or is started here. */
#include "machine-private.h"

#include "swtpm.h"
#include "tpm-crb.h"
#include "tpm-tis.h"

static void
tell_trouble (Listeners *listeners, int value, const char *message)
{
  if (listeners->events.trouble != NULL)
    listeners->events.trouble (listeners->opaque, message);
}

/* Loop thread. */
static void
failed (void *opaque, const char *why)
{
  VtMachine       *machine = opaque;
  g_autofree char *message = g_strdup_printf ("The machine's TPM has failed (%s): the guest sees a broken one until the machine is "
                                              "turned off and started again", why);
  vt_machine_tell (machine, tell_trouble, 0, message);
}

static bool
lend_ends (const VtConfig *config, VtTpmEnds *ends, GError **error)
{
  *ends = (VtTpmEnds) { vt_descriptor_dup (config->tpm_control_fd), vt_descriptor_dup (config->tpm_data_fd) };
  if (ends->control >= 0 && ends->data >= 0)
    return true;
  vt_tpm_ends_close (ends);
  g_set_error_literal (error, VT_ERROR, VT_ERROR_FAILED, "The TPM's program cannot be reached");
  return false;
}

/* In a folder that goes with the machine, where the configuration names none. */
static bool
start_own (VtMachine *machine, VtTpmEnds *ends, GError **error)
{
  const char *folder = machine->config.tpm_folder;
  if (folder == NULL)
    folder = machine->tpm_scratch = g_dir_make_tmp ("vitrine-tpm-XXXXXX", error);
  return folder != NULL && vt_tpm_start (folder, ends, error);
}

bool
vt_machine_open_tpm (VtMachine *machine, GError **error)
{
  const VtConfig *config = &machine->config;
  VtTpmEnds       ends;
  if (config->tpm == VT_TPM_NONE)
    return true;
  if (!(config->tpm_control_fd >= 0 ? lend_ends (config, &ends, error) : start_own (machine, &ends, error)))
    return false;
  VtSwtpmConfig swtpm = { .loop = machine->loop, .ends = ends, .failed = failed, .opaque = machine,
                          .buffer_bytes = config->tpm == VT_TPM_CRB ? VT_TPM_CRB_BUFFER_BYTES : VT_TPM_TIS_BUFFER_BYTES };
  machine->tpm = vt_swtpm_new (&swtpm, error);
  return machine->tpm != NULL;
}

void
vt_machine_close_tpm (VtMachine *machine)
{
  if (machine->tpm != NULL)
    machine->tpm->ops->close (machine->tpm);
  g_clear_pointer (&machine->tpm_saved, g_byte_array_unref);
  if (machine->tpm_scratch != NULL)
    vt_tpm_forget (machine->tpm_scratch);
  g_clear_pointer (&machine->tpm_scratch, g_free);
}

/* --- Saving and loading ------------------------------------------------------------------------------------------------------- */

bool
vt_machine_collect_tpm (VtMachine *machine, GError **error)
{
  g_clear_pointer (&machine->tpm_saved, g_byte_array_unref);
  if (machine->tpm == NULL)
    return true;
  machine->tpm_saved = machine->tpm->ops->save (machine->tpm, error);
  if (machine->tpm_saved == NULL)
    g_prefix_error (error, "The TPM's state cannot be saved: ");
  return machine->tpm_saved != NULL;
}

bool
vt_machine_load_tpm (VtMachine *machine, const uint8_t *bytes, size_t len, GError **error)
{
  if (machine->tpm == NULL)
    {
      g_set_error_literal (error, VT_ERROR, VT_ERROR_STATE, "The saved state does not fit this machine: it has a TPM");
      return false;
    }
  if (machine->tpm->ops->load (machine->tpm, bytes, len, error))
    return true;
  g_prefix_error (error, "The TPM cannot go on from the saved state: ");
  return false;
}
