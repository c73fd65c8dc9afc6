/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guest's controller asks of a device that is somewhere else. Each request goes to the other end as a packet with a number; until
 * the answer is there the device says NAK, as a slow one would. Whatever the other end says is taken for an answer only if it fits a
 * question: the endpoint, its number, and no more bytes than were asked for.
 *
 * Streams (usbredir protocol 0.7, “start_iso_stream”, “start_interrupt_receiving”) run by themselves: they begin with the guest's first
 * request, and end when it gives one up.
 *
 * Nothing of the device is part of a saved machine. Restored, the guest finds it pulled out. */
#include "usb-redir-private.h"

#include "trace-usb.h"
#include "vitrine/error.h"

enum
{
  /* USB 2.0, 9.3, 9.4 */
  SET_ADDRESS = 5, GET_CONFIGURATION = 8, SET_CONFIGURATION = 9, GET_INTERFACE = 10, SET_INTERFACE = 11,
  OF_DEVICE = 0x00, OF_INTERFACE = 0x01, DIRECTION_AND_TYPE = 0xff,

  /* Of a longer transfer that many bytes are asked for at a time: fits the length of every packet, and whole packets of the bus. */
  CHUNK_BYTES = 63 * 1024,
  TRANSFER_MAX = 4 << 20,
  REDIR_PACKETS_MAX = 128,
  ISO_PACKETS_PER_URB = 8, ISO_URBS = 4,
};
#define AHEAD_NS INT64_C (8000000)     /* isochronous OUT: so much may be under way */

static const VtField redir_fields[] = { VT_FIELD (UsbRedirState, address), VT_FIELD (UsbRedirState, pad_) };

static UsbRedir *
redir_of (VtUsbDevice *usb)
{
  return (UsbRedir *) ((uint8_t *) usb - offsetof (UsbRedir, usb));
}

static VtUsbResult
result_of (unsigned status)
{
  switch (status)
    {
    case usb_redir_success: return VT_USB_DONE;
    case usb_redir_stall: return VT_USB_STALL;
    default: return VT_USB_ERROR;
    }
}

/* --- One transfer at a time ------------------------------------------------------------------------------------------ */

static void
forget_transfer (RedirEndpoint *ep)
{
  g_clear_pointer (&ep->data, g_free);
  ep->phase = REDIR_IDLE;
}

static void
send_chunk (UsbRedir *redir, RedirEndpoint *ep, unsigned address)
{
  bool     to_host = (address & VT_USB_TO_HOST) != 0;
  uint32_t n = MIN (ep->wanted - ep->moved, CHUNK_BYTES);
  uint8_t *data = to_host ? NULL : ep->data + ep->moved;
  int      len = to_host ? 0 : (int) n;
  ep->asked = n;
  ep->id = ++redir->last_id;
  ep->phase = REDIR_ASKED;
  if (ep->type == usb_redir_type_interrupt)
    usbredirparser_send_interrupt_packet (redir->parser, ep->id, &(struct usb_redir_interrupt_packet_header) {
      .endpoint = (uint8_t) address, .length = (uint16_t) n }, data, len);
  else
    usbredirparser_send_bulk_packet (redir->parser, ep->id, &(struct usb_redir_bulk_packet_header) {
      .endpoint = (uint8_t) address, .length = (uint16_t) n }, data, len);
  vt_redir_flush (redir);
}

/* Whether the transfer is at its end: it was answered with less than was asked for, or there is no more to ask. */
void
vt_redir_answer (UsbRedir *redir, unsigned address, uint64_t id, unsigned status, const uint8_t *data, uint32_t n, uint32_t done)
{
  RedirEndpoint *ep = &redir->endpoints[redir_index (address)];
  if (ep->phase != REDIR_ASKED || ep->id != id)
    return;                                   /* of something that was given up, or of nothing */
  bool fits = done <= ep->asked && n <= ep->asked;
  ep->result = fits ? result_of (status) : VT_USB_ERROR;
  ep->phase = REDIR_ANSWERED;
  if (ep->result == VT_USB_DONE)
    {
      if (n > 0)
        memcpy (ep->data + ep->moved, data, n);
      ep->moved += n > 0 ? n : done;
      bool full = (n > 0 ? n : done) == ep->asked;
      if (full && ep->moved < ep->wanted && (address & 0xf) != 0)
        {
          send_chunk (redir, ep, address);
          return;
        }
    }
  vt_usb_ready (&redir->usb, (address & 0xf) == 0 ? VT_USB_TO_HOST : address);
}

