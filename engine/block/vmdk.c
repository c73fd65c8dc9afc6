/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VMware's images in one file: a header, a descriptor in words, a directory of tables of grains; in a stream optimized one, grains are
 * packed and the directory is at the end. */
#include "vmdk.h"

#include <errno.h>
#include <zlib.h>

#include "import.h"

enum
{
  GRAIN_SECTORS_MAX = 1 << 15,       /* 16 MiB: what is unpacked at a time */
  TABLE_ENTRIES_MAX = 1 << 16,
  DESCRIPTOR_BYTES_MAX = 20 << 10,
  FOOTER_FROM_END = 1024,
};

typedef struct
{
  VtImport import;
  uint64_t directory_at, grain_bytes, table_entries;
  bool     packed, zero_grains;
} Vmdk;

/* --- Where a byte is ---------------------------------------------------------------------------------------------------- */

static int
read_sector_number (VtImport *import, uint64_t at, uint64_t *bytes)
{
  uint8_t number[4];
  int     error = vt_image_read (import->file, at, number, sizeof number);
  *bytes = vt_load_le (number, 4) * 512;
  return error;
}

static int
vmdk_find (VtImport *import, uint64_t off, VtExtent *extent)
{
  const Vmdk *vmdk = (Vmdk *) import;
  uint64_t    grain = off / vmdk->grain_bytes, inside = off % vmdk->grain_bytes, table, at;
  int         error = read_sector_number (import, vmdk->directory_at + grain / vmdk->table_entries * 4, &table);
  *extent = (VtExtent) { VT_EXTENT_ABSENT, vmdk->grain_bytes - inside, 0 };
  if (error != 0 || table == 0)
    return error;
  if ((error = read_sector_number (import, table + grain % vmdk->table_entries * 4, &at)) != 0 || at == 0)
    return error;
  extent->kind = vmdk->zero_grains && at == 512 ? VT_EXTENT_ZERO : vmdk->packed ? VT_EXTENT_PACKED : VT_EXTENT_DATA;
  extent->host = vmdk->packed ? at : at + inside;
  return 0;
}

/* The whole grain; a shorter one than asked for, the last, leaves zeros. */
static int
unpack_grain (const Vmdk *vmdk, uint64_t grain, uint64_t at, uint8_t *to)
{
  uint8_t head[VMDK_GRAIN_HEAD_BYTES];
  int     error = vt_image_read (vmdk->import.file, at, head, sizeof head);
  if (error != 0)
    return error;
  uint64_t len = vt_load_le (head + 8, 4);
  uLongf   got = vmdk->grain_bytes;
  if (vt_load_le (head, 8) * 512 != grain * vmdk->grain_bytes || len > 2 * vmdk->grain_bytes + 1024
      || !vt_fits (at + sizeof head, len, vmdk->import.file->file_bytes))
    return EIO;
  g_autofree uint8_t *packed = g_malloc (MAX (len, 1));
  if ((error = vt_image_read (vmdk->import.file, at + sizeof head, packed, len)) != 0)
    return error;
  if (uncompress (to, &got, packed, len) != Z_OK)
    return EIO;
  memset (to + got, 0, vmdk->grain_bytes - got);
  return 0;
}

static int
vmdk_unpack (VtImport *import, uint64_t off, const VtExtent *extent, uint8_t *to, uint64_t len)
{
  const Vmdk         *vmdk = (Vmdk *) import;
  uint64_t            inside = off % vmdk->grain_bytes;
  bool                whole = inside == 0 && len == vmdk->grain_bytes;
  g_autofree uint8_t *grain = whole ? NULL : g_malloc (vmdk->grain_bytes);
  int                 error = unpack_grain (vmdk, off / vmdk->grain_bytes, extent->host, whole ? to : grain);
  if (error == 0 && !whole)
    memcpy (to, grain + inside, len);
  return error;
}

static const VtImportOps vmdk_ops = { vmdk_find, vmdk_unpack };

/* --- Opening ------------------------------------------------------------------------------------------------------------ */

/* A line "NAME=VALUE" of the descriptor; NULL: not there. */
static char *
find_word (const char *descriptor, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (descriptor, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      char *value = strchr (g_strstrip (*line), '=');
      if (value == NULL || (size_t) (value - *line) != strlen (name) || g_ascii_strncasecmp (*line, name, strlen (name)) != 0)
        continue;
      g_autofree char *word = g_strdup (value + 1);
      g_strdelimit (word, "\"", ' ');
      return g_strdup (g_strstrip (word));
    }
  return NULL;
}

