/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pipe, which whoever raises an event writes to. */
#include "trace-pipe.h"

#include <glib-unix.h>
#include <unistd.h>

#include <vitrine/error.h>

#include "loop.h"
#include "trace.h"

typedef struct
{
  int      fd;
  int64_t  since_ns;
  uint64_t lost;      /* events since the last line that fitted */
} Pipe;

static GMutex lock;
static Pipe  *current;   /* guarded by lock; its contents by the trace registry's */

/* A pipe takes up to PIPE_BUF bytes whole or not at all. */
static bool
put (const Pipe *pipe, const char *line, size_t len)
{
  return write (pipe->fd, line, len) == (ssize_t) len;
}

static bool
put_lost (Pipe *pipe)
{
  char line[80];
  int  len = g_snprintf (line, sizeof line, "(%" G_GUINT64_FORMAT " events are missing here)\n", pipe->lost);
  return put (pipe, line, (size_t) len);
}

static void
write_event (void *opaque, const VtTraceEvent *event, const char *text)
{
  Pipe  *pipe = opaque;
  double seconds = (double) (vt_host_now_ns (NULL) - pipe->since_ns) / 1e9;
  char   line[1024];
  int    len = g_snprintf (line, sizeof line, "%.6f %s.%s %s\n", seconds, event->group, event->name, text);
  if (len >= (int) sizeof line)
    {
      len = sizeof line - 1;
      line[len - 1] = '\n';
    }
  if (pipe->lost > 0 && put_lost (pipe))
    pipe->lost = 0;
  if (pipe->lost > 0 || !put (pipe, line, (size_t) len))
    pipe->lost++;
}

static bool
is_free (GError **error)
{
  if (current == NULL)
    return true;
  g_set_error_literal (error, VT_ERROR, VT_ERROR_FAILED, "Somebody else traces this machine. Stop that first");
  return false;
}

bool
vt_host_trace_begin (int fd, GError **error)
{
  g_mutex_lock (&lock);
  bool good = is_free (error) && g_unix_set_fd_nonblocking (fd, TRUE, error);
  if (good)
    {
      current = g_new0 (Pipe, 1);
      current->fd = fd;
      current->since_ns = vt_host_now_ns (NULL);
      vt_trace_set_sink (write_event, current);
    }
  else
    close (fd);
  g_mutex_unlock (&lock);
  return good;
}

void
vt_host_trace_end (void)
{
  g_mutex_lock (&lock);
  if (current != NULL)
    {
      vt_trace_set_sink (NULL, NULL);   /* nobody is in it afterwards */
      close (current->fd);
      g_clear_pointer (&current, g_free);
    }
  g_mutex_unlock (&lock);
}
