/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine with a TPM. */
#include <glib/gstdio.h>

#include "machine-private.h"
#include "vitrine/tpm.h"

static VtMachine *
new_machine_with_tpm (const char *board, VtTpmModel model, const VtTpmEnds *ends)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  g_free (config->machine);
  config->machine = g_strdup (board);
  config->memory_bytes = 16 << 20;
  config->tpm = model;
  config->tpm_control_fd = ends->control;
  config->tpm_data_fd = ends->data;
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  return machine;
}

static uint64_t
peek (VtMachine *machine, uint64_t at, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (machine->mem);
  return vt_view_read (view, VT_GPA (at), size);
}

static void
poke (VtMachine *machine, uint64_t at, uint64_t value, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (machine->mem);
  vt_view_write (view, VT_GPA (at), value, size);
}

/* By the command response buffer; what the TPM says to it. */
static uint32_t
run_tpm_command (VtMachine *machine, const uint8_t *command, size_t len)
{
  gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  poke (machine, 0xfed40008, 1, 4);
  poke (machine, 0xfed40040, 1, 4);
  for (size_t i = 0; i < len; i++)
    poke (machine, 0xfed40080 + i, command[i], 1);
  poke (machine, 0xfed4004c, 1, 4);
  while (peek (machine, 0xfed4004c, 4) != 0 && g_get_monotonic_time () < limit)
    g_usleep (1000);
  return GUINT32_SWAP_LE_BE ((uint32_t) peek (machine, 0xfed40086, 4));
}

static const uint8_t tpm_startup[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0 };
static const uint8_t tpm_get_random[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8 };
enum { TPM_RC_INITIALIZE = 0x100 };

static bool
have_tpm (void)
{
  bool have = vt_tpm_is_installed ();
  if (!have)
    g_test_skip ("swtpm is not installed");
  return have;
}

static void
a_tpm_is_where_a_pc_has_it (void)
{
  if (!have_tpm ())
    return;
  static const char *const boards[] = { "q35", "pc" };
  for (unsigned i = 0; i < G_N_ELEMENTS (boards); i++)
    {
      g_autoptr (VtMachine) crb = new_machine_with_tpm (boards[i], VT_TPM_CRB, &VT_TPM_NO_ENDS);
      g_autoptr (VtMachine) tis = new_machine_with_tpm (boards[i], VT_TPM_TIS, &VT_TPM_NO_ENDS);
      g_autoptr (VtMachine) none = new_machine_with_tpm (boards[i], VT_TPM_NONE, &VT_TPM_NO_ENDS);
      g_assert_cmphex (peek (crb, 0xfed40030, 4) & 0xf, ==, 1);
      g_assert_cmphex (peek (tis, 0xfed40f00, 4), ==, 0x00011014);
      g_assert_cmphex (peek (none, 0xfed40030, 4), ==, UINT32_MAX);
      g_assert_cmphex (run_tpm_command (crb, tpm_startup, sizeof tpm_startup), ==, 0);
    }
}

/* Also after a reset of the machine, and in another one that goes on from where this was. */
static void
a_tpm_goes_with_its_machine (void)
{
  if (!have_tpm ())
    return;
  g_autofree char *state = g_build_filename (g_get_tmp_dir (), "vitrine-tpm-test.state", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VtMachine) machine = new_machine_with_tpm ("q35", VT_TPM_CRB, &VT_TPM_NO_ENDS);
  g_assert_cmphex (run_tpm_command (machine, tpm_get_random, sizeof tpm_get_random), ==, TPM_RC_INITIALIZE);
  g_assert_cmphex (run_tpm_command (machine, tpm_startup, sizeof tpm_startup), ==, 0);
  g_assert_true (vt_machine_save (machine, state, NULL, NULL, &error));
  g_assert_no_error (error);
  g_autoptr (VtMachine) other = new_machine_with_tpm ("q35", VT_TPM_CRB, &VT_TPM_NO_ENDS);
  g_assert_true (vt_machine_restore (other, state, &error));
  g_assert_no_error (error);
  g_assert_cmphex (run_tpm_command (other, tpm_get_random, sizeof tpm_get_random), ==, 0);
  vt_machine_reset (machine);
  vt_machine_pause (machine);      /* behind the reset */
  g_assert_cmphex (run_tpm_command (machine, tpm_get_random, sizeof tpm_get_random), ==, TPM_RC_INITIALIZE);
  g_autoptr (VtMachine) without = new_machine_with_tpm ("q35", VT_TPM_NONE, &VT_TPM_NO_ENDS);
  g_assert_false (vt_machine_restore (without, state, &error));
  g_assert_nonnull (strstr (error->message, "does not fit"));
  g_unlink (state);
}

/* The program was started before, and is there for one machine after the other. */
static void
a_tpm_that_was_started_before_serves_each_machine (void)
{
  VtTpmEnds ends;
  g_autoptr (GError) error = NULL;
  if (!have_tpm ())
    return;
  g_autofree char *folder = g_dir_make_tmp ("vitrine-tpm-XXXXXX", NULL);
  g_assert_true (vt_tpm_start (folder, &ends, &error));
  for (unsigned i = 0; i < 3; i++)
    {
      g_autoptr (VtMachine) machine = new_machine_with_tpm ("q35", VT_TPM_CRB, &ends);
      g_assert_cmphex (run_tpm_command (machine, tpm_get_random, sizeof tpm_get_random), ==, TPM_RC_INITIALIZE);
      g_assert_cmphex (run_tpm_command (machine, tpm_startup, sizeof tpm_startup), ==, 0);
    }
  vt_tpm_ends_close (&ends);
  g_autofree char *command = g_strdup_printf ("rm -r %s", folder);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-tpm/a TPM is where a PC has it", a_tpm_is_where_a_pc_has_it);
  g_test_add_func ("/machine-tpm/a TPM goes with its machine", a_tpm_goes_with_its_machine);
  g_test_add_func ("/machine-tpm/a TPM that was started before serves each machine", a_tpm_that_was_started_before_serves_each_machine);
  return g_test_run ();
}
