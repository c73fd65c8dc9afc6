/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The network card as a driver and a network see it. */
#include "virtio-net.h"

#include "driver-rig.h"

enum { RX, TX, HEADER = 12 };

typedef struct
{
  DriverRig rig;
  VtNet     net;
  GArray   *sent;        /* bytes of the last frame */
  unsigned  n_sent;
} Fixture;

static void
sent (VtNet *net, const uint8_t *frame, size_t len)
{
  Fixture *f = (Fixture *) ((char *) net - offsetof (Fixture, net));
  g_array_set_size (f->sent, 0);
  g_array_append_vals (f->sent, frame, (guint) len);
  f->n_sent++;
}

static const VtNetOps net_ops = { .send = sent };

static Fixture *
fixture_new (void)
{
  Fixture *f = g_new0 (Fixture, 1);
  driver_rig_init (&f->rig);
  f->net.ops = &net_ops;
  f->sent = g_array_new (FALSE, FALSE, 1);
  driver_rig_plug (&f->rig, &vt_virtio_net_pci,
                   &(VtVirtioNetConfig) { { f->rig.pci->bus, DRIVER_DEVFN }, &f->net, { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc } });
  driver_start (&f->rig, 2);
  return f;
}

static void
fixture_free (Fixture *f)
{
  driver_rig_clear (&f->rig);
  g_array_unref (f->sent);
  g_free (f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
receive (Fixture *f, uint8_t fill, size_t len)
{
  g_autofree uint8_t *frame = g_malloc (len);
  memset (frame, fill, len);
  f->net.client->receive (f->net.client_opaque, frame, len);
}

static void
it_has_an_address_and_a_link (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_assert_cmphex (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG, 4), ==, 0xaa005452);
  g_assert_cmphex (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 6, 2), ==, 1);
  vt_virtio_net_set_link (f->rig.dev, false);
  g_assert_cmphex (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 6, 2), ==, 0);
  g_assert_cmphex (driver_get (&f->rig, DRIVER_REGS + DRIVER_ISR, 1) & 2, ==, 2);
}

static void
frames_go_out_without_their_header (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  uint64_t at = driver_add_buffer (&f->rig, TX, HEADER + 60, false);
  uint32_t len = 0;
  memset (f->rig.pci->ram->host + at, 0xee, HEADER);
  memset (f->rig.pci->ram->host + at + HEADER, 0x11, 60);
  driver_kick (&f->rig, TX);
  g_assert_cmpuint (f->n_sent, ==, 1);
  g_assert_cmpuint (f->sent->len, ==, 60);
  g_assert_cmphex ((uint8_t) f->sent->data[0], ==, 0x11);
  g_assert_cmphex (driver_used (&f->rig, TX, &len), ==, at);
  /* Nothing to send, and less than a header: taken and dropped. */
  driver_add_buffer (&f->rig, TX, HEADER, false);
  driver_add_buffer (&f->rig, TX, 3, false);
  driver_kick (&f->rig, TX);
  g_assert_cmpuint (f->n_sent, ==, 1);
  g_assert_cmphex (driver_used (&f->rig, TX, &len), !=, 0);
  g_assert_cmphex (driver_used (&f->rig, TX, &len), !=, 0);
}

static void
frames_come_in_behind_one (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  uint64_t at = driver_add_buffer (&f->rig, RX, 2048, true);
  uint32_t len = 0;
  receive (f, 0x77, 100);
  g_assert_cmphex (driver_used (&f->rig, RX, &len), ==, at);
  g_assert_cmpuint (len, ==, HEADER + 100);
  g_assert_cmphex (driver_get (&f->rig, at, 8), ==, 0);
  g_assert_cmphex (driver_get (&f->rig, at + 10, 4), ==, 0x77770001);
}

static void
they_wait_for_buffers_up_to_a_limit (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  uint32_t len = 0;
  for (unsigned i = 0; i < 2000; i++)
    receive (f, (uint8_t) i, 1500);
  for (unsigned i = 0; i < 8; i++)
    driver_add_buffer (&f->rig, RX, 2048, true);
  driver_kick (&f->rig, RX);
  for (unsigned i = 0; i < 8; i++)
    {
      uint64_t at = driver_used (&f->rig, RX, &len);
      g_assert_cmphex (driver_get (&f->rig, at + HEADER, 1), ==, i);
    }
  /* A frame for a buffer that is too small is lost, and the others are not. */
  driver_add_buffer (&f->rig, RX, 64, true);
  uint64_t good = driver_add_buffer (&f->rig, RX, 2048, true);
  driver_kick (&f->rig, RX);
  g_assert_cmphex (driver_used (&f->rig, RX, &len), !=, 0);
  g_assert_cmpuint (len, ==, 0);
  g_assert_cmphex (driver_used (&f->rig, RX, &len), ==, good);
  g_assert_cmphex (driver_get (&f->rig, good + HEADER, 1), ==, 9);
}

static void
without_a_cable_nothing_moves (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  uint32_t len = 0;
  vt_virtio_net_set_link (f->rig.dev, false);
  driver_add_buffer (&f->rig, RX, 2048, true);
  driver_add_buffer (&f->rig, TX, 100, false);
  receive (f, 1, 100);
  driver_kick (&f->rig, TX);
  g_assert_cmpuint (f->n_sent, ==, 0);
  g_assert_cmphex (driver_used (&f->rig, RX, &len), ==, 0);
  vt_virtio_net_set_link (f->rig.dev, true);
  receive (f, 1, 100);
  g_assert_cmphex (driver_used (&f->rig, RX, &len), !=, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio-net/config", it_has_an_address_and_a_link);
  g_test_add_func ("/virtio-net/out", frames_go_out_without_their_header);
  g_test_add_func ("/virtio-net/in", frames_come_in_behind_one);
  g_test_add_func ("/virtio-net/waiting", they_wait_for_buffers_up_to_a_limit);
  g_test_add_func ("/virtio-net/cable", without_a_cable_nothing_moves);
  return g_test_run ();
}
