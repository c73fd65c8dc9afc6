/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All references counted anew, against the counts in the file, and the marks of entries against these. Each table is read once, however
 * many refer to it: an image that is marked as not closed, also one from somebody else, is checked when it is opened to be written. */
#include <errno.h>

#include "qcow2-private.h"
#include "vitrine/error.h"

#define CLUSTERS_MAX (UINT64_C (1) << 28)      /* of a file that can be checked: 512 MiB of counts, twice */

typedef struct
{
  Qcow2        *q;
  uint16_t     *found;      /* of each cluster: references */
  uint16_t     *tables;     /* those of L1 tables that were not followed yet */
  uint64_t      clusters;
  bool          repair;
  VtImageCheck *result;
} Check;

/* --- Counting ----------------------------------------------------------------------------------------------------------- */

static void
add (uint16_t *to, unsigned n)
{
  *to = (uint16_t) MIN (*to + n, UINT16_MAX);
}

/* False: it reaches beyond the file. */
static bool
count (Check *check, uint64_t at, uint64_t len, unsigned times)
{
  if (len == 0)
    return true;
  uint64_t bits = check->q->h.cluster_bits, first = at >> bits, last = (at + len - 1) >> bits;
  if (at > UINT64_MAX - len || last >= check->clusters)
    {
      check->result->corruptions++;
      return false;
    }
  for (uint64_t cluster = first; cluster <= last; cluster++)
    add (&check->found[cluster], times);
  return true;
}

static void
count_entry (Check *check, uint64_t entry, unsigned times, bool active)
{
  const Qcow2 *q = check->q;
  uint64_t     at, len;
  qcow2_place (q, entry, &at, &len);
  if ((entry & QCOW2_PACKED) == 0 && at % q->cluster_bytes != 0)
    {
      check->result->corruptions++;
      return;
    }
  if (len == 0)
    return;
  (void) count (check, at, len, times);
  check->result->allocated += active;
}

static int
count_l2 (Check *check, uint64_t at, unsigned times, uint8_t *bytes, bool active)
{
  Qcow2 *q = check->q;
  int    error = vt_image_read (q->file, at, bytes, q->cluster_bytes);
  for (uint64_t i = 0; error == 0 && i < q->cluster_bytes; i += qcow2_l2_entry_bytes (q))
    count_entry (check, vt_load_be (bytes + i, 8), times, active);
  return error;
}

/* The L2 tables that were found since the last time. */
static int
count_tables (Check *check, bool active)
{
  Qcow2              *q = check->q;
  g_autofree uint8_t *bytes = g_malloc (q->cluster_bytes);
  int                 error = 0;
  for (uint64_t cluster = 0; cluster < check->clusters && error == 0; cluster++)
    if (check->tables[cluster] > 0)
      {
        error = count_l2 (check, cluster << q->h.cluster_bits, check->tables[cluster], bytes, active);
        check->tables[cluster] = 0;
      }
  return error;
}

/* No two entries of one L1 have the same table. */
static void
note_tables (Check *check, const uint64_t *l1, uint64_t entries)
{
  Qcow2                 *q = check->q;
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  for (uint64_t i = 0; i < entries; i++)
    {
      uint64_t at = l1[i] & QCOW2_OFFSET_MASK, cluster = at >> q->h.cluster_bits;
      if (at == 0)
        continue;
      if (at % q->cluster_bytes != 0 || !g_hash_table_add (seen, GSIZE_TO_POINTER (cluster)))
        check->result->corruptions++;
      else if (count (check, at, q->cluster_bytes, 1))
        add (&check->tables[cluster], 1);
    }
}

static bool
is_free (const Check *check, uint64_t at, uint64_t len)
{
  for (uint64_t bits = check->q->h.cluster_bits, n = at >> bits; len > 0 && n <= (at + len - 1) >> bits; n++)
    if (check->found[n] > 1)
      return false;
  return true;
}

/* One that shares its place with something else is not followed: no sum of them is larger than the file. */
static int
note_l1 (Check *check, uint64_t at, uint64_t entries)
{
  uint64_t len = entries * 8;
  if (!count (check, at, len, 1))
    return 0;
  if (!is_free (check, at, len))
    {
      check->result->corruptions++;
      return 0;
    }
  g_autofree uint64_t *l1 = g_new (uint64_t, MAX (entries, 1));
  int                  error = qcow2_read_entries (check->q, at, entries, l1);
  if (error == 0)
    note_tables (check, l1, entries);
  return error;
}

