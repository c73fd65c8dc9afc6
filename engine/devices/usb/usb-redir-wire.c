/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The other end of a redirected device, through libusbredirparser, in the protocol's role of the guest. The other end is not trusted: it
 * may say anything at any time. */
#include "usb-redir-private.h"

#include <usbredirfilter.h>

#include "trace-usb.h"

enum
{
  INPUT_MAX = 64 * 1024,
  CLASS_HUB = 9,
};

/* --- The device comes and goes ---------------------------------------------------------------------------------------- */

static void
go (UsbRedir *redir)
{
  if (!redir->there)
    return;
  redir->there = false;
  vt_redir_forget (redir);
  if (redir->usb.place.ops != NULL)
    redir->usb.place.ops->detach (redir->usb.place.host, redir->usb.place.port);
}

static void
come (UsbRedir *redir, VtUsbSpeed speed)
{
  redir->usb.speed = speed;
  redir->usb.place = speed == VT_USB_SUPER_SPEED ? redir->super_place : redir->place;
  redir->there = redir->usb.place.ops == NULL
                 || redir->usb.place.ops->attach (redir->usb.place.host, redir->usb.place.port, &redir->usb, NULL);
}

static bool
find_speed (unsigned said, VtUsbSpeed *speed)
{
  static const VtUsbSpeed speeds[] = { [usb_redir_speed_low] = VT_USB_LOW_SPEED, [usb_redir_speed_full] = VT_USB_FULL_SPEED,
                                       [usb_redir_speed_high] = VT_USB_HIGH_SPEED, [usb_redir_speed_super] = VT_USB_SUPER_SPEED };
  if (said >= G_N_ELEMENTS (speeds))
    return false;
  *speed = speeds[said];
  return true;
}

/* A hub's devices are its host's: what is behind it cannot come along. */
static void
device_connect (void *opaque, struct usb_redir_device_connect_header *header)
{
  UsbRedir  *redir = opaque;
  VtUsbSpeed speed;
  trace_usb_redir_connect (redir->dev.path, header->vendor_id, header->product_id, header->speed);
  go (redir);
  if (header->device_class == CLASS_HUB || !find_speed (header->speed, &speed))
    {
      if (usbredirparser_peer_has_cap (redir->parser, usb_redir_cap_filter))
        usbredirparser_send_filter_reject (redir->parser);
      return;
    }
  redir->pristine = true;
  come (redir, speed);
}

static void
say_left (UsbRedir *redir)
{
  if (redir->left_func != NULL)
    redir->left_func (redir->opaque);
}

static void
device_disconnect (void *opaque)
{
  UsbRedir *redir = opaque;
  bool      was_there = redir->there;
  go (redir);
  if (!was_there)
    return;
  say_left (redir);
  redir->hang_up = !redir->fixed;
  vt_timer_arm (redir->pace, vt_clock_now (redir->clock));
}

/* Endpoints of the configuration and the settings that are chosen now. */
static void
ep_info (void *opaque, struct usb_redir_ep_info_header *header)
{
  UsbRedir *redir = opaque;
  bool      sizes = usbredirparser_peer_has_cap (redir->parser, usb_redir_cap_ep_info_max_packet_size);
  for (unsigned i = 0; i < REDIR_ENDPOINTS; i++)
    {
      RedirEndpoint *ep = &redir->endpoints[i];
      if (i % 16 != 0 && ep->type != header->type[i])
        vt_usb_cancel (&redir->usb, (i & 0xf) | (i & 0x10) << 3);
      ep->type = header->type[i];
      ep->interval = header->interval[i];
      ep->packet_bytes = sizes ? header->max_packet_size[i] & 0x7ff : 0;
    }
}

static void
interface_info (void *opaque, struct usb_redir_interface_info_header *header)
{
}

/* --- Answers ---------------------------------------------------------------------------------------------------------- */

static void
configuration_status (void *opaque, uint64_t id, struct usb_redir_configuration_status_header *header)
{
  UsbRedir *redir = opaque;
  uint32_t  n = MIN (redir->endpoints[0].asked, 1);
  vt_redir_answer (redir, 0, id, header->status, &header->configuration, n, 0);
}

static void
alt_setting_status (void *opaque, uint64_t id, struct usb_redir_alt_setting_status_header *header)
{
  UsbRedir *redir = opaque;
  uint32_t  n = MIN (redir->endpoints[0].asked, 1);
  vt_redir_answer (redir, 0, id, header->status, &header->alt, n, 0);
}

