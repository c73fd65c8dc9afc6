/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a byte of the disk to a byte of the file. */
#include <errno.h>

#include "qcow2-private.h"

/* --- Caches ------------------------------------------------------------------------------------------------------- */

static void
table_free (gpointer data)
{
  Qcow2Table *table = data;
  g_free (table->bytes);
  g_free (table);
}

/* The one that was not used for longest, of those that need no writing; NULL: none. */
static Qcow2Table *
find_oldest (Qcow2Cache *cache)
{
  GHashTableIter iter;
  gpointer       value;
  Qcow2Table    *oldest = NULL;
  g_hash_table_iter_init (&iter, cache->tables);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Qcow2Table *table = value;
      if (!table->dirty && (oldest == NULL || table->used < oldest->used))
        oldest = table;
    }
  return oldest;
}

void
qcow2_cache_trim (Qcow2Cache *cache, unsigned most)
{
  Qcow2Table *oldest;
  while (cache->tables != NULL && g_hash_table_size (cache->tables) > most && (oldest = find_oldest (cache)) != NULL)
    g_hash_table_remove (cache->tables, &oldest->at);
}

static Qcow2Table *
add_table (Qcow2 *q, Qcow2Cache *cache, uint64_t at)
{
  if (cache->tables == NULL)
    cache->tables = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, table_free);
  qcow2_cache_trim (cache, cache->most - 1);
  Qcow2Table *table = g_new0 (Qcow2Table, 1);
  table->at = at;
  table->bytes = g_malloc0 (q->cluster_bytes);
  table->used = ++cache->tick;
  g_hash_table_replace (cache->tables, &table->at, table);
  return table;
}

int
qcow2_table (Qcow2 *q, Qcow2Cache *cache, uint64_t at, Qcow2Table **out)
{
  Qcow2Table *table = cache->tables != NULL ? g_hash_table_lookup (cache->tables, &at) : NULL;
  if (table == NULL)
    {
      if (at % q->cluster_bytes != 0 || at == 0)
        {
          qcow2_found_corrupt (q, "a table at an impossible place", at);
          return EIO;
        }
      table = add_table (q, cache, at);
      int error = vt_image_read (q->file, at, table->bytes, q->cluster_bytes);
      if (error != 0)
        {
          g_hash_table_remove (cache->tables, &at);
          return error;
        }
    }
  table->used = ++cache->tick;
  *out = table;
  return 0;
}

Qcow2Table *
qcow2_table_new (Qcow2 *q, Qcow2Cache *cache, uint64_t at)
{
  Qcow2Table *table = add_table (q, cache, at);
  table->dirty = true;
  return table;
}

void
qcow2_table_drop (Qcow2Cache *cache, uint64_t at)
{
  if (cache->tables != NULL)
    g_hash_table_remove (cache->tables, &at);
}

/* --- Entries ------------------------------------------------------------------------------------------------------ */

int
qcow2_read_entries (Qcow2 *q, uint64_t at, uint64_t n, uint64_t *to)
{
  int error = n > 0 ? vt_image_read (q->file, at, to, n * 8) : 0;
  for (uint64_t i = 0; error == 0 && i < n; i++)
    to[i] = GUINT64_FROM_BE (to[i]);
  return error;
}

int
qcow2_write_entries (Qcow2 *q, uint64_t at, uint64_t n, const uint64_t *from)
{
  g_autofree uint64_t *entries = g_new (uint64_t, MAX (n, 1));
  for (uint64_t i = 0; i < n; i++)
    entries[i] = GUINT64_TO_BE (from[i]);
  return n > 0 ? vt_image_write (q->file, at, entries, n * 8) : 0;
}

static uint64_t
l1_index (const Qcow2 *q, uint64_t off)
{
  return off >> q->h.cluster_bits >> q->l2_bits;
}

static uint8_t *
slot (const Qcow2 *q, Qcow2Table *table, uint64_t off)
{
  uint64_t index = (off >> q->h.cluster_bits) & ((UINT64_C (1) << q->l2_bits) - 1);
  return table->bytes + index * qcow2_l2_entry_bytes (q);
}

/* A part of a cluster that has one state: one of 32, or all of it. */
static void
read_subcluster (const Qcow2 *q, uint64_t off, Qcow2Mapping *m)
{
  uint64_t part = q->cluster_bytes / 32, inside = off & (q->cluster_bytes - 1);
  unsigned n = (unsigned) (inside / part);
  bool     allocated = m->bitmap >> n & 1, zero = m->bitmap >> (32 + n) & 1;
  m->len = part - inside % part;
  m->kind = zero ? VT_EXTENT_ZERO : allocated ? VT_EXTENT_DATA : VT_EXTENT_ABSENT;
}

