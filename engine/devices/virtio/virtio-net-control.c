/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control queue of the network card (VIRTIO 1.1, 5.1.6.5): which frames the driver wants, on how many queues. */
#include "virtio-net-private.h"

enum
{
  CLASS_RX = 0, RX_PROMISC = 0, RX_ALLMULTI = 1,
  CLASS_MAC = 1, MAC_TABLE_SET = 0, MAC_ADDR_SET = 1,
  CLASS_ANNOUNCE = 3, ANNOUNCE_ACK = 0,
  CLASS_MQ = 4, MQ_PAIRS_SET = 0,
  HEADER_BYTES = 2,
  ACK_OK = 0, ACK_ERR = 1,
};

void
net_control_reset (VirtioNet *card)
{
  VirtioNetState *s = &card->s;
  s->n_filter = 0;
  memset (s->filter, 0, sizeof s->filter);
  s->mac_set = s->not_promiscuous = s->all_multicast = s->announce = false;
  s->active_pairs = 1;
}

bool
net_wants (const VirtioNet *card, const uint8_t *frame)
{
  static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  const VirtioNetState *s = &card->s;
  bool multicast = (frame[0] & 1) != 0;
  if (!s->not_promiscuous || memcmp (frame, net_mac (card), 6) == 0 || memcmp (frame, broadcast, 6) == 0
      || (multicast && s->all_multicast))
    return true;
  for (unsigned i = 0; i < s->n_filter; i++)
    if (memcmp (frame, s->filter + 6 * i, 6) == 0)
      return true;
  return false;
}

static bool
get_bytes (VtVirtElement *element, uint64_t off, void *to, uint64_t len)
{
  return vt_virt_element_read (element, HEADER_BYTES + off, to, len) == len;
}

static bool
set_rx_mode (VirtioNet *card, VtVirtElement *element, unsigned command)
{
  uint8_t on;
  if (command > RX_ALLMULTI || !get_bytes (element, 0, &on, 1))
    return false;
  if (command == RX_PROMISC)
    card->s.not_promiscuous = on == 0;
  else
    card->s.all_multicast = on != 0;
  return true;
}

/* Two tables, of single and of group addresses, each behind its length. */
static bool
set_filter (VirtioNet *card, VtVirtElement *element)
{
  VirtioNetState *s = &card->s;
  uint8_t         filter[NET_FILTER_MAX * 6] = { 0 };
  uint64_t        off = 0;
  unsigned        n = 0;
  bool            all = false;
  for (unsigned table = 0; table < 2; table++)
    {
      uint8_t length[4];
      if (!get_bytes (element, off, length, sizeof length))
        return false;
      uint64_t entries = vt_load_le (length, 4);
      off += sizeof length;
      if (entries > NET_FILTER_MAX - n)
        all = true;
      else if (!get_bytes (element, off, filter + 6 * n, 6 * entries))
        return false;
      else
        n += (unsigned) entries;
      off += 6 * entries;
    }
  memcpy (s->filter, filter, sizeof filter);
  s->n_filter = (uint16_t) n;
  s->not_promiscuous = s->not_promiscuous && !all;
  return true;
}

static bool
set_mac (VirtioNet *card, VtVirtElement *element)
{
  uint8_t mac[6];
  if (!get_bytes (element, 0, mac, sizeof mac))
    return false;
  memcpy (card->s.mac, mac, sizeof mac);
  card->s.mac_set = true;
  return true;
}

static bool
set_pairs (VirtioNet *card, VtVirtElement *element)
{
  uint8_t bytes[2];
  if (!get_bytes (element, 0, bytes, sizeof bytes))
    return false;
  uint64_t pairs = vt_load_le (bytes, 2);
  if (pairs < 1 || pairs > card->n_pairs || !vt_virtio_has (&card->pci.virtio, NET_F_MQ))
    return false;
  card->s.active_pairs = (uint16_t) pairs;
  return true;
}

static bool
run (VirtioNet *card, VtVirtElement *element, unsigned class, unsigned command)
{
  switch (class)
    {
    case CLASS_RX:
      return set_rx_mode (card, element, command);
    case CLASS_MAC:
      return command == MAC_TABLE_SET  ? set_filter (card, element)
             : command == MAC_ADDR_SET ? set_mac (card, element)
                                       : false;
    case CLASS_ANNOUNCE:
      card->s.announce = false;
      return command == ANNOUNCE_ACK;
    case CLASS_MQ:
      return command == MQ_PAIRS_SET && set_pairs (card, element);
    default:
      return false;
    }
}

void
net_control (VtVirtElement *element)
{
  VirtioNet *card = (VirtioNet *) element->virtio->dev;
  uint8_t    header[HEADER_BYTES], ack = ACK_ERR;
  if (vt_virt_element_read (element, 0, header, sizeof header) == sizeof header && run (card, element, header[0], header[1]))
    ack = ACK_OK;
  vt_virtqueue_push (element, (uint32_t) vt_virt_element_write (element, 0, &ack, 1));
}
