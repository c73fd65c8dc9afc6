/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The redirected device: between a controller that is this test, and another end that keeps to the protocol, or does not. At the end of the
 * file a whole device: our own disk is given away, and used through the stream. */
#include "usb-exporter.h"
#include "usb-redir-rig.h"
#include "usb-storage.h"

#include "test-disk.h"

enum { IN = VT_USB_TO_HOST };

static VtUsbResult
control (RedirRig *rig, VtUsbSetup setup, uint8_t *data, uint32_t *len)
{
  return rig->usb->ops->control (rig->usb, &setup, data, len);
}

static VtUsbResult
in (RedirRig *rig, unsigned endpoint, uint8_t *data, uint32_t *len)
{
  return rig->usb->ops->in (rig->usb, endpoint, data, len);
}

static void
answer_bulk (RedirRig *rig, uint64_t id, unsigned endpoint, unsigned status, uint8_t *data, unsigned n)
{
  usbredirparser_send_bulk_packet (rig->peer, id, &(struct usb_redir_bulk_packet_header) {
    .endpoint = (uint8_t) endpoint, .status = (uint8_t) status, .length = (uint16_t) n }, endpoint & IN ? data : NULL,
    endpoint & IN ? (int) n : 0);
  redir_rig_run (rig);
}

static void
interrupt_arrives (RedirRig *rig, uint8_t first, unsigned n)
{
  uint8_t data[64] = { first };
  usbredirparser_send_interrupt_packet (rig->peer, 0, &(struct usb_redir_interrupt_packet_header) {
    .endpoint = IN | 2, .length = (uint16_t) n }, data, (int) n);
  redir_rig_run (rig);
}

/* --- Coming and going ------------------------------------------------------------------------------------------------- */

static void
a_device_of_each_speed_is_on_a_port_of_its_kind (void)
{
  static const struct { unsigned said, speed, port; } cases[] = {
    { usb_redir_speed_low, VT_USB_LOW_SPEED, 1 }, { usb_redir_speed_full, VT_USB_FULL_SPEED, 1 },
    { usb_redir_speed_high, VT_USB_HIGH_SPEED, 1 }, { usb_redir_speed_super, VT_USB_SUPER_SPEED, 9 },
  };
  g_autoptr (RedirRig) rig = redir_rig_new ();
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      redir_rig_connect (rig, cases[i].said);
      g_assert_nonnull (rig->usb);
      g_assert_cmpuint (rig->usb->speed, ==, cases[i].speed);
      g_assert_cmpuint (rig->port, ==, cases[i].port);
    }
  g_assert_cmpuint (rig->attached, ==, 4);
  g_assert_cmpuint (rig->detached, ==, 3);
}

static void
hubs_and_unknown_speeds_are_refused (void)
{
  g_autoptr (RedirRig) rig = redir_rig_new ();
  usbredirparser_send_device_connect (rig->peer, &(struct usb_redir_device_connect_header) { .speed = usb_redir_speed_high, .device_class = 9 });
  g_autoptr (RedirGot) reject = redir_rig_take (rig, usb_redir_filter_reject);
  g_assert_nonnull (reject);
  redir_rig_connect (rig, 77);
  g_autoptr (RedirGot) again = redir_rig_take (rig, usb_redir_filter_reject);
  g_assert_nonnull (again);
  g_assert_null (rig->usb);
}

static void
a_device_that_vanishes_is_detached_and_said_to_have_left (void)
{
  uint8_t  data[512];
  uint32_t len = sizeof data;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_cmpint (in (rig, 1, data, &len), ==, VT_USB_NAK);
  usbredirparser_send_device_disconnect (rig->peer);
  g_autoptr (RedirGot) ack = redir_rig_take (rig, usb_redir_device_disconnect_ack);
  g_assert_nonnull (ack);
  g_assert_null (rig->usb);
  g_assert_cmpuint (rig->left, ==, 1);
  vt_clock_advance (rig->clock, 1);
  g_assert_cmpuint (rig->closed, ==, 1);          /* who gave it away hears that nobody listens */
  g_assert_true (vt_usb_redir_is_free (rig->dev));
}

