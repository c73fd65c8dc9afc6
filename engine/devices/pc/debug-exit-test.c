/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "debug-exit.h"
#include "testbench.h"

static void
a_value_becomes_an_odd_exit_status (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_debug_exit_class, NULL);
  bench_write (&b, &vt_debug_exit_region, 0, 0x10, 4);
  g_assert_cmpint (b.request, ==, VT_REQUEST_DEBUG_EXIT);
  g_assert_cmpuint (b.request_value, ==, 0x21);
  bench_write (&b, &vt_debug_exit_region, 0, 0, 1);
  g_assert_cmpuint (b.request_value, ==, 1);
  g_assert_cmpuint (bench_read (&b, &vt_debug_exit_region, 0, 4), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/debug-exit/status", a_value_becomes_an_odd_exit_status);
  return g_test_run ();
}
