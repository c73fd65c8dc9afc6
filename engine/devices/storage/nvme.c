/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NVMe controller: registers, enabling and shutting down, interrupts, life (NVM Express 1.4, chapter 3). */
#include "nvme-private.h"

#include "no-disk.h"
#include "trace-storage.h"
#include "vitrine/error.h"

enum
{
  REG_CAP = 0x00, REG_VS = 0x08, REG_INTMS = 0x0c, REG_INTMC = 0x10, REG_CC = 0x14, REG_CSTS = 0x1c, REG_AQA = 0x24,
  REG_ASQ = 0x28, REG_ACQ = 0x30, REG_DOORBELLS = 0x1000,
  REGISTER_BYTES = 0x2000,

  CC_WRITABLE = 0x00fffff1, CC_SHUTDOWN = 14, CC_MODES = 0x7f << 4 | 7 << 11,   /* command set, page size, arbitration; 0 all */
  CC_ENTRIES = 0xff << 16, CC_ENTRIES_WANTED = 6 << 16 | 4 << 20,
  CSTS_SHUTDOWN = 3 << 2, CSTS_SHUTTING_DOWN = 1 << 2, CSTS_SHUT_DOWN = 2 << 2,
  AQA_WRITABLE = 0x0fff0fff,

  BAR_REGISTERS = 0, BAR_MSIX = 4,
  VERSION = 0x00010400,
  /* 1024 entries, contiguous queues, ten seconds to be ready; the high half: the NVM command set, pages of 4 KiB */
  CAP_LOW = (NVME_ENTRIES_MAX - 1) | 1 << 16 | 20 << 24, CAP_HIGH = 1 << 5,

  EVENT_INVALID_DOORBELL = 0, EVENT_INVALID_DOORBELL_VALUE = 1,
};

static const VtField nvme_fields[] = {
  VT_PCI_FIELDS (NvmeState, pci), VT_PCI_MSIX_FIELDS (NvmeState, msix), VT_FIELD (NvmeState, asq), VT_FIELD (NvmeState, acq),
  VT_FIELD (NvmeState, sq_base), VT_FIELD (NvmeState, cq_base), VT_FIELD (NvmeState, cc), VT_FIELD (NvmeState, csts),
  VT_FIELD (NvmeState, aqa), VT_FIELD (NvmeState, masked), VT_FIELD (NvmeState, power), VT_FIELD (NvmeState, temperature_over),
  VT_FIELD (NvmeState, temperature_under), VT_FIELD (NvmeState, recovery), VT_FIELD (NvmeState, arbitration),
  VT_FIELD (NvmeState, coalescing), VT_FIELD (NvmeState, atomicity), VT_FIELD (NvmeState, event_config),
  VT_FIELD (NvmeState, sq_size), VT_FIELD (NvmeState, sq_head), VT_FIELD (NvmeState, sq_tail), VT_FIELD (NvmeState, sq_cq),
  VT_FIELD (NvmeState, cq_size), VT_FIELD (NvmeState, cq_head), VT_FIELD (NvmeState, cq_tail), VT_FIELD (NvmeState, cq_vector),
  VT_FIELD (NvmeState, event_ids), VT_FIELD (NvmeState, sq_valid), VT_FIELD (NvmeState, cq_valid),
  VT_FIELD (NvmeState, cq_interrupts), VT_FIELD (NvmeState, cq_phase), VT_FIELD (NvmeState, n_events), VT_FIELD (NvmeState, error),
  VT_FIELD (NvmeState, error_told), VT_FIELD (NvmeState, cache_off), VT_FIELD (NvmeState, pad_),
};

static const NvmeState nvme_at_reset = { .temperature_over = NVME_WARNING_KELVIN };

/* --- Interrupts --------------------------------------------------------------------------------------------------- */

static bool
pin_level (const Nvme *nvme)
{
  const NvmeState *s = &nvme->s;
  for (unsigned cq = 0; cq < NVME_QUEUES; cq++)
    if (s->cq_valid[cq] && s->cq_interrupts[cq] && s->cq_head[cq] != s->cq_tail[cq] && (s->masked >> s->cq_vector[cq] & 1) == 0)
      return true;
  return false;
}

void
nvme_update_irq (Nvme *nvme)
{
  vt_pci_set_irq (&nvme->pci, pin_level (nvme));
}

