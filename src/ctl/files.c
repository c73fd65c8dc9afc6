/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb send-files. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "ctl.h"
#include "file-keeper.h"
#include "machines.h"
#include "progress.h"

/* Opened here: the machine's process may not open what it likes. -1 after a message. */
static int
open_file (const char *path)
{
  int fd = g_open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);

  if (fd < 0)
    vitrine_ctl_fail (_("Cannot open “%s”: %s"), path, g_strerror (errno));
  return fd;
}

static int
send_opened (const char *words, const char *const *names, const int *fds, guint n)
{
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  g_autoptr(GError) error = NULL;

  if (client == NULL)
    return 1;
  vitrine_ctl_progress_begin (FALSE);
  gboolean ok = vitrine_client_send_files (client, names, fds, n, vitrine_ctl_progress, NULL, &error);
  vitrine_ctl_progress_end ();
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return vitrine_ctl_fail ("%s", _("Sending files was cancelled."));
  return ok ? 0 : vitrine_ctl_fail ("%s", error->message);
}

int
vitrine_ctl_send_files (int argc, char **argv)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
  int fd = 0, status = 1;

  if (argc < 3 || argv[1][0] == '-')
    return vitrine_ctl_usage ("send-files MACHINE FILE…");
  if ((guint) argc - 2 > VITRINE_FILES_MAX)
    return vitrine_ctl_fail (_("At most %u files can be sent at once."), VITRINE_FILES_MAX);
  for (int i = 2; i < argc && fd >= 0; i++)
    {
      fd = open_file (argv[i]);
      g_ptr_array_add (names, g_filename_display_basename (argv[i]));
      g_array_append_val (fds, fd);
    }
  if (fd >= 0)
    status = send_opened (argv[1], (const char *const *) names->pdata, (const int *) fds->data, fds->len);
  for (guint i = 0; i < fds->len; i++)
    if (g_array_index (fds, int, i) >= 0)
      close (g_array_index (fds, int, i));
  return status;
}