static void
when_the_other_end_leaves_its_device_does_and_the_port_is_free (void)
{
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_false (vt_usb_redir_is_free (rig->dev));
  redir_rig_open (rig, false);
  g_assert_null (rig->usb);
  g_assert_cmpuint (rig->left, ==, 1);
  g_assert_true (vt_usb_redir_is_free (rig->dev));
  redir_rig_open (rig, true);
  redir_rig_connect (rig, usb_redir_speed_full);
  g_assert_nonnull (rig->usb);
  vt_usb_redir_unplug (rig->dev);
  g_assert_null (rig->usb);
  g_assert_cmpuint (rig->closed, ==, 1);
  g_assert_true (vt_usb_redir_is_free (rig->dev));
}

static void
note (void *opaque)
{
  *(bool *) opaque = true;
}

/* Guest memory must not change while a snapshot is made. */
static void
nothing_reaches_the_controller_while_the_machine_stands (void)
{
  bool settled = false;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  rig->dev->cls->quiesce (rig->dev, note, &settled);
  vt_device_set_running (rig->dev, false);
  g_assert_true (settled);
  g_assert_cmpuint (rig->chr.client->can_receive (rig->chr.client_opaque), ==, 0);
  redir_rig_open (rig, false);
  g_assert_nonnull (rig->usb);
  vt_device_set_running (rig->dev, true);
  g_assert_null (rig->usb);
  g_assert_cmpuint (rig->detached, ==, 1);
}

static void
after_a_load_what_is_there_is_plugged_in_anew (void)
{
  g_autoptr (GByteArray) state = g_byte_array_new ();
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  vt_device_set_running (rig->dev, false);
  vt_device_save (rig->dev, state);
  g_assert_true (vt_device_load (rig->dev, vt_usb_redir.state.version, state->data, state->len, NULL));
  vt_device_set_running (rig->dev, true);
  g_assert_cmpuint (rig->detached, ==, 1);
  g_assert_cmpuint (rig->attached, ==, 2);
}

/* --- Requests ----------------------------------------------------------------------------------------------------------- */

static void
a_request_waits_for_its_answer (void)
{
  uint8_t    data[18] = { 0 }, answer[18] = { 18, 1, 0, 2 };
  uint32_t   len = sizeof data;
  VtUsbSetup setup = { IN, 6, 0x100, 0, sizeof data };
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_cmpint (control (rig, setup, data, &len), ==, VT_USB_NAK);
  g_assert_cmpint (control (rig, setup, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) asked = redir_rig_take (rig, usb_redir_control_packet);
  g_assert_cmpuint (asked->b, ==, 6);
  g_assert_cmpuint (asked->length, ==, 18);
  g_autoptr (RedirGot) twice = redir_rig_take (rig, usb_redir_control_packet);
  g_assert_null (twice);
  usbredirparser_send_control_packet (rig->peer, asked->id, &(struct usb_redir_control_packet_header) {
    .endpoint = IN, .length = 18 }, answer, 18);
  redir_rig_run (rig);
  g_assert_cmpuint (rig->ready[IN], ==, 1);
  len = sizeof data;
  g_assert_cmpint (control (rig, setup, data, &len), ==, VT_USB_DONE);
  g_assert_cmpmem (data, len, answer, 18);
}

static void
a_stalled_request_stalls_and_a_broken_one_fails (void)
{
  static const struct { unsigned status; VtUsbResult result; } cases[] = {
    { usb_redir_stall, VT_USB_STALL }, { usb_redir_ioerror, VT_USB_ERROR }, { usb_redir_timeout, VT_USB_ERROR }, { 200, VT_USB_ERROR },
  };
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      uint32_t   len = 0;
      VtUsbSetup setup = { 0x21, 0xff, 0, 0, 0 };
      g_assert_cmpint (control (rig, setup, NULL, &len), ==, VT_USB_NAK);
      g_autoptr (RedirGot) asked = redir_rig_take (rig, usb_redir_control_packet);
      usbredirparser_send_control_packet (rig->peer, asked->id, &(struct usb_redir_control_packet_header) {
        .status = (uint8_t) cases[i].status }, NULL, 0);
      redir_rig_run (rig);
      g_assert_cmpint (control (rig, setup, NULL, &len), ==, cases[i].result);
    }
}

