/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qcow2 images that are damaged, and files that refuse a write or flush in the midst of something: in memory, as TAP. */
#include <errno.h>

#include "memory-file.h"
#include "qcow2-private.h"
#include "vitrine/error.h"

enum { CLUSTER = 1 << 16, DISK = 8 * CLUSTER };
#define COPIED (UINT64_C (1) << 63)
#define OFFSET UINT64_C (0x00fffffffffffe00)

/* --- Images ---------------------------------------------------------------------------------------------------------- */

static GArray *
image_new (unsigned cluster_bits, uint64_t size)
{
  GArray             *bytes = g_array_new (FALSE, TRUE, 1);
  g_autoptr (VtImage) file = &memory_file_new (bytes, NULL)->image;
  g_autoptr (GError)  error = NULL;
  vt_qcow2_create (file, &(VtQcow2Options) { .size_bytes = size, .cluster_bits = cluster_bits }, &error);
  g_assert_no_error (error);
  return bytes;
}

static VtImage *
open_image (GArray *bytes, bool readonly, MemoryFile **file)
{
  g_autoptr (GError) error = NULL;
  MemoryFile        *memory = memory_file_new (bytes, NULL);
  memory->image.readonly = readonly;
  VtImage           *image = vt_qcow2_open (&memory->image, 0, 0, NULL, &error);
  g_assert_no_error (error);
  if (file != NULL)
    *file = memory;
  return image;
}

static void
fill (VtImage *image, uint64_t off, uint64_t len, uint8_t with)
{
  g_autofree uint8_t *bytes = g_malloc (len);
  memset (bytes, with, len);
  g_assert_cmpint (vt_image_write (image, off, bytes, len), ==, 0);
}

/* A number of the file, big-endian. */
static uint64_t
number_at (const GArray *bytes, uint64_t at)
{
  g_assert_cmpuint (at + 8, <=, bytes->len);
  return vt_load_be ((uint8_t *) bytes->data + at, 8);
}

static void
put_number (GArray *bytes, uint64_t at, uint64_t value)
{
  g_assert_cmpuint (at + 8, <=, bytes->len);
  vt_store_be ((uint8_t *) bytes->data + at, value, 8);
}

/* The first L2 table. */
static uint64_t
l2_of (const GArray *bytes)
{
  return number_at (bytes, number_at (bytes, 40)) & OFFSET;
}

/* --- Damage ---------------------------------------------------------------------------------------------------------- */

static void
a_cluster_at_an_impossible_place_is_not_read (void)
{
  g_autoptr (GArray)  bytes = image_new (16, DISK);
  g_autofree uint8_t *to = g_malloc (3 * CLUSTER);
  VtImage            *image = open_image (bytes, false, NULL);
  fill (image, 0, 3 * CLUSTER, 0x5a);
  vt_image_close (image);
  uint64_t second = l2_of (bytes) + 8;
  put_number (bytes, second, number_at (bytes, second) + SECTOR);

  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*data at an impossible place*");
  image = open_image (bytes, true, NULL);
  g_assert_cmpint (vt_image_read (image, 0, to, CLUSTER), ==, 0);
  g_assert_cmpint (to[CLUSTER - 1], ==, 0x5a);
  g_assert_cmpint (vt_image_read (image, CLUSTER, to, SECTOR), ==, EIO);
  g_assert_cmpint (vt_image_read (image, 0, to, 3 * CLUSTER), ==, EIO);
  g_assert_cmpint (image->ops->extent (image, CLUSTER, CLUSTER, &(VtExtent) { 0 }), ==, EIO);
  g_test_assert_expected_messages ();
  vt_image_close (image);
}

static VtImageCheck
count_anew (GArray *bytes, bool repair)
{
  g_autoptr (VtImage) image = open_image (bytes, false, NULL);
  g_autoptr (GError)  error = NULL;
  VtImageCheck        found;
  vt_qcow2_check (image, repair, &found, &error);
  g_assert_no_error (error);
  return found;
}

