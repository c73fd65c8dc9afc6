/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every block driver against the same suite, and what is special to images: errors that a person can act on, locks. */
#include <errno.h>
#include <glib/gstdio.h>

#include "drivers.h"
#include "vitrine/error.h"

enum
{
  DISK_BYTES = 4 << 20,
};

/* --- A loop: what is posted runs when the test waits -------------------------------------------------------------- */

typedef struct
{
  void (*fn) (void *arg);
  void  *arg;
} Posted;

static void
post (void *loop, void (*fn) (void *arg), void *arg)
{
  Posted *posted = g_new (Posted, 1);
  *posted = (Posted) { fn, arg };
  g_async_queue_push (loop, posted);
}

typedef struct
{
  GAsyncQueue *loop;
  char        *folder, *path;
  unsigned     done;
  unsigned     failures;   /* that a guard told of */
  int          error;
} Bench;

static VtPost
bench_post (Bench *bench)
{
  return (VtPost) { post, bench->loop };
}

static Bench *
bench_new (void)
{
  Bench *bench = g_new0 (Bench, 1);
  bench->loop = g_async_queue_new ();
  bench->folder = g_dir_make_tmp ("vitrine-block-XXXXXX", NULL);
  bench->path = g_build_filename (bench->folder, "disk.img", NULL);
  return bench;
}

static void
bench_free (Bench *bench)
{
  g_async_queue_unref (bench->loop);
  g_remove (bench->path);
  g_rmdir (bench->folder);
  g_free (bench->folder);
  g_free (bench->path);
  g_free (bench);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Bench, bench_free)

static void
make_file (Bench *bench, const void *bytes, gssize len)
{
  g_assert_true (g_file_set_contents (bench->path, bytes, len, NULL));
}

static void
request_done (VtIo *io, int error)
{
  Bench *bench = io->opaque;
  bench->done++;
  bench->error = error;
}

static void
turn (Bench *bench)
{
  g_autofree Posted *posted = g_async_queue_timeout_pop (bench->loop, 10 * G_USEC_PER_SEC);
  g_assert_nonnull (posted);
  posted->fn (posted->arg);
}

static int
run (Bench *bench, VtBlock *block, VtIoOp op, uint64_t off, uint64_t len, const VtIoVec *vec, size_t n_vec)
{
  VtIo     io = { .op = op, .off = off, .len = len, .vec = vec, .n_vec = n_vec, .done = request_done, .opaque = bench };
  unsigned before = bench->done;
  vt_block_submit (block, &io);
  g_assert_cmpuint (bench->done, ==, before);   /* never inside submit */
  while (bench->done == before)
    turn (bench);
  return bench->error;
}

static int
transfer (Bench *bench, VtBlock *block, VtIoOp op, uint64_t off, void *bytes, uint64_t len)
{
  /* Three pieces of odd sizes, the middle one empty on small requests. */
  size_t  third = len / 3;
  VtIoVec vec[3] = { { bytes, third }, { (uint8_t *) bytes + third, third },
                     { (uint8_t *) bytes + 2 * third, len - 2 * third } };
  return run (bench, block, op, off, len, vec, 3);
}

/* --- The suite ---------------------------------------------------------------------------------------------------- */

static VtBlock *
open_raw (Bench *bench)
{
  g_autofree uint8_t *zeros = g_malloc0 (DISK_BYTES);
  GError *error = NULL;
  make_file (bench, zeros, DISK_BYTES);
  VtBlock *block = vt_raw_open (bench->path, false, bench_post (bench), &error);
  g_assert_no_error (error);
  return block;
}

static VtBlock *
open_overlay (Bench *bench)
{
  GError  *error = NULL;
  VtBlock *below = open_raw (bench);
  below->readonly = true;
  VtBlock *block = vt_overlay_open (below, bench->folder, bench_post (bench), &error);
  g_assert_no_error (error);
  return block;
}

static VtBlock *
open_memory (Bench *bench)
{
  return vt_memory_block_new (DISK_BYTES, bench_post (bench));
}

static VtBlock *
open_fault (Bench *bench)
{
  return vt_fault_new (open_memory (bench), bench_post (bench));   /* with no fault set */
}

static void
count_failure (void *opaque, const char *label, int error)
{
  Bench *bench = opaque;
  bench->failures++;
  bench->error = error;
}

static VtBlock *
open_guard (Bench *bench)
{
  return vt_guard_new (open_memory (bench), bench_post (bench), count_failure, bench);
}

static const struct
{
  const char *name;
  VtBlock  *(*open) (Bench *bench);
} drivers[] = { { "raw", open_raw }, { "overlay", open_overlay }, { "memory", open_memory },
               { "fault", open_fault }, { "guard", open_guard } };

