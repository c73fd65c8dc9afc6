/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "memory-file.h"

#include <errno.h>

enum { FAULTS = 12 };

void
memory_apply (GArray *to, uint64_t off, uint64_t len, const uint8_t *bytes)
{
  if (off + len > to->len)
    g_array_set_size (to, (guint) (off + len));
  if (bytes != NULL)
    memcpy (to->data + off, bytes, len);
  else
    memset (to->data + off, 0, len);
}

static void
note (MemoryFile *memory, uint64_t off, uint64_t len, const uint8_t *bytes)
{
  if (len > 0)
    memory_apply (memory->bytes, off, len, bytes);
  if (memory->log == NULL)
    return;
  MemoryEntry entry = { off, len, bytes != NULL ? g_memdup2 (bytes, len) : NULL };
  g_array_append_val (memory->log, entry);
}

static int
memory_read (VtImage *image, uint64_t off, uint8_t *to, uint64_t len)
{
  GArray  *bytes = ((MemoryFile *) image)->bytes;
  uint64_t there = off < bytes->len ? MIN (len, bytes->len - off) : 0;
  memcpy (to, bytes->data + off, there);
  memset (to + there, 0, len - there);
  return 0;
}

/* What is refused may have been done in part. */
static int
change_file (VtImage *image, uint64_t off, uint64_t len, const uint8_t *bytes)
{
  MemoryFile *memory = (MemoryFile *) image;
  unsigned    number = memory->changes++;
  bool        by_number = number >= memory->fails_from && number < memory->fails_to;
  bool        by_chance = memory->faults != NULL && g_rand_int_range (memory->faults, 0, FAULTS) == 0;
  uint64_t    done = by_chance ? (uint64_t) (g_rand_double (memory->faults) * (double) (len / SECTOR)) * SECTOR : by_number ? 0 : len;
  if (done > 0 || !(by_chance || by_number))
    note (memory, off, done, bytes);
  return by_chance || by_number ? ENOSPC : 0;
}

static int
memory_write (VtImage *image, uint64_t off, const uint8_t *from, uint64_t len)
{
  return change_file (image, off, len, from);
}

static int
memory_zero (VtImage *image, uint64_t off, uint64_t len)
{
  return change_file (image, off, len, NULL);
}

static int
memory_flush (VtImage *image)
{
  return change_file (image, 0, 0, NULL);
}

static int
memory_extent (VtImage *image, uint64_t off, uint64_t len, VtExtent *extent)
{
  *extent = (VtExtent) { VT_EXTENT_DATA, len, off };
  return 0;
}

static void
memory_close (VtImage *image)
{
  g_array_unref (((MemoryFile *) image)->bytes);
  g_free (image);
}

static const VtImageOps memory_ops
  = { memory_read, memory_write, memory_zero, memory_zero, memory_flush, memory_extent, memory_close };

MemoryFile *
memory_file_new (GArray *bytes, GArray *log)
{
  MemoryFile *memory = g_new0 (MemoryFile, 1);
  memory->image = (VtImage) { .ops = &memory_ops, .size_bytes = UINT64_MAX, .file_bytes = bytes->len, .label = g_strdup ("memory") };
  memory->bytes = g_array_ref (bytes);
  memory->log = log;
  return memory;
}
