/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dma8237.h"
#include "testbench.h"

static void
words_pass_through_the_flip_flop (void)
{
  g_auto(Bench) b;
  const VtRegion *low = &vt_dma8237_low_region, *high = &vt_dma8237_high_region;
  bench_init (&b, &vt_dma8237_class, NULL);
  bench_out (&b, low, 0x0c, 0);
  bench_out (&b, low, 4, 0x34);
  bench_out (&b, low, 4, 0x12);
  g_assert_cmphex (bench_in (&b, low, 4), ==, 0x34);
  bench_out (&b, low, 0x0c, 0);
  g_assert_cmphex (bench_in (&b, low, 4), ==, 0x34);
  g_assert_cmphex (bench_in (&b, low, 4), ==, 0x12);
  bench_out (&b, high, 0x06, 0x78);
  bench_out (&b, high, 0x06, 0x56);
  g_assert_cmphex (bench_in (&b, high, 0x06), ==, 0x78);
}

static void
masks_and_pages_are_remembered (void)
{
  g_auto(Bench) b;
  const VtRegion *low = &vt_dma8237_low_region;
  bench_init (&b, &vt_dma8237_class, NULL);
  g_assert_cmphex (bench_in (&b, low, 0x0f), ==, 0xff);
  bench_out (&b, low, 0x0a, 0x02);
  g_assert_cmphex (bench_in (&b, low, 0x0f), ==, 0xfb);
  bench_out (&b, low, 0x0e, 0);
  g_assert_cmphex (bench_in (&b, low, 0x0f), ==, 0xf0);
  bench_out (&b, low, 0x0d, 0);
  g_assert_cmphex (bench_in (&b, low, 0x0f), ==, 0xff);
  bench_out (&b, &vt_dma8237_page_region, 14, 0x77);
  g_assert_cmphex (bench_in (&b, &vt_dma8237_page_region, 14), ==, 0x77);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dma8237/words", words_pass_through_the_flip_flop);
  g_test_add_func ("/dma8237/masks", masks_and_pages_are_remembered);
  return g_test_run ();
}
