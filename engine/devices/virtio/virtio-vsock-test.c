/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets of a guest, with a host that has one stream. */
#include "virtio-vsock.h"

#include "driver-rig.h"

enum
{
  RX, TX, EVENTS,
  PACKET = 0x90000, HEADER = 44,
  REQUEST = 1, RESPONSE = 2, RST = 3, SHUTDOWN = 4, RW = 5, UPDATE = 6, ASK = 7,
};

typedef struct
{
  VtStreamHost host;
  VtStream     stream;
  DriverRig    rig;
  GByteArray  *taken;          /* by the host */
  size_t       room;           /* that it has */
  bool         nobody, finished, closed;
} Fixture;

#define FIXTURE(stream_) ((Fixture *) ((char *) (stream_) - offsetof (Fixture, stream)))

static size_t
stream_write (VtStream *stream, const uint8_t *bytes, size_t n)
{
  Fixture *f = FIXTURE (stream);
  size_t   done = MIN (n, f->room);
  g_byte_array_append (f->taken, bytes, (guint) done);
  f->room -= done;
  return done;
}

static void stream_accept (VtStream *stream) { }
static void stream_finish (VtStream *stream) { FIXTURE (stream)->finished = true; }
static void stream_close (VtStream *stream) { FIXTURE (stream)->closed = true; }
static const VtStreamOps stream_ops = { stream_write, stream_accept, stream_finish, stream_close };

static VtStream *
host_connect (VtStreamHost *host, uint32_t port)
{
  Fixture *f = (Fixture *) host;
  f->closed = f->finished = false;
  return f->nobody || port != 99 ? NULL : &f->stream;
}

static const VtStreamHostOps host_ops = { host_connect, NULL };

static Fixture *
fixture_new (gconstpointer forms)
{
  Fixture *f = g_new0 (Fixture, 1);
  f->host.ops = &host_ops;
  f->stream.ops = &stream_ops;
  f->taken = g_byte_array_new ();
  f->room = SIZE_MAX;
  driver_rig_init (&f->rig);
  f->rig.features = *(const uint64_t *) forms;
  driver_rig_plug (&f->rig, &vt_virtio_vsock_pci,
                   &(VtVirtioVsockConfig) { { f->rig.pci->bus, DRIVER_DEVFN }, &f->host, 7, f->rig.features & VIRTIO_F_RING_FORMS });
  driver_start (&f->rig, 3);
  for (unsigned i = 0; i < 12; i++)
    driver_add_buffer (&f->rig, RX, 512, true);
  driver_kick (&f->rig, RX);
  return f;
}

