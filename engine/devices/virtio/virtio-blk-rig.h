/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio disk with a driver, for tests of the rings and of the device: requests of a header, data, a status. */
#pragma once

#include "driver-rig.h"
#include "test-disk.h"
#include "virtio-blk.h"

enum
{
  BLK_DISK_BYTES = 1 << 20,
  BLK_HEADER = 0x80000, BLK_DATA = 0x90000, BLK_STATUS = 0xa0000,
};

typedef struct
{
  DriverRig rig;
  TestDisk *disk;
} BlkRig;

/* With these of VIRTIO_F_RING_FORMS and of the other features for rings. */
static inline BlkRig *
blk_rig_new (uint64_t features, unsigned n_queues)
{
  BlkRig *blk = g_new0 (BlkRig, 1);
  driver_rig_init (&blk->rig);
  blk->rig.features = features;
  blk->rig.indirect = (features & VIRTIO_F_RING_INDIRECT_DESC) != 0;
  blk->disk = test_disk_new (BLK_DISK_BYTES);
  for (unsigned i = 0; i < BLK_DISK_BYTES; i++)
    blk->disk->bytes[i] = (uint8_t) (i / 512 + i * 5);
  driver_rig_plug (&blk->rig, &vt_virtio_blk_pci,
                   &(VtVirtioBlkConfig) { .place = { blk->rig.pci->bus, DRIVER_DEVFN }, .block = &blk->disk->block,
                                          .serial = "S3R1AL", .ring_forms = features & VIRTIO_F_RING_FORMS,
                                          .n_queues = n_queues });
  return blk;
}

static inline void
blk_rig_free (BlkRig *blk)
{
  test_disk_run (blk->disk);
  driver_rig_clear (&blk->rig);
  vt_block_close (&blk->disk->block);
  g_free (blk);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BlkRig, blk_rig_free)

/* Offers a request in the memory of request number n. */
static inline void
blk_offer (BlkRig *blk, unsigned queue, unsigned n, unsigned type, uint64_t sector, uint32_t len, bool to_guest)
{
  DriverRig *rig = &blk->rig;
  uint64_t   header = BLK_HEADER + 16 * n, status = BLK_STATUS + n;
  driver_put (rig, header, type, 8);
  driver_put (rig, header + 8, sector, 8);
  driver_put (rig, status, 0xff, 1);
  DriverPart parts[] = { { header, 16, false }, { BLK_DATA + 0x1000 * n, len, to_guest }, { status, 1, true } };
  if (len == 0)
    parts[1] = parts[2];
  driver_offer (rig, queue, parts, len == 0 ? 2 : 3);
}

/* One request from beginning to end; returns its status. */
static inline unsigned
blk_request_on (BlkRig *blk, unsigned queue, unsigned type, uint64_t sector, uint32_t len, bool to_guest)
{
  blk_offer (blk, queue, 0, type, sector, len, to_guest);
  driver_kick (&blk->rig, queue);
  test_disk_run (blk->disk);
  g_assert_cmpuint (driver_count_used (&blk->rig, queue), ==, 1);
  return (unsigned) driver_get (&blk->rig, BLK_STATUS, 1);
}

static inline unsigned
blk_request (BlkRig *blk, unsigned type, uint64_t sector, uint32_t len, bool to_guest)
{
  return blk_request_on (blk, 0, type, sector, len, to_guest);
}
