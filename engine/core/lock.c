/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock.h"

void
vt_lock_init (VtLock *lock)
{
  *lock = (VtLock) { .depth = 0 };
  g_mutex_init (&lock->mutex);
}

void
vt_lock_clear (VtLock *lock)
{
  g_assert (lock->depth == 0);
  g_mutex_clear (&lock->mutex);
}

/* Had by this thread already? Then only counts. */
static gboolean
enter_again (VtLock *lock, GThread *self)
{
  if (__atomic_load_n (&lock->owner, __ATOMIC_RELAXED) != self)
    return FALSE;
  lock->depth++;
  return TRUE;
}

static void
own (VtLock *lock, GThread *self)
{
  __atomic_store_n (&lock->owner, self, __ATOMIC_RELAXED);
  lock->depth = 1;
}

void
vt_lock_polite (VtLock *lock)
{
  GThread *self = g_thread_self ();
  if (enter_again (lock, self))
    return;
  while (G_UNLIKELY (__atomic_load_n (&lock->urgent, __ATOMIC_ACQUIRE) > 0))
    g_thread_yield ();
  g_mutex_lock (&lock->mutex);
  own (lock, self);
}

void
vt_lock (VtLock *lock)
{
  GThread *self = g_thread_self ();
  if (enter_again (lock, self))
    return;
  __atomic_fetch_add (&lock->urgent, 1, __ATOMIC_ACQ_REL);
  g_mutex_lock (&lock->mutex);
  __atomic_fetch_sub (&lock->urgent, 1, __ATOMIC_ACQ_REL);
  own (lock, self);
}

void
vt_unlock (VtLock *lock)
{
  g_assert (lock->depth > 0);
  if (--lock->depth > 0)
    return;
  __atomic_store_n (&lock->owner, NULL, __ATOMIC_RELAXED);
  g_mutex_unlock (&lock->mutex);
}