static int
count_snapshots (Check *check)
{
  uint64_t              len;
  int                   error;
  g_autoptr (GPtrArray) snapshots = qcow2_read_snapshots (check->q, &len, &error);
  bool                  damaged = error == EUCLEAN;
  if (error != 0 && !damaged)
    return error;
  check->result->corruptions += damaged;
  error = 0;
  for (guint i = 0; i < snapshots->len && error == 0; i++)
    {
      const Qcow2Snapshot *snapshot = snapshots->pdata[i];
      error = note_l1 (check, snapshot->l1_at, snapshot->l1_entries);
    }
  if (error == 0)
    error = count_tables (check, false);
  (void) count (check, check->q->h.snapshots_at, damaged ? 0 : len, 1);
  return error;
}

static int
count_everything (Check *check)
{
  Qcow2 *q = check->q;
  (void) count (check, 0, q->cluster_bytes, 1);
  (void) count (check, q->h.luks_at, q->h.luks_bytes, 1);
  (void) count (check, q->h.reftable_at, q->h.reftable_clusters * q->cluster_bytes, 1);
  for (uint64_t i = 0; i < q->reftable_entries; i++)
    if (q->reftable[i] != 0)
      (void) count (check, q->reftable[i], q->cluster_bytes, 1);
  int error = note_l1 (check, q->h.l1_at, q->h.l1_entries);
  if (error == 0)
    error = count_tables (check, true);
  return error != 0 ? error : count_snapshots (check);
}

/* --- Comparing ------------------------------------------------------------------------------------------------------------ */

/* Where something could not be followed, what looks unused may be what it refers to: then nothing is counted down. */
static int
compare (Check *check)
{
  VtImageCheck *result = check->result;
  bool          incomplete = result->corruptions > 0;
  for (uint64_t cluster = 0; cluster < check->clusters; cluster++)
    {
      uint64_t counted;
      int      error = qcow2_count (check->q, cluster, &counted);
      if (error != 0)
        return error;
      uint64_t found = check->found[cluster];
      if (counted == found)
        continue;
      *(counted < found ? &result->corruptions : &result->leaks) += 1;
      if (!check->repair || (incomplete && counted > found))
        continue;
      if ((error = qcow2_set_count (check->q, cluster, found)) != 0)
        return error;
      *(counted < found ? &result->corruptions_mended : &result->leaks_mended) += 1;
    }
  return 0;
}

/* "Ours alone" is said again only when all is known that refers to something. */
static int
compare_marks (Check *check)
{
  VtImageCheck *result = check->result;
  bool          complete = result->corruptions == result->corruptions_mended;
  Qcow2Marks    marks = { .may_set = check->repair && complete, .may_clear = check->repair };
  int           error = qcow2_mark_all (check->q, &marks);
  result->corruptions += marks.wrong;
  result->corruptions_mended += marks.mended;
  return error;
}

static int
settle (Check *check)
{
  Qcow2 *q = check->q;
  int    error = qcow2_flush_tables (q);
  if (error != 0 || check->result->corruptions > check->result->corruptions_mended)
    return error;
  if ((q->h.incompatible & (QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT)) == 0)
    return 0;
  q->h.incompatible &= ~(uint64_t) (QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT);
  return qcow2_write_header (q);
}

bool
vt_qcow2_check (VtImage *image, bool repair, VtImageCheck *result, GError **error)
{
  Qcow2 *q = (Qcow2 *) image;
  Check  check = { .q = q, .clusters = q->end, .repair = repair && !image->readonly, .result = result };
  *result = (VtImageCheck) { .clusters = qcow2_clusters (q, q->h.size) };
  check.found = q->end <= CLUSTERS_MAX ? g_try_new0 (uint16_t, MAX (q->end, 1)) : NULL;
  check.tables = q->end <= CLUSTERS_MAX ? g_try_new0 (uint16_t, MAX (q->end, 1)) : NULL;
  if (check.found == NULL || check.tables == NULL)
    {
      g_free (check.found);
      g_free (check.tables);
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s” is too large to be checked", image->label);
      return false;
    }
  g_rw_lock_writer_lock (&q->lock);
  int problem = image->readonly ? 0 : qcow2_flush_tables (q);
  if (problem == 0 && (problem = count_everything (&check)) == 0 && (problem = compare (&check)) == 0
      && (problem = compare_marks (&check)) == 0 && check.repair)
    problem = settle (&check);
  g_rw_lock_writer_unlock (&q->lock);
  g_free (check.found);
  g_free (check.tables);
  return problem == 0 || vt_image_fail (error, image->label, "it cannot be checked", problem);
}
