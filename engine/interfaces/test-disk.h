/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk for tests of controllers: requests wait until the test runs them, in the order or with the errors it wants. */
#pragma once

#include "block.h"

typedef struct
{
  VtBlock    block;
  uint8_t   *bytes;
  GPtrArray *waiting;      /* VtIo, oldest first */
  GArray    *refused;      /* error of each waiting one, 0: do it */
  unsigned   flushes, discards;
  int        fail_with;    /* not 0: every request that is run ends with it */
} TestDisk;

static inline void
test_disk_submit (VtBlock *block, VtIo *io)
{
  TestDisk *disk = (TestDisk *) block;
  int       none = 0;
  g_ptr_array_add (disk->waiting, io);
  g_array_append_val (disk->refused, none);
}

static inline void
test_disk_refuse (VtBlock *block, VtIo *io, int error)
{
  TestDisk *disk = (TestDisk *) block;
  g_ptr_array_add (disk->waiting, io);
  g_array_append_val (disk->refused, error);
}

static inline void
test_disk_close (VtBlock *block)
{
  TestDisk *disk = (TestDisk *) block;
  g_ptr_array_unref (disk->waiting);
  g_array_unref (disk->refused);
  g_free (disk->bytes);
  g_free (disk);
}

static inline TestDisk *
test_disk_new (uint64_t size)
{
  static const VtBlockOps ops = { test_disk_submit, test_disk_refuse, test_disk_close };
  TestDisk *disk = g_new0 (TestDisk, 1);
  disk->block = (VtBlock) { .ops = &ops, .size_bytes = size, .logical_block_bytes = 512 };
  disk->bytes = g_malloc0 (size);
  disk->waiting = g_ptr_array_new ();
  disk->refused = g_array_new (FALSE, FALSE, sizeof (int));
  return disk;
}

static inline int
test_disk_do (TestDisk *disk, const VtIo *io)
{
  uint64_t off = io->off;
  if (disk->fail_with != 0)
    return disk->fail_with;
  disk->flushes += io->op == VT_IO_FLUSH;
  disk->discards += io->op == VT_IO_DISCARD;
  if (io->op == VT_IO_DISCARD || io->op == VT_IO_WRITE_ZEROES)
    memset (disk->bytes + off, 0, io->len);
  for (size_t i = 0; i < io->n_vec; off += io->vec[i].len, i++)
    if (io->op == VT_IO_READ)
      memcpy (io->vec[i].base, disk->bytes + off, io->vec[i].len);
    else
      memcpy (disk->bytes + off, io->vec[i].base, io->vec[i].len);
  return 0;
}

/* Runs the waiting request number n. */
static inline void
test_disk_run_one (TestDisk *disk, guint n)
{
  VtIo *io = g_ptr_array_remove_index (disk->waiting, n);
  int   error = g_array_index (disk->refused, int, n);
  g_array_remove_index (disk->refused, n);
  vt_block_complete (&disk->block, io, error != 0 ? error : test_disk_do (disk, io));
}

/* Runs everything that waits, and what comes of it. Returns how many requests that were. */
static inline unsigned
test_disk_run (TestDisk *disk)
{
  unsigned n = 0;
  for (; disk->waiting->len > 0; n++)
    test_disk_run_one (disk, 0);
  return n;
}
