/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host bridge of the Intel Q35 chipset (82Q35 GMCH, Intel document 316966).
 *
 * Configuration ports, the ECAM window, shadowing of the BIOS area (PAM) and SMRAM.  There is no system management
 * mode: SMRAM can be opened as plain memory (D_OPEN), and is closed otherwise. */
#include "q35-mch.h"

#include "pci-bus.h"
#include "trace-pci.h"

enum
{
  MCH_PCIEXBAR     = 0x60,   /* 64 bits */
  MCH_PAM0         = 0x90,
  MCH_PAMS         = 7,
  MCH_SMRAM        = 0x9d,
  MCH_ESMRAMC      = 0x9e,

  PCIEXBAR_ENABLE  = 1u << 0,
  PCIEXBAR_LENGTH  = 3u << 1,   /* 256, 128, 64 MiB */

  PAM_READ         = 1u << 0,   /* of each nibble */
  PAM_WRITE        = 1u << 1,

  SMRAM_OPEN       = 1u << 6,
  SMRAM_CLOSED     = 1u << 5,
  SMRAM_LOCK       = 1u << 4,
  SMRAM_ENABLE     = 1u << 3,
  SMRAM_BASE       = 2u,        /* read-only: 0xa0000 */

  ESMRAMC_WRITABLE = 0x87u,     /* H_SMRAME, TSEG_SZ, T_EN */
  ESMRAMC_FIXED    = 0x38u,     /* cacheability bits read as ones */

  CONFIG_ADDRESS   = 0,         /* offsets from port 0xcf8 */
  RESET_CONTROL    = 1,         /* 0xcf9: bytes only (ICH9, 13.7.5) */
  CONFIG_DATA      = 4,

  PAM_SEGMENTS     = 13,
};

typedef struct
{
  VtPciState pci;
  uint32_t   config_address;
} Q35MchState;

typedef struct
{
  VtPciFunction pci;
  Q35MchState   s;
  VtMem        *mem;
  VtPciBus     *bus;
  VtDevice     *reset;
  const VtRegion *reset_region;
  VtMapping    *ports, *hole, *smram;
  VtMapping    *shadow[PAM_SEGMENTS];
  VtMapping    *ecam;
  uint64_t      ecam_at;
  unsigned      ecam_kind;
} Q35Mch;

static const VtField q35_mch_fields[] = {
  VT_PCI_FIELDS (Q35MchState, pci),
  VT_FIELD (Q35MchState, config_address),
};

/* --- Configuration cycles ----------------------------------------------------------------------------------------- */

static uint64_t
ecam_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Q35Mch *mch = (Q35Mch *) dev;
  return vt_pci_bus_config_read (mch->bus, (uint8_t) (off >> 20), (uint8_t) (off >> 12), off & 0xfff, size);
}

static void
ecam_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Q35Mch *mch = (Q35Mch *) dev;
  vt_pci_bus_config_write (mch->bus, (uint8_t) (off >> 20), (uint8_t) (off >> 12), off & 0xfff, (uint32_t) value, size);
}

static const VtRegionOps ecam_ops = { .read = ecam_read, .write = ecam_write, .min_size = 1, .max_size = 4 };
/* By PCIEXBAR_LENGTH; the fourth value is reserved. */
static const VtRegion ecam_regions[] = {
  { "ecam", 256 * VT_MIB, &ecam_ops },
  { "ecam", 128 * VT_MIB, &ecam_ops },
  { "ecam", 64 * VT_MIB, &ecam_ops },
};

static bool
reset_access (const Q35Mch *mch, uint64_t off, unsigned size)
{
  return mch->reset != NULL && off == RESET_CONTROL && size == 1;
}

/* 0xcf8 is a register only for whole dwords; the bytes inside belong to others, of which 0xcf9 is the reset control. */
static uint64_t
ports_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Q35Mch *mch = (Q35Mch *) dev;
  if (off >= CONFIG_DATA)
    {
      uint32_t address = mch->s.config_address;
      if ((address >> 31) == 0)
        return vt_mask_bytes (size);
      return vt_pci_bus_config_read (mch->bus, (uint8_t) (address >> 16), (uint8_t) (address >> 8),
                                     (address & 0xfc) | (off & 3), size);
    }
  if (size == 4)
    return mch->s.config_address;
  return reset_access (mch, off, size) ? mch->reset_region->ops->read (mch->reset, 0, 1) : vt_mask_bytes (size);
}

static void
ports_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Q35Mch *mch = (Q35Mch *) dev;
  if (off >= CONFIG_DATA)
    {
      uint32_t address = mch->s.config_address;
      if ((address >> 31) != 0)
        vt_pci_bus_config_write (mch->bus, (uint8_t) (address >> 16), (uint8_t) (address >> 8),
                                 (address & 0xfc) | (off & 3), (uint32_t) value, size);
    }
  else if (size == 4)
    mch->s.config_address = (uint32_t) value & 0x80fffffcu;
  else if (reset_access (mch, off, size))
    mch->reset_region->ops->write (mch->reset, 0, value, 1);
}

