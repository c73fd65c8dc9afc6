/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening: everything that a file claims is checked before it is used. */
#include <errno.h>

#include "qcow2-private.h"
#include "vitrine/error.h"

enum
{
  BACKING_NAME_MAX = 1023,
  EXTENSIONS_MAX = 64,
};

static bool G_GNUC_PRINTF (3, 4)
refuse (GError **error, const char *label, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot use “%s” as a disk: %s", label, what);
  return false;
}

/* --- The header ----------------------------------------------------------------------------------------------------- */

static char *
read_string (const uint8_t *bytes, uint64_t off, uint64_t len, uint64_t size)
{
  return vt_fits (off, len, size) ? g_strndup ((const char *) bytes + off, len) : NULL;
}

static bool
read_extensions (Qcow2Header *h, const uint8_t *bytes, uint64_t size, const char *label, GError **error)
{
  uint64_t off = h->header_bytes;
  for (unsigned i = 0; i < EXTENSIONS_MAX && vt_fits (off, 8, size); i++)
    {
      uint32_t type = (uint32_t) vt_load_be (bytes + off, 4), len = (uint32_t) vt_load_be (bytes + off + 4, 4);
      if (type == 0)
        break;
      if (!vt_fits (off + 8, len, size))
        return refuse (error, label, "a header extension reaches beyond the first cluster");
      if (type == QCOW2_EXTENSION_BACKING_FORMAT)
        {
          g_free (h->backing_format);
          h->backing_format = read_string (bytes, off + 8, len, size);
        }
      else if (type == QCOW2_EXTENSION_ENCRYPTION && len >= 16)
        {
          h->luks_at = vt_load_be (bytes + off + 8, 8);
          h->luks_bytes = vt_load_be (bytes + off + 16, 8);
        }
      off += 8 + (len + UINT64_C (7)) / 8 * 8;
    }
  return true;
}

static bool
read_backing_name (Qcow2Header *h, const uint8_t *bytes, uint64_t size, const char *label, GError **error)
{
  uint64_t at = vt_load_be (bytes + 8, 8);
  uint32_t len = (uint32_t) vt_load_be (bytes + 16, 4);
  if (at == 0)
    return true;
  if (len == 0 || len > BACKING_NAME_MAX || (h->backing = read_string (bytes, at, len, size)) == NULL)
    return refuse (error, label, "the name of its backing file is outside the first cluster");
  return true;
}

static void
read_fields (Qcow2Header *h, const uint8_t *bytes)
{
  h->version = (uint32_t) vt_load_be (bytes + 4, 4);
  h->crypt_method = (uint32_t) vt_load_be (bytes + 32, 4);
  h->cluster_bits = (uint32_t) vt_load_be (bytes + 20, 4);
  h->size = vt_load_be (bytes + 24, 8);
  h->l1_entries = (uint32_t) vt_load_be (bytes + 36, 4);
  h->l1_at = vt_load_be (bytes + 40, 8);
  h->reftable_at = vt_load_be (bytes + 48, 8);
  h->reftable_clusters = (uint32_t) vt_load_be (bytes + 56, 4);
  h->n_snapshots = (uint32_t) vt_load_be (bytes + 60, 4);
  h->snapshots_at = vt_load_be (bytes + 64, 8);
  h->refcount_order = 4;
  h->header_bytes = QCOW2_V2_HEADER;
  if (h->version < 3)
    return;
  h->incompatible = vt_load_be (bytes + 72, 8);
  h->compatible = vt_load_be (bytes + 80, 8);
  h->autoclear = vt_load_be (bytes + 88, 8);
  h->refcount_order = (uint32_t) vt_load_be (bytes + 96, 4);
  h->header_bytes = (uint32_t) vt_load_be (bytes + 100, 4);
  h->compression = (h->incompatible & QCOW2_INCOMPATIBLE_COMPRESSION) != 0 ? bytes[104] : 0;
}

static bool
check_features (const Qcow2Header *h, const char *label, GError **error)
{
  if (h->crypt_method != QCOW2_CRYPT_NONE && h->crypt_method != QCOW2_CRYPT_LUKS)
    return refuse (error, label, "it is encrypted in an old way that is not safe. Convert it with “qemu-img convert”");
  if ((h->incompatible & QCOW2_INCOMPATIBLE_EXTERNAL) != 0)
    return refuse (error, label, "its data is in another file, which is not supported. Convert it with “qemu-img convert”");
  if ((h->incompatible & ~(uint64_t) QCOW2_INCOMPATIBLE_KNOWN) != 0)
    return refuse (error, label, "it has features that this version does not know (0x%" G_GINT64_MODIFIER "x)",
                   h->incompatible & ~(uint64_t) QCOW2_INCOMPATIBLE_KNOWN);
  if (h->compression > 1)
    return refuse (error, label, "its compression method, number %u, is not known", h->compression);
  return true;
}

