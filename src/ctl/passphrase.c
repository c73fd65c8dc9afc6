/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "passphrase.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <vitrine/error.h>

enum { LINE_MOST = 512 };

/* One line, which does not show. */
static gboolean
ask (int terminal, const char *question, char line[LINE_MOST])
{
  struct termios before, silent;
  gsize len = 0;
  char c = 0;

  if (tcgetattr (terminal, &before) != 0)
    return FALSE;
  silent = before;
  silent.c_lflag &= ~(tcflag_t) ECHO;
  silent.c_lflag |= ECHONL;
  tcsetattr (terminal, TCSAFLUSH, &silent);
  dprintf (terminal, "%s", question);
  while (read (terminal, &c, 1) == 1 && c != '\n' && len < LINE_MOST - 1)
    line[len++] = c;
  line[len] = '\0';
  tcsetattr (terminal, TCSAFLUSH, &before);
  return c == '\n' && len > 0;
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
