/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk in memory. Requests are done at once and end, like everyone's, on the loop thread. */
#include <errno.h>

#include "threaded.h"

typedef struct
{
  VtThreaded threaded;
  uint8_t   *bytes;
} Memory;

static int
transfer (Memory *memory, const VtIo *io)
{
  uint64_t off = io->off;
  for (size_t i = 0; i < io->n_vec; off += io->vec[i].len, i++)
    {
      if (!vt_fits (off, io->vec[i].len, memory->threaded.block.size_bytes))
        return EINVAL;
      if (io->op == VT_IO_READ)
        memcpy (io->vec[i].base, memory->bytes + off, io->vec[i].len);
      else
        memcpy (memory->bytes + off, io->vec[i].base, io->vec[i].len);
    }
  return 0;
}

static int
memory_run (VtThreaded *driver, const VtIo *io)
{
  Memory *memory = (Memory *) driver;
  switch (io->op)
    {
    case VT_IO_READ:
    case VT_IO_WRITE:
      return transfer (memory, io);
    case VT_IO_DISCARD:
    case VT_IO_WRITE_ZEROES:
      memset (memory->bytes + io->off, 0, io->len);
      return 0;
    case VT_IO_FLUSH:
      return 0;
    }
  return EINVAL;
}

static void
complete (VtThreaded *driver, void *opaque, int error)
{
  vt_block_complete (&driver->block, opaque, error);
}

static void
memory_submit (VtBlock *block, VtIo *io)
{
  VtThreaded *driver = (VtThreaded *) block;
  vt_threaded_defer (driver, complete, io, memory_run (driver, io));
}

static void
memory_close (VtBlock *block)
{
  Memory *memory = (Memory *) block;
  vt_threaded_clear (&memory->threaded);
  g_free (memory->bytes);
  g_free (memory);
}

static const VtBlockOps memory_ops = { .submit = memory_submit, .refuse = vt_threaded_refuse, .close = memory_close };

VtBlock *
vt_memory_block_new (uint64_t size_bytes, VtPost post)
{
  Memory *memory = g_new0 (Memory, 1);
  vt_threaded_init (&memory->threaded, &memory_ops, post, memory_run);
  memory->bytes = g_malloc0 (size_bytes);
  memory->threaded.block.size_bytes = size_bytes;
  memory->threaded.block.logical_block_bytes = 512;
  memory->threaded.block.label = g_strdup ("memory");
  return &memory->threaded.block;
}
