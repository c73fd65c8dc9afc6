/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine does with its ends, without a guest that matters. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine-private.h"
#include "stream.h"
#include "vitrine/devices.h"
#include "vitrine/snapshot.h"
#include "vitrine/tpm.h"

typedef struct
{
  VtMachine *machine;
  GString   *seen;       /* "+code " and "-code ", under the machine lock */
} Fixture;

static void
record_key (void *opaque, unsigned code, bool down)
{
  Fixture *f = opaque;
  g_string_append_printf (f->seen, "%c%u ", down ? '+' : '-', code);
}

static const VtInputOps recorder = { .key = record_key };

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  config->memory_bytes = 16 << 20;
  VtDiskConfig *drive = vt_config_add_disk (config, NULL);
  drive->cdrom = drive->readonly = true;
  drive->bus = VT_BUS_SATA;
  f->machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  f->seen = g_string_new (NULL);
  vt_lock (&f->machine->lock);
  vt_machine_add_input (f->machine, (VtInputSink) { &recorder, f });
  vt_unlock (&f->machine->lock);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  vt_machine_free (f->machine);
  g_string_free (f->seen, TRUE);
}

static char *
seen_so_far (Fixture *f)
{
  vt_lock (&f->machine->lock);
  char *seen = g_strdup (f->seen->str);
  vt_unlock (&f->machine->lock);
  return seen;
}

static void
wait_for_keys (Fixture *f, const char *wanted)
{
  gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  for (;;)
    {
      g_autofree char *seen = seen_so_far (f);
      if (strlen (seen) >= strlen (wanted) || g_get_monotonic_time () > limit)
        {
          g_assert_cmpstr (seen, ==, wanted);
          return;
        }
      g_usleep (1000);
    }
}

static void
words_of_a_sequence_are_chords_and_text (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_input_send_spec (f->machine, "text:aB spc text:c ctrl-f1 #42-#21", &error));
  g_assert_no_error (error);
  vt_machine_resume (f->machine);
  wait_for_keys (f, "+30 -30 +42 +48 -48 -42 +57 -57 +46 -46 +29 +59 -59 -29 +42 +21 -21 -42 ");
}

static void
a_machine_may_end_while_keys_are_typed (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_input_send_spec (f->machine, "a b c", &error));
  g_assert_true (vt_input_send_spec (f->machine, "text:never", &error));
  g_assert_cmpuint (f->machine->typings->len, ==, 2);
}

