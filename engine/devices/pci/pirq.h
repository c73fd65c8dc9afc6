/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steering of PCI interrupts to the ISA inputs of the PICs: one register for each line, the same in PIIX3 and ICH9. */
#pragma once

#include "pci-function.h"

enum
{
  VT_PIRQ_ROUTE_OFF = 1u << 7,
  VT_PIRQ_ROUTE_IRQ = 0xfu,
  /* The only interrupts that a line may be steered to (ICH9, 13.1.13; PIIX3, 2.2.9). */
  VT_PIRQ_ROUTE_VALID = 0xdef8u,
};

/* The interrupt that a register names, as a bit; 0: none. */
static inline uint16_t
vt_pirq_route (uint32_t reg)
{
  return (reg & VT_PIRQ_ROUTE_OFF) != 0 ? 0 : (uint16_t) (1u << (reg & VT_PIRQ_ROUTE_IRQ) & VT_PIRQ_ROUTE_VALID);
}
