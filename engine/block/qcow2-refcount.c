/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How often each cluster of the file is referred to: two levels, a table of blocks of counts. */
#include <errno.h>

#include "qcow2-private.h"

/* --- Counts in a block ---------------------------------------------------------------------------------------------- */

static unsigned
count_bits (const Qcow2 *q)
{
  return 1u << q->h.refcount_order;
}

static uint64_t
counts_of_block (const Qcow2 *q)
{
  return q->cluster_bytes * 8 >> q->h.refcount_order;
}

static uint64_t
get_count (const Qcow2 *q, const uint8_t *block, uint64_t index)
{
  unsigned bits = count_bits (q);
  if (bits >= 8)
    return vt_load_be (block + index * (bits / 8), bits / 8);
  return block[index * bits / 8] >> (index * bits % 8) & ((1u << bits) - 1);
}

static void
put_count (const Qcow2 *q, uint8_t *block, uint64_t index, uint64_t count)
{
  unsigned bits = count_bits (q);
  if (bits >= 8)
    vt_store_be (block + index * (bits / 8), count, bits / 8);
  else
    block[index * bits / 8] = (uint8_t) vt_deposit (block[index * bits / 8], (unsigned) (index * bits % 8), bits, count);
}

uint64_t
qcow2_count_most (const Qcow2 *q)
{
  return UINT64_MAX >> (64 - count_bits (q));
}

int
qcow2_count (Qcow2 *q, uint64_t cluster, uint64_t *count)
{
  uint64_t    index = cluster / counts_of_block (q);
  Qcow2Table *block;
  *count = 0;
  if (index >= q->reftable_entries || q->reftable[index] == 0)
    return 0;
  int error = qcow2_table (q, &q->refcounts, q->reftable[index], &block);
  if (error == 0)
    *count = get_count (q, block->bytes, cluster % counts_of_block (q));
  return error;
}

/* --- Blocks that are not there yet ------------------------------------------------------------------------------------ */

static int
put_into (Qcow2 *q, uint64_t index, uint64_t cluster, uint64_t count)
{
  Qcow2Table *block;
  int         error = qcow2_table (q, &q->refcounts, q->reftable[index], &block);
  if (error != 0)
    return error;
  put_count (q, block->bytes, cluster % counts_of_block (q), count);
  block->dirty = true;
  return 0;
}

/* A larger table, so far in memory only: qcow2_write_counts() finds it a place. */
static int
grow_table (Qcow2 *q, uint64_t index)
{
  uint64_t per_cluster = q->cluster_bytes / 8;
  uint64_t clusters = MAX (index / per_cluster + 1, q->reftable_entries / per_cluster * 3 / 2 + 1);
  if (clusters * q->cluster_bytes > QCOW2_REFTABLE_BYTES_MAX)
    return EFBIG;
  q->reftable = g_realloc_n (q->reftable, clusters * per_cluster, 8);
  memset (q->reftable + q->reftable_entries, 0, (clusters * per_cluster - q->reftable_entries) * 8);
  q->reftable_entries = clusters * per_cluster;
  return 0;
}

/* A block goes to the end of the file, where it may be the first to be counted by itself. */
static int
need_block (Qcow2 *q, uint64_t index)
{
  int error;
  if (index >= q->reftable_entries && (error = grow_table (q, index)) != 0)
    return error;
  if (q->reftable[index] != 0)
    return 0;
  /* Somebody must count the end of the file: another block, or this one itself. */
  uint64_t home;
  while ((home = q->end / counts_of_block (q)) != index && (home >= q->reftable_entries || q->reftable[home] == 0))
    if ((error = need_block (q, home)) != 0)
      return error;
  uint64_t cluster = q->end++, at = cluster << q->h.cluster_bits;
  qcow2_table_new (q, &q->refcounts, at);
  q->reftable[index] = at;
  q->reftable_from = MIN (q->reftable_from, index);
  q->reftable_to = MAX (q->reftable_to, index + 1);
  g_hash_table_add (q->metadata, GSIZE_TO_POINTER (cluster));
  if ((error = put_into (q, home, cluster, 1)) != 0)
    {
      q->reftable[index] = 0;
      qcow2_table_drop (&q->refcounts, at);
      g_hash_table_remove (q->metadata, GSIZE_TO_POINTER (cluster));
    }
  return error;
}

/* --- The table of blocks, in the file ---------------------------------------------------------------------------------- */

bool
qcow2_blocks_published (const Qcow2 *q)
{
  return q->reftable_from >= q->reftable_to;
}

/* A run at the end of the file for all of the table, which may grow once more on the way. */
static int
find_place (Qcow2 *q, uint64_t *at, uint64_t *clusters)
{
  int error = 0;
  for (*clusters = 0; error == 0 && *clusters * q->cluster_bytes < q->reftable_entries * 8;)
    {
      for (uint64_t i = 0; i < *clusters; i++)
        qcow2_give_back (q, *at + i * q->cluster_bytes);
      *clusters = q->reftable_entries * 8 / q->cluster_bytes;
      error = qcow2_allocate_run (q, *clusters, at);
    }
  return error;
}

/* The old table stays as it is until it is safe that the header names the new one. After an error nobody knows which of them the
 * file's header names: both are right, and both stay counted. */
