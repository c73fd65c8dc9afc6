/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The floppy disk controller as BIOSes and operating systems lead it. */
#include "fdc.h"

#include <errno.h>
#include <string.h>

#include "test-disk.h"

enum { DISK_BYTES = 1440 * 1024, DOR = 2, MSR = 4, FIFO = 5, RUNNING = 0x1c, MEMORY_BYTES = 65536 };

typedef struct
{
  VtDevice *fdc;
  TestDisk *disk;
  uint8_t   memory[MEMORY_BYTES];   /* behind channel 2 */
  size_t    at, left;
  bool      irq;
} Rig;

static size_t
move (void *opaque, unsigned channel, uint8_t *bytes, size_t n, bool to_memory, bool *end)
{
  Rig *rig = opaque;
  n = MIN (n, rig->left);
  g_assert_cmpuint (channel, ==, VT_FDC_DMA_CHANNEL);
  memcpy (to_memory ? rig->memory + rig->at : bytes, to_memory ? bytes : rig->memory + rig->at, n);
  rig->at += n;
  rig->left -= n;
  *end = n > 0 && rig->left == 0;
  return n;
}

static void
irq_changed (void *sink, unsigned pin, bool level)
{
  ((Rig *) sink)->irq = level;
}

static void
out (Rig *rig, unsigned reg, uint8_t value)
{
  vt_fdc_region.ops->write (rig->fdc, reg, value, 1);
}

static uint8_t
in (Rig *rig, unsigned reg)
{
  return (uint8_t) vt_fdc_region.ops->read (rig->fdc, reg, 1);
}

static VtDevice *
plug (Rig *rig)
{
  VtFdcConfig config = { .drive = { { VT_FLOPPY_1440, &rig->disk->block } }, .dma = { move, rig } };
  VtIrq       irq = { .set = irq_changed, .sink = rig };
  VtDevice   *dev = vt_device_new (&vt_fdc, "fdc");
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_device_realize (dev, &(VtEnv) { .wires = &irq, .n_wires = 1, .config = &config }, &error));
  vt_device_reset (dev, VT_RESET_POWER);
  return dev;
}

static void
command (Rig *rig, const uint8_t *bytes, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    {
      g_assert_cmphex (in (rig, MSR) & 0xc0, ==, 0x80);
      out (rig, FIFO, bytes[i]);
    }
}
#define COMMAND(rig, ...) command (rig, (const uint8_t[]) { __VA_ARGS__ }, sizeof ((const uint8_t[]) { __VA_ARGS__ }))

static unsigned
results (Rig *rig, uint8_t to[16])
{
  unsigned n = 0;
  test_disk_run (rig->disk);
  while ((in (rig, MSR) & 0xc0) == 0xc0 && n < 16)
    to[n++] = in (rig, FIFO);
  return n;
}

#define RESULTS(rig, ...)                                                                                              \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    const uint8_t wanted_[] = { __VA_ARGS__ };                                                                         \
    uint8_t       got_[16];                                                                                            \
    unsigned      n_ = results (rig, got_);                                                                            \
    g_assert_cmpmem (got_, n_, wanted_, sizeof wanted_);                                                               \
  }                                                                                                                    \
  G_STMT_END

static Rig *
rig_new (void)
{
  Rig *rig = g_new0 (Rig, 1);
  rig->disk = test_disk_new (DISK_BYTES);
  for (unsigned i = 0; i < DISK_BYTES; i++)
    rig->disk->bytes[i] = (uint8_t) (i / 512 * 7 + i);
  rig->fdc = plug (rig);
  out (rig, DOR, RUNNING);
  g_assert_true (rig->irq);
  for (unsigned i = 0; i < 4; i++)
    {
      COMMAND (rig, 0x08);
      RESULTS (rig, (uint8_t) (0xc0 | i), 0);
    }
  g_assert_false (rig->irq);
  vt_fdc_dir_region.ops->write (rig->fdc, 0, 0, 1);      /* 500 kbit/s */
  COMMAND (rig, 0x03, 0xdf, 0x02);
  return rig;
}