static void
what_is_written_is_read (Bench *bench, VtBlock *block)
{
  uint8_t out[4096], in[4096];
  for (unsigned i = 0; i < sizeof out; i++)
    out[i] = (uint8_t) (i * 7 + 3);
  g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, 512 * 3, out, sizeof out), ==, 0);
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, 512 * 3, in, sizeof in), ==, 0);
  g_assert_cmpmem (in, sizeof in, out, sizeof out);
  g_assert_cmpint (run (bench, block, VT_IO_FLUSH, 0, 0, NULL, 0), ==, 0);
}

static void
bounds_are_kept (Bench *bench, VtBlock *block)
{
  uint8_t sector[512];
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, DISK_BYTES - 512, sector, 512), ==, 0);
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, DISK_BYTES, sector, 512), ==, EINVAL);
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, UINT64_MAX - 511, sector, 512), ==, EINVAL);
  g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, DISK_BYTES - 256, sector, 512), ==, EINVAL);
}

static void
write_zeroes_reads_as_zeros (Bench *bench, VtBlock *block)
{
  uint8_t bytes[2048];
  memset (bytes, 0xaa, sizeof bytes);
  g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, 8192, bytes, sizeof bytes), ==, 0);
  g_assert_cmpint (run (bench, block, VT_IO_WRITE_ZEROES, 8704, 512, NULL, 0), ==, 0);
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, 8192, bytes, sizeof bytes), ==, 0);
  g_assert_cmphex (bytes[511], ==, 0xaa);
  g_assert_cmphex (bytes[512], ==, 0);
  g_assert_cmphex (bytes[1023], ==, 0);
  g_assert_cmphex (bytes[1024], ==, 0xaa);
  g_assert_cmpint (run (bench, block, VT_IO_DISCARD, 8192, 2048, NULL, 0), ==, 0);
}

/* A model of the disk in memory, and random requests against both, several at a time on different places. */
static void
random_requests_agree_with_a_model (Bench *bench, VtBlock *block)
{
  enum { ROUNDS = 1500, MAX_BYTES = 64 * 512 };
  g_autofree uint8_t *model = g_malloc0 (DISK_BYTES);
  g_autofree uint8_t *buffer = g_malloc (MAX_BYTES);
  g_autoptr (GRand) random = g_rand_new_with_seed (12);
  g_assert_cmpint (run (bench, block, VT_IO_WRITE_ZEROES, 0, DISK_BYTES, NULL, 0), ==, 0);
  for (unsigned i = 0; i < ROUNDS; i++)
    {
      uint64_t len = 512u * (uint64_t) g_rand_int_range (random, 1, 65);
      uint64_t off = 512u * (uint64_t) g_rand_int_range (random, 0, (gint32) ((DISK_BYTES - len) / 512 + 1));
      switch (g_rand_int_range (random, 0, 5))
        {
        case 0:
          g_assert_cmpint (run (bench, block, VT_IO_WRITE_ZEROES, off, len, NULL, 0), ==, 0);
          memset (model + off, 0, len);
          break;
        case 1: case 2:
          memset (buffer, g_rand_int_range (random, 0, 256), len);
          g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, off, buffer, len), ==, 0);
          memcpy (model + off, buffer, len);
          break;
        default:
          g_assert_cmpint (transfer (bench, block, VT_IO_READ, off, buffer, len), ==, 0);
          g_assert_cmpmem (buffer, len, model + off, len);
        }
    }
}

static void
set_true (void *opaque)
{
  *(bool *) opaque = true;
}

static void
draining_waits_for_everything (Bench *bench, VtBlock *block)
{
  enum { N = 32 };
  static uint8_t bytes[N][512];
  VtIo    io[N];
  VtIoVec vec[N];
  bool    drained = false;
  bench->done = 0;
  for (unsigned i = 0; i < N; i++)
    {
      vec[i] = (VtIoVec) { bytes[i], 512 };
      io[i] = (VtIo) { .op = i % 2 ? VT_IO_READ : VT_IO_WRITE, .off = i * 512, .len = 512, .vec = &vec[i], .n_vec = 1,
                       .done = request_done, .opaque = bench };
      vt_block_submit (block, &io[i]);
    }
  vt_block_drain (block, set_true, &drained);
  while (!drained)
    turn (bench);
  g_assert_cmpuint (bench->done, ==, N);
}

typedef void (*SuiteTest) (Bench *bench, VtBlock *block);

static void
on_every_driver (gconstpointer data)
{
  SuiteTest test = *(const SuiteTest *) data;
  for (size_t i = 0; i < G_N_ELEMENTS (drivers); i++)
    {
      g_autoptr (Bench) bench = bench_new ();
      VtBlock *block = drivers[i].open (bench);
      g_test_message ("%s", drivers[i].name);
      g_assert_cmpuint (block->size_bytes, ==, DISK_BYTES);
      test (bench, block);
      vt_block_close (block);
    }
}

