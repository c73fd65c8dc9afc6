/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hyper-V's images (Microsoft, [MS-VHDX], version 8): two headers, of which the newer counts; a table of regions; metadata; a table of
 * blocks. Little-endian. What was not finished is in a log, which everything but the headers is read through. */
#include <errno.h>

#include "import.h"
#include "vhdx.h"

enum
{
  HEADER_1_AT = 64 << 10, HEADER_2_AT = 128 << 10, HEADER_BYTES = 4096,
  SEQUENCE_AT = 8, VERSION_AT = 66,
  REGIONS_1_AT = 192 << 10, REGIONS_2_AT = 256 << 10, REGIONS_BYTES = 64 << 10, REGIONS_MOST = 2047,
  METADATA_BYTES = 64 << 10, METADATA_MOST = 2047,
  BLOCK_STATE = 7, BLOCK_ZERO = 2, BLOCK_PRESENT = 6, BLOCK_PARTLY = 7,
  HAS_PARENT = 1 << 1,
};
#define BLOCK_OFFSET       UINT64_C (0xfffffffffff00000)
#define SECTORS_PER_BITMAP (UINT64_C (1) << 23)

/* As they are in the file. */
typedef struct { uint8_t bytes[16]; } Guid;
static const Guid guid_bat = { { 0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08 } };
static const Guid guid_metadata = { { 0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e } };
static const Guid guid_parameters = { { 0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b } };
static const Guid guid_disk_bytes = { { 0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8 } };
static const Guid guid_sector_bytes = { { 0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f } };

typedef struct
{
  VtImport import;
  uint64_t bat_at, bat_bytes, metadata_at;
  uint64_t block_bytes, sector_bytes, chunk;    /* chunk: blocks between two entries for bitmaps */
} Vhdx;

/* --- Where a byte is ---------------------------------------------------------------------------------------------------- */

static int
vhdx_find (VtImport *import, uint64_t off, VtExtent *extent)
{
  const Vhdx *vhdx = (Vhdx *) import;
  uint64_t    block = off / vhdx->block_bytes, inside = off % vhdx->block_bytes;
  uint8_t     bytes[8];
  int         error = vt_image_read (import->file, vhdx->bat_at + (block + block / vhdx->chunk) * 8, bytes, sizeof bytes);
  uint64_t    entry = vt_load_le (bytes, 8);
  unsigned    state = entry & BLOCK_STATE;
  *extent = (VtExtent) { state == BLOCK_PRESENT ? VT_EXTENT_DATA : state == BLOCK_ZERO ? VT_EXTENT_ZERO : VT_EXTENT_ABSENT,
                         vhdx->block_bytes - inside, (entry & BLOCK_OFFSET) + inside };
  return state == BLOCK_PARTLY ? EIO : error;
}

static const VtImportOps vhdx_ops = { .find = vhdx_find };

/* --- Header ------------------------------------------------------------------------------------------------------------- */

static bool
sum_is_right (const uint8_t *bytes, size_t len)
{
  return vt_vhdx_sum_of (bytes, len) == vt_load_le (bytes + 4, 4);
}

/* Of two copies the good one with the higher number (regions have none). */
static bool
read_newer (Vhdx *vhdx, const char *signature, uint64_t first_at, uint64_t second_at, uint8_t *bytes, size_t len, size_t number_at)
{
  g_autofree uint8_t *other = g_malloc (len);
  bool                found = vt_import_read (&vhdx->import, first_at, bytes, len, NULL) && memcmp (bytes, signature, 4) == 0
               && sum_is_right (bytes, len);
  bool                found_other = vt_import_read (&vhdx->import, second_at, other, len, NULL) && memcmp (other, signature, 4) == 0
                     && sum_is_right (other, len);
  if (found_other && (!found || (number_at != 0 && vt_load_le (other + number_at, 8) > vt_load_le (bytes + number_at, 8))))
    memcpy (bytes, other, len);
  return found || found_other;
}

/* Changes that are only in the log come over the file. */
static const char *
replay_log (Vhdx *vhdx, const uint8_t *header)
{
  VtImage    *over;
  const char *problem = vt_vhdx_replay (vhdx->import.file, header, &over);
  if (over != NULL)
    vhdx->import.file = over;
  return problem;
}

/* --- Regions and metadata ------------------------------------------------------------------------------------------------ */

