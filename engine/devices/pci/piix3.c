/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ISA bridge of the Intel PIIX3 (82371SB, Intel document 290550, 2.2). Its reset control register is port 0xcf9, which is a
 * device of its own; timing, chip select and DMA steering registers hold what is written to them and have no effect. */
#include "piix3.h"

#include "pci-bus.h"
#include "pirq.h"
#include "trace-pci.h"

enum
{
  ISA_IORT   = 0x4c,      /* recovery timer, 0x4d at reset */
  ISA_XBCS   = 0x4e,      /* X-bus chip select, 0x0003 at reset */
  ISA_PIRQRC = 0x60,      /* A..D */
  ISA_TOM    = 0x69,      /* top of memory, 0x02 at reset */
  ISA_MSTAT  = 0x6a,
  ISA_MBIRQ  = 0x70,
  ISA_MBDMA  = 0x76,
};

typedef struct
{
  VtPciState pci;
} Piix3State;

typedef struct
{
  VtPciFunction pci;
  Piix3State    s;
  VtIrq         wires[VT_PIIX3_WIRES];
  bool          pirq[VT_PIIX3_PIRQS];    /* levels on the inputs, owned by whoever drives them */
} Piix3;

static const VtField piix3_fields[] = { VT_PCI_FIELDS (Piix3State, pci) };

static const Piix3State piix3_at_reset = {
  .pci.config = {
    [ISA_IORT] = 0x4d, [ISA_XBCS] = 0x03, [ISA_TOM] = 0x02,
    [ISA_PIRQRC] = VT_PIRQ_ROUTE_OFF, [ISA_PIRQRC + 1] = VT_PIRQ_ROUTE_OFF,
    [ISA_PIRQRC + 2] = VT_PIRQ_ROUTE_OFF, [ISA_PIRQRC + 3] = VT_PIRQ_ROUTE_OFF,
    [ISA_MBIRQ] = VT_PIRQ_ROUTE_OFF, [ISA_MBDMA] = 0x0c, [ISA_MBDMA + 1] = 0x0c,
  },
};

static void
update_pirqs (Piix3 *isa)
{
  uint16_t irqs = 0;
  for (unsigned i = 0; i < VT_PIIX3_PIRQS; i++)
    if (isa->pirq[i])
      irqs |= vt_pirq_route (vt_pci_config_get (&isa->pci, ISA_PIRQRC + i, 1));
  for (unsigned i = 0; i < VT_PIIX3_WIRES; i++)
    vt_irq_set (&isa->wires[i], (irqs >> i & 1) != 0);
}

static void
pirq_changed (void *sink, unsigned pin, bool level)
{
  Piix3 *isa = sink;
  isa->pirq[pin] = level;
  trace_piix_pirq (pin, level, vt_pci_config_get (&isa->pci, ISA_PIRQRC + pin, 1));
  update_pirqs (isa);
}

VtIrq
vt_piix3_pirq (VtDevice *dev, unsigned n)
{
  g_assert (dev->cls == &vt_piix3_isa && n < VT_PIIX3_PIRQS);
  return (VtIrq) { .set = pirq_changed, .sink = dev, .pin = n, .label = "PIRQ -> piix3" };
}

static void
config_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  if (off >= ISA_PIRQRC && off < ISA_PIRQRC + VT_PIIX3_PIRQS)
    update_pirqs ((Piix3 *) fn);
}

static bool
piix3_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Piix3                     *isa = (Piix3 *) dev;
  VtPciFunction             *fn = &isa->pci;
  const VtPiix3Config       *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x7000, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x060100 };
  static const struct { uint8_t off, size; uint32_t writable; } registers[] = {
    { ISA_IORT, 1, 0xff }, { ISA_XBCS, 2, 0x01ff }, { ISA_PIRQRC, 4, 0x8f8f8f8f }, { ISA_TOM, 1, 0xfe },
    { ISA_MSTAT, 2, 0x80d6 }, { ISA_MBIRQ, 1, 0xef }, { ISA_MBDMA, 2, 0x8f8f },
  };
  for (unsigned i = 0; i < VT_PIIX3_WIRES; i++)
    isa->wires[i] = i < env->n_wires ? env->wires[i] : vt_irq_detached ("piix3");
  if (!vt_pci_init (fn, env, &config->place, &identity, &isa->s.pci, error))
    return false;
  fn->config_wrote = config_wrote;
  for (size_t i = 0; i < G_N_ELEMENTS (registers); i++)
    vt_pci_allow (fn, registers[i].off, registers[i].size, registers[i].writable);
  return true;
}

static void
piix3_settle (VtDevice *dev)
{
  Piix3 *isa = (Piix3 *) dev;
  vt_pci_settle (&isa->pci, false);
  update_pirqs (isa);
}

static bool
piix3_check (VtDevice *dev, const void *incoming, GError **error)
{
  return vt_pci_check ((VtPciFunction *) dev, &((const Piix3State *) incoming)->pci, error);
}

static void
piix3_finalize (VtDevice *dev)
{
  vt_pci_finalize ((VtPciFunction *) dev);
}

static const void *
piix3_test_config (void)
{
  static const VtPiix3Config config;
  return &config;
}

const VtDeviceClass vt_piix3_isa = {
  .name = "piix3-isa",
  .summary = "Intel PIIX3 ISA bridge",
  .instance_size = sizeof (Piix3),
  .state_off = offsetof (Piix3, s),
  .state = VT_STATE (1, Piix3State, piix3_fields, &piix3_at_reset),
  .realize = piix3_realize,
  .settle = piix3_settle,
  .check = piix3_check,
  .finalize = piix3_finalize,
  .test_config = piix3_test_config,
};
