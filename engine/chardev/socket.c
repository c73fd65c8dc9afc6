/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte stream at a UNIX socket that we listen on: one client at a time, the next when that one has left; what it wrote and nobody
 * has read by then is lost. Or one client that is there from the start. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends.h"
#include "vitrine/error.h"

/* Of a client that does not read: then it is sent away, rather than left with gaps. */
#define OUTPUT_MAX     (1024u * 1024u)
#define OUTPUT_MAX_OWN (32u * OUTPUT_MAX)   /* of one that we have made ourselves, which reads when it gets to it */
#define INPUT_MAX  4096u

typedef struct
{
  VtChardev   chr;
  VtLoop     *loop;
  char       *path;
  int         listener, client;      /* -1: none */
  size_t      output_max;
  GSource    *accept_source, *in_source, *out_source;
  GSource    *gone_source;           /* instead of in_source while there is no room: the client may leave all the same */
  GByteArray *output;
  size_t      sent;                  /* of output */
} Socket;

static void say_open (Socket *s, bool open);
static bool accept_ready (void *opaque, int fd, GIOCondition condition);

static void
watch_listener (Socket *s)
{
  if (s->listener >= 0 && s->accept_source == NULL)
    s->accept_source = vt_loop_watch (s->loop, s->listener, G_IO_IN, accept_ready, s);
}

static void
forget_output (Socket *s)
{
  g_byte_array_set_size (s->output, 0);
  s->sent = 0;
}

static void
drop_sources (Socket *s)
{
  vt_loop_unwatch (g_steal_pointer (&s->in_source));
  vt_loop_unwatch (g_steal_pointer (&s->gone_source));
  vt_loop_unwatch (g_steal_pointer (&s->out_source));
}

static void
close_client (Socket *s)
{
  drop_sources (s);
  close (s->client);
  s->client = -1;
  forget_output (s);
  say_open (s, false);
}

static void
send_away (Socket *s)
{
  if (s->client < 0)
    return;
  close_client (s);
  watch_listener (s);
}

static void
say_open (Socket *s, bool open)
{
  s->chr.away = !open;
  if (s->chr.client != NULL && s->chr.client->opened != NULL)
    s->chr.client->opened (s->chr.client_opaque, open);
}

/* --- In ----------------------------------------------------------------------------------------------------------- */

