/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New images: header, table of counts, one block of counts, L1. Everything else comes with the first writes. */
#include <errno.h>

#include "qcow2-private.h"
#include "vitrine/error.h"

enum
{
  DEFAULT_CLUSTER_BITS = 16,
  REFCOUNT_ORDER = 4,
  EXTENSION_ROOM = 32,      /* of the encryption's, and the end */
};

typedef struct
{
  const VtQcow2Options *options;
  unsigned              bits;
  uint64_t              cluster, size;
  uint64_t              l1_entries, l1_clusters, reftable_clusters;
  uint64_t              luks_at, luks_bytes, luks_clusters;     /* 0: not encrypted */
} Plan;

static bool
make_plan (const VtQcow2Options *options, Plan *plan, const char *label, GError **error)
{
  plan->options = options;
  plan->bits = options->cluster_bits != 0 ? options->cluster_bits : DEFAULT_CLUSTER_BITS;
  plan->size = (options->size_bytes + 511) / 512 * 512;
  if (plan->bits < 9 || plan->bits > 21 || options->size_bytes > UINT64_MAX / 4)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: a disk of this size with such clusters is not possible", label);
      return false;
    }
  plan->cluster = UINT64_C (1) << plan->bits;
  uint64_t covered = plan->cluster << (plan->bits - 3);
  plan->l1_entries = plan->size / covered + (plan->size % covered != 0);
  plan->l1_clusters = MAX ((plan->l1_entries * 8 + plan->cluster - 1) >> plan->bits, 1);
  plan->reftable_clusters = 1;
  if (plan->l1_entries * 8 <= QCOW2_L1_BYTES_MAX)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: a disk of %" G_GUINT64_FORMAT " GiB needs larger clusters", label,
               plan->size / VT_GIB);
  return false;
}

/* The encryption's header lies behind L1, on whole clusters. */
static void
plan_luks (Plan *plan, VtLuksHeader *luks)
{
  vt_luks_plan_header (luks);
  plan->luks_at = (3 + plan->l1_clusters) * plan->cluster;
  plan->luks_bytes = luks->payload_sector * UINT64_C (512);
  plan->luks_clusters = (plan->luks_bytes + plan->cluster - 1) >> plan->bits;
}

static uint64_t
put_extension (uint8_t *header, uint64_t off, uint32_t type, const void *bytes, size_t len)
{
  vt_store_be (header + off, type, 4);
  vt_store_be (header + off + 4, len, 4);
  memcpy (header + off + 8, bytes, len);
  return off + 8 + (len + 7) / 8 * 8;
}

/* The names' end is an extension of type 0. */
static void
put_extensions (const Plan *plan, uint8_t *header, uint64_t off)
{
  const VtQcow2Options *options = plan->options;
  if (plan->luks_at != 0)
    {
      uint8_t place[16];
      vt_store_be (place, plan->luks_at, 8);
      vt_store_be (place + 8, plan->luks_bytes, 8);
      off = put_extension (header, off, QCOW2_EXTENSION_ENCRYPTION, place, sizeof place);
    }
  if (options->backing == NULL)
    return;
  const char *format = options->backing_format;
  off = put_extension (header, off, QCOW2_EXTENSION_BACKING_FORMAT, format, strlen (format)) + 8;
  vt_store_be (header + 8, off, 8);
  vt_store_be (header + 16, strlen (options->backing), 4);
  memcpy (header + off, options->backing, strlen (options->backing));
}

/* Clusters: 0 header, 1 table of counts, 2 block of counts, 3 L1. */
static void
put_header (const Plan *plan, uint8_t *header)
{
  unsigned bytes = plan->options->zstd ? QCOW2_V3_HEADER_COMPRESSION : QCOW2_V3_HEADER;
  vt_store_be (header, QCOW2_MAGIC, 4);
  vt_store_be (header + 4, 3, 4);
  vt_store_be (header + 20, plan->bits, 4);
  vt_store_be (header + 24, plan->size, 8);
  vt_store_be (header + 32, plan->luks_at != 0 ? QCOW2_CRYPT_LUKS : QCOW2_CRYPT_NONE, 4);
  vt_store_be (header + 36, plan->l1_entries, 4);
  vt_store_be (header + 40, 3 * plan->cluster, 8);
  vt_store_be (header + 48, plan->cluster, 8);
  vt_store_be (header + 56, plan->reftable_clusters, 4);
  vt_store_be (header + 72, plan->options->zstd ? QCOW2_INCOMPATIBLE_COMPRESSION : 0, 8);
  vt_store_be (header + 96, REFCOUNT_ORDER, 4);
  vt_store_be (header + 100, bytes, 4);
  if (plan->options->zstd)
    header[104] = 1;
  put_extensions (plan, header, bytes);
}

