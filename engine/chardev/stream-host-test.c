/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams by port, with a device that has one at a time. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends.h"

enum { STREAMS = 256 };      /* of a host */
#define PATIENCE_US (10 * G_USEC_PER_SEC)

typedef struct
{
  VtLock        lock;
  VtLoop       *loop;
  char         *folder, *path;
  VtStreamHost *host;
  /* The device; machine lock. */
  VtStream     *stream;
  uint32_t      port;
  unsigned      came, finished, hung_up;
  size_t        room;
  GByteArray   *got;
} Fixture;

static size_t can_receive (void *opaque) { return ((Fixture *) opaque)->room; }
static void finished (void *opaque) { ((Fixture *) opaque)->finished++; }
static void hung_up (void *opaque) { ((Fixture *) opaque)->hung_up++; }
static void writable (void *opaque) { }

static void
receive (void *opaque, const uint8_t *bytes, size_t n)
{
  Fixture *f = opaque;
  f->room -= n;
  g_byte_array_append (f->got, bytes, (guint) n);
}

static const VtStreamClient client = { can_receive, receive, writable, finished, hung_up };

static void
take (Fixture *f, VtStream *stream)
{
  stream->client = &client;
  stream->client_opaque = f;
  f->stream = stream;
}

static bool
incoming (void *opaque, VtStream *stream, uint32_t port)
{
  Fixture *f = opaque;
  if (f->stream != NULL)
    return false;
  take (f, stream);
  f->port = port;
  f->came++;
  return true;
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  GError *error = NULL;
  vt_lock_init (&f->lock);
  f->loop = vt_loop_new (&f->lock);
  f->folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "streams", NULL);
  f->got = g_byte_array_new ();
  f->room = 4096;
  f->host = vt_stream_host_new (f->loop, f->path, &error);
  g_assert_no_error (error);
  vt_lock (&f->lock);
  f->host->incoming = incoming;
  f->host->opaque = f;
  vt_unlock (&f->lock);
}

static void
drop_stream (Fixture *f)
{
  VtStream *stream = g_steal_pointer (&f->stream);
  if (stream != NULL)
    stream->ops->close (stream);
}

static void
close_host (Fixture *f)
{
  vt_lock (&f->lock);
  drop_stream (f);
  if (f->host != NULL)
    f->host->ops->close (f->host);
  f->host = NULL;
  vt_unlock (&f->lock);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  close_host (f);
  vt_loop_free (f->loop);
  vt_lock_clear (&f->lock);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->folder);
  g_free (f->path);
  g_byte_array_unref (f->got);
}

static int
join (Fixture *f)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int                fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_strlcpy (address.sun_path, f->path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static void
say (int fd, const char *text)
{
  g_assert_cmpint (send (fd, text, strlen (text), MSG_NOSIGNAL), ==, strlen (text));
}

/* What the host sends, as much as `text`. */
static void
hear (int fd, const char *text)
{
  char bytes[64];
  g_assert_cmpint (recv (fd, bytes, strlen (text), MSG_WAITALL), ==, strlen (text));
  g_assert_cmpmem (bytes, strlen (text), text, strlen (text));
}

/* The host has closed it. */
static void
assert_closed (int fd)
{
  char byte;
  g_assert_cmpint (recv (fd, &byte, 1, 0), <=, 0);
  close (fd);
}

static void
await (Fixture *f, const unsigned *number, unsigned at_least)
{
  for (gint64 end = g_get_monotonic_time () + PATIENCE_US;; g_thread_yield ())
    {
      vt_lock (&f->lock);
      unsigned value = *number;
      vt_unlock (&f->lock);
      if (value >= at_least)
        return;
      g_assert_cmpint (g_get_monotonic_time (), <, end);
    }
}

static void
accept_now (Fixture *f)
{
  vt_lock (&f->lock);
  f->stream->ops->accept (f->stream);
  vt_unlock (&f->lock);
}

static void
who_greets_reaches_its_port (Fixture *f, gconstpointer unused)
{
  int fd = join (f);
  say (fd, "CONNECT 1234\nhello");
  hear (fd, "OK 1234\n");
  g_assert_cmpuint (f->port, ==, 1234);
  accept_now (f);
  await (f, &f->got->len, 5);
  g_assert_cmpmem (f->got->data, f->got->len, "hello", 5);
  vt_lock (&f->lock);
  g_assert_cmpuint (f->stream->ops->write (f->stream, (const uint8_t *) "answer", 6), ==, 6);
  vt_unlock (&f->lock);
  hear (fd, "answer");
  /* A second one is refused, and so is nonsense. */
  int second = join (f), third = join (f), fourth = join (f);
  say (second, "CONNECT 1234\n");
  say (third, "GET /\n");
  say (fourth, "CONNECT 0000000000000000000000000000000000000000");
  assert_closed (second);
  assert_closed (third);
  assert_closed (fourth);
  close (fd);
  await (f, &f->hung_up, 1);
}

static void
the_guest_reaches_who_listens (Fixture *f, gconstpointer unused)
{
  g_autofree char *path = g_strdup_printf ("%s_99", f->path);
  int listener = vt_listen_at (path, NULL);
  vt_lock (&f->lock);
  g_assert_null (f->host->ops->connect (f->host, 98));
  take (f, f->host->ops->connect (f->host, 99));
  f->stream->ops->write (f->stream, (const uint8_t *) "hi", 2);
  vt_unlock (&f->lock);
  int fd = accept (listener, NULL, NULL);
  hear (fd, "hi");
  close (fd);
  close (listener);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
half_a_close_is_not_the_end (Fixture *f, gconstpointer unused)
{
  int fd = join (f);
  say (fd, "CONNECT 7\n");
  hear (fd, "OK 7\n");
  accept_now (f);
  say (fd, "all");
  g_assert_cmpint (shutdown (fd, SHUT_WR), ==, 0);
  await (f, &f->finished, 1);
  g_assert_cmpmem (f->got->data, f->got->len, "all", 3);
  for (unsigned i = 0; i < 10; i++)
    accept_now (f);
  vt_lock (&f->lock);
  g_assert_cmpuint (f->stream->ops->write (f->stream, (const uint8_t *) "and back", 8), ==, 8);
  vt_unlock (&f->lock);
  hear (fd, "and back");
  g_assert_cmpuint (f->hung_up, ==, 0);
  close (fd);
  await (f, &f->hung_up, 1);
  /* Neither is told again: what runs on the loop now comes behind it. */
  int second = join (f);
  for (unsigned i = 0; i < 10; i++)
    accept_now (f);
  say (second, "CONNECT 7\n");
  assert_closed (second);
  g_assert_cmpuint (f->finished, ==, 1);
  g_assert_cmpuint (f->hung_up, ==, 1);
}

static void
who_never_greets_makes_place (Fixture *f, gconstpointer unused)
{
  int silent[STREAMS];
  for (unsigned i = 0; i < STREAMS; i++)
    silent[i] = join (f);
  int fd = join (f);
  say (fd, "CONNECT 7\n");
  hear (fd, "OK 7\n");
  assert_closed (silent[0]);                          /* the oldest */
  say (silent[1], "CONNECT 8");
  /* The rest ends with the host. */
  close_host (f);
  for (unsigned i = 1; i < STREAMS; i++)
    assert_closed (silent[i]);
  assert_closed (fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add ("/stream-host/" #fn, Fixture, NULL, set_up, fn, tear_down)
  TEST (who_greets_reaches_its_port);
  TEST (the_guest_reaches_who_listens);
  TEST (half_a_close_is_not_the_end);
  TEST (who_never_greets_makes_place);
  return g_test_run ();
}
