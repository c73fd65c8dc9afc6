/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SATA controller of the Intel ICH9 in AHCI mode: registers, resets, interrupts (Serial ATA AHCI 1.3.1).
 *
 * Commands are in ahci-command.c, the drives in ata.c and atapi.c. */
#include "ahci-private.h"


#include "trace-storage.h"
#include "vitrine/error.h"

enum
{
  HBA_CAP = 0x00,
  HBA_GHC = 0x04,
  HBA_IS  = 0x08,
  HBA_PI  = 0x0c,
  HBA_VS  = 0x10,
  HBA_PORTS = 0x100,
  HBA_PORT_BYTES = 0x80,

  GHC_HR = 1u << 0,
  GHC_IE = 1u << 1,

  PX_CLB = 0x00, PX_CLBU = 0x04, PX_FB = 0x08, PX_FBU = 0x0c,
  PX_IS = 0x10, PX_IE = 0x14, PX_CMD = 0x18, PX_TFD = 0x20,
  PX_SIG = 0x24, PX_SSTS = 0x28, PX_SCTL = 0x2c, PX_SERR = 0x30,
  PX_SACT = 0x34, PX_CI = 0x38,

  PX_CMD_WRITABLE = PX_CMD_ST | PX_CMD_FRE | PX_CMD_ATAPI | PX_CMD_DLAE,
  PX_SCTL_DET  = 0xfu,
  PX_SCTL_DET_RESET = 1,
  PX_SCTL_DET_OFF = 4,
  PX_SERR_N = 1u << 16,
  PX_SERR_X = 1u << 26,

  SSTS_ACTIVE_GEN2 = 0x123,     /* active, 3 Gb/s, device and link present */

  CAP_SATA_OFFSET = 0xa8,
};

#define GHC_AE      (1u << 31)      /* always on: AHCI only */
#define PX_IE_MASK  0x7dc000ffu
#define PX_TFD_NONE 0x7fu
/* 6 ports, 32 slots, AHCI only, 3 Gb/s, CLO, NCQ, 64-bit addresses */
#define CAP_VALUE   ((VT_AHCI_PORTS - 1) | 31u << 8 | 1u << 18 | 2u << 20 | 1u << 24 | 1u << 30 | 1u << 31)
#define VS_VALUE    0x00010300u

#define PORT_FIELDS(n)                                                                                                 \
  VT_FIELD (AhciState, port[n].clb), VT_FIELD (AhciState, port[n].clbu), VT_FIELD (AhciState, port[n].fb),             \
    VT_FIELD (AhciState, port[n].fbu), VT_FIELD (AhciState, port[n].is), VT_FIELD (AhciState, port[n].ie),             \
    VT_FIELD (AhciState, port[n].cmd), VT_FIELD (AhciState, port[n].tfd), VT_FIELD (AhciState, port[n].sig),           \
    VT_FIELD (AhciState, port[n].sctl), VT_FIELD (AhciState, port[n].serr), VT_FIELD (AhciState, port[n].sact),        \
    VT_FIELD (AhciState, port[n].ci), VT_FIELD (AhciState, port[n].halted), VT_FIELD (AhciState, port[n].first_fis),   \
    VT_FIELD (AhciState, port[n].soft_reset), VT_FIELD (AhciState, port[n].pad_),                                      \
    VT_ATA_FIELDS (AhciState, port[n].drive)

static const VtField ahci_fields[] = {
  VT_PCI_FIELDS (AhciState, pci),
  VT_FIELD (AhciState, ghc),
  VT_FIELD (AhciState, is),
  PORT_FIELDS (0), PORT_FIELDS (1), PORT_FIELDS (2), PORT_FIELDS (3), PORT_FIELDS (4), PORT_FIELDS (5),
};

/* A port comes out of power-on with its drive's first FIS waiting for FRE. */
#define PORT_AT_RESET { .tfd = PX_TFD_NONE, .sig = 0xffffffff, .first_fis = true,                                      \
                        .drive.scsi.attention = VT_SCSI_ATTENTION_RESET }
static const AhciState ahci_at_reset = {
  .ghc = GHC_AE,
  .port = { PORT_AT_RESET, PORT_AT_RESET, PORT_AT_RESET, PORT_AT_RESET, PORT_AT_RESET, PORT_AT_RESET },
};

static bool
present (const Ahci *hba, unsigned port)
{
  return hba->ports[port].drive.kind != VT_ATA_NONE;
}