static void
what_the_devices_host_must_know_of_has_packets_of_its_own (void)
{
  uint8_t  data[1] = { 0 };
  uint32_t len = 0;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_cmpint (control (rig, (VtUsbSetup) { 0, 5, 17, 0, 0 }, data, &len), ==, VT_USB_DONE);       /* an address: ours only */
  g_assert_cmpint (control (rig, (VtUsbSetup) { 0, 9, 1, 0, 0 }, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) set = redir_rig_take (rig, usb_redir_set_configuration);
  g_assert_cmpuint (set->a, ==, 1);
  usbredirparser_send_configuration_status (rig->peer, set->id, &(struct usb_redir_configuration_status_header) { 0, 1 });
  redir_rig_run (rig);
  g_assert_cmpint (control (rig, (VtUsbSetup) { 0, 9, 1, 0, 0 }, data, &len), ==, VT_USB_DONE);
  g_assert_cmpint (control (rig, (VtUsbSetup) { 1, 11, 4, 2, 0 }, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) alt = redir_rig_take (rig, usb_redir_set_alt_setting);
  g_assert_cmpuint (alt->a, ==, 2);
  g_assert_cmpuint (alt->b, ==, 4);
  usbredirparser_send_alt_setting_status (rig->peer, alt->id, &(struct usb_redir_alt_setting_status_header) { usb_redir_stall, 2, 4 });
  redir_rig_run (rig);
  g_assert_cmpint (control (rig, (VtUsbSetup) { 1, 11, 4, 2, 0 }, data, &len), ==, VT_USB_STALL);
  len = 1;
  g_assert_cmpint (control (rig, (VtUsbSetup) { IN | 1, 10, 0, 2, 1 }, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) get = redir_rig_take (rig, usb_redir_get_alt_setting);
  usbredirparser_send_alt_setting_status (rig->peer, get->id, &(struct usb_redir_alt_setting_status_header) { 0, 2, 7 });
  redir_rig_run (rig);
  len = 1;
  g_assert_cmpint (control (rig, (VtUsbSetup) { IN | 1, 10, 0, 2, 1 }, data, &len), ==, VT_USB_DONE);
  g_assert_cmpuint (data[0], ==, 7);
}

static void
a_reset_goes_through_unless_the_device_has_just_had_one (void)
{
  uint8_t  data[64];
  uint32_t len = sizeof data;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  rig->usb->ops->reset (rig->usb);
  g_autoptr (RedirGot) none = redir_rig_take (rig, usb_redir_reset);
  g_assert_null (none);
  g_assert_cmpint (in (rig, 1, data, &len), ==, VT_USB_NAK);
  rig->usb->ops->reset (rig->usb);
  rig->usb->ops->reset (rig->usb);
  g_autoptr (RedirGot) reset = redir_rig_take (rig, usb_redir_reset);
  g_assert_nonnull (reset);
  g_autoptr (RedirGot) second = redir_rig_take (rig, usb_redir_reset);
  g_assert_null (second);
}

/* --- Bulk ---------------------------------------------------------------------------------------------------------------- */

static void
a_long_read_is_asked_for_in_pieces_and_ends_with_a_short_one (void)
{
  enum { LONG = 200 * 1024, PIECE = 63 * 1024 };
  g_autofree uint8_t *data = g_malloc0 (LONG), *piece = g_malloc0 (PIECE);
  uint32_t            len = LONG;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_cmpint (in (rig, 1, data, &len), ==, VT_USB_NAK);
  for (unsigned i = 0; i < 3; i++)
    {
      g_autoptr (RedirGot) asked = redir_rig_take (rig, usb_redir_bulk_packet);
      g_assert_cmpuint (asked->length, ==, PIECE);
      memset (piece, (int) i + 1, PIECE);
      answer_bulk (rig, asked->id, IN | 1, usb_redir_success, piece, i < 2 ? PIECE : 100);
    }
  g_assert_cmpuint (rig->ready[IN | 1], ==, 1);
  g_assert_cmpint (in (rig, 1, data, &len), ==, VT_USB_DONE);
  g_assert_cmpuint (len, ==, 2 * PIECE + 100);
  g_assert_cmpuint (data[PIECE - 1], ==, 1);
  g_assert_cmpuint (data[2 * PIECE], ==, 3);
}

static void
a_long_write_goes_in_pieces_each_after_the_other (void)
{
  enum { LONG = 100 * 1024, PIECE = 63 * 1024 };
  g_autofree uint8_t *data = g_malloc (LONG);
  for (unsigned i = 0; i < LONG; i++)
    data[i] = (uint8_t) (i >> 10);
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_cmpint (rig->usb->ops->out (rig->usb, 1, data, LONG), ==, VT_USB_NAK);
  g_autoptr (RedirGot) first = redir_rig_take (rig, usb_redir_bulk_packet);
  g_assert_cmpmem (g_bytes_get_data (first->data, NULL), g_bytes_get_size (first->data), data, PIECE);
  answer_bulk (rig, first->id, 1, usb_redir_success, NULL, PIECE);
  g_autoptr (RedirGot) second = redir_rig_take (rig, usb_redir_bulk_packet);
  g_assert_cmpmem (g_bytes_get_data (second->data, NULL), g_bytes_get_size (second->data), data + PIECE, LONG - PIECE);
  g_assert_cmpint (rig->usb->ops->out (rig->usb, 1, data, LONG), ==, VT_USB_NAK);
  answer_bulk (rig, second->id, 1, usb_redir_success, NULL, LONG - PIECE);
  g_assert_cmpint (rig->usb->ops->out (rig->usb, 1, data, LONG), ==, VT_USB_DONE);
}

static void
answers_that_fit_no_question_change_nothing (void)
{
  uint8_t  data[512] = { 0 }, bytes[1024] = { 1 };
  uint32_t len = sizeof data;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  answer_bulk (rig, 1, IN | 1, usb_redir_success, bytes, 512);                    /* nothing was asked */
  g_assert_cmpint (in (rig, 1, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) asked = redir_rig_take (rig, usb_redir_bulk_packet);
  answer_bulk (rig, asked->id + 1, IN | 1, usb_redir_success, bytes, 512);        /* another number */
  answer_bulk (rig, asked->id, IN | 4, usb_redir_success, bytes, 512);            /* an endpoint that is none */
  answer_bulk (rig, asked->id, 1, usb_redir_success, bytes, 512);                 /* the other direction */
  usbredirparser_send_iso_packet (rig->peer, asked->id, &(struct usb_redir_iso_packet_header) { .endpoint = IN | 1, .length = 512 }, bytes, 512);
  redir_rig_run (rig);
  g_assert_cmpuint (rig->ready[IN | 1], ==, 0);
  answer_bulk (rig, asked->id, IN | 1, usb_redir_success, bytes, 1024);           /* more than was asked for */
  g_assert_cmpint (in (rig, 1, data, &len), ==, VT_USB_ERROR);
  answer_bulk (rig, asked->id, IN | 1, usb_redir_success, bytes, 512);            /* twice */
  g_assert_cmpuint (rig->ready[IN | 1], ==, 1);
}

static void
what_the_guest_gives_up_is_cancelled_and_a_late_answer_is_nobodys (void)
{
  uint8_t  data[512] = { 0 }, bytes[512] = { 9 };
  uint32_t len = sizeof data;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_cmpint (in (rig, 1, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) asked = redir_rig_take (rig, usb_redir_bulk_packet);
  rig->usb->ops->cancel (rig->usb, IN | 1);
  g_autoptr (RedirGot) cancelled = redir_rig_take (rig, usb_redir_cancel_data_packet);
  g_assert_cmpuint (cancelled->id, ==, asked->id);
  answer_bulk (rig, asked->id, IN | 1, usb_redir_success, bytes, 512);
  g_assert_cmpint (in (rig, 1, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) again = redir_rig_take (rig, usb_redir_bulk_packet);
  g_assert_cmpuint (again->id, !=, asked->id);
  answer_bulk (rig, asked->id, IN | 1, usb_redir_cancelled, bytes, 0);
  g_assert_cmpuint (rig->ready[IN | 1], ==, 0);
}

static void
more_than_four_mebibytes_at_once_are_refused (void)
{
  uint32_t            len = (4 << 20) + 1;
  g_autofree uint8_t *data = g_malloc0 (len);
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_cmpint (rig->usb->ops->out (rig->usb, 1, data, len), ==, VT_USB_ERROR);
  g_assert_cmpint (rig->usb->ops->out (rig->usb, 4, data, 1), ==, VT_USB_STALL);         /* no such endpoint */
}

/* --- Streams -------------------------------------------------------------------------------------------------------------- */

static void
reports_come_by_themselves_once_the_guest_has_asked (void)
{
  uint8_t  data[64];
  uint32_t len = 8;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_full);
  interrupt_arrives (rig, 1, 8);                              /* before it has: nobody's */
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) start = redir_rig_take (rig, usb_redir_start_interrupt_receiving);
  g_assert_cmpuint (start->endpoint, ==, IN | 2);
  interrupt_arrives (rig, 2, 4);
  interrupt_arrives (rig, 3, 8);
  g_assert_cmpuint (rig->ready[IN | 2], ==, 2);
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_DONE);
  g_assert_cmpuint (len, ==, 4);
  g_assert_cmpuint (data[0], ==, 2);
  rig->usb->ops->cancel (rig->usb, IN | 2);
  g_autoptr (RedirGot) stop = redir_rig_take (rig, usb_redir_stop_interrupt_receiving);
  g_assert_nonnull (stop);
  len = 8;
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_NAK);   /* what had come is forgotten */
}

static void
a_report_of_several_packets_is_put_together (void)
{
  uint8_t  data[64];
  uint32_t len = 20;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_low);
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_NAK);
  interrupt_arrives (rig, 1, 8);
  interrupt_arrives (rig, 2, 8);
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_NAK);
  interrupt_arrives (rig, 3, 4);
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_DONE);
  g_assert_cmpuint (len, ==, 20);
  g_assert_cmpuint (data[8], ==, 2);
  g_assert_cmpuint (data[16], ==, 3);
}

