/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Intel 82574L: frames in and out, through rings of descriptors (datasheet, 7.1 and 7.2).
 *
 * A packet is sent when all its descriptors are there: until then the queue's head stays before it, so that a save in between
 * loses nothing. */
#include "e1000e-private.h"

#include "net-offload.h"
#include "trace-net.h"

enum
{
  ETHERNET_HEADER = 14, ETHERNET_MIN = 60, ETHERNET_MAX = 1518, VLAN_TAG = 4, CRC_BYTES = 4,
  WAITING_BYTES_MAX = 1 << 20,

  RX_LEGACY_STATUS = 12, RX_LENGTH_LEGACY = 8, RX_EXTENDED_STATUS = 8, RX_LENGTH_EXTENDED = 12,
  RX_DD = 1u << 0, RX_EOP = 1u << 1, RX_IXSM = 1u << 2, RX_UDPCS = 1u << 4, RX_TCPCS = 1u << 5, RX_IPCS = 1u << 6,

  TX_CMD = 11, TX_STATUS = 12, TX_OPTIONS = 13, TX_SPECIAL = 14,
  TX_CMD_EOP = 1u << 0, TX_CMD_IC = 1u << 2, TX_CMD_TSE = 1u << 2, TX_CMD_RS = 1u << 3, TX_CMD_DEXT = 1u << 5, TX_CMD_VLE = 1u << 6,
  TX_TYPE_DATA = 1, TX_OPTIONS_IP = 1u << 0, TX_OPTIONS_TCP = 1u << 1,
};

/* --- In: whose frame it is (7.1.1) -------------------------------------------------------------------------------- */

static bool
is_own_address (const E1000e *card, const uint8_t *frame)
{
  for (unsigned i = 0; i < E1000E_ADDRESSES; i++)
    if ((card->s.ra[2 * i + 1] & E1000E_RAH_AV) != 0 && vt_load_le (frame, 4) == card->s.ra[2 * i]
        && vt_load_le (frame + 4, 2) == (card->s.ra[2 * i + 1] & 0xffff))
      return true;
  return false;
}

static bool
is_in_table (const E1000e *card, const uint8_t *frame)
{
  static const unsigned shifts[] = { 4, 3, 2, 0 };
  unsigned              shift = shifts[card->s.rctl >> E1000E_RCTL_MO & 3];
  unsigned              bit = (unsigned) (vt_load_le (frame + 4, 2) >> shift) & 0xfff;
  return (card->s.mta[bit / 32] >> (bit % 32) & 1) != 0;
}

static bool
wants_vlan (const E1000e *card, const uint8_t *frame, size_t len)
{
  if ((card->s.rctl & E1000E_RCTL_VFE) == 0 || vt_load_be (frame + 12, 2) != card->s.vet || len < ETHERNET_HEADER + VLAN_TAG)
    return true;
  unsigned id = (unsigned) vt_load_be (frame + 14, 2) & 0xfff;
  return (card->s.vfta[id / 32] >> (id % 32) & 1) != 0;
}

static bool
wants (const E1000e *card, const uint8_t *frame, size_t len)
{
  static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  uint32_t             rctl = card->s.rctl;
  if (!wants_vlan (card, frame, len) || (len > ETHERNET_MAX + VLAN_TAG && (rctl & E1000E_RCTL_LPE) == 0))
    return false;
  if (memcmp (frame, broadcast, sizeof broadcast) == 0)
    return (rctl & (E1000E_RCTL_BAM | E1000E_RCTL_MPE)) != 0;
  if (frame[0] & 1)
    return (rctl & E1000E_RCTL_MPE) != 0 || is_own_address (card, frame) || is_in_table (card, frame);
  return (rctl & E1000E_RCTL_UPE) != 0 || is_own_address (card, frame);
}

/* --- In: descriptors ---------------------------------------------------------------------------------------------- */

static uint32_t
buffer_bytes (const E1000e *card)
{
  uint32_t size = 2048u >> (card->s.rctl >> E1000E_RCTL_BSIZE & 3);
  return (card->s.rctl & E1000E_RCTL_BSEX) != 0 && size < 2048 ? size * 16 : size;
}

static uint32_t
rx_entries (const E1000e *card)
{
  return card->s.rdlen / E1000E_DESC_BYTES;
}

