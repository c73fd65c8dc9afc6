/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a picture is taken, of a test card that moves while it runs. */
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "fake-backend.h"
#include "thumbnail.h"

#define SOON_MS 20
#define RARE_MS 200
#define NEVER_MS (10 * 60 * 1000)
#define LIMIT_SECONDS 60

typedef struct
{
  VitrineBackend   *backend;
  VitrineThumbnail *thumbnail;
  char             *folder, *path;
  gboolean          late;
} Fixture;

static gboolean
too_late (gpointer data)
{
  ((Fixture *) data)->late = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
set_up (Fixture *f, guint rare_ms)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VtConfig) config = vt_config_new ();

  f->late = FALSE;
  f->folder = g_dir_make_tmp ("vitrine-thumbnail-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->folder, "thumbnail.png", NULL);
  f->backend = vitrine_fake_backend_open (config, &error);
  g_assert_no_error (error);
  vitrine_backend_resume (f->backend);
  f->thumbnail = vitrine_thumbnail_new (f->path, SOON_MS, rare_ms);
  vitrine_thumbnail_set_backend (f->thumbnail, f->backend);
}

static void
await_picture (Fixture *f)
{
  guint limit = g_timeout_add_seconds (LIMIT_SECONDS, too_late, f);

  while (!g_file_test (f->path, G_FILE_TEST_EXISTS) && !f->late)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
  g_assert_false (f->late);
}

static void
tear_down (Fixture *f)
{
  vitrine_thumbnail_free (f->thumbnail);
  g_object_unref (f->backend);
  g_unlink (f->path);
  g_rmdir (f->folder);
  g_free (f->path);
  g_free (f->folder);
}

static void
changes_are_seen (void)
{
  Fixture f;

  set_up (&f, RARE_MS);
  await_picture (&f);
  g_assert_cmpint (g_unlink (f.path), ==, 0);
  await_picture (&f);
  tear_down (&f);
}

static gboolean
stop (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Seldom, that is: after a still time the next frame makes it look again. */
static void
wakes_up_when_the_screen_does (void)
{
  Fixture f;
  gboolean over = FALSE;

  set_up (&f, NEVER_MS);
  vitrine_backend_pause (f.backend);
  g_timeout_add (10 * SOON_MS, stop, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  g_unlink (f.path);
  vitrine_backend_resume (f.backend);
  await_picture (&f);
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/thumbnail/changes", changes_are_seen);
  g_test_add_func ("/thumbnail/wakes-up", wakes_up_when_the_screen_does);
  return g_test_run ();
}