static void
a_guest_that_does_not_fetch_reports_has_the_newest (void)
{
  uint8_t  data[8];
  uint32_t len = 8;
  unsigned n = 0;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_full);
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_NAK);
  for (unsigned i = 0; i < 1000; i++)
    interrupt_arrives (rig, (uint8_t) i, 4);
  for (; in (rig, 2, data, &len) == VT_USB_DONE; n++, len = 8)
    g_assert_cmpuint (data[0], ==, (uint8_t) (1000 - 128 + n));
  g_assert_cmpuint (n, ==, 128);
}

static void
a_stream_that_stalls_stalls_once_and_begins_anew (void)
{
  uint8_t  data[8];
  uint32_t len = 8;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_full);
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_NAK);
  usbredirparser_send_interrupt_receiving_status (rig->peer, 1, &(struct usb_redir_interrupt_receiving_status_header) {
    usb_redir_stall, IN | 2 });
  redir_rig_run (rig);
  g_assert_cmpuint (rig->ready[IN | 2], ==, 1);
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_STALL);
  g_assert_cmpint (in (rig, 2, data, &len), ==, VT_USB_NAK);
  g_autoptr (RedirGot) first = redir_rig_take (rig, usb_redir_start_interrupt_receiving);
  g_autoptr (RedirGot) second = redir_rig_take (rig, usb_redir_start_interrupt_receiving);
  g_assert_nonnull (second);
}

