/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupt lines and messages.
 *
 * A device owns a wire, never an interrupt number; the machine decides where the wire ends.  Wires are driven under the
 * machine lock.  The sink of a wire (an interrupt controller) never calls back into the device that drives it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct
{
  void (*set) (void *sink, unsigned pin, bool level);
  void       *sink;
  unsigned    pin;
  const char *label;   /* static string, "rtc -> ioapic 8": shown by the inspector */
  const bool *muted;   /* nullable: while true, levels move but the sink is not told (state is being loaded) */
  bool        level;
} VtIrq;

/* Drives the line; does nothing when the level does not change. */
void vt_irq_set (VtIrq *irq, bool level);

/* One edge: high, then low. */
void vt_irq_pulse (VtIrq *irq);

/* A wire to nowhere, for tests and for unconnected pins. */
VtIrq vt_irq_detached (const char *label);

/* A message-signalled interrupt: the write of `data` to bus address `address` (PCI 3.0, 6.8).  Machine lock held. */
typedef struct
{
  void (*deliver) (void *sink, uint64_t address, uint32_t data);
  void *sink;
} VtMsiSink;

static inline void
vt_msi_send (const VtMsiSink *msi, uint64_t address, uint32_t data)
{
  if (msi->deliver != 0)
    msi->deliver (msi->sink, address, data);
}

/* Things a device asks of the whole machine (a reset, a power-off).  Machine lock held; the machine acts later, at a
 * safe point, never inside the call. */
typedef enum
{
  VT_REQUEST_RESET,       /* guest asked for a reset (0xcf9, keyboard controller, triple fault) */
  VT_REQUEST_POWER_OFF,   /* ACPI S5 */
  VT_REQUEST_SUSPEND,     /* ACPI S3 */
  VT_REQUEST_DEBUG_EXIT,  /* isa-debug-exit: `value` is the process exit status */
  VT_REQUEST_PANIC,       /* the guest said it died */
} VtRequest;

typedef struct
{
  void (*request) (void *sink, VtRequest what, uint32_t value);
  void *sink;
} VtMachinePort;

static inline void
vt_machine_request (const VtMachinePort *port, VtRequest what, uint32_t value)
{
  if (port->request != 0)
    port->request (port->sink, what, value);
}
