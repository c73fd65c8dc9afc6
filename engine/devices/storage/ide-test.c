/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The IDE controller driven as BIOSes and operating systems do, and as nobody should. */
#include "ide-private.h"

#include <errno.h>

#include "pci-rig.h"
#include "test-disk.h"
#include "vitrine/error.h"

enum
{
  DEVFN = VT_PCI_DEVFN (1, 1),
  DISK_BYTES = 8 << 20,
  CD_BYTES = 64 * 2048,
  BM = 0xc000, TABLE = 0x1000, BUFFER = 0x100000,

  COMMAND = 0x1f0, CONTROL = 0x3f6, COMMAND2 = 0x170, CONTROL2 = 0x376,
  SLAVE = 0x10, LBA = 0xe0, TO_MEMORY = 8, START = 1,
};

typedef struct
{
  PciRig    pci;
  VtDevice *ide;
  TestDisk *disk, *cd;
  bool      irq[2];
  unsigned  rises[2];
} Rig;

static void
irq_changed (void *sink, unsigned pin, bool level)
{
  Rig *rig = sink;
  rig->irq[pin] = level;
  rig->rises[pin] += level;
}

static void
out (Rig *rig, unsigned port, uint32_t value, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (rig->pci.io);
  vt_view_write (view, VT_GPA (port), value, size);
}

static uint32_t
in (Rig *rig, unsigned port, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (rig->pci.io);
  return (uint32_t) vt_view_read (view, VT_GPA (port), size);
}

static VtDevice *
plug (Rig *rig)
{
  VtIdeConfig config = { .place = { rig->pci.bus, DEVFN },
                         .drive = { { VT_ATA_DISK, &rig->disk->block, "SERIAL" }, { VT_ATA_NONE },
                                    { VT_ATA_CDROM, &rig->cd->block, NULL } } };
  VtIrq     wires[2] = { { .set = irq_changed, .sink = rig, .pin = 0 }, { .set = irq_changed, .sink = rig, .pin = 1 } };
  VtEnv     env = { .clock = rig->pci.clock, .dma = &rig->pci.dma, .wires = wires, .n_wires = 2, .config = &config };
  VtDevice *dev = vt_device_new (&vt_piix3_ide, "ide");
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_device_realize (dev, &env, &error));
  vt_device_reset (dev, VT_RESET_POWER);
  pci_rig_enable (&rig->pci, DEVFN, 4, BM);
  return dev;
}

static Rig *
rig_new (void)
{
  Rig *rig = g_new0 (Rig, 1);
  pci_rig_init (&rig->pci);
  rig->disk = test_disk_new (DISK_BYTES);
  rig->cd = test_disk_new (CD_BYTES);
  rig->cd->block.logical_block_bytes = 2048;
  rig->cd->block.readonly = true;
  for (unsigned i = 0; i < DISK_BYTES; i++)
    rig->disk->bytes[i] = (uint8_t) (i / 512 * 7 + i);
  for (unsigned i = 0; i < CD_BYTES; i++)
    rig->cd->bytes[i] = (uint8_t) (i / 2048 + i * 3);
  rig->ide = plug (rig);
  return rig;
}

