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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/x86/interp/nops-advance-rip-in-each-mode", nops_advance_rip_in_each_mode);
  g_test_add_func ("/x86/state/every-byte-of-the-state-is-in-its-table", every_byte_of_the_state_is_in_its_table);
  return g_test_run ();
}
