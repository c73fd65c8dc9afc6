/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots inside an image: another L1 that refers to the same clusters, which are counted once more and are from then on nobody's to
 * change. Offline: the image must be idle. In each step counts rise before anything refers to them, and fall when nothing does any
 * more; so a crash leaves room lost, and the disk or snapshot as before or as after. Counts and the marks that go with them cannot change at
 * once, so the image is marked as dirty meanwhile: whoever opens it after a crash counts again. */
#include <errno.h>

#include "qcow2-private.h"
#include "vitrine/error.h"

enum
{
  ENTRY_BYTES  = 40,      /* the fixed part of a snapshot's entry */
  EXTRA_BYTES  = 16,      /* what we write behind it: large size of the machine's state, size of the disk */
  EXTRA_MOST   = 1024,
  TABLE_BYTES_MAX = 64 << 20,
};

static void
snapshot_free (gpointer data)
{
  Qcow2Snapshot *snapshot = data;
  g_free (snapshot->id);
  g_free (snapshot->name);
  g_free (snapshot->bytes);
  g_free (snapshot);
}

/* --- The table ------------------------------------------------------------------------------------------------------ */

static Qcow2Snapshot *
parse_snapshot (const Qcow2 *q, const uint8_t *head, const uint8_t *rest, uint64_t extra, uint64_t id, uint64_t name)
{
  Qcow2Snapshot *snapshot = g_new0 (Qcow2Snapshot, 1);
  snapshot->l1_at = vt_load_be (head, 8);
  snapshot->l1_entries = (uint32_t) vt_load_be (head + 8, 4);
  snapshot->seconds = vt_load_be (head + 16, 4);
  snapshot->disk_bytes = extra >= EXTRA_BYTES ? vt_load_be (rest + 8, 8) : q->h.size;
  snapshot->id = g_strndup ((const char *) rest + extra, id);
  snapshot->name = g_strndup ((const char *) rest + extra + id, name);
  snapshot->len = (ENTRY_BYTES + extra + id + name + 7) / 8 * 8;
  snapshot->bytes = g_malloc0 (snapshot->len);
  memcpy (snapshot->bytes, head, ENTRY_BYTES);
  memcpy (snapshot->bytes + ENTRY_BYTES, rest, extra + id + name);
  return snapshot;
}

static int
read_snapshot (Qcow2 *q, uint64_t at, Qcow2Snapshot **out)
{
  uint8_t head[ENTRY_BYTES];
  int     error = vt_image_read (q->file, at, head, sizeof head);
  if (error != 0)
    return error;
  uint64_t extra = vt_load_be (head + 36, 4), id = vt_load_be (head + 12, 2), name = vt_load_be (head + 14, 2);
  if (extra > EXTRA_MOST || vt_load_be (head + 8, 4) > QCOW2_L1_BYTES_MAX / 8 || vt_load_be (head, 8) % q->cluster_bytes != 0)
    return EUCLEAN;
  g_autofree uint8_t *rest = g_malloc (extra + id + name + 1);
  if ((error = vt_image_read (q->file, at + ENTRY_BYTES, rest, extra + id + name)) != 0)
    return error;
  *out = parse_snapshot (q, head, rest, extra, id, name);
  return 0;
}

GPtrArray *
qcow2_read_snapshots (Qcow2 *q, uint64_t *table_bytes, int *error)
{
  GPtrArray *snapshots = g_ptr_array_new_with_free_func (snapshot_free);
  bool       possible = q->h.snapshots_at % q->cluster_bytes == 0 && q->h.snapshots_at <= UINT64_MAX / 2;
  *table_bytes = 0;
  *error = q->h.n_snapshots == 0 || possible ? 0 : EUCLEAN;
  for (uint32_t i = 0; i < q->h.n_snapshots && *error == 0; i++)
    {
      Qcow2Snapshot *snapshot;
      if ((*error = read_snapshot (q, q->h.snapshots_at + *table_bytes, &snapshot)) != 0)
        break;
      g_ptr_array_add (snapshots, snapshot);
      *table_bytes += snapshot->len;
      if (*table_bytes > TABLE_BYTES_MAX)
        *error = EUCLEAN;
    }
  return snapshots;
}

static GPtrArray *
read_snapshots (Qcow2 *q, int *error)
{
  uint64_t len;
  return qcow2_read_snapshots (q, &len, error);
}