static uint32_t
rx_free (const E1000e *card)
{
  uint32_t n = rx_entries (card);
  if (n == 0 || card->s.rdh >= n || card->s.rdt >= n)
    return 0;
  return (card->s.rdt + n - card->s.rdh) % n;
}

/* Where the network is in this computer's memory, checksums that were right stay so. */
static uint32_t
checksum_status (const E1000e *card, const uint8_t *frame, size_t len)
{
  VtNetKind kind = vt_net_kind (frame, len);
  uint32_t  bits = 0;
  if (card->net->from_wire)
    return RX_IXSM;
  if (kind.ipv4 && (card->s.rxcsum & E1000E_RXCSUM_IPOFLD) != 0)
    bits |= RX_IPCS;
  if ((kind.tcp || kind.udp) && (card->s.rxcsum & E1000E_RXCSUM_TUOFLD) != 0)
    bits |= kind.udp ? RX_UDPCS | RX_TCPCS : RX_TCPCS;
  return bits != 0 ? bits : RX_IXSM;
}

static void
write_back (const E1000e *card, uint8_t *desc, uint32_t bytes, uint32_t status)
{
  bool extended = (card->s.rfctl & E1000E_RFCTL_EXTEN) != 0;
  if (extended)
    {
      memset (desc, 0, E1000E_DESC_BYTES);
      vt_store_le (desc + RX_EXTENDED_STATUS, status, 4);
      vt_store_le (desc + RX_LENGTH_EXTENDED, bytes, 2);
      return;
    }
  vt_store_le (desc + RX_LENGTH_LEGACY, bytes, 2);
  vt_store_le (desc + RX_LENGTH_LEGACY + 2, 0, 2);
  vt_store_le (desc + RX_LEGACY_STATUS, status & 0xff, 1);
  vt_store_le (desc + RX_LEGACY_STATUS + 1, 0, 3);
}

/* False: its memory is not there. */
static bool
fill_one (E1000e *card, const uint8_t *bytes, uint32_t n, uint32_t status)
{
  E1000eState *s = &card->s;
  uint8_t      desc[E1000E_DESC_BYTES];
  VtGpa        at = VT_GPA (((uint64_t) s->rdbah << 32 | s->rdbal) + s->rdh * (uint64_t) E1000E_DESC_BYTES);
  if (!vt_dma_read (&card->pci.dma, at, desc, sizeof desc))
    return false;
  uint64_t buffer = vt_load_le (desc, 8);
  bool     ok = buffer == 0 || vt_dma_write (&card->pci.dma, VT_GPA (buffer), bytes, n);
  write_back (card, desc, n, status);
  s->rdh = (s->rdh + 1) % rx_entries (card);
  return vt_dma_write (&card->pci.dma, at, desc, sizeof desc) && ok;
}

/* False: there are not enough descriptors. */
static bool
give_frame (E1000e *card, const uint8_t *frame, size_t len)
{
  uint8_t  padded[E1000E_FRAME_MAX + CRC_BYTES];
  uint32_t size = buffer_bytes (card), total = (uint32_t) MAX (len, ETHERNET_MIN);
  uint32_t checksums = checksum_status (card, frame, len);
  memcpy (padded, frame, len);
  memset (padded + len, 0, total - len + CRC_BYTES);
  total += card->s.rctl & E1000E_RCTL_SECRC ? 0 : CRC_BYTES;
  uint32_t needed = (total + size - 1) / size;
  /* One that the whole ring has no room for would be waited with for ever. */
  if (rx_entries (card) != 0 && needed >= rx_entries (card))
    {
      e1000e_raise (card, E1000E_ICR_RXO);
      return true;
    }
  if (rx_free (card) < needed)
    return false;
  for (uint32_t done = 0; done < total; done += size)
    {
      uint32_t n = MIN (size, total - done);
      bool     last = done + n == total;
      if (!fill_one (card, padded + done, n, RX_DD | (last ? RX_EOP | checksums : 0)))
        {
          vt_guest_warn (&card->pci.dev, "a receive descriptor or its buffer is outside memory");
          break;
        }
    }
  e1000e_raise (card, E1000E_ICR_RXT0 | E1000E_ICR_RXQ0);
  return true;
}

void
e1000e_forget_waiting (E1000e *card)
{
  g_queue_clear_full (&card->waiting, (GDestroyNotify) g_bytes_unref);
  card->waiting_bytes = 0;
}