static void
an_unknown_word_types_nothing (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_false (vt_input_send_spec (f->machine, "a nonsense", &error));
  g_assert_false (vt_input_send_spec (f->machine, "#768", NULL));
  g_assert_false (vt_input_send_spec (f->machine, "#", NULL));
  g_assert_nonnull (strstr (error->message, "nonsense"));
  g_assert_cmpuint (f->machine->typings->len, ==, 0);
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
a_medium_may_come_in_as_a_descriptor (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  int fd = open_nameless ("disc"), wrong = open_nameless ("disc");
  g_assert_true (vt_machine_change_medium (f->machine, 0, "/gone/disc.iso", fd, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_array_index (f->machine->drives, Drive, 0).block->size_bytes, ==, 2048);
  g_assert_false (vt_machine_change_medium (f->machine, 7, "/gone/disc.iso", wrong, &error));
  g_clear_error (&error);
  g_assert_cmpint (fcntl (wrong, F_GETFD), ==, -1);   /* taken, though refused */
  g_assert_false (vt_machine_change_medium (f->machine, 0, "/gone/empty.iso", open_nameless (""), &error));
  g_assert_nonnull (strstr (error->message, "empty.iso"));
  g_assert_true (vt_machine_change_medium (f->machine, 0, NULL, -1, NULL));
}

/* --- Video devices ------------------------------------------------------------------------------------------------------- */

static void
every_video_device_is_built_and_has_its_screens (void)
{
  static const struct { VtVideo video; unsigned heads; bool no_vga, ramfb; uint64_t mib; } cases[] = {
    { VT_VIDEO_STD, 0, false, false, 4 },    { VT_VIDEO_STD, 1, false, true, 256 },   { VT_VIDEO_BOCHS, 0, false, true, 32 },
    { VT_VIDEO_RAMFB, 0, false, false, 0 },  { VT_VIDEO_VIRTIO, 0, false, true, 4 },  { VT_VIDEO_VIRTIO, 4, false, false, 0 },
    { VT_VIDEO_VIRTIO, 2, true, false, 64 }, { VT_VIDEO_NONE, 0, false, true, 0 },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VtConfig) config = vt_config_new ();
      g_autoptr (GError) error = NULL;
      config->memory_bytes = 16 << 20;
      config->video = cases[i].video;
      config->heads = cases[i].heads;
      config->no_vga = cases[i].no_vga;
      config->boot_ramfb = cases[i].ramfb;
      config->vram_bytes = cases[i].mib << 20;
      config->edid = i % 2;
      VtMachine *machine = vt_machine_new (config, &error);
      g_assert_no_error (error);
      unsigned screens = config->video == VT_VIDEO_NONE ? 0 : MAX (config->heads, 1);
      g_assert_cmpuint (vt_machine_displays (machine), ==, screens);
      g_autoptr (GBytes) edid = vt_display_edid (machine, 0);
      g_assert_true ((edid != NULL) == (screens > 0 && config->edid));
      g_assert_true (vt_display_follows (machine, 0) == (config->video == VT_VIDEO_VIRTIO));
      vt_machine_free (machine);
    }
}

static void
a_new_monitor_has_another_edid (void)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  config->memory_bytes = 16 << 20;
  config->video = VT_VIDEO_VIRTIO;
  VtMachine *machine = vt_machine_new (config, NULL);
  VtCursor   cursor;
  VtEdidInfo info;
  gsize      len;
  vt_display_set_monitor (machine, 0, &(VtMonitor) { .width = 1236, .height = 801, .width_mm = 500 });
  vt_display_set_monitor (machine, 1, &(VtMonitor) { .width = 1, .height = 1 });     /* there is none */
  g_autoptr (GBytes) edid = vt_display_edid (machine, 0);
  const uint8_t *bytes = g_bytes_get_data (edid, &len);
  g_assert_true (vt_edid_parse (bytes, len, &info, NULL));
  g_assert_cmpuint (info.modes[0].width, ==, 1236);
  g_assert_cmpuint (info.width_mm, ==, 500);
  vt_display_set_monitor (machine, 0, NULL);
  g_assert_null (vt_display_edid (machine, 0));
  vt_display_set_monitor (machine, 1, NULL);
  g_assert_true (vt_display_cursor (machine, 0, 0, &cursor));
  g_assert_false (cursor.visible);
  g_assert_false (vt_display_cursor (machine, 1, 0, &cursor));
  vt_machine_free (machine);
}

static void
impossible_video_is_refused (void)
{
  static const struct { VtVideo video; unsigned heads; uint64_t bytes; uint32_t xres; const char *word; } cases[] = {
    { VT_VIDEO_STD, 0, 3 << 20, 0, "video memory" },    { VT_VIDEO_STD, 0, 12 << 20, 0, "video memory" },
    { VT_VIDEO_VIRTIO, 0, 512 << 20, 0, "video memory" }, { VT_VIDEO_VIRTIO, 5, 0, 0, "monitors" },
    { VT_VIDEO_BOCHS, 2, 0, 0, "virtio" },              { VT_VIDEO_STD, 0, 0, 20000, "16384" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VtConfig) config = vt_config_new ();
      g_autoptr (GError) error = NULL;
      config->video = cases[i].video;
      config->heads = cases[i].heads;
      config->vram_bytes = cases[i].bytes;
      config->xres = cases[i].xres;
      g_assert_false (vt_config_check (config, &error));
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
}

/* --- Drives --------------------------------------------------------------------------------------------------------- */

static VtConfig *
new_pc (void)
{
  VtConfig *config = vt_config_new ();
  g_free (config->machine);
  config->machine = g_strdup ("pc");
  config->memory_bytes = 16 << 20;
  return config;
}

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

/* --- Hot plug --------------------------------------------------------------------------------------------------------- */

static VtMachine *
new_machine (const char *board)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  g_free (config->machine);
  config->machine = g_strdup (board);
  config->memory_bytes = 16 << 20;
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  return machine;
}

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
  g_assert_true (vt_machine_save (machine, whole, &error));
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
  int fd = open_nameless ("");
  g_assert_cmpint (ftruncate (fd, 1 << 20), ==, 0);
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
expect (bool ok, GError **error, const char *words)
{
  g_assert_false (ok);
  g_assert_nonnull (strstr ((*error)->message, words));
  g_clear_error (error);
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

static void
a_card_is_on_one_network_that_can_be (void)
{
  static const struct { VtNetConfig net; const char *forward, *words; } bad[] = {
    { { .tap = (char *) "sixteen-letters!" }, NULL, "no name of a network device" },
    { { .bridge = (char *) "br 0" }, NULL, "no name of a network device" },
    { { .bridge = (char *) "br0", .tap = (char *) "tap0" }, NULL, "not on two" },
    { { .local = (char *) "/tmp", .tap = (char *) "tap0" }, NULL, "not on two" },
    { { .bridge = (char *) "br0", .restricted = true }, NULL, "Only user networking" },
    { { .tap = (char *) "tap0" }, "tcp::8022-:22", "Only user networking" },
  };
  g_autoptr (VtMachine) machine = new_machine ("q35");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      VtNetConfig net = bad[i].net;
      net.forwards = g_ptr_array_new ();
      net.mac[5] = 1;
      if (bad[i].forward != NULL)
        g_ptr_array_add (net.forwards, (char *) bad[i].forward);
      expect (vt_machine_add_net (machine, 0, &net, &error), &error, bad[i].words);
      g_ptr_array_unref (net.forwards);
    }
}

