/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-tree.h"

#include <string.h>
#include <sys/stat.h>

#include "tree-rig.h"

static void
an_attribute_is_stripped_and_a_missing_one_is_none (void)
{
  char *root = tree_rig_make ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);

  tree_rig_file (root, "sys/class/net/eth0/address", "  52:54:00:12:34:56 ");
  g_autofree char *address = vitrine_host_tree_read (tree, "sys/class/net/%s/address", "eth0");
  g_autofree char *none = vitrine_host_tree_read (tree, "sys/class/net/eth1/address");
  g_autofree char *folder = vitrine_host_tree_read (tree, "sys/class/net");
  g_assert_cmpstr (address, ==, "52:54:00:12:34:56");
  g_assert_null (none);
  g_assert_null (folder);
  tree_rig_drop (root);
}

static void
numbers_are_decimal_or_hexadecimal (void)
{
  char *root = tree_rig_make ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  guint64 value = 1;

  tree_rig_file (root, "class", "0x030000");
  tree_rig_file (root, "count", "42");
  tree_rig_file (root, "words", "0xzz");
  tree_rig_file (root, "large", "18446744073709551616");
  g_assert_true (vitrine_host_tree_read_number (tree, &value, "class"));
  g_assert_cmphex (value, ==, 0x030000);
  g_assert_true (vitrine_host_tree_read_number (tree, &value, "count"));
  g_assert_cmpuint (value, ==, 42);
  g_assert_false (vitrine_host_tree_read_number (tree, &value, "words"));
  g_assert_false (vitrine_host_tree_read_number (tree, &value, "large"));
  g_assert_false (vitrine_host_tree_read_number (tree, &value, "none"));
  g_assert_cmpuint (value, ==, 0);
  tree_rig_drop (root);
}

static void
folders_and_links_are_listed_and_followed (void)
{
  char *root = tree_rig_make ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);

  tree_rig_file (root, "sys/devices/pci0000:00/0000:00:02.0/class", "0x030000");
  tree_rig_file (root, "sys/devices/pci0000:00/0000:00:01.0/class", "0x060400");
  tree_rig_link (root, "sys/bus/pci/devices/0000:00:02.0", "../../../devices/pci0000:00/0000:00:02.0");
  tree_rig_link (root, "sys/devices/pci0000:00/0000:00:02.0/driver", "../../../bus/pci/drivers/i915");
  g_auto(GStrv) names = vitrine_host_tree_list (tree, "sys/devices/pci0000:00");
  g_auto(GStrv) none = vitrine_host_tree_list (tree, "sys/nothing");
  g_autofree char *driver = vitrine_host_tree_link (tree, "sys/bus/pci/devices/%s/driver", "0000:00:02.0");
  g_autofree char *no_link = vitrine_host_tree_link (tree, "sys/devices/pci0000:00/0000:00:01.0/driver");
  g_autofree char *real = vitrine_host_tree_resolve (tree, "sys/bus/pci/devices/0000:00:02.0");
  g_autofree char *listed = g_strjoinv (" ", names);
  g_assert_cmpstr (listed, ==, "0000:00:01.0 0000:00:02.0");
  g_assert_cmpuint (g_strv_length (none), ==, 0);
  g_assert_cmpstr (driver, ==, "i915");
  g_assert_null (no_link);
  g_assert_cmpstr (real, ==, "sys/devices/pci0000:00/0000:00:02.0");
  tree_rig_drop (root);
}

