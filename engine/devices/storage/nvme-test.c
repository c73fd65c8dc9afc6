/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The NVMe controller as an operating system's driver leads it, and as none should. */
#include <errno.h>

#include "nvme-rig.h"

enum { FLUSH = 0, WRITE = 1, READ = 2, ZEROES = 8, DATASET = 9, CC = 0x14, CSTS = 0x1c };

static unsigned
run (NvmeRig *rig, unsigned queue, const NvmeEntry *entry, uint32_t *result)
{
  uint16_t wanted = nvme_rig_offer (rig, queue, entry, true), id = 0;
  unsigned status = 0;
  uint32_t ignored;
  test_disk_run (rig->disk);
  g_assert_true (nvme_rig_take (rig, queue, &id, &status, result != NULL ? result : &ignored));
  g_assert_cmpuint (id, ==, wanted);
  return status;
}
#define RUN(rig, queue, ...) run (rig, queue, &(NvmeEntry) { __VA_ARGS__ }, NULL)

static void
drain (NvmeRig *rig, unsigned queue)
{
  uint16_t id = 0;
  unsigned status = 0;
  uint32_t result = 0;
  while (nvme_rig_take (rig, queue, &id, &status, &result))
    g_assert_cmphex (status, ==, 0);
}

static NvmeRig *
rig_with_queues (void)
{
  NvmeRig *rig = nvme_rig_new ();
  nvme_rig_make_queue (rig, 1);
  nvme_rig_make_queue (rig, 2);
  drain (rig, 0);
  return rig;
}

static uint8_t *
guest (NvmeRig *rig, uint64_t at)
{
  return rig->pci.ram->host + at;
}

/* --- The controller ----------------------------------------------------------------------------------------------- */

static void
ready_follows_enable (void)
{
  g_autoptr (NvmeRig) rig = nvme_rig_new ();
  g_assert_cmphex (nvme_rig_get (rig, 0), ==, 0x140103ff);
  g_assert_cmphex (nvme_rig_get (rig, 8), ==, 0x00010400);
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 1);
  nvme_rig_put (rig, CC, 0, 4);
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 0);
  nvme_rig_put (rig, CC, 0x00460081, 4);       /* pages of another size */
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 2);
  nvme_rig_put (rig, CC, 0, 4);
  nvme_rig_enable (rig);
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 1);
}

static void
identify_tells_what_it_is (void)
{
  g_autoptr (NvmeRig) rig = nvme_rig_new ();
  const uint8_t *data = guest (rig, NVME_RIG_DATA);
  g_assert_cmphex (RUN (rig, 0, .opcode = 6, .dw10 = 1, .prp1 = NVME_RIG_DATA), ==, 0);
  g_assert_cmpmem (data + 4, 7, "VN00007", 7);
  g_assert_cmpuint (data[77], ==, 5);
  g_assert_true (g_str_has_prefix ((const char *) data + 768, "nqn.2014-08.org.nvmexpress:uuid:"));
  g_assert_cmphex (RUN (rig, 0, .opcode = 6, .nsid = 1, .prp1 = NVME_RIG_DATA + 0x800, .prp2 = NVME_RIG_DATA + 0x2000), ==, 0);
  g_assert_cmpuint (vt_load_le (data + 0x800, 8), ==, NVME_RIG_DISK_BYTES / 512);
  g_assert_cmpuint (data[0x800 + 130], ==, 9);
  g_assert_cmphex (RUN (rig, 0, .opcode = 6, .nsid = 2, .prp1 = NVME_RIG_DATA), ==, 0x0b);
  g_assert_cmphex (RUN (rig, 0, .opcode = 6, .dw10 = 2, .prp1 = NVME_RIG_DATA), ==, 0);
  g_assert_cmpuint (vt_load_le (data, 8), ==, 1);
  g_assert_cmphex (RUN (rig, 0, .opcode = 6, .dw10 = 3, .nsid = 1, .prp1 = NVME_RIG_DATA), ==, 0);
  g_assert_cmpuint (vt_load_le (data, 2), ==, 0x1003);
  g_assert_cmphex (RUN (rig, 0, .opcode = 6, .dw10 = 0x77, .prp1 = NVME_RIG_DATA), ==, 2);
  g_assert_cmphex (RUN (rig, 0, .opcode = 0x80), ==, 1);
}

