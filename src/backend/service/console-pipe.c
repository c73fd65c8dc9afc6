/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A serial console as a socket. */
#include "console-pipe.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

struct VitrineConsolePipe
{
  VitrineBackend *backend;
  guint           console;
  int             fd;
  guint           readable;   /* source id; 0 once the client is gone */
  gulong          output;
};

static gboolean
client_sent (int fd, GIOCondition condition, gpointer data)
{
  VitrineConsolePipe *pipe = data;
  guint8 bytes[1024];
  gssize n = read (fd, bytes, sizeof bytes);

  if (n > 0)
    vitrine_backend_console_send (pipe->backend, pipe->console, bytes, n);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
    return G_SOURCE_CONTINUE;
  pipe->readable = 0;
  return G_SOURCE_REMOVE;
}

static void
guest_printed (VitrineConsolePipe *pipe, guint console, GBytes *bytes)
{
  gsize n;
  const guint8 *data = g_bytes_get_data (bytes, &n);

  if (console == pipe->console && pipe->readable != 0)
    while (n > 0)
      {
        gssize written = send (pipe->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written <= 0)
          break;
        data += written;
        n -= written;
      }
}

VitrineConsolePipe *
vitrine_console_pipe_new (VitrineBackend *backend, guint console, int *other, GError **error)
{
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
    {
      int saved = errno;
      g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (saved), g_strerror (saved));
      return NULL;
    }
  VitrineConsolePipe *pipe = g_new0 (VitrineConsolePipe, 1);
  pipe->backend = g_object_ref (backend);
  pipe->console = console;
  pipe->fd = ends[0];
  *other = ends[1];
  pipe->readable = g_unix_fd_add (pipe->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, client_sent, pipe);
  pipe->output = g_signal_connect_swapped (backend, "console-output", G_CALLBACK (guest_printed), pipe);
  g_autoptr(GBytes) history = vitrine_backend_get_console_history (backend, console);
  if (history != NULL)
    guest_printed (pipe, console, history);
  return pipe;
}

void
vitrine_console_pipe_free (VitrineConsolePipe *pipe)
{
  g_clear_signal_handler (&pipe->output, pipe->backend);
  g_clear_handle_id (&pipe->readable, g_source_remove);
  g_object_unref (pipe->backend);
  close (pipe->fd);
  g_free (pipe);
}
