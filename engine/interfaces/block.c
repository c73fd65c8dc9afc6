/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block.h"

#include <errno.h>

static void
finish_refused (VtBlock *block, VtIo *io, int error)
{
  /* Refusals must not complete inside submit either: the driver knows how to defer. */
  io->len = 0;
  block->ops->refuse (block, io, error);
}

void
vt_block_submit (VtBlock *block, VtIo *io)
{
  block->in_flight++;
  if (!vt_fits (io->off, io->len, block->size_bytes))
    finish_refused (block, io, EINVAL);
  else if (block->readonly && io->op != VT_IO_READ && io->op != VT_IO_FLUSH)
    finish_refused (block, io, EROFS);
  else
    block->ops->submit (block, io);
}

void
vt_block_complete (VtBlock *block, VtIo *io, int error)
{
  g_assert (block->in_flight > 0);
  block->in_flight--;
  io->done (io, error);
  if (block->in_flight == 0 && block->drained != NULL)
    {
      void (*drained) (void *) = block->drained;
      block->drained = NULL;
      drained (block->drained_opaque);
    }
}

void
vt_block_drain (VtBlock *block, void (*drained) (void *opaque), void *opaque)
{
  if (block->in_flight == 0)
    {
      drained (opaque);
      return;
    }
  block->drained = drained;
  block->drained_opaque = opaque;
}

int
vt_block_grow (VtBlock *block, uint64_t size_bytes)
{
  if (block->ops->grow == NULL || block->readonly)
    return ENOTSUP;
  if (size_bytes < block->size_bytes || size_bytes % block->logical_block_bytes != 0 || size_bytes > INT64_MAX)
    return EINVAL;
  g_assert (block->in_flight == 0);
  int error = block->ops->grow (block, size_bytes);
  if (error == 0)
    block->size_bytes = size_bytes;
  return error;
}

void
vt_block_close (VtBlock *block)
{
  if (block != NULL)
    block->ops->close (block);
}
