/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rtc.h"
#include "testbench.h"

#define R &vt_rtc_region

static const VtRtcConfig config = {
  .epoch_seconds = 951782398,   /* 2000-02-28 23:59:58 UTC, a Monday */
  .below_4g_bytes = UINT64_C (2) << 30,
  .above_4g_bytes = UINT64_C (6) << 30,
  .boot_order = { VT_RTC_BOOT_CDROM, VT_RTC_BOOT_DISK, VT_RTC_BOOT_NET },
  .max_cpus = 4,
};

static uint8_t
get (Bench *b, uint8_t index)
{
  bench_out (b, R, 0, index);
  return bench_in (b, R, 1);
}

static void
put (Bench *b, uint8_t index, uint8_t value)
{
  bench_out (b, R, 0, index);
  bench_out (b, R, 1, value);
}

static void
advance_ms (Bench *b, int64_t ms)
{
  vt_clock_advance (b->clock, ms * 1000000);
}

static void
assert_time (Bench *b, const char *expected)
{
  g_autofree char *text = g_strdup_printf ("%02x%02x-%02x-%02x %02x:%02x:%02x w%x", get (b, 0x32), get (b, 9), get (b, 8),
                                           get (b, 7), get (b, 4), get (b, 2), get (b, 0), get (b, 6));
  g_assert_cmpstr (text, ==, expected);
}

static void
the_date_follows_guest_time_over_a_leap_day (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  assert_time (&b, "2000-02-28 23:59:58 w2");
  advance_ms (&b, 2000);
  assert_time (&b, "2000-02-29 00:00:00 w3");
  advance_ms (&b, 86400 * 1000);
  assert_time (&b, "2000-03-01 00:00:00 w4");
  vt_clock_advance (b.clock, INT64_C (86400) * 365 * 25 * VT_NS_PER_SECOND);
  assert_time (&b, "2025-02-23 00:00:00 w1");
}

static void
binary_and_12_hour_formats_are_honoured (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  put (&b, 0x0b, 0x00);
  g_assert_cmphex (get (&b, 4), ==, 0x91);   /* 11 PM */
  put (&b, 0x0b, 0x04);
  g_assert_cmphex (get (&b, 4), ==, 0x8b);
  g_assert_cmphex (get (&b, 2), ==, 59);
  advance_ms (&b, 2000);
  g_assert_cmphex (get (&b, 4), ==, 12);   /* midnight is 12 AM */
  put (&b, 0x0b, 0x06);
  g_assert_cmphex (get (&b, 4), ==, 0);
  g_assert_cmphex (get (&b, 7), ==, 29);
}

static void
setting_the_time_under_set_keeps_it_until_released (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  advance_ms (&b, 300);
  put (&b, 0x0b, 0x82);
  put (&b, 0, 0x30);
  put (&b, 2, 0x15);
  put (&b, 4, 0x08);
  put (&b, 7, 0x31);
  put (&b, 8, 0x12);
  put (&b, 9, 0x99);
  put (&b, 0x32, 0x19);
  put (&b, 6, 0x06);
  advance_ms (&b, 5000);
  g_assert_cmphex (get (&b, 0), ==, 0x30);
  put (&b, 0x0b, 0x02);
  assert_time (&b, "1999-12-31 08:15:30 w6");
  advance_ms (&b, 1000);
  assert_time (&b, "1999-12-31 08:15:31 w6");
  advance_ms (&b, 86400 * 1000);
  assert_time (&b, "2000-01-01 08:15:31 w7");
}

static void
a_single_byte_may_be_set_while_the_clock_runs (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  put (&b, 4, 0x05);
  assert_time (&b, "2000-02-28 05:59:58 w2");
}

static void
releasing_the_divider_updates_half_a_second_later (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  put (&b, 0x0a, 0x76);
  put (&b, 0, 0x10);
  advance_ms (&b, 2500);
  put (&b, 0x0a, 0x26);
  advance_ms (&b, 499);
  g_assert_cmphex (get (&b, 0), ==, 0x10);
  advance_ms (&b, 1);
  g_assert_cmphex (get (&b, 0), ==, 0x11);
}

static void
uip_rises_244_us_before_the_update (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  vt_clock_advance (b.clock, 999755999);
  g_assert_cmphex (get (&b, 0x0a), ==, 0x26);
  vt_clock_advance (b.clock, 1);
  g_assert_cmphex (get (&b, 0x0a), ==, 0xa6);
  vt_clock_advance (b.clock, 244000);
  g_assert_cmphex (get (&b, 0x0a), ==, 0x26);
  g_assert_cmphex (get (&b, 0), ==, 0x59);
}

static void
update_interrupts_come_every_second_until_masked (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  get (&b, 0x0c);
  put (&b, 0x0b, 0x12);
  advance_ms (&b, 999);
  g_assert_false (b.level[0]);
  advance_ms (&b, 1);
  g_assert_true (b.level[0]);
  g_assert_cmphex (get (&b, 0x0c), ==, 0xd0);   /* the periodic flag too */
  g_assert_false (b.level[0]);
  g_assert_cmphex (get (&b, 0x0c), ==, 0);
  advance_ms (&b, 1000);
  g_assert_cmpuint (b.rises[0], ==, 2);
  advance_ms (&b, 5000);
  g_assert_cmpuint (b.rises[0], ==, 2);   /* unread: the line just stays up */
}

