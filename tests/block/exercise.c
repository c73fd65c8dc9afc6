/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exercise IMAGE SEED OPERATIONS MODEL [OLD-MODEL]: random requests against a qcow2 image and a model of its disk in memory; what is
 * read must agree all the time. The model goes to MODEL in the end, for others to compare with. OLD-MODEL: what is on the disk at
 * first, else zeros. */
#include <stdio.h>
#include <stdlib.h>

#include "qcow2.h"

#define MOST (3u << 20)

typedef struct
{
  VtImage *image;
  uint8_t *model, *buffer;
  uint64_t size;
  GRand   *random;
} Exercise;

static void
expect (int error, const char *what, uint64_t off, uint64_t len)
{
  if (error == 0)
    return;
  fprintf (stderr, "%s at %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " bytes: %s\n", what, off, len, g_strerror (error));
  exit (1);
}

static void
choose (Exercise *e, uint64_t *off, uint64_t *len)
{
  uint64_t sectors = e->size / 512;
  uint64_t most = g_rand_int_range (e->random, 0, 4) == 0 ? MOST / 512 : 200;
  *len = 1 + (uint64_t) g_rand_int_range (e->random, 0, (gint32) MIN (most, sectors));
  *off = (uint64_t) (g_rand_double (e->random) * (double) (sectors - *len + 1));
  if (g_rand_int_range (e->random, 0, 3) == 0)      /* whole clusters are special */
    {
      *off = *off / 128 * 128;
      *len = MIN ((*len + 127) / 128 * 128, sectors - *off);
    }
  *off *= 512;
  *len *= 512;
}

static void
compare (Exercise *e, uint64_t off, uint64_t len)
{
  expect (vt_image_read (e->image, off, e->buffer, len), "read", off, len);
  for (uint64_t i = 0; i < len; i++)
    if (e->buffer[i] != e->model[off + i])
      {
        fprintf (stderr, "byte %" G_GUINT64_FORMAT " is 0x%02x, not 0x%02x\n", off + i, e->buffer[i], e->model[off + i]);
        exit (1);
      }
}

static void
step (Exercise *e)
{
  uint64_t off, len;
  choose (e, &off, &len);
  switch (g_rand_int_range (e->random, 0, 12))
    {
    case 0 ... 4:
      for (uint64_t i = 0; i < len; i += 4)
        vt_store_le (e->model + off + i, g_rand_int (e->random), 4);
      expect (vt_image_write (e->image, off, e->model + off, len), "write", off, len);
      break;
    case 5:
      memset (e->model + off, 0, len);
      expect (e->image->ops->zero (e->image, off, len), "zero", off, len);
      break;
    case 6:
      /* Whatever it reads as now is what it has to read as later. */
      expect (e->image->ops->discard (e->image, off, len), "discard", off, len);
      expect (vt_image_read (e->image, off, e->model + off, len), "read", off, len);
      break;
    case 7:
      expect (vt_image_flush (e->image), "flush", 0, 0);
      break;
    default:
      compare (e, off, len);
    }
}

static void
read_model (Exercise *e, const char *path)
{
  g_autofree char *bytes = NULL;
  gsize            len;
  if (!g_file_get_contents (path, &bytes, &len, NULL))
    exit (1);
  memcpy (e->model, bytes, MIN (len, e->size));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  if (argc < 5)
    return 2;
  Exercise e = { .image = vt_qcow2_open_path (argv[1], false, false, &error) };
  if (e.image == NULL)
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  e.size = e.image->size_bytes;
  e.model = g_malloc0 (e.size);
  e.buffer = g_malloc (MOST + 65536);
  e.random = g_rand_new_with_seed ((guint32) atoi (argv[2]));
  if (argc > 5)
    read_model (&e, argv[5]);
  for (int i = atoi (argv[3]); i > 0; i--)
    step (&e);
  compare (&e, 0, MIN (e.size, MOST));
  expect (vt_image_flush (e.image), "flush", 0, 0);
  VtQcow2Check check;
  if (!vt_qcow2_check (e.image, false, &check, &error) || check.corruptions > 0)
    {
      fprintf (stderr, "our own check: %s\n", error != NULL ? error->message : "corrupt");
      return 1;
    }
  vt_image_close (e.image);
  return g_file_set_contents (argv[4], (char *) e.model, (gssize) e.size, NULL) ? 0 : 1;
}
