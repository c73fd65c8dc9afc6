/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hpet.h"
#include "testbench.h"

#define H &vt_hpet_region
#define CONF(n) (0x100 + 0x20 * (n))
#define COMPARE(n) (0x108 + 0x20 * (n))
#define FSB(n) (0x110 + 0x20 * (n))
#define ENABLE 0x4
#define LEVEL 0x2
#define PERIODIC 0x8
#define VAL_SET 0x40
#define PIN(n) ((n) << 9)

static const VtHpetConfig config = { .route_mask = { 0xf00000, 0xf00000, 0xf00800 }, .msi = true };

static uint64_t
get (Bench *b, unsigned off)
{
  return bench_read (b, H, off, 8);
}

static void
put (Bench *b, unsigned off, uint64_t value)
{
  bench_write (b, H, off, value, 8);
}

static void
advance_ticks (Bench *b, uint64_t ticks)
{
  vt_clock_advance (b->clock, (int64_t) ticks * 10);
}

static unsigned
edges (Bench *b, unsigned pin)
{
  return b->rises[VT_HPET_WIRE_PIN0 + pin];
}

static void
it_describes_itself (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  g_assert_cmphex (get (&b, 0), ==, 0x009896808086a201);
  g_assert_cmphex (get (&b, CONF (2)), ==, 0x00f0080000008030);
  g_assert_cmphex (bench_read (&b, H, 4, 4), ==, VT_HPET_PERIOD_FS);
}

static void
the_counter_runs_only_while_enabled (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  advance_ticks (&b, 1000);
  g_assert_cmpuint (get (&b, 0xf0), ==, 0);
  put (&b, 0xf0, 0xfffffffffffffff0);
  put (&b, 0x10, 1);
  advance_ticks (&b, 0x20);
  g_assert_cmphex (get (&b, 0xf0), ==, 0x10);
  put (&b, 0x10, 0);
  advance_ticks (&b, 1000);
  g_assert_cmphex (get (&b, 0xf0), ==, 0x10);
  put (&b, 0x10, 1);
  advance_ticks (&b, 1);
  g_assert_cmphex (bench_read (&b, H, 0xf0, 4), ==, 0x11);
}

static void
a_one_shot_matches_once (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  put (&b, CONF (2), ENABLE | PIN (11));
  put (&b, COMPARE (2), 500);
  put (&b, 0x10, 1);
  advance_ticks (&b, 499);
  g_assert_cmpuint (edges (&b, 11), ==, 0);
  advance_ticks (&b, 1);
  g_assert_cmpuint (edges (&b, 11), ==, 1);
  advance_ticks (&b, 1000000);
  g_assert_cmpuint (edges (&b, 11), ==, 1);
  put (&b, COMPARE (2), get (&b, 0xf0) + 7);
  advance_ticks (&b, 7);
  g_assert_cmpuint (edges (&b, 11), ==, 2);
}

static void
a_periodic_timer_never_drifts (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  put (&b, 0x10, 1);
  put (&b, CONF (0), ENABLE | PERIODIC | VAL_SET | PIN (20));
  put (&b, COMPARE (0), 5000);   /* first match */
  put (&b, COMPARE (0), 100000); /* period */
  advance_ticks (&b, 5000);
  g_assert_cmpuint (edges (&b, 20), ==, 1);
  advance_ticks (&b, 100000 * 1000 - 1);
  g_assert_cmpuint (edges (&b, 20), ==, 1000);
  advance_ticks (&b, 1);
  g_assert_cmpuint (edges (&b, 20), ==, 1001);
  g_assert_cmpuint (get (&b, COMPARE (0)), ==, 5000 + 100000 * 1001);
}

static void
a_32_bit_timer_wraps (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  put (&b, 0xf0, 0x1fffffff0);
  put (&b, CONF (1), ENABLE | 0x100 | PIN (21));
  put (&b, COMPARE (1), 0x10);
  put (&b, 0x10, 1);
  advance_ticks (&b, 0x1f);
  g_assert_cmpuint (edges (&b, 21), ==, 0);
  advance_ticks (&b, 1);
  g_assert_cmpuint (edges (&b, 21), ==, 1);
  advance_ticks (&b, UINT64_C (1) << 32);
  g_assert_cmpuint (edges (&b, 21), ==, 2);
}

