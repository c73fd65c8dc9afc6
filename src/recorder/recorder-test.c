/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a recording ends. The file is a pipe here: when its reader goes away it takes no more, as a full disk. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fake-backend.h"
#include "recorder.h"

#define PATIENCE_SECONDS 100
#define ENOUGH_BYTES 20000

typedef struct
{
  VitrineBackend  *backend;
  VitrineRecorder *recorder;   /* NULL once it is gone */
  int              reader;
  gsize            bytes;      /* that came */
  gboolean         done, late;
  char            *failure;
} Fixture;

static void
failed (gpointer data, const char *message)
{
  Fixture *f = data;

  f->recorder = NULL;
  f->failure = g_strdup (message);
}

static void
done (gpointer data)
{
  Fixture *f = data;

  f->recorder = NULL;
  f->done = TRUE;
}

static gboolean
too_late (gpointer data)
{
  ((Fixture *) data)->late = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VtConfig) config = vt_config_new ();
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) != 0)
    g_error ("no pipe");
  f->reader = ends[0];
  fcntl (f->reader, F_SETFL, O_NONBLOCK);
  f->backend = vitrine_fake_backend_open (config, &error);
  g_assert_no_error (error);
  vitrine_backend_resume (f->backend);
  f->recorder = vitrine_recorder_new (f->backend, ends[1], failed, f, &error);
  if (f->recorder == NULL)
    g_test_skip (error->message);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  if (f->recorder != NULL)
    vitrine_recorder_stop_now (f->recorder);
  if (f->reader >= 0)
    close (f->reader);
  g_free (f->failure);
  g_object_unref (f->backend);
}

static void
read_all (Fixture *f)
{
  char buffer[4096];
  gssize n;

  while (f->reader >= 0 && (n = read (f->reader, buffer, sizeof buffer)) > 0)
    f->bytes += (gsize) n;
}

/* Until so much was written, or the recorder is gone. */
static void
run (Fixture *f, gsize bytes)
{
  guint limit = g_timeout_add_seconds (PATIENCE_SECONDS, too_late, f);

  while (!f->late && f->recorder != NULL && f->bytes < bytes)
    {
      g_main_context_iteration (NULL, TRUE);   /* the backend ticks */
      read_all (f);
    }
  g_source_remove (limit);
  g_assert_false (f->late);
}

static void
a_recording_that_is_stopped_is_completed (Fixture *f, gconstpointer unused)
{
  if (f->recorder == NULL)
    return;
  run (f, ENOUGH_BYTES);
  vitrine_recorder_stop (f->recorder, done);
  run (f, G_MAXSIZE);
  g_assert_true (f->done);
  g_assert_null (f->failure);
}

static void
no_room_while_it_records_is_a_failure (Fixture *f, gconstpointer unused)
{
  if (f->recorder == NULL)
    return;
  run (f, ENOUGH_BYTES);
  close (f->reader);
  f->reader = -1;
  run (f, G_MAXSIZE);
  g_assert_nonnull (f->failure);
  g_assert_false (f->done);
}

static void
no_room_for_its_end_is_a_failure (Fixture *f, gconstpointer unused)
{
  if (f->recorder == NULL)
    return;
  run (f, ENOUGH_BYTES);
  close (f->reader);
  f->reader = -1;
  vitrine_recorder_stop (f->recorder, done);
  run (f, G_MAXSIZE);
  g_assert_nonnull (f->failure);
  g_assert_false (f->done);
}

int
main (int argc, char **argv)
{
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add ("/recorder/" #fn, Fixture, NULL, set_up, fn, tear_down)
  TEST (a_recording_that_is_stopped_is_completed);
  TEST (no_room_while_it_records_is_a_failure);
  TEST (no_room_for_its_end_is_a_failure);
  return g_test_run ();
}
