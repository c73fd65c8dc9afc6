/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "port92.h"
#include "testbench.h"

#define P &vt_port92_region

static void
a_rising_reset_bit_resets_once (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_port92_class, NULL);
  g_assert_cmphex (bench_in (&b, P, 0), ==, 0x02);
  bench_out (&b, P, 0, 0x00);
  g_assert_cmphex (bench_in (&b, P, 0), ==, 0x00);
  g_assert_cmpuint (b.requests, ==, 0);
  bench_out (&b, P, 0, 0x03);
  bench_out (&b, P, 0, 0x03);
  g_assert_cmpuint (b.requests, ==, 1);
  g_assert_cmpint (b.request, ==, VT_REQUEST_RESET);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/port92/reset", a_rising_reset_bit_resets_once);
  return g_test_run ();
}