static bool
begin (UsbRedir *redir, RedirEndpoint *ep, uint32_t len)
{
  if (len > TRANSFER_MAX)
    {
      vt_guest_warn (&redir->dev, "more data than a redirected device takes at once");
      return false;
    }
  ep->data = g_malloc0 (MAX (len, 1));
  ep->wanted = len;
  ep->moved = 0;
  redir->pristine = false;
  return true;
}

static VtUsbResult
transfer (UsbRedir *redir, RedirEndpoint *ep, unsigned address, uint8_t *in, const uint8_t *out, uint32_t *len)
{
  if (ep->phase == REDIR_IDLE)
    {
      if (!begin (redir, ep, *len))
        return VT_USB_ERROR;
      if (out != NULL)
        memcpy (ep->data, out, *len);
      send_chunk (redir, ep, address);
    }
  if (ep->phase != REDIR_ANSWERED)
    return VT_USB_NAK;
  *len = MIN (*len, ep->moved);
  if (in != NULL)
    memcpy (in, ep->data, *len);
  forget_transfer (ep);
  return ep->result;
}

/* --- Streams ---------------------------------------------------------------------------------------------------------- */

static void
forget_packets (RedirEndpoint *ep)
{
  g_queue_clear_full (&ep->packets, (GDestroyNotify) g_bytes_unref);
}

static void
start_stream (UsbRedir *redir, RedirEndpoint *ep, unsigned address)
{
  ep->streaming = true;
  ep->broken = VT_USB_DONE;
  ep->due_ns = vt_clock_now (redir->clock);
  redir->pristine = false;
  if (ep->type == usb_redir_type_iso)
    usbredirparser_send_start_iso_stream (redir->parser, ++redir->last_id, &(struct usb_redir_start_iso_stream_header) {
      .endpoint = (uint8_t) address, .pkts_per_urb = ISO_PACKETS_PER_URB, .no_urbs = ISO_URBS });
  else
    usbredirparser_send_start_interrupt_receiving (redir->parser, ++redir->last_id,
                                                   &(struct usb_redir_start_interrupt_receiving_header) { (uint8_t) address });
  vt_redir_flush (redir);
}

static void
stop_stream (UsbRedir *redir, RedirEndpoint *ep, unsigned address)
{
  forget_packets (ep);
  if (!ep->streaming)
    return;
  ep->streaming = false;
  if (redir->parser == NULL)
    return;
  if (ep->type == usb_redir_type_iso)
    usbredirparser_send_stop_iso_stream (redir->parser, ++redir->last_id,
                                         &(struct usb_redir_stop_iso_stream_header) { (uint8_t) address });
  else
    usbredirparser_send_stop_interrupt_receiving (redir->parser, ++redir->last_id,
                                                  &(struct usb_redir_stop_interrupt_receiving_header) { (uint8_t) address });
  vt_redir_flush (redir);
}

void
vt_redir_packet (UsbRedir *redir, unsigned address, unsigned status, GBytes *packet)
{
  RedirEndpoint *ep = &redir->endpoints[redir_index (address)];
  /* A lost isochronous packet is one without data. */
  bool good = status == usb_redir_success || ep->type == usb_redir_type_iso;
  if (!ep->streaming || !good)
    {
      g_bytes_unref (packet);
      if (ep->streaming)
        vt_redir_stream_ended (redir, address, status);
      return;
    }
  if (g_queue_get_length (&ep->packets) >= REDIR_PACKETS_MAX)
    g_bytes_unref (g_queue_pop_head (&ep->packets));        /* what the guest did not fetch in time */
  g_queue_push_tail (&ep->packets, packet);
  vt_usb_ready (&redir->usb, address);
}

void
vt_redir_stream_ended (UsbRedir *redir, unsigned address, unsigned status)
{
  RedirEndpoint *ep = &redir->endpoints[redir_index (address)];
  if (!ep->streaming || status == usb_redir_success)
    return;                                   /* it has begun, or was stopped by us */
  ep->streaming = false;
  ep->broken = result_of (status);
  vt_usb_ready (&redir->usb, address);
}

/* Packets that make up a transfer: it ends with one that is not full (USB 2.0, 5.7.3). 0: there are not enough yet. */
static guint
count_packets (const RedirEndpoint *ep, uint32_t len)
{
  uint32_t bytes = 0;
  guint    n = 0;
  for (const GList *l = ep->packets.head; l != NULL; l = l->next)
    {
      gsize size = g_bytes_get_size (l->data);
      bytes += (uint32_t) size;
      n++;
      if (bytes >= len || size < ep->packet_bytes || ep->packet_bytes == 0 || ep->type == usb_redir_type_iso)
        return n;
    }
  return 0;
}

