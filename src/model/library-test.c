/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineLibrary in a data folder of its own: create, rename, delete, undo, purge, and what others leave there. */
#include <glib/gstdio.h>
#include <locale.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vitrine/error.h>

#include "guest.h"
#include "library.h"
#include "paths.h"
#include "run-lock.h"

static VitrineMachine *
add (VitrineLibrary *library, const char *name)
{
  g_autoptr(VitrineDomain) domain = vitrine_domain_new (name);
  g_autoptr(GError) error = NULL;
  VitrineMachine *machine = vitrine_library_add (library, domain, &error);

  g_assert_no_error (error);
  return machine;
}

static VitrineLibrary *
fresh (void)
{
  VitrineLibrary *library = vitrine_library_new ();
  g_autoptr(GError) error = NULL;

  g_assert_true (vitrine_library_load (library, &error));
  g_assert_no_error (error);
  while (vitrine_library_get_size (library) > 0)
    g_assert_true (vitrine_library_delete (library, vitrine_library_get (library, 0), NULL));
  vitrine_library_purge (library, NULL, NULL);
  return library;
}

static void
a_machine_that_is_added_is_there_next_time (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (add (library, "Zebra")));
  add (library, "apple 10");
  add (library, "apple 9");

  g_autoptr(VitrineLibrary) again = vitrine_library_new ();
  g_assert_true (vitrine_library_load (again, NULL));
  g_assert_cmpuint (vitrine_library_get_size (again), ==, 3);
  g_assert_cmpstr (vitrine_machine_get_title (vitrine_library_get (again, 0)), ==, "apple 9");
  g_assert_cmpstr (vitrine_machine_get_title (vitrine_library_lookup (again, uuid)), ==, "Zebra");
  g_assert_cmpint (vitrine_machine_get_state (vitrine_library_get (again, 0)), ==, VITRINE_STATE_OFF);
}

static void
loaded (GObject *source, GAsyncResult *result, gpointer loaded)
{
  g_assert_true (vitrine_library_load_finish (VITRINE_LIBRARY (source), result, NULL));
  *(gboolean *) loaded = TRUE;
}

static void
a_machine_that_is_added_while_the_folder_is_read_stays (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  gboolean done = FALSE;

  add (library, "First");
  vitrine_library_load_async (library, loaded, &done);
  g_usleep (100 * 1000);    /* the folder is read by now, and the answer waits for the main loop */
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (add (library, "Second")));
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_nonnull (vitrine_library_lookup (library, uuid));
  g_assert_cmpuint (vitrine_library_get_size (library), ==, 2);
}

