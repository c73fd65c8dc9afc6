/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forwarded ports of a machine that runs, without a guest. */
#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine-private.h"
#include "vitrine/devices.h"

static VtMachine *
new_machine_with_cards (void)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  config->memory_bytes = 16 << 20;
  vt_config_add_net (config);
  vt_config_add_net (config)->local = g_dir_make_tmp ("vitrine-net-XXXXXX", NULL);
  VtMachine *machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  return machine;
}

static bool
is_listened_at (int port)
{
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int  fd = socket (AF_INET, SOCK_STREAM, 0);
  bool ok = connect (fd, (struct sockaddr *) &at, sizeof at) == 0;
  close (fd);
  return ok;
}

/* Below those that a system gives away by itself. */
enum { FORWARDED_PORT = 28022 };

static void
forwards_change_while_it_runs_and_stay_over_a_reset (void)
{
  static const char *const rules[] = { "tcp:127.0.0.1:28022-:22", NULL }, *const none[] = { NULL };
  static const char *const bad[] = { "tcp::28022-:80", "tcp::x-:1", NULL };
  g_autoptr (VtMachine) machine = new_machine_with_cards ();
  g_autoptr (GError) error = NULL;
  vt_machine_resume (machine);
  g_assert_true (vt_machine_set_forwards (machine, 0, rules, &error));
  g_assert_true (is_listened_at (FORWARDED_PORT));
  g_assert_false (vt_machine_set_forwards (machine, 0, bad, NULL));
  vt_machine_reset (machine);
  vt_machine_pause (machine);
  g_auto (GStrv) now = vt_machine_forwards (machine, 0, &error);
  g_assert_cmpuint (g_strv_length (now), ==, 1);
  g_assert_cmpstr (now[0], ==, rules[0]);
  g_assert_true (is_listened_at (FORWARDED_PORT));
  g_assert_true (vt_machine_set_forwards (machine, 0, none, &error));
  g_assert_false (is_listened_at (FORWARDED_PORT));
  g_assert_no_error (error);
}

static void
only_user_networking_forwards (void)
{
  static const char *const none[] = { NULL };
  g_autoptr (VtMachine) machine = new_machine_with_cards ();
  g_autofree char *folder = g_strdup (((VtNetConfig *) g_ptr_array_index (machine->config.nets, 1))->local);
  for (unsigned card = 1; card <= 2; card++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (vt_machine_set_forwards (machine, card, none, &error));
      g_assert_nonnull (strstr (error->message, card == 1 ? "not on user networking" : "no network card 2"));
      g_assert_null (vt_machine_forwards (machine, card, NULL));
    }
  g_clear_pointer (&machine, vt_machine_free);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-forwards/running", forwards_change_while_it_runs_and_stay_over_a_reset);
  g_test_add_func ("/machine-forwards/others", only_user_networking_forwards);
  return g_test_run ();
}