static void
features_and_logs_are_there (void)
{
  g_autoptr (NvmeRig) rig = nvme_rig_new ();
  uint32_t result = 0;
  g_assert_cmphex (run (rig, 0, &(NvmeEntry) { .opcode = 9, .dw10 = 7, .dw11 = 0x001f001f }, &result), ==, 0);
  g_assert_cmphex (result, ==, 0x00070007);
  g_assert_cmphex (run (rig, 0, &(NvmeEntry) { .opcode = 10, .dw10 = 6 }, &result), ==, 0);
  g_assert_cmphex (result, ==, 1);
  g_assert_cmphex (RUN (rig, 0, .opcode = 9, .dw10 = 6, .dw11 = 0), ==, 0);
  g_assert_cmphex (run (rig, 0, &(NvmeEntry) { .opcode = 10, .dw10 = 6 }, &result), ==, 0);
  g_assert_cmphex (result, ==, 0);
  g_assert_cmphex (RUN (rig, 0, .opcode = 9, .dw10 = 0x0b, .dw11 = 0x1f), ==, 0);
  g_assert_cmphex (run (rig, 0, &(NvmeEntry) { .opcode = 10, .dw10 = 0x0b }, &result), ==, 0);
  g_assert_cmphex (result, ==, 0x1f);
  /* The threshold over which it is warm: the one of IDENTIFY, also after the controller was disabled. */
  g_assert_cmphex (run (rig, 0, &(NvmeEntry) { .opcode = 10, .dw10 = 4 }, &result), ==, 0);
  g_assert_cmpuint (result, ==, 343);
  g_assert_cmphex (RUN (rig, 0, .opcode = 9, .dw10 = 4, .dw11 = 300), ==, 0);
  nvme_rig_put (rig, CC, 0, 4);
  nvme_rig_enable (rig);
  g_assert_cmphex (run (rig, 0, &(NvmeEntry) { .opcode = 10, .dw10 = 4 }, &result), ==, 0);
  g_assert_cmpuint (result, ==, 343);
  g_assert_cmphex (RUN (rig, 0, .opcode = 9, .dw10 = 0x70), ==, 2);
  g_assert_cmphex (RUN (rig, 0, .opcode = 2, .dw10 = 127 << 16 | 2, .nsid = UINT32_MAX, .prp1 = NVME_RIG_DATA), ==, 0);
  g_assert_cmpuint (guest (rig, NVME_RIG_DATA)[3], ==, 100);
  g_assert_cmphex (RUN (rig, 0, .opcode = 2, .dw10 = 0xffffu << 16 | 1, .dw11 = 0xffff, .prp1 = NVME_RIG_DATA), ==, 2);
  g_assert_cmphex (RUN (rig, 0, .opcode = 2, .dw10 = 127 << 16 | 0x55, .prp1 = NVME_RIG_DATA), ==, 0x109);
}

