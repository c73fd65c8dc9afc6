/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressed clusters: raw deflate with a window of 4 KiB, or a zstd frame, at any byte of the file; several share a host cluster, which
 * is counted once for each. */
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "qcow2-private.h"

#define WINDOW_BITS 12

/* --- Reading --------------------------------------------------------------------------------------------------------- */

static void
packed_place (const Qcow2 *q, uint64_t entry, uint64_t *at, uint64_t *len)
{
  unsigned offset_bits = 62 - (q->h.cluster_bits - 8);
  uint64_t sectors = (entry & (QCOW2_PACKED - 1)) >> offset_bits;
  *at = entry & ((UINT64_C (1) << offset_bits) - 1);
  *len = (sectors + 1) * 512 - *at % 512;
}

void
qcow2_place (const Qcow2 *q, uint64_t entry, uint64_t *at, uint64_t *len)
{
  *at = entry & QCOW2_OFFSET_MASK;
  *len = *at != 0 ? q->cluster_bytes : 0;
  if ((entry & QCOW2_PACKED) != 0)
    packed_place (q, entry, at, len);
}

static bool
inflate_whole (const uint8_t *from, uint64_t len, uint8_t *to, uint64_t room)
{
  z_stream stream = { .next_in = (Bytef *) from, .avail_in = (uInt) len, .next_out = to, .avail_out = (uInt) room };
  if (inflateInit2 (&stream, -WINDOW_BITS) != Z_OK)
    return false;
  int result = inflate (&stream, Z_FINISH);
  inflateEnd (&stream);
  /* What follows in the last sector may keep it from an end of its own. */
  return stream.avail_out == 0 && (result == Z_STREAM_END || result == Z_BUF_ERROR || result == Z_OK);
}

static bool
decompress_whole (const uint8_t *from, uint64_t len, uint8_t *to, uint64_t room)
{
  ZSTD_inBuffer   in = { from, len, 0 };
  ZSTD_outBuffer  out = { to, room, 0 };
  ZSTD_DCtx      *context = ZSTD_createDCtx ();
  size_t          result = 1;
  while (context != NULL && out.pos < out.size && result != 0)
    {
      size_t before = out.pos + in.pos;
      result = ZSTD_decompressStream (context, &out, &in);
      if (ZSTD_isError (result) || out.pos + in.pos == before)
        break;
    }
  ZSTD_freeDCtx (context);
  return out.pos == room;
}

static int
unpack_cluster (Qcow2 *q, uint64_t entry, uint8_t *to)
{
  uint64_t at, len;
  packed_place (q, entry, &at, &len);
  g_autofree uint8_t *packed = g_malloc (len);
  int error = vt_image_read (q->file, at, packed, len);
  if (error != 0)
    return error;
  bool whole = q->h.compression == 0 ? inflate_whole (packed, len, to, q->cluster_bytes)
                                     : decompress_whole (packed, len, to, q->cluster_bytes);
  return whole ? 0 : EIO;
}

/* For parts of it: the last one that was needed is kept. cache_lock held. */
static int
unpack_kept (Qcow2 *q, uint64_t entry)
{
  if (q->unpacked_at == entry)
    return 0;
  q->unpacked_at = 0;
  if (q->unpacked == NULL)
    q->unpacked = g_malloc (q->cluster_bytes);
  int error = unpack_cluster (q, entry, q->unpacked);
  if (error == 0)
    q->unpacked_at = entry;
  return error;
}

int
qcow2_unpack (Qcow2 *q, uint64_t entry, uint64_t from, uint8_t *to, uint64_t len)
{
  if (from == 0 && len == q->cluster_bytes)
    return unpack_cluster (q, entry, to);
  g_mutex_lock (&q->cache_lock);
  int error = unpack_kept (q, entry);
  if (error == 0)
    memcpy (to, q->unpacked + from, len);
  g_mutex_unlock (&q->cache_lock);
  return error;
}

/* --- Writing --------------------------------------------------------------------------------------------------------- */

/* 0: it does not become smaller than `room`. */
static uint64_t
deflate_whole (const uint8_t *from, uint64_t len, uint8_t *to, uint64_t room)
{
  z_stream stream = { .next_in = (Bytef *) from, .avail_in = (uInt) len, .next_out = to, .avail_out = (uInt) room };
  if (deflateInit2 (&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -WINDOW_BITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    return 0;
  bool whole = deflate (&stream, Z_FINISH) == Z_STREAM_END;
  deflateEnd (&stream);
  return whole ? room - stream.avail_out : 0;
}

static uint64_t
compress_whole (const uint8_t *from, uint64_t len, uint8_t *to, uint64_t room)
{
  size_t n = ZSTD_compress (to, room, from, len, ZSTD_CLEVEL_DEFAULT);
  return ZSTD_isError (n) ? 0 : n;
}

/* One more reference to the cluster that the last compressed one ends in; an error where that cannot be counted. */
static int
share_cluster (Qcow2 *q, uint64_t at)
{
  uint64_t count;
  int      error = qcow2_count (q, at >> q->h.cluster_bits, &count);
  if (error != 0)
    return error;
  return count < qcow2_count_most (q) ? qcow2_set_count (q, at >> q->h.cluster_bits, count + 1) : EFBIG;
}

/* Room for n bytes, fewer than a cluster's: behind the last ones, going over into a new cluster where that follows. */
static int
find_room (Qcow2 *q, uint64_t n, uint64_t *at)
{
  uint64_t left = -q->packed_at & (q->cluster_bytes - 1), fresh;
  int      error = 0;
  *at = q->packed_at;
  if (left < n && (error = qcow2_allocate (q, &fresh)) != 0)
    return error;
  if (left > 0 && (left >= n || fresh == q->packed_at + left))
    error = share_cluster (q, q->packed_at);
  else
    *at = fresh;
  q->packed_at = *at + n;
  return error;
}

static uint64_t
packed_entry (const Qcow2 *q, uint64_t at, uint64_t len)
{
  uint64_t sectors = (at % 512 + len + 511) / 512 - 1;
  return QCOW2_PACKED | sectors << (62 - (q->h.cluster_bits - 8)) | at;
}

static int
put_packed (Qcow2 *q, uint64_t off, const uint8_t *packed, uint64_t len)
{
  Qcow2Mapping m;
  uint64_t     at;
  int          error = q->broken ? EIO : qcow2_find (q, off, &m);
  if (error != 0 || (error = find_room (q, len, &at)) != 0)
    return error;
  if (!qcow2_may_write_data (q, at, len))
    return EIO;
  if ((error = vt_image_write (q->file, at, packed, len)) != 0 || (error = qcow2_set (q, off, packed_entry (q, at, len), 0)) != 0)
    return error;
  qcow2_leave (q, m.entry);
  return qcow2_keep_small (q);
}

int
vt_qcow2_write_packed (VtImage *image, uint64_t off, const uint8_t *cluster)
{
  Qcow2              *q = (Qcow2 *) image;
  g_autofree uint8_t *packed = g_malloc (q->cluster_bytes);
  uint64_t            room = q->cluster_bytes - 1;
  uint64_t            len = q->h.compression == 0 ? deflate_whole (cluster, q->cluster_bytes, packed, room)
                                                  : compress_whole (cluster, q->cluster_bytes, packed, room);
  if (len == 0)
    return vt_image_write (image, off, cluster, MIN (q->cluster_bytes, image->size_bytes - off));
  g_rw_lock_writer_lock (&q->lock);
  int error = put_packed (q, off, packed, len);
  g_rw_lock_writer_unlock (&q->lock);
  return error;
}
