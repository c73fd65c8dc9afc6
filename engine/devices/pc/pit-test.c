/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pit.h"
#include "testbench.h"

#define P &vt_pit_region
#define P61 &vt_pit_port61_region

/* Moves time to the beginning of a tick. */
static void
go_to_tick (Bench *b, uint64_t tick)
{
  int64_t ns = vt_ticks_to_ns (tick, VT_PIT_HZ);
  if (vt_ns_to_ticks (ns, VT_PIT_HZ) < tick)
    ns++;
  g_assert_cmpint (ns, >=, vt_clock_now (b->clock));
  vt_clock_advance (b->clock, ns - vt_clock_now (b->clock));
  g_assert_cmpuint (vt_ns_to_ticks (vt_clock_now (b->clock), VT_PIT_HZ), ==, tick);
}

static void
program (Bench *b, unsigned channel, unsigned mode, uint16_t count)
{
  bench_out (b, P, 3, channel << 6 | 0x30 | mode << 1);
  bench_out (b, P, channel, count & 0xff);
  bench_out (b, P, channel, count >> 8);
}

static unsigned
latched (Bench *b, unsigned channel)
{
  bench_out (b, P, 3, channel << 6);
  unsigned low = bench_in (b, P, channel);
  return low | bench_in (b, P, channel) << 8;
}

static uint8_t
status (Bench *b, unsigned channel)
{
  bench_out (b, P, 3, 0xe0 | 2u << channel);
  return bench_in (b, P, channel);
}

static void
mode_0_raises_out_n_plus_1_ticks_after_the_count_is_written (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  go_to_tick (&b, 100);
  program (&b, 0, 0, 1000);
  g_assert_false (b.level[0]);
  go_to_tick (&b, 1100);
  g_assert_false (b.level[0]);
  g_assert_cmpuint (latched (&b, 0), ==, 1);
  go_to_tick (&b, 1101);
  g_assert_true (b.level[0]);
  go_to_tick (&b, 1103);
  g_assert_cmpuint (latched (&b, 0), ==, 0xfffe);
  go_to_tick (&b, 200000);
  g_assert_cmpuint (b.rises[0], ==, 1);
}

static void
mode_2_makes_exactly_one_edge_per_period (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 2, 11932);
  g_assert_true (b.level[0]);
  bench_forget (&b);
  go_to_tick (&b, 1 + 11932 - 1);
  g_assert_cmphex (status (&b, 0) & 0x80, ==, 0);   /* low for the last tick */
  g_assert_cmpuint (latched (&b, 0), ==, 1);
  go_to_tick (&b, 1 + 11932);
  g_assert_cmpuint (b.rises[0], ==, 1);
  g_assert_cmpuint (latched (&b, 0), ==, 11932);
  go_to_tick (&b, 1 + 11932 * 1000 - 1);
  g_assert_cmpuint (b.rises[0], ==, 999);
  go_to_tick (&b, 1 + 11932 * 1000);
  g_assert_cmpuint (b.rises[0], ==, 1000);
}

static void
a_day_of_mode_2_neither_gains_nor_loses_a_tick (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 2, 0);
  bench_forget (&b);
  vt_clock_advance (b.clock, 86400 * VT_NS_PER_SECOND);
  g_assert_cmpuint (b.rises[0], ==, (UINT64_C (86400) * VT_PIT_HZ - 1) / 65536);
}

static void
mode_3_is_high_for_the_longer_half (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 3, 101);
  go_to_tick (&b, 1 + 50);
  g_assert_true (b.level[0]);
  g_assert_cmpuint (latched (&b, 0), ==, 0);
  go_to_tick (&b, 1 + 51);
  g_assert_false (b.level[0]);
  g_assert_cmpuint (latched (&b, 0), ==, 100);
  go_to_tick (&b, 1 + 100);
  g_assert_false (b.level[0]);
  go_to_tick (&b, 1 + 101);
  g_assert_true (b.level[0]);
}

static void
mode_3_takes_a_new_count_at_the_end_of_the_half (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 3, 1000);
  go_to_tick (&b, 1 + 100);
  bench_out (&b, P, 0, 400 & 0xff);
  bench_out (&b, P, 0, 400 >> 8);
  g_assert_cmphex (status (&b, 0) & 0x40, ==, 0x40);
  go_to_tick (&b, 1 + 500);
  g_assert_false (b.level[0]);
  go_to_tick (&b, 1 + 699);
  g_assert_false (b.level[0]);
  go_to_tick (&b, 1 + 700);
  g_assert_true (b.level[0]);
  g_assert_cmphex (status (&b, 0) & 0x40, ==, 0);
  go_to_tick (&b, 1 + 950);   /* in the low half */
  bench_out (&b, P, 0, 1000 & 0xff);
  bench_out (&b, P, 0, 1000 >> 8);
  go_to_tick (&b, 1 + 1100);
  g_assert_true (b.level[0]);
  go_to_tick (&b, 1 + 1599);
  g_assert_true (b.level[0]);
  go_to_tick (&b, 1 + 1600);
  g_assert_false (b.level[0]);
}

static void
mode_2_takes_a_new_count_at_the_end_of_the_period (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 2, 1000);
  bench_forget (&b);
  go_to_tick (&b, 300);
  bench_out (&b, P, 0, 50);
  bench_out (&b, P, 0, 0);
  go_to_tick (&b, 1000);
  g_assert_cmpuint (b.rises[0], ==, 0);
  go_to_tick (&b, 1001);
  g_assert_cmpuint (b.rises[0], ==, 1);
  go_to_tick (&b, 1051);
  g_assert_cmpuint (b.rises[0], ==, 2);
}

