/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk whose failures a person can mend: a request that the host could not do is held back, not failed to the guest, and
 * tried again when the machine is resumed. So a full host disk costs the guest a pause, and no data. */
#include <errno.h>

#include "threaded.h"

typedef struct
{
  VtThreaded threaded;
  VtBlock   *below;
  GQueue     held;          /* Passed*, in the order they failed */
  bool       pass_errors;   /* hold nothing back: failures are the guest's */
  void     (*failed) (void *opaque, const char *label, int error);
  void      *opaque;
} Guard;

/* What stands in for the request below: its buffers are the request's. */
typedef struct
{
  Guard *guard;
  VtIo  *original;
  VtIo   io;
  int    error;
} Passed;

static void
finish (Passed *passed, int error)
{
  vt_block_complete (&passed->guard->threaded.block, passed->original, error);
  g_free (passed);
}

/* What the host's disk did, not what the request asked for: those are the guest's own mistakes. */
static bool
mendable (int error)
{
  return error == ENOSPC || error == EDQUOT || error == EIO;
}

static void
below_done (VtIo *io, int error)
{
  Passed *passed = io->opaque;
  Guard  *guard = passed->guard;
  if (!mendable (error) || guard->pass_errors)
    {
      finish (passed, error);
      return;
    }
  passed->error = error;
  g_queue_push_tail (&guard->held, passed);
  guard->failed (guard->opaque, guard->below->label, error);
}

static void
guard_submit (VtBlock *block, VtIo *io)
{
  Guard  *guard = (Guard *) block;
  Passed *passed = g_new0 (Passed, 1);
  passed->guard = guard;
  passed->original = io;
  passed->io = *io;
  passed->io.done = below_done;
  passed->io.opaque = passed;
  vt_block_submit (guard->below, &passed->io);
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

static const VtBlockOps guard_ops = { .submit = guard_submit, .refuse = vt_threaded_refuse, .close = guard_close };

bool
vt_guard_retry (VtBlock *block)
{
  if (block == NULL || block->ops != &guard_ops)
    return false;
  Guard *guard = (Guard *) block;
  GQueue again = guard->held;
  g_queue_init (&guard->held);
  bool any = !g_queue_is_empty (&again);
  for (Passed *passed; (passed = g_queue_pop_head (&again)) != NULL;)
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
  for (Passed *passed; pass && (passed = g_queue_pop_head (&guard->held)) != NULL;)
    finish (passed, passed->error);
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
  guard->threaded.block.size_bytes = below->size_bytes;
  guard->threaded.block.logical_block_bytes = below->logical_block_bytes;
  guard->threaded.block.readonly = below->readonly;
  guard->threaded.block.label = g_strdup (below->label);
  return &guard->threaded.block;
}
