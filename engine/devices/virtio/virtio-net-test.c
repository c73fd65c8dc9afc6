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
                   &(VtVirtioNetConfig) { { f->rig.pci->bus, DRIVER_DEVFN }, &f->net, { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc },
                                          4, VIRTIO_F_RING_FORMS });
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

/* --- Offloads ----------------------------------------------------------------------------------------------------- */

static unsigned
sum16 (const uint8_t *bytes, size_t len, unsigned sum)
{
  for (size_t i = 0; i < len; i++)
    sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/* A TCP segment over IPv4 with `payload` bytes that count up, and the checksum of its pseudo header as a driver leaves it. */
static size_t
make_tcp (uint8_t *frame, size_t payload, unsigned flags)
{
  memset (frame, 0, 54);
  memcpy (frame, "\x52\x54\0\1\2\3\x52\x54\0\4\5\6\x8\0", 14);
  uint8_t *ip = frame + 14, *tcp = ip + 20;
  ip[0] = 0x45;
  ip[2] = (uint8_t) ((40 + payload) >> 8);
  ip[3] = (uint8_t) (40 + payload);
  ip[5] = 7;
  ip[8] = 64;
  ip[9] = 6;
  memcpy (ip + 12, "\x0a\0\2\x0f\x0a\0\2\2", 8);
  memcpy (tcp, "\x30\x39\0\x50\0\0\x10\0", 8);
  tcp[12] = 0x50;
  tcp[13] = (uint8_t) flags;
  unsigned pseudo = sum16 (ip + 12, 8, (unsigned) (6 + 20 + payload));
  tcp[16] = (uint8_t) (pseudo >> 8);
  tcp[17] = (uint8_t) pseudo;
  for (size_t i = 0; i < payload; i++)
    frame[54 + i] = (uint8_t) i;
  return 54 + payload;
}

static void
assert_checksums (const uint8_t *frame, size_t len)
{
  const uint8_t *ip = frame + 14;
  size_t         tcp_len = len - 34;
  g_assert_cmphex (sum16 (ip, 20, 0), ==, 0xffff);
  g_assert_cmphex (sum16 (ip + 20, tcp_len, sum16 (ip + 12, 8, (unsigned) (6 + tcp_len))), ==, 0xffff);
}

static void
start_with (Fixture *f, uint64_t features, unsigned n_queues)
{
  f->rig.features = features;
  driver_start (&f->rig, n_queues);
}

static void
put_header (Fixture *f, uint64_t at, unsigned flags, unsigned gso, unsigned size)
{
  uint8_t *header = memset (driver_memory (&f->rig, at), 0, HEADER);
  header[0] = (uint8_t) flags;
  header[1] = (uint8_t) gso;
  vt_store_le (header + 2, 54, 2);
  vt_store_le (header + 4, size, 2);
  vt_store_le (header + 6, 34, 2);
  vt_store_le (header + 8, 16, 2);
}

static void
checksums_are_made (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  start_with (f, VIRTIO_F (0), 2);
  uint64_t at = driver_add_buffer (&f->rig, TX, HEADER + 54 + 101, false);
  put_header (f, at, 1, 0, 0);
  uint8_t *frame = driver_memory (&f->rig, at + HEADER);
  make_tcp (frame, 101, 0x18);
  unsigned ip_sum = sum16 (frame + 14, 20, 0) ^ 0xffff;
  frame[24] = (uint8_t) (ip_sum >> 8);
  frame[25] = (uint8_t) ip_sum;
  driver_kick (&f->rig, TX);
  g_assert_cmpuint (f->sent->len, ==, 155);
  assert_checksums ((const uint8_t *) f->sent->data, f->sent->len);
  /* A place that is not in the frame. */
  at = driver_add_buffer (&f->rig, TX, HEADER + 60, false);
  put_header (f, at, 1, 0, 0);
  vt_store_le (driver_memory (&f->rig, at + 6), 59, 2);
  driver_kick (&f->rig, TX);
  g_assert_cmpuint (f->n_sent, ==, 1);
}

typedef struct
{
  unsigned n;
  size_t   total;
  uint32_t sequence;
  uint8_t  flags[64], bytes[65536];
} Pieces;

static Pieces pieces;

static void
sent_piece (VtNet *net, const uint8_t *frame, size_t len)
{
  assert_checksums (frame, len);
  g_assert_cmpuint ((unsigned) (frame[16] << 8 | frame[17]), ==, len - 14);
  g_assert_cmphex ((unsigned) (frame[18] << 8 | frame[19]), ==, 7 + pieces.n);
  g_assert_cmphex ((unsigned) (frame[40] << 8 | frame[41]), ==, 0x1000 + pieces.total);
  pieces.flags[pieces.n++] = frame[47];
  memcpy (pieces.bytes + pieces.total, frame + 54, len - 54);
  pieces.total += len - 54;
}

static void
tcp_is_cut_into_segments (void)
{
  static const VtNetOps ops = { .send = sent_piece };
  g_autoptr (Fixture) f = fixture_new ();
  f->net.ops = &ops;
  start_with (f, VIRTIO_F (0) | VIRTIO_F (11), 2);
  pieces = (Pieces) { .n = 0 };
  uint64_t at = 0x90000;
  put_header (f, at, 1, 1, 1000);
  size_t len = make_tcp (driver_memory (&f->rig, at + HEADER), 40500, 0x99);     /* CWR, ACK, PSH, FIN */
  driver_offer (&f->rig, TX, &(DriverPart) { at, (uint32_t) (HEADER + len), false }, 1);
  driver_kick (&f->rig, TX);
  g_assert_cmpuint (pieces.n, ==, 41);
  g_assert_cmpuint (pieces.total, ==, 40500);
  for (unsigned i = 0; i < 40500; i++)
    g_assert_cmphex (pieces.bytes[i], ==, (uint8_t) i);
  g_assert_cmphex (pieces.flags[0], ==, 0x90);
  g_assert_cmphex (pieces.flags[1], ==, 0x10);
  g_assert_cmphex (pieces.flags[40], ==, 0x19);
  /* Not TCP, segments of nothing, headers beyond the end: nothing is sent. */
  static const struct { unsigned off; uint8_t value; } broken[] = { { 14 + 9, 17 }, { 14, 0x4f }, { 14, 0x41 }, { 46, 0xf0 }, { 46, 0 }, { 12, 0x86 } };
  for (size_t i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      pieces = (Pieces) { .n = 0 };
      make_tcp (driver_memory (&f->rig, at + HEADER), 30, 0x10);
      driver_memory (&f->rig, at + HEADER)[broken[i].off] = broken[i].value;
      driver_offer (&f->rig, TX, &(DriverPart) { at, HEADER + 84, false }, 1);
      driver_kick (&f->rig, TX);
      g_assert_cmpuint (pieces.n, ==, 0);
    }
  put_header (f, at, 1, 1, 1);
  make_tcp (driver_memory (&f->rig, at + HEADER), 3000, 0x10);
  driver_offer (&f->rig, TX, &(DriverPart) { at, HEADER + 3054, false }, 1);
  driver_kick (&f->rig, TX);
  g_assert_cmpuint (pieces.n, ==, 0);
}

static void
frames_are_spread_over_merged_buffers (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  uint32_t len = 0;
  for (unsigned packed = 0; packed < 2; packed++)
    {
      start_with (f, VIRTIO_F (15) | (packed ? VIRTIO_F_RING_PACKED : 0), 2);
      uint64_t first = driver_add_buffer (&f->rig, RX, 500, true);
      driver_add_buffer (&f->rig, RX, 500, true);
      receive (f, 0x42, 1400);                                    /* not enough room: it waits whole */
      g_assert_cmphex (driver_used (&f->rig, RX, &len), ==, 0);
      driver_add_buffer (&f->rig, RX, 500, true);
      driver_kick (&f->rig, RX);
      g_assert_cmphex (driver_used (&f->rig, RX, &len), ==, first);
      g_assert_cmpuint (len, ==, 500);
      g_assert_cmpuint (driver_get (&f->rig, first + 10, 2), ==, 3);
      g_assert_cmphex (driver_used (&f->rig, RX, &len), !=, 0);
      uint64_t last = driver_used (&f->rig, RX, &len);
      g_assert_cmpuint (len, ==, 412);
      g_assert_cmphex (driver_get (&f->rig, last + 411, 1), ==, 0x42);
    }
}

static void
only_checksums_of_a_network_in_memory_are_known (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  start_with (f, VIRTIO_F (1), 2);
  for (unsigned from_wire = 0; from_wire < 2; from_wire++)
    {
      uint32_t len = 0;
      uint64_t at = driver_add_buffer (&f->rig, RX, 500, true);
      f->net.from_wire = from_wire;
      receive (f, 0x42, 60);
      g_assert_cmphex (driver_used (&f->rig, RX, &len), ==, at);
      g_assert_cmphex (driver_get (&f->rig, at, 1), ==, from_wire ? 0 : 2);      /* DATA_VALID */
    }
}

/* --- Control ------------------------------------------------------------------------------------------------------ */

static unsigned
control (Fixture *f, unsigned queue, const char *bytes, size_t len)
{
  memcpy (driver_memory (&f->rig, 0x90000), bytes, len);
  driver_put (&f->rig, 0x91000, 0xff, 1);
  driver_offer (&f->rig, queue, (DriverPart[]) { { 0x90000, (uint32_t) len, false }, { 0x91000, 1, true } }, 2);
  driver_kick (&f->rig, queue);
  g_assert_cmpuint (driver_count_used (&f->rig, queue), ==, 1);
  return (unsigned) driver_get (&f->rig, 0x91000, 1);
}
#define CONTROL(f, queue, text) control (f, queue, text, sizeof text - 1)

static unsigned
arrives (Fixture *f, const char *address)
{
  uint8_t frame[60] = { 0 };
  memcpy (frame, address, 6);
  driver_add_buffer (&f->rig, RX, 2048, true);
  driver_kick (&f->rig, RX);
  f->net.client->receive (f->net.client_opaque, frame, sizeof frame);
  return driver_count_used (&f->rig, RX);
}

static void
the_driver_chooses_its_frames (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  start_with (f, VIRTIO_F (17) | VIRTIO_F (18) | VIRTIO_F (23), 3);
  g_assert_cmpuint (arrives (f, "\x52\x54\0\x39\x39\x39"), ==, 1);
  g_assert_cmpuint (CONTROL (f, 2, "\0\0\0"), ==, 0);                          /* not promiscuous */
  g_assert_cmpuint (arrives (f, "\x52\x54\0\x33\x33\x33"), ==, 0);
  g_assert_cmpuint (arrives (f, "\x52\x54\0\xaa\xbb\xcc"), ==, 1);
  g_assert_cmpuint (arrives (f, "\xff\xff\xff\xff\xff\xff"), ==, 1);
  g_assert_cmpuint (arrives (f, "\x33\x33\0\0\0\1"), ==, 0);
  g_assert_cmpuint (CONTROL (f, 2, "\1\0\0\0\0\0\1\0\0\0\x33\x33\0\0\0\1"), ==, 0);
  g_assert_cmpuint (arrives (f, "\x33\x33\0\0\0\1"), ==, 1);
  g_assert_cmpuint (CONTROL (f, 2, "\1\1\x52\x54\0\1\1\1"), ==, 0);         /* another address */
  g_assert_cmpuint (arrives (f, "\x52\x54\0\1\1\1"), ==, 1);
  g_assert_cmphex (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG, 4), ==, 0x01005452);
  char many[2 + 4 + 600 + 4] = { 1, 0, 100 };                                   /* more than there is room for: everything */
  g_assert_cmpuint (control (f, 2, many, sizeof many), ==, 0);
  g_assert_cmpuint (arrives (f, "\x52\x54\0\x33\x33\x33"), ==, 1);
  /* Broken ones. */
  g_assert_cmpuint (CONTROL (f, 2, "\1\0\1\0\0\0\1"), ==, 1);
  g_assert_cmpuint (CONTROL (f, 2, "\1\0\xff\xff\xff\xff\0\0\0\0"), ==, 1);
  g_assert_cmpuint (CONTROL (f, 2, "\1\1\1"), ==, 1);
  g_assert_cmpuint (CONTROL (f, 2, "\x77\0"), ==, 1);
  g_assert_cmpuint (CONTROL (f, 2, "\4\0\2\0"), ==, 1);
}

