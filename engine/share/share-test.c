/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shared folder as a guest uses it, and as one that wants out of it would. */
#include "share.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum
{
  VERSION = 100, ATTACH = 104, WALK = 110, READ = 116, WRITE = 118, CLUNK = 120, OPEN = 12, CREATE = 14, SYMLINK = 16,
  READLINK = 22, GETATTR = 24, SETATTR = 26, READDIR = 40, MKDIR = 72, RENAMEAT = 74, UNLINKAT = 76, ERROR = 7,
  ROOT = 1,
};

typedef struct
{
  VtLock   lock;
  VtLoop  *loop;
  char    *outside, *folder;       /* the share is a folder in `outside` */
  VtShare *share;
  GByteArray *message;
  uint8_t  answer[8192];
  gint     done;
  size_t   written;
} Fixture;

static void
open_share (Fixture *f, bool readonly)
{
  GError *error = NULL;
  f->share = vt_share_new (f->loop, f->folder, readonly, &error);
  g_assert_no_error (error);
}

static void
close_share (Fixture *f)
{
  vt_lock (&f->lock);
  f->share->ops->close (f->share);
  vt_unlock (&f->lock);
}

static Fixture *
fixture_new (void)
{
  Fixture *f = g_new0 (Fixture, 1);
  vt_lock_init (&f->lock);
  f->loop = vt_loop_new (&f->lock);
  f->message = g_byte_array_new ();
  f->outside = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  f->folder = g_build_filename (f->outside, "share", NULL);
  g_autofree char *secret = g_build_filename (f->outside, "secret", NULL), *file = g_build_filename (f->folder, "file", NULL);
  g_autofree char *link = g_build_filename (f->folder, "link", NULL), *up = g_build_filename (f->folder, "up", NULL);
  g_assert_cmpint (g_mkdir (f->folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (secret, "secret", -1, NULL) && g_file_set_contents (file, "contents", -1, NULL));
  g_assert_cmpint (symlink ("../secret", link), ==, 0);
  g_assert_cmpint (symlink ("..", up), ==, 0);
  open_share (f, false);
  return f;
}

static void
fixture_free (Fixture *f)
{
  close_share (f);
  vt_loop_free (f->loop);
  vt_lock_clear (&f->lock);
  g_byte_array_unref (f->message);
  g_autofree char *command = g_strdup_printf ("rm -r '%s'", f->outside);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (f->outside);
  g_free (f->folder);
  g_free (f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
request_done (VtShareRequest *request, size_t written)
{
  Fixture *f = request->opaque;
  f->written = written;
  g_atomic_int_set (&f->done, 1);
}

/* Sends `len` bytes as they are. */
static void
send_raw (Fixture *f, uint8_t *bytes, size_t len)
{
  VtIoVec        out[2] = { { bytes, MIN (len, 5) }, { bytes + MIN (len, 5), len - MIN (len, 5) } };
  VtIoVec        in = { f->answer, sizeof f->answer };
  VtShareRequest request = { .out = out, .n_out = 2, .in = &in, .n_in = 1, .done = request_done, .opaque = f };
  g_atomic_int_set (&f->done, 0);
  vt_lock (&f->lock);
  f->share->ops->submit (f->share, &request);
  vt_unlock (&f->lock);
  while (!g_atomic_int_get (&f->done))
    g_thread_yield ();
}

static void
put (Fixture *f, uint64_t value, unsigned bytes)
{
  uint8_t le[8];
  vt_store_le (le, value, bytes);
  g_byte_array_append (f->message, le, bytes);
}

static void
put_text (Fixture *f, const char *text)
{
  put (f, strlen (text), 2);
  g_byte_array_append (f->message, (const uint8_t *) text, (guint) strlen (text));
}

static void
begin (Fixture *f, unsigned type)
{
  g_byte_array_set_size (f->message, 0);
  put (f, 0, 4);
  put (f, type, 1);
  put (f, 0x1234, 2);
}

/* Sends the message; 0 or the errno that it got. */
static unsigned
send (Fixture *f)
{
  unsigned type = f->message->data[4];
  vt_store_le (f->message->data, f->message->len, 4);
  send_raw (f, f->message->data, f->message->len);
  g_assert_cmpuint (vt_load_le (f->answer, 4), ==, f->written);
  g_assert_cmphex (vt_load_le (f->answer + 5, 2), ==, 0x1234);
  if (f->answer[4] == ERROR)
    return (unsigned) vt_load_le (f->answer + 7, 4);
  g_assert_cmpuint (f->answer[4], ==, type + 1);
  return 0;
}

static void
attach (Fixture *f)
{
  begin (f, VERSION);
  put (f, 8192, 4);
  put_text (f, "9P2000.L");
  g_assert_cmpuint (send (f), ==, 0);
  begin (f, ATTACH);
  put (f, ROOT, 4);
  put (f, UINT32_MAX, 4);
  put_text (f, "user");
  put_text (f, "");
  put (f, 0, 4);
  g_assert_cmpuint (send (f), ==, 0);
}

static unsigned
walk (Fixture *f, uint32_t to, unsigned n, ...)
{
  va_list args;
  va_start (args, n);
  begin (f, WALK);
  put (f, ROOT, 4);
  put (f, to, 4);
  put (f, n, 2);
  for (unsigned i = 0; i < n; i++)
    put_text (f, va_arg (args, const char *));
  va_end (args);
  unsigned error = send (f);
  return error != 0 ? error : vt_load_le (f->answer + 7, 2) < n ? ENOENT : 0;
}

static unsigned
open_fid (Fixture *f, uint32_t fid, uint32_t flags)
{
  begin (f, OPEN);
  put (f, fid, 4);
  put (f, flags, 4);
  return send (f);
}

static unsigned
read_fid (Fixture *f, uint32_t fid, uint64_t offset, uint32_t count)
{
  begin (f, READ);
  put (f, fid, 4);
  put (f, offset, 8);
  put (f, count, 4);
  return send (f);
}

static unsigned
create (Fixture *f, uint32_t fid, const char *name, uint32_t mode)
{
  begin (f, CREATE);
  put (f, fid, 4);
  put_text (f, name);
  put (f, 0102, 4);
  put (f, mode, 4);
  put (f, 0, 4);
  return send (f);
}

static void
files_are_read_written_and_listed (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  attach (f);
  g_assert_cmpuint (walk (f, 2, 1, "file"), ==, 0);
  g_assert_cmpuint (open_fid (f, 2, 0), ==, 0);
  g_assert_cmpuint (read_fid (f, 2, 3, 100), ==, 0);
  g_assert_cmpmem (f->answer + 11, vt_load_le (f->answer + 7, 4), "tents", 5);
  g_assert_cmpuint (walk (f, 3, 0), ==, 0);
  g_assert_cmpuint (create (f, 3, "new", 06755), ==, 0);
  begin (f, WRITE);
  put (f, 3, 4);
  put (f, 2, 8);
  put (f, 3, 4);
  g_byte_array_append (f->message, (const uint8_t *) "abc", 3);
  g_assert_cmpuint (send (f), ==, 0);
  g_autofree char *path = g_build_filename (f->folder, "new", NULL), *contents = NULL;
  gsize    len;
  GStatBuf about;
  g_assert_true (g_file_get_contents (path, &contents, &len, NULL));
  g_assert_cmpmem (contents, len, "\0\0abc", 5);
  g_assert_cmpint (g_stat (path, &about), ==, 0);
  g_assert_cmphex (about.st_mode & 07000, ==, 0);                 /* not setuid */
  g_assert_cmpuint (walk (f, 4, 0), ==, 0);
  g_assert_cmpuint (open_fid (f, 4, 0200000), ==, 0);
  begin (f, READDIR);
  put (f, 4, 4);
  put (f, 0, 8);
  put (f, 4000, 4);
  g_assert_cmpuint (send (f), ==, 0);
  g_assert_nonnull (memmem (f->answer, f->written, "\3\0new", 5));
  begin (f, RENAMEAT);
  put (f, ROOT, 4);
  put_text (f, "new");
  put (f, ROOT, 4);
  put_text (f, "newer");
  g_assert_cmpuint (send (f), ==, 0);
  g_assert_cmpuint (walk (f, 5, 1, "newer"), ==, 0);
  begin (f, UNLINKAT);
  put (f, ROOT, 4);
  put_text (f, "newer");
  put (f, 0, 4);
  g_assert_cmpuint (send (f), ==, 0);
  g_assert_cmpuint (walk (f, 6, 1, "newer"), ==, ENOENT);
}

static void
nothing_leads_out (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  attach (f);
  g_assert_cmpuint (walk (f, 2, 1, "link"), ==, 0);               /* the link itself is there, for the guest to read */
  g_assert_cmpuint (open_fid (f, 2, 0), ==, EACCES);
  begin (f, READLINK);
  put (f, 2, 4);
  g_assert_cmpuint (send (f), ==, 0);
  g_assert_cmpmem (f->answer + 9, vt_load_le (f->answer + 7, 2), "../secret", 9);
  g_assert_cmpuint (walk (f, 3, 2, "up", "secret"), !=, 0);
  g_assert_cmpuint (walk (f, 3, 2, "..", "secret"), !=, 0);
  g_assert_cmpuint (walk (f, 3, 1, "../secret"), !=, 0);
  g_assert_cmpuint (walk (f, 3, 1, "/etc/passwd"), !=, 0);
  g_assert_cmpuint (walk (f, 3, 3, "..", "..", "file"), ==, 0);   /* above the root is the root */
  g_assert_cmpuint (walk (f, 4, 1, "up"), ==, 0);
  g_assert_cmpuint (create (f, 4, "evil", 0644), !=, 0);
  g_assert_cmpuint (create (f, ROOT, "../evil", 0644), !=, 0);
  g_assert_cmpuint (create (f, ROOT, "link", 0644), !=, 0);       /* would write through the link */
  static const unsigned two_names[] = { RENAMEAT };
  for (unsigned i = 0; i < G_N_ELEMENTS (two_names); i++)
    {
      begin (f, two_names[i]);
      put (f, ROOT, 4);
      put_text (f, "file");
      put (f, 4, 4);
      put_text (f, "stolen");
      g_assert_cmpuint (send (f), !=, 0);
    }
  begin (f, UNLINKAT);
  put (f, 4, 4);
  put_text (f, "secret");
  put (f, 0, 4);
  g_assert_cmpuint (send (f), !=, 0);
  begin (f, SETATTR);
  put (f, 2, 4);
  put (f, 1 | 8, 4);
  for (unsigned i = 0; i < 52; i++)
    put (f, 0, 1);
  send (f);
  g_autofree char *secret = g_build_filename (f->outside, "secret", NULL), *evil = g_build_filename (f->outside, "evil", NULL);
  g_autofree char *contents = NULL;
  g_assert_true (g_file_get_contents (secret, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "secret");
  g_assert_false (g_file_test (evil, G_FILE_TEST_EXISTS));
}

/* Mode and size of what a handle is. */
static unsigned
set_attributes (Fixture *f, uint32_t fid, uint32_t mode, uint64_t size)
{
  begin (f, SETATTR);
  put (f, fid, 4);
  put (f, 1 | 8, 4);
  put (f, mode, 4);
  put (f, 0, 8);
  put (f, size, 8);
  for (unsigned i = 0; i < 4; i++)
    put (f, 0, 8);
  return send (f);
}

static void
assert_file (Fixture *f, const char *name, unsigned mode, const char *contents)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL), *actual = NULL;
  GStatBuf about;
  g_assert_true (g_file_get_contents (path, &actual, NULL, NULL));
  g_assert_cmpstr (actual, ==, contents);
  g_assert_cmpint (g_stat (path, &about), ==, 0);
  g_assert_cmphex (about.st_mode & 0777, ==, mode);
}

/* Where the name of an open file leads to is somebody else's by then. */
static void
an_open_file_is_changed_whatever_its_name_is_now (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *file = g_build_filename (f->folder, "file", NULL), *moved = g_build_filename (f->folder, "moved", NULL);
  attach (f);
  g_assert_cmpuint (walk (f, 2, 1, "file"), ==, 0);
  g_assert_cmpuint (open_fid (f, 2, 2), ==, 0);
  g_assert_cmpuint (walk (f, 3, 1, "file"), ==, 0);
  g_assert_cmpuint (open_fid (f, 3, 0), ==, 0);
  g_assert_cmpint (g_rename (file, moved), ==, 0);
  g_assert_true (g_file_set_contents (file, "another", -1, NULL) && g_chmod (file, 0600) == 0);
  g_assert_cmpuint (set_attributes (f, 2, 0640, 5), ==, 0);
  assert_file (f, "moved", 0640, "conte");
  g_assert_cmpuint (set_attributes (f, 3, 0660, 3), ==, 0);       /* opened for reading */
  assert_file (f, "moved", 0660, "con");
  assert_file (f, "file", 0600, "another");
  g_assert_cmpint (g_unlink (moved), ==, 0);
  g_assert_cmpuint (set_attributes (f, 2, 0600, 1), ==, 0);
  g_assert_cmpuint (read_fid (f, 2, 0, 100), ==, 0);
  g_assert_cmpmem (f->answer + 11, vt_load_le (f->answer + 7, 4), "c", 1);
  /* Not open: by its path. */
  g_assert_cmpuint (walk (f, 4, 1, "file"), ==, 0);
  g_assert_cmpuint (set_attributes (f, 4, 0644, 2), ==, 0);
  assert_file (f, "file", 0644, "an");
  g_assert_cmpuint (set_attributes (f, ROOT, 0700, 0), ==, EISDIR);
}

static void
a_path_that_is_too_long_says_so (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  enum { DEPTH = 15 };
  char name[256] = { 0 };
  int  folder = open (f->folder, O_PATH | O_DIRECTORY);
  memset (name, 'x', 255);
  for (unsigned i = 0; i < DEPTH; i++)
    {
      g_assert_cmpint (mkdirat (folder, name, 0700), ==, 0);
      int next = openat (folder, name, O_PATH | O_DIRECTORY);
      close (folder);
      folder = next;
    }
  close (folder);
  attach (f);
  begin (f, WALK);
  put (f, ROOT, 4);
  put (f, 2, 4);
  put (f, DEPTH, 2);
  for (unsigned i = 0; i < DEPTH; i++)
    put_text (f, name);
  g_assert_cmpuint (send (f), ==, 0);
  g_assert_cmpuint (walk (f, 3, 1, "nothing"), ==, ENOENT);
  g_assert_cmpuint (create (f, 2, name, 0600), ==, ENAMETOOLONG);
  g_assert_cmpuint (create (f, 2, "short", 0600), ==, 0);
}

static void
a_readonly_share_stays_as_it_is (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  close_share (f);
  open_share (f, true);
  attach (f);
  g_assert_cmpuint (walk (f, 2, 1, "file"), ==, 0);
  g_assert_cmpuint (open_fid (f, 2, 2), ==, EROFS);
  g_assert_cmpuint (open_fid (f, 2, 01000), ==, EROFS);
  g_assert_cmpuint (create (f, ROOT, "x", 0644), ==, EROFS);
  begin (f, MKDIR);
  put (f, ROOT, 4);
  put_text (f, "d");
  put (f, 0755, 4);
  put (f, 0, 4);
  g_assert_cmpuint (send (f), ==, EROFS);
  g_assert_cmpuint (open_fid (f, 2, 0), ==, 0);
  g_assert_cmpuint (read_fid (f, 2, 0, 100), ==, 0);
}

static void
open_files_survive_a_save (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  uint8_t saved[4096];
  attach (f);
  g_assert_cmpuint (walk (f, 2, 1, "file"), ==, 0);
  g_assert_cmpuint (open_fid (f, 2, 0), ==, 0);
  vt_lock (&f->lock);
  size_t len = f->share->ops->save (f->share, saved, sizeof saved);
  vt_unlock (&f->lock);
  close_share (f);
  open_share (f, false);
  vt_lock (&f->lock);
  f->share->ops->load (f->share, saved, len);
  vt_unlock (&f->lock);
  g_assert_cmpuint (read_fid (f, 2, 0, 100), ==, 0);
  g_assert_cmpmem (f->answer + 11, vt_load_le (f->answer + 7, 4), "contents", 8);
  g_assert_cmpuint (walk (f, 3, 1, "file"), ==, 0);
  /* Streams that want out of the folder, and broken ones. */
  static const uint8_t out[] = { 0, 32, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 9, 0, '.', '.', '/', 's', 'e', 'c', 'r', 'e', 't' };
  vt_lock (&f->lock);
  for (size_t n = 0; n <= sizeof out; n++)
    f->share->ops->load (f->share, out, n);
  vt_unlock (&f->lock);
  g_assert_cmpuint (read_fid (f, 9, 0, 100), ==, EBADF);
}

static uint64_t
number_of (Fixture *f, uint32_t fid)
{
  begin (f, GETATTR);
  put (f, fid, 4);
  put (f, 0x7ff, 8);
  g_assert_cmpuint (send (f), ==, 0);
  return vt_load_le (f->answer + 7 + 8 + 5, 8);
}

/* /proc and /sys, whose roots have the same number each in its file system. */
static void
files_of_several_file_systems_are_told_apart (void)
{
  struct stat root, proc, sys;
  if (stat ("/", &root) != 0 || stat ("/proc", &proc) != 0 || stat ("/sys", &sys) != 0 || proc.st_ino != sys.st_ino)
    {
      g_test_skip ("/proc and /sys are not there, or not as usual");
      return;
    }
  g_autoptr (Fixture) f = fixture_new ();
  close_share (f);
  f->share = vt_share_new (f->loop, "/", true, NULL);
  attach (f);
  g_assert_cmpuint (walk (f, 2, 1, "proc"), ==, 0);
  g_assert_cmpuint (walk (f, 3, 1, "sys"), ==, 0);
  g_assert_cmphex (number_of (f, ROOT), ==, root.st_ino);
  g_assert_cmphex (number_of (f, 2), !=, number_of (f, 3));
  g_assert_cmphex (number_of (f, 2), ==, number_of (f, 2));
}

static void
random_messages_never_hurt (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (99);
  static const uint8_t types[] = { 8, 12, 14, 16, 18, 20, 22, 24, 26, 30, 32, 40, 50, 52, 54, 70, 72, 74, 76, 104, 108, 110, 116, 118, 120 };
  static const char *const names[] = { "file", "link", "up", "..", ".", "", "a", "b/c", "../secret" };
  unsigned good = 0;
  attach (f);
  for (unsigned i = 0; i < 20000; i++)
    {
      begin (f, types[g_rand_int_range (random, 0, G_N_ELEMENTS (types))]);
      for (int n = g_rand_int_range (random, 0, 12); n > 0; n--)
        switch (g_rand_int_range (random, 0, 4))
          {
          case 0: put (f, (uint64_t) g_rand_int_range (random, 0, 5), 4); break;
          case 1: put (f, g_rand_int (random), (unsigned) g_rand_int_range (random, 1, 9)); break;
          case 2: put (f, (uint64_t) g_rand_int_range (random, 0, 4), 2); break;
          default: put_text (f, names[g_rand_int_range (random, 0, G_N_ELEMENTS (names))]);
          }
      good += send (f) == 0;
      if (i % 1000 == 0)
        attach (f);
    }
  uint8_t junk[64];
  for (unsigned i = 0; i < 2000; i++)
    {
      for (unsigned b = 0; b < sizeof junk; b++)
        junk[b] = (uint8_t) g_rand_int (random);
      vt_store_le (junk, (uint64_t) g_rand_int_range (random, 0, 80), 4);
      send_raw (f, junk, (size_t) g_rand_int_range (random, 0, sizeof junk));
    }
  g_test_message ("%u messages succeeded", good);
  g_assert_cmpuint (good, >, 500);
  g_autofree char *secret = g_build_filename (f->outside, "secret", NULL), *contents = NULL;
  g_assert_true (g_file_get_contents (secret, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "secret");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/share/" #fn, fn)
  TEST (files_are_read_written_and_listed);
  TEST (nothing_leads_out);
  TEST (an_open_file_is_changed_whatever_its_name_is_now);
  TEST (a_path_that_is_too_long_says_so);
  TEST (a_readonly_share_stays_as_it_is);
  TEST (open_files_survive_a_save);
  TEST (files_of_several_file_systems_are_told_apart);
  TEST (random_messages_never_hurt);
  return g_test_run ();
}
