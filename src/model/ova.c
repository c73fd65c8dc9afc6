/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OVA: a plain tar archive of an OVF, its manifest and its files (DSP0243, section "Distribution as a Single File"). */
#include "appliance.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vitrine/error.h>

enum { CHUNK = 1 << 20, FILES_MOST = 1000, MANIFEST_MOST = 1 << 20 };

static gboolean G_GNUC_PRINTF (3, 4)
fail (GError **error, const char *path, const char *format, ...)
{
  va_list args;
  g_autofree char *name = g_filename_display_basename (path);

  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s”: %s", name, what);
  return FALSE;
}

static gboolean
stopped (GError **error, const char *path)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("“%s”: stopped."), path);
  return FALSE;
}

static gboolean
goes_on (VitrineProgress progress, gpointer data, guint64 done, guint64 whole)
{
  return progress == NULL || progress (data, whole > 0 ? MIN (1.0, (double) done / (double) whole) : 1.0);
}

static guint64
size_of (const char *path)
{
  GStatBuf info;
  return g_stat (path, &info) == 0 ? (guint64) info.st_size : 0;
}

static guint64
size_in (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  return size_of (path);
}

static guint64
size_of_all (const char *folder, const char *const *names)
{
  guint64 sum = 0;

  for (guint i = 0; names[i] != NULL; i++)
    sum += size_in (folder, names[i]);
  return sum;
}

/* --- unpacking ------------------------------------------------------------------------------------------------------------ */

typedef struct
{
  struct archive *archive;
  const char     *path, *folder;
  guint64         size;
  VitrineProgress progress;
  gpointer        data;
} Tar;

static gboolean
write_all (int fd, const void *bytes, gsize len)
{
  for (const char *at = bytes; len > 0;)
    {
      gssize n = write (fd, at, len);
      if (n < 0 && errno != EINTR)
        return FALSE;
      at += MAX (n, 0);
      len -= (gsize) MAX (n, 0);
    }
  return TRUE;
}

/* What the archive has, byte after byte: a hole would be room that it does not pay for. */
static gboolean
unpack_data (const Tar *tar, int fd, GError **error)
{
  gint64 at = 0, offset;
  const void *bytes;
  size_t len;

  for (int result; (result = archive_read_data_block (tar->archive, &bytes, &len, &offset)) != ARCHIVE_EOF;)
    {
      if (result != ARCHIVE_OK)
        return fail (error, tar->path, _("the archive is damaged, or was cut short."));
      if (offset != at)
        return fail (error, tar->path, _("a file in the archive has holes, which an OVA must not have."));
      if (!write_all (fd, bytes, len))
        return fail (error, tar->folder, "%s", g_strerror (errno));
      at += (gint64) len;
      if (!goes_on (tar->progress, tar->data, (guint64) archive_filter_bytes (tar->archive, -1), tar->size))
        return stopped (error, tar->path);
    }
  return TRUE;
}

static gboolean
unpack_file (const Tar *tar, struct archive_entry *entry, GError **error)
{
  const char *name = archive_entry_pathname_utf8 (entry);

  if (name == NULL || !vitrine_appliance_is_plain_name (name) || archive_entry_filetype (entry) != AE_IFREG
      || archive_entry_hardlink (entry) != NULL)
    return fail (error, tar->path, _("“%s” in the archive is no plain file beside the others."), name != NULL ? name : "?");
  g_autofree char *path = g_build_filename (tar->folder, name, NULL);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail (error, tar->path, "“%s”: %s", name, g_strerror (errno));
  gboolean ok = unpack_data (tar, fd, error);
  if (close (fd) != 0 && ok)
    ok = fail (error, tar->folder, "%s", g_strerror (errno));
  return ok;
}

static gboolean
unpack_all (const Tar *tar, GError **error)
{
  struct archive_entry *entry;
  guint n = 0;

  for (int result; (result = archive_read_next_header (tar->archive, &entry)) != ARCHIVE_EOF;)
    {
      if (result != ARCHIVE_OK)
        return fail (error, tar->path, n == 0 ? _("it is no OVA archive.") : _("the archive is damaged, or was cut short."));
      if (++n > FILES_MOST)
        return fail (error, tar->path, _("it has too many files."));
      if (!unpack_file (tar, entry, error))
        return FALSE;
    }
  return n > 0 || fail (error, tar->path, _("it is no OVA archive."));
}