void
e1000e_give_waiting (E1000e *card)
{
  GBytes *frame;
  if ((card->s.rctl & E1000E_RCTL_EN) == 0)
    e1000e_forget_waiting (card);
  while ((frame = g_queue_peek_head (&card->waiting)) != NULL)
    {
      size_t         len;
      const uint8_t *bytes = g_bytes_get_data (frame, &len);
      if (!give_frame (card, bytes, len))
        return;
      card->waiting_bytes -= len;
      g_bytes_unref (g_queue_pop_head (&card->waiting));
    }
}

static void
receive (void *opaque, const uint8_t *frame, size_t len)
{
  E1000e *card = opaque;
  trace_e1000e_frame (card->pci.dev.path, "in", len);
  if (!e1000e_link (card) || (card->s.rctl & E1000E_RCTL_EN) == 0 || len < ETHERNET_HEADER || len > E1000E_FRAME_MAX
      || !wants (card, frame, len))
    return;
  if (g_queue_is_empty (&card->waiting) && give_frame (card, frame, len))
    return;
  if (card->waiting_bytes + len > WAITING_BYTES_MAX)
    {
      e1000e_raise (card, E1000E_ICR_RXO);
      return;
    }
  g_queue_push_tail (&card->waiting, g_bytes_new (frame, len));
  card->waiting_bytes += len;
}

const VtNetClientOps e1000e_client_ops = { receive };

/* --- Out ---------------------------------------------------------------------------------------------------------- */

static void
emit (void *opaque, const uint8_t *frame, size_t len)
{
  E1000e *card = opaque;
  trace_e1000e_frame (card->pci.dev.path, "out", len);
  if (e1000e_link (card))
    card->net->ops->send (card->net, frame, len);
}

static void
take_context (E1000eContext *context, const uint8_t *desc)
{
  *context = (E1000eContext) {
    .ipcss = desc[0], .ipcso = desc[1], .ipcse = (uint16_t) vt_load_le (desc + 2, 2), .tucss = desc[4], .tucso = desc[5],
    .tucse = (uint16_t) vt_load_le (desc + 6, 2), .tcp = desc[TX_CMD] & 1, .header_len = desc[13], .mss = (uint16_t) vt_load_le (desc + 14, 2),
  };
}

/* Sums from `start`; `last` is the last byte, 0 for that of the frame. */
static bool
put_checksum (uint8_t *frame, size_t len, unsigned start, unsigned at, unsigned last)
{
  size_t end = last != 0 ? last + 1u : len;
  return at >= start && end <= len && vt_net_checksum (frame, end, start, at - start);
}

/* A packet on its way from memory to the wire. */
typedef struct
{
  size_t   len;
  bool     extended, segment, too_long;
  uint8_t  cmd, options, css, cso;
  uint16_t vlan;
} Packet;

static size_t
insert_vlan (E1000e *card, size_t len, uint16_t tag)
{
  if (len < ETHERNET_HEADER || len + VLAN_TAG > sizeof card->frame)
    return len;
  memmove (card->frame + 12 + VLAN_TAG, card->frame + 12, len - 12);
  vt_store_be (card->frame + 12, card->s.vet, 2);
  vt_store_be (card->frame + 14, tag, 2);
  return len + VLAN_TAG;
}

static bool
finish_checksums (E1000e *card, const Packet *packet, const E1000eContext *context)
{
  bool ok = true;
  if (!packet->extended)
    return (packet->cmd & TX_CMD_IC) == 0 || put_checksum (card->frame, packet->len, packet->css, packet->cso, 0);
  if (packet->options & TX_OPTIONS_TCP)
    ok &= put_checksum (card->frame, packet->len, context->tucss, context->tucso, context->tucse);
  if (packet->options & TX_OPTIONS_IP)
    ok &= put_checksum (card->frame, packet->len, context->ipcss, context->ipcso, context->ipcse);
  return ok;
}

static void
send_packet (E1000e *card, Packet *packet, const E1000eContext *context)
{
  bool ok = !packet->too_long && packet->len >= ETHERNET_HEADER;
  if (ok && !packet->segment)
    ok = finish_checksums (card, packet, context);
  if (ok && (packet->cmd & TX_CMD_VLE) != 0)
    packet->len = insert_vlan (card, packet->len, packet->vlan);
  if (ok && packet->segment)
    ok = vt_net_segment (card->frame, packet->len, context->mss, emit, card);
  else if (ok)
    emit (card, card->frame, packet->len);
  if (!ok)
    vt_guest_warn (&card->pci.dev, "a packet of %zu bytes cannot be sent as its descriptors say", packet->len);
}

