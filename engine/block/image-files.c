/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public face of image formats (vitrine/image.h): looking and changing. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"
#include "luks.h"
#include "qcow2.h"
#include "vitrine/image.h"

/* --- Formats -------------------------------------------------------------------------------------------------------- */

static const char *const format_names[] = {
  [VT_IMAGE_RAW] = "raw",   [VT_IMAGE_QCOW2] = "qcow2", [VT_IMAGE_LUKS] = "luks", [VT_IMAGE_VMDK] = "vmdk",
  [VT_IMAGE_VDI] = "vdi",   [VT_IMAGE_VHD] = "vhd",     [VT_IMAGE_VHDX] = "vhdx",
};

const char *
vt_image_format_name (VtImageFormat format)
{
  return format_names[format];
}

bool
vt_image_format_from_name (const char *name, VtImageFormat *format)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (format_names); i++)
    if (strcmp (format_names[i], name) == 0)
      {
        *format = (VtImageFormat) i;
        return true;
      }
  return false;
}

/* Where a format says its name; at: from the beginning, or (negative) from the end. */
static const struct
{
  VtImageFormat format;
  int           at;
  uint8_t       len;
  uint8_t       bytes[8];
} magics[] = {
  { VT_IMAGE_QCOW2, 0, 4, { 'Q', 'F', 'I', 0xfb } },
  { VT_IMAGE_LUKS, 0, 6, { 'L', 'U', 'K', 'S', 0xba, 0xbe } },
  { VT_IMAGE_VMDK, 0, 4, { 'K', 'D', 'M', 'V' } },
  { VT_IMAGE_VDI, 64, 4, { 0x7f, 0x10, 0xda, 0xbe } },
  { VT_IMAGE_VHDX, 0, 8, { 'v', 'h', 'd', 'x', 'f', 'i', 'l', 'e' } },
  { VT_IMAGE_VHD, -512, 8, { 'c', 'o', 'n', 'e', 'c', 't', 'i', 'x' } },
};

/* Without a lock: a machine that uses it is not in the way. */
VtImageFormat
vt_image_looks_like (const char *path)
{
  g_autoptr (VtFile) file = vt_file_open (path, false, NULL);
  for (size_t i = 0; file != NULL && i < G_N_ELEMENTS (magics); i++)
    {
      uint8_t   bytes[8] = { 0 };
      VtFileVec vec = { bytes, magics[i].len };
      uint64_t  got, size = vt_file_size (file), at = magics[i].at >= 0 ? (uint64_t) magics[i].at : size - (uint64_t) -magics[i].at;
      if (vt_fits (at, magics[i].len, size) && vt_file_read (file, at, &vec, 1, &got) == 0
          && memcmp (bytes, magics[i].bytes, magics[i].len) == 0)
        return magics[i].format;
    }
  return VT_IMAGE_RAW;
}

/* qcow2, bytes 32 to 35 of its header: how its data is encrypted. Without a lock as well. */
bool
vt_image_looks_encrypted (const char *path)
{
  VtImageFormat      format = vt_image_looks_like (path);
  g_autoptr (VtFile) file = format == VT_IMAGE_QCOW2 ? vt_file_open (path, false, NULL) : NULL;
  uint8_t            method[4] = { 0 };
  VtFileVec          vec = { method, sizeof method };
  uint64_t           got;
  if (file != NULL && vt_file_read (file, 32, &vec, 1, &got) == 0)
    return (method[0] | method[1] | method[2] | method[3]) != 0;
  return format == VT_IMAGE_LUKS;
}

static VtImage *
open_import (const char *path, VtImage *(*open) (VtImage *file, GError **error), unsigned flags, GError **error)
{
  if ((flags & VT_IMAGE_READONLY) == 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "“%s”: images of this format are only read. Convert it to qcow2 first", path);
      return NULL;
    }
  VtImage *file = vt_image_open_raw (path, true, true, error);
  return file != NULL ? open (file, error) : NULL;
}

