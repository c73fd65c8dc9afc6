/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AHCI controller driven as an operating system's driver would, and as no driver should. */
#include "ahci.h"

#include <errno.h>

#include "pci-rig.h"
#include "test-disk.h"

enum
{
  ABAR = 0xe0000000,
  DISK_BYTES = 8 << 20,
  CD_BYTES = 64 * 2048,

  LIST = 0x1000, FIS = 0x2000, TABLES = 0x4000, TABLE_BYTES = 0x1000, BUFFER = 0x100000,

  GHC = 0x04, IS = 0x08,
  PX_CLB = 0x00, PX_FB = 0x08, PX_IS = 0x10, PX_IE = 0x14, PX_CMD = 0x18, PX_TFD = 0x20, PX_SIG = 0x24, PX_SSTS = 0x28,
  PX_SCTL = 0x2c, PX_SERR = 0x30, PX_SACT = 0x34, PX_CI = 0x38,
  CMD_ST = 1, CMD_FRE = 0x10,
  IS_DHRS = 1, IS_PSS = 2, IS_SDBS = 8, IS_OFS = 1 << 24, IS_HBFS = 1 << 29, IS_TFES = 1 << 30,
  DISK = 0, CD = 1,
};

typedef struct
{
  PciRig    pci;
  VtDevice *hba;
  TestDisk *disk, *cd;
} Rig;

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

static void
port_put (Rig *rig, unsigned port, unsigned reg, uint32_t value)
{
  put (rig, ABAR + 0x100 + port * 0x80 + reg, value, 4);
}

static uint32_t
port_get (Rig *rig, unsigned port, unsigned reg)
{
  return (uint32_t) get (rig, ABAR + 0x100 + port * 0x80 + reg, 4);
}

static void
start_port (Rig *rig, unsigned port)
{
  port_put (rig, port, PX_CLB, LIST + port * 0x400);
  port_put (rig, port, PX_FB, FIS + port * 0x100);
  port_put (rig, port, PX_CMD, CMD_FRE);
  port_put (rig, port, PX_SERR, 0xffffffff);
  port_put (rig, port, PX_IS, 0xffffffff);
  port_put (rig, port, PX_IE, 0x7dc000ff);
  port_put (rig, port, PX_CMD, CMD_FRE | CMD_ST);
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
  VtAhciConfig config
      = { .place = { rig->pci.bus, VT_PCI_DEVFN (31, 2) },
          .port = { { VT_ATA_DISK, &rig->disk->block, "SERIAL" }, { VT_ATA_CDROM, &rig->cd->block, NULL } } };
  rig->hba = pci_rig_add (&rig->pci, &vt_ahci, &config);
  pci_rig_enable (&rig->pci, VT_PCI_DEVFN (31, 2), 5, ABAR);
  put (rig, ABAR + GHC, 0x80000002, 4);
  start_port (rig, DISK);
  start_port (rig, CD);
  return rig;
}

