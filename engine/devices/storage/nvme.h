/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NVMe controller with one namespace (NVM Express 1.4). */
#pragma once

#include "block.h"
#include "pci-function.h"

extern const VtDeviceClass vt_nvme;

enum { VT_NVME_IO_QUEUES = 8 };

typedef struct
{
  VtPciPlace  place;
  VtBlock    *block;    /* borrowed */
  unsigned    number;   /* of the disk in the machine, for its serial number and its identifiers */
} VtNvmeConfig;
