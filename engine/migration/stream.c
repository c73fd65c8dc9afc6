/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "vitrine/error.h"

#define MAGIC          "VITRINE1"
#define FORMAT         1u
#define HEADER_BYTES   24u
#define RUN_PAGES_MAX  256u          /* one compressed run: at most 1 MiB of RAM */
#define ZSTD_LEVEL     1
#define PIECE_BYTES    (16 * VT_MIB) /* compressed, or a multiple of it as it is: then somebody hears of it */
#define PIECE_PAGES    16384u

struct VtStreamWriter
{
  char   *path, *temporary;
  int     fd;
  GPtrArray *held;       /* GBytes*; NULL: written at once */
  uint64_t written;      /* after the header */
  VtStreamStep step;
  void  *step_opaque;
};

struct VtStreamReader
{
  GBytes        *bytes;
  const uint8_t *data;
  size_t         len, at;
};

static bool
io_error (VtStreamWriter *writer, GError **error)
{
  int saved = errno;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "Cannot write “%s”: %s", writer->path, g_strerror (saved));
  return false;
}

static bool
write_all (VtStreamWriter *writer, const uint8_t *data, size_t len, GError **error)
{
  if (writer->held != NULL)
    {
      g_ptr_array_add (writer->held, g_bytes_new (data, len));
      return true;
    }
  while (len > 0)
    {
      ssize_t n = write (writer->fd, data, len);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return io_error (writer, error);
      data += n;
      len -= (size_t) n;
    }
  return true;
}

static void
fill_header (uint8_t header[HEADER_BYTES], uint64_t length)
{
  memcpy (header, MAGIC, 8);
  vt_store_le (header + 8, FORMAT, 4);
  vt_store_le (header + 16, length, 8);
  vt_store_le (header + 12, crc32 (0, header + 16, 8), 4);
}

VtStreamWriter *
vt_stream_writer_new (const char *path, GError **error)
{
  g_autoptr (VtStreamWriter) writer = g_new0 (VtStreamWriter, 1);
  writer->path = g_strdup (path);
  writer->temporary = g_strdup_printf ("%s.XXXXXX", path);
  writer->fd = g_mkstemp_full (writer->temporary, O_RDWR | O_CLOEXEC, 0600);
  if (writer->fd < 0)
    {
      io_error (writer, error);
      return NULL;
    }
  uint8_t header[HEADER_BYTES];
  fill_header (header, 0);
  if (!write_all (writer, header, sizeof header, error))
    return NULL;
  return g_steal_pointer (&writer);
}

bool
vt_stream_write (VtStreamWriter *writer, const char *name, unsigned version, unsigned flags, const uint8_t *data, size_t len,
                 GError **error)
{
  size_t name_len = strlen (name);
  g_assert (name_len > 0 && name_len < sizeof ((VtChunk *) 0)->name);
  uint8_t head[2 + 64 + 2 + 2 + 8 + 4];
  uint8_t *at = head;
  vt_store_le (at, name_len, 2);
  memcpy (at + 2, name, name_len);
  at += 2 + name_len;
  vt_store_le (at, version, 2);
  vt_store_le (at + 2, flags, 2);
  vt_store_le (at + 4, len, 8);
  vt_store_le (at + 12, crc32_z (0, data, len), 4);
  at += 16;
  size_t head_len = (size_t) (at - head);
  if (!write_all (writer, head, head_len, error) || !write_all (writer, data, len, error))
    return false;
  writer->written += head_len + len;
  return true;
}

void
vt_stream_writer_watch (VtStreamWriter *writer, VtStreamStep step, void *opaque)
{
  writer->step = step;
  writer->step_opaque = opaque;
}

void
vt_stream_writer_hold (VtStreamWriter *writer)
{
  writer->held = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
}

static bool
release (VtStreamWriter *writer, GError **error)
{
  g_autoptr (GPtrArray) held = g_steal_pointer (&writer->held);
  bool ok = true;
  for (guint i = 0; held != NULL && i < held->len && ok; i++)
    {
      gsize          len;
      const uint8_t *data = g_bytes_get_data (held->pdata[i], &len);
      ok = write_all (writer, data, len, error);
    }
  return ok;
}