static void
queues_are_made_and_taken_away (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  uint32_t size = 7 << 16;
  g_assert_cmphex (RUN (rig, 0, .opcode = 5, .dw10 = size | 1, .dw11 = 1, .prp1 = NVME_RIG_CQ), ==, 0x101);
  g_assert_cmphex (RUN (rig, 0, .opcode = 5, .dw10 = size | 9, .dw11 = 1, .prp1 = NVME_RIG_CQ), ==, 0x101);
  g_assert_cmphex (RUN (rig, 0, .opcode = 5, .dw10 = 3, .dw11 = 1, .prp1 = NVME_RIG_CQ), ==, 0x102);
  g_assert_cmphex (RUN (rig, 0, .opcode = 5, .dw10 = size | 3, .dw11 = 9 << 16 | 3, .prp1 = NVME_RIG_CQ), ==, 0x108);
  g_assert_cmphex (RUN (rig, 0, .opcode = 5, .dw10 = size | 3, .dw11 = 1, .prp1 = NVME_RIG_CQ + 8), ==, 0x13);
  g_assert_cmphex (RUN (rig, 0, .opcode = 1, .dw10 = size | 3, .dw11 = 5 << 16 | 1, .prp1 = NVME_RIG_SQ), ==, 0x100);
  g_assert_cmphex (RUN (rig, 0, .opcode = 4, .dw10 = 1), ==, 0x10c);
  /* What is under way in a queue that goes is not heard of, and does not touch memory any more. */
  memset (guest (rig, NVME_RIG_DATA), 0, 512);
  nvme_rig_offer (rig, 1, &(NvmeEntry) { .opcode = READ, .nsid = 1, .dw10 = 9, .prp1 = NVME_RIG_DATA }, true);
  nvme_rig_offer (rig, 0, &(NvmeEntry) { .opcode = 0, .dw10 = 1 }, true);
  test_disk_run (rig->disk);
  drain (rig, 0);
  g_assert_cmphex (guest (rig, NVME_RIG_DATA)[1], ==, 0);
  g_assert_cmphex (RUN (rig, 0, .opcode = 4, .dw10 = 1), ==, 0);
  g_assert_cmphex (RUN (rig, 0, .opcode = 4, .dw10 = 1), ==, 0x101);
  rig->tail[1] = rig->head[1] = 0;
  rig->phase[1] = true;
  memset (guest (rig, NVME_RIG_CQ + 0x1000), 0, 0x1000);
  nvme_rig_make_queue (rig, 1);
  drain (rig, 0);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw10 = 9, .prp1 = NVME_RIG_DATA), ==, 0);
}

/* --- Disks -------------------------------------------------------------------------------------------------------- */

static void
reads_and_writes_follow_the_prps (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  /* One page, two pages from the middle of the first, and a list. */
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw10 = 100, .dw12 = 7, .prp1 = NVME_RIG_DATA), ==, 0);
  g_assert_cmpmem (guest (rig, NVME_RIG_DATA), 4096, rig->disk->bytes + 51200, 4096);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw10 = 7, .dw12 = 7, .prp1 = NVME_RIG_DATA + 0xc00, .prp2 = NVME_RIG_DATA + 0x5000), ==, 0);
  g_assert_cmpmem (guest (rig, NVME_RIG_DATA + 0xc00), 1024, rig->disk->bytes + 3584, 1024);
  g_assert_cmpmem (guest (rig, NVME_RIG_DATA + 0x5000), 3072, rig->disk->bytes + 4608, 3072);
  /* 32 pages, of which the list's first page names two: its last entry leads on. */
  uint64_t list = NVME_RIG_LIST + 0xfe8;
  for (unsigned i = 0; i < 31; i++)
    pci_rig_put (&rig->pci, i < 2 ? list + 8 * i : NVME_RIG_LIST + 0x1000 + 8 * (i - 2), NVME_RIG_DATA + 0x2000 * (31 - i), 8);
  pci_rig_put (&rig->pci, list + 16, NVME_RIG_LIST + 0x1000, 8);
  g_assert_cmphex (RUN (rig, 2, .opcode = READ, .nsid = 1, .dw10 = 1000, .dw12 = 255, .prp1 = NVME_RIG_DATA, .prp2 = list), ==, 0);
  g_assert_cmpmem (guest (rig, NVME_RIG_DATA), 4096, rig->disk->bytes + 512000, 4096);
  for (unsigned i = 0; i < 31; i++)
    g_assert_cmpmem (guest (rig, NVME_RIG_DATA + 0x2000 * (31 - i)), 4096, rig->disk->bytes + 512000 + 4096 * (i + 1), 4096);
  memset (guest (rig, NVME_RIG_DATA), 0xab, 1024);
  g_assert_cmphex (RUN (rig, 2, .opcode = WRITE, .nsid = 1, .dw10 = 5, .dw12 = 1, .prp1 = NVME_RIG_DATA), ==, 0);
  g_assert_cmpmem (rig->disk->bytes + 2560, 1024, guest (rig, NVME_RIG_DATA), 1024);
  g_assert_cmphex (rig->disk->bytes[3584], ==, (uint8_t) (7 * 7));
}