static unsigned
config_mac (Fixture *f)
{
  return (unsigned) driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 2, 4);
}

static void
a_running_driver_keeps_its_address (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  static const uint8_t other[6] = { 0x52, 0x54, 0, 1, 1, 1 }, third[6] = { 0x52, 0x54, 0, 2, 2, 2 };
  VtDevice *dev = f->rig.dev;
  start_with (f, VIRTIO_F (17) | VIRTIO_F (18) | VIRTIO_F (23), 3);
  g_assert_cmpuint (CONTROL (f, 2, "\0\0\0"), ==, 0);                          /* not promiscuous */
  vt_virtio_net_set_mac (dev, other);
  g_assert_cmpuint (arrives (f, "\x52\x54\0\xaa\xbb\xcc"), ==, 1);
  g_assert_cmpuint (arrives (f, "\x52\x54\0\1\1\1"), ==, 0);
  g_assert_cmphex (config_mac (f), ==, 0xccbbaa00);
  /* Restored where the configuration has another one. */
  vt_device_save (dev, saved);
  vt_device_reset (dev, VT_RESET_POWER);
  vt_virtio_net_set_mac (dev, third);
  g_assert_true (vt_device_load (dev, dev->cls->state.version, saved->data, saved->len, NULL));
  dev->cls->resume (dev);
  g_assert_cmphex (config_mac (f), ==, 0xccbbaa00);
  g_assert_cmpuint (arrives (f, "\x52\x54\0\2\2\2"), ==, 0);
  /* And takes the new one when it starts again. */
  driver_reset (&f->rig);
  g_assert_cmphex (config_mac (f), ==, 0x02020200);
  start_with (f, f->rig.features, 3);
  g_assert_cmpuint (CONTROL (f, 2, "\0\0\0"), ==, 0);
  g_assert_cmpuint (arrives (f, "\x52\x54\0\2\2\2"), ==, 1);
  g_assert_cmpuint (arrives (f, "\x52\x54\0\xaa\xbb\xcc"), ==, 0);
}

