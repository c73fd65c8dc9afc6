/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The 82093AA I/O APIC as ICH9 has it: version 0x20, 24 pins, with an EOI register. */
#pragma once

#include "device.h"

#define VT_IOAPIC_PINS 24u

/* Needs VtEnv.msi: an interrupt leaves as the write an MSI would be (PCI 3.0 6.8, Intel SDM 3A 11.11), with delivery mode
 * (also ExtINT, NMI, INIT, SMI), level and trigger in the data and the destination in the address. The ID is 0 until firmware
 * writes it. */
extern const VtDeviceClass vt_ioapic_class;

extern const VtRegion vt_ioapic_region;   /* memory 0xfec00000, 4 KiB */

/* A wire into a pin. True means asserted, whatever polarity the guest programs. Up to eight wires may share a pin; the pin is
 * their OR. A wire keeps its place in the saved state by the order of these calls. */
VtIrq vt_ioapic_input (VtDevice *dev, unsigned pin, const char *label);

/* A local APIC finished a level-triggered interrupt with this vector (EOI broadcast). */
void vt_ioapic_eoi (VtDevice *dev, uint8_t vector);