static void
flush_zeroes_and_discard_reach_the_disk (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  g_assert_cmphex (RUN (rig, 1, .opcode = FLUSH, .nsid = UINT32_MAX), ==, 0);
  g_assert_cmpuint (rig->disk->flushes, ==, 1);
  g_assert_cmphex (RUN (rig, 1, .opcode = WRITE, .nsid = 1, .dw12 = 1 << 30, .prp1 = NVME_RIG_DATA), ==, 0);
  g_assert_cmpuint (rig->disk->flushes, ==, 2);
  g_assert_cmphex (RUN (rig, 0, .opcode = 9, .dw10 = 6), ==, 0);          /* no cache any more */
  g_assert_cmphex (RUN (rig, 1, .opcode = ZEROES, .nsid = 1, .dw10 = 10, .dw12 = 3), ==, 0);
  g_assert_cmpuint (rig->disk->flushes, ==, 3);
  g_assert_cmphex (rig->disk->bytes[5120 + 2047], ==, 0);
  g_assert_cmphex (rig->disk->bytes[5120 + 2048], !=, 0);
  memset (guest (rig, NVME_RIG_DATA), 0, 4096);
  for (unsigned i = 0; i < 3; i++)
    {
      pci_rig_put (&rig->pci, NVME_RIG_DATA + 16 * i + 4, i == 1 ? 0 : 2, 4);
      pci_rig_put (&rig->pci, NVME_RIG_DATA + 16 * i + 8, 50 + 10 * i, 8);
    }
  g_assert_cmphex (RUN (rig, 1, .opcode = DATASET, .nsid = 1, .dw10 = 2, .dw11 = 4, .prp1 = NVME_RIG_DATA), ==, 0);
  g_assert_cmpuint (rig->disk->discards, ==, 2);
  pci_rig_put (&rig->pci, NVME_RIG_DATA + 8, NVME_RIG_DISK_BYTES / 512 - 1, 8);
  g_assert_cmphex (RUN (rig, 1, .opcode = DATASET, .nsid = 1, .dw10 = 0, .dw11 = 4, .prp1 = NVME_RIG_DATA), ==, 0x80);
  nvme_rig_put (rig, CC, 0x00464001, 4);       /* a shutdown is over when the cache is on the disk */
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 5);
  test_disk_run (rig->disk);
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 9);
  g_assert_cmpuint (rig->disk->flushes, ==, 4);
  /* One that is asked for while another, from before the controller was disabled, is under way. */
  nvme_rig_enable (rig);
  nvme_rig_put (rig, CC, 0x00464001, 4);
  nvme_rig_put (rig, CC, 0, 4);
  nvme_rig_enable (rig);
  g_assert_cmphex (nvme_rig_get (rig, CSTS) & 0xc, ==, 0);
  nvme_rig_put (rig, CC, 0x00464001, 4);
  test_disk_run (rig->disk);
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 9);
  g_assert_cmpuint (rig->disk->flushes, ==, 6);
}

static void
bad_commands_end_in_errors (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  uint32_t last = NVME_RIG_DISK_BYTES / 512;
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw10 = last, .prp1 = NVME_RIG_DATA), ==, 0x80);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw11 = UINT32_MAX, .prp1 = NVME_RIG_DATA), ==, 0x80);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 3, .prp1 = NVME_RIG_DATA), ==, 0x0b);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw12 = 256, .prp1 = NVME_RIG_DATA), ==, 2);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .flags = 0x40, .nsid = 1, .prp1 = NVME_RIG_DATA), ==, 2);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .prp1 = NVME_RIG_DATA + 2), ==, 0x13);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .prp1 = UINT64_C (0xfffffffffffff000)), ==, 4);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw12 = 15, .prp1 = NVME_RIG_DATA, .prp2 = NVME_RIG_DATA + 8), ==, 0x13);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw12 = 31, .prp1 = NVME_RIG_DATA, .prp2 = UINT64_C (0xffff00000000)), ==, 4);
  /* A list that leads to itself. */
  pci_rig_put (&rig->pci, NVME_RIG_LIST + 0xff8, NVME_RIG_LIST + 0xff8, 8);
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .dw12 = 31, .prp1 = NVME_RIG_DATA, .prp2 = NVME_RIG_LIST + 0xff8), ==, 0x13);
  g_assert_cmphex (RUN (rig, 1, .opcode = 0x55, .nsid = 1), ==, 1);
  rig->disk->fail_with = EIO;
  g_assert_cmphex (RUN (rig, 1, .opcode = READ, .nsid = 1, .prp1 = NVME_RIG_DATA), ==, 0x281);
  g_assert_cmphex (RUN (rig, 1, .opcode = WRITE, .nsid = 1, .prp1 = NVME_RIG_DATA), ==, 0x280);
  rig->disk->fail_with = 0;
  rig->disk->block.readonly = true;
  g_assert_cmphex (RUN (rig, 1, .opcode = WRITE, .nsid = 1, .prp1 = NVME_RIG_DATA), ==, 0x182);
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 1);
}

