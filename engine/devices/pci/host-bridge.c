/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration ports, PAM and SMRAM: the same in Intel's 440FX (290549) and Q35 (316966), at other places. */
#include "host-bridge.h"

#include "pci-bus.h"
#include "trace-pci.h"

enum
{
  PAM_READ         = 1u << 0,   /* of each nibble */
  PAM_WRITE        = 1u << 1,

  SMRAM_BASE       = 2u,        /* read-only: 0xa0000 */

  CONFIG_ADDRESS   = 0,         /* offsets from port 0xcf8 */
  RESET_CONTROL    = 1,         /* 0xcf9: bytes only (ICH9, 13.7.5) */
  CONFIG_DATA      = 4,
};

/* --- Configuration ports ------------------------------------------------------------------------------------------ */

static bool
reset_access (const VtHostBridge *bridge, uint64_t off, unsigned size)
{
  return bridge->reset != NULL && off == RESET_CONTROL && size == 1;
}

/* 0xcf8 is a register only for whole dwords; the bytes inside belong to others, of which 0xcf9 is the reset control. */
static uint64_t
ports_read (VtDevice *dev, uint64_t off, unsigned size)
{
  VtHostBridge *bridge = (VtHostBridge *) dev;
  if (off >= CONFIG_DATA)
    {
      uint32_t address = *bridge->config_address;
      if ((address >> 31) == 0)
        return vt_mask_bytes (size);
      return vt_pci_bus_config_read (bridge->bus, (uint8_t) (address >> 16), (uint8_t) (address >> 8),
                                     (address & 0xfc) | (off & 3), size);
    }
  if (size == 4)
    return *bridge->config_address;
  return reset_access (bridge, off, size) ? bridge->reset_region->ops->read (bridge->reset, 0, 1) : vt_mask_bytes (size);
}

static void
ports_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  VtHostBridge *bridge = (VtHostBridge *) dev;
  if (off >= CONFIG_DATA)
    {
      uint32_t address = *bridge->config_address;
      if ((address >> 31) != 0)
        vt_pci_bus_config_write (bridge->bus, (uint8_t) (address >> 16), (uint8_t) (address >> 8),
                                 (address & 0xfc) | (off & 3), (uint32_t) value, size);
    }
  else if (size == 4)
    *bridge->config_address = (uint32_t) value & 0x80fffffcu;
  else if (reset_access (bridge, off, size))
    bridge->reset_region->ops->write (bridge->reset, 0, value, 1);
}

static const VtRegionOps ports_ops = { .read = ports_read, .write = ports_write, .min_size = 1, .max_size = 4 };
const VtRegion vt_host_bridge_ports = { "pci-config", 8, &ports_ops };

/* --- Mappings from registers -------------------------------------------------------------------------------------- */

/* PAM0 has only its high nibble: 0xf0000. PAM1..6 hold two 16 KiB segments each, from 0xc0000. */
static unsigned
pam_nibble (const VtHostBridge *bridge, unsigned segment)
{
  if (segment == VT_HOST_PAM_SEGMENTS - 1)
    return vt_pci_config_get (&bridge->pci, bridge->pam, 1) >> 4;
  return vt_pci_config_get (&bridge->pci, bridge->pam + 1 + segment / 2, 1) >> (4 * (segment % 2));
}

void
vt_host_bridge_update_shadow (VtHostBridge *bridge)
{
  for (unsigned i = 0; i < VT_HOST_PAM_SEGMENTS; i++)
    {
      if (bridge->shadow[i] == NULL)
        continue;
      unsigned pam = pam_nibble (bridge, i);
      trace_host_pam (i, pam & PAM_READ, (pam & PAM_WRITE) != 0);
      vt_mapping_set_access (bridge->shadow[i], pam & PAM_READ ? VT_ACCESS_RAM : VT_ACCESS_NONE,
                             pam & PAM_WRITE ? VT_ACCESS_RAM : VT_ACCESS_NONE);
    }
  unsigned smram = vt_pci_config_get (&bridge->pci, bridge->smram, 1);
  if (bridge->open_smram != NULL)
    vt_mapping_set_enabled (bridge->open_smram, (smram & VT_SMRAM_OPEN) != 0 && (smram & VT_SMRAM_ENABLE) != 0);
}

