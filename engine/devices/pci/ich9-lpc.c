/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ISA (LPC) bridge of the Intel ICH9 (document 316972, chapter 13): PIRQ steering, ACPI base, root complex
 * registers. */
#include "ich9-lpc.h"

#include "pci-bus.h"
#include "pirq.h"
#include "trace-pci.h"

enum
{
  LPC_PMBASE         = 0x40,
  LPC_ACPI_CNTL      = 0x44,
  LPC_GPIOBASE       = 0x48,
  LPC_GPIO_CNTL      = 0x4c,
  LPC_PIRQA_ROUT     = 0x60,   /* A..D */
  LPC_SIRQ_CNTL      = 0x64,
  LPC_PIRQE_ROUT     = 0x68,   /* E..H */
  LPC_IO_DEC         = 0x80,   /* decode ranges 0x80..0x93: kept, without effect */
  LPC_GEN_PMCON_1    = 0xa0,
  LPC_GEN_PMCON_LOCK = 0xa6,
  LPC_BIOS_CNTL      = 0xdc,
  LPC_RCBA           = 0xf0,

  GEN_PMCON_WRITABLE = 0x0dbbu,
  GEN_PMCON_SMI_LOCK = 1u << 4,
  ACPI_CNTL_ENABLE   = 1u << 7,
  ACPI_CNTL_SCI      = 7u,
  BIOS_CNTL_WRITABLE = 0x0fu,   /* BIOSWE, BLE, prefetch */
  RCBA_ENABLE        = 1u << 0,

  RCBA_BYTES         = 0x4000,
  RCBA_HPTC          = 0x3404,   /* HPET address: fixed at the first of its four places */
  RCBA_GCS           = 0x3410,
  HPTC_ENABLE        = 1u << 7,

  PIRQS              = 8,
  PRIORITY_PM        = -1,       /* fixed devices win when a guest puts these on top of them */
};

typedef struct
{
  VtPciState pci;
  uint32_t   gcs;
} Ich9LpcState;

typedef struct
{
  VtPciFunction   pci;
  Ich9LpcState    s;
  VtMem          *mem, *io;
  VtDevice       *pm;
  const VtRegion *pm_region;
  VtMapping      *pm_mapping, *rcba_mapping;
  uint64_t        pm_at, rcba_at;
  bool            smm;
  VtIrq           wires[VT_ICH9_LPC_WIRES];
  bool            pirq[PIRQS];    /* levels on the inputs, owned by whoever drives them */
} Ich9Lpc;

static const VtField ich9_lpc_fields[] = {
  VT_PCI_FIELDS (Ich9LpcState, pci),
  VT_FIELD (Ich9LpcState, gcs),
};

static const Ich9LpcState ich9_lpc_at_reset = {
  .pci.config = {
    [LPC_PIRQA_ROUT] = VT_PIRQ_ROUTE_OFF, [LPC_PIRQA_ROUT + 1] = VT_PIRQ_ROUTE_OFF,
    [LPC_PIRQA_ROUT + 2] = VT_PIRQ_ROUTE_OFF, [LPC_PIRQA_ROUT + 3] = VT_PIRQ_ROUTE_OFF,
    [LPC_PIRQE_ROUT] = VT_PIRQ_ROUTE_OFF, [LPC_PIRQE_ROUT + 1] = VT_PIRQ_ROUTE_OFF,
    [LPC_PIRQE_ROUT + 2] = VT_PIRQ_ROUTE_OFF, [LPC_PIRQE_ROUT + 3] = VT_PIRQ_ROUTE_OFF,
    [LPC_SIRQ_CNTL] = 0x10,
  },
};

/* --- PIRQ steering ------------------------------------------------------------------------------------------------ */

static unsigned
pirq_register (unsigned pirq)
{
  return pirq < 4 ? LPC_PIRQA_ROUT + pirq : LPC_PIRQE_ROUT + pirq - 4;
}

static void
update_pirqs (Ich9Lpc *lpc)
{
  uint16_t isa = 0;
  for (unsigned i = 0; i < PIRQS; i++)
    {
      if (lpc->pirq[i])
        isa |= vt_pirq_route (vt_pci_config_get (&lpc->pci, pirq_register (i), 1));
      vt_irq_set (&lpc->wires[VT_ICH9_LPC_WIRE_GSI + i], lpc->pirq[i]);
    }
  for (unsigned i = 0; i < 16; i++)
    vt_irq_set (&lpc->wires[VT_ICH9_LPC_WIRE_ISA + i], (isa >> i & 1) != 0);
}

