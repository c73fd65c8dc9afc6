/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The controller's registers, its two rings of verbs and answers, and its interrupt (chapters 3 and 4). Registers are words of 32
 * bits here; narrower accesses come with a mask of the bytes that they mean. */
#include "hda-private.h"

#include "trace-sound.h"
#include "vitrine/error.h"

enum
{
  BAR_BYTES = 0x4000,

  /* 3.3; registers that share a word are where their word is */
  GCAP = 0x00, PAYLOADS = 0x04, GCTL = 0x08, WAKE = 0x0c, GSTS = 0x10, STREAM_PAYLOADS = 0x18, INTCTL = 0x20, INTSTS = 0x24,
  WALCLK = 0x30, SSYNC = 0x34, CORBLBASE = 0x40, CORBUBASE = 0x44, CORBWP = 0x48, CORBCTL = 0x4c, RIRBLBASE = 0x50, RIRBUBASE = 0x54,
  RIRBWP = 0x58, RIRBCTL = 0x5c, ICOI = 0x60, ICII = 0x64, ICIS = 0x68, DPLBASE = 0x70, DPUBASE = 0x74,
  STREAMS = 0x80, STREAM_STRIDE = 0x20, SDCTL = 0x00, SDLPIB = 0x04, SDCBL = 0x08, SDLVI = 0x0c, SDFMT = 0x10, SDBDPL = 0x18, SDBDPU = 0x1c,
  WALCLK_ALIAS = 0x2030, POSITIONS_ALIAS = 0x2084,

  GCAP_VALUE = HDA_OUTPUTS << 12 | HDA_INPUTS << 8 | 1,    /* addresses of 64 bits */
  GCTL_CRST = 1u << 0, GCTL_FCNTRL = 1u << 1, GCTL_UNSOL = 1u << 8, GSTS_FSTS = 1u << 1,
  INTCTL_CIE = 1u << 30, INTCTL_STREAMS = (1u << HDA_STREAMS) - 1,
  CORBRP_RESET = 0x8000, CORBCTL_RUN = 2, CORBCTL_MEIE = 1, CORBSTS_MEI = 1,
  RIRBWP_RESET = 0x8000, RIRBCTL_IRQ = 1, RIRBCTL_RUN = 2, RIRBCTL_OVERRUN_IRQ = 4, RIRBSTS_IRQ = 1, RIRBSTS_OVERRUN = 4,
  RING_SIZES = 7u << 4,                                    /* 2, 16 and 256 entries */
  ICIS_VALID = 2,
  SDSTS_W1C = SDSTS_BCIS | SDSTS_FIFOE | SDSTS_DESE,
  SDCTL_WRITABLE = 0xff001f, FIFO_BYTES = 0xff,
  CODEC = 0,                                               /* its address */
};
#define INTCTL_GIE (1u << 31)
#define WALL_CLOCK_HZ 24000000u

#define HDA_FIELDS(T)                                                                                                  \
  VT_FIELD (T, corb_base), VT_FIELD (T, rirb_base), VT_FIELD (T, positions), VT_FIELD (T, run_ns), VT_FIELD (T, moved),  \
    VT_FIELD (T, bdl), VT_FIELD (T, ctl), VT_FIELD (T, lpib), VT_FIELD (T, cbl), VT_FIELD (T, entry_at),                  \
    VT_FIELD (T, lvi), VT_FIELD (T, fmt), VT_FIELD (T, entry), VT_FIELD (T, gctl), VT_FIELD (T, intctl),                  \
    VT_FIELD (T, ssync), VT_FIELD (T, response), VT_FIELD (T, wakeen), VT_FIELD (T, statests), VT_FIELD (T, corb_wp),     \
    VT_FIELD (T, corb_rp), VT_FIELD (T, rirb_wp), VT_FIELD (T, rirb_count), VT_FIELD (T, responses),                      \
    VT_FIELD (T, corb_ctl), VT_FIELD (T, corb_sts), VT_FIELD (T, rirb_ctl), VT_FIELD (T, rirb_sts),                       \
    VT_FIELD (T, corb_size), VT_FIELD (T, rirb_size), VT_FIELD (T, response_valid), VT_FIELD (T, flushed),                \
    VT_FIELD (T, pad_),                                                                                                \
    VT_FIELD (T, codec.format), VT_FIELD (T, codec.stream), VT_FIELD (T, codec.gain), VT_FIELD (T, codec.pin),            \
    VT_FIELD (T, codec.power), VT_FIELD (T, codec.pad_)
