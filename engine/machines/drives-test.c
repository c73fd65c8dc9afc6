/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where drives are, and media that change. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "machines-rig.h"
#include "vitrine/devices.h"
#include "vitrine/snapshot.h"

static VtDiskConfig *
add_empty (VtConfig *config, VtDiskBus bus, unsigned unit)
{
  VtDiskConfig *disk = vt_config_add_disk (config, NULL);
  disk->bus = bus;
  disk->unit = unit;
  disk->cdrom = disk->readonly = bus != VT_BUS_FDC;
  return disk;
}

static void
drives_are_where_they_say_and_the_others_in_between (void)
{
  g_autoptr (VtConfig) config = new_pc ();
  g_autoptr (GError) error = NULL;
  static const unsigned wanted[] = { 0, 2, 1, 1, 0 };
  add_empty (config, VT_BUS_IDE, 0);
  add_empty (config, VT_BUS_IDE, 3);
  add_empty (config, VT_BUS_IDE, 0);
  add_empty (config, VT_BUS_FDC, 2);
  add_empty (config, VT_BUS_FDC, 0);
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  for (unsigned i = 0; i < G_N_ELEMENTS (wanted); i++)
    g_assert_cmpuint (g_array_index (machine->drives, Drive, i).place, ==, wanted[i]);
  vt_machine_free (machine);
}

static void
drives_that_cannot_be_are_refused (void)
{
  static const struct { bool pc; VtDiskBus bus; unsigned unit, count; const char *word; } cases[] = {
    { false, VT_BUS_FDC, 0, 1, "pc" },      { false, VT_BUS_IDE, 0, 1, "no IDE" },     { true, VT_BUS_SATA, 0, 1, "no SATA" },
    { true, VT_BUS_FDC, 0, 3, "floppy drives" }, { true, VT_BUS_IDE, 0, 5, "IDE drives" }, { true, VT_BUS_IDE, 5, 1, "place 5" },
    { true, VT_BUS_FDC, 1, 2, "same place" }, { true, VT_BUS_SCSI, 1, 1, "place 1" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VtConfig) config = cases[i].pc ? new_pc () : vt_config_new ();
      g_autoptr (GError) error = NULL;
      for (unsigned n = 0; n < cases[i].count; n++)
        add_empty (config, cases[i].bus, cases[i].unit);
      g_assert_false (vt_config_check (config, &error));
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
}

/* A file that has no name any more: the machine can only have it by its descriptor. */
static int
open_nameless (const char *bytes)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("vitrine-test-XXXXXX", &path, NULL);
  g_assert_cmpint (write (fd, bytes, strlen (bytes)), ==, strlen (bytes));
  unlink (path);
  return fd;
}

static void
a_medium_may_come_in_as_a_descriptor (void)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  int fd = open_nameless ("disc"), wrong = open_nameless ("disc");
  config->memory_bytes = 16 << 20;
  add_empty (config, VT_BUS_SATA, 0);
  g_autoptr (VtMachine) machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  g_assert_true (vt_machine_change_medium (machine, 0, "/gone/disc.iso", fd, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_array_index (machine->drives, Drive, 0).block->size_bytes, ==, 2048);
  g_assert_false (vt_machine_change_medium (machine, 7, "/gone/disc.iso", wrong, &error));
  g_clear_error (&error);
  g_assert_cmpint (fcntl (wrong, F_GETFD), ==, -1);   /* taken, though refused */
  g_assert_false (vt_machine_change_medium (machine, 0, "/gone/empty.iso", open_nameless (""), &error));
  g_assert_nonnull (strstr (error->message, "empty.iso"));
  g_assert_true (vt_machine_change_medium (machine, 0, NULL, -1, NULL));
}

/* A floppy image of that size, opened to be read and written or only read. */
static int
floppy_image (char **path, off_t bytes, int flags)
{
  int fd = g_file_open_tmp ("vitrine-floppy-XXXXXX", path, NULL);
  g_assert_cmpint (ftruncate (fd, bytes), ==, 0);
  close (fd);
  return open (*path, flags | O_CLOEXEC);
}

static void
a_floppy_disk_changes_protected_as_it_was_opened (void)
{
  g_autoptr (VtConfig) config = new_pc ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL, *other = NULL;
  add_empty (config, VT_BUS_FDC, 0);
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  g_assert_true (vt_machine_change_medium (machine, 0, "a.img", floppy_image (&path, 720 << 10, O_RDONLY), &error));
  g_assert_true (g_array_index (machine->drives, Drive, 0).block->readonly);
  g_assert_true (vt_machine_change_medium (machine, 0, NULL, -1, NULL));
  g_assert_true (vt_machine_change_medium (machine, 0, "a.img", open (path, O_RDWR), &error));
  g_assert_false (g_array_index (machine->drives, Drive, 0).block->readonly);
  /* Whoever goes back to a snapshot would find what was written to it since. */
  g_assert_false (vt_machine_take_snapshot (machine, &(VtSnapshotPlan) { .name = "one" }, &error));
  g_assert_nonnull (strstr (error->message, "The floppy disk"));
  g_clear_error (&error);
  /* Of 5.25 inches, for a drive of 3.5; and of no size that there is. */
  g_assert_false (vt_machine_change_medium (machine, 0, "b.img", floppy_image (&other, 360 << 10, O_RDWR), &error));
  g_assert_nonnull (strstr (error->message, "does not fit"));
  g_clear_error (&error);
  g_assert_cmpint (truncate (other, 5000 * 512), ==, 0);
  g_assert_false (vt_machine_change_medium (machine, 0, "b.img", open (other, O_RDWR), &error));
  g_assert_nonnull (strstr (error->message, "no floppy image"));
  g_assert_true (vt_machine_change_medium (machine, 0, NULL, -1, NULL));
  g_assert_null (g_array_index (machine->drives, Drive, 0).block);
  vt_machine_free (machine);
  g_unlink (path);
  g_unlink (other);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-drives/drives are where they say and the others in between", drives_are_where_they_say_and_the_others_in_between);
  g_test_add_func ("/machine-drives/drives that cannot be are refused", drives_that_cannot_be_are_refused);
  g_test_add_func ("/machine-drives/a medium may come in as a descriptor", a_medium_may_come_in_as_a_descriptor);
  g_test_add_func ("/machine-drives/a floppy disk changes, protected as it was opened", a_floppy_disk_changes_protected_as_it_was_opened);
  return g_test_run ();
}