static void
commands_end_in_any_order_and_wait_for_room (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  uint16_t ids[7], id = 0;
  unsigned status = 0, n;
  uint32_t result = 0;
  for (unsigned i = 0; i < 7; i++)
    ids[i] = nvme_rig_offer (rig, 1, &(NvmeEntry) { .opcode = READ, .nsid = 1, .dw10 = 10 * i, .prp1 = NVME_RIG_DATA + i * 512 }, i == 6);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 7);
  test_disk_run_one (rig->disk, 3);
  g_assert_true (nvme_rig_take (rig, 1, &id, &status, &result));
  g_assert_cmpuint (id, ==, ids[3]);
  test_disk_run (rig->disk);
  /* Six answers wait in a queue of seven: of the next two, one is taken. */
  nvme_rig_offer (rig, 1, &(NvmeEntry) { .opcode = READ, .nsid = 1, .prp1 = NVME_RIG_DATA }, true);
  nvme_rig_offer (rig, 1, &(NvmeEntry) { .opcode = READ, .nsid = 1, .prp1 = NVME_RIG_DATA }, true);
  g_assert_cmpuint (rig->disk->waiting->len, ==, 1);
  for (n = 0; nvme_rig_take (rig, 1, &id, &status, &result); n++)
    test_disk_run (rig->disk);
  g_assert_cmpuint (n, ==, 8);
}

static void
interrupts_follow_the_queues (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  uint16_t id = 0;
  unsigned status = 0;
  uint32_t result = 0;
  g_assert_false (rig->pci.line);
  nvme_rig_offer (rig, 1, &(NvmeEntry) { .opcode = FLUSH, .nsid = 1 }, true);
  test_disk_run (rig->disk);
  g_assert_true (rig->pci.line);
  nvme_rig_put (rig, 0x0c, 1 << 1, 4);
  g_assert_false (rig->pci.line);
  nvme_rig_put (rig, 0x10, 1 << 1, 4);
  g_assert_true (rig->pci.line);
  g_assert_true (nvme_rig_take (rig, 1, &id, &status, &result));
  g_assert_false (rig->pci.line);
  /* Messages: the table is in BAR 4. */
  vt_pci_bus_config_write (rig->pci.bus, 0, NVME_RIG_DEVFN, PCI_BAR0 + 16, 0x90000000, 4);
  for (unsigned i = 0; i < 3; i++)
    {
      pci_rig_put (&rig->pci, 0x90000000 + 16 * i, 0xfee00000, 8);
      pci_rig_put (&rig->pci, 0x90000008 + 16 * i, 0x40 + i, 4);
      pci_rig_put (&rig->pci, 0x9000000c + 16 * i, 0, 4);
    }
  unsigned cap = 0x34;
  do
    cap = vt_pci_bus_config_read (rig->pci.bus, 0, NVME_RIG_DEVFN, cap == 0x34 ? cap : cap + 1, 1);
  while (vt_pci_bus_config_read (rig->pci.bus, 0, NVME_RIG_DEVFN, cap, 1) != PCI_CAP_MSIX);
  vt_pci_bus_config_write (rig->pci.bus, 0, NVME_RIG_DEVFN, cap + 2, 0x8000, 2);
  unsigned before = rig->pci.messages;
  g_assert_cmphex (RUN (rig, 2, .opcode = FLUSH, .nsid = 1), ==, 0);
  g_assert_cmpuint (rig->pci.messages, ==, before + 1);
  g_assert_cmphex (rig->pci.last_message, ==, 0x42);
  g_assert_false (rig->pci.line);
}