static void
isochronous_packets_to_the_device_keep_its_pace (void)
{
  uint8_t  data[192] = { 7 };
  unsigned sent = 0, later = 0;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_full);
  while (rig->usb->ops->out (rig->usb, 3, data, sizeof data) == VT_USB_DONE)
    sent++;
  g_assert_cmpuint (sent, ==, 9);                          /* 8 ms ahead, one a millisecond */
  vt_clock_advance (rig->clock, 10000000);
  g_assert_cmpuint (rig->ready[3], >, 0);
  while (rig->usb->ops->out (rig->usb, 3, data, sizeof data) == VT_USB_DONE)
    later++;
  g_assert_cmpuint (later, >=, 9);
  g_assert_cmpuint (later, <=, 10);
  g_autoptr (RedirGot) start = redir_rig_take (rig, usb_redir_start_iso_stream);
  g_assert_cmpuint (start->endpoint, ==, 3);
  g_autoptr (RedirGot) packet = redir_rig_take (rig, usb_redir_iso_packet);
  g_assert_cmpuint (packet->length, ==, 192);
}

static void
isochronous_packets_from_the_device_are_one_transfer_each (void)
{
  uint8_t  data[192], bytes[192] = { 5 };
  uint32_t len = sizeof data;
  g_autoptr (RedirRig) rig = redir_rig_new ();
  redir_rig_connect (rig, usb_redir_speed_high);
  g_assert_cmpint (in (rig, 3, data, &len), ==, VT_USB_NAK);
  for (unsigned i = 0; i < 3; i++)          /* the second is lost on its way */
    usbredirparser_send_iso_packet (rig->peer, i, &(struct usb_redir_iso_packet_header) {
      .endpoint = IN | 3, .status = i == 1 ? usb_redir_ioerror : 0, .length = i == 1 ? 0 : 192 }, i == 1 ? NULL : bytes, i == 1 ? 0 : 192);
  redir_rig_run (rig);
  for (unsigned i = 0; i < 3; i++)
    {
      len = sizeof data;
      g_assert_cmpint (in (rig, 3, data, &len), ==, VT_USB_DONE);
      g_assert_cmpuint (len, ==, i == 1 ? 0 : 192);
    }
  usbredirparser_send_iso_stream_status (rig->peer, 1, &(struct usb_redir_iso_stream_status_header) { usb_redir_stall, IN | 3 });
  redir_rig_run (rig);
  g_assert_cmpint (in (rig, 3, data, &len), ==, VT_USB_STALL);
}

