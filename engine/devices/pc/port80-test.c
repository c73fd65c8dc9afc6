/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "port80.h"
#include "testbench.h"

static void
the_last_code_is_remembered (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_port80_class, NULL);
  bench_out (&b, &vt_port80_region, 0, 0x42);
  g_assert_cmphex (bench_in (&b, &vt_port80_region, 0), ==, 0x42);
  g_assert_cmphex (vt_port80_code (b.dev), ==, 0x42);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/port80/code", the_last_code_is_remembered);
  return g_test_run ();
}
