/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The balloon as a driver fills and empties it. */
#include "virtio-balloon.h"

#include "driver-rig.h"

enum
{
  INFLATE, DEFLATE, STATS, REPORTING,
  PAGE = 4096, PFNS = 0x80000, FIRST = 0x200000,
};

static DriverRig *
rig_new (gconstpointer forms)
{
  DriverRig *rig = g_new0 (DriverRig, 1);
  driver_rig_init (rig);
  rig->features = *(const uint64_t *) forms | VIRTIO_F (1) | VIRTIO_F (2) | VIRTIO_F (5);
  driver_rig_plug (rig, &vt_virtio_balloon_pci,
                   &(VtVirtioBalloonConfig) { .place = { rig->pci->bus, DRIVER_DEVFN }, .memory_bytes = PCI_RIG_RAM_BYTES,
                                              .deflate_on_oom = true, .free_page_reporting = true,
                                              .ring_forms = rig->features & VIRTIO_F_RING_FORMS });
  driver_start (rig, 4);
  memset (driver_memory (rig, FIRST), 0x99, 16 * PAGE);
  return rig;
}

static void
rig_free (DriverRig *rig)
{
  driver_rig_clear (rig);
  g_free (rig);
}
typedef DriverRig Balloon;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Balloon, rig_free)

static void
pages_in_the_balloon_are_given_back (gconstpointer forms)
{
  g_autoptr (Balloon) rig = rig_new (forms);
  driver_put (rig, PFNS, FIRST / PAGE, 4);
  driver_put (rig, PFNS + 4, FIRST / PAGE + 2, 4);
  driver_put (rig, PFNS + 8, 0xfffffff, 4);               /* no memory there: taken, and nothing happens */
  driver_offer (rig, INFLATE, &(DriverPart) { PFNS, 12, false }, 1);
  driver_kick (rig, INFLATE);
  g_assert_cmpuint (driver_count_used (rig, INFLATE), ==, 1);
  g_assert_cmphex (driver_memory (rig, FIRST)[PAGE - 1], ==, 0);
  g_assert_cmphex (driver_memory (rig, FIRST)[PAGE], ==, 0x99);
  g_assert_cmphex (driver_memory (rig, FIRST)[2 * PAGE], ==, 0);
  g_assert_cmpuint (rig->dev->guest_warnings, ==, 1);
  driver_offer (rig, DEFLATE, &(DriverPart) { PFNS, 8, false }, 1);
  driver_kick (rig, DEFLATE);
  g_assert_cmpuint (driver_count_used (rig, DEFLATE), ==, 1);
  g_assert_false (driver_needs_reset (rig));
}

static void
more_pages_than_there_are_break_it (gconstpointer forms)
{
  enum { MOST = PCI_RIG_RAM_BYTES / PAGE * 4 };
  g_autoptr (Balloon) rig = rig_new (forms);
  for (unsigned i = 0; i < MOST; i += 4)
    driver_put (rig, PFNS + i, FIRST / PAGE, 4);
  driver_offer (rig, INFLATE, &(DriverPart) { PFNS, MOST, false }, 1);
  driver_kick (rig, INFLATE);
  g_assert_cmpuint (driver_count_used (rig, INFLATE), ==, 1);
  g_assert_false (driver_needs_reset (rig));
  memset (driver_memory (rig, FIRST), 0x99, PAGE);
  driver_offer (rig, INFLATE, &(DriverPart) { PFNS, MOST + 4, false }, 1);
  driver_kick (rig, INFLATE);
  g_assert_true (driver_needs_reset (rig));
  g_assert_cmphex (driver_memory (rig, FIRST)[0], ==, 0x99);
}