static const char *
explain_descriptor (Vmdk *vmdk, uint64_t at, uint64_t len)
{
  g_autofree char *text = g_malloc0 (DESCRIPTOR_BYTES_MAX + 1);
  if (at > INT64_MAX / 512 || !vt_import_read (&vmdk->import, at * 512, text, MIN (len, DESCRIPTOR_BYTES_MAX / 512) * 512, NULL))
    return "its descriptor cannot be read";
  g_autofree char *parent = find_word (text, "parentCID"), *type = find_word (text, "createType");
  if (parent != NULL && g_ascii_strcasecmp (parent, "ffffffff") != 0)
    return "it is only the differences to another image. Merge them with the program that made it";
  if (at == 0 || type == NULL)
    return "it is only one part of an image in several files. Make one file of them with “vmware-vdiskmanager”";
  vmdk->import.variant = g_strcmp0 (type, "streamOptimized") == 0 ? "streamOptimized" : "monolithicSparse";
  if (strcmp (type, vmdk->import.variant) != 0)
    return "its data is in other files. Make one file of them with “vmware-vdiskmanager”";
  return NULL;
}

static const char *
explain_header (Vmdk *vmdk, const uint8_t *h)
{
  uint64_t flags = vt_load_le (h + VMDK_FLAGS_AT, 4), capacity = vt_load_le (h + VMDK_CAPACITY_AT, 8);
  uint64_t grain = vt_load_le (h + VMDK_GRAIN_AT, 8), directory = vt_load_le (h + VMDK_DIRECTORY_AT, 8);
  uint64_t version = vt_load_le (h + VMDK_VERSION_AT, 4);
  vmdk->table_entries = vt_load_le (h + VMDK_TABLE_ENTRIES_AT, 4);
  vmdk->packed = (flags & VMDK_FLAG_PACKED) != 0;
  vmdk->zero_grains = (flags & VMDK_FLAG_ZERO_GRAINS) != 0;
  if (version < 1 || version > 3)
    return "this version of VMDK is not known";
  if (vmdk->packed && (vt_load_le (h + VMDK_METHOD_AT, 2) != VMDK_METHOD_DEFLATE || (flags & VMDK_FLAG_MARKERS) == 0))
    return "it is compressed in a way that is not known";
  if (grain == 0 || grain > GRAIN_SECTORS_MAX || (grain & (grain - 1)) != 0 || vmdk->table_entries == 0
      || vmdk->table_entries > TABLE_ENTRIES_MAX)
    return "its tables have an impossible shape";
  if (capacity == 0 || capacity > INT64_MAX / 512)
    return "its size is impossible";
  uint64_t tables = (capacity + grain * vmdk->table_entries - 1) / (grain * vmdk->table_entries);
  if (directory > INT64_MAX / 512 || !vt_fits (directory * 512, tables * 4, vmdk->import.file->file_bytes))
    return "its directory is outside of the file, which may have been cut short";
  vmdk->directory_at = directory * 512;
  vmdk->grain_bytes = grain * 512;
  vmdk->import.image.size_bytes = capacity * 512;
  return NULL;
}

static const char *
explain (Vmdk *vmdk)
{
  VtImport *import = &vmdk->import;
  uint8_t   header[VMDK_HEADER_BYTES], footer[VMDK_HEADER_BYTES];
  if (!vt_import_read (import, 0, header, sizeof header, NULL))
    return "it cannot be read";
  if (memcmp (header, "# Disk Descriptor", 17) == 0)
    return "its data is in other files. Make one file of them with “vmware-vdiskmanager”";
  if (vt_load_le (header, 4) != VMDK_MAGIC)
    return "it is not a VMDK image";
  const char *problem
    = explain_descriptor (vmdk, vt_load_le (header + VMDK_DESCRIPTOR_AT, 8), vt_load_le (header + VMDK_DESCRIPTOR_SECTORS_AT, 8));
  if (problem != NULL || vt_load_le (header + VMDK_DIRECTORY_AT, 8) != VMDK_AT_END)
    return problem != NULL ? problem : explain_header (vmdk, header);
  if (import->file->file_bytes < FOOTER_FROM_END
      || !vt_import_read (import, import->file->file_bytes - FOOTER_FROM_END, footer, sizeof footer, NULL)
      || vt_load_le (footer, 4) != VMDK_MAGIC)
    return "its end is missing: it may have been cut short";
  return explain_header (vmdk, footer);
}

VtImage *
vt_vmdk_open (VtImage *file, GError **error)
{
  Vmdk       *vmdk = (Vmdk *) vt_import_new (sizeof *vmdk, &vmdk_ops, file);
  const char *problem = explain (vmdk);
  return problem == NULL ? &vmdk->import.image : vt_import_refuse (&vmdk->import, error, "%s", problem);
}
