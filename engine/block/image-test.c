/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Image formats without other programs: pieces of work, sectors that are encrypted, conversions there and back, several threads on one
 * image. Whether others read the same is tested in tests/block. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "luks.h"
#include "pieces.h"
#include "qcow2.h"
#include "secret.h"
#include "vitrine/image.h"
#include "vitrine/secret-pipe.h"

enum { DISK_BYTES = 9 << 20 | 512 };

/* --- Pieces ---------------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint8_t *seen;
  uint64_t piece, fails_at;
  gint     begun, by_caller, nested;
} Pieces;

static int
see (void *opaque, uint64_t off, uint64_t len, bool caller)
{
  Pieces *p = opaque;
  g_assert_cmpuint (off % p->piece, ==, 0);
  g_atomic_int_inc (&p->begun);
  if (caller)
    g_atomic_int_inc (&p->by_caller);
  for (uint64_t i = 0; i < len; i++)
    g_assert_cmpuint (p->seen[off + i]++, ==, 0);
  return off >= p->fails_at ? ENOSPC : 0;
}

static void
pieces_cover_all_of_it_once (void)
{
  static const uint64_t lengths[] = { 0, 1, 63, 64, 65, 1000, 6400 };
  for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autofree uint8_t *seen = g_malloc0 (lengths[i] + 1);
      Pieces              p = { .seen = seen, .piece = 64, .fails_at = UINT64_MAX };
      g_assert_cmpint (vt_in_pieces (lengths[i], 64, see, &p), ==, 0);
      for (uint64_t at = 0; at < lengths[i]; at++)
        g_assert_cmpuint (seen[at], ==, 1);
      g_assert_cmpint (p.begun, ==, (gint) ((lengths[i] + 63) / 64));
    }
}

static void
a_piece_that_fails_ends_the_work (void)
{
  g_autofree uint8_t *seen = g_malloc0 (1 << 20);
  Pieces              p = { .seen = seen, .piece = 64, .fails_at = 640 };
  g_assert_cmpint (vt_in_pieces (1 << 20, 64, see, &p), ==, ENOSPC);
  /* Ten that go well, and one that does not for each thread at most. */
  g_assert_cmpint (p.begun, >, 10);
  g_assert_cmpint (p.begun, <=, 10 + (gint) vt_pieces_threads ());
}

static int
nest (void *opaque, uint64_t off, uint64_t len, bool caller)
{
  g_autofree uint8_t *seen = g_malloc0 (1000);
  Pieces              inner = { .seen = seen, .piece = 10, .fails_at = UINT64_MAX };
  g_atomic_int_inc (&((Pieces *) opaque)->nested);
  return vt_in_pieces (1000, 10, see, &inner);
}

static void
pieces_inside_of_pieces_get_on (void)
{
  Pieces outer = { 0 };
  g_assert_cmpint (vt_in_pieces (200, 1, nest, &outer), ==, 0);
  g_assert_cmpint (outer.nested, ==, 200);
}

/* --- Sectors --------------------------------------------------------------------------------------------------------- */

/* IEEE 1619-2018, annex B, vector 10: AES-256, data unit 255; its first bytes. */
static void
xts_agrees_with_the_standard (void)
{
  static const char    key_text[] = "2718281828459045235360287471352662497757247093699959574966967627"
                                         "3141592653589793238462643383279502884197169399375105820974944592";
  static const uint8_t expected[16] = { 0x1c, 0x3b, 0x3a, 0x10, 0x2f, 0x77, 0x03, 0x86, 0xe4, 0x83, 0x6c, 0x99, 0xe3, 0x70, 0xcf, 0x9b };
  uint8_t              key[64], sector[512], back[512];
  for (unsigned i = 0; i < sizeof key; i++)
    key[i] = (uint8_t) (g_ascii_xdigit_value (key_text[2 * i]) << 4 | g_ascii_xdigit_value (key_text[2 * i + 1]));
  for (unsigned i = 0; i < sizeof sector; i++)
    sector[i] = (uint8_t) i;
  g_autoptr (VtSectorCipher) cipher = vt_sector_cipher_new ("aes", "xts-plain64", key, sizeof key, NULL);
  g_assert_cmpint (vt_sector_encrypt (cipher, 255, sector, back, sizeof back), ==, 0);
  g_assert_cmpmem (back, sizeof expected, expected, sizeof expected);
  g_assert_cmpint (vt_sector_decrypt (cipher, 255, back, back, sizeof back), ==, 0);
  g_assert_cmpmem (back, sizeof back, sector, sizeof sector);
  g_assert_cmpint (vt_sector_encrypt (cipher, 0, sector, back, 100), ==, EINVAL);
}