static void
rig_free (Rig *rig)
{
  test_disk_run (rig->disk);
  test_disk_run (rig->cd);
  vt_device_free (rig->ide);
  pci_rig_clear (&rig->pci);
  vt_block_close (&rig->disk->block);
  vt_block_close (&rig->cd->block);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* --- A small driver ----------------------------------------------------------------------------------------------- */

static void
run_disks (Rig *rig)
{
  test_disk_run (rig->disk);
  test_disk_run (rig->cd);
}

static void
task (Rig *rig, uint8_t command, uint32_t lba, uint8_t count)
{
  out (rig, COMMAND + 6, LBA | lba >> 24, 1);
  out (rig, COMMAND + 2, count, 1);
  for (unsigned i = 0; i < 3; i++)
    out (rig, COMMAND + 3 + i, lba >> (8 * i) & 0xff, 1);
  out (rig, COMMAND + 7, command, 1);
}

static uint8_t
status (Rig *rig)
{
  run_disks (rig);
  return (uint8_t) in (rig, COMMAND + 7, 1);
}

static void
read_words (Rig *rig, unsigned port, uint8_t *to, unsigned bytes)
{
  for (unsigned i = 0; i < bytes; i += 2)
    vt_store_le (to + i, in (rig, port, 2), 2);
}

static void
write_words (Rig *rig, unsigned port, const uint8_t *from, unsigned bytes)
{
  for (unsigned i = 0; i < bytes; i += 2)
    out (rig, port, (uint32_t) vt_load_le (from + i, 2), 2);
}

static void
put_prd (Rig *rig, unsigned n, uint32_t at, uint32_t bytes, bool last)
{
  pci_rig_put (&rig->pci, TABLE + 8 * n, at, 4);
  pci_rig_put (&rig->pci, TABLE + 8 * n + 4, (bytes & 0xffff) | (last ? 0x80000000u : 0), 4);
}

static void
start_dma (Rig *rig, unsigned channel, unsigned direction)
{
  out (rig, BM + 8 * channel + 4, TABLE, 4);
  out (rig, BM + 8 * channel + 2, 6, 1);
  out (rig, BM + 8 * channel, direction | START, 1);
}

static void
packet (Rig *rig, const uint8_t cdb[12], unsigned features, unsigned limit)
{
  out (rig, COMMAND2 + 6, 0xa0, 1);
  out (rig, COMMAND2 + 1, features, 1);
  out (rig, COMMAND2 + 4, limit & 0xff, 1);
  out (rig, COMMAND2 + 5, limit >> 8, 1);
  out (rig, COMMAND2 + 7, 0xa0, 1);
  g_assert_cmphex (in (rig, CONTROL2, 1), ==, 0x58);
  g_assert_cmphex (in (rig, COMMAND2 + 2, 1), ==, 1);
  write_words (rig, COMMAND2, cdb, 12);
  run_disks (rig);
}
#define PACKET(rig, features, limit, ...) packet (rig, (const uint8_t[12]) { __VA_ARGS__ }, features, limit)

/* The unit attention after power on. */
static void
wake_cd (Rig *rig)
{
  PACKET (rig, 0, 0, 0);
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x51);
  g_assert_cmphex (in (rig, COMMAND2 + 1, 1), ==, 0x60);
}

/* --- Disks -------------------------------------------------------------------------------------------------------- */

static void
signatures_tell_what_is_there (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (in (rig, COMMAND + 7, 1), ==, 0x50);
  g_assert_cmphex (in (rig, COMMAND + 2, 1), ==, 1);
  g_assert_cmphex (in (rig, COMMAND + 4, 2), ==, 0);
  g_assert_cmphex (in (rig, COMMAND2 + 4, 1), ==, 0x14);
  g_assert_cmphex (in (rig, COMMAND2 + 5, 1), ==, 0xeb);
  out (rig, COMMAND + 6, SLAVE, 1);
  g_assert_cmphex (in (rig, COMMAND + 7, 1), ==, 0);
  /* What is written can be read back: how BIOSes look for drives. */
  out (rig, COMMAND + 6, 0, 1);
  out (rig, COMMAND + 2, 0x55, 1);
  out (rig, COMMAND + 3, 0xaa, 1);
  g_assert_cmphex (in (rig, COMMAND + 2, 1), ==, 0x55);
  g_assert_cmphex (in (rig, COMMAND + 3, 1), ==, 0xaa);
  /* A drive that is not there does not keep the other from its diagnostic. */
  out (rig, COMMAND + 6, SLAVE, 1);
  out (rig, COMMAND + 7, 0x90, 1);
  g_assert_true (rig->irq[0]);
  g_assert_cmphex (in (rig, COMMAND + 7, 1), ==, 0x50);
  g_assert_cmphex (in (rig, COMMAND + 1, 1), ==, 0x01);
  g_assert_cmphex (in (rig, COMMAND + 2, 1), ==, 1);
  out (rig, CONTROL, 4, 1);
  g_assert_cmphex (in (rig, COMMAND + 7, 1), ==, 0x80);
  out (rig, CONTROL, 0, 1);
  g_assert_cmphex (in (rig, COMMAND + 7, 1), ==, 0x50);
  g_assert_cmphex (in (rig, COMMAND + 2, 1), ==, 1);
}

