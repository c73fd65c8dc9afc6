/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk whose failures a person can mend: a request that the host could not do is held back, not failed to the guest, and
 * tried again when the machine is resumed. So a full host disk costs the guest a pause, and no data. */
#include <errno.h>

#include "threaded.h"

typedef struct
{
  VtThreaded threaded;
  VtBlock   *below;
  GQueue     held;          /* VtPassed*, in the order they failed */
  bool       pass_errors;   /* hold nothing back: failures are the guest's */
  void     (*failed) (void *opaque, const char *label, int error);
  void      *opaque;
} Guard;

/* What the host's disk did, not what the request asked for: those are the guest's own mistakes. */
static bool
mendable (int error)
{
  return error == ENOSPC || error == EDQUOT || error == EIO;
}

static void
passed_over (VtPassed *passed, int error)
{
  Guard *guard = (Guard *) passed->driver;
  if (!mendable (error) || guard->pass_errors)
    {
      vt_passed_end (passed, error);
      return;
    }
  passed->error = error;
  g_queue_push_tail (&guard->held, passed);
  guard->failed (guard->opaque, guard->below->label, error);
}

static void
guard_submit (VtBlock *block, VtIo *io)
{
  Guard *guard = (Guard *) block;
  vt_threaded_pass (&guard->threaded, guard->below, io, passed_over);
}

static void
guard_close (VtBlock *block)
{
  Guard *guard = (Guard *) block;
  g_assert (g_queue_is_empty (&guard->held));
  vt_threaded_clear (&guard->threaded);
  vt_block_close (guard->below);
  g_free (guard);
}

static int
guard_grow (VtBlock *block, uint64_t size_bytes)
{
  return vt_block_grow (((Guard *) block)->below, size_bytes);
}

static const VtBlockOps guard_ops = { .submit = guard_submit, .refuse = vt_threaded_refuse, .close = guard_close, .grow = guard_grow };

bool
vt_guard_retry (VtBlock *block)
{
  if (block == NULL || block->ops != &guard_ops)
    return false;
  Guard *guard = (Guard *) block;
  GQueue again = guard->held;
  g_queue_init (&guard->held);
  bool any = !g_queue_is_empty (&again);
  for (VtPassed *passed; (passed = g_queue_pop_head (&again)) != NULL;)
    vt_block_submit (guard->below, &passed->io);
  return any;
}

void
vt_guard_pass_errors (VtBlock *block, bool pass)
{
  if (block == NULL || block->ops != &guard_ops)
    return;
  Guard *guard = (Guard *) block;
  guard->pass_errors = pass;
  for (VtPassed *passed; pass && (passed = g_queue_pop_head (&guard->held)) != NULL;)
    vt_passed_end (passed, passed->error);
}

VtBlock *
vt_guard_new (VtBlock *below, VtPost post, void (*failed) (void *opaque, const char *label, int error), void *opaque)
{
  Guard *guard = g_new0 (Guard, 1);
  vt_threaded_init (&guard->threaded, &guard_ops, post, NULL);
  g_queue_init (&guard->held);
  guard->below = below;
  guard->failed = failed;
  guard->opaque = opaque;
  vt_threaded_look_like (&guard->threaded, below);
  return &guard->threaded.block;
}
