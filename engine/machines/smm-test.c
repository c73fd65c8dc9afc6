/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System management mode, and firmware that needs it. */
#include <glib/gstdio.h>

#include "machines-rig.h"

static void
firmware_that_cannot_be_is_refused (void)
{
  static const struct { bool pc, uefi, secure, smm; VtAccelChoice accel; unsigned tseg; const char *word; } cases[] = {
    { true, false, false, true, VT_ACCEL_AUTO, 0, "“pc”" },      { false, true, true, true, VT_ACCEL_KVM, 0, "KVM" },
    { false, false, true, true, VT_ACCEL_AUTO, 0, "BIOS" },      { false, true, true, false, VT_ACCEL_AUTO, 0, "needs" },
    { false, true, true, true, VT_ACCEL_AUTO, 257, "256" },      { false, true, true, true, VT_ACCEL_AUTO, 16, "less" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VtConfig) config = cases[i].pc ? new_pc () : vt_config_new ();
      g_autoptr (GError) error = NULL;
      config->memory_bytes = 16 << 20;
      config->firmware = cases[i].uefi ? VT_FIRMWARE_UEFI : VT_FIRMWARE_BIOS;
      config->secure_boot = cases[i].secure;
      config->smm = cases[i].smm;
      config->accel = cases[i].accel;
      config->tseg_mib = cases[i].tseg;
      g_assert_false (vt_config_check (config, &error));
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
}

static VtMachine *
new_smm_machine (void)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  config->memory_bytes = 16 << 20;
  config->accel = VT_ACCEL_INTERP;
  config->smm = true;
  config->tseg_mib = 1;
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  return machine;
}

static uint64_t
peek_in (VtMem *mem, uint64_t at)
{
  g_autoptr (VtView) view = vt_mem_view (mem);
  return vt_view_read (view, VT_GPA (at), 4);
}

static void
config_byte (VtMachine *machine, unsigned reg, uint8_t value)
{
  g_autoptr (VtView) ports = vt_mem_view (machine->io);
  vt_view_write (ports, VT_GPA (0xcf8), 0x80000000u | (reg & 0xfcu), 4);
  vt_view_write (ports, VT_GPA (0xcfc + (reg & 3)), value, 1);
}

/* A processor inside of the mode goes on with the memory of the mode, which a machine without it cannot give. */
static void
a_machine_in_system_management_mode_restores (void)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL), *path = g_build_filename (folder, "saved", NULL);
  g_autoptr (VtMachine) machine = new_smm_machine (), other = new_smm_machine (), without = new_machine ("q35");
  g_autoptr (GError) error = NULL;
  uint64_t tseg = 15 << 20;
  config_byte (machine, 0x9e, 0x07);
  config_byte (machine, 0x9d, 0x1a);
  vt_store_le (((VtRam *) g_ptr_array_index (machine->rams, 0))->host + tseg, 0x12345678, 4);
  VtX86Cpu *cpu = machine->cpus[0];
  cpu->s.in_smm = 1;
  cpu->s.smbase = (uint32_t) tseg;
  vt_x86_cpu_settle (cpu);
  g_assert_cmphex (peek_in (machine->smm_mem, tseg), ==, 0x12345678);
  g_assert_cmphex (peek_in (machine->mem, tseg), ==, 0xffffffff);
  g_assert_true (vt_machine_save (machine, path, NULL, NULL, &error));
  vt_machine_restore (other, path, &error);
  g_assert_no_error (error);
  g_assert_cmphex (other->cpus[0]->s.smbase, ==, tseg);
  g_assert_true (other->cpus[0]->vcpu.mem == other->smm_mem);
  g_assert_cmphex (peek_in (other->mem, tseg), ==, 0xffffffff);
  g_assert_cmphex (peek_in (other->smm_mem, tseg), ==, 0x12345678);
  g_assert_false (vt_machine_restore (without, path, &error));
  g_assert_nonnull (error);
  g_unlink (path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-smm/firmware that cannot be is refused", firmware_that_cannot_be_is_refused);
  g_test_add_func ("/machine-smm/a machine in system management mode restores", a_machine_in_system_management_mode_restores);
  return g_test_run ();
}