static void
identify_comes_through_the_data_port (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t id[512];
  task (rig, 0xec, 0, 0);
  g_assert_true (rig->irq[0]);
  g_assert_cmphex (status (rig), ==, 0x58);
  g_assert_false (rig->irq[0]);
  read_words (rig, COMMAND, id, 512);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpuint (rig->rises[0], ==, 1);
  g_assert_cmpuint (vt_load_le (id + 200, 8), ==, DISK_BYTES / 512);
  g_assert_cmpuint (vt_load_le (id + 2 * 76, 2), ==, 0);       /* no NCQ */
  g_assert_cmphex (vt_load_le (id + 2 * 93, 2) & 0x6000, ==, 0x6000);
  g_assert_cmpmem (id + 20, 6, "ESIRLA", 6);
  task (rig, 0x60, 0, 1);
  g_assert_cmphex (status (rig), ==, 0x51);
  /* The geometry is one: another is refused, rather than read beside. */
  task (rig, 0x91, 15u << 24, 63);
  g_assert_cmphex (status (rig), ==, 0x50);
  task (rig, 0x91, 7u << 24, 63);
  g_assert_cmphex (status (rig), ==, 0x51);
  task (rig, 0x91, 15u << 24, 32);
  g_assert_cmphex (status (rig), ==, 0x51);
}

static void
sectors_move_by_pio_with_an_interrupt_each (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t data[1024];
  task (rig, 0x20, 100, 2);
  g_assert_cmphex (in (rig, CONTROL, 1), ==, 0x80);
  g_assert_cmphex (status (rig), ==, 0x58);
  read_words (rig, COMMAND, data, 512);
  g_assert_cmphex (status (rig), ==, 0x58);
  read_words (rig, COMMAND, data + 512, 512);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpmem (data, 1024, rig->disk->bytes + 51200, 1024);
  g_assert_cmpuint (rig->rises[0], ==, 2);
  memset (data, 0xab, sizeof data);
  task (rig, 0x30, 5, 2);
  g_assert_cmphex (status (rig), ==, 0x58);
  g_assert_cmpuint (rig->rises[0], ==, 2);      /* none before the first */
  write_words (rig, COMMAND, data, 512);
  g_assert_cmphex (status (rig), ==, 0x58);
  write_words (rig, COMMAND, data + 512, 512);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpuint (rig->rises[0], ==, 4);
  g_assert_cmpmem (rig->disk->bytes + 5 * 512, 1024, data, 1024);
}

static void
multiple_moves_whole_blocks_and_a_short_last_one (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t data[6 * 512];
  task (rig, 0xc4, 0, 6);
  g_assert_cmphex (status (rig), ==, 0x51);     /* not set yet */
  task (rig, 0xc6, 0, 4);
  g_assert_cmphex (status (rig), ==, 0x50);
  unsigned before = rig->rises[0];
  task (rig, 0xc4, 10, 6);
  g_assert_cmphex (status (rig), ==, 0x58);
  read_words (rig, COMMAND, data, 4 * 512);
  g_assert_cmphex (status (rig), ==, 0x58);
  for (unsigned i = 4 * 512; i < sizeof data; i += 4)
    vt_store_le (data + i, in (rig, COMMAND, 4), 4);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpuint (rig->rises[0] - before, ==, 2);
  g_assert_cmpmem (data, sizeof data, rig->disk->bytes + 5120, sizeof data);
  task (rig, 0xc5, 100, 6);
  write_words (rig, COMMAND, data, 4 * 512);
  g_assert_cmphex (status (rig), ==, 0x58);
  write_words (rig, COMMAND, data + 4 * 512, 2 * 512);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpmem (data, sizeof data, rig->disk->bytes + 51200, sizeof data);
}

