/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host bridge of the Intel Q35 chipset (82Q35 GMCH, Intel document 316966): the ECAM window, and what host bridges have in
 * common (host-bridge.h). */
#include "q35-mch.h"

#include "pci-bus.h"
#include "q35-smram.h"
#include "trace-pci.h"

enum
{
  MCH_EXT_TSEG     = 0x50,   /* 16 bits, of virtual machines only: says how large TSEG can be, in MiB, after EXT_TSEG_QUERY */
  MCH_PCIEXBAR     = 0x60,   /* 64 bits */
  MCH_PAM0         = 0x90,
  MCH_SMRAM        = 0x9d,
  MCH_ESMRAMC      = 0x9e,
  MCH_GBSM         = 0xa4,   /* bases of graphics' stolen memory, of its page table, and of TSEG: 32 bits, where firmware ... */
  MCH_BGSM         = 0xa8,
  MCH_TSEGMB       = 0xac,   /* ... notes what it knows: there is no such graphics, and TSEG is always the end of RAM */
  BASE_MIB         = 0xfff00000u,

  PCIEXBAR_ENABLE  = 1u << 0,
  PCIEXBAR_LENGTH  = 3u << 1,   /* 256, 128, 64 MiB */

  EXT_TSEG_QUERY   = 0xffffu,

  ESMRAMC_WRITABLE = VT_ESMRAMC_H_SMRAME | VT_ESMRAMC_TSEG_SZ | VT_ESMRAMC_T_EN,
  ESMRAMC_FIXED    = 0x38u,     /* cacheability bits read as ones */
};

typedef struct
{
  VtPciState pci;
  uint32_t   config_address;
} Q35MchState;

typedef struct
{
  VtHostBridge bridge;
  Q35MchState  s;
  VtMapping   *ecam;
  uint64_t     ecam_at;
  unsigned     ecam_kind;
  VtSmram      smram;        /* .smm_mem NULL: no system management mode */
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
  return vt_pci_bus_config_read (mch->bridge.bus, (uint8_t) (off >> 20), (uint8_t) (off >> 12), off & 0xfff, size);
}

static void
ecam_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Q35Mch *mch = (Q35Mch *) dev;
  vt_pci_bus_config_write (mch->bridge.bus, (uint8_t) (off >> 20), (uint8_t) (off >> 12), off & 0xfff, (uint32_t) value, size);
}

static const VtRegionOps ecam_ops = { .read = ecam_read, .write = ecam_write, .min_size = 1, .max_size = 4 };
/* By PCIEXBAR_LENGTH; the fourth value is reserved. */
static const VtRegion ecam_regions[] = {
  { "ecam", 256 * VT_MIB, &ecam_ops },
  { "ecam", 128 * VT_MIB, &ecam_ops },
  { "ecam", 64 * VT_MIB, &ecam_ops },
};

/* --- Mappings from registers -------------------------------------------------------------------------------------- */

static void
update_ecam (Q35Mch *mch)
{
  uint32_t low = vt_pci_config_get (&mch->bridge.pci, MCH_PCIEXBAR, 4);
  uint32_t high = vt_pci_config_get (&mch->bridge.pci, MCH_PCIEXBAR + 4, 4);
  unsigned kind = (low & PCIEXBAR_LENGTH) >> 1;
  bool     on = (low & PCIEXBAR_ENABLE) != 0 && kind < G_N_ELEMENTS (ecam_regions);
  uint64_t at = on ? (low | (uint64_t) high << 32) & ~(ecam_regions[kind].length - 1) : 0;
  if (mch->ecam != NULL && (!on || at != mch->ecam_at || kind != mch->ecam_kind))
    vt_mem_unmap (g_steal_pointer (&mch->ecam));
  if (on && mch->ecam == NULL)
    mch->ecam
        = vt_mem_map_io (mch->bridge.mem, &mch->bridge.pci.dev, &ecam_regions[kind], VT_GPA (at), VT_PCI_PRIORITY_BAR - 1, NULL);
  mch->ecam_at = at;
  mch->ecam_kind = kind;
  trace_mch_ecam (at, on);
}

static void
update_lock (Q35Mch *mch)
{
  bool locked = vt_host_bridge_update_lock (&mch->bridge);
  vt_pci_allow (&mch->bridge.pci, MCH_ESMRAMC, 1, locked ? 0 : ESMRAMC_WRITABLE);
  if (mch->smram.smm_mem != NULL)
    vt_pci_allow (&mch->bridge.pci, MCH_TSEGMB, 4, locked ? 0 : BASE_MIB);
}