/* --- Enabling and resets ------------------------------------------------------------------------------------------ */

static void
start (Nvme *nvme)
{
  NvmeState *s = &nvme->s;
  if ((s->cc & CC_MODES) != 0 || (s->cc & CC_ENTRIES) != CC_ENTRIES_WANTED || (s->aqa & 0xfff) == 0 || s->aqa >> 16 == 0
      || (s->aqa & 0xfff) >= NVME_ENTRIES_MAX || s->aqa >> 16 >= NVME_ENTRIES_MAX)
    {
      vt_guest_warn (&nvme->pci.dev, "enabled with impossible settings");
      s->csts |= NVME_CSTS_FAILED;
      return;
    }
  s->sq_base[0] = s->asq;
  s->cq_base[0] = s->acq;
  s->sq_size[0] = (uint16_t) ((s->aqa & 0xfff) + 1);
  s->cq_size[0] = (uint16_t) ((s->aqa >> 16) + 1);
  s->cq_phase[0] = s->cq_interrupts[0] = true;
  s->sq_valid[0] = s->cq_valid[0] = true;
  s->csts = NVME_CSTS_READY;
  trace_nvme_enabled (s->sq_size[0], s->cq_size[0]);
}

/* Everything but the registers that a controller reset keeps (7.3.2), and the answer that it is over. */
static void
clear (Nvme *nvme)
{
  NvmeState *s = &nvme->s;
  nvme_drop (nvme, NVME_QUEUES);
  NvmeState fresh = { .pci = s->pci, .msix = s->msix, .asq = s->asq, .acq = s->acq, .cc = s->cc, .csts = s->csts, .aqa = s->aqa,
                      .temperature_over = NVME_WARNING_KELVIN };
  *s = fresh;
  nvme_update_irq (nvme);
}

/* Ready follows enable, as soon as nothing of the time before is left with the block device. */
static void
follow_enable (Nvme *nvme)
{
  NvmeState *s = &nvme->s;
  bool       on = (s->cc & NVME_CC_ENABLE) != 0;
  if (nvme->dropped > 0)
    return;
  if (!s->sq_valid[0])
    s->csts &= on ? CSTS_SHUTDOWN | NVME_CSTS_FAILED : CSTS_SHUTDOWN;
  if (on && !s->sq_valid[0] && (s->csts & NVME_CSTS_FAILED) == 0)
    start (nvme);
}

void
nvme_io_over (Nvme *nvme)
{
  vt_quiet_ended (&nvme->quiet);
  follow_enable (nvme);
  nvme_run (nvme);
  vt_quiet_tell (&nvme->quiet);
}

static void begin_shutdown (Nvme *nvme);

static void
shut_down (VtIo *io, int error)
{
  Nvme *nvme = io->opaque;
  if ((nvme->s.csts & CSTS_SHUTDOWN) == CSTS_SHUTTING_DOWN)
    nvme->s.csts = (nvme->s.csts & ~CSTS_SHUTDOWN) | CSTS_SHUT_DOWN;
  io->opaque = NULL;
  /* The guest enabled the controller anew meanwhile, and has asked for another. */
  if ((nvme->s.csts & CSTS_SHUTDOWN) == 0 && (nvme->s.cc >> CC_SHUTDOWN & 3) != 0)
    begin_shutdown (nvme);
  nvme_io_over (nvme);
}

/* A shutdown is over when all that was written is on the disk (7.6.2). */
static void
begin_shutdown (Nvme *nvme)
{
  if (nvme->shutdown.opaque != NULL)
    return;
  nvme->s.csts = (nvme->s.csts & ~CSTS_SHUTDOWN) | CSTS_SHUTTING_DOWN;
  nvme->shutdown = (VtIo) { .op = VT_IO_FLUSH, .done = shut_down, .opaque = nvme };
  vt_quiet_began (&nvme->quiet);
  vt_block_submit (nvme->block, &nvme->shutdown);
}

static void
write_cc (Nvme *nvme, uint32_t value)
{
  NvmeState *s = &nvme->s;
  uint32_t   old = s->cc;
  s->cc = value & CC_WRITABLE;
  if ((old & ~s->cc & NVME_CC_ENABLE) != 0)
    clear (nvme);
  if ((~old & s->cc & NVME_CC_ENABLE) != 0)
    s->csts &= ~CSTS_SHUTDOWN;
  follow_enable (nvme);
  if ((s->cc >> CC_SHUTDOWN & 3) != 0 && (old >> CC_SHUTDOWN & 3) == 0)
    begin_shutdown (nvme);
}

