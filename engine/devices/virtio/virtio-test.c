/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio devices driven by a small driver over PCI, and by drivers that break every rule of the ring. */
#include <errno.h>

#include "pci-rig.h"
#include "test-disk.h"
#include "virtio-blk.h"
#include "virtio-device.h"
#include "virtio-rng.h"

enum
{
  BLK = VT_PCI_DEVFN (2, 0), RNG = VT_PCI_DEVFN (3, 0),
  BLK_REGS = 0xe0000000, RNG_REGS = 0xe0010000, MSIX = 0xe0020000,
  DISK_BYTES = 1 << 20,

  SIZE = 16,                       /* of the rings that the tests use */
  DESC = 0x10000, AVAIL = 0x11000, USED = 0x12000, INDIRECT = 0x13000,
  HEADER = 0x20000, DATA = 0x30000, STATUS = 0x40000,

  NEXT = 1, WRITE = 2, TABLE = 4,

  FEATURE_SELECT = 0x00, FEATURE = 0x04, DRIVER_SELECT = 0x08, DRIVER_FEATURE = 0x0c, CONFIG_VECTOR = 0x10,
  NUM_QUEUES = 0x12, DEVICE_STATUS = 0x14, QUEUE_SELECT = 0x16, QUEUE_SIZE = 0x18, QUEUE_VECTOR = 0x1a,
  QUEUE_ENABLE = 0x1c, QUEUE_DESC = 0x20, QUEUE_DRIVER = 0x28, QUEUE_DEVICE = 0x30,
  ISR = 0x1000, CONFIG = 0x2000, NOTIFY = 0x3000,
};

typedef struct
{
  PciRig    pci;
  VtDevice *blk, *rng;
  TestDisk *disk;
  uint64_t  regs;          /* of the device under test */
  uint16_t  avail;
} Rig;

static void
fill (void *opaque, uint8_t *bytes, size_t n)
{
  memset (bytes, 0xe7, n);
}

static void
put (Rig *rig, uint64_t at, uint64_t value, unsigned size)
{
  pci_rig_put (&rig->pci, at, value, size);
}

static uint64_t
get (Rig *rig, uint64_t at, unsigned size)
{
  return pci_rig_get (&rig->pci, at, size);
}

static Rig *
rig_new (void)
{
  Rig *rig = g_new0 (Rig, 1);
  pci_rig_init (&rig->pci);
  rig->disk = test_disk_new (DISK_BYTES);
  for (unsigned i = 0; i < DISK_BYTES; i++)
    rig->disk->bytes[i] = (uint8_t) (i / 512 + i * 5);
  rig->blk = pci_rig_add (&rig->pci, &vt_virtio_blk_pci,
                          &(VtVirtioBlkConfig) { .place = { rig->pci.bus, BLK }, .block = &rig->disk->block,
                                                 .serial = "S3R1AL" });
  rig->rng = pci_rig_add (&rig->pci, &vt_virtio_rng_pci,
                          &(VtVirtioRngConfig) { .place = { rig->pci.bus, RNG }, .fill = fill });
  pci_rig_enable (&rig->pci, BLK, 4, BLK_REGS);
  pci_rig_enable (&rig->pci, RNG, 4, RNG_REGS);
  rig->regs = BLK_REGS;
  return rig;
}

