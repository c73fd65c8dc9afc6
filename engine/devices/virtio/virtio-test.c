/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PCI transport, the disk and the entropy device, driven by a small driver over each form of queue. */
#include <errno.h>

#include "virtio-blk-rig.h"
#include "virtio-rng.h"

enum
{
  MSIX = 0xe0020000,
};

static uint64_t
form_of (gconstpointer data)
{
  return *(const uint64_t *) data;
}

static unsigned
config_get (BlkRig *blk, unsigned off, unsigned size)
{
  return vt_pci_bus_config_read (blk->rig.pci->bus, 0, DRIVER_DEVFN, (uint16_t) off, size);
}

static void
config_put (BlkRig *blk, unsigned off, uint32_t value, unsigned size)
{
  vt_pci_bus_config_write (blk->rig.pci->bus, 0, DRIVER_DEVFN, (uint16_t) off, value, size);
}

/* --- Transport ---------------------------------------------------------------------------------------------------- */

static void
capabilities_lead_to_the_registers (void)
{
  g_autoptr (BlkRig) blk = blk_rig_new (0, 2);
  unsigned seen = 0;
  g_assert_cmphex (config_get (blk, 0, 4), ==, 0x10421af4);
  g_assert_cmphex (config_get (blk, PCI_REVISION_ID, 1), ==, 1);
  for (unsigned at = config_get (blk, PCI_CAPABILITIES, 1); at != 0; at = config_get (blk, at + 1, 1))
    if (config_get (blk, at, 1) == PCI_CAP_VENDOR)
      {
        unsigned type = config_get (blk, at + 3, 1);
        seen |= 1u << type;
        if (type == 3)
          g_assert_cmphex (config_get (blk, at + 8, 4), ==, DRIVER_ISR);
      }
  g_assert_cmphex (seen, ==, 0x3e);
  g_assert_cmpuint (driver_get (&blk->rig, DRIVER_REGS + DRIVER_NUM_QUEUES, 2), ==, 2);
  g_assert_cmpuint (driver_get (&blk->rig, DRIVER_REGS + DRIVER_CONFIG, 8), ==, BLK_DISK_BYTES / 512);
  g_assert_cmpuint (driver_get (&blk->rig, DRIVER_REGS + DRIVER_CONFIG + 20, 4), ==, 512);
  g_assert_cmpuint (driver_get (&blk->rig, DRIVER_REGS + DRIVER_CONFIG + 34, 2), ==, 2);
}

static void
registers_are_reachable_through_configuration_space (void)
{
  g_autoptr (BlkRig) blk = blk_rig_new (0, 1);
  unsigned cap = 0;
  for (unsigned at = config_get (blk, PCI_CAPABILITIES, 1); at != 0; at = config_get (blk, at + 1, 1))
    if (config_get (blk, at, 1) == PCI_CAP_VENDOR && config_get (blk, at + 3, 1) == 5)
      cap = at;
  config_put (blk, cap + 4, 4, 1);
  config_put (blk, cap + 8, DRIVER_STATUS, 4);
  config_put (blk, cap + 12, 1, 4);
  config_put (blk, cap + 16, 3, 1);
  g_assert_cmphex (driver_status (&blk->rig), ==, 3);
  g_assert_cmphex (config_get (blk, cap + 16, 1), ==, 3);
  config_put (blk, cap + 8, 0xfffffffc, 4);      /* out of the BAR: nothing happens */
  config_put (blk, cap + 16, 0, 1);
  g_assert_cmphex (driver_status (&blk->rig), ==, 3);
}

