/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Ours alone" (COPIED) says the mark of an entry of the disk's L1 and L2 tables: what it refers to is counted once. Entries of snapshots
 * have none that anybody looks at. */
#include "qcow2-private.h"

/* The entry as it is to be. */
static int
mark (Qcow2 *q, Qcow2Marks *marks, uint64_t *entry)
{
  uint64_t count;
  int      error = qcow2_count (q, (*entry & QCOW2_OFFSET_MASK) >> q->h.cluster_bits, &count);
  bool     ours = count == 1, marked = (*entry & QCOW2_COPIED) != 0;
  if (error != 0 || marked == ours)
    return error;
  marks->wrong++;
  if (ours ? !marks->may_set : !marks->may_clear)
    return 0;
  *entry ^= QCOW2_COPIED;
  marks->mended++;
  return 0;
}

static int
mark_table (Qcow2 *q, Qcow2Marks *marks, uint64_t at)
{
  Qcow2Table *table;
  int         error = qcow2_table (q, &q->l2, at, &table);
  for (uint64_t off = 0; error == 0 && off < q->cluster_bytes; off += qcow2_l2_entry_bytes (q))
    {
      uint64_t entry = vt_load_be (table->bytes + off, 8), before = entry;
      uint64_t host = entry & QCOW2_OFFSET_MASK;
      if ((entry & QCOW2_PACKED) != 0 || host == 0 || host % q->cluster_bytes != 0)
        continue;
      error = mark (q, marks, &entry);
      if (entry == before)
        continue;
      vt_store_be (table->bytes + off, entry, 8);
      table->dirty = true;
    }
  return error;
}

int
qcow2_mark_all (Qcow2 *q, Qcow2Marks *marks)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  int                    error = 0;
  for (uint32_t i = 0; i < q->h.l1_entries && error == 0; i++)
    {
      uint64_t at = q->l1[i] & QCOW2_OFFSET_MASK, before = q->l1[i];
      if (at == 0 || at % q->cluster_bytes != 0 || at >> q->h.cluster_bits >= q->end)
        continue;
      error = mark (q, marks, &q->l1[i]);
      q->l1_dirty |= q->l1[i] != before;
      if (error == 0 && g_hash_table_add (seen, GSIZE_TO_POINTER (at >> q->h.cluster_bits)))
        error = mark_table (q, marks, at);
      /* Those that changed stay until they are written. */
      qcow2_cache_trim (&q->l2, q->l2.most);
    }
  return error;
}
