/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between pci-function.c and pci-msi.c. */
#pragma once

#include "pci-function.h"

/* What follows from configuration space and from what the bus lets pass. */
void vt_pci_update (VtPciFunction *fn);
/* Drives the INTx wire as level, command register and message interrupts say. */
void vt_pci_update_intx (VtPciFunction *fn);
/* Sends what became deliverable after a mask was lifted. */
void vt_pci_msix_flush (VtPciFunction *fn);