static void
dma_follows_the_descriptors (void)
{
  g_autoptr (Rig) rig = rig_new ();
  put_prd (rig, 0, BUFFER, 512, false);
  put_prd (rig, 1, BUFFER + 0x10000, 3584, true);
  start_dma (rig, 0, TO_MEMORY);
  task (rig, 0xc8, 100, 8);
  run_disks (rig);
  g_assert_true (rig->irq[0]);
  g_assert_cmphex (in (rig, BM + 2, 1), ==, 4);
  g_assert_cmphex (status (rig), ==, 0x50);
  out (rig, BM, 0, 1);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 512, rig->disk->bytes + 51200, 512);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER + 0x10000, 3584, rig->disk->bytes + 51712, 3584);
  /* The command first, and the bus master a while later: as Linux does it. 64 KiB in one descriptor. */
  memset (rig->pci.ram->host + BUFFER, 0xcd, 65536);
  put_prd (rig, 0, BUFFER, 65536, true);
  task (rig, 0xca, 1000, 128);
  g_assert_cmphex (status (rig), ==, 0x58);
  start_dma (rig, 0, 0);
  g_assert_cmphex (status (rig), ==, 0x50);
  out (rig, BM, 0, 1);
  g_assert_cmpmem (rig->disk->bytes + 512000, 65536, rig->pci.ram->host + BUFFER, 65536);
  task (rig, 0xc8, 1000, 128);
  memset (rig->pci.ram->host + BUFFER, 0, 65536);
  g_assert_cmphex (status (rig), ==, 0x58);
  start_dma (rig, 0, TO_MEMORY);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpmem (rig->disk->bytes + 512000, 65536, rig->pci.ram->host + BUFFER, 65536);
  task (rig, 0xe7, 0, 0);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpuint (rig->disk->flushes, ==, 1);
}

static void
bad_descriptors_end_in_errors (void)
{
  g_autoptr (Rig) rig = rig_new ();
  put_prd (rig, 0, BUFFER, 512, true);
  start_dma (rig, 0, TO_MEMORY);
  task (rig, 0xc8, 0, 2);
  g_assert_cmphex (status (rig), ==, 0x51);
  g_assert_cmphex (in (rig, BM + 2, 1) & 3, ==, 2);
  out (rig, BM, 0, 1);
  put_prd (rig, 0, 0xfff00000, 512, true);
  start_dma (rig, 0, 0);
  task (rig, 0xca, 0, 1);
  g_assert_cmphex (status (rig), ==, 0x51);
  out (rig, BM, 0, 1);
  out (rig, BM + 4, 0xfffffffc, 4);
  out (rig, BM, START, 1);
  task (rig, 0xca, 0, 1);
  g_assert_cmphex (status (rig), ==, 0x51);
  out (rig, BM, 0, 1);
  /* Stopped in the middle: the command fails, its data goes nowhere, and the next one waits for the rest. */
  put_prd (rig, 0, BUFFER, 512, true);
  start_dma (rig, 0, TO_MEMORY);
  task (rig, 0xc8, 7, 1);
  out (rig, BM, 0, 1);
  g_assert_cmphex (in (rig, COMMAND + 7, 1), ==, 0x51);
  start_dma (rig, 0, TO_MEMORY);
  task (rig, 0xc8, 9, 1);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 1);
  test_disk_run_one (rig->disk, 0);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 1], !=, rig->disk->bytes[7 * 512 + 1]);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 512, rig->disk->bytes + 9 * 512, 512);
  rig->disk->fail_with = EIO;
  start_dma (rig, 0, TO_MEMORY);
  task (rig, 0xc8, 9, 1);
  g_assert_cmphex (status (rig), ==, 0x51);
  g_assert_cmphex (in (rig, COMMAND + 1, 1), ==, 0x40);
}

static void
interrupts_can_be_switched_off_and_belong_to_the_selected_drive (void)
{
  g_autoptr (Rig) rig = rig_new ();
  out (rig, CONTROL, 2, 1);
  task (rig, 0xe5, 0, 0);
  g_assert_false (rig->irq[0]);
  out (rig, CONTROL, 0, 1);
  g_assert_true (rig->irq[0]);
  out (rig, COMMAND + 6, SLAVE, 1);
  g_assert_false (rig->irq[0]);
  out (rig, COMMAND + 6, 0, 1);
  g_assert_true (rig->irq[0]);
  g_assert_cmphex (in (rig, CONTROL, 1), ==, 0x50);    /* the alternate status leaves it alone */
  g_assert_true (rig->irq[0]);
  g_assert_cmphex (in (rig, COMMAND + 7, 1), ==, 0x50);
  g_assert_false (rig->irq[0]);
  vt_pci_bus_config_write (rig->pci.bus, 0, DEVFN, 0x40, 0, 2);
  g_assert_cmphex (in (rig, COMMAND + 7, 1), ==, 0xff);
}

