/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>

#include "paths.h"
#include "snapshot-store.h"
#include "snapshots-offline.h"

static char *
make_folder (void)
{
  return g_dir_make_tmp ("vitrine-snapshots-XXXXXX", NULL);
}

static void
drop_folder (char *folder)
{
  g_autoptr(GPtrArray) all = vitrine_snapshot_store_list (folder);

  for (guint i = 0; i < all->len; i++)
    vitrine_snapshot_store_clean_up (folder, ((VitrineSnapshot *) all->pdata[i])->name);
  vitrine_snapshot_store_set_current (folder, NULL, NULL);
  g_rmdir (folder);
  g_free (folder);
}

/* @parent: "" is none. */
static void
add (const char *folder, const char *name, const char *parent, gint64 created)
{
  VitrineSnapshot snapshot = { .name = (char *) name, .created = created };
  g_autoptr(GError) error = NULL;

  vitrine_snapshot_store_set_current (folder, *parent != '\0' ? parent : NULL, NULL);
  g_assert_true (vitrine_snapshot_store_prepare (folder, name, NULL, &error));
  g_assert_true (vitrine_snapshot_store_add (folder, &snapshot, &error));
  g_assert_no_error (error);
  g_free (snapshot.parent);
}

/* "base 0, left 1" */
static char *
say (const char *folder)
{
  g_autoptr(GPtrArray) all = vitrine_snapshot_store_list (folder);
  GString *words = g_string_new (NULL);

  for (guint i = 0; i < all->len; i++)
    {
      const VitrineSnapshot *snapshot = all->pdata[i];
      g_string_append_printf (words, "%s%s %u", i > 0 ? ", " : "", snapshot->name, snapshot->depth);
    }
  return g_string_free (words, FALSE);
}

static void
children_follow_what_they_came_of (void)
{
  char *folder = make_folder ();

  add (folder, "base", "", 10);
  add (folder, "left", "base", 20);
  add (folder, "right", "base", 30);
  add (folder, "left leaf", "left", 40);
  add (folder, "other base", "", 5);
  g_autofree char *words = say (folder);
  g_assert_cmpstr (words, ==, "other base 0, base 0, left 1, left leaf 2, right 1");
  drop_folder (folder);
}

static void
one_that_goes_leaves_its_children_to_its_parent (void)
{
  char *folder = make_folder ();

  add (folder, "base", "", 10);
  add (folder, "middle", "base", 20);
  add (folder, "leaf", "middle", 30);
  add (folder, "side", "middle", 40);
  g_assert_true (vitrine_snapshot_store_set_current (folder, "middle", NULL));
  g_assert_true (vitrine_snapshot_store_remove (folder, "middle", NULL));
  g_autofree char *words = say (folder), *current = vitrine_snapshot_store_current (folder);
  g_assert_cmpstr (words, ==, "base 0, leaf 1, side 1");
  g_assert_cmpstr (current, ==, "base");
  drop_folder (folder);
}

static void
write_one (const char *folder, const char *name, const char *parent)
{
  g_autofree char *path = vitrine_snapshot_store_path (folder, name, "xml");
  g_autofree char *text = g_strdup_printf ("<domainsnapshot><name>%s</name><parent><name>%s</name></parent></domainsnapshot>", name,
                                           parent);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
damaged_descriptions_are_all_shown_once (void)
{
  char *folder = make_folder ();

  write_one (folder, "a", "b");
  write_one (folder, "b", "a");
  write_one (folder, "own", "own");
  write_one (folder, "orphan", "nobody");
  g_autoptr(GPtrArray) all = vitrine_snapshot_store_list (folder);
  g_assert_cmpuint (all->len, ==, 4);
  for (guint i = 0; i < all->len; i++)
    g_assert_cmpuint (((VitrineSnapshot *) all->pdata[i])->depth, <=, 1);
  drop_folder (folder);
}

static void
proposed_names_are_free (void)
{
  char *folder = make_folder ();

  add (folder, "Snapshot 1", "", 10);
  add (folder, "Snapshot 3", "", 20);
  g_autofree char *name = vitrine_snapshot_store_propose_name (folder);
  g_assert_cmpstr (name, ==, "Snapshot 2");
  drop_folder (folder);
}

static void
what_is_written_is_read_back (void)
{
  char *folder = make_folder ();
  g_autoptr(VitrineDomain) domain = vitrine_domain_new ("then");
  VitrineSnapshot snapshot = { .name = (char *) "all & everything", .description = (char *) "before <the> upgrade", .created = 77, .has_state = TRUE,
                               .domain = domain };
  g_autoptr(GError) error = NULL;

  g_assert_true (vitrine_snapshot_store_add (folder, &snapshot, &error));
  g_autoptr(VitrineSnapshot) read = vitrine_snapshot_store_get (folder, snapshot.name, &error);
  g_assert_no_error (error);
  g_autofree char *name = vitrine_domain_get_name (read->domain);
  g_assert_cmpstr (read->name, ==, snapshot.name);
  g_assert_cmpstr (read->description, ==, snapshot.description);
  g_assert_cmpint (read->created, ==, 77);
  g_assert_true (read->has_state);
  g_assert_cmpstr (name, ==, "then");
  drop_folder (folder);
}

static void
what_would_not_be_read_back_is_refused (void)
{
  char *folder = make_folder ();
  g_autofree char *long_text = g_strnfill (5000, 'x');
  const struct { const char *name, *description; } bad[] = {
    { "", NULL }, { "trail ", NULL }, { " lead", NULL }, { "a\001b", NULL }, { "two\nlines", NULL }, { "\xff", NULL }, { long_text, NULL },
    { "fine", "a\001b" }, { "fine", "trail " }, { "fine", long_text },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_assert_false (vitrine_snapshot_store_prepare (folder, bad[i].name, bad[i].description, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
  g_assert_true (vitrine_snapshot_store_prepare (folder, "fine", "vor dem Übergang", NULL));
  drop_folder (folder);
}

/* The definition in it is of a later version, say. */
static void
a_child_keeps_what_we_cannot_read (void)
{
  char *folder = make_folder ();
  g_autofree char *path = vitrine_snapshot_store_path (folder, "child", "xml"), *text = NULL;

  add (folder, "parent", "", 10);
  g_assert_true (g_file_set_contents (path, "<domainsnapshot><name>child</name><parent><name>parent</name></parent>"
                                            "<domain><strange/></domain><more/></domainsnapshot>", -1, NULL));
  g_assert_true (vitrine_snapshot_store_remove (folder, "parent", NULL));
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "<strange/>"));
  g_assert_nonnull (strstr (text, "<more/>"));
  g_assert_null (strstr (text, "parent"));
  drop_folder (folder);
}

/* --- A machine that is off ------------------------------------------------------------------------------------------ */

static void
write_definition (const char *uuid, guint64 memory_bytes, const char *name, const char *title)
{
  g_autofree char *folder = vitrine_paths_machine (uuid), *path = vitrine_paths_in_machine (uuid, "domain.xml");
  g_autofree char *title_xml = title != NULL ? g_strdup_printf ("<title>%s</title>", title) : g_strdup ("");
  g_autofree char *xml = g_strdup_printf ("<domain type='qemu'><name>%s</name><uuid>%s</uuid>%s<memory unit='b'>%" G_GUINT64_FORMAT
                                          "</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>", name, uuid, title_xml, memory_bytes);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, xml, -1, NULL));
}