/* --- Doorbells (3.1.24, 3.1.25) ----------------------------------------------------------------------------------- */

static void
ring_sq (Nvme *nvme, unsigned sq, uint32_t value)
{
  NvmeState *s = &nvme->s;
  if (!s->sq_valid[sq])
    nvme_error_event (nvme, EVENT_INVALID_DOORBELL);
  else if (value >= s->sq_size[sq])
    nvme_error_event (nvme, EVENT_INVALID_DOORBELL_VALUE);
  else
    {
      s->sq_tail[sq] = (uint16_t) value;
      nvme_run (nvme);
    }
}

/* The new head lies between the old one and the tail. */
static void
ring_cq (Nvme *nvme, unsigned cq, uint32_t value)
{
  NvmeState *s = &nvme->s;
  unsigned   size = s->cq_size[cq];
  if (!s->cq_valid[cq])
    nvme_error_event (nvme, EVENT_INVALID_DOORBELL);
  else if (value >= size || (s->cq_tail[cq] + size - value) % size > (s->cq_tail[cq] + size - s->cq_head[cq]) % size)
    nvme_error_event (nvme, EVENT_INVALID_DOORBELL_VALUE);
  else
    {
      s->cq_head[cq] = (uint16_t) value;
      nvme_update_irq (nvme);
      nvme_post_events (nvme);
      nvme_run (nvme);
    }
}

static void
ring (Nvme *nvme, unsigned n, uint32_t value)
{
  if ((nvme->s.csts & NVME_CSTS_READY) == 0)
    return;
  if (n / 2 >= NVME_QUEUES)
    nvme_error_event (nvme, EVENT_INVALID_DOORBELL);
  else if (n % 2 == 0)
    ring_sq (nvme, n / 2, value);
  else
    ring_cq (nvme, n / 2, value);
}

/* --- Registers ---------------------------------------------------------------------------------------------------- */

static uint64_t
nvme_read (VtDevice *dev, uint64_t off, unsigned size)
{
  const NvmeState *s = &((Nvme *) dev)->s;
  switch (off)
    {
    case REG_CAP: return CAP_LOW;
    case REG_CAP + 4: return CAP_HIGH;
    case REG_VS: return VERSION;
    case REG_INTMS:
    case REG_INTMC: return s->masked;
    case REG_CC: return s->cc;
    case REG_CSTS: return s->csts;
    case REG_AQA: return s->aqa;
    case REG_ASQ: return (uint32_t) s->asq;
    case REG_ASQ + 4: return s->asq >> 32;
    case REG_ACQ: return (uint32_t) s->acq;
    case REG_ACQ + 4: return s->acq >> 32;
    default: return 0;
    }
}

static void
set_half (uint64_t *reg, bool high, uint64_t value)
{
  *reg = vt_deposit (*reg, high ? 32 : 0, 32, value) & ~(uint64_t) (NVME_PAGE - 1);
}

static void
nvme_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Nvme      *nvme = (Nvme *) dev;
  NvmeState *s = &nvme->s;
  if (off >= REG_DOORBELLS)
    {
      ring (nvme, (unsigned) (off - REG_DOORBELLS) / 4, (uint32_t) value);
      return;
    }
  switch (off)
    {
    case REG_INTMS: s->masked |= (uint32_t) value; break;
    case REG_INTMC: s->masked &= ~(uint32_t) value; break;
    case REG_CC: write_cc (nvme, (uint32_t) value); break;
    case REG_AQA: s->aqa = (uint32_t) value & AQA_WRITABLE; break;
    case REG_ASQ:
    case REG_ASQ + 4: set_half (&s->asq, off != REG_ASQ, value); break;
    case REG_ACQ:
    case REG_ACQ + 4: set_half (&s->acq, off != REG_ACQ, value); break;
    }
  nvme_update_irq (nvme);
}

