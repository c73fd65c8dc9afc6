/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pieces.h"

#include <glib.h>

/* Some wait for the disk, or for a processor that others want, too. */
#define THREADS_LEAST 4u

typedef struct
{
  gint     refs;
  VtPiece  fn;
  void    *opaque;
  uint64_t len, piece;
  GMutex   lock;
  GCond    idle;
  uint64_t next;       /* no piece at or above was begun; len: no more are */
  unsigned working;    /* threads that are in a piece */
  int      error;      /* the first */
} Work;

static GThreadPool *helpers;
static gint         n_helpers, n_busy, n_computing;

static void
work_unref (Work *work)
{
  if (!g_atomic_int_dec_and_test (&work->refs))
    return;
  g_mutex_clear (&work->lock);
  g_cond_clear (&work->idle);
  g_free (work);
}

static void
take_pieces (Work *work, bool caller)
{
  g_mutex_lock (&work->lock);
  while (work->next < work->len)
    {
      uint64_t off = work->next, len = MIN (work->piece, work->len - off);
      work->next += len;
      work->working++;
      g_mutex_unlock (&work->lock);
      int error = work->fn (work->opaque, off, len, caller);
      g_mutex_lock (&work->lock);
      work->working--;
      if (error != 0)
        {
          work->next = work->len;
          work->error = work->error != 0 ? work->error : error;
        }
    }
  if (work->working == 0)
    g_cond_signal (&work->idle);
  while (caller && work->working > 0)
    g_cond_wait (&work->idle, &work->lock);
  g_mutex_unlock (&work->lock);
}

/* May come when all is done: then there is no piece left, and the caller gone. */
static void
help (gpointer data, gpointer unused)
{
  take_pieces (data, false);
  work_unref (data);
  g_atomic_int_add (&n_busy, -1);
}

unsigned
vt_pieces_threads (void)
{
  return MAX (g_get_num_processors (), THREADS_LEAST);
}

static gpointer
make_helpers (gpointer unused)
{
  n_helpers = (gint) vt_pieces_threads () - 1;
  helpers = g_thread_pool_new (help, NULL, n_helpers, FALSE, NULL);
  return NULL;
}

static void
call_helpers (Work *work)
{
  static GOnce once = G_ONCE_INIT;
  g_once (&once, make_helpers, NULL);
  for (uint64_t left = (work->len - 1) / work->piece; left > 0; left--)
    {
      /* Nobody waits for those that are busy with something else. */
      if (g_atomic_int_add (&n_busy, 1) >= n_helpers)
        {
          g_atomic_int_add (&n_busy, -1);
          return;
        }
      g_atomic_int_inc (&work->refs);
      g_thread_pool_push (helpers, work, NULL);
    }
}

int
vt_in_pieces (uint64_t len, uint64_t piece, VtPiece fn, void *opaque)
{
  if (len == 0)
    return 0;
  if (len <= piece)
    return fn (opaque, 0, len, true);
  Work *work = g_new0 (Work, 1);
  *work = (Work) { .refs = 1, .fn = fn, .opaque = opaque, .len = len, .piece = piece };
  g_mutex_init (&work->lock);
  g_cond_init (&work->idle);
  call_helpers (work);
  take_pieces (work, true);
  int error = work->error;
  work_unref (work);
  return error;
}

int
vt_compute_in_pieces (uint64_t len, uint64_t piece, VtPiece fn, void *opaque)
{
  bool all_busy = g_atomic_int_add (&n_computing, 1) + 1 >= (gint) g_get_num_processors ();
  int  error = vt_in_pieces (len, all_busy ? MAX (len, piece) : piece, fn, opaque);
  g_atomic_int_add (&n_computing, -1);
  return error;
}
