/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a save is, and one that is stopped. */
#include <glib/gstdio.h>

#include "machines-rig.h"
#include "vitrine/snapshot.h"

typedef struct
{
  uint64_t last_bytes, total_bytes, stop_at_bytes;
  unsigned told;
} Watch;

static bool
told (void *opaque, uint64_t done_bytes, uint64_t total_bytes)
{
  Watch *watch = opaque;
  watch->told++;
  g_assert_cmpuint (done_bytes, >, watch->last_bytes);
  g_assert_cmpuint (done_bytes, <=, total_bytes);
  watch->last_bytes = done_bytes;
  watch->total_bytes = total_bytes;
  return done_bytes < watch->stop_at_bytes;
}

static void
a_save_tells_how_far_it_is_up_to_its_end (void)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL), *path = g_build_filename (folder, "state", NULL);
  g_autoptr (VtMachine) machine = new_machine ("q35");
  g_autoptr (GError) error = NULL;
  Watch watch = { .stop_at_bytes = UINT64_MAX };
  g_assert_true (vt_machine_save (machine, path, told, &watch, &error));
  g_assert_cmpuint (watch.told, >=, 2);
  g_assert_cmpuint (watch.last_bytes, ==, watch.total_bytes);
  g_assert_cmpuint (watch.total_bytes, >=, machine->config.memory_bytes);
  g_unlink (path);
  g_rmdir (folder);
}

static void
one_that_is_stopped_leaves_nothing_and_the_machine_goes_on (void)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL), *path = g_build_filename (folder, "state", NULL);
  g_autoptr (VtMachine) machine = new_machine ("q35");
  g_autoptr (GError) error = NULL;
  Watch watch = { .stop_at_bytes = 1 };
  vt_machine_resume (machine);
  g_assert_false (vt_machine_save (machine, path, told, &watch, &error));
  g_assert_cmpuint (watch.told, ==, 1);
  g_assert_nonnull (strstr (error->message, "stopped"));
  g_assert_cmpint (vt_machine_state (machine), ==, VT_MACHINE_RUNNING);
  g_assert_cmpint (g_rmdir (folder), ==, 0);      /* nothing in it */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/save/a-save-tells-how-far-it-is-up-to-its-end", a_save_tells_how_far_it_is_up_to_its_end);
  g_test_add_func ("/save/one-that-is-stopped-leaves-nothing-and-the-machine-goes-on",
                   one_that_is_stopped_leaves_nothing_and_the_machine_goes_on);
  return g_test_run ();
}