static const VtField hda_fields[] = { VT_PCI_FIELDS (HdaState, pci), HDA_FIELDS (HdaState) };

static const HdaState hda_at_reset = {
  .corb_size = 2, .rirb_size = 2,
  .codec = HDA_CODEC_AT_RESET,
};

/* --- Interrupts ------------------------------------------------------------------------------------------------------ */

/* 3.3.15: INTSTS without its sum */
static uint32_t
pending (const HdaState *s)
{
  uint32_t bits = 0;
  for (unsigned i = 0; i < HDA_STREAMS; i++)
    if (((s->ctl[i] & SDCTL_IOCE) && (s->ctl[i] & SDSTS_BCIS)) || ((s->ctl[i] & SDCTL_FEIE) && (s->ctl[i] & SDSTS_FIFOE))
        || ((s->ctl[i] & SDCTL_DEIE) && (s->ctl[i] & SDSTS_DESE)))
      bits |= 1u << i;
  if (((s->rirb_ctl & RIRBCTL_IRQ) && (s->rirb_sts & RIRBSTS_IRQ)) || ((s->rirb_ctl & RIRBCTL_OVERRUN_IRQ) && (s->rirb_sts & RIRBSTS_OVERRUN))
      || ((s->corb_ctl & CORBCTL_MEIE) && (s->corb_sts & CORBSTS_MEI)) || (s->statests & s->wakeen))
    bits |= INTCTL_CIE;
  return bits;
}

static bool
irq_level (const HdaState *s)
{
  return (s->intctl & INTCTL_GIE) != 0 && (pending (s) & s->intctl) != 0;
}

void
vt_hda_update_irq (Hda *hda, bool new_cause)
{
  bool level = irq_level (&hda->s), was = hda->pci.irq_level;
  vt_pci_set_irq (&hda->pci, level);
  if (level && was && new_cause)
    vt_pci_msi_send (&hda->pci);
}

/* --- Verbs and answers (4.4) ------------------------------------------------------------------------------------------- */

static unsigned
ring_entries (uint8_t size)
{
  return size == 0 ? 2 : size == 1 ? 16 : 256;
}

static void
answer (Hda *hda, uint32_t response)
{
  HdaState *s = &hda->s;
  uint8_t   entry[8];
  s->rirb_wp = (uint16_t) ((s->rirb_wp + 1u) % ring_entries (s->rirb_size));
  vt_store_le (entry, response, 4);
  vt_store_le (entry + 4, CODEC, 4);
  if (!vt_dma_write (&hda->pci.dma, VT_GPA (s->rirb_base + 8u * s->rirb_wp), entry, sizeof entry))
    s->rirb_sts |= RIRBSTS_OVERRUN;
  unsigned wanted = s->rirb_count != 0 ? s->rirb_count : 256;
  if (++s->responses < wanted && s->corb_rp != s->corb_wp)
    return;
  s->responses = 0;
  s->rirb_sts |= RIRBSTS_IRQ;
  vt_hda_update_irq (hda, true);
}

static uint32_t
verb (Hda *hda, uint32_t command)
{
  uint32_t response = command >> 28 == CODEC ? vt_hda_verb (hda, command) : 0;
  trace_hda_verb (command, response);
  return response;
}

/* As many as there are: a ring has 256 at most, and the driver does not run meanwhile. */
static void
run_corb (Hda *hda)
{
  HdaState *s = &hda->s;
  unsigned  entries = ring_entries (s->corb_size);
  for (unsigned n = 0; n < entries && s->corb_rp != s->corb_wp && (s->corb_ctl & CORBCTL_RUN) && (s->rirb_ctl & RIRBCTL_RUN); n++)
    {
      uint32_t command;
      s->corb_rp = (uint16_t) ((s->corb_rp + 1u) % entries);
      if (!vt_dma_get32 (&hda->pci.dma, VT_GPA (s->corb_base + 4u * s->corb_rp), &command))
        {
          s->corb_sts |= CORBSTS_MEI;
          vt_hda_update_irq (hda, true);
          return;
        }
      answer (hda, verb (hda, command));
    }
}

