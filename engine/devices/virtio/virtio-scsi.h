/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio SCSI host bus adapter on PCI (VIRTIO 1.1, 5.6): a disk or CD drive for each target, as its unit 0. */
#pragma once

#include "pci-function.h"
#include "scsi.h"

extern const VtDeviceClass vt_virtio_scsi_pci;

enum
{
  VT_VIRTIO_SCSI_TARGETS = 16,
  VT_VIRTIO_SCSI_QUEUES  = 8,      /* for requests */
};

typedef struct
{
  bool        present;
  VtScsiKind  kind;
  VtBlock    *block;               /* borrowed; NULL: an empty CD drive */
  const char *serial;              /* nullable */
} VtScsiTarget;

typedef struct
{
  VtPciPlace   place;
  VtScsiTarget target[VT_VIRTIO_SCSI_TARGETS];
  unsigned     n_queues;           /* at most VT_VIRTIO_SCSI_QUEUES; 0: one */
  uint64_t     ring_forms;         /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioScsiConfig;

/* As vt_scsi_set_medium(), and tells the driver. Nothing is in flight (the machine stands). */
bool vt_virtio_scsi_set_medium (VtDevice *dev, unsigned target, VtBlock *block, bool force);
