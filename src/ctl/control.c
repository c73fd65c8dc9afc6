/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about running machines: start, stop, pause, resume, reset, screenshot, send-keys, type, console. */
#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"
#include "host-verbs.h"
#include "machines.h"
#include "paths.h"

#define START_SECONDS 30
#define END_SECONDS 30
#define CONSOLE_ESCAPE 0x1d   /* Ctrl+], as telnet and virsh have it */

/* --- start ------------------------------------------------------------------------------------------------------ */

typedef struct
{
  GMainLoop *loop;
  gboolean   timed_out;
} Wait;

static gboolean
give_up (gpointer data)
{
  Wait *wait = data;

  wait->timed_out = TRUE;
  g_main_loop_quit (wait->loop);
  return G_SOURCE_REMOVE;
}

static void
state_changed (Wait *wait, GParamSpec *pspec, VitrineMachine *machine)
{
  if (vitrine_machine_get_state (machine) != VITRINE_STATE_STARTING)
    g_main_loop_quit (wait->loop);
}

static int
wait_for_start (VitrineMachine *machine)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Wait wait = { loop, FALSE };
  gulong handler = g_signal_connect_swapped (machine, "notify::state", G_CALLBACK (state_changed), &wait);
  guint limit = g_timeout_add_seconds (START_SECONDS, give_up, &wait);

  if (vitrine_machine_get_state (machine) == VITRINE_STATE_STARTING)
    g_main_loop_run (loop);
  g_signal_handler_disconnect (machine, handler);
  if (wait.timed_out)
    return vitrine_ctl_fail (_("“%s” did not start within %d seconds."), vitrine_machine_get_title (machine), START_SECONDS);
  g_source_remove (limit);
  VitrineState state = vitrine_machine_get_state (machine);
  const char *message = vitrine_machine_get_message (machine);
  if (vitrine_state_is_alive (state))
    return 0;
  return vitrine_ctl_fail (_("“%s” did not start: %s"), vitrine_machine_get_title (machine),
                           message != NULL ? message : vitrine_state_to_label (state));
}

int
vitrine_ctl_start (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;

  if (argc != 2 || argv[1][0] == '-')
    return vitrine_ctl_usage ("start MACHINE");
  if (vitrine_ctl_is_on_host (argv[1]))
    return vitrine_ctl_host_command (argv[1], "Start");   /* no window: it is the host's, and may run unseen */
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, argv[1]) : NULL;
  if (machine == NULL)
    return 1;
  if (!vitrine_machine_start (machine, &error))
    return vitrine_ctl_fail (_("Cannot start “%s”: %s"), argv[1], error->message);
  return wait_for_start (machine);
}

/* --- one call each ---------------------------------------------------------------------------------------------- */

int
vitrine_ctl_call (const char *words, const char *method, GVariant *arguments)
{
  g_autoptr(GVariant) owned = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);

  return client != NULL ? vitrine_ctl_call_client (client, method, owned) : 1;
}