static void
rig_free (Rig *rig)
{
  test_disk_run (rig->disk);
  test_disk_run (rig->cd);
  vt_device_free (rig->hba);
  pci_rig_clear (&rig->pci);
  vt_block_close (&rig->disk->block);
  vt_block_close (&rig->cd->block);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* --- A small driver ----------------------------------------------------------------------------------------------- */

typedef struct
{
  uint8_t  command, device;
  uint16_t features, count;
  uint64_t lba;
} Ata;

static uint64_t
table_of (unsigned port, unsigned slot)
{
  return TABLES + (port * 32 + slot) * TABLE_BYTES;
}

/* One PRD after another; each is { address, bytes }. */
static void
put_prds (Rig *rig, unsigned port, unsigned slot, const uint64_t (*prds)[2], unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    {
      uint64_t at = table_of (port, slot) + 0x80 + i * 16;
      put (rig, at, prds[i][0], 8);
      put (rig, at + 12, prds[i][1] - 1, 4);
    }
  put (rig, LIST + port * 0x400 + slot * 32, 5 | n << 16, 4);
}

static void
put_command (Rig *rig, unsigned port, unsigned slot, const Ata *ata)
{
  uint64_t table = table_of (port, slot);
  uint8_t  fis[20] = { 0x27, 0x80, ata->command, (uint8_t) ata->features };
  for (unsigned i = 0; i < 3; i++)
    {
      fis[4 + i] = (uint8_t) (ata->lba >> (8 * i));
      fis[8 + i] = (uint8_t) (ata->lba >> (24 + 8 * i));
    }
  fis[7] = ata->device | 0x40;
  fis[11] = (uint8_t) (ata->features >> 8);
  fis[12] = (uint8_t) ata->count;
  fis[13] = (uint8_t) (ata->count >> 8);
  memcpy (rig->pci.ram->host + table, fis, sizeof fis);
  put (rig, LIST + port * 0x400 + slot * 32 + 4, 0, 4);
  put (rig, LIST + port * 0x400 + slot * 32 + 8, table, 8);
}

static void
issue (Rig *rig, unsigned port, unsigned slot)
{
  port_put (rig, port, PX_CI, 1u << slot);
}

static uint32_t
run (Rig *rig, unsigned port, const Ata *ata, uint64_t buffer, uint64_t len)
{
  put_command (rig, port, 0, ata);
  put_prds (rig, port, 0, (const uint64_t[][2]) { { buffer, len } }, len != 0 ? 1 : 0);
  issue (rig, port, 0);
  test_disk_run (rig->disk);
  test_disk_run (rig->cd);
  return port_get (rig, port, PX_TFD);
}

static uint32_t
run_packet (Rig *rig, const uint8_t cdb[12], uint64_t buffer, uint64_t len)
{
  memcpy (rig->pci.ram->host + table_of (CD, 0) + 0x40, cdb, 12);
  return run (rig, CD, &(Ata) { .command = 0xa0, .features = 1 }, buffer, len);
}

#define PACKET(rig, len, ...) run_packet (rig, (const uint8_t[12]) { __VA_ARGS__ }, BUFFER, len)

static void
restart (Rig *rig, unsigned port)
{
  port_put (rig, port, PX_CMD, CMD_FRE);
  port_put (rig, port, PX_SERR, 0xffffffff);
  port_put (rig, port, PX_IS, 0xffffffff);
  port_put (rig, port, PX_CMD, CMD_FRE | CMD_ST);
}

/* --- Tests of the controller -------------------------------------------------------------------------------------- */

static void
ports_show_what_is_plugged_in (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (get (rig, ABAR + 0x0c, 4), ==, 0x3f);
  g_assert_cmphex (get (rig, ABAR + 0x10, 4), ==, 0x00010300);
  g_assert_cmphex (port_get (rig, DISK, PX_SSTS), ==, 0x123);
  g_assert_cmphex (port_get (rig, DISK, PX_SIG), ==, 0x00000101);
  g_assert_cmphex (port_get (rig, DISK, PX_TFD), ==, 0x150);
  g_assert_cmphex (port_get (rig, CD, PX_SIG), ==, 0xeb140101);
  g_assert_cmphex (port_get (rig, 2, PX_SSTS), ==, 0);
  g_assert_cmphex (port_get (rig, 2, PX_SIG), ==, 0xffffffff);
}

static void
identify_tells_size_and_names (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0xec }, BUFFER, 512), ==, 0x50);
  const uint8_t *id = rig->pci.ram->host + BUFFER;
  g_assert_cmpuint (vt_load_le (id + 200, 8), ==, DISK_BYTES / 512);
  g_assert_cmpmem (id + 20, 6, "ESIRLA", 6);
  uint8_t sum = 0;
  for (unsigned i = 0; i < 512; i++)
    sum += id[i];
  g_assert_cmpuint (sum, ==, 0);
  g_assert_cmphex (port_get (rig, DISK, PX_IS), ==, IS_PSS);
  g_assert_cmpuint (get (rig, LIST + 4, 4), ==, 512);
  g_assert_cmphex (rig->pci.ram->host[FIS + 0x20], ==, 0x5f);
  /* A CD drive is no disk, and says so with its signature. */
  g_assert_cmphex (run (rig, CD, &(Ata) { .command = 0xec }, BUFFER, 512), ==, 0x451);
  restart (rig, CD);
  g_assert_cmphex (run (rig, CD, &(Ata) { .command = 0xa1 }, BUFFER, 512), ==, 0x50);
  g_assert_cmphex (vt_load_le (rig->pci.ram->host + BUFFER, 2), ==, 0x85c0);
}

