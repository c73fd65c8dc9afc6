/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Power management function of the Intel PIIX4 (82371AB, Intel document 290562, chapter 7). Its SMBus controller is not
 * there: the base address reads as zero.
 *
 * DEVACTB says that firmware has set up SMIs for APM already, which is how it learns not to: there is no system management
 * mode. */
#include "piix4-pm.h"

#include "pci-bus.h"

enum
{
  PM_PMBASE     = 0x40,
  PM_DEVACTB    = 0x58,
  PM_PMREGMISC  = 0x80,

  PMBASE_IO     = 1u << 0,
  PMBASE_ADDRESS = 0xffc0u,
  DEVACTB_APMC  = 1u << 25,
  PMREGMISC_ON  = 1u << 0,

  PRIORITY_PM   = -1,      /* fixed devices win when a guest puts this on top of them */
};

typedef struct
{
  VtPciState pci;
} Piix4PmState;

typedef struct
{
  VtPciFunction   pci;
  Piix4PmState    s;
  VtMem          *io;
  VtDevice       *pm;
  const VtRegion *pm_region;
  VtMapping      *mapping;
  uint32_t        at;
} Piix4Pm;

static const VtField piix4_pm_fields[] = { VT_PCI_FIELDS (Piix4PmState, pci) };

static void
update_mapping (Piix4Pm *pm)
{
  bool     on = (vt_pci_config_get (&pm->pci, PM_PMREGMISC, 1) & PMREGMISC_ON) != 0;
  uint32_t at = vt_pci_config_get (&pm->pci, PM_PMBASE, 4) & PMBASE_ADDRESS;
  if (pm->io == NULL || pm->pm == NULL)
    return;
  if (pm->mapping != NULL && (!on || at != pm->at))
    vt_mem_unmap (g_steal_pointer (&pm->mapping));
  if (on && pm->mapping == NULL)
    pm->mapping = vt_mem_map_io (pm->io, pm->pm, pm->pm_region, VT_GPA (at), PRIORITY_PM, NULL);
  pm->at = at;
}

static void
config_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  if (off >= PM_PMBASE)
    update_mapping ((Piix4Pm *) fn);
}

static bool
piix4_pm_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Piix4Pm                   *pm = (Piix4Pm *) dev;
  VtPciFunction             *fn = &pm->pci;
  const VtPiix4PmConfig     *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x7113, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x068000, .revision = 3, .interrupt_pin = 1 };
  if (!vt_pci_init (fn, env, &config->place, &identity, &pm->s.pci, error))
    return false;
  pm->io = config->io;
  pm->pm = config->pm;
  pm->pm_region = config->pm_region;
  fn->config_wrote = config_wrote;
  vt_pci_set_fixed (fn, PM_PMBASE, 4, PMBASE_IO);
  vt_pci_allow (fn, PM_PMBASE, 4, PMBASE_ADDRESS);
  vt_pci_set_fixed (fn, PM_DEVACTB, 4, DEVACTB_APMC);
  vt_pci_allow (fn, PM_PMREGMISC, 1, PMREGMISC_ON);
  return true;
}

static void
piix4_pm_settle (VtDevice *dev)
{
  Piix4Pm *pm = (Piix4Pm *) dev;
  vt_pci_settle (&pm->pci, false);
  update_mapping (pm);
}

static bool
piix4_pm_check (VtDevice *dev, const void *incoming, GError **error)
{
  return vt_pci_check ((VtPciFunction *) dev, &((const Piix4PmState *) incoming)->pci, error);
}

static void
piix4_pm_finalize (VtDevice *dev)
{
  Piix4Pm *pm = (Piix4Pm *) dev;
  g_clear_pointer (&pm->mapping, vt_mem_unmap);
  vt_pci_finalize (&pm->pci);
}

static const void *
piix4_pm_test_config (void)
{
  static const VtPiix4PmConfig config;
  return &config;
}

const VtDeviceClass vt_piix4_pm = {
  .name = "piix4-pm",
  .summary = "Intel PIIX4 power management",
  .instance_size = sizeof (Piix4Pm),
  .state_off = offsetof (Piix4Pm, s),
  .state = VT_STATE (1, Piix4PmState, piix4_pm_fields, NULL),
  .realize = piix4_pm_realize,
  .settle = piix4_pm_settle,
  .check = piix4_pm_check,
  .finalize = piix4_pm_finalize,
  .test_config = piix4_pm_test_config,
};
