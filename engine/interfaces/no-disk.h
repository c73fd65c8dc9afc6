/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks for the generic tests: one that ends every request with an error, and one that reads as zeros and takes whatever is
 * written. */
#pragma once

#include "block.h"

static inline void
vt_no_disk_close (VtBlock *block)
{
}

static inline void
vt_no_disk_submit (VtBlock *block, VtIo *io)
{
  /* Contract or not: the generic tests have no loop thread to end it on. */
  vt_block_complete (block, io, 5);
}

static inline void
vt_no_disk_refuse (VtBlock *block, VtIo *io, int error)
{
  vt_block_complete (block, io, error);
}

static inline VtBlock *
vt_no_disk (void)
{
  static const VtBlockOps ops = { vt_no_disk_submit, vt_no_disk_refuse, vt_no_disk_close };
  static VtBlock          disk = { .ops = &ops, .size_bytes = 1 << 20, .logical_block_bytes = 512 };
  return &disk;
}

static inline void
vt_blank_disk_submit (VtBlock *block, VtIo *io)
{
  for (size_t i = 0; i < io->n_vec && io->op == VT_IO_READ; i++)
    memset (io->vec[i].base, 0, io->vec[i].len);
  vt_block_complete (block, io, 0);
}

static inline VtBlock *
vt_blank_disk (void)
{
  static const VtBlockOps ops = { vt_blank_disk_submit, vt_no_disk_refuse, vt_no_disk_close };
  static VtBlock          disk = { .ops = &ops, .size_bytes = 1 << 20, .logical_block_bytes = 512 };
  return &disk;
}
