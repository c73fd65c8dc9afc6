/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A PCI bus: which function sits where, and where its INTx pins go. It has no guest-visible state of its own. */
#pragma once

#include "pci-function.h"

enum
{
  VT_PCI_BUS_LINES = 8,

  /* Mapping priorities. BARs lose against everything else, and each has its own, so that BARs that a guest puts on
   * top of each other resolve the same way after every save and restore. */
  VT_PCI_PRIORITY_BAR    = -4096,   /* + devfn * 8 + BAR */
  VT_PCI_PRIORITY_BEHIND = -2048,   /* + the bridge's devfn * 8 + BAR */
};

/* Which line (0..7) the pin (0 = INTA#) of a slot drives. */
typedef unsigned (*VtPciSwizzle) (unsigned slot, unsigned pin);

/* mem and io: the address spaces that BARs appear in. */
VtPciBus *vt_pci_bus_new (VtMem *mem, VtMem *io);
/* After its functions. */
void      vt_pci_bus_free (VtPciBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtPciBus, vt_pci_bus_free)

/* The bus behind the bridge at devfn of another bus: an express link, which leads to one function, at devfn 0. Nothing
 * passes the bridge before vt_pci_bus_forward(). Freed by the bridge, after that function. */
VtPciBus *vt_pci_bus_new_behind (VtPciBus *parent, uint8_t devfn);

/* Ends are inclusive; last < first: nothing. */
typedef struct
{
  uint64_t first, last;
} VtPciRange;

/* What the bridge lets pass; no ports. All zero: nothing does. */
typedef struct
{
  uint8_t    number;         /* that configuration cycles say; 0: they do not get there */
  bool       up;             /* the link works: otherwise nobody answers */
  bool       masters;        /* the function's own requests, and its messages */
  uint8_t    pad_[5];
  VtPciRange window[2];      /* of memory */
} VtPciForwarding;
void vt_pci_bus_forward (VtPciBus *bus, const VtPciForwarding *forwarding);
/* All functions, as with power or by secondary bus reset. */
void vt_pci_bus_reset (VtPciBus *bus);

/* A further wire to the line of a pin (0 = INTA#), for what arrives from behind a bridge at devfn. */
VtIrq vt_pci_bus_pin (VtPciBus *bus, uint8_t devfn, unsigned pin, const char *label);

/* The lines are copied. A line is high while any pin that drives it is. */
void vt_pci_bus_set_lines (VtPciBus *bus, VtPciSwizzle swizzle, const VtIrq *lines, unsigned n_lines);

VtPciFunction *vt_pci_bus_function (const VtPciBus *bus, uint8_t devfn);

/* Configuration cycles; offset < 4096, aligned to size (1, 2, 4). Nobody there: all ones. */
uint32_t vt_pci_bus_config_read (VtPciBus *bus, uint8_t bus_number, uint8_t devfn, unsigned offset, unsigned size);
void     vt_pci_bus_config_write (VtPciBus *bus, uint8_t bus_number, uint8_t devfn, unsigned offset, uint32_t value,
                                  unsigned size);

/* For pci-function.c. */
bool vt_pci_bus_attach (VtPciBus *bus, VtPciFunction *fn, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vt_pci_bus_detach (VtPciBus *bus, VtPciFunction *fn);
VtMem *vt_pci_bus_space (VtPciBus *bus, bool io);
/* Would accesses to all of this range arrive? */
bool vt_pci_bus_passes (const VtPciBus *bus, bool io, uint64_t at, uint64_t size);
bool vt_pci_bus_masters (const VtPciBus *bus);
bool vt_pci_bus_is_link (const VtPciBus *bus);
int  vt_pci_bus_priority (const VtPciBus *bus, uint8_t devfn, unsigned bar);
