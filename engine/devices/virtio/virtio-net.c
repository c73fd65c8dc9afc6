/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network card (VIRTIO 1.1, 5.1): one pair of queues, no offloads. Frames that come while the driver has no buffers wait, as many as
 * a wire and a switch would keep, and are then lost. */
#include "virtio-net.h"

#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  RX = 0, TX = 1, QUEUES = 2,
  QUEUE_SIZE   = 256,
  HEADER_BYTES = 12,          /* 5.1.6: with VERSION_1 the number of buffers is always there */
  CONFIG_BYTES = 10,
  STATUS_LINK_UP = 1,
  ETHERNET_MIN = 14,
  WAITING_BYTES_MAX = 1 << 20,
};

#define NET_F_MAC    VIRTIO_F (5)
#define NET_F_STATUS VIRTIO_F (16)

typedef struct
{
  VtVirtioPciState pci;
  bool             link_down;
  uint8_t          pad_[7];
} VirtioNetState;

typedef struct
{
  VtVirtioPci    pci;
  VirtioNetState s;
  VtNet         *net;
  uint8_t        mac[6];
  GQueue         waiting;        /* GBytes: frames without a buffer */
  size_t         waiting_bytes;
  uint8_t        frame[VT_NET_FRAME_MAX];   /* on its way out */
} VirtioNet;

static const VtField virtio_net_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioNetState, pci),
  VT_FIELD (VirtioNetState, link_down),
  VT_FIELD (VirtioNetState, pad_),
};

static const VirtioNetState virtio_net_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  const VirtioNet *card = (const VirtioNet *) virtio->dev;
  memcpy (config, card->mac, sizeof card->mac);
  vt_store_le (config + 6, card->net != NULL && !card->s.link_down ? STATUS_LINK_UP : 0, 2);
  vt_store_le (config + 8, 1, 2);
}

/* --- In -------------------------------------------------------------------------------------------------------------- */

static void
forget_waiting (VirtioNet *card)
{
  g_queue_clear_full (&card->waiting, (GDestroyNotify) g_bytes_unref);
  card->waiting_bytes = 0;
}

/* False: the driver has no buffer. A frame that is larger than the buffer is lost. */
static bool
give_frame (VirtioNet *card, const uint8_t *frame, size_t len)
{
  static const uint8_t header[HEADER_BYTES] = { [10] = 1 };
  VtVirtElement       *element = vt_virtqueue_pop (&card->pci.virtio, RX);
  if (element == NULL)
    return false;
  if (element->in_len < HEADER_BYTES + len)
    {
      vt_guest_warn (&card->pci.pci.dev, "a buffer of %" G_GUINT64_FORMAT " bytes is too small for a frame", element->in_len);
      vt_virtqueue_push (element, 0);
      return true;
    }
  vt_virt_element_write (element, 0, header, sizeof header);
  vt_virt_element_write (element, HEADER_BYTES, frame, len);
  vt_virtqueue_push (element, (uint32_t) (HEADER_BYTES + len));
  return true;
}

static void
give_waiting (VirtioNet *card)
{
  GBytes *frame;
  while ((frame = g_queue_peek_head (&card->waiting)) != NULL)
    {
      size_t len;
      const uint8_t *bytes = g_bytes_get_data (frame, &len);
      if (!give_frame (card, bytes, len))
        return;
      card->waiting_bytes -= len;
      g_bytes_unref (g_queue_pop_head (&card->waiting));
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
  if (!is_up (card) || (g_queue_is_empty (&card->waiting) && give_frame (card, frame, len)))
    return;
  if (card->waiting_bytes + len > WAITING_BYTES_MAX)
    return;
  g_queue_push_tail (&card->waiting, g_bytes_new (frame, len));
  card->waiting_bytes += len;
}

static const VtNetClientOps client_ops = { receive };

/* --- Out ------------------------------------------------------------------------------------------------------------- */

static void
send_element (VtVirtElement *element)
{
  VirtioNet *card = (VirtioNet *) element->virtio->dev;
  uint64_t   len = element->out_len - MIN (element->out_len, HEADER_BYTES);
  if (len >= ETHERNET_MIN && len <= sizeof card->frame && card->net != NULL && !card->s.link_down)
    {
      vt_virt_element_read (element, HEADER_BYTES, card->frame, len);
      trace_virtio_net_frame (card->pci.pci.dev.path, "out", len);
      card->net->ops->send (card->net, card->frame, (size_t) len);
    }
  vt_virtqueue_push (element, 0);
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  if (queue == RX)
    give_waiting ((VirtioNet *) virtio->dev);
  else
    vt_virtqueue_serve (virtio, queue, send_element);
}

static void
driver_reset (VtVirtio *virtio)
{
  forget_waiting ((VirtioNet *) virtio->dev);
}

static const VtVirtioType virtio_net_type = {
  .name = "virtio-net",
  .id = 1,
  .n_queues = QUEUES,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .features = NET_F_MAC | NET_F_STATUS,
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
  g_queue_init (&card->waiting);
  memcpy (card->mac, config->mac, sizeof card->mac);
  card->net = config->net;
  if (card->net != NULL)
    {
      card->net->client = &client_ops;
      card->net->client_opaque = card;
    }
  VtVirtioOffer offer = { .features = config->ring_forms };
  return vt_virtio_pci_init (&card->pci, env, &config->place, 0x020000, &virtio_net_type, &offer, &card->s.pci, error);
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
  static const VtVirtioNetConfig config = { .mac = { 0x52, 0x54, 0, 1, 2, 3 }, .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_net_pci = {
  .name = "virtio-net-pci",
  .summary = "Network card, paravirtual (virtio)",
  .instance_size = sizeof (VirtioNet),
  .state_off = offsetof (VirtioNet, s),
  .state = VT_STATE (2, VirtioNetState, virtio_net_fields, &virtio_net_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_net_realize,
  .settle = virtio_net_settle,
  .check = vt_virtio_pci_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = virtio_net_finalize,
  .test_config = virtio_net_test_config,
};