static bool
check_geometry (const Qcow2Header *h, const char *label, GError **error)
{
  unsigned l2_bits = h->cluster_bits - 3 - ((h->incompatible & QCOW2_INCOMPATIBLE_SUBCLUSTERS) != 0);
  uint64_t cluster = UINT64_C (1) << h->cluster_bits, covered = cluster << l2_bits;
  if (h->refcount_order > 6)
    return refuse (error, label, "counts of 2^%u bits are not possible", h->refcount_order);
  if (h->header_bytes < (h->version < 3 ? (unsigned) QCOW2_V2_HEADER : QCOW2_V3_HEADER) || h->header_bytes > cluster
      || h->header_bytes % 8 != 0)
    return refuse (error, label, "a header of %u bytes is not possible", h->header_bytes);
  if (h->size > UINT64_MAX / 2 || h->size / covered + (h->size % covered != 0) > h->l1_entries)
    return refuse (error, label, "its first table is too small for its size");
  if (h->l1_entries > QCOW2_L1_BYTES_MAX / 8 || h->l1_at % cluster != 0 || h->l1_at > UINT64_MAX / 2)
    return refuse (error, label, "its first table is at an impossible place, or too large");
  if (h->reftable_clusters == 0 || h->reftable_clusters > QCOW2_REFTABLE_BYTES_MAX / cluster + 1
      || h->reftable_at % cluster != 0 || h->reftable_at == 0 || h->reftable_at > UINT64_MAX / 2)
    return refuse (error, label, "its table of reference counts is at an impossible place, or too large");
  if (h->n_snapshots > QCOW2_SNAPSHOTS_MAX)
    return refuse (error, label, "%u snapshots are too many", h->n_snapshots);
  return true;
}

static bool
check_encryption (const Qcow2Header *h, const char *label, GError **error)
{
  uint64_t cluster = UINT64_C (1) << h->cluster_bits;
  if (h->crypt_method == QCOW2_CRYPT_NONE
      || (h->luks_at != 0 && h->luks_at % cluster == 0 && h->luks_at <= UINT64_MAX / 2 && h->luks_bytes <= UINT64_MAX / 4))
    return true;
  return refuse (error, label, "its encryption header is at an impossible place");
}

static bool
read_header (Qcow2 *q, GError **error)
{
  const char *label = q->image.label;
  uint8_t     start[112] = { 0 };
  int         problem = vt_image_read (q->file, 0, start, sizeof start);
  if (problem != 0)
    return vt_image_fail (error, label, "the header cannot be read", problem);
  if (vt_load_be (start, 4) != QCOW2_MAGIC)
    return refuse (error, label, "it is not a qcow2 image");
  read_fields (&q->h, start);
  if (q->h.version != 2 && q->h.version != 3)
    return refuse (error, label, "qcow2 version %u is not known", q->h.version);
  if (q->h.cluster_bits < 9 || q->h.cluster_bits > 21)
    return refuse (error, label, "clusters of 2^%u bytes are not possible", q->h.cluster_bits);
  if (!check_features (&q->h, label, error) || !check_geometry (&q->h, label, error))
    return false;
  uint64_t            cluster = UINT64_C (1) << q->h.cluster_bits;
  g_autofree uint8_t *first = g_malloc (cluster);
  if ((problem = vt_image_read (q->file, 0, first, cluster)) != 0)
    return vt_image_fail (error, label, "the header cannot be read", problem);
  return read_extensions (&q->h, first, cluster, label, error) && check_encryption (&q->h, label, error)
         && read_backing_name (&q->h, first, cluster, label, error);
}