static void
a_level_stands_until_its_status_is_cleared (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  put (&b, CONF (2), ENABLE | LEVEL | PIN (22));
  put (&b, COMPARE (2), 10);
  put (&b, 0x10, 1);
  advance_ticks (&b, 20);
  g_assert_true (b.level[VT_HPET_WIRE_PIN0 + 22]);
  g_assert_cmphex (get (&b, 0x20), ==, 4);
  bench_write (&b, H, 0x20, 4, 4);
  g_assert_false (b.level[VT_HPET_WIRE_PIN0 + 22]);
  g_assert_cmphex (get (&b, 0x20), ==, 0);
}

static void
legacy_replacement_mutes_pit_and_rtc (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  VtIrq pit = vt_hpet_pit_input (b.dev, "pit"), rtc = vt_hpet_rtc_input (b.dev, "rtc");
  vt_irq_pulse (&pit);
  vt_irq_set (&rtc, true);
  g_assert_cmpuint (b.rises[VT_HPET_WIRE_IRQ0], ==, 1);
  g_assert_true (b.level[VT_HPET_WIRE_IRQ8]);
  put (&b, CONF (0), ENABLE);
  put (&b, CONF (1), ENABLE);
  put (&b, COMPARE (0), 100);
  put (&b, COMPARE (1), 200);
  put (&b, 0x10, 3);
  g_assert_false (b.level[VT_HPET_WIRE_IRQ8]);
  bench_forget (&b);
  vt_irq_pulse (&pit);
  g_assert_cmpuint (b.rises[VT_HPET_WIRE_IRQ0], ==, 0);
  advance_ticks (&b, 150);
  g_assert_cmpuint (b.rises[VT_HPET_WIRE_IRQ0], ==, 1);
  g_assert_cmpuint (b.rises[VT_HPET_WIRE_IRQ8], ==, 0);
  advance_ticks (&b, 150);
  g_assert_cmpuint (b.rises[VT_HPET_WIRE_IRQ8], ==, 1);
  put (&b, 0x10, 1);
  g_assert_true (b.level[VT_HPET_WIRE_IRQ8]);   /* the RTC is heard again */
}

static void
a_message_carries_what_the_guest_wrote (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  put (&b, CONF (0), ENABLE | 0x4000);
  put (&b, FSB (0), 0xfee0100000004031);
  put (&b, COMPARE (0), 100);
  put (&b, 0x10, 1);
  advance_ticks (&b, 100);
  g_assert_cmpuint (b.messages, ==, 1);
  g_assert_cmphex (b.msi_address, ==, 0xfee01000);
  g_assert_cmphex (b.msi_data, ==, 0x4031);
}

static void
pins_that_are_not_offered_are_not_taken (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, NULL);
  put (&b, CONF (0), 0xffffffffffffffff);
  g_assert_cmphex (get (&b, CONF (0)), ==, 0x17e);
}

static void
a_tiny_period_does_not_flood_the_host (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_hpet_class, &config);
  put (&b, 0x10, 1);
  put (&b, CONF (0), ENABLE | PERIODIC | VAL_SET | PIN (20));
  put (&b, COMPARE (0), 1);
  vt_clock_advance (b.clock, VT_NS_PER_SECOND);
  g_assert_cmpuint (edges (&b, 20), >, 1000);
  g_assert_cmpuint (edges (&b, 20), <=, 50001);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hpet/identity", it_describes_itself);
  g_test_add_func ("/hpet/counter", the_counter_runs_only_while_enabled);
  g_test_add_func ("/hpet/one-shot", a_one_shot_matches_once);
  g_test_add_func ("/hpet/periodic", a_periodic_timer_never_drifts);
  g_test_add_func ("/hpet/32-bit", a_32_bit_timer_wraps);
  g_test_add_func ("/hpet/level", a_level_stands_until_its_status_is_cleared);
  g_test_add_func ("/hpet/legacy", legacy_replacement_mutes_pit_and_rtc);
  g_test_add_func ("/hpet/message", a_message_carries_what_the_guest_wrote);
  g_test_add_func ("/hpet/routes", pins_that_are_not_offered_are_not_taken);
  g_test_add_func ("/hpet/flood", a_tiny_period_does_not_flood_the_host);
  return g_test_run ();
}
