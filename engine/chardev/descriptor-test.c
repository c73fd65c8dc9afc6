/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pseudo terminal as a serial port's other end, and the window's. */
#include <fcntl.h>
#include <unistd.h>

#include "backends.h"

#define PATIENCE_US (10 * G_USEC_PER_SEC)
#define MANY_BYTES  (300u << 10)
#define FIFO_BYTES  16u

typedef struct
{
  VtLock      lock;
  VtLoop     *loop;
  VtChardev  *chr;
  GByteArray *got;      /* machine lock */
  size_t      room;     /* likewise */
} Fixture;

static size_t
can_receive (void *opaque)
{
  return ((Fixture *) opaque)->room;
}

static void
receive (void *opaque, const uint8_t *bytes, size_t n)
{
  Fixture *f = opaque;
  g_assert_cmpuint (n, <=, f->room);
  f->room -= n;
  g_byte_array_append (f->got, bytes, (guint) n);
}

static const VtChardevClient client = { can_receive, receive, NULL };

static void
set_up (Fixture *f, gconstpointer unused)
{
  vt_lock_init (&f->lock);
  f->loop = vt_loop_new (&f->lock);
  f->got = g_byte_array_new ();
}

static void
connect_port (Fixture *f, VtChardev *chr)
{
  f->chr = chr;
  vt_lock (&f->lock);
  vt_chardev_connect (chr, &client, f);
  vt_unlock (&f->lock);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  vt_lock (&f->lock);
  f->chr->ops->close (f->chr);
  vt_unlock (&f->lock);
  vt_loop_free (f->loop);
  vt_lock_clear (&f->lock);
  g_byte_array_unref (f->got);
}

static uint8_t
byte_at (guint i)
{
  return (uint8_t) (i * 7 + i / 251);
}

/* The guest empties its FIFO again and again until it has that many bytes, the right ones. */
static void
read_slowly (Fixture *f, guint bytes)
{
  gint64 end = g_get_monotonic_time () + PATIENCE_US;
  for (guint got = 0; got < bytes && g_get_monotonic_time () < end;)
    {
      vt_lock (&f->lock);
      f->room = FIFO_BYTES;
      vt_chardev_accept (f->chr);
      got = f->got->len;
      vt_unlock (&f->lock);
    }
  g_assert_cmpuint (f->got->len, ==, bytes);
  for (guint i = 0; i < bytes; i++)
    g_assert_cmpuint (f->got->data[i], ==, byte_at (i));
}

static gpointer
write_all (gpointer path)
{
  g_autofree uint8_t *bytes = g_malloc (MANY_BYTES);
  int                 fd = open (path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  for (guint i = 0; i < MANY_BYTES; i++)
    bytes[i] = byte_at (i);
  for (guint done = 0; done < MANY_BYTES;)
    {
      ssize_t n = write (fd, bytes + done, MANY_BYTES - done);
      g_assert_cmpint (n, >, 0);
      done += (guint) n;
    }
  close (fd);
  return NULL;
}

static void
who_writes_faster_than_the_guest_reads_waits (Fixture *f, gconstpointer unused)
{
  g_autofree char *slave = NULL;
  GError          *error = NULL;
  connect_port (f, vt_chardev_pty_new (f->loop, &slave, &error));
  g_assert_no_error (error);
  GThread *writer = g_thread_new ("writer", write_all, slave);
  read_slowly (f, MANY_BYTES);
  g_thread_join (writer);
}

static void
a_large_text_typed_at_once_arrives (Fixture *f, gconstpointer unused)
{
  g_autofree uint8_t *bytes = g_malloc (MANY_BYTES);
  connect_port (f, vt_chardev_ring_new (NULL, NULL));
  for (guint i = 0; i < MANY_BYTES; i++)
    bytes[i] = byte_at (i);
  vt_lock (&f->lock);
  vt_chardev_ring_send (f->chr, bytes, MANY_BYTES);
  vt_unlock (&f->lock);
  read_slowly (f, MANY_BYTES);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add ("/descriptor/" #fn, Fixture, NULL, set_up, fn, tear_down)
  TEST (who_writes_faster_than_the_guest_reads_waits);
  TEST (a_large_text_typed_at_once_arrives);
  return g_test_run ();
}