static void
reported_pages_are_given_back_whole (gconstpointer forms)
{
  g_autoptr (Balloon) rig = rig_new (forms);
  VtMemoryStats stats;
  driver_offer (rig, REPORTING, (DriverPart[]) { { FIRST, 2 * PAGE, true }, { FIRST + 8 * PAGE + 100, 2 * PAGE, true } }, 2);
  driver_kick (rig, REPORTING);
  g_assert_cmpuint (driver_count_used (rig, REPORTING), ==, 1);
  const uint8_t *memory = driver_memory (rig, FIRST);
  g_assert_cmphex (memory[0], ==, 0);
  g_assert_cmphex (memory[2 * PAGE - 1], ==, 0);
  g_assert_cmphex (memory[2 * PAGE], ==, 0x99);
  g_assert_cmphex (memory[9 * PAGE - 1], ==, 0x99);       /* half a page stays */
  g_assert_cmphex (memory[9 * PAGE], ==, 0);
  g_assert_cmphex (memory[10 * PAGE], ==, 0x99);
  vt_virtio_balloon_stats (rig->dev, &stats);
  g_assert_cmpuint (stats.reported_bytes, ==, 4 * PAGE);
}

static void
a_size_is_asked_for_and_answered (gconstpointer forms)
{
  g_autoptr (Balloon) rig = rig_new (forms);
  VtMemoryStats stats;
  vt_virtio_balloon_set_memory (rig->dev, PCI_RIG_RAM_BYTES - 5 * PAGE);
  g_assert_cmphex (driver_isr (rig) & 2, ==, 2);
  g_assert_cmpuint (driver_get (rig, DRIVER_REGS + DRIVER_CONFIG, 4), ==, 5);
  driver_put (rig, DRIVER_REGS + DRIVER_CONFIG + 4, 3, 4);
  vt_virtio_balloon_stats (rig->dev, &stats);
  g_assert_cmpuint (stats.wanted_bytes, ==, PCI_RIG_RAM_BYTES - 5 * PAGE);
  g_assert_cmpuint (stats.actual_bytes, ==, PCI_RIG_RAM_BYTES - 3 * PAGE);
  vt_virtio_balloon_set_memory (rig->dev, UINT64_MAX);
  g_assert_cmpuint (driver_get (rig, DRIVER_REGS + DRIVER_CONFIG, 4), ==, 0);
  vt_virtio_balloon_set_memory (rig->dev, 0);
  vt_device_reset (rig->dev, VT_RESET_GUEST);
  vt_virtio_balloon_stats (rig->dev, &stats);
  g_assert_cmpuint (stats.wanted_bytes, ==, 0);           /* the wish stays, the balloon is empty */
  g_assert_cmpuint (stats.actual_bytes, ==, PCI_RIG_RAM_BYTES);
}

static void
statistics_come_when_asked_for (gconstpointer forms)
{
  g_autoptr (Balloon) rig = rig_new (forms);
  VtMemoryStats stats;
  driver_put (rig, PFNS, 4, 2);
  driver_put (rig, PFNS + 2, 1234567, 8);                 /* free */
  driver_put (rig, PFNS + 10, 999, 2);                    /* unknown */
  driver_offer (rig, STATS, &(DriverPart) { PFNS, 20, false }, 1);
  driver_kick (rig, STATS);
  g_assert_cmpuint (driver_count_used (rig, STATS), ==, 0);
  vt_virtio_balloon_stats (rig->dev, &stats);
  g_assert_cmpuint (stats.free_bytes, ==, 1234567);
  g_assert_cmpuint (stats.updates, ==, 1);
  g_assert_cmpuint (driver_count_used (rig, STATS), ==, 1);
  vt_virtio_balloon_stats (rig->dev, &stats);             /* the driver has not answered yet */
  g_assert_cmpuint (stats.updates, ==, 1);
  driver_put (rig, PFNS + 2, 7, 8);
  driver_offer (rig, STATS, &(DriverPart) { PFNS, 10, false }, 1);
  driver_kick (rig, STATS);
  driver_kick (rig, STATS);
  vt_virtio_balloon_stats (rig->dev, &stats);
  g_assert_cmpuint (stats.free_bytes, ==, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) driver_rig_add_tests ("virtio-balloon", #fn, fn)
  TEST (pages_in_the_balloon_are_given_back);
  TEST (more_pages_than_there_are_break_it);
  TEST (reported_pages_are_given_back_whole);
  TEST (a_size_is_asked_for_and_answered);
  TEST (statistics_come_when_asked_for);
  return g_test_run ();
}