static VtImage *
open_luks (const char *path, unsigned flags, VtSecret *secret, GError **error)
{
  if (secret == NULL && (flags & VT_IMAGE_NO_DATA) == 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, "“%s” is encrypted: it needs a passphrase", path);
      return NULL;
    }
  VtImage *file = vt_image_open_file (path, flags, true, error);
  return file != NULL ? vt_luks_open (file, secret, error) : NULL;
}

VtImage *
vt_image_open (const char *path, VtImageFormat format, unsigned flags, VtSecret *secret, GError **error)
{
  switch (format)
    {
    case VT_IMAGE_RAW:
      return vt_image_open_file (path, flags, false, error);
    case VT_IMAGE_QCOW2:
      return vt_qcow2_open_path (path, flags, secret, error);
    case VT_IMAGE_LUKS:
      return open_luks (path, flags, secret, error);
    case VT_IMAGE_VMDK:
      return open_import (path, vt_vmdk_open, flags, error);
    case VT_IMAGE_VDI:
      return open_import (path, vt_vdi_open, flags, error);
    case VT_IMAGE_VHD:
      return open_import (path, vt_vhd_open, flags, error);
    case VT_IMAGE_VHDX:
      return open_import (path, vt_vhdx_open, flags, error);
    }
  g_assert_not_reached ();
}

static VtImage *
open_place (const VtImagePlace *place, unsigned flags, GError **error)
{
  return vt_image_open (place->path, place->format, flags | (place->any_backing ? VT_IMAGE_ANYWHERE : 0), place->secret, error);
}

/* --- Looking ------------------------------------------------------------------------------------------------------- */

void
vt_image_info_clear (VtImageInfo *info)
{
  g_clear_pointer (&info->variant, g_free);
  g_clear_pointer (&info->backing, g_free);
  g_clear_pointer (&info->backing_format, g_free);
  g_clear_pointer (&info->cipher, g_free);
  g_clear_pointer (&info->hash, g_free);
  g_clear_pointer (&info->uuid, g_free);
}

/* The file that has the LUKS header of an open image, and where. NULL: it is not encrypted. */
static VtImage *
find_luks (VtImage *image, VtImageFormat format, uint64_t *at)
{
  *at = 0;
  return format == VT_IMAGE_LUKS ? vt_cipher_image_file (image) : format == VT_IMAGE_QCOW2 ? vt_qcow2_luks (image, at) : NULL;
}

static bool
take_luks_info (VtImage *file, uint64_t at, VtImageInfo *info, GError **error)
{
  VtLuksHeader header;
  if (!vt_luks_read_header (file, at, &header, error))
    return false;
  info->encrypted = true;
  info->cipher = g_strdup_printf ("%s-%s", header.cipher, header.mode);
  info->hash = g_strdup (header.hash);
  info->uuid = g_strdup (header.uuid);
  info->key_bits = header.key_bytes * 8;
  for (unsigned i = 0; i < VT_LUKS_SLOTS; i++)
    info->iterations[i] = header.slots[i].active ? header.slots[i].iterations : 0;
  return true;
}

bool
vt_image_info (const VtImagePlace *place, VtImageInfo *info, GError **error)
{
  struct stat         st;
  uint64_t            at;
  g_autoptr (VtImage) image = vt_image_open (place->path, place->format, VT_IMAGE_READONLY | VT_IMAGE_ALONE | VT_IMAGE_NO_DATA,
                                             NULL, error);
  *info = (VtImageInfo) { .format = place->format };
  if (image == NULL)
    return false;
  info->size_bytes = image->size_bytes;
  info->file_bytes = stat (place->path, &st) == 0 ? (uint64_t) st.st_blocks * 512 : 0;
  info->variant = g_strdup (vt_import_variant (image));
  if (place->format == VT_IMAGE_QCOW2)
    vt_qcow2_info (image, info);
  VtImage *luks = find_luks (image, place->format, &at);
  return luks == NULL || take_luks_info (luks, at, info, error);
}

