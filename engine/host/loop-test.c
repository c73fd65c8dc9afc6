/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop's timers against a clock that does what a busy host's does: time passes between any two looks at it. */
#include "loop.h"

#include <fcntl.h>
#include <unistd.h>

#include "bits.h"

#define LOOK_NS  100      /* passes with each look */
#define PATIENCE (10 * G_USEC_PER_SEC)

typedef struct
{
  VtLock   lock;
  VtLoop  *loop;
  VtClock *clock;
  VtTimer *timer;
  int      fired;     /* atomic */
} Fixture;

static int64_t
later_each_time (void *opaque)
{
  static int64_t looks;   /* atomic */
  return vt_host_now_ns (NULL) + LOOK_NS * __atomic_add_fetch (&looks, 1, __ATOMIC_RELAXED);
}

static void
count (void *opaque, int64_t late_ns)
{
  g_atomic_int_inc (&((Fixture *) opaque)->fired);
}

static void
set_up (Fixture *f, gconstpointer source)
{
  vt_lock_init (&f->lock);
  f->loop = vt_loop_new (&f->lock);
  f->clock = vt_clock_new ((VtClockSource) source, NULL);
  vt_loop_drive_clock (f->loop, f->clock);
  vt_lock (&f->lock);
  f->timer = vt_timer_new (f->clock, "test", 0, count, f);
  vt_clock_start (f->clock);
  vt_unlock (&f->lock);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  vt_loop_free (f->loop);
  vt_timer_free (f->timer);
  vt_clock_free (f->clock);
  vt_lock_clear (&f->lock);
}

static void
wait_for (Fixture *f, int fired)
{
  gint64 limit = g_get_monotonic_time () + PATIENCE;
  while (g_atomic_int_get (&f->fired) < fired && g_get_monotonic_time () < limit)
    g_thread_yield ();
  g_assert_cmpint (g_atomic_int_get (&f->fired), ==, fired);
}

/* Deadlines from just past to just ahead, so that some pass while they are being armed. */
static void
a_deadline_may_pass_while_it_is_armed (Fixture *f, gconstpointer unused)
{
  int armed = 0;
  for (int64_t ahead_ns = -LOOK_NS; ahead_ns < 10 * LOOK_NS; ahead_ns += LOOK_NS / 20)
    {
      vt_lock (&f->lock);
      vt_timer_arm (f->timer, vt_clock_now (f->clock) + ahead_ns);
      vt_unlock (&f->lock);
      wait_for (f, ++armed);
    }
}

/* As when a machine is freed: its devices cancel their timers when the loop is gone. */
static void
a_timer_may_be_cancelled_after_its_loop (Fixture *f, gconstpointer unused)
{
  vt_lock (&f->lock);
  vt_timer_arm (f->timer, vt_clock_now (f->clock) + 3600 * VT_NS_PER_SECOND);
  vt_unlock (&f->lock);
  g_clear_pointer (&f->loop, vt_loop_free);
  vt_timer_cancel (f->timer);
  g_assert_cmpint (g_atomic_int_get (&f->fired), ==, 0);
}

static void
came_nearer (void *opaque)
{
  ++*(int *) opaque;
}

static void
arm_in (Fixture *f, int64_t ahead_ns)
{
  vt_timer_arm (f->timer, vt_clock_now (f->clock) + ahead_ns);
}

/* A halted vCPU waits in the loop's place: the loop's thread stays where it is, and the vCPU hears of what comes sooner. */
static void
a_sleeper_keeps_the_time (Fixture *f, gconstpointer unused)
{
  int nearer = 0;
  vt_lock (&f->lock);
  arm_in (f, 3600 * VT_NS_PER_SECOND);
  g_assert_true (vt_loop_keep_time (f->loop, (VtTimekeeper) { came_nearer, &nearer }));
  g_assert_false (vt_loop_keep_time (f->loop, (VtTimekeeper) { came_nearer, &nearer }));
  arm_in (f, 7200 * VT_NS_PER_SECOND);
  g_assert_cmpint (nearer, ==, 0);
  arm_in (f, VT_NS_PER_SECOND / 20);
  g_assert_cmpint (nearer, ==, 1);
  int64_t due_ns = vt_loop_due_ns (f->loop);
  vt_unlock (&f->lock);
  while (vt_host_now_ns (NULL) < due_ns + VT_NS_PER_SECOND / 20)
    g_usleep (1000);
  g_assert_cmpint (g_atomic_int_get (&f->fired), ==, 0);
  vt_lock (&f->lock);
  vt_loop_run_timers (f->loop);
  vt_unlock (&f->lock);
  g_assert_cmpint (g_atomic_int_get (&f->fired), ==, 1);
  g_assert_cmpint (vt_loop_due_ns (f->loop), ==, INT64_MAX);
}