static VtUsbResult
stream_in (UsbRedir *redir, RedirEndpoint *ep, unsigned address, uint8_t *data, uint32_t *len)
{
  uint32_t moved = 0;
  guint    n = count_packets (ep, *len);
  if (n == 0 && ep->broken != VT_USB_DONE)
    {
      VtUsbResult result = ep->broken;
      ep->broken = VT_USB_DONE;
      return result;
    }
  if (!ep->streaming && n == 0)
    start_stream (redir, ep, address);
  if (n == 0)
    return VT_USB_NAK;
  for (; n > 0; n--)
    {
      g_autoptr (GBytes) packet = g_queue_pop_head (&ep->packets);
      gsize          size;
      const uint8_t *bytes = g_bytes_get_data (packet, &size);
      size = MIN (size, *len - moved);
      if (size > 0)
        memcpy (data + moved, bytes, size);
      moved += (uint32_t) size;
    }
  *len = moved;
  return VT_USB_DONE;
}

/* USB 2.0, table 9-13: 2 to the power of bInterval - 1 frames, or microframes of a fast device. */
static int64_t
interval_ns (const UsbRedir *redir, const RedirEndpoint *ep)
{
  bool fast = redir->usb.speed == VT_USB_HIGH_SPEED || redir->usb.speed == VT_USB_SUPER_SPEED;
  return (fast ? INT64_C (125000) : INT64_C (1000000)) << (CLAMP (ep->interval, 1, 16) - 1);
}

/* Nobody answers such a packet, so the guest is held to the device's pace. */
static VtUsbResult
iso_out (UsbRedir *redir, RedirEndpoint *ep, unsigned address, const uint8_t *data, uint32_t len)
{
  int64_t now = vt_clock_now (redir->clock);
  if (len > UINT16_MAX)
    return VT_USB_ERROR;
  if (!ep->streaming)
    start_stream (redir, ep, address);
  ep->due_ns = MAX (ep->due_ns, now);
  if (ep->due_ns > now + AHEAD_NS)
    {
      if (!vt_timer_armed (redir->pace))
        vt_timer_arm (redir->pace, now + AHEAD_NS / 4);
      return VT_USB_NAK;
    }
  ep->due_ns += interval_ns (redir, ep);
  usbredirparser_send_iso_packet (redir->parser, ++redir->last_id, &(struct usb_redir_iso_packet_header) {
    .endpoint = (uint8_t) address, .length = (uint16_t) len }, (uint8_t *) data, (int) len);
  vt_redir_flush (redir);
  return VT_USB_DONE;
}

static void
go_on_pacing (void *opaque, int64_t late_ns)
{
  UsbRedir *redir = opaque;
  vt_redir_catch_up (redir);
  if (redir->hang_up)
    vt_usb_redir_unplug (&redir->dev);
  for (unsigned i = 1; i < 16; i++)
    if (redir->endpoints[i].streaming && redir->endpoints[i].type == usb_redir_type_iso)
      vt_usb_ready (&redir->usb, i);
}

/* --- What the controller asks ----------------------------------------------------------------------------------------- */

static VtUsbResult
in (VtUsbDevice *usb, unsigned endpoint, uint8_t *data, uint32_t *len)
{
  UsbRedir      *redir = redir_of (usb);
  unsigned       address = endpoint | VT_USB_TO_HOST;
  RedirEndpoint *ep = &redir->endpoints[redir_index (address)];
  if (redir->parser == NULL)
    return VT_USB_ERROR;
  switch (ep->type)
    {
    case usb_redir_type_bulk: return transfer (redir, ep, address, data, NULL, len);
    case usb_redir_type_interrupt:
    case usb_redir_type_iso: return stream_in (redir, ep, address, data, len);
    default: return VT_USB_STALL;
    }
}

static VtUsbResult
out (VtUsbDevice *usb, unsigned endpoint, const uint8_t *data, uint32_t len)
{
  UsbRedir      *redir = redir_of (usb);
  RedirEndpoint *ep = &redir->endpoints[redir_index (endpoint)];
  if (redir->parser == NULL)
    return VT_USB_ERROR;
  switch (ep->type)
    {
    case usb_redir_type_bulk:
    case usb_redir_type_interrupt: return transfer (redir, ep, endpoint, NULL, data, &len);
    case usb_redir_type_iso: return iso_out (redir, ep, endpoint, data, len);
    default: return VT_USB_STALL;
    }
}

