/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "console-pipe.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAST_WORDS_MS 200

struct VitrineConsolePipe
{
  VitrineBackend *backend;
  guint           console;
  void          (*gone) (VitrineConsolePipe *pipe, gpointer data);
  gpointer        data;
  int             fd;
  guint           readable, writable;   /* source ids; writable: 0 while nothing waits */
  GByteArray     *waiting;              /* for the client to read */
  gsize           lost;                 /* bytes that came before what waits */
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
  g_clear_handle_id (&pipe->writable, g_source_remove);
  g_clear_signal_handler (&pipe->output, pipe->backend);
  pipe->gone (pipe, pipe->data);
  return G_SOURCE_REMOVE;
}

static void
tell_lost (VitrineConsolePipe *pipe)
{
  if (pipe->lost == 0)
    return;
  g_autofree char *size = g_format_size_full (pipe->lost, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *line = g_strdup_printf (_("[%s of what the machine printed were not read in time.]"), size);
  g_autofree char *words = g_strdup_printf ("\r\n%s\r\n", line);
  pipe->lost = 0;
  g_byte_array_prepend (pipe->waiting, (const guint8 *) words, (guint) strlen (words));
}

/* False: something is left, and the client does not take it now. */
static gboolean
send_waiting (VitrineConsolePipe *pipe)
{
  gsize sent = 0;
  gssize n = 0;

  tell_lost (pipe);
  while (sent < pipe->waiting->len && (n >= 0 || errno == EINTR))
    {
      n = send (pipe->fd, pipe->waiting->data + sent, pipe->waiting->len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      sent += n > 0 ? (gsize) n : 0;
    }
  /* Nobody reads it any more: client_sent() hears of that. */
  if (n < 0 && errno != EAGAIN)
    sent = pipe->waiting->len;
  g_byte_array_remove_range (pipe->waiting, 0, (guint) sent);
  return pipe->waiting->len == 0;
}

static gboolean
client_reads (int fd, GIOCondition condition, gpointer data)
{
  VitrineConsolePipe *pipe = data;

  if (!send_waiting (pipe))
    return G_SOURCE_CONTINUE;
  pipe->writable = 0;
  return G_SOURCE_REMOVE;
}

static void
guest_printed (VitrineConsolePipe *pipe, guint console, GBytes *bytes)
{
  gsize n;
  const guint8 *data = g_bytes_get_data (bytes, &n);

  if (console != pipe->console)
    return;
  if (pipe->waiting->len + n > VITRINE_CONSOLE_PIPE_BYTES)
    {
      gsize too_many = n > VITRINE_CONSOLE_PIPE_BYTES ? n - VITRINE_CONSOLE_PIPE_BYTES : 0;
      pipe->lost += pipe->waiting->len + too_many;
      g_byte_array_set_size (pipe->waiting, 0);
      data += too_many;
      n -= too_many;
    }
  g_byte_array_append (pipe->waiting, data, (guint) n);
  if (pipe->writable == 0 && !send_waiting (pipe))
    pipe->writable = g_unix_fd_add (pipe->fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, client_reads, pipe);
}

/* The machine ends: its last words are worth a moment. */
static void
send_last_words (VitrineConsolePipe *pipe)
{
  gint64 end = g_get_monotonic_time () + LAST_WORDS_MS * 1000;

  while (!send_waiting (pipe) && g_get_monotonic_time () < end)
    {
      GPollFD poller = { .fd = pipe->fd, .events = G_IO_OUT };
      g_poll (&poller, 1, LAST_WORDS_MS / 10);
    }
}

VitrineConsolePipe *
vitrine_console_pipe_new (VitrineBackend *backend, guint console, void (*gone) (VitrineConsolePipe *pipe, gpointer data), gpointer data,
                          int *other, GError **error)
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
  pipe->gone = gone;
  pipe->data = data;
  pipe->fd = ends[0];
  pipe->waiting = g_byte_array_new ();
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
  if (pipe->readable != 0)
    send_last_words (pipe);
  g_clear_signal_handler (&pipe->output, pipe->backend);
  g_clear_handle_id (&pipe->readable, g_source_remove);
  g_clear_handle_id (&pipe->writable, g_source_remove);
  g_byte_array_unref (pipe->waiting);
  g_object_unref (pipe->backend);
  close (pipe->fd);
  g_free (pipe);
}