static void
going_back_changes_the_hardware_and_no_name (void)
{
  g_autofree char *uuid = g_uuid_string_random (), *path = vitrine_paths_in_machine (uuid, "domain.xml");
  g_autofree char *suspended = vitrine_paths_in_machine (uuid, "suspended.state");
  g_autoptr(GError) error = NULL;

  write_definition (uuid, 64 << 20, "old", NULL);
  g_assert_true (vitrine_snapshot_take_offline (uuid, "first", NULL, &error));
  write_definition (uuid, 128 << 20, "new", "My machine");
  g_assert_true (g_file_set_contents (suspended, "a state", -1, NULL));
  g_assert_true (vitrine_snapshot_revert_offline (uuid, "first", &error));
  g_assert_no_error (error);
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, &error);
  g_autofree char *name = vitrine_domain_get_name (domain), *title = vitrine_domain_get_title (domain);
  g_assert_cmpuint (vitrine_domain_get_memory_bytes (domain), ==, 64 << 20);
  g_assert_cmpstr (name, ==, "new");
  g_assert_cmpstr (title, ==, "My machine");
  g_assert_false (g_file_test (suspended, G_FILE_TEST_EXISTS));
}

static void
a_suspended_machine_is_taken_with_its_state (void)
{
  g_autofree char *uuid = g_uuid_string_random (), *suspended = vitrine_paths_in_machine (uuid, "suspended.state"), *text = NULL;
  g_autoptr(GError) error = NULL;

  write_definition (uuid, 64 << 20, "box", NULL);
  g_assert_true (g_file_set_contents (suspended, "a state", -1, NULL));
  g_assert_true (vitrine_snapshot_take_offline (uuid, "first", NULL, &error));
  g_assert_cmpint (g_unlink (suspended), ==, 0);
  g_assert_true (vitrine_snapshot_revert_offline (uuid, "first", &error));
  g_assert_true (g_file_get_contents (suspended, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "a state");
}

static void
mistakes_about_snapshots_are_told (void)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_autoptr(GError) taken = NULL, gone = NULL, missing = NULL;

  write_definition (uuid, 64 << 20, "box", NULL);
  g_assert_true (vitrine_snapshot_take_offline (uuid, "first", NULL, NULL));
  g_assert_false (vitrine_snapshot_take_offline (uuid, "first", NULL, &taken));
  g_assert_error (taken, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_true (vitrine_snapshot_forget_offline (uuid, "first", NULL));
  g_assert_false (vitrine_snapshot_forget_offline (uuid, "first", &gone));
  g_assert_error (gone, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_false (vitrine_snapshot_revert_offline (uuid, "first", &missing));
  g_assert_error (missing, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/snapshot-store/children-follow-what-they-came-of", children_follow_what_they_came_of);
  g_test_add_func ("/snapshot-store/one-that-goes-leaves-its-children-to-its-parent", one_that_goes_leaves_its_children_to_its_parent);
  g_test_add_func ("/snapshot-store/damaged-descriptions-are-all-shown-once", damaged_descriptions_are_all_shown_once);
  g_test_add_func ("/snapshot-store/proposed-names-are-free", proposed_names_are_free);
  g_test_add_func ("/snapshot-store/what-is-written-is-read-back", what_is_written_is_read_back);
  g_test_add_func ("/snapshot-store/what-would-not-be-read-back-is-refused", what_would_not_be_read_back_is_refused);
  g_test_add_func ("/snapshot-store/a-child-keeps-what-we-cannot-read", a_child_keeps_what_we_cannot_read);
  g_test_add_func ("/snapshots-offline/going-back-changes-the-hardware-and-no-name", going_back_changes_the_hardware_and_no_name);
  g_test_add_func ("/snapshots-offline/a-suspended-machine-is-taken-with-its-state", a_suspended_machine_is_taken_with_its_state);
  g_test_add_func ("/snapshots-offline/mistakes-are-told", mistakes_about_snapshots_are_told);
  return g_test_run ();
}
