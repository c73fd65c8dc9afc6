/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clock.h"

#include "bits.h"

typedef struct
{
  VtTimer *timer;
  GString *log;
  char     name;
  int64_t  late_ns;
  int64_t  period_ns;
} Probe;

static void
fired (void *opaque, int64_t late_ns)
{
  Probe *probe = opaque;
  probe->late_ns = late_ns;
  g_string_append_c (probe->log, probe->name);
  if (probe->period_ns != 0)
    vt_timer_arm (probe->timer, probe->period_ns);
}

static void
timers_fire_by_deadline_then_priority_then_order (void)
{
  g_autoptr (VtClock) clock = vt_clock_new_manual ();
  g_autoptr (GString) log = g_string_new (NULL);
  Probe probes[4];
  for (int i = 0; i < 4; i++)
    {
      probes[i] = (Probe) { .log = log, .name = (char) ('a' + i) };
      probes[i].timer = vt_timer_new (clock, "probe", i == 2 ? -1 : 0, fired, &probes[i]);
    }
  vt_timer_arm (probes[0].timer, 200);
  vt_timer_arm (probes[1].timer, 100);
  vt_timer_arm (probes[2].timer, 100);
  vt_timer_arm (probes[3].timer, 100);
  g_assert_cmpint (vt_clock_next_deadline (clock), ==, 100);
  vt_clock_advance (clock, 150);
  g_assert_cmpstr (log->str, ==, "cbd");
  vt_timer_cancel (probes[0].timer);
  vt_clock_advance (clock, 1000);
  g_assert_cmpstr (log->str, ==, "cbd");
  g_assert_cmpint (vt_clock_now (clock), ==, 1150);
  for (int i = 0; i < 4; i++)
    vt_timer_free (probes[i].timer);
}

static void
a_timer_that_rearms_in_the_past_does_not_hang_the_loop (void)
{
  g_autoptr (VtClock) clock = vt_clock_new_manual ();
  g_autoptr (GString) log = g_string_new (NULL);
  Probe probe = { .log = log, .name = 'x', .period_ns = 5 };
  probe.timer = vt_timer_new (clock, "probe", 0, fired, &probe);
  vt_timer_arm (probe.timer, 5);
  vt_clock_set_now (clock, 20);
  vt_clock_run (clock);
  g_assert_cmpstr (log->str, ==, "x");
  g_assert_cmpint (probe.late_ns, ==, 15);
  vt_timer_free (probe.timer);
}

static void
note_wake (void *opaque, int64_t deadline_ns)
{
  g_string_append_printf (opaque, "%" G_GINT64_FORMAT " ", deadline_ns);
}

/* Each is a system call of the loop's. */
static void
an_expiry_is_followed_by_one_announcement (void)
{
  g_autoptr (VtClock) clock = vt_clock_new_manual ();
  g_autoptr (GString) log = g_string_new (NULL), wakes = g_string_new (NULL);
  Probe probes[3];
  vt_clock_set_wake (clock, note_wake, wakes);
  for (int i = 0; i < 3; i++)
    {
      probes[i] = (Probe) { .log = log, .name = (char) ('a' + i), .period_ns = 1000 - 100 * i };
      probes[i].timer = vt_timer_new (clock, "probe", 0, fired, &probes[i]);
      vt_timer_arm (probes[i].timer, 10);
    }
  g_assert_cmpstr (wakes->str, ==, "10 ");
  vt_clock_set_now (clock, 10);
  vt_clock_run (clock);
  g_assert_cmpstr (log->str, ==, "abc");
  g_assert_cmpstr (wakes->str, ==, "10 800 ");
  for (int i = 0; i < 3; i++)
    vt_timer_free (probes[i].timer);
}

/* The one that was announced has been used up by then. */
static void
the_same_deadline_is_announced_again_after_an_expiry (void)
{
  g_autoptr (VtClock) clock = vt_clock_new_manual ();
  g_autoptr (GString) log = g_string_new (NULL), wakes = g_string_new (NULL);
  Probe probe = { .log = log, .name = 'x', .period_ns = 10 };
  probe.timer = vt_timer_new (clock, "probe", 0, fired, &probe);
  vt_clock_set_wake (clock, note_wake, wakes);
  vt_timer_arm (probe.timer, 10);
  vt_clock_set_now (clock, 10);
  vt_clock_run (clock);
  g_assert_cmpstr (wakes->str, ==, "10 10 ");
  probe.period_ns = 0;
  vt_clock_run (clock);
  g_assert_cmpstr (log->str, ==, "xx");
  g_assert_cmpstr (wakes->str, ==, "10 10 ");
  vt_timer_free (probe.timer);
}

static int64_t host_ns;

static int64_t
host_source (void *opaque)
{
  return host_ns;
}

static void
time_stands_still_while_stopped (void)
{
  host_ns = 1000;
  g_autoptr (VtClock) clock = vt_clock_new (host_source, NULL);
  vt_clock_start (clock);
  host_ns += 50;
  g_assert_cmpint (vt_clock_now (clock), ==, 50);
  vt_clock_stop (clock);
  host_ns += 1000000;
  g_assert_cmpint (vt_clock_now (clock), ==, 50);
  vt_clock_start (clock);
  host_ns += 7;
  g_assert_cmpint (vt_clock_now (clock), ==, 57);
}

static void
tick_conversion_is_exact_over_a_year (void)
{
  const uint64_t pit_hz = 1193182, year_ticks = pit_hz * 86400 * 365;
  g_assert_cmpint (vt_ticks_to_ns (year_ticks, pit_hz), ==, VT_NS_PER_SECOND * 86400 * 365);
  g_assert_cmpuint (vt_ns_to_ticks (VT_NS_PER_SECOND * 86400 * 365, pit_hz), ==, year_ticks);
  g_assert_cmpint (vt_ticks_to_ns (UINT64_MAX, 1), ==, INT64_MAX);
}

static void
the_deadline_of_a_tick_is_the_first_nanosecond_that_belongs_to_it (void)
{
  const uint64_t rates[] = { 32768, 1193182, 3579545, 100000000, 1000000000 };
  for (unsigned r = 0; r < G_N_ELEMENTS (rates); r++)
    for (uint64_t tick = 1; tick < UINT64_C (1) << 50; tick = tick * 3 + 1)
      {
        int64_t ns = vt_tick_deadline_ns (tick, rates[r]);
        if (ns == INT64_MAX)
          break;
        g_assert_cmpuint (vt_ns_to_ticks (ns, rates[r]), >=, tick);
        g_assert_cmpuint (vt_ns_to_ticks (ns - 1, rates[r]), <, tick);
      }
  g_assert_cmpint (vt_tick_deadline_ns (UINT64_MAX, 1), ==, INT64_MAX);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/order", timers_fire_by_deadline_then_priority_then_order);
  g_test_add_func ("/clock/rearm-in-the-past", a_timer_that_rearms_in_the_past_does_not_hang_the_loop);
  g_test_add_func ("/clock/one-announcement", an_expiry_is_followed_by_one_announcement);
  g_test_add_func ("/clock/announced-again", the_same_deadline_is_announced_again_after_an_expiry);
  g_test_add_func ("/clock/stopped", time_stands_still_while_stopped);
  g_test_add_func ("/clock/ticks", tick_conversion_is_exact_over_a_year);
  g_test_add_func ("/clock/tick-deadline", the_deadline_of_a_tick_is_the_first_nanosecond_that_belongs_to_it);
  return g_test_run ();
}
