/* SPDX-License-Identifier: GPL-3.0-or-later */
/* High precision event timer, IA-PC HPET 1.0a: three comparators on one 64-bit counter of 100 MHz. */
#pragma once

#include "device.h"

#define VT_HPET_HZ        100000000u
#define VT_HPET_PERIOD_FS 10000000u
#define VT_HPET_ID        0x8086a201u   /* low half of the capabilities register: also in the ACPI HPET table */
#define VT_HPET_TIMERS    3u

enum
{
  VT_HPET_WIRE_IRQ0,       /* legacy: timer 0, or the PIT passed through */
  VT_HPET_WIRE_IRQ8,       /* legacy: timer 1, or the RTC passed through */
  VT_HPET_WIRE_PIN0,       /* + n: I/O APIC pin n; only those in route_mask are driven */
  VT_HPET_WIRES = VT_HPET_WIRE_PIN0 + 24,
};

/* VtEnv.config. */
typedef struct
{
  uint32_t route_mask[VT_HPET_TIMERS];   /* I/O APIC pins that each timer may use; 0: only legacy and MSI */
  bool     msi;                          /* offer FSB delivery (VtEnv.msi) */
} VtHpetConfig;

/* Needs VtEnv.clock and config. */
extern const VtDeviceClass vt_hpet_class;

extern const VtRegion vt_hpet_region;   /* memory 0xfed00000, 1 KiB */

/* The PIT's and the RTC's interrupts enter here and leave on IRQ0 and IRQ8, except while the guest has legacy replacement
 * routing on: then they go nowhere (2.3.3 of the specification). */
VtIrq vt_hpet_pit_input (VtDevice *dev, const char *label);
VtIrq vt_hpet_rtc_input (VtDevice *dev, const char *label);