/* The fields that change; the rest of the first cluster stays as it is. */
int
qcow2_write_header (Qcow2 *q)
{
  uint8_t bytes[QCOW2_V3_HEADER];
  size_t  n = q->h.version < 3 ? (size_t) QCOW2_V2_HEADER : QCOW2_V3_HEADER;
  int     error = vt_image_read (q->file, 0, bytes, n);
  if (error != 0)
    return error;
  vt_store_be (bytes + 24, q->h.size, 8);
  vt_store_be (bytes + 36, q->h.l1_entries, 4);
  vt_store_be (bytes + 40, q->h.l1_at, 8);
  vt_store_be (bytes + 48, q->h.reftable_at, 8);
  vt_store_be (bytes + 56, q->h.reftable_clusters, 4);
  vt_store_be (bytes + 60, q->h.n_snapshots, 4);
  vt_store_be (bytes + 64, q->h.snapshots_at, 8);
  if (q->h.version >= 3)
    {
      vt_store_be (bytes + 72, q->h.incompatible, 8);
      vt_store_be (bytes + 80, q->h.compatible, 8);
      vt_store_be (bytes + 88, q->h.autoclear, 8);
    }
  return vt_image_write (q->file, 0, bytes, n);
}

/* --- Tables ----------------------------------------------------------------------------------------------------------- */

static void
note_metadata (Qcow2 *q, uint64_t at)
{
  if (at != 0)
    g_hash_table_add (q->metadata, GSIZE_TO_POINTER (at >> q->h.cluster_bits));
}

static bool
read_tables (Qcow2 *q, GError **error)
{
  q->reftable_entries = q->h.reftable_clusters * q->cluster_bytes / 8;
  q->l1 = g_new0 (uint64_t, MAX (q->h.l1_entries, 1));
  q->reftable = g_new0 (uint64_t, q->reftable_entries);
  int problem = qcow2_read_entries (q, q->h.l1_at, q->h.l1_entries, q->l1);
  if (problem == 0)
    problem = qcow2_read_entries (q, q->h.reftable_at, q->reftable_entries, q->reftable);
  if (problem != 0)
    return vt_image_fail (error, q->image.label, "the tables cannot be read", problem);
  for (uint32_t i = 0; i < q->h.l1_entries; i++)
    note_metadata (q, q->l1[i] & QCOW2_OFFSET_MASK);
  for (uint64_t i = 0; i < q->reftable_entries; i++)
    note_metadata (q, q->reftable[i] &= ~UINT64_C (0x1ff));
  return true;
}

/* --- The backing image -------------------------------------------------------------------------------------------------- */

char *
vt_qcow2_backing_path (const char *image, const char *backing)
{
  if (g_path_is_absolute (backing))
    return g_strdup (backing);
  g_autofree char *folder = g_path_get_dirname (image);
  return g_build_filename (folder, g_str_has_prefix (backing, "file:") ? backing + strlen ("file:") : backing, NULL);
}

/* Both as they really are, so that no link leads out. */
static bool
is_beside (const char *image, const char *backing)
{
  g_autofree char *real_image = vt_file_real_path (image), *real = vt_file_real_path (backing);
  g_autofree char *folder = real_image != NULL ? g_path_get_dirname (real_image) : NULL;
  if (folder == NULL || real == NULL || !g_str_has_prefix (real, folder))
    return real == NULL;     /* not there: opening it says so */
  return g_str_has_suffix (folder, "/") || real[strlen (folder)] == '/';
}

static bool
open_backing (Qcow2 *q, unsigned depth, unsigned flags, GError **error)
{
  const char *label = q->image.label, *format = q->h.backing_format;
  if (q->h.backing == NULL || (flags & VT_IMAGE_ALONE) != 0)
    return true;
  if (depth + 1 >= QCOW2_CHAIN_MAX)
    return refuse (error, label, "more than %d images stand on each other, or one stands on itself", QCOW2_CHAIN_MAX);
  if (format == NULL || (strcmp (format, "raw") != 0 && strcmp (format, "qcow2") != 0))
    return refuse (error, label, "it does not say which format its backing file “%s” has. “qemu-img rebase -u -F …” tells it",
                   q->h.backing);
  g_autofree char *path = vt_qcow2_backing_path (label, q->h.backing);
  bool             raw = strcmp (format, "raw") == 0;
  if ((flags & VT_IMAGE_ANYWHERE) == 0 && !is_beside (label, path))
    return refuse (error, label, "it stands on “%s”, which is outside of its folder. If that is meant, allow it for this disk",
                   q->h.backing);
  VtImage         *file = vt_image_open_raw (path, true, !raw, error);
  if (file != NULL)
    q->backing = raw ? file : vt_qcow2_open (file, depth + 1, flags, NULL, error);
  if (q->backing == NULL)
    g_prefix_error (error, "The backing file of “%s”: ", label);
  return q->backing != NULL;
}

