/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An NVMe disk with a driver, for tests and for fuzzing: queues in guest memory, commands into them, answers out. */
#pragma once

#include "nvme.h"
#include "pci-rig.h"
#include "test-disk.h"

enum
{
  NVME_RIG_DEVFN = VT_PCI_DEVFN (4, 0),
  NVME_RIG_BAR = 0x80000000,
  NVME_RIG_DISK_BYTES = 4 << 20,
  NVME_RIG_ENTRIES = 8,
  NVME_RIG_QUEUES = 3,                  /* number 0 is the admin queue */
  NVME_RIG_SQ = 0x10000, NVME_RIG_CQ = 0x20000, NVME_RIG_LIST = 0x30000, NVME_RIG_DATA = 0x100000,
};

typedef struct
{
  PciRig    pci;
  VtDevice *nvme;
  TestDisk *disk;
  unsigned  tail[NVME_RIG_QUEUES], head[NVME_RIG_QUEUES];
  bool      phase[NVME_RIG_QUEUES];
  uint16_t  id;
} NvmeRig;

typedef struct
{
  uint8_t  opcode, flags;
  uint32_t nsid, dw10, dw11, dw12, dw13;
  uint64_t prp1, prp2;
} NvmeEntry;

static inline void
nvme_rig_put (NvmeRig *rig, unsigned reg, uint64_t value, unsigned size)
{
  pci_rig_put (&rig->pci, NVME_RIG_BAR + reg, value, size);
}

static inline uint32_t
nvme_rig_get (NvmeRig *rig, unsigned reg)
{
  return (uint32_t) pci_rig_get (&rig->pci, NVME_RIG_BAR + reg, 4);
}

static inline void
nvme_rig_plug (NvmeRig *rig)
{
  rig->nvme = pci_rig_add (&rig->pci, &vt_nvme, &(VtNvmeConfig) { { rig->pci.bus, NVME_RIG_DEVFN }, &rig->disk->block, 7 });
  vt_device_reset (rig->nvme, VT_RESET_POWER);
  pci_rig_enable (&rig->pci, NVME_RIG_DEVFN, 0, NVME_RIG_BAR);
}

static inline void
nvme_rig_enable (NvmeRig *rig)
{
  nvme_rig_put (rig, 0x24, (NVME_RIG_ENTRIES - 1) << 16 | (NVME_RIG_ENTRIES - 1), 4);
  nvme_rig_put (rig, 0x28, NVME_RIG_SQ, 8);
  nvme_rig_put (rig, 0x30, NVME_RIG_CQ, 8);
  nvme_rig_put (rig, 0x14, 0x00460001, 4);
  for (unsigned i = 0; i < NVME_RIG_QUEUES; i++)
    {
      rig->tail[i] = rig->head[i] = 0;
      rig->phase[i] = true;
    }
  memset (rig->pci.ram->host + NVME_RIG_CQ, 0, 0x10000);
}

static inline NvmeRig *
nvme_rig_new (void)
{
  NvmeRig *rig = g_new0 (NvmeRig, 1);
  pci_rig_init (&rig->pci);
  rig->disk = test_disk_new (NVME_RIG_DISK_BYTES);
  for (unsigned i = 0; i < NVME_RIG_DISK_BYTES; i++)
    rig->disk->bytes[i] = (uint8_t) (i / 512 * 7 + i);
  nvme_rig_plug (rig);
  nvme_rig_enable (rig);
  return rig;
}

static inline void
nvme_rig_free (NvmeRig *rig)
{
  test_disk_run (rig->disk);
  vt_device_free (rig->nvme);
  pci_rig_clear (&rig->pci);
  vt_block_close (&rig->disk->block);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NvmeRig, nvme_rig_free)

/* Puts an entry into the queue, which is then rung or not; its id. */
static inline uint16_t
nvme_rig_offer (NvmeRig *rig, unsigned queue, const NvmeEntry *entry, bool ring)
{
  uint8_t *to = rig->pci.ram->host + NVME_RIG_SQ + queue * 0x1000 + rig->tail[queue] * 64;
  memset (to, 0, 64);
  to[0] = entry->opcode;
  to[1] = entry->flags;
  vt_store_le (to + 2, ++rig->id, 2);
  vt_store_le (to + 4, entry->nsid, 4);
  vt_store_le (to + 24, entry->prp1, 8);
  vt_store_le (to + 32, entry->prp2, 8);
  vt_store_le (to + 40, entry->dw10, 4);
  vt_store_le (to + 44, entry->dw11, 4);
  vt_store_le (to + 48, entry->dw12, 4);
  vt_store_le (to + 52, entry->dw13, 4);
  rig->tail[queue] = (rig->tail[queue] + 1) % NVME_RIG_ENTRIES;
  if (ring)
    nvme_rig_put (rig, 0x1000 + 8 * queue, rig->tail[queue], 4);
  return rig->id;
}

/* The next answer of that queue: true when there is one. */
static inline bool
nvme_rig_take (NvmeRig *rig, unsigned queue, uint16_t *id, unsigned *status, uint32_t *result)
{
  const uint8_t *from = rig->pci.ram->host + NVME_RIG_CQ + queue * 0x1000 + rig->head[queue] * 16;
  unsigned       word = (unsigned) vt_load_le (from + 14, 2);
  if ((word & 1) != rig->phase[queue])
    return false;
  *result = (uint32_t) vt_load_le (from, 4);
  *id = (uint16_t) vt_load_le (from + 12, 2);
  *status = word >> 1 & 0x7ff;
  rig->head[queue] = (rig->head[queue] + 1) % NVME_RIG_ENTRIES;
  rig->phase[queue] ^= rig->head[queue] == 0;
  nvme_rig_put (rig, 0x1004 + 8 * queue, rig->head[queue], 4);
  return true;
}

/* Completion and submission queue `queue`, with interrupts by vector of the same number. */
static inline void
nvme_rig_make_queue (NvmeRig *rig, unsigned queue)
{
  uint32_t size = (NVME_RIG_ENTRIES - 1) << 16 | queue;
  NvmeEntry cq = { .opcode = 5, .prp1 = NVME_RIG_CQ + queue * 0x1000, .dw10 = size, .dw11 = queue << 16 | 3 };
  NvmeEntry sq = { .opcode = 1, .prp1 = NVME_RIG_SQ + queue * 0x1000, .dw10 = size, .dw11 = queue << 16 | 1 };
  nvme_rig_offer (rig, 0, &cq, true);
  nvme_rig_offer (rig, 0, &sq, true);
}