static void
interrupts_follow_the_enable_bits (void)
{
  g_autoptr (Rig) rig = rig_new ();
  port_put (rig, DISK, PX_IE, 0);
  run (rig, DISK, &(Ata) { .command = 0xe7 }, 0, 0);
  g_assert_cmphex (port_get (rig, DISK, PX_IS), ==, IS_DHRS);
  g_assert_false (rig->pci.line);
  port_put (rig, DISK, PX_IE, IS_DHRS);
  g_assert_true (rig->pci.line);
  g_assert_cmphex (get (rig, ABAR + IS, 4), ==, 1);
  put (rig, ABAR + IS, 1, 4);          /* the port still has it */
  g_assert_true (rig->pci.line);
  port_put (rig, DISK, PX_IS, IS_DHRS);
  put (rig, ABAR + IS, 1, 4);
  g_assert_false (rig->pci.line);
}

static void
dma_reads_and_writes_move_sectors (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0x25, .lba = 100, .count = 8 }, BUFFER, 4096), ==, 0x50);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 4096, rig->disk->bytes + 51200, 4096);
  memset (rig->pci.ram->host + BUFFER, 0xab, 1024);
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0xca, .lba = 5, .count = 2 }, BUFFER, 1024), ==, 0x50);
  g_assert_cmphex (rig->disk->bytes[5 * 512], ==, 0xab);
  g_assert_cmphex (rig->disk->bytes[7 * 512 - 1], ==, 0xab);
  g_assert_cmphex (rig->disk->bytes[7 * 512], ==, (uint8_t) (7 * 7));
  g_assert_cmpuint (get (rig, LIST + 4, 4), ==, 1024);
}

static void
long_transfers_and_odd_scatter_lists_arrive_whole (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0x25, .lba = 0, .count = 4096 }, BUFFER, 2 << 20), ==, 0x50);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 2 << 20, rig->disk->bytes, 2 << 20);
  memset (rig->pci.ram->host + BUFFER, 0, 8192);
  put_command (rig, DISK, 3, &(Ata) { .command = 0x25, .lba = 9, .count = 2 });
  put_prds (rig, DISK, 3, (const uint64_t[][2]) { { BUFFER, 2 }, { BUFFER + 0x1000, 700 }, { BUFFER + 2, 322 } }, 3);
  issue (rig, DISK, 3);
  test_disk_run (rig->disk);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 2, rig->disk->bytes + 9 * 512, 2);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER + 0x1000, 700, rig->disk->bytes + 9 * 512 + 2, 700);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER + 2, 322, rig->disk->bytes + 9 * 512 + 702, 322);
}