/* Once locked, the SMRAM register stays as it is until a reset, and SMRAM is closed (Q35, 5.1.31). */
bool
vt_host_bridge_update_lock (VtHostBridge *bridge)
{
  bool locked = (vt_pci_config_get (&bridge->pci, bridge->smram, 1) & VT_SMRAM_LOCK) != 0;
  if (locked)
    bridge->pci.s->config[bridge->smram] &= (uint8_t) ~VT_SMRAM_OPEN;
  vt_pci_allow (&bridge->pci, bridge->smram, 1,
                locked ? VT_SMRAM_CLOSED : VT_SMRAM_OPEN | VT_SMRAM_CLOSED | VT_SMRAM_LOCK | VT_SMRAM_ENABLE);
  return locked;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
map_shadow (VtHostBridge *bridge, VtRam *ram, GError **error)
{
  for (unsigned i = 0; i < VT_HOST_PAM_SEGMENTS; i++)
    {
      uint64_t at = 0xc0000 + i * UINT64_C (0x4000), len = i == VT_HOST_PAM_SEGMENTS - 1 ? 0x10000 : 0x4000;
      bridge->shadow[i] = vt_mem_map_ram (bridge->mem, ram, at, VT_GPA (at), len, VT_HOST_PRIORITY_SHADOW, VT_ACCESS_NONE,
                                          VT_ACCESS_NONE, error);
      if (bridge->shadow[i] == NULL)
        return false;
    }
  bridge->open_smram = vt_mem_map_ram (bridge->mem, ram, 0xa0000, VT_GPA (0xa0000), 0x20000, VT_HOST_PRIORITY_SHADOW,
                                       VT_ACCESS_RAM, VT_ACCESS_RAM, error);
  if (bridge->open_smram == NULL)
    return false;
  /* What is not RAM and nobody claims: the same RAM, but answering nothing. */
  bridge->hole = vt_mem_map_ram (bridge->mem, ram, 0xa0000, VT_GPA (0xa0000), 0x60000, VT_HOST_PRIORITY_HOLE,
                                 VT_ACCESS_IGNORE, VT_ACCESS_IGNORE, error);
  return bridge->hole != NULL;
}

bool
vt_host_bridge_realize (VtHostBridge *bridge, const VtHostBridgeConfig *config, GError **error)
{
  VtPciFunction *fn = &bridge->pci;
  bridge->bus = config->bus;
  bridge->reset = config->reset;
  bridge->reset_region = config->reset_region;
  vt_pci_allow (fn, bridge->pam, 1, 0x30);
  for (unsigned i = 1; i < VT_HOST_PAM_REGISTERS; i++)
    vt_pci_allow (fn, bridge->pam + i, 1, 0x33);
  vt_pci_set_fixed (fn, bridge->smram, 1, SMRAM_BASE);
  if (config->mem == NULL)
    return true;   /* the generic tests: registers only */
  bridge->mem = config->mem;
  bridge->ports = vt_mem_map_io (config->io, &fn->dev, &vt_host_bridge_ports, VT_GPA (0xcf8), 0, error);
  if (bridge->ports == NULL)
    return false;
  vt_mem_begin (bridge->mem);
  bool ok = map_shadow (bridge, config->low_ram, error);
  vt_mem_commit (bridge->mem);
  return ok;
}

bool
vt_host_bridge_check (VtHostBridge *bridge, const VtPciState *incoming, GError **error)
{
  /* Locked or not now, both are possible in the stream. */
  vt_pci_allow (&bridge->pci, bridge->smram, 1, VT_SMRAM_OPEN | VT_SMRAM_CLOSED | VT_SMRAM_LOCK | VT_SMRAM_ENABLE);
  bool ok = vt_pci_check (&bridge->pci, incoming, error);
  vt_host_bridge_update_lock (bridge);
  return ok;
}

void
vt_host_bridge_finalize (VtHostBridge *bridge)
{
  g_clear_pointer (&bridge->ports, vt_mem_unmap);
  g_clear_pointer (&bridge->hole, vt_mem_unmap);
  g_clear_pointer (&bridge->open_smram, vt_mem_unmap);
  for (unsigned i = 0; i < VT_HOST_PAM_SEGMENTS; i++)
    g_clear_pointer (&bridge->shadow[i], vt_mem_unmap);
  vt_pci_finalize (&bridge->pci);
}