static GArray *
image_of_three_clusters (void)
{
  GArray             *bytes = image_new (16, DISK);
  g_autoptr (VtImage) image = open_image (bytes, false, NULL);
  for (unsigned i = 0; i < 3; i++)
    fill (image, i * CLUSTER, CLUSTER, (uint8_t) (i + 1));
  return bytes;
}

static void
a_mark_that_disagrees_is_found_and_mended (void)
{
  g_autoptr (GArray) bytes = image_of_three_clusters ();
  uint64_t           l1 = number_at (bytes, 40), second = l2_of (bytes) + 8;
  put_number (bytes, l1, number_at (bytes, l1) ^ COPIED);
  put_number (bytes, second, number_at (bytes, second) ^ COPIED);
  VtImageCheck found = count_anew (bytes, false);
  g_assert_cmpuint (found.corruptions, ==, 2);
  g_assert_cmpuint (found.leaks + found.corruptions_mended, ==, 0);
  found = count_anew (bytes, true);
  g_assert_cmpuint (found.corruptions_mended, ==, 2);
  found = count_anew (bytes, false);
  g_assert_cmpuint (found.corruptions + found.leaks, ==, 0);
}

/* Counted twice once it is repaired, and so it is nobody's alone: a write to one leaves the other. */
static void
a_cluster_of_two_is_shared_after_a_repair (void)
{
  g_autoptr (GArray)  bytes = image_of_three_clusters ();
  g_autofree uint8_t *to = g_malloc (CLUSTER);
  uint64_t            l2 = l2_of (bytes);
  put_number (bytes, l2 + 8, number_at (bytes, l2));
  VtImageCheck found = count_anew (bytes, true);
  g_assert_cmpuint (found.corruptions, ==, 3);            /* one count, two marks */
  g_assert_cmpuint (found.corruptions_mended, ==, 3);
  g_assert_cmpuint (found.leaks_mended, ==, 1);           /* what the second entry had before */
  g_assert_cmphex (number_at (bytes, l2) & COPIED, ==, 0);
  g_assert_cmphex (number_at (bytes, l2 + 8) & COPIED, ==, 0);
  VtImage *image = open_image (bytes, false, NULL);
  fill (image, CLUSTER, CLUSTER, 9);
  g_assert_cmpint (vt_image_read (image, 0, to, CLUSTER), ==, 0);
  g_assert_cmpint (to[0], ==, 1);
  g_assert_cmpint (vt_image_read (image, CLUSTER, to, CLUSTER), ==, 0);
  g_assert_cmpint (to[0], ==, 9);
  vt_image_close (image);
}

static void
a_table_of_two_entries_is_walked_once (void)
{
  enum { OF_A_TABLE = 64 };
  g_autoptr (GArray) bytes = image_new (9, 3 * OF_A_TABLE * 512);
  VtImage           *image = open_image (bytes, false, NULL);
  fill (image, 0, 3 * OF_A_TABLE * 512, 5);
  vt_image_close (image);
  uint64_t l1 = number_at (bytes, 40);
  for (unsigned i = 1; i < 3; i++)
    put_number (bytes, l1 + i * 8, number_at (bytes, l1));
  VtImageCheck found = count_anew (bytes, false);
  g_assert_cmpuint (found.corruptions, ==, 2);
  g_assert_cmpuint (found.allocated, ==, OF_A_TABLE);
  g_assert_cmpuint (found.leaks, ==, 2 * (OF_A_TABLE + 1));
}

static void
a_table_of_snapshots_that_is_none_is_told (void)
{
  g_autoptr (GArray) bytes = image_of_three_clusters ();
  bool               has;
  VtImage           *image = open_image (bytes, false, NULL);
  g_assert_true (vt_qcow2_snapshot (image, VT_IMAGE_TAKE_SNAPSHOT, "one", NULL));
  vt_image_close (image);
  uint64_t table = number_at (bytes, 64);
  vt_store_be ((uint8_t *) bytes->data + table + 36, 1 << 20, 4);       /* more that is not known than anybody writes */
  VtImageCheck found = count_anew (bytes, true);
  g_assert_cmpuint (found.corruptions, >=, 1);
  g_assert_cmpuint (found.leaks_mended, ==, 0);
  image = open_image (bytes, true, NULL);
  g_assert_false (vt_qcow2_has_snapshot (image, "one", &has, NULL));
  vt_image_close (image);
}