static void
queued_commands_end_in_any_order (void)
{
  g_autoptr (Rig) rig = rig_new ();
  for (unsigned tag = 0; tag < 4; tag++)
    {
      put_command (rig, DISK, tag,
                   &(Ata) { .command = 0x60, .lba = tag * 10, .features = 1, .count = (uint16_t) (tag << 3) });
      put_prds (rig, DISK, tag, (const uint64_t[][2]) { { BUFFER + tag * 512, 512 } }, 1);
    }
  port_put (rig, DISK, PX_SACT, 0xf);
  port_put (rig, DISK, PX_CI, 0xf);
  g_assert_cmphex (port_get (rig, DISK, PX_CI), ==, 0);
  g_assert_cmphex (port_get (rig, DISK, PX_SACT), ==, 0xf);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 4);
  test_disk_run_one (rig->disk, 2);
  g_assert_cmphex (port_get (rig, DISK, PX_SACT), ==, 0xb);
  g_assert_cmphex (get (rig, FIS + 0x58 + 4, 4), ==, 4);
  test_disk_run (rig->disk);
  g_assert_cmphex (port_get (rig, DISK, PX_SACT), ==, 0);
  for (unsigned tag = 0; tag < 4; tag++)
    g_assert_cmpmem (rig->pci.ram->host + BUFFER + tag * 512, 512, rig->disk->bytes + tag * 5120, 512);
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_SDBS, ==, IS_SDBS);
}

static void
a_failed_queued_command_is_in_the_log (void)
{
  g_autoptr (Rig) rig = rig_new ();
  put_command (rig, DISK, 5, &(Ata) { .command = 0x60, .lba = 1, .features = 1, .count = 5 << 3 });
  put_prds (rig, DISK, 5, (const uint64_t[][2]) { { BUFFER, 512 } }, 1);
  port_put (rig, DISK, PX_SACT, 1 << 5);
  issue (rig, DISK, 5);
  rig->disk->fail_with = EIO;
  test_disk_run (rig->disk);
  rig->disk->fail_with = 0;
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_TFES, ==, IS_TFES);
  g_assert_cmphex (port_get (rig, DISK, PX_SACT), ==, 1 << 5);
  restart (rig, DISK);
  g_assert_cmphex (port_get (rig, DISK, PX_SACT), ==, 0);
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0x2f, .lba = 0x10, .count = 1 }, BUFFER, 512), ==, 0x50);
  g_assert_cmphex (rig->pci.ram->host[BUFFER], ==, 5);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 3], ==, 0x40);
}

static void
errors_stop_the_port_until_it_is_restarted (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0x25, .lba = DISK_BYTES / 512, .count = 1 }, BUFFER, 512), ==,
                   0x1051);
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_TFES, ==, IS_TFES);
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0xe7 }, 0, 0), ==, 0x1051);
  g_assert_cmphex (port_get (rig, DISK, PX_CI), ==, 1);
  restart (rig, DISK);
  g_assert_cmphex (port_get (rig, DISK, PX_CI), ==, 0);
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0xe7 }, 0, 0), ==, 0x50);
  rig->disk->fail_with = EIO;
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0xc8, .count = 1 }, BUFFER, 512), ==, 0x4051);
  rig->disk->fail_with = ENOSPC;
  restart (rig, DISK);
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0xca, .count = 1 }, BUFFER, 512), ==, 0x451);
}

static void
hostile_tables_end_in_errors (void)
{
  g_autoptr (Rig) rig = rig_new ();
  /* A PRD in nothing, one that leaves RAM, a table that is too short, a table outside memory. */
  run (rig, DISK, &(Ata) { .command = 0x25, .count = 1 }, UINT64_C (0xffffffffffff0000), 512);
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_HBFS, ==, (uint32_t) IS_HBFS);
  restart (rig, DISK);
  run (rig, DISK, &(Ata) { .command = 0x35, .count = 8 }, PCI_RIG_RAM_BYTES - 256, 4096);
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_HBFS, ==, (uint32_t) IS_HBFS);
  restart (rig, DISK);
  run (rig, DISK, &(Ata) { .command = 0x25, .count = 8 }, BUFFER, 512);
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_OFS, ==, IS_OFS);
  restart (rig, DISK);
  put_command (rig, DISK, 0, &(Ata) { .command = 0xe7 });
  put (rig, LIST + 8, UINT64_C (0xffffffffffffff80), 8);
  issue (rig, DISK, 0);
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_HBFS, ==, (uint32_t) IS_HBFS);
  restart (rig, DISK);
  port_put (rig, DISK, PX_CLB, 0xfffffc00);
  issue (rig, DISK, 0);
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_HBFS, ==, (uint32_t) IS_HBFS);
  /* The register block as a buffer: not memory. */
  port_put (rig, DISK, PX_CLB, LIST);
  restart (rig, DISK);
  run (rig, DISK, &(Ata) { .command = 0x25, .count = 1 }, ABAR, 512);
  g_assert_cmphex (port_get (rig, DISK, PX_IS) & IS_HBFS, ==, (uint32_t) IS_HBFS);
}

