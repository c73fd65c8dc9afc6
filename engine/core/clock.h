/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest time and timers.
 *
 * A clock counts nanoseconds of guest time and runs only while the machine runs.  Its source is handed in, so that tests
 * and replay move time by hand.  vt_clock_now() may be called from any thread; everything else is called under the
 * machine lock.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct VtClock VtClock;
typedef struct VtTimer VtTimer;

/* Monotonic nanoseconds of the host (or of a test). Any thread. */
typedef int64_t (*VtClockSource) (void *opaque);

/* Told when the earliest deadline changed, and of the next one by each vt_clock_run(), once; `deadline_ns` is guest time,
 * INT64_MAX when no timer is armed any more. Machine lock. */
typedef void (*VtClockWake) (void *opaque, int64_t deadline_ns);

/* Expiry callback, on the thread that calls vt_clock_run(), machine lock held; late_ns >= 0. The timer is disarmed and
 * may be armed again from here. */
typedef void (*VtTimerFn) (void *opaque, int64_t late_ns);

/* A stopped clock at 0. */
VtClock *vt_clock_new (VtClockSource source, void *opaque);
/* A clock that only moves by vt_clock_advance(): tests, replay. */
VtClock *vt_clock_new_manual (void);
/* After its timers. */
void     vt_clock_free (VtClock *clock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtClock, vt_clock_free)

void    vt_clock_set_wake (VtClock *clock, VtClockWake wake, void *opaque);
void    vt_clock_start (VtClock *clock);
void    vt_clock_stop (VtClock *clock);
bool    vt_clock_running (const VtClock *clock);
/* Changes whenever the clock is started, stopped or set. Any thread. */
uint32_t vt_clock_epoch (const VtClock *clock);
/* Does it move only when it is told? */
bool    vt_clock_is_manual (const VtClock *clock);
int64_t vt_clock_now (const VtClock *clock);
/* Stopped clocks only (restore). */
void    vt_clock_set_now (VtClock *clock, int64_t now_ns);
/* Manual clocks only: moves time to now + delta_ns, firing each timer on its way at its own deadline, in order. */
void    vt_clock_advance (VtClock *clock, int64_t delta_ns);

/* Earliest deadline, INT64_MAX when none. */
int64_t vt_clock_next_deadline (const VtClock *clock);
/* Fires every timer that is due. */
void    vt_clock_run (VtClock *clock);

/* Timers with equal deadlines fire in rising priority, then in order of arming. `name` is static. */
VtTimer *vt_timer_new (VtClock *clock, const char *name, int priority, VtTimerFn fn, void *opaque);
void     vt_timer_free (VtTimer *timer);
void     vt_timer_arm (VtTimer *timer, int64_t deadline_ns);
void     vt_timer_cancel (VtTimer *timer);
bool     vt_timer_armed (const VtTimer *timer);
int64_t  vt_timer_deadline (const VtTimer *timer);

/* Exact conversions through 128 bits: never multiply by a rounded ns-per-tick constant. Both round down. */
int64_t  vt_ticks_to_ns (uint64_t ticks, uint64_t hz);
uint64_t vt_ns_to_ticks (int64_t ns, uint64_t hz);
/* First nanosecond at which vt_ns_to_ticks() reaches `ticks`: the deadline for that tick. INT64_MAX when that is never. */
int64_t  vt_tick_deadline_ns (uint64_t ticks, uint64_t hz);