static void
rig_free (Rig *rig)
{
  test_disk_run (rig->disk);
  vt_device_free (rig->blk);
  vt_device_free (rig->rng);
  pci_rig_clear (&rig->pci);
  vt_block_close (&rig->disk->block);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* --- A small driver ----------------------------------------------------------------------------------------------- */

static void
negotiate (Rig *rig, uint64_t features)
{
  uint64_t r = rig->regs;
  put (rig, r + DEVICE_STATUS, 0, 1);
  put (rig, r + DEVICE_STATUS, 3, 1);
  for (unsigned i = 0; i < 2; i++)
    {
      put (rig, r + DRIVER_SELECT, i, 4);
      put (rig, r + DRIVER_FEATURE, (features | VIRTIO_F_VERSION_1) >> (32 * i), 4);
    }
  put (rig, r + DEVICE_STATUS, 11, 1);
}

static void
start (Rig *rig, uint64_t features)
{
  uint64_t r = rig->regs;
  memset (rig->pci.ram->host + DESC, 0, 0x10000);
  rig->avail = 0;
  negotiate (rig, features);
  g_assert_cmphex (get (rig, r + DEVICE_STATUS, 1), ==, 11);
  put (rig, r + QUEUE_SELECT, 0, 2);
  put (rig, r + QUEUE_SIZE, MIN (SIZE, get (rig, r + QUEUE_SIZE, 2)), 2);
  put (rig, r + QUEUE_DESC, DESC, 8);
  put (rig, r + QUEUE_DRIVER, AVAIL, 8);
  put (rig, r + QUEUE_DEVICE, USED, 8);
  put (rig, r + QUEUE_ENABLE, 1, 2);
  put (rig, r + DEVICE_STATUS, 15, 1);
}

static void
desc_at (Rig *rig, uint64_t table, unsigned i, uint64_t at, uint32_t len, unsigned flags, unsigned next)
{
  put (rig, table + i * 16, at, 8);
  put (rig, table + i * 16 + 8, len, 4);
  put (rig, table + i * 16 + 12, flags, 2);
  put (rig, table + i * 16 + 14, next, 2);
}

static void
desc (Rig *rig, unsigned i, uint64_t at, uint32_t len, unsigned flags, unsigned next)
{
  desc_at (rig, DESC, i, at, len, flags, next);
}

static void
offer (Rig *rig, unsigned head)
{
  put (rig, AVAIL + 4 + rig->avail % SIZE * 2, head, 2);
  put (rig, AVAIL + 2, ++rig->avail, 2);
}

static void
kick (Rig *rig)
{
  put (rig, rig->regs + NOTIFY, 0, 2);
}

static unsigned
used (Rig *rig)
{
  return (unsigned) get (rig, USED + 2, 2);
}

static bool
needs_reset (Rig *rig)
{
  return (get (rig, rig->regs + DEVICE_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET) != 0;
}

/* Header, data, status as three descriptors from 0. */
static void
put_request (Rig *rig, unsigned type, uint64_t sector, uint32_t len, bool to_guest)
{
  put (rig, HEADER, type, 4);
  put (rig, HEADER + 8, sector, 8);
  put (rig, STATUS, 0xff, 1);
  desc (rig, 0, HEADER, 16, NEXT, len != 0 ? 1 : 2);
  desc (rig, 1, DATA, len, NEXT | (to_guest ? WRITE : 0), 2);
  desc (rig, 2, STATUS, 1, WRITE, 0);
}

static unsigned
request (Rig *rig, unsigned type, uint64_t sector, uint32_t len, bool to_guest)
{
  unsigned before = used (rig);
  put_request (rig, type, sector, len, to_guest);
  offer (rig, 0);
  kick (rig);
  test_disk_run (rig->disk);
  g_assert_cmpuint (used (rig), ==, (before + 1) & 0xffff);
  return (unsigned) get (rig, STATUS, 1);
}

/* --- Transport ---------------------------------------------------------------------------------------------------- */

static void
capabilities_lead_to_the_registers (void)
{
  g_autoptr (Rig) rig = rig_new ();
  unsigned seen = 0;
  g_assert_cmphex (vt_pci_bus_config_read (rig->pci.bus, 0, BLK, 0, 4), ==, 0x10421af4);
  g_assert_cmphex (vt_pci_bus_config_read (rig->pci.bus, 0, BLK, PCI_REVISION_ID, 1), ==, 1);
  for (unsigned at = vt_pci_bus_config_read (rig->pci.bus, 0, BLK, PCI_CAPABILITIES, 1); at != 0;
       at = vt_pci_bus_config_read (rig->pci.bus, 0, BLK, at + 1, 1))
    if (vt_pci_bus_config_read (rig->pci.bus, 0, BLK, at, 1) == PCI_CAP_VENDOR)
      {
        unsigned type = vt_pci_bus_config_read (rig->pci.bus, 0, BLK, at + 3, 1);
        seen |= 1u << type;
        if (type == 3)
          g_assert_cmphex (vt_pci_bus_config_read (rig->pci.bus, 0, BLK, at + 8, 4), ==, ISR);
      }
  g_assert_cmphex (seen, ==, 0x3e);
  g_assert_cmpuint (get (rig, BLK_REGS + NUM_QUEUES, 2), ==, 1);
  g_assert_cmpuint (get (rig, BLK_REGS + CONFIG, 8), ==, DISK_BYTES / 512);
  g_assert_cmpuint (get (rig, BLK_REGS + CONFIG + 20, 4), ==, 512);
}

static void
registers_are_reachable_through_configuration_space (void)
{
  g_autoptr (Rig) rig = rig_new ();
  unsigned cap = 0;
  for (unsigned at = vt_pci_bus_config_read (rig->pci.bus, 0, BLK, PCI_CAPABILITIES, 1); at != 0;
       at = vt_pci_bus_config_read (rig->pci.bus, 0, BLK, at + 1, 1))
    if (vt_pci_bus_config_read (rig->pci.bus, 0, BLK, at, 1) == PCI_CAP_VENDOR
        && vt_pci_bus_config_read (rig->pci.bus, 0, BLK, at + 3, 1) == 5)
      cap = at;
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, cap + 4, 4, 1);
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, cap + 8, DEVICE_STATUS, 4);
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, cap + 12, 1, 4);
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, cap + 16, 3, 1);
  g_assert_cmphex (get (rig, BLK_REGS + DEVICE_STATUS, 1), ==, 3);
  g_assert_cmphex (vt_pci_bus_config_read (rig->pci.bus, 0, BLK, cap + 16, 1), ==, 3);
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, cap + 8, 0xfffffffc, 4);      /* out of the BAR: nothing happens */
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, cap + 16, 0, 1);
  g_assert_cmphex (get (rig, BLK_REGS + DEVICE_STATUS, 1), ==, 3);
}

