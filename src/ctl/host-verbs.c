/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs `connect` and `hosts`, and what other verbs do with machines of hosts. Each call waits for its answer: a
 * terminal has nothing else to do meanwhile. */
#include "host-verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl.h"
#include "host-guest-ends.h"
#include "hosts.h"
#include "keyring.h"
#include "machines.h"
#include "passphrase.h"
#include "secret-text.h"
#include "snapshot-store.h"

/* --- waiting ---------------------------------------------------------------------------------------------------- */

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GAsyncResult *
await (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

/* FALSE: no terminal, or nothing was written. */
static gboolean
ask_person (VitrineHost *host, VitrineCredentials *credentials)
{
  guint n = vitrine_credentials_get_n (credentials), given = 0;
  GStrv answers = g_new0 (char *, n + 1);

  if (vitrine_credentials_is_again (credentials))
    g_printerr (_("The answers were wrong. Please try again.\n"));
  for (; given < n; given++)
    {
      g_autofree char *question = g_strdup_printf (
          _("%s for “%s”: "), vitrine_credentials_get_prompt (credentials, given), vitrine_host_get_name (host));
      answers[given] = vitrine_ctl_ask (question, vitrine_credentials_is_secret (credentials, given));
      if (answers[given] == NULL)
        break;
    }
  if (given == n)
    vitrine_credentials_answer (credentials, (const char *const *) answers, FALSE);
  vitrine_secret_texts_free (answers);
  return given == n;
}

static gboolean
connect_host (VitrineHost *host)
{
  g_signal_connect (host, "ask", G_CALLBACK (ask_person), NULL);
  vitrine_host_connect (host);
  while (vitrine_host_get_state (host) == VITRINE_HOST_CONNECTING)
    g_main_context_iteration (NULL, TRUE);
  return vitrine_host_get_state (host) == VITRINE_HOST_CONNECTED;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

/* The longest beginning that names a host, as a name may have a "/" in it. NULL: none. Borrowed from @hosts. */
static VitrineHost *
split (VitrineHosts *hosts, const char *words, const char **machine)
{
  for (const char *slash = strrchr (words, '/'); slash != NULL && slash > words;
       slash = g_strrstr_len (words, slash - words, "/"))
    {
      g_autofree char *name = g_strndup (words, (gsize) (slash - words));
      VitrineHost *host = vitrine_hosts_find (hosts, name, NULL);
      *machine = slash + 1;
      if (host != NULL && **machine != '\0')
        return host;
    }
  return NULL;
}

gboolean
vitrine_ctl_is_on_host (const char *words)
{
  const char *machine;

  if (strchr (words, '/') == NULL || g_file_test (words, G_FILE_TEST_EXISTS))
    return FALSE;
  g_autoptr(VitrineHosts) hosts = vitrine_hosts_new ();
  return split (hosts, words, &machine) != NULL;
}

/* What a verb works with; the connection lives as long as the list. */
typedef struct
{
  VitrineHosts     *hosts;
  VitrineHost      *host;
  VitrineHostGuest *guest;
} Target;

static void
target_clear (Target *target)
{
  g_clear_object (&target->hosts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)

/* FALSE after a message. */
static gboolean
find (const char *words, Target *target)
{
  const char *machine;
  g_autoptr(GError) error = NULL;

  target->hosts = vitrine_hosts_new ();
  target->host = split (target->hosts, words, &machine);
  if (target->host == NULL)
    vitrine_ctl_fail (_("“%s” is no machine of a host."), words);
  else if (!connect_host (target->host))
    vitrine_ctl_fail (_("“%s” is away: %s"), vitrine_host_get_name (target->host),
                      vitrine_host_get_reason (target->host));
  else if ((target->guest = vitrine_host_find (target->host, machine, &error)) == NULL)
    vitrine_ctl_fail ("%s", error->message);
  return target->guest != NULL;
}

static int
end (gboolean ok, const GError *error)
{
  return ok ? 0 : vitrine_ctl_fail ("%s", error->message);
}

gboolean
vitrine_ctl_host_find (const char *words, VitrineHosts **hosts, VitrineHost **host, VitrineHostGuest **guest)
{
  Target target = { 0 };
  gboolean ok = find (words, &target);

  *hosts = target.hosts;
  *host = target.host;
  *guest = target.guest;
  return ok;
}

VitrineHost *
vitrine_ctl_host_open (const char *name, VitrineHosts **hosts)
{
  g_autoptr(GError) error = NULL;

  *hosts = vitrine_hosts_new ();
  VitrineHost *host = vitrine_hosts_find (*hosts, name, &error);
  if (host == NULL)
    vitrine_ctl_fail ("%s", error->message);
  else if (!connect_host (host))
    vitrine_ctl_fail (_("“%s” is away: %s"), vitrine_host_get_name (host), vitrine_host_get_reason (host));
  else
    return host;
  return NULL;
}

void
vitrine_ctl_keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  keep_result (source, result, data);
}

GAsyncResult *
vitrine_ctl_await (GAsyncResult **result)
{
  return await (result);
}

/* --- one call each ---------------------------------------------------------------------------------------------- */

int
vitrine_ctl_host_command (const char *words, const char *command)
{
  g_auto(Target) target = { 0 };
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  if (!find (words, &target))
    return 1;
  vitrine_guest_command_async (VITRINE_GUEST (target.guest), command, keep_result, &result);
  gboolean ok = vitrine_guest_command_finish (VITRINE_GUEST (target.guest), await (&result), &error);
  return end (ok, error);
}

int
vitrine_ctl_host_dumpxml (const char *words)
{
  g_auto(Target) target = { 0 };
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  if (!find (words, &target))
    return 1;
  vitrine_host_guest_read_definition_async (target.guest, VITRINE_HOST_DEFINITION_NEXT, keep_result, &result);
  g_autofree char *xml = vitrine_host_guest_read_definition_finish (target.guest, await (&result), &error);
  if (xml != NULL)
    fputs (xml, stdout);
  return end (xml != NULL, error);
}

int
vitrine_ctl_host_delete (const char *words, gboolean volumes)
{
  g_auto(Target) target = { 0 };
  g_autoptr(GAsyncResult) listed = NULL, result = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) paths = NULL;

  if (!find (words, &target))
    return 1;
  if (volumes)
    {
      vitrine_host_guest_list_volumes_async (target.guest, keep_result, &listed);
      paths = vitrine_host_guest_list_volumes_finish (target.guest, await (&listed), &error);
      if (paths == NULL)
        return end (FALSE, error);
    }
  vitrine_host_guest_delete_async (target.guest, (const char *const *) paths, keep_result, &result);
  gboolean ok = vitrine_host_guest_delete_finish (target.guest, await (&result), &error);
  return end (ok, error);
}

int
vitrine_ctl_host_define (const char *name, const char *file)
{
  g_autoptr(VitrineHosts) hosts = vitrine_hosts_new ();
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *xml = NULL;
  VitrineHost *host = vitrine_hosts_find (hosts, name, &error);

  if (host == NULL || !g_file_get_contents (file, &xml, NULL, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (!connect_host (host))
    return vitrine_ctl_fail (_("“%s” is away: %s"), vitrine_host_get_name (host), vitrine_host_get_reason (host));
  vitrine_host_define_async (host, xml, keep_result, &result);
  gboolean ok = vitrine_host_define_finish (host, await (&result), &error);
  return end (ok, error);
}

/* --- snapshots -------------------------------------------------------------------------------------------------- */

static int
list_snapshots (VitrineHostGuest *guest)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *current = NULL;

  vitrine_host_guest_list_snapshots_async (guest, keep_result, &result);
  g_autoptr(GPtrArray) all = vitrine_host_guest_list_snapshots_finish (guest, await (&result), &current, &error);
  if (all == NULL)
    return end (FALSE, error);
  vitrine_ctl_print_snapshots (all, current);
  return 0;
}

int
vitrine_ctl_host_snapshot (const char *words, const char *verb, const char *name, const char *description)
{
  g_auto(Target) target = { 0 };
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  VitrineHostSnapshotVerb what = g_str_equal (verb, "take")     ? VITRINE_HOST_SNAPSHOT_TAKE
                                 : g_str_equal (verb, "revert") ? VITRINE_HOST_SNAPSHOT_GO_BACK
                                                                : VITRINE_HOST_SNAPSHOT_FORGET;

  if (!find (words, &target))
    return 1;
  if (g_str_equal (verb, "list"))
    return list_snapshots (target.guest);
  vitrine_host_guest_snapshot_async (target.guest, what, name, description, keep_result, &result);
  gboolean ok = vitrine_host_guest_snapshot_finish (target.guest, await (&result), &error);
  return end (ok, error);
}

/* --- consoles --------------------------------------------------------------------------------------------------- */

typedef struct
{
  Target              target;
  VitrineHostConsole *console;
  int                 fd;
} Bridge;

static void
console_output (Bridge *bridge, GBytes *bytes)
{
  gsize n;
  const char *data = g_bytes_get_data (bytes, &n);

  while (n > 0)
    {
      gssize written = write (bridge->fd, data, n);
      if (written < 0 && errno != EINTR)
        return;
      data += MAX (written, 0);
      n -= (gsize) MAX (written, 0);
    }
}

static void
console_closed (Bridge *bridge, const char *reason)
{
  g_printerr ("\r\n%s\r\n", reason);
  close (bridge->fd);   /* the terminal's side sees the end */
}

static gboolean
from_terminal (int fd, GIOCondition condition, gpointer data)
{
  Bridge *bridge = data;
  guint8 bytes[256];
  gssize n = read (fd, bytes, sizeof bytes);

  if (n <= 0)
    return G_SOURCE_REMOVE;
  vitrine_host_console_send (bridge->console, bytes, (gsize) n);
  return G_SOURCE_CONTINUE;
}

/* The alias of that console; NULL after a message. */
static char *
find_console (Bridge *bridge, const char *words, guint number)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_guest_read_ends_async (bridge->target.guest, keep_result, &result);
  g_autoptr(VitrineHostEnds) what = vitrine_host_guest_read_ends_finish (bridge->target.guest, await (&result), &error);
  if (what != NULL && number < g_strv_length (what->consoles))
    return g_strdup (what->consoles[number]);
  if (what == NULL)
    vitrine_ctl_fail ("%s", error->message);
  else
    vitrine_ctl_fail (_("“%s” has no console %u now."), words, number);
  return NULL;
}

int
vitrine_ctl_host_open_console (const char *words, guint number)
{
  static Bridge bridge;   /* for as long as the program runs */
  int ends[2];

  g_autofree char *alias = find (words, &bridge.target) ? find_console (&bridge, words, number) : NULL;
  if (alias == NULL)
    return -1;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    {
      vitrine_ctl_fail ("%s", g_strerror (errno));
      return -1;
    }
  bridge.fd = ends[0];
  bridge.console = vitrine_host_console_new (bridge.target.guest, alias);
  g_signal_connect_swapped (bridge.console, "output", G_CALLBACK (console_output), &bridge);
  /* Who names a console in a command wants that one. */
  g_signal_connect (bridge.console, "busy", G_CALLBACK (vitrine_host_console_take), NULL);
  g_signal_connect_swapped (bridge.console, "closed", G_CALLBACK (console_closed), &bridge);
  g_unix_fd_add (ends[0], G_IO_IN | G_IO_HUP, from_terminal, &bridge);
  return ends[1];
}

/* --- hosts ------------------------------------------------------------------------------------------------------ */

static void
print_machines (VitrineHost *host)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (host)); i++)
    {
      g_autoptr(VitrineHostGuest) guest = g_list_model_get_item (G_LIST_MODEL (host), i);
      g_print ("%s  %-10s %s/%s\n", vitrine_guest_get_uuid (VITRINE_GUEST (guest)),
               vitrine_state_to_nick (vitrine_guest_get_state (VITRINE_GUEST (guest))), vitrine_host_get_name (host),
               vitrine_host_guest_get_name (guest));
    }
}

