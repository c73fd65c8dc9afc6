/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usb-redir-rig.h"

#include <usbredirfilter.h>

static void
got (RedirRig *rig, RedirGot what, uint8_t *data, int n)
{
  what.data = n > 0 ? g_bytes_new (data, (gsize) n) : NULL;
  usbredirparser_free_packet_data (rig->peer, data);
  g_queue_push_tail (&rig->got, g_memdup2 (&what, sizeof what));
}

static void
got_reset (void *opaque)
{
  got (opaque, (RedirGot) { .type = usb_redir_reset }, NULL, 0);
}

static void
got_reject (void *opaque)
{
  got (opaque, (RedirGot) { .type = usb_redir_filter_reject }, NULL, 0);
}

static void
got_ack (void *opaque)
{
  got (opaque, (RedirGot) { .type = usb_redir_device_disconnect_ack }, NULL, 0);
}

static void
got_hello (void *opaque, struct usb_redir_hello_header *header)
{
  got (opaque, (RedirGot) { .type = usb_redir_hello }, NULL, 0);
}

static void
got_set_configuration (void *opaque, uint64_t id, struct usb_redir_set_configuration_header *h)
{
  got (opaque, (RedirGot) { .type = usb_redir_set_configuration, .id = id, .a = h->configuration }, NULL, 0);
}

static void
got_get_configuration (void *opaque, uint64_t id)
{
  got (opaque, (RedirGot) { .type = usb_redir_get_configuration, .id = id }, NULL, 0);
}

static void
got_set_alt (void *opaque, uint64_t id, struct usb_redir_set_alt_setting_header *h)
{
  got (opaque, (RedirGot) { .type = usb_redir_set_alt_setting, .id = id, .a = h->interface, .b = h->alt }, NULL, 0);
}

static void
got_get_alt (void *opaque, uint64_t id, struct usb_redir_get_alt_setting_header *h)
{
  got (opaque, (RedirGot) { .type = usb_redir_get_alt_setting, .id = id, .a = h->interface }, NULL, 0);
}

static void
got_start_iso (void *opaque, uint64_t id, struct usb_redir_start_iso_stream_header *h)
{
  got (opaque, (RedirGot) { .type = usb_redir_start_iso_stream, .id = id, .endpoint = h->endpoint, .a = h->pkts_per_urb, .b = h->no_urbs },
       NULL, 0);
}

static void
got_stop_iso (void *opaque, uint64_t id, struct usb_redir_stop_iso_stream_header *h)
{
  got (opaque, (RedirGot) { .type = usb_redir_stop_iso_stream, .id = id, .endpoint = h->endpoint }, NULL, 0);
}

static void
got_start_interrupt (void *opaque, uint64_t id, struct usb_redir_start_interrupt_receiving_header *h)
{
  got (opaque, (RedirGot) { .type = usb_redir_start_interrupt_receiving, .id = id, .endpoint = h->endpoint }, NULL, 0);
}

static void
got_stop_interrupt (void *opaque, uint64_t id, struct usb_redir_stop_interrupt_receiving_header *h)
{
  got (opaque, (RedirGot) { .type = usb_redir_stop_interrupt_receiving, .id = id, .endpoint = h->endpoint }, NULL, 0);
}

static void
got_cancel (void *opaque, uint64_t id)
{
  got (opaque, (RedirGot) { .type = usb_redir_cancel_data_packet, .id = id }, NULL, 0);
}

static void
got_control (void *opaque, uint64_t id, struct usb_redir_control_packet_header *h, uint8_t *data, int n)
{
  got (opaque, (RedirGot) { .type = usb_redir_control_packet, .id = id, .endpoint = h->endpoint, .a = h->requesttype, .b = h->request,
                            .length = h->length }, data, n);
}

static void
got_bulk (void *opaque, uint64_t id, struct usb_redir_bulk_packet_header *h, uint8_t *data, int n)
{
  got (opaque, (RedirGot) { .type = usb_redir_bulk_packet, .id = id, .endpoint = h->endpoint, .length = h->length }, data, n);
}

static void
got_interrupt (void *opaque, uint64_t id, struct usb_redir_interrupt_packet_header *h, uint8_t *data, int n)
{
  got (opaque, (RedirGot) { .type = usb_redir_interrupt_packet, .id = id, .endpoint = h->endpoint, .length = h->length }, data, n);
}

static void
got_iso (void *opaque, uint64_t id, struct usb_redir_iso_packet_header *h, uint8_t *data, int n)
{
  got (opaque, (RedirGot) { .type = usb_redir_iso_packet, .id = id, .endpoint = h->endpoint, .length = h->length }, data, n);
}