static void
rig_free (Rig *rig)
{
  test_disk_run (rig->disk);
  vt_device_free (rig->fdc);
  vt_block_close (&rig->disk->block);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static void
seek (Rig *rig, uint8_t cylinder)
{
  COMMAND (rig, 0x0f, 0, cylinder);
  g_assert_true (rig->irq);
  COMMAND (rig, 0x08);
  RESULTS (rig, 0x20, cylinder);
}

static void
dma (Rig *rig, size_t bytes)
{
  rig->at = 0;
  rig->left = bytes;
}

static size_t
place (unsigned c, unsigned h, unsigned r)
{
  return ((c * 2 + h) * 18 + r - 1) * 512u;
}

static bool
changed (Rig *rig)
{
  return (vt_fdc_dir_region.ops->read (rig->fdc, 0, 1) & 0x80) != 0;
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void
sizes_say_which_disk_it_is (void)
{
  static const struct { unsigned kib, cylinders, heads, sectors, drive; } wanted[] = {
    { 360, 40, 2, 9, 1 }, { 720, 80, 2, 9, 4 }, { 1200, 80, 2, 15, 2 }, { 1440, 80, 2, 18, 4 }, { 2880, 80, 2, 36, 5 },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      const VtFloppyMedium *medium = vt_floppy_medium (wanted[i].kib * 1024);
      g_assert_cmpuint (medium->cylinders, ==, wanted[i].cylinders);
      g_assert_cmpuint (medium->heads, ==, wanted[i].heads);
      g_assert_cmpuint (medium->sectors, ==, wanted[i].sectors);
      g_assert_cmpuint (medium->drive, ==, wanted[i].drive);
      g_assert_cmpuint (medium->bytes, ==, medium->cylinders * medium->heads * medium->sectors * 512u);
    }
  g_assert_null (vt_floppy_medium (1474561));
  g_assert_true (vt_floppy_fits (vt_floppy_medium (720 * 1024), VT_FLOPPY_2880));
  g_assert_false (vt_floppy_fits (vt_floppy_medium (360 * 1024), VT_FLOPPY_1440));
  g_assert_true (vt_floppy_fits (vt_floppy_medium (360 * 1024), VT_FLOPPY_1200));
  g_assert_cmpuint (vt_floppy_rate (vt_floppy_medium (360 * 1024), VT_FLOPPY_1200), ==, 1);
  g_assert_cmpuint (vt_floppy_rate (vt_floppy_medium (360 * 1024), VT_FLOPPY_360), ==, 2);
  g_assert_cmpuint (vt_floppy_steps (vt_floppy_medium (360 * 1024), VT_FLOPPY_1200), ==, 2);
}

static void
the_controller_says_that_it_is_an_82077 (void)
{
  g_autoptr (Rig) rig = rig_new ();
  COMMAND (rig, 0x10);
  RESULTS (rig, 0x90);
  COMMAND (rig, 0x13, 0, 0x1a, 0);
  COMMAND (rig, 0x94);
  RESULTS (rig, 0x10);
  COMMAND (rig, 0x0e);
  RESULTS (rig, 0, 0, 0, 0, 0xdf, 0x02, 0, 0x80, 0x1a, 0);
  COMMAND (rig, 0x14);
  RESULTS (rig, 0);
  COMMAND (rig, 0x18);
  RESULTS (rig, 0x80);
  COMMAND (rig, 0x04, 0);
  RESULTS (rig, 0x38);
}

static void
reads_go_on_to_the_other_head_until_the_terminal_count (void)
{
  g_autoptr (Rig) rig = rig_new ();
  seek (rig, 3);
  dma (rig, 20 * 512);
  COMMAND (rig, 0xe6, 0, 3, 0, 17, 2, 18, 27, 0xff);
  g_assert_cmphex (in (rig, MSR), ==, 0x10);
  test_disk_run (rig->disk);
  g_assert_true (rig->irq);
  RESULTS (rig, 0x04, 0, 0, 4, 0, 1, 2);
  g_assert_false (rig->irq);
  g_assert_cmpmem (rig->memory, 20 * 512, rig->disk->bytes + place (3, 0, 17), 20 * 512);
  dma (rig, 700);                                     /* in the middle of a sector */
  COMMAND (rig, 0xe6, 4, 3, 1, 2, 2, 18, 27, 0xff);
  RESULTS (rig, 0x04, 0, 0, 3, 1, 4, 2);
  g_assert_cmpmem (rig->memory, 700, rig->disk->bytes + place (3, 1, 2), 700);
}

static void
a_transfer_without_an_end_ends_with_the_cylinder (void)
{
  g_autoptr (Rig) rig = rig_new ();
  dma (rig, 40 * 512);
  COMMAND (rig, 0xe6, 0, 0, 0, 1, 2, 18, 27, 0xff);
  RESULTS (rig, 0x44, 0x80, 0, 1, 0, 1, 2);
  g_assert_cmpuint (rig->left, ==, 4 * 512);
  dma (rig, 0);                                       /* nobody takes it */
  COMMAND (rig, 0xe6, 0, 0, 0, 1, 2, 18, 27, 0xff);
  RESULTS (rig, 0x40, 0x10, 0, 0, 0, 1, 2);
}

static void
writes_reach_the_disk_unless_it_is_protected (void)
{
  g_autoptr (Rig) rig = rig_new ();
  seek (rig, 10);
  memset (rig->memory, 0xab, 1024);
  dma (rig, 1024);
  COMMAND (rig, 0xc5, 4, 10, 1, 18, 2, 18, 27, 0xff);
  RESULTS (rig, 0x44, 0x80, 0, 11, 0, 1, 2);          /* head 1 is the last one */
  dma (rig, 1024);
  COMMAND (rig, 0x45, 4, 10, 1, 7, 2, 18, 27, 0xff);
  RESULTS (rig, 0x04, 0, 0, 10, 1, 9, 2);
  g_assert_cmpmem (rig->disk->bytes + place (10, 1, 7), 1024, rig->memory, 1024);
  dma (rig, 100);
  COMMAND (rig, 0x45, 0, 10, 0, 1, 2, 18, 27, 0xff);
  RESULTS (rig, 0x00, 0, 0, 10, 0, 2, 2);
  g_assert_cmphex (rig->disk->bytes[place (10, 0, 1) + 99], ==, 0xab);
  g_assert_cmphex (rig->disk->bytes[place (10, 0, 1) + 100], ==, 0);
  rig->disk->block.readonly = true;
  COMMAND (rig, 0x04, 0);
  RESULTS (rig, 0x68);
  COMMAND (rig, 0x45, 0, 10, 0, 1, 2, 18, 27, 0xff);
  RESULTS (rig, 0x40, 0x02, 0, 10, 0, 1, 2);
}

static void
what_is_not_there_is_not_found (void)
{
  g_autoptr (Rig) rig = rig_new ();
  dma (rig, 512);
  COMMAND (rig, 0x46, 0, 5, 0, 1, 2, 18, 27, 0xff);   /* the heads are at 0 */
  RESULTS (rig, 0x40, 0x04, 0x10, 5, 0, 1, 2);
  COMMAND (rig, 0x46, 0, 0, 0, 19, 2, 19, 27, 0xff);
  RESULTS (rig, 0x40, 0x04, 0, 0, 0, 19, 2);
  COMMAND (rig, 0x4a, 0);
  RESULTS (rig, 0, 0, 0, 0, 0, 1, 2);
  vt_fdc_dir_region.ops->write (rig->fdc, 0, 2, 1);   /* another data rate */
  COMMAND (rig, 0x4a, 0);
  RESULTS (rig, 0x40, 0x01, 0, 0, 0, 1, 2);
  COMMAND (rig, 0x07, 1);                             /* no second drive */
  COMMAND (rig, 0x08);
  RESULTS (rig, 0x71, 0);
  vt_fdc_dir_region.ops->write (rig->fdc, 0, 0, 1);
  rig->disk->fail_with = EIO;
  COMMAND (rig, 0x46, 0, 0, 0, 1, 2, 18, 27, 0xff);
  RESULTS (rig, 0x40, 0x20, 0, 0, 0, 1, 2);
}

static void
implied_seeks_and_verify_need_no_data (void)
{
  g_autoptr (Rig) rig = rig_new ();
  COMMAND (rig, 0x13, 0, 0x50, 0);
  dma (rig, 512);
  COMMAND (rig, 0x46, 0, 30, 0, 4, 2, 18, 27, 0xff);
  RESULTS (rig, 0, 0, 0, 30, 0, 5, 2);
  g_assert_cmpmem (rig->memory, 512, rig->disk->bytes + place (30, 0, 4), 512);
  COMMAND (rig, 0xf6, 0, 30, 0, 1, 2, 18, 27, 0xff);
  RESULTS (rig, 4, 0, 0, 31, 0, 1, 2);
}

static void
a_changed_disk_is_noticed_until_the_heads_move (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_true (changed (rig));
  seek (rig, 0);
  g_assert_true (changed (rig));                      /* they did not */
  seek (rig, 1);
  g_assert_false (changed (rig));
  g_assert_true (vt_fdc_set_medium (rig->fdc, 0, NULL));
  g_assert_null (vt_fdc_medium (rig->fdc, 0));
  seek (rig, 2);
  g_assert_true (changed (rig));
  COMMAND (rig, 0x4a, 0);
  RESULTS (rig, 0x40, 0x01, 0, 0, 0, 1, 2);
  g_assert_true (vt_fdc_set_medium (rig->fdc, 0, &rig->disk->block));
  seek (rig, 0);
  g_assert_false (changed (rig));
  rig->disk->block.size_bytes = 360 * 1024;
  g_assert_false (vt_fdc_set_medium (rig->fdc, 0, &rig->disk->block));
  rig->disk->block.size_bytes = DISK_BYTES;
  g_assert_false (vt_fdc_set_medium (rig->fdc, 1, &rig->disk->block));
  out (rig, DOR, 0x0c);
  g_assert_false (changed (rig));                     /* the motor is off */
}

static void
a_track_is_formatted_as_it_was (void)
{
  g_autoptr (Rig) rig = rig_new ();
  seek (rig, 7);
  for (unsigned i = 0; i < 18; i++)
    memcpy (rig->memory + 4 * i, (const uint8_t[]) { 7, 1, (uint8_t) (18 - i), 2 }, 4);
  dma (rig, 18 * 4);
  COMMAND (rig, 0x4d, 4, 2, 18, 0x54, 0xf6);
  RESULTS (rig, 0x04, 0, 0, 7, 1, 1, 2);
  for (unsigned i = 0; i < 18 * 512; i++)
    g_assert_cmphex (rig->disk->bytes[place (7, 1, 1) + i], ==, 0xf6);
  g_assert_cmphex (rig->disk->bytes[place (8, 0, 1)], ==, (uint8_t) ((8 * 2 * 18) * 7));
}

/* --- Through the FIFO, and saved on the way ----------------------------------------------------------------------- */

static void
restore (Rig *rig)
{
  g_autoptr (GByteArray) state = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  vt_device_save (rig->fdc, state);
  vt_device_free (rig->fdc);
  rig->fdc = plug (rig);
  g_assert_true (vt_device_load (rig->fdc, 1, state->data, state->len, &error));
}

static void
without_dma_each_byte_comes_through_the_fifo (void)
{
  g_autoptr (Rig) rig = rig_new ();
  COMMAND (rig, 0x03, 0xdf, 0x03);
  COMMAND (rig, 0x46, 0, 0, 0, 17, 2, 18, 27, 0xff);
  test_disk_run (rig->disk);
  g_assert_true (rig->irq);
  for (unsigned i = 0; i < 1024; i++)
    {
      g_assert_cmphex (in (rig, MSR), ==, 0xf0);
      rig->memory[i] = in (rig, FIFO);
      if (i % 300 == 0)
        restore (rig);
      test_disk_run (rig->disk);
    }
  RESULTS (rig, 0x40, 0x80, 0, 1, 0, 1, 2);
  g_assert_cmpmem (rig->memory, 1024, rig->disk->bytes + place (0, 0, 17), 1024);
  COMMAND (rig, 0x45, 0, 0, 0, 18, 2, 18, 27, 0xff);
  for (unsigned i = 0; i < 512; i++)
    {
      g_assert_cmphex (in (rig, MSR), ==, 0xb0);
      out (rig, FIFO, (uint8_t) (i * 3));
      if (i == 77)
        restore (rig);
    }
  RESULTS (rig, 0x40, 0x80, 0, 1, 0, 1, 2);
  for (unsigned i = 0; i < 512; i++)
    g_assert_cmphex (rig->disk->bytes[place (0, 0, 18) + i], ==, (uint8_t) (i * 3));
}

static void
a_reset_forgets_what_is_under_way (void)
{
  g_autoptr (Rig) rig = rig_new ();
  dma (rig, 512);
  COMMAND (rig, 0x46, 0, 0, 0, 1, 2, 18, 27, 0xff);
  out (rig, DOR, RUNNING & ~4);
  g_assert_cmphex (in (rig, MSR), ==, 0);
  out (rig, DOR, RUNNING);
  test_disk_run (rig->disk);
  g_assert_cmpuint (rig->left, ==, 512);
  COMMAND (rig, 0x08);
  RESULTS (rig, 0xc0, 0);
}

static void
a_write_waits_for_one_that_a_reset_forgot (void)
{
  g_autoptr (Rig) rig = rig_new ();
  memset (rig->memory, 0x11, 512);
  dma (rig, 512);
  COMMAND (rig, 0x45, 0, 0, 0, 1, 2, 18, 27, 0xff);
  out (rig, DOR, RUNNING & ~4);
  out (rig, DOR, RUNNING);
  for (unsigned i = 0; i < 4; i++)
    {
      COMMAND (rig, 0x08);
      g_assert_cmphex (in (rig, FIFO), ==, 0xc0 | i);
      g_assert_cmphex (in (rig, FIFO), ==, 0);
    }
  memset (rig->memory, 0x22, 512);
  dma (rig, 512);
  COMMAND (rig, 0x45, 0, 0, 0, 1, 2, 18, 27, 0xff);
  g_assert_cmphex (in (rig, MSR), ==, 0x10);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 1);
  RESULTS (rig, 0, 0, 0, 0, 0, 2, 2);
  g_assert_cmphex (rig->disk->bytes[0], ==, 0x22);
  /* And is itself forgotten by another reset. */
  dma (rig, 512);
  COMMAND (rig, 0x45, 0, 0, 0, 1, 2, 18, 27, 0xff);
  out (rig, DOR, RUNNING & ~4);
  out (rig, DOR, RUNNING);
  dma (rig, 512);
  COMMAND (rig, 0x45, 0, 0, 0, 2, 2, 18, 27, 0xff);
  out (rig, DOR, RUNNING & ~4);
  out (rig, DOR, RUNNING);
  g_assert_cmpuint (test_disk_run (rig->disk), ==, 1);
  g_assert_cmpuint (rig->left, ==, 512);
}

static void
random_bytes_never_hurt (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  static const uint8_t codes[] = { 0xe6, 0xc5, 0x46, 0x45, 0x4d, 0x4a, 0x0f, 0x07, 0x08, 0x13, 0x03, 0x42, 0x56, 0x8f, 0xcf };
  for (unsigned i = 0, rounds = g_test_slow () ? 20000000 : 300000; i < rounds; i++)
    {
      uint32_t value = g_rand_int (random);
      dma (rig, value >> 8 & 0x3fff);
      switch (value % 16)
        {
        case 0: out (rig, FIFO, codes[(value >> 8) % sizeof codes]); break;
        case 1: out (rig, value % 4 + 2, (uint8_t) (value >> 8)); break;
        case 2: vt_fdc_dir_region.ops->write (rig->fdc, 0, value & 0x80 ? 0 : 1, 1); break;
        case 3: test_disk_run (rig->disk); break;
        case 4 ... 8: in (rig, FIFO); break;
        case 9:
          if (value % 4096 < 16)
            {
              test_disk_run (rig->disk);
              restore (rig);
            }
          break;
        default: out (rig, FIFO, value >> 16 & (value & 0x8000 ? 0xff : 3)); break;
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/fdc/" #fn, fn)
  TEST (sizes_say_which_disk_it_is);
  TEST (the_controller_says_that_it_is_an_82077);
  TEST (reads_go_on_to_the_other_head_until_the_terminal_count);
  TEST (a_transfer_without_an_end_ends_with_the_cylinder);
  TEST (writes_reach_the_disk_unless_it_is_protected);
  TEST (what_is_not_there_is_not_found);
  TEST (implied_seeks_and_verify_need_no_data);
  TEST (a_changed_disk_is_noticed_until_the_heads_move);
  TEST (a_track_is_formatted_as_it_was);
  TEST (without_dma_each_byte_comes_through_the_fifo);
  TEST (a_reset_forgets_what_is_under_way);
  TEST (a_write_waits_for_one_that_a_reset_forgot);
  TEST (random_bytes_never_hurt);
  return g_test_run ();
}