static int
write_image (VtImage *file, const Plan *plan)
{
  g_autofree uint8_t *header = g_malloc0 (plan->cluster), *table = g_malloc0 (plan->cluster),
                     *block = g_malloc0 (plan->cluster), *zeros = g_malloc0 (plan->cluster);
  int      error = 0;
  uint64_t used = 3 + plan->l1_clusters + plan->luks_clusters;
  put_header (plan, header);
  vt_store_be (table, 2 * plan->cluster, 8);
  for (uint64_t i = 0; i < used && i < plan->cluster / 2; i++)
    vt_store_be (block + 2 * i, 1, 2);
  if ((error = vt_image_write (file, plan->cluster, table, plan->cluster)) != 0
      || (error = vt_image_write (file, 2 * plan->cluster, block, plan->cluster)) != 0)
    return error;
  for (uint64_t i = 0; i < plan->l1_clusters && error == 0; i++)
    error = vt_image_write (file, (3 + i) * plan->cluster, zeros, plan->cluster);
  /* The last cluster that is in use is there to its end. */
  if (error == 0)
    error = vt_image_write (file, used * plan->cluster - 1, zeros, 1);
  /* The header last: before it there is no image. */
  if (error == 0 && (error = vt_image_flush (file)) == 0 && (error = vt_image_write (file, 0, header, plan->cluster)) == 0)
    error = vt_image_flush (file);
  return error;
}

bool
vt_qcow2_create (VtImage *file, const VtQcow2Options *options, GError **error)
{
  Plan         plan = { 0 };
  VtLuksHeader luks;
  if (!make_plan (options, &plan, file->label, error))
    return false;
  if (options->passphrase != NULL)
    plan_luks (&plan, &luks);
  size_t names = options->backing != NULL ? strlen (options->backing) + strlen (options->backing_format) + 32 : 0;
  if (QCOW2_V3_HEADER_COMPRESSION + EXTENSION_ROOM + names > plan.cluster || names > 1023
      || 3 + plan.l1_clusters + plan.luks_clusters > plan.cluster / 2)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: clusters of %" G_GUINT64_FORMAT " bytes are too small for this disk",
                   file->label, plan.cluster);
      return false;
    }
  if (options->passphrase != NULL && !vt_luks_make_header (file, plan.luks_at, &luks, options->passphrase, options->iteration_ms, error))
    return false;
  int problem = write_image (file, &plan);
  return problem == 0 || vt_image_fail (error, file->label, "the image cannot be written", problem);
}

/* --- Growing -------------------------------------------------------------------------------------------------------- */

/* A longer L1 in another place, so far nobody's. */
static int
write_longer_l1 (Qcow2 *q, uint64_t entries, uint64_t *at)
{
  uint64_t n = qcow2_clusters (q, entries * 8);
  int      error = qcow2_allocate_run (q, n, at);
  if (error != 0)
    return error;
  q->l1 = g_renew (uint64_t, q->l1, entries);
  memset (q->l1 + q->h.l1_entries, 0, (entries - q->h.l1_entries) * 8);
  if ((error = qcow2_write_counts (q)) == 0 && (error = qcow2_write_entries (q, *at, entries, q->l1)) == 0
      && (error = vt_image_flush (q->file)) == 0)
    return 0;
  for (uint64_t i = 0; i < n; i++)
    qcow2_give_back (q, *at + i * q->cluster_bytes);
  return error;
}

/* From here on the header says so. After an error nobody knows what it says, even if the old one is tried once more: the old L1 and the
 * new one are both right, and both stay counted. */
static int
publish_size (Qcow2 *q, uint64_t size, uint64_t l1_at, uint64_t l1_entries)
{
  const Qcow2Header old = q->h;
  int               error;
  q->h.size = size;
  q->h.l1_at = l1_at;
  q->h.l1_entries = (uint32_t) l1_entries;
  if ((error = qcow2_write_header (q)) == 0 && (error = vt_image_flush (q->file)) == 0)
    return 0;
  q->h = old;
  (void) qcow2_write_header (q);
  return error;
}

static int
grow (Qcow2 *q, uint64_t size, uint64_t entries)
{
  uint64_t old_at = q->h.l1_at, at = old_at, old_clusters = qcow2_clusters (q, q->h.l1_entries * UINT64_C (8));
  int      error = qcow2_flush_tables (q);
  bool     moves = entries > q->h.l1_entries;
  if (error == 0 && moves)
    error = write_longer_l1 (q, entries, &at);
  if (error != 0 || (error = publish_size (q, size, at, MAX (entries, q->h.l1_entries))) != 0)
    return error;
  q->image.size_bytes = size;
  for (uint64_t i = 0; moves && i < old_clusters; i++)
    qcow2_leave (q, old_at + i * q->cluster_bytes);
  return qcow2_flush_tables (q);
}

int
vt_qcow2_resize (VtImage *image, uint64_t size_bytes)
{
  Qcow2   *q = (Qcow2 *) image;
  uint64_t covered = q->cluster_bytes << q->l2_bits;
  uint64_t entries = size_bytes / covered + (size_bytes % covered != 0);
  if (size_bytes < q->h.size || entries * 8 > QCOW2_L1_BYTES_MAX)
    return EFBIG;
  g_rw_lock_writer_lock (&q->lock);
  int error = grow (q, size_bytes, entries);
  g_rw_lock_writer_unlock (&q->lock);
  return error;
}
