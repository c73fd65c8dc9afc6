/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks and cards that come into slots, without a guest that uses them. */
#include <glib/gstdio.h>
#include <unistd.h>

#include "machines-rig.h"
#include "stream.h"
#include "vitrine/devices.h"

/* As a program wrote it that knew no ports. */
static void
leave_out_ports (const char *from, const char *to)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VtStreamReader) reader = vt_stream_reader_new (from, &error);
  g_autoptr (VtStreamWriter) writer = vt_stream_writer_new (to, &error);
  VtChunk  chunk;
  unsigned left_out = 0;
  while (vt_stream_next (reader, &chunk, &error))
    if (g_str_has_prefix (chunk.name, "dev/pci/00:1c."))
      left_out++;
    else
      g_assert_true (vt_stream_write (writer, chunk.name, chunk.version, chunk.flags, chunk.data, chunk.len, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (left_out, ==, VT_HOTPLUG_PORTS);
  g_assert_true (vt_stream_writer_commit (writer, &error));
}

static void
a_machine_that_was_saved_without_ports_restores (void)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  g_autofree char *whole = g_build_filename (folder, "whole", NULL), *old = g_build_filename (folder, "old", NULL);
  g_autoptr (VtMachine) machine = new_machine ("q35"), other = new_machine ("q35");
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_machine_save (machine, whole, NULL, NULL, &error));
  leave_out_ports (whole, old);
  vt_machine_restore (other, old, &error);
  g_assert_no_error (error);
  g_unlink (whole);
  g_unlink (old);
  g_rmdir (folder);
}

static int
open_disk_file (void)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("vitrine-test-XXXXXX", &path, NULL);
  g_assert_cmpint (ftruncate (fd, 1 << 20), ==, 0);
  unlink (path);
  return fd;
}

static void
a_disk_comes_by_its_open_file (void)
{
  static const char *const paths[] = { "/nowhere/disk.img" };
  g_autoptr (VtMachine) machine = new_machine ("q35");
  g_autoptr (GError) error = NULL;
  VtDiskConfig disk = { .id = (char *) "hot", .path = (char *) paths[0], .port = 3 };
  int          fd = open_disk_file ();
  uint64_t     bytes = 0;
  g_assert_false (vt_machine_add_disk (machine, 0, &disk, NULL, NULL, 0, NULL));   /* not there for us */
  vt_machine_add_disk (machine, 0, &disk, paths, &fd, 1, &error);
  g_assert_no_error (error);
  close (fd);
  g_assert_true (vt_machine_disk_size (machine, "hot", &bytes, NULL));
  g_assert_cmpuint (bytes, ==, 1 << 20);
  const VtDevice *last = g_ptr_array_index (machine->devices, machine->devices->len - 1);
  g_assert_cmpstr (last->path, ==, "pci/00:1c.2/00.0");
  g_assert_true (vt_machine_grow_disk (machine, "hot", 2 << 20, NULL));
  g_assert_true (vt_machine_disk_size (machine, "hot", &bytes, NULL) && bytes == 2 << 20);
  g_assert_false (vt_machine_grow_disk (machine, "hot", 1 << 20, &error));
  g_assert_nonnull (strstr (error->message, "not smaller"));
}

static void
what_cannot_come_or_go_is_said (void)
{
  static const char *const paths[] = { "/nowhere/disk.img" };
  g_autoptr (VtMachine) machine = new_machine ("q35"), pc = new_machine ("pc");
  g_autoptr (GError) error = NULL;
  VtDiskConfig disk = { .id = (char *) "hot", .path = (char *) paths[0] };
  VtNetConfig  card = { .mac = { 0 } };
  int          fd = open_disk_file ();
  expect (vt_machine_add_disk (pc, 0, &disk, paths, &fd, 1, &error), &error, "no slots");
  disk.port = VT_HOTPLUG_PORTS + 1;
  expect (vt_machine_add_disk (machine, 0, &disk, paths, &fd, 1, &error), &error, "slots 1 to 4");
  disk.port = 1;
  g_assert_true (vt_machine_add_disk (machine, 0, &disk, paths, &fd, 1, NULL));
  expect (vt_machine_add_disk (machine, 0, &disk, paths, &fd, 1, &error), &error, "already");
  disk.id = (char *) "other";
  expect (vt_machine_add_disk (machine, 0, &disk, paths, &fd, 1, &error), &error, "is taken");
  expect (vt_machine_add_net (machine, 0, &card, &error), &error, "address of its own");
  expect (vt_machine_remove_disk (machine, "hot", NULL, NULL, &error), &error, "does not run");
  expect (vt_machine_remove_disk (machine, "never", NULL, NULL, &error), &error, "has no disk");
  close (fd);
}

static void
an_e1000e_comes_into_a_slot (void)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  config->memory_bytes = 16 << 20;
  vt_config_add_net (config)->model = VT_NET_E1000E;
  g_autoptr (VtMachine) machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  VtNetConfig card = { .model = VT_NET_E1000E, .mac = { 0x52, 0x54, 0, 0, 0, 9 }, .forwards = g_ptr_array_new (), .port = 2, .fd = -1 };
  vt_machine_add_net (machine, 1, &card, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (machine->cards->len, ==, 2);
  expect (vt_machine_remove_net (machine, card.mac, NULL, NULL, &error), &error, "does not run");   /* it is in a slot */
  card.mac[5] = 10;
  expect (vt_machine_add_net (machine, 1, &card, &error), &error, "is taken");
  g_ptr_array_unref (card.forwards);
}

/* The card and its network go in order while nothing was removed. */
static void
a_machine_ends_with_cards_in_its_slots (void)
{
  g_autoptr (VtMachine) machine = new_machine ("q35");
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  VtNetConfig *card = vt_config_add_net (config);
  memcpy (card->mac, "\x52\x54\x00\x00\x00\x01", 6);
  vt_machine_add_net (machine, 7, card, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (machine->cards->len, ==, 1);
  g_assert_true (vt_machine_set_link (machine, 0, false, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-hotplug/a machine that was saved without ports restores", a_machine_that_was_saved_without_ports_restores);
  g_test_add_func ("/machine-hotplug/a disk comes by its open file", a_disk_comes_by_its_open_file);
  g_test_add_func ("/machine-hotplug/what cannot come or go is said", what_cannot_come_or_go_is_said);
  g_test_add_func ("/machine-hotplug/an e1000e comes into a slot", an_e1000e_comes_into_a_slot);
  g_test_add_func ("/machine-hotplug/a machine ends with cards in its slots", a_machine_ends_with_cards_in_its_slots);
  return g_test_run ();
}
