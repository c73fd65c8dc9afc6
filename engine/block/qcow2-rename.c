/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another name for the backing file, in the place of the old one (qcow2's specification, "Header": backing_file_offset,
 * backing_file_size). Nothing else of the image is touched, so there is nothing that a crash could leave half done but the name. */
#include "file.h"
#include "image.h"
#include "qcow2-private.h"
#include "vitrine/error.h"
#include "vitrine/image.h"

enum
{
  NAME_AT     = 8,     /* where the name is, 8 bytes, and how long it is, 4 */
  FIELD_BYTES = 12,
};

static int
write_name (VtFile *file, uint64_t at, const char *name, uint8_t *fields)
{
  const VtFileVec name_vec = { (uint8_t *) name, strlen (name) }, fields_vec = { fields, FIELD_BYTES };
  int             error = vt_file_write (file, at, &name_vec, 1);

  return error != 0 ? error : vt_file_write (file, NAME_AT, &fields_vec, 1);
}

bool
vt_image_rename_backing (const char *path, const char *name, GError **error)
{
  const VtImagePlace   place = { .path = path, .format = VT_IMAGE_QCOW2 };
  g_auto (VtImageInfo) info = { 0 };
  uint8_t              fields[FIELD_BYTES];
  const VtFileVec      vec = { fields, sizeof fields };
  uint64_t             got = 0;

  if (!vt_image_info (&place, &info, error))   /* its header is in order then */
    return false;
  g_autoptr (VtFile) file = vt_file_open (path, true, error);
  if (file == NULL || !vt_file_lock (file, true, error))
    return false;
  int problem = vt_file_read (file, NAME_AT, &vec, 1, &got);
  if (problem != 0 || got != sizeof fields)
    return vt_image_fail (error, path, "it cannot be read", problem != 0 ? problem : EIO);
  if (info.backing == NULL || strlen (name) > vt_load_be (fields + 8, 4))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s” has no room in its header for the backing file’s new name", path);
      return false;
    }
  vt_store_be (fields + 8, strlen (name), 4);
  problem = write_name (file, vt_load_be (fields, 8), name, fields);
  return problem == 0 || vt_image_fail (error, path, "it cannot be written", problem);
}