static const VtRegionOps ports_ops = { .read = ports_read, .write = ports_write, .min_size = 1, .max_size = 4 };
static const VtRegion    ports_region = { "pci-config", 8, &ports_ops };

/* --- Mappings from registers -------------------------------------------------------------------------------------- */

static void
update_ecam (Q35Mch *mch)
{
  uint32_t low = vt_pci_config_get (&mch->pci, MCH_PCIEXBAR, 4);
  uint32_t high = vt_pci_config_get (&mch->pci, MCH_PCIEXBAR + 4, 4);
  unsigned kind = (low & PCIEXBAR_LENGTH) >> 1;
  bool     on = (low & PCIEXBAR_ENABLE) != 0 && kind < G_N_ELEMENTS (ecam_regions);
  uint64_t at = on ? (low | (uint64_t) high << 32) & ~(ecam_regions[kind].length - 1) : 0;
  if (mch->ecam != NULL && (!on || at != mch->ecam_at || kind != mch->ecam_kind))
    vt_mem_unmap (g_steal_pointer (&mch->ecam));
  if (on && mch->ecam == NULL)
    mch->ecam
        = vt_mem_map_io (mch->mem, &mch->pci.dev, &ecam_regions[kind], VT_GPA (at), VT_PCI_PRIORITY_BAR - 1, NULL);
  mch->ecam_at = at;
  mch->ecam_kind = kind;
  trace_mch_ecam (at, on);
}

/* PAM0 has only its high nibble: 0xf0000. PAM1..6 hold two 16 KiB segments each, from 0xc0000. */
static unsigned
pam_nibble (const Q35Mch *mch, unsigned segment)
{
  if (segment == PAM_SEGMENTS - 1)
    return vt_pci_config_get (&mch->pci, MCH_PAM0, 1) >> 4;
  return vt_pci_config_get (&mch->pci, MCH_PAM0 + 1 + segment / 2, 1) >> (4 * (segment % 2));
}

static void
update_shadow (Q35Mch *mch)
{
  for (unsigned i = 0; i < PAM_SEGMENTS; i++)
    {
      if (mch->shadow[i] == NULL)
        continue;
      unsigned pam = pam_nibble (mch, i);
      trace_mch_pam (i, pam & PAM_READ, (pam & PAM_WRITE) != 0);
      vt_mapping_set_access (mch->shadow[i], pam & PAM_READ ? VT_ACCESS_RAM : VT_ACCESS_NONE,
                             pam & PAM_WRITE ? VT_ACCESS_RAM : VT_ACCESS_NONE);
    }
  unsigned smram = vt_pci_config_get (&mch->pci, MCH_SMRAM, 1);
  if (mch->smram != NULL)
    vt_mapping_set_enabled (mch->smram, (smram & SMRAM_OPEN) != 0 && (smram & SMRAM_ENABLE) != 0);
}

/* Once locked, the SMRAM registers stay as they are until a reset, and SMRAM is closed (section 5.1.31). */
static void
update_smram_lock (Q35Mch *mch)
{
  unsigned smram = vt_pci_config_get (&mch->pci, MCH_SMRAM, 1);
  bool     locked = (smram & SMRAM_LOCK) != 0;
  if (locked)
    mch->s.pci.config[MCH_SMRAM] &= (uint8_t) ~SMRAM_OPEN;
  vt_pci_allow (&mch->pci, MCH_SMRAM, 1,
                locked ? SMRAM_CLOSED : SMRAM_OPEN | SMRAM_CLOSED | SMRAM_LOCK | SMRAM_ENABLE);
  vt_pci_allow (&mch->pci, MCH_ESMRAMC, 1, locked ? 0 : ESMRAMC_WRITABLE);
}

static void
update_all (Q35Mch *mch)
{
  if (mch->mem == NULL)
    return;
  vt_mem_begin (mch->mem);
  update_ecam (mch);
  update_smram_lock (mch);
  update_shadow (mch);
  vt_mem_commit (mch->mem);
}

static void
config_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  Q35Mch *mch = (Q35Mch *) fn;
  if ((off & ~7u) == MCH_PCIEXBAR || (off >= MCH_PAM0 && off <= MCH_ESMRAMC) || off + size > MCH_SMRAM)
    update_all (mch);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