static void
got_filter (void *opaque, struct usbredirfilter_rule *rules, int n)
{
  usbredirfilter_free (rules);
}

void
redir_got_free (RedirGot *packet)
{
  g_clear_pointer (&packet->data, g_bytes_unref);
  g_free (packet);
}

static void
free_got (gpointer packet)
{
  redir_got_free (packet);
}

RedirGot *
redir_rig_take (RedirRig *rig, unsigned type)
{
  redir_rig_run (rig);
  for (RedirGot *packet; (packet = g_queue_pop_head (&rig->got)) != NULL; redir_got_free (packet))
    if (packet->type == type)
      return packet;
  return NULL;
}

/* --- Streams ---------------------------------------------------------------------------------------------------------- */

static int
peer_read (void *opaque, uint8_t *data, int count)
{
  RedirRig *rig = opaque;
  guint     n = MIN (rig->to_peer->len, (guint) count);
  if (n > 0)
    {
      memcpy (data, rig->to_peer->data, n);
      g_byte_array_remove_range (rig->to_peer, 0, n);
    }
  return (int) n;
}

static int
peer_write (void *opaque, uint8_t *data, int count)
{
  g_byte_array_append (((RedirRig *) opaque)->to_device, data, (guint) count);
  return count;
}

static void
peer_say (void *opaque, int level, const char *message)
{
}

static void
chr_write (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  g_byte_array_append (((RedirRig *) chr)->to_peer, bytes, (guint) n);
}

static void
chr_accept (VtChardev *chr)
{
}

static void
chr_close (VtChardev *chr)
{
  ((RedirRig *) chr)->closed++;
  chr->client = NULL;
}

void
redir_rig_bytes (RedirRig *rig, const uint8_t *bytes, size_t n)
{
  while (n > 0 && rig->chr.client != NULL && !rig->chr.away)
    {
      size_t part = MIN (n, rig->chr.client->can_receive (rig->chr.client_opaque));
      if (part == 0)
        return;
      rig->chr.client->receive (rig->chr.client_opaque, bytes, part);
      bytes += part;
      n -= part;
    }
}

void
redir_rig_run (RedirRig *rig)
{
  while (usbredirparser_has_data_to_write (rig->peer) > 0)
    usbredirparser_do_write (rig->peer);
  bool takes = rig->chr.client != NULL && rig->chr.client->can_receive (rig->chr.client_opaque) > 0;
  if (takes)
    {
      g_autoptr (GByteArray) bytes = rig->to_device;
      rig->to_device = g_byte_array_new ();
      redir_rig_bytes (rig, bytes->data, bytes->len);
    }
  while (rig->to_peer->len > 0 && usbredirparser_do_read (rig->peer) != 0)
    ;
}

/* --- The bus ------------------------------------------------------------------------------------------------------------ */

static bool
attach (void *host, unsigned port, VtUsbDevice *device, GError **error)
{
  RedirRig *rig = host;
  g_assert_null (rig->usb);
  rig->usb = device;
  rig->port = port;
  rig->attached++;
  return true;
}

static void
detach (void *host, unsigned port)
{
  RedirRig *rig = host;
  g_assert_cmpuint (port, ==, rig->port);
  rig->usb = NULL;
  rig->detached++;
}

static void
ready (void *host, unsigned port, unsigned address)
{
  RedirRig *rig = host;
  rig->ready[address & 0xff]++;
  if (rig->on_ready != NULL)
    rig->on_ready (rig, address);
}

static void
left (void *opaque)
{
  ((RedirRig *) opaque)->left++;
}

/* --- Life ------------------------------------------------------------------------------------------------------------------ */

static void
peer_new (RedirRig *rig)
{
  uint32_t caps[USB_REDIR_CAPS_SIZE] = { 0 };
  rig->peer = usbredirparser_create ();
  *rig->peer = (struct usbredirparser) { .priv = rig, .log_func = peer_say, .read_func = peer_read, .write_func = peer_write,
    .hello_func = got_hello, .reset_func = got_reset, .filter_reject_func = got_reject, .device_disconnect_ack_func = got_ack,
    .set_configuration_func = got_set_configuration, .get_configuration_func = got_get_configuration,
    .set_alt_setting_func = got_set_alt, .get_alt_setting_func = got_get_alt, .start_iso_stream_func = got_start_iso,
    .stop_iso_stream_func = got_stop_iso, .start_interrupt_receiving_func = got_start_interrupt,
    .stop_interrupt_receiving_func = got_stop_interrupt, .cancel_data_packet_func = got_cancel, .control_packet_func = got_control,
    .bulk_packet_func = got_bulk, .interrupt_packet_func = got_interrupt, .iso_packet_func = got_iso, .filter_filter_func = got_filter };
  for (int cap = usb_redir_cap_connect_device_version; cap <= usb_redir_cap_32bits_bulk_length; cap++)
    usbredirparser_caps_set_cap (caps, cap);
  usbredirparser_init (rig->peer, "scripted", caps, USB_REDIR_CAPS_SIZE, usbredirparser_fl_usb_host);
}

