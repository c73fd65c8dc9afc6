/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk for the generic tests, which ends every request with an error. */
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
