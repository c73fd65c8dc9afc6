/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host bridge of the Intel Q35 chipset, function 00:00.0.
 *
 * It maps by itself: ports 0xcf8-0xcff, the ECAM window (PCIEXBAR), and the legacy area 0xa0000-0xfffff, where
 * accesses go to the PCI side (nothing there: ignored) unless PAM or SMRAM turns a piece into RAM.  The machine maps
 * RAM at VT_Q35_PRIORITY_RAM over the whole low range, and the BIOS copy below 1 MiB at VT_Q35_PRIORITY_BIOS. */
#pragma once

#include "pci-function.h"

extern const VtDeviceClass vt_q35_mch;

enum
{
  VT_Q35_PRIORITY_RAM    = 0,
  VT_Q35_PRIORITY_HOLE   = 1,   /* 0xa0000-0xfffff as the PCI side sees it: empty */
  VT_Q35_PRIORITY_BIOS   = 2,   /* BIOS ROM alias 0xe0000-0xfffff, and the VGA window */
  VT_Q35_PRIORITY_SHADOW = 3,   /* RAM through PAM and SMRAM */
};

typedef struct
{
  VtPciPlace place;     /* 00:00.0 */
  VtMem     *mem;
  VtMem     *io;
  VtRam     *low_ram;   /* at least 1 MiB, mapped at 0 by the machine */
  VtPciBus  *bus;       /* configuration cycles go here */
  /* Nullable: the reset control register. Port 0xcf9 lies inside the dword port 0xcf8, so byte accesses there come here
   * first and are handed on to offset 0 of this region. */
  VtDevice       *reset;
  const VtRegion *reset_region;
} VtQ35MchConfig;
