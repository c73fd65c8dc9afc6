/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Local APIC, in xAPIC and x2APIC mode, and the bus that joins the APICs of a machine (SDM volume 3A, chapter 11).
 *
 * A machine makes one VtApicBus, then for each vCPU a device of class vt_apic_class, whose realize() links it to the
 * processor and to the bus.  All APIC state is under the machine lock; the functions marked "own thread" take it
 * themselves, because processors run without it.
 */
#pragma once

#include "device.h"
#include "irq.h"

typedef struct VtApic    VtApic;
typedef struct VtApicBus VtApicBus;
typedef struct VtX86Cpu  VtX86Cpu;

/* --- For the machine -------------------------------------------------------------------------------------------------- */

/* env->clock is needed. The APIC ID at reset is cpu->vcpu.index; processor 0 is the bootstrap processor. */
typedef struct
{
  VtX86Cpu  *cpu;        /* its `apic` member is set by realize; NULL in device tests */
  VtApicBus *bus;        /* NULL in device tests */
  VtLock *lock;       /* the machine lock; NULL with one thread */
  uint64_t   timer_hz;   /* of the timer's input before the divider; 0: VT_APIC_TIMER_HZ */
} VtApicConfig;

#define VT_APIC_TIMER_HZ G_GUINT64_CONSTANT (1000000000)

extern const VtDeviceClass vt_apic_class;

VtApicBus *vt_apic_bus_new (void);
/* After its APICs are gone. */
void       vt_apic_bus_free (VtApicBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtApicBus, vt_apic_bus_free)

/* A message in the format of PCI MSI (SDM 11.11): from devices and from the IOAPIC. Machine lock held. */
void vt_apic_bus_deliver (VtApicBus *bus, uint64_t address, uint32_t data);
VtMsiSink vt_apic_bus_sink (VtApicBus *bus);

/* The end-of-interrupt broadcast for level-triggered vectors, for the IOAPIC. Machine lock held. */
void vt_apic_bus_set_eoi (VtApicBus *bus, void (*eoi) (void *opaque, uint8_t vector), void *opaque);

/* Sink of a VtIrq (`sink` is the VtApicBus): pin 0 is LINT0, the 8259 pair's INTR; pin 1 is LINT1, NMI. They reach
 * every local APIC. Machine lock held. */
#define VT_APIC_LINT0 0u
#define VT_APIC_LINT1 1u
void vt_apic_bus_set_lint (void *bus, unsigned pin, bool level);

/* Sink of a VtIrq: a rising edge is an SMI, for the processor whose port access brings it (without one: processor 0), or for all.
 * Machine lock held. */
#define VT_APIC_SMI_HERE 0u
#define VT_APIC_SMI_ALL  1u
void vt_apic_bus_set_smi (void *bus, unsigned pin, bool level);

/* --- For the processor --------------------------------------------------------------------------------------------------- */

/* The page of registers: does this processor see it at `gpa`? Own thread. */
bool     vt_apic_covers (const VtApic *apic, uint64_t gpa);
/* Any of `bytes` from there on? */
bool     vt_apic_covers_any (const VtApic *apic, uint64_t gpa, uint64_t bytes);
uint64_t vt_apic_mmio_read (VtApic *apic, uint64_t gpa, unsigned size);
void     vt_apic_mmio_write (VtApic *apic, uint64_t gpa, uint64_t value, unsigned size);

/* IA32_APIC_BASE, IA32_TSC_DEADLINE and 0x800..0x8ff; false means #GP. Own thread. */
bool vt_apic_msr_read (VtApic *apic, uint32_t msr, uint64_t *value);
bool vt_apic_msr_write (VtApic *apic, uint32_t msr, uint64_t value);

/* Task priority bits 7..4, as CR8. Own thread. */
uint8_t vt_apic_cr8 (const VtApic *apic);
void    vt_apic_set_cr8 (VtApic *apic, uint8_t value);

/* What could interrupt the processor now. Machine lock held. */
#define VT_APIC_NONE   (-1)
#define VT_APIC_EXTINT (-2)   /* ask the 8259 pair for the vector */
int  vt_apic_pending (const VtApic *apic);
/* The processor takes that vector: moves it from IRR to ISR. Machine lock held. */
void vt_apic_accept (VtApic *apic, uint8_t vector);

/* The same for VT_APIC_EXTINT, before the 8259 pair is asked. Machine lock held. */
void vt_apic_accept_extint (VtApic *apic);

/* The guest's TSC was set: a TSC deadline means another moment now. Own thread. */
void vt_apic_tsc_changed (VtApic *apic);

/* INIT: everything but the APIC ID and the base register goes to its reset value. Machine lock held. */
void vt_apic_init (VtApic *apic);

void vt_apic_lock (const VtApic *apic);
void vt_apic_unlock (const VtApic *apic);
