/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files as memory: the same bytes as read(), whatever happens to the file, and no crash. */
#include "file-map.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus-guard.h"

enum { FILE_BYTES = 3 << 20, PART = 64 << 10, WINDOWS = 16 };
#define WINDOW_BYTES ((uint64_t) VT_BUS_GUARD_BYTES)

typedef struct
{
  char      *path;
  int        fd;       /* somebody else's */
  VtFile    *file;
  VtFileMap *map;
} Bench;

static uint8_t
byte_at (uint64_t off)
{
  return (uint8_t) (off / 4096 * 31 + off % 251 + 1);
}

static void
fill (int fd, uint64_t from, uint64_t to)
{
  g_autofree uint8_t *bytes = g_malloc (to - from);
  for (uint64_t off = from; off < to; off++)
    bytes[off - from] = byte_at (off);
  g_assert_cmpint (pwrite (fd, bytes, to - from, (off_t) from), ==, (gssize) (to - from));
}

static Bench
bench_new (void)
{
  Bench bench = { .path = g_build_filename (g_get_tmp_dir (), "vitrine-map-XXXXXX", NULL) };
  bench.fd = g_mkstemp_full (bench.path, O_RDWR | O_CLOEXEC, 0600);
  g_assert_cmpint (bench.fd, >=, 0);
  fill (bench.fd, 0, FILE_BYTES);
  bench.file = vt_file_open (bench.path, false, NULL);
  bench.map = vt_file_map_new (bench.file);
  return bench;
}