int
vitrine_ctl_call_client (VitrineClient *client, const char *method, GVariant *arguments)
{
  g_autoptr(GVariant) owned = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr(GError) error = NULL;

  if (!vitrine_client_call_sync (client, method, owned, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

static int
call_plain (int argc, char **argv, const char *method)
{
  g_autofree char *synopsis = g_strdup_printf ("%s MACHINE", argv[0]);

  if (argc != 2 || argv[1][0] == '-')
    return vitrine_ctl_usage (synopsis);
  return vitrine_ctl_is_on_host (argv[1]) ? vitrine_ctl_host_command (argv[1], method) : vitrine_ctl_call (argv[1], method, NULL);
}

/* The window's “Suspend”: until the process has ended, so that the machine can be started again. */
static int
suspend (const char *words)
{
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, words) : NULL;

  if (machine == NULL || vitrine_ctl_call (words, "Suspend", NULL) != 0)
    return 1;
  for (guint i = 0; i < END_SECONDS * 10 && vitrine_ctl_is_running (machine); i++)
    g_usleep (G_USEC_PER_SEC / 10);
  return 0;
}

int
vitrine_ctl_save (int argc, char **argv)
{
  if (argc != 2 || argv[1][0] == '-')
    return vitrine_ctl_usage ("save MACHINE");
  return vitrine_ctl_is_on_host (argv[1]) ? vitrine_ctl_host_command (argv[1], "Save") : suspend (argv[1]);
}

int
vitrine_ctl_stop (int argc, char **argv)
{
  gboolean force = argc == 3 && g_str_equal (argv[1], "--force");

  if ((argc != 2 && !force) || argv[argc - 1][0] == '-')
    return vitrine_ctl_usage ("stop [--force] MACHINE");
  const char *words = argv[argc - 1], *method = force ? "ForceOff" : "PowerButton";
  return vitrine_ctl_is_on_host (words) ? vitrine_ctl_host_command (words, method) : vitrine_ctl_call (words, method, NULL);
}

int
vitrine_ctl_pause (int argc, char **argv)
{
  return call_plain (argc, argv, "Pause");
}

int
vitrine_ctl_resume (int argc, char **argv)
{
  return call_plain (argc, argv, "Resume");
}

int
vitrine_ctl_reset (int argc, char **argv)
{
  return call_plain (argc, argv, "Reset");
}

int
vitrine_ctl_screenshot (int argc, char **argv)
{
  if (argc != 3 || argv[1][0] == '-')
    return vitrine_ctl_usage ("screenshot MACHINE FILE.png");
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (argv[1]);
  if (client == NULL)
    return 1;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) png = vitrine_client_screenshot (client, &error);
  /* The file is written on this side: the machine's process may not write where it likes. */
  if (png == NULL || !g_file_set_contents (argv[2], g_bytes_get_data (png, NULL), (gssize) g_bytes_get_size (png), &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

int
vitrine_ctl_send_keys (int argc, char **argv)
{
  if (argc < 3 || argv[1][0] == '-')
    return vitrine_ctl_usage ("send-keys MACHINE KEYS…");
  g_autofree char *keys = g_strjoinv (" ", argv + 2);
  return vitrine_ctl_call (argv[1], "SendKeys", g_variant_new ("(s)", keys));
}

int
vitrine_ctl_type (int argc, char **argv)
{
  if (argc != 3 || argv[1][0] == '-')
    return vitrine_ctl_usage ("type MACHINE TEXT");
  /* The specification separates by spaces: each word on its own, with the space bar between them. */
  g_auto(GStrv) words = g_strsplit (argv[2], " ", -1);
  GString *spec = g_string_new (NULL);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append (spec, "spc ");
      if (*words[i] != '\0')
        g_string_append_printf (spec, "text:%s ", words[i]);
    }
  g_autofree char *keys = g_string_free (spec, FALSE);
  return vitrine_ctl_call (argv[1], "SendKeys", g_variant_new ("(s)", keys));
}

/* --- console ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  GMainLoop *loop;
  int        fd;
  gboolean   terminal;
} Console;

static gboolean
write_all (int fd, const char *bytes, gssize n)
{
  while (n > 0)
    {
      gssize written = write (fd, bytes, (gsize) n);
      if (written < 0 && errno != EINTR && errno != EAGAIN)
        return FALSE;
      bytes += MAX (written, 0);
      n -= MAX (written, 0);
    }
  return TRUE;
}

static gboolean
from_guest (int fd, GIOCondition condition, gpointer data)
{
  Console *console = data;
  char bytes[4096];
  gssize n = read (fd, bytes, sizeof bytes);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n > 0 && write_all (STDOUT_FILENO, bytes, n))
    return G_SOURCE_CONTINUE;
  g_main_loop_quit (console->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
from_terminal (int fd, GIOCondition condition, gpointer data)
{
  Console *console = data;
  char bytes[256];
  gssize n = read (fd, bytes, sizeof bytes);

  if (n <= 0)
    return G_SOURCE_REMOVE;   /* input ended; output goes on */
  const char *escape = console->terminal ? memchr (bytes, CONSOLE_ESCAPE, (gsize) n) : NULL;
  if (escape == NULL && write_all (console->fd, bytes, n))
    return G_SOURCE_CONTINUE;
  g_main_loop_quit (console->loop);
  return G_SOURCE_REMOVE;
}

static void
talk (int fd)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Console console = { loop, fd, isatty (STDIN_FILENO) };
  struct termios before, raw;

  if (console.terminal)
    {
      tcgetattr (STDIN_FILENO, &before);
      raw = before;
      cfmakeraw (&raw);
      tcsetattr (STDIN_FILENO, TCSANOW, &raw);
    }
  g_unix_fd_add (fd, G_IO_IN | G_IO_HUP | G_IO_ERR, from_guest, &console);
  g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, from_terminal, &console);
  g_main_loop_run (loop);
  if (console.terminal)
    tcsetattr (STDIN_FILENO, TCSANOW, &before);
}

/* -1 after a message. */
static int
open_console (const char *words, guint number)
{
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  g_autoptr(GError) error = NULL;
  int fd = client != NULL ? vitrine_client_open_console (client, number, &error) : -1;

  if (error != NULL)
    vitrine_ctl_fail ("%s", error->message);
  return fd;
}

int
vitrine_ctl_console (int argc, char **argv)
{
  guint64 number = 0;

  if ((argc != 2 && argc != 3) || argv[1][0] == '-'
      || (argc == 3 && !g_ascii_string_to_unsigned (argv[2], 10, 0, 63, &number, NULL)))
    return vitrine_ctl_usage ("console MACHINE [NUMBER]");
  int fd = vitrine_ctl_is_on_host (argv[1]) ? vitrine_ctl_host_open_console (argv[1], (guint) number)
                                            : open_console (argv[1], (guint) number);
  if (fd < 0)
    return 1;
  g_printerr (_("Connected to “%s”. Ctrl+] leaves.\n"), argv[1]);
  talk (fd);
  close (fd);
  g_printerr ("\n");
  return 0;
}
