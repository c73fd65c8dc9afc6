/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usb-exporter.h"

#include <usbredirparser.h>

enum
{
  ENDPOINTS = 32, TRANSFER_MAX = 4 << 20,
  GET_DESCRIPTOR = 6, SET_CONFIGURATION = 9, SET_INTERFACE = 11,
  DESCRIPTOR_DEVICE = 1, DESCRIPTOR_CONFIGURATION = 2, DESCRIPTOR_INTERFACE = 4, DESCRIPTOR_ENDPOINT = 5,
};

typedef struct
{
  uint64_t id;
  uint32_t len;
  uint8_t *data;        /* OUT */
} Waiting;

typedef struct
{
  uint8_t  type, interval, interface;
  uint16_t packet_bytes;
  GQueue   waiting;     /* Waiting*, oldest first */
  bool     receiving;   /* interrupt IN */
} Endpoint;

struct UsbExporter
{
  struct usbredirparser *parser;
  void                 (*write) (void *opaque, const uint8_t *bytes, size_t n);
  void                  *opaque;
  VtUsbDevice           *device;
  const uint8_t         *input;
  size_t                 n_input;
  bool                   busy, greeted, shown, running;
  uint32_t               to_run;      /* endpoints to look at, by index */
  unsigned               requests;
  Endpoint               endpoints[ENDPOINTS];
};

static unsigned
index_of (unsigned address)
{
  return (address & 0xf) | (address & VT_USB_TO_HOST) >> 3;
}

static unsigned
address_of (unsigned index)
{
  return (index & 0xf) | (index & 0x10) << 3;
}

static void
free_waiting (gpointer data)
{
  Waiting *waiting = data;
  g_free (waiting->data);
  g_free (waiting);
}

static void
forget (Endpoint *ep)
{
  g_queue_clear_full (&ep->waiting, free_waiting);
  ep->receiving = false;
}

static void
flush (UsbExporter *exporter)
{
  if (exporter->busy)
    return;
  exporter->busy = true;
  while (usbredirparser_has_data_to_write (exporter->parser) > 0)
    usbredirparser_do_write (exporter->parser);
  exporter->busy = false;
}

/* --- What the device is ---------------------------------------------------------------------------------------------- */

static VtUsbResult
ask (UsbExporter *exporter, VtUsbSetup setup, uint8_t *data, uint32_t *len)
{
  return exporter->device->ops->control (exporter->device, &setup, data, len);
}

static void
send_interface (UsbExporter *exporter, const uint8_t *descriptor)
{
  struct usb_redir_interface_info_header info = { .interface_count = 1 };
  info.interface[0] = descriptor[2];
  info.interface_class[0] = descriptor[5];
  info.interface_subclass[0] = descriptor[6];
  info.interface_protocol[0] = descriptor[7];
  usbredirparser_send_interface_info (exporter->parser, &info);
}

static void
read_endpoints (UsbExporter *exporter)
{
  uint8_t  bytes[512];
  uint32_t len = sizeof bytes;
  for (unsigned i = 0; i < ENDPOINTS; i++)
    exporter->endpoints[i].type = i % 16 == 0 ? usb_redir_type_control : usb_redir_type_invalid;
  VtUsbSetup get = { VT_USB_TO_HOST, GET_DESCRIPTOR, DESCRIPTOR_CONFIGURATION << 8, 0, sizeof bytes };
  if (ask (exporter, get, bytes, &len) != VT_USB_DONE)
    return;
  for (const uint8_t *at = bytes; at + 2 < bytes + len && at[0] > 1; at += at[0])
    if (at[1] == DESCRIPTOR_INTERFACE)
      send_interface (exporter, at);
    else if (at[1] == DESCRIPTOR_ENDPOINT)
      {
        Endpoint *ep = &exporter->endpoints[index_of (at[2])];
        ep->type = at[3] & 3;
        ep->packet_bytes = (uint16_t) vt_load_le (at + 4, 2);
        ep->interval = at[6];
      }
}