static void
a_name_or_uuid_that_is_taken_is_refused (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  VitrineMachine *first = add (library, "Debian");
  g_autoptr(VitrineDomain) same_name = vitrine_domain_new ("DEBIAN");
  g_autoptr(VitrineDomain) same_uuid = vitrine_domain_copy (vitrine_machine_get_domain (first));
  g_autoptr(GError) error = NULL;

  g_assert_null (vitrine_library_add (library, same_name, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_BUSY);
  g_clear_error (&error);
  vitrine_domain_set_name (same_uuid, "Other");
  g_assert_null (vitrine_library_add (library, same_uuid, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_BUSY);
  g_assert_cmpuint (vitrine_library_get_size (library), ==, 1);

  g_autofree char *name = vitrine_library_free_name (library, "Debian");
  g_assert_cmpstr (name, ==, "Debian 2");
}

static void
a_deleted_machine_comes_back_whole (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  VitrineMachine *machine = add (library, "Precious");
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (machine));
  g_autofree char *extra = vitrine_paths_in_machine (uuid, "nvram.fd");
  g_autoptr(GError) error = NULL;

  g_assert_true (g_file_set_contents (extra, "variables", -1, NULL));
  g_assert_true (vitrine_library_delete (library, machine, &error));
  g_assert_cmpuint (vitrine_library_get_size (library), ==, 0);
  g_assert_false (g_file_test (extra, G_FILE_TEST_EXISTS));
  g_assert_true (vitrine_library_undelete (library, uuid, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_test (extra, G_FILE_TEST_EXISTS));
  g_assert_cmpstr (vitrine_machine_get_title (vitrine_library_lookup (library, uuid)), ==, "Precious");
}

static void
purging_spares_disks_that_others_use (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  g_autofree char *images = vitrine_paths_images ();
  g_autofree char *shared = g_build_filename (images, "shared.raw", NULL);
  g_autofree char *foreign = g_build_filename (g_get_user_data_dir (), "foreign.raw", NULL);
  g_autoptr(GError) error = NULL;
  const char *paths[] = { shared, foreign };

  g_mkdir_with_parents (images, 0700);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(VitrineDomain) domain = vitrine_domain_new (i == 0 ? "one" : "two");
      g_assert_true (g_file_set_contents (paths[i], "data", -1, NULL));
      for (guint j = 0; j < 2; j++)
        {
          g_autoptr(VitrineDisk) disk = vitrine_disk_new (paths[j], "raw", "virtio", FALSE);
          vitrine_domain_add_disk (domain, disk);
        }
      g_assert_nonnull (vitrine_library_add (library, domain, &error));
    }
  VitrineMachine *one = vitrine_library_find (library, "one", &error);
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (one));
  g_assert_true (vitrine_library_delete (library, one, &error));
  g_assert_true (vitrine_library_purge (library, uuid, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_test (shared, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (foreign, G_FILE_TEST_EXISTS));
  g_assert_false (vitrine_library_undelete (library, uuid, &error));
}

static void
a_running_machine_is_not_deleted (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  VitrineMachine *machine = add (library, "Busy");
  g_autofree char *lock = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), "lock");
  g_autoptr(GError) error = NULL;
  int fd = vitrine_run_lock_take (lock, &error);

  g_assert_no_error (error);
  g_assert_cmpint (vitrine_run_lock_take (lock, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_false (vitrine_library_delete (library, machine, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_BUSY);
  vitrine_run_lock_release (lock, fd);
  g_assert_cmpint (vitrine_run_lock_query (lock), ==, VITRINE_RUN_LOCK_FREE);
}

/* Copied, moved, exported: it is neither running nor has it crashed when that process dies. */
static void
a_machine_that_is_worked_on_is_busy (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (add (library, "Copied")));
  g_autofree char *lock = vitrine_paths_in_machine (uuid, "lock");
  g_autoptr(GError) error = NULL;
  int fd = vitrine_run_lock_take_for_work (lock, &error);

  g_assert_no_error (error);
  g_autoptr(VitrineLibrary) other = vitrine_library_new ();
  g_assert_true (vitrine_library_load (other, NULL));
  VitrineMachine *machine = vitrine_library_lookup (other, uuid);
  g_assert_cmpint (vitrine_machine_get_state (machine), ==, VITRINE_STATE_BUSY);
  g_assert_cmpuint (vitrine_guest_get_abilities (VITRINE_GUEST (machine)) & VITRINE_GUEST_CAN_OPEN, ==, 0);
  g_assert_false (vitrine_machine_start (machine, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_BUSY);
  close (fd);   /* as when its process dies */
  g_assert_cmpint (vitrine_run_lock_query (lock), ==, VITRINE_RUN_LOCK_FREE);
}

static void
a_process_that_died_leaves_a_crash (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (add (library, "Unlucky")));
  g_autofree char *lock = vitrine_paths_in_machine (uuid, "lock");
  pid_t child = fork ();

  if (child == 0)
    {
      vitrine_run_lock_take (lock, NULL);
      _exit (0);   /* without releasing */
    }
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  g_autoptr(VitrineLibrary) again = vitrine_library_new ();
  g_assert_true (vitrine_library_load (again, NULL));
  VitrineMachine *machine = vitrine_library_lookup (again, uuid);
  g_assert_cmpint (vitrine_machine_get_state (machine), ==, VITRINE_STATE_CRASHED);
  g_assert_nonnull (strstr (vitrine_machine_get_message (machine), "log"));
  vitrine_machine_dismiss_crash (machine);
  g_assert_cmpint (vitrine_machine_get_state (machine), ==, VITRINE_STATE_OFF);
}

static void
a_damaged_definition_is_shown_with_its_reason (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *folder = vitrine_paths_machine (uuid);
  g_autofree char *path = vitrine_paths_in_machine (uuid, "domain.xml");

  g_mkdir_with_parents (folder, 0700);
  g_assert_true (g_file_set_contents (path, "<domain><name>half", -1, NULL));
  g_assert_true (vitrine_library_load (library, NULL));
  VitrineMachine *machine = vitrine_library_lookup (library, uuid);
  g_assert_cmpint (vitrine_machine_get_state (machine), ==, VITRINE_STATE_BROKEN);
  g_assert_nonnull (strstr (vitrine_machine_get_message (machine), "line 1"));
}

static void
renaming_keeps_the_order_and_refuses_twins (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  VitrineMachine *a = add (library, "a");
  add (library, "b");
  g_autoptr(GError) error = NULL;

  g_assert_false (vitrine_library_rename (library, a, "B", &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_true (vitrine_library_rename (library, a, "c", &error));
  g_assert_no_error (error);
  g_assert_true (vitrine_library_get (library, 1) == a);
  g_assert_true (vitrine_library_find (library, "C", NULL) == a);
}

static void
uefi_variables_live_with_the_machine (void)
{
  g_autoptr(VitrineLibrary) library = fresh ();
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("uefi");
  g_autoptr(GError) error = NULL;

  vitrine_domain_set_firmware (domain, VITRINE_FIRMWARE_UEFI);
  VitrineMachine *machine = vitrine_library_add (library, domain, &error);
  g_assert_no_error (error);
  g_autofree char *nvram = vitrine_domain_get_nvram (vitrine_machine_get_domain (machine));
  g_autofree char *expected = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), "nvram.fd");
  g_assert_cmpstr (nvram, ==, expected);

  g_autoptr(VitrineDomain) back = vitrine_domain_copy (vitrine_machine_get_domain (machine));
  vitrine_domain_set_firmware (back, VITRINE_FIRMWARE_BIOS);
  g_assert_true (vitrine_machine_set_domain (machine, back, &error));
  g_assert_null (vitrine_domain_get_nvram (vitrine_machine_get_domain (machine)));
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);

  setlocale (LC_ALL, "C.UTF-8");
  g_setenv ("XDG_DATA_HOME", folder, TRUE);
  g_setenv ("XDG_RUNTIME_DIR", folder, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/library/a machine that is added is there next time", a_machine_that_is_added_is_there_next_time);
  g_test_add_func ("/library/a machine that is added while the folder is read stays",
                   a_machine_that_is_added_while_the_folder_is_read_stays);
  g_test_add_func ("/library/a name or uuid that is taken is refused", a_name_or_uuid_that_is_taken_is_refused);
  g_test_add_func ("/library/a deleted machine comes back whole", a_deleted_machine_comes_back_whole);
  g_test_add_func ("/library/purging spares disks that others use", purging_spares_disks_that_others_use);
  g_test_add_func ("/library/a running machine is not deleted", a_running_machine_is_not_deleted);
  g_test_add_func ("/library/a machine that is worked on is busy", a_machine_that_is_worked_on_is_busy);
  g_test_add_func ("/library/a process that died leaves a crash", a_process_that_died_leaves_a_crash);
  g_test_add_func ("/library/a damaged definition is shown with its reason", a_damaged_definition_is_shown_with_its_reason);
  g_test_add_func ("/library/renaming keeps the order and refuses twins", renaming_keeps_the_order_and_refuses_twins);
  g_test_add_func ("/library/UEFI variables live with the machine", uefi_variables_live_with_the_machine);
  int status = g_test_run ();

  g_autoptr(VitrineLibrary) library = fresh ();
  const char *argv_rm[] = { "rm", "-rf", folder, NULL };
  g_spawn_sync (NULL, (char **) argv_rm, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  return status;
}