gboolean
vitrine_ova_unpack (const char *path, const char *folder, VitrineProgress progress, gpointer data, GError **error)
{
  Tar tar = { archive_read_new (), path, folder, size_of (path), progress, data };

  archive_read_support_format_tar (tar.archive);
  gboolean there = g_access (path, R_OK) == 0 || fail (error, path, "%s", g_strerror (errno));
  gboolean ok = there && (archive_read_open_filename (tar.archive, path, CHUNK) == ARCHIVE_OK
                            ? unpack_all (&tar, error) : fail (error, path, _("it is no OVA archive.")));
  archive_read_free (tar.archive);
  return ok;
}

char *
vitrine_ova_find_ovf (const char *folder, GError **error)
{
  g_autoptr(GDir) dir = g_dir_open (folder, 0, error);
  g_autofree char *found = NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".ovf") || g_str_has_suffix (name, ".OVF"))
      {
        if (found != NULL)
          {
            fail (error, name, _("the archive has more than one OVF document."));
            return NULL;
          }
        found = g_strdup (name);
      }
  if (dir != NULL && found == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, _("The archive has no OVF document."));
  return g_steal_pointer (&found);
}

/* --- packing --------------------------------------------------------------------------------------------------------------- */

typedef struct
{
  struct archive *archive;
  const char     *path, *folder;
  guint64         done, whole;
  VitrineProgress progress;
  gpointer        data;
} Pack;

static gboolean
pack_data (Pack *pack, int fd, GError **error)
{
  g_autofree char *buffer = g_malloc (CHUNK);

  for (gssize n; (n = read (fd, buffer, CHUNK)) != 0;)
    {
      if (n < 0 || archive_write_data (pack->archive, buffer, (gsize) n) != n)
        return fail (error, pack->path, "%s", n < 0 ? g_strerror (errno) : archive_error_string (pack->archive));
      pack->done += (guint64) n;
      if (!goes_on (pack->progress, pack->data, pack->done, pack->whole))
        return stopped (error, pack->path);
    }
  return TRUE;
}

static gboolean
pack_file (Pack *pack, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (pack->folder, name, NULL);
  struct archive_entry *entry = archive_entry_new ();
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  gboolean ok = FALSE;

  archive_entry_set_pathname_utf8 (entry, name);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_size (entry, (gint64) size_of (path));
  archive_entry_set_mtime (entry, g_get_real_time () / G_USEC_PER_SEC, 0);
  if (fd < 0)
    fail (error, path, "%s", g_strerror (errno));
  else if (archive_write_header (pack->archive, entry) != ARCHIVE_OK)
    fail (error, pack->path, "%s", archive_error_string (pack->archive));
  else
    ok = pack_data (pack, fd, error);
  if (fd >= 0)
    close (fd);
  archive_entry_free (entry);
  return ok;
}

gboolean
vitrine_ova_pack (const char *path, const char *folder, const char *const *names, VitrineProgress progress, gpointer data, GError **error)
{
  Pack pack = { archive_write_new (), path, folder, 0, size_of_all (folder, names), progress, data };

  /* ustar, as the specification wants it; what does not fit that (8 GiB) gets a header that all readers know. */
  archive_write_set_format_pax_restricted (pack.archive);
  archive_write_set_bytes_in_last_block (pack.archive, 1);
  gboolean ok = archive_write_open_filename (pack.archive, path) == ARCHIVE_OK
                || fail (error, path, "%s", archive_error_string (pack.archive));
  for (guint i = 0; ok && names[i] != NULL; i++)
    ok = pack_file (&pack, names[i], error);
  if (archive_write_close (pack.archive) != ARCHIVE_OK && ok)
    ok = fail (error, path, "%s", archive_error_string (pack.archive));
  archive_write_free (pack.archive);
  return ok;
}

