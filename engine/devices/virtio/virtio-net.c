/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network card (VIRTIO 1.1, 5.1): up to eight pairs of queues and a control queue, checksums and TCP segments made here, merged
 * buffers. Frames that come while the driver has no buffers wait, as many as a wire and a switch would keep, and are then lost.
 * The control queue is in virtio-net-control.c. */
#include "virtio-net-private.h"

#include "net-offload.h"
#include "trace-virtio.h"

enum
{
  ETHERNET_MIN = 14,
  WAITING_BYTES_MAX = 1 << 20,

  HDR_FLAGS = 0, HDR_GSO_TYPE = 1, HDR_GSO_SIZE = 4, HDR_CSUM_START = 6, HDR_CSUM_OFFSET = 8, HDR_NUM_BUFFERS = 10,
  HDR_BYTES = 12,            /* 5.1.6: with VERSION_1 the number of buffers is always there */
  HDR_F_NEEDS_CSUM = 1, HDR_F_DATA_VALID = 2,
  GSO_NONE = 0, GSO_TCPV4 = 1, GSO_TCPV6 = 4, GSO_ECN = 0x80,
};

static const VtField virtio_net_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioNetState, pci),
  VT_FIELD (VirtioNetState, link_down),
  VT_FIELD (VirtioNetState, pad_),
  VT_FIELD_SINCE (3, VirtioNetState, filter),
  VT_FIELD_SINCE (3, VirtioNetState, n_filter),
  VT_FIELD_SINCE (3, VirtioNetState, mac),
  VT_FIELD_SINCE (3, VirtioNetState, active_pairs),
  VT_FIELD_SINCE (3, VirtioNetState, mac_set),
  VT_FIELD_SINCE (3, VirtioNetState, not_promiscuous),
  VT_FIELD_SINCE (3, VirtioNetState, all_multicast),
  VT_FIELD_SINCE (3, VirtioNetState, announce),
  VT_FIELD_SINCE (3, VirtioNetState, pad2_),
};

static const VirtioNetState virtio_net_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (NET_QUEUE_SIZE), .active_pairs = 1 };

const uint8_t *
net_mac (const VirtioNet *card)
{
  return card->s.mac_set ? card->s.mac : card->mac;
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  const VirtioNet *card = (const VirtioNet *) virtio->dev;
  memcpy (config, net_mac (card), 6);
  vt_store_le (config + 6, (card->net != NULL && !card->s.link_down ? NET_STATUS_LINK_UP : 0) | (card->s.announce ? NET_STATUS_ANNOUNCE : 0), 2);
  vt_store_le (config + 8, card->n_pairs, 2);
}

/* --- In -------------------------------------------------------------------------------------------------------------- */

static void
forget_waiting (VirtioNet *card)
{
  for (unsigned i = 0; i < NET_PAIRS; i++)
    {
      g_queue_clear_full (&card->pair[i].waiting, (GDestroyNotify) g_bytes_unref);
      card->pair[i].waiting_bytes = 0;
    }
}

/* The driver's buffers for that many bytes: one, or with merged buffers as many as it takes. 0: there are not enough. */
static unsigned
take_buffers (VirtioNet *card, unsigned queue, size_t len, VtVirtElement **elements)
{
  bool     merge = vt_virtio_has (&card->pci.virtio, NET_F_MRG_RXBUF);
  unsigned n = 0;
  uint64_t room = 0;
  while (n < VT_VIRTQUEUE_PUSH_MAX && (n == 0 || (merge && room < len))
         && (elements[n] = vt_virtqueue_pop (&card->pci.virtio, queue)) != NULL)
    room += elements[n++]->in_len;
  if (room >= len || (n == 1 && !merge) || n == VT_VIRTQUEUE_PUSH_MAX)
    return n;
  while (n > 0)
    vt_virtqueue_unpop (elements[--n]);
  return 0;
}

/* False: the driver has no buffer. A frame that is larger than the buffer is lost. */
static bool
give_frame (VirtioNet *card, unsigned pair, const uint8_t *frame, size_t len)
{
  VtVirtElement *elements[VT_VIRTQUEUE_PUSH_MAX];
  uint8_t        header[HDR_BYTES] = { 0 };
  unsigned       n = take_buffers (card, 2 * pair, HDR_BYTES + len, elements);
  if (n == 0)
    return false;
  /* Where the network is in this computer's memory, checksums that were right stay so. */
  header[HDR_FLAGS] = vt_virtio_has (&card->pci.virtio, NET_F_GUEST_CSUM) && !card->net->from_wire ? HDR_F_DATA_VALID : 0;
  vt_store_le (header + HDR_NUM_BUFFERS, n, 2);
  uint64_t room = 0;
  for (unsigned i = 0; i < n; i++)
    room += elements[i]->in_len;
  if (room < HDR_BYTES + len || elements[0]->in_len < HDR_BYTES)
    {
      vt_guest_warn (&card->pci.pci.dev, "%u buffers of %" G_GUINT64_FORMAT " bytes are too small for a frame", n, room);
      for (unsigned i = 0; i < n; i++)
        elements[i]->written = 0;
      vt_virtqueue_push_all (elements, n);
      return true;
    }
  vt_virt_element_write (elements[0], 0, header, sizeof header);
  for (unsigned i = 0; i < n; i++)
    {
      uint64_t off = i == 0 ? HDR_BYTES : 0, done = vt_virt_element_write (elements[i], off, frame, len);
      elements[i]->written = (uint32_t) (off + done);
      frame += done;
      len -= done;
    }
  vt_virtqueue_push_all (elements, n);
  return true;
}