static void
random_command_lists_never_hurt (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (99);
  static const uint8_t commands[]
      = { 0x25, 0x35, 0xc8, 0xca, 0x20, 0x30, 0x60, 0x61, 0xec, 0xef, 0x06, 0xb0, 0x2f, 0xa0 };
  for (unsigned i = 0, rounds = g_test_slow () ? 3000000 : 20000; i < rounds; i++)
    {
      unsigned port = (unsigned) g_rand_int_range (random, 0, 2), slot = (unsigned) g_rand_int_range (random, 0, 32);
      Ata ata = { .command = g_rand_int_range (random, 0, 4) ? commands[g_rand_int_range (random, 0, sizeof commands)]
                                                             : (uint8_t) g_rand_int (random),
                  .features = (uint16_t) g_rand_int_range (random, 0, 20),
                  .count = (uint16_t) g_rand_int_range (random, 0, 70),
                  .lba = (uint64_t) g_rand_int_range (random, 0, DISK_BYTES / 512 + 20) };
      put_command (rig, port, slot, &ata);
      for (unsigned b = 0; b < 16; b++)
        rig->pci.ram->host[table_of (port, slot) + 0x40 + b] = (uint8_t) g_rand_int (random);
      put_prds (rig, port, slot,
                (const uint64_t[][2]) { { g_rand_int (random) & 0x3fffff, g_rand_int (random) & 0xffff },
                                        { g_rand_int (random), (g_rand_int (random) & 0x3fffff) + 1 } }, 2);
      if (g_rand_boolean (random))
        port_put (rig, port, PX_SACT, 1u << slot);
      issue (rig, port, slot);
      if (i % 3 == 0)
        test_disk_run (rig->disk);
      if (i % 5 == 0)
        test_disk_run (rig->cd);
      if (i % 11 == 0)
        restart (rig, port);
      if (i % 97 == 0)
        port_put (rig, port, (unsigned) g_rand_int_range (random, 4, 32) * 4, g_rand_int (random));
      if (i % 501 == 0)
        {
          put (rig, ABAR + GHC, 0x80000001, 4);
          start_port (rig, DISK);
          start_port (rig, CD);
        }
    }
  test_disk_run (rig->disk);
  put (rig, ABAR + GHC, 0x80000001, 4);
  test_disk_run (rig->cd);
  start_port (rig, DISK);
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0x25, .lba = 1, .count = 1 }, BUFFER, 512), ==, 0x50);
}

static void
a_stop_drops_what_is_under_way (void)
{
  g_autoptr (Rig) rig = rig_new ();
  put_command (rig, DISK, 0, &(Ata) { .command = 0x25, .lba = 100, .count = 1 });
  put_prds (rig, DISK, 0, (const uint64_t[][2]) { { BUFFER, 512 } }, 1);
  issue (rig, DISK, 0);
  port_put (rig, DISK, PX_CMD, CMD_FRE);
  g_assert_cmphex (port_get (rig, DISK, PX_CI), ==, 0);
  /* Restarted before the old request is over: the new command waits for it, and the old data goes nowhere. */
  restart (rig, DISK);
  put_command (rig, DISK, 0, &(Ata) { .command = 0x25, .lba = 200, .count = 1 });
  issue (rig, DISK, 0);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 1);
  test_disk_run_one (rig->disk, 0);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 1], ==, 0);
  test_disk_run (rig->disk);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 512, rig->disk->bytes + 200 * 512, 512);
}