int
vitrine_ctl_host_list (void)
{
  g_autoptr(VitrineHosts) hosts = vitrine_hosts_new ();
  int status = 0;

  for (guint i = 0; i < vitrine_hosts_get_size (hosts); i++)
    {
      VitrineHost *host = vitrine_hosts_get (hosts, i);
      if (connect_host (host))
        print_machines (host);
      else
        status = vitrine_ctl_fail (_("“%s” is away: %s"), vitrine_host_get_name (host), vitrine_host_get_reason (host));
    }
  return status;
}

/* A host that cannot be reached is not remembered: most often the URI is wrong then. */
int
vitrine_ctl_connect_host (int argc, char **argv)
{
  gboolean named = argc == 4 && g_str_equal (argv[2], "--name");

  if ((argc != 2 && !named) || argv[1][0] == '-')
    return vitrine_ctl_usage ("connect URI [--name NAME]");
  g_autoptr(VitrineHosts) hosts = vitrine_hosts_new ();
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineHost) host = vitrine_hosts_prepare (hosts, argv[1], named ? argv[3] : NULL, &error);
  if (host == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  if (!connect_host (host))
    return vitrine_ctl_fail (_("Cannot connect to “%s”: %s"), vitrine_host_get_uri (host),
                             vitrine_host_get_reason (host));
  if (!vitrine_hosts_put_back (hosts, host, &error))
    return vitrine_ctl_fail ("%s", error->message);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (host));
  g_print (g_dngettext (GETTEXT_PACKAGE, "Added as “%s”, with %u machine\n", "Added as “%s”, with %u machines\n", n),
           vitrine_host_get_name (host), n);
  return 0;
}