static void
periodic_interrupts_keep_their_rate_exactly (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  put (&b, 0x0a, 0x26);   /* 1024 Hz */
  put (&b, 0x0b, 0x42);
  unsigned count = 0;
  for (unsigned us = 0; us < 10 * 1000 * 1000; us += 100)
    {
      vt_clock_advance (b.clock, 100000);
      if (b.level[0])
        {
          g_assert_cmphex (get (&b, 0x0c) & 0xc0, ==, 0xc0);
          count++;
        }
    }
  g_assert_cmpuint (count, ==, 10240);
}

static void
the_alarm_matches_with_wildcards (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  put (&b, 1, 0x03);
  put (&b, 3, 0x00);
  put (&b, 5, 0xff);
  get (&b, 0x0c);
  put (&b, 0x0b, 0x22);
  advance_ms (&b, 4999);
  g_assert_false (b.level[0]);
  advance_ms (&b, 1);
  g_assert_true (b.level[0]);
  g_assert_cmphex (get (&b, 0x0c), ==, 0xf0);
  advance_ms (&b, 3600 * 1000 - 1);
  g_assert_false (b.level[0]);
  advance_ms (&b, 1);
  g_assert_true (b.level[0]);
}

static void
flags_are_seen_by_polling_too (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  put (&b, 1, 0x01);
  put (&b, 3, 0x00);
  put (&b, 5, 0x00);
  get (&b, 0x0c);
  advance_ms (&b, 2500);
  g_assert_cmphex (get (&b, 0x0c), ==, 0x50);
  advance_ms (&b, 1000);
  g_assert_cmphex (get (&b, 0x0c), ==, 0x70);
  g_assert_cmphex (get (&b, 0x0c), ==, 0x00);
}

static void
cmos_keeps_bytes_over_a_guest_reset_and_describes_the_machine (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  put (&b, 0x0f, 0x5a);
  put (&b, 0x0b, 0x72);
  put (&b, 0x34, 0x11);
  bench_out (&b, &vt_rtc_bank2_region, 0, 0x7f);
  bench_out (&b, &vt_rtc_bank2_region, 1, 0x77);
  bench_out (&b, R, 0, 0x80);
  g_assert_true (vt_rtc_nmi_masked (b.dev));
  vt_device_reset (b.dev, VT_RESET_GUEST);
  g_assert_false (vt_rtc_nmi_masked (b.dev));
  g_assert_cmphex (get (&b, 0x0f), ==, 0x5a);
  g_assert_cmphex (get (&b, 0x0b), ==, 0x02);   /* RESET clears the enables */
  bench_out (&b, &vt_rtc_bank2_region, 0, 0x7f);
  g_assert_cmphex (bench_in (&b, &vt_rtc_bank2_region, 1), ==, 0x77);
  g_assert_cmphex (get (&b, 0x34) | get (&b, 0x35) << 8, ==, 0x7f00);
  g_assert_cmphex (get (&b, 0x5b) | get (&b, 0x5c) << 8 | get (&b, 0x5d) << 16, ==, 0x18000);
  g_assert_cmphex (get (&b, 0x30) | get (&b, 0x31) << 8, ==, 0xffff);
  g_assert_cmphex (get (&b, 0x3d), ==, 0x23);
  g_assert_cmphex (get (&b, 0x38), ==, 0x40);
  g_assert_cmphex (get (&b, 0x5f), ==, 3);
}

static void
impossible_dates_become_possible_ones (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_rtc_class, &config);
  put (&b, 0x0b, 0x82);
  for (uint8_t i = 0; i <= 9; i++)
    put (&b, i, 0xff);
  put (&b, 0x32, 0xff);
  put (&b, 0x0b, 0x02);
  assert_time (&b, "9999-12-31 23:59:59 w4");
  put (&b, 0x0b, 0x82);
  for (uint8_t i = 0; i <= 9; i++)
    put (&b, i, 0);
  put (&b, 0x32, 0);
  put (&b, 0x0b, 0x02);
  g_assert_cmphex (get (&b, 7), ==, 0x01);
  g_assert_cmphex (get (&b, 0x32), ==, 0x16);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtc/date", the_date_follows_guest_time_over_a_leap_day);
  g_test_add_func ("/rtc/formats", binary_and_12_hour_formats_are_honoured);
  g_test_add_func ("/rtc/set", setting_the_time_under_set_keeps_it_until_released);
  g_test_add_func ("/rtc/set-running", a_single_byte_may_be_set_while_the_clock_runs);
  g_test_add_func ("/rtc/divider", releasing_the_divider_updates_half_a_second_later);
  g_test_add_func ("/rtc/uip", uip_rises_244_us_before_the_update);
  g_test_add_func ("/rtc/update", update_interrupts_come_every_second_until_masked);
  g_test_add_func ("/rtc/periodic", periodic_interrupts_keep_their_rate_exactly);
  g_test_add_func ("/rtc/alarm", the_alarm_matches_with_wildcards);
  g_test_add_func ("/rtc/polling", flags_are_seen_by_polling_too);
  g_test_add_func ("/rtc/cmos", cmos_keeps_bytes_over_a_guest_reset_and_describes_the_machine);
  g_test_add_func ("/rtc/impossible", impossible_dates_become_possible_ones);
  return g_test_run ();
}
