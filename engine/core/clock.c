/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event wheel: a sorted list of armed timers on top of an injected time source.
 *
 * A machine has a few dozen timers, so the list is an array kept in order: arming is a short memmove, the next deadline is
 * the first element, and there is nothing to rebalance.
 */
#include "clock.h"

#include "bits.h"

struct VtTimer
{
  VtClock    *clock;
  const char *name;
  int         priority;
  VtTimerFn   fn;
  void       *opaque;
  int64_t     deadline_ns;
  uint64_t    order;      /* of arming, breaks ties */
  bool        armed;
};

struct VtClock
{
  VtClockSource source;
  void         *source_opaque;
  VtClockWake   wake;
  void         *wake_opaque;
  bool          manual;
  /* now = base_ns + (running ? source () - started_ns : 0); read by any thread, so guarded by a sequence count. */
  uint32_t      sequence;
  bool          running;
  int64_t       base_ns;
  int64_t       started_ns;
  GPtrArray    *armed;     /* VtTimer*, by deadline, priority, order */
  uint64_t      next_order;
  int64_t       announced_ns;   /* what wake was last told */
  bool          firing;         /* the callbacks' own timers are announced together, at the end */
};

static VtClock *
clock_new (VtClockSource source, void *opaque, bool manual)
{
  VtClock *clock = g_new0 (VtClock, 1);
  clock->source = source;
  clock->source_opaque = opaque;
  clock->manual = manual;
  clock->armed = g_ptr_array_new ();
  clock->announced_ns = INT64_MAX;
  return clock;
}

VtClock *
vt_clock_new (VtClockSource source, void *opaque)
{
  return clock_new (source, opaque, false);
}

VtClock *
vt_clock_new_manual (void)
{
  return clock_new (NULL, NULL, true);
}

void
vt_clock_free (VtClock *clock)
{
  if (clock == NULL)
    return;
  g_assert (clock->armed->len == 0);
  g_ptr_array_unref (clock->armed);
  g_free (clock);
}

void
vt_clock_set_wake (VtClock *clock, VtClockWake wake, void *opaque)
{
  clock->wake = wake;
  clock->wake_opaque = opaque;
}

/* The writers below are serialised by the machine lock; readers retry when they overlap one. */
static void
begin_write (VtClock *clock)
{
  __atomic_store_n (&clock->sequence, clock->sequence + 1, __ATOMIC_RELAXED);
  __atomic_thread_fence (__ATOMIC_RELEASE);
}

static void
end_write (VtClock *clock)
{
  __atomic_store_n (&clock->sequence, clock->sequence + 1, __ATOMIC_RELEASE);
}

int64_t
vt_clock_now (const VtClock *clock)
{
  for (;;)
    {
      uint32_t before = __atomic_load_n (&clock->sequence, __ATOMIC_ACQUIRE);
      int64_t  now = __atomic_load_n (&clock->base_ns, __ATOMIC_RELAXED);
      if (__atomic_load_n (&clock->running, __ATOMIC_RELAXED) && !clock->manual)
        now += clock->source (clock->source_opaque) - __atomic_load_n (&clock->started_ns, __ATOMIC_RELAXED);
      __atomic_thread_fence (__ATOMIC_ACQUIRE);
      if ((before & 1) == 0 && before == __atomic_load_n (&clock->sequence, __ATOMIC_RELAXED))
        return now;
    }
}

static void
announce (VtClock *clock)
{
  int64_t next = vt_clock_next_deadline (clock);
  if (clock->firing || next == clock->announced_ns)
    return;
  clock->announced_ns = next;
  if (clock->wake != NULL)
    clock->wake (clock->wake_opaque, next);
}

void
vt_clock_start (VtClock *clock)
{
  if (clock->running)
    return;
  begin_write (clock);
  if (!clock->manual)
    clock->started_ns = clock->source (clock->source_opaque);
  clock->running = true;
  end_write (clock);
  clock->announced_ns = INT64_MIN;
  announce (clock);
}

void
vt_clock_stop (VtClock *clock)
{
  if (!clock->running)
    return;
  int64_t now = vt_clock_now (clock);
  begin_write (clock);
  clock->base_ns = now;
  clock->running = false;
  end_write (clock);
}

uint32_t
vt_clock_epoch (const VtClock *clock)
{
  return __atomic_load_n (&clock->sequence, __ATOMIC_ACQUIRE);
}

bool
vt_clock_is_manual (const VtClock *clock)
{
  return clock->manual;
}

bool
vt_clock_running (const VtClock *clock)
{
  return clock->running;
}