static void
give_waiting (VirtioNet *card, unsigned number)
{
  NetPair *pair = &card->pair[number];
  GBytes  *frame;
  while ((frame = g_queue_peek_head (&pair->waiting)) != NULL)
    {
      size_t         len;
      const uint8_t *bytes = g_bytes_get_data (frame, &len);
      if (!give_frame (card, number, bytes, len))
        return;
      pair->waiting_bytes -= len;
      g_bytes_unref (g_queue_pop_head (&pair->waiting));
    }
}

static bool
is_up (const VirtioNet *card)
{
  return !card->s.link_down && vt_virtio_live (&card->pci.virtio);
}

static void
receive (void *opaque, const uint8_t *frame, size_t len)
{
  VirtioNet *card = opaque;
  trace_virtio_net_frame (card->pci.pci.dev.path, "in", len);
  if (!is_up (card) || len < ETHERNET_MIN || !net_wants (card, frame))
    return;
  unsigned number = card->s.active_pairs > 1 ? vt_net_flow (frame, len) % card->s.active_pairs : 0;
  NetPair *pair = &card->pair[number];
  if (g_queue_is_empty (&pair->waiting) && give_frame (card, number, frame, len))
    return;
  if (pair->waiting_bytes + len > WAITING_BYTES_MAX)
    return;
  g_queue_push_tail (&pair->waiting, g_bytes_new (frame, len));
  pair->waiting_bytes += len;
}

static const VtNetClientOps client_ops = { receive };

/* --- Out ------------------------------------------------------------------------------------------------------------- */

static void
emit (void *opaque, const uint8_t *frame, size_t len)
{
  VirtioNet *card = opaque;
  trace_virtio_net_frame (card->pci.pci.dev.path, "out", len);
  card->net->ops->send (card->net, frame, len);
}

/* The frame is in card->frame. False: the header asks for what the frame is not. */
static bool
send_frame (VirtioNet *card, const uint8_t *header, size_t len)
{
  VtVirtio *virtio = &card->pci.virtio;
  unsigned  gso = vt_virtio_has (virtio, NET_F_HOST_TSO4 | NET_F_HOST_TSO6) ? header[HDR_GSO_TYPE] & ~GSO_ECN : GSO_NONE;
  if (gso == GSO_TCPV4 || gso == GSO_TCPV6)
    return vt_net_segment (card->frame, len, vt_load_le (header + HDR_GSO_SIZE, 2), emit, card);
  if (gso != GSO_NONE || len > VT_NET_FRAME_MAX)
    return false;
  if (vt_virtio_has (virtio, NET_F_CSUM) && (header[HDR_FLAGS] & HDR_F_NEEDS_CSUM)
      && !vt_net_checksum (card->frame, len, vt_load_le (header + HDR_CSUM_START, 2), vt_load_le (header + HDR_CSUM_OFFSET, 2)))
    return false;
  emit (card, card->frame, len);
  return true;
}

static void
send_element (VtVirtElement *element)
{
  VirtioNet *card = (VirtioNet *) element->virtio->dev;
  uint8_t    header[HDR_BYTES] = { 0 };
  uint64_t   len = element->out_len - MIN (element->out_len, HDR_BYTES);
  vt_virt_element_read (element, 0, header, sizeof header);
  if (len >= ETHERNET_MIN && len <= sizeof card->frame && card->net != NULL && !card->s.link_down)
    {
      vt_virt_element_read (element, HDR_BYTES, card->frame, len);
      if (!send_frame (card, header, (size_t) len))
        vt_guest_warn (&card->pci.pci.dev, "a frame of %" G_GUINT64_FORMAT " bytes cannot be of type %u", len, header[HDR_GSO_TYPE]);
    }
  vt_virtqueue_push (element, 0);
}

/* Without MQ there is one pair, and the control queue comes right after it (5.1.2). */
static unsigned
control_queue (const VirtioNet *card)
{
  return vt_virtio_has (&card->pci.virtio, NET_F_MQ) ? 2 * card->n_pairs : 2;
}