static void
features_must_be_offered_and_modern (void)
{
  g_autoptr (Rig) rig = rig_new ();
  negotiate (rig, VIRTIO_F (50));
  g_assert_cmphex (get (rig, BLK_REGS + DEVICE_STATUS, 1), ==, 3);
  put (rig, BLK_REGS + DRIVER_SELECT, 1, 4);
  put (rig, BLK_REGS + DRIVER_FEATURE, 0, 4);
  put (rig, BLK_REGS + DEVICE_STATUS, 11, 1);
  g_assert_cmphex (get (rig, BLK_REGS + DEVICE_STATUS, 1), ==, 3);
  start (rig, 0);
  put (rig, BLK_REGS + DRIVER_SELECT, 0, 4);
  put (rig, BLK_REGS + DRIVER_FEATURE, 0x40, 4);                            /* too late */
  g_assert_cmphex (get (rig, BLK_REGS + DRIVER_FEATURE, 4), ==, 0);
}

static void
interrupts_are_msix_when_enabled_else_intx (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig, 0);
  request (rig, 0, 0, 512, true);
  g_assert_true (rig->pci.line);
  g_assert_cmphex (get (rig, BLK_REGS + ISR, 1), ==, 1);
  g_assert_false (rig->pci.line);
  g_assert_cmphex (get (rig, BLK_REGS + ISR, 1), ==, 0);
  unsigned cap = vt_pci_bus_config_read (rig->pci.bus, 0, BLK, PCI_CAPABILITIES, 1);
  g_assert_cmphex (vt_pci_bus_config_read (rig->pci.bus, 0, BLK, cap, 1), ==, PCI_CAP_MSIX);
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, PCI_BAR0 + 4, MSIX, 4);
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, cap + 2, 0x8000, 2);
  put (rig, MSIX + 16, 0xfee00000, 4);
  put (rig, MSIX + 24, 0x61, 4);
  put (rig, MSIX + 28, 0, 4);
  put (rig, BLK_REGS + QUEUE_VECTOR, 9, 2);
  g_assert_cmphex (get (rig, BLK_REGS + QUEUE_VECTOR, 2), ==, 0xffff);
  put (rig, BLK_REGS + QUEUE_VECTOR, 1, 2);
  request (rig, 0, 0, 512, true);
  g_assert_cmpuint (rig->pci.messages, ==, 1);
  g_assert_cmphex (rig->pci.last_message, ==, 0x61);
  g_assert_false (rig->pci.line);
  put (rig, AVAIL, 1, 2);                                                   /* the driver wants no interrupts now */
  request (rig, 0, 0, 512, true);
  g_assert_cmpuint (rig->pci.messages, ==, 1);
}

