/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New images (vitrine/image.h). */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "luks.h"
#include "qcow2.h"
#include "vitrine/image.h"

/* An empty file of our own: nobody's image is overwritten, and nobody else reads what a machine has on its disk. */
VtImage *
vt_image_new_file (const char *path, GError **error)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      vt_image_fail (error, path, "it cannot be made", errno);
      return NULL;
    }
  VtImage *file = vt_image_adopt_raw (fd, path, error);
  if (file == NULL)
    g_unlink (path);
  return file;
}

static unsigned
bits_of (unsigned cluster_bytes)
{
  return cluster_bytes == 0 ? 0 : g_bit_storage (cluster_bytes) - 1;
}

static bool
check_shape (const VtImagePlace *place, const VtImageShape *shape, GError **error)
{
  bool qcow2 = place->format == VT_IMAGE_QCOW2, encrypted = place->format == VT_IMAGE_LUKS || shape->encrypted;
  if (place->format > VT_IMAGE_LUKS)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: images of this format are not made empty; make a qcow2", place->path);
  else if (shape->cluster_bytes != 0 && (shape->cluster_bytes & (shape->cluster_bytes - 1)) != 0)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Clusters of %u bytes: choose a power of two", shape->cluster_bytes);
  else if (!qcow2 && (shape->backing != NULL || shape->cluster_bytes != 0 || shape->encrypted || shape->packing != VT_IMAGE_PLAIN))
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                 "“%s”: only a qcow2 image has a backing file, clusters, compression and encryption inside", place->path);
  else if (shape->backing != NULL && shape->backing_format > VT_IMAGE_QCOW2)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: an image stands on raw or qcow2", place->path);
  else if (shape->size_bytes == 0 && shape->backing == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: a disk needs a size", place->path);
  else if (encrypted && place->secret == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, "“%s”: an encrypted disk needs a passphrase", place->path);
  else if (encrypted && shape->packing != VT_IMAGE_PLAIN)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: what is encrypted cannot be compressed, too", place->path);
  else
    return true;
  return false;
}

static bool
set_length (const char *path, uint64_t bytes, GError **error)
{
  return truncate (path, (off_t) bytes) == 0 || vt_image_fail (error, path, "it cannot be made as large", errno);
}

/* The size of a backing image, which is looked for beside the new one. */
static bool
measure_backing (const char *path, const VtImageShape *shape, uint64_t *size, GError **error)
{
  g_autofree char    *whole = vt_qcow2_backing_path (path, shape->backing);
  g_autoptr (VtImage) below = vt_image_open (whole, shape->backing_format, VT_IMAGE_READONLY | VT_IMAGE_ANYWHERE, NULL, error);
  if (below != NULL && *size == 0)
    *size = below->size_bytes;
  return below != NULL;
}

static bool
fill_new (VtImage *file, const VtImagePlace *place, const VtImageShape *shape, uint64_t size_bytes, GError **error)
{
  unsigned ms = shape->iteration_ms != 0 ? shape->iteration_ms : VT_LUKS_DEFAULT_MS;
  size_bytes = (size_bytes + 511) / 512 * 512;
  if (place->format == VT_IMAGE_RAW)
    return set_length (place->path, size_bytes, error);
  if (place->format == VT_IMAGE_LUKS)
    return vt_luks_create (file, size_bytes, place->secret, ms, error);
  VtQcow2Options options = { .size_bytes = size_bytes, .cluster_bits = bits_of (shape->cluster_bytes), .backing = shape->backing,
                             .backing_format = vt_image_format_name (shape->backing_format),
                             .passphrase = shape->encrypted ? place->secret : NULL, .iteration_ms = ms,
                             .zstd = shape->packing == VT_IMAGE_ZSTD };
  return vt_qcow2_create (file, &options, error);
}

bool
vt_image_make (const VtImagePlace *place, const VtImageShape *shape, GError **error)
{
  uint64_t size_bytes = shape->size_bytes;
  if (!check_shape (place, shape, error) || (shape->backing != NULL && !measure_backing (place->path, shape, &size_bytes, error)))
    return false;
  VtImage *file = vt_image_new_file (place->path, error);
  if (file == NULL)
    return false;
  file->unsafe = true;
  bool ok = fill_new (file, place, shape, size_bytes, error);
  vt_image_close (file);
  if (!ok)
    g_unlink (place->path);
  return ok;
}

int
vt_image_make_safe (const char *path)
{
  g_autoptr (VtImage) file = vt_image_open_raw (path, false, true, NULL);
  return file != NULL ? vt_image_flush (file) : EIO;
}

bool
vt_image_create (const VtImagePlace *place, const VtImageShape *shape, GError **error)
{
  if (!vt_image_make (place, shape, error))
    return false;
  int problem = vt_image_make_safe (place->path);
  if (problem == 0)
    return true;
  g_unlink (place->path);
  return vt_image_fail (error, place->path, "it cannot be written", problem);
}
