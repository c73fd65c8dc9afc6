/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams by port at UNIX sockets: what the guest connects to at port N is the socket PATH_N; who connects to PATH and says
 * "CONNECT N\n" reaches port N of the guest, and is answered "OK N\n". (The protocol of Firecracker's vsock device.) */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends.h"

enum
{
  STREAMS_MAX = 256,
  GREETING_MAX = 32,
  CHUNK = 4096,
};

typedef struct
{
  VtStreamHost host;
  VtLoop      *loop;
  char        *path;
  int          listener;
  GSource     *source;
  unsigned     n_streams;
  GQueue       greeting;      /* Stream*, oldest first: those that have not said where they want to go */
} Host;

typedef struct
{
  VtStream stream;
  Host    *host;
  int      fd;
  GSource *in_source, *out_source;
  bool     finished, gone;             /* no more comes; nobody is there. As told to the device */
  char     greeting[GREETING_MAX];     /* until it is whole */
  unsigned greeting_len;
} Stream;

/* --- A stream that a device has ----------------------------------------------------------------------------------- */

static void watch_input (Stream *s);

/* Nothing more comes. Who has closed only this direction still reads, and is watched until it hangs up. */
static void
tell_end (Stream *s, bool hung_up)
{
  bool first = !s->finished;
  s->finished = true;
  s->gone = hung_up;
  watch_input (s);
  if (hung_up)
    s->stream.client->hung_up (s->stream.client_opaque);
  else if (first)
    s->stream.client->finished (s->stream.client_opaque);
}

static bool
in_ready (void *opaque, int fd, GIOCondition condition)
{
  Stream *s = opaque;
  uint8_t bytes[CHUNK];
  size_t  room = s->finished ? 0 : s->stream.client->can_receive (s->stream.client_opaque);
  ssize_t n = room > 0 ? recv (fd, bytes, MIN (room, sizeof bytes), MSG_DONTWAIT) : 0;
  if (n > 0)
    {
      s->stream.client->receive (s->stream.client_opaque, bytes, (size_t) n);
      return true;
    }
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  g_clear_pointer (&s->in_source, g_source_unref);
  /* Without room it is accept() that watches again. */
  if (s->finished || room > 0)
    tell_end (s, n < 0 || (condition & (G_IO_HUP | G_IO_ERR)) != 0);
  return false;
}

static void
watch_input (Stream *s)
{
  if (s->in_source == NULL && !s->gone)
    s->in_source = vt_loop_watch (s->host->loop, s->fd, (s->finished ? 0 : G_IO_IN) | G_IO_HUP | G_IO_ERR, in_ready, s);
}

static void
stream_accept (VtStream *stream)
{
  watch_input ((Stream *) stream);
}

static bool
out_ready (void *opaque, int fd, GIOCondition condition)
{
  Stream *s = opaque;
  g_clear_pointer (&s->out_source, g_source_unref);
  s->stream.client->writable (s->stream.client_opaque);
  return false;
}

static size_t
stream_write (VtStream *stream, const uint8_t *bytes, size_t n)
{
  Stream *s = (Stream *) stream;
  ssize_t done = send (s->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (done < 0 && errno != EAGAIN && errno != EINTR)
    return n;                /* nobody reads it any more: the input side hears of that */
  done = MAX (done, 0);
  if ((size_t) done < n && s->out_source == NULL)
    s->out_source = vt_loop_watch (s->host->loop, s->fd, G_IO_OUT | G_IO_ERR | G_IO_HUP, out_ready, s);
  return (size_t) done;
}

static void
stream_finish (VtStream *stream)
{
  shutdown (((Stream *) stream)->fd, SHUT_WR);
}

static void
stream_close (VtStream *stream)
{
  Stream *s = (Stream *) stream;
  vt_loop_unwatch (s->in_source);
  vt_loop_unwatch (s->out_source);
  close (s->fd);
  g_queue_remove (&s->host->greeting, s);
  s->host->n_streams--;
  g_free (s);
}

static Stream *
stream_new (Host *host, int fd)
{
  static const VtStreamOps ops = { stream_write, stream_accept, stream_finish, stream_close };
  Stream *s = g_new0 (Stream, 1);
  s->stream.ops = &ops;
  s->host = host;
  s->fd = fd;
  host->n_streams++;
  return s;
}

/* A stream that has not greeted yet holds its place only until somebody else needs it. */
static bool
has_place (Host *host)
{
  if (host->n_streams >= STREAMS_MAX && !g_queue_is_empty (&host->greeting))
    stream_close (g_queue_peek_head (&host->greeting));
  return host->n_streams < STREAMS_MAX;
}

static VtStream *
host_connect (VtStreamHost *base, uint32_t port)
{
  Host              *host = (Host *) base;
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int                len = g_snprintf (address.sun_path, sizeof address.sun_path, "%s_%u", host->path, port);
  if (len >= (int) sizeof address.sun_path || !has_place (host))
    return NULL;
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return &stream_new (host, fd)->stream;
  if (fd >= 0)
    close (fd);
  return NULL;
}

/* --- Who comes from outside --------------------------------------------------------------------------------------- */

static bool
greet (Stream *s)
{
  unsigned port;
  char     rest, answer[GREETING_MAX];
  s->greeting[s->greeting_len - 1] = 0;
  if (sscanf (s->greeting, "CONNECT %u%c", &port, &rest) != 1 || s->host->host.incoming == NULL)
    return false;
  int len = g_snprintf (answer, sizeof answer, "OK %u\n", port);
  return s->host->host.incoming (s->host->host.opaque, &s->stream, port)
         && send (s->fd, answer, (size_t) len, MSG_DONTWAIT | MSG_NOSIGNAL) == len;
}

/* Byte by byte, so that what comes behind the greeting stays for the guest. */
static bool
greeting_ready (void *opaque, int fd, GIOCondition condition)
{
  Stream *s = opaque;
  ssize_t n = 1;
  while (s->greeting_len < GREETING_MAX && (n = recv (fd, s->greeting + s->greeting_len, 1, MSG_DONTWAIT)) == 1)
    if (s->greeting[s->greeting_len++] == '\n')
      {
        g_clear_pointer (&s->in_source, g_source_unref);
        g_queue_remove (&s->host->greeting, s);
        if (!greet (s) && s->stream.client == NULL)
          stream_close (&s->stream);
        return false;
      }
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  g_clear_pointer (&s->in_source, g_source_unref);
  stream_close (&s->stream);
  return false;
}

static bool
listener_ready (void *opaque, int fd, GIOCondition condition)
{
  Host *host = opaque;
  int   client = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client >= 0 && !has_place (host))
    close (client);
  else if (client >= 0)
    {
      Stream *s = stream_new (host, client);
      s->in_source = vt_loop_watch (host->loop, client, G_IO_IN | G_IO_HUP | G_IO_ERR, greeting_ready, s);
      g_queue_push_tail (&host->greeting, s);
    }
  return true;
}

static void
host_close (VtStreamHost *base)
{
  Host *host = (Host *) base;
  while (!g_queue_is_empty (&host->greeting))
    stream_close (g_queue_peek_head (&host->greeting));
  vt_loop_unwatch (host->source);
  close (host->listener);
  unlink (host->path);
  g_free (host->path);
  g_free (host);
}

VtStreamHost *
vt_stream_host_new (VtLoop *loop, const char *path, GError **error)
{
  static const VtStreamHostOps ops = { host_connect, host_close };
  int fd = vt_listen_at (path, error);
  if (fd < 0)
    return NULL;
  Host *host = g_new0 (Host, 1);
  host->host.ops = &ops;
  host->loop = loop;
  host->path = g_strdup (path);
  host->listener = fd;
  host->source = vt_loop_watch (loop, fd, G_IO_IN, listener_ready, host);
  return &host->host;
}