/* --- Images ------------------------------------------------------------------------------------------------------- */

static void
an_overlay_leaves_the_image_alone (void)
{
  g_autoptr (Bench) bench = bench_new ();
  g_autofree char  *after = NULL;
  gsize    len;
  uint8_t  sector[512];
  VtBlock *block = open_overlay (bench);
  memset (sector, 0x77, sizeof sector);
  g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, 1024, sector, sizeof sector), ==, 0);
  vt_block_close (block);
  g_assert_true (g_file_get_contents (bench->path, &after, &len, NULL));
  g_assert_cmpuint (len, ==, DISK_BYTES);
  for (gsize i = 0; i < len; i++)
    g_assert_cmpint (after[i], ==, 0);
}

static void
a_read_only_image_refuses_writes (void)
{
  g_autoptr (Bench) bench = bench_new ();
  uint8_t sector[512] = { 0 };
  vt_block_close (open_raw (bench));
  VtBlock *block = vt_raw_open (bench->path, true, bench_post (bench), NULL);
  g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, 0, sector, 512), ==, EROFS);
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, 0, sector, 512), ==, 0);
  g_assert_cmpint (run (bench, block, VT_IO_FLUSH, 0, 0, NULL, 0), ==, 0);
  vt_block_close (block);
}

static void
an_image_in_use_is_refused (void)
{
  g_autoptr (Bench) bench = bench_new ();
  GError  *error = NULL;
  VtBlock *writer = open_raw (bench);
  g_assert_null (vt_raw_open (bench->path, false, bench_post (bench), &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, bench->path));
  g_clear_error (&error);
  g_assert_null (vt_raw_open (bench->path, true, bench_post (bench), NULL));
  vt_block_close (writer);
  VtBlock *one = vt_raw_open (bench->path, true, bench_post (bench), NULL);
  VtBlock *two = vt_raw_open (bench->path, true, bench_post (bench), NULL);
  g_assert_nonnull (one);
  g_assert_nonnull (two);
  g_assert_null (vt_raw_open (bench->path, false, bench_post (bench), NULL));
  vt_block_close (one);
  vt_block_close (two);
}

static void
expect_refusal (Bench *bench, const char *path, const char *says)
{
  GError *error = NULL;
  g_assert_null (vt_raw_open (path, false, bench_post (bench), &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_IMAGE);
  g_assert_nonnull (strstr (error->message, path));
  if (strstr (error->message, says) == NULL)
    g_error ("“%s” does not say “%s”", error->message, says);
  g_clear_error (&error);
}

static void
unusable_images_are_refused_in_a_clear_sentence (void)
{
  g_autoptr (Bench) bench = bench_new ();
  expect_refusal (bench, bench->path, "No such file");
  expect_refusal (bench, bench->folder, "folder");
  make_file (bench, "", 0);
  expect_refusal (bench, bench->path, "empty");
  make_file (bench, "short", 5);
  expect_refusal (bench, bench->path, "not a whole number");
  expect_refusal (bench, "/dev/null", "not a file");
}

static void
an_image_that_shrinks_gives_read_errors (void)
{
  g_autoptr (Bench) bench = bench_new ();
  uint8_t  sector[512];
  VtBlock *block = open_raw (bench);
  fclose (g_fopen (bench->path, "w"));   /* the same file, cut to nothing */
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, DISK_BYTES - 512, sector, 512), ==, EIO);
  vt_block_close (block);
}

static void
a_cd_image_is_padded_to_whole_blocks (void)
{
  g_autoptr (Bench) bench = bench_new ();
  uint8_t bytes[3000], block_bytes[2048];
  memset (bytes, 0x42, sizeof bytes);
  make_file (bench, (const char *) bytes, sizeof bytes);
  VtBlock *block = vt_raw_open_cd (bench->path, -1, bench_post (bench), NULL);
  g_assert_cmpuint (block->size_bytes, ==, 4096);
  g_assert_cmpuint (block->logical_block_bytes, ==, 2048);
  g_assert_true (block->readonly);
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, 2048, block_bytes, 2048), ==, 0);
  g_assert_cmphex (block_bytes[3000 - 2048 - 1], ==, 0x42);
  g_assert_cmphex (block_bytes[3000 - 2048], ==, 0);
  g_assert_cmphex (block_bytes[2047], ==, 0);
  vt_block_close (block);
}

static void
a_format_inside_a_raw_image_is_only_data (void)
{
  g_autoptr (Bench) bench = bench_new ();
  uint8_t  sector[512] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 }, back[512];
  VtBlock *block = open_raw (bench);
  g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, 0, sector, 512), ==, 0);
  vt_block_close (block);
  block = vt_raw_open (bench->path, false, bench_post (bench), NULL);
  g_assert_cmpuint (block->size_bytes, ==, DISK_BYTES);
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, 0, back, 512), ==, 0);
  g_assert_cmpmem (back, 512, sector, 512);
  vt_block_close (block);
}

