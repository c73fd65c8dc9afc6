/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "device.h"

typedef struct
{
  VtDevice dev;
  uint64_t last_off, last_value;
  unsigned last_size, accesses;
} Probe;

static uint64_t
probe_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Probe *probe = (Probe *) dev;
  probe->accesses++;
  return 0x1122334455667788u + off;
}

static void
probe_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Probe *probe = (Probe *) dev;
  probe->last_off = off;
  probe->last_value = value;
  probe->last_size = size;
  probe->accesses++;
}

static const VtRegionOps ops_32 = { probe_read, probe_write, 4, 4 };
static const VtRegionOps ops_8 = { probe_read, probe_write, 1, 1 };
static const VtRegion    region_32 = { "probe32", 0x1000, &ops_32 };
static const VtRegion    region_8 = { "probe8", 3, &ops_8 };

static uint8_t host[4][16 * 4096] __attribute__ ((aligned (4096)));

static VtRam *
make_ram (const char *name, int slot)
{
  memset (host[slot], slot + 1, sizeof host[slot]);
  return vt_ram_new (name, host[slot], sizeof host[slot], NULL);
}

static uint64_t
read_at (VtMem *mem, uint64_t at, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (mem);
  return vt_view_read (view, VT_GPA (at), size);
}

static void
write_at (VtMem *mem, uint64_t at, uint64_t value, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (mem);
  vt_view_write (view, VT_GPA (at), value, size);
}

static void
accesses_are_split_and_widened_to_what_the_handlers_take (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  Probe probe = { 0 };
  g_assert_nonnull (vt_mem_map_io (mem, &probe.dev, &region_32, VT_GPA (0x1000), 0, NULL));
  g_assert_cmphex (read_at (mem, 0x1000, 8), ==, 0x5566778c55667788u);
  g_assert_cmpuint (probe.accesses, ==, 2);
  g_assert_cmphex (read_at (mem, 0x1002, 1), ==, 0x66);
  write_at (mem, 0x1006, 0xabcd, 2);
  g_assert_cmphex (probe.last_off, ==, 4);
  g_assert_cmphex (probe.last_value, ==, 0xabcd0000u);
  g_assert_cmpuint (probe.last_size, ==, 4);
}

static void
unassigned_reads_give_all_ones_also_in_part (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  Probe probe = { 0 };
  g_assert_nonnull (vt_mem_map_io (mem, &probe.dev, &region_8, VT_GPA (0x2000), 0, NULL));
  g_assert_cmphex (read_at (mem, 0x5000, 4), ==, 0xffffffffu);
  g_assert_cmphex (read_at (mem, 0x2000, 4), ==, 0xff8a8988u);
  g_autoptr (VtView) view = vt_mem_view (mem);
  g_assert_false (vt_view_assigned (view, VT_GPA (0x2003), false));
}

static void
reads_and_writes_are_routed_separately (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  g_autoptr (VtRam) low = make_ram ("low", 0);
  g_autoptr (VtRam) rom = make_ram ("rom", 1);
  VtMapping *ram = vt_mem_map_ram (mem, low, 0, VT_GPA (0), low->size, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL);
  VtMapping *shadow = vt_mem_map_ram (mem, rom, 0, VT_GPA (0x4000), 0x2000, 1, VT_ACCESS_RAM, VT_ACCESS_NONE, NULL);
  g_assert_nonnull (ram);
  write_at (mem, 0x4000, 0x77, 1);
  g_assert_cmphex (read_at (mem, 0x4000, 1), ==, 2);
  g_assert_cmphex (host[0][0x4000], ==, 0x77);
  vt_mapping_set_access (shadow, VT_ACCESS_RAM, VT_ACCESS_IGNORE);
  write_at (mem, 0x4000, 0x55, 1);
  g_assert_cmphex (host[0][0x4000], ==, 0x77);
  vt_mapping_set_enabled (shadow, false);
  g_assert_cmphex (read_at (mem, 0x4000, 1), ==, 0x77);
}

static void
an_overlap_at_the_same_priority_is_refused_by_name (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  g_autoptr (GError) error = NULL;
  Probe probe = { 0 };
  g_assert_nonnull (vt_mem_map_io (mem, &probe.dev, &region_32, VT_GPA (0x1000), 0, NULL));
  g_assert_null (vt_mem_map_io (mem, &probe.dev, &region_8, VT_GPA (0x1ffd), 0, &error));
  g_assert_nonnull (strstr (error->message, "probe8"));
  g_assert_nonnull (strstr (error->message, "probe32"));
  g_assert_nonnull (vt_mem_map_io (mem, &probe.dev, &region_8, VT_GPA (0x2000), 0, NULL));
}