static void
event_indices_spare_interrupts (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig, VIRTIO_F_RING_EVENT_IDX);
  put (rig, AVAIL + 4 + SIZE * 2, 0, 2);
  request (rig, 0, 0, 512, true);
  g_assert_true (rig->pci.line);
  get (rig, BLK_REGS + ISR, 1);
  put (rig, AVAIL + 4 + SIZE * 2, 3, 2);      /* only after entry 3 */
  request (rig, 0, 0, 512, true);
  request (rig, 0, 0, 512, true);
  g_assert_false (rig->pci.line);
  request (rig, 0, 0, 512, true);
  g_assert_true (rig->pci.line);
  g_assert_cmpuint (get (rig, USED + 4 + SIZE * 8, 2), ==, 4);   /* and we ask for a kick at entry 4 */
}

/* --- The block device --------------------------------------------------------------------------------------------- */

static void
sectors_are_read_and_written (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig, 0);
  g_assert_cmphex (request (rig, 0, 7, 4096, true), ==, 0);
  g_assert_cmpmem (rig->pci.ram->host + DATA, 4096, rig->disk->bytes + 7 * 512, 4096);
  g_assert_cmpuint (get (rig, USED + 4 + 4, 4), ==, 4097);
  memset (rig->pci.ram->host + DATA, 0xcd, 1024);
  g_assert_cmphex (request (rig, 1, 9, 1024, false), ==, 0);
  g_assert_cmphex (rig->disk->bytes[9 * 512], ==, 0xcd);
  g_assert_cmphex (rig->disk->bytes[11 * 512 - 1], ==, 0xcd);
  g_assert_cmphex (request (rig, 4, 0, 0, false), ==, 0);
  g_assert_cmpuint (rig->disk->flushes, ==, 1);
  g_assert_cmphex (request (rig, 8, 0, 20, true), ==, 0);
  g_assert_cmpstr ((const char *) rig->pci.ram->host + DATA, ==, "S3R1AL");
  put (rig, DATA, 8, 8);
  put (rig, DATA + 8, 8, 4);
  put (rig, DATA + 12, 0, 4);
  g_assert_cmphex (request (rig, 11, 0, 16, false), ==, 0);
  g_assert_cmpuint (rig->disk->discards, ==, 1);
  g_assert_cmphex (request (rig, 13, 0, 16, false), ==, 0);
  g_assert_cmphex (rig->disk->bytes[9 * 512], ==, 0);
}

static void
impossible_requests_get_an_error_status (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig, 0);
  g_assert_cmphex (request (rig, 0, DISK_BYTES / 512, 512, true), ==, 1);
  g_assert_cmphex (request (rig, 0, UINT64_MAX, 512, true), ==, 1);
  g_assert_cmphex (request (rig, 0, UINT64_C (1) << 55, 512, true), ==, 1);
  g_assert_cmphex (request (rig, 0, 0, 100, true), ==, 1);
  g_assert_cmphex (request (rig, 99, 0, 512, true), ==, 2);
  put (rig, DATA, UINT64_MAX, 8);
  put (rig, DATA + 8, 1, 4);
  put (rig, DATA + 12, 0, 4);
  g_assert_cmphex (request (rig, 11, 0, 16, false), ==, 1);
  put (rig, DATA + 12, 0xff, 4);
  g_assert_cmphex (request (rig, 11, 0, 16, false), ==, 2);
  rig->disk->fail_with = EIO;
  g_assert_cmphex (request (rig, 0, 0, 512, true), ==, 1);
  rig->disk->fail_with = 0;
  g_assert_cmphex (request (rig, 0, 0, 512, true), ==, 0);
  g_assert_false (needs_reset (rig));
}

static void
indirect_requests_work (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig, VIRTIO_F_RING_INDIRECT_DESC);
  put (rig, HEADER, 0, 4);
  put (rig, HEADER + 8, 3, 8);
  desc_at (rig, INDIRECT, 0, HEADER, 16, NEXT, 2);
  desc_at (rig, INDIRECT, 2, DATA, 512, NEXT | WRITE, 1);
  desc_at (rig, INDIRECT, 1, STATUS, 1, WRITE, 0);
  desc (rig, 5, INDIRECT, 48, TABLE, 0);
  offer (rig, 5);
  kick (rig);
  test_disk_run (rig->disk);
  g_assert_cmpuint (used (rig), ==, 1);
  g_assert_cmpuint (get (rig, USED + 4, 4), ==, 5);
  g_assert_cmpmem (rig->pci.ram->host + DATA, 512, rig->disk->bytes + 3 * 512, 512);
}

static void
rings_wrap_around_for_ever (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig, 0);
  for (unsigned i = 0; i < 70000; i++)
    g_assert_cmphex (request (rig, 0, i % 1000, 512, true), ==, 0);
}

