/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "bits.h"

struct VtLoop
{
  VtLock       *lock;
  GMainContext *context;
  GMainLoop    *main;
  GThread      *thread;
  VtClock      *clock;
  int           timer_fd;
  GSource      *timer_source;
  int64_t       due_ns;      /* atomic */
  VtTimekeeper  keeper;      /* earlier NULL: the loop thread is it */
};

typedef struct
{
  VtLoop *loop;
  bool    locked;
  void  (*fn) (void *arg);
  void   *arg;
} Job;

int64_t
vt_host_now_ns (void *unused)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * VT_NS_PER_SECOND + now.tv_nsec;
}

static gpointer
loop_thread (gpointer data)
{
  VtLoop *loop = data;
  g_main_context_push_thread_default (loop->context);
  g_main_loop_run (loop->main);
  g_main_context_pop_thread_default (loop->context);
  return NULL;
}

VtLoop *
vt_loop_new (VtLock *lock)
{
  VtLoop *loop = g_new0 (VtLoop, 1);
  loop->lock = lock;
  loop->timer_fd = -1;
  loop->due_ns = INT64_MAX;
  loop->context = g_main_context_new ();
  loop->main = g_main_loop_new (loop->context, FALSE);
  loop->thread = g_thread_new ("vitrine-loop", loop_thread, loop);
  return loop;
}

static gboolean
run_job (gpointer data)
{
  Job *job = data;
  if (job->locked)
    vt_lock (job->loop->lock);
  job->fn (job->arg);
  if (job->locked)
    vt_unlock (job->loop->lock);
  return G_SOURCE_REMOVE;
}

static void
post (VtLoop *loop, bool locked, void (*fn) (void *arg), void *arg)
{
  Job     *job = g_new (Job, 1);
  GSource *source = g_idle_source_new ();
  *job = (Job) { loop, locked, fn, arg };
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, run_job, job, g_free);
  g_source_attach (source, loop->context);
  g_source_unref (source);
}

void
vt_loop_post (VtLoop *loop, void (*fn) (void *arg), void *arg)
{
  post (loop, true, fn, arg);
}

void
vt_loop_post_unlocked (VtLoop *loop, void (*fn) (void *arg), void *arg)
{
  post (loop, false, fn, arg);
}

static void
quit (void *arg)
{
  g_main_loop_quit (((VtLoop *) arg)->main);
}

void
vt_loop_free (VtLoop *loop)
{
  if (loop == NULL)
    return;
  vt_loop_post_unlocked (loop, quit, loop);
  g_thread_join (loop->thread);
  /* Devices that are freed after us cancel their timers. */
  if (loop->clock != NULL)
    vt_clock_set_wake (loop->clock, NULL, NULL);
  if (loop->timer_source != NULL)
    vt_loop_unwatch (loop->timer_source);
  if (loop->timer_fd >= 0)
    close (loop->timer_fd);
  g_main_loop_unref (loop->main);
  g_main_context_unref (loop->context);
  g_free (loop);
}

GMainContext *
vt_loop_context (VtLoop *loop)
{
  return loop->context;
}

/* --- Descriptors ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  VtLoop     *loop;
  VtLoopReady ready;
  void       *opaque;
} Watch;

static gboolean
fd_ready (gint fd, GIOCondition condition, gpointer data)
{
  Watch *watch = data;
  vt_lock (watch->loop->lock);
  /* Whoever had the lock until now may have taken the watch away, and freed what it is for. */
  bool again = !g_source_is_destroyed (g_main_current_source ()) && watch->ready (watch->opaque, fd, condition);
  vt_unlock (watch->loop->lock);
  return again ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

GSource *
vt_loop_watch (VtLoop *loop, int fd, GIOCondition condition, VtLoopReady ready, void *opaque)
{
  Watch   *watch = g_new (Watch, 1);
  GSource *source = g_unix_fd_source_new (fd, condition);
  *watch = (Watch) { loop, ready, opaque };
  g_source_set_callback (source, (GSourceFunc) (void (*) (void)) fd_ready, watch, g_free);
  g_source_attach (source, loop->context);
  return source;
}

void
vt_loop_unwatch (GSource *source)
{
  if (source == NULL)
    return;
  g_source_destroy (source);
  g_source_unref (source);
}

/* --- Timers ----------------------------------------------------------------------------------------------------------- */

/* A timerfd, because GMainContext rounds its own timeouts up to whole milliseconds. */
static void
set_timer_fd (VtLoop *loop)
{
  struct itimerspec when = { 0 };
  if (loop->due_ns != INT64_MAX && loop->keeper.earlier == NULL)
    when.it_value = (struct timespec) { loop->due_ns / VT_NS_PER_SECOND, loop->due_ns % VT_NS_PER_SECOND };
  int refused = timerfd_settime (loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
  g_assert (refused == 0);
}

static void
rearm (void *opaque, int64_t deadline_ns)
{
  VtLoop *loop = opaque;
  int64_t before_ns = loop->due_ns, due_ns = INT64_MAX;
  if (deadline_ns != INT64_MAX && vt_clock_running (loop->clock))
    {
      /* What has passed is due at once. A time of 0 would disarm the descriptor. */
      int64_t left_ns = deadline_ns - vt_clock_now (loop->clock), now_ns = vt_host_now_ns (NULL);
      due_ns = left_ns < INT64_MAX - now_ns ? now_ns + MAX (left_ns, 1) : INT64_MAX;
    }
  __atomic_store_n (&loop->due_ns, due_ns, __ATOMIC_RELEASE);
  if (loop->keeper.earlier == NULL)
    set_timer_fd (loop);
  else if (due_ns < before_ns)
    loop->keeper.earlier (loop->keeper.opaque);
}

int64_t
vt_loop_due_ns (const VtLoop *loop)
{
  return __atomic_load_n (&loop->due_ns, __ATOMIC_ACQUIRE);
}

void
vt_loop_run_timers (VtLoop *loop)
{
  __atomic_store_n (&loop->due_ns, INT64_MAX, __ATOMIC_RELEASE);
  /* Which tells rearm() what is next, if anything is. Timers armed in the past by their own callbacks run on the next turn; posted work
   * gets its chance in between. */
  if (vt_clock_running (loop->clock))
    vt_clock_run (loop->clock);
}

bool
vt_loop_keep_time (VtLoop *loop, VtTimekeeper keeper)
{
  if (loop->clock == NULL || loop->keeper.earlier != NULL)
    return false;
  loop->keeper = keeper;
  set_timer_fd (loop);
  return true;
}

void
vt_loop_leave_time (VtLoop *loop)
{
  loop->keeper = (VtTimekeeper) { 0 };
  set_timer_fd (loop);
}

static bool
timer_ready (void *opaque, int fd, GIOCondition condition)
{
  VtLoop  *loop = opaque;
  uint64_t expirations;
  if (read (fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
    g_warning ("timer descriptor: %s", g_strerror (errno));
  vt_loop_run_timers (loop);
  return true;
}

void
vt_loop_drive_clock (VtLoop *loop, VtClock *clock)
{
  g_assert (loop->clock == NULL);
  loop->clock = clock;
  loop->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  g_assert (loop->timer_fd >= 0);
  loop->timer_source = vt_loop_watch (loop, loop->timer_fd, G_IO_IN, timer_ready, loop);
  vt_clock_set_wake (clock, rearm, loop);
}