static void
pirq_changed (void *sink, unsigned pin, bool level)
{
  Ich9Lpc *lpc = sink;
  lpc->pirq[pin] = level;
  trace_lpc_pirq (pin, level, vt_pci_config_get (&lpc->pci, pirq_register (pin), 1));
  update_pirqs (lpc);
}

VtIrq
vt_ich9_lpc_pirq (VtDevice *dev, unsigned n)
{
  g_assert (dev->cls == &vt_ich9_lpc && n < PIRQS);
  return (VtIrq) { .set = pirq_changed, .sink = dev, .pin = n, .label = "PIRQ -> lpc" };
}

/* --- Root complex registers --------------------------------------------------------------------------------------- */

static uint64_t
rcba_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Ich9Lpc *lpc = (Ich9Lpc *) dev;
  switch (off)
    {
    case RCBA_HPTC:
      return HPTC_ENABLE;
    case RCBA_GCS:
      return lpc->s.gcs;
    default:
      return 0;
    }
}

static void
rcba_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Ich9Lpc *lpc = (Ich9Lpc *) dev;
  if (off == RCBA_GCS)
    lpc->s.gcs = (uint32_t) value;
}

static const VtRegionOps rcba_ops = { .read = rcba_read, .write = rcba_write, .min_size = 4, .max_size = 4 };
static const VtRegion    rcba_region = { "rcba", RCBA_BYTES, &rcba_ops };

/* --- Mappings from registers -------------------------------------------------------------------------------------- */

static void
place (VtMapping **mapping, uint64_t *now, VtMem *space, VtDevice *dev, const VtRegion *region, bool on, uint64_t at)
{
  if (*mapping != NULL && (!on || *now != at))
    vt_mem_unmap (g_steal_pointer (mapping));
  if (on && *mapping == NULL)
    *mapping = vt_mem_map_io (space, dev, region, VT_GPA (at), PRIORITY_PM, NULL);
  *now = at;
}

static void
update_mappings (Ich9Lpc *lpc)
{
  if (lpc->io != NULL && lpc->pm != NULL)
    place (&lpc->pm_mapping, &lpc->pm_at, lpc->io, lpc->pm, lpc->pm_region,
           (vt_pci_config_get (&lpc->pci, LPC_ACPI_CNTL, 1) & ACPI_CNTL_ENABLE) != 0,
           vt_pci_config_get (&lpc->pci, LPC_PMBASE, 4) & 0xff80u);
  if (lpc->mem != NULL)
    {
      uint32_t rcba = vt_pci_config_get (&lpc->pci, LPC_RCBA, 4);
      place (&lpc->rcba_mapping, &lpc->rcba_at, lpc->mem, &lpc->pci.dev, &rcba_region, (rcba & RCBA_ENABLE) != 0,
             rcba & ~(RCBA_BYTES - 1u));
    }
}

/* Once set it stays (13.8.1.1). */
static void
update_smi_lock (Ich9Lpc *lpc)
{
  bool locked = lpc->smm && (vt_pci_config_get (&lpc->pci, LPC_GEN_PMCON_1, 2) & GEN_PMCON_SMI_LOCK) != 0;
  vt_pci_allow (&lpc->pci, LPC_GEN_PMCON_1, 2, locked ? GEN_PMCON_WRITABLE & ~GEN_PMCON_SMI_LOCK : GEN_PMCON_WRITABLE);
  vt_irq_set (&lpc->wires[VT_ICH9_LPC_WIRE_SMI_LOCK], locked);
}

static void
config_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  Ich9Lpc *lpc = (Ich9Lpc *) fn;
  if (off >= LPC_PIRQA_ROUT && off < LPC_PIRQE_ROUT + 4)
    update_pirqs (lpc);
  else if (off >= LPC_PMBASE)
    update_mappings (lpc);
  if (off < LPC_GEN_PMCON_1 + 2 && off + size > LPC_GEN_PMCON_1)
    update_smi_lock (lpc);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
