/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usb-giving.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME "vitrine-usb-giver"

/* Beside this program where it was built, else where it is installed. */
static char *
find_giver (void)
{
  const char *wish = g_getenv ("VITRINE_USB_GIVER");      /* for tests */
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (program != NULL ? program : "/usr/bin/vitrine");
  char *beside = g_build_filename (folder, NAME, NULL);

  if (wish != NULL || g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE))
    {
      if (wish == NULL)
        return beside;
      g_free (beside);
      return g_strdup (wish);
    }
  g_free (beside);
  return g_build_filename (VITRINE_LIBEXECDIR, NAME, NULL);
}

/* In the child: whoever started us may end before. */
static void
leave_group (gpointer unused)
{
  setsid ();
}

static gboolean
start (const char *id, int stream, int *out, GError **error)
{
  g_autofree char *giver = find_giver ();
  g_auto(GStrv) numbers = g_strsplit (id, ":", 2);
  const char *argv[] = { giver, numbers[0], g_strv_length (numbers) == 2 ? numbers[1] : "", NULL };

  if (!g_file_test (giver, G_FILE_TEST_IS_EXECUTABLE))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   _("This program was built without usbredir and libusb: it cannot give USB devices away."));
      return FALSE;
    }
  return g_spawn_async_with_pipes_and_fds (NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, leave_group, NULL, stream, -1, -1, NULL, NULL, 0, NULL,
                                           NULL, out, NULL, error);
}

/* What it prints, to its end. */
static gboolean
wait_for (int out, GError **error)
{
  g_autoptr(GString) answer = g_string_new (NULL);
  char bytes[512];
  gssize n;

  while ((n = read (out, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
    g_string_append_len (answer, bytes, MAX (n, 0));
  g_strchomp (answer->str);
  if (g_str_equal (answer->str, "OK"))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                       *answer->str != '\0' ? answer->str : _("The process that gives USB devices away has ended."));
  return FALSE;
}

int
vitrine_usb_give (const char *id, GError **error)
{
  int ends[2], out;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    {
      int saved = errno;
      g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (saved), g_strerror (saved));
      return -1;
    }
  gboolean ok = start (id, ends[1], &out, error);
  close (ends[1]);
  if (ok)
    {
      ok = wait_for (out, error);
      close (out);
    }
  if (ok)
    return ends[0];
  close (ends[0]);
  return -1;
}
