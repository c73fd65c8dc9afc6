/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rstcnt.h"
#include "testbench.h"

#define P &vt_rstcnt_region

static void
the_usual_sequence_resets_once (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rstcnt_class, NULL);
  bench_out (&b, P, 0, 0x02);
  g_assert_cmpuint (b.requests, ==, 0);
  bench_out (&b, P, 0, 0x06);
  g_assert_cmpuint (b.requests, ==, 1);
  g_assert_cmpint (b.request, ==, VT_REQUEST_RESET);
  bench_out (&b, P, 0, 0x06);
  g_assert_cmpuint (b.requests, ==, 1);
  bench_out (&b, P, 0, 0xff);
  g_assert_cmphex (vt_rstcnt_read (b.dev), ==, 0x0e);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rstcnt/sequence", the_usual_sequence_resets_once);
  return g_test_run ();
}
