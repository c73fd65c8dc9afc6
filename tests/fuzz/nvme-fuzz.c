/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target for the NVMe controller: a driver whose input is a list of commands, register writes, completions and
 * restores. */
#include "input.h"

#include "nvme-rig.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t len);

static void
offer (NvmeRig *rig, Input *input, unsigned queue, bool ring)
{
  NvmeEntry entry = { .opcode = (uint8_t) take (input, 1), .nsid = 1 };
  uint64_t  kind = take (input, 1);
  entry.dw10 = (uint32_t) take (input, kind & 1 ? 4 : 2);
  entry.dw11 = (uint32_t) take (input, kind & 2 ? 4 : 1);
  entry.dw12 = (uint32_t) take (input, kind & 4 ? 4 : 1);
  entry.prp1 = kind & 8 ? take (input, 8) : NVME_RIG_DATA + take (input, 2);
  entry.prp2 = kind & 16 ? take (input, 8) : NVME_RIG_LIST + (take (input, 2) & 0xfff8);
  entry.flags = kind & 32 ? (uint8_t) take (input, 1) : 0;
  entry.nsid = kind & 64 ? (uint32_t) take (input, 4) : entry.nsid;
  nvme_rig_offer (rig, queue, &entry, ring);
}

static void
run_step (NvmeRig *rig, Input *input)
{
  uint64_t op = take (input, 1);
  uint16_t id;
  unsigned status;
  uint32_t result;
  switch (op & 15)
    {
    case 0: test_disk_run (rig->disk); break;
    case 1: nvme_rig_put (rig, (unsigned) take (input, 2) & 0x107c, take (input, 4), 4); break;
    case 2: nvme_rig_get (rig, (unsigned) take (input, 2) & 0x1ffc); break;
    case 3: rig->disk->fail_with = (int) (take (input, 1) & 31); break;
    case 4: pci_rig_put (&rig->pci, NVME_RIG_LIST + (take (input, 2) & 0xfff8), take (input, 8), 8); break;
    case 5:
      nvme_rig_put (rig, 0x14, 0, 4);
      test_disk_run (rig->disk);
      nvme_rig_enable (rig);
      break;
    case 6: nvme_rig_make_queue (rig, 1 + (op >> 4) % (NVME_RIG_QUEUES - 1)); break;
    case 7: nvme_rig_take (rig, (unsigned) (op >> 4) % NVME_RIG_QUEUES, &id, &status, &result); break;
    default: offer (rig, input, (unsigned) (op >> 4) % NVME_RIG_QUEUES, (op & 1) != 0); break;
    }
}

/* The world outlives the inputs, for speed; the device, its queues and lists begin anew with each. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  static NvmeRig *rig;
  Input           input = { data, len };
  if (rig == NULL)
    rig = nvme_rig_new ();
  else
    nvme_rig_plug (rig);
  memset (rig->pci.ram->host + NVME_RIG_SQ, 0, NVME_RIG_LIST + 0x10000 - NVME_RIG_SQ);
  rig->disk->fail_with = 0;
  nvme_rig_enable (rig);
  nvme_rig_make_queue (rig, 1);
  while (input.left > 0)
    run_step (rig, &input);
  test_disk_run (rig->disk);
  vt_device_free (rig->nvme);
  return 0;
}