set_registers (VtPciFunction *fn)
{
  static const struct
  {
    uint8_t  off, size;
    uint32_t fixed, writable;
  } registers[] = {
    { LPC_PMBASE, 4, 0x1, 0xff80 },
    { LPC_ACPI_CNTL, 1, 0, ACPI_CNTL_ENABLE | ACPI_CNTL_SCI },
    { LPC_GPIOBASE, 4, 0x1, 0xff80 },
    { LPC_GPIO_CNTL, 1, 0, 0x11 },
    { LPC_PIRQA_ROUT, 4, 0, 0x8f8f8f8f },
    { LPC_SIRQ_CNTL, 1, 0, 0xfc },
    { LPC_PIRQE_ROUT, 4, 0, 0x8f8f8f8f },
    { LPC_IO_DEC, 4, 0, 0x3f0f1377 },
    { LPC_IO_DEC + 4, 4, 0, 0x00fcfffd },
    { LPC_IO_DEC + 8, 4, 0, 0x00fcfffd },
    { LPC_IO_DEC + 12, 4, 0, 0x00fcfffd },
    { LPC_IO_DEC + 16, 4, 0, 0x00fcfffd },
    { LPC_GEN_PMCON_1, 2, 0, GEN_PMCON_WRITABLE },
    { LPC_GEN_PMCON_LOCK, 1, 0, 0x06 },
    { LPC_BIOS_CNTL, 1, 0, BIOS_CNTL_WRITABLE },
    { LPC_RCBA, 4, 0, 0xffffc000u | RCBA_ENABLE },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (registers); i++)
    {
      vt_pci_set_fixed (fn, registers[i].off, registers[i].size, registers[i].fixed);
      vt_pci_allow (fn, registers[i].off, registers[i].size, registers[i].writable);
    }
}

static bool
ich9_lpc_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Ich9Lpc               *lpc = (Ich9Lpc *) dev;
  const VtIch9LpcConfig *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x2918, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x060100, .revision = 2 };
  for (unsigned i = 0; i < VT_ICH9_LPC_WIRES; i++)
    lpc->wires[i] = i < env->n_wires ? env->wires[i] : vt_irq_detached ("lpc");
  if (!vt_pci_init (&lpc->pci, env, &config->place, &identity, &lpc->s.pci, error))
    return false;
  lpc->mem = config->mem;
  lpc->io = config->io;
  lpc->pm = config->pm;
  lpc->pm_region = config->pm_region;
  lpc->smm = config->smm;
  lpc->pci.config_wrote = config_wrote;
  set_registers (&lpc->pci);
  return true;
}

static void
ich9_lpc_settle (VtDevice *dev)
{
  Ich9Lpc *lpc = (Ich9Lpc *) dev;
  vt_pci_settle (&lpc->pci, false);
  update_mappings (lpc);
  update_pirqs (lpc);
  update_smi_lock (lpc);
}

static bool
ich9_lpc_check (VtDevice *dev, const void *incoming, GError **error)
{
  Ich9Lpc *lpc = (Ich9Lpc *) dev;
  /* Locked or not now, both are possible in the stream. */
  vt_pci_allow (&lpc->pci, LPC_GEN_PMCON_1, 2, GEN_PMCON_WRITABLE);
  bool ok = vt_pci_check (&lpc->pci, &((const Ich9LpcState *) incoming)->pci, error);
  update_smi_lock (lpc);
  return ok;
}

static void
ich9_lpc_finalize (VtDevice *dev)
{
  Ich9Lpc *lpc = (Ich9Lpc *) dev;
  g_clear_pointer (&lpc->pm_mapping, vt_mem_unmap);
  g_clear_pointer (&lpc->rcba_mapping, vt_mem_unmap);
  vt_pci_finalize (&lpc->pci);
}

static const void *
ich9_lpc_test_config (void)
{
  static const VtIch9LpcConfig config;
  return &config;
}

static const VtRegion *const ich9_lpc_regions[] = { &rcba_region, NULL };

const VtDeviceClass vt_ich9_lpc = {
  .name = "ich9-lpc",
  .summary = "Intel ICH9 ISA bridge",
  .instance_size = sizeof (Ich9Lpc),
  .state_off = offsetof (Ich9Lpc, s),
  .state = VT_STATE (1, Ich9LpcState, ich9_lpc_fields, &ich9_lpc_at_reset),
  .regions = ich9_lpc_regions,
  .realize = ich9_lpc_realize,
  .settle = ich9_lpc_settle,
  .check = ich9_lpc_check,
  .finalize = ich9_lpc_finalize,
  .test_config = ich9_lpc_test_config,
};
