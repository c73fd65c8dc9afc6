/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The 82574L as old and new drivers lead it, and as none should. */
#include "e1000e.h"

#include "net-offload.h"
#include "pci-rig.h"

enum
{
  DEVFN = VT_PCI_DEVFN (3, 0), BAR = 0x80000000, TABLE = 0x90000000,
  RX_RING = 0x10000, TX_RING = 0x20000, BUFFERS = 0x100000, ENTRIES = 8,

  CTRL = 0, STATUS = 8, EERD = 0x14, CTRL_EXT = 0x18, MDIC = 0x20, ICR = 0xc0, ICS = 0xc8, IMS = 0xd0, IMC = 0xd8, EIAC = 0xdc, IVAR = 0xe4,
  RCTL = 0x100, TCTL = 0x400, RDBAL = 0x2800, RDLEN = 0x2808, RDH = 0x2810, RDT = 0x2818, TDBAL = 0x3800, TDLEN = 0x3808,
  TDH = 0x3810, TDT = 0x3818, RXCSUM = 0x5000, RFCTL = 0x5008, MTA = 0x5200, RA = 0x5400,
  RCTL_ON = 1 << 1 | 1 << 15 | 1 << 26,      /* enabled, broadcasts, without the CRC */
};

typedef struct
{
  PciRig     pci;
  VtDevice  *card;
  VtNet      net;
  GPtrArray *sent;        /* GBytes */
  unsigned   rx_tail, tx_tail;
} Rig;

static void
net_send (VtNet *net, const uint8_t *frame, size_t len)
{
  Rig *rig = (Rig *) ((uint8_t *) net - offsetof (Rig, net));
  g_ptr_array_add (rig->sent, g_bytes_new (frame, len));
}

static const VtNetOps net_ops = { .send = net_send };
static const uint8_t  mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };

static void
put (Rig *rig, unsigned reg, uint32_t value)
{
  pci_rig_put (&rig->pci, BAR + reg, value, 4);
}

static uint32_t
get (Rig *rig, unsigned reg)
{
  return (uint32_t) pci_rig_get (&rig->pci, BAR + reg, 4);
}

static uint8_t *
guest (Rig *rig, uint64_t at)
{
  return rig->pci.ram->host + at;
}

static void
plug (Rig *rig)
{
  VtE1000eConfig config = { .place = { rig->pci.bus, DEVFN }, .net = &rig->net };
  memcpy (config.mac, mac, sizeof config.mac);
  rig->card = pci_rig_add (&rig->pci, &vt_e1000e, &config);
  vt_device_reset (rig->card, VT_RESET_POWER);
  pci_rig_enable (&rig->pci, DEVFN, 0, BAR);
}

static Rig *
rig_new (void)
{
  Rig *rig = g_new0 (Rig, 1);
  pci_rig_init (&rig->pci);
  rig->net.ops = &net_ops;
  rig->sent = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  plug (rig);
  put (rig, RDBAL, RX_RING);
  put (rig, RDLEN, ENTRIES * 16);
  put (rig, TDBAL, TX_RING);
  put (rig, TDLEN, ENTRIES * 16);
  put (rig, RCTL, RCTL_ON);
  put (rig, TCTL, 1 << 1);
  return rig;
}

