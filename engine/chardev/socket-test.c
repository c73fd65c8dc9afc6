/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The socket of a serial port. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "port-rig.h"

typedef struct
{
  PortRig port;
  char   *folder, *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  GError *error = NULL;
  f->folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "serial", NULL);
  port_rig_set_up (&f->port);
  port_rig_connect (&f->port, vt_chardev_socket_new (f->port.loop, f->path, &error));
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  port_rig_tear_down (&f->port);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);       /* the socket is gone */
  g_free (f->folder);
  g_free (f->path);
}

static struct sockaddr_un
address_of (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  return address;
}

static int
join (const char *path)
{
  struct sockaddr_un address = address_of (path);
  int                fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static unsigned
get (Fixture *f, const unsigned *number)
{
  vt_lock (&f->port.lock);
  unsigned value = *number;
  vt_unlock (&f->port.lock);
  return value;
}

static void
await (Fixture *f, const unsigned *number, unsigned at_least)
{
  for (gint64 end = g_get_monotonic_time () + PATIENCE_US; get (f, number) < at_least; g_thread_yield ())
    g_assert_cmpint (g_get_monotonic_time (), <, end);
}

static void
one_client_after_another (Fixture *f, gconstpointer unused)
{
  char answer[8];
  port_rig_make_room (&f->port, 100);
  int first = join (f->path);
  await (f, &f->port.opened, 1);
  int second = join (f->path);                        /* waits for its turn */
  g_assert_cmpint (write (second, "two", 3), ==, 3);
  g_assert_cmpint (write (first, "one", 3), ==, 3);
  await (f, &f->port.got->len, 3);
  vt_lock (&f->port.lock);
  vt_chardev_write (f->port.chr, (const uint8_t *) "hello", 5);
  vt_unlock (&f->port.lock);
  g_assert_cmpint (recv (first, answer, 5, MSG_WAITALL), ==, 5);
  g_assert_cmpmem (answer, 5, "hello", 5);
  close (first);
  await (f, &f->port.got->len, 6);
  g_assert_cmpmem (f->port.got->data, f->port.got->len, "onetwo", 6);
  close (second);
  await (f, &f->port.left, 2);
}

static void
who_wrote_and_left_is_read_to_the_end (Fixture *f, gconstpointer unused)
{
  int fd = join (f->path);
  g_assert_cmpint (write (fd, "last words", 10), ==, 10);
  close (fd);
  await (f, &f->port.opened, 1);
  await (f, &f->port.asked, 1);                            /* and had no room */
  port_rig_make_room (&f->port, 4);
  await (f, &f->port.got->len, 4);
  port_rig_make_room (&f->port, 100);
  await (f, &f->port.left, 1);
  g_assert_cmpmem (f->port.got->data, f->port.got->len, "last words", 10);
  /* One that leaves without a word makes place although there is no room. */
  port_rig_make_room (&f->port, 0);
  close (join (f->path));
  await (f, &f->port.left, 2);
}

/* A guest that does not read keeps nobody out. */
static void
who_left_unread_makes_place (Fixture *f, gconstpointer unused)
{
  int first = join (f->path);
  g_assert_cmpint (write (first, "nobody reads", 12), ==, 12);
  await (f, &f->port.asked, 1);                            /* and had no room */
  close (first);
  int second = join (f->path);
  await (f, &f->port.opened, 2);
  g_assert_cmpuint (get (f, &f->port.left), ==, 1);
  g_assert_cmpint (write (second, "nor this", 8), ==, 8);
  close (second);                                     /* perhaps before anybody has looked */
  int third = join (f->path);
  await (f, &f->port.opened, 3);
  port_rig_make_room (&f->port, 100);
  g_assert_cmpint (write (third, "new", 3), ==, 3);
  await (f, &f->port.got->len, 3);
  g_assert_cmpmem (f->port.got->data, f->port.got->len, "new", 3);
  close (third);
  await (f, &f->port.left, 3);
}

/* A listener that accepts nobody lives all the same: asking it whether it does must not wait for it. */
static void
a_busy_socket_is_not_taken_away (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char   *path = g_build_filename (f->folder, "busy", NULL);
  struct sockaddr_un address = address_of (path);
  int listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting[8], n = 0;
  g_assert_cmpint (bind (listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (listener, 0), ==, 0);
  do
    waiting[n] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  while (connect (waiting[n++], (struct sockaddr *) &address, sizeof address) == 0 && n < (int) G_N_ELEMENTS (waiting));
  g_assert_cmpint (errno, ==, EAGAIN);
  alarm (20);
  g_assert_cmpint (vt_listen_at (path, &error), ==, -1);
  alarm (0);
  g_assert_nonnull (error);
  while (n > 0)
    close (waiting[--n]);
  close (listener);
  /* And one that nobody listens on any more is. */
  int fd = vt_listen_at (path, NULL);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
an_end_of_our_own_is_there_from_the_start (Fixture *f, gconstpointer unused)
{
  GError *error = NULL;
  int     ends[2];
  uint8_t bytes[100];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  vt_lock (&f->port.lock);
  VtChardev *chr = vt_chardev_connected_new (f->port.loop, ends[0], &error);
  g_assert_no_error (error);
  close (ends[0]);
  vt_chardev_connect (chr, &port_rig_client, &f->port);
  g_assert_false (chr->away);
  /* Far more than a socket's buffer takes. */
  static const uint8_t much[8 << 20];
  vt_chardev_write (chr, much, sizeof much);
  vt_unlock (&f->port.lock);
  for (size_t got = 0; got < sizeof much;)
    {
      ssize_t n = recv (ends[1], bytes, sizeof bytes, 0);
      g_assert_cmpint (n, >, 0);
      got += (size_t) n;
    }
  close (ends[1]);
  await (f, &f->port.left, 1);
  vt_lock (&f->port.lock);
  chr->ops->close (chr);
  vt_unlock (&f->port.lock);
  g_assert_null (vt_chardev_connected_new (f->port.loop, -1, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add ("/socket/" #fn, Fixture, NULL, set_up, fn, tear_down)
  TEST (one_client_after_another);
  TEST (who_wrote_and_left_is_read_to_the_end);
  TEST (who_left_unread_makes_place);
  TEST (a_busy_socket_is_not_taken_away);
  TEST (an_end_of_our_own_is_there_from_the_start);
  return g_test_run ();
}