static void
features_must_be_offered_and_modern (void)
{
  g_autoptr (BlkRig) blk = blk_rig_new (0, 1);
  DriverRig *rig = &blk->rig;
  rig->features = VIRTIO_F (50);
  driver_negotiate (rig);
  g_assert_cmphex (driver_status (rig), ==, 3);
  driver_put (rig, DRIVER_REGS + DRIVER_FEATURE_SELECT, 1, 4);
  driver_put (rig, DRIVER_REGS + DRIVER_FEATURE, 0, 4);
  driver_put (rig, DRIVER_REGS + DRIVER_STATUS, 11, 1);
  g_assert_cmphex (driver_status (rig), ==, 3);
  rig->features = 0;
  driver_start (rig, 1);
  driver_put (rig, DRIVER_REGS + DRIVER_FEATURE_SELECT, 0, 4);
  driver_put (rig, DRIVER_REGS + DRIVER_FEATURE, 0x40, 4);                  /* too late */
  g_assert_cmphex (driver_get (rig, DRIVER_REGS + DRIVER_FEATURE, 4), ==, 0);
  driver_put (rig, DRIVER_REGS + DRIVER_STATUS, 7, 1);                      /* and it cannot be made early */
  g_assert_cmphex (driver_status (rig), ==, 15);
}

static void
forms_of_queues_are_offered_only_when_asked_for (void)
{
  g_autoptr (BlkRig) plain = blk_rig_new (0, 1), all = blk_rig_new (VIRTIO_F_RING_FORMS, 1);
  g_assert_cmphex (driver_offered (&plain->rig) & VIRTIO_F_RING_FORMS, ==, 0);
  g_assert_cmphex (driver_offered (&all->rig) & VIRTIO_F_RING_FORMS, ==, VIRTIO_F_RING_FORMS);
}

static void
a_queue_before_the_features_is_refused (void)
{
  g_autoptr (BlkRig) blk = blk_rig_new (0, 1);
  driver_reset (&blk->rig);
  driver_put (&blk->rig, DRIVER_REGS + DRIVER_STATUS, 3, 1);
  driver_start_queue (&blk->rig, 0);
  g_assert_cmphex (driver_get (&blk->rig, DRIVER_REGS + DRIVER_QUEUE_ENABLE, 2), ==, 0);
  g_assert_true (driver_needs_reset (&blk->rig));
}

static void
interrupts_are_msix_when_enabled_else_intx (gconstpointer form)
{
  g_autoptr (BlkRig) blk = blk_rig_new (form_of (form), 1);
  DriverRig *rig = &blk->rig;
  driver_start (rig, 1);
  blk_request (blk, 0, 0, 512, true);
  g_assert_true (rig->pci->line);
  g_assert_cmphex (driver_isr (rig), ==, 1);
  g_assert_false (rig->pci->line);
  g_assert_cmphex (driver_isr (rig), ==, 0);
  unsigned cap = config_get (blk, PCI_CAPABILITIES, 1);
  g_assert_cmphex (config_get (blk, cap, 1), ==, PCI_CAP_MSIX);
  config_put (blk, PCI_BAR0 + 4, MSIX, 4);
  config_put (blk, cap + 2, 0x8000, 2);
  driver_put (rig, MSIX + 16, 0xfee00000, 4);
  driver_put (rig, MSIX + 24, 0x61, 4);
  driver_put (rig, MSIX + 28, 0, 4);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_VECTOR, 9, 2);
  g_assert_cmphex (driver_get (rig, DRIVER_REGS + DRIVER_QUEUE_VECTOR, 2), ==, 0xffff);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_VECTOR, 1, 2);
  blk_request (blk, 0, 0, 512, true);
  g_assert_cmpuint (rig->pci->messages, ==, 1);
  g_assert_cmphex (rig->pci->last_message, ==, 0x61);
  g_assert_false (rig->pci->line);
  driver_set_interrupts (rig, 0, false);
  blk_request (blk, 0, 0, 512, true);
  g_assert_cmpuint (rig->pci->messages, ==, 1);
}

/* --- The block device --------------------------------------------------------------------------------------------- */

