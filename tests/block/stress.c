/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stress SEED SECONDS FOLDER: several threads write, discard and flush one qcow2 image at a time, and read back what they wrote, as TAP.
 *
 * Each thread has stripes of its own, whose ends share clusters with its neighbours' stripes. Half of the time the image is encrypted, so
 * that the cipher is shared, too. ./check runs this under ThreadSanitizer (tools/run-tests). */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"
#include "secret.h"

enum
{
  WRITERS  = 4,
  SECTOR   = 512,
  STRIPE   = 48,               /* sectors; a cluster has 128 */
  DISK     = 32 << 20,
  SECTORS  = DISK / SECTOR,
  STRIPES  = SECTORS / STRIPE,
  ANYTHING = 0xffffffff,       /* a version: was discarded */
};

typedef struct
{
  VtImage  *image;
  uint32_t *version;           /* of each sector; 0: zeros. A writer looks at its own only */
  unsigned  number;
  uint32_t  seed;
  gint64    until;             /* monotonic */
  uint64_t  operations;
} Writer;

static void
fill (uint8_t *to, unsigned sector, uint32_t version)
{
  if (version == 0)
    memset (to, 0, SECTOR);
  else
    for (unsigned i = 0; i < SECTOR; i += 8)
      vt_store_le (to + i, (uint64_t) version << 32 | (sector ^ i), 8);
}

static void
expect (int error, const char *what, unsigned sector)
{
  if (error == 0)
    return;
  printf ("Bail out! %s at sector %u: %s\n", what, sector, g_strerror (error));
  exit (1);
}

static void
verify (VtImage *image, const uint32_t *version, unsigned first, unsigned n)
{
  uint8_t got[STRIPE * SECTOR], wanted[SECTOR];
  expect (vt_image_read (image, (uint64_t) first * SECTOR, got, n * SECTOR), "read", first);
  for (unsigned i = 0; i < n; i++)
    {
      if (version[first + i] == ANYTHING)
        continue;
      fill (wanted, first + i, version[first + i]);
      expect (memcmp (got + i * SECTOR, wanted, SECTOR) != 0 ? EIO : 0, "other bytes than were written", first + i);
    }
}

static void
set_versions (Writer *w, unsigned first, unsigned n, uint32_t version)
{
  for (unsigned i = 0; i < n; i++)
    w->version[first + i] = version;
}

static void
write_new (Writer *w, unsigned first, unsigned n)
{
  uint8_t  bytes[STRIPE * SECTOR] = { 0 };
  uint32_t version = (uint32_t) w->operations + 1;
  for (unsigned i = 0; i < n; i++)
    fill (bytes + i * SECTOR, first + i, version);
  expect (vt_image_write (w->image, (uint64_t) first * SECTOR, bytes, n * SECTOR), "write", first);
  set_versions (w, first, n, version);
}

static void
step (Writer *w, GRand *random)
{
  unsigned stripe = (unsigned) g_rand_int_range (random, 0, STRIPES / WRITERS) * WRITERS + w->number;
  unsigned from = (unsigned) g_rand_int_range (random, 0, STRIPE), n = (unsigned) g_rand_int_range (random, 1, STRIPE + 1 - (gint32) from);
  unsigned first = stripe * STRIPE + from;
  int      what = g_rand_int_range (random, 0, 100);
  if (what < 45)
    write_new (w, first, n);
  else if (what < 75)
    verify (w->image, w->version, first, n);
  else if (what < 85)
    {
      expect (w->image->ops->zero (w->image, (uint64_t) first * SECTOR, n * SECTOR), "write zeros", first);
      set_versions (w, first, n, 0);
    }
  else if (what < 95)
    {
      expect (w->image->ops->discard (w->image, (uint64_t) first * SECTOR, n * SECTOR), "discard", first);
      set_versions (w, first, n, ANYTHING);
    }
  else
    expect (vt_image_flush (w->image), "flush", first);
}

static gpointer
work (gpointer data)
{
  Writer           *w = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (w->seed);
  for (; g_get_monotonic_time () < w->until; w->operations++)
    step (w, random);
  return NULL;
}

static uint64_t
work_together (VtImage *image, uint32_t *version, uint32_t seed, unsigned seconds)
{
  Writer   writers[WRITERS];
  GThread *threads[WRITERS];
  uint64_t operations = 0;
  for (unsigned i = 0; i < WRITERS; i++)
    {
      writers[i] = (Writer) { image, version, i, seed * WRITERS + i, g_get_monotonic_time () + seconds * G_USEC_PER_SEC, 0 };
      threads[i] = g_thread_new ("writer", work, &writers[i]);
    }
  for (unsigned i = 0; i < WRITERS; i++)
    {
      g_thread_join (threads[i]);
      operations += writers[i].operations;
    }
  return operations;
}

static VtImage *
open_image (const char *path, VtSecret *secret)
{
  g_autoptr (GError) error = NULL;
  VtImage           *image = vt_image_open (path, VT_IMAGE_QCOW2, 0, secret, &error);
  g_assert_no_error (error);
  return image;
}

static void
verify_all (const char *path, VtSecret *secret, const uint32_t *version)
{
  g_autoptr (VtImage) image = open_image (path, secret);
  g_autoptr (GError)  error = NULL;
  VtImageCheck        check;
  for (unsigned stripe = 0; stripe < STRIPES; stripe++)
    verify (image, version, stripe * STRIPE, STRIPE);
  g_assert_true (vt_qcow2_check (image, false, &check, &error));
  expect (check.corruptions != 0 ? EUCLEAN : 0, "corruptions in the image", 0);
}

static void
stress (unsigned point, const char *folder, bool encrypted, uint32_t seed, unsigned seconds)
{
  g_autoptr (GError)   error = NULL;
  g_autoptr (VtSecret) secret = encrypted ? vt_secret_new ("stress", 6) : NULL;
  g_autofree char     *path = g_strdup_printf ("%s/stress-%u.qcow2", folder, (unsigned) seed);
  g_autofree uint32_t *version = g_new0 (uint32_t, SECTORS);
  const VtImagePlace   place = { .path = path, .format = VT_IMAGE_QCOW2, .secret = secret };
  g_unlink (path);
  vt_image_create (&place, &(VtImageShape) { .size_bytes = DISK, .iteration_ms = 1 }, &error);
  g_assert_no_error (error);
  VtImage *image = open_image (path, secret);
  uint64_t operations = work_together (image, version, seed, seconds);
  vt_image_close (image);
  verify_all (path, secret, version);
  g_unlink (path);
  printf ("ok %u - %s: %d threads, %" G_GUINT64_FORMAT " operations in %u s, every sector as it was written\n", point,
          encrypted ? "qcow2 with LUKS" : "qcow2", WRITERS, operations, seconds);
}

int
main (int argc, char **argv)
{
  if (argc != 4)
    {
      fprintf (stderr, "Usage: stress SEED SECONDS FOLDER\n");
      return 1;
    }
  unsigned seconds = (unsigned) strtoul (argv[2], NULL, 10) / 2;
  uint32_t seed = (uint32_t) strtoul (argv[1], NULL, 10);
  setvbuf (stdout, NULL, _IOLBF, 0);
  printf ("1..2\n");
  stress (1, argv[3], false, seed, seconds);
  stress (2, argv[3], true, seed, seconds);
  return 0;
}