static void
a_reset_waits_for_requests_under_way (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig, 0);
  put_request (rig, 0, 1, 512, true);
  offer (rig, 0);
  kick (rig);
  put (rig, BLK_REGS + DEVICE_STATUS, 0, 1);
  g_assert_cmphex (get (rig, BLK_REGS + DEVICE_STATUS, 1), ==, 15);
  test_disk_run (rig->disk);
  g_assert_cmphex (get (rig, BLK_REGS + DEVICE_STATUS, 1), ==, 0);
  g_assert_cmpuint (used (rig), ==, 0);
  g_assert_cmphex (get (rig, BLK_REGS + QUEUE_ENABLE, 2), ==, 0);
  start (rig, 0);
  g_assert_cmphex (request (rig, 0, 1, 512, true), ==, 0);
}

static void
now_quiet (void *opaque)
{
  *(bool *) opaque = true;
}

static void
saved_queues_go_on_after_a_restore (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  bool quiet = false;
  start (rig, 0);
  vt_device_set_running (rig->blk, true);
  request (rig, 0, 1, 512, true);
  put_request (rig, 0, 2, 512, true);
  offer (rig, 0);
  kick (rig);
  vt_virtio_blk_pci.quiesce (rig->blk, now_quiet, &quiet);
  g_assert_false (quiet);
  offer (rig, 0);
  kick (rig);
  test_disk_run (rig->disk);
  g_assert_true (quiet);
  g_assert_cmpuint (used (rig), ==, 2);
  vt_device_set_running (rig->blk, false);
  vt_device_save (rig->blk, saved);
  vt_device_reset (rig->blk, VT_RESET_POWER);
  g_assert_true (vt_device_load (rig->blk, 1, saved->data, saved->len, NULL));
  vt_device_set_running (rig->blk, true);
  test_disk_run (rig->disk);
  g_assert_cmpuint (used (rig), ==, 3);
}

static void
entropy_fills_buffers (void)
{
  g_autoptr (Rig) rig = rig_new ();
  rig->regs = RNG_REGS;
  start (rig, 0);
  desc (rig, 0, DATA, 100, WRITE | NEXT, 1);
  desc (rig, 1, DATA + 4096, 1000000, WRITE, 0);
  put (rig, AVAIL + 4, 0, 2);
  put (rig, AVAIL + 2, 1, 2);
  kick (rig);
  g_assert_cmpuint (used (rig), ==, 1);
  g_assert_cmpuint (get (rig, USED + 8, 4), ==, 65536);
  g_assert_cmphex (rig->pci.ram->host[DATA + 99], ==, 0xe7);
  g_assert_cmphex (rig->pci.ram->host[DATA + 100], ==, 0);
  g_assert_cmphex (rig->pci.ram->host[DATA + 4096 + 65535 - 100], ==, 0xe7);
  g_assert_cmphex (rig->pci.ram->host[DATA + 4096 + 65536], ==, 0);
}

/* --- Hostile drivers ---------------------------------------------------------------------------------------------- */

typedef void (*Crime) (Rig *rig);