static void
sectors_are_read_and_written (gconstpointer form)
{
  g_autoptr (BlkRig) blk = blk_rig_new (form_of (form), 1);
  DriverRig *rig = &blk->rig;
  unsigned   id;
  uint32_t   len = 0;
  driver_start (rig, 1);
  blk_offer (blk, 0, 0, 0, 7, 4096, true);
  driver_kick (rig, 0);
  test_disk_run (blk->disk);
  g_assert_true (driver_used_id (rig, 0, &id, &len));
  g_assert_cmpuint (len, ==, 4097);
  g_assert_cmphex (driver_get (rig, BLK_STATUS, 1), ==, 0);
  g_assert_cmpmem (driver_memory (rig, BLK_DATA), 4096, blk->disk->bytes + 7 * 512, 4096);
  memset (driver_memory (rig, BLK_DATA), 0xcd, 1024);
  g_assert_cmphex (blk_request (blk, 1, 9, 1024, false), ==, 0);
  g_assert_cmphex (blk->disk->bytes[9 * 512], ==, 0xcd);
  g_assert_cmphex (blk->disk->bytes[11 * 512 - 1], ==, 0xcd);
  g_assert_cmphex (blk_request (blk, 4, 0, 0, false), ==, 0);
  g_assert_cmpuint (blk->disk->flushes, ==, 1);
  g_assert_cmphex (blk_request (blk, 8, 0, 20, true), ==, 0);
  g_assert_cmpstr ((const char *) driver_memory (rig, BLK_DATA), ==, "S3R1AL");
  driver_put (rig, BLK_DATA, 8, 8);
  driver_put (rig, BLK_DATA + 8, 8, 8);
  g_assert_cmphex (blk_request (blk, 11, 0, 16, false), ==, 0);
  g_assert_cmpuint (blk->disk->discards, ==, 1);
  g_assert_cmphex (blk_request (blk, 13, 0, 16, false), ==, 0);
  g_assert_cmphex (blk->disk->bytes[9 * 512], ==, 0);
}

static void
impossible_requests_get_an_error_status (gconstpointer form)
{
  g_autoptr (BlkRig) blk = blk_rig_new (form_of (form), 1);
  DriverRig *rig = &blk->rig;
  driver_start (rig, 1);
  g_assert_cmphex (blk_request (blk, 0, BLK_DISK_BYTES / 512, 512, true), ==, 1);
  g_assert_cmphex (blk_request (blk, 0, UINT64_MAX, 512, true), ==, 1);
  g_assert_cmphex (blk_request (blk, 0, UINT64_C (1) << 55, 512, true), ==, 1);
  g_assert_cmphex (blk_request (blk, 0, 0, 100, true), ==, 1);
  g_assert_cmphex (blk_request (blk, 99, 0, 512, true), ==, 2);
  driver_put (rig, BLK_DATA, UINT64_MAX, 8);
  driver_put (rig, BLK_DATA + 8, 1, 8);
  g_assert_cmphex (blk_request (blk, 11, 0, 16, false), ==, 1);
  driver_put (rig, BLK_DATA + 12, 0xff, 4);
  g_assert_cmphex (blk_request (blk, 11, 0, 16, false), ==, 2);
  blk->disk->fail_with = EIO;
  g_assert_cmphex (blk_request (blk, 0, 0, 512, true), ==, 1);
  blk->disk->fail_with = 0;
  g_assert_cmphex (blk_request (blk, 0, 0, 512, true), ==, 0);
  g_assert_false (driver_needs_reset (rig));
}

/* Several segments in one request, of which one is impossible: none of them is done (5.2.6.2). */
static void
all_segments_of_a_discard_are_done (gconstpointer form)
{
  g_autoptr (BlkRig) blk = blk_rig_new (form_of (form), 1);
  DriverRig *rig = &blk->rig;
  driver_start (rig, 1);
  for (unsigned i = 0; i < 3; i++)
    {
      driver_put (rig, BLK_DATA + 16 * i, 8 * i, 8);
      driver_put (rig, BLK_DATA + 16 * i + 8, 4, 8);
    }
  memset (blk->disk->bytes, 0x55, 24 * 512);
  g_assert_cmphex (blk_request (blk, 13, 0, 48, false), ==, 0);
  for (unsigned sector = 0; sector < 24; sector++)
    g_assert_cmphex (blk->disk->bytes[sector * 512 + 100], ==, sector % 8 < 4 ? 0 : 0x55);
  memset (blk->disk->bytes, 0x55, 24 * 512);
  driver_put (rig, BLK_DATA + 32, BLK_DISK_BYTES / 512, 8);
  g_assert_cmphex (blk_request (blk, 13, 0, 48, false), ==, 1);
  g_assert_cmphex (blk->disk->bytes[100], ==, 0x55);
  g_assert_cmphex (blk_request (blk, 13, 0, 24, false), ==, 1);
}