static void
a_move_beyond_the_end_answers_nowhere (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  Probe probe = { 0 };
  VtMapping *mapping = vt_mem_map_io (mem, &probe.dev, &region_32, VT_GPA (0x1000), 0, NULL);
  vt_mapping_move (mapping, VT_GPA (UINT64_MAX - 0x7ff));
  g_assert_cmphex (read_at (mem, 0x1000, 4), ==, 0xffffffffu);
  vt_mapping_move (mapping, VT_GPA (0x3000));
  g_assert_cmphex (read_at (mem, 0x3000, 4), ==, 0x55667788u);
}

static void
an_old_view_stays_usable_and_knows_that_it_is_old (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  g_autoptr (VtRam) low = make_ram ("low", 0);
  g_autoptr (VtView) before = vt_mem_view (mem);
  g_assert_true (vt_view_current (before));
  g_assert_nonnull (vt_mem_map_ram (mem, low, 0, VT_GPA (0), low->size, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  g_assert_false (vt_view_current (before));
  g_assert_cmphex (vt_view_read (before, VT_GPA (0), 1), ==, 0xff);
  VtPage page;
  g_autoptr (VtView) after = vt_mem_view (mem);
  g_assert_true (vt_view_page (after, VT_GPA (0x3000), true, &page));
  g_assert_true (page.host == host[0] + 0x3000);
}

static void
device_copies_are_all_or_nothing (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  g_autoptr (VtRam) low = make_ram ("low", 0);
  uint8_t buffer[64] = { 0 };
  g_assert_nonnull (vt_mem_map_ram (mem, low, 0, VT_GPA (0), low->size, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  uint64_t end = low->size;
  g_assert_false (vt_mem_write (mem, VT_GPA (end - 32), buffer, 64));
  g_assert_cmphex (host[0][end - 32], ==, 1);
  g_assert_false (vt_mem_read (mem, VT_GPA (UINT64_MAX - 8), buffer, 64));
  bool  master = false;
  VtDma dma = { .mem = mem, .enabled = &master };
  g_assert_false (vt_dma_write (&dma, VT_GPA (0), buffer, 64));
  master = true;
  g_assert_true (vt_dma_write (&dma, VT_GPA (0), buffer, 64));
  VtSpan span;
  g_assert_true (vt_span_pin (&span, &dma, VT_GPA (end - 16), 4096, true));
  g_assert_cmpuint (span.len, ==, 16);
  vt_span_release (&span);
}

/* RAM, of which a ROM shadows some for reads, registers hide a page, and a mapping covers half a page. */
static void
ram_ranges_are_whole_pages_and_say_what_may_be_written (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  g_autoptr (VtRam) low = make_ram ("low", 0);
  g_autoptr (VtRam) rom = make_ram ("rom", 1);
  Probe probe = { 0 };
  g_assert_nonnull (vt_mem_map_ram (mem, low, 0, VT_GPA (0), low->size, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  g_assert_nonnull (vt_mem_map_ram (mem, rom, 0x1000, VT_GPA (0x4000), 0x2000, 1, VT_ACCESS_RAM, VT_ACCESS_NONE, NULL));
  g_assert_nonnull (vt_mem_map_io (mem, &probe.dev, &region_32, VT_GPA (0x8000), 1, NULL));
  g_assert_nonnull (vt_mem_map_ram (mem, rom, 0x8000, VT_GPA (0x20800), 0x1800, 0, VT_ACCESS_RAM, VT_ACCESS_IGNORE, NULL));
  g_autoptr (VtView) view = vt_mem_view (mem);
  g_autoptr (GArray) ranges = vt_view_ram_ranges (view);
  const VtRamRange expected[] = { { VT_GPA (0), 0x4000, low, 0, true },
                                  { VT_GPA (0x4000), 0x2000, rom, 0x1000, false },
                                  { VT_GPA (0x6000), 0x2000, low, 0x6000, true },
                                  { VT_GPA (0x9000), 0x7000, low, 0x9000, true } };
  g_assert_cmpuint (ranges->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < ranges->len; i++)
    {
      const VtRamRange *range = &g_array_index (ranges, VtRamRange, i);
      g_assert_cmphex (range->at.v, ==, expected[i].at.v);
      g_assert_cmphex (range->len, ==, expected[i].len);
      g_assert_true (range->ram == expected[i].ram);
      g_assert_cmphex (range->ram_off, ==, expected[i].ram_off);
      g_assert_true (range->writable == expected[i].writable);
    }
}

static void
an_overlay_shows_its_base_but_for_what_is_mapped_in_it (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  g_autoptr (VtMem) overlay = vt_mem_new_overlay ("overlay", mem);
  g_autoptr (VtRam) low = make_ram ("low", 0);
  g_autoptr (VtRam) secret = make_ram ("secret", 1);
  g_autoptr (VtView) before = vt_mem_view (overlay);
  g_assert_nonnull (vt_mem_map_ram (mem, low, 0, VT_GPA (0), low->size, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  g_assert_false (vt_view_current (before));
  g_assert_nonnull (vt_mem_map_ram (mem, low, 0x4000, VT_GPA (0x4000), 0x1000, 1, VT_ACCESS_IGNORE, VT_ACCESS_IGNORE, NULL));
  g_assert_nonnull (vt_mem_map_ram (overlay, secret, 0, VT_GPA (0x4000), 0x1000, 1, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  g_assert_cmphex (read_at (mem, 0x3000, 1), ==, 1);
  g_assert_cmphex (read_at (overlay, 0x3000, 1), ==, 1);
  g_assert_cmphex (read_at (mem, 0x4000, 1), ==, 0xff);
  g_assert_cmphex (read_at (overlay, 0x4000, 1), ==, 2);
  write_at (mem, 0x4000, 0x77, 1);
  write_at (overlay, 0x4001, 0x88, 1);
  g_assert_cmphex (host[0][0x4000], ==, 1);
  g_assert_cmphex (host[1][0], ==, 2);
  g_assert_cmphex (host[1][1], ==, 0x88);
  g_assert_cmphex (host[0][0x4001], ==, 1);
  /* Devices are outside. */
  uint8_t byte;
  VtDma   dma = { .mem = mem };
  g_assert_false (vt_dma_read (&dma, VT_GPA (0x4000), &byte, 1));
  Probe probe = { 0 };
  g_assert_nonnull (vt_mem_map_io (mem, &probe.dev, &region_32, VT_GPA (0x4000), 2, NULL));
  g_assert_cmphex (read_at (overlay, 0x4000, 4), ==, 0x55667788u);
}

static void
count_call (void *opaque, VtMem *mem)
{
  ++*(unsigned *) opaque;
}

static void
a_listener_that_was_removed_hears_nothing (void)
{
  g_autoptr (VtMem) mem = vt_mem_new ("test", 1 << 20, NULL);
  g_autoptr (VtRam) low = make_ram ("low", 0);
  unsigned stays = 0, goes = 0;
  vt_mem_add_listener (mem, count_call, &goes);
  vt_mem_add_listener (mem, count_call, &stays);
  vt_mem_remove_listener (mem, count_call, &goes);
  g_assert_nonnull (vt_mem_map_ram (mem, low, 0, VT_GPA (0), low->size, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  g_assert_cmpuint (stays, ==, 1);
  g_assert_cmpuint (goes, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mem/split", accesses_are_split_and_widened_to_what_the_handlers_take);
  g_test_add_func ("/mem/unassigned", unassigned_reads_give_all_ones_also_in_part);
  g_test_add_func ("/mem/routes", reads_and_writes_are_routed_separately);
  g_test_add_func ("/mem/overlap", an_overlap_at_the_same_priority_is_refused_by_name);
  g_test_add_func ("/mem/moved-away", a_move_beyond_the_end_answers_nowhere);
  g_test_add_func ("/mem/old-view", an_old_view_stays_usable_and_knows_that_it_is_old);
  g_test_add_func ("/mem/device-copies", device_copies_are_all_or_nothing);
  g_test_add_func ("/mem/ram-ranges", ram_ranges_are_whole_pages_and_say_what_may_be_written);
  g_test_add_func ("/mem/overlay", an_overlay_shows_its_base_but_for_what_is_mapped_in_it);
  g_test_add_func ("/mem/removed-listener", a_listener_that_was_removed_hears_nothing);
  return g_test_run ();
}