static void
send_endpoints (UsbExporter *exporter)
{
  struct usb_redir_ep_info_header info = { 0 };
  read_endpoints (exporter);
  for (unsigned i = 0; i < ENDPOINTS; i++)
    {
      info.type[i] = exporter->endpoints[i].type;
      info.interval[i] = exporter->endpoints[i].interval;
      info.max_packet_size[i] = exporter->endpoints[i].packet_bytes;
    }
  usbredirparser_send_ep_info (exporter->parser, &info);
}

/* As the computer that it is plugged into leaves it: with its first configuration. */
static void
make_ready (UsbExporter *exporter)
{
  uint32_t nothing = 0;
  for (unsigned i = 0; i < ENDPOINTS; i++)
    forget (&exporter->endpoints[i]);
  exporter->device->ops->reset (exporter->device);
  ask (exporter, (VtUsbSetup) { 0, SET_CONFIGURATION, 1, 0, 0 }, NULL, &nothing);
}

static void
show (UsbExporter *exporter)
{
  static const uint8_t speeds[] = { [VT_USB_FULL_SPEED] = usb_redir_speed_full, [VT_USB_LOW_SPEED] = usb_redir_speed_low,
                                    [VT_USB_HIGH_SPEED] = usb_redir_speed_high, [VT_USB_SUPER_SPEED] = usb_redir_speed_super };
  uint8_t  d[18];
  uint32_t len = sizeof d;
  if (exporter->shown || !exporter->greeted || exporter->device == NULL)
    return;
  exporter->shown = true;
  make_ready (exporter);
  send_endpoints (exporter);
  g_assert_cmpint (ask (exporter, (VtUsbSetup) { VT_USB_TO_HOST, GET_DESCRIPTOR, DESCRIPTOR_DEVICE << 8, 0, 18 }, d, &len), ==,
                   VT_USB_DONE);
  usbredirparser_send_device_connect (exporter->parser, &(struct usb_redir_device_connect_header) {
    .speed = speeds[exporter->device->speed], .device_class = d[4], .device_subclass = d[5], .device_protocol = d[6],
    .vendor_id = (uint16_t) vt_load_le (d + 8, 2), .product_id = (uint16_t) vt_load_le (d + 10, 2),
    .device_version_bcd = (uint16_t) vt_load_le (d + 12, 2) });
}

/* --- Transfers -------------------------------------------------------------------------------------------------------- */

static unsigned
status_of (VtUsbResult result)
{
  return result == VT_USB_DONE ? usb_redir_success : result == VT_USB_STALL ? usb_redir_stall : usb_redir_ioerror;
}

static void
send_result (UsbExporter *exporter, unsigned address, uint64_t id, unsigned status, uint32_t n, uint8_t *data)
{
  int len = data != NULL ? (int) n : 0;
  if (exporter->endpoints[index_of (address)].type == usb_redir_type_interrupt)
    usbredirparser_send_interrupt_packet (exporter->parser, id, &(struct usb_redir_interrupt_packet_header) {
      .endpoint = (uint8_t) address, .status = (uint8_t) status, .length = (uint16_t) n }, data, len);
  else
    usbredirparser_send_bulk_packet (exporter->parser, id, &(struct usb_redir_bulk_packet_header) {
      .endpoint = (uint8_t) address, .status = (uint8_t) status, .length = (uint16_t) n, .length_high = (uint16_t) (n >> 16) }, data, len);
}

/* False: the device says NAK. */
static bool
run_in (UsbExporter *exporter, unsigned address, uint64_t id, uint32_t len)
{
  g_autofree uint8_t *data = g_malloc (MAX (len, 1));
  VtUsbResult         result = exporter->device->ops->in (exporter->device, address & 0xf, data, &len);
  if (result == VT_USB_NAK)
    return false;
  bool any = result == VT_USB_DONE && len > 0;
  send_result (exporter, address, id, status_of (result), any ? len : 0, any ? data : NULL);
  return true;
}

