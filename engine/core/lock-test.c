/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock.h"

typedef struct
{
  VtLock lock;
  int    stop;
  guint  polls;
} Shared;

/* A guest in a polling loop: takes and drops the lock without pause. */
static gpointer
poller (gpointer data)
{
  Shared *shared = data;
  while (!g_atomic_int_get (&shared->stop))
    {
      vt_lock_polite (&shared->lock);
      shared->polls++;
      vt_unlock (&shared->lock);
    }
  return NULL;
}

static void
a_polling_vcpu_does_not_starve_the_loop (void)
{
  Shared shared = { .stop = 0 };
  vt_lock_init (&shared.lock);
  GThread *thread = g_thread_new ("poller", poller, &shared);
  while (TRUE)
    {
      vt_lock (&shared.lock);
      gboolean started = shared.polls > 0;
      vt_unlock (&shared.lock);
      if (started)
        break;
    }
  gint64 before = g_get_monotonic_time ();
  for (int i = 0; i < 1000; i++)
    {
      vt_lock (&shared.lock);
      vt_unlock (&shared.lock);
    }
  /* With an unfair mutex each turn takes milliseconds; this allows one on average. */
  g_assert_cmpint (g_get_monotonic_time () - before, <, 1000 * 1000);
  g_atomic_int_set (&shared.stop, 1);
  g_thread_join (thread);
  vt_lock_clear (&shared.lock);
}

static void
the_owner_may_enter_again (void)
{
  VtLock lock;
  vt_lock_init (&lock);
  vt_lock (&lock);
  vt_lock_polite (&lock);
  vt_lock (&lock);
  vt_unlock (&lock);
  vt_unlock (&lock);
  vt_unlock (&lock);
  vt_lock_clear (&lock);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lock/polite", a_polling_vcpu_does_not_starve_the_loop);
  g_test_add_func ("/lock/recursive", the_owner_may_enter_again);
  return g_test_run ();
}
