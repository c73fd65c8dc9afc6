/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared folders in a definition. */
#include "domain-folders.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <unistd.h>

#include "domain-test.h"

#define FOREIGN                                                                                                          \
  "<filesystem type='mount' accessmode='mapped' fmode='0640'><driver packed='on'/><source dir='/srv'/><target dir='/from/here'/>"   \
  "<readonly/><address type='pci' slot='0x07'/><boot order='3'/></filesystem>"

static void
assert_has (VitrineDomain *domain, const char *part)
{
  g_autofree char *xml = vitrine_domain_to_xml (domain);

  if (strstr (xml, part) == NULL)
    g_error ("no %s in %s", part, xml);
}

static void
a_folder_is_added_changed_removed_and_had_back (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("");
  vitrine_domain_add_folder (domain, &(VitrineFolder) { .folder = (char *) "/srv/Pictures" });
  vitrine_domain_add_folder (domain, &(VitrineFolder) { .folder = (char *) "/other/Pictures", .readonly = TRUE });
  g_autoptr(VtConfig) config = config_of (domain);
  const VtShareConfig *first = config->shares->pdata[0], *second = config->shares->pdata[1];
  g_assert_cmpstr (first->tag, ==, "Pictures");
  g_assert_cmpstr (first->folder, ==, "/srv/Pictures");
  g_assert_false (first->readonly);
  g_assert_cmpstr (second->tag, ==, "Pictures-2");
  g_assert_true (second->readonly);
  vitrine_domain_set_folder (domain, 1, &(VitrineFolder) { .folder = (char *) "/third", .name = (char *) "third" });
  assert_has (domain, "<source dir=\"/third\"/>");
  VitrineRemoved *removed = vitrine_domain_take_folder (domain, 0);
  g_assert_null (vitrine_domain_take_folder (domain, 7));
  vitrine_domain_set_folder (domain, 0, &(VitrineFolder) { .folder = (char *) "/third", .name = (char *) "Pictures" });
  vitrine_domain_put_back (domain, removed);
  vitrine_removed_free (removed);
  g_autoptr(GPtrArray) folders = vitrine_domain_get_folders (domain);
  g_assert_cmpuint (folders->len, ==, 2);
  g_assert_cmpstr (((VitrineFolder *) folders->pdata[0])->folder, ==, "/srv/Pictures");
  g_assert_cmpstr (((VitrineFolder *) folders->pdata[0])->name, ==, "Pictures-2");      /* the other one has its name by now */
  guint index;
  g_assert_true (vitrine_domain_find_folder (domain, "Pictures", &index) && index == 1);
  g_assert_false (vitrine_domain_find_folder (domain, "third", &index));
}

static void
what_we_do_not_know_survives_a_change (void)
{
  static const char *const kept[] = { "accessmode=\"mapped\"", "fmode=\"0640\"", "packed=\"on\"", "slot=\"0x07\"", "<boot order=\"3\"/>",
                                      "<target dir=\"/from/here\"/>", "<source dir=\"/new\"/>" };
  g_autoptr(VitrineDomain) domain = domain_with (FOREIGN);
  g_autoptr(GPtrArray) folders = vitrine_domain_get_folders (domain);
  VitrineFolder *folder = folders->pdata[0];
  g_assert_true (folder->readonly && folder->supported);
  g_free (folder->folder);
  folder->folder = g_strdup ("/new");
  folder->readonly = FALSE;
  vitrine_domain_set_folder (domain, 0, folder);
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    assert_has (domain, kept[i]);
  g_autofree char *xml = vitrine_domain_to_xml (domain);
  g_assert_null (strstr (xml, "<readonly"));
}

static void
names_come_from_the_folder_s_and_can_be_typed (void)
{
  static const struct { const char *path, *name; } cases[] = {
    { "/home/me/Music", "Music" },           { "/home/me/My Holiday  Pictures!", "My-Holiday-Pictures" },
    { "/", "share" },                        { "/home/me/.hidden", "hidden" },
    { "/home/me/Übersicht", "Ubersicht" },   { "/srv/写真", "share" },
    { "/srv/a.b_c-d", "a.b_c-d" },           { "/srv/0123456789012345678901234567890123456789", "0123456789012345678901234567890" },
  };
  g_autoptr(VitrineDomain) domain = domain_with ("");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = vitrine_domain_make_folder_name (domain, cases[i].path);
      g_assert_cmpstr (name, ==, cases[i].name);
      g_assert_true (vitrine_folder_check_name (name, NULL));
    }
  const VitrineFolder long_one = { .folder = (char *) "/srv/0123456789012345678901234567890123456789" };
  vitrine_domain_add_folder (domain, &long_one);
  g_autofree char *second = vitrine_domain_make_folder_name (domain, long_one.folder);
  g_assert_cmpstr (second, ==, "01234567890123456789012345678-2");
  g_assert_cmpuint (strlen (second), ==, VITRINE_FOLDER_NAME_BYTES);
}

static void
assert_refused (const char *folder, const char *name, const char *part)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<filesystem><source dir='/a'/><target dir='taken'/></filesystem>");
  g_autoptr(GError) error = NULL;
  vitrine_domain_add_folder (domain, &(VitrineFolder) { .folder = (char *) folder, .name = (char *) name });
  g_assert_false (vitrine_domain_check_folders (domain, NULL, &error));
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” does not mention “%s”", error->message, part);
}

