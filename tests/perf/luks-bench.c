/* SPDX-License-Identifier: GPL-3.0-or-later */
/* luks-bench [THREADS [FOLDER]]: how fast a LUKS image in the page cache is read and written, against the cipher alone (libgcrypt,
 * aes-xts-plain64 with 512 bits, sectors of 512 bytes), with as many threads: "cipher" on two MiB that stay in the processor's cache, "memory"
 * on as many bytes as the image has, which do not. By the clock, with all helpers of the image's own, and by the processors' time that it takes,
 * which tells more when they have other work. The best of several rounds, taken in turns, so that what else the computer does hits all alike. */
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>

#include "host-ram.h"
#include "luks.h"

enum { REQUEST = 2 << 20, REQUESTS = 24, ROUNDS = 9 };

typedef enum { CIPHER, MEMORY, READ, WRITE, KINDS } Kind;
static const char *const names[KINDS] = { "cipher", "memory", "read", "write" };

typedef struct
{
  Kind     kind;
  VtImage *image;
  uint8_t *memory;     /* as large as the image */
  uint64_t first;
} Job;

typedef struct
{
  double clock, processors;     /* MB/s */
} Speed;

static void
cipher_alone (const uint8_t *memory, uint8_t *buffer)
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
        if (memory == NULL)
          gcry_cipher_decrypt (handle, buffer + at, 512, NULL, 0);
        else
          gcry_cipher_decrypt (handle, buffer + at, 512, memory + (size_t) n * REQUEST + at, 512);
      }
  gcry_cipher_close (handle);
}

static gpointer
work (gpointer data)
{
  const Job          *job = data;
  g_autofree uint8_t *buffer = g_malloc0 (REQUEST);
  if (job->kind <= MEMORY)
    cipher_alone (job->kind == MEMORY ? job->memory + job->first : NULL, buffer);
  for (unsigned n = 0; job->kind > MEMORY && n < REQUESTS; n++)
    {
      uint64_t off = job->first + (uint64_t) n * REQUEST;
      if ((job->kind == READ ? vt_image_read (job->image, off, buffer, REQUEST) : vt_image_write (job->image, off, buffer, REQUEST)) != 0)
        exit (1);
    }
  return NULL;
}

static Speed
measure (Kind kind, VtImage *image, uint8_t *memory, unsigned threads)
{
  g_autofree Job      *jobs = g_new0 (Job, threads);
  g_autofree GThread **running = g_new0 (GThread *, threads);
  gint64               start = g_get_monotonic_time ();
  double               used = vt_host_cpu_seconds (), bytes = (double) threads * REQUESTS * REQUEST;
  for (unsigned i = 0; i < threads; i++)
    {
      jobs[i] = (Job) { kind, image, memory, (uint64_t) i * REQUESTS * REQUEST };
      running[i] = g_thread_new ("luks-bench", work, &jobs[i]);
    }
  for (unsigned i = 0; i < threads; i++)
    g_thread_join (running[i]);
  return (Speed) { bytes / (double) (g_get_monotonic_time () - start), bytes / 1e6 / (vt_host_cpu_seconds () - used) };
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
  g_autofree uint8_t *memory = g_malloc0 ((size_t) threads * REQUESTS * REQUEST);
  Speed               best[KINDS] = { 0 };
  g_autoptr (VtImage) image = make_image (path, threads);
  memset (memory, 1, (size_t) threads * REQUESTS * REQUEST);
  for (unsigned round = 0; round < ROUNDS; round++)
    for (Kind kind = WRITE + 1; kind-- > CIPHER;)
      {
        Speed speed = measure (kind, image, memory, threads);
        best[kind].clock = MAX (best[kind].clock, speed.clock);
        best[kind].processors = MAX (best[kind].processors, speed.processors);
      }
  for (Kind kind = CIPHER; kind < KINDS; kind++)
    printf ("%u threads, %-6s %6.0f MB/s, %3.0f %% of the cipher alone; %6.0f MB in a second of one processor, %3.0f %%\n", threads,
            names[kind], best[kind].clock, 100 * best[kind].clock / best[CIPHER].clock, best[kind].processors,
            100 * best[kind].processors / best[CIPHER].processors);
  return 0;
}