bool
vt_stream_writer_commit (VtStreamWriter *writer, GError **error)
{
  uint8_t header[HEADER_BYTES];
  if (!release (writer, error) || !vt_stream_write (writer, "end", 1, 0, (const uint8_t *) "", 0, error))
    return false;
  fill_header (header, writer->written);
  if (pwrite (writer->fd, header, sizeof header, 0) != (ssize_t) sizeof header || fsync (writer->fd) != 0
      || g_rename (writer->temporary, writer->path) != 0)
    return io_error (writer, error);
  g_clear_pointer (&writer->temporary, g_free);
  return true;
}

void
vt_stream_writer_free (VtStreamWriter *writer)
{
  if (writer == NULL)
    return;
  if (writer->fd >= 0)
    close (writer->fd);
  if (writer->temporary != NULL && writer->fd >= 0)
    g_unlink (writer->temporary);
  g_clear_pointer (&writer->held, g_ptr_array_unref);
  g_free (writer->temporary);
  g_free (writer->path);
  g_free (writer);
}

/* --- RAM: runs of { u64 first page | u32 pages | u32 compressed length | zstd frame } ------------------------------------ */

/* The guest may be running. What is compressed must not change meanwhile, or a page would come out as a copy of what another one was: so
 * it is copied first, and only pages that were written themselves have to be sent again. */
static void
append_run (VtRam *ram, uint64_t first, uint64_t pages, GByteArray *out, GByteArray *scratch)
{
  size_t len = (size_t) (pages * VT_PAGE_SIZE), room = ZSTD_compressBound (len);
  g_byte_array_set_size (scratch, (guint) (room + len));
  memcpy (scratch->data + room, ram->host + first * VT_PAGE_SIZE, len);
  size_t n = ZSTD_compress (scratch->data, room, scratch->data + room, len, ZSTD_LEVEL);
  g_assert (!ZSTD_isError (n));
  uint8_t head[16];
  vt_store_le (head, first, 8);
  vt_store_le (head + 8, pages, 4);
  vt_store_le (head + 12, n, 4);
  g_byte_array_append (out, head, sizeof head);
  g_byte_array_append (out, scratch->data, (guint) n);
}

static bool
travels (const VtRam *ram, const uint8_t *marks, uint64_t page)
{
  return marks != NULL ? marks[page] != 0 : !vt_all_zero (ram->host + page * VT_PAGE_SIZE, VT_PAGE_SIZE);
}

static bool
write_piece (VtStreamWriter *writer, const char *name, GByteArray *out, uint64_t pages, GError **error)
{
  if (!vt_stream_write (writer, name, 1, 0, out->data, out->len, error))
    return false;
  g_byte_array_set_size (out, 0);
  if (writer->step == NULL || writer->step (writer->step_opaque, pages * VT_PAGE_SIZE))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "“%s”: stopped", writer->path);
  return false;
}

bool
vt_stream_write_ram (VtStreamWriter *writer, VtRam *ram, const uint8_t *marks, GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GByteArray) scratch = g_byte_array_new ();
  g_autofree char *name = g_strconcat (VT_CHUNK_RAM_PREFIX, ram->name, NULL);
  uint64_t n_pages = ram->size >> VT_PAGE_SHIFT, first = 0, told = 0;
  while (first < n_pages)
    {
      /* A GByteArray holds less than 4 GiB: several chunks of the same name make up one block. */
      if (out->len > PIECE_BYTES || first - told >= PIECE_PAGES)
        {
          if (!write_piece (writer, name, out, first - told, error))
            return false;
          told = first;
        }
      uint64_t end = first;
      while (end < n_pages && end - first < RUN_PAGES_MAX && travels (ram, marks, end))
        end++;
      if (end > first)
        append_run (ram, first, end - first, out, scratch);
      first = MAX (end, first + 1);
    }
  return write_piece (writer, name, out, n_pages - told, error);
}

static bool
bad (GError **error, const char *what)
{
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "The saved state is damaged: %s", what);
  return false;
}