/* --- Hostile ------------------------------------------------------------------------------------------------------------------ */

static uint64_t
random_number (void *opaque, unsigned bytes)
{
  uint64_t n = (uint64_t) g_rand_int (opaque) << 32 | g_rand_int (opaque);
  return n & (UINT64_MAX >> (64 - 8 * bytes));
}

static void
anything_at_any_time_does_no_harm (void)
{
  for (guint32 seed = 0; seed < 100; seed++)
    {
      GRand *rand = g_rand_new_with_seed (seed);
      g_autoptr (RedirRig) rig = redir_rig_new ();
      redir_rig_connect (rig, usb_redir_speed_high);
      for (unsigned i = 0; i < 400; i++)
        redir_rig_step (rig, random_number, rand);
      g_rand_free (rand);
    }
}

/* --- A whole device ------------------------------------------------------------------------------------------------------------ */

typedef struct
{
  RedirRig    *rig;
  UsbExporter *exporter;
  TestDisk    *disk;
  VtDevice    *storage;
} Far;

static void
to_device (void *opaque, const uint8_t *bytes, size_t n)
{
  g_byte_array_append (((Far *) opaque)->rig->to_device, bytes, (guint) n);
}

/* Until nobody has anything to say. */
static void
far_run (Far *far)
{
  RedirRig *rig = far->rig;
  bool      more = true;
  while (more)
    {
      g_autoptr (GByteArray) there = rig->to_peer, back = rig->to_device;
      rig->to_peer = g_byte_array_new ();
      rig->to_device = g_byte_array_new ();
      redir_rig_bytes (rig, back->data, back->len);
      usb_exporter_receive (far->exporter, there->data, there->len);
      more = test_disk_run (far->disk) > 0 || rig->to_peer->len > 0 || rig->to_device->len > 0;
    }
}

static Far *
far_new (void)
{
  Far *far = g_new0 (Far, 1);
  far->rig = redir_rig_new ();
  redir_rig_open (far->rig, false);
  far->rig->chr.away = false;
  far->rig->chr.client->opened (far->rig->chr.client_opaque, true);
  far->disk = test_disk_new (1 << 20);
  far->exporter = usb_exporter_new (to_device, far);
  far->storage = vt_device_new (&vt_usb_storage, "usb/far");
  VtUsbStorageConfig config = { usb_exporter_place (far->exporter), VT_SCSI_DISK, &far->disk->block };
  g_assert_true (vt_device_realize (far->storage, &(VtEnv) { .config = &config }, NULL));
  vt_device_reset (far->storage, VT_RESET_POWER);
  vt_device_set_running (far->storage, true);
  far_run (far);
  return far;
}

static void
far_free (Far *far)
{
  vt_device_set_running (far->storage, false);
  vt_device_free (far->storage);
  usb_exporter_free (far->exporter);
  redir_rig_free (far->rig);
  far->disk->block.ops->close (&far->disk->block);
  g_free (far);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Far, far_free)

/* As the controller does: asks again when there may be an answer. */
static VtUsbResult
far_in (Far *far, uint8_t *data, uint32_t *len)
{
  uint32_t room = *len;
  VtUsbResult result;
  while ((result = in (far->rig, 1, data, len)) == VT_USB_NAK)
    {
      far_run (far);
      *len = room;
    }
  return result;
}

