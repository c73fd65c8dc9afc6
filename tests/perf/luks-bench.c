/* SPDX-License-Identifier: GPL-3.0-or-later */
/* luks-bench [THREADS [FOLDER]]: how fast a LUKS image in the page cache is read and written, against the cipher alone (libgcrypt,
 * aes-xts-plain64 with 512 bits, sectors of 512 bytes), with as many threads. The best of several rounds, taken in turns, so that what
 * else the computer does hits all alike. */
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>

#include "luks.h"

enum { REQUEST = 2 << 20, REQUESTS = 24, ROUNDS = 7 };

typedef enum { CIPHER, READ, WRITE, KINDS } Kind;
static const char *const names[KINDS] = { "cipher", "read", "write" };

typedef struct
{
  Kind     kind;
  VtImage *image;
  uint64_t first;
} Job;

static void
cipher_alone (uint8_t *buffer)
{
  static const uint8_t key[64] = { 1, [32] = 2 };
  gcry_cipher_hd_t     handle;
  gcry_cipher_open (&handle, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_XTS, GCRY_CIPHER_SECURE);
  gcry_cipher_setkey (handle, key, sizeof key);
  for (unsigned n = 0; n < REQUESTS; n++)
    for (size_t at = 0; at < REQUEST; at += 512)
      {
        uint8_t iv[16] = { 0 };
        vt_store_le (iv, at / 512, 8);
        gcry_cipher_setiv (handle, iv, sizeof iv);
        gcry_cipher_decrypt (handle, buffer + at, 512, NULL, 0);
      }
  gcry_cipher_close (handle);
}

static gpointer
work (gpointer data)
{
  const Job          *job = data;
  g_autofree uint8_t *buffer = g_malloc0 (REQUEST);
  if (job->kind == CIPHER)
    cipher_alone (buffer);
  for (unsigned n = 0; job->kind != CIPHER && n < REQUESTS; n++)
    {
      uint64_t off = job->first + (uint64_t) n * REQUEST;
      if ((job->kind == READ ? vt_image_read (job->image, off, buffer, REQUEST) : vt_image_write (job->image, off, buffer, REQUEST)) != 0)
        exit (1);
    }
  return NULL;
}

/* MB/s */
static double
measure (Kind kind, VtImage *image, unsigned threads)
{
  g_autofree Job      *jobs = g_new0 (Job, threads);
  g_autofree GThread **running = g_new0 (GThread *, threads);
  gint64               start = g_get_monotonic_time ();
  for (unsigned i = 0; i < threads; i++)
    {
      jobs[i] = (Job) { kind, image, (uint64_t) i * REQUESTS * REQUEST };
      running[i] = g_thread_new ("luks-bench", work, &jobs[i]);
    }
  for (unsigned i = 0; i < threads; i++)
    g_thread_join (running[i]);
  return (double) threads * REQUESTS * REQUEST / (double) (g_get_monotonic_time () - start);
}

static VtImage *
make_image (char *path, unsigned threads)
{
  g_autoptr (GError)   error = NULL;
  g_autoptr (VtSecret) passphrase = vt_secret_new ("bench", 5);
  int                  fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0)
    g_error ("%s: %s", path, g_strerror (errno));
  VtImage *file = vt_image_adopt_raw (fd, path, &error);
  if (file == NULL || !vt_luks_create (file, (uint64_t) threads * REQUESTS * REQUEST, passphrase, 5, &error))
    g_error ("%s", error->message);
  vt_image_close (file);
  file = vt_image_open_raw (path, false, true, &error);
  VtImage *image = vt_luks_open (file, passphrase, &error);
  g_unlink (path);
  return image;
}

int
main (int argc, char **argv)
{
  unsigned            threads = argc > 1 ? (unsigned) atoi (argv[1]) : 1;
  g_autofree char    *path = g_build_filename (argc > 2 ? argv[2] : g_get_tmp_dir (), "vitrine-luks-bench-XXXXXX", NULL);
  double              best[KINDS] = { 0 };
  g_autoptr (VtImage) image = make_image (path, threads);
  for (unsigned round = 0; round < ROUNDS; round++)
    for (Kind kind = WRITE + 1; kind-- > CIPHER;)
      best[kind] = MAX (best[kind], measure (kind, image, threads));
  for (Kind kind = CIPHER; kind < KINDS; kind++)
    printf ("%u threads, %-6s %6.0f MB/s, %3.0f %% of the cipher alone\n", threads, names[kind], best[kind],
            100 * best[kind] / best[CIPHER]);
  return 0;
}