static void
flows_keep_to_one_of_several_queues (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  start_with (f, VIRTIO_F (17) | VIRTIO_F (22), 9);
  g_assert_cmpuint (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 8, 2), ==, 4);
  g_assert_cmpuint (CONTROL (f, 8, "\4\0\5\0"), ==, 1);
  g_assert_cmpuint (CONTROL (f, 8, "\4\0\4\0"), ==, 0);
  unsigned hits = 0;
  for (unsigned queue = 0; queue < 8; queue += 2)
    for (unsigned i = 0; i < DRIVER_SIZE; i++)
      driver_add_buffer (&f->rig, queue, 2048, true);
  for (unsigned flow = 0; flow < 8; flow++)
    {
      uint8_t frame[54];
      make_tcp (frame, 0, 0x10);
      frame[35] = (uint8_t) flow;
      unsigned got = 0;
      f->net.client->receive (f->net.client_opaque, frame, sizeof frame);
      f->net.client->receive (f->net.client_opaque, frame, sizeof frame);
      for (unsigned queue = 0; queue < 8; queue += 2)
        {
          unsigned n = driver_count_used (&f->rig, queue);
          g_assert_true (n == 0 || n == 2);
          got |= n > 0 ? 1u << queue : 0;
        }
      g_assert_true (got != 0 && (got & (got - 1)) == 0);        /* one queue had both */
      hits |= got;
    }
  g_assert_cmphex (hits, ==, 0x55);
}