static void
each_queue_answers_its_own_requests (gconstpointer form)
{
  g_autoptr (BlkRig) blk = blk_rig_new (form_of (form), 4);
  driver_start (&blk->rig, 4);
  for (unsigned queue = 0; queue < 4; queue++)
    blk_offer (blk, queue, queue, 0, 10 + queue, 512, true);
  for (unsigned queue = 0; queue < 4; queue++)
    driver_kick (&blk->rig, queue);
  test_disk_run (blk->disk);
  for (unsigned queue = 0; queue < 4; queue++)
    {
      g_assert_cmpuint (driver_count_used (&blk->rig, queue), ==, 1);
      g_assert_cmpmem (driver_memory (&blk->rig, BLK_DATA + 0x1000 * queue), 512, blk->disk->bytes + (10 + queue) * 512, 512);
    }
  driver_put (&blk->rig, DRIVER_REGS + DRIVER_QUEUE_SELECT, 4, 2);
  g_assert_cmpuint (driver_get (&blk->rig, DRIVER_REGS + DRIVER_QUEUE_SIZE, 2), ==, 0);
}

static void
a_reset_waits_for_requests_under_way (gconstpointer form)
{
  g_autoptr (BlkRig) blk = blk_rig_new (form_of (form), 1);
  DriverRig *rig = &blk->rig;
  driver_start (rig, 1);
  blk_offer (blk, 0, 0, 0, 1, 512, true);
  driver_kick (rig, 0);
  driver_reset (rig);
  g_assert_cmphex (driver_status (rig), ==, 15);
  test_disk_run (blk->disk);
  g_assert_cmphex (driver_status (rig), ==, 0);
  g_assert_cmpuint (driver_count_used (rig, 0), ==, 0);
  g_assert_cmphex (driver_get (rig, DRIVER_REGS + DRIVER_QUEUE_ENABLE, 2), ==, 0);
  driver_start (rig, 1);
  g_assert_cmphex (blk_request (blk, 0, 1, 512, true), ==, 0);
}

static void
now_quiet (void *opaque)
{
  *(bool *) opaque = true;
}

static void
saved_queues_go_on_after_a_restore (gconstpointer form)
{
  g_autoptr (BlkRig) blk = blk_rig_new (form_of (form), 1);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  DriverRig *rig = &blk->rig;
  bool       quiet = false;
  driver_start (rig, 1);
  vt_device_set_running (rig->dev, true);
  for (unsigned i = 0; i < 7; i++)              /* into the second round of a packed ring */
    blk_request (blk, 0, 1, 512, true);
  blk_offer (blk, 0, 0, 0, 2, 512, true);
  driver_kick (rig, 0);
  vt_virtio_blk_pci.quiesce (rig->dev, now_quiet, &quiet);
  g_assert_false (quiet);
  blk_offer (blk, 0, 1, 0, 3, 512, true);
  driver_kick (rig, 0);
  test_disk_run (blk->disk);
  g_assert_true (quiet);
  g_assert_cmpuint (driver_count_used (rig, 0), ==, 1);
  vt_device_set_running (rig->dev, false);
  vt_device_save (rig->dev, saved);
  vt_device_reset (rig->dev, VT_RESET_POWER);
  g_assert_true (vt_device_load (rig->dev, vt_virtio_blk_pci.state.version, saved->data, saved->len, NULL));
  vt_device_set_running (rig->dev, true);
  test_disk_run (blk->disk);
  g_assert_cmpuint (driver_count_used (rig, 0), ==, 1);
  g_assert_cmpmem (driver_memory (rig, BLK_DATA + 0x1000), 512, blk->disk->bytes + 3 * 512, 512);
}