static void
resets_bring_the_signature_back (void)
{
  g_autoptr (Rig) rig = rig_new ();
  run (rig, DISK, &(Ata) { .command = 0xec }, BUFFER, 512);
  port_put (rig, DISK, PX_SCTL, 0x301);
  g_assert_cmphex (port_get (rig, DISK, PX_SSTS), ==, 1);
  port_put (rig, DISK, PX_SCTL, 0x300);
  g_assert_cmphex (port_get (rig, DISK, PX_SSTS), ==, 0x123);
  g_assert_cmphex (port_get (rig, DISK, PX_SERR), ==, 0x04010000);
  g_assert_cmphex (port_get (rig, DISK, PX_TFD), ==, 0x150);
  g_assert_cmphex (port_get (rig, DISK, PX_SIG), ==, 0x101);
  /* Software reset: two control FISes. */
  uint8_t control[20] = { 0x27 };
  put_prds (rig, CD, 0, NULL, 0);
  put_command (rig, CD, 0, &(Ata) { 0 });
  control[15] = 4;
  memcpy (rig->pci.ram->host + table_of (CD, 0), control, sizeof control);
  issue (rig, CD, 0);
  g_assert_cmphex (port_get (rig, CD, PX_TFD) & 0x80, ==, 0x80);
  control[15] = 0;
  memcpy (rig->pci.ram->host + table_of (CD, 0), control, sizeof control);
  issue (rig, CD, 0);
  g_assert_cmphex (port_get (rig, CD, PX_TFD), ==, 0x100);
  g_assert_cmphex (port_get (rig, CD, PX_SIG), ==, 0xeb140101);
  put (rig, ABAR + GHC, 0x80000001, 4);
  g_assert_cmphex (get (rig, ABAR + GHC, 4), ==, 0x80000000);
  g_assert_cmphex (port_get (rig, DISK, PX_CMD) & (CMD_ST | CMD_FRE), ==, 0);
}

static void
write_cache_flush_and_trim_reach_the_disk (void)
{
  g_autoptr (Rig) rig = rig_new ();
  run (rig, DISK, &(Ata) { .command = 0xea }, 0, 0);
  g_assert_cmpuint (rig->disk->flushes, ==, 1);
  run (rig, DISK, &(Ata) { .command = 0x3d, .count = 1 }, BUFFER, 512);
  g_assert_cmpuint (rig->disk->flushes, ==, 2);
  run (rig, DISK, &(Ata) { .command = 0x35, .count = 1 }, BUFFER, 512);
  g_assert_cmpuint (rig->disk->flushes, ==, 2);
  run (rig, DISK, &(Ata) { .command = 0xef, .features = 0x82 }, 0, 0);
  run (rig, DISK, &(Ata) { .command = 0x35, .count = 1 }, BUFFER, 512);
  g_assert_cmpuint (rig->disk->flushes, ==, 3);
  memset (rig->pci.ram->host + BUFFER, 0, 512);
  put (rig, BUFFER, 10 | UINT64_C (2) << 48, 8);
  put (rig, BUFFER + 8, (DISK_BYTES / 512) | UINT64_C (2) << 48, 8);   /* beyond the end: skipped */
  put (rig, BUFFER + 16, 50 | UINT64_C (1) << 48, 8);
  g_assert_cmphex (run (rig, DISK, &(Ata) { .command = 0x06, .features = 1, .count = 1 }, BUFFER, 512), ==, 0x50);
  g_assert_cmpuint (rig->disk->discards, ==, 2);
  g_assert_cmphex (rig->disk->bytes[11 * 512 + 3], ==, 0);
}

static void
now_quiet (void *opaque)
{
  *(bool *) opaque = true;
}