static bool
anything_left (int fd)
{
  uint8_t byte;
  return recv (fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

/* The rest of what it wrote can be read until somebody else comes. */
static void
client_left (Socket *s)
{
  if (anything_left (s->client))
    watch_listener (s);
  else
    send_away (s);
}

static bool
gone_ready (void *opaque, int fd, GIOCondition condition)
{
  Socket *s = opaque;
  g_clear_pointer (&s->gone_source, g_source_unref);
  client_left (s);
  return false;
}

static bool
in_ready (void *opaque, int fd, GIOCondition condition)
{
  Socket *s = opaque;
  uint8_t bytes[INPUT_MAX];
  size_t  room = s->chr.client != NULL ? s->chr.client->can_receive (s->chr.client_opaque) : 0;
  /* No room: the client waits, as on a slow line, until accept() watches again. */
  if (room == 0)
    {
      g_clear_pointer (&s->in_source, g_source_unref);
      if (condition & G_IO_HUP)
        client_left (s);
      else
        s->gone_source = vt_loop_watch (s->loop, s->client, G_IO_HUP | G_IO_ERR, gone_ready, s);
      return false;
    }
  ssize_t n = recv (fd, bytes, MIN (room, sizeof bytes), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (n > 0)
    {
      s->chr.client->receive (s->chr.client_opaque, bytes, (size_t) n);
      return true;
    }
  g_clear_pointer (&s->in_source, g_source_unref);
  send_away (s);
  return false;
}

static void
watch_input (Socket *s)
{
  if (s->client < 0 || s->in_source != NULL)
    return;
  vt_loop_unwatch (g_steal_pointer (&s->gone_source));
  s->in_source = vt_loop_watch (s->loop, s->client, G_IO_IN | G_IO_HUP | G_IO_ERR, in_ready, s);
}

static void
socket_accept (VtChardev *chr)
{
  watch_input ((Socket *) chr);
}

static bool
accept_ready (void *opaque, int fd, GIOCondition condition)
{
  Socket *s = opaque;
  int     client = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0)
    return true;
  g_clear_pointer (&s->accept_source, g_source_unref);
  if (s->client >= 0)
    close_client (s);
  s->client = client;
  say_open (s, true);
  watch_input (s);
  return false;
}

/* --- Out ---------------------------------------------------------------------------------------------------------- */

/* True when nothing is left, or nobody is there any more. */
static bool
flush_output (Socket *s)
{
  while (s->output->len > s->sent)
    {
      ssize_t n = send (s->client, s->output->data + s->sent, s->output->len - s->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return false;
      if (n <= 0)
        break;                 /* the input side hears of it, and sends it away */
      s->sent += (size_t) n;
    }
  forget_output (s);
  return true;
}

static bool
out_ready (void *opaque, int fd, GIOCondition condition)
{
  Socket *s = opaque;
  if (!flush_output (s))
    return true;
  g_clear_pointer (&s->out_source, g_source_unref);
  return false;
}

static void
socket_write (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  Socket *s = (Socket *) chr;
  if (s->client < 0)
    return;
  if (s->sent > s->output->len / 2)
    {
      g_byte_array_remove_range (s->output, 0, (guint) s->sent);
      s->sent = 0;
    }
  if (n > s->output_max - MIN (s->output->len - s->sent, s->output_max))
    {
      send_away (s);
      return;
    }
  g_byte_array_append (s->output, bytes, (guint) n);
  if (!flush_output (s) && s->out_source == NULL)
    s->out_source = vt_loop_watch (s->loop, s->client, G_IO_OUT | G_IO_ERR | G_IO_HUP, out_ready, s);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
socket_close (VtChardev *chr)
{
  Socket *s = (Socket *) chr;
  drop_sources (s);
  vt_loop_unwatch (s->accept_source);
  if (s->client >= 0)
    close (s->client);
  if (s->listener >= 0)
    {
      close (s->listener);
      unlink (s->path);
    }
  g_byte_array_unref (s->output);
  g_free (s->path);
  g_free (s);
}

/* What a process that died left behind is removed; a socket that somebody listens on is not. */
static bool
is_left_behind (const struct sockaddr_un *address)
{
  struct stat about;
  if (lstat (address->sun_path, &about) != 0 || !S_ISSOCK (about.st_mode))
    return false;
  int  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);       /* one with a full backlog is alive */
  bool dead = fd >= 0 && connect (fd, (const struct sockaddr *) address, sizeof *address) != 0 && errno == ECONNREFUSED;
  if (fd >= 0)
    close (fd);
  return dead;
}

int
vt_listen_at (const char *path, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int                fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool               fits = strlen (path) < sizeof address.sun_path;
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if (fits && is_left_behind (&address))
    unlink (path);
  if (!fits)
    errno = ENAMETOOLONG;
  if (fits && fd >= 0 && bind (fd, (struct sockaddr *) &address, sizeof address) == 0 && chmod (path, 0600) == 0
      && listen (fd, 16) == 0)
    return fd;
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Cannot make the socket “%s”: %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}

static Socket *
socket_new (VtLoop *loop, int listener, int client)
{
  static const VtChardevOps ops = { socket_write, socket_accept, socket_close };
  Socket *s = g_new0 (Socket, 1);
  s->chr.ops = &ops;
  s->chr.away = client < 0;
  s->loop = loop;
  s->listener = listener;
  s->client = client;
  s->output_max = client < 0 ? OUTPUT_MAX : OUTPUT_MAX_OWN;
  s->output = g_byte_array_new ();
  watch_listener (s);
  watch_input (s);
  return s;
}

VtChardev *
vt_chardev_socket_new (VtLoop *loop, const char *path, GError **error)
{
  int fd = vt_listen_at (path, error);
  if (fd < 0)
    return NULL;
  Socket *s = socket_new (loop, fd, -1);
  s->path = g_strdup (path);
  return &s->chr;
}

VtChardev *
vt_chardev_connected_new (VtLoop *loop, int fd, GError **error)
{
  int own = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (own >= 0)
    return &socket_new (loop, -1, own)->chr;
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "A port's end is not open: %s", g_strerror (errno));
  return NULL;
}
