/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VirtualBox's images, version 1.1: a header, a table of 32-bit block numbers, blocks. Little-endian. The layout is known from
 * VirtualBox's VDICore.h ("VDIHEADER1PLUS"). */
#include <errno.h>

#include "import.h"

enum
{
  HEADER_BYTES = 512,
  SIGNATURE_AT = 64, SIGNATURE = (int) 0xbeda107f, VERSION_AT = 68, VERSION_1_1 = 0x00010001,
  TYPE_AT = 76, TYPE_DYNAMIC = 1, TYPE_FIXED = 2,
  TABLE_AT = 340, DATA_AT = 344, SECTOR_BYTES_AT = 360, DISK_BYTES_AT = 368, BLOCK_BYTES_AT = 376, BLOCK_EXTRA_AT = 380, BLOCKS_AT = 384,
};
#define BLOCK_ABSENT UINT32_C (0xffffffff)
#define BLOCK_ZERO   UINT32_C (0xfffffffe)

typedef struct
{
  VtImport import;
  uint64_t table_at, data_at, block_bytes;
} Vdi;

static int
vdi_find (VtImport *import, uint64_t off, VtExtent *extent)
{
  const Vdi *vdi = (Vdi *) import;
  uint64_t   inside = off % vdi->block_bytes;
  uint8_t    bytes[4];
  int        error = vt_image_read (import->file, vdi->table_at + off / vdi->block_bytes * 4, bytes, sizeof bytes);
  uint64_t   block = vt_load_le (bytes, 4);
  *extent = (VtExtent) { block == BLOCK_ABSENT ? VT_EXTENT_ABSENT : block == BLOCK_ZERO ? VT_EXTENT_ZERO : VT_EXTENT_DATA,
                         vdi->block_bytes - inside, vdi->data_at + block * vdi->block_bytes + inside };
  return error;
}

static const VtImportOps vdi_ops = { .find = vdi_find };

static const char *
explain_header (Vdi *vdi, const uint8_t *h)
{
  uint32_t type = (uint32_t) vt_load_le (h + TYPE_AT, 4);
  uint64_t blocks = vt_load_le (h + BLOCKS_AT, 4);
  vdi->table_at = vt_load_le (h + TABLE_AT, 4);
  vdi->data_at = vt_load_le (h + DATA_AT, 4);
  vdi->block_bytes = vt_load_le (h + BLOCK_BYTES_AT, 4);
  vdi->import.image.size_bytes = vt_load_le (h + DISK_BYTES_AT, 8);
  vdi->import.variant = type == TYPE_FIXED ? "fixed" : "dynamic";
  if (vt_load_le (h + SIGNATURE_AT, 4) != (uint32_t) SIGNATURE)
    return "it is not a VDI image";
  if (vt_load_le (h + VERSION_AT, 4) != VERSION_1_1)
    return "this version of VDI is not known";
  if (type != TYPE_DYNAMIC && type != TYPE_FIXED)
    return "it is only the differences to another image. Merge them with “VBoxManage clonemedium”";
  if (vdi->block_bytes < 512 || vdi->block_bytes % 512 != 0 || vt_load_le (h + BLOCK_EXTRA_AT, 4) != 0
      || vt_load_le (h + SECTOR_BYTES_AT, 4) != 512)
    return "its blocks have an impossible size";
  if (vdi->import.image.size_bytes == 0 || vdi->import.image.size_bytes > blocks * vdi->block_bytes)
    return "its table is too small for its size";
  if (!vt_fits (vdi->table_at, blocks * 4, vdi->import.file->file_bytes))
    return "its table is outside of the file, which may have been cut short";
  return NULL;
}

VtImage *
vt_vdi_open (VtImage *file, GError **error)
{
  Vdi    *vdi = (Vdi *) vt_import_new (sizeof *vdi, &vdi_ops, file);
  uint8_t header[HEADER_BYTES];
  if (!vt_import_read (&vdi->import, 0, header, sizeof header, error))
    return vt_import_refuse (&vdi->import, error, "it cannot be read");
  const char *problem = explain_header (vdi, header);
  return problem == NULL ? &vdi->import.image : vt_import_refuse (&vdi->import, error, "%s", problem);
}