static bool
run_out (UsbExporter *exporter, unsigned address, const Waiting *waiting)
{
  VtUsbResult result = exporter->device->ops->out (exporter->device, address, waiting->data, waiting->len);
  if (result == VT_USB_NAK)
    return false;
  send_result (exporter, address, waiting->id, status_of (result), result == VT_USB_DONE ? waiting->len : 0, NULL);
  return true;
}

static void
run_endpoint (UsbExporter *exporter, unsigned address)
{
  Endpoint *ep = &exporter->endpoints[index_of (address)];
  bool      to_host = (address & VT_USB_TO_HOST) != 0;
  for (Waiting *waiting; (waiting = g_queue_peek_head (&ep->waiting)) != NULL;)
    {
      if (to_host ? !run_in (exporter, address, waiting->id, waiting->len) : !run_out (exporter, address, waiting))
        return;
      free_waiting (g_queue_pop_head (&ep->waiting));
    }
  while (ep->receiving && run_in (exporter, address, 0, ep->packet_bytes))
    ;
}

/* A device may say that it is ready while it is being asked. */
static void
run (UsbExporter *exporter, unsigned address)
{
  exporter->to_run |= 1u << index_of (address);
  if (exporter->running)
    return;
  exporter->running = true;
  while (exporter->to_run != 0 && exporter->device != NULL)
    {
      unsigned index = (unsigned) __builtin_ctz (exporter->to_run);
      exporter->to_run &= exporter->to_run - 1;
      run_endpoint (exporter, address_of (index));
    }
  exporter->running = false;
}

static void
wait_for (UsbExporter *exporter, unsigned address, uint64_t id, uint32_t len, const uint8_t *data)
{
  Waiting waiting = { id, MIN (len, TRANSFER_MAX), g_memdup2 (data, len) };
  exporter->requests++;
  g_queue_push_tail (&exporter->endpoints[index_of (address)].waiting, g_memdup2 (&waiting, sizeof waiting));
  if (exporter->device != NULL)
    run (exporter, address);
}

/* --- What the other end says ------------------------------------------------------------------------------------------- */

static void
hello (void *opaque, struct usb_redir_hello_header *header)
{
  UsbExporter *exporter = opaque;
  exporter->greeted = true;
  show (exporter);
}

static void
on_reset (void *opaque)
{
  UsbExporter *exporter = opaque;
  if (exporter->device != NULL)
    make_ready (exporter);
}

static void
control_packet (void *opaque, uint64_t id, struct usb_redir_control_packet_header *header, uint8_t *data, int n)
{
  UsbExporter        *exporter = opaque;
  bool                to_host = (header->endpoint & VT_USB_TO_HOST) != 0;
  uint32_t            len = header->length;
  g_autofree uint8_t *bytes = g_malloc0 (MAX (len, 1));
  exporter->requests++;
  if (data != NULL)
    memcpy (bytes, data, MIN ((uint32_t) n, len));
  usbredirparser_free_packet_data (exporter->parser, data);
  VtUsbResult result = exporter->device == NULL ? VT_USB_ERROR
    : ask (exporter, (VtUsbSetup) { header->requesttype, header->request, header->value, header->index, header->length }, bytes, &len);
  header->status = (uint8_t) status_of (result);
  header->length = result == VT_USB_DONE ? (uint16_t) len : 0;
  bool any = to_host && header->length > 0;
  usbredirparser_send_control_packet (exporter->parser, id, header, any ? bytes : NULL, any ? header->length : 0);
}

static void
set_configuration (void *opaque, uint64_t id, struct usb_redir_set_configuration_header *header)
{
  UsbExporter *exporter = opaque;
  uint32_t     nothing = 0;
  VtUsbResult  result = exporter->device == NULL ? VT_USB_ERROR
     : ask (exporter, (VtUsbSetup) { 0, SET_CONFIGURATION, header->configuration, 0, 0 }, NULL, &nothing);
  send_endpoints (exporter);
  usbredirparser_send_configuration_status (exporter->parser, id, &(struct usb_redir_configuration_status_header) {
    (uint8_t) status_of (result), header->configuration });
}

