/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images on the host's disk. */
#include "disk-image.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vitrine/error.h>
#include <vitrine/image.h>

#include "paths.h"

static gboolean
fail (GError **error, const char *format, const char *path)
{
  int saved = errno;
  g_autofree char *display = g_filename_display_name (path);
  g_autofree char *where = g_strdup_printf ("“%s”", display);

  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "%s %s: %s", format, where, g_strerror (saved));
  return FALSE;
}

char *
vitrine_disk_image_new_path (const char *words, GError **error)
{
  g_autofree char *folder = vitrine_paths_images ();

  if (g_mkdir_with_parents (folder, 0700) == 0)
    return vitrine_paths_free_name (folder, words, ".qcow2");
  fail (error, _("Cannot create the folder"), folder);
  return NULL;
}

char *
vitrine_disk_image_create (const char *words, guint64 bytes, GError **error)
{
  g_autofree char *path = vitrine_disk_image_new_path (words, error);

  if (path == NULL)
    return NULL;
  const VtImagePlace place = { .path = path, .format = VT_IMAGE_QCOW2 };
  const VtImageShape shape = { .size_bytes = bytes };
  return vt_image_create (&place, &shape, error) ? g_steal_pointer (&path) : NULL;
}

gboolean
vitrine_disk_image_check (const char *path, GError **error)
{
  struct stat info;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0 || fstat (fd, &info) < 0)
    {
      fail (error, _("Cannot read"), path);
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  close (fd);
  g_autofree char *display = g_filename_display_basename (path);
  if (S_ISDIR (info.st_mode))
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, _("“%s” is a folder. Choose a file."), display);
  else if (!S_ISREG (info.st_mode) && !S_ISBLK (info.st_mode))
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, _("“%s” is neither a file nor a block device."), display);
  else if (S_ISREG (info.st_mode) && info.st_size == 0)
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, _("“%s” is empty. Was the download interrupted?"), display);
  else
    return TRUE;
  return FALSE;
}

static gboolean
place_of (const char *path, const char *format, VtImagePlace *place, GError **error)
{
  *place = (VtImagePlace) { .path = path };
  if (vt_image_format_from_name (format, &place->format))
    return TRUE;
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, _("“%s” is of an unknown format, %s."), path, format);
  return FALSE;
}

gboolean
vitrine_disk_image_get_size (const char *path, const char *format, guint64 *bytes, GError **error)
{
  g_auto(VtImageInfo) info = { 0 };
  VtImagePlace        place;

  if (!place_of (path, format, &place, error) || !vt_image_info (&place, &info, error))
    return FALSE;
  *bytes = info.size_bytes;
  return TRUE;
}

gboolean
vitrine_disk_image_resize (const char *path, const char *format, guint64 bytes, GError **error)
{
  VtImagePlace place;

  return place_of (path, format, &place, error) && vt_image_resize (&place, bytes, error);
}

const char *
vitrine_disk_image_guess_format (const char *path)
{
  VtImageFormat looks = vt_image_looks_like (path);

  return looks == VT_IMAGE_QCOW2 ? "qcow2" : looks == VT_IMAGE_LUKS ? "luks" : "raw";
}

gboolean
vitrine_disk_image_is_encrypted (const char *path)
{
  return vt_image_looks_encrypted (path);
}

guint64
vitrine_disk_image_free_space (void)
{
  g_autofree char *folder = vitrine_paths_images ();
  struct statvfs info;

  if (g_mkdir_with_parents (folder, 0700) < 0 || statvfs (folder, &info) < 0)
    return 0;
  return (guint64) info.f_bavail * info.f_frsize;
}