/* The machine has its own: the lender's stays for the next one. */
static void
a_card_is_on_a_device_that_was_opened_before (void)
{
  int ends[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==, 0);
  for (unsigned i = 0; i < 2; i++)
    {
      static const uint8_t frame[60] = { 0x52, 0x54 };
      uint8_t got[100];
      g_autoptr (VtConfig) config = vt_config_new ();
      g_autoptr (GError) error = NULL;
      VtNetConfig *net = vt_config_add_net (config);
      net->tap = g_strdup ("no-such-device");
      net->fd = ends[0];
      g_autoptr (VtMachine) machine = vt_machine_new (config, &error);
      g_assert_no_error (error);
      VtNet *end = g_ptr_array_index (machine->nets, 0);
      vt_lock (&machine->lock);
      end->ops->send (end, frame, sizeof frame);
      vt_unlock (&machine->lock);
      g_assert_cmpint (read (ends[1], got, sizeof got), ==, sizeof frame);
    }
  close (ends[0]);
  close (ends[1]);
}

/* --- TPM ------------------------------------------------------------------------------------------------------------------ */

static VtMachine *
new_machine_with_tpm (const char *board, VtTpmModel model, const VtTpmEnds *ends)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  g_free (config->machine);
  config->machine = g_strdup (board);
  config->memory_bytes = 16 << 20;
  config->tpm = model;
  config->tpm_control_fd = ends->control;
  config->tpm_data_fd = ends->data;
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  return machine;
}

static uint64_t
peek (VtMachine *machine, uint64_t at, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (machine->mem);
  return vt_view_read (view, VT_GPA (at), size);
}

static void
poke (VtMachine *machine, uint64_t at, uint64_t value, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (machine->mem);
  vt_view_write (view, VT_GPA (at), value, size);
}

/* By the command response buffer; what the TPM says to it. */
static uint32_t
run_tpm_command (VtMachine *machine, const uint8_t *command, size_t len)
{
  gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  poke (machine, 0xfed40008, 1, 4);
  poke (machine, 0xfed40040, 1, 4);
  for (size_t i = 0; i < len; i++)
    poke (machine, 0xfed40080 + i, command[i], 1);
  poke (machine, 0xfed4004c, 1, 4);
  while (peek (machine, 0xfed4004c, 4) != 0 && g_get_monotonic_time () < limit)
    g_usleep (1000);
  return GUINT32_SWAP_LE_BE ((uint32_t) peek (machine, 0xfed40086, 4));
}

static const uint8_t tpm_startup[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0 };
static const uint8_t tpm_get_random[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8 };
enum { TPM_RC_INITIALIZE = 0x100 };

static bool
have_tpm (void)
{
  bool have = vt_tpm_is_installed ();
  if (!have)
    g_test_skip ("swtpm is not installed");
  return have;
}