static void
unknown_ciphers_are_refused (void)
{
  static const struct { const char *cipher, *mode; size_t bytes; } bad[] = {
    { "aes", "xts-plain64", 63 }, { "aes", "xts-plain64", 0 }, { "aes", "ecb-plain", 32 }, { "aes", "cbc-essiv:none", 32 }, { "aes", "cbc", 32 },
    { "aes", "", 32 }, { "rot13", "cbc-plain", 32 }, { "aes", "cbc-essiv:sha1", 32 }, { "aes", "xts-plain128", 64 },
  };
  uint8_t key[64] = { 0 };
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (vt_sector_cipher_new (bad[i].cipher, bad[i].mode, key, bad[i].bytes, &error));
      g_assert_error (error, VT_ERROR, VT_ERROR_IMAGE);
    }
}

/* --- Conversions ------------------------------------------------------------------------------------------------------- */

typedef struct
{
  char     *folder;
  uint8_t  *disk;
  VtSecret *secret;
} Bench;

static char *
in_folder (const Bench *bench, const char *name)
{
  return g_build_filename (bench->folder, name, NULL);
}

static Bench
bench_new (void)
{
  Bench              bench = { g_dir_make_tmp ("vitrine-image-XXXXXX", NULL), g_malloc0 (DISK_BYTES), vt_secret_new ("test", 4) };
  g_autoptr (GRand)  random = g_rand_new_with_seed (7);
  g_autofree char   *raw = in_folder (&bench, "raw");
  for (unsigned i = 0; i < 40; i++)
    {
      uint64_t off = (uint64_t) g_rand_int_range (random, 0, DISK_BYTES / 512 - 300) * 512;
      bool     noise = g_rand_boolean (random);
      for (uint64_t at = 0; at < 150000; at++)
        bench.disk[off + at] = noise ? (uint8_t) g_rand_int (random) : (uint8_t) (at / 700);
    }
  g_assert_true (g_file_set_contents (raw, (char *) bench.disk, DISK_BYTES, NULL));
  return bench;
}