static uint64_t
table_bytes (const GPtrArray *snapshots)
{
  uint64_t len = 0;
  for (guint i = 0; i < snapshots->len; i++)
    len += ((Qcow2Snapshot *) snapshots->pdata[i])->len;
  return len;
}

/* A run of clusters of its own. */
typedef struct
{
  uint64_t at, n;
} Run;

static void
give_back (Qcow2 *q, Run run)
{
  for (uint64_t i = 0; i < run.n; i++)
    qcow2_give_back (q, run.at + i * q->cluster_bytes);
}

/* Writes what nobody refers to yet, in whole clusters. An empty one takes no room. */
static int
store (Qcow2 *q, const uint8_t *bytes, uint64_t len, Run *run)
{
  uint64_t n = qcow2_clusters (q, len);
  *run = (Run) { 0, n };
  if (n == 0)
    return 0;
  g_autofree uint8_t *padded = g_malloc0 (n * q->cluster_bytes);
  memcpy (padded, bytes, len);
  int error = qcow2_allocate_run (q, n, &run->at);
  if (error == 0)
    {
      if ((error = vt_image_write (q->file, run->at, padded, n * q->cluster_bytes)) == 0)
        return 0;
      give_back (q, *run);
    }
  *run = (Run) { 0 };
  return error;
}

/* A new table of snapshots, so far nobody's. */
static int
store_snapshots (Qcow2 *q, const GPtrArray *snapshots, Run *run)
{
  uint64_t len = table_bytes (snapshots), used = 0;
  *run = (Run) { 0 };
  if (len > TABLE_BYTES_MAX)
    return EFBIG;
  g_autofree uint8_t *bytes = g_malloc (MAX (len, 1));
  for (guint i = 0; i < snapshots->len; i++)
    {
      const Qcow2Snapshot *snapshot = snapshots->pdata[i];
      memcpy (bytes + used, snapshot->bytes, snapshot->len);
      used += snapshot->len;
    }
  return store (q, bytes, len, run);
}

/* From here on the header names the new table, of n; everything else is safe. What the old one took is free after the next flush. After
 * an error nobody knows which of them the file's header names: both are right, and both stay counted. */
static int
publish_snapshots (Qcow2 *q, Run table, uint32_t n, Run old)
{
  uint32_t old_n = q->h.n_snapshots;
  uint64_t old_at = q->h.snapshots_at;
  int      error;
  q->h.snapshots_at = table.at;
  q->h.n_snapshots = n;
  if ((error = qcow2_write_header (q)) != 0 || (error = vt_image_flush (q->file)) != 0)
    {
      q->h.snapshots_at = old_at;
      q->h.n_snapshots = old_n;
      return error;
    }
  for (uint64_t i = 0; i < old.n; i++)
    qcow2_leave (q, old.at + i * q->cluster_bytes);
  return 0;
}

static Run
old_table (const Qcow2 *q, const GPtrArray *snapshots)
{
  return (Run) { q->h.snapshots_at, qcow2_clusters (q, table_bytes (snapshots)) };
}

static Qcow2Snapshot *
find (GPtrArray *snapshots, const char *name)
{
  for (guint i = 0; i < snapshots->len; i++)
    {
      Qcow2Snapshot *snapshot = snapshots->pdata[i];
      if (strcmp (snapshot->name, name) == 0 || strcmp (snapshot->id, name) == 0)
        return snapshot;
    }
  return NULL;
}

/* --- Counts ------------------------------------------------------------------------------------------------------------ */

typedef enum
{
  RISE,
  FALL,       /* as of the next flush */
  FALL_BACK,  /* at once: after a rise that nothing came to rely on */
} Change;

/* A walk over what an L1 refers to, always in the same order. */
typedef struct
{
  Qcow2   *q;
  Change   change;
  uint64_t done, most;    /* clusters */
} Recount;

static int
recount_cluster (Recount *r, uint64_t cluster)
{
  uint64_t count;
  int      error = qcow2_count (r->q, cluster, &count);
  if (error != 0)
    return error;
  if (r->change == RISE && count >= qcow2_count_most (r->q))
    return EFBIG;
  if (r->change == FALL)
    qcow2_leave (r->q, cluster << r->q->h.cluster_bits);
  else
    error = qcow2_set_count (r->q, cluster, r->change == RISE ? count + 1 : count - MIN (count, 1));
  r->done += error == 0;
  return error;
}