static void
nothing_outside_the_tree_is_reached (void)
{
  char *root = tree_rig_make ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_autoptr(GError) error = NULL;

  tree_rig_link (root, "outside", "/etc");
  g_assert_false (vitrine_host_tree_exists (tree, "../../etc/passwd"));
  g_assert_false (vitrine_host_tree_exists (tree, "sys/../../../etc/passwd"));
  g_autofree char *text = vitrine_host_tree_read (tree, "%s/passwd", "../../etc");
  g_autofree char *resolved = vitrine_host_tree_resolve (tree, "outside");
  g_assert_null (text);
  g_assert_null (resolved);
  g_assert_false (vitrine_host_tree_write (tree, "../x", "1", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  tree_rig_drop (root);
}

static void
hostile_attributes_are_cut_made_valid_and_never_waited_for (void)
{
  char *root = tree_rig_make ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_autofree char *long_text = g_strnfill (VITRINE_HOST_TREE_MAX_BYTES + 100, 'x');
  g_autofree char *fifo = g_build_filename (root, "fifo", NULL);

  tree_rig_file (root, "long", long_text);
  tree_rig_file (root, "bytes", "a\xff" "b");
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_autofree char *cut = vitrine_host_tree_read (tree, "long");
  g_autofree char *valid = vitrine_host_tree_read (tree, "bytes");
  g_autofree char *none = vitrine_host_tree_read (tree, "fifo");
  g_assert_cmpuint (strlen (cut), ==, VITRINE_HOST_TREE_MAX_BYTES);
  g_assert_true (g_utf8_validate (valid, -1, NULL));
  g_assert_null (none);
  tree_rig_drop (root);
}

static void
only_what_is_there_is_written (void)
{
  char *root = tree_rig_make ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_autoptr(GError) error = NULL;

  tree_rig_file (root, "sys/driver_override", "(null)");
  g_assert_true (vitrine_host_tree_write (tree, "sys/driver_override", "vfio-pci", &error));
  g_assert_no_error (error);
  g_autofree char *value = vitrine_host_tree_read (tree, "sys/driver_override");
  g_assert_cmpstr (value, ==, "vfio-pci");
  g_assert_false (vitrine_host_tree_write (tree, "sys/unbind", "1", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_true (g_str_has_prefix (error->message, "/sys/unbind: "));
  g_assert_false (vitrine_host_tree_exists (tree, "sys/unbind"));
  tree_rig_drop (root);
}

static void
programs_are_the_trees_own (void)
{
  const char *const load[] = { "modprobe", "vfio-pci", NULL }, *const missing[] = { "mdevctl", "list", NULL };
  char *root = tree_rig_make ();
  g_autoptr(VitrineHostTree) tree = vitrine_host_tree_new (root);
  g_autoptr(GError) none = NULL, failed = NULL;

  g_assert_false (vitrine_host_tree_run (tree, missing, &none));
  g_assert_error (none, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  tree_rig_program (root, "usr/sbin/modprobe", "#!/bin/sh\nmkdir -p \"$VITRINE_HOST_TREE/sys/module/$1\"");
  g_assert_true (vitrine_host_tree_has_program (tree, "modprobe"));
  g_assert_true (vitrine_host_tree_run (tree, load, NULL));
  g_assert_true (vitrine_host_tree_exists (tree, "sys/module/vfio-pci"));
  tree_rig_program (root, "usr/sbin/modprobe", "#!/bin/sh\necho no such module >&2\nexit 1");
  g_assert_false (vitrine_host_tree_run (tree, load, &failed));
  g_assert_cmpstr (failed->message, ==, "modprobe: no such module");
  tree_rig_drop (root);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/host-tree/an-attribute-is-stripped-and-a-missing-one-is-none",
                   an_attribute_is_stripped_and_a_missing_one_is_none);
  g_test_add_func ("/host-tree/numbers-are-decimal-or-hexadecimal", numbers_are_decimal_or_hexadecimal);
  g_test_add_func ("/host-tree/folders-and-links-are-listed-and-followed", folders_and_links_are_listed_and_followed);
  g_test_add_func ("/host-tree/nothing-outside-the-tree-is-reached", nothing_outside_the_tree_is_reached);
  g_test_add_func ("/host-tree/hostile-attributes-are-cut-made-valid-and-never-waited-for",
                   hostile_attributes_are_cut_made_valid_and_never_waited_for);
  g_test_add_func ("/host-tree/only-what-is-there-is-written", only_what_is_there_is_written);
  g_test_add_func ("/host-tree/programs-are-the-trees-own", programs_are_the_trees_own);
  return g_test_run ();
}
