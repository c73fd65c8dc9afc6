/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB devices of somebody else, without a guest that uses them. */
#include <sys/socket.h>
#include <unistd.h>

#include "machines-rig.h"
#include "vitrine/devices.h"

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
a_machine_without_a_usb_controller_takes_no_usb_device (void)
{
  g_autoptr (VtMachine) machine = new_machine ("q35");
  g_assert_cmpuint (vt_machine_usb_ports (machine), ==, 0);
  refuses_usb (machine, "1:1", "USB");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-usb-ports/usb devices of others come and go", usb_devices_of_others_come_and_go);
  g_test_add_func ("/machine-usb-ports/a machine without a usb controller takes no usb device", a_machine_without_a_usb_controller_takes_no_usb_device);
  return g_test_run ();
}
