/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Raw images and CD images: byte n of the disk is byte n of the file. Never probed for another format: a guest that
 * writes a format's magic into its first sector must not get that format's features (backing files) from us. */
#include <errno.h>

#include "threaded.h"
#include "vitrine/error.h"

#define DISK_BLOCK 512u
#define CD_BLOCK   2048u

typedef struct
{
  VtThreaded threaded;
  VtFile    *file;
  bool       tail_reads_zero;   /* CD images whose size is no whole number of blocks */
} Raw;

/* The buffers from byte `got` on read as zeros. */
static void
zero_tail (const VtIo *io, uint64_t got)
{
  for (size_t i = 0; i < io->n_vec; i++)
    {
      size_t skip = (size_t) MIN (got, io->vec[i].len);
      memset (io->vec[i].base + skip, 0, io->vec[i].len - skip);
      got -= skip;
    }
}

static int
raw_read (Raw *raw, const VtIo *io)
{
  uint64_t got;
  int      error = vt_file_read (raw->file, io->off, vt_threaded_vec (io), io->n_vec, &got);
  if (error != 0 || got == io->len)
    return error;
  /* The file became shorter under us, or this is the tail of a CD image. */
  if (!raw->tail_reads_zero)
    return EIO;
  zero_tail (io, got);
  return 0;
}

static int
raw_run (VtThreaded *driver, const VtIo *io)
{
  Raw *raw = (Raw *) driver;
  switch (io->op)
    {
    case VT_IO_READ:
      return raw_read (raw, io);
    case VT_IO_WRITE:
      return vt_file_write (raw->file, io->off, vt_threaded_vec (io), io->n_vec);
    case VT_IO_FLUSH:
      return raw->threaded.block.readonly ? 0 : vt_file_sync (raw->file);
    case VT_IO_DISCARD:
    case VT_IO_WRITE_ZEROES:
      return vt_file_punch (raw->file, io->off, io->len);
    }
  return EINVAL;
}

static void
raw_close (VtBlock *block)
{
  Raw *raw = (Raw *) block;
  vt_threaded_clear (&raw->threaded);
  vt_file_close (raw->file);
  g_free (raw);
}

static int
raw_grow (VtBlock *block, uint64_t size_bytes)
{
  return vt_file_grow (((Raw *) block)->file, size_bytes);
}

static const VtBlockOps raw_ops = { .submit = vt_threaded_submit, .refuse = vt_threaded_refuse, .close = raw_close, .grow = raw_grow };

static VtBlock *
raw_new (VtFile *file, const char *path, uint64_t size, bool readonly, uint32_t block_bytes, VtPost post)
{
  Raw *raw = g_new0 (Raw, 1);
  vt_threaded_init (&raw->threaded, &raw_ops, post, raw_run);
  raw->file = file;
  raw->threaded.block.size_bytes = size;
  raw->threaded.block.logical_block_bytes = block_bytes;
  raw->threaded.block.readonly = readonly;
  raw->threaded.block.label = g_strdup (path);
  raw->tail_reads_zero = block_bytes == CD_BLOCK;
  return &raw->threaded.block;
}

static VtFile *
open_locked (const char *path, int fd, bool readonly, GError **error)
{
  g_autoptr (VtFile) file = fd >= 0 ? vt_file_adopt (fd, path, error) : vt_file_open (path, !readonly, error);
  if (file == NULL || !vt_file_lock (file, !readonly, error))
    return NULL;
  if (vt_file_size (file) == 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot use “%s” as a disk: it is empty", path);
      return NULL;
    }
  return g_steal_pointer (&file);
}

/* Takes the file. */
static VtBlock *
open_disk (VtFile *taken, const char *path, bool readonly, VtPost post, GError **error)
{
  g_autoptr (VtFile) file = taken;
  if (file == NULL)
    return NULL;
  uint64_t size = vt_file_size (file);
  if (size % DISK_BLOCK != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE,
                   "Cannot use “%s” as a disk: its size, %" G_GUINT64_FORMAT
                   " bytes, is not a whole number of 512-byte "
                   "sectors; it may have been cut short",
                   path, size);
      return NULL;
    }
  return raw_new (g_steal_pointer (&file), path, size, readonly, DISK_BLOCK, post);
}

VtBlock *
vt_raw_open (const char *path, bool readonly, VtPost post, GError **error)
{
  return open_disk (open_locked (path, -1, readonly, error), path, readonly, post, error);
}

VtBlock *
vt_raw_open_floppy (const char *path, int fd, bool readonly, VtPost post, GError **error)
{
  bool protected = readonly || (fd >= 0 && !vt_descriptor_writable (fd));
  return open_disk (open_locked (path, fd, protected, error), path, protected, post, error);
}

VtBlock *
vt_raw_open_cd (const char *path, int fd, VtPost post, GError **error)
{
  g_autoptr (VtFile) file = open_locked (path, fd, true, error);
  if (file == NULL)
    return NULL;
  uint64_t size = vt_file_size (file);
  if (size > UINT64_MAX - CD_BLOCK)
    size = 0;
  size = (size + CD_BLOCK - 1) / CD_BLOCK * CD_BLOCK;
  return raw_new (g_steal_pointer (&file), path, size, true, CD_BLOCK, post);
}