static bool
read_desc (E1000e *card, unsigned queue, uint32_t n, uint8_t desc[E1000E_DESC_BYTES])
{
  const E1000eState *s = &card->s;
  uint64_t           base = (uint64_t) s->tdbah[queue] << 32 | s->tdbal[queue];
  return vt_dma_read (&card->pci.dma, VT_GPA (base + n * (uint64_t) E1000E_DESC_BYTES), desc, E1000E_DESC_BYTES);
}

/* The descriptor is the driver's again. */
static void
report (E1000e *card, unsigned queue, uint32_t n, const uint8_t *desc)
{
  const E1000eState *s = &card->s;
  uint64_t           base = (uint64_t) s->tdbah[queue] << 32 | s->tdbal[queue];
  uint8_t            status = desc[TX_STATUS] | 1;
  if ((desc[TX_CMD] & TX_CMD_RS) != 0
      && !vt_dma_write (&card->pci.dma, VT_GPA (base + n * (uint64_t) E1000E_DESC_BYTES + TX_STATUS), &status, 1))
    vt_guest_warn (&card->pci.dev, "a transmit descriptor is outside memory");
}

static void
add_data (E1000e *card, Packet *packet, const uint8_t *desc)
{
  bool     extended = (desc[TX_CMD] & TX_CMD_DEXT) != 0;
  uint64_t at = vt_load_le (desc, 8), n = vt_load_le (desc + 8, extended ? 4 : 2) & (extended ? 0xfffff : 0xffff);
  if (packet->len == 0)
    {
      packet->extended = extended;
      packet->options = desc[TX_OPTIONS];
      packet->segment = extended && (desc[TX_CMD] & TX_CMD_TSE) != 0;
    }
  /* These count in the last one. */
  packet->css = desc[TX_OPTIONS];
  packet->cso = desc[10];
  packet->cmd = desc[TX_CMD];
  packet->vlan = (uint16_t) vt_load_le (desc + TX_SPECIAL, 2);
  if (packet->too_long || !vt_fits (packet->len, n, E1000E_FRAME_MAX) || !vt_dma_read (&card->pci.dma, VT_GPA (at), card->frame + packet->len, n))
    packet->too_long = true;
  else
    packet->len += n;
}

static bool
is_context (const uint8_t *desc)
{
  return (desc[TX_CMD] & TX_CMD_DEXT) != 0 && (desc[10] >> 4) != TX_TYPE_DATA;
}

/* One packet, or one context descriptor. False: the rest of it is not there yet. */
static bool
send_next (E1000e *card, unsigned queue)
{
  E1000eState *s = &card->s;
  uint32_t     entries = s->tdlen[queue] / E1000E_DESC_BYTES, first = s->tdh[queue], n = first;
  uint8_t      desc[E1000E_DESC_BYTES];
  Packet       packet = { 0 };
  for (bool end = false; !end; n = (n + 1) % entries)
    {
      if (n == s->tdt[queue] || !read_desc (card, queue, n, desc))
        return false;
      end = is_context (desc) || (desc[TX_CMD] & TX_CMD_EOP) != 0;
      if (is_context (desc))
        take_context (&s->context[queue], desc);
      else
        add_data (card, &packet, desc);
    }
  if (!is_context (desc))
    send_packet (card, &packet, &s->context[queue]);
  for (uint32_t i = first; i != n; i = (i + 1) % entries)
    if (read_desc (card, queue, i, desc))
      report (card, queue, i, desc);
  s->tdh[queue] = n;
  return true;
}

/* A frame that comes back at once may make the driver's code run, but not us again. */
void
e1000e_send (E1000e *card, unsigned queue)
{
  E1000eState *s = &card->s;
  uint32_t     entries = s->tdlen[queue] / E1000E_DESC_BYTES;
  bool         any = false;
  if (card->sending || (s->tctl & E1000E_TCTL_EN) == 0 || s->tdh[queue] >= entries || s->tdt[queue] >= entries)
    return;
  card->sending = true;
  while (s->tdh[queue] != s->tdt[queue] && send_next (card, queue))
    any = true;
  card->sending = false;
  if (any)
    e1000e_raise (card, E1000E_ICR_TXDW | E1000E_ICR_TXQ0 << queue);
}
