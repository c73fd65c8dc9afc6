/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "code-memory.h"

static const VtCodeMemoryOps *installed;

void
vt_code_memory_install (const VtCodeMemoryOps *ops)
{
  installed = ops;
}

const VtCodeMemoryOps *
vt_code_memory_ops (void)
{
  return installed;
}
