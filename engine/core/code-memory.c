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

void *
vt_large_alloc (size_t size)
{
  void *at = installed != NULL ? installed->map_large (size, false) : NULL;
  if (at == NULL && installed != NULL)
    g_error ("No memory for a table of %zu bytes", size);
  return at != NULL ? at : g_malloc0 (size);
}

void
vt_large_give_back (void *at, size_t from, size_t size)
{
  if (installed != NULL)
    installed->give_back_large (at, from, size);
}

void
vt_large_free (void *at, size_t size)
{
  if (at != NULL && installed != NULL)
    installed->unmap_large (at, size);
  else
    g_free (at);
}