/* What the device's host must know of has packets of its own. */
static void
send_request (UsbRedir *redir, const VtUsbSetup *setup, uint8_t *data, uint32_t len)
{
  RedirEndpoint *ep = &redir->endpoints[0];
  bool           to_host = (setup->type & VT_USB_TO_HOST) != 0;
  unsigned       what = (setup->type & DIRECTION_AND_TYPE) << 8 | setup->request;
  ep->id = ++redir->last_id;
  ep->asked = len;
  ep->phase = REDIR_ASKED;
  redir->setup = *setup;
  switch (what)
    {
    case OF_DEVICE << 8 | SET_CONFIGURATION:
      usbredirparser_send_set_configuration (redir->parser, ep->id,
                                             &(struct usb_redir_set_configuration_header) { (uint8_t) setup->value });
      break;
    case (VT_USB_TO_HOST | OF_DEVICE) << 8 | GET_CONFIGURATION:
      usbredirparser_send_get_configuration (redir->parser, ep->id);
      break;
    case OF_INTERFACE << 8 | SET_INTERFACE:
      usbredirparser_send_set_alt_setting (redir->parser, ep->id, &(struct usb_redir_set_alt_setting_header) {
        .interface = (uint8_t) setup->index, .alt = (uint8_t) setup->value });
      break;
    case (VT_USB_TO_HOST | OF_INTERFACE) << 8 | GET_INTERFACE:
      usbredirparser_send_get_alt_setting (redir->parser, ep->id,
                                           &(struct usb_redir_get_alt_setting_header) { (uint8_t) setup->index });
      break;
    default:
      usbredirparser_send_control_packet (redir->parser, ep->id, &(struct usb_redir_control_packet_header) {
        .endpoint = setup->type & VT_USB_TO_HOST, .request = setup->request, .requesttype = setup->type, .value = setup->value,
        .index = setup->index, .length = (uint16_t) len }, to_host ? NULL : data, to_host ? 0 : (int) len);
    }
  vt_redir_flush (redir);
}

static bool
is_same (const VtUsbSetup *a, const VtUsbSetup *b)
{
  return a->type == b->type && a->request == b->request && a->value == b->value && a->index == b->index && a->length == b->length;
}

static VtUsbResult
control (VtUsbDevice *usb, const VtUsbSetup *setup, uint8_t *data, uint32_t *len)
{
  UsbRedir      *redir = redir_of (usb);
  RedirEndpoint *ep = &redir->endpoints[0];
  bool           to_host = (setup->type & VT_USB_TO_HOST) != 0;
  if (setup->type == OF_DEVICE && setup->request == SET_ADDRESS)
    {
      redir->s.address = setup->value & 0x7f;
      *len = 0;
      return VT_USB_DONE;
    }
  if (redir->parser == NULL)
    return VT_USB_ERROR;
  if (ep->phase != REDIR_IDLE && !is_same (&redir->setup, setup))
    forget_transfer (ep);
  if (ep->phase == REDIR_IDLE)
    {
      trace_usb_control (redir->dev.path, setup->type, setup->request, setup->value, setup->index, setup->length);
      if (!begin (redir, ep, *len))
        return VT_USB_ERROR;
      send_request (redir, setup, data, *len);
    }
  if (ep->phase != REDIR_ANSWERED)
    return VT_USB_NAK;
  *len = to_host ? MIN (*len, ep->moved) : *len;
  if (to_host && *len > 0)
    memcpy (data, ep->data, *len);
  forget_transfer (ep);
  return ep->result;
}

static void
cancel (VtUsbDevice *usb, unsigned address)
{
  UsbRedir      *redir = redir_of (usb);
  RedirEndpoint *ep = &redir->endpoints[(address & 0xf) == 0 ? 0 : redir_index (address)];
  if (ep->phase == REDIR_ASKED && redir->parser != NULL)
    {
      usbredirparser_send_cancel_data_packet (redir->parser, ep->id);
      vt_redir_flush (redir);
    }
  forget_transfer (ep);
  stop_stream (redir, ep, address);
  ep->broken = VT_USB_DONE;
}

