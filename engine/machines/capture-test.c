/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A capture that ends by itself, as its file cannot take more. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "machine-private.h"
#include "vitrine/devices.h"

enum { ROOM = 16384, FRAMES = 1000 };

typedef struct
{
  char *trouble;
  int   ended;
} Seen;

static void
note_trouble (void *opaque, const char *message)
{
  ((Seen *) opaque)->trouble = g_strdup (message);
}

static void
note_end (void *opaque)
{
  ((Seen *) opaque)->ended++;
}

static void
send_frames (VtMachine *machine)
{
  uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54 };
  VtNet  *net = g_ptr_array_index (machine->nets, 0);
  vt_lock (&machine->lock);
  for (int i = 0; i < FRAMES; i++)
    net->ops->send (net, frame, sizeof frame);
  vt_unlock (&machine->lock);
}

static VtMachine *
new_machine (void)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  config->memory_bytes = 16 << 20;
  vt_config_add_net (config);
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  return machine;
}

static void
a_full_disk_ends_a_capture_and_is_told (void)
{
  static const VtMachineEvents events = { .trouble = note_trouble, .capture_ended = note_end };
  const struct rlimit little = { ROOM, RLIM_INFINITY };     /* as if the disk were full */
  g_autoptr (VtMachine) machine = new_machine ();
  g_autofree char *path = NULL;
  Seen seen = { NULL, 0 };
  vt_machine_set_events (machine, &events, &seen);
  int fd = g_file_open_tmp ("vitrine-capture-XXXXXX", &path, NULL);
  g_assert_true (vt_machine_capture (machine, 0, fd, NULL));
  g_assert_true (vt_machine_is_captured (machine, 0));
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &little), ==, 0);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*has ended*");
  send_frames (machine);
  g_test_assert_expected_messages ();
  g_assert_false (vt_machine_is_captured (machine, 0));
  while (seen.ended == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_nonnull (strstr (seen.trouble, "the file cannot take more"));
  g_assert_cmpint (seen.ended, ==, 1);
  g_free (seen.trouble);
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/capture/full", a_full_disk_ends_a_capture_and_is_told);
  return g_test_run ();
}