static void
get_configuration (void *opaque, uint64_t id)
{
  usbredirparser_send_configuration_status (((UsbExporter *) opaque)->parser, id,
                                            &(struct usb_redir_configuration_status_header) { usb_redir_success, 1 });
}

static void
set_alt_setting (void *opaque, uint64_t id, struct usb_redir_set_alt_setting_header *header)
{
  UsbExporter *exporter = opaque;
  uint32_t     nothing = 0;
  VtUsbResult  result = exporter->device == NULL ? VT_USB_ERROR
     : ask (exporter, (VtUsbSetup) { 1, SET_INTERFACE, header->alt, header->interface, 0 }, NULL, &nothing);
  usbredirparser_send_alt_setting_status (exporter->parser, id, &(struct usb_redir_alt_setting_status_header) {
    (uint8_t) status_of (result), header->interface, header->alt });
}

static void
get_alt_setting (void *opaque, uint64_t id, struct usb_redir_get_alt_setting_header *header)
{
  usbredirparser_send_alt_setting_status (((UsbExporter *) opaque)->parser, id,
                                          &(struct usb_redir_alt_setting_status_header) { usb_redir_success, header->interface, 0 });
}

static void
bulk_packet (void *opaque, uint64_t id, struct usb_redir_bulk_packet_header *header, uint8_t *data, int n)
{
  UsbExporter *exporter = opaque;
  wait_for (exporter, header->endpoint, id, header->length | (uint32_t) header->length_high << 16, data);
  usbredirparser_free_packet_data (exporter->parser, data);
}

static void
interrupt_packet (void *opaque, uint64_t id, struct usb_redir_interrupt_packet_header *header, uint8_t *data, int n)
{
  UsbExporter *exporter = opaque;
  wait_for (exporter, header->endpoint, id, header->length, data);
  usbredirparser_free_packet_data (exporter->parser, data);
}

static void
start_receiving (void *opaque, uint64_t id, struct usb_redir_start_interrupt_receiving_header *header)
{
  UsbExporter *exporter = opaque;
  exporter->endpoints[index_of (header->endpoint)].receiving = true;
  usbredirparser_send_interrupt_receiving_status (exporter->parser, id, &(struct usb_redir_interrupt_receiving_status_header) {
    usb_redir_success, header->endpoint });
  if (exporter->device != NULL)
    run (exporter, header->endpoint);
}

static void
stop_receiving (void *opaque, uint64_t id, struct usb_redir_stop_interrupt_receiving_header *header)
{
  UsbExporter *exporter = opaque;
  exporter->endpoints[index_of (header->endpoint)].receiving = false;
  usbredirparser_send_interrupt_receiving_status (exporter->parser, id, &(struct usb_redir_interrupt_receiving_status_header) {
    usb_redir_success, header->endpoint });
}

static void
cancel (void *opaque, uint64_t id)
{
  UsbExporter *exporter = opaque;
  for (unsigned i = 0; i < ENDPOINTS; i++)
    for (GList *l = exporter->endpoints[i].waiting.head; l != NULL; l = l->next)
      if (((Waiting *) l->data)->id == id)
        {
          send_result (exporter, address_of (i), id, usb_redir_cancelled, 0, NULL);
          free_waiting (l->data);
          g_queue_delete_link (&exporter->endpoints[i].waiting, l);
          return;
        }
}

static void
nothing (void *opaque)
{
}

/* --- The device's bus ---------------------------------------------------------------------------------------------------- */

static bool
attach (void *host, unsigned port, VtUsbDevice *device, GError **error)
{
  UsbExporter *exporter = host;
  exporter->device = device;
  exporter->shown = false;
  return true;
}

static void
detach (void *host, unsigned port)
{
  usb_exporter_pull (host);
}