static void
mode_4_strobes_once_for_one_tick (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 4, 300);
  bench_forget (&b);
  go_to_tick (&b, 300);
  g_assert_cmphex (status (&b, 0) & 0x80, ==, 0x80);
  go_to_tick (&b, 301);
  g_assert_cmphex (status (&b, 0) & 0x80, ==, 0);
  go_to_tick (&b, 302);
  g_assert_cmpuint (b.rises[0], ==, 1);
  go_to_tick (&b, 100000);
  g_assert_cmpuint (b.rises[0], ==, 1);
}

static void
channel_2_waits_for_its_gate_in_mode_1 (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 2, 1, 500);
  go_to_tick (&b, 2000);
  g_assert_cmphex (bench_in (&b, P61, 0) & 0x20, ==, 0x20);
  bench_out (&b, P61, 0, 1);
  g_assert_cmphex (bench_in (&b, P61, 0) & 0x20, ==, 0);
  go_to_tick (&b, 2500);
  g_assert_cmphex (bench_in (&b, P61, 0) & 0x20, ==, 0);
  go_to_tick (&b, 2501);
  g_assert_cmphex (bench_in (&b, P61, 0) & 0x20, ==, 0x20);
  bench_out (&b, P61, 0, 0);
  bench_out (&b, P61, 0, 1);   /* triggers again */
  g_assert_cmphex (bench_in (&b, P61, 0) & 0x20, ==, 0);
}

static void
the_gate_holds_the_count_of_mode_0 (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  bench_out (&b, P61, 0, 1);
  program (&b, 2, 0, 1000);
  go_to_tick (&b, 101);
  bench_out (&b, P61, 0, 0);
  go_to_tick (&b, 50000);
  g_assert_cmpuint (latched (&b, 2), ==, 900);
  bench_out (&b, P61, 0, 1);
  go_to_tick (&b, 50901);
  g_assert_cmphex (bench_in (&b, P61, 0) & 0x20, ==, 0x20);
}

/* Low byte first: the order of reads matters. */
static unsigned
two_bytes (Bench *b, unsigned channel)
{
  unsigned low = (unsigned) bench_in (b, P, channel);
  return low | (unsigned) bench_in (b, P, channel) << 8;
}

static void
a_latch_holds_until_it_is_read (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 2, 1000);
  go_to_tick (&b, 101);
  bench_out (&b, P, 3, 0x00);
  go_to_tick (&b, 201);
  bench_out (&b, P, 3, 0x00);   /* ignored: the first latch is unread */
  g_assert_cmpuint (two_bytes (&b, 0), ==, 900);
  g_assert_cmpuint (latched (&b, 0), ==, 800);
}

static void
read_back_gives_status_then_count (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 2, 1000);
  go_to_tick (&b, 101);
  bench_out (&b, P, 3, 0xc2);
  g_assert_cmphex (bench_in (&b, P, 0), ==, 0xb4);
  g_assert_cmpuint (two_bytes (&b, 0), ==, 900);
}

static void
bcd_counts_decimal (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  bench_out (&b, P, 3, 0x35);
  bench_out (&b, P, 0, 0x00);
  bench_out (&b, P, 0, 0x10);
  go_to_tick (&b, 1 + 1);
  g_assert_cmphex (latched (&b, 0), ==, 0x0999);
  go_to_tick (&b, 1 + 1000);
  g_assert_cmphex (latched (&b, 0), ==, 0x1000);
}

static void
the_refresh_bit_toggles_every_15_microseconds (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  uint8_t last = bench_in (&b, P61, 0) & 0x10;
  unsigned toggles = 0;
  for (unsigned i = 0; i < 10000; i++)
    {
      vt_clock_advance (b.clock, 1000);
      uint8_t bit = bench_in (&b, P61, 0) & 0x10;
      toggles += bit != last;
      last = bit;
    }
  g_assert_cmpuint (toggles, ==, 662);   /* 10 ms / 15.086 us */
}

static void
a_flood_of_edges_is_merged (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  program (&b, 0, 2, 2);
  bench_forget (&b);
  vt_clock_advance (b.clock, VT_NS_PER_SECOND);
  g_assert_cmpuint (b.rises[0], >, 40000);
  g_assert_cmpuint (b.rises[0], <=, 50001);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pit/mode-0", mode_0_raises_out_n_plus_1_ticks_after_the_count_is_written);
  g_test_add_func ("/pit/mode-2", mode_2_makes_exactly_one_edge_per_period);
  g_test_add_func ("/pit/mode-2-day", a_day_of_mode_2_neither_gains_nor_loses_a_tick);
  g_test_add_func ("/pit/mode-2-reload", mode_2_takes_a_new_count_at_the_end_of_the_period);
  g_test_add_func ("/pit/mode-3", mode_3_is_high_for_the_longer_half);
  g_test_add_func ("/pit/mode-3-reload", mode_3_takes_a_new_count_at_the_end_of_the_half);
  g_test_add_func ("/pit/mode-4", mode_4_strobes_once_for_one_tick);
  g_test_add_func ("/pit/mode-1", channel_2_waits_for_its_gate_in_mode_1);
  g_test_add_func ("/pit/gate-holds", the_gate_holds_the_count_of_mode_0);
  g_test_add_func ("/pit/latch", a_latch_holds_until_it_is_read);
  g_test_add_func ("/pit/read-back", read_back_gives_status_then_count);
  g_test_add_func ("/pit/bcd", bcd_counts_decimal);
  g_test_add_func ("/pit/refresh", the_refresh_bit_toggles_every_15_microseconds);
  g_test_add_func ("/pit/flood", a_flood_of_edges_is_merged);
  return g_test_run ();
}
