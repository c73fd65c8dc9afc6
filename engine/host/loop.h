/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine's loop thread: timers, I/O completions, byte streams. */
#pragma once

#include "clock.h"
#include "lock.h"

typedef struct VtLoop VtLoop;

/* Starts a thread with a GMainContext of its own. `lock` is the machine lock: held around every callback below. */
VtLoop *vt_loop_new (VtLock *lock);
/* Runs what was posted, then ends the thread. Not on the loop thread, lock not held. */
void    vt_loop_free (VtLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtLoop, vt_loop_free)

GMainContext *vt_loop_context (VtLoop *loop);

/* Runs fn (arg) soon on the loop thread with the machine lock held; in order of posting. Any thread. */
void vt_loop_post (VtLoop *loop, void (*fn) (void *arg), void *arg);
/* The same without the machine lock: for work that stops the machine. */
void vt_loop_post_unlocked (VtLoop *loop, void (*fn) (void *arg), void *arg);

/* Makes the loop run the clock's timers with nanosecond deadlines. One clock per loop; the clock may outlive it, unheard. */
void vt_loop_drive_clock (VtLoop *loop, VtClock *clock);

/* A thread that sleeps anyway may wait for the next deadline in the loop thread's place, so that one thread wakes for it and not two.
 * `earlier` is told, machine lock held, when what it waits for has come nearer; the loop thread goes on with everything else. */
typedef struct
{
  void (*earlier) (void *opaque);
  void  *opaque;
} VtTimekeeper;
/* False: another one keeps time, or there is no clock. Machine lock held, like the next. */
bool    vt_loop_keep_time (VtLoop *loop, VtTimekeeper keeper);
/* The loop thread takes over. Only after a true from vt_loop_keep_time(). */
void    vt_loop_leave_time (VtLoop *loop);
/* When vt_loop_run_timers() is due, in ns of vt_host_now_ns(); INT64_MAX: not at all. Any thread. */
int64_t vt_loop_due_ns (const VtLoop *loop);
/* Timers that are due. Machine lock held. */
void    vt_loop_run_timers (VtLoop *loop);

/* Watches a file descriptor; `ready` returns false to stop watching. Returns an id for vt_loop_unwatch(). Any thread. */
typedef bool (*VtLoopReady) (void *opaque, int fd, GIOCondition condition);
GSource *vt_loop_watch (VtLoop *loop, int fd, GIOCondition condition, VtLoopReady ready, void *opaque);
/* Machine lock held: `ready` is not called any more. NULL is allowed. */
void     vt_loop_unwatch (GSource *source);

/* Monotonic host time in ns: the source for machine clocks. */
int64_t vt_host_now_ns (void *unused);