static void
far_out (Far *far, const uint8_t *data, uint32_t len)
{
  VtUsbResult result;
  while ((result = far->rig->usb->ops->out (far->rig->usb, 2, data, len)) == VT_USB_NAK)
    far_run (far);
  g_assert_cmpint (result, ==, VT_USB_DONE);
}

static void
far_command (Far *far, uint32_t bytes, bool to_host, unsigned command, unsigned block, unsigned blocks)
{
  uint8_t cbw[31] = { 'U', 'S', 'B', 'C', [12] = to_host ? 0x80 : 0, [14] = 10, [15] = (uint8_t) command };
  vt_store_le (cbw + 8, bytes, 4);
  cbw[20] = (uint8_t) block;
  cbw[23] = (uint8_t) blocks;
  far_out (far, cbw, sizeof cbw);
}

static void
far_status (Far *far, unsigned status)
{
  uint8_t  csw[13];
  uint32_t len = sizeof csw;
  g_assert_cmpint (far_in (far, csw, &len), ==, VT_USB_DONE);
  g_assert_cmpuint (len, ==, 13);
  g_assert_cmpuint (csw[12], ==, status);
}

static void
a_disk_that_is_far_away_is_written_and_read (void)
{
  enum { BYTES = 130 * 512 };
  g_autoptr (Far)     far = far_new ();
  g_autofree uint8_t *data = g_malloc (BYTES), *back = g_malloc0 (BYTES);
  uint32_t            len = BYTES;
  g_assert_nonnull (far->rig->usb);
  g_assert_cmpuint (far->rig->usb->speed, ==, VT_USB_HIGH_SPEED);
  for (unsigned i = 0; i < BYTES; i++)
    data[i] = (uint8_t) (i * 31 + i / 512);
  far_command (far, 0, false, 0x00, 0, 0);                     /* the power-on attention */
  far_status (far, 1);
  far_command (far, BYTES, false, 0x2a, 3, 130);
  far_out (far, data, BYTES);
  far_status (far, 0);
  g_assert_cmpmem (far->disk->bytes + 3 * 512, BYTES, data, BYTES);
  far_command (far, BYTES, true, 0x28, 3, 130);
  g_assert_cmpint (far_in (far, back, &len), ==, VT_USB_DONE);
  g_assert_cmpmem (back, len, data, BYTES);
  far_status (far, 0);
  usb_exporter_pull (far->exporter);
  far_run (far);
  g_assert_null (far->rig->usb);
}

static void
say_nothing (const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, say_nothing, NULL);
#define ADD(name) g_test_add_func ("/usb-redir/" #name, name)
  ADD (a_device_of_each_speed_is_on_a_port_of_its_kind);
  ADD (hubs_and_unknown_speeds_are_refused);
  ADD (a_device_that_vanishes_is_detached_and_said_to_have_left);
  ADD (when_the_other_end_leaves_its_device_does_and_the_port_is_free);
  ADD (nothing_reaches_the_controller_while_the_machine_stands);
  ADD (after_a_load_what_is_there_is_plugged_in_anew);
  ADD (a_request_waits_for_its_answer);
  ADD (a_stalled_request_stalls_and_a_broken_one_fails);
  ADD (what_the_devices_host_must_know_of_has_packets_of_its_own);
  ADD (a_reset_goes_through_unless_the_device_has_just_had_one);
  ADD (a_long_read_is_asked_for_in_pieces_and_ends_with_a_short_one);
  ADD (a_long_write_goes_in_pieces_each_after_the_other);
  ADD (answers_that_fit_no_question_change_nothing);
  ADD (what_the_guest_gives_up_is_cancelled_and_a_late_answer_is_nobodys);
  ADD (more_than_four_mebibytes_at_once_are_refused);
  ADD (reports_come_by_themselves_once_the_guest_has_asked);
  ADD (a_report_of_several_packets_is_put_together);
  ADD (a_guest_that_does_not_fetch_reports_has_the_newest);
  ADD (a_stream_that_stalls_stalls_once_and_begins_anew);
  ADD (isochronous_packets_to_the_device_keep_its_pace);
  ADD (isochronous_packets_from_the_device_are_one_transfer_each);
  ADD (anything_at_any_time_does_no_harm);
  ADD (a_disk_that_is_far_away_is_written_and_read);
  return g_test_run ();
}
