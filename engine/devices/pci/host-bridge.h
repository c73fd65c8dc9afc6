/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What PC host bridges have in common: the configuration ports, shadowing of the BIOS area (PAM) and SMRAM.
 *
 * A bridge maps by itself: ports 0xcf8-0xcff, and the legacy area 0xa0000-0xfffff, where accesses go to the PCI side
 * (nothing there: ignored) unless PAM or SMRAM turns a piece into RAM.  The machine maps RAM at VT_HOST_PRIORITY_RAM over
 * the whole low range, and the BIOS copy below 1 MiB at VT_HOST_PRIORITY_BIOS.
 *
 * SMRAM can be opened as plain memory (D_OPEN); what processors see of it in system management mode, q35-smram.h says. */
#pragma once

#include "pci-function.h"

enum
{
  VT_HOST_PRIORITY_RAM    = 0,
  VT_HOST_PRIORITY_HOLE   = 1,   /* 0xa0000-0xfffff as the PCI side sees it: empty */
  VT_HOST_PRIORITY_BIOS   = 2,   /* BIOS ROM alias 0xe0000-0xfffff, and the VGA window */
  VT_HOST_PRIORITY_SHADOW = 3,   /* RAM through PAM and SMRAM */

  VT_HOST_PAM_SEGMENTS = 13,
  VT_HOST_PAM_REGISTERS = 7,

  VT_SMRAM_OPEN = 1u << 6, VT_SMRAM_CLOSED = 1u << 5, VT_SMRAM_LOCK = 1u << 4, VT_SMRAM_ENABLE = 1u << 3,
};

typedef struct
{
  VtPciPlace place;     /* 00:00.0 */
  VtMem     *mem;
  VtMem     *io;
  VtRam     *low_ram;   /* at least 1 MiB, mapped at 0 by the machine */
  VtMem     *smm_mem;   /* Q35: overlay of mem, seen in system management mode; NULL: there is none */
  unsigned   tseg_mib;  /* of TSEG where the guest leaves its size to the machine; with smm_mem */
  VtPciBus  *bus;       /* configuration cycles go here */
  /* Nullable: the reset control register. Port 0xcf9 lies inside the dword port 0xcf8, so byte accesses there come here
   * first and are handed on to offset 0 of this region. */
  VtDevice       *reset;
  const VtRegion *reset_region;
} VtHostBridgeConfig;

/* The instance of a host bridge begins with this. */
typedef struct
{
  VtPciFunction   pci;
  uint32_t       *config_address;   /* in the bridge's state block */
  uint8_t         pam, smram;       /* offsets of PAM0 and of the SMRAM register */
  VtMem          *mem;
  VtPciBus       *bus;
  VtDevice       *reset;
  const VtRegion *reset_region;
  VtMapping      *ports, *hole, *open_smram;
  VtMapping      *shadow[VT_HOST_PAM_SEGMENTS];
} VtHostBridge;

/* The configuration ports, for the class's list of regions. */
extern const VtRegion vt_host_bridge_ports;

/* After vt_pci_init(), with the four members before `mem` set. Without memory (generic tests) nothing is mapped. */
bool vt_host_bridge_realize (VtHostBridge *bridge, const VtHostBridgeConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Derives which bits of SMRAM are writable from the register. True: it is locked. */
bool vt_host_bridge_update_lock (VtHostBridge *bridge);
/* Derives the mappings from PAM and SMRAM. */
void vt_host_bridge_update_shadow (VtHostBridge *bridge);
bool vt_host_bridge_check (VtHostBridge *bridge, const VtPciState *incoming, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vt_host_bridge_finalize (VtHostBridge *bridge);