/* --- Interrupts --------------------------------------------------------------------------------------------------- */

/* PCS and PRCS are not latched: they show bits of PxSERR. */
static uint32_t
port_is (const AhciPortState *s)
{
  return s->is | (s->serr & PX_SERR_X ? PX_IS_PCS : 0) | (s->serr & PX_SERR_N ? PX_IS_PRCS : 0);
}

void
vt_ahci_update_irq (Ahci *hba)
{
  uint32_t before = hba->s.is;
  for (unsigned i = 0; i < VT_AHCI_PORTS; i++)
    if ((port_is (&hba->s.port[i]) & hba->s.port[i].ie) != 0)
      hba->s.is |= 1u << i;
  bool was = hba->pci.irq_level, level = (hba->s.ghc & GHC_IE) != 0 && hba->s.is != 0;
  vt_pci_set_irq (&hba->pci, level);
  /* One message for each port that joins while others still have theirs (10.6.2.1). */
  if (was && level && (hba->s.is & ~before) != 0)
    vt_pci_msi_send (&hba->pci);
}

/* --- Resets ------------------------------------------------------------------------------------------------------- */

static void
communication_reset (Ahci *hba, unsigned port)
{
  AhciPortState *s = &hba->s.port[port];
  trace_ahci_port_reset (port);
  s->halted = false;
  s->soft_reset = false;
  if (!present (hba, port))
    return;
  s->serr |= PX_SERR_X | PX_SERR_N;
  vt_ahci_port_reset_drive (hba, port);
}

static void
reset_port_registers (AhciPortState *s)
{
  VtAtaState drive = s->drive;
  /* A controller reset keeps where the lists are (10.4.3). */
  AhciPortState fresh = { .clb = s->clb, .clbu = s->clbu, .fb = s->fb, .fbu = s->fbu, .tfd = PX_TFD_NONE,
                          .sig = 0xffffffff, .first_fis = true, .drive = drive };
  *s = fresh;
}

static void
controller_reset (Ahci *hba)
{
  trace_ahci_hba_reset ();
  hba->s.ghc = GHC_AE;
  hba->s.is = 0;
  for (unsigned i = 0; i < VT_AHCI_PORTS; i++)
    {
      vt_ahci_port_drop (hba, i);
      reset_port_registers (&hba->s.port[i]);
      vt_ata_reset (&hba->ports[i].drive);
    }
  vt_ahci_update_irq (hba);
}

/* --- Port registers ----------------------------------------------------------------------------------------------- */

static uint32_t
port_ssts (const Ahci *hba, unsigned port)
{
  unsigned det = hba->s.port[port].sctl & PX_SCTL_DET;
  if (!present (hba, port))
    return 0;
  if (det == PX_SCTL_DET_OFF)
    return 4;      /* off line */
  if (det == PX_SCTL_DET_RESET)
    return 1;      /* device seen, no communication yet */
  return SSTS_ACTIVE_GEN2;
}

static uint32_t
port_cmd (const AhciPortState *s)
{
  return s->cmd | PX_CMD_SUD | PX_CMD_POD | (s->cmd & PX_CMD_FRE ? PX_CMD_FR : 0)
         | (s->cmd & PX_CMD_ST ? PX_CMD_CR : 0);
}

static uint32_t
port_read (Ahci *hba, unsigned port, unsigned off)
{
  const AhciPortState *s = &hba->s.port[port];
  switch (off)
    {
    case PX_CLB: return s->clb;
    case PX_CLBU: return s->clbu;
    case PX_FB: return s->fb;
    case PX_FBU: return s->fbu;
    case PX_IS: return port_is (s);
    case PX_IE: return s->ie;
    case PX_CMD: return port_cmd (s);
    case PX_TFD: return s->tfd;
    case PX_SIG: return s->sig;
    case PX_SSTS: return port_ssts (hba, port);
    case PX_SCTL: return s->sctl;
    case PX_SERR: return s->serr;
    case PX_SACT: return s->sact;
    case PX_CI: return s->ci;
    default: return 0;
    }
}

