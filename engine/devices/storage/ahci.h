/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SATA controller of the Intel ICH9 in AHCI mode (8086:2922), with ATA disks and ATAPI CD drives in it. */
#pragma once

#include "ata-slot.h"
#include "pci-function.h"

extern const VtDeviceClass vt_ahci;

enum
{
  VT_AHCI_PORTS = 6,
};

typedef struct
{
  VtPciPlace place;     /* usually 00:1f.2 */
  VtAtaSlot port[VT_AHCI_PORTS];
} VtAhciConfig;

/* CD drives: puts a medium in, or takes it out (NULL). False while the guest has locked the tray and `force` is not
 * set. The old block is no longer used when this returns and nothing is in flight on it. */
bool     vt_ahci_set_medium (VtDevice *ahci, unsigned port, VtBlock *block, bool force);
/* What is in the drive now: the guest may have ejected it. */
VtBlock *vt_ahci_medium (VtDevice *ahci, unsigned port);
