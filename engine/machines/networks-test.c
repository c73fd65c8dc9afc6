/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which networks cards may be on. */
#include <sys/socket.h>
#include <unistd.h>

#include "machines-rig.h"
#include "vitrine/devices.h"

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-networks/a card is on one network that can be", a_card_is_on_one_network_that_can_be);
  g_test_add_func ("/machine-networks/a card is on a device that was opened before", a_card_is_on_a_device_that_was_opened_before);
  return g_test_run ();
}