/* --- Opening ------------------------------------------------------------------------------------------------------------ */

static Qcow2 *
qcow2_new (VtImage *file)
{
  Qcow2 *q = g_new0 (Qcow2, 1);
  q->image = (VtImage) { .ops = &qcow2_ops, .readonly = file->readonly, .label = g_strdup (file->label) };
  q->file = q->data = file;
  g_rw_lock_init (&q->lock);
  g_mutex_init (&q->cache_lock);
  q->metadata = g_hash_table_new (NULL, NULL);
  q->leaving = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  q->hint = 1;
  q->reftable_from = UINT64_MAX;
  return q;
}

static void
take_geometry (Qcow2 *q)
{
  q->cluster_bytes = UINT64_C (1) << q->h.cluster_bits;
  q->subclusters = (q->h.incompatible & QCOW2_INCOMPATIBLE_SUBCLUSTERS) != 0;
  q->l2_bits = q->h.cluster_bits - 3 - q->subclusters;
  q->image.size_bytes = q->h.size;
  q->end = qcow2_clusters (q, q->file->file_bytes);
  q->l2.most = q->refcounts.most = (unsigned) MAX (QCOW2_CACHE_BYTES >> q->h.cluster_bits, 4);
}

/* Before the first change: what a program that does not know these bits must do. */
static bool
prepare_writing (Qcow2 *q, GError **error)
{
  int problem = 0;
  if (q->image.readonly)
    return true;
  if ((q->h.incompatible & QCOW2_INCOMPATIBLE_CORRUPT) != 0)
    return refuse (error, q->image.label, "it is marked as corrupt. “vitrinectl image check --repair” may mend it; "
                                          "it can still be opened read-only");
  if ((q->h.incompatible & QCOW2_INCOMPATIBLE_DIRTY) != 0)
    {
      VtImageCheck result;
      if (!vt_qcow2_check (&q->image, true, &result, error))
        return false;
      if (result.corruptions > result.corruptions_mended)
        return refuse (error, q->image.label, "it is damaged beyond what can be mended. It can still be opened read-only");
    }
  if (q->h.autoclear != 0)
    {
      q->h.autoclear = 0;
      problem = qcow2_write_header (q);
    }
  return problem == 0 || vt_image_fail (error, q->image.label, "it cannot be written", problem);
}

static VtImage *
give_up (Qcow2 *q)
{
  g_free (q->image.label);
  qcow2_free (q);
  return NULL;
}

static bool
open_tables (Qcow2 *q, GError **error)
{
  if (!read_header (q, error))
    return false;
  take_geometry (q);
  return read_tables (q, error);
}

VtImage *
vt_qcow2_open (VtImage *file, unsigned depth, unsigned flags, VtSecret *secret, GError **error)
{
  Qcow2 *q = qcow2_new (file);
  bool   ok = open_tables (q, error) && qcow2_open_data (q, flags, secret, error) && open_backing (q, depth, flags, error)
              && prepare_writing (q, error);
  return ok ? &q->image : give_up (q);
}

VtImage *
vt_qcow2_open_for_check (VtImage *file, GError **error)
{
  Qcow2 *q = qcow2_new (file);
  return open_tables (q, error) ? &q->image : give_up (q);
}

VtImage *
vt_qcow2_backing (VtImage *image)
{
  return vt_is_qcow2 (image) ? ((Qcow2 *) image)->backing : NULL;
}

VtImage *
vt_qcow2_open_path (const char *path, unsigned flags, VtSecret *secret, GError **error)
{
  VtImage *file = vt_image_open_file (path, flags, true, error);
  return file != NULL ? vt_qcow2_open (file, 0, flags, secret, error) : NULL;
}

void
vt_qcow2_info (VtImage *image, VtImageInfo *info)
{
  const Qcow2Header *h = &((Qcow2 *) image)->h;
  info->version = h->version;
  info->cluster_bytes = 1u << h->cluster_bits;
  info->snapshots = h->n_snapshots;
  info->zstd = h->compression == 1;
  info->dirty = (h->incompatible & QCOW2_INCOMPATIBLE_DIRTY) != 0;
  info->corrupt = (h->incompatible & QCOW2_INCOMPATIBLE_CORRUPT) != 0;
  info->backing = g_strdup (h->backing);
  info->backing_format = g_strdup (h->backing_format);
}