/* --- manifests --------------------------------------------------------------------------------------------------------------- */

/* Progress of several files as one. */
typedef struct
{
  guint64         done, whole;
  VitrineProgress progress;
  gpointer        data;
} Sum;

static char *
sum_of (const char *path, GChecksumType type, Sum *sum, GError **error)
{
  g_autoptr(GChecksum) checksum = g_checksum_new (type);
  g_autofree guchar *buffer = g_malloc (CHUNK);
  int fd = g_open (path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
  gssize n = fd < 0 ? -1 : 1;
  gboolean ok = TRUE;

  while (n > 0 && ok)
    {
      n = read (fd, buffer, CHUNK);
      g_checksum_update (checksum, buffer, MAX (n, 0));
      sum->done += (guint64) MAX (n, 0);
      ok = goes_on (sum->progress, sum->data, sum->done, sum->whole) || stopped (error, path);
    }
  if (n < 0)
    ok = fail (error, path, "%s", g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return ok ? g_strdup (g_checksum_get_string (checksum)) : NULL;
}

/* "SHA256(disk.vmdk)= 0123…" */
static gboolean
check_line (const char *folder, const char *manifest, char *line, Sum *sum, GError **error)
{
  static const struct { const char *name; GChecksumType type; } types[] = {
    { "SHA1", G_CHECKSUM_SHA1 }, { "SHA256", G_CHECKSUM_SHA256 }, { "SHA512", G_CHECKSUM_SHA512 },
  };
  char *open = strchr (g_strstrip (line), '('), *end = open != NULL ? strrchr (open, ')') : NULL;
  char *is = end != NULL ? strchr (end, '=') : NULL;

  if (*line == '\0')
    return TRUE;
  for (guint i = 0; is != NULL && i < G_N_ELEMENTS (types); i++)
    {
      if (strncmp (line, types[i].name, (gsize) (open - line)) != 0 || types[i].name[open - line] != '\0')
        continue;
      g_autofree char *name = g_strndup (open + 1, (gsize) (end - open - 1));
      if (!vitrine_appliance_is_plain_name (name))
        return fail (error, manifest, _("it names a file in another place, “%s”."), name);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *found = sum_of (path, types[i].type, sum, error);
      if (found == NULL)
        return FALSE;
      if (sum->done > sum->whole)
        return fail (error, manifest, _("it names a file more than once."));
      return g_ascii_strcasecmp (found, g_strstrip (is + 1)) == 0
             || fail (error, path, _("it is not the file that the manifest describes. It is damaged, or was changed."));
    }
  return fail (error, manifest, _("the manifest has a line that cannot be understood: “%s”"), line);
}

gboolean
vitrine_manifest_check (const char *folder, const char *manifest, VitrineProgress progress, gpointer data, GError **error)
{
  g_autofree char *path = g_build_filename (folder, manifest, NULL), *text = NULL;
  g_autoptr(GDir) dir = g_dir_open (folder, 0, NULL);
  Sum sum = { 0, 0, progress, data };

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (size_of (path) > MANIFEST_MOST || !g_file_get_contents (path, &text, NULL, error))
    return size_of (path) > MANIFEST_MOST ? fail (error, path, _("the manifest is too large.")) : FALSE;
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    sum.whole += size_in (folder, name);
  g_auto(GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (!check_line (folder, path, *line, &sum, error))
      return FALSE;
  return TRUE;
}

gboolean
vitrine_manifest_write (const char *folder, const char *manifest, const char *const *names, VitrineProgress progress, gpointer data,
                        GError **error)
{
  g_autoptr(GString) text = g_string_new ("");
  g_autofree char *path = g_build_filename (folder, manifest, NULL);
  Sum sum = { 0, size_of_all (folder, names), progress, data };

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *file = g_build_filename (folder, names[i], NULL);
      g_autofree char *found = sum_of (file, G_CHECKSUM_SHA256, &sum, error);
      if (found == NULL)
        return FALSE;
      g_string_append_printf (text, "SHA256(%s)= %s\n", names[i], found);
    }
  return g_file_set_contents (path, text->str, (gssize) text->len, error);
}
