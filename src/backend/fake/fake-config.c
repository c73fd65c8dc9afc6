/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What only an engine can say of a configuration, said by a fake that finds nothing wrong, so that the application's own
 * tests run without linking a computer. */
#include <sys/stat.h>
#include <unistd.h>
#include <vitrine/config.h>
#include <vitrine/image.h>

bool
vt_config_check (const VtConfig *config, GError **error)
{
  return true;
}

bool
vt_image_info (const VtImagePlace *place, VtImageInfo *info, GError **error)
{
  struct stat file = { 0 };

  stat (place->path, &file);
  *info = (VtImageInfo) { .format = place->format, .size_bytes = (uint64_t) file.st_size };
  return true;
}

void
vt_image_info_clear (VtImageInfo *info)
{
}

VtSecret *
vt_image_unlock (const VtImagePlace *place, const gint *stop, GError **error)
{
  return vt_secret_ref (place->secret);
}

GStrv
vt_image_chain (const VtImagePlace *place, GError **error)
{
  return g_new0 (char *, 1);
}

bool
vt_image_create (const VtImagePlace *place, const VtImageShape *shape, GError **error)
{
  return g_file_set_contents (place->path, "an image", -1, error);
}

bool
vt_image_convert (const VtImagePlace *from, const VtImagePlace *to, const VtImageShape *shape, VtImageProgress progress, void *opaque,
                  GError **error)
{
  return true;
}

VtImageFormat
vt_image_looks_like (const char *path)
{
  return VT_IMAGE_RAW;
}

bool
vt_image_looks_encrypted (const char *path)
{
  return g_str_has_suffix (path, ".luks");
}

bool
vt_image_snapshot (const char *path, VtImageSnapshotVerb verb, const char *name, GError **error)
{
  return true;
}

bool
vt_image_has_snapshot (const char *path, const char *name, bool *has, GError **error)
{
  *has = true;
  return true;
}

bool
vt_image_resize (const VtImagePlace *place, uint64_t size_bytes, GError **error)
{
  return truncate (place->path, (off_t) size_bytes) == 0;
}

bool
vt_image_format_from_name (const char *name, VtImageFormat *format)
{
  *format = VT_IMAGE_RAW;
  return true;
}

bool
vt_image_rename_backing (const char *path, const char *name, GError **error)
{
  return true;
}
