/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import.h"

#include <errno.h>

#include "vitrine/error.h"

static int
import_extent (VtImage *image, uint64_t off, uint64_t len, VtExtent *extent)
{
  VtImport *self = (VtImport *) image;
  int       error = self->ops->find (self, off, extent);
  extent->len = MIN (extent->len, len);
  if (error != 0 || extent->kind != VT_EXTENT_DATA)
    return error;
  return vt_fits (extent->host, extent->len, self->file->file_bytes) ? 0 : EIO;
}

static int
import_read (VtImage *image, uint64_t off, uint8_t *to, uint64_t len)
{
  VtImport *self = (VtImport *) image;
  VtExtent  extent;
  int       error = 0;
  for (; len > 0 && error == 0; off += extent.len, to += extent.len, len -= extent.len)
    {
      if ((error = import_extent (image, off, len, &extent)) != 0)
        return error;
      if (extent.kind == VT_EXTENT_DATA)
        error = vt_image_read (self->file, extent.host, to, extent.len);
      else if (extent.kind == VT_EXTENT_PACKED)
        error = self->ops->unpack (self, off, &extent, to, extent.len);
      else
        memset (to, 0, extent.len);
    }
  return error;
}

static void
import_close (VtImage *image)
{
  vt_image_close (((VtImport *) image)->file);
  g_free (image);
}

static const VtImageOps import_ops = {
  import_read,   vt_image_refuse_write, vt_image_refuse_zero, vt_image_refuse_zero, vt_image_nothing_to_flush,
  import_extent, import_close,          NULL,
};

VtImport *
vt_import_new (size_t bytes, const VtImportOps *ops, VtImage *file)
{
  VtImport *self = g_malloc0 (bytes);
  self->image = (VtImage) { .ops = &import_ops, .file_bytes = file->file_bytes, .readonly = true, .label = g_strdup (file->label) };
  self->file = file;
  self->ops = ops;
  return self;
}

VtImage *
vt_import_refuse (VtImport *self, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  if (error != NULL && *error == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot use “%s” as a disk: %s", self->image.label, what);
  vt_image_close (&self->image);
  return NULL;
}

bool
vt_import_read (VtImport *self, uint64_t at, void *to, size_t len, GError **error)
{
  int problem = vt_image_read (self->file, at, to, len);
  return problem == 0 || vt_image_fail (error, self->image.label, "it cannot be read", problem);
}

const char *
vt_import_variant (const VtImage *image)
{
  return image->ops == &import_ops ? ((const VtImport *) image)->variant : NULL;
}