static void
bench_clear (Bench *bench)
{
  g_autoptr (GDir) dir = g_dir_open (bench->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = in_folder (bench, name);
      g_unlink (path);
    }
  g_rmdir (bench->folder);
  g_free (bench->folder);
  g_free (bench->disk);
  vt_secret_unref (bench->secret);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

static void
convert (const VtImagePlace *from, const VtImagePlace *to, const VtImageShape *shape)
{
  g_autoptr (GError) error = NULL;
  vt_image_convert (from, to, shape, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
every_format_gives_the_disk_back (void)
{
  static const struct { VtImageFormat format; VtImageShape shape; } kinds[] = {
    { VT_IMAGE_RAW, { 0 } }, { VT_IMAGE_QCOW2, { 0 } }, { VT_IMAGE_QCOW2, { .cluster_bytes = 4096 } },
    { VT_IMAGE_QCOW2, { .packing = VT_IMAGE_ZLIB } }, { VT_IMAGE_QCOW2, { .packing = VT_IMAGE_ZSTD, .cluster_bytes = 1 << 20 } },
    { VT_IMAGE_QCOW2, { .encrypted = true, .iteration_ms = 1 } }, { VT_IMAGE_LUKS, { .iteration_ms = 1 } }, { VT_IMAGE_VMDK, { 0 } },
  };
  g_auto (Bench)     bench = bench_new ();
  g_autofree char   *raw = in_folder (&bench, "raw"), *image = in_folder (&bench, "image"), *back = in_folder (&bench, "back");
  const VtImagePlace from = { .path = raw }, last = { .path = back };
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      const VtImagePlace place = { .path = image, .format = kinds[i].format, .secret = bench.secret };
      g_autofree char   *bytes = NULL;
      gsize              len;
      convert (&from, &place, &kinds[i].shape);
      convert (&place, &last, &(VtImageShape) { 0 });
      g_assert_true (g_file_get_contents (back, &bytes, &len, NULL));
      g_assert_cmpmem (bytes, len, bench.disk, DISK_BYTES);
      g_unlink (image);
      g_unlink (back);
    }
}

static bool
stop_at_once (void *opaque, uint64_t done, uint64_t whole)
{
  return false;
}

static void
a_conversion_that_is_stopped_leaves_nothing (void)
{
  static const VtImageFormat formats[] = { VT_IMAGE_QCOW2, VT_IMAGE_VMDK, VT_IMAGE_RAW };
  g_auto (Bench)             bench = bench_new ();
  g_autofree char           *raw = in_folder (&bench, "raw"), *image = in_folder (&bench, "image");
  const VtImagePlace         from = { .path = raw };
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      const VtImagePlace place = { .path = image, .format = formats[i] };
      g_autoptr (GError) error = NULL;
      g_assert_false (vt_image_convert (&from, &place, &(VtImageShape) { 0 }, stop_at_once, NULL, &error));
      g_assert_error (error, VT_ERROR, VT_ERROR_FAILED);
      g_assert_false (g_file_test (image, G_FILE_TEST_EXISTS));
    }
}

/* --- Looking and changing ------------------------------------------------------------------------------------------------ */

static void
an_image_whose_backing_file_is_gone_can_be_looked_at (void)
{
  g_auto (Bench)      bench = bench_new ();
  g_autofree char    *path = in_folder (&bench, "image"), *raw = in_folder (&bench, "raw");
  g_autoptr (GError)  error = NULL;
  g_auto (VtImageInfo) info = { 0 };
  const VtImagePlace  place = { .path = path, .format = VT_IMAGE_QCOW2, .secret = bench.secret };
  bool                has = false;
  g_assert_true (vt_image_create (&place, &(VtImageShape) { .backing = "raw", .encrypted = true, .iteration_ms = 1 }, NULL));
  g_unlink (raw);
  g_assert_null (vt_image_open (path, VT_IMAGE_QCOW2, VT_IMAGE_READONLY, bench.secret, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_IMAGE);
  g_clear_error (&error);
  vt_image_info (&place, &info, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (info.backing, ==, "raw");
  g_assert_cmpuint (info.size_bytes, ==, DISK_BYTES);
  g_assert_true (vt_image_snapshot (path, VT_IMAGE_TAKE_SNAPSHOT, "one", NULL));
  g_assert_true (vt_image_has_snapshot (path, "one", &has, NULL));
  g_assert_true (has);
  g_assert_true (vt_image_resize (&place, 2 * DISK_BYTES, NULL));
  g_autoptr (VtSecret) key = vt_image_unlock (&place, NULL, NULL);
  g_assert_nonnull (key);
  g_assert_true (vt_image_looks_encrypted (path));
}

static void
an_image_that_was_copied_finds_its_backing_file_by_another_name (void)
{
  g_auto (Bench)     bench = bench_new ();
  g_autofree char   *path = in_folder (&bench, "image"), *raw = in_folder (&bench, "raw"), *moved = in_folder (&bench, "r2");
  g_autofree char   *out = in_folder (&bench, "out"), *was = NULL, *is = NULL;
  g_autoptr (GError) error = NULL;
  const VtImagePlace place = { .path = path, .format = VT_IMAGE_QCOW2 }, flat = { .path = out };
  gsize              was_bytes = 0, is_bytes = 0;

  g_assert_true (g_file_get_contents (raw, &was, &was_bytes, NULL));
  g_assert_true (vt_image_create (&place, &(VtImageShape) { .backing = "raw" }, NULL));
  g_assert_false (vt_image_looks_encrypted (path) || vt_image_looks_encrypted (raw) || vt_image_looks_encrypted ("no-such-image"));
  g_assert_cmpint (g_rename (raw, moved), ==, 0);
  g_assert_false (vt_image_rename_backing (path, "longer than it was", &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_IMAGE);
  g_clear_error (&error);
  vt_image_rename_backing (path, "r2", &error);
  g_assert_no_error (error);
  convert (&place, &flat, &(VtImageShape) { 0 });
  g_assert_true (g_file_get_contents (out, &is, &is_bytes, NULL));
  g_assert_cmpmem (is, is_bytes, was, was_bytes);
}

static void
new_images_are_their_owners_alone (void)
{
  static const VtImageFormat formats[] = { VT_IMAGE_RAW, VT_IMAGE_QCOW2, VT_IMAGE_LUKS, VT_IMAGE_VMDK };
  g_auto (Bench)             bench = bench_new ();
  g_autofree char           *raw = in_folder (&bench, "raw"), *image = in_folder (&bench, "image");
  mode_t                     usual = umask (022);
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      const VtImagePlace place = { .path = image, .format = formats[i], .secret = bench.secret };
      GStatBuf           about;
      convert (&(VtImagePlace) { .path = raw }, &place, &(VtImageShape) { .iteration_ms = 1 });
      g_assert_cmpint (g_stat (image, &about), ==, 0);
      g_assert_cmphex (about.st_mode & 0777, ==, 0600);
      g_unlink (image);
    }
  umask (usual);
}

/* 2^20 GiB, of which nothing is there. */
static void
a_disk_too_large_for_a_vmdk_is_refused (void)
{
  g_auto (Bench)     bench = bench_new ();
  g_autofree char   *huge = in_folder (&bench, "huge"), *image = in_folder (&bench, "image");
  g_autoptr (GError) error = NULL;
  const VtImagePlace from = { .path = huge, .format = VT_IMAGE_QCOW2 }, to = { .path = image, .format = VT_IMAGE_VMDK };
  g_assert_true (vt_image_create (&from, &(VtImageShape) { .size_bytes = UINT64_C (1) << 50, .cluster_bytes = 2 << 20 }, NULL));
  g_assert_false (vt_image_convert (&from, &to, &(VtImageShape) { 0 }, stop_at_once, NULL, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_IMAGE);
  g_assert_nonnull (strstr (error->message, g_strerror (EFBIG)));
  g_assert_false (g_file_test (image, G_FILE_TEST_EXISTS));
}

/* Pieces behind the damaged one wait for their turn, and are told to stop. */
static void
what_is_wrong_with_a_disk_is_told_however_many_stop_for_it (void)
{
  g_auto (Bench)     bench = bench_new ();
  g_autofree char   *raw = in_folder (&bench, "raw"), *bad = in_folder (&bench, "bad"), *image = in_folder (&bench, "image");
  const VtImagePlace from = { .path = bad, .format = VT_IMAGE_VMDK }, to = { .path = image, .format = VT_IMAGE_VMDK };
  convert (&(VtImagePlace) { .path = raw }, &from, &(VtImageShape) { 0 });
  FILE *file = fopen (bad, "r+b");
  g_assert_cmpint (fseek (file, (128 << 9) + 40, SEEK_SET), ==, 0);
  for (unsigned i = 0; i < 64; i++)
    putc (0xff, file);
  g_assert_cmpint (fclose (file), ==, 0);
  for (unsigned i = 0; i < 30; i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (vt_image_convert (&from, &to, &(VtImageShape) { 0 }, NULL, NULL, &error));
      g_assert_error (error, VT_ERROR, VT_ERROR_IMAGE);
      g_assert_nonnull (strstr (error->message, "damaged"));
    }
}

/* --- Several threads ----------------------------------------------------------------------------------------------------- */

enum { WRITERS = 4, STRIPE = 96 << 10 };

typedef struct
{
  VtImage *image;
  uint8_t *disk;
  unsigned number;
} Writer;

/* Every fourth stripe, which share clusters with their neighbours; now and then a flush or a discard of what is written next. */
static gpointer
write_stripes (gpointer data)
{
  const Writer *w = data;
  for (uint64_t off = (uint64_t) w->number * STRIPE, n = 0; off + STRIPE <= DISK_BYTES; off += WRITERS * STRIPE, n++)
    {
      if (n % 5 == 1)
        g_assert_cmpint (w->image->ops->zero (w->image, off, STRIPE), ==, 0);
      g_assert_cmpint (vt_image_write (w->image, off, w->disk + off, STRIPE), ==, 0);
      if (n % 7 == 3)
        g_assert_cmpint (vt_image_flush (w->image), ==, 0);
    }
  return NULL;
}

static void
writers_at_a_time_do_not_disturb_each_other (void)
{
  g_auto (Bench)      bench = bench_new ();
  g_autofree char    *path = in_folder (&bench, "image");
  g_autofree uint8_t *back = g_malloc0 (DISK_BYTES);
  const VtImagePlace  place = { .path = path, .format = VT_IMAGE_QCOW2 };
  GThread            *threads[WRITERS];
  Writer              writers[WRITERS];
  VtImageCheck        check;
  g_assert_true (vt_image_create (&place, &(VtImageShape) { .size_bytes = DISK_BYTES, .cluster_bytes = 32 << 10 }, NULL));
  g_autoptr (VtImage) image = vt_image_open (path, VT_IMAGE_QCOW2, 0, NULL, NULL);
  for (unsigned i = 0; i < WRITERS; i++)
    {
      writers[i] = (Writer) { image, bench.disk, i };
      threads[i] = g_thread_new ("writer", write_stripes, &writers[i]);
    }
  for (unsigned i = 0; i < WRITERS; i++)
    g_thread_join (threads[i]);
  uint64_t len = DISK_BYTES / STRIPE * STRIPE;
  g_assert_cmpint (vt_image_read (image, 0, back, len), ==, 0);
  g_assert_cmpmem (back, len, bench.disk, len);
  g_assert_cmpint (vt_image_flush (image), ==, 0);
  g_assert_cmpint (vt_image_flush (image), ==, 0);
  g_assert_true (vt_qcow2_check (image, false, &check, NULL));
  g_assert_cmpuint (check.corruptions + check.leaks, ==, 0);
}

/* --- Files that change under an image ---------------------------------------------------------------------------------------- */

static VtImage *
open_luks (const Bench *bench, const char *path, unsigned flags)
{
  g_autoptr (GError) error = NULL;
  VtImage           *image = vt_image_open (path, VT_IMAGE_LUKS, flags, bench->secret, &error);
  g_assert_no_error (error);
  return image;
}

/* What is written is seen by readers at once, whether they map the file or read it: parts of many sizes. */
static void
what_was_written_is_read_back_in_any_size (void)
{
  g_auto (Bench)      bench = bench_new ();
  g_autofree char    *path = in_folder (&bench, "image");
  g_autofree uint8_t *back = g_malloc0 (DISK_BYTES);
  g_autoptr (GRand)   random = g_rand_new_with_seed (3);
  const VtImagePlace  place = { .path = path, .format = VT_IMAGE_LUKS, .secret = bench.secret };
  g_assert_true (vt_image_create (&place, &(VtImageShape) { .size_bytes = DISK_BYTES, .iteration_ms = 1 }, NULL));
  g_autoptr (VtImage) image = open_luks (&bench, path, 0);
  g_assert_cmpint (vt_image_write (image, 0, bench.disk, DISK_BYTES), ==, 0);
  for (unsigned i = 0; i < 300; i++)
    {
      uint64_t off = (uint64_t) g_rand_int_range (random, 0, DISK_BYTES / 512) * 512;
      uint64_t len = (uint64_t) g_rand_int_range (random, 1, i % 3 == 0 ? 5000 : 300) * 512;
      len = MIN (len, DISK_BYTES - off);
      memset (bench.disk + off, (int) i, len / 1024 * 512);
      g_assert_cmpint (vt_image_write (image, off, bench.disk + off, len / 1024 * 512), ==, 0);
      g_assert_cmpint (vt_image_read (image, off, back, len), ==, 0);
      g_assert_cmpmem (back, len, bench.disk + off, len);
    }
}

typedef struct
{
  const char *path;
  off_t       whole;
  gint        over;
} Shears;

/* Cuts a file short again and again, and makes it as long as it was. */
static gpointer
cut (gpointer data)
{
  Shears *shears = data;
  while (g_atomic_int_get (&shears->over) == 0)
    {
      g_assert_cmpint (truncate (shears->path, shears->whole / 3), ==, 0);
      g_usleep (100);
      g_assert_cmpint (truncate (shears->path, shears->whole), ==, 0);
      g_autofree uint8_t *bytes = g_malloc0 (shears->whole / 2);
      FILE               *file = fopen (shears->path, "r+b");
      g_assert_cmpint (fseek (file, shears->whole / 2, SEEK_SET), ==, 0);
      fwrite (bytes, 1, shears->whole / 2, file);
      fclose (file);
    }
  return NULL;
}

static void
a_file_cut_short_under_an_image_is_an_error (void)
{
  g_auto (Bench)      bench = bench_new ();
  g_autofree char    *raw = in_folder (&bench, "raw"), *path = in_folder (&bench, "image"), *copy = in_folder (&bench, "copy");
  g_autofree uint8_t *back = g_malloc0 (DISK_BYTES);
  const VtImagePlace  place = { .path = path, .format = VT_IMAGE_LUKS, .secret = bench.secret }, flat = { .path = copy };
  GStatBuf            about;
  convert (&(VtImagePlace) { .path = raw }, &place, &(VtImageShape) { .iteration_ms = 1 });
  g_assert_cmpint (g_stat (path, &about), ==, 0);
  Shears   shears = { .path = path, .whole = about.st_size };
  GThread *thread = g_thread_new ("cut", cut, &shears);
  for (unsigned i = 0; i < 150; i++)
    {
      g_autoptr (VtImage) image = open_luks (&bench, path, VT_IMAGE_READONLY);
      /* What is shorter from the beginning is a smaller disk. */
      int error = image->size_bytes >= DISK_BYTES ? vt_image_read (image, 0, back, DISK_BYTES) : EIO;
      g_assert_true (error == 0 || error == EIO);
      if (i % 10 == 0)
        {
          vt_image_convert (&place, &flat, &(VtImageShape) { 0 }, NULL, NULL, NULL);
          g_unlink (copy);
        }
    }
  g_atomic_int_set (&shears.over, 1);
  g_thread_join (thread);
  VtImage *image = open_luks (&bench, path, VT_IMAGE_READONLY);
  g_assert_cmpint (truncate (path, shears.whole - 4096), ==, 0);
  g_assert_cmpint (vt_image_read (image, 0, back, DISK_BYTES), ==, EIO);
  g_assert_cmpint (vt_image_read (image, 0, back, DISK_BYTES / 2 / 512 * 512), ==, 0);
  vt_image_close (image);
}

/* --- Passphrases ---------------------------------------------------------------------------------------------------------- */

static void
a_key_opens_what_a_passphrase_opens (void)
{
  g_auto (Bench)       bench = bench_new ();
  g_autofree char     *path = in_folder (&bench, "image");
  g_autoptr (GError)   error = NULL;
  g_autoptr (VtSecret) other = vt_secret_new ("other", 5);
  VtImagePlace         place = { .path = path, .format = VT_IMAGE_LUKS, .secret = bench.secret };
  g_assert_true (vt_image_create (&place, &(VtImageShape) { .size_bytes = 1 << 20, .iteration_ms = 1 }, NULL));
  g_autoptr (VtSecret) key = vt_image_unlock (&place, NULL, &error);
  g_assert_no_error (error);
  VtImage *image = vt_image_open (path, VT_IMAGE_LUKS, 0, key, &error);
  g_assert_no_error (error);
  g_assert_true (vt_image_looks_encrypted (path));     /* in use as it is */
  g_assert_cmpuint (image->size_bytes, ==, 1 << 20);
  vt_image_close (image);
  place.secret = other;
  g_assert_null (vt_image_unlock (&place, NULL, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_PASSPHRASE);
  g_clear_error (&error);
  g_assert_null (vt_image_unlock (&place, &(gint) { 1 }, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_null (vt_image_open (path, VT_IMAGE_LUKS, 0, NULL, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_PASSPHRASE);
}

static void
a_key_goes_through_a_pipe (void)
{
  g_autoptr (VtSecret) key = vt_secret_new_key ("0123456789abcdef", 16), word = vt_secret_new ("a passphrase", 12);
  g_autoptr (GError) error = NULL;
  int fd = vt_secret_key_to_pipe (key, &error);
  g_assert_no_error (error);
  g_autoptr (VtSecret) same = vt_secret_key_from_pipe (fd, &error);
  g_assert_no_error (error);
  g_assert_true (vt_secret_is_key (same));
  g_assert_cmpmem (vt_secret_bytes (same), vt_secret_len (same), "0123456789abcdef", 16);
  g_assert_null (vt_secret_key_from_pipe (fd, &error));     /* nothing more is in it */
  g_clear_error (&error);
  close (fd);
  g_assert_cmpint (vt_secret_key_to_pipe (word, &error), ==, -1);
  g_clear_error (&error);
}

/* Whoever hands in such an end does not stop the reader. */
static void
what_has_no_key_is_not_waited_for (void)
{
  int ends[2], files[] = { open ("/dev/zero", O_RDONLY), open ("/", O_RDONLY), -1, -1 };
  g_assert_cmpint (pipe (ends), ==, 0);
  files[3] = ends[0];       /* its writer is there and says nothing */
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (vt_secret_key_from_pipe (files[i], &error));
      g_assert_error (error, VT_ERROR, VT_ERROR_PASSPHRASE);
      if (files[i] >= 0)
        close (files[i]);
    }
  close (ends[1]);
}

static void
without_a_key_nothing_is_read_as_if_it_were_data (void)
{
  g_auto (Bench)      bench = bench_new ();
  g_autofree char    *path = in_folder (&bench, "image");
  uint8_t             sector[512];
  const VtImagePlace  place = { .path = path, .format = VT_IMAGE_LUKS, .secret = bench.secret };
  g_assert_true (vt_image_create (&place, &(VtImageShape) { .size_bytes = 1 << 20, .iteration_ms = 1 }, NULL));
  g_autoptr (VtImage) image = vt_image_open (path, VT_IMAGE_LUKS, VT_IMAGE_NO_DATA, NULL, NULL);
  g_assert_cmpint (vt_image_read (image, 0, sector, sizeof sector), ==, EACCES);
  g_assert_cmpint (vt_image_write (image, 0, sector, sizeof sector), ==, EACCES);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(topic, fn) g_test_add_func ("/image/" topic "/" #fn, fn)
  TEST ("pieces", pieces_cover_all_of_it_once);
  TEST ("pieces", a_piece_that_fails_ends_the_work);
  TEST ("pieces", pieces_inside_of_pieces_get_on);
  TEST ("sectors", xts_agrees_with_the_standard);
  TEST ("sectors", unknown_ciphers_are_refused);
  TEST ("convert", every_format_gives_the_disk_back);
  TEST ("convert", a_conversion_that_is_stopped_leaves_nothing);
  TEST ("files", an_image_whose_backing_file_is_gone_can_be_looked_at);
  TEST ("files", an_image_that_was_copied_finds_its_backing_file_by_another_name);
  TEST ("files", new_images_are_their_owners_alone);
  TEST ("passphrases", a_key_goes_through_a_pipe);
  TEST ("passphrases", what_has_no_key_is_not_waited_for);
  TEST ("convert", a_disk_too_large_for_a_vmdk_is_refused);
  TEST ("convert", what_is_wrong_with_a_disk_is_told_however_many_stop_for_it);
  TEST ("threads", writers_at_a_time_do_not_disturb_each_other);
  TEST ("files", what_was_written_is_read_back_in_any_size);
  TEST ("files", a_file_cut_short_under_an_image_is_an_error);
  TEST ("luks", a_key_opens_what_a_passphrase_opens);
  TEST ("luks", without_a_key_nothing_is_read_as_if_it_were_data);
  return g_test_run ();
}
