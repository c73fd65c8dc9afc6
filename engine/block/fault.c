/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk that fails on purpose, so that tests see what devices and guests make of a full or broken host disk. */
#include "threaded.h"

typedef struct
{
  VtThreaded threaded;
  VtBlock   *below;
  unsigned   nth, ops, seen;
  int        error;
} Fault;

/* What stands in for the request below: its buffers are the request's. */
typedef struct
{
  Fault *fault;
  VtIo  *original;
  VtIo   io;
} Passed;

static void
below_done (VtIo *io, int error)
{
  g_autofree Passed *passed = io->opaque;
  vt_block_complete (&passed->fault->threaded.block, passed->original, error);
}

static void
fault_submit (VtBlock *block, VtIo *io)
{
  Fault *fault = (Fault *) block;
  bool   counts = fault->nth != 0 && (fault->ops >> io->op & 1) != 0;
  if (counts && ++fault->seen % fault->nth == 0)
    {
      vt_threaded_refuse (block, io, fault->error);
      return;
    }
  Passed *passed = g_new0 (Passed, 1);
  passed->fault = fault;
  passed->original = io;
  passed->io = *io;
  passed->io.done = below_done;
  passed->io.opaque = passed;
  vt_block_submit (fault->below, &passed->io);
}

static void
fault_close (VtBlock *block)
{
  Fault *fault = (Fault *) block;
  vt_threaded_clear (&fault->threaded);
  vt_block_close (fault->below);
  g_free (fault);
}

static const VtBlockOps fault_ops = { .submit = fault_submit, .refuse = vt_threaded_refuse, .close = fault_close };

VtBlock *
vt_fault_new (VtBlock *below, VtPost post)
{
  Fault *fault = g_new0 (Fault, 1);
  vt_threaded_init (&fault->threaded, &fault_ops, post, NULL);
  fault->below = below;
  fault->threaded.block.size_bytes = below->size_bytes;
  fault->threaded.block.logical_block_bytes = below->logical_block_bytes;
  fault->threaded.block.readonly = below->readonly;
  fault->threaded.block.label = g_strdup (below->label);
  return &fault->threaded.block;
}

void
vt_fault_set (VtBlock *block, unsigned nth, unsigned ops, int error)
{
  Fault *fault = (Fault *) block;
  g_assert (block->ops == &fault_ops);
  fault->nth = nth;
  fault->ops = ops;
  fault->error = error;
  fault->seen = 0;
}
