/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Power management function of the Intel PIIX4, function 00:01.3: where in the I/O space the ACPI registers are.
 *
 * The registers themselves, and their interrupt, are a device of their own. */
#pragma once

#include "pci-function.h"

extern const VtDeviceClass vt_piix4_pm;

typedef struct
{
  VtPciPlace      place;       /* 00:01.3 */
  VtMem          *io;
  VtDevice       *pm;          /* nullable: the ACPI PM block's device, and its 64-byte region to map at PMBASE */
  const VtRegion *pm_region;
} VtPiix4PmConfig;