bool
vt_stream_load_ram (const VtChunk *chunk, VtRam *ram, GError **error)
{
  uint64_t n_pages = ram->size >> VT_PAGE_SHIFT;
  for (size_t at = 0; at < chunk->len;)
    {
      if (!vt_fits (at, 16, chunk->len))
        return bad (error, "memory ends in the middle of a run");
      uint64_t first = vt_load_le (chunk->data + at, 8), pages = vt_load_le (chunk->data + at + 8, 4);
      size_t   n = (size_t) vt_load_le (chunk->data + at + 12, 4);
      at += 16;
      if (pages == 0 || pages > RUN_PAGES_MAX || !vt_fits (first, pages, n_pages) || !vt_fits (at, n, chunk->len))
        return bad (error, "a run of memory lies outside the machine");
      size_t want = (size_t) (pages * VT_PAGE_SIZE);
      size_t got = ZSTD_decompress (ram->host + first * VT_PAGE_SIZE, want, chunk->data + at, n);
      if (got != want)
        return bad (error, "a run of memory does not decompress");
      at += n;
    }
  return true;
}

/* --- Reading -------------------------------------------------------------------------------------------------------------- */

VtStreamReader *
vt_stream_reader_new_for_bytes (GBytes *bytes, GError **error)
{
  gsize          len;
  const uint8_t *data = g_bytes_get_data (bytes, &len);
  if (len < HEADER_BYTES || memcmp (data, MAGIC, 8) != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_STATE, "This is not a saved machine");
      return NULL;
    }
  if (vt_load_le (data + 8, 4) != FORMAT)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_STATE, "The saved state has format %u; this version reads format %u",
                   (unsigned) vt_load_le (data + 8, 4), FORMAT);
      return NULL;
    }
  if (vt_load_le (data + 12, 4) != crc32 (0, data + 16, 8) || vt_load_le (data + 16, 8) != len - HEADER_BYTES)
    {
      bad (error, "its length is not what its header says");
      return NULL;
    }
  VtStreamReader *reader = g_new0 (VtStreamReader, 1);
  reader->bytes = g_bytes_ref (bytes);
  reader->data = data;
  reader->len = len;
  reader->at = HEADER_BYTES;
  return reader;
}

VtStreamReader *
vt_stream_reader_new (const char *path, GError **error)
{
  GMappedFile *file = g_mapped_file_new (path, FALSE, error);
  if (file == NULL)
    return NULL;
  g_autoptr (GBytes) bytes = g_mapped_file_get_bytes (file);
  g_mapped_file_unref (file);
  VtStreamReader *reader = vt_stream_reader_new_for_bytes (bytes, error);
  if (reader == NULL)
    g_prefix_error (error, "“%s”: ", path);
  return reader;
}

bool
vt_stream_next (VtStreamReader *reader, VtChunk *out, GError **error)
{
  *out = (VtChunk) { 0 };
  if (!vt_fits (reader->at, 2, reader->len))
    return bad (error, "it ends without an end mark");
  size_t name_len = (size_t) vt_load_le (reader->data + reader->at, 2);
  reader->at += 2;
  if (name_len == 0 || name_len >= sizeof out->name || !vt_fits (reader->at, name_len + 16, reader->len))
    return bad (error, "a chunk has no proper name");
  memcpy (out->name, reader->data + reader->at, name_len);
  const uint8_t *head = reader->data + reader->at + name_len;
  reader->at += name_len + 16;
  uint64_t len = vt_load_le (head + 4, 8);
  if (!vt_fits (reader->at, len, reader->len))
    return bad (error, "a chunk is longer than the file");
  out->version = (unsigned) vt_load_le (head, 2);
  out->flags = (unsigned) vt_load_le (head + 2, 2);
  out->data = reader->data + reader->at;
  out->len = (size_t) len;
  reader->at += out->len;
  if (crc32_z (0, out->data, out->len) != vt_load_le (head + 12, 4))
    return bad (error, "a checksum does not match");
  return strcmp (out->name, "end") != 0;
}

void
vt_stream_reader_free (VtStreamReader *reader)
{
  if (reader == NULL)
    return;
  g_bytes_unref (reader->bytes);
  g_free (reader);
}