/* A driver that runs has the address that it found, whatever the configuration says since, or says where it is restored. */
static void
keep_mac (VirtioNet *card)
{
  if (card->s.mac_set)
    return;
  memcpy (card->s.mac, card->mac, sizeof card->s.mac);
  card->s.mac_set = true;
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  VirtioNet *card = (VirtioNet *) virtio->dev;
  keep_mac (card);
  if (queue == control_queue (card))
    vt_virtqueue_serve (virtio, queue, net_control);
  else if (queue > control_queue (card))
    vt_guest_warn (virtio->dev, "queue %u does not exist", queue);
  else if (queue % 2 == 0)
    give_waiting (card, queue / 2);
  else
    vt_virtqueue_serve (virtio, queue, send_element);
}

static void
driver_reset (VtVirtio *virtio)
{
  VirtioNet *card = (VirtioNet *) virtio->dev;
  forget_waiting (card);
  net_control_reset (card);
}

static const VtVirtioType virtio_net_type = {
  .name = "virtio-net",
  .id = 1,
  .n_queues = 2 * NET_PAIRS + 1,
  .queue_size = NET_QUEUE_SIZE,
  .config_bytes = NET_CONFIG_BYTES,
  .features = NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_MAC | NET_F_HOST_TSO4 | NET_F_HOST_TSO6 | NET_F_HOST_ECN | NET_F_MRG_RXBUF
              | NET_F_STATUS | NET_F_CTRL_VQ | NET_F_CTRL_RX | NET_F_GUEST_ANNOUNCE | NET_F_CTRL_MAC_ADDR,
  .get_config = get_config,
  .reset = driver_reset,
  .notify = notify,
};

void
vt_virtio_net_set_mac (VtDevice *dev, const uint8_t mac[6])
{
  VirtioNet *card = (VirtioNet *) dev;
  memcpy (card->mac, mac, sizeof card->mac);
  vt_virtio_config_changed (&card->pci.virtio);
}

void
vt_virtio_net_announce (VtDevice *dev)
{
  VirtioNet *card = (VirtioNet *) dev;
  if (!vt_virtio_has (&card->pci.virtio, NET_F_GUEST_ANNOUNCE) || !is_up (card))
    return;
  card->s.announce = true;
  vt_virtio_config_changed (&card->pci.virtio);
}

void
vt_virtio_net_set_link (VtDevice *dev, bool up)
{
  VirtioNet *card = (VirtioNet *) dev;
  if (card->s.link_down == !up)
    return;
  card->s.link_down = !up;
  forget_waiting (card);
  vt_virtio_config_changed (&card->pci.virtio);
}

/* --- Life ------------------------------------------------------------------------------------------------------------ */

static bool
virtio_net_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioNet               *card = (VirtioNet *) dev;
  const VtVirtioNetConfig *config = env->config;
  memcpy (card->mac, config->mac, sizeof card->mac);
  card->net = config->net;
  if (card->net != NULL)
    {
      card->net->client = &client_ops;
      card->net->client_opaque = card;
    }
  card->n_pairs = (uint16_t) MAX (config->n_pairs, 1);
  VtVirtioOffer offer = { .features = config->ring_forms | (card->n_pairs > 1 ? NET_F_MQ : 0), .n_queues = 2 * card->n_pairs + 1 };
  return vt_virtio_pci_init (&card->pci, env, &config->place, 0x020000, &virtio_net_type, &offer, &card->s.pci, error);
}

static bool
virtio_net_check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioNetState *s = incoming;
  if (s->active_pairs < 1 || s->active_pairs > ((VirtioNet *) dev)->n_pairs || s->n_filter > NET_FILTER_MAX)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved card cannot be like this", dev->path);
      return false;
    }
  return vt_virtio_pci_check (dev, incoming, error);
}

/* What waited belongs to another past. */
static void
virtio_net_settle (VtDevice *dev)
{
  forget_waiting ((VirtioNet *) dev);
  vt_virtio_pci_settle (dev);
}

static void
virtio_net_finalize (VtDevice *dev)
{
  forget_waiting ((VirtioNet *) dev);
  vt_virtio_pci_finalize (dev);
}

static const void *
virtio_net_test_config (void)
{
  static const VtVirtioNetConfig config = { .mac = { 0x52, 0x54, 0, 1, 2, 3 }, .n_pairs = 2, .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_net_pci = {
  .name = "virtio-net-pci",
  .summary = "Network card, paravirtual (virtio)",
  .instance_size = sizeof (VirtioNet),
  .state_off = offsetof (VirtioNet, s),
  .state = VT_STATE (3, VirtioNetState, virtio_net_fields, &virtio_net_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_net_realize,
  .settle = virtio_net_settle,
  .check = virtio_net_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = virtio_net_finalize,
  .test_config = virtio_net_test_config,
};