static int
recount (Recount *r, uint64_t at, uint64_t len)
{
  int error = 0;
  for (uint64_t bits = r->q->h.cluster_bits, cluster = at >> bits; error == 0 && cluster <= (at + len - 1) >> bits; cluster++)
    if (r->done < r->most)
      error = recount_cluster (r, cluster);
  return error;
}

static int
recount_entry (Recount *r, uint64_t entry)
{
  uint64_t at, len;
  qcow2_place (r->q, entry, &at, &len);
  return len == 0 ? 0 : recount (r, at, len);
}

/* All of it, or as far as most; r->done tells how far, also after an error. */
static int
recount_all (Recount *r, const uint64_t *l1, uint32_t n)
{
  Qcow2              *q = r->q;
  g_autofree uint8_t *copy = g_malloc (q->cluster_bytes);
  for (uint32_t i = 0; i < n && r->done < r->most; i++)
    {
      uint64_t    at = l1[i] & QCOW2_OFFSET_MASK;
      Qcow2Table *table;
      int         error = at != 0 ? qcow2_table (q, &q->l2, at, &table) : 0;
      if (at == 0)
        continue;
      if (error != 0)
        return error;
      memcpy (copy, table->bytes, q->cluster_bytes);
      for (uint64_t off = 0; off < q->cluster_bytes && error == 0; off += qcow2_l2_entry_bytes (q))
        error = recount_entry (r, vt_load_be (copy + off, 8));
      if (error != 0 || (error = recount (r, at, q->cluster_bytes)) != 0)
        return error;
      /* Many tables: they need not all stay. */
      if (r->change == FALL && q->leaving->len > 65536 && (error = qcow2_flush_tables (q)) != 0)
        return error;
    }
  return 0;
}

static int
raise_all (Qcow2 *q, const uint64_t *l1, uint32_t n, uint64_t *raised)
{
  Recount up = { q, RISE, 0, UINT64_MAX };
  int     error = recount_all (&up, l1, n);
  *raised = up.done;
  return error;
}

/* As far as they were raised. Where a table cannot be read again, room is lost. */
static void
lower_again (Qcow2 *q, const uint64_t *l1, uint32_t n, uint64_t raised)
{
  Recount down = { q, FALL_BACK, 0, raised };
  (void) recount_all (&down, l1, n);
}

/* The counts have changed under the disk's marks. */
static int
mark_all (Qcow2 *q)
{
  Qcow2Marks marks = { .may_set = true, .may_clear = true };
  int        error = qcow2_mark_all (q, &marks);
  return error != 0 ? error : qcow2_flush_tables (q);
}

/* Until nothing waits to be freed. */
static int
settle (Qcow2 *q)
{
  int error = qcow2_flush_tables (q);
  return error != 0 ? error : qcow2_flush_tables (q);
}

/* --- Taking ------------------------------------------------------------------------------------------------------------ */

static Qcow2Snapshot *
make_snapshot (Qcow2 *q, GPtrArray *others, const char *name, uint64_t l1_at)
{
  unsigned  id = 1;
  Qcow2Snapshot *snapshot = g_new0 (Qcow2Snapshot, 1);
  for (guint i = 0; i < others->len; i++)
    id = MAX (id, (unsigned) g_ascii_strtoull (((Qcow2Snapshot *) others->pdata[i])->id, NULL, 10) + 1);
  snapshot->id = g_strdup_printf ("%u", id);
  snapshot->name = g_strdup (name);
  size_t id_len = strlen (snapshot->id), name_len = strlen (name);
  snapshot->len = (ENTRY_BYTES + EXTRA_BYTES + id_len + name_len + 7) / 8 * 8;
  uint8_t *bytes = snapshot->bytes = g_malloc0 (snapshot->len);
  gint64   now = g_get_real_time ();
  vt_store_be (bytes, l1_at, 8);
  vt_store_be (bytes + 8, q->h.l1_entries, 4);
  vt_store_be (bytes + 12, id_len, 2);
  vt_store_be (bytes + 14, name_len, 2);
  vt_store_be (bytes + 16, (uint64_t) (now / G_USEC_PER_SEC), 4);
  vt_store_be (bytes + 20, (uint64_t) (now % G_USEC_PER_SEC) * 1000, 4);
  vt_store_be (bytes + 36, EXTRA_BYTES, 4);
  vt_store_be (bytes + ENTRY_BYTES + 8, q->h.size, 8);
  memcpy (bytes + ENTRY_BYTES + EXTRA_BYTES, snapshot->id, id_len);
  memcpy (bytes + ENTRY_BYTES + EXTRA_BYTES + id_len, name, name_len);
  return snapshot;
}