static int
explain (Qcow2 *q, uint64_t off, Qcow2Mapping *m)
{
  uint64_t inside = off & (q->cluster_bytes - 1), host = m->entry & QCOW2_OFFSET_MASK;
  m->len = q->cluster_bytes - inside;
  if ((m->entry & QCOW2_PACKED) != 0)
    {
      m->kind = VT_EXTENT_PACKED;
      return 0;
    }
  if (q->subclusters)
    read_subcluster (q, off, m);
  else if (q->h.version >= 3 && (m->entry & QCOW2_ZERO) != 0)
    m->kind = VT_EXTENT_ZERO;
  else
    m->kind = host != 0 ? VT_EXTENT_DATA : VT_EXTENT_ABSENT;
  if (host % q->cluster_bytes != 0 || (m->kind == VT_EXTENT_DATA && host == 0))
    {
      qcow2_found_corrupt (q, "data at an impossible place", host);
      return EIO;
    }
  m->host = host + inside;
  m->in_place = m->kind == VT_EXTENT_DATA && (m->entry & QCOW2_COPIED) != 0
                && (!q->subclusters || m->bitmap == UINT32_MAX);
  return 0;
}

int
qcow2_find (Qcow2 *q, uint64_t off, Qcow2Mapping *m)
{
  uint64_t    index = l1_index (q, off), at = q->l1[index] & QCOW2_OFFSET_MASK;
  Qcow2Table *table;
  int         error = 0;
  *m = (Qcow2Mapping) { .kind = VT_EXTENT_ABSENT };
  if (at == 0)
    {
      /* All that the missing table would cover, the end of the disk or not: copies of the last cluster go beyond it. */
      m->len = ((index + 1) << q->l2_bits << q->h.cluster_bits) - off;
      return 0;
    }
  g_mutex_lock (&q->cache_lock);
  error = qcow2_table (q, &q->l2, at, &table);
  if (error == 0)
    {
      const uint8_t *entry = slot (q, table, off);
      m->entry = vt_load_be (entry, 8);
      m->bitmap = q->subclusters ? vt_load_be (entry + 8, 8) : 0;
    }
  g_mutex_unlock (&q->cache_lock);
  return error != 0 ? error : explain (q, off, m);
}

/* --- Changing them ------------------------------------------------------------------------------------------------ */

/* An L2 table that a snapshot also uses, or that is not there: a new one, in its place. */
static int
renew_table (Qcow2 *q, uint64_t index, Qcow2Table **out)
{
  uint64_t    old = q->l1[index] & QCOW2_OFFSET_MASK, at;
  Qcow2Table *from = NULL;
  int         error = qcow2_allocate (q, &at);
  if (error != 0)
    return error;
  Qcow2Table *table = qcow2_table_new (q, &q->l2, at);
  if (old != 0 && (error = qcow2_table (q, &q->l2, old, &from)) != 0)
    {
      qcow2_table_drop (&q->l2, at);
      qcow2_give_back (q, at);
      return error;
    }
  if (old != 0)
    {
      memcpy (table->bytes, from->bytes, q->cluster_bytes);
      qcow2_leave (q, old);
      g_hash_table_remove (q->metadata, GSIZE_TO_POINTER (old >> q->h.cluster_bits));
    }
  g_hash_table_add (q->metadata, GSIZE_TO_POINTER (at >> q->h.cluster_bits));
  q->l1[index] = at | QCOW2_COPIED;
  q->l1_dirty = true;
  *out = table;
  return 0;
}

int
qcow2_set (Qcow2 *q, uint64_t off, uint64_t entry, uint64_t bitmap)
{
  uint64_t    index = l1_index (q, off);
  Qcow2Table *table;
  int         error = (q->l1[index] & QCOW2_COPIED) != 0
                        ? qcow2_table (q, &q->l2, q->l1[index] & QCOW2_OFFSET_MASK, &table)
                        : renew_table (q, index, &table);
  if (error != 0)
    return error;
  uint8_t *to = slot (q, table, off);
  vt_store_be (to, entry, 8);
  if (q->subclusters)
    vt_store_be (to + 8, bitmap, 8);
  table->dirty = true;
  return 0;
}
