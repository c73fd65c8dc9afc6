/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk in a qcow2 image: reading, writing, zeroing. */
#include <errno.h>

#include "qcow2-private.h"
#include "vitrine/error.h"

#define LEAVING_MOST 65536u

static Qcow2 *
qcow2_of (VtImage *image)
{
  return (Qcow2 *) image;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static int
read_backing (Qcow2 *q, uint64_t off, uint8_t *to, uint64_t len)
{
  uint64_t size = q->backing != NULL ? q->backing->size_bytes : 0;
  uint64_t there = off < size ? MIN (len, size - off) : 0;
  memset (to + there, 0, (size_t) (len - there));
  return there > 0 ? vt_image_read (q->backing, off, to, there) : 0;
}

/* As far as the file's bytes follow each other like the disk's. What comes after that and cannot be found is the next run's error. */
static int
find_run (Qcow2 *q, uint64_t off, uint64_t len, Qcow2Mapping *m)
{
  int error = qcow2_find (q, off, m);
  if (error != 0)
    return error;
  while (m->len < len)
    {
      Qcow2Mapping next;
      if (qcow2_find (q, off + m->len, &next) != 0 || next.kind != m->kind || next.in_place != m->in_place
          || m->kind == VT_EXTENT_PACKED || (m->kind == VT_EXTENT_DATA && next.host != m->host + m->len))
        break;
      m->len += next.len;
    }
  m->len = MIN (m->len, len);
  return 0;
}

static int
read_run (Qcow2 *q, uint64_t off, uint8_t *to, const Qcow2Mapping *m)
{
  switch (m->kind)
    {
    case VT_EXTENT_DATA:
      return vt_image_read (q->data, m->host, to, m->len);
    case VT_EXTENT_PACKED:
      return qcow2_unpack (q, m->entry, off & (q->cluster_bytes - 1), to, m->len);
    case VT_EXTENT_ZERO:
      memset (to, 0, (size_t) m->len);
      return 0;
    case VT_EXTENT_ABSENT:
      return read_backing (q, off, to, m->len);
    }
  return EIO;
}

/* `lock` held either way. */
static int
read_locked (Qcow2 *q, uint64_t off, uint8_t *to, uint64_t len)
{
  int error = 0;
  while (len > 0 && error == 0)
    {
      Qcow2Mapping m;
      error = find_run (q, off, len, &m);
      if (error == 0)
        error = read_run (q, off, to, &m);
      off += m.len;
      to += m.len;
      len -= m.len;
    }
  return error;
}

static int
qcow2_read (VtImage *image, uint64_t off, uint8_t *to, uint64_t len)
{
  Qcow2 *q = qcow2_of (image);
  g_rw_lock_reader_lock (&q->lock);
  int error = read_locked (q, off, to, len);
  g_rw_lock_reader_unlock (&q->lock);
  return error;
}

static int
qcow2_extent (VtImage *image, uint64_t off, uint64_t len, VtExtent *extent)
{
  Qcow2       *q = qcow2_of (image);
  Qcow2Mapping m;
  g_rw_lock_reader_lock (&q->lock);
  int error = find_run (q, off, len, &m);
  g_rw_lock_reader_unlock (&q->lock);
  *extent = (VtExtent) { m.kind, m.len, m.host };
  if (error != 0 || m.kind != VT_EXTENT_ABSENT || q->backing == NULL || off >= q->backing->size_bytes)
    return error;
  /* What the backing image has there. */
  VtExtent below;
  error = q->backing->ops->extent (q->backing, off, MIN (m.len, q->backing->size_bytes - off), &below);
  *extent = (VtExtent) { below.kind, below.len, 0 };
  return error;
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

/* Tables in memory are many: let them go to the file. */
int
qcow2_keep_small (Qcow2 *q)
{
  bool large = q->l2.tables != NULL && g_hash_table_size (q->l2.tables) > q->l2.most;
  int  error = large || q->leaving->len > LEAVING_MOST ? qcow2_flush_tables (q) : 0;
  qcow2_cache_trim (&q->l2, q->l2.most);
  return error;
}

/* A cluster of our own with the old contents and the new bytes in them. */
static int
write_copy (Qcow2 *q, uint64_t off, const uint8_t *from, uint64_t len, uint64_t at)
{
  uint64_t            inside = off & (q->cluster_bytes - 1);
  g_autofree uint8_t *copy = NULL;
  if (len < q->cluster_bytes)
    {
      copy = g_malloc (q->cluster_bytes);
      int error = read_locked (q, off - inside, copy, q->cluster_bytes);
      if (error != 0)
        return error;
      memcpy (copy + inside, from, len);
    }
  return vt_image_write (q->data, at, copy != NULL ? copy : from, q->cluster_bytes);
}

/* Is the cluster ours, though not all of it is there? Then it is filled where it is. */
static bool
may_fill (const Qcow2 *q, const Qcow2Mapping *m)
{
  return (m->entry & QCOW2_COPIED) != 0 && (m->entry & QCOW2_PACKED) == 0 && (m->entry & QCOW2_OFFSET_MASK) != 0;
}

static int
write_allocating (Qcow2 *q, uint64_t off, const uint8_t *from, uint64_t len)
{
  Qcow2Mapping m;
  uint64_t     at;
  int          error = qcow2_find (q, off, &m);
  if (error != 0)
    return error;
  if (m.in_place)     /* somebody was faster */
    return qcow2_may_write_data (q, m.host, len) ? vt_image_write (q->data, m.host, from, len) : EIO;
  bool fill = may_fill (q, &m);
  if (fill)
    at = m.entry & QCOW2_OFFSET_MASK;
  else if ((error = qcow2_allocate (q, &at)) != 0)
    return error;
  if (!qcow2_may_write_data (q, at, q->cluster_bytes))
    return EIO;
  if ((error = write_copy (q, off, from, len, at)) != 0
      || (error = qcow2_set (q, off, at | QCOW2_COPIED, UINT32_MAX)) != 0)
    {
      if (!fill)
        qcow2_give_back (q, at);
      return error;
    }
  if (!fill)
    qcow2_leave (q, m.entry);
  return qcow2_keep_small (q);
}

/* Whole clusters that are not there at all, as many as follow each other; at most `most`. */
static uint64_t
count_absent (Qcow2 *q, uint64_t off, uint64_t most)
{
  uint64_t n = 0;
  for (Qcow2Mapping m; n < most; n++)
    if (qcow2_find (q, off + n * q->cluster_bytes, &m) != 0 || (m.entry & (QCOW2_OFFSET_MASK | QCOW2_PACKED)) != 0)
      break;
  return n;
}

static int
publish_run (Qcow2 *q, uint64_t off, uint64_t n, uint64_t at)
{
  int error = 0;
  for (uint64_t i = 0; i < n && error == 0; i++)
    error = qcow2_set (q, off + i * q->cluster_bytes, (at + i * q->cluster_bytes) | QCOW2_COPIED, UINT32_MAX);
  return error != 0 ? error : qcow2_keep_small (q);
}

static void
give_back_run (Qcow2 *q, uint64_t at, uint64_t n)
{
  for (uint64_t i = 0; i < n; i++)
    qcow2_give_back (q, at + i * q->cluster_bytes);
}

/* Several new clusters at the end of the file. Nothing refers to them while they are written, so nobody has to wait for that; if
 * somebody else was faster meanwhile, they are given back. *done 0: not this way. */
static int
write_new_run (Qcow2 *q, uint64_t off, const uint8_t *from, uint64_t len, uint64_t *done)
{
  uint64_t at = 0, n = off % q->cluster_bytes == 0 ? len / q->cluster_bytes : 0;
  int      error = 0;
  *done = 0;
  if (n < 2)
    return 0;
  g_rw_lock_writer_lock (&q->lock);
  /* Free clusters within the file come first, one by one. */
  n = q->broken || !qcow2_file_is_full (q) ? 0 : count_absent (q, off, n);
  if (n >= 2)
    error = qcow2_allocate_run (q, n, &at);
  g_rw_lock_writer_unlock (&q->lock);
  if (n < 2 || error != 0)
    return error;
  error = vt_image_write (q->data, at, from, n * q->cluster_bytes);
  g_rw_lock_writer_lock (&q->lock);
  if (error != 0 || q->broken || count_absent (q, off, n) < n)
    give_back_run (q, at, n);
  else if ((error = publish_run (q, off, n, at)) == 0)
    *done = n * q->cluster_bytes;
  g_rw_lock_writer_unlock (&q->lock);
  return error;
}

/* What is there already, under the shared lock. *done 0: nothing. */
static int
write_in_place (Qcow2 *q, uint64_t off, const uint8_t *from, uint64_t len, uint64_t *done)
{
  Qcow2Mapping m;
  g_rw_lock_reader_lock (&q->lock);
  int error = q->broken ? EIO : find_run (q, off, len, &m);
  *done = 0;
  if (error == 0 && m.in_place)
    {
      error = qcow2_may_write_data (q, m.host, m.len) ? vt_image_write (q->data, m.host, from, m.len) : EIO;
      *done = m.len;
    }
  g_rw_lock_reader_unlock (&q->lock);
  return error;
}

static int
qcow2_write (VtImage *image, uint64_t off, const uint8_t *from, uint64_t len)
{
  Qcow2 *q = qcow2_of (image);
  int    error = 0;
  while (len > 0 && error == 0)
    {
      uint64_t done;
      error = write_in_place (q, off, from, len, &done);
      if (error == 0 && done == 0)
        error = write_new_run (q, off, from, len, &done);
      if (error == 0 && done == 0)
        {
          done = MIN (len, q->cluster_bytes - (off & (q->cluster_bytes - 1)));
          g_rw_lock_writer_lock (&q->lock);
          error = write_allocating (q, off, from, done);
          g_rw_lock_writer_unlock (&q->lock);
        }
      off += done;
      from += done;
      len -= done;
    }
  return error;
}

/* --- Zeroing ------------------------------------------------------------------------------------------------------ */

/* A whole cluster. Version 2 has no word for zeros that hide a backing image. */
static int
drop_cluster (Qcow2 *q, uint64_t off)
{
  bool         hides = q->h.version >= 3 && q->backing != NULL;
  uint64_t     entry = hides && !q->subclusters ? QCOW2_ZERO : 0;
  uint64_t     bitmap = hides && q->subclusters ? (uint64_t) UINT32_MAX << 32 : 0;
  Qcow2Mapping m;
  int          error = qcow2_find (q, off, &m);
  if (error != 0 || (m.entry == entry && m.bitmap == bitmap))
    return error;
  if ((error = qcow2_set (q, off, entry, bitmap)) == 0)
    qcow2_leave (q, m.entry);
  return error != 0 ? error : qcow2_keep_small (q);
}

static int
write_zeros (VtImage *image, uint64_t off, uint64_t len)
{
  Qcow2       *q = qcow2_of (image);
  Qcow2Mapping m;
  g_rw_lock_reader_lock (&q->lock);
  int error = find_run (q, off, len, &m);
  g_rw_lock_reader_unlock (&q->lock);
  if (error != 0 || (m.len == len && (m.kind == VT_EXTENT_ZERO || (m.kind == VT_EXTENT_ABSENT && q->backing == NULL))))
    return error;
  g_autofree uint8_t *zeros = g_malloc0 (len);
  return qcow2_write (image, off, zeros, len);
}

static int
zero_range (VtImage *image, uint64_t off, uint64_t len, bool parts_too)
{
  Qcow2 *q = qcow2_of (image);
  int    error = q->broken ? EIO : 0;
  while (len > 0 && error == 0)
    {
      uint64_t inside = off & (q->cluster_bytes - 1), n = MIN (len, q->cluster_bytes - inside);
      /* The last cluster of a disk may be cut short by its end. */
      bool whole = inside == 0 && (n == q->cluster_bytes || off + n == image->size_bytes);
      if (whole && (q->h.version >= 3 || q->backing == NULL))
        {
          g_rw_lock_writer_lock (&q->lock);
          error = drop_cluster (q, off);
          g_rw_lock_writer_unlock (&q->lock);
        }
      else if (parts_too)
        error = write_zeros (image, off, n);
      off += n;
      len -= n;
    }
  return error;
}

static int
qcow2_zero (VtImage *image, uint64_t off, uint64_t len)
{
  return zero_range (image, off, len, true);
}

static int
qcow2_discard (VtImage *image, uint64_t off, uint64_t len)
{
  return zero_range (image, off, len, false);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static int
qcow2_flush (VtImage *image)
{
  Qcow2 *q = qcow2_of (image);
  if (image->readonly)
    return 0;
  g_rw_lock_writer_lock (&q->lock);
  int error = q->broken ? EIO : qcow2_flush_tables (q);
  g_rw_lock_writer_unlock (&q->lock);
  return error;
}

void
qcow2_free (Qcow2 *q)
{
  g_clear_pointer (&q->l2.tables, g_hash_table_unref);
  g_clear_pointer (&q->refcounts.tables, g_hash_table_unref);
  g_clear_pointer (&q->metadata, g_hash_table_unref);
  g_clear_pointer (&q->leaving, g_array_unref);
  g_free (q->l1);
  g_free (q->reftable);
  g_free (q->unpacked);
  g_free (q->h.backing);
  g_free (q->h.backing_format);
  g_rw_lock_clear (&q->lock);
  g_mutex_clear (&q->cache_lock);
  vt_image_close (q->backing);
  if (q->data != q->file)
    vt_image_close (q->data);
  vt_image_close (q->file);
  g_free (q);
}

/* Twice: what left at the first is counted as free at the second. */
static void
qcow2_close (VtImage *image)
{
  Qcow2 *q = qcow2_of (image);
  if (!image->readonly && (qcow2_flush (image) != 0 || qcow2_flush (image) != 0))
    g_warning ("“%s”: the last changes could not be written", image->label);
  qcow2_free (q);
}

const VtImageOps qcow2_ops = {
  qcow2_read, qcow2_write, qcow2_zero, qcow2_discard, qcow2_flush, qcow2_extent, qcow2_close, NULL,
};

bool
vt_is_qcow2 (const VtImage *image)
{
  return image->ops == &qcow2_ops;
}