static void
a_moved_machine_announces_itself (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  start_with (f, VIRTIO_F (17) | VIRTIO_F (21), 3);
  vt_virtio_net_announce (f->rig.dev);
  g_assert_cmpuint (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 6, 2), ==, 3);
  g_assert_cmpuint (driver_isr (&f->rig) & 2, ==, 2);
  g_assert_cmpuint (CONTROL (f, 2, "\3\0"), ==, 0);
  g_assert_cmpuint (driver_get (&f->rig, DRIVER_REGS + DRIVER_CONFIG + 6, 2), ==, 1);
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
  g_test_add_func ("/virtio-net/checksums", checksums_are_made);
  g_test_add_func ("/virtio-net/checksums known", only_checksums_of_a_network_in_memory_are_known);
  g_test_add_func ("/virtio-net/segments", tcp_is_cut_into_segments);
  g_test_add_func ("/virtio-net/merged-buffers", frames_are_spread_over_merged_buffers);
  g_test_add_func ("/virtio-net/filter", the_driver_chooses_its_frames);
  g_test_add_func ("/virtio-net/address", a_running_driver_keeps_its_address);
  g_test_add_func ("/virtio-net/queues", flows_keep_to_one_of_several_queues);
  g_test_add_func ("/virtio-net/announce", a_moved_machine_announces_itself);
  return g_test_run ();
}
