/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is opened before a process is confined, and lent to the machines that it builds. */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "net-devices.h"

static VitrineDomain *
machine_on (const char *first, const char *second)
{
  g_autofree char *xml = g_strdup_printf (
    "<domain type='qemu'><name>x</name><memory>65536</memory><os><type>hvm</type></os><devices>"
    "<interface type='user'/><interface type='ethernet'><target dev='%s' managed='no'/></interface>"
    "<interface type='ethernet'><target dev='%s' managed='no'/></interface></devices></domain>", first, second);
  g_autoptr(GError) error = NULL;
  VitrineDomain *domain = vitrine_domain_new_from_data (xml, strlen (xml), "x", &error);

  g_assert_no_error (error);
  return domain;
}

static VitrineDomain *
domain_without_cards (void)
{
  static const char xml[] = "<domain type='qemu'><name>x</name><memory>65536</memory><os><type>hvm</type></os></domain>";

  return vitrine_domain_new_from_data (xml, strlen (xml), "x", NULL);
}

static VtConfig *
lend (const char *first, const char *second, const char *problem)
{
  g_autoptr(VitrineDomain) domain = machine_on (first, second);
  g_autoptr(GError) error = NULL;
  VtConfig *config = vitrine_domain_to_config (domain, &error);

  g_assert_no_error (error);
  gboolean lent = vitrine_net_devices_lend (config, &error);
  g_assert_cmpint (lent, ==, problem == NULL);
  if (!lent)
    g_assert_nonnull (strstr (error->message, problem));
  return config;
}

static int
fd_of (const VtConfig *config, guint card)
{
  return ((const VtNetConfig *) config->nets->pdata[card])->fd;
}

static gboolean
make_devices (void)
{
  static const char *const argv[] = { "sh", "-c", "ip tuntap add dev vt0 mode tap && ip tuntap add dev vt1 mode tap", NULL };
  int status = -1;

  return geteuid () == 0 && unshare (CLONE_NEWNET) == 0
         && g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL) && status == 0;
}

static void
each_machine_of_the_process_gets_what_was_opened (void)
{
  if (!make_devices ())
    {
      g_test_skip ("TAP devices in a network namespace take root");
      return;
    }
  g_autoptr(VitrineDomain) domain = machine_on ("vt1", "vt0");
  vitrine_net_devices_open (domain);
  g_autoptr(VtConfig) one = lend ("vt1", "vt0", NULL), other = lend ("vt0", "vt1", NULL);
  g_assert_cmpint (fd_of (one, 0), ==, -1);
  g_assert_cmpint (fd_of (one, 1), >=, 0);
  g_assert_cmpint (fd_of (one, 2), !=, fd_of (one, 1));
  g_assert_cmpint (fd_of (other, 1), ==, fd_of (one, 2));
  g_assert_cmpint (fd_of (other, 2), ==, fd_of (one, 1));
  g_autoptr(VtConfig) twice = lend ("vt0", "vt0", "after this window had been opened");
}

/* One that came while the machine ran, as somebody else opened it. */
static void
come (const char *name, const char *mac)
{
  g_autoptr(GVariant) card = g_variant_ref_sink (g_variant_new_parsed ("{'mac': <%s>, 'tap': <%s>}", mac, name));
  int fd = open ("/dev/null", O_RDWR);

  vitrine_net_devices_keep (card, fd);
  close (fd);
}

static void
what_came_is_there_as_long_as_its_card (void)
{
  g_autoptr(VitrineDomain) nothing = machine_on ("no-such-tap", "no-such-tap");

  vitrine_net_devices_open (nothing);
  come ("hot0", "52:54:00:00:00:01");
  come ("hot1", "52:54:00:00:00:02");
  g_autoptr(VtConfig) one = lend ("hot1", "hot0", NULL), other = lend ("hot0", "hot1", NULL);
  g_assert_cmpint (fd_of (one, 1), ==, fd_of (other, 2));
  vitrine_net_devices_forget ("52:54:00:00:00:03");
  vitrine_net_devices_forget ("52:54:00:00:00:02");
  g_assert_cmpint (fcntl (fd_of (one, 1), F_GETFD), ==, -1);
  g_autoptr(VtConfig) gone = lend ("hot0", "hot1", "after this window had been opened");
}

static void
a_machine_without_the_card_lets_go_of_what_came (void)
{
  g_autoptr(VitrineDomain) nothing = domain_without_cards ();
  g_autoptr(VtConfig) config = vitrine_domain_to_config (nothing, NULL);

  vitrine_net_devices_open (nothing);
  come ("hot0", "52:54:00:00:00:01");
  g_assert_true (vitrine_net_devices_lend (config, NULL));
  g_autoptr(VtConfig) later = lend ("hot0", "hot0", "after this window had been opened");
}

static void
what_could_not_be_opened_is_told (void)
{
  g_autoptr(VitrineDomain) domain = machine_on ("no-such-tap", "nor-this");

  vitrine_net_devices_open (domain);
  g_autoptr(VtConfig) missing = lend ("nor-this", "no-such-tap", "no network device “nor-this”");
  g_autoptr(VtConfig) later = lend ("third", "nor-this", "after this window had been opened");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net-devices/each machine of the process gets what was opened", each_machine_of_the_process_gets_what_was_opened);
  g_test_add_func ("/net-devices/what came is there as long as its card", what_came_is_there_as_long_as_its_card);
  g_test_add_func ("/net-devices/a machine without the card lets go of what came", a_machine_without_the_card_lets_go_of_what_came);
  g_test_add_func ("/net-devices/what could not be opened is told", what_could_not_be_opened_is_told);
  return g_test_run ();
}
