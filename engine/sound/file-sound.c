/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A WAV file (Multimedia Programming Interface and Data Specifications 1.0, "RIFF WAVE"). Its sizes are written when it ends; a file
 * that never did is taken by most players all the same. */
#include "sounds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bits.h"
#include "vitrine/error.h"

enum { HEADER_BYTES = 44, FRAME_BYTES = 2 * VT_SOUND_CHANNELS };

typedef struct
{
  VtSound  sound;
  FILE    *file;         /* NULL: it could not take more */
  char    *path;
  unsigned rate_hz;      /* of the file; 0: nothing was played yet */
  bool     fits;         /* the stream that plays has that rate */
  uint64_t frames;
} FileSound;

static bool
write_header (FileSound *self)
{
  uint8_t  header[HEADER_BYTES];
  uint32_t bytes = (uint32_t) MIN (self->frames * FRAME_BYTES, UINT32_MAX - HEADER_BYTES);
  memcpy (header, "RIFF....WAVEfmt ", 16);
  vt_store_le (header + 4, bytes + HEADER_BYTES - 8, 4);
  vt_store_le (header + 16, 16, 4);
  vt_store_le (header + 20, 1, 2);                       /* PCM */
  vt_store_le (header + 22, VT_SOUND_CHANNELS, 2);
  vt_store_le (header + 24, self->rate_hz, 4);
  vt_store_le (header + 28, self->rate_hz * FRAME_BYTES, 4);
  vt_store_le (header + 32, FRAME_BYTES, 2);
  vt_store_le (header + 34, 16, 2);
  memcpy (header + 36, "data", 4);
  vt_store_le (header + 40, bytes, 4);
  return fwrite (header, sizeof header, 1, self->file) == 1;
}

static void
give_up (FileSound *self)
{
  g_warning ("Sound is no longer written to “%s”: %s", self->path, g_strerror (errno));
  fclose (self->file);
  self->file = NULL;
}

static void
start (VtSound *sound, VtSoundWay way, unsigned rate_hz)
{
  FileSound *self = (FileSound *) sound;
  if (way != VT_SOUND_PLAY)
    return;
  if (self->rate_hz == 0)
    {
      self->rate_hz = rate_hz;
      if (self->file != NULL && !write_header (self))
        give_up (self);
    }
  self->fits = rate_hz == self->rate_hz;
}

static void
stop (VtSound *sound, VtSoundWay way)
{
}

static void
play (VtSound *sound, const int16_t *frames, size_t n)
{
  FileSound *self = (FileSound *) sound;
  if (self->file == NULL || !self->fits)
    return;
  for (size_t i = 0; i < n * VT_SOUND_CHANNELS; i++)
    {
      uint16_t sample = GUINT16_TO_LE ((uint16_t) frames[i]);
      if (fwrite (&sample, sizeof sample, 1, self->file) != 1)
        {
          give_up (self);
          return;
        }
    }
  self->frames += n;
}

static size_t
record (VtSound *sound, int16_t *frames, size_t n)
{
  return 0;
}

static void
close_sound (VtSound *sound)
{
  FileSound *self = (FileSound *) sound;
  if (self->file != NULL && self->rate_hz != 0 && (fseek (self->file, 0, SEEK_SET) != 0 || !write_header (self)))
    give_up (self);
  if (self->file != NULL && fclose (self->file) != 0)
    g_warning ("The end of “%s” is lost: %s", self->path, g_strerror (errno));
  g_free (self->path);
  g_free (self);
}

VtSound *
vt_file_sound_new (const char *path, GError **error)
{
  static const VtSoundOps ops = { start, stop, play, record, close_sound };
  struct stat about;
  int         fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0666);
  if (fd < 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot write sound to “%s”: %s", path, g_strerror (errno));
      return NULL;
    }
  /* Writing to anything else could wait, and the machine with it. */
  FILE *file = fstat (fd, &about) == 0 && S_ISREG (about.st_mode) ? fdopen (fd, "wb") : NULL;
  if (file == NULL)
    {
      close (fd);
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s”: sound can be written only into an ordinary file", path);
      return NULL;
    }
  FileSound *self = g_new0 (FileSound, 1);
  *self = (FileSound) { .sound = { &ops }, .file = file, .path = g_strdup (path) };
  return &self->sound;
}
