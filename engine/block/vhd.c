/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtual PC's images (Microsoft, "Virtual Hard Disk Image Format Specification", 1.0): a footer in the last sector, which dynamic ones
 * have in the first, too; blocks with a bitmap of their sectors before them. Big-endian. */
#include <errno.h>

#include "import.h"

enum
{
  FOOTER_BYTES = 512, DATA_OFFSET_AT = 16, CURRENT_SIZE_AT = 48, TYPE_AT = 60, CHECKSUM_AT = 64,
  TYPE_FIXED = 2, TYPE_DYNAMIC = 3, TYPE_DIFFERENCING = 4,
  DYNAMIC_BYTES = 1024, TABLE_AT = 16, TABLE_ENTRIES_AT = 28, BLOCK_BYTES_AT = 32,
};
#define BLOCK_ABSENT    UINT32_C (0xffffffff)
#define BLOCK_BYTES_MAX (UINT32_C (256) << 20)

typedef struct
{
  VtImport import;
  uint64_t table_at, block_bytes, bitmap_bytes;     /* block_bytes 0: fixed */
} Vhd;

/* Sectors that were never written are zeros, whatever is in their place. */
static int
find_in_block (Vhd *vhd, uint64_t block_at, uint64_t inside, VtExtent *extent)
{
  uint64_t            first = inside / 512, sectors = vhd->block_bytes / 512, n = 1;
  g_autofree uint8_t *bitmap = g_malloc (vhd->bitmap_bytes);
  int                 error = vt_image_read (vhd->import.file, block_at, bitmap, vhd->bitmap_bytes);
  /* Bit 7 of a byte is its first sector. */
#define WRITTEN(sector) ((bitmap[(sector) / 8] >> (7 - (sector) % 8) & 1) != 0)
  bool                written = error == 0 && WRITTEN (first);
  while (error == 0 && first + n < sectors && WRITTEN (first + n) == written)
    n++;
#undef WRITTEN
  *extent = (VtExtent) { written ? VT_EXTENT_DATA : VT_EXTENT_ZERO, n * 512 - inside % 512, block_at + vhd->bitmap_bytes + inside };
  return error;
}

static int
vhd_find (VtImport *import, uint64_t off, VtExtent *extent)
{
  Vhd    *vhd = (Vhd *) import;
  uint8_t bytes[4];
  if (vhd->block_bytes == 0)
    {
      *extent = (VtExtent) { VT_EXTENT_DATA, import->image.size_bytes - off, off };
      return import->file->ops->extent (import->file, off, extent->len, extent);
    }
  uint64_t inside = off % vhd->block_bytes;
  int      error = vt_image_read (import->file, vhd->table_at + off / vhd->block_bytes * 4, bytes, sizeof bytes);
  uint64_t sector = vt_load_be (bytes, 4);
  if (error == 0 && sector != BLOCK_ABSENT)
    return find_in_block (vhd, sector * 512, inside, extent);
  *extent = (VtExtent) { VT_EXTENT_ABSENT, vhd->block_bytes - inside, 0 };
  return error;
}

static const VtImportOps vhd_ops = { .find = vhd_find };

/* The ones' complement of the sum of all other bytes. */
static bool
is_footer (const uint8_t *footer)
{
  uint32_t sum = 0;
  for (unsigned i = 0; i < FOOTER_BYTES; i++)
    sum += i / 4 == CHECKSUM_AT / 4 ? 0 : footer[i];
  return memcmp (footer, "conectix", 8) == 0 && vt_load_be (footer + CHECKSUM_AT, 4) == (uint32_t) ~sum;
}

static const char *
explain_dynamic (Vhd *vhd, const uint8_t *h)
{
  uint64_t entries = vt_load_be (h + TABLE_ENTRIES_AT, 4);
  vhd->table_at = vt_load_be (h + TABLE_AT, 8);
  vhd->block_bytes = vt_load_be (h + BLOCK_BYTES_AT, 4);
  vhd->import.variant = "dynamic";
  if (memcmp (h, "cxsparse", 8) != 0)
    return "its second header is missing";
  if (vhd->block_bytes < 512 || vhd->block_bytes > BLOCK_BYTES_MAX || (vhd->block_bytes & (vhd->block_bytes - 1)) != 0)
    return "its blocks have an impossible size";
  vhd->bitmap_bytes = (vhd->block_bytes / 512 / 8 + 511) / 512 * 512;
  if (vhd->import.image.size_bytes > entries * vhd->block_bytes)
    return "its table is too small for its size";
  if (!vt_fits (vhd->table_at, entries * 4, vhd->import.file->file_bytes))
    return "its table is outside of the file, which may have been cut short";
  return NULL;
}

static const char *
explain_footer (Vhd *vhd, const uint8_t *footer, bool at_end)
{
  uint64_t file_bytes = vhd->import.file->file_bytes;
  uint32_t type = (uint32_t) vt_load_be (footer + TYPE_AT, 4);
  vhd->import.image.size_bytes = vt_load_be (footer + CURRENT_SIZE_AT, 8);
  vhd->import.variant = "fixed";
  if (type == TYPE_DIFFERENCING)
    return "it is only the differences to another image. Merge them with the program that made it";
  if (type != TYPE_FIXED && type != TYPE_DYNAMIC)
    return "this kind of VHD is not known";
  if (vhd->import.image.size_bytes == 0 || vhd->import.image.size_bytes > UINT64_MAX / 2)
    return "its size is impossible";
  if (type == TYPE_FIXED && (!at_end || vhd->import.image.size_bytes > file_bytes - FOOTER_BYTES))
    return "its file is too small; it may have been cut short";
  return NULL;
}

VtImage *
vt_vhd_open (VtImage *file, GError **error)
{
  Vhd    *vhd = (Vhd *) vt_import_new (sizeof *vhd, &vhd_ops, file);
  uint8_t footer[FOOTER_BYTES], dynamic[DYNAMIC_BYTES];
  bool    at_end = file->file_bytes >= FOOTER_BYTES;
  if (at_end && !vt_import_read (&vhd->import, file->file_bytes - FOOTER_BYTES, footer, sizeof footer, error))
    return vt_import_refuse (&vhd->import, error, "it cannot be read");
  /* A dynamic image whose end was lost has a copy at its beginning. */
  at_end = at_end && is_footer (footer);
  if (!at_end && (!vt_import_read (&vhd->import, 0, footer, sizeof footer, error) || !is_footer (footer)))
    return vt_import_refuse (&vhd->import, error, "it is not a VHD image");
  const char *problem = explain_footer (vhd, footer, at_end);
  if (problem == NULL && vt_load_be (footer + TYPE_AT, 4) == TYPE_DYNAMIC)
    problem = vt_import_read (&vhd->import, vt_load_be (footer + DATA_OFFSET_AT, 8) & INT64_MAX, dynamic, sizeof dynamic, error)
                ? explain_dynamic (vhd, dynamic) : "it cannot be read";
  return problem == NULL ? &vhd->import.image : vt_import_refuse (&vhd->import, error, "%s", problem);
}