static int
copy_l1 (Qcow2 *q, Run *run)
{
  uint64_t             n = q->h.l1_entries;
  g_autofree uint64_t *l1 = g_new0 (uint64_t, MAX (n, 1));
  for (uint64_t i = 0; i < n; i++)
    l1[i] = GUINT64_TO_BE (q->l1[i] & ~QCOW2_COPIED);
  return store (q, (uint8_t *) l1, MAX (n * 8, 1), run);
}

/* Nothing refers to the snapshot before the header does: until then there is a way back. */
static int
take (Qcow2 *q, GPtrArray *snapshots, const char *name)
{
  Run      l1, table = { 0 }, old = old_table (q, snapshots);
  uint64_t raised = 0;
  int      error = settle (q);
  if (error != 0 || (error = copy_l1 (q, &l1)) != 0)
    return error;
  g_ptr_array_add (snapshots, make_snapshot (q, snapshots, name, l1.at));
  if ((error = store_snapshots (q, snapshots, &table)) != 0 || (error = raise_all (q, q->l1, q->h.l1_entries, &raised)) != 0
      || (error = mark_all (q)) != 0)
    {
      lower_again (q, q->l1, q->h.l1_entries, raised);
      give_back (q, table);
      give_back (q, l1);
      (void) mark_all (q);
      return error;
    }
  error = publish_snapshots (q, table, snapshots->len, old);
  return error != 0 ? error : settle (q);
}

/* --- Going back, and forgetting --------------------------------------------------------------------------------------------- */

static int
load_l1 (Qcow2 *q, const Qcow2Snapshot *snapshot, uint64_t **l1)
{
  *l1 = g_new0 (uint64_t, MAX (MAX (snapshot->l1_entries, q->h.l1_entries), 1));
  int error = qcow2_read_entries (q, snapshot->l1_at, snapshot->l1_entries, *l1);
  for (uint32_t i = 0; i < snapshot->l1_entries; i++)
    (*l1)[i] &= QCOW2_OFFSET_MASK;
  return error;
}

static int
go_back (Qcow2 *q, const Qcow2Snapshot *snapshot)
{
  g_autofree uint64_t *l1 = NULL;
  g_autofree uint64_t *old = g_memdup2 (q->l1, q->h.l1_entries * sizeof (uint64_t));
  Recount              fall = { q, FALL, 0, UINT64_MAX };
  uint64_t             raised;
  int                  error = load_l1 (q, snapshot, &l1);
  if (error != 0 || (error = settle (q)) != 0)
    return error;
  if ((error = raise_all (q, l1, snapshot->l1_entries, &raised)) != 0)
    {
      lower_again (q, l1, snapshot->l1_entries, raised);
      return error;
    }
  memcpy (q->l1, l1, q->h.l1_entries * sizeof (uint64_t));
  for (uint32_t i = 0; i < q->h.l1_entries; i++)
    if (q->l1[i] != 0)
      g_hash_table_add (q->metadata, GSIZE_TO_POINTER (q->l1[i] >> q->h.cluster_bits));
  q->l1_dirty = true;
  if ((error = qcow2_flush_tables (q)) != 0 || (error = recount_all (&fall, old, q->h.l1_entries)) != 0
      || (error = settle (q)) != 0)
    return error;
  return mark_all (q);
}

static int
forget (Qcow2 *q, GPtrArray *snapshots, Qcow2Snapshot *snapshot)
{
  g_autofree uint64_t *l1 = NULL;
  Recount              fall = { q, FALL, 0, UINT64_MAX };
  Run                  table, old = old_table (q, snapshots);
  uint64_t             l1_at = snapshot->l1_at;
  uint32_t             n = snapshot->l1_entries;
  int                  error = load_l1 (q, snapshot, &l1);
  if (error != 0 || (error = settle (q)) != 0)
    return error;
  g_ptr_array_remove (snapshots, snapshot);
  if ((error = store_snapshots (q, snapshots, &table)) != 0)
    return error;
  if ((error = qcow2_flush_tables (q)) != 0)
    {
      give_back (q, table);
      return error;
    }
  if ((error = publish_snapshots (q, table, snapshots->len, old)) != 0 || (error = recount_all (&fall, l1, n)) != 0
      || (error = recount (&fall, l1_at, MAX (n * UINT64_C (8), 1))) != 0 || (error = settle (q)) != 0)
    return error;
  return mark_all (q);
}