/* --- CD drives ---------------------------------------------------------------------------------------------------- */

static void
packets_answer_in_blocks_of_the_hosts_choice (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t inquiry[36], data[2048];
  wake_cd (rig);
  unsigned before = rig->rises[1];
  PACKET (rig, 0, 16, 0x12, 0, 0, 0, 36);
  static const unsigned blocks[] = { 16, 16, 4 };
  for (unsigned i = 0, at = 0; i < 3; at += blocks[i++])
    {
      g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x58);
      g_assert_cmphex (in (rig, COMMAND2 + 2, 1), ==, 2);
      g_assert_cmpuint (in (rig, COMMAND2 + 4, 1) | in (rig, COMMAND2 + 5, 1) << 8, ==, blocks[i]);
      read_words (rig, COMMAND2, inquiry + at, blocks[i]);
    }
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x50);
  g_assert_cmphex (in (rig, COMMAND2 + 2, 1), ==, 3);
  g_assert_cmpuint (rig->rises[1] - before, ==, 4);
  g_assert_cmphex (inquiry[0], ==, 5);
  PACKET (rig, 0, 2048, 0x28, 0, 0, 0, 0, 7, 0, 0, 3);
  for (unsigned i = 0; i < 3; i++)
    {
      run_disks (rig);
      g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x58);
      read_words (rig, COMMAND2, data, 2048);
      g_assert_cmpmem (data, 2048, rig->cd->bytes + (7 + i) * 2048, 2048);
    }
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x50);
  /* A short block does not make the ones after it shorter. */
  PACKET (rig, 0, 3000, 0x28, 0, 0, 0, 0, 7, 0, 0, 4);
  static const unsigned shares[] = { 3000, 1096, 3000, 1096 };
  for (unsigned i = 0; i < 4; i++)
    {
      run_disks (rig);
      g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x58);
      g_assert_cmpuint (in (rig, COMMAND2 + 4, 1) | in (rig, COMMAND2 + 5, 1) << 8, ==, shares[i]);
      for (unsigned n = 0; n < shares[i]; n += 2)
        in (rig, COMMAND2, 2);
    }
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x50);
}

static void
packets_move_by_dma (void)
{
  g_autoptr (Rig) rig = rig_new ();
  wake_cd (rig);
  put_prd (rig, 0, BUFFER, 8192, true);
  PACKET (rig, 1, 0, 0x28, 0, 0, 0, 0, 9, 0, 0, 4);
  start_dma (rig, 1, TO_MEMORY);
  run_disks (rig);
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x50);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 8192, rig->cd->bytes + 9 * 2048, 8192);
  out (rig, BM + 8, 0, 1);
  put_prd (rig, 0, BUFFER, 18, true);
  PACKET (rig, 1, 0, 0x03, 0, 0, 0, 18);
  start_dma (rig, 1, TO_MEMORY);
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x50);
  g_assert_cmphex (rig->pci.ram->host[BUFFER], ==, 0x70);
  /* An answer is cut short by a short table; a medium's data is not. */
  out (rig, BM + 8, 0, 1);
  put_prd (rig, 0, BUFFER, 8, true);
  memset (rig->pci.ram->host + BUFFER, 0xcd, 36);
  PACKET (rig, 1, 0, 0x12, 0, 0, 0, 36);
  start_dma (rig, 1, TO_MEMORY);
  g_assert_cmphex (in (rig, BM + 10, 1), ==, 4);
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x50);
  g_assert_cmphex (rig->pci.ram->host[BUFFER], ==, 5);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 8], ==, 0xcd);
  out (rig, BM + 8, 0, 1);
  PACKET (rig, 1, 0, 0x28, 0, 0, 0, 0, 9, 0, 0, 4);
  start_dma (rig, 1, TO_MEMORY);
  run_disks (rig);
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x51);
}