static void
every_third_write_fails_when_asked_to (void)
{
  g_autoptr (Bench) bench = bench_new ();
  uint8_t  sector[512] = { 0 };
  VtBlock *block = open_fault (bench);
  vt_fault_set (block, 3, 1u << VT_IO_WRITE, ENOSPC);
  for (unsigned i = 1; i <= 9; i++)
    {
      g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, 0, sector, 512), ==, i % 3 == 0 ? ENOSPC : 0);
      g_assert_cmpint (transfer (bench, block, VT_IO_READ, 0, sector, 512), ==, 0);
    }
  vt_fault_set (block, 0, 0, 0);
  for (unsigned i = 0; i < 6; i++)
    g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, 0, sector, 512), ==, 0);
  vt_block_close (block);
}

/* A guarded disk whose host has no room: a write is under way and held back when this returns. */
static VtBlock *
full_disk (Bench *bench, VtBlock **fault, VtIo *io, VtIoVec *vec)
{
  *fault = open_fault (bench);
  vt_fault_set (*fault, 1, 1u << VT_IO_WRITE, ENOSPC);
  VtBlock *block = vt_guard_new (*fault, bench_post (bench), count_failure, bench);
  *io = (VtIo) { .op = VT_IO_WRITE, .len = vec->len, .vec = vec, .n_vec = 1, .done = request_done, .opaque = bench };
  vt_block_submit (block, io);
  while (bench->failures == 0)
    turn (bench);
  g_assert_cmpint (bench->error, ==, ENOSPC);
  g_assert_cmpuint (bench->done, ==, 0);
  return block;
}

static void
a_write_to_a_full_disk_waits_and_is_done_when_there_is_room (void)
{
  Bench   *bench = bench_new ();
  uint8_t  sector[512] = { 1, 2, 3 }, back[512];
  VtIoVec  vec = { sector, sizeof sector };
  VtIo     io;
  VtBlock *fault, *block = full_disk (bench, &fault, &io, &vec);
  g_assert_true (vt_guard_retry (block));
  while (bench->failures == 1)   /* still full */
    turn (bench);
  g_assert_cmpuint (bench->done, ==, 0);
  vt_fault_set (fault, 0, 0, 0);
  g_assert_true (vt_guard_retry (block));
  while (bench->done == 0)
    turn (bench);
  g_assert_cmpint (bench->error, ==, 0);
  g_assert_false (vt_guard_retry (block));
  g_assert_cmpint (transfer (bench, block, VT_IO_READ, 0, back, sizeof back), ==, 0);
  g_assert_cmpmem (back, sizeof back, sector, sizeof sector);
  vt_block_close (block);
  bench_free (bench);
}

static void
a_held_write_fails_to_the_guest_when_all_io_must_end (void)
{
  Bench   *bench = bench_new ();
  uint8_t  sector[512] = { 0 };
  VtIoVec  vec = { sector, sizeof sector };
  VtIo     io;
  VtBlock *fault, *block = full_disk (bench, &fault, &io, &vec);
  vt_guard_pass_errors (block, true);
  g_assert_cmpuint (bench->done, ==, 1);
  g_assert_cmpint (bench->error, ==, ENOSPC);
  g_assert_cmpint (transfer (bench, block, VT_IO_WRITE, 0, sector, sizeof sector), ==, ENOSPC);
  g_assert_cmpuint (bench->failures, ==, 1);
  vt_block_close (block);
  bench_free (bench);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define SUITE(fn)                                                                                                      \
  static const SuiteTest fn##_ = fn;                                                                                   \
  g_test_add_data_func ("/block/every/" #fn, &fn##_, on_every_driver)
  SUITE (what_is_written_is_read);
  SUITE (bounds_are_kept);
  SUITE (write_zeroes_reads_as_zeros);
  SUITE (random_requests_agree_with_a_model);
  SUITE (draining_waits_for_everything);
#define TEST(fn) g_test_add_func ("/block/image/" #fn, fn)
  g_test_add_func ("/block/guard/waits", a_write_to_a_full_disk_waits_and_is_done_when_there_is_room);
  g_test_add_func ("/block/guard/passes", a_held_write_fails_to_the_guest_when_all_io_must_end);
  TEST (an_overlay_leaves_the_image_alone);
  TEST (a_read_only_image_refuses_writes);
  TEST (an_image_in_use_is_refused);
  TEST (unusable_images_are_refused_in_a_clear_sentence);
  TEST (an_image_that_shrinks_gives_read_errors);
  TEST (a_cd_image_is_padded_to_whole_blocks);
  TEST (a_format_inside_a_raw_image_is_only_data);
  TEST (every_third_write_fails_when_asked_to);
  return g_test_run ();
}