/* --- Global control ----------------------------------------------------------------------------------------------------- */

/* 3.3.7: all but what the codec said of itself at its last start. */
static void
reset_controller (Hda *hda)
{
  HdaState *s = &hda->s;
  HdaState  keep = *s;
  *s = hda_at_reset;
  s->pci = keep.pci;
  s->wakeen = keep.wakeen;
  s->statests = keep.statests;
  vt_hda_streams_tell (hda);
  vt_hda_streams_run (hda);
}

static void
write_gctl (Hda *hda, uint32_t value)
{
  HdaState *s = &hda->s;
  uint32_t  old = s->gctl;
  s->gctl = value & (GCTL_CRST | GCTL_UNSOL);
  if (!(s->gctl & GCTL_CRST))
    reset_controller (hda);
  else if (!(old & GCTL_CRST))
    s->statests |= 1u << CODEC;
  else if (value & GCTL_FCNTRL)
    s->flushed = true;                   /* no data is kept on its way */
  vt_hda_update_irq (hda, true);
}

/* --- Registers ------------------------------------------------------------------------------------------------------------ */

static uint32_t
read_stream (Hda *hda, unsigned stream, unsigned off)
{
  const HdaState *s = &hda->s;
  switch (off)
    {
    case SDCTL: return s->ctl[stream];
    case SDLPIB: vt_hda_streams_run (hda); return s->lpib[stream];
    case SDCBL: return s->cbl[stream];
    case SDLVI: return s->lvi[stream];
    case SDFMT: return FIFO_BYTES | (uint32_t) s->fmt[stream] << 16;
    case SDBDPL: return (uint32_t) s->bdl[stream];
    case SDBDPU: return (uint32_t) (s->bdl[stream] >> 32);
    default: return 0;
    }
}

static uint32_t
read_global (Hda *hda, unsigned off)
{
  const HdaState *s = &hda->s;
  switch (off)
    {
    case GCAP: return GCAP_VALUE | 0x0100u << 16;
    case PAYLOADS: return 0x3c | 0x1du << 16;
    case GCTL: return s->gctl;
    case WAKE: return s->wakeen | (uint32_t) s->statests << 16;
    case GSTS: return s->flushed ? GSTS_FSTS : 0;
    case STREAM_PAYLOADS: return 0x30 | 0x18u << 16;
    case INTCTL: return s->intctl;
    case INTSTS: return pending (s) | (pending (s) != 0 ? INTCTL_GIE : 0);
    case WALCLK: return (uint32_t) vt_ns_to_ticks (vt_clock_now (hda->clock), WALL_CLOCK_HZ);
    case SSYNC: return s->ssync;
    case CORBLBASE: return (uint32_t) s->corb_base;
    case CORBUBASE: return (uint32_t) (s->corb_base >> 32);
    case CORBWP: return s->corb_wp | (uint32_t) s->corb_rp << 16;
    case CORBCTL: return s->corb_ctl | (uint32_t) s->corb_sts << 8 | (uint32_t) (s->corb_size | RING_SIZES) << 16;
    case RIRBLBASE: return (uint32_t) s->rirb_base;
    case RIRBUBASE: return (uint32_t) (s->rirb_base >> 32);
    case RIRBWP: return s->rirb_wp | (uint32_t) s->rirb_count << 16;
    case RIRBCTL: return s->rirb_ctl | (uint32_t) s->rirb_sts << 8 | (uint32_t) (s->rirb_size | RING_SIZES) << 16;
    case ICII: return s->response;
    case ICIS: return s->response_valid ? ICIS_VALID : 0;
    case DPLBASE: return (uint32_t) s->positions;
    case DPUBASE: return (uint32_t) (s->positions >> 32);
    default: return 0;
    }
}