static const VtRegionOps nvme_ops = { nvme_read, nvme_write, 4, 4 };
static const VtRegion    nvme_region = { "nvme", REGISTER_BYTES, &nvme_ops };

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
nvme_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Nvme                      *nvme = (Nvme *) dev;
  const VtNvmeConfig        *config = env->config;
  /* From the range that Red Hat gives to whoever wants one: drivers go by the class, and by IDs only for others' errata. */
  static const VtPciIdentity identity = { .vendor = 0x1af4, .device = 0x10f1, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x010802, .revision = 2, .interrupt_pin = 1 };
  if (config->block == NULL || config->block->size_bytes < NVME_BLOCK)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "An NVMe disk needs an image");
      return false;
    }
  if (!vt_pci_init (&nvme->pci, env, &config->place, &identity, &nvme->s.pci, error))
    return false;
  nvme->block = config->block;
  nvme->number = config->number;
  vt_pci_add_power_management (&nvme->pci);
  vt_pci_add_bar (&nvme->pci, BAR_REGISTERS, PCI_BAR_64, &nvme_region);
  vt_pci_add_msix (&nvme->pci, BAR_MSIX, NVME_QUEUES, &nvme->s.msix);
  vt_pci_add_express (&nvme->pci);
  return true;
}

static void
nvme_settle (VtDevice *dev)
{
  Nvme *nvme = (Nvme *) dev;
  nvme_drop (nvme, NVME_QUEUES);
  memset (nvme->cq_reserved, 0, sizeof nvme->cq_reserved);     /* they were for the queues of the state before */
  vt_pci_settle (&nvme->pci, pin_level (nvme));
}

static bool
queue_possible (const NvmeState *s, unsigned n)
{
  if (s->cq_valid[n] && (s->cq_size[n] < 2 || s->cq_size[n] > NVME_ENTRIES_MAX || s->cq_head[n] >= s->cq_size[n]
                         || s->cq_tail[n] >= s->cq_size[n] || s->cq_vector[n] >= NVME_QUEUES))
    return false;
  return !s->sq_valid[n] || (s->sq_size[n] >= 2 && s->sq_size[n] <= NVME_ENTRIES_MAX && s->sq_head[n] < s->sq_size[n]
                             && s->sq_tail[n] < s->sq_size[n] && s->sq_cq[n] < NVME_QUEUES && s->cq_valid[s->sq_cq[n]]);
}

static bool
nvme_check (VtDevice *dev, const void *incoming, GError **error)
{
  const NvmeState *s = incoming;
  bool             ok = vt_pci_check ((VtPciFunction *) dev, &s->pci, error);
  if (!ok)
    return false;
  for (unsigned i = 0; i < NVME_QUEUES; i++)
    ok &= queue_possible (s, i);
  if (ok && s->sq_valid[0] == s->cq_valid[0] && s->sq_cq[0] == 0 && s->n_events <= NVME_EVENTS
      && s->error <= EVENT_INVALID_DOORBELL_VALUE + 1 && (s->csts & ~(CSTS_SHUTDOWN | NVME_CSTS_READY | NVME_CSTS_FAILED)) == 0
      && (s->cc & ~CC_WRITABLE) == 0 && (s->sq_valid[0] || (s->csts & NVME_CSTS_READY) == 0))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved state of the NVMe controller is impossible", dev->path);
  return false;
}

static void
nvme_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  Nvme *nvme = (Nvme *) dev;
  nvme->parked = true;
  vt_quiet_wait (&nvme->quiet, done, opaque);
}

static void
nvme_resume (VtDevice *dev)
{
  Nvme *nvme = (Nvme *) dev;
  nvme->parked = false;
  nvme_run (nvme);
}

static void
nvme_finalize (VtDevice *dev)
{
  Nvme *nvme = (Nvme *) dev;
  g_assert (nvme->quiet.in_flight == 0);
  vt_pci_finalize (&nvme->pci);
}

static const void *
nvme_test_config (void)
{
  static VtNvmeConfig config;
  config.block = vt_no_disk ();
  return &config;
}

static const VtRegion *const nvme_regions[] = { &nvme_region, NULL };

const VtDeviceClass vt_nvme = {
  .name = "nvme",
  .summary = "NVMe disk",
  .instance_size = sizeof (Nvme),
  .state_off = offsetof (Nvme, s),
  .state = VT_STATE (1, NvmeState, nvme_fields, &nvme_at_reset),
  .regions = nvme_regions,
  .realize = nvme_realize,
  .settle = nvme_settle,
  .check = nvme_check,
  .quiesce = nvme_quiesce,
  .resume = nvme_resume,
  .finalize = nvme_finalize,
  .test_config = nvme_test_config,
};
