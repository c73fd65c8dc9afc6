/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copying a disk from one image to another (vitrine/image.h). */
#include <errno.h>
#include <glib/gstdio.h>

#include "image.h"
#include "vitrine/image.h"

#define COPY_BYTES (2u << 20)

typedef struct
{
  VtImage        *from, *to;
  bool            noise;        /* what is not written to `to` does not read as zeros */
  uint8_t        *buffer;
  VtImageProgress progress;
  void           *opaque;
} Copy;

static bool
all_zero (const uint8_t *bytes, uint64_t len)
{
  return len == 0 || (bytes[0] == 0 && memcmp (bytes, bytes + 1, len - 1) == 0);
}

/* Pieces of zeros stay holes. */
static int
write_data (Copy *copy, uint64_t off, uint64_t len)
{
  enum { PIECE = 64 << 10 };
  int error = 0;
  if (copy->noise)
    return vt_image_write (copy->to, off, copy->buffer, len);
  for (uint64_t at = 0; at < len && error == 0;)
    {
      uint64_t n = MIN (PIECE - (off + at) % PIECE, len - at);
      bool     zero = all_zero (copy->buffer + at, n);
      /* What follows of the same kind goes along. */
      while (at + n < len && all_zero (copy->buffer + at + n, MIN (PIECE, len - at - n)) == zero)
        n += MIN (PIECE, len - at - n);
      if (!zero)
        error = vt_image_write (copy->to, off + at, copy->buffer + at, n);
      at += n;
    }
  return error;
}

static int
copy_part (Copy *copy, uint64_t *off)
{
  uint64_t size = copy->from->size_bytes;
  VtExtent extent;
  int      error = copy->from->ops->extent (copy->from, *off, size - *off, &extent);
  if (error != 0)
    return error;
  bool     data = extent.kind == VT_EXTENT_DATA || extent.kind == VT_EXTENT_PACKED;
  uint64_t len = data || copy->noise ? MIN (extent.len, COPY_BYTES) : extent.len;
  /* A disk of odd size ends in a whole sector. */
  uint64_t whole = MIN ((len + 511) / 512 * 512, copy->to->size_bytes - *off);
  if (data && (error = vt_image_read (copy->from, *off, copy->buffer, len)) == 0)
    {
      memset (copy->buffer + len, 0, whole - len);
      error = write_data (copy, *off, whole);
    }
  else if (!data && copy->noise)
    error = copy->to->ops->zero (copy->to, *off, whole);
  *off += len;
  return error;
}

static bool
copy_disk (Copy *copy, GError **error)
{
  for (uint64_t off = 0; off < copy->from->size_bytes;)
    {
      int problem = copy_part (copy, &off);
      if (problem != 0)
        return vt_image_fail (error, copy->to->label, "it cannot be copied", problem);
      if (copy->progress != NULL && !copy->progress (copy->opaque, off, copy->from->size_bytes))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "“%s”: stopped", copy->to->label);
          return false;
        }
    }
  int problem = vt_image_flush (copy->to);
  return problem == 0 || vt_image_fail (error, copy->to->label, "it cannot be written", problem);
}

bool
vt_image_convert (const VtImagePlace *from, const VtImagePlace *to, const VtImageShape *shape, VtImageProgress progress, void *opaque,
                  GError **error)
{
  unsigned            flags = VT_IMAGE_READONLY | (from->any_backing ? VT_IMAGE_ANYWHERE : 0);
  g_autoptr (VtImage) source = vt_image_open (from->path, from->format, flags, from->secret, error);
  if (source == NULL)
    return false;
  VtImageShape full = *shape;
  full.size_bytes = source->size_bytes;
  full.backing = NULL;
  if (!vt_image_create (to, &full, error))
    return false;
  Copy copy = { .from = source, .to = vt_image_open (to->path, to->format, 0, to->secret, error), .buffer = g_malloc (COPY_BYTES + 512),
                .noise = to->format == VT_IMAGE_LUKS, .progress = progress, .opaque = opaque };
  bool ok = copy.to != NULL && copy_disk (&copy, error);
  vt_image_close (copy.to);
  g_free (copy.buffer);
  if (!ok)
    g_unlink (to->path);
  return ok;
}
