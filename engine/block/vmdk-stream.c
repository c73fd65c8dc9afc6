/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmdk-stream.h"

#include <errno.h>
#include <zlib.h>

#include "vmdk.h"

enum
{
  GRAIN_SECTORS = 128, GRAIN_BYTES = GRAIN_SECTORS * 512,
  DESCRIPTOR_SECTORS = 20,
  OVERHEAD_SECTORS = 128,          /* grains begin here */
  TABLES_MAX = 1 << 21,            /* of 32 MiB each: a disk of 64 TiB. The directory is in memory until the end */
  FLAGS = VMDK_FLAG_NEWLINES | VMDK_FLAG_PACKED | VMDK_FLAG_MARKERS,
};

struct VtVmdkStream
{
  VtImage  *file;
  uint64_t  size_bytes;
  GMutex    lock;
  GCond     turn;
  uint64_t  next;          /* the piece that is written next */
  bool      given_up;
  uint64_t  at;            /* bytes of the file so far: whole sectors */
  uint8_t  *directory;     /* 32-bit sectors of tables */
  uint64_t  tables;
  uint8_t   table[VMDK_TABLE_ENTRIES * 4];
  uint64_t  table_number;
  bool      table_used;
};

/* --- Pieces of the file -------------------------------------------------------------------------------------------------- */

static int
append (VtVmdkStream *s, const void *bytes, uint64_t len)
{
  static const uint8_t zeros[512];
  uint64_t             rest = -len & 511;
  int                  error = vt_image_write (s->file, s->at, bytes, len);
  if (error == 0 && rest > 0)
    error = vt_image_write (s->file, s->at + len, zeros, rest);
  s->at += len + rest;
  /* Places are 32-bit sectors. */
  return error != 0 ? error : s->at / 512 > UINT32_MAX ? EFBIG : 0;
}

static int
append_marker (VtVmdkStream *s, uint64_t sectors, unsigned kind)
{
  uint8_t marker[512] = { 0 };
  vt_store_le (marker, sectors, 8);
  vt_store_le (marker + VMDK_GRAIN_HEAD_BYTES, kind, 4);
  return append (s, marker, sizeof marker);
}

static int
end_table (VtVmdkStream *s)
{
  if (!s->table_used)
    return 0;
  int error = append_marker (s, sizeof s->table / 512, VMDK_MARK_TABLE);
  vt_store_le (s->directory + s->table_number * 4, s->at / 512, 4);
  s->table_used = false;
  return error != 0 ? error : append (s, s->table, sizeof s->table);
}

static int
append_grain (VtVmdkStream *s, uint64_t grain, const uint8_t *packed, uint64_t len)
{
  uint64_t table = grain / VMDK_TABLE_ENTRIES;
  int      error = table != s->table_number ? end_table (s) : 0;
  if (error != 0)
    return error;
  if (!s->table_used)
    memset (s->table, 0, sizeof s->table);
  s->table_number = table;
  s->table_used = true;
  vt_store_le (s->table + grain % VMDK_TABLE_ENTRIES * 4, s->at / 512, 4);
  return append (s, packed, len);
}

/* --- Grains ---------------------------------------------------------------------------------------------------------------- */

/* The packed grains of a piece, before it is its turn. */
typedef struct
{
  uint8_t *bytes;
  uint64_t room;           /* of each grain */
  uint64_t len[VT_VMDK_PIECE_BYTES / GRAIN_BYTES];      /* 0: only zeros */
} Packed;

static int
pack (const uint8_t *bytes, uint64_t off, uint64_t grains, Packed *packed)
{
  packed->room = VMDK_GRAIN_HEAD_BYTES + compressBound (GRAIN_BYTES);
  packed->bytes = g_malloc (grains * packed->room);
  for (uint64_t i = 0; i < grains; i++)
    {
      uint8_t *to = packed->bytes + i * packed->room;
      uLongf   len = compressBound (GRAIN_BYTES);
      packed->len[i] = 0;
      if (vt_all_zero (bytes + i * GRAIN_BYTES, GRAIN_BYTES))
        continue;
      if (compress2 (to + VMDK_GRAIN_HEAD_BYTES, &len, bytes + i * GRAIN_BYTES, GRAIN_BYTES, Z_DEFAULT_COMPRESSION) != Z_OK)
        return ENOMEM;
      vt_store_le (to, off / 512 + i * GRAIN_SECTORS, 8);
      vt_store_le (to + 8, len, 4);
      packed->len[i] = VMDK_GRAIN_HEAD_BYTES + len;
    }
  return 0;
}

static int
write_piece (VtVmdkStream *s, uint64_t off, uint64_t grains, const Packed *packed)
{
  int error = 0;
  g_mutex_lock (&s->lock);
  while (s->next != off && !s->given_up)
    g_cond_wait (&s->turn, &s->lock);
  if (s->given_up)
    error = ECANCELED;
  for (uint64_t i = 0; i < grains && error == 0; i++)
    if (packed->len[i] > 0)
      error = append_grain (s, off / GRAIN_BYTES + i, packed->bytes + i * packed->room, packed->len[i]);
  s->next = off + VT_VMDK_PIECE_BYTES;
  g_cond_broadcast (&s->turn);
  g_mutex_unlock (&s->lock);
  return error;
}