static void
a_locked_tray_stays_shut_and_a_change_is_announced (void)
{
  g_autoptr (Rig) rig = rig_new ();
  wake_cd (rig);
  PACKET (rig, 0, 0, 0x1e, 0, 0, 0, 1);
  g_assert_false (vt_ide_set_medium (rig->ide, 2, NULL, false));
  g_assert_true (vt_ide_medium (rig->ide, 2) == &rig->cd->block);
  /* By force, in the middle of a read. */
  PACKET (rig, 0, 2048, 0x28, 0, 0, 0, 0, 7, 0, 0, 1);
  g_assert_cmphex (in (rig, CONTROL2, 1), ==, 0x58);
  g_assert_true (vt_ide_set_medium (rig->ide, 2, NULL, true));
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x51);
  g_assert_null (vt_ide_medium (rig->ide, 2));
  g_assert_true (vt_ide_set_medium (rig->ide, 2, &rig->cd->block, true));
  PACKET (rig, 0, 0, 0);
  g_assert_cmphex (in (rig, COMMAND2 + 1, 1), ==, 0x60);
  PACKET (rig, 0, 0, 0);
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x50);
  g_assert_false (vt_ide_set_medium (rig->ide, 0, NULL, true));      /* a disk */
}

/* --- Save and restore --------------------------------------------------------------------------------------------- */

static void
restore (Rig *rig)
{
  g_autoptr (GByteArray) state = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  vt_device_save (rig->ide, state);
  vt_device_free (rig->ide);
  rig->ide = plug (rig);
  g_assert_true (vt_device_load (rig->ide, 1, state->data, state->len, &error));
  g_assert_no_error (error);
}

static void
saved_commands_go_on_after_a_restore (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint8_t data[1024];
  task (rig, 0x20, 100, 2);
  g_assert_cmphex (status (rig), ==, 0x58);
  read_words (rig, COMMAND, data, 300);
  restore (rig);
  read_words (rig, COMMAND, data + 300, 212);
  g_assert_cmphex (status (rig), ==, 0x58);
  restore (rig);
  read_words (rig, COMMAND, data + 512, 512);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpmem (data, 1024, rig->disk->bytes + 51200, 1024);
  task (rig, 0x30, 5, 2);
  write_words (rig, COMMAND, data, 100);
  restore (rig);
  write_words (rig, COMMAND, data + 100, 412);
  g_assert_cmphex (status (rig), ==, 0x58);
  write_words (rig, COMMAND, data + 512, 512);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpmem (data, 1024, rig->disk->bytes + 5 * 512, 1024);
  put_prd (rig, 0, BUFFER, 4096, true);
  task (rig, 0xc8, 30, 8);
  g_assert_cmphex (status (rig), ==, 0x58);
  restore (rig);
  start_dma (rig, 0, TO_MEMORY);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 4096, rig->disk->bytes + 30 * 512, 4096);
  out (rig, BM, 0, 1);
  /* Ranges to discard, and half a command packet. */
  put_prd (rig, 0, BUFFER, 512, true);
  memset (rig->pci.ram->host + BUFFER, 0, 512);
  pci_rig_put (&rig->pci, BUFFER, UINT64_C (3) << 48 | 40, 8);
  out (rig, COMMAND + 1, 1, 1);
  out (rig, COMMAND + 2, 0, 1);      /* high byte */
  task (rig, 0x06, 0, 1);
  restore (rig);
  start_dma (rig, 0, 0);
  g_assert_cmphex (status (rig), ==, 0x50);
  g_assert_cmpuint (rig->disk->discards, ==, 1);
  wake_cd (rig);
  out (rig, COMMAND2 + 7, 0xa0, 1);
  out (rig, COMMAND2, 0x12, 4);
  restore (rig);
  out (rig, COMMAND2, 36, 4);
  out (rig, COMMAND2, 0, 4);
  g_assert_cmphex (in (rig, COMMAND2 + 7, 1), ==, 0x58);
  g_assert_cmphex (in (rig, COMMAND2, 2) & 0x1f, ==, 5);
}

