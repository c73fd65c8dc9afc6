/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The port of the guest's agent in a definition. */
#include <gio/gio.h>
#include <unistd.h>

#include "domain-test.h"

#define PORT "<target type='virtio' name='com.redhat.spice.0'/></channel>"

static void
the_clipboard_is_shared_where_there_is_a_port (void)
{
  g_autoptr(VitrineDomain) none = domain_with ("<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>");
  g_autoptr(VitrineDomain) ours = domain_with ("<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/></source>" PORT);
  g_autoptr(VitrineDomain) spice = domain_with ("<channel type='spicevmc'>" PORT);
  g_autoptr(VitrineDomain) off = domain_with ("<channel type='qemu-vdagent'><source><clipboard copypaste='no'/></source>" PORT);
  g_assert_false (vitrine_domain_get_clipboard (none));
  g_assert_true (vitrine_domain_get_clipboard (ours));
  g_assert_true (vitrine_domain_get_clipboard (spice));
  g_assert_false (vitrine_domain_get_clipboard (off));
}

static void
it_is_switched_on_and_off (void)
{
  g_autoptr(VitrineDomain) domain = domain_with ("");
  vitrine_domain_set_clipboard (domain, TRUE);
  g_assert_true (vitrine_domain_get_clipboard (domain));
  g_autoptr(VtConfig) config = config_of (domain);
  g_assert_cmpuint (config->ports->len, ==, 1);
  const VtPortConfig *port = config->ports->pdata[0];
  g_assert_cmpstr (port->name, ==, "com.redhat.spice.0");
  g_assert_cmpint (port->end.kind, ==, VT_SERIAL_NULL);
  int end;
  g_autoptr(GSocket) agent = vitrine_domain_open_agent (domain, config, &end);
  g_assert_cmpint (port->end.kind, ==, VT_SERIAL_DESCRIPTOR);
  g_assert_cmpint (port->end.fd, ==, end);
  g_assert_cmpint (write (end, "x", 1), ==, 1);
  char byte;
  g_assert_cmpint (g_socket_receive (agent, &byte, 1, NULL, NULL), ==, 1);
  close (end);
  vitrine_domain_set_clipboard (domain, FALSE);
  g_assert_false (vitrine_domain_get_clipboard (domain));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-agent/shared", the_clipboard_is_shared_where_there_is_a_port);
  g_test_add_func ("/domain-agent/set", it_is_switched_on_and_off);
  return g_test_run ();
}
