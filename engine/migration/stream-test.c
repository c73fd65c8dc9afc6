/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>

#include "stream.h"
#include "vitrine/error.h"

static uint8_t memory[2][64 * 4096] __attribute__ ((aligned (4096)));

static char *
write_sample (void)
{
  char *path = g_build_filename (g_get_tmp_dir (), "vitrine-stream-test", NULL);
  g_autoptr (VtRam) ram = vt_ram_new ("low", memory[0], sizeof memory[0], NULL);
  memset (memory[0], 0, sizeof memory[0]);
  memset (memory[0] + 5 * 4096, 0x5a, 3 * 4096);
  memory[0][sizeof memory[0] - 1] = 7;
  g_autoptr (GError) error = NULL;
  g_autoptr (VtStreamWriter) writer = vt_stream_writer_new (path, &error);
  g_assert_no_error (error);
  g_assert_true (vt_stream_write (writer, "machine", 3, 0, (const uint8_t *) "q35", 3, &error));
  g_assert_true (vt_stream_write_ram (writer, ram, NULL, &error));
  g_assert_true (vt_stream_writer_commit (writer, &error));
  return path;
}

static void
what_was_written_is_read_back (void)
{
  g_autofree char *path = write_sample ();
  g_autoptr (GError) error = NULL;
  g_autoptr (VtStreamReader) reader = vt_stream_reader_new (path, &error);
  g_assert_no_error (error);
  VtChunk chunk;
  g_assert_true (vt_stream_next (reader, &chunk, &error));
  g_assert_cmpstr (chunk.name, ==, "machine");
  g_assert_cmpuint (chunk.version, ==, 3);
  g_assert_true (vt_stream_next (reader, &chunk, &error));
  g_assert_cmpstr (chunk.name, ==, "ram/low");
  g_autoptr (VtRam) ram = vt_ram_new ("low", memory[1], sizeof memory[1], NULL);
  memset (memory[1], 0, sizeof memory[1]);
  g_assert_true (vt_stream_load_ram (&chunk, ram, &error));
  g_assert_cmpint (memcmp (memory[0], memory[1], sizeof memory[0]), ==, 0);
  g_assert_false (vt_stream_next (reader, &chunk, &error));
  g_assert_no_error (error);
  g_unlink (path);
}

/* Reads everything that a reader gives; damage must end in an error, never in a crash. */
static bool
reads_cleanly (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VtStreamReader) reader = vt_stream_reader_new_for_bytes (bytes, &error);
  if (reader == NULL)
    return false;
  g_autoptr (VtRam) ram = vt_ram_new ("low", memory[1], sizeof memory[1], NULL);
  VtChunk chunk;
  while (vt_stream_next (reader, &chunk, &error))
    if (g_str_has_prefix (chunk.name, VT_CHUNK_RAM_PREFIX) && !vt_stream_load_ram (&chunk, ram, &error))
      return false;
  return error == NULL;
}

static void
every_damaged_byte_and_every_cut_is_noticed (void)
{
  g_autofree char *path = write_sample ();
  g_autofree char *data = NULL;
  gsize len;
  g_assert_true (g_file_get_contents (path, &data, &len, NULL));
  g_unlink (path);
  for (gsize i = 0; i < len; i++)
    {
      g_autofree char *damaged = g_memdup2 (data, len);
      damaged[i] ^= 0x10;
      g_autoptr (GBytes) bytes = g_bytes_new (damaged, len);
      g_autoptr (GBytes) cut = g_bytes_new (data, i);
      /* A flipped bit in a version or in the flags is the business of whoever understands the chunk. */
      bool noticed = !reads_cleanly (bytes);
      g_assert_true (noticed || i >= 24);
      g_assert_false (reads_cleanly (cut));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/round-trip", what_was_written_is_read_back);
  g_test_add_func ("/stream/damage", every_damaged_byte_and_every_cut_is_noticed);
  return g_test_run ();
}