static void
a_tpm_is_where_a_pc_has_it (void)
{
  if (!have_tpm ())
    return;
  static const char *const boards[] = { "q35", "pc" };
  for (unsigned i = 0; i < G_N_ELEMENTS (boards); i++)
    {
      g_autoptr (VtMachine) crb = new_machine_with_tpm (boards[i], VT_TPM_CRB, &VT_TPM_NO_ENDS);
      g_autoptr (VtMachine) tis = new_machine_with_tpm (boards[i], VT_TPM_TIS, &VT_TPM_NO_ENDS);
      g_autoptr (VtMachine) none = new_machine_with_tpm (boards[i], VT_TPM_NONE, &VT_TPM_NO_ENDS);
      g_assert_cmphex (peek (crb, 0xfed40030, 4) & 0xf, ==, 1);
      g_assert_cmphex (peek (tis, 0xfed40f00, 4), ==, 0x00011014);
      g_assert_cmphex (peek (none, 0xfed40030, 4), ==, UINT32_MAX);
      g_assert_cmphex (run_tpm_command (crb, tpm_startup, sizeof tpm_startup), ==, 0);
    }
}

/* Also after a reset of the machine, and in another one that goes on from where this was. */
static void
a_tpm_goes_with_its_machine (void)
{
  if (!have_tpm ())
    return;
  g_autofree char *state = g_build_filename (g_get_tmp_dir (), "vitrine-tpm-test.state", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (VtMachine) machine = new_machine_with_tpm ("q35", VT_TPM_CRB, &VT_TPM_NO_ENDS);
  g_assert_cmphex (run_tpm_command (machine, tpm_get_random, sizeof tpm_get_random), ==, TPM_RC_INITIALIZE);
  g_assert_cmphex (run_tpm_command (machine, tpm_startup, sizeof tpm_startup), ==, 0);
  g_assert_true (vt_machine_save (machine, state, &error));
  g_assert_no_error (error);
  g_autoptr (VtMachine) other = new_machine_with_tpm ("q35", VT_TPM_CRB, &VT_TPM_NO_ENDS);
  g_assert_true (vt_machine_restore (other, state, &error));
  g_assert_no_error (error);
  g_assert_cmphex (run_tpm_command (other, tpm_get_random, sizeof tpm_get_random), ==, 0);
  vt_machine_reset (machine);
  vt_machine_pause (machine);      /* behind the reset */
  g_assert_cmphex (run_tpm_command (machine, tpm_get_random, sizeof tpm_get_random), ==, TPM_RC_INITIALIZE);
  g_autoptr (VtMachine) without = new_machine_with_tpm ("q35", VT_TPM_NONE, &VT_TPM_NO_ENDS);
  g_assert_false (vt_machine_restore (without, state, &error));
  g_assert_nonnull (strstr (error->message, "does not fit"));
  g_unlink (state);
}

/* The program was started before, and is there for one machine after the other. */
static void
a_tpm_that_was_started_before_serves_each_machine (void)
{
  VtTpmEnds ends;
  g_autoptr (GError) error = NULL;
  if (!have_tpm ())
    return;
  g_autofree char *folder = g_dir_make_tmp ("vitrine-tpm-XXXXXX", NULL);
  g_assert_true (vt_tpm_start (folder, &ends, &error));
  for (unsigned i = 0; i < 3; i++)
    {
      g_autoptr (VtMachine) machine = new_machine_with_tpm ("q35", VT_TPM_CRB, &ends);
      g_assert_cmphex (run_tpm_command (machine, tpm_get_random, sizeof tpm_get_random), ==, TPM_RC_INITIALIZE);
      g_assert_cmphex (run_tpm_command (machine, tpm_startup, sizeof tpm_startup), ==, 0);
    }
  vt_tpm_ends_close (&ends);
  g_autofree char *command = g_strdup_printf ("rm -r %s", folder);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
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

/* --- System management mode ------------------------------------------------------------------------------------------- */

static void
firmware_that_cannot_be_is_refused (void)
{
  static const struct { bool pc, uefi, secure, smm; VtAccelChoice accel; unsigned tseg; const char *word; } cases[] = {
    { true, false, false, true, VT_ACCEL_AUTO, 0, "“pc”" },      { false, true, true, true, VT_ACCEL_KVM, 0, "KVM" },
    { false, false, true, true, VT_ACCEL_AUTO, 0, "BIOS" },      { false, true, true, false, VT_ACCEL_AUTO, 0, "needs" },
    { false, true, true, true, VT_ACCEL_AUTO, 257, "256" },      { false, true, true, true, VT_ACCEL_AUTO, 16, "less" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VtConfig) config = cases[i].pc ? new_pc () : vt_config_new ();
      g_autoptr (GError) error = NULL;
      config->memory_bytes = 16 << 20;
      config->firmware = cases[i].uefi ? VT_FIRMWARE_UEFI : VT_FIRMWARE_BIOS;
      config->secure_boot = cases[i].secure;
      config->smm = cases[i].smm;
      config->accel = cases[i].accel;
      config->tseg_mib = cases[i].tseg;
      g_assert_false (vt_config_check (config, &error));
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
}

static VtMachine *
new_smm_machine (void)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  config->memory_bytes = 16 << 20;
  config->accel = VT_ACCEL_INTERP;
  config->smm = true;
  config->tseg_mib = 1;
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  return machine;
}

static uint64_t
peek_in (VtMem *mem, uint64_t at)
{
  g_autoptr (VtView) view = vt_mem_view (mem);
  return vt_view_read (view, VT_GPA (at), 4);
}

static void
config_byte (VtMachine *machine, unsigned reg, uint8_t value)
{
  g_autoptr (VtView) ports = vt_mem_view (machine->io);
  vt_view_write (ports, VT_GPA (0xcf8), 0x80000000u | (reg & 0xfcu), 4);
  vt_view_write (ports, VT_GPA (0xcfc + (reg & 3)), value, 1);
}

/* A processor inside of the mode goes on with the memory of the mode, which a machine without it cannot give. */
static void
a_machine_in_system_management_mode_restores (void)
{
  g_autofree char *folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL), *path = g_build_filename (folder, "saved", NULL);
  g_autoptr (VtMachine) machine = new_smm_machine (), other = new_smm_machine (), without = new_machine ("q35");
  g_autoptr (GError) error = NULL;
  uint64_t tseg = 15 << 20;
  config_byte (machine, 0x9e, 0x07);
  config_byte (machine, 0x9d, 0x1a);
  vt_store_le (((VtRam *) g_ptr_array_index (machine->rams, 0))->host + tseg, 0x12345678, 4);
  VtX86Cpu *cpu = machine->cpus[0];
  cpu->s.in_smm = 1;
  cpu->s.smbase = (uint32_t) tseg;
  vt_x86_cpu_settle (cpu);
  g_assert_cmphex (peek_in (machine->smm_mem, tseg), ==, 0x12345678);
  g_assert_cmphex (peek_in (machine->mem, tseg), ==, 0xffffffff);
  g_assert_true (vt_machine_save (machine, path, &error));
  vt_machine_restore (other, path, &error);
  g_assert_no_error (error);
  g_assert_cmphex (other->cpus[0]->s.smbase, ==, tseg);
  g_assert_true (other->cpus[0]->vcpu.mem == other->smm_mem);
  g_assert_cmphex (peek_in (other->mem, tseg), ==, 0xffffffff);
  g_assert_cmphex (peek_in (other->smm_mem, tseg), ==, 0x12345678);
  g_assert_false (vt_machine_restore (without, path, &error));
  g_assert_nonnull (error);
  g_unlink (path);
  g_rmdir (folder);
}

/* --- USB devices of somebody else ----------------------------------------------------------------------------------------- */

typedef struct
{
  char      *left;
  GMainLoop *loop;
} UsbNews;

static void
usb_left (void *opaque, const char *id)
{
  UsbNews *news = opaque;
  g_free (news->left);
  news->left = g_strdup (id);
  g_main_loop_quit (news->loop);
}

static int
stream_to (int *far)
{
  int ends[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  *far = ends[0];
  return ends[1];
}

static void
refuses_usb (VtMachine *machine, const char *id, const char *words)
{
  g_autoptr (GError) error = NULL;
  int far, fd = stream_to (&far);
  g_assert_false (vt_machine_plug_usb (machine, id, fd, &error));
  g_assert_nonnull (strstr (error->message, words));
  close (far);
}

static void
usb_devices_of_others_come_and_go (void)
{
  static const VtMachineEvents events = { .usb_left = usb_left };
  static const char *const ids[] = { "1:1", "1:2", "1:3", "1:4" };
  g_autoptr (VtConfig)  config = vt_config_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  UsbNews               news = { NULL, loop };
  int                   far[G_N_ELEMENTS (ids)];
  config->memory_bytes = 16 << 20;
  vt_config_add_input (config, VT_INPUT_TABLET, VT_INPUT_USB);
  g_autoptr (VtMachine) machine = vt_machine_new (config, NULL);
  vt_machine_set_events (machine, &events, &news);
  vt_machine_resume (machine);
  if (vt_machine_usb_ports (machine) == 0)
    {
      g_test_skip ("built without usbredir");
      return;
    }
  g_assert_cmpuint (vt_machine_usb_ports (machine), ==, 4);
  for (unsigned i = 0; i < G_N_ELEMENTS (ids); i++)
    g_assert_true (vt_machine_plug_usb (machine, ids[i], stream_to (&far[i]), NULL));
  refuses_usb (machine, "1:2", "has this USB device already");
  refuses_usb (machine, "1:5", "All 4 ports");
  close (far[1]);
  g_main_loop_run (loop);
  g_assert_cmpstr (news.left, ==, "1:2");
  g_autoptr (GPtrArray) devices = vt_machine_usb_devices (machine);
  g_assert_cmpuint (devices->len, ==, 3);
  g_assert_true (vt_machine_plug_usb (machine, "1:5", stream_to (&far[1]), NULL));
  for (unsigned i = 0; i < 3; i++)
    g_assert_true (vt_machine_unplug_usb (machine, (const char *[]) { "1:1", "1:5", "1:4" }[i], NULL));
  g_assert_false (vt_machine_unplug_usb (machine, "1:1", NULL));
  for (unsigned i = 0; i < G_N_ELEMENTS (ids); i++)
    close (far[i]);
  g_free (news.left);
}

static void
a_machine_without_a_usb_controller_takes_no_usb_device (Fixture *f, gconstpointer unused)
{
  g_assert_cmpuint (vt_machine_usb_ports (f->machine), ==, 0);
  refuses_usb (f->machine, "1:1", "USB");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/machines/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("words of a sequence are chords and text", words_of_a_sequence_are_chords_and_text);
  ADD ("a machine may end while keys are typed", a_machine_may_end_while_keys_are_typed);
  ADD ("an unknown word types nothing", an_unknown_word_types_nothing);
  ADD ("a medium may come in as a descriptor", a_medium_may_come_in_as_a_descriptor);
  g_test_add_func ("/machines/every video device is built and has its screens", every_video_device_is_built_and_has_its_screens);
  g_test_add_func ("/machines/a new monitor has another EDID", a_new_monitor_has_another_edid);
  g_test_add_func ("/machines/impossible video is refused", impossible_video_is_refused);
  g_test_add_func ("/machines/drives are where they say and the others in between", drives_are_where_they_say_and_the_others_in_between);
  g_test_add_func ("/machines/drives that cannot be are refused", drives_that_cannot_be_are_refused);
  g_test_add_func ("/machines/a floppy disk changes, protected as it was opened", a_floppy_disk_changes_protected_as_it_was_opened);
  g_test_add_func ("/machines/a machine that was saved without ports restores", a_machine_that_was_saved_without_ports_restores);
  g_test_add_func ("/machines/a disk comes by its open file", a_disk_comes_by_its_open_file);
  g_test_add_func ("/machines/what cannot come or go is said", what_cannot_come_or_go_is_said);
  g_test_add_func ("/machines/an e1000e comes into a slot", an_e1000e_comes_into_a_slot);
  g_test_add_func ("/machines/a card is on one network that can be", a_card_is_on_one_network_that_can_be);
  g_test_add_func ("/machines/a card is on a device that was opened before", a_card_is_on_a_device_that_was_opened_before);
  g_test_add_func ("/machines/a TPM is where a PC has it", a_tpm_is_where_a_pc_has_it);
  g_test_add_func ("/machines/a TPM goes with its machine", a_tpm_goes_with_its_machine);
  g_test_add_func ("/machines/a TPM that was started before serves each machine", a_tpm_that_was_started_before_serves_each_machine);
  g_test_add_func ("/machines/firmware that cannot be is refused", firmware_that_cannot_be_is_refused);
  g_test_add_func ("/machines/a machine in system management mode restores", a_machine_in_system_management_mode_restores);
  g_test_add_func ("/machines/usb devices of others come and go", usb_devices_of_others_come_and_go);
  ADD ("a machine without a usb controller takes no usb device", a_machine_without_a_usb_controller_takes_no_usb_device);
  g_test_add_func ("/machines/a machine ends with cards in its slots", a_machine_ends_with_cards_in_its_slots);
  return g_test_run ();
}