static void loop_of_one (Rig *rig) { desc (rig, 0, DATA, 16, NEXT, 0); }
static void loop_of_two (Rig *rig) { desc (rig, 0, DATA, 16, NEXT, 1); desc (rig, 1, DATA, 16, NEXT, 0); }
static void next_out_of_range (Rig *rig) { desc (rig, 0, DATA, 16, NEXT, SIZE); }
static void empty_buffer (Rig *rig) { desc (rig, 0, DATA, 0, 0, 0); }
static void buffer_beyond_memory (Rig *rig) { desc (rig, 0, PCI_RIG_RAM_BYTES - 8, 16, 0, 0); }
static void buffer_that_wraps (Rig *rig) { desc (rig, 0, UINT64_MAX - 7, 0xffffffff, 0, 0); }
static void buffer_of_4_gib (Rig *rig) { desc (rig, 0, DATA, 0xffffffff, WRITE, 0); }
static void buffer_in_registers (Rig *rig) { desc (rig, 0, BLK_REGS, 16, 0, 0); }
static void
readable_after_writable (Rig *rig)
{
  desc (rig, 0, DATA, 16, NEXT | WRITE, 1);
  desc (rig, 1, DATA, 16, 0, 0);
}
static void indirect_of_odd_size (Rig *rig) { desc (rig, 0, INDIRECT, 17, TABLE, 0); }
static void indirect_of_no_size (Rig *rig) { desc (rig, 0, INDIRECT, 0, TABLE, 0); }
static void indirect_of_4_gib (Rig *rig) { desc (rig, 0, INDIRECT, 0xfffffff0, TABLE, 0); }
static void indirect_outside_memory (Rig *rig) { desc (rig, 0, UINT64_C (1) << 50, 64, TABLE, 0); }
static void indirect_with_next (Rig *rig) { desc (rig, 0, INDIRECT, 16, TABLE | NEXT, 1); }
static void
indirect_in_indirect (Rig *rig)
{
  desc (rig, 0, INDIRECT, 16, TABLE, 0);
  desc_at (rig, INDIRECT, 0, INDIRECT, 16, TABLE, 0);
}
static void
indirect_loop (Rig *rig)
{
  desc (rig, 0, INDIRECT, 32, TABLE, 0);
  desc_at (rig, INDIRECT, 0, DATA, 8, NEXT, 0);
}
static void no_header (Rig *rig) { desc (rig, 0, DATA, 16, WRITE, 0); }
static void short_header (Rig *rig) { desc (rig, 0, DATA, 15, NEXT, 1); desc (rig, 1, DATA, 16, WRITE, 0); }
static void no_status (Rig *rig) { desc (rig, 0, DATA, 16, 0, 0); }

static const struct
{
  const char *name;
  Crime       commit;
} crimes[] = {
#define CRIME(fn) { #fn, fn }
  CRIME (loop_of_one), CRIME (loop_of_two), CRIME (next_out_of_range), CRIME (empty_buffer),
  CRIME (buffer_beyond_memory), CRIME (buffer_that_wraps), CRIME (buffer_of_4_gib), CRIME (buffer_in_registers),
  CRIME (readable_after_writable), CRIME (indirect_of_odd_size), CRIME (indirect_of_no_size), CRIME (indirect_of_4_gib),
  CRIME (indirect_outside_memory), CRIME (indirect_with_next), CRIME (indirect_in_indirect), CRIME (indirect_loop),
  CRIME (no_header), CRIME (short_header), CRIME (no_status),
};

static void
every_crime_stops_the_device_until_it_is_reset (void)
{
  g_autoptr (Rig) rig = rig_new ();
  for (size_t i = 0; i < G_N_ELEMENTS (crimes); i++)
    {
      start (rig, VIRTIO_F_RING_INDIRECT_DESC);
      get (rig, BLK_REGS + ISR, 1);
      crimes[i].commit (rig);
      offer (rig, 0);
      kick (rig);
      test_disk_run (rig->disk);
      if (!needs_reset (rig))
        g_error ("%s went unpunished", crimes[i].name);
      g_assert_cmphex (get (rig, BLK_REGS + ISR, 1) & 2, ==, 2);
      kick (rig);
      start (rig, 0);
      g_assert_cmphex (request (rig, 0, 1, 512, true), ==, 0);
    }
}

static void
indices_and_rings_out_of_bounds_are_caught (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig, 0);
  put (rig, AVAIL + 2, SIZE + 1, 2);
  kick (rig);
  g_assert_true (needs_reset (rig));
  start (rig, 0);
  offer (rig, SIZE);
  kick (rig);
  g_assert_true (needs_reset (rig));
  /* One buffer offered again and again while it is still in use. */
  start (rig, 0);
  put_request (rig, 0, 1, 512, true);
  for (unsigned i = 0; i < SIZE + 1; i++)
    {
      offer (rig, 0);
      kick (rig);
    }
  g_assert_true (needs_reset (rig));
  g_assert_cmpuint (rig->disk->waiting->len, ==, SIZE);
  test_disk_run (rig->disk);
  /* Rings in nothing, and misaligned. */
  negotiate (rig, 0);
  put (rig, BLK_REGS + QUEUE_DESC, UINT64_C (1) << 60, 8);
  put (rig, BLK_REGS + QUEUE_DRIVER, UINT64_MAX - 1, 8);
  put (rig, BLK_REGS + QUEUE_DEVICE, UINT64_MAX - 3, 8);
  put (rig, BLK_REGS + QUEUE_ENABLE, 1, 2);
  put (rig, BLK_REGS + DEVICE_STATUS, 15, 1);
  kick (rig);
  g_assert_true (needs_reset (rig));
  negotiate (rig, 0);
  put (rig, BLK_REGS + QUEUE_DESC, DESC + 1, 8);
  put (rig, BLK_REGS + QUEUE_ENABLE, 1, 2);
  g_assert_cmphex (get (rig, BLK_REGS + QUEUE_ENABLE, 2), ==, 0);
  /* Without bus mastering there is no memory at all. */
  start (rig, 0);
  vt_pci_bus_config_write (rig->pci.bus, 0, BLK, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  kick (rig);
  g_assert_true (needs_reset (rig));
}