void
redir_rig_open (RedirRig *rig, bool open)
{
  rig->chr.away = !open;
  g_byte_array_set_size (rig->to_peer, 0);
  g_byte_array_set_size (rig->to_device, 0);
  if (open)
    {
      usbredirparser_destroy (rig->peer);
      peer_new (rig);
    }
  if (rig->chr.client != NULL)
    rig->chr.client->opened (rig->chr.client_opaque, open);
  if (open)
    redir_rig_run (rig);
}

void
redir_rig_connect (RedirRig *rig, unsigned speed)
{
  struct usb_redir_ep_info_header info = { .type = { 0 } };
  memset (info.type, usb_redir_type_invalid, sizeof info.type);
  for (unsigned in = 0; in <= 16; in += 16)
    {
      static const uint8_t types[] = { usb_redir_type_control, usb_redir_type_bulk, usb_redir_type_interrupt, usb_redir_type_iso };
      memcpy (info.type + in, types, sizeof types);
      info.max_packet_size[in + 1] = 512;
      info.max_packet_size[in + 2] = 8;
      info.max_packet_size[in + 3] = 192;
      info.interval[in + 3] = 1;
    }
  usbredirparser_send_ep_info (rig->peer, &info);
  usbredirparser_send_device_connect (rig->peer, &(struct usb_redir_device_connect_header) {
    .speed = (uint8_t) speed, .vendor_id = 0x1234, .product_id = 0x5678 });
  redir_rig_run (rig);
}

RedirRig *
redir_rig_new (void)
{
  static const VtChardevOps chr_ops = { chr_write, chr_accept, chr_close };
  static const VtUsbHostOps host_ops = { attach, detach, ready };
  RedirRig *rig = g_new0 (RedirRig, 1);
  rig->chr.ops = &chr_ops;
  rig->clock = vt_clock_new_manual ();
  rig->to_peer = g_byte_array_new ();
  rig->to_device = g_byte_array_new ();
  peer_new (rig);
  rig->dev = vt_device_new (&vt_usb_redir, "usb/1");
  VtUsbRedirConfig config = { { &host_ops, rig, 1 }, { &host_ops, rig, 9 }, NULL, left, rig };
  g_assert_true (vt_device_realize (rig->dev, &(VtEnv) { .clock = rig->clock, .config = &config }, NULL));
  vt_device_reset (rig->dev, VT_RESET_POWER);
  vt_device_set_running (rig->dev, true);
  vt_clock_start (rig->clock);
  g_assert_true (vt_usb_redir_plug (rig->dev, &rig->chr, NULL));
  redir_rig_run (rig);
  return rig;
}

void
redir_rig_free (RedirRig *rig)
{
  vt_device_set_running (rig->dev, false);
  vt_device_free (rig->dev);
  vt_clock_free (rig->clock);
  usbredirparser_destroy (rig->peer);
  g_queue_clear_full (&rig->got, free_got);
  g_byte_array_unref (rig->to_peer);
  g_byte_array_unref (rig->to_device);
  g_free (rig);
}

/* --- Anything at any time -------------------------------------------------------------------------------------------------- */

/* An address that is one of the device's, mostly. */
static uint8_t
any_address (uint64_t n)
{
  return (uint8_t) (n & 0x40 ? n : n & 0x83);
}