GStrv
vt_image_chain (const VtImagePlace *place, GError **error)
{
  g_autoptr (GStrvBuilder) chain = g_strv_builder_new ();
  bool                     stands = place->format == VT_IMAGE_QCOW2;
  g_autoptr (VtImage)      image = stands ? open_place (place, VT_IMAGE_READONLY | VT_IMAGE_NO_DATA, error) : NULL;
  if (stands && image == NULL)
    return NULL;
  for (VtImage *below = image; below != NULL && (below = vt_qcow2_backing (below)) != NULL;)
    g_strv_builder_add (chain, below->label);
  return g_strv_builder_end (chain);
}

/* As long as it is of one kind: formats tell pieces. */
static int
find_part (VtImage *image, uint64_t off, uint64_t *len, VtImagePart *kind)
{
  for (*len = 0; off + *len < image->size_bytes;)
    {
      VtExtent extent;
      int      error = image->ops->extent (image, off + *len, image->size_bytes - off - *len, &extent);
      if (error != 0)
        return error;
      VtImagePart this_kind = extent.kind == VT_EXTENT_ABSENT ? VT_IMAGE_HOLE
                              : extent.kind == VT_EXTENT_ZERO ? VT_IMAGE_ZEROS : VT_IMAGE_DATA;
      if (*len > 0 && this_kind != *kind)
        return 0;
      *kind = this_kind;
      *len += extent.len;
    }
  return 0;
}

bool
vt_image_map (const VtImagePlace *place,
              bool (*part) (void *opaque, uint64_t off_bytes, uint64_t len_bytes, VtImagePart kind), void *opaque,
              GError **error)
{
  g_autoptr (VtImage) image = vt_image_open (place->path, place->format, VT_IMAGE_READONLY | VT_IMAGE_ANYWHERE | VT_IMAGE_NO_DATA,
                                             NULL, error);
  if (image == NULL)
    return false;
  for (uint64_t off = 0, len; off < image->size_bytes; off += len)
    {
      VtImagePart kind;
      int         problem = find_part (image, off, &len, &kind);
      if (problem != 0)
        return vt_image_fail (error, place->path, "it cannot be read", problem);
      if (!part (opaque, off, len, kind))
        return true;
    }
  return true;
}

/* --- Changing ------------------------------------------------------------------------------------------------------- */

static int
lengthen (VtImage *image, const VtImagePlace *place, uint64_t size_bytes)
{
  uint64_t header = 0;
  if (place->format == VT_IMAGE_QCOW2)
    return vt_qcow2_resize (image, size_bytes);
  if (place->format == VT_IMAGE_LUKS)
    header = vt_cipher_image_at (image);
  return truncate (place->path, (off_t) (header + size_bytes)) == 0 ? 0 : errno;
}

bool
vt_image_resize (const VtImagePlace *place, uint64_t size_bytes, GError **error)
{
  size_bytes = (size_bytes + 511) / 512 * 512;
  g_autoptr (VtImage) image = vt_image_open (place->path, place->format, VT_IMAGE_ALONE | VT_IMAGE_NO_DATA, NULL, error);
  if (image == NULL)
    return false;
  if (size_bytes < image->size_bytes)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                   "“%s” has %" G_GUINT64_FORMAT " bytes: it can become larger, but not smaller", place->path, image->size_bytes);
      return false;
    }
  int problem = lengthen (image, place, size_bytes);
  return problem == 0 || vt_image_fail (error, place->path, "it cannot be made as large", problem);
}

bool
vt_image_check (const char *path, bool repair, VtImageCheck *result, GError **error)
{
  g_autoptr (VtImage) file = vt_image_open_raw (path, !repair, true, error);
  /* Repair opens what is marked as corrupt, too. */
  g_autoptr (VtImage) image = file != NULL ? vt_qcow2_open_for_check (g_steal_pointer (&file), error) : NULL;
  return image != NULL && vt_qcow2_check (image, repair, result, error);
}

