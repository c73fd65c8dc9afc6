/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb trace. */
#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <unistd.h>

#include <vitrine/trace.h>

#include "ctl.h"
#include "machines.h"

static void
print_event (void *opaque, const char *group, const char *name, bool on)
{
  g_print ("%s.%s\n", group, name);
}

/* Until the machine ends, or this program is stopped. */
static int
copy_lines (int fd)
{
  char bytes[4096];
  ssize_t n;

  while ((n = read (fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0 && (fwrite (bytes, 1, (size_t) n, stdout) != (size_t) n || fflush (stdout) != 0))
      return 1;
  return 0;
}

static int
trace (const char *words, const char *const *globs)
{
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  g_autoptr(GError) error = NULL;
  int ends[2];

  if (client == NULL)
    return 1;
  if (!g_unix_open_pipe (ends, FD_CLOEXEC, &error))
    return vitrine_ctl_fail ("%s", error->message);
  gboolean ok = vitrine_client_call_with_file_sync (client, "Trace", g_variant_new ("(^ash)", globs, 0), ends[1], &error);
  close (ends[1]);
  int status = ok ? copy_lines (ends[0]) : vitrine_ctl_fail ("%s", error->message);
  close (ends[0]);
  return status;
}

int
vitrine_ctl_trace (int argc, char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "--list"))
    {
      vt_machine_trace_foreach (print_event, NULL);
      return 0;
    }
  if (argc < 3 || argv[1][0] == '-')
    return vitrine_ctl_usage ("trace MACHINE EVENT…   (“virtio.*”, “ahci_*”)\n       vitrinectl trace --list");
  return trace (argv[1], (const char *const *) argv + 2);
}
