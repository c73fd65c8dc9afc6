/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nvram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "vitrine/error.h"

static GBytes *
read_file (const char *path, const char *what, uint64_t max_bytes, GError **error)
{
  g_autofree char *data = NULL;
  gsize            len;
  g_autoptr (GError) local = NULL;
  if (!g_file_get_contents (path, &data, &len, &local))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot read %s “%s”: %s", what, path, local->message);
      return NULL;
    }
  if (len == 0 || len > max_bytes)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "%s “%s” has %" G_GSIZE_FORMAT " bytes: that is not one", what, path, len);
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&data), len);
}

GBytes *
vt_nvram_open (const char *path, const char *template_path, uint64_t max_bytes, int *fd, GError **error)
{
  *fd = -1;
  if (path == NULL)
    return read_file (template_path, "UEFI variable template", max_bytes, error);
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_autoptr (GBytes) fresh = read_file (template_path, "UEFI variable template", max_bytes, error);
      gsize       len;
      const char *data = fresh != NULL ? g_bytes_get_data (fresh, &len) : NULL;
      if (data == NULL || !g_file_set_contents (path, data, (gssize) len, error))
        return NULL;
    }
  GBytes *contents = read_file (path, "UEFI variable file", max_bytes, error);
  if (contents == NULL)
    return NULL;
  *fd = open (path, O_RDWR | O_CLOEXEC);
  if (*fd < 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot write UEFI variable file “%s”: %s", path, g_strerror (errno));
      g_bytes_unref (contents);
      return NULL;
    }
  return contents;
}

void
vt_nvram_write (int fd, const uint8_t *bytes, uint64_t off, uint64_t len)
{
  static bool complained;
  while (fd >= 0 && len > 0)
    {
      ssize_t n = pwrite (fd, bytes, len, (off_t) off);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          if (!complained)
            g_warning ("UEFI variables cannot be saved: %s", g_strerror (errno));
          complained = true;
          return;
        }
      bytes += n;
      off += (uint64_t) n;
      len -= (uint64_t) n;
    }
}

void
vt_nvram_close (int fd)
{
  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}
