/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image.h"

#include <errno.h>

#include "qcow2.h"
#include "threaded.h"
#include "vitrine/error.h"

void
vt_image_close (VtImage *image)
{
  if (image == NULL)
    return;
  char *label = image->label;
  image->ops->close (image);
  g_free (label);
}

int
vt_image_refuse_write (VtImage *image, uint64_t off, const uint8_t *from, uint64_t len)
{
  return EROFS;
}

int
vt_image_refuse_zero (VtImage *image, uint64_t off, uint64_t len)
{
  return EROFS;
}

int
vt_image_nothing_to_flush (VtImage *image)
{
  return 0;
}

bool
vt_image_fail (GError **error, const char *label, const char *what, int errno_value)
{
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s”: %s: %s", label, what, g_strerror (errno_value));
  return false;
}

/* --- Raw ---------------------------------------------------------------------------------------------------------- */

/* Of a new image, such pieces are on their way to the disk while the next are made. */
#define BEGIN_SYNC_BYTES (64u << 10)

typedef struct
{
  VtImage    image;
  VtFile    *file;
  VtFileMap *map;
} RawImage;

static int
raw_read (VtImage *image, uint64_t off, uint8_t *to, uint64_t len)
{
  VtFileVec vec = { to, (size_t) len };
  uint64_t  got;
  int       error = vt_file_read (((RawImage *) image)->file, off, &vec, 1, &got);
  if (error != 0 || got == len)
    return error;
  /* The file became shorter under us. */
  if (off + got < image->file_bytes)
    return EIO;
  memset (to + got, 0, (size_t) (len - got));
  return 0;
}

static bool
raw_map (VtImage *image, uint64_t off, uint64_t len, VtMapped *mapped)
{
  return vt_file_map_get (((RawImage *) image)->map, off, len, mapped);
}

static int
raw_write (VtImage *image, uint64_t off, const uint8_t *from, uint64_t len)
{
  VtFileVec vec = { (uint8_t *) from, (size_t) len };
  int       error = vt_file_write (((RawImage *) image)->file, off, &vec, 1);
  if (error == 0 && image->unsafe && len >= BEGIN_SYNC_BYTES)
    vt_file_begin_sync (((RawImage *) image)->file, off, len);
  return error;
}

static int
raw_zero (VtImage *image, uint64_t off, uint64_t len)
{
  return vt_file_punch (((RawImage *) image)->file, off, len);
}

static int
raw_flush (VtImage *image)
{
  return image->readonly || image->unsafe ? 0 : vt_file_sync (((RawImage *) image)->file);
}

static int
raw_extent (VtImage *image, uint64_t off, uint64_t len, VtExtent *extent)
{
  uint64_t run;
  bool     data = vt_file_is_data (((RawImage *) image)->file, off, len, &run);
  *extent = (VtExtent) { data ? VT_EXTENT_DATA : VT_EXTENT_ZERO, run, off };
  return 0;
}

static void
raw_close (VtImage *image)
{
  vt_file_map_free (((RawImage *) image)->map);
  vt_file_close (((RawImage *) image)->file);
  g_free (image);
}

static const VtImageOps raw_ops = { raw_read, raw_write, raw_zero, raw_zero, raw_flush, raw_extent, raw_close, raw_map };

/* Takes the file, which may be NULL. */
static VtImage *
raw_new (VtFile *opened, const char *path, bool readonly, bool growing, GError **error)
{
  g_autoptr (VtFile) file = opened;
  if (file == NULL || !vt_file_lock (file, !readonly, error))
    return NULL;
  RawImage *raw = g_new0 (RawImage, 1);
  raw->image = (VtImage) { .ops = &raw_ops, .size_bytes = growing ? UINT64_MAX : vt_file_size (file),
                           .file_bytes = vt_file_size (file), .readonly = readonly, .label = g_strdup (path) };
  raw->file = g_steal_pointer (&file);
  raw->map = vt_file_map_new (raw->file);
  return &raw->image;
}