static void
rig_free (Rig *rig)
{
  vt_device_free (rig->card);
  pci_rig_clear (&rig->pci);
  g_ptr_array_unref (rig->sent);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* --- A small driver ----------------------------------------------------------------------------------------------- */

static void
give_buffers (Rig *rig, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    {
      uint8_t *desc = guest (rig, RX_RING + 16 * rig->rx_tail);
      memset (desc, 0, 16);
      vt_store_le (desc, BUFFERS + 0x1000 * rig->rx_tail, 8);
      rig->rx_tail = (rig->rx_tail + 1) % ENTRIES;
    }
  put (rig, RDT, rig->rx_tail);
}

static void
arrive (Rig *rig, const uint8_t *frame, size_t len)
{
  rig->net.client->receive (rig->net.client_opaque, frame, len);
}

/* A legacy descriptor. */
static void
legacy (Rig *rig, uint64_t at, unsigned len, unsigned cmd, unsigned cso, unsigned css)
{
  uint8_t *desc = guest (rig, TX_RING + 16 * rig->tx_tail);
  memset (desc, 0, 16);
  vt_store_le (desc, at, 8);
  vt_store_le (desc + 8, len, 2);
  desc[10] = (uint8_t) cso;
  desc[11] = (uint8_t) cmd;
  desc[13] = (uint8_t) css;
  rig->tx_tail = (rig->tx_tail + 1) % ENTRIES;
}

static void
extended (Rig *rig, uint64_t low, uint32_t cmd_len, uint32_t high)
{
  uint8_t *desc = guest (rig, TX_RING + 16 * rig->tx_tail);
  vt_store_le (desc, low, 8);
  vt_store_le (desc + 8, cmd_len, 4);
  vt_store_le (desc + 12, high, 4);
  rig->tx_tail = (rig->tx_tail + 1) % ENTRIES;
}

static const uint8_t *
sent (Rig *rig, guint n, gsize *len)
{
  g_assert_cmpuint (rig->sent->len, >, n);
  return g_bytes_get_data (rig->sent->pdata[n], len);
}

/* TCP over IPv4 with that much payload; checksums as a driver leaves them: the pseudo header's for TCP. */
static size_t
tcp_frame (uint8_t *frame, size_t payload)
{
  memset (frame, 0, 54 + payload);
  memcpy (frame, "\x52\x55\x0a\x00\x02\x02", 6);
  memcpy (frame + 6, mac, 6);
  vt_store_be (frame + 12, 0x0800, 2);
  frame[14] = 0x45;
  vt_store_be (frame + 16, 40 + payload, 2);
  frame[22] = 64;
  frame[23] = 6;
  memcpy (frame + 26, "\x0a\x00\x02\x0f\x0a\x00\x02\x02", 8);
  vt_store_be (frame + 34, 1234, 2);
  vt_store_be (frame + 36, 80, 2);
  vt_store_be (frame + 38, 1000, 4);
  frame[46] = 0x50;
  frame[47] = 0x18;
  unsigned sum = 0x0a00 + 0x020f + 0x0a00 + 0x0202 + 6 + 20 + (unsigned) payload;
  vt_store_be (frame + 50, (sum & 0xffff) + (sum >> 16), 2);
  for (size_t i = 0; i < payload; i++)
    frame[54 + i] = (uint8_t) (i * 7);
  return 54 + payload;
}

/* The ones' complement sum, which is 0xffff over what has its checksum in it. */
static unsigned
sum_of (const uint8_t *bytes, size_t len, unsigned sum)
{
  for (size_t i = 0; i < len; i++)
    sum += i % 2 == 0 ? (unsigned) bytes[i] << 8 : bytes[i];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

static void
assert_checksums (const uint8_t *frame, size_t len)
{
  unsigned pseudo = sum_of (frame + 26, 8, 6 + (unsigned) len - 34);
  g_assert_cmphex (sum_of (frame + 14, 20, 0), ==, 0xffff);
  g_assert_cmphex (sum_of (frame + 34, len - 34, pseudo), ==, 0xffff);
}

/* --- What the card is --------------------------------------------------------------------------------------------- */

static unsigned
mdio (Rig *rig, unsigned reg, unsigned op, unsigned value)
{
  put (rig, MDIC, value | reg << 16 | 1 << 21 | op << 26);
  uint32_t got = get (rig, MDIC);
  g_assert_cmphex (got >> 28, ==, 1);
  return got & 0xffff;
}

static void
the_eeprom_has_the_address_and_its_sum (void)
{
  g_autoptr (Rig) rig = rig_new ();
  unsigned sum = 0;
  for (unsigned i = 0; i < 64; i++)
    {
      put (rig, EERD, i << 2 | 1);
      uint32_t got = get (rig, EERD);
      g_assert_cmphex (got & 2, ==, 2);
      sum += got >> 16;
      if (i < 3)
        g_assert_cmphex (got >> 16, ==, vt_load_le (mac + 2 * i, 2));
    }
  g_assert_cmphex (sum & 0xffff, ==, 0xbaba);
  g_assert_cmphex (get (rig, RA), ==, vt_load_le (mac, 4));
  g_assert_cmphex (get (rig, RA + 4), ==, 0x80000000 | vt_load_le (mac + 4, 2));
  static const uint8_t other[6] = { 0x52, 0x54, 0, 9, 9, 9 };
  vt_e1000e_set_mac (rig->card, other);
  g_assert_cmphex (get (rig, RA), ==, vt_load_le (mac, 4));
  put (rig, CTRL, 1 << 26);
  g_assert_cmphex (get (rig, RA), ==, vt_load_le (other, 4));
  g_assert_cmphex (get (rig, CTRL) >> 26 & 1, ==, 0);
}

static void
the_phy_follows_the_cable (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (mdio (rig, 2, 2, 0), ==, 0x0141);
  g_assert_cmphex (mdio (rig, 3, 2, 0), ==, 0x0cb1);
  g_assert_cmphex (mdio (rig, 1, 2, 0) & 0x24, ==, 0x24);
  g_assert_cmphex (get (rig, STATUS) & 0xc3, ==, 0x83);
  mdio (rig, 22, 1, 5);
  g_assert_cmphex (mdio (rig, 2, 2, 0), ==, 0);          /* another page */
  mdio (rig, 22, 1, 0);
  put (rig, IMS, 1 << 2);
  vt_e1000e_set_link (rig->card, false);
  g_assert_true (rig->pci.line);
  g_assert_cmphex (get (rig, ICR) & 4, ==, 4);
  g_assert_false (rig->pci.line);
  g_assert_cmphex (get (rig, STATUS) & 2, ==, 0);
  g_assert_cmphex (mdio (rig, 1, 2, 0) & 0x24, ==, 0);
  put (rig, MDIC, 2 << 16 | 7 << 21 | 2 << 26);
  g_assert_cmphex (get (rig, MDIC) >> 30, ==, 1);        /* nobody at that address */
  vt_e1000e_set_link (rig->card, true);
  g_assert_cmphex (get (rig, STATUS) & 2, ==, 2);
}

static void
interrupts_are_read_away_or_sent_as_messages (void)
{
  g_autoptr (Rig) rig = rig_new ();
  put (rig, ICS, 1 << 7);
  g_assert_false (rig->pci.line);
  put (rig, IMS, 1 << 7);
  g_assert_true (rig->pci.line);
  g_assert_cmphex (get (rig, ICR), ==, 0x80000080);
  g_assert_false (rig->pci.line);
  put (rig, CTRL_EXT, 1 << 27);
  put (rig, 0xe0, 1 << 7);
  put (rig, ICS, 1 << 7);
  get (rig, ICR);
  g_assert_cmphex (get (rig, IMS), ==, 0);               /* masked itself */
  put (rig, CTRL_EXT, 0);
  vt_pci_bus_config_write (rig->pci.bus, 0, DEVFN, PCI_BAR0 + 12, TABLE, 4);
  for (unsigned i = 0; i < 3; i++)
    {
      pci_rig_put (&rig->pci, TABLE + 16 * i, 0xfee00000, 8);
      pci_rig_put (&rig->pci, TABLE + 8 + 16 * i, 0x40 + i, 4);
      pci_rig_put (&rig->pci, TABLE + 12 + 16 * i, 0, 4);
    }
  unsigned cap = 0x33;
  do
    cap = vt_pci_bus_config_read (rig->pci.bus, 0, DEVFN, cap + 1, 1);
  while (vt_pci_bus_config_read (rig->pci.bus, 0, DEVFN, cap, 1) != PCI_CAP_MSIX);
  vt_pci_bus_config_write (rig->pci.bus, 0, DEVFN, cap + 2, 0x8000, 2);
  put (rig, IVAR, 0x000a0908);                           /* receive 0, send 1, others 2 */
  put (rig, EIAC, 1 << 20 | 1 << 22);
  put (rig, IMS, 1 << 20 | 1 << 22 | 1 << 24 | 1 << 2);
  give_buffers (rig, 4);
  uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  arrive (rig, frame, sizeof frame);
  arrive (rig, frame, sizeof frame);
  g_assert_cmpuint (rig->pci.messages, ==, 2);
  g_assert_cmphex (rig->pci.last_message, ==, 0x40);
  legacy (rig, BUFFERS, 60, 0x09, 0, 0);
  put (rig, TDT, rig->tx_tail);
  g_assert_cmphex (rig->pci.last_message, ==, 0x41);
  vt_e1000e_set_link (rig->card, false);
  g_assert_cmphex (rig->pci.last_message, ==, 0x42);
  g_assert_cmpuint (rig->pci.messages, ==, 4);
}

/* --- In ----------------------------------------------------------------------------------------------------------- */

static void
frames_arrive_in_legacy_and_extended_descriptors (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t frame[1500];
  size_t  len = tcp_frame (frame, 100);
  memcpy (frame, mac, 6);
  give_buffers (rig, 3);
  put (rig, RXCSUM, 3 << 8);
  arrive (rig, frame, len);
  const uint8_t *desc = guest (rig, RX_RING);
  g_assert_cmpuint (vt_load_le (desc + 8, 2), ==, len);
  g_assert_cmphex (desc[12], ==, 0x63);                  /* done, end of packet, both checksums */
  g_assert_cmpmem (guest (rig, BUFFERS), len, frame, len);
  put (rig, RFCTL, 1 << 15);
  arrive (rig, frame, 20);                               /* padded to what a wire has */
  desc = guest (rig, RX_RING + 16);
  g_assert_cmpuint (vt_load_le (desc + 12, 2), ==, 60);
  g_assert_cmphex (vt_load_le (desc + 8, 4) & 3, ==, 3);
  put (rig, RCTL, RCTL_ON & ~(1 << 26));
  arrive (rig, frame, len);
  g_assert_cmpuint (vt_load_le (guest (rig, RX_RING + 32) + 12, 2), ==, len + 4);
  g_assert_cmpuint (get (rig, RDH), ==, 3);
}

static void
checksums_of_a_wire_are_left_to_the_driver (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t frame[1500];
  size_t  len = tcp_frame (frame, 100);
  memcpy (frame, mac, 6);
  rig->net.from_wire = true;
  give_buffers (rig, 1);
  put (rig, RXCSUM, 3 << 8);
  arrive (rig, frame, len);
  g_assert_cmphex (guest (rig, RX_RING)[12], ==, 7);     /* done, end of packet, ignore checksum indications */
}

static void
frames_that_find_no_buffer_wait (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t frame[1500];
  size_t  len = tcp_frame (frame, 1400);
  memcpy (frame, mac, 6);
  for (unsigned i = 0; i < 3; i++)
    {
      frame[60] = (uint8_t) i;
      arrive (rig, frame, len);
    }
  g_assert_cmpuint (get (rig, RDH), ==, 0);
  give_buffers (rig, 2);
  g_assert_cmpuint (get (rig, RDH), ==, 2);
  give_buffers (rig, 2);
  g_assert_cmpuint (get (rig, RDH), ==, 3);
  g_assert_cmpuint (guest (rig, BUFFERS + 0x2000)[60], ==, 2);
  /* Buffers of 512 bytes: three for one frame. */
  put (rig, RCTL, RCTL_ON | 2 << 16);
  give_buffers (rig, 3);
  arrive (rig, frame, len);
  g_assert_cmpuint (get (rig, RDH), ==, 6);
  g_assert_cmphex (guest (rig, RX_RING + 16 * 3)[12], ==, 1);
  g_assert_cmphex (guest (rig, RX_RING + 16 * 5)[12] & 3, ==, 3);
  g_assert_cmpuint (vt_load_le (guest (rig, RX_RING + 16 * 5) + 8, 2), ==, len - 1024);
}

static void
frames_of_others_are_not_taken (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t frame[60] = { 0x52, 0x54, 0, 9, 9, 9 };
  give_buffers (rig, 7);
  arrive (rig, frame, sizeof frame);
  g_assert_cmpuint (get (rig, RDH), ==, 0);
  put (rig, RCTL, RCTL_ON | 1 << 3);
  arrive (rig, frame, sizeof frame);
  g_assert_cmpuint (get (rig, RDH), ==, 1);
  put (rig, RCTL, RCTL_ON);
  memcpy (frame, "\x01\x00\x5e\x00\x00\xfb", 6);
  arrive (rig, frame, sizeof frame);
  g_assert_cmpuint (get (rig, RDH), ==, 1);
  put (rig, MTA + 4 * (0xfb0 / 32), 1u << (0xfb0 % 32));
  arrive (rig, frame, sizeof frame);
  g_assert_cmpuint (get (rig, RDH), ==, 2);
  vt_e1000e_set_link (rig->card, false);
  arrive (rig, frame, sizeof frame);
  g_assert_cmpuint (get (rig, RDH), ==, 2);
}

/* --- Out ---------------------------------------------------------------------------------------------------------- */

static void
packets_go_out_when_they_are_whole (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gsize  len;
  size_t bytes = tcp_frame (guest (rig, BUFFERS), 100);
  legacy (rig, BUFFERS, 20, 0x08, 0, 0);
  put (rig, TDT, rig->tx_tail);
  g_assert_cmpuint (rig->sent->len, ==, 0);
  g_assert_cmpuint (get (rig, TDH), ==, 0);
  legacy (rig, BUFFERS + 20, (unsigned) bytes - 20, 0x0d, 50, 34);      /* its checksum, too */
  put (rig, TDT, rig->tx_tail);
  const uint8_t *frame = sent (rig, 0, &len);
  g_assert_cmpuint (len, ==, bytes);
  g_assert_cmpuint (get (rig, TDH), ==, 2);
  g_assert_cmphex (guest (rig, TX_RING)[12] & guest (rig, TX_RING + 16)[12] & 1, ==, 1);
  g_assert_cmphex (sum_of (frame + 34, len - 34, sum_of (frame + 26, 8, 6 + (unsigned) len - 34)), ==, 0xffff);
  /* With a tag of a VLAN. */
  legacy (rig, BUFFERS, (unsigned) bytes, 0x49, 0, 0);
  vt_store_le (guest (rig, TX_RING + 32) + 14, 0x123, 2);
  put (rig, TDT, rig->tx_tail);
  frame = sent (rig, 1, &len);
  g_assert_cmpuint (len, ==, bytes + 4);
  g_assert_cmphex (vt_load_be (frame + 12, 4), ==, 0x81000123);
}

static void
checksums_and_segments_are_made (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gsize  len;
  size_t bytes = tcp_frame (guest (rig, BUFFERS), 333);
  uint64_t context = 14 | 24 << 8 | 33 << 16 | UINT64_C (34) << 32 | UINT64_C (50) << 40;
  extended (rig, context, 0x23u << 24, 0);
  extended (rig, BUFFERS, (uint32_t) bytes | 1 << 20 | 0x2bu << 24, 0x300);
  put (rig, TDT, rig->tx_tail);
  const uint8_t *frame = sent (rig, 0, &len);
  g_assert_cmpuint (len, ==, bytes);
  assert_checksums (frame, len);
  /* 5000 bytes of TCP, 1448 in a segment. */
  bytes = tcp_frame (guest (rig, BUFFERS), 5000);
  extended (rig, context, 0x27u << 24 | 5000, 54 << 8 | 1448u << 16);
  extended (rig, BUFFERS, 54 | 1 << 20 | 0x26u << 24, 0x300);
  extended (rig, BUFFERS + 54, ((uint32_t) bytes - 54) | 1 << 20 | 0x2fu << 24, 0x300);
  put (rig, TDT, rig->tx_tail);
  g_assert_cmpuint (rig->sent->len, ==, 5);
  for (unsigned i = 0; i < 4; i++)
    {
      frame = sent (rig, 1 + i, &len);
      g_assert_cmpuint (len, ==, i < 3 ? 54 + 1448 : 54 + 5000 - 3 * 1448);
      assert_checksums (frame, len);
      g_assert_cmpuint (vt_load_be (frame + 38, 4), ==, 1000 + 1448 * i);
      g_assert_cmpmem (frame + 54, len - 54, guest (rig, BUFFERS) + 54 + 1448 * i, len - 54);
    }
}

static void
bad_descriptors_send_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  tcp_frame (guest (rig, BUFFERS), 100);
  legacy (rig, UINT64_C (0xfffffffffffff000), 100, 0x09, 0, 0);
  legacy (rig, BUFFERS, 5, 0x09, 0, 0);
  legacy (rig, BUFFERS, 100, 0x0d, 200, 90);             /* a checksum behind its end */
  extended (rig, BUFFERS, 0xfffff | 1 << 20 | 0x29u << 24, 0);
  put (rig, TDT, rig->tx_tail);
  g_assert_cmpuint (rig->sent->len, ==, 0);
  g_assert_cmpuint (get (rig, TDH), ==, 4);
  put (rig, TDT, 77);                                    /* beyond the ring */
  g_assert_cmpuint (get (rig, TDH), ==, 4);
  put (rig, TDLEN, 0);
  put (rig, TDT, 1);
  put (rig, RDLEN, 0);
  put (rig, RDT, 1);
  uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  arrive (rig, frame, sizeof frame);
}

static void
a_frame_larger_than_the_ring_holds_up_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t frame[3000] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  put (rig, RDLEN, 8 * 16);
  put (rig, RCTL, RCTL_ON | 1 << 5 | 3 << 16);           /* long frames, buffers of 256 bytes */
  give_buffers (rig, 7);
  arrive (rig, frame, sizeof frame);
  arrive (rig, frame, 60);
  g_assert_cmphex (vt_load_le (guest (rig, RX_RING + 8), 2), ==, 60);
  g_assert_cmphex (get (rig, ICR) & 1 << 6, ==, 1 << 6); /* RXO: one was lost */
}