/* --- Entropy ------------------------------------------------------------------------------------------------------ */

static void
fill (void *opaque, uint8_t *bytes, size_t n)
{
  memset (bytes, 0xe7, n);
}

static void
entropy_fills_buffers (gconstpointer form)
{
  g_auto (DriverRig) rig;
  uint32_t len = 0;
  driver_rig_init (&rig);
  rig.features = form_of (form);
  driver_rig_plug (&rig, &vt_virtio_rng_pci,
                   &(VtVirtioRngConfig) { .place = { rig.pci->bus, DRIVER_DEVFN }, .fill = fill,
                                          .ring_forms = rig.features & VIRTIO_F_RING_FORMS });
  driver_start (&rig, 1);
  driver_offer (&rig, 0, (DriverPart[]) { { BLK_DATA, 100, true }, { BLK_DATA + 4096, 1000000, true } }, 2);
  driver_kick (&rig, 0);
  g_assert_cmphex (driver_used (&rig, 0, &len), ==, BLK_DATA);
  g_assert_cmpuint (len, ==, 65536);
  const uint8_t *data = driver_memory (&rig, BLK_DATA);
  g_assert_cmphex (data[99], ==, 0xe7);
  g_assert_cmphex (data[100], ==, 0);
  g_assert_cmphex (data[4096 + 65535 - 100], ==, 0xe7);
  g_assert_cmphex (data[4096 + 65536], ==, 0);
}

static void
random_register_traffic_never_hurts (void)
{
  g_autoptr (BlkRig) blk = blk_rig_new (VIRTIO_F_RING_FORMS, 2);
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  for (unsigned i = 0, rounds = g_test_slow () ? 10000000 : 200000; i < rounds; i++)
    {
      unsigned size = 1u << g_rand_int_range (random, 0, 4);
      uint64_t off = (uint64_t) g_rand_int_range (random, 0, 4) * 0x1000 + (g_rand_int (random) & 0x3f);
      uint64_t value = g_rand_boolean (random) ? g_rand_int (random) & 0x1f : g_rand_int (random);
      if (g_rand_boolean (random))
        driver_put (&blk->rig, DRIVER_REGS + off, value, size);
      else
        driver_get (&blk->rig, DRIVER_REGS + off, size);
    }
  test_disk_run (blk->disk);
  driver_start (&blk->rig, 1);
  g_assert_cmphex (blk_request (blk, 0, 1, 512, true), ==, 0);
}

int
main (int argc, char **argv)
{
  static const uint64_t split = 0, packed = VIRTIO_F_RING_PACKED,
                        all = VIRTIO_F_RING_FORMS | VIRTIO_F_RING_INDIRECT_DESC;
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/virtio/" #fn, fn)
#define FORMS(fn)                                                                                                      \
  g_test_add_data_func ("/virtio/split/" #fn, &split, fn);                                                             \
  g_test_add_data_func ("/virtio/packed/" #fn, &packed, fn);                                                           \
  g_test_add_data_func ("/virtio/packed-in-order-indirect/" #fn, &all, fn)
  TEST (capabilities_lead_to_the_registers);
  TEST (registers_are_reachable_through_configuration_space);
  TEST (features_must_be_offered_and_modern);
  TEST (forms_of_queues_are_offered_only_when_asked_for);
  TEST (a_queue_before_the_features_is_refused);
  FORMS (interrupts_are_msix_when_enabled_else_intx);
  FORMS (sectors_are_read_and_written);
  FORMS (impossible_requests_get_an_error_status);
  FORMS (all_segments_of_a_discard_are_done);
  FORMS (each_queue_answers_its_own_requests);
  FORMS (a_reset_waits_for_requests_under_way);
  FORMS (saved_queues_go_on_after_a_restore);
  FORMS (entropy_fills_buffers);
  TEST (random_register_traffic_never_hurts);
  return g_test_run ();
}