static void
update_smram (Q35Mch *mch)
{
  bool enabled = (vt_pci_config_get (&mch->bridge.pci, MCH_SMRAM, 1) & VT_SMRAM_ENABLE) != 0;
  if (mch->smram.smm_mem != NULL)
    vt_smram_update (&mch->smram, enabled, vt_pci_config_get (&mch->bridge.pci, MCH_ESMRAMC, 1));
}

static void
answer_tseg_query (Q35Mch *mch)
{
  if (mch->smram.smm_mem != NULL && vt_pci_config_get (&mch->bridge.pci, MCH_EXT_TSEG, 2) == EXT_TSEG_QUERY)
    vt_store_le (mch->s.pci.config + MCH_EXT_TSEG, mch->smram.tseg_mib, 2);
}

static void
update_all (Q35Mch *mch)
{
  update_lock (mch);
  if (mch->bridge.mem == NULL)
    return;
  vt_mem_begin (mch->bridge.mem);
  update_ecam (mch);
  vt_host_bridge_update_shadow (&mch->bridge);
  update_smram (mch);
  vt_mem_commit (mch->bridge.mem);
}

static void
config_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  Q35Mch *mch = (Q35Mch *) fn;
  if ((off & ~7u) == MCH_PCIEXBAR || (off >= MCH_PAM0 && off <= MCH_ESMRAMC) || off + size > MCH_SMRAM)
    update_all (mch);
  if (off < MCH_EXT_TSEG + 2 && off + size > MCH_EXT_TSEG)
    answer_tseg_query (mch);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
q35_mch_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Q35Mch                    *mch = (Q35Mch *) dev;
  VtPciFunction             *fn = &mch->bridge.pci;
  const VtHostBridgeConfig  *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x29c0, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x060000 };
  if (!vt_pci_init (fn, env, &config->place, &identity, &mch->s.pci, error))
    return false;
  mch->bridge.config_address = &mch->s.config_address;
  mch->bridge.pam = MCH_PAM0;
  mch->bridge.smram = MCH_SMRAM;
  vt_pci_allow (fn, MCH_PCIEXBAR, 4, 0xfc000000u | PCIEXBAR_LENGTH | PCIEXBAR_ENABLE);
  vt_pci_allow (fn, MCH_PCIEXBAR + 4, 4, 0xfu);
  vt_pci_set_fixed (fn, MCH_ESMRAMC, 1, ESMRAMC_FIXED);
  fn->config_wrote = config_wrote;
  if (!vt_host_bridge_realize (&mch->bridge, config, error))
    return false;
  mch->smram = (VtSmram) { .mem = config->mem, .smm_mem = config->smm_mem, .ram = config->low_ram, .tseg_mib = config->tseg_mib };
  if (config->smm_mem == NULL)
    return true;
  vt_pci_allow (fn, MCH_EXT_TSEG, 2, 0xffff);
  vt_pci_allow (fn, MCH_GBSM, 4, BASE_MIB);
  vt_pci_allow (fn, MCH_BGSM, 4, BASE_MIB);
  vt_pci_allow (fn, MCH_TSEGMB, 4, BASE_MIB);
  return vt_smram_realize (&mch->smram, error);
}

static void
q35_mch_settle (VtDevice *dev)
{
  Q35Mch *mch = (Q35Mch *) dev;
  update_all (mch);
  vt_pci_settle (&mch->bridge.pci, false);
}

static bool
q35_mch_check (VtDevice *dev, const void *incoming, GError **error)
{
  Q35Mch            *mch = (Q35Mch *) dev;
  const Q35MchState *s = incoming;
  vt_pci_allow (&mch->bridge.pci, MCH_ESMRAMC, 1, ESMRAMC_WRITABLE);
  if (mch->smram.smm_mem != NULL)
    vt_pci_allow (&mch->bridge.pci, MCH_TSEGMB, 4, BASE_MIB);
  bool ok = vt_host_bridge_check (&mch->bridge, &s->pci, error);
  update_lock (mch);
  return ok;
}

static void
q35_mch_finalize (VtDevice *dev)
{
  Q35Mch *mch = (Q35Mch *) dev;
  g_clear_pointer (&mch->ecam, vt_mem_unmap);
  vt_smram_finalize (&mch->smram);
  vt_host_bridge_finalize (&mch->bridge);
}

static const void *
q35_mch_test_config (void)
{
  static VtHostBridgeConfig config;
  if (config.bus == NULL)
    config.bus = vt_pci_bus_new (NULL, NULL); /* an empty bus for the configuration ports; lives as long as the test */
  return &config;
}

static const VtRegion *const q35_mch_regions[] = { &vt_host_bridge_ports, NULL };

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