/* --- Save, nonsense ----------------------------------------------------------------------------------------------- */

static void
restore (Rig *rig)
{
  g_autoptr (GByteArray) state = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  vt_device_save (rig->card, state);
  vt_device_free (rig->card);
  VtE1000eConfig config = { .place = { rig->pci.bus, DEVFN }, .net = &rig->net };
  rig->card = pci_rig_add (&rig->pci, &vt_e1000e, &config);
  g_assert_true (vt_device_load (rig->card, 1, state->data, state->len, &error));
}

static void
half_a_packet_survives_a_restore (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gsize  len;
  size_t bytes = tcp_frame (guest (rig, BUFFERS), 100);
  get (rig, STATUS);
  legacy (rig, BUFFERS, 20, 0x08, 0, 0);
  put (rig, TDT, rig->tx_tail);
  restore (rig);
  legacy (rig, BUFFERS + 20, (unsigned) bytes - 20, 0x09, 0, 0);
  put (rig, TDT, rig->tx_tail);
  g_assert_cmpmem (sent (rig, 0, &len), bytes, guest (rig, BUFFERS), bytes);
  g_assert_cmphex (get (rig, RA), ==, vt_load_le (mac, 4));       /* the driver keeps the address that it knew */
}

static void
random_descriptors_never_hurt (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (9);
  uint8_t frame[3000];
  for (unsigned i = 0, rounds = g_test_slow () ? 3000000 : 60000; i < rounds; i++)
    {
      uint32_t value = g_rand_int (random);
      uint8_t *desc = guest (rig, TX_RING + 16 * (value % ENTRIES));
      for (unsigned b = 0; b < 16; b++)
        desc[b] = g_rand_boolean (random) ? (uint8_t) g_rand_int (random) : 0;
      if (value & 0x100)
        vt_store_le (desc, BUFFERS + (value & 0xffff), 8);
      put (rig, TDT, g_rand_int (random) % ENTRIES);
      if (value & 0x200)
        give_buffers (rig, value >> 12 & 3);
      tcp_frame (frame, value >> 8 & 0x7ff);
      memset (frame, 0xff, 6);
      arrive (rig, frame, value >> 4 & 0x7ff);
      if (i % 101 == 0)
        put (rig, (g_rand_int (random) & (value & 0x400 ? 0x3fff : 0xfff)) & ~3u, g_rand_int (random));
      if (i % 501 == 0)
        {
          restore (rig);
          put (rig, RDBAL, RX_RING);
          put (rig, RDLEN, ENTRIES * 16);
          put (rig, TDBAL, TX_RING);
          put (rig, 0x3804, 0);
          put (rig, TDLEN, ENTRIES * 16);
          put (rig, TDH, 0);
          put (rig, RCTL, RCTL_ON | (value & 0x02030000));
          put (rig, TCTL, 1 << 1);
          rig->rx_tail = 0;
        }
      if (rig->sent->len > 1000)
        g_ptr_array_set_size (rig->sent, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/e1000e/" #fn, fn)
  TEST (the_eeprom_has_the_address_and_its_sum);
  TEST (the_phy_follows_the_cable);
  TEST (interrupts_are_read_away_or_sent_as_messages);
  TEST (frames_arrive_in_legacy_and_extended_descriptors);
  TEST (checksums_of_a_wire_are_left_to_the_driver);
  TEST (frames_that_find_no_buffer_wait);
  TEST (frames_of_others_are_not_taken);
  TEST (packets_go_out_when_they_are_whole);
  TEST (checksums_and_segments_are_made);
  TEST (bad_descriptors_send_nothing);
  TEST (a_frame_larger_than_the_ring_holds_up_nothing);
  TEST (half_a_packet_survives_a_restore);
  TEST (random_descriptors_never_hurt);
  return g_test_run ();
}