void
vt_clock_set_now (VtClock *clock, int64_t now_ns)
{
  g_assert (!clock->running || clock->manual);
  begin_write (clock);
  clock->base_ns = now_ns;
  end_write (clock);
}

void
vt_clock_advance (VtClock *clock, int64_t delta_ns)
{
  g_assert (clock->manual && delta_ns >= 0);
  int64_t end = clock->base_ns + delta_ns;
  int64_t next;
  while ((next = vt_clock_next_deadline (clock)) <= end)
    {
      if (next > clock->base_ns)
        vt_clock_set_now (clock, next);
      vt_clock_run (clock);
    }
  vt_clock_set_now (clock, end);
}

int64_t
vt_clock_next_deadline (const VtClock *clock)
{
  return clock->armed->len == 0 ? INT64_MAX : ((const VtTimer *) g_ptr_array_index (clock->armed, 0))->deadline_ns;
}

void
vt_clock_run (VtClock *clock)
{
  /* Time is read once: a timer that rearms itself in the past cannot hold us here for ever. */
  int64_t  now = vt_clock_now (clock);
  uint64_t last_order = clock->next_order;
  clock->firing = true;
  while (clock->armed->len > 0)
    {
      VtTimer *timer = g_ptr_array_index (clock->armed, 0);
      if (timer->deadline_ns > now || timer->order >= last_order)
        break;
      g_ptr_array_remove_index (clock->armed, 0);
      timer->armed = false;
      timer->fn (timer->opaque, now - timer->deadline_ns);
    }
  clock->firing = false;
  /* The wake that was announced has gone off: even the same deadline is announced anew, and nothing needs no taking back. */
  clock->announced_ns = INT64_MAX;
  announce (clock);
}

VtTimer *
vt_timer_new (VtClock *clock, const char *name, int priority, VtTimerFn fn, void *opaque)
{
  VtTimer *timer = g_new0 (VtTimer, 1);
  timer->clock = clock;
  timer->name = name;
  timer->priority = priority;
  timer->fn = fn;
  timer->opaque = opaque;
  return timer;
}

void
vt_timer_free (VtTimer *timer)
{
  if (timer == NULL)
    return;
  vt_timer_cancel (timer);
  g_free (timer);
}

static bool
fires_before (const VtTimer *a, const VtTimer *b)
{
  if (a->deadline_ns != b->deadline_ns)
    return a->deadline_ns < b->deadline_ns;
  if (a->priority != b->priority)
    return a->priority < b->priority;
  return a->order < b->order;
}

void
vt_timer_arm (VtTimer *timer, int64_t deadline_ns)
{
  VtClock *clock = timer->clock;
  if (timer->armed)
    g_ptr_array_remove (clock->armed, timer);
  timer->deadline_ns = deadline_ns;
  timer->order = clock->next_order++;
  timer->armed = true;
  guint at = clock->armed->len;
  while (at > 0 && fires_before (timer, g_ptr_array_index (clock->armed, at - 1)))
    at--;
  g_ptr_array_insert (clock->armed, (gint) at, timer);
  announce (clock);
}

void
vt_timer_cancel (VtTimer *timer)
{
  if (!timer->armed)
    return;
  timer->armed = false;
  g_ptr_array_remove (timer->clock->armed, timer);
  announce (timer->clock);
}

bool
vt_timer_armed (const VtTimer *timer)
{
  return timer->armed;
}

int64_t
vt_timer_deadline (const VtTimer *timer)
{
  return timer->armed ? timer->deadline_ns : INT64_MAX;
}

__extension__ typedef unsigned __int128 Wide;

int64_t
vt_ticks_to_ns (uint64_t ticks, uint64_t hz)
{
  Wide ns = (Wide) ticks * VT_NS_PER_SECOND / hz;
  return ns > INT64_MAX ? INT64_MAX : (int64_t) ns;
}

uint64_t
vt_ns_to_ticks (int64_t ns, uint64_t hz)
{
  /* Time-stamp counters usually tick once a nanosecond; the division would take longer than all of the rest. */
  if (ns > 0 && hz == VT_NS_PER_SECOND)
    return (uint64_t) ns;
  return ns <= 0 ? 0 : (uint64_t) ((Wide) (uint64_t) ns * hz / VT_NS_PER_SECOND);
}

int64_t
vt_tick_deadline_ns (uint64_t ticks, uint64_t hz)
{
  Wide ns = ((Wide) ticks * VT_NS_PER_SECOND + hz - 1) / hz;
  return ns > INT64_MAX ? INT64_MAX : (int64_t) ns;
}
