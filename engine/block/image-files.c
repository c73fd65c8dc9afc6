/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public face of image formats (vitrine/image.h). */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qcow2.h"
#include "vitrine/image.h"

#define COPY_BYTES (2u << 20)

/* --- Opening ------------------------------------------------------------------------------------------------------ */

VtImage *
vt_image_open (const char *path, VtImageFormat format, unsigned flags, GError **error)
{
  bool readonly = (flags & VT_IMAGE_READONLY) != 0;
  return format == VT_IMAGE_QCOW2 ? vt_qcow2_open_path (path, readonly, (flags & VT_IMAGE_ANYWHERE) != 0, error)
                                  : vt_image_open_raw (path, readonly, false, error);
}

bool
vt_image_looks_like_qcow2 (const char *path)
{
  static const uint8_t magic[4] = { 'Q', 'F', 'I', 0xfb };
  uint8_t              head[4] = { 0 };
  g_autoptr (VtImage)  image = vt_image_open_raw (path, true, true, NULL);
  return image != NULL && vt_image_read (image, 0, head, sizeof head) == 0 && memcmp (head, magic, sizeof magic) == 0;
}

static const char *
format_name (VtImageFormat format)
{
  return format == VT_IMAGE_QCOW2 ? "qcow2" : "raw";
}

/* --- Looking ------------------------------------------------------------------------------------------------------- */

void
vt_image_info_clear (VtImageInfo *info)
{
  g_clear_pointer (&info->backing, g_free);
  g_clear_pointer (&info->backing_format, g_free);
}

static void
take_qcow2_info (VtImage *image, VtImageInfo *info)
{
  VtQcow2Info qcow2;
  vt_qcow2_info (image, &qcow2);
  info->version = qcow2.version;
  info->cluster_bytes = 1u << qcow2.cluster_bits;
  info->snapshots = qcow2.snapshots;
  info->zstd = qcow2.compressed_zstd;
  info->subclusters = qcow2.subclusters;
  info->dirty = qcow2.dirty;
  info->corrupt = qcow2.corrupt;
  info->backing = g_steal_pointer (&qcow2.backing);
  info->backing_format = g_steal_pointer (&qcow2.backing_format);
}

bool
vt_image_info (const char *path, VtImageFormat format, VtImageInfo *info, GError **error)
{
  struct stat         st;
  g_autoptr (VtImage) image = vt_image_open (path, format, VT_IMAGE_READONLY | VT_IMAGE_ANYWHERE, error);
  *info = (VtImageInfo) { .format = format };
  if (image == NULL)
    return false;
  info->size_bytes = image->size_bytes;
  info->file_bytes = stat (path, &st) == 0 ? (uint64_t) st.st_blocks * 512 : 0;
  if (format == VT_IMAGE_QCOW2)
    take_qcow2_info (image, info);
  return true;
}

GStrv
vt_image_chain (const char *path, VtImageFormat format, bool any_backing, GError **error)
{
  unsigned                 flags = VT_IMAGE_READONLY | (any_backing ? VT_IMAGE_ANYWHERE : 0);
  g_autoptr (GStrvBuilder) chain = g_strv_builder_new ();
  g_autoptr (VtImage)      image = format == VT_IMAGE_QCOW2 ? vt_image_open (path, format, flags, error) : NULL;
  if (format == VT_IMAGE_QCOW2 && image == NULL)
    return NULL;
  for (VtImage *below = image; below != NULL && (below = vt_qcow2_backing (below)) != NULL;)
    g_strv_builder_add (chain, below->label);
  return g_strv_builder_end (chain);
}

bool
vt_image_map (const char *path, VtImageFormat format,
              bool (*part) (void *opaque, uint64_t off_bytes, uint64_t len_bytes, VtImagePart kind), void *opaque,
              GError **error)
{
  g_autoptr (VtImage) image = vt_image_open (path, format, VT_IMAGE_READONLY | VT_IMAGE_ANYWHERE, error);
  if (image == NULL)
    return false;
  for (uint64_t off = 0; off < image->size_bytes;)
    {
      VtExtent extent;
      int      problem = image->ops->extent (image, off, image->size_bytes - off, &extent);
      if (problem != 0)
        return vt_image_fail (error, path, "it cannot be read", problem);
      VtImagePart kind = extent.kind == VT_EXTENT_ABSENT ? VT_IMAGE_HOLE
                         : extent.kind == VT_EXTENT_ZERO ? VT_IMAGE_ZEROS : VT_IMAGE_DATA;
      if (!part (opaque, off, extent.len, kind))
        return true;
      off += extent.len;
    }
  return true;
}

/* --- Making -------------------------------------------------------------------------------------------------------- */

/* An empty file of our own: nobody's image is overwritten. */
static VtImage *
new_file (const char *path, GError **error)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0)
    {
      vt_image_fail (error, path, "it cannot be made", errno);
      return NULL;
    }
  close (fd);
  return vt_image_open_raw (path, false, true, error);
}

static unsigned
bits_of (unsigned cluster_bytes)
{
  return cluster_bytes == 0 ? 0 : g_bit_storage (cluster_bytes) - 1;
}

