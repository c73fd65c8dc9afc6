/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bus-guard.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

/* All guarded mappings have the same size, so that a start says all of one: the handler never sees half of a change. */
static struct
{
  uintptr_t start;       /* 0: free */
  int       failed;
} guards[VT_BUS_GUARDS_MOST];

static GMutex           lock;      /* of who adds and takes away; the handler goes without */
static struct sigaction before;

/* --- The handler: only what is safe in one ----------------------------------------------------------------------------- */

static int
find_guard (uintptr_t at)
{
  for (int i = 0; i < VT_BUS_GUARDS_MOST; i++)
    {
      uintptr_t start = __atomic_load_n (&guards[i].start, __ATOMIC_ACQUIRE);
      if (start != 0 && at >= start && at - start < VT_BUS_GUARD_BYTES)
        return i;
    }
  return -1;
}

/* Marked before the zeros are there: whoever sees them sees the mark. */
static bool
give_zeros (int guard)
{
  void *start = (void *) guards[guard].start;
  __atomic_store_n (&guards[guard].failed, 1, __ATOMIC_SEQ_CST);
  return mmap (start, VT_BUS_GUARD_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static void
pass_on (int number, siginfo_t *info, void *context)
{
  if ((before.sa_flags & SA_SIGINFO) != 0)
    before.sa_sigaction (number, info, context);
  else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    before.sa_handler (number);
  else
    {
      /* The same access once more, and the process ends where it would have without us. A signal that somebody sent comes but once. */
      signal (number, SIG_DFL);
      if (info->si_code <= 0)
        raise (number);
    }
}

static void
on_bus_error (int number, siginfo_t *info, void *context)
{
  int saved = errno;
  int guard = info->si_code > 0 ? find_guard ((uintptr_t) info->si_addr) : -1;
  if (guard < 0 || !give_zeros (guard))
    pass_on (number, info, context);
  errno = saved;
}

/* --- Guards -------------------------------------------------------------------------------------------------------------- */

static gpointer
install (gpointer unused)
{
  struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
  sigemptyset (&action.sa_mask);
  sigaction (SIGBUS, &action, &before);
  return NULL;
}

int
vt_bus_guard (void *start)
{
  static GOnce once = G_ONCE_INIT;
  int          guard = 0;
  g_once (&once, install, NULL);
  g_mutex_lock (&lock);
  while (guard < VT_BUS_GUARDS_MOST && guards[guard].start != 0)
    guard++;
  if (guard < VT_BUS_GUARDS_MOST)
    {
      guards[guard].failed = 0;
      __atomic_store_n (&guards[guard].start, (uintptr_t) start, __ATOMIC_RELEASE);
    }
  g_mutex_unlock (&lock);
  return guard < VT_BUS_GUARDS_MOST ? guard : -1;
}

bool
vt_bus_guard_failed (int guard)
{
  __atomic_thread_fence (__ATOMIC_ACQUIRE);
  return __atomic_load_n (&guards[guard].failed, __ATOMIC_ACQUIRE) != 0;
}

void
vt_bus_unguard (int guard)
{
  g_mutex_lock (&lock);
  __atomic_store_n (&guards[guard].start, 0, __ATOMIC_RELEASE);
  g_mutex_unlock (&lock);
}
