/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets (VIRTIO 1.1, 5.10): stream connections with credit in both directions. They are the host's as well, so they end with a
 * save: the restored driver is told that its transport was reset (5.10.6.7). */
#include "virtio-vsock.h"

#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  RX = 0, TX = 1, EVENTS = 2,
  QUEUE_SIZE = 128,
  CONFIG_BYTES = 8,
  HOST_CID = 2,
  HEADER_BYTES = 44,
  TYPE_STREAM = 1,
  OP_REQUEST = 1, OP_RESPONSE = 2, OP_RST = 3, OP_SHUTDOWN = 4, OP_RW = 5, OP_CREDIT_UPDATE = 6, OP_CREDIT_REQUEST = 7,
  SHUTDOWN_RECEIVE = 1, SHUTDOWN_SEND = 2,
  EVENT_TRANSPORT_RESET = 0,

  BUFFER = 64 * 1024,        /* of each connection, for what the host has not taken yet */
  CONNECTIONS_MAX = 256,
  REPLIES_MAX = 1024,        /* that wait for the driver's buffers; a driver that has none for so many loses some */
  HOST_PORT_FIRST = 0x40000000,
};

/* A packet's header, copied once. */
typedef struct
{
  uint64_t src_cid, dst_cid;
  uint32_t src_port, dst_port, len;
  uint16_t type, op;
  uint32_t flags, buf_alloc, fwd_cnt;
} Packet;

typedef struct
{
  VtVirtioPciState pci;
  bool             tell_reset;     /* an event for which the driver had no buffer */
  uint8_t          pad_[7];
} VirtioVsockState;

typedef struct
{
  VtVirtioPci      pci;
  VirtioVsockState s;
  VtStreamHost    *host;
  uint32_t         cid, next_port;
  bool             settled;        /* since it last ran */
  GPtrArray       *connections;    /* Connection* */
  GQueue           replies;        /* Packet* */
} VirtioVsock;

typedef struct
{
  VirtioVsock *vsock;
  VtStream    *stream;
  uint32_t     guest_port, host_port;
  uint32_t     peer_alloc, peer_fwd;      /* credit: the guest's buffer, and what it has taken out of it */
  uint32_t     sent, forwarded;           /* bytes to the guest; bytes from it that the host has taken */
  uint32_t     told_forwarded;
  bool         connected;                 /* the guest has answered, or asked */
  bool         finishing;                 /* no more comes from the guest */
  bool         deaf;                      /* it wants none: with the above, over when the host has taken what waits */
  GByteArray  *waiting;                   /* from the guest, for the host */
} Connection;

static const VtField virtio_vsock_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioVsockState, pci),
  VT_FIELD (VirtioVsockState, tell_reset),
  VT_FIELD (VirtioVsockState, pad_),
};

static const VirtioVsockState virtio_vsock_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

static VirtioVsock *
from_virtio (VtVirtio *virtio)
{
  return (VirtioVsock *) virtio->dev;
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  vt_store_le (config, from_virtio (virtio)->cid, 8);
}

/* --- Packets ------------------------------------------------------------------------------------------------------ */

static void
put_packet (uint8_t *to, const Packet *packet)
{
  vt_store_le (to, packet->src_cid, 8);
  vt_store_le (to + 8, packet->dst_cid, 8);
  vt_store_le (to + 16, packet->src_port, 4);
  vt_store_le (to + 20, packet->dst_port, 4);
  vt_store_le (to + 24, packet->len, 4);
  vt_store_le (to + 28, packet->type, 2);
  vt_store_le (to + 30, packet->op, 2);
  vt_store_le (to + 32, packet->flags, 4);
  vt_store_le (to + 36, packet->buf_alloc, 4);
  vt_store_le (to + 40, packet->fwd_cnt, 4);
}

static Packet
get_packet (const uint8_t *from)
{
  return (Packet) { .src_cid = vt_load_le (from, 8), .dst_cid = vt_load_le (from + 8, 8),
                    .src_port = (uint32_t) vt_load_le (from + 16, 4), .dst_port = (uint32_t) vt_load_le (from + 20, 4),
                    .len = (uint32_t) vt_load_le (from + 24, 4), .type = (uint16_t) vt_load_le (from + 28, 2),
                    .op = (uint16_t) vt_load_le (from + 30, 2), .flags = (uint32_t) vt_load_le (from + 32, 4),
                    .buf_alloc = (uint32_t) vt_load_le (from + 36, 4), .fwd_cnt = (uint32_t) vt_load_le (from + 40, 4) };
}