static void
bench_clear (Bench *bench)
{
  vt_file_map_free (bench->map);
  vt_file_close (bench->file);
  close (bench->fd);
  g_unlink (bench->path);
  g_free (bench->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

/* Not on every file system. */
static bool
can_map (const Bench *bench)
{
  VtMapped mapped;
  if (vt_file_map_get (bench->map, 0, PART, &mapped))
    return vt_mapped_end (&mapped);
  g_test_skip ("files of this folder are not mapped");
  return false;
}

static bool
shows (VtFileMap *map, uint64_t off, uint64_t len)
{
  VtMapped mapped;
  if (!vt_file_map_get (map, off, len, &mapped))
    return false;
  for (uint64_t i = 0; i < len; i++)
    g_assert_cmpuint (mapped.bytes[i], ==, byte_at (off + i));
  return vt_mapped_end (&mapped);
}

static void
it_shows_what_is_read (void)
{
  g_auto (Bench)    bench = bench_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  if (!can_map (&bench))
    return;
  g_assert_true (shows (bench.map, 0, FILE_BYTES));
  for (unsigned i = 0; i < 200; i++)
    {
      uint64_t len = (uint64_t) g_rand_int_range (random, 16 << 10, 200 << 10), off = (uint64_t) g_rand_int_range (random, 0, FILE_BYTES);
      g_assert_true (shows (bench.map, off, len) == (off + len <= FILE_BYTES));
    }
}

static void
what_does_not_fit_is_refused (void)
{
  static const struct { uint64_t off, len; } bad[] = {
    { 0, 0 }, { 0, 512 }, { 0, FILE_BYTES + 1 }, { FILE_BYTES, PART }, { UINT64_MAX, PART }, { UINT64_MAX - PART + 1, PART },
    { PART, UINT64_MAX }, { INT64_MAX, PART }, { 0, UINT64_MAX }, { UINT64_C (1) << 63, UINT64_C (1) << 63 }, { UINT64_C (1) << 32, PART },
    { UINT64_MAX - 100, UINT64_MAX },
  };
  g_auto (Bench) bench = bench_new ();
  VtMapped       mapped;
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (vt_file_map_get (bench.map, bad[i].off, bad[i].len, &mapped));
}

static void
what_is_written_meanwhile_shows (void)
{
  g_auto (Bench) bench = bench_new ();
  VtMapped       mapped;
  if (!can_map (&bench))
    return;
  g_assert_true (vt_file_map_get (bench.map, PART, PART, &mapped));
  g_assert_cmpint (pwrite (bench.fd, "new", 3, PART + 100), ==, 3);
  g_assert_cmpmem (mapped.bytes + 100, 3, "new", 3);
  g_assert_cmpint (fallocate (bench.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PART, 4096), ==, 0);
  g_assert_cmpuint (mapped.bytes[100], ==, 0);
  g_assert_true (vt_mapped_end (&mapped));
}

static void
what_a_file_grows_by_shows (void)
{
  g_auto (Bench) bench = bench_new ();
  if (!can_map (&bench))
    return;
  g_assert_false (shows (bench.map, FILE_BYTES, PART));
  fill (bench.fd, FILE_BYTES, FILE_BYTES + PART);
  g_assert_true (shows (bench.map, FILE_BYTES - PART, 2 * PART));
}

static void
what_is_not_in_memory_is_refused (void)
{
  g_auto (Bench) bench = bench_new ();
  VtMapped       mapped;
  if (!can_map (&bench))
    return;
  /* A hole has no pages. */
  g_assert_cmpint (ftruncate (bench.fd, 2 * FILE_BYTES), ==, 0);
  g_assert_false (vt_file_map_get (bench.map, FILE_BYTES, PART, &mapped));
  g_assert_false (vt_file_map_get (bench.map, FILE_BYTES - 4096, PART, &mapped));
}

/* --- A file that is cut short ------------------------------------------------------------------------------------------------ */

static void
a_file_that_was_cut_short_is_no_crash (void)
{
  g_auto (Bench) bench = bench_new ();
  VtMapped       mapped, other;
  if (!can_map (&bench))
    return;
  g_assert_true (vt_file_map_get (bench.map, 0, FILE_BYTES, &mapped));
  g_assert_true (vt_file_map_get (bench.map, PART, PART, &other));
  g_assert_cmpint (ftruncate (bench.fd, PART), ==, 0);
  for (uint64_t off = PART; off < FILE_BYTES; off++)
    g_assert_cmpuint (mapped.bytes[off], ==, 0);
  g_assert_false (vt_mapped_end (&mapped));
  g_assert_false (vt_mapped_end (&other));
  /* It is read from then on, also when the bytes come back. */
  fill (bench.fd, 0, FILE_BYTES);
  g_assert_false (shows (bench.map, 0, PART));
  VtFileMap *fresh = vt_file_map_new (bench.file);
  g_assert_true (shows (fresh, 0, FILE_BYTES));
  vt_file_map_free (fresh);
}

typedef struct
{
  const Bench *bench;
  gint         over, failed;
} Crowd;

/* Each sees the file's bytes, or is told; zeros are what the file has while it is filled again. */
static gpointer
look (gpointer data)
{
  Crowd *crowd = data;
  while (g_atomic_int_get (&crowd->over) == 0)
    {
      VtFileMap *map = vt_file_map_new (crowd->bench->file);
      VtMapped   mapped;
      for (unsigned i = 0; i < 8 && vt_file_map_get (map, i * PART, PART, &mapped); i++)
        {
          for (uint64_t at = 0; at < PART; at += 512)
            {
              uint8_t byte = mapped.bytes[at];
              g_assert_true (byte == 0 || byte == byte_at (i * PART + at));
            }
          if (!vt_mapped_end (&mapped))
            g_atomic_int_inc (&crowd->failed);
        }
      vt_file_map_free (map);
    }
  return NULL;
}

static void
files_are_cut_short_under_many_threads (void)
{
  enum { THREADS = 4 };
  g_auto (Bench) bench = bench_new ();
  Crowd          crowd = { .bench = &bench };
  GThread       *threads[THREADS];
  if (!can_map (&bench))
    return;
  for (unsigned i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("look", look, &crowd);
  for (unsigned i = 0; i < 300; i++)
    {
      g_assert_cmpint (ftruncate (bench.fd, 0), ==, 0);
      fill (bench.fd, 0, FILE_BYTES);
      g_usleep (1000);
    }
  g_atomic_int_set (&crowd.over, 1);
  for (unsigned i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
  g_test_message ("%d looks failed", crowd.failed);
}

/* --- Windows ----------------------------------------------------------------------------------------------------------------- */

static void
a_large_file_is_seen_through_few_windows (void)
{
  g_auto (Bench) bench = bench_new ();
  VtMapped       held[WINDOWS], one_more;
  if (!can_map (&bench))
    return;
  for (unsigned i = 0; i < 3 * WINDOWS; i++)
    fill (bench.fd, i * WINDOW_BYTES, i * WINDOW_BYTES + PART);
  for (unsigned i = 0; i < 3 * WINDOWS; i++)
    g_assert_true (shows (bench.map, i * WINDOW_BYTES, PART));
  for (unsigned i = 0; i < WINDOWS; i++)
    g_assert_true (vt_file_map_get (bench.map, 2 * i * WINDOW_BYTES, PART, &held[i]));
  g_assert_false (vt_file_map_get (bench.map, WINDOW_BYTES, PART, &one_more));
  for (unsigned i = 0; i < WINDOWS; i++)
    {
      g_assert_cmpuint (held[i].bytes[7], ==, byte_at (2 * i * WINDOW_BYTES + 7));
      g_assert_true (vt_mapped_end (&held[i]));
    }
  g_assert_true (shows (bench.map, WINDOW_BYTES, PART));
}

static void
maps_that_go_leave_nothing_behind (void)
{
  g_auto (Bench) bench = bench_new ();
  if (!can_map (&bench))
    return;
  for (unsigned i = 0; i < 4 * VT_BUS_GUARDS_MOST; i++)
    {
      VtFileMap *map = vt_file_map_new (bench.file);
      g_assert_true (shows (map, i % 8 * PART, PART));
      vt_file_map_free (map);
    }
}

/* --- Other signals ------------------------------------------------------------------------------------------------------------- */

/* A mapping of nobody's that ends before the bytes do. */
static const volatile uint8_t *
map_too_much (const Bench *bench)
{
  void *start = mmap (NULL, 2 * FILE_BYTES, PROT_READ, MAP_SHARED, bench->fd, 0);
  g_assert_true (start != MAP_FAILED);
  return (uint8_t *) start + FILE_BYTES + 4096;
}

static void
other_bus_errors_end_the_process (void)
{
  if (g_test_subprocess ())
    {
      g_auto (Bench) bench = bench_new ();
      if (!can_map (&bench))
        raise (SIGBUS);
      g_unlink (bench.path);
      g_print ("%d", *map_too_much (&bench));
      exit (0);
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
}

static void
bus_errors_that_are_sent_end_the_process (void)
{
  if (g_test_subprocess ())
    {
      g_auto (Bench) bench = bench_new ();
      can_map (&bench);
      g_unlink (bench.path);
      kill (getpid (), SIGBUS);
      exit (0);
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
}

static sigjmp_buf back;

static void
jump_back (int number)
{
  siglongjmp (back, 1);
}

/* In a process that has not guarded anything yet. */
static void
a_handler_that_was_there_before_gets_its_own (void)
{
  if (g_test_subprocess ())
    {
      struct sigaction action = { .sa_handler = jump_back };
      sigaction (SIGBUS, &action, NULL);
      g_auto (Bench) bench = bench_new ();
      can_map (&bench);
      const volatile uint8_t *nothing = map_too_much (&bench);
      if (sigsetjmp (back, 1) == 0)
        {
          g_print ("%d", *nothing);
          g_assert_not_reached ();
        }
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(topic, fn) g_test_add_func ("/file-map/" topic "/" #fn, fn)
  TEST ("bytes", it_shows_what_is_read);
  TEST ("bytes", what_does_not_fit_is_refused);
  TEST ("bytes", what_is_written_meanwhile_shows);
  TEST ("bytes", what_a_file_grows_by_shows);
  TEST ("bytes", what_is_not_in_memory_is_refused);
  TEST ("cut-short", a_file_that_was_cut_short_is_no_crash);
  TEST ("cut-short", files_are_cut_short_under_many_threads);
  TEST ("windows", a_large_file_is_seen_through_few_windows);
  TEST ("windows", maps_that_go_leave_nothing_behind);
  TEST ("signals", other_bus_errors_end_the_process);
  TEST ("signals", bus_errors_that_are_sent_end_the_process);
  TEST ("signals", a_handler_that_was_there_before_gets_its_own);
  return g_test_run ();
}