static void
assert_impossible (Rig *rig)
{
  g_autoptr (GByteArray) state = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  vt_device_save (rig->ide, state);
  g_assert_false (vt_device_load (rig->ide, 1, state->data, state->len, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_STATE);
}

/* Each would read or write forever, or beside sectors. */
static void
states_that_no_command_leaves_are_refused (void)
{
  g_autoptr (Rig) rig = rig_new ();
  out (rig, COMMAND + 1, 1, 1);
  out (rig, COMMAND + 2, 0, 1);      /* high byte */
  task (rig, 0x06, 0, 1);
  g_assert_cmphex (status (rig), ==, 0x58);
  restore (rig);
  IdeChannelState *s = &((Ide *) rig->ide)->s.channel[0];
  s->command = 0x20;
  s->chunk_bytes = 0;
  assert_impossible (rig);
  out (rig, CONTROL, 4, 1);
  out (rig, CONTROL, 0, 1);
  task (rig, 0xc8, 30, 8);
  g_assert_cmphex (status (rig), ==, 0x58);
  restore (rig);
  s = &((Ide *) rig->ide)->s.channel[0];
  s->chunk_bytes = 700;
  assert_impossible (rig);
  s->chunk_bytes = 512;
  s->off++;
  assert_impossible (rig);
  s->off--;
  restore (rig);
}

static void
set_true (void *flag)
{
  *(bool *) flag = true;
}

static void
quiesce_waits_for_the_block_device (void)
{
  g_autoptr (Rig) rig = rig_new ();
  bool quiet = false;
  put_prd (rig, 0, BUFFER, 512, true);
  start_dma (rig, 0, TO_MEMORY);
  task (rig, 0xc8, 100, 1);
  rig->ide->cls->quiesce (rig->ide, set_true, &quiet);
  g_assert_false (quiet);
  run_disks (rig);
  g_assert_true (quiet);
  rig->ide->cls->resume (rig->ide);
  g_assert_cmphex (status (rig), ==, 0x50);
}

/* --- Nonsense ----------------------------------------------------------------------------------------------------- */

static void
random_register_traffic_never_hurts (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (77);
  static const uint8_t commands[] = { 0x20, 0x30, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0x25, 0x35, 0x06, 0xec, 0xa1, 0xa0, 0xa0, 0xe7, 0x08, 0x90 };
  for (unsigned i = 0, rounds = g_test_slow () ? 10000000 : 200000; i < rounds; i++)
    {
      unsigned base = g_rand_boolean (random) ? COMMAND : COMMAND2, value = g_rand_int (random);
      switch (g_rand_int_range (random, 0, 12))
        {
        case 0: out (rig, base + 7, commands[value % sizeof commands], 1); break;
        case 1: out (rig, base + (value >> 8) % 7, g_rand_boolean (random) ? value & 3 : value & 0xff, 1); break;
        case 2: in (rig, base + value % 8, 1); break;
        case 3: run_disks (rig); break;
        case 4: out (rig, BM + value % 16, g_rand_int (random) & 0xff, 1); break;
        case 5: put_prd (rig, value % 4, g_rand_int (random) & 0x3fffff, (uint32_t) g_rand_int_range (random, 0, 9000), value >> 31); break;
        case 6:
          if (value % 64 == 0)
            out (rig, base + 0x206, value >> 8 & 6, 1);
          break;
        case 7:
          if (value % 64 == 0)
            {
              run_disks (rig);
              restore (rig);
            }
          break;
        default:
          for (unsigned n = 0; n < 1 + value % 300; n++)
            if (value & 0x80000000)
              out (rig, base, g_rand_int (random) & 0x3f, 2);
            else
              in (rig, base, 4);
        }
    }
  run_disks (rig);
  out (rig, CONTROL, 4, 1);
  out (rig, CONTROL, 0, 1);
  task (rig, 0x20, 1, 1);
  g_assert_cmphex (status (rig), ==, 0x58);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/ide/" #fn, fn)
  TEST (signatures_tell_what_is_there);
  TEST (identify_comes_through_the_data_port);
  TEST (sectors_move_by_pio_with_an_interrupt_each);
  TEST (multiple_moves_whole_blocks_and_a_short_last_one);
  TEST (dma_follows_the_descriptors);
  TEST (bad_descriptors_end_in_errors);
  TEST (interrupts_can_be_switched_off_and_belong_to_the_selected_drive);
  TEST (packets_answer_in_blocks_of_the_hosts_choice);
  TEST (packets_move_by_dma);
  TEST (a_locked_tray_stays_shut_and_a_change_is_announced);
  TEST (saved_commands_go_on_after_a_restore);
  TEST (states_that_no_command_leaves_are_refused);
  TEST (quiesce_waits_for_the_block_device);
  TEST (random_register_traffic_never_hurts);
  return g_test_run ();
}