static uint32_t
read_word (Hda *hda, unsigned off)
{
  if (off >= STREAMS && off < STREAMS + HDA_STREAMS * STREAM_STRIDE)
    return read_stream (hda, (off - STREAMS) / STREAM_STRIDE, off % STREAM_STRIDE);
  if (off >= POSITIONS_ALIAS && off < POSITIONS_ALIAS + HDA_STREAMS * STREAM_STRIDE && off % STREAM_STRIDE == POSITIONS_ALIAS % STREAM_STRIDE)
    return read_stream (hda, (off - POSITIONS_ALIAS) / STREAM_STRIDE, SDLPIB);
  return read_global (hda, off == WALCLK_ALIAS ? WALCLK : off);
}

static uint32_t
merged (uint32_t old, uint32_t value, uint32_t mask, uint32_t writable)
{
  mask &= writable;
  return (old & ~mask) | (value & mask);
}

static uint64_t
merged_half (uint64_t old, unsigned shift, uint32_t value, uint32_t mask, uint32_t writable)
{
  return vt_deposit (old, shift, 32, merged ((uint32_t) (old >> shift), value, mask, writable));
}

static void
write_stream (Hda *hda, unsigned stream, unsigned off, uint32_t value, uint32_t mask)
{
  HdaState *s = &hda->s;
  uint32_t  old = s->ctl[stream];
  bool      still = !(old & SDCTL_RUN);      /* what describes the buffers of a stream that runs stays (3.3.35) */
  switch (off)
    {
    case SDCTL:
      vt_hda_streams_run (hda);
      old = s->ctl[stream];
      s->ctl[stream] = merged (old, value, mask, SDCTL_WRITABLE) & ~(value & mask & SDSTS_W1C);
      vt_hda_stream_control (hda, stream, old);
      vt_hda_update_irq (hda, false);
      return;
    case SDCBL: s->cbl[stream] = still ? merged (s->cbl[stream], value, mask, UINT32_MAX) : s->cbl[stream]; return;
    case SDLVI: s->lvi[stream] = still ? (uint16_t) merged (s->lvi[stream], value, mask, 0xff) : s->lvi[stream]; return;
    case SDFMT:
      if (still)
        s->fmt[stream] = (uint16_t) (merged ((uint32_t) s->fmt[stream] << 16, value, mask, 0x7f7fu << 16) >> 16);
      return;
    case SDBDPL: s->bdl[stream] = still ? merged_half (s->bdl[stream], 0, value, mask, ~0x7fu) : s->bdl[stream]; return;
    case SDBDPU: s->bdl[stream] = still ? merged_half (s->bdl[stream], 32, value, mask, UINT32_MAX) : s->bdl[stream]; return;
    }
}

static void
write_corb_pointers (Hda *hda, uint32_t value, uint32_t mask)
{
  HdaState *s = &hda->s;
  unsigned  entries = ring_entries (s->corb_size);
  s->corb_wp = (uint16_t) (merged (s->corb_wp, value, mask, 0xff) % entries);
  if (mask >> 16 & CORBRP_RESET)
    s->corb_rp = value >> 16 & CORBRP_RESET ? CORBRP_RESET : s->corb_rp & 0xff;
  if (s->corb_rp == CORBRP_RESET)
    return;                              /* until the driver takes it back */
  run_corb (hda);
}

static void
write_corb_control (Hda *hda, uint32_t value, uint32_t mask)
{
  HdaState *s = &hda->s;
  s->corb_ctl = (uint8_t) merged (s->corb_ctl, value, mask, CORBCTL_RUN | CORBCTL_MEIE);
  s->corb_sts &= (uint8_t) ~((value & mask) >> 8);
  if (!(s->corb_ctl & CORBCTL_RUN))
    s->corb_size = (uint8_t) MIN (merged ((uint32_t) s->corb_size << 16, value, mask, 3u << 16) >> 16, 2);
  if (s->corb_rp != CORBRP_RESET)
    s->corb_rp %= ring_entries (s->corb_size);
  s->corb_wp %= ring_entries (s->corb_size);
  if (s->corb_rp != CORBRP_RESET)
    run_corb (hda);
  vt_hda_update_irq (hda, false);
}

static void
write_rirb_pointers (Hda *hda, uint32_t value, uint32_t mask)
{
  HdaState *s = &hda->s;
  if (value & mask & RIRBWP_RESET)
    {
      s->rirb_wp = 0;
      s->responses = 0;
    }
  s->rirb_count = (uint16_t) (merged ((uint32_t) s->rirb_count << 16, value, mask, 0xffu << 16) >> 16);
}