/* --- Events, aborts ------------------------------------------------------------------------------------------------ */

static void
events_come_once_until_the_log_is_read (void)
{
  g_autoptr (NvmeRig) rig = nvme_rig_new ();
  uint16_t ids[4], id = 0;
  unsigned status = 0;
  uint32_t result = 0;
  for (unsigned i = 0; i < 4; i++)
    ids[i] = nvme_rig_offer (rig, 0, &(NvmeEntry) { .opcode = 0x0c }, true);
  g_assert_false (nvme_rig_take (rig, 0, &id, &status, &result));
  g_assert_cmphex (RUN (rig, 0, .opcode = 0x0c), ==, 0x105);
  nvme_rig_put (rig, 0x1000, 77, 4);           /* beyond the queue */
  g_assert_true (nvme_rig_take (rig, 0, &id, &status, &result));
  g_assert_cmpuint (id, ==, ids[0]);
  g_assert_cmphex (result, ==, 0x00010100);
  nvme_rig_put (rig, 0x1008, 0, 4);            /* no such queue, but that was told already */
  g_assert_false (nvme_rig_take (rig, 0, &id, &status, &result));
  g_assert_cmphex (RUN (rig, 0, .opcode = 2, .dw10 = 15 << 16 | 1, .prp1 = NVME_RIG_DATA), ==, 0);
  nvme_rig_put (rig, 0x1008, 0, 4);
  g_assert_true (nvme_rig_take (rig, 0, &id, &status, &result));
  g_assert_cmphex (result, ==, 0x00010000);
  /* A request is taken back: its own answer comes first. */
  nvme_rig_offer (rig, 0, &(NvmeEntry) { .opcode = 8, .dw10 = (uint32_t) ids[3] << 16 }, true);
  g_assert_true (nvme_rig_take (rig, 0, &id, &status, &result));
  g_assert_cmpuint (id, ==, ids[3]);
  g_assert_cmphex (status, ==, 7);
  g_assert_true (nvme_rig_take (rig, 0, &id, &status, &result));
  g_assert_cmpuint (result, ==, 0);
  g_assert_cmphex (run (rig, 0, &(NvmeEntry) { .opcode = 8, .dw10 = 0x12340000 }, &result), ==, 0);
  g_assert_cmpuint (result, ==, 1);
}

/* --- Save, reset, nonsense ----------------------------------------------------------------------------------------- */

static void
set_true (void *flag)
{
  *(bool *) flag = true;
}

static void
restore (NvmeRig *rig)
{
  g_autoptr (GByteArray) state = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  bool quiet = false;
  vt_device_set_running (rig->nvme, true);
  rig->nvme->cls->quiesce (rig->nvme, set_true, &quiet);
  test_disk_run (rig->disk);
  g_assert_true (quiet);
  vt_device_save (rig->nvme, state);
  vt_device_free (rig->nvme);
  rig->nvme = pci_rig_add (&rig->pci, &vt_nvme, &(VtNvmeConfig) { { rig->pci.bus, NVME_RIG_DEVFN }, &rig->disk->block, 7 });
  g_assert_true (vt_device_load (rig->nvme, 1, state->data, state->len, &error));
  vt_device_set_running (rig->nvme, true);
  rig->nvme->cls->resume (rig->nvme);
}

static void
queues_survive_a_restore (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  uint16_t id = 0;
  unsigned status = 0, n;
  uint32_t result = 0;
  for (unsigned i = 0; i < 3; i++)
    nvme_rig_offer (rig, 1, &(NvmeEntry) { .opcode = READ, .nsid = 1, .dw10 = i, .prp1 = NVME_RIG_DATA + 512 * i }, i == 1);
  restore (rig);
  nvme_rig_put (rig, 0x1008, rig->tail[1], 4);
  test_disk_run (rig->disk);
  for (n = 0; nvme_rig_take (rig, 1, &id, &status, &result); n++)
    g_assert_cmphex (status, ==, 0);
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpmem (guest (rig, NVME_RIG_DATA), 1536, rig->disk->bytes, 1536);
}

