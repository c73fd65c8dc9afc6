/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qcow2 images that are damaged, and files that refuse a write or flush in the midst of something: in memory, as TAP. */
#include <errno.h>

#include "memory-file.h"
#include "qcow2.h"
#include "vitrine/error.h"

enum { CLUSTER = 1 << 16, DISK = 8 * CLUSTER };

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
  return number_at (bytes, number_at (bytes, 40)) & UINT64_C (0x00fffffffffffe00);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(topic, fn) g_test_add_func ("/qcow2/" topic "/" #fn, fn)
  TEST ("damage", a_cluster_at_an_impossible_place_is_not_read);
  return g_test_run ();
}