/* What OUT packets carry back is a length only. */
static void
answer (UsbRedir *redir, unsigned address, uint64_t id, unsigned status, uint8_t *data, int len, uint32_t done)
{
  uint32_t n = data != NULL ? (uint32_t) len : 0;
  if ((address & VT_USB_TO_HOST) != 0)
    vt_redir_answer (redir, (address & 0xf) == 0 ? 0 : address, id, status, data, n, n);
  else
    vt_redir_answer (redir, address, id, status, NULL, 0, done);
  usbredirparser_free_packet_data (redir->parser, data);
}

static void
control_packet (void *opaque, uint64_t id, struct usb_redir_control_packet_header *header, uint8_t *data, int len)
{
  answer (opaque, header->endpoint & VT_USB_TO_HOST, id, header->status, data, len, header->length);
}

static void
bulk_packet (void *opaque, uint64_t id, struct usb_redir_bulk_packet_header *header, uint8_t *data, int len)
{
  UsbRedir *redir = opaque;
  bool      bulk = redir->endpoints[redir_index (header->endpoint)].type == usb_redir_type_bulk && (header->endpoint & 0xf) != 0;
  if (bulk)
    answer (redir, header->endpoint, id, header->status, data, len, header->length | (uint32_t) header->length_high << 16);
  else
    usbredirparser_free_packet_data (redir->parser, data);
}

static void
stream_packet (UsbRedir *redir, unsigned address, unsigned type, unsigned status, uint8_t *data, int len)
{
  if ((address & VT_USB_TO_HOST) != 0 && (address & 0xf) != 0 && redir->endpoints[redir_index (address)].type == type)
    vt_redir_packet (redir, address, status, g_bytes_new (data, data != NULL ? (gsize) len : 0));
  usbredirparser_free_packet_data (redir->parser, data);
}

static void
interrupt_packet (void *opaque, uint64_t id, struct usb_redir_interrupt_packet_header *header, uint8_t *data, int len)
{
  UsbRedir *redir = opaque;
  if ((header->endpoint & VT_USB_TO_HOST) != 0)
    stream_packet (redir, header->endpoint, usb_redir_type_interrupt, header->status, data, len);
  else if (redir->endpoints[redir_index (header->endpoint)].type == usb_redir_type_interrupt && (header->endpoint & 0xf) != 0)
    answer (redir, header->endpoint, id, header->status, data, len, header->length);
  else
    usbredirparser_free_packet_data (redir->parser, data);
}

static void
iso_packet (void *opaque, uint64_t id, struct usb_redir_iso_packet_header *header, uint8_t *data, int len)
{
  stream_packet (opaque, header->endpoint, usb_redir_type_iso, header->status, data, len);
}

static void
stream_status (UsbRedir *redir, unsigned address, unsigned type, unsigned status)
{
  if ((address & 0xf) != 0 && redir->endpoints[redir_index (address)].type == type)
    vt_redir_stream_ended (redir, address, status);
}

static void
iso_stream_status (void *opaque, uint64_t id, struct usb_redir_iso_stream_status_header *header)
{
  stream_status (opaque, header->endpoint, usb_redir_type_iso, header->status);
}

static void
interrupt_receiving_status (void *opaque, uint64_t id, struct usb_redir_interrupt_receiving_status_header *header)
{
  stream_status (opaque, header->endpoint, usb_redir_type_interrupt, header->status);
}

/* Not asked for, so not answered. */
static void
bulk_streams_status (void *opaque, uint64_t id, struct usb_redir_bulk_streams_status_header *header)
{
}

static void
bulk_receiving_status (void *opaque, uint64_t id, struct usb_redir_bulk_receiving_status_header *header)
{
}

static void
buffered_bulk_packet (void *opaque, uint64_t id, struct usb_redir_buffered_bulk_packet_header *header, uint8_t *data, int len)
{
  usbredirparser_free_packet_data (((UsbRedir *) opaque)->parser, data);
}

static void
hello (void *opaque, struct usb_redir_hello_header *header)
{
}

static void
filter_filter (void *opaque, struct usbredirfilter_rule *rules, int n)
{
  usbredirfilter_free (rules);
}

/* --- The parser's life ------------------------------------------------------------------------------------------------ */

static void
say (void *opaque, int level, const char *message)
{
  UsbRedir *redir = opaque;
  if (level <= usbredirparser_warning)
    trace_usb_redir_problem (redir->dev.path, message);
}