static void
ready (void *host, unsigned port, unsigned address)
{
  run (host, address);
  flush (host);
}

VtUsbPlace
usb_exporter_place (UsbExporter *exporter)
{
  static const VtUsbHostOps ops = { attach, detach, ready };
  return (VtUsbPlace) { &ops, exporter, 0 };
}

void
usb_exporter_pull (UsbExporter *exporter)
{
  if (exporter->device != NULL && exporter->shown)
    usbredirparser_send_device_disconnect (exporter->parser);
  exporter->device = NULL;
  for (unsigned i = 0; i < ENDPOINTS; i++)
    forget (&exporter->endpoints[i]);
  flush (exporter);
}

/* --- Life ------------------------------------------------------------------------------------------------------------------ */

static int
read_input (void *opaque, uint8_t *data, int count)
{
  UsbExporter *exporter = opaque;
  size_t       n = MIN (exporter->n_input, (size_t) count);
  if (n == 0)
    return 0;
  memcpy (data, exporter->input, n);
  exporter->input += n;
  exporter->n_input -= n;
  return (int) n;
}

static int
write_output (void *opaque, uint8_t *data, int count)
{
  UsbExporter *exporter = opaque;
  exporter->write (exporter->opaque, data, (size_t) count);
  return count;
}

static void
say (void *opaque, int level, const char *message)
{
}

void
usb_exporter_receive (UsbExporter *exporter, const uint8_t *bytes, size_t n)
{
  exporter->input = bytes;
  exporter->n_input = n;
  exporter->busy = true;
  while (usbredirparser_do_read (exporter->parser) != 0 && exporter->n_input > 0)
    ;
  exporter->busy = false;
  if (exporter->device != NULL)
    show (exporter);
  flush (exporter);
}

unsigned
usb_exporter_requests (const UsbExporter *exporter)
{
  return exporter->requests;
}

UsbExporter *
usb_exporter_new (void (*write) (void *opaque, const uint8_t *bytes, size_t n), void *opaque)
{
  UsbExporter *exporter = g_new0 (UsbExporter, 1);
  uint32_t     caps[USB_REDIR_CAPS_SIZE] = { 0 };
  exporter->write = write;
  exporter->opaque = opaque;
  exporter->parser = usbredirparser_create ();
  *exporter->parser = (struct usbredirparser) { .priv = exporter, .log_func = say, .read_func = read_input, .write_func = write_output,
    .hello_func = hello, .reset_func = on_reset, .control_packet_func = control_packet, .bulk_packet_func = bulk_packet,
    .interrupt_packet_func = interrupt_packet, .set_configuration_func = set_configuration, .get_configuration_func = get_configuration,
    .set_alt_setting_func = set_alt_setting, .get_alt_setting_func = get_alt_setting, .cancel_data_packet_func = cancel,
    .start_interrupt_receiving_func = start_receiving, .stop_interrupt_receiving_func = stop_receiving, .filter_reject_func = nothing,
    .device_disconnect_ack_func = nothing };
  usbredirparser_caps_set_cap (caps, usb_redir_cap_connect_device_version);
  usbredirparser_caps_set_cap (caps, usb_redir_cap_filter);
  usbredirparser_caps_set_cap (caps, usb_redir_cap_device_disconnect_ack);
  usbredirparser_caps_set_cap (caps, usb_redir_cap_ep_info_max_packet_size);
  usbredirparser_caps_set_cap (caps, usb_redir_cap_64bits_ids);
  usbredirparser_caps_set_cap (caps, usb_redir_cap_32bits_bulk_length);
  usbredirparser_init (exporter->parser, "Vitrine test", caps, USB_REDIR_CAPS_SIZE, usbredirparser_fl_usb_host);
  flush (exporter);
  return exporter;
}

void
usb_exporter_free (UsbExporter *exporter)
{
  for (unsigned i = 0; i < ENDPOINTS; i++)
    forget (&exporter->endpoints[i]);
  usbredirparser_destroy (exporter->parser);
  g_free (exporter);
}