void
vt_redir_forget (UsbRedir *redir)
{
  for (unsigned i = 0; i < REDIR_ENDPOINTS; i++)
    {
      RedirEndpoint *ep = &redir->endpoints[i];
      forget_transfer (ep);
      forget_packets (ep);
      ep->streaming = false;
      ep->broken = VT_USB_DONE;
    }
}

/* A real reset takes a while: not for a device that has just had one. */
static void
reset (VtUsbDevice *usb)
{
  UsbRedir *redir = redir_of (usb);
  redir->s.address = 0;
  if (redir->pristine || redir->parser == NULL)
    return;
  for (unsigned address = 0; address < REDIR_ENDPOINTS; address++)
    if (address != 16)
      cancel (usb, (address & 0xf) | (address & 0x10) << 3);
  vt_redir_forget (redir);
  usbredirparser_send_reset (redir->parser);
  vt_redir_flush (redir);
  redir->pristine = true;
}

const VtUsbOps vt_redir_ops = { reset, control, in, out, cancel };

/* --- Life ------------------------------------------------------------------------------------------------------------- */

bool
vt_usb_redir_is_built (void)
{
  return true;
}

bool
vt_usb_redir_is_free (VtDevice *dev)
{
  const UsbRedir *redir = (const UsbRedir *) dev;
  return !redir->fixed && redir->parser == NULL && (redir->chr == NULL || redir->chr->away);
}

static void
close_stream (UsbRedir *redir)
{
  VtChardev *chr = g_steal_pointer (&redir->chr);
  if (chr != NULL)
    chr->ops->close (chr);
}

static void
connect_stream (UsbRedir *redir, VtChardev *chr)
{
  redir->chr = chr;
  vt_chardev_connect (chr, &vt_redir_client, redir);
  if (chr != NULL && !chr->away)
    {
      vt_redir_wire_open (redir);
      vt_chardev_accept (chr);
    }
}

bool
vt_usb_redir_plug (VtDevice *dev, VtChardev *chr, GError **error)
{
  UsbRedir *redir = (UsbRedir *) dev;
  if (!vt_usb_redir_is_free (dev))
    {
      chr->ops->close (chr);
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The USB port has a device");
      return false;
    }
  close_stream (redir);
  connect_stream (redir, chr);
  return true;
}

void
vt_usb_redir_unplug (VtDevice *dev)
{
  UsbRedir *redir = (UsbRedir *) dev;
  close_stream (redir);
  redir->hang_up = false;
  redir->left = true;
  vt_redir_catch_up (redir);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  UsbRedir               *redir = (UsbRedir *) dev;
  const VtUsbRedirConfig *config = env->config;
  redir->usb.ops = &vt_redir_ops;
  redir->place = config->place;
  redir->super_place = config->super_place;
  redir->left_func = config->left;
  redir->opaque = config->opaque;
  redir->clock = env->clock;
  redir->pace = vt_timer_new (env->clock, "usb-redir", 0, go_on_pacing, redir);
  redir->parked = true;
  redir->fixed = config->chr != NULL;
  connect_stream (redir, config->chr);
  return true;
}

static void
settle (VtDevice *dev)
{
  UsbRedir *redir = (UsbRedir *) dev;
  redir->replug = true;
  vt_timer_cancel (redir->pace);
}

static void
quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  ((UsbRedir *) dev)->parked = true;
  done (opaque);
}

static void
resume (VtDevice *dev)
{
  UsbRedir *redir = (UsbRedir *) dev;
  redir->parked = false;
  vt_redir_catch_up (redir);
  if (redir->replug)
    vt_redir_replug (redir);
  redir->replug = false;
  vt_chardev_accept (redir->chr);
}

static void
finalize (VtDevice *dev)
{
  UsbRedir *redir = (UsbRedir *) dev;
  close_stream (redir);
  redir->left_func = NULL;
  redir->parked = false;
  redir->left = true;
  vt_redir_catch_up (redir);
  vt_timer_free (redir->pace);
}

static const void *
test_config (void)
{
  static const VtUsbRedirConfig config = { .chr = NULL };
  return &config;
}

const VtDeviceClass vt_usb_redir = {
  .name = "usb-redir",
  .summary = "port for a USB device of another computer, or of this one",
  .late = true,
  .instance_size = sizeof (UsbRedir),
  .state_off = offsetof (UsbRedir, s),
  .state = VT_STATE (1, UsbRedirState, redir_fields, NULL),
  .realize = realize,
  .settle = settle,
  .quiesce = quiesce,
  .resume = resume,
  .finalize = finalize,
  .test_config = test_config,
};