/* --- Snapshots ------------------------------------------------------------------------------------------------------ */

bool
vt_image_snapshot (const char *path, VtImageSnapshotVerb verb, const char *name, GError **error)
{
  g_autoptr (VtImage) image = vt_image_open (path, VT_IMAGE_QCOW2, VT_IMAGE_ALONE | VT_IMAGE_NO_DATA, NULL, error);
  return image != NULL && vt_qcow2_snapshot (image, verb, name, error);
}

static VtImage *
open_to_look (const char *path, GError **error)
{
  return vt_image_open (path, VT_IMAGE_QCOW2, VT_IMAGE_READONLY | VT_IMAGE_ALONE | VT_IMAGE_NO_DATA, NULL, error);
}

bool
vt_image_list_snapshots (const char *path, void (*one) (void *opaque, const char *id, const char *name, int64_t seconds),
                         void *opaque, GError **error)
{
  g_autoptr (VtImage) image = open_to_look (path, error);
  return image != NULL && vt_qcow2_list_snapshots (image, one, opaque, error);
}

bool
vt_image_has_snapshot (const char *path, const char *name, bool *has, GError **error)
{
  g_autoptr (VtImage) image = open_to_look (path, error);
  return image != NULL && vt_qcow2_has_snapshot (image, name, has, error);
}

/* --- Passphrases ---------------------------------------------------------------------------------------------------- */

/* An encrypted image's header, and the file that has it: valid while `image` is open. */
typedef struct
{
  VtImage     *image, *file;
  uint64_t     at;
  VtLuksHeader header;
} Locked;

static void
locked_clear (Locked *locked)
{
  vt_image_close (locked->image);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Locked, locked_clear)

static bool
open_locked (const VtImagePlace *place, unsigned flags, Locked *locked, GError **error)
{
  if (place->secret == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, "“%s” needs a passphrase", place->path);
      return false;
    }
  locked->image = vt_image_open (place->path, place->format, flags | VT_IMAGE_ALONE | VT_IMAGE_NO_DATA, NULL, error);
  if (locked->image == NULL)
    return false;
  locked->file = find_luks (locked->image, place->format, &locked->at);
  if (locked->file != NULL)
    return vt_luks_read_header (locked->file, locked->at, &locked->header, error);
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s” is not encrypted", place->path);
  return false;
}

VtSecret *
vt_image_unlock (const VtImagePlace *place, const gint *stop, GError **error)
{
  g_auto (Locked) locked = { 0 };
  if (!open_locked (place, VT_IMAGE_READONLY, &locked, error))
    return NULL;
  return vt_luks_unlock (locked.file, locked.at, &locked.header, place->secret, NULL, stop, error);
}

bool
vt_image_add_passphrase (const VtImagePlace *place, VtSecret *passphrase, unsigned iteration_ms, GError **error)
{
  g_auto (Locked) locked = { 0 };
  if (!open_locked (place, 0, &locked, error))
    return false;
  g_autoptr (VtSecret) key = vt_luks_unlock (locked.file, locked.at, &locked.header, place->secret, NULL, NULL, error);
  return key != NULL
         && vt_luks_add_passphrase (locked.file, locked.at, &locked.header, key, passphrase,
                                    iteration_ms != 0 ? iteration_ms : VT_LUKS_DEFAULT_MS, error);
}

bool
vt_image_remove_passphrase (const VtImagePlace *place, GError **error)
{
  unsigned        slot = 0;
  g_auto (Locked) locked = { 0 };
  if (!open_locked (place, 0, &locked, error))
    return false;
  g_autoptr (VtSecret) key = vt_luks_unlock (locked.file, locked.at, &locked.header, place->secret, &slot, NULL, error);
  return key != NULL && vt_luks_remove_slot (locked.file, locked.at, &locked.header, slot, error);
}
