/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dma8237.h"
#include "testbench.h"

static void
words_pass_through_the_flip_flop (void)
{
  g_auto(Bench) b;
  const VtRegion *low = &vt_dma8237_low_region, *high = &vt_dma8237_high_region;
  bench_init (&b, &vt_dma8237_class, NULL);
  bench_out (&b, low, 0x0c, 0);
  bench_out (&b, low, 4, 0x34);
  bench_out (&b, low, 4, 0x12);
  g_assert_cmphex (bench_in (&b, low, 4), ==, 0x34);
  bench_out (&b, low, 0x0c, 0);
  g_assert_cmphex (bench_in (&b, low, 4), ==, 0x34);
  g_assert_cmphex (bench_in (&b, low, 4), ==, 0x12);
  bench_out (&b, high, 0x06, 0x78);
  bench_out (&b, high, 0x06, 0x56);
  g_assert_cmphex (bench_in (&b, high, 0x06), ==, 0x78);
}

static void
masks_and_pages_are_remembered (void)
{
  g_auto(Bench) b;
  const VtRegion *low = &vt_dma8237_low_region;
  bench_init (&b, &vt_dma8237_class, NULL);
  g_assert_cmphex (bench_in (&b, low, 0x0f), ==, 0xff);
  bench_out (&b, low, 0x0a, 0x02);
  g_assert_cmphex (bench_in (&b, low, 0x0f), ==, 0xfb);
  bench_out (&b, low, 0x0e, 0);
  g_assert_cmphex (bench_in (&b, low, 0x0f), ==, 0xf0);
  bench_out (&b, low, 0x0d, 0);
  g_assert_cmphex (bench_in (&b, low, 0x0f), ==, 0xff);
  bench_out (&b, &vt_dma8237_page_region, 14, 0x77);
  g_assert_cmphex (bench_in (&b, &vt_dma8237_page_region, 14), ==, 0x77);
}

/* --- Transfers: with memory, which a bench does not have ------------------------------------------------------------- */

enum { RAM_BYTES = 0x40000, CHANNEL = 2 };

typedef struct
{
  VtMem    *mem;
  VtRam    *ram;
  VtDma     dma;
  VtDevice *dev;
  VtIsaDma  bus;
} Rig;

static void
free_ram (void *host, uint64_t size)
{
  g_aligned_free (host);
}

static void
rig_init (Rig *rig)
{
  g_autoptr (GError) error = NULL;
  rig->mem = vt_mem_new ("memory", 1 << 24, NULL);
  rig->ram = vt_ram_new ("ram", g_aligned_alloc0 (1, RAM_BYTES, 4096), RAM_BYTES, free_ram);
  g_assert_nonnull (vt_mem_map_ram (rig->mem, rig->ram, 0, VT_GPA (0), RAM_BYTES, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  rig->dma = (VtDma) { .mem = rig->mem };
  rig->dev = vt_device_new (&vt_dma8237_class, "dma");
  g_assert_true (vt_device_realize (rig->dev, &(VtEnv) { .dma = &rig->dma }, &error));
  vt_device_reset (rig->dev, VT_RESET_POWER);
  rig->bus = vt_dma8237_bus (rig->dev);
}

static void
rig_clear (Rig *rig)
{
  vt_device_free (rig->dev);
  vt_mem_free (rig->mem);
  vt_ram_free (rig->ram);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rig, rig_clear)

static void
put (Rig *rig, unsigned reg, uint8_t value)
{
  vt_dma8237_low_region.ops->write (rig->dev, reg, value, 1);
}

static void
program (Rig *rig, uint8_t mode, uint32_t at, uint16_t count)
{
  put (rig, 0x0a, 4 | CHANNEL);
  put (rig, 0x0c, 0);
  put (rig, 0x0b, mode | CHANNEL);
  put (rig, 2 * CHANNEL, (uint8_t) at);
  put (rig, 2 * CHANNEL, (uint8_t) (at >> 8));
  put (rig, 2 * CHANNEL + 1, (uint8_t) count);
  put (rig, 2 * CHANNEL + 1, (uint8_t) (count >> 8));
  vt_dma8237_page_region.ops->write (rig->dev, 0, at >> 16, 1);
  put (rig, 0x0a, CHANNEL);
}

static void
bytes_move_until_the_terminal_count (void)
{
  g_auto (Rig) rig;
  uint8_t bytes[8] = "abcdefg";
  bool    end;
  rig_init (&rig);
  program (&rig, 0x44, 0x2fffe, 5);
  g_assert_cmpuint (rig.bus.move (rig.bus.opaque, CHANNEL, bytes, 4, true, &end), ==, 4);
  g_assert_false (end);
  g_assert_cmpuint (rig.bus.move (rig.bus.opaque, CHANNEL, bytes + 4, 4, true, &end), ==, 2);
  g_assert_true (end);
  g_assert_cmpmem (rig.ram->host + 0x2fffe, 2, "ab", 2);
  g_assert_cmpmem (rig.ram->host + 0x20000, 4, "cdef", 4);     /* within its page */
  g_assert_cmphex (vt_dma8237_low_region.ops->read (rig.dev, 8, 1), ==, 1 << CHANNEL);
  g_assert_cmphex (vt_dma8237_low_region.ops->read (rig.dev, 8, 1), ==, 0);
  /* Masked now. */
  g_assert_cmpuint (rig.bus.move (rig.bus.opaque, CHANNEL, bytes, 4, true, &end), ==, 0);
  memcpy (rig.ram->host + 0x1234, "3210", 4);
  program (&rig, 0x68, 0x1237, 3);                             /* from memory, downwards */
  g_assert_cmpuint (rig.bus.move (rig.bus.opaque, CHANNEL, bytes, 4, true, &end), ==, 0);
  g_assert_cmpuint (rig.bus.move (rig.bus.opaque, CHANNEL, bytes, 4, false, &end), ==, 4);
  g_assert_true (end);
  g_assert_cmpmem (bytes, 4, "0123", 4);
}

static void
autoinitialise_begins_again (void)
{
  g_auto (Rig) rig;
  uint8_t bytes[2] = "xy";
  bool    end;
  rig_init (&rig);
  program (&rig, 0x54, 0x100, 1);
  for (unsigned i = 0; i < 3; i++)
    {
      g_assert_cmpuint (rig.bus.move (rig.bus.opaque, CHANNEL, bytes, 2, true, &end), ==, 2);
      g_assert_true (end);
    }
  g_assert_cmpmem (rig.ram->host + 0x100, 3, "xy", 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dma8237/words", words_pass_through_the_flip_flop);
  g_test_add_func ("/dma8237/masks", masks_and_pages_are_remembered);
  g_test_add_func ("/dma8237/terminal-count", bytes_move_until_the_terminal_count);
  g_test_add_func ("/dma8237/autoinitialise", autoinitialise_begins_again);
  return g_test_run ();
}
