/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tree-rig.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

char *
tree_rig_make (void)
{
  g_autoptr(GError) error = NULL;
  char *root = g_dir_make_tmp ("vitrine-tree-XXXXXX", &error);

  g_assert_no_error (error);
  return root;
}

void
tree_rig_forget (const char *path)
{
  g_autoptr(GDir) folder = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      tree_rig_forget (child);
    }
  g_remove (path);
}

void
tree_rig_drop (char *root)
{
  tree_rig_forget (root);
  g_free (root);
}

void
tree_rig_remove (const char *root, const char *path)
{
  g_autofree char *full = g_build_filename (root, path, NULL);

  tree_rig_forget (full);
}

static char *
place (const char *root, const char *path)
{
  char *full = g_build_filename (root, path, NULL);
  g_autofree char *folder = g_path_get_dirname (full);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  return full;
}

void
tree_rig_file (const char *root, const char *path, const char *text)
{
  g_autofree char *full = place (root, path), *line = g_strconcat (text, "\n", NULL);
  g_autoptr(GError) error = NULL;

  /* Nobody needs these after a crash: thousands of fsync() take half a minute on a busy disk. */
  g_file_set_contents_full (full, line, -1, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
}

void
tree_rig_link (const char *root, const char *path, const char *target)
{
  g_autofree char *full = place (root, path);

  g_assert_cmpint (symlink (target, full), ==, 0);
}

void
tree_rig_program (const char *root, const char *path, const char *script)
{
  g_autofree char *full = g_build_filename (root, path, NULL);

  tree_rig_file (root, path, script);
  g_assert_cmpint (g_chmod (full, 0700), ==, 0);
}

static void
describe (GString *text, const char *full, const char *path)
{
  g_autofree char *target = g_file_read_link (full, NULL), *contents = NULL;

  if (target != NULL)
    g_string_append_printf (text, "%s -> %s\n", path, target);
  else if (g_file_get_contents (full, &contents, NULL, NULL))
    g_string_append_printf (text, "%s: %s\n", path, contents);
  else
    g_string_append_printf (text, "%s/\n", path);
}

static void
walk (GString *text, const char *root, const char *path)
{
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_auto(GStrv) names = vitrine_host_tree_list (tree, "%s", path);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *child = *path != '\0' ? g_build_filename (path, names[i], NULL) : g_strdup (names[i]);
      g_autofree char *full = g_build_filename (root, child, NULL);
      describe (text, full, child);
      if (!g_file_test (full, G_FILE_TEST_IS_SYMLINK) && g_file_test (full, G_FILE_TEST_IS_DIR))
        walk (text, root, child);
    }
}

char *
tree_rig_describe (const char *root)
{
  GString *text = g_string_new (NULL);

  walk (text, root, "");
  return g_string_free (text, FALSE);
}
