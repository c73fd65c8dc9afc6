/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view.h"

#include <glib/gstdio.h>

static void
what_was_set_is_there_next_time (void)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-view-XXXXXX", NULL), *path = g_build_filename (folder, "view.ini", NULL);
  static const char *const list[] = { "<Alt>Tab", "a;b", NULL };
  int width = 1, height = 2;

  g_autoptr(VitrineView) view = vitrine_view_new (path);
  g_assert_false (vitrine_view_get_size (view, 0, &width, &height));
  g_assert_cmpint (width, ==, 1);
  g_assert_true (vitrine_view_get_flag (view, 0, "resize-guest", TRUE));
  vitrine_view_set_size (view, 2, 801, 602);
  vitrine_view_set_position (view, 2, -1280, 7);
  vitrine_view_set_flag (view, 0, "resize-guest", FALSE);
  vitrine_view_set_list (view, "host-shortcuts", list);
  vitrine_view_set_word (view, "keyboard-layout", "de");

  g_autoptr(VitrineView) again = vitrine_view_new (path);
  g_assert_true (vitrine_view_get_size (again, 2, &width, &height));
  g_assert_cmpint (width, ==, 801);
  g_assert_cmpint (height, ==, 602);
  g_assert_true (vitrine_view_get_position (again, 2, &width, &height));
  g_assert_cmpint (width, ==, -1280);
  g_assert_cmpint (height, ==, 7);
  g_assert_false (vitrine_view_get_flag (again, 0, "resize-guest", TRUE));
  g_auto(GStrv) found = vitrine_view_get_list (again, "host-shortcuts");
  g_assert_cmpstrv (found, list);
  g_autofree char *word = vitrine_view_get_word (again, "keyboard-layout");
  g_assert_cmpstr (word, ==, "de");
  g_unlink (path);
  g_rmdir (folder);
}

static void
what_is_there_already_is_not_written_again (void)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-view-XXXXXX", NULL), *path = g_build_filename (folder, "view.ini", NULL);
  static const char *const list[] = { "<Alt>Tab", "a;b", NULL };
  g_autoptr(VitrineView) view = vitrine_view_new (path);

  for (int round = 0; round < 2; round++)
    {
      vitrine_view_set_size (view, 2, 801, 602);
      vitrine_view_set_flag (view, 0, "resize-guest", FALSE);
      vitrine_view_set_list (view, "host-shortcuts", list);
      vitrine_view_set_word (view, "keyboard-layout", " d\\e");
      g_assert_cmpint (g_unlink (path), ==, round == 0 ? 0 : -1);
    }
  g_rmdir (folder);
}

static void
nonsense_in_the_file_is_as_if_it_were_not_there (void)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-view-XXXXXX", NULL), *path = g_build_filename (folder, "view.ini", NULL);
  int width, height;

  g_file_set_contents (path, "[Display 0]\nsize=99999;-5;\nresize-guest=perhaps\n[View]\n", -1, NULL);
  g_autoptr(VitrineView) view = vitrine_view_new (path);
  g_assert_false (vitrine_view_get_size (view, 0, &width, &height));
  g_assert_true (vitrine_view_get_flag (view, 0, "resize-guest", TRUE));
  g_auto(GStrv) list = vitrine_view_get_list (view, "host-shortcuts");
  g_assert_cmpuint (g_strv_length (list), ==, 0);
  g_unlink (path);
  g_file_set_contents (path, "no key file", -1, NULL);
  g_autoptr(VitrineView) other = vitrine_view_new (path);
  g_assert_false (vitrine_view_get_flag (other, 0, "resize-guest", FALSE));
  g_unlink (path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/view/what-was-set-is-there-next-time", what_was_set_is_there_next_time);
  g_test_add_func ("/view/what-is-there-already-is-not-written-again", what_is_there_already_is_not_written_again);
  g_test_add_func ("/view/nonsense-in-the-file-is-as-if-it-were-not-there", nonsense_in_the_file_is_as_if_it_were_not_there);
  return g_test_run ();
}