static int
read_input (void *opaque, uint8_t *data, int count)
{
  UsbRedir *redir = opaque;
  size_t    n = MIN (redir->n_input, (size_t) count);
  if (n == 0)
    return 0;
  memcpy (data, redir->input, n);
  redir->input += n;
  redir->n_input -= n;
  return (int) n;
}

static int
write_output (void *opaque, uint8_t *data, int count)
{
  UsbRedir *redir = opaque;
  vt_chardev_write (redir->chr, data, (size_t) count);
  return count;
}

void
vt_redir_wire_open (UsbRedir *redir)
{
  static const unsigned caps[] = { usb_redir_cap_connect_device_version, usb_redir_cap_filter, usb_redir_cap_device_disconnect_ack,
                                   usb_redir_cap_ep_info_max_packet_size, usb_redir_cap_64bits_ids,
                                   usb_redir_cap_32bits_bulk_length };
  uint32_t               ours[USB_REDIR_CAPS_SIZE] = { 0 };
  struct usbredirparser *parser = usbredirparser_create ();
  *parser = (struct usbredirparser) { .priv = redir, .log_func = say, .read_func = read_input, .write_func = write_output,
    .device_connect_func = device_connect, .device_disconnect_func = device_disconnect, .interface_info_func = interface_info,
    .ep_info_func = ep_info, .configuration_status_func = configuration_status, .alt_setting_status_func = alt_setting_status,
    .iso_stream_status_func = iso_stream_status, .interrupt_receiving_status_func = interrupt_receiving_status,
    .bulk_streams_status_func = bulk_streams_status, .control_packet_func = control_packet, .bulk_packet_func = bulk_packet,
    .iso_packet_func = iso_packet, .interrupt_packet_func = interrupt_packet, .hello_func = hello,
    .filter_filter_func = filter_filter, .bulk_receiving_status_func = bulk_receiving_status,
    .buffered_bulk_packet_func = buffered_bulk_packet };
  for (unsigned i = 0; i < G_N_ELEMENTS (caps); i++)
    usbredirparser_caps_set_cap (ours, (int) caps[i]);
  redir->parser = parser;
  for (unsigned i = 0; i < REDIR_ENDPOINTS; i++)
    redir->endpoints[i].type = usb_redir_type_invalid;
  usbredirparser_init (parser, "Vitrine", ours, USB_REDIR_CAPS_SIZE, 0);
  vt_redir_flush (redir);
}

void
vt_redir_wire_close (UsbRedir *redir)
{
  go (redir);
  g_clear_pointer (&redir->parser, usbredirparser_destroy);
  say_left (redir);
}

void
vt_redir_flush (UsbRedir *redir)
{
  if (redir->busy || redir->parser == NULL)
    return;
  redir->busy = true;
  if (usbredirparser_has_data_to_write (redir->parser) > 0)
    usbredirparser_do_write (redir->parser);
  redir->busy = false;
}

void
vt_redir_catch_up (UsbRedir *redir)
{
  if (redir->busy || redir->parked)
    return;
  if (redir->left)
    {
      redir->left = false;
      vt_redir_wire_close (redir);
      /* Somebody else may have come meanwhile. */
      if (redir->chr != NULL && !redir->chr->away)
        vt_redir_wire_open (redir);
    }
}

void
vt_redir_replug (UsbRedir *redir)
{
  VtUsbSpeed speed = redir->usb.speed;
  if (!redir->there)
    return;
  go (redir);
  come (redir, speed);
}

static size_t
can_receive (void *opaque)
{
  UsbRedir *redir = opaque;
  return redir->parked || redir->left || redir->parser == NULL ? 0 : INPUT_MAX;
}

/* A packet that makes no sense is skipped; what is left of the bytes then is parsed all the same. */
static void
receive (void *opaque, const uint8_t *bytes, size_t n)
{
  UsbRedir *redir = opaque;
  size_t    before;
  redir->input = bytes;
  redir->n_input = n;
  redir->busy = true;
  do
    before = redir->n_input;
  while (usbredirparser_do_read (redir->parser) != 0 && redir->n_input > 0 && redir->n_input < before);
  redir->busy = false;
  vt_redir_flush (redir);
  vt_redir_catch_up (redir);
}

static void
opened (void *opaque, bool open)
{
  UsbRedir *redir = opaque;
  if (open && redir->parser == NULL)
    vt_redir_wire_open (redir);
  else if (!open && redir->parser != NULL)
    {
      redir->left = true;
      if (redir->busy)
        vt_timer_arm (redir->pace, vt_clock_now (redir->clock));
      vt_redir_catch_up (redir);
    }
}

const VtChardevClient vt_redir_client = { can_receive, receive, opened };