static void
write_cmd (Ahci *hba, unsigned port, uint32_t value)
{
  AhciPortState *s = &hba->s.port[port];
  uint32_t       old = s->cmd;
  s->cmd = (s->cmd & ~PX_CMD_WRITABLE) | (value & PX_CMD_WRITABLE);
  if (value & PX_CMD_CLO)
    s->tfd &= ~(uint32_t) (ATA_STATUS_BSY | ATA_STATUS_DRQ);
  if ((old & PX_CMD_ST) != 0 && (value & PX_CMD_ST) == 0)
    {
      vt_ahci_port_drop (hba, port);
      s->ci = s->sact = 0;
      s->halted = false;
      s->cmd &= ~PX_CMD_CCS;
    }
  /* The list starts again at slot 0: "the last" was 31. */
  if ((old & PX_CMD_ST) == 0 && (value & PX_CMD_ST) != 0)
    s->cmd |= PX_CMD_CCS;
  if (present (hba, port))
    vt_ahci_port_first_fis (hba, port);
  vt_ahci_port_run (hba, port);
}

static void
write_sctl (Ahci *hba, unsigned port, uint32_t value)
{
  AhciPortState *s = &hba->s.port[port];
  unsigned       old = s->sctl & PX_SCTL_DET, det = value & PX_SCTL_DET;
  s->sctl = value & 0xfff;
  if (det == PX_SCTL_DET_RESET && old != PX_SCTL_DET_RESET)
    {
      vt_ahci_port_drop (hba, port);
      s->tfd = PX_TFD_NONE | ATA_STATUS_BSY;
    }
  /* The reset signal ends, and the drive answers. */
  if (det == 0 && old != 0)
    communication_reset (hba, port);
  vt_ahci_update_irq (hba);
}

static void
port_write (Ahci *hba, unsigned port, unsigned off, uint32_t value)
{
  AhciPortState *s = &hba->s.port[port];
  trace_ahci_port_write (port, off, value);
  switch (off)
    {
    case PX_CLB: s->clb = value & ~0x3ffu; break;
    case PX_CLBU: s->clbu = value; break;
    case PX_FB: s->fb = value & ~0xffu; break;
    case PX_FBU: s->fbu = value; break;
    case PX_IS: s->is &= ~value; break;
    case PX_IE: s->ie = value & PX_IE_MASK; break;
    case PX_CMD: write_cmd (hba, port, value); break;
    case PX_SCTL: write_sctl (hba, port, value); break;
    case PX_SERR: s->serr &= ~value; break;
    case PX_SACT: s->sact |= s->cmd & PX_CMD_ST ? value : 0; break;
    case PX_CI:
      s->ci |= s->cmd & PX_CMD_ST ? value : 0;
      vt_ahci_port_run (hba, port);
      break;
    }
  vt_ahci_update_irq (hba);
}

/* --- Controller registers ----------------------------------------------------------------------------------------- */

static uint64_t
ahci_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Ahci *hba = (Ahci *) dev;
  if (off >= HBA_PORTS)
    {
      unsigned port = (unsigned) (off - HBA_PORTS) / HBA_PORT_BYTES;
      return port < VT_AHCI_PORTS ? port_read (hba, port, off % HBA_PORT_BYTES) : 0;
    }
  switch (off)
    {
    case HBA_CAP: return CAP_VALUE;
    case HBA_GHC: return hba->s.ghc;
    case HBA_IS: return hba->s.is;
    case HBA_PI: return (1u << VT_AHCI_PORTS) - 1;
    case HBA_VS: return VS_VALUE;
    default: return 0;
    }
}

static void
write_is (Ahci *hba, uint32_t value)
{
  hba->s.is &= ~value;
  /* What is still set by a port comes back, and is a new interrupt. */
  vt_pci_set_irq (&hba->pci, (hba->s.ghc & GHC_IE) != 0 && hba->s.is != 0);
  vt_ahci_update_irq (hba);
}

static void
ahci_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Ahci *hba = (Ahci *) dev;
  if (off >= HBA_PORTS)
    {
      unsigned port = (unsigned) (off - HBA_PORTS) / HBA_PORT_BYTES;
      if (port < VT_AHCI_PORTS)
        port_write (hba, port, off % HBA_PORT_BYTES, (uint32_t) value);
    }
  else if (off == HBA_IS)
    write_is (hba, (uint32_t) value);
  else if (off == HBA_GHC && (value & GHC_HR) != 0)
    controller_reset (hba);
  else if (off == HBA_GHC)
    {
      hba->s.ghc = ((uint32_t) value & GHC_IE) | GHC_AE;
      vt_ahci_update_irq (hba);
    }
}