static void
saved_commands_go_on_after_a_restore (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  GError *error = NULL;
  bool    quiet = false;
  put_command (rig, DISK, 0, &(Ata) { .command = 0x25, .lba = 3, .count = 1 });
  put_prds (rig, DISK, 0, (const uint64_t[][2]) { { BUFFER, 512 } }, 1);
  put_command (rig, DISK, 1, &(Ata) { .command = 0x25, .lba = 4, .count = 1 });
  put_prds (rig, DISK, 1, (const uint64_t[][2]) { { BUFFER + 512, 512 } }, 1);
  vt_device_set_running (rig->hba, true);
  port_put (rig, DISK, PX_CI, 3);
  vt_ahci.quiesce (rig->hba, now_quiet, &quiet);
  g_assert_false (quiet);
  test_disk_run (rig->disk);
  g_assert_true (quiet);
  vt_device_set_running (rig->hba, false);
  g_assert_cmphex (port_get (rig, DISK, PX_CI), ==, 2);
  vt_device_save (rig->hba, saved);
  vt_device_reset (rig->hba, VT_RESET_POWER);
  g_assert_true (vt_device_load (rig->hba, 1, saved->data, saved->len, &error));
  vt_device_set_running (rig->hba, true);
  test_disk_run (rig->disk);
  g_assert_cmphex (port_get (rig, DISK, PX_CI), ==, 0);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 1024, rig->disk->bytes + 3 * 512, 1024);
}

/* --- Tests of the CD drive ---------------------------------------------------------------------------------------- */

static void
expect_sense (Rig *rig, unsigned key, unsigned asc, unsigned ascq)
{
  restart (rig, CD);
  g_assert_cmphex (PACKET (rig, 18, 0x03, 0, 0, 0, 18), ==, 0x50);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 2], ==, key);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 12], ==, asc);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 13], ==, ascq);
}

/* The first command after power-on is told of the reset. */
static void
wake_cd (Rig *rig)
{
  g_assert_cmphex (PACKET (rig, 0, 0x00), ==, 0x6051);
  expect_sense (rig, 6, 0x29, 0);
}

static void
cd_reads_blocks_and_tells_its_size (void)
{
  g_autoptr (Rig) rig = rig_new ();
  wake_cd (rig);
  g_assert_cmphex (PACKET (rig, 8, 0x25), ==, 0x50);
  g_assert_cmphex (get (rig, BUFFER, 4), ==, GUINT32_SWAP_LE_BE (CD_BYTES / 2048 - 1));
  g_assert_cmphex (PACKET (rig, 4096, 0x28, 0, 0, 0, 0, 5, 0, 0, 2), ==, 0x50);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 4096, rig->cd->bytes + 5 * 2048, 4096);
  g_assert_cmphex (PACKET (rig, 2048, 0xa8, 0, 0, 0, 0, 63, 0, 0, 0, 1), ==, 0x50);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER, 2048, rig->cd->bytes + 63 * 2048, 2048);
  g_assert_cmphex (PACKET (rig, 2048, 0x28, 0, 0, 0, 0, 64, 0, 0, 1), ==, 0x5451);
  expect_sense (rig, 5, 0x21, 0);
}

static void
cd_inquiry_toc_and_configuration_make_sense (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (PACKET (rig, 36, 0x12, 0, 0, 0, 36), ==, 0x50);
  g_assert_cmphex (get (rig, BUFFER, 2), ==, 0x8005);
  g_assert_cmpmem (rig->pci.ram->host + BUFFER + 8, 8, "Vitrine ", 8);
  wake_cd (rig);
  g_assert_cmphex (PACKET (rig, 20, 0x43, 0, 0, 0, 0, 0, 0, 0, 20), ==, 0x50);
  g_assert_cmphex (get (rig, BUFFER, 4), ==, 0x01011200);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 14], ==, 0xaa);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 19], ==, CD_BYTES / 2048);
  g_assert_cmphex (PACKET (rig, 128, 0x46, 0, 0, 0, 0, 0, 0, 0, 128), ==, 0x50);
  g_assert_cmphex (get (rig, BUFFER + 6, 2), ==, 0x0800);
  g_assert_cmphex (PACKET (rig, 28, 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 28), ==, 0x50);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 8], ==, 0x2a);
  g_assert_cmphex (PACKET (rig, 0, 0xff), ==, 0x5451);
  expect_sense (rig, 5, 0x20, 0);
}