/* --- For others ----------------------------------------------------------------------------------------------------------- */

/* Safe, before and after. Version 2 has no such mark. */
static int
mark_dirty (Qcow2 *q, bool dirty)
{
  int error = 0;
  if (q->h.version < 3)
    return 0;
  if (!dirty && (error = vt_image_flush (q->file)) != 0)
    return error;
  q->h.incompatible = (q->h.incompatible & ~(uint64_t) QCOW2_INCOMPATIBLE_DIRTY) | (dirty ? QCOW2_INCOMPATIBLE_DIRTY : 0);
  error = qcow2_write_header (q);
  return error == 0 && dirty ? vt_image_flush (q->file) : error;
}

/* After an error it stays dirty. */
static int
act (Qcow2 *q, VtImageSnapshotVerb verb, GPtrArray *snapshots, Qcow2Snapshot *snapshot, const char *name)
{
  int error = mark_dirty (q, true);
  if (error != 0)
    return error;
  error = verb == VT_IMAGE_TAKE_SNAPSHOT ? take (q, snapshots, name)
          : verb == VT_IMAGE_GO_BACK ? go_back (q, snapshot) : forget (q, snapshots, snapshot);
  return error == 0 ? mark_dirty (q, false) : error;
}

static bool
complain (Qcow2 *q, const char *name, const char *what, GError **error)
{
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s”: snapshot “%s” %s", q->image.label, name, what);
  return false;
}

bool
vt_qcow2_snapshot (VtImage *image, VtImageSnapshotVerb verb, const char *name, GError **error)
{
  Qcow2 *q = (Qcow2 *) image;
  int    problem;
  g_autoptr (GPtrArray) snapshots = read_snapshots (q, &problem);
  Qcow2Snapshot        *snapshot = find (snapshots, name);
  if (problem != 0)
    return vt_image_fail (error, image->label, "its snapshots cannot be read", problem);
  if (verb == VT_IMAGE_TAKE_SNAPSHOT && (snapshot != NULL || *name == 0 || strlen (name) > 255))
    return complain (q, name, snapshot != NULL ? "is there already: choose another name" : "needs a name of up to 255 bytes", error);
  if (verb == VT_IMAGE_TAKE_SNAPSHOT && snapshots->len >= QCOW2_SNAPSHOTS_MAX)
    return complain (q, name, "would be one too many", error);
  if (verb != VT_IMAGE_TAKE_SNAPSHOT && snapshot == NULL)
    return complain (q, name, "does not exist", error);
  if (verb == VT_IMAGE_GO_BACK && (snapshot->disk_bytes != q->h.size || snapshot->l1_entries > q->h.l1_entries))
    return complain (q, name, "is of a disk of another size, which is not supported", error);
  g_rw_lock_writer_lock (&q->lock);
  problem = act (q, verb, snapshots, snapshot, name);
  g_rw_lock_writer_unlock (&q->lock);
  return problem == 0 || vt_image_fail (error, image->label, "the snapshot could not be taken, gone back to or deleted", problem);
}

bool
vt_qcow2_list_snapshots (VtImage *image, void (*one) (void *opaque, const char *id, const char *name, int64_t seconds),
                         void *opaque, GError **error)
{
  int problem;
  g_autoptr (GPtrArray) snapshots = read_snapshots ((Qcow2 *) image, &problem);
  for (guint i = 0; problem == 0 && i < snapshots->len; i++)
    {
      const Qcow2Snapshot *snapshot = snapshots->pdata[i];
      one (opaque, snapshot->id, snapshot->name, (int64_t) snapshot->seconds);
    }
  return problem == 0 || vt_image_fail (error, image->label, "its snapshots cannot be read", problem);
}

bool
vt_qcow2_has_snapshot (VtImage *image, const char *name, bool *has, GError **error)
{
  int problem;
  g_autoptr (GPtrArray) snapshots = read_snapshots ((Qcow2 *) image, &problem);
  *has = problem == 0 && find (snapshots, name) != NULL;
  return problem == 0 || vt_image_fail (error, image->label, "its snapshots cannot be read", problem);
}