static void
peer_answers (RedirRig *rig, uint64_t what, uint64_t id, uint64_t n)
{
  static uint8_t bytes[4096];
  uint8_t        address = any_address (what >> 8), status = (uint8_t) (n & 0xf ? 0 : n >> 4);
  uint16_t       length = (uint16_t) (n >> 8 & 0xfff);
  bool           in = (address & VT_USB_TO_HOST) != 0;
  switch (what & 7)
    {
    case 0:
      usbredirparser_send_control_packet (rig->peer, id, &(struct usb_redir_control_packet_header) {
        .endpoint = address & VT_USB_TO_HOST, .status = status, .length = length }, in ? bytes : NULL, in ? length : 0);
      break;
    case 1:
    case 2:
      usbredirparser_send_bulk_packet (rig->peer, id, &(struct usb_redir_bulk_packet_header) {
        .endpoint = address, .status = status, .length = length }, in ? bytes : NULL, in ? length : 0);
      break;
    case 3:
      usbredirparser_send_interrupt_packet (rig->peer, id, &(struct usb_redir_interrupt_packet_header) {
        .endpoint = address, .status = status, .length = length }, in ? bytes : NULL, in ? length : 0);
      break;
    case 4:
      usbredirparser_send_iso_packet (rig->peer, id, &(struct usb_redir_iso_packet_header) {
        .endpoint = address, .status = status, .length = length }, in ? bytes : NULL, in ? length : 0);
      break;
    case 5:
      usbredirparser_send_interrupt_receiving_status (rig->peer, id, &(struct usb_redir_interrupt_receiving_status_header) {
        status, address });
      break;
    case 6:
      usbredirparser_send_configuration_status (rig->peer, id, &(struct usb_redir_configuration_status_header) { status, (uint8_t) n });
      break;
    case 7:
      usbredirparser_send_iso_stream_status (rig->peer, id, &(struct usb_redir_iso_stream_status_header) { status, address });
      break;
    }
  redir_rig_run (rig);
}

static void
guest_asks (RedirRig *rig, uint64_t what, uint64_t n)
{
  static uint8_t bytes[8192];
  uint8_t        address = any_address (what >> 8);
  uint32_t       len = n & 0x1fff;
  VtUsbSetup     setup = { (uint8_t) (what >> 16 & 0xe3), (uint8_t) (what >> 24 & 0xf), (uint16_t) (n & 3), 0, (uint16_t) len };
  if (rig->usb == NULL)
    return;
  switch (what & 7)
    {
    case 0: (void) rig->usb->ops->control (rig->usb, &setup, bytes, &len); break;
    case 1:
    case 2: (void) rig->usb->ops->in (rig->usb, address & 0xf, bytes, &len); break;
    case 3:
    case 4: (void) rig->usb->ops->out (rig->usb, address & 0xf, bytes, len); break;
    case 5: rig->usb->ops->cancel (rig->usb, address); break;
    case 6: rig->usb->ops->reset (rig->usb); break;
    case 7: len = (uint32_t) n; (void) rig->usb->ops->in (rig->usb, address & 0xf, bytes, &(uint32_t) { len & 0x1000 }); break;
    }
}

static void
nobody_waits (void *opaque)
{
}

static void
machine_changes (RedirRig *rig, uint64_t what)
{
  switch (what & 7)
    {
    case 0:
      rig->dev->cls->quiesce (rig->dev, nobody_waits, NULL);
      vt_device_set_running (rig->dev, false);
      break;
    case 1: redir_rig_open (rig, false); break;
    case 2: vt_usb_redir_unplug (rig->dev); break;
    case 3: vt_device_reset (rig->dev, VT_RESET_GUEST); break;
    case 4:
      redir_rig_open (rig, true);
      if (rig->chr.client == NULL && vt_usb_redir_is_free (rig->dev))
        g_assert_true (vt_usb_redir_plug (rig->dev, &rig->chr, NULL));
      break;
    default: vt_clock_advance (rig->clock, (int64_t) (what & 0xfff) * 10000); break;
    }
  if ((what & 8) != 0)
    vt_device_set_running (rig->dev, true);
}

void
redir_rig_step (RedirRig *rig, uint64_t (*number) (void *opaque, unsigned bytes), void *opaque)
{
  uint64_t kind = number (opaque, 1) & 15, what = number (opaque, 4), n = number (opaque, 3);
  uint8_t  raw[8];
  if (kind < 5)
    guest_asks (rig, what, n);
  else if (kind < 11)
    peer_answers (rig, what, kind < 9 ? n & 0x1f : number (opaque, 2), n);
  else if (kind < 12)
    redir_rig_connect (rig, (unsigned) (n & 7));
  else if (kind < 13)
    usbredirparser_send_device_disconnect (rig->peer);
  else if (kind < 14)
    {
      vt_store_le (raw, what | n << 32, 8);
      redir_rig_bytes (rig, raw, 1 + (n & 7));
    }
  else
    machine_changes (rig, what);
  redir_rig_run (rig);
  g_queue_clear_full (&rig->got, free_got);
}
