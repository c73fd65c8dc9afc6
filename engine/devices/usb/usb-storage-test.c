/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The USB disk, at a bus that is this test. */
#include "usb-storage.h"

#include "test-disk.h"

enum
{
  IN = 1, OUT = 2,
  TEST_UNIT_READY = 0x00, REQUEST_SENSE = 0x03, INQUIRY = 0x12, READ_CAPACITY = 0x25, READ_10 = 0x28, WRITE_10 = 0x2a,
  TO_HOST = 0x80,
  DISK_BYTES = 1 << 20, BLOCK = 512,
};

typedef struct
{
  TestDisk    *disk;
  VtDevice    *dev;
  VtUsbDevice *usb;
  unsigned     ready[2];       /* how often OUT and IN said so */
  unsigned     quiet;
  bool         busy;           /* the controller has work at once: it reads what there is, and sends the next command */
} Rig;

static void go_on (Rig *rig);

static bool
attach (void *host, unsigned port, VtUsbDevice *device, GError **error)
{
  ((Rig *) host)->usb = device;
  return true;
}

static void
detach (void *host, unsigned port)
{
  ((Rig *) host)->usb = NULL;
}

static void
ready (void *host, unsigned port, unsigned address)
{
  Rig *rig = host;
  rig->ready[address >> 7]++;
  if (rig->busy)
    go_on (rig);
}

static VtUsbResult
ask (Rig *rig, uint8_t type, uint8_t request, uint16_t value, uint16_t index)
{
  uint8_t    data[64];
  uint32_t   len = 0;
  VtUsbSetup setup = { type, request, value, index, 0 };
  return rig->usb->ops->control (rig->usb, &setup, data, &len);
}

static Rig *
rig_new (void)
{
  static const VtUsbHostOps ops = { attach, detach, ready };
  Rig    *rig = g_new0 (Rig, 1);
  GError *error = NULL;
  rig->disk = test_disk_new (DISK_BYTES);
  for (unsigned i = 0; i < DISK_BYTES; i++)
    rig->disk->bytes[i] = (uint8_t) (i * 7 + i / 512);
  rig->dev = vt_device_new (&vt_usb_storage, "usb/1");
  VtUsbStorageConfig config = { { &ops, rig, 0 }, VT_SCSI_DISK, &rig->disk->block };
  g_assert_true (vt_device_realize (rig->dev, &(VtEnv) { .config = &config }, &error));
  vt_device_reset (rig->dev, VT_RESET_POWER);
  vt_device_set_running (rig->dev, true);
  rig->usb->ops->reset (rig->usb);
  g_assert_cmpint (ask (rig, 0, 9, 1, 0), ==, VT_USB_DONE);        /* SET_CONFIGURATION */
  return rig;
}

