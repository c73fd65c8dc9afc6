/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host bridge of the Intel 440FX chipset (82441FX PMC, Intel document 290549): what host bridges have in common
 * (host-bridge.h), and nothing else that a guest could notice. DRAM timing and row boundaries read as zeros. */
#include "i440fx.h"

#include "pci-bus.h"

enum
{
  PMC_PAM0  = 0x59,
  PMC_SMRAM = 0x72,
};

typedef struct
{
  VtPciState pci;
  uint32_t   config_address;
} I440fxState;

typedef struct
{
  VtHostBridge bridge;
  I440fxState  s;
} I440fx;

static const VtField i440fx_fields[] = {
  VT_PCI_FIELDS (I440fxState, pci),
  VT_FIELD (I440fxState, config_address),
};

static void
update_all (I440fx *pmc)
{
  vt_host_bridge_update_lock (&pmc->bridge);
  if (pmc->bridge.mem == NULL)
    return;
  vt_mem_begin (pmc->bridge.mem);
  vt_host_bridge_update_shadow (&pmc->bridge);
  vt_mem_commit (pmc->bridge.mem);
}

static void
config_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  if (off + size > PMC_PAM0 && off <= PMC_SMRAM)
    update_all ((I440fx *) fn);
}

static bool
i440fx_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  I440fx                    *pmc = (I440fx *) dev;
  VtPciFunction             *fn = &pmc->bridge.pci;
  const VtHostBridgeConfig  *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x1237, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x060000, .revision = 2 };
  if (!vt_pci_init (fn, env, &config->place, &identity, &pmc->s.pci, error))
    return false;
  pmc->bridge.config_address = &pmc->s.config_address;
  pmc->bridge.pam = PMC_PAM0;
  pmc->bridge.smram = PMC_SMRAM;
  fn->config_wrote = config_wrote;
  return vt_host_bridge_realize (&pmc->bridge, config, error);
}

static void
i440fx_settle (VtDevice *dev)
{
  I440fx *pmc = (I440fx *) dev;
  update_all (pmc);
  vt_pci_settle (&pmc->bridge.pci, false);
}

static bool
i440fx_check (VtDevice *dev, const void *incoming, GError **error)
{
  return vt_host_bridge_check (&((I440fx *) dev)->bridge, &((const I440fxState *) incoming)->pci, error);
}

static void
i440fx_finalize (VtDevice *dev)
{
  vt_host_bridge_finalize (&((I440fx *) dev)->bridge);
}

static const void *
i440fx_test_config (void)
{
  static VtHostBridgeConfig config;
  if (config.bus == NULL)
    config.bus = vt_pci_bus_new (NULL, NULL);   /* an empty bus for the configuration ports; lives as long as the test */
  return &config;
}

static const VtRegion *const i440fx_regions[] = { &vt_host_bridge_ports, NULL };

const VtDeviceClass vt_i440fx = {
  .name = "i440fx",
  .summary = "Intel 440FX host bridge",
  .instance_size = sizeof (I440fx),
  .state_off = offsetof (I440fx, s),
  .state = VT_STATE (1, I440fxState, i440fx_fields, NULL),
  .regions = i440fx_regions,
  .realize = i440fx_realize,
  .settle = i440fx_settle,
  .check = i440fx_check,
  .finalize = i440fx_finalize,
  .test_config = i440fx_test_config,
};