static bool
check_shape (const char *path, VtImageFormat format, uint64_t size_bytes, unsigned cluster_bytes, const char *backing,
             GError **error)
{
  if (cluster_bytes != 0 && (cluster_bytes & (cluster_bytes - 1)) != 0)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Clusters of %u bytes: choose a power of two", cluster_bytes);
  else if (format == VT_IMAGE_RAW && (backing != NULL || cluster_bytes != 0))
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: a raw image has no backing file and no clusters; use qcow2", path);
  else if (size_bytes == 0 && backing == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: a disk needs a size", path);
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
measure_backing (const char *path, const char *backing, VtImageFormat format, uint64_t *size, GError **error)
{
  g_autofree char    *folder = g_path_get_dirname (path);
  g_autofree char    *whole = g_path_is_absolute (backing) ? g_strdup (backing) : g_build_filename (folder, backing, NULL);
  g_autoptr (VtImage) below = vt_image_open (whole, format, VT_IMAGE_READONLY | VT_IMAGE_ANYWHERE, error);
  if (below != NULL && *size == 0)
    *size = below->size_bytes;
  return below != NULL;
}

static bool
fill_new (VtImage *file, VtImageFormat format, uint64_t size_bytes, unsigned cluster_bytes, const char *backing,
          VtImageFormat backing_format, GError **error)
{
  if (format == VT_IMAGE_RAW)
    return set_length (file->label, (size_bytes + 511) / 512 * 512, error);
  return vt_qcow2_create (file, &(VtQcow2Options) { size_bytes, bits_of (cluster_bytes), backing, format_name (backing_format) },
                          error);
}

bool
vt_image_create (const char *path, VtImageFormat format, uint64_t size_bytes, unsigned cluster_bytes, const char *backing,
                 VtImageFormat backing_format, GError **error)
{
  if (!check_shape (path, format, size_bytes, cluster_bytes, backing, error)
      || (backing != NULL && !measure_backing (path, backing, backing_format, &size_bytes, error)))
    return false;
  VtImage *file = new_file (path, error);
  if (file == NULL)
    return false;
  bool ok = fill_new (file, format, size_bytes, cluster_bytes, backing, backing_format, error);
  vt_image_close (file);
  if (!ok)
    g_unlink (path);
  return ok;
}

/* --- Converting ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  VtImage        *from, *to;
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
  uint64_t len = data ? MIN (extent.len, COPY_BYTES) : extent.len;
  if (data && (error = vt_image_read (copy->from, *off, copy->buffer, len)) == 0)
    error = write_data (copy, *off, len);
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
vt_image_convert (const char *from, VtImageFormat from_format, bool any_backing, const char *to, VtImageFormat to_format,
                  unsigned cluster_bytes, VtImageProgress progress, void *opaque, GError **error)
{
  g_autoptr (VtImage) source = vt_image_open (from, from_format, VT_IMAGE_READONLY | (any_backing ? VT_IMAGE_ANYWHERE : 0), error);
  if (source == NULL || !vt_image_create (to, to_format, source->size_bytes, cluster_bytes, NULL, VT_IMAGE_RAW, error))
    return false;
  Copy copy = { source, vt_image_open (to, to_format, 0, error), g_malloc (COPY_BYTES), progress, opaque };
  bool ok = copy.to != NULL && copy_disk (&copy, error);
  vt_image_close (copy.to);
  g_free (copy.buffer);
  if (!ok)
    g_unlink (to);
  return ok;
}

/* --- Changing ------------------------------------------------------------------------------------------------------- */

bool
vt_image_resize (const char *path, VtImageFormat format, uint64_t size_bytes, GError **error)
{
  g_autoptr (VtImage) image = vt_image_open (path, format, VT_IMAGE_ANYWHERE, error);
  size_bytes = (size_bytes + 511) / 512 * 512;
  if (image == NULL)
    return false;
  if (size_bytes < image->size_bytes)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                   "“%s” has %" G_GUINT64_FORMAT " bytes: it can become larger, but not smaller", path, image->size_bytes);
      return false;
    }
  if (format == VT_IMAGE_RAW)
    return set_length (path, size_bytes, error);
  int problem = vt_qcow2_resize (image, size_bytes);
  return problem == 0 || vt_image_fail (error, path, "it cannot be made as large", problem);
}

bool
vt_image_check (const char *path, bool repair, VtImageCheck *result, GError **error)
{
  VtQcow2Check        found;
  g_autoptr (VtImage) file = vt_image_open_raw (path, !repair, true, error);
  /* Repair opens what is marked as corrupt, too. */
  g_autoptr (VtImage) image = file != NULL ? vt_qcow2_open_for_check (g_steal_pointer (&file), error) : NULL;
  if (image == NULL || !vt_qcow2_check (image, repair, &found, error))
    return false;
  *result = (VtImageCheck) { found.corruptions, found.leaks, found.corruptions_mended, found.leaks_mended, found.clusters,
                             found.allocated };
  return true;
}

/* --- Snapshots ------------------------------------------------------------------------------------------------------ */

bool
vt_image_snapshot (const char *path, VtImageSnapshotVerb verb, const char *name, GError **error)
{
  static const VtQcow2SnapshotVerb verbs[] = { VT_QCOW2_TAKE, VT_QCOW2_GO_BACK, VT_QCOW2_FORGET };
  g_autoptr (VtImage) image = vt_image_open (path, VT_IMAGE_QCOW2, VT_IMAGE_ANYWHERE, error);
  return image != NULL && vt_qcow2_snapshot (image, verbs[verb], name, error);
}

bool
vt_image_list_snapshots (const char *path, void (*one) (void *opaque, const char *id, const char *name, int64_t seconds),
                         void *opaque, GError **error)
{
  g_autoptr (VtImage) image = vt_image_open (path, VT_IMAGE_QCOW2, VT_IMAGE_READONLY | VT_IMAGE_ANYWHERE, error);
  return image != NULL && vt_qcow2_list_snapshots (image, one, opaque, error);
}