static void
write_rirb_control (Hda *hda, uint32_t value, uint32_t mask)
{
  HdaState *s = &hda->s;
  s->rirb_ctl = (uint8_t) merged (s->rirb_ctl, value, mask, RIRBCTL_IRQ | RIRBCTL_RUN | RIRBCTL_OVERRUN_IRQ);
  s->rirb_sts &= (uint8_t) ~((value & mask) >> 8);
  if (!(s->rirb_ctl & RIRBCTL_RUN))
    s->rirb_size = (uint8_t) MIN (merged ((uint32_t) s->rirb_size << 16, value, mask, 3u << 16) >> 16, 2);
  s->rirb_wp %= ring_entries (s->rirb_size);
  if (s->corb_rp != CORBRP_RESET)
    run_corb (hda);
  vt_hda_update_irq (hda, false);
}

/* 3.4.3: a verb without rings; its answer is there at once. */
static void
write_immediate (Hda *hda, uint32_t value)
{
  hda->s.response = verb (hda, value);
  hda->s.response_valid = true;
}

static void
write_global (Hda *hda, unsigned off, uint32_t value, uint32_t mask)
{
  HdaState *s = &hda->s;
  switch (off)
    {
    case GCTL: write_gctl (hda, merged (s->gctl, value, mask, UINT32_MAX)); return;
    case WAKE:
      s->wakeen = (uint16_t) merged (s->wakeen, value, mask, 1u << CODEC);
      s->statests &= (uint16_t) ~((value & mask) >> 16);
      vt_hda_update_irq (hda, false);
      return;
    case GSTS: s->flushed = s->flushed && !(value & mask & GSTS_FSTS); return;
    case INTCTL: s->intctl = merged (s->intctl, value, mask, INTCTL_GIE | INTCTL_CIE | INTCTL_STREAMS); vt_hda_update_irq (hda, false); return;
    case SSYNC:
      vt_hda_streams_hold (hda, merged (s->ssync, value, mask, INTCTL_STREAMS));
      return;
    case CORBLBASE: s->corb_base = merged_half (s->corb_base, 0, value, mask, ~0x7fu); return;
    case CORBUBASE: s->corb_base = merged_half (s->corb_base, 32, value, mask, UINT32_MAX); return;
    case CORBWP: write_corb_pointers (hda, value, mask); return;
    case CORBCTL: write_corb_control (hda, value, mask); return;
    case RIRBLBASE: s->rirb_base = merged_half (s->rirb_base, 0, value, mask, ~0x7fu); return;
    case RIRBUBASE: s->rirb_base = merged_half (s->rirb_base, 32, value, mask, UINT32_MAX); return;
    case RIRBWP: write_rirb_pointers (hda, value, mask); return;
    case RIRBCTL: write_rirb_control (hda, value, mask); return;
    case ICOI: write_immediate (hda, value); return;
    case ICIS: s->response_valid = s->response_valid && !(value & mask & ICIS_VALID); return;
    case DPLBASE: s->positions = merged_half (s->positions, 0, value, mask, ~0x7eu); return;
    case DPUBASE: s->positions = merged_half (s->positions, 32, value, mask, UINT32_MAX); return;
    }
}

static uint64_t
hda_read (VtDevice *dev, uint64_t off, unsigned size)
{
  unsigned shift = (unsigned) (off & 3) * 8;
  uint32_t value = read_word ((Hda *) dev, (unsigned) off & ~3u);
  trace_hda_read ((unsigned) off, value);
  return value >> shift & (size == 4 ? UINT32_MAX : (1u << 8 * size) - 1);
}

static void
hda_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Hda     *hda = (Hda *) dev;
  unsigned word = (unsigned) off & ~3u, shift = (unsigned) (off & 3) * 8;
  uint32_t mask = (size == 4 ? UINT32_MAX : (1u << 8 * size) - 1) << shift, bits = (uint32_t) value << shift;
  trace_hda_write (word, bits, mask);
  if (!(hda->s.gctl & GCTL_CRST) && word != GCTL && word != WAKE)
    return;                              /* 4.2.2: in reset */
  if (word >= STREAMS && word < STREAMS + HDA_STREAMS * STREAM_STRIDE)
    write_stream (hda, (word - STREAMS) / STREAM_STRIDE, word % STREAM_STRIDE, bits, mask);
  else
    write_global (hda, word, bits, mask);
}