static const char *
explain_regions (Vhdx *vhdx, const uint8_t *table)
{
  unsigned n = (unsigned) MIN (vt_load_le (table + 8, 4), REGIONS_MOST);
  for (unsigned i = 0; i < n; i++)
    {
      const uint8_t *entry = table + 16 + 32 * i;
      uint64_t       at = vt_load_le (entry + 16, 8), len = vt_load_le (entry + 24, 4);
      if (!vt_fits (at, len, vhdx->import.file->file_bytes))
        return "a part of it is outside of the file, which may have been cut short";
      if (memcmp (entry, &guid_bat, sizeof guid_bat) == 0)
        {
          vhdx->bat_at = at;
          vhdx->bat_bytes = len;
        }
      else if (memcmp (entry, &guid_metadata, sizeof guid_metadata) == 0 && len >= METADATA_BYTES)
        vhdx->metadata_at = at;
      else if ((entry[28] & 1) != 0)
        return "it has parts that are required and not known";
    }
  return vhdx->bat_at != 0 && vhdx->metadata_at != 0 ? NULL : "its tables are missing";
}

/* A number of 4 or 8 bytes; 0: not there. */
static uint64_t
find_number (Vhdx *vhdx, const uint8_t *table, const Guid *guid, unsigned bytes)
{
  unsigned n = (unsigned) MIN (vt_load_le (table + 10, 2), METADATA_MOST);
  for (unsigned i = 0; i < n; i++)
    {
      const uint8_t *entry = table + 32 + 32 * i;
      uint8_t        number[8] = { 0 };
      if (memcmp (entry, guid, sizeof *guid) == 0
          && vt_import_read (&vhdx->import, vhdx->metadata_at + vt_load_le (entry + 16, 4), number, sizeof number, NULL))
        return vt_load_le (number, bytes);
    }
  return 0;
}

static const char *
explain_metadata (Vhdx *vhdx, const uint8_t *table)
{
  if (memcmp (table, "metadata", 8) != 0)
    return "its metadata is missing";
  uint64_t parameters = find_number (vhdx, table, &guid_parameters, 8), size = find_number (vhdx, table, &guid_disk_bytes, 8);
  vhdx->block_bytes = (uint32_t) parameters;
  vhdx->sector_bytes = find_number (vhdx, table, &guid_sector_bytes, 4);
  vhdx->import.image.size_bytes = size;
  vhdx->import.variant = (parameters >> 32 & 1) != 0 ? "fixed" : "dynamic";
  if ((parameters >> 32 & HAS_PARENT) != 0)
    return "it is only the differences to another image. Merge them with the program that made it";
  if ((vhdx->sector_bytes != 512 && vhdx->sector_bytes != 4096) || vhdx->block_bytes < VT_MIB || vhdx->block_bytes > 256 * VT_MIB
      || (vhdx->block_bytes & (vhdx->block_bytes - 1)) != 0)
    return "its blocks have an impossible size";
  if (size == 0 || size > 64 * 1024 * VT_GIB || size % vhdx->sector_bytes != 0)
    return "its size is impossible";
  vhdx->chunk = SECTORS_PER_BITMAP * vhdx->sector_bytes / vhdx->block_bytes;
  uint64_t last = (size - 1) / vhdx->block_bytes;
  if ((last + last / vhdx->chunk + 1) * 8 > vhdx->bat_bytes)
    return "its table is too small for its size";
  return NULL;
}

static const char *
explain (Vhdx *vhdx, uint8_t *bytes)
{
  if (!vt_import_read (&vhdx->import, 0, bytes, 8, NULL) || memcmp (bytes, "vhdxfile", 8) != 0)
    return "it is not a VHDX image";
  if (!read_newer (vhdx, "head", HEADER_1_AT, HEADER_2_AT, bytes, HEADER_BYTES, SEQUENCE_AT))
    return "both of its headers are damaged";
  if (vt_load_le (bytes + VERSION_AT, 2) != 1)
    return "this version of VHDX is not known";
  const char *problem = replay_log (vhdx, bytes);
  if (problem != NULL)
    return problem;
  if (!read_newer (vhdx, "regi", REGIONS_1_AT, REGIONS_2_AT, bytes, REGIONS_BYTES, 0))
    return "both of its region tables are damaged";
  problem = explain_regions (vhdx, bytes);
  if (problem == NULL)
    problem = vt_import_read (&vhdx->import, vhdx->metadata_at, bytes, METADATA_BYTES, NULL) ? explain_metadata (vhdx, bytes)
                                                                                             : "it cannot be read";
  return problem;
}

VtImage *
vt_vhdx_open (VtImage *file, GError **error)
{
  Vhdx               *vhdx = (Vhdx *) vt_import_new (sizeof *vhdx, &vhdx_ops, file);
  g_autofree uint8_t *bytes = g_malloc (REGIONS_BYTES);
  const char         *problem = explain (vhdx, bytes);
  return problem == NULL ? &vhdx->import.image : vt_import_refuse (&vhdx->import, error, "%s", problem);
}