static int
remove_host (const char *words)
{
  g_autoptr(VitrineHosts) hosts = vitrine_hosts_new ();
  g_autoptr(GError) error = NULL;
  VitrineHost *host = vitrine_hosts_find (hosts, words, &error);

  if (host == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_autoptr(VitrineHost) kept = g_object_ref (host);
  if (!vitrine_hosts_remove (hosts, kept, &error))
    return vitrine_ctl_fail ("%s", error->message);
  vitrine_keyring_forget (vitrine_host_get_uri (kept));
  return 0;
}

int
vitrine_ctl_hosts (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "remove"))
    return remove_host (argv[2]);
  if (argc != 1)
    return vitrine_ctl_usage ("hosts [remove HOST]");
  g_autoptr(VitrineHosts) hosts = vitrine_hosts_new ();
  for (guint i = 0; i < vitrine_hosts_get_size (hosts); i++)
    {
      VitrineHost *host = vitrine_hosts_get (hosts, i);
      gboolean there = connect_host (host);
      g_print ("%-9s %s  %s\n", there ? "connected" : "away", vitrine_host_get_name (host),
               vitrine_host_get_uri (host));
      if (!there)
        g_printerr ("  %s\n", vitrine_host_get_reason (host));
    }
  return 0;
}

/* --- verbs that only hosts know ------------------------------------------------------------------------------------
 */

int
vitrine_ctl_autostart (int argc, char **argv)
{
  gboolean on = argc == 3 && g_str_equal (argv[2], "on");

  if (argc != 3 || (!on && !g_str_equal (argv[2], "off")) || !vitrine_ctl_is_on_host (argv[1]))
    return vitrine_ctl_usage ("autostart HOST/MACHINE on|off");
  return vitrine_ctl_host_command (argv[1], on ? "Autostart" : "NoAutostart");
}
