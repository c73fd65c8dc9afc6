/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pseudo terminal as a serial port's other end, and the window's. */
#include <fcntl.h>
#include <unistd.h>

#include "port-rig.h"

#define MANY_BYTES (300u << 10)
#define FIFO_BYTES 16u

static void
set_up (PortRig *port, gconstpointer unused)
{
  port_rig_set_up (port);
}

static void
tear_down (PortRig *port, gconstpointer unused)
{
  port_rig_tear_down (port);
}

static uint8_t
byte_at (guint i)
{
  return (uint8_t) (i * 7 + i / 251);
}

/* The guest empties its FIFO again and again until it has that many bytes, the right ones. */
static void
read_slowly (PortRig *port, guint bytes)
{
  gint64 end = g_get_monotonic_time () + PATIENCE_US;
  for (guint got = 0; got < bytes && g_get_monotonic_time () < end;)
    {
      port_rig_make_room (port, FIFO_BYTES);
      vt_lock (&port->lock);
      got = port->got->len;
      vt_unlock (&port->lock);
    }
  g_assert_cmpuint (port->got->len, ==, bytes);
  for (guint i = 0; i < bytes; i++)
    g_assert_cmpuint (port->got->data[i], ==, byte_at (i));
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
who_writes_faster_than_the_guest_reads_waits (PortRig *port, gconstpointer unused)
{
  g_autofree char *slave = NULL;
  GError          *error = NULL;
  port_rig_connect (port, vt_chardev_pty_new (port->loop, &slave, &error));
  g_assert_no_error (error);
  GThread *writer = g_thread_new ("writer", write_all, slave);
  read_slowly (port, MANY_BYTES);
  g_thread_join (writer);
}

static void
a_large_text_typed_at_once_arrives (PortRig *port, gconstpointer unused)
{
  g_autofree uint8_t *bytes = g_malloc (MANY_BYTES);
  port_rig_connect (port, vt_chardev_ring_new (NULL, NULL));
  for (guint i = 0; i < MANY_BYTES; i++)
    bytes[i] = byte_at (i);
  vt_lock (&port->lock);
  vt_chardev_ring_send (port->chr, bytes, MANY_BYTES);
  vt_unlock (&port->lock);
  read_slowly (port, MANY_BYTES);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add ("/descriptor/" #fn, PortRig, NULL, set_up, fn, tear_down)
  TEST (who_writes_faster_than_the_guest_reads_waits);
  TEST (a_large_text_typed_at_once_arrives);
  return g_test_run ();
}
