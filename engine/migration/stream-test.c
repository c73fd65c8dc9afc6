/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>
#include <unistd.h>

#include "stream.h"
#include "vitrine/error.h"

static uint8_t memory[2][64 * 4096] __attribute__ ((aligned (4096)));

/* Another build's test may run at the same time. */
static char *
own_path (void)
{
  return g_strdup_printf ("%s/vitrine-stream-test-%d", g_get_tmp_dir (), (int) getpid ());
}

static char *
write_sample (void)
{
  char *path = own_path ();
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

/* --- A guest that goes on ------------------------------------------------------------------------------------------- */

#define RUNNING_ROUNDS 300u

static gint stop_writing;

/* The first page is like all others, or not, as fast as it can. */
static gpointer
write_first_page (gpointer data)
{
  uint8_t *page = data;
  for (unsigned n = 0; !g_atomic_int_get (&stop_writing); n++)
    for (unsigned i = 0; i < 4096; i++)
      *(volatile uint8_t *) &page[i] = (uint8_t) (n & 1 ? i * 7 : i * 13 + 1);
  return NULL;
}

static void
a_page_that_changes_meanwhile_spoils_no_other (void)
{
  g_autofree char *path = own_path ();
  g_autoptr (VtRam) ram = vt_ram_new ("low", memory[0], sizeof memory[0], NULL);
  g_autoptr (VtRam) loaded = vt_ram_new ("low", memory[1], sizeof memory[1], NULL);
  for (unsigned i = 0; i < sizeof memory[0]; i++)
    memory[0][i] = (uint8_t) (i % 4096 * 7);
  g_atomic_int_set (&stop_writing, 0);
  GThread *guest = g_thread_new ("guest", write_first_page, memory[0]);
  for (unsigned round = 0; round < RUNNING_ROUNDS; round++)
    {
      g_autoptr (GError) error = NULL;
      VtChunk chunk;
      {
        g_autoptr (VtStreamWriter) writer = vt_stream_writer_new (path, &error);
        g_assert_true (vt_stream_write_ram (writer, ram, NULL, &error));
        g_assert_true (vt_stream_writer_commit (writer, &error));
      }
      g_autoptr (VtStreamReader) reader = vt_stream_reader_new (path, &error);
      g_assert_true (vt_stream_next (reader, &chunk, &error));
      g_assert_true (vt_stream_load_ram (&chunk, loaded, &error));
      g_assert_cmpint (memcmp (memory[0] + 4096, memory[1] + 4096, sizeof memory[0] - 4096), ==, 0);
    }
  g_atomic_int_set (&stop_writing, 1);
  g_thread_join (guest);
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/round-trip", what_was_written_is_read_back);
  g_test_add_func ("/stream/damage", every_damaged_byte_and_every_cut_is_noticed);
  g_test_add_func ("/stream/running", a_page_that_changes_meanwhile_spoils_no_other);
  return g_test_run ();
}