/* False: the driver has no buffer. */
static bool
send_packet (VirtioVsock *vsock, const Packet *packet, const uint8_t *bytes)
{
  uint8_t        header[HEADER_BYTES];
  VtVirtElement *element = vt_virtqueue_pop (&vsock->pci.virtio, RX);
  if (element == NULL)
    return false;
  put_packet (header, packet);
  uint64_t n = vt_virt_element_write (element, 0, header, sizeof header);
  n += vt_virt_element_write (element, n, bytes, packet->len);
  vt_virtqueue_push (element, (uint32_t) n);
  return true;
}

static void
send_replies (VirtioVsock *vsock)
{
  Packet *packet;
  while ((packet = g_queue_peek_head (&vsock->replies)) != NULL && send_packet (vsock, packet, NULL))
    g_free (g_queue_pop_head (&vsock->replies));
}

/* A packet without data; it waits for a buffer if need be. */
static void
reply (VirtioVsock *vsock, Packet packet)
{
  packet.src_cid = HOST_CID;
  packet.dst_cid = vsock->cid;
  packet.type = packet.type != 0 ? packet.type : TYPE_STREAM;
  if (g_queue_get_length (&vsock->replies) < REPLIES_MAX)
    g_queue_push_tail (&vsock->replies, g_memdup2 (&packet, sizeof packet));
  send_replies (vsock);
}

static Packet
packet_of (Connection *c, unsigned op)
{
  c->told_forwarded = c->forwarded;
  return (Packet) { .src_cid = HOST_CID, .dst_cid = c->vsock->cid, .src_port = c->host_port, .dst_port = c->guest_port,
                    .type = TYPE_STREAM, .op = (uint16_t) op, .buf_alloc = BUFFER, .fwd_cnt = c->forwarded };
}

/* --- Connections -------------------------------------------------------------------------------------------------- */

static void
connection_free (gpointer data)
{
  Connection *c = data;
  c->stream->ops->close (c->stream);
  g_byte_array_unref (c->waiting);
  g_free (c);
}

static void
drop (Connection *c, bool tell)
{
  if (tell)
    reply (c->vsock, packet_of (c, OP_RST));
  g_ptr_array_remove_fast (c->vsock->connections, c);
}

static Connection *
find (VirtioVsock *vsock, uint32_t guest_port, uint32_t host_port)
{
  for (guint i = 0; i < vsock->connections->len; i++)
    {
      Connection *c = g_ptr_array_index (vsock->connections, i);
      if (c->guest_port == guest_port && c->host_port == host_port)
        return c;
    }
  return NULL;
}

static size_t
can_receive (void *opaque)
{
  Connection *c = opaque;
  uint32_t    in_flight = c->sent - c->peer_fwd;
  uint32_t    credit = c->peer_alloc - MIN (c->peer_alloc, in_flight);
  uint64_t    room = c->connected && credit > 0 ? vt_virtqueue_room (&c->vsock->pci.virtio, RX) : 0;
  return (size_t) MIN (room - MIN (room, HEADER_BYTES), credit);
}

static void
receive (void *opaque, const uint8_t *bytes, size_t n)
{
  Connection *c = opaque;
  Packet      packet = packet_of (c, OP_RW);
  packet.len = (uint32_t) n;
  if (send_packet (c->vsock, &packet, bytes))
    c->sent += (uint32_t) n;
}

/* What the guest sent goes on to the host; it is told when half of its credit is free again. The connection may be gone after
 * it. */
static void
writable (void *opaque)
{
  Connection *c = opaque;
  size_t      done = c->stream->ops->write (c->stream, c->waiting->data, c->waiting->len);
  g_byte_array_remove_range (c->waiting, 0, (guint) done);
  c->forwarded += (uint32_t) done;
  if (c->forwarded - c->told_forwarded >= BUFFER / 2)
    reply (c->vsock, packet_of (c, OP_CREDIT_UPDATE));
  if (c->waiting->len > 0 || !c->finishing)
    return;
  c->stream->ops->finish (c->stream);
  if (c->deaf)
    drop (c, true);
}

static void
shut_down (Connection *c, uint32_t flags)
{
  Packet packet = packet_of (c, OP_SHUTDOWN);
  packet.flags = flags;
  reply (c->vsock, packet);
}

static void
finished (void *opaque)
{
  shut_down (opaque, SHUTDOWN_SEND);
}

