/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>

#include "snapshot-store.h"

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
  g_assert_true (vitrine_snapshot_store_prepare (folder, name, &error));
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/snapshot-store/children-follow-what-they-came-of", children_follow_what_they_came_of);
  g_test_add_func ("/snapshot-store/one-that-goes-leaves-its-children-to-its-parent", one_that_goes_leaves_its_children_to_its_parent);
  g_test_add_func ("/snapshot-store/damaged-descriptions-are-all-shown-once", damaged_descriptions_are_all_shown_once);
  g_test_add_func ("/snapshot-store/proposed-names-are-free", proposed_names_are_free);
  return g_test_run ();
}