/* What became due while it slept is not lost. */
static void
the_loop_takes_the_time_back (Fixture *f, gconstpointer unused)
{
  int nearer = 0;
  vt_lock (&f->lock);
  g_assert_true (vt_loop_keep_time (f->loop, (VtTimekeeper) { came_nearer, &nearer }));
  arm_in (f, 1);
  g_assert_cmpint (nearer, ==, 1);
  vt_loop_leave_time (f->loop);
  vt_unlock (&f->lock);
  wait_for (f, 1);
  vt_lock (&f->lock);
  arm_in (f, 1);
  vt_unlock (&f->lock);
  wait_for (f, 2);
}

static bool
count_ready (void *opaque, int fd, GIOCondition condition)
{
  count (opaque, 0);
  return true;
}

/* A vCPU closes a stream while the loop, which has seen that there is something to read, waits for the lock. */
static void
a_watch_that_was_taken_away_is_not_heard (Fixture *f, gconstpointer unused)
{
  int    ends[2];
  gint64 limit = g_get_monotonic_time () + PATIENCE;
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  GSource *source = vt_loop_watch (f->loop, ends[0], G_IO_IN, count_ready, f);
  vt_lock (&f->lock);
  g_assert_cmpint (write (ends[1], "x", 1), ==, 1);
  while (__atomic_load_n (&f->lock.urgent, __ATOMIC_ACQUIRE) == 0 && g_get_monotonic_time () < limit)
    g_thread_yield ();
  g_assert_cmpint (__atomic_load_n (&f->lock.urgent, __ATOMIC_ACQUIRE), ==, 1);
  vt_loop_unwatch (source);
  vt_unlock (&f->lock);
  g_clear_pointer (&f->loop, vt_loop_free);
  g_assert_cmpint (g_atomic_int_get (&f->fired), ==, 0);
  close (ends[0]);
  close (ends[1]);
}

typedef struct
{
  Fixture *fixture;
  int      stop;      /* atomic */
} Mover;

/* A guest that moves its timer while it runs, and a machine that pauses. */
static gpointer
move_timers (gpointer data)
{
  Mover   *mover = data;
  Fixture *f = mover->fixture;
  g_autoptr (GRand) rand = g_rand_new ();
  while (!g_atomic_int_get (&mover->stop))
    {
      vt_lock_polite (&f->lock);
      if (g_rand_int_range (rand, 0, 64) == 0)
        {
          vt_clock_stop (f->clock);
          vt_clock_start (f->clock);
        }
      vt_timer_arm (f->timer, vt_clock_now (f->clock) + g_rand_int_range (rand, -200, 2000));
      vt_unlock (&f->lock);
    }
  return NULL;
}

static void
no_deadline_is_slept_through_while_threads_move_it (Fixture *f, gconstpointer unused)
{
  for (int round = 0; round < 40; round++)
    {
      Mover    mover = { f, 0 };
      GThread *movers[] = { g_thread_new ("mover", move_timers, &mover), g_thread_new ("mover", move_timers, &mover) };
      g_usleep (10000);
      g_atomic_int_set (&mover.stop, 1);
      for (unsigned i = 0; i < G_N_ELEMENTS (movers); i++)
        g_thread_join (movers[i]);
      /* Whatever was armed last fires. */
      gint64 limit = g_get_monotonic_time () + PATIENCE;
      bool   armed = true;
      while (armed && g_get_monotonic_time () < limit)
        {
          vt_lock (&f->lock);
          armed = vt_timer_armed (f->timer);
          vt_unlock (&f->lock);
        }
      g_assert_false (armed);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, source, function) g_test_add ("/loop/" name, Fixture, (gconstpointer) source, set_up, function, tear_down)
  ADD ("a deadline may pass while it is armed", later_each_time, a_deadline_may_pass_while_it_is_armed);
  ADD ("no deadline is slept through while threads move it", vt_host_now_ns, no_deadline_is_slept_through_while_threads_move_it);
  ADD ("a sleeper keeps the time", vt_host_now_ns, a_sleeper_keeps_the_time);
  ADD ("the loop takes the time back", vt_host_now_ns, the_loop_takes_the_time_back);
  ADD ("a timer may be cancelled after its loop", vt_host_now_ns, a_timer_may_be_cancelled_after_its_loop);
  ADD ("a watch that was taken away is not heard", vt_host_now_ns, a_watch_that_was_taken_away_is_not_heard);
  return g_test_run ();
}
