/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a VHDX file over a file that is nothing else: what is read against a model, and logs that want to cost much. What other programs
 * make of one is tested in tests/block. */
#include "vhdx.h"

#include <glib/gstdio.h>


enum { SECTOR = 4096, FILE_BYTES = 4 << 20, LOG_AT = 1 << 20, LOG_BYTES = 1 << 20, BODY_AT = 2 << 20 };

typedef struct
{
  uint8_t *file, *model;
  uint64_t log_bytes;
  uint8_t  header[SECTOR];
  uint32_t at;           /* where in the log the next entry goes */
  uint64_t number;
} Bench;

static Bench
bench_new (uint64_t log_bytes)
{
  Bench bench = { .file = g_malloc0 (FILE_BYTES + log_bytes), .log_bytes = log_bytes, .number = 1 };
  for (uint64_t i = BODY_AT; i < FILE_BYTES; i++)
    bench.file[i] = (uint8_t) (i / 512 + 1);
  memset (bench.header + VT_VHDX_LOG_GUID_AT, 7, 16);
  vt_store_le (bench.header + VT_VHDX_LOG_BYTES_AT, log_bytes, 4);
  vt_store_le (bench.header + VT_VHDX_LOG_OFFSET_AT, log_bytes > LOG_BYTES ? FILE_BYTES : LOG_AT, 8);
  bench.model = g_memdup2 (bench.file, FILE_BYTES);
  return bench;
}

static void
bench_clear (Bench *bench)
{
  g_free (bench->file);
  g_free (bench->model);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

static uint8_t *
log_of (Bench *bench)
{
  return bench->file + vt_load_le (bench->header + VT_VHDX_LOG_OFFSET_AT, 8);
}

/* An entry's header of `sectors` sectors; what comes after it is the caller's, and the sum. */
static uint8_t *
begin_entry (Bench *bench, uint32_t sectors, uint32_t tail, uint32_t count)
{
  uint8_t *entry = g_malloc0 ((size_t) sectors * SECTOR);
  memcpy (entry, "loge", 4);
  vt_store_le (entry + 8, sectors * SECTOR, 4);
  vt_store_le (entry + 12, tail * SECTOR, 4);
  vt_store_le (entry + 16, bench->number, 8);
  vt_store_le (entry + 24, count, 4);
  memset (entry + 32, 7, 16);
  vt_store_le (entry + 48, FILE_BYTES, 8);
  vt_store_le (entry + 56, FILE_BYTES, 8);
  return entry;
}

static void
end_entry (Bench *bench, uint8_t *entry, uint32_t sectors)
{
  vt_store_le (entry + 4, vt_vhdx_sum_of (entry, (size_t) sectors * SECTOR), 4);
  for (uint32_t i = 0; i < sectors; i++)
    memcpy (log_of (bench) + (bench->at + i) * (uint64_t) SECTOR % bench->log_bytes, entry + (size_t) i * SECTOR, SECTOR);
  bench->at = (bench->at + sectors) % (uint32_t) (bench->log_bytes / SECTOR);
  bench->number++;
  g_free (entry);
}

static void
put_zero (const Bench *bench, uint8_t *descriptor, uint64_t off, uint64_t len)
{
  memcpy (descriptor, "zero", 4);
  vt_store_le (descriptor + 8, len, 8);
  vt_store_le (descriptor + 16, off, 8);
  vt_store_le (descriptor + 24, bench->number, 8);
}

static void
put_data (const Bench *bench, uint8_t *descriptor, uint8_t *sector, uint64_t off, const uint8_t *bytes)
{
  memcpy (descriptor, "desc", 4);
  memcpy (descriptor + 4, bytes + SECTOR - 4, 4);
  memcpy (descriptor + 8, bytes, 8);
  vt_store_le (descriptor + 16, off, 8);
  vt_store_le (descriptor + 24, bench->number, 8);
  memcpy (sector, bytes, SECTOR);
  memcpy (sector, "data", 4);
  vt_store_le (sector + 4, bench->number >> 32, 4);
  vt_store_le (sector + SECTOR - 4, (uint32_t) bench->number, 4);
}

/* Some changes, which the model gets, too. */
static void
add_entry (Bench *bench, GRand *random, uint32_t tail)
{
  uint32_t data = (uint32_t) g_rand_int_range (random, 0, 6), zeros = (uint32_t) g_rand_int_range (random, 0, 6);
  uint8_t *entry = begin_entry (bench, 1 + data, tail, data + zeros);
  for (uint32_t i = 0; i < data + zeros; i++)
    {
      uint64_t off = BODY_AT + (uint64_t) g_rand_int_range (random, 0, 400) * SECTOR;
      uint64_t len = (uint64_t) g_rand_int_range (random, 0, 40) * SECTOR;
      if (i < data)
        {
          uint8_t bytes[SECTOR];
          memset (bytes, g_rand_int_range (random, 1, 256), sizeof bytes);
          bytes[0] = bytes[SECTOR - 1] = (uint8_t) i;
          put_data (bench, entry + 64 + 32 * i, entry + (1 + i) * SECTOR, off, bytes);
          memcpy (bench->model + off, bytes, SECTOR);
        }
      else
        {
          put_zero (bench, entry + 64 + 32 * i, off, len);
          memset (bench->model + off, 0, len);
        }
    }
  end_entry (bench, entry, 1 + data);
}

static VtImage *
open_file (const Bench *bench)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "vitrine-vhdx-XXXXXX", NULL);
  int              fd = g_mkstemp (path);
  g_assert_true (g_file_set_contents (path, (char *) bench->file, (gssize) (FILE_BYTES + (bench->log_bytes > LOG_BYTES ? bench->log_bytes : 0)),
                                      NULL));
  VtImage *image = vt_image_open_raw (path, true, true, NULL);
  g_unlink (path);
  g_close (fd, NULL);
  g_assert_nonnull (image);
  return image;
}

