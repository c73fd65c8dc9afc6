/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "passphrase.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <vitrine/error.h>
#include <vitrine/image.h>

enum { LINE_MOST = 512 };

/* --- What ends or stops a program --- */

static const int enders[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
static volatile sig_atomic_t caught;

typedef struct
{
  sigset_t         mask;
  struct sigaction actions[G_N_ELEMENTS (enders)];
} Held;

static void
note (int number)
{
  caught = number;
}

/* From here on they come only while a line is waited for, and are only noted. */
static void
hold (Held *held)
{
  struct sigaction action = { .sa_handler = note };
  sigset_t ours;

  caught = 0;
  sigemptyset (&ours);
  for (guint i = 0; i < G_N_ELEMENTS (enders); i++)
    sigaddset (&ours, enders[i]);
  pthread_sigmask (SIG_BLOCK, &ours, &held->mask);
  for (guint i = 0; i < G_N_ELEMENTS (enders); i++)
    sigaction (enders[i], &action, &held->actions[i]);
}

/* What came is what it would have been. */
static void
release (const Held *held)
{
  for (guint i = 0; i < G_N_ELEMENTS (enders); i++)
    sigaction (enders[i], &held->actions[i], NULL);
  pthread_sigmask (SIG_SETMASK, &held->mask, NULL);
  if (caught != 0)
    raise (caught);
}

/* --- Asking --- */

static gboolean
read_line (int terminal, const sigset_t *mask, char line[LINE_MOST])
{
  struct pollfd ready = { .fd = terminal, .events = POLLIN };
  gsize len = 0;
  char c = 0;

  while (len < LINE_MOST - 1 && ppoll (&ready, 1, NULL, mask) > 0 && read (terminal, &c, 1) == 1 && c != '\n')
    line[len++] = c;
  line[len] = '\0';
  return c == '\n' && len > 0;
}

/* One line; a secret one does not show. Whatever ends that, the terminal shows again what is typed. */
static gboolean
ask_once (int terminal, const char *question, gboolean secret, char line[LINE_MOST])
{
  struct termios before, silent;
  Held held;

  if (tcgetattr (terminal, &before) != 0)
    return FALSE;
  hold (&held);
  silent = before;
  if (secret)
    silent.c_lflag = (silent.c_lflag & ~(tcflag_t) ECHO) | ECHONL;
  tcsetattr (terminal, TCSAFLUSH, &silent);
  dprintf (terminal, "%s", question);
  gboolean given = read_line (terminal, &held.mask, line);
  tcsetattr (terminal, TCSAFLUSH, &before);
  if (caught != 0)
    dprintf (terminal, "\n");
  release (&held);
  return given && caught == 0;
}

/* Who stopped it and goes on is asked again. */
static gboolean
ask_line (int terminal, const char *question, gboolean secret, char line[LINE_MOST])
{
  gboolean given = ask_once (terminal, question, secret, line);

  while (caught == SIGTSTP)
    given = ask_once (terminal, question, secret, line);
  return given;
}

static gboolean
ask (int terminal, const char *question, char line[LINE_MOST])
{
  return ask_line (terminal, question, TRUE, line);
}

char *
vitrine_ctl_ask (const char *question, gboolean secret)
{
  int terminal = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  char line[LINE_MOST];

  if (terminal < 0)
    return NULL;
  char *answer = ask_line (terminal, question, secret, line) ? g_strdup (line) : NULL;
  explicit_bzero (line, sizeof line);
  close (terminal);
  return answer;
}

static VtSecret *
ask_all (int terminal, const char *path, gboolean is_new, GError **error)
{
  g_autofree char *question = g_strdup_printf (is_new ? _("New passphrase for “%s”: ") : _("Passphrase for “%s”: "), path);
  char line[LINE_MOST], again[LINE_MOST];
  VtSecret *secret = NULL;

  if (!ask (terminal, question, line))
    g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, _("No passphrase was given"));
  else if (is_new && (!ask (terminal, _("The same once more: "), again) || strcmp (line, again) != 0))
    g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, _("The two passphrases are not the same"));
  else
    secret = vt_secret_new (line, strlen (line));
  explicit_bzero (line, sizeof line);
  explicit_bzero (again, sizeof again);
  return secret;
}

VtSecret *
vitrine_ctl_read_key (const VitrineKeySource *source, const char *path, gboolean is_new, GError **error)
{
  if (source->file != NULL)
    return vt_secret_read_file (source->file, error);
  if (source->fd >= 0)
    {
      g_autofree char *name = g_strdup_printf ("fd %d", source->fd);
      return vt_secret_read_fd (source->fd, name, error);
    }
  int terminal = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, _("“%s” needs a passphrase, and there is no terminal to ask at: "
                                                           "name a file that has it"), path);
      return NULL;
    }
  VtSecret *secret = ask_all (terminal, path, is_new, error);
  close (terminal);
  return secret;
}

VtSecret *
vitrine_ctl_unlock (const VtDiskConfig *disk, VtSecret *passphrase, GError **error)
{
  const VitrineKeySource terminal = { NULL, -1 };
  g_autoptr (VtSecret) secret = passphrase != NULL ? vt_secret_ref (passphrase)
                                                   : vitrine_ctl_read_key (&terminal, disk->path, FALSE, error);
  const VtImagePlace place = { .path = disk->path, .format = disk->format, .secret = secret };

  return secret != NULL ? vt_image_unlock (&place, NULL, error) : NULL;
}
