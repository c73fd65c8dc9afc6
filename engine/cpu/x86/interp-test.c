/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x86-test.h"

static void
nops_advance_rip_in_each_mode (void)
{
  static const unsigned modes[] = { 16, 32, 64 };
  VtX86Test test;
  x86_test_setup (&test, 1 << 20, 16);
  for (unsigned i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      x86_test_set_mode (&test, modes[i]);
      g_assert_cmpuint (X86_TEST_RUN (&test, 3, 0x90, 0x90, 0x90, 0x90), ==, VT_EXIT_BUDGET);
      g_assert_cmphex (test.cpu->s.rip, ==, 0x1003);
    }
  x86_test_teardown (&test);
}

static void
every_byte_of_the_state_is_in_its_table (void)
{
  char *message = NULL;
  bool complete = vt_state_complete (&vt_x86_state_table, &message);
  g_assert_cmpstr (message, ==, NULL);
  g_assert_true (complete);
}

static void
alignment_is_checked_at_cpl_3_only (void)
{
  VtX86Test test;
  x86_test_setup (&test, 1 << 20, 64);
  VtX86Cpu *cpu = test.cpu;
  cpu->s.cr0 |= X86_CR0_AM;
  cpu->s.rflags |= X86_RFLAGS_AC;
  vt_x86_cpu_settle (cpu);
  g_assert_cmpuint (vt_x86_load32 (cpu, 0x2001), ==, 0);
  cpu->s.seg[VT_SS].attr |= X86_SEG_DPL;
  vt_x86_cpu_settle (cpu);
  g_assert_cmpuint (vt_x86_load32 (cpu, 0x2004), ==, 0);
  if (setjmp (cpu->unwind) == 0)
    {
      vt_x86_load32 (cpu, 0x2001);
      g_assert_not_reached ();
    }
  g_assert_cmpuint (cpu->exc_vector, ==, X86_AC);
  x86_test_teardown (&test);
}

/* The state of a running processor, and what a hostile stream might make of it. */
static void
impossible_saved_states_are_refused (void)
{
  VtX86Test test;
  x86_test_setup (&test, 1 << 20, 64);
  const VtX86Cpu *cpu = test.cpu;
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_x86_state_check (cpu, &cpu->s, &error));
  g_assert_no_error (error);

  const struct
  {
    size_t   offset;
    uint64_t value;
  } damage[] = {
    { offsetof (VtX86State, rflags), 0 },
    { offsetof (VtX86State, rip), UINT64_C (0x800000000000) },
    { offsetof (VtX86State, cr0), X86_CR0_PG },
    { offsetof (VtX86State, cr3), UINT64_C (1) << 60 },
    { offsetof (VtX86State, cr4), X86_CR4_PSE },
    { offsetof (VtX86State, efer), X86_EFER_LMA },
    { offsetof (VtX86State, xcr0), 0 },
    { offsetof (VtX86State, dr[4]), 1 },
    { offsetof (VtX86State, pat), 3 },
    { offsetof (VtX86State, activity), 0xff },
    { offsetof (VtX86State, seg[VT_GS].base), UINT64_C (1) << 63 },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (damage); i++)
    {
      VtX86State bad = cpu->s;
      memcpy ((char *) &bad + damage[i].offset, &damage[i].value, sizeof (damage[i].value));
      g_assert_false (vt_x86_state_check (cpu, &bad, &error));
      g_assert_nonnull (error);
      g_clear_error (&error);
    }
  x86_test_teardown (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/x86/interp/nops-advance-rip-in-each-mode", nops_advance_rip_in_each_mode);
  g_test_add_func ("/x86/state/every-byte-of-the-state-is-in-its-table", every_byte_of_the_state_is_in_its_table);
  g_test_add_func ("/x86/access/alignment-is-checked-at-cpl-3-only", alignment_is_checked_at_cpl_3_only);
  g_test_add_func ("/x86/state/impossible-saved-states-are-refused", impossible_saved_states_are_refused);
  return g_test_run ();
}
