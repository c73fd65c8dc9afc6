/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IDE controller of the Intel PIIX3 (8086:7010): two channels in compatibility mode, with two drives each.
 *
 * Outgoing wires: 0 the primary channel's interrupt (ISA 14), 1 the secondary's (ISA 15). */
#pragma once

#include "ata-slot.h"
#include "pci-function.h"

extern const VtDeviceClass vt_piix3_ide;

enum
{
  VT_IDE_CHANNELS = 2,
  VT_IDE_PLACES = 4,      /* primary master, primary slave, secondary master, secondary slave */
};

typedef struct
{
  VtPciPlace place;       /* usually 00:01.1 */
  VtAtaSlot  drive[VT_IDE_PLACES];
} VtIdeConfig;

/* As vt_ahci_set_medium() and vt_ahci_medium(). */
bool     vt_ide_set_medium (VtDevice *ide, unsigned place, VtBlock *block, bool force);
VtBlock *vt_ide_medium (VtDevice *ide, unsigned place);