static const VtRegionOps hda_ops = { hda_read, hda_write, 1, 4 };
static const VtRegion hda_region = { "hda", BAR_BYTES, &hda_ops };
static const VtRegion *const hda_regions[] = { &hda_region, NULL };

/* --- Life ----------------------------------------------------------------------------------------------------------------- */

static void
tick (void *opaque, int64_t late_ns)
{
  vt_hda_streams_run (opaque);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Hda                *hda = (Hda *) dev;
  const VtHdaConfig  *config = env->config;
  const VtPciIdentity identity = { .vendor = 0x8086, .device = config->ich6 ? 0x2668 : 0x293e, .class_code = 0x040300,
                                   .revision = config->ich6 ? 1 : 3, .interrupt_pin = 1 };
  hda->clock = env->clock;
  hda->sound = config->sound;
  hda->timer = vt_timer_new (env->clock, "hda", 0, tick, hda);
  if (!vt_pci_init (&hda->pci, env, &config->place, &identity, &hda->s.pci, error))
    return false;
  vt_pci_set_fixed (&hda->pci, 0x40, 1, 1);          /* HDCTL: High Definition Audio, not AC '97 */
  vt_pci_add_bar (&hda->pci, 0, PCI_BAR_64, &hda_region);
  vt_pci_add_power_management (&hda->pci);
  vt_pci_add_msi (&hda->pci);
  if (!config->ich6)
    vt_pci_add_express (&hda->pci);
  return true;
}

static void
settle (VtDevice *dev)
{
  Hda *hda = (Hda *) dev;
  vt_pci_settle (&hda->pci, irq_level (&hda->s));
  vt_hda_streams_tell (hda);
  bool runs = false;
  for (unsigned i = 0; i < HDA_STREAMS; i++)
    runs |= (hda->s.ctl[i] & SDCTL_RUN) != 0;
  if (runs)
    vt_timer_arm (hda->timer, vt_clock_now (hda->clock));
  else
    vt_timer_cancel (hda->timer);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const Hda      *hda = (const Hda *) dev;
  const HdaState *s = incoming;
  bool            ok = s->corb_size <= 2 && s->rirb_size <= 2 && s->rirb_count <= 0xff && s->responses <= 256
            && s->rirb_wp < ring_entries (s->rirb_size) && s->corb_wp < ring_entries (s->corb_size)
            && (s->corb_rp == CORBRP_RESET || s->corb_rp < ring_entries (s->corb_size));
  for (unsigned i = 0; ok && i < HDA_STREAMS; i++)
    ok = s->run_ns[i] <= INT64_MAX / 2 && s->moved[i] <= INT64_MAX / 2 && s->lvi[i] <= 0xff && s->entry[i] <= 0xff;
  for (unsigned i = 0; ok && i < G_N_ELEMENTS (s->codec.gain); i++)
    ok = (s->codec.gain[i] & 0x7f) <= HDA_GAIN_0DB;
  if (ok)
    return vt_pci_check (&hda->pci, &s->pci, error);
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved sound card is impossible", dev->path);
  return false;
}

static void
finalize (VtDevice *dev)
{
  Hda *hda = (Hda *) dev;
  for (unsigned way = 0; hda->sound != NULL && way < VT_SOUND_WAYS; way++)
    if (hda->playing[way] != 0)
      hda->sound->ops->stop (hda->sound, way);
  vt_timer_free (hda->timer);
  vt_pci_finalize (&hda->pci);
}

static const void *
test_config (void)
{
  static const VtHdaConfig config = { 0 };
  return &config;
}

const VtDeviceClass vt_hda = {
  .name = "hda",
  .summary = "sound card (Intel High Definition Audio)",
  .instance_size = sizeof (Hda),
  .state_off = offsetof (Hda, s),
  .state = VT_STATE (1, HdaState, hda_fields, &hda_at_reset),
  .regions = hda_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .finalize = finalize,
  .test_config = test_config,
};