VtImage *
vt_image_open_raw (const char *path, bool readonly, bool growing, GError **error)
{
  return raw_new (vt_file_open (path, !readonly, error), path, readonly, growing, error);
}

VtImage *
vt_image_adopt_raw (int fd, const char *path, GError **error)
{
  return raw_new (vt_file_adopt (fd, path, error), path, false, true, error);
}

VtImage *
vt_image_open_file (const char *path, unsigned flags, bool growing, GError **error)
{
  VtImage *file = vt_image_open_raw (path, (flags & VT_IMAGE_READONLY) != 0, growing, error);
  if (file != NULL)
    file->unsafe = (flags & VT_IMAGE_UNSAFE) != 0;
  return file;
}

/* --- A disk of a machine --------------------------------------------------------------------------------------------- */

typedef struct
{
  VtThreaded threaded;
  VtImage   *image;
} ImageBlock;

/* Requests of several pieces go through a buffer: a copy costs little beside a system call for each. */
static uint8_t *
gather (const VtIo *io)
{
  uint8_t *buffer = g_try_malloc (io->len), *to = buffer;
  for (size_t i = 0; buffer != NULL && io->op == VT_IO_WRITE && i < io->n_vec; to += io->vec[i].len, i++)
    memcpy (to, io->vec[i].base, io->vec[i].len);
  return buffer;
}

static void
scatter (const VtIo *io, const uint8_t *from)
{
  for (size_t i = 0; i < io->n_vec; from += io->vec[i].len, i++)
    memcpy (io->vec[i].base, from, io->vec[i].len);
}

static int
transfer (VtImage *image, const VtIo *io)
{
  bool                write = io->op == VT_IO_WRITE, whole = io->n_vec == 1;
  g_autofree uint8_t *owned = whole ? NULL : gather (io);
  uint8_t            *buffer = whole ? io->vec[0].base : owned;
  if (io->len == 0)
    return 0;
  if (buffer == NULL)
    return ENOMEM;
  int error = write ? vt_image_write (image, io->off, buffer, io->len) : vt_image_read (image, io->off, buffer, io->len);
  if (error == 0 && !write && !whole)
    scatter (io, buffer);
  return error;
}

static int
image_run (VtThreaded *driver, const VtIo *io)
{
  VtImage *image = ((ImageBlock *) driver)->image;
  switch (io->op)
    {
    case VT_IO_READ:
    case VT_IO_WRITE:
      return transfer (image, io);
    case VT_IO_FLUSH:
      return vt_image_flush (image);
    case VT_IO_DISCARD:
      return image->ops->discard (image, io->off, io->len);
    case VT_IO_WRITE_ZEROES:
      return image->ops->zero (image, io->off, io->len);
    }
  return EINVAL;
}

static void
image_block_close (VtBlock *block)
{
  ImageBlock *self = (ImageBlock *) block;
  vt_threaded_clear (&self->threaded);
  vt_image_close (self->image);
  g_free (self);
}

static int
image_block_grow (VtBlock *block, uint64_t size_bytes)
{
  VtImage *image = ((ImageBlock *) block)->image;
  return vt_is_qcow2 (image) ? vt_qcow2_resize (image, size_bytes) : ENOTSUP;
}

static const VtBlockOps block_ops = { vt_threaded_submit, vt_threaded_refuse, image_block_close, image_block_grow };

VtBlock *
vt_image_block (VtImage *image, VtPost post)
{
  ImageBlock *self = g_new0 (ImageBlock, 1);
  vt_threaded_init (&self->threaded, &block_ops, post, image_run);
  self->image = image;
  self->threaded.block.size_bytes = image->size_bytes;
  self->threaded.block.logical_block_bytes = 512;
  self->threaded.block.readonly = image->readonly;
  self->threaded.block.label = g_strdup (image->label);
  return &self->threaded.block;
}