static void
hung_up (void *opaque)
{
  Connection *c = opaque;
  shut_down (c, SHUTDOWN_RECEIVE | SHUTDOWN_SEND);
  if (c->finishing)
    drop (c, c->deaf);
}

static const VtStreamClient stream_client = { can_receive, receive, writable, finished, hung_up };

static Connection *
connection_new (VirtioVsock *vsock, VtStream *stream, uint32_t guest_port, uint32_t host_port)
{
  Connection *c = g_new0 (Connection, 1);
  *c = (Connection) { .vsock = vsock, .stream = stream, .guest_port = guest_port, .host_port = host_port,
                      .waiting = g_byte_array_new () };
  stream->client = &stream_client;
  stream->client_opaque = c;
  g_ptr_array_add (vsock->connections, c);
  return c;
}

/* Somebody of this computer wants in. */
static bool
incoming (void *opaque, VtStream *stream, uint32_t port)
{
  VirtioVsock *vsock = opaque;
  if (!vt_virtio_live (&vsock->pci.virtio) || vsock->connections->len >= CONNECTIONS_MAX)
    return false;
  vsock->next_port = MAX (vsock->next_port + 1, HOST_PORT_FIRST);
  reply (vsock, packet_of (connection_new (vsock, stream, port, vsock->next_port), OP_REQUEST));
  return true;
}

/* --- From the guest ----------------------------------------------------------------------------------------------- */

static void
take_request (VirtioVsock *vsock, const Packet *packet)
{
  VtStream *stream = vsock->host != NULL && vsock->connections->len < CONNECTIONS_MAX
                       ? vsock->host->ops->connect (vsock->host, packet->dst_port)
                       : NULL;
  if (stream == NULL)
    {
      reply (vsock, (Packet) { .src_port = packet->dst_port, .dst_port = packet->src_port, .op = OP_RST });
      return;
    }
  Connection *c = connection_new (vsock, stream, packet->src_port, packet->dst_port);
  c->connected = true;
  c->peer_alloc = packet->buf_alloc;
  c->peer_fwd = packet->fwd_cnt;
  reply (vsock, packet_of (c, OP_RESPONSE));
  stream->ops->accept (stream);
}

static void
take_data (Connection *c, VtVirtElement *element, uint32_t len)
{
  guint before = c->waiting->len;
  if (c->finishing || len > BUFFER - MIN (before, BUFFER) || element->out_len < HEADER_BYTES + (uint64_t) len)
    {
      vt_guest_warn (c->vsock->pci.virtio.dev, "%u bytes without credit for them", len);
      drop (c, true);
      return;
    }
  g_byte_array_set_size (c->waiting, before + len);
  vt_virt_element_read (element, HEADER_BYTES, c->waiting->data + before, len);
  writable (c);
}

/* What waits for the host still goes there. */
static void
take_shutdown (Connection *c, const Packet *packet)
{
  c->finishing = c->finishing || (packet->flags & SHUTDOWN_SEND) != 0;
  c->deaf = c->deaf || (packet->flags & SHUTDOWN_RECEIVE) != 0;
  if (c->finishing)
    writable (c);
}

static void
take_packet (VirtioVsock *vsock, VtVirtElement *element, const Packet *packet)
{
  Connection *c = find (vsock, packet->src_port, packet->dst_port);
  if (packet->op == OP_REQUEST && c == NULL)
    {
      take_request (vsock, packet);
      return;
    }
  if (c == NULL)
    {
      if (packet->op != OP_RST)
        reply (vsock, (Packet) { .src_port = packet->dst_port, .dst_port = packet->src_port, .op = OP_RST });
      return;
    }
  c->peer_alloc = packet->buf_alloc;
  c->peer_fwd = packet->fwd_cnt;
  switch (packet->op)
    {
    case OP_RESPONSE: c->connected = true; break;
    case OP_RW: take_data (c, element, packet->len); return;
    case OP_SHUTDOWN: take_shutdown (c, packet); return;
    case OP_CREDIT_REQUEST: reply (vsock, packet_of (c, OP_CREDIT_UPDATE)); break;
    case OP_CREDIT_UPDATE: break;
    default: drop (c, packet->op != OP_RST); return;
    }
  c->stream->ops->accept (c->stream);
}