static void
random_rings_never_hurt (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (4711);
  unsigned stops = 0, n_used = 0;
  start (rig, VIRTIO_F_RING_INDIRECT_DESC | VIRTIO_F_RING_EVENT_IDX);
  for (unsigned i = 0, rounds = g_test_slow () ? 10000000 : 60000; i < rounds; i++)
    {
      unsigned n = (unsigned) g_rand_int_range (random, 0, SIZE);
      uint64_t table = g_rand_int_range (random, 0, 3) ? DESC : INDIRECT;
      uint64_t where
          = g_rand_int_range (random, 0, 30) ? HEADER + (g_rand_int (random) & 0x3fff0) : g_rand_int (random);
      unsigned flags = g_rand_int_range (random, 0, 12) ? (g_rand_int (random) & 3) : TABLE;
      uint32_t len
          = g_rand_int_range (random, 0, 20) ? 16u * (uint32_t) g_rand_int_range (random, 1, 80) : g_rand_int (random);
      desc_at (rig, table, n, flags == TABLE ? INDIRECT : where, len, flags,
               (unsigned) g_rand_int_range (random, 0, SIZE));
      put (rig, HEADER + (g_rand_int (random) & 0x3fff0), g_rand_int_range (random, 0, 14), 4);
      if (g_rand_boolean (random))
        offer (rig, n);
      if (g_rand_int_range (random, 0, 200) == 0)
        put (rig, AVAIL + 2, g_rand_int (random), 2);
      kick (rig);
      if (g_rand_int_range (random, 0, 4) == 0)
        test_disk_run (rig->disk);
      if (needs_reset (rig) || g_rand_int_range (random, 0, 100) == 0)
        {
          stops++;
          n_used += used (rig);
          put (rig, BLK_REGS + DEVICE_STATUS, 0, 1);
          test_disk_run (rig->disk);
          start (rig, VIRTIO_F_RING_INDIRECT_DESC | VIRTIO_F_RING_EVENT_IDX);
        }
    }
  g_test_message ("%u stops, %u requests answered", stops, n_used);
  g_assert_cmpuint (stops, >, 1000);
  g_assert_cmpuint (n_used, >, 100);
}

static void
random_register_traffic_never_hurts (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  for (unsigned i = 0, rounds = g_test_slow () ? 10000000 : 200000; i < rounds; i++)
    {
      unsigned size = 1u << g_rand_int_range (random, 0, 4);
      uint64_t off = (uint64_t) g_rand_int_range (random, 0, 4) * 0x1000 + (g_rand_int (random) & 0x3f);
      uint64_t value = g_rand_boolean (random) ? g_rand_int (random) & 0x1f : g_rand_int (random);
      if (g_rand_boolean (random))
        put (rig, BLK_REGS + off, value, size);
      else
        get (rig, BLK_REGS + off, size);
    }
  test_disk_run (rig->disk);
  start (rig, 0);
  g_assert_cmphex (request (rig, 0, 1, 512, true), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/virtio/" #fn, fn)
  TEST (capabilities_lead_to_the_registers);
  TEST (registers_are_reachable_through_configuration_space);
  TEST (features_must_be_offered_and_modern);
  TEST (interrupts_are_msix_when_enabled_else_intx);
  TEST (event_indices_spare_interrupts);
  TEST (sectors_are_read_and_written);
  TEST (impossible_requests_get_an_error_status);
  TEST (indirect_requests_work);
  TEST (rings_wrap_around_for_ever);
  TEST (a_reset_waits_for_requests_under_way);
  TEST (saved_queues_go_on_after_a_restore);
  TEST (entropy_fills_buffers);
  TEST (every_crime_stops_the_device_until_it_is_reset);
  TEST (indices_and_rings_out_of_bounds_are_caught);
  TEST (random_rings_never_hurt);
  TEST (random_register_traffic_never_hurts);
  return g_test_run ();
}
