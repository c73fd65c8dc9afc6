/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting swtpm (swtpm(8)): its control channel is a socket that it inherits, its data channel one that comes over the first. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "swtpm-control.h"
#include "vitrine/error.h"
#include "vitrine/tpm.h"

#define PROGRAM       "swtpm"
#define VOLATILE_FILE "tpm2-00.volatilestate"
#define START_SECONDS 20u

bool
vt_tpm_is_installed (void)
{
  g_autofree char *path = g_find_program_in_path (PROGRAM);
  return path != NULL;
}

void
vt_tpm_ends_close (VtTpmEnds *ends)
{
  if (ends->control >= 0)
    close (ends->control);
  if (ends->data >= 0)
    close (ends->data);
  *ends = VT_TPM_NO_ENDS;
}

/* swtpm keeps only files in it. */
void
vt_tpm_forget (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  if (dir == NULL)
    return;
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_unlink (path);
    }
  g_rmdir (folder);
}

/* What it wrote last says more than that it is gone. */
static void
add_words (const char *log, GError **error)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents (log, &text, NULL, NULL))
    return;
  g_strchomp (text);
  const char      *last = strrchr (text, '\n');
  g_autofree char *line = g_utf8_make_valid (last != NULL ? last + 1 : text, 200);
  if (*line != '\0' && error != NULL && *error != NULL)
    {
      g_autofree char *message = g_strdup_printf ("%s (%s)", (*error)->message, line);
      g_free ((*error)->message);
      (*error)->message = g_steal_pointer (&message);
    }
}

/* In the child: what a terminal sends to its foreground, such as SIGINT, is not for it. */
static void
leave_terminal (gpointer unused)
{
  setsid ();
}

/* The child is init's: nobody here waits for it, and it ends with its sockets ("--terminate"). */
static bool
spawn (const char *folder, const char *log, int control, GError **error)
{
  enum { CONTROL = 3 };
  g_autofree char   *state = g_strdup_printf ("dir=%s,mode=0600", folder), *to = g_strdup_printf ("file=%s,truncate", log);
  g_autofree char   *channel = g_strdup_printf ("type=unixio,clientfd=%d", CONTROL);
  const char *const  argv[] = { PROGRAM, "socket", "--tpm2", "--tpmstate", state, "--ctrl", channel, "--log", to, "--terminate", NULL };
  const int          target = CONTROL;
  g_autoptr (GError) problem = NULL;
  if (g_spawn_async_with_pipes_and_fds (NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                                        leave_terminal, NULL, -1, -1, -1, &control, &target, 1, NULL, NULL, NULL, NULL, &problem))
    return true;
  if (g_error_matches (problem, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
    g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                 "A machine with a TPM takes the program swtpm, which is not installed (Debian: the package swtpm). "
                 "Install it, or remove the TPM from the machine");
  else
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "The TPM cannot be started: %s", problem->message);
  return false;
}

static bool
connect_ends (const char *folder, VtTpmEnds *ends, GError **error)
{
  g_autofree char *log = g_build_filename (folder, "log", NULL);
  int              control[2], data[2];
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "The TPM cannot be started: %s", g_strerror (errno));
      return false;
    }
  ends->control = control[0];
  bool ok = spawn (folder, log, control[1], error);
  close (control[1]);
  if (!ok)
    return false;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, data) != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "The TPM cannot be started: %s", g_strerror (errno));
      return false;
    }
  ends->data = data[0];
  ok = vt_swtpm_ask (ends->control, &(SwtpmQuestion) { .command = SWTPM_SET_DATA_FD, .descriptor = data[1] },
                     vt_swtpm_deadline (START_SECONDS), error);
  close (data[1]);
  if (!ok)
    {
      g_prefix_error (error, "The TPM cannot be started: ");
      add_words (log, error);
    }
  return ok;
}

bool
vt_tpm_start (const char *folder, VtTpmEnds *ends, GError **error)
{
  g_autofree char *leftover = g_build_filename (folder, VOLATILE_FILE, NULL);
  *ends = VT_TPM_NO_ENDS;
  if (strchr (folder, ',') != NULL)       /* swtpm's options have no way to say that */
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The TPM's folder “%s” has a comma in its name, which swtpm does not take",
                   folder);
      return false;
    }
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot create “%s” for the TPM: %s", folder, g_strerror (errno));
      return false;
    }
  g_unlink (leftover);     /* PCRs of another life, if another program left them: a power-on must not go on from there */
  if (connect_ends (folder, ends, error))
    return true;
  vt_tpm_ends_close (ends);
  return false;
}
