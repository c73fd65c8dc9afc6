/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exercise [--format FORMAT] [--key-file FILE] IMAGE SEED OPERATIONS MODEL [OLD-MODEL]: random requests against a qcow2 image (or one of
 * that format) and a model of its disk in memory; what is read must agree all the time. The model goes to MODEL in the end, for others
 * to compare with. OLD-MODEL: what is on the disk at first, else zeros. */
#include <stdio.h>
#include <stdlib.h>

#include "qcow2.h"
#include "vitrine/image.h"

#define MOST (3u << 20)
#define NOISE_BYTES (4u << 20)

typedef struct
{
  VtImage *image;
  uint8_t *model, *buffer, *noise;
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
  if (memcmp (e->buffer, e->model + off, len) == 0)
    return;
  for (uint64_t i = 0; i < len; i++)
    if (e->buffer[i] != e->model[off + i])
      {
        fprintf (stderr, "byte %" G_GUINT64_FORMAT " is 0x%02x, not 0x%02x\n", off + i, e->buffer[i], e->model[off + i]);
        exit (1);
      }
}

/* Nothing in it repeats: what is written is a piece of it from anywhere. */
static uint8_t *
make_noise (GRand *random)
{
  uint8_t *noise = g_malloc (NOISE_BYTES);
  for (unsigned i = 0; i < NOISE_BYTES; i += 4)
    vt_store_le (noise + i, g_rand_int (random), 4);
  return noise;
}

static void
step (Exercise *e)
{
  uint64_t off, len;
  choose (e, &off, &len);
  switch (g_rand_int_range (e->random, 0, 12))
    {
    case 0 ... 4:
      memcpy (e->model + off, e->noise + g_rand_int_range (e->random, 0, NOISE_BYTES - MOST - 65536), len);
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

static void
check (VtImage *image)
{
  g_autoptr (GError) error = NULL;
  VtImageCheck       found;
  if (!vt_is_qcow2 (image) || (vt_qcow2_check (image, false, &found, &error) && found.corruptions == 0))
    return;
  fprintf (stderr, "our own check: %s\n", error != NULL ? error->message : "corrupt");
  exit (1);
}

/* Leaves the words in argv. */
static VtImage *
open_image (int *argc, char ***argv, GError **error)
{
  g_autofree char *name = NULL, *key_file = NULL;
  VtImageFormat    format = VT_IMAGE_QCOW2;
  GOptionEntry     entries[] = { { "format", 0, 0, G_OPTION_ARG_STRING, &name, NULL, NULL },
                                 { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &key_file, NULL, NULL },
                                 { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error) || *argc < 5 || (name != NULL && !vt_image_format_from_name (name, &format)))
    exit (2);
  g_autoptr (VtSecret) secret = key_file != NULL ? vt_secret_read_file (key_file, error) : NULL;
  return key_file == NULL || secret != NULL ? vt_image_open ((*argv)[1], format, 0, secret, error) : NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Exercise           e = { .image = open_image (&argc, &argv, &error) };
  if (e.image == NULL)
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  e.size = e.image->size_bytes;
  e.model = g_malloc0 (e.size);
  e.buffer = g_malloc (MOST + 65536);
  e.random = g_rand_new_with_seed ((guint32) atoi (argv[2]));
  e.noise = make_noise (e.random);
  if (argc > 5)
    read_model (&e, argv[5]);
  for (int i = atoi (argv[3]); i > 0; i--)
    step (&e);
  compare (&e, 0, MIN (e.size, MOST));
  expect (vt_image_flush (e.image), "flush", 0, 0);
  check (e.image);
  vt_image_close (e.image);
  return g_file_set_contents (argv[4], (char *) e.model, (gssize) e.size, NULL) ? 0 : 1;
}