static void
fixture_free (Fixture *f)
{
  driver_rig_clear (&f->rig);
  g_byte_array_unref (f->taken);
  g_free (f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
send (Fixture *f, unsigned op, uint32_t from, uint32_t to, uint32_t len, uint32_t flags, uint32_t fwd)
{
  uint8_t *packet = memset (driver_memory (&f->rig, PACKET), 0, HEADER);
  vt_store_le (packet, 7, 8);
  vt_store_le (packet + 8, 2, 8);
  vt_store_le (packet + 16, from, 4);
  vt_store_le (packet + 20, to, 4);
  vt_store_le (packet + 24, len, 4);
  vt_store_le (packet + 28, 1, 2);
  vt_store_le (packet + 30, op, 2);
  vt_store_le (packet + 32, flags, 4);
  vt_store_le (packet + 36, 1000, 4);
  vt_store_le (packet + 40, fwd, 4);
  memset (packet + HEADER, 0x61, MIN (len, 0x20000));
  driver_offer (&f->rig, TX, &(DriverPart) { PACKET, HEADER + MIN (len, 0x20000), false }, 1);
  driver_kick (&f->rig, TX);
  g_assert_cmpuint (driver_count_used (&f->rig, TX), ==, 1);
}

/* The next packet to the guest: its operation, or 0. */
static unsigned
next (Fixture *f, const uint8_t **packet)
{
  uint32_t len = 0;
  uint64_t at = driver_used (&f->rig, RX, &len);
  if (at == 0)
    return 0;
  *packet = driver_memory (&f->rig, at);
  g_assert_cmpuint (len, ==, HEADER + vt_load_le (*packet + 24, 4));
  g_assert_cmpuint (vt_load_le (*packet + 8, 8), ==, 7);
  return (unsigned) vt_load_le (*packet + 30, 2);
}

static void
bytes_go_both_ways_within_their_credit (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  const uint8_t *packet;
  uint8_t        bytes[512] = { 'h' };
  send (f, REQUEST, 50, 99, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, RESPONSE);
  g_assert_cmpuint (vt_load_le (packet + 16, 4), ==, 99);
  g_assert_cmpuint (vt_load_le (packet + 20, 4), ==, 50);
  f->room = 10;
  send (f, RW, 50, 99, 100, 0, 0);
  g_assert_cmpuint (f->taken->len, ==, 10);
  f->room = SIZE_MAX;
  f->stream.client->writable (f->stream.client_opaque);
  g_assert_cmpuint (f->taken->len, ==, 100);
  send (f, ASK, 50, 99, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, UPDATE);
  g_assert_cmpuint (vt_load_le (packet + 40, 4), ==, 100);
  /* To the guest: a buffer at a time, and 1000 bytes before it says that it has taken some. */
  g_assert_cmpuint (f->stream.client->can_receive (f->stream.client_opaque), ==, 512 - HEADER);
  f->stream.client->receive (f->stream.client_opaque, bytes, 468);
  f->stream.client->receive (f->stream.client_opaque, bytes, 468);
  g_assert_cmpuint (f->stream.client->can_receive (f->stream.client_opaque), ==, 64);
  f->stream.client->receive (f->stream.client_opaque, bytes, 64);
  g_assert_cmpuint (f->stream.client->can_receive (f->stream.client_opaque), ==, 0);
  send (f, UPDATE, 50, 99, 0, 0, 900);
  g_assert_cmpuint (f->stream.client->can_receive (f->stream.client_opaque), ==, 468);
  g_assert_cmpuint (next (f, &packet), ==, RW);
  g_assert_cmphex (packet[HEADER], ==, 'h');
  send (f, SHUTDOWN, 50, 99, 0, 2, 0);
  g_assert_true (f->finished && !f->closed);
  send (f, SHUTDOWN, 50, 99, 0, 1, 0);                /* the other half: hints add up */
  g_assert_true (f->closed);
}

static void
the_last_bytes_arrive_before_the_end (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  const uint8_t *packet;
  send (f, REQUEST, 50, 99, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, RESPONSE);
  f->room = 30;
  send (f, RW, 50, 99, 100, 0, 0);
  send (f, SHUTDOWN, 50, 99, 0, 3, 0);
  g_assert_false (f->finished || f->closed);
  g_assert_cmpuint (next (f, &packet), ==, 0);
  f->room = 69;
  f->stream.client->writable (f->stream.client_opaque);
  g_assert_false (f->finished || f->closed);
  f->room = SIZE_MAX;
  f->stream.client->writable (f->stream.client_opaque);
  g_assert_cmpuint (f->taken->len, ==, 100);
  g_assert_true (f->finished && f->closed);
  g_assert_cmpuint (next (f, &packet), ==, RST);
  /* Nobody takes them any more: over, too. */
  send (f, REQUEST, 51, 99, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, RESPONSE);
  f->room = 0;
  send (f, RW, 51, 99, 100, 0, 0);
  send (f, SHUTDOWN, 51, 99, 0, 3, 0);
  g_assert_false (f->closed);
  f->stream.client->hung_up (f->stream.client_opaque);
  g_assert_true (f->closed);
  g_assert_cmpuint (next (f, &packet), ==, SHUTDOWN);
  g_assert_cmpuint (next (f, &packet), ==, RST);
}

static void
who_asks_for_nobody_is_refused (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  const uint8_t *packet;
  send (f, REQUEST, 50, 98, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, RST);
  send (f, RW, 50, 99, 10, 0, 0);                    /* no such connection */
  g_assert_cmpuint (next (f, &packet), ==, RST);
  send (f, RST, 50, 99, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, 0);
  send (f, REQUEST, 50, 99, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, RESPONSE);
  f->room = 0;
  send (f, RW, 50, 99, 0x10000, 0, 0);
  g_assert_false (f->closed);
  send (f, RW, 50, 99, 1, 0, 0);                     /* more than its credit */
  g_assert_true (f->closed);
  g_assert_cmpuint (next (f, &packet), ==, RST);
  send (f, REQUEST, 51, 99, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, RESPONSE);
  send (f, RW, 51, 99, 0xffffffff, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, RST);
}

static void
the_host_comes_in (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  const uint8_t *packet;
  g_assert_true (f->host.incoming (f->host.opaque, &f->stream, 1234));
  g_assert_cmpuint (next (f, &packet), ==, REQUEST);
  g_assert_cmpuint (vt_load_le (packet + 20, 4), ==, 1234);
  uint32_t port = (uint32_t) vt_load_le (packet + 16, 4);
  g_assert_cmpuint (f->stream.client->can_receive (f->stream.client_opaque), ==, 0);
  send (f, RESPONSE, 1234, port, 0, 0, 0);
  g_assert_cmpuint (f->stream.client->can_receive (f->stream.client_opaque), >, 0);
  /* It has said everything, and still listens. */
  f->stream.client->finished (f->stream.client_opaque);
  g_assert_cmpuint (next (f, &packet), ==, SHUTDOWN);
  g_assert_cmphex (vt_load_le (packet + 32, 4), ==, 2);
  send (f, RW, 1234, port, 10, 0, 0);
  g_assert_cmpuint (f->taken->len, ==, 10);
  f->stream.client->hung_up (f->stream.client_opaque);
  g_assert_cmpuint (next (f, &packet), ==, SHUTDOWN);
  g_assert_cmphex (vt_load_le (packet + 32, 4), ==, 3);
  send (f, RST, 1234, port, 0, 0, 0);
  g_assert_true (f->closed);
}

static void
a_restored_driver_hears_that_all_are_gone (gconstpointer forms)
{
  g_autoptr (Fixture) f = fixture_new (forms);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  const uint8_t *packet;
  VtDevice *dev = f->rig.dev;
  uint32_t  len = 0;
  uint64_t  at = driver_add_buffer (&f->rig, EVENTS, 4, true);
  driver_kick (&f->rig, EVENTS);
  send (f, REQUEST, 50, 99, 0, 0, 0);
  g_assert_cmpuint (next (f, &packet), ==, RESPONSE);
  dev->cls->resume (dev);                            /* a pause changes nothing */
  g_assert_false (f->closed);
  vt_device_save (dev, saved);
  vt_device_reset (dev, VT_RESET_POWER);
  g_assert_true (f->closed);
  g_assert_true (vt_device_load (dev, dev->cls->state.version, saved->data, saved->len, NULL));
  dev->cls->resume (dev);
  g_assert_cmphex (driver_used (&f->rig, EVENTS, &len), ==, at);
  g_assert_cmpuint (driver_get (&f->rig, at, 4), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) driver_rig_add_tests ("virtio-vsock", #fn, fn)
  TEST (bytes_go_both_ways_within_their_credit);
  TEST (the_last_bytes_arrive_before_the_end);
  TEST (who_asks_for_nobody_is_refused);
  TEST (the_host_comes_in);
  TEST (a_restored_driver_hears_that_all_are_gone);
  return g_test_run ();
}
