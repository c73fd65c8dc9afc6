/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All references counted anew, against the counts in the file. */
#include "qcow2-private.h"
#include "vitrine/error.h"

#define CLUSTERS_MAX (UINT64_C (1) << 28)      /* of a file that can be checked: 512 MiB of counts */

typedef struct
{
  Qcow2        *q;
  uint16_t     *found;
  uint64_t      clusters;
  bool          repair;
  VtQcow2Check *result;
} Check;

/* --- Counting ----------------------------------------------------------------------------------------------------------- */

static void
count (Check *check, uint64_t at, uint64_t len)
{
  if (len == 0)
    return;
  uint64_t bits = check->q->h.cluster_bits, first = at >> bits, last = (at + len - 1) >> bits;
  if (at > UINT64_MAX - len || last >= check->clusters)
    {
      check->result->corruptions++;     /* points beyond the file */
      return;
    }
  for (uint64_t cluster = first; cluster <= last; cluster++)
    if (check->found[cluster] < UINT16_MAX)
      check->found[cluster]++;
}

static void
count_entry (Check *check, uint64_t entry, bool active)
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
  count (check, at, len);
  check->result->allocated += active;
}

static int
count_l2 (Check *check, uint64_t at, bool active)
{
  Qcow2              *q = check->q;
  g_autofree uint8_t *bytes = g_malloc (q->cluster_bytes);
  if (at % q->cluster_bytes != 0)
    {
      check->result->corruptions++;
      return 0;
    }
  count (check, at, q->cluster_bytes);
  int error = vt_image_read (q->file, at, bytes, q->cluster_bytes);
  for (uint64_t i = 0; error == 0 && i < q->cluster_bytes; i += qcow2_l2_entry_bytes (q))
    count_entry (check, vt_load_be (bytes + i, 8), active);
  return error;
}

static int
count_l1 (Check *check, uint64_t at, uint64_t entries, bool active)
{
  g_autofree uint64_t *l1 = g_new (uint64_t, MAX (entries, 1));
  count (check, at, entries * 8);
  int error = qcow2_read_entries (check->q, at, entries, l1);
  for (uint64_t i = 0; error == 0 && i < entries; i++)
    if ((l1[i] & QCOW2_OFFSET_MASK) != 0)
      error = count_l2 (check, l1[i] & QCOW2_OFFSET_MASK, active);
  return error;
}

/* Entries of the snapshot table have no fixed length. */
static int
count_snapshots (Check *check)
{
  Qcow2   *q = check->q;
  uint64_t at = q->h.snapshots_at;
  int      error = 0;
  for (uint32_t i = 0; i < q->h.n_snapshots && error == 0; i++)
    {
      uint8_t head[40];
      if ((error = vt_image_read (q->file, at, head, sizeof head)) != 0)
        return error;
      uint64_t l1_at = vt_load_be (head, 8), entries = vt_load_be (head + 8, 4);
      uint64_t len = 40 + vt_load_be (head + 36, 4) + vt_load_be (head + 12, 2) + vt_load_be (head + 14, 2);
      if (entries > QCOW2_L1_BYTES_MAX / 8 || l1_at % q->cluster_bytes != 0 || len > 64 * VT_KIB + 4096)
        {
          check->result->corruptions++;
          return 0;
        }
      error = count_l1 (check, l1_at, entries, false);
      at += (len + 7) / 8 * 8;
    }
  count (check, q->h.snapshots_at, q->h.n_snapshots > 0 ? at - q->h.snapshots_at : 0);
  return error;
}

static int
count_everything (Check *check)
{
  Qcow2 *q = check->q;
  count (check, 0, q->cluster_bytes);
  count (check, q->h.luks_at, q->h.luks_bytes);
  count (check, q->h.reftable_at, q->h.reftable_clusters * q->cluster_bytes);
  for (uint64_t i = 0; i < q->reftable_entries; i++)
    if (q->reftable[i] != 0)
      count (check, q->reftable[i], q->cluster_bytes);
  int error = count_l1 (check, q->h.l1_at, q->h.l1_entries, true);
  return error != 0 ? error : count_snapshots (check);
}

/* --- Comparing ------------------------------------------------------------------------------------------------------------ */

/* Where something could not be followed, what looks unused may be what it refers to: then nothing is counted down. */
static int
compare (Check *check)
{
  VtQcow2Check *result = check->result;
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
vt_qcow2_check (VtImage *image, bool repair, VtQcow2Check *result, GError **error)
{
  Qcow2 *q = (Qcow2 *) image;
  Check  check = { .q = q, .clusters = q->end, .repair = repair && !image->readonly, .result = result };
  *result = (VtQcow2Check) { .clusters = qcow2_clusters (q, q->h.size) };
  if (q->end > CLUSTERS_MAX || (check.found = g_try_new0 (uint16_t, MAX (q->end, 1))) == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s” is too large to be checked", image->label);
      return false;
    }
  g_rw_lock_writer_lock (&q->lock);
  int problem = image->readonly ? 0 : qcow2_flush_tables (q);
  if (problem == 0 && (problem = count_everything (&check)) == 0 && (problem = compare (&check)) == 0 && check.repair)
    problem = settle (&check);
  g_rw_lock_writer_unlock (&q->lock);
  g_free (check.found);
  return problem == 0 || vt_image_fail (error, image->label, "it cannot be checked", problem);
}