int
vt_vmdk_stream_add (VtVmdkStream *s, uint64_t off, const uint8_t *bytes, uint64_t len)
{
  Packed   packed = { 0 };
  uint64_t grains = bytes != NULL ? (len + GRAIN_BYTES - 1) / GRAIN_BYTES : 0;
  int      error = grains > 0 ? pack (bytes, off, grains, &packed) : 0;
  if (error == 0)
    error = write_piece (s, off, grains, &packed);
  g_free (packed.bytes);
  return error;
}

void
vt_vmdk_stream_give_up (VtVmdkStream *s)
{
  g_mutex_lock (&s->lock);
  s->given_up = true;
  g_cond_broadcast (&s->turn);
  g_mutex_unlock (&s->lock);
}

/* --- Beginning and end ------------------------------------------------------------------------------------------------------ */

static void
fill_header (const VtVmdkStream *s, uint8_t header[VMDK_HEADER_BYTES], uint64_t directory_sector)
{
  memset (header, 0, VMDK_HEADER_BYTES);
  vt_store_le (header, VMDK_MAGIC, 4);
  vt_store_le (header + VMDK_VERSION_AT, 3, 4);
  vt_store_le (header + VMDK_FLAGS_AT, FLAGS, 4);
  vt_store_le (header + VMDK_CAPACITY_AT, s->size_bytes / 512, 8);
  vt_store_le (header + VMDK_GRAIN_AT, GRAIN_SECTORS, 8);
  vt_store_le (header + VMDK_DESCRIPTOR_AT, 1, 8);
  vt_store_le (header + VMDK_DESCRIPTOR_SECTORS_AT, DESCRIPTOR_SECTORS, 8);
  vt_store_le (header + VMDK_TABLE_ENTRIES_AT, VMDK_TABLE_ENTRIES, 4);
  vt_store_le (header + VMDK_DIRECTORY_AT, directory_sector, 8);
  vt_store_le (header + VMDK_OVERHEAD_AT, OVERHEAD_SECTORS, 8);
  memcpy (header + VMDK_NEWLINES_AT, "\n \r\n", 4);
  vt_store_le (header + VMDK_METHOD_AT, VMDK_METHOD_DEFLATE, 2);
}

/* A geometry that programs expect; nobody boots by it any more. */
static char *
descriptor (const VtVmdkStream *s)
{
  uint64_t         sectors = s->size_bytes / 512;
  g_autofree char *name = g_path_get_basename (s->file->label);
  return g_strdup_printf ("# Disk DescriptorFile\nversion=1\nCID=%08x\nparentCID=ffffffff\ncreateType=\"streamOptimized\"\n\n"
                          "# Extent description\nRW %" G_GUINT64_FORMAT " SPARSE \"%s\"\n\n# The Disk Data Base\n#DDB\n\n"
                          "ddb.virtualHWVersion = \"4\"\nddb.geometry.cylinders = \"%" G_GUINT64_FORMAT "\"\nddb.geometry.heads = \"255\"\n"
                          "ddb.geometry.sectors = \"63\"\nddb.adapterType = \"lsilogic\"\n",
                          g_random_int_range (1, G_MAXINT32), sectors, name, MIN (sectors / (255 * 63), 65535));
}

static int
begin (VtVmdkStream *s)
{
  uint8_t          header[VMDK_HEADER_BYTES], overhead[OVERHEAD_SECTORS * 512 - VMDK_HEADER_BYTES] = { 0 };
  g_autofree char *text = descriptor (s);
  fill_header (s, header, VMDK_AT_END);
  memcpy (overhead, text, MIN (strlen (text), DESCRIPTOR_SECTORS * 512));
  int error = append (s, header, sizeof header);
  return error != 0 ? error : append (s, overhead, sizeof overhead);
}

int
vt_vmdk_stream_end (VtVmdkStream *s)
{
  uint8_t  footer[VMDK_HEADER_BYTES], last[512] = { 0 };
  uint64_t bytes = (s->tables * 4 + 511) / 512 * 512;
  int      error = end_table (s);
  if (error != 0 || (error = append_marker (s, bytes / 512, VMDK_MARK_DIRECTORY)) != 0)
    return error;
  fill_header (s, footer, s->at / 512);
  if ((error = append (s, s->directory, bytes)) != 0 || (error = append_marker (s, 1, VMDK_MARK_FOOTER)) != 0
      || (error = append (s, footer, sizeof footer)) != 0)
    return error;
  return append (s, last, sizeof last);
}

int
vt_vmdk_stream_new (VtImage *file, uint64_t size_bytes, VtVmdkStream **stream)
{
  uint64_t covered = (uint64_t) VMDK_TABLE_ENTRIES * GRAIN_BYTES, tables = size_bytes / covered + (size_bytes % covered != 0);
  *stream = NULL;
  if (tables > TABLES_MAX)
    return EFBIG;
  VtVmdkStream *s = g_new0 (VtVmdkStream, 1);
  s->file = file;
  s->size_bytes = size_bytes;
  s->tables = tables;
  s->directory = g_malloc0 ((s->tables * 4 + 511) / 512 * 512);
  g_mutex_init (&s->lock);
  g_cond_init (&s->turn);
  *stream = s;
  return begin (s);
}

void
vt_vmdk_stream_free (VtVmdkStream *s)
{
  if (s == NULL)
    return;
  g_mutex_clear (&s->lock);
  g_cond_clear (&s->turn);
  g_free (s->directory);
  g_free (s);
}
