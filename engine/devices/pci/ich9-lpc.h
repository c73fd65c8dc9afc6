/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ISA bridge of the Intel ICH9, function 00:1f.0: PIRQ steering, base of the ACPI registers, root complex registers.
 *
 * Outgoing wires: 0..7 PIRQ A..H to IOAPIC inputs 16..23; 8..23 ISA interrupts 0..15 as steered for the PICs; 24 SMI_LOCK. */
#pragma once

#include "pci-function.h"

extern const VtDeviceClass vt_ich9_lpc;

enum
{
  VT_ICH9_LPC_WIRE_GSI = 0,
  VT_ICH9_LPC_WIRE_ISA = 8,
  VT_ICH9_LPC_WIRE_SMI_LOCK = 24,
  VT_ICH9_LPC_WIRES    = 25,
};

typedef struct
{
  VtPciPlace      place;       /* 00:1f.0, multifunction */
  VtMem          *mem;         /* for the RCBA block */
  VtMem          *io;
  VtDevice       *pm;          /* nullable: the ACPI PM block's device, and its 128-byte region to map at PMBASE */
  const VtRegion *pm_region;
  bool            smm;         /* the machine has system management mode: SMI_LOCK locks, until a reset */
} VtIch9LpcConfig;

/* The bridge's PIRQ A..H inputs (n 0..7): what vt_pci_bus_set_lines() wants. */
VtIrq vt_ich9_lpc_pirq (VtDevice *lpc, unsigned n);