static void
what_a_guest_could_not_mount_is_refused (void)
{
  assert_refused ("/b", "taken", "Two shared folders");
  assert_refused ("/b", "two words", "is no name");
  assert_refused ("/b", "-o", "is no name");
  assert_refused ("/b", "a\"b", "is no name");
  assert_refused ("/b", "", "needs a name");
  assert_refused ("/b", "01234567890123456789012345678901", "too long");
  assert_refused ("", "b", "choose a folder");
  assert_refused ("b", "b", "choose a folder");
}

static void
what_was_so_before_is_not_refused (void)
{
  g_autoptr(VitrineDomain) before = domain_with ("<filesystem><source dir='/a'/><target dir='two words'/></filesystem>");
  g_autoptr(VitrineDomain) after = vitrine_domain_copy (before);
  g_assert_true (vitrine_domain_check_folders (after, before, NULL));
  vitrine_domain_add_folder (after, &(VitrineFolder) { .folder = (char *) "/b" });
  g_assert_true (vitrine_domain_check_folders (after, before, NULL));
  for (guint i = 2; i < VITRINE_MAX_FOLDERS; i++)
    vitrine_domain_add_folder (after, &(VitrineFolder) { .folder = (char *) "/b" });
  g_assert_true (vitrine_domain_check_folders (after, before, NULL));
  vitrine_domain_add_folder (after, &(VitrineFolder) { .folder = (char *) "/b" });
  g_assert_false (vitrine_domain_check_folders (after, before, NULL));
}

/* The home of these tests is a folder of their own. */
static void
folders_are_looked_at (void)
{
  g_autofree char *file = g_build_filename (g_get_home_dir (), "file", NULL), *inside = g_build_filename (g_get_home_dir (), "inside", NULL);
  g_autofree char *link = g_build_filename (inside, "link", NULL), *above = g_path_get_dirname (g_get_home_dir ());
  g_assert_cmpint (g_mkdir_with_parents (inside, 0700), ==, 0);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_cmpint (symlink ("..", link), ==, 0);
  g_assert_cmpint (vitrine_folder_look (inside), ==, VITRINE_FOLDER_THERE);
  g_assert_cmpint (vitrine_folder_look (g_get_home_dir ()), ==, VITRINE_FOLDER_BROAD);
  g_assert_cmpint (vitrine_folder_look (link), ==, VITRINE_FOLDER_BROAD);
  g_assert_cmpint (vitrine_folder_look (above), ==, VITRINE_FOLDER_BROAD);
  g_assert_cmpint (vitrine_folder_look ("/"), ==, VITRINE_FOLDER_BROAD);
  g_assert_cmpint (vitrine_folder_look (file), ==, VITRINE_FOLDER_NO_FOLDER);
  g_assert_cmpint (vitrine_folder_look ("/nowhere/at/all"), ==, VITRINE_FOLDER_MISSING);
  g_assert_cmpint (vitrine_folder_look (NULL), ==, VITRINE_FOLDER_MISSING);
  g_unlink (link);
  g_unlink (file);
  g_rmdir (inside);
}

static void
a_start_without_a_folder_is_refused_with_a_sentence (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("<filesystem><source dir='/'/><target dir='all'/></filesystem>"
                                                 "<filesystem><source dir='/nowhere/at/all'/><target dir='gone'/></filesystem>");
  g_autoptr(GError) error = NULL;
  g_assert_false (vitrine_domain_look_for_folders (domain, &error));
  g_assert_nonnull (strstr (error->message, "gone"));
  g_assert_nonnull (strstr (error->message, "/nowhere/at/all"));
  vitrine_removed_free (vitrine_domain_take_folder (domain, 1));
  g_assert_true (vitrine_domain_look_for_folders (domain, NULL));
}

static void
only_what_can_be_changed_is_warned_of (void)
{
  VitrineFolder folder = { .folder = (char *) "/", .name = (char *) "all" };
  g_autofree char *writable = vitrine_folder_describe (&folder, VITRINE_FOLDER_BROAD);
  g_assert_nonnull (strstr (writable, "home"));
  folder.readonly = TRUE;
  g_assert_null (vitrine_folder_describe (&folder, VITRINE_FOLDER_BROAD));
  g_assert_null (vitrine_folder_describe (&folder, VITRINE_FOLDER_THERE));
}

static void
the_command_is_one_word_for_the_name (void)
{
  g_autofree char *plain = vitrine_folder_get_command (&(VitrineFolder) { .name = (char *) "data" });
  g_autofree char *spaced = vitrine_folder_get_command (&(VitrineFolder) { .name = (char *) "my data" });
  g_assert_cmpstr (plain, ==, "mount -t 9p -o trans=virtio data /mnt");
  g_assert_cmpstr (spaced, ==, "mount -t 9p -o trans=virtio 'my data' /mnt");
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/domain-folders/a folder is added, changed, removed and had back", a_folder_is_added_changed_removed_and_had_back);
  g_test_add_func ("/domain-folders/what we do not know survives a change", what_we_do_not_know_survives_a_change);
  g_test_add_func ("/domain-folders/names come from the folder's and can be typed", names_come_from_the_folder_s_and_can_be_typed);
  g_test_add_func ("/domain-folders/what a guest could not mount is refused", what_a_guest_could_not_mount_is_refused);
  g_test_add_func ("/domain-folders/what was so before is not refused", what_was_so_before_is_not_refused);
  g_test_add_func ("/domain-folders/folders are looked at", folders_are_looked_at);
  g_test_add_func ("/domain-folders/a start without a folder is refused with a sentence", a_start_without_a_folder_is_refused_with_a_sentence);
  g_test_add_func ("/domain-folders/only what can be changed is warned of", only_what_can_be_changed_is_warned_of);
  g_test_add_func ("/domain-folders/the command is one word for the name", the_command_is_one_word_for_the_name);
  return g_test_run ();
}
