/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A PCI bus: which function sits where, and where its INTx pins go. It has no guest-visible state of its own. */
#pragma once

#include "pci-function.h"

enum
{
  VT_PCI_BUS_LINES = 8,

  /* Mapping priorities. BARs lose against everything else, and each has its own, so that BARs that a guest puts on
   * top of each other resolve the same way after every save and restore. */
  VT_PCI_PRIORITY_BAR = -4096,   /* + devfn * 8 + BAR */
};

/* Which line (0..7) the pin (0 = INTA#) of a slot drives. */
typedef unsigned (*VtPciSwizzle) (unsigned slot, unsigned pin);

/* mem and io: the address spaces that BARs appear in. */
VtPciBus *vt_pci_bus_new (VtMem *mem, VtMem *io);
/* After its functions. */
void      vt_pci_bus_free (VtPciBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtPciBus, vt_pci_bus_free)

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
