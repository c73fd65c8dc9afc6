/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ISA bridge of the Intel PIIX3, function 00:01.0: steering of PCI interrupts.
 *
 * Outgoing wires: 0..15 ISA interrupts as steered. */
#pragma once

#include "pci-function.h"

extern const VtDeviceClass vt_piix3_isa;

enum
{
  VT_PIIX3_PIRQS = 4,
  VT_PIIX3_WIRES = 16,
};

typedef struct
{
  VtPciPlace place;       /* 00:01.0, multifunction */
} VtPiix3Config;

/* The bridge's PIRQ A..D inputs (n 0..3): what vt_pci_bus_set_lines() wants. */
VtIrq vt_piix3_pirq (VtDevice *isa, unsigned n);

/* How INTx pins reach them on this board, one rule for the bus and for the ACPI _PRT: pin p of slot s, p = 0 for INTA#, drives
 * PIRQ A + (s + p - 1) % 4. */
static inline unsigned
vt_piix3_intx_pirq (unsigned slot, unsigned pin)
{
  return (slot + pin + 3) % 4;
}