static void
a_locked_tray_stays_shut_and_an_open_one_has_no_medium (void)
{
  g_autoptr (Rig) rig = rig_new ();
  wake_cd (rig);
  g_assert_cmphex (PACKET (rig, 0, 0x1e, 0, 0, 0, 1), ==, 0x50);
  g_assert_cmphex (PACKET (rig, 0, 0x1b, 0, 0, 0, 2), ==, 0x5451);
  expect_sense (rig, 5, 0x53, 2);
  g_assert_false (vt_ahci_set_medium (rig->hba, CD, NULL, false));
  g_assert_cmphex (PACKET (rig, 0, 0x1e), ==, 0x50);
  g_assert_cmphex (PACKET (rig, 0, 0x1b, 0, 0, 0, 2), ==, 0x50);
  g_assert_null (vt_ahci_medium (rig->hba, CD));
  g_assert_cmphex (PACKET (rig, 8, 0x25), ==, 0x2051);
  expect_sense (rig, 2, 0x3a, 2);
  g_assert_cmphex (PACKET (rig, 0, 0x1b, 0, 0, 0, 3), ==, 0x50);
  g_assert_cmphex (PACKET (rig, 0, 0x00), ==, 0x6051);
  expect_sense (rig, 6, 0x28, 0);
  g_assert_cmphex (PACKET (rig, 0, 0x00), ==, 0x50);
}

static void
a_changed_medium_is_announced (void)
{
  g_autoptr (Rig) rig = rig_new ();
  wake_cd (rig);
  g_assert_true (vt_ahci_set_medium (rig->hba, CD, NULL, false));
  g_assert_cmphex (PACKET (rig, 8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), ==, 0x50);
  g_assert_cmphex (rig->pci.ram->host[BUFFER + 4], ==, 3);
  g_assert_cmphex (PACKET (rig, 0, 0x00), ==, 0x6051);
  restart (rig, CD);
  g_assert_cmphex (PACKET (rig, 0, 0x00), ==, 0x2051);
  expect_sense (rig, 2, 0x3a, 0);
  g_assert_true (vt_ahci_set_medium (rig->hba, CD, &rig->cd->block, false));
  g_assert_cmphex (PACKET (rig, 8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), ==, 0x50);
  g_assert_cmphex (get (rig, BUFFER + 4, 2), ==, 0x0202);
  rig->cd->fail_with = EIO;
  PACKET (rig, 0, 0x00);
  restart (rig, CD);
  g_assert_cmphex (PACKET (rig, 2048, 0x28, 0, 0, 0, 0, 5, 0, 0, 1), ==, 0x3051);
  expect_sense (rig, 3, 0x11, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/ahci/" #fn, fn)
  TEST (ports_show_what_is_plugged_in);
  TEST (identify_tells_size_and_names);
  TEST (interrupts_follow_the_enable_bits);
  TEST (dma_reads_and_writes_move_sectors);
  TEST (long_transfers_and_odd_scatter_lists_arrive_whole);
  TEST (queued_commands_end_in_any_order);
  TEST (a_failed_queued_command_is_in_the_log);
  TEST (errors_stop_the_port_until_it_is_restarted);
  TEST (hostile_tables_end_in_errors);
  TEST (random_command_lists_never_hurt);
  TEST (a_stop_drops_what_is_under_way);
  TEST (resets_bring_the_signature_back);
  TEST (write_cache_flush_and_trim_reach_the_disk);
  TEST (saved_commands_go_on_after_a_restore);
  TEST (cd_reads_blocks_and_tells_its_size);
  TEST (cd_inquiry_toc_and_configuration_make_sense);
  TEST (a_locked_tray_stays_shut_and_an_open_one_has_no_medium);
  TEST (a_changed_medium_is_announced);
  return g_test_run ();
}