static void
a_reset_waits_for_what_is_under_way (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  memset (guest (rig, NVME_RIG_DATA), 0, 512);
  nvme_rig_offer (rig, 1, &(NvmeEntry) { .opcode = READ, .nsid = 1, .dw10 = 9, .prp1 = NVME_RIG_DATA }, true);
  nvme_rig_put (rig, CC, 0, 4);
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 1);
  test_disk_run (rig->disk);
  g_assert_cmphex (nvme_rig_get (rig, CSTS), ==, 0);
  g_assert_cmphex (guest (rig, NVME_RIG_DATA)[1], ==, 0);
  nvme_rig_enable (rig);
  g_assert_cmphex (RUN (rig, 0, .opcode = 6, .dw10 = 1, .prp1 = NVME_RIG_DATA), ==, 0);
}

static NvmeEntry
random_entry (GRand *random)
{
  static const uint8_t opcodes[] = { 0, 1, 2, 4, 5, 6, 8, 9, 10, 12 };
  return (NvmeEntry) { .opcode = g_rand_int_range (random, 0, 9) ? opcodes[g_rand_int_range (random, 0, 10)] : (uint8_t) g_rand_int (random),
                       .nsid = g_rand_int_range (random, 0, 9) != 0,
                       .dw10 = g_rand_boolean (random) ? g_rand_int (random) : g_rand_int (random) & 0x000f0fff,
                       .dw11 = g_rand_boolean (random) ? 0 : g_rand_int (random) & 0x0003000f,
                       .dw12 = g_rand_int (random) & 0x4000007f,
                       .prp1 = g_rand_int (random) & (g_rand_boolean (random) ? 0x3ff000 : 0x7fffff),
                       .prp2 = g_rand_int (random) & (g_rand_boolean (random) ? 0x3ff000 : 0x3ffff8) };
}

static void
random_commands_never_hurt (void)
{
  g_autoptr (NvmeRig) rig = rig_with_queues ();
  g_autoptr (GRand) random = g_rand_new_with_seed (31);
  for (unsigned i = 0, rounds = g_test_slow () ? 5000000 : 50000; i < rounds; i++)
    {
      unsigned  queue = (unsigned) g_rand_int_range (random, 0, NVME_RIG_QUEUES), status;
      NvmeEntry entry = random_entry (random);
      uint16_t  id;
      uint32_t  result;
      nvme_rig_offer (rig, queue, &entry, g_rand_boolean (random));
      if (i % 3 == 0)
        test_disk_run (rig->disk);
      while (g_rand_int_range (random, 0, 4) != 0 && nvme_rig_take (rig, queue, &id, &status, &result))
        ;
      if (i % 53 == 0)
        nvme_rig_put (rig, g_rand_int (random) & 0x103c, g_rand_int (random), 4);
      if (i % 97 == 0)
        restore (rig);
      if (i % 101 == 0)
        {
          nvme_rig_put (rig, CC, 0, 4);
          test_disk_run (rig->disk);
          nvme_rig_enable (rig);
          nvme_rig_make_queue (rig, 1);
          nvme_rig_make_queue (rig, 2);
        }
    }
  nvme_rig_put (rig, CC, 0, 4);
  test_disk_run (rig->disk);
  nvme_rig_enable (rig);
  g_assert_cmphex (RUN (rig, 0, .opcode = 6, .dw10 = 1, .prp1 = NVME_RIG_DATA), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/nvme/" #fn, fn)
  TEST (ready_follows_enable);
  TEST (identify_tells_what_it_is);
  TEST (features_and_logs_are_there);
  TEST (queues_are_made_and_taken_away);
  TEST (reads_and_writes_follow_the_prps);
  TEST (flush_zeroes_and_discard_reach_the_disk);
  TEST (bad_commands_end_in_errors);
  TEST (commands_end_in_any_order_and_wait_for_room);
  TEST (interrupts_follow_the_queues);
  TEST (events_come_once_until_the_log_is_read);
  TEST (queues_survive_a_restore);
  TEST (a_reset_waits_for_what_is_under_way);
  TEST (random_commands_never_hurt);
  return g_test_run ();
}
