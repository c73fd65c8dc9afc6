/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How INTx pins reach interrupt inputs on q35: one rule for the bus and for the ACPI _PRT.
 *
 *   slots 0..24:   pin p -> PIRQ E + (slot + p) % 4   (neighbouring slots spread over the lines)
 *   slots 25..31:  pin p -> PIRQ A + p                (chipset functions)
 *
 * with p = 0 for INTA#.  PIRQ A..H are IOAPIC inputs (and GSIs) 16..23, active low and level triggered; in PIC mode
 * each is steered to an ISA interrupt by the PIRQx_ROUT registers of the LPC bridge. */
#pragma once

enum
{
  VT_Q35_PIRQ_GSI = 16,
};

/* 0..7 for PIRQ A..H */
static inline unsigned
vt_q35_intx_pirq (unsigned slot, unsigned pin)
{
  return slot < 25 ? 4 + (slot + pin) % 4 : pin % 4;
}

static inline unsigned
vt_q35_intx_gsi (unsigned slot, unsigned pin)
{
  return VT_Q35_PIRQ_GSI + vt_q35_intx_pirq (slot, pin);
}