static void
take_element (VtVirtElement *element)
{
  VirtioVsock *vsock = from_virtio (element->virtio);
  uint8_t      header[HEADER_BYTES];
  bool         whole = vt_virt_element_read (element, 0, header, sizeof header) == sizeof header;
  Packet       packet = get_packet (header);
  if (whole)
    trace_virtio_vsock_packet (vsock->pci.pci.dev.path, packet.op, packet.src_port, packet.dst_port, packet.len);
  if (whole && packet.type == TYPE_STREAM && packet.src_cid == vsock->cid && packet.dst_cid == HOST_CID)
    take_packet (vsock, element, &packet);
  else if (whole && packet.op != OP_RST)
    reply (vsock, (Packet) { .src_port = packet.dst_port, .dst_port = packet.src_port, .op = OP_RST, .type = packet.type });
  vt_virtqueue_push (element, 0);
}

static void
tell_reset (VirtioVsock *vsock)
{
  uint8_t        event[4] = { EVENT_TRANSPORT_RESET };
  VtVirtElement *element = vsock->s.tell_reset ? vt_virtqueue_pop (&vsock->pci.virtio, EVENTS) : NULL;
  if (element == NULL)
    return;
  vt_virtqueue_push (element, (uint32_t) vt_virt_element_write (element, 0, event, sizeof event));
  vsock->s.tell_reset = false;
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  VirtioVsock *vsock = from_virtio (virtio);
  if (queue == TX)
    vt_virtqueue_serve (virtio, queue, take_element);
  else if (queue == EVENTS)
    tell_reset (vsock);
  else
    {
      send_replies (vsock);
      for (guint i = 0; i < vsock->connections->len; i++)
        {
          Connection *c = g_ptr_array_index (vsock->connections, i);
          c->stream->ops->accept (c->stream);
        }
    }
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
forget (VirtioVsock *vsock)
{
  if (vsock->connections != NULL)
    g_ptr_array_set_size (vsock->connections, 0);
  g_queue_clear_full (&vsock->replies, g_free);
}

static void
driver_reset (VtVirtio *virtio)
{
  forget (from_virtio (virtio));
  from_virtio (virtio)->s.tell_reset = false;
}

static const VtVirtioType virtio_vsock_type = {
  .name = "virtio-vsock",
  .id = 19,
  .n_queues = 3,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .get_config = get_config,
  .reset = driver_reset,
  .notify = notify,
};

static bool
virtio_vsock_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioVsock               *vsock = (VirtioVsock *) dev;
  const VtVirtioVsockConfig *config = env->config;
  VtVirtioOffer              offer = { .features = config->ring_forms };
  vsock->connections = g_ptr_array_new_with_free_func (connection_free);
  vsock->cid = config->cid;
  vsock->host = config->host;
  if (vsock->host != NULL)
    {
      vsock->host->incoming = incoming;
      vsock->host->opaque = vsock;
    }
  return vt_virtio_pci_init (&vsock->pci, env, &config->place, 0x078000, &virtio_vsock_type, &offer, &vsock->s.pci, error);
}

static void
virtio_vsock_settle (VtDevice *dev)
{
  VirtioVsock *vsock = (VirtioVsock *) dev;
  forget (vsock);
  vsock->settled = true;
  vt_virtio_pci_settle (dev);
}

static void
virtio_vsock_resume (VtDevice *dev)
{
  VirtioVsock *vsock = (VirtioVsock *) dev;
  vt_virtio_pci_resume (dev);
  /* A driver that runs over a state that was loaded has connections that we do not. */
  if (vsock->settled && vt_virtio_live (&vsock->pci.virtio))
    vsock->s.tell_reset = true;
  vsock->settled = false;
  tell_reset (vsock);
}

static void
virtio_vsock_finalize (VtDevice *dev)
{
  VirtioVsock *vsock = (VirtioVsock *) dev;
  forget (vsock);
  g_clear_pointer (&vsock->connections, g_ptr_array_unref);
  vt_virtio_pci_finalize (dev);
}

static const void *
virtio_vsock_test_config (void)
{
  static const VtVirtioVsockConfig config = { .cid = VT_VSOCK_CID_MIN, .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_vsock_pci = {
  .name = "virtio-vsock-pci",
  .summary = "Sockets between guest and host (virtio)",
  .instance_size = sizeof (VirtioVsock),
  .state_off = offsetof (VirtioVsock, s),
  .state = VT_STATE (2, VirtioVsockState, virtio_vsock_fields, &virtio_vsock_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_vsock_realize,
  .settle = virtio_vsock_settle,
  .check = vt_virtio_pci_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = virtio_vsock_resume,
  .finalize = virtio_vsock_finalize,
  .test_config = virtio_vsock_test_config,
};
