/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sound in a file, and with no server to play it. A real server: tests/boot/sound.py. */
#include "sounds.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bits.h"

static void
play_numbers (VtSound *sound, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    sound->ops->play (sound, (int16_t[]) { (int16_t) i, (int16_t) -i }, 1);
}

static void
a_file_holds_what_was_played (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("vitrine-sound-XXXXXX", NULL), *path = g_build_filename (folder, "a.wav", NULL);
  g_autofree char *bytes = NULL;
  gsize len;
  VtSound *sound = vt_file_sound_new (path, &error);
  g_assert_no_error (error);
  sound->ops->start (sound, VT_SOUND_PLAY, 44100);
  play_numbers (sound, 100);
  sound->ops->stop (sound, VT_SOUND_PLAY);
  sound->ops->start (sound, VT_SOUND_PLAY, 48000);       /* another rate: not in this file */
  play_numbers (sound, 7);
  sound->ops->close (sound);
  g_assert_true (g_file_get_contents (path, &bytes, &len, NULL));
  const uint8_t *at = (const uint8_t *) bytes;
  g_assert_cmpuint (len, ==, 44 + 400);
  g_assert_cmpmem (at, 4, "RIFF", 4);
  g_assert_cmpuint (vt_load_le (at + 4, 4), ==, len - 8);
  g_assert_cmpmem (at + 8, 8, "WAVEfmt ", 8);
  g_assert_cmpuint (vt_load_le (at + 24, 4), ==, 44100);
  g_assert_cmpuint (vt_load_le (at + 40, 4), ==, 400);
  for (unsigned i = 0; i < 100; i++)
    {
      g_assert_cmpint ((int16_t) vt_load_le (at + 44 + 4 * i, 2), ==, (int16_t) i);
      g_assert_cmpint ((int16_t) vt_load_le (at + 46 + 4 * i, 2), ==, (int16_t) -i);
    }
  g_unlink (path);
  g_rmdir (folder);
}

static void
a_file_that_cannot_be_made_is_an_error (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (vt_file_sound_new ("/nonexistent/a.wav", &error));
  g_assert_nonnull (strstr (error->message, "/nonexistent/a.wav"));
  /* A pipe that is read, but perhaps not for ever. */
  g_autofree char *folder = g_dir_make_tmp ("vitrine-sound-XXXXXX", NULL), *path = g_build_filename (folder, "pipe", NULL);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  int reader = g_open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  g_clear_error (&error);
  g_assert_null (vt_file_sound_new (path, &error));
  g_assert_nonnull (strstr (error->message, "ordinary file"));
  g_assert_true (g_close (reader, NULL));
  g_unlink (path);
  g_rmdir (folder);
}

static void
without_a_server_there_is_silence (void)
{
  g_autoptr (GError) error = NULL;
  int16_t frames[20];
  g_setenv ("PULSE_SERVER", "unix:/nonexistent/native", TRUE);
  VtSound *sound = vt_pulse_sound_new ("test", &error);
  g_assert_no_error (error);
  for (unsigned i = 0; i < 3; i++)
    {
      sound->ops->start (sound, VT_SOUND_PLAY, 48000);
      sound->ops->start (sound, VT_SOUND_RECORD, 48000);
      play_numbers (sound, 10000);
      g_assert_cmpuint (sound->ops->record (sound, frames, 10), ==, 0);
      sound->ops->stop (sound, VT_SOUND_PLAY);
      sound->ops->stop (sound, VT_SOUND_RECORD);
    }
  sound->ops->close (sound);
}

#define ADD(function) g_test_add_func ("/sound/" #function, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_file_holds_what_was_played);
  ADD (a_file_that_cannot_be_made_is_an_error);
  ADD (without_a_server_there_is_silence);
  return g_test_run ();
}