static int
move_table (Qcow2 *q)
{
  uint64_t at, clusters, old_at = q->h.reftable_at;
  uint32_t old_clusters = q->h.reftable_clusters;
  int      error;
  if ((error = find_place (q, &at, &clusters)) != 0 || (error = qcow2_write_cache (q, &q->refcounts)) != 0
      || (error = qcow2_write_entries (q, at, q->reftable_entries, q->reftable)) != 0 || (error = vt_image_flush (q->file)) != 0)
    return error;
  q->h.reftable_at = at;
  q->h.reftable_clusters = (uint32_t) clusters;
  if ((error = qcow2_write_header (q)) != 0 || (error = vt_image_flush (q->file)) != 0)
    {
      q->h.reftable_at = old_at;
      q->h.reftable_clusters = old_clusters;
      return error;
    }
  for (uint32_t i = 0; i < old_clusters; i++)
    qcow2_give_back (q, old_at + i * q->cluster_bytes);
  return 0;
}

int
qcow2_write_counts (Qcow2 *q)
{
  int error = qcow2_write_cache (q, &q->refcounts);
  if (error != 0 || qcow2_blocks_published (q))
    return error;
  if ((error = vt_image_flush (q->file)) != 0)
    return error;
  if (q->reftable_entries * 8 > q->h.reftable_clusters * q->cluster_bytes)
    error = move_table (q);
  else
    error = qcow2_write_entries (q, q->h.reftable_at + q->reftable_from * 8, q->reftable_to - q->reftable_from,
                                 q->reftable + q->reftable_from);
  if (error == 0 && (error = vt_image_flush (q->file)) == 0)
    {
      q->reftable_from = UINT64_MAX;
      q->reftable_to = 0;
    }
  return error;
}

/* --- Allocating -------------------------------------------------------------------------------------------------------- */

int
qcow2_set_count (Qcow2 *q, uint64_t cluster, uint64_t count)
{
  uint64_t index = cluster / counts_of_block (q);
  int      error = need_block (q, index);
  if (error != 0)
    return error;
  if (count == 0)
    q->hint = MIN (q->hint, cluster);
  return put_into (q, index, cluster, MIN (count, qcow2_count_most (q)));
}

int
qcow2_allocate_run (Qcow2 *q, uint64_t n, uint64_t *at)
{
  uint64_t first = q->end, counted = 0;
  int      error = 0;
  if (first > (QCOW2_OFFSET_MASK >> q->h.cluster_bits) - n)
    return EFBIG;
  q->end += n;
  while (counted < n && (error = qcow2_set_count (q, first + counted, 1)) == 0)
    counted++;
  while (error != 0 && counted > 0)
    qcow2_give_back (q, (first + --counted) << q->h.cluster_bits);
  *at = first << q->h.cluster_bits;
  return error;
}

/* Moves the hint to a free cluster within the file. */
static int
find_free (Qcow2 *q, bool *found)
{
  int      error = 0;
  uint64_t count = 1;
  while (q->hint < q->end && (error = qcow2_count (q, q->hint, &count)) == 0 && (count != 0 || q->hint == 0))
    q->hint++;
  *found = q->hint < q->end;
  return error;
}

bool
qcow2_file_is_full (Qcow2 *q)
{
  bool found;
  return find_free (q, &found) == 0 && !found;
}

int
qcow2_allocate (Qcow2 *q, uint64_t *at)
{
  bool found;
  int  error = find_free (q, &found);
  if (error != 0)
    return error;
  if (!found)
    return qcow2_allocate_run (q, 1, at);
  *at = q->hint << q->h.cluster_bits;
  if (!qcow2_may_write_data (q, *at, q->cluster_bytes))
    return EIO;
  return qcow2_set_count (q, q->hint++, 1);
}

void
qcow2_give_back (Qcow2 *q, uint64_t at)
{
  (void) qcow2_set_count (q, at >> q->h.cluster_bits, 0);
}

void
qcow2_leave (Qcow2 *q, uint64_t entry)
{
  uint64_t at, len;
  qcow2_place (q, entry, &at, &len);
  if (len == 0)
    return;
  for (uint64_t cluster = at >> q->h.cluster_bits, last = (at + len - 1) >> q->h.cluster_bits; cluster <= last; cluster++)
    g_array_append_val (q->leaving, cluster);
}

/* --- What must not be overwritten -------------------------------------------------------------------------------------- */

void
qcow2_found_corrupt (Qcow2 *q, const char *what, uint64_t at)
{
  if (q->broken)
    return;
  q->broken = true;
  g_warning ("“%s”: %s (0x%" G_GINT64_MODIFIER "x). Nothing is written to it any more; “vitrinectl image check” says more",
             q->image.label, what, at);
  if (q->image.readonly || q->h.version < 3)
    return;
  q->h.incompatible |= QCOW2_INCOMPATIBLE_CORRUPT;
  (void) qcow2_write_header (q);
}

static bool
overlaps (uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
  return a_len > 0 && b_len > 0 && a < b + b_len && b < a + a_len;
}

bool
qcow2_may_write_data (Qcow2 *q, uint64_t at, uint64_t len)
{
  bool bad = overlaps (at, len, 0, q->cluster_bytes) || overlaps (at, len, q->h.l1_at, q->h.l1_entries * UINT64_C (8))
             || overlaps (at, len, q->h.reftable_at, q->h.reftable_clusters * q->cluster_bytes)
             || overlaps (at, len, q->h.luks_at, q->h.luks_bytes);
  for (uint64_t cluster = at >> q->h.cluster_bits; !bad && cluster <= (at + len - 1) >> q->h.cluster_bits; cluster++)
    bad = g_hash_table_contains (q->metadata, GSIZE_TO_POINTER (cluster));
  if (bad)
    qcow2_found_corrupt (q, "data would overwrite tables", at);
  return !bad;
}