map_shadow (Q35Mch *mch, VtRam *ram, GError **error)
{
  for (unsigned i = 0; i < PAM_SEGMENTS; i++)
    {
      uint64_t at = 0xc0000 + i * UINT64_C (0x4000), len = i == PAM_SEGMENTS - 1 ? 0x10000 : 0x4000;
      mch->shadow[i] = vt_mem_map_ram (mch->mem, ram, at, VT_GPA (at), len, VT_Q35_PRIORITY_SHADOW, VT_ACCESS_NONE,
                                       VT_ACCESS_NONE, error);
      if (mch->shadow[i] == NULL)
        return false;
    }
  mch->smram = vt_mem_map_ram (mch->mem, ram, 0xa0000, VT_GPA (0xa0000), 0x20000, VT_Q35_PRIORITY_SHADOW, VT_ACCESS_RAM,
                               VT_ACCESS_RAM, error);
  if (mch->smram == NULL)
    return false;
  /* What is not RAM and nobody claims: the same RAM, but answering nothing. */
  mch->hole = vt_mem_map_ram (mch->mem, ram, 0xa0000, VT_GPA (0xa0000), 0x60000, VT_Q35_PRIORITY_HOLE, VT_ACCESS_IGNORE,
                              VT_ACCESS_IGNORE, error);
  return mch->hole != NULL;
}

static bool
map_all (Q35Mch *mch, const VtQ35MchConfig *config, GError **error)
{
  mch->ports = vt_mem_map_io (config->io, &mch->pci.dev, &ports_region, VT_GPA (0xcf8), 0, error);
  if (mch->ports == NULL)
    return false;
  vt_mem_begin (mch->mem);
  bool ok = map_shadow (mch, config->low_ram, error);
  vt_mem_commit (mch->mem);
  return ok;
}

static bool
q35_mch_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Q35Mch               *mch = (Q35Mch *) dev;
  const VtQ35MchConfig *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x29c0, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x060000 };
  if (!vt_pci_init (&mch->pci, env, &config->place, &identity, &mch->s.pci, error))
    return false;
  mch->bus = config->bus;
  mch->reset = config->reset;
  mch->reset_region = config->reset_region;
  vt_pci_allow (&mch->pci, MCH_PCIEXBAR, 4, 0xfc000000u | PCIEXBAR_LENGTH | PCIEXBAR_ENABLE);
  vt_pci_allow (&mch->pci, MCH_PCIEXBAR + 4, 4, 0xfu);
  vt_pci_allow (&mch->pci, MCH_PAM0, 1, 0x30);
  for (unsigned i = 1; i < MCH_PAMS; i++)
    vt_pci_allow (&mch->pci, MCH_PAM0 + i, 1, 0x33);
  vt_pci_set_fixed (&mch->pci, MCH_SMRAM, 1, SMRAM_BASE);
  vt_pci_set_fixed (&mch->pci, MCH_ESMRAMC, 1, ESMRAMC_FIXED);
  mch->pci.config_wrote = config_wrote;
  if (config->mem == NULL)
    return true;   /* the generic tests: registers only */
  mch->mem = config->mem;
  return map_all (mch, config, error);
}

static void
q35_mch_settle (VtDevice *dev)
{
  Q35Mch *mch = (Q35Mch *) dev;
  update_smram_lock (mch);
  update_all (mch);
  vt_pci_settle (&mch->pci, false);
}

static bool
q35_mch_check (VtDevice *dev, const void *incoming, GError **error)
{
  Q35Mch            *mch = (Q35Mch *) dev;
  const Q35MchState *s = incoming;
  /* Locked or not now, both are possible in the stream. */
  VtPciFunction *fn = &mch->pci;
  vt_pci_allow (fn, MCH_SMRAM, 1, SMRAM_OPEN | SMRAM_CLOSED | SMRAM_LOCK | SMRAM_ENABLE);
  vt_pci_allow (fn, MCH_ESMRAMC, 1, ESMRAMC_WRITABLE);
  bool ok = vt_pci_check (fn, &s->pci, error);
  update_smram_lock (mch);
  return ok;
}

static void
q35_mch_finalize (VtDevice *dev)
{
  Q35Mch *mch = (Q35Mch *) dev;
  g_clear_pointer (&mch->ports, vt_mem_unmap);
  g_clear_pointer (&mch->hole, vt_mem_unmap);
  g_clear_pointer (&mch->smram, vt_mem_unmap);
  g_clear_pointer (&mch->ecam, vt_mem_unmap);
  for (unsigned i = 0; i < PAM_SEGMENTS; i++)
    g_clear_pointer (&mch->shadow[i], vt_mem_unmap);
  vt_pci_finalize (&mch->pci);
}

static const void *
q35_mch_test_config (void)
{
  static VtQ35MchConfig config;
  if (config.bus == NULL)
    config.bus = vt_pci_bus_new (NULL, NULL); /* an empty bus for the configuration ports; lives as long as the test */
  return &config;
}

static const VtRegion *const q35_mch_regions[] = { &ports_region, NULL };

const VtDeviceClass vt_q35_mch = {
  .name = "q35-mch",
  .summary = "Intel Q35 host bridge",
  .instance_size = sizeof (Q35Mch),
  .state_off = offsetof (Q35Mch, s),
  .state = VT_STATE (1, Q35MchState, q35_mch_fields, NULL),
  .regions = q35_mch_regions,
  .realize = q35_mch_realize,
  .settle = q35_mch_settle,
  .check = q35_mch_check,
  .finalize = q35_mch_finalize,
  .test_config = q35_mch_test_config,
};