static const VtRegionOps ahci_ops = { .read = ahci_read, .write = ahci_write, .min_size = 4, .max_size = 4 };
static const VtRegion    ahci_region = { "ahci", 4096, &ahci_ops };

/* --- Media -------------------------------------------------------------------------------------------------------- */

bool
vt_ahci_set_medium (VtDevice *dev, unsigned port, VtBlock *block, bool force)
{
  Ahci *hba = (Ahci *) dev;
  g_assert (dev->cls == &vt_ahci && port < VT_AHCI_PORTS);
  VtAtaDrive *drive = &hba->ports[port].drive;
  if (!vt_ata_may_change (drive, force))
    return false;
  /* Reads under way end on the old block; what they bring is not for the guest any more. */
  vt_ahci_port_drop (hba, port);
  return vt_ata_set_medium (drive, block, force);
}

VtBlock *
vt_ahci_medium (VtDevice *dev, unsigned port)
{
  const Ahci *hba = (const Ahci *) dev;
  g_assert (dev->cls == &vt_ahci && port < VT_AHCI_PORTS);
  return vt_ata_medium (&hba->ports[port].drive);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
ahci_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Ahci               *hba = (Ahci *) dev;
  const VtAhciConfig *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x2922, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x010601, .revision = 2,
                                          .interrupt_pin = 1 };
  if (!vt_pci_init (&hba->pci, env, &config->place, &identity, &hba->s.pci, error))
    return false;
  hba->pci.cap_end = 0x80;   /* 0x40..0x7f are IDE timings on this chip: read as zeros */
  vt_pci_add_msi (&hba->pci);
  vt_pci_add_bar (&hba->pci, 5, 0, &ahci_region);
  for (unsigned i = 0; i < VT_AHCI_PORTS; i++)
    {
      hba->ports[i].hba = hba;
      hba->ports[i].number = i;
      if (!vt_ata_plug (&hba->ports[i].drive, &hba->s.port[i].drive, &config->port[i], false, i, error))
        return false;
    }
  return true;
}

static void
ahci_settle (VtDevice *dev)
{
  Ahci *hba = (Ahci *) dev;
  for (unsigned i = 0; i < VT_AHCI_PORTS; i++)
    vt_ahci_port_drop (hba, i);
  vt_pci_settle (&hba->pci, (hba->s.ghc & GHC_IE) != 0 && hba->s.is != 0);
}

static bool
ahci_check (VtDevice *dev, const void *incoming, GError **error)
{
  const AhciState *s = incoming;
  if (!vt_pci_check ((VtPciFunction *) dev, &s->pci, error))
    return false;
  for (unsigned i = 0; i < VT_AHCI_PORTS; i++)
    if (!vt_ata_state_possible (&s->port[i].drive))
      {
        g_set_error (error, VT_ERROR, VT_ERROR_STATE, "SATA port %u cannot be in this state", i);
        return false;
      }
  return true;
}

static void
ahci_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  Ahci *hba = (Ahci *) dev;
  hba->parked = true;
  vt_quiet_wait (&hba->quiet, done, opaque);
}

static void
ahci_resume (VtDevice *dev)
{
  Ahci *hba = (Ahci *) dev;
  hba->parked = false;
  for (unsigned i = 0; i < VT_AHCI_PORTS; i++)
    vt_ahci_port_run (hba, i);
  vt_ahci_update_irq (hba);
}

static void
ahci_finalize (VtDevice *dev)
{
  Ahci *hba = (Ahci *) dev;
  g_assert (hba->quiet.in_flight == 0);
  vt_pci_finalize (&hba->pci);
}

static const void *
ahci_test_config (void)
{
  static const VtAhciConfig config = { .port = { { .kind = VT_ATA_CDROM } } };
  return &config;
}

static const VtRegion *const ahci_regions[] = { &ahci_region, NULL };

const VtDeviceClass vt_ahci = {
  .name = "ahci",
  .summary = "Intel ICH9 SATA controller (AHCI)",
  .instance_size = sizeof (Ahci),
  .state_off = offsetof (Ahci, s),
  .state = VT_STATE (1, AhciState, ahci_fields, &ahci_at_reset),
  .regions = ahci_regions,
  .realize = ahci_realize,
  .settle = ahci_settle,
  .check = ahci_check,
  .quiesce = ahci_quiesce,
  .resume = ahci_resume,
  .finalize = ahci_finalize,
  .test_config = ahci_test_config,
};
