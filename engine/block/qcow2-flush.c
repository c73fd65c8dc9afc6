/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order in which changes reach the file: see qcow2-private.h. */
#include "qcow2-private.h"

int
qcow2_write_cache (Qcow2 *q, Qcow2Cache *cache)
{
  GHashTableIter iter;
  gpointer       value;
  if (cache->tables == NULL)
    return 0;
  g_hash_table_iter_init (&iter, cache->tables);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Qcow2Table *table = value;
      if (!table->dirty)
        continue;
      int error = vt_image_write (q->file, table->at, table->bytes, q->cluster_bytes);
      if (error != 0)
        return error;
      table->dirty = false;
    }
  return 0;
}

static bool
any_dirty (const Qcow2Cache *cache)
{
  GHashTableIter iter;
  gpointer       value;
  if (cache->tables == NULL)
    return false;
  g_hash_table_iter_init (&iter, cache->tables);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Qcow2Table *) value)->dirty)
      return true;
  return false;
}

static int
write_l1 (Qcow2 *q)
{
  int error = qcow2_write_entries (q, q->h.l1_at, q->h.l1_entries, q->l1);
  if (error == 0)
    q->l1_dirty = false;
  return error;
}

static int
free_cluster (Qcow2 *q, uint64_t cluster)
{
  uint64_t count;
  int      error = qcow2_count (q, cluster, &count);
  if (error != 0)
    return error;
  if (count == 0)
    {
      qcow2_found_corrupt (q, "a cluster in use was counted as free", cluster << q->h.cluster_bits);
      return 0;
    }
  if ((error = qcow2_set_count (q, cluster, count - 1)) != 0 || count > 1)
    return error;
  qcow2_table_drop (&q->l2, cluster << q->h.cluster_bits);
  g_hash_table_remove (q->metadata, GSIZE_TO_POINTER (cluster));
  (void) q->file->ops->discard (q->file, cluster << q->h.cluster_bits, q->cluster_bytes);
  return 0;
}

/* Nothing safe refers to them any more: now they may be used for something else. Each once, whatever fails. */
static int
free_what_left (Qcow2 *q)
{
  int error = 0;
  while (q->leaving->len > 0 && error == 0)
    {
      error = free_cluster (q, g_array_index (q->leaving, uint64_t, q->leaving->len - 1));
      if (error == 0)
        g_array_set_size (q->leaving, q->leaving->len - 1);
    }
  return error;
}

int
qcow2_flush_tables (Qcow2 *q)
{
  bool counts = any_dirty (&q->refcounts) || !qcow2_blocks_published (q), tables = any_dirty (&q->l2);
  int  error = 0;
  if (q->broken || (!counts && !tables && !q->l1_dirty && q->leaving->len == 0))
    return vt_image_flush (q->file);
  if ((error = qcow2_write_counts (q)) != 0 || (error = vt_image_flush (q->file)) != 0
      || (error = qcow2_write_cache (q, &q->l2)) != 0)
    return error;
  if (q->l1_dirty && ((error = vt_image_flush (q->file)) != 0 || (error = write_l1 (q)) != 0))
    return error;
  if ((error = vt_image_flush (q->file)) != 0)
    return error;
  return free_what_left (q);
}
