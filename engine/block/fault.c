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

static void
fault_submit (VtBlock *block, VtIo *io)
{
  Fault *fault = (Fault *) block;
  bool   counts = fault->nth != 0 && (fault->ops >> io->op & 1) != 0;
  if (counts && ++fault->seen % fault->nth == 0)
    vt_threaded_refuse (block, io, fault->error);
  else
    vt_threaded_pass (&fault->threaded, fault->below, io, vt_passed_end);
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
  vt_threaded_look_like (&fault->threaded, below);
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
