/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware image files, and where a PC shows them. */
#include "rom.h"

#include "vitrine/error.h"

#define BIOS_MAX        (16 * VT_MIB)
#define BIOS_UNIT       (64 * VT_KIB)
#define BIOS_ALIAS_MAX  (128 * VT_KIB)

static GBytes *
read_file (const char *path, const char *what, GError **error)
{
  g_autoptr (GError) local = NULL;
  char  *content = NULL;
  gsize  len = 0;
  if (g_file_get_contents (path, &content, &len, &local))
    return g_bytes_new_take (content, len);
  if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The %s file “%s” does not exist", what, path);
  else
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The %s file “%s” cannot be read: %s", what, path, local->message);
  return NULL;
}

GBytes *
vt_firmware_read (const char *path, const char *what, uint64_t max_bytes, GError **error)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The %s file “%s” is a folder", what, path);
      return NULL;
    }
  if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The %s file “%s” is not a regular file", what, path);
      return NULL;
    }
  g_autoptr (GBytes) bytes = read_file (path, what, error);
  if (bytes == NULL)
    return NULL;
  gsize len = g_bytes_get_size (bytes);
  if (len == 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The %s file “%s” is empty", what, path);
      return NULL;
    }
  if (len > max_bytes)
    {
      g_autofree char *size = g_format_size_full (len, G_FORMAT_SIZE_IEC_UNITS);
      g_autofree char *max = g_format_size_full (max_bytes, G_FORMAT_SIZE_IEC_UNITS);
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The %s file “%s” is too large (%s, at most %s)", what, path, size,
                   max);
      return NULL;
    }
  return g_steal_pointer (&bytes);
}

GBytes *
vt_bios_read (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = vt_firmware_read (path, "firmware", BIOS_MAX, error);
  if (bytes != NULL && g_bytes_get_size (bytes) % BIOS_UNIT != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE,
                   "The firmware file “%s” is not a BIOS image: its size is no multiple of 64 KiB", path);
      return NULL;
    }
  return g_steal_pointer (&bytes);
}

uint64_t
vt_rom_ram_size (GBytes *image)
{
  return (g_bytes_get_size (image) + VT_PAGE_MASK) & ~VT_PAGE_MASK;
}

void
vt_rom_fill (VtRam *ram, GBytes *image)
{
  gsize       len;
  const void *data = g_bytes_get_data (image, &len);
  g_assert (len <= ram->size);
  memcpy (ram->host + (ram->size - len), data, len);
}

bool
vt_rom_map_bios (VtMem *mem, VtRam *ram, int priority, GError **error)
{
  uint64_t alias = MIN (ram->size, BIOS_ALIAS_MAX);
  return vt_mem_map_ram (mem, ram, 0, VT_GPA (4 * VT_GIB - ram->size), ram->size, priority, VT_ACCESS_RAM,
                         VT_ACCESS_IGNORE, error) != NULL
         && vt_mem_map_ram (mem, ram, ram->size - alias, VT_GPA (VT_MIB - alias), alias, priority, VT_ACCESS_RAM,
                            VT_ACCESS_IGNORE, error) != NULL;
}