/* --- A write or flush that is refused ---------------------------------------------------------------------------------- */

static uint64_t
check_image (VtImage *image)
{
  g_autoptr (GError) error = NULL;
  VtImageCheck       found;
  vt_qcow2_check (image, false, &found, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (found.corruptions, ==, 0);
  return found.leaks;
}

static void
reads_as (VtImage *image, uint64_t off, uint64_t len, uint8_t value)
{
  g_autofree uint8_t *bytes = g_malloc (len);
  g_assert_cmpint (vt_image_read (image, off, bytes, len), ==, 0);
  for (uint64_t i = 0; i < len; i++)
    g_assert_cmpuint (bytes[i], ==, value);
}

static void
refuse_from (MemoryFile *file, unsigned number, bool lasting)
{
  file->fails_from = file->changes + number;
  file->fails_to = lasting ? G_MAXUINT : file->fails_from + 1;
}

static void
refuse_nothing (MemoryFile *file)
{
  file->fails_from = file->fails_to = 0;
}

enum { SMALL_DISK = 96 << 10 };      /* in clusters of 512 bytes: three L2 tables */

/* A disk of 1 with a snapshot of it, then of 2. */
static GArray *
image_with_snapshot (void)
{
  GArray             *bytes = image_new (9, SMALL_DISK);
  g_autoptr (VtImage) image = open_image (bytes, false, NULL);
  fill (image, 0, SMALL_DISK, 1);
  g_assert_true (vt_qcow2_snapshot (image, VT_IMAGE_TAKE_SNAPSHOT, "one", NULL));
  fill (image, 0, SMALL_DISK, 2);
  return bytes;
}

/* Whatever came of taking it: disk and snapshots have what they had, and the file is sound. */
static uint64_t
go_on_after (GArray *bytes, VtImage *image)
{
  bool has;
  fill (image, 1024, 4096, 3);
  reads_as (image, 1024, 4096, 3);
  vt_image_close (image);
  g_autoptr (VtImage) again = open_image (bytes, false, NULL);
  uint64_t            leaks = check_image (again);
  reads_as (again, 1024, 4096, 3);
  reads_as (again, 8192, SMALL_DISK - 8192, 2);
  g_assert_true (vt_qcow2_has_snapshot (again, "two", &has, NULL));
  if (has)
    {
      g_assert_true (vt_qcow2_snapshot (again, VT_IMAGE_GO_BACK, "two", NULL));
      reads_as (again, 0, SMALL_DISK, 2);
    }
  else
    g_assert_true (vt_qcow2_snapshot (again, VT_IMAGE_TAKE_SNAPSHOT, "two", NULL));
  g_assert_true (vt_qcow2_snapshot (again, VT_IMAGE_GO_BACK, "one", NULL));
  reads_as (again, 0, SMALL_DISK, 1);
  check_image (again);
  return leaks;
}

/* Room may be lost where nobody knows what the header says: when it, or the flush behind it, is refused. */
static void
a_snapshot_that_is_refused_leaves_nothing (void)
{
  for (unsigned lasting = 0; lasting < 2; lasting++)
    {
      unsigned leaky = 0, number = 0;
      for (bool ok = false; !ok; number++)
        {
          g_autoptr (GArray) bytes = image_with_snapshot ();
          MemoryFile        *file;
          VtImage           *image = open_image (bytes, false, &file);
          refuse_from (file, number, lasting);
          ok = vt_qcow2_snapshot (image, VT_IMAGE_TAKE_SNAPSHOT, "two", NULL);
          refuse_nothing (file);
          leaky += go_on_after (bytes, image) > 0;
        }
      g_test_message ("%u places, %u of them lose room", number - 1, leaky);
      g_assert_cmpuint (number, >, 10);
      g_assert_cmpuint (leaky, <=, 2);
    }
}

/* A count that cannot rise, in the midst of the others: those before it fall back. */
static void
a_snapshot_that_cannot_be_counted_leaves_nothing (void)
{
  g_autoptr (GArray) bytes = image_with_snapshot ();
  g_autoptr (GError) error = NULL;
  uint64_t           entry = l2_of (bytes) + 40 * 8, cluster = (number_at (bytes, entry) & OFFSET) / 512;
  uint64_t           block = number_at (bytes, number_at (bytes, 48) + cluster / 256 * 8);
  memset (bytes->data + block + cluster % 256 * 2, 0xff, 2);
  put_number (bytes, entry, number_at (bytes, entry) & ~COPIED);
  g_autoptr (VtImage) image = open_image (bytes, false, NULL);
  bool                has;
  g_assert_cmpuint (check_image (image), ==, 1);
  g_assert_false (vt_qcow2_snapshot (image, VT_IMAGE_TAKE_SNAPSHOT, "two", &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_IMAGE);
  g_assert_true (vt_qcow2_has_snapshot (image, "two", &has, NULL));
  g_assert_false (has);
  g_assert_cmpuint (check_image (image), ==, 1);
}

/* With room for many more entries of L1 than its one cluster has. */
static void
an_image_that_cannot_grow_stays_as_it_is (void)
{
  enum { LARGE = 64 << 20 };
  for (unsigned lasting = 0; lasting < 2; lasting++)
    {
      unsigned leaky = 0, number = 0;
      for (bool ok = false; !ok; number++)
        {
          g_autoptr (GArray) bytes = image_with_snapshot ();
          MemoryFile        *file;
          VtImage           *image = open_image (bytes, false, &file);
          refuse_from (file, number, lasting);
          ok = vt_qcow2_resize (image, LARGE) == 0;
          refuse_nothing (file);
          g_assert_true (image->size_bytes == LARGE || (!ok && image->size_bytes == SMALL_DISK));
          fill (image, 1024, 4096, 3);
          vt_image_close (image);
          image = open_image (bytes, false, NULL);
          leaky += check_image (image) > 0;
          reads_as (image, 1024, 4096, 3);
          reads_as (image, 8192, SMALL_DISK - 8192, 2);
          g_assert_cmpint (vt_qcow2_resize (image, LARGE), ==, 0);
          fill (image, LARGE - 4096, 4096, 4);
          reads_as (image, LARGE - 4096, 4096, 4);
          check_image (image);
          vt_image_close (image);
        }
      g_test_message ("%u places, %u of them lose room", number - 1, leaky);
      g_assert_cmpuint (number, >, 5);
      g_assert_cmpuint (leaky, <=, 2);
    }
}

/* Where no offset of the format reaches. */
static void
a_file_without_an_end_takes_nothing_from_what_it_has (void)
{
  g_autoptr (GArray) bytes = image_with_snapshot ();
  VtImage           *image = open_image (bytes, false, NULL);
  ((Qcow2 *) image)->end = QCOW2_OFFSET_MASK >> 9;
  g_assert_cmpint (vt_qcow2_resize (image, 64 << 20), ==, EFBIG);
  g_assert_false (vt_qcow2_snapshot (image, VT_IMAGE_TAKE_SNAPSHOT, "two", NULL));
  vt_image_close (image);
  image = open_image (bytes, false, NULL);
  g_assert_cmpuint (check_image (image), ==, 0);
  reads_as (image, 0, SMALL_DISK, 2);
  vt_image_close (image);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(topic, fn) g_test_add_func ("/qcow2/" topic "/" #fn, fn)
  TEST ("damage", a_cluster_at_an_impossible_place_is_not_read);
  TEST ("damage", a_mark_that_disagrees_is_found_and_mended);
  TEST ("damage", a_cluster_of_two_is_shared_after_a_repair);
  TEST ("damage", a_table_of_two_entries_is_walked_once);
  TEST ("damage", a_table_of_snapshots_that_is_none_is_told);
  TEST ("refused", a_snapshot_that_is_refused_leaves_nothing);
  TEST ("refused", a_snapshot_that_cannot_be_counted_leaves_nothing);
  TEST ("refused", an_image_that_cannot_grow_stays_as_it_is);
  TEST ("refused", a_file_without_an_end_takes_nothing_from_what_it_has);
  return g_test_run ();
}