static void
compare (VtImage *image, const Bench *bench, GRand *random)
{
  g_autofree uint8_t *bytes = g_malloc (FILE_BYTES - BODY_AT);
  for (unsigned i = 0; i < 60; i++)
    {
      uint64_t off = (uint64_t) g_rand_int_range (random, BODY_AT, FILE_BYTES), len = (uint64_t) g_rand_int_range (random, 0, 200000);
      len = i == 0 ? FILE_BYTES - BODY_AT : MIN (len, FILE_BYTES - off);
      off = i == 0 ? BODY_AT : off;
      g_assert_cmpint (vt_image_read (image, off, bytes, len), ==, 0);
      g_assert_cmpmem (bytes, len, bench->model + off, len);
    }
}

static void
what_a_log_says_is_what_is_read (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  for (unsigned round = 0; round < 40; round++)
    {
      g_auto (Bench) bench = bench_new (LOG_BYTES);
      VtImage       *over, *file;
      bench.at = (uint32_t) g_rand_int_range (random, 0, LOG_BYTES / SECTOR);
      bench.number = (uint64_t) g_rand_int (random) << 24 | 1;
      uint32_t tail = bench.at;
      for (unsigned i = 0; i <= round % 12; i++)
        add_entry (&bench, random, tail);
      file = open_file (&bench);
      g_assert_cmpstr (vt_vhdx_replay (file, bench.header, &over), ==, NULL);
      g_assert_nonnull (over);
      compare (over, &bench, random);
      g_assert_cmpint (vt_image_write (over, 0, bench.file, SECTOR), !=, 0);
      vt_image_close (over);
    }
}

static void
no_log_changes_nothing (void)
{
  g_auto (Bench)      bench = bench_new (LOG_BYTES);
  g_autoptr (VtImage) file = open_file (&bench);
  VtImage            *over;
  g_assert_cmpstr (vt_vhdx_replay (file, bench.header, &over), ==, NULL);
  g_assert_null (over);
  memset (bench.header + VT_VHDX_LOG_GUID_AT, 0, 16);
  g_assert_cmpstr (vt_vhdx_replay (file, bench.header, &over), ==, NULL);
  g_assert_null (over);
}

/* Entries that follow each other and whose beginning is nowhere: none of them may be looked at once for each before it. */
static void
a_long_log_takes_no_long_time (void)
{
  g_auto (Bench) bench = bench_new (64 << 20);
  VtImage       *over;
  for (unsigned i = 0; i < (64 << 20) / SECTOR - 1; i++)
    end_entry (&bench, begin_entry (&bench, 1, (64 << 20) / SECTOR - 1, 0), 1);
  g_autoptr (VtImage) file = open_file (&bench);
  gint64              start = g_get_monotonic_time ();
  g_assert_nonnull (strstr (vt_vhdx_replay (file, bench.header, &over), "damaged"));
  g_assert_null (over);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 20 * G_USEC_PER_SEC);
}

/* One entry of nothing but zeros, each over all before it. */
static void
a_log_may_have_very_many_descriptors (void)
{
  enum { COUNT = 2000000 };
  g_auto (Bench)    bench = bench_new (64 << 20);
  g_autoptr (GRand) random = g_rand_new_with_seed (6);
  uint32_t          sectors = (64 + 32 * COUNT + SECTOR - 1) / SECTOR;
  uint8_t          *entry = begin_entry (&bench, sectors, 0, COUNT);
  VtImage          *over;
  for (uint64_t i = 0; i < COUNT; i++)
    put_zero (&bench, entry + 64 + 32 * i, FILE_BYTES + (uint64_t) 2 * SECTOR * (COUNT - i), (i + 1) * SECTOR);
  put_zero (&bench, entry + 64 + 32 * (COUNT - 1), BODY_AT, SECTOR);
  memset (bench.model + BODY_AT, 0, SECTOR);
  end_entry (&bench, entry, sectors);
  VtImage *file = open_file (&bench);
  gint64   start = g_get_monotonic_time ();
  g_assert_cmpstr (vt_vhdx_replay (file, bench.header, &over), ==, NULL);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 60 * G_USEC_PER_SEC);
  compare (over, &bench, random);
  g_assert_cmpuint (over->file_bytes, >, (uint64_t) COUNT * SECTOR);
  vt_image_close (over);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/vhdx-log/" #fn, fn)
  TEST (what_a_log_says_is_what_is_read);
  TEST (no_log_changes_nothing);
  TEST (a_long_log_takes_no_long_time);
  TEST (a_log_may_have_very_many_descriptors);
  return g_test_run ();
}