static void
rig_free (Rig *rig)
{
  test_disk_run (rig->disk);
  vt_device_set_running (rig->dev, false);
  vt_device_free (rig->dev);
  rig->disk->block.ops->close (&rig->disk->block);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static VtUsbResult
command (Rig *rig, uint32_t tag, uint32_t bytes, uint8_t flags, unsigned n, const uint8_t *cdb)
{
  uint8_t cbw[31] = { 'U', 'S', 'B', 'C' };
  vt_store_le (cbw + 4, tag, 4);
  vt_store_le (cbw + 8, bytes, 4);
  cbw[12] = flags;
  cbw[14] = (uint8_t) n;
  memcpy (cbw + 15, cdb, n);
  return rig->usb->ops->out (rig->usb, OUT, cbw, sizeof cbw);
}
#define COMMAND(rig, tag, bytes, flags, ...)                                                                           \
  command (rig, tag, bytes, flags, sizeof ((const uint8_t[]) { __VA_ARGS__ }), (const uint8_t[]) { __VA_ARGS__ })

static uint32_t
take (Rig *rig, uint8_t *data, uint32_t room)
{
  g_assert_cmpint (rig->usb->ops->in (rig->usb, IN, data, &room), ==, VT_USB_DONE);
  return room;
}

/* The status of the command with that tag. */
static unsigned
status (Rig *rig, uint32_t tag, uint32_t residue)
{
  uint8_t csw[512];
  g_assert_cmpuint (take (rig, csw, sizeof csw), ==, 13);
  g_assert_cmpmem (csw, 4, "USBS", 4);
  g_assert_cmpuint (vt_load_le (csw + 4, 4), ==, tag);
  g_assert_cmpuint (vt_load_le (csw + 8, 4), ==, residue);
  return csw[12];
}

/* What came with the power-on is told first. */
static Rig *
rig_attended (void)
{
  Rig *rig = rig_new ();
  g_assert_cmpint (COMMAND (rig, 1, 0, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpuint (status (rig, 1, 0), ==, 1);
  return rig;
}

/* --- Commands ------------------------------------------------------------------------------------------------------- */

static void
a_disk_says_what_it_is (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  uint8_t data[512];
  g_assert_cmpint (COMMAND (rig, 2, 36, TO_HOST, INQUIRY, 0, 0, 0, 36, 0), ==, VT_USB_DONE);
  g_assert_cmpuint (take (rig, data, 36), ==, 36);
  g_assert_cmpuint (data[0] & 0x1f, ==, 0);
  g_assert_cmpuint (status (rig, 2, 0), ==, 0);
  g_assert_cmpint (COMMAND (rig, 3, 8, TO_HOST, READ_CAPACITY, 0, 0, 0, 0, 0, 0, 0, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpuint (take (rig, data, 8), ==, 8);
  g_assert_cmpuint (vt_load_be (data, 4), ==, DISK_BYTES / BLOCK - 1);
  g_assert_cmpuint (vt_load_be (data + 4, 4), ==, BLOCK);
  g_assert_cmpuint (status (rig, 3, 0), ==, 0);
}

static void
blocks_are_read_while_the_host_waits (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  uint8_t  data[4 * BLOCK];
  uint32_t len = sizeof data;
  g_assert_cmpint (COMMAND (rig, 7, sizeof data, TO_HOST, READ_10, 0, 0, 0, 0, 5, 0, 0, 4, 0), ==, VT_USB_DONE);
  g_assert_cmpint (rig->usb->ops->in (rig->usb, IN, data, &len), ==, VT_USB_NAK);
  unsigned before = rig->ready[1];
  test_disk_run (rig->disk);
  g_assert_cmpuint (rig->ready[1], ==, before + 1);
  g_assert_cmpuint (take (rig, data, BLOCK), ==, BLOCK);          /* in two transfers */
  g_assert_cmpuint (take (rig, data + BLOCK, 3 * BLOCK), ==, 3 * BLOCK);
  g_assert_cmpmem (data, sizeof data, rig->disk->bytes + 5 * BLOCK, sizeof data);
  g_assert_cmpuint (status (rig, 7, 0), ==, 0);
}

static void
blocks_are_written_once_they_are_all_there (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  uint8_t data[3 * BLOCK];
  memset (data, 0x5a, sizeof data);
  g_assert_cmpint (COMMAND (rig, 8, sizeof data, 0, WRITE_10, 0, 0, 0, 0, 9, 0, 0, 3, 0), ==, VT_USB_DONE);
  g_assert_cmpint (rig->usb->ops->out (rig->usb, OUT, data, BLOCK), ==, VT_USB_DONE);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 0);
  g_assert_cmpint (rig->usb->ops->out (rig->usb, OUT, data + BLOCK, 2 * BLOCK), ==, VT_USB_DONE);
  test_disk_run (rig->disk);
  g_assert_cmpuint (status (rig, 8, 0), ==, 0);
  g_assert_cmpmem (rig->disk->bytes + 9 * BLOCK, sizeof data, data, sizeof data);
}

static void
less_than_the_host_wants_is_a_short_packet_and_a_residue (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  uint8_t data[512];
  g_assert_cmpint (COMMAND (rig, 4, 512, TO_HOST, READ_CAPACITY, 0, 0, 0, 0, 0, 0, 0, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpuint (take (rig, data, 512), ==, 8);
  g_assert_cmpuint (status (rig, 4, 504), ==, 0);
}

static void
a_disk_that_fails_says_so (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  uint8_t data[BLOCK];
  rig->disk->fail_with = EIO;
  g_assert_cmpint (COMMAND (rig, 5, BLOCK, TO_HOST, READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0), ==, VT_USB_DONE);
  test_disk_run (rig->disk);
  g_assert_cmpuint (take (rig, data, BLOCK), ==, 0);
  g_assert_cmpuint (status (rig, 5, BLOCK), ==, 1);
  g_assert_cmpint (COMMAND (rig, 6, 18, TO_HOST, REQUEST_SENSE, 0, 0, 0, 18, 0), ==, VT_USB_DONE);
  g_assert_cmpuint (take (rig, data, 18), ==, 18);
  g_assert_cmpuint (data[2] & 15, ==, SENSE_MEDIUM_ERROR);
  g_assert_cmpuint (status (rig, 6, 0), ==, 0);
}

/* --- Broken hosts, and ends in the middle ----------------------------------------------------------------------------- */

static void
what_is_no_command_stalls_until_a_reset (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  uint8_t  data[64] = { 0 };
  uint32_t len = sizeof data;
  g_assert_cmpint (rig->usb->ops->out (rig->usb, OUT, data, 31), ==, VT_USB_STALL);
  g_assert_cmpint (COMMAND (rig, 1, 0, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0), ==, VT_USB_STALL);
  g_assert_cmpint (rig->usb->ops->in (rig->usb, IN, data, &len), ==, VT_USB_STALL);
  g_assert_cmpint (ask (rig, 0x21, 0xff, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpint (COMMAND (rig, 2, 0, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpuint (status (rig, 2, 0), ==, 0);
  g_assert_cmpint (COMMAND (rig, 3, 0xffffffff, TO_HOST, READ_10, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0), ==, VT_USB_STALL);
}

static void
a_reset_while_the_disk_works_waits_for_it (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  uint8_t  data[BLOCK];
  uint32_t len = sizeof data;
  g_assert_cmpint (COMMAND (rig, 5, BLOCK, TO_HOST, READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0), ==, VT_USB_DONE);
  g_assert_cmpint (ask (rig, 0x21, 0xff, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpint (COMMAND (rig, 6, 0, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0), ==, VT_USB_NAK);
  test_disk_run (rig->disk);
  g_assert_cmpint (rig->usb->ops->in (rig->usb, IN, data, &len), ==, VT_USB_NAK);
  g_assert_cmpint (COMMAND (rig, 6, 0, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpuint (status (rig, 6, 0), ==, 0);
}

static void
quiet (void *opaque)
{
  ((Rig *) opaque)->quiet++;
}

static void
it_is_quiet_when_the_disk_is (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  rig->dev->cls->quiesce (rig->dev, quiet, rig);
  g_assert_cmpuint (rig->quiet, ==, 1);
  g_assert_cmpint (COMMAND (rig, 5, BLOCK, TO_HOST, READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0), ==, VT_USB_NAK);
  unsigned ready_before = rig->ready[0];
  rig->dev->cls->resume (rig->dev);
  g_assert_cmpuint (rig->ready[0], ==, ready_before + 1);
  g_assert_cmpint (COMMAND (rig, 5, BLOCK, TO_HOST, READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0), ==, VT_USB_DONE);
  rig->dev->cls->quiesce (rig->dev, quiet, rig);
  g_assert_cmpuint (rig->quiet, ==, 1);
  test_disk_run (rig->disk);
  g_assert_cmpuint (rig->quiet, ==, 2);
}

static void
go_on (Rig *rig)
{
  uint8_t  data[BLOCK];
  uint32_t len = sizeof data;
  while (rig->usb->ops->in (rig->usb, IN, data, &len) == VT_USB_DONE)
    len = sizeof data;
  COMMAND (rig, 5, BLOCK, TO_HOST, READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0);
}

/* A controller starts the next command before the last one's end has been told. */
static void
it_stays_quiet (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  g_assert_cmpint (COMMAND (rig, 5, BLOCK, TO_HOST, READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0), ==, VT_USB_DONE);
  rig->dev->cls->quiesce (rig->dev, quiet, rig);
  rig->busy = true;
  test_disk_run_one (rig->disk, 0);
  g_assert_cmpuint (rig->quiet, ==, 1);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 0);
  rig->dev->cls->resume (rig->dev);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 1);
  rig->busy = false;
  test_disk_run (rig->disk);
}

/* Its data is not in the saved state: the driver is made to try again. */
static void
a_command_that_was_saved_in_the_middle_fails (void)
{
  g_autoptr (Rig) rig = rig_attended ();
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  GError  *error = NULL;
  uint8_t  data[BLOCK];
  uint32_t len = sizeof data;
  g_assert_cmpint (COMMAND (rig, 5, BLOCK, TO_HOST, READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0), ==, VT_USB_DONE);
  test_disk_run (rig->disk);
  vt_device_set_running (rig->dev, false);
  vt_device_save (rig->dev, saved);
  g_assert_true (vt_device_load (rig->dev, 1, saved->data, saved->len, &error));
  vt_device_set_running (rig->dev, true);
  g_assert_cmpint (rig->usb->ops->in (rig->usb, IN, data, &len), ==, VT_USB_STALL);
  g_assert_cmpint (ask (rig, 0x21, 0xff, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpint (COMMAND (rig, 6, 0, 0, TEST_UNIT_READY, 0, 0, 0, 0, 0), ==, VT_USB_DONE);
  g_assert_cmpuint (status (rig, 6, 0), ==, 0);
}

#define ADD(function) g_test_add_func ("/usb-storage/" #function, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_disk_says_what_it_is);
  ADD (blocks_are_read_while_the_host_waits);
  ADD (blocks_are_written_once_they_are_all_there);
  ADD (less_than_the_host_wants_is_a_short_packet_and_a_residue);
  ADD (a_disk_that_fails_says_so);
  ADD (what_is_no_command_stalls_until_a_reset);
  ADD (a_reset_while_the_disk_works_waits_for_it);
  ADD (it_is_quiet_when_the_disk_is);
  ADD (it_stays_quiet);
  ADD (a_command_that_was_saved_in_the_middle_fails);
  return g_test_run ();
}
