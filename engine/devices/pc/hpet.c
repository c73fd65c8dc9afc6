/* SPDX-License-Identifier: GPL-3.0-or-later */
/* High precision event timer: Intel IA-PC HPET specification 1.0a.
 *
 * The main counter is a function of guest time.  Comparators are looked at when the guest looks and when a match is due with
 * its interrupt enabled; `seen` says up to which count that was done.
 *
 * Known difference: periodic matches that lie closer together than HPET_MIN_WAKE_NS are merged into one interrupt.
 */
#include "hpet.h"

#include "trace-pc.h"
#include "vitrine/error.h"

#define HPET_CAPS      0x000u
#define HPET_CONF      0x010u
#define HPET_STATUS    0x020u
#define HPET_COUNTER   0x0f0u
#define HPET_TIMER     0x100u   /* + 0x20 each */
#define HPET_T_CONF    0x00u
#define HPET_T_COMPARE 0x08u
#define HPET_T_FSB     0x10u

#define HPET_CONF_ENABLE 0x1u
#define HPET_CONF_LEGACY 0x2u
#define HPET_CONF_WRITABLE 0x3u

#define HPET_T_LEVEL    0x0002u
#define HPET_T_ENABLE   0x0004u
#define HPET_T_PERIODIC 0x0008u
#define HPET_T_PERIODIC_CAP 0x0010u
#define HPET_T_64BIT_CAP 0x0020u
#define HPET_T_VAL_SET  0x0040u
#define HPET_T_32BIT    0x0100u
#define HPET_T_ROUTE    9u        /* shift; 5 bits */
#define HPET_T_FSB_ENABLE 0x4000u
#define HPET_T_FSB_CAP  0x8000u
#define HPET_T_WRITABLE 0x7f4eu

#define HPET_MIN_WAKE_NS 20000
#define HPET_FAR_TICKS (UINT64_C (1) << 58)   /* beyond any guest's life */

typedef struct
{
  uint64_t conf;      /* writable bits */
  uint64_t compare;
  uint64_t period;
  uint64_t fsb;       /* data, and address in the high half */
} HpetTimer;

typedef struct
{
  HpetTimer timer[VT_HPET_TIMERS];
  uint64_t  base;     /* counter while stopped; else what to add to the ticks of guest time */
  uint64_t  seen;     /* count up to which matches have been noticed */
  uint32_t  conf;
  uint32_t  status;
  bool      pit, rtc; /* levels of the passed-through interrupts: the wires do not reset with us */
  uint8_t   pad_[6];
} HpetState;

#define TIMER(i)                                                                                                         \
  VT_FIELD (HpetState, timer[i].conf), VT_FIELD (HpetState, timer[i].compare), VT_FIELD (HpetState, timer[i].period),    \
      VT_FIELD (HpetState, timer[i].fsb)
static const VtField hpet_fields[] = {
  TIMER (0), TIMER (1), TIMER (2),
  VT_FIELD (HpetState, base), VT_FIELD (HpetState, seen), VT_FIELD (HpetState, conf), VT_FIELD (HpetState, status),
  VT_FIELD_KEPT (HpetState, pit), VT_FIELD_KEPT (HpetState, rtc), VT_FIELD (HpetState, pad_),
};

#define FRESH { .compare = UINT64_MAX }
static const HpetState hpet_at_reset = { .timer = { FRESH, FRESH, FRESH } };

typedef struct
{
  VtDevice     dev;
  HpetState    s;
  VtIrq        wires[VT_HPET_WIRES];
  VtMsiSink    msi;
  VtClock     *clock;
  VtTimer     *wake;
  VtHpetConfig config;
} Hpet;

static uint64_t
ticks_now (const Hpet *hpet)
{
  return vt_ns_to_ticks (vt_clock_now (hpet->clock), VT_HPET_HZ);
}

static bool
running (const HpetState *s)
{
  return s->conf & HPET_CONF_ENABLE;
}

static uint64_t
counter (const Hpet *hpet)
{
  return hpet->s.base + (running (&hpet->s) ? ticks_now (hpet) : 0);
}

static uint64_t
width_mask (const HpetTimer *t)
{
  return t->conf & HPET_T_32BIT ? UINT32_MAX : UINT64_MAX;
}

/* --- Where interrupts go -------------------------------------------------------------------------------------------- */

static bool
by_message (const Hpet *hpet, const HpetTimer *t)
{
  return hpet->config.msi && (t->conf & HPET_T_FSB_ENABLE);
}

/* Wire of a timer's interrupt; VT_HPET_WIRES for none. */
static unsigned
wire_of (const Hpet *hpet, unsigned index)
{
  if ((hpet->s.conf & HPET_CONF_LEGACY) && index < 2)
    return index == 0 ? VT_HPET_WIRE_IRQ0 : VT_HPET_WIRE_IRQ8;
  unsigned pin = (unsigned) vt_extract (hpet->s.timer[index].conf, HPET_T_ROUTE, 5);
  bool allowed = hpet->config.route_mask[index] >> pin & 1;
  return allowed && pin < 24 ? VT_HPET_WIRE_PIN0 + pin : VT_HPET_WIRES;
}

/* Levels that stand: status of level-triggered timers, and the PIT and RTC when they pass through. */
static void
drive_wires (Hpet *hpet)
{
  const HpetState *s = &hpet->s;
  bool level[VT_HPET_WIRES + 1] = { false };
  if (!(s->conf & HPET_CONF_LEGACY))
    {
      level[VT_HPET_WIRE_IRQ0] = s->pit;
      level[VT_HPET_WIRE_IRQ8] = s->rtc;
    }
  for (unsigned i = 0; i < VT_HPET_TIMERS; i++)
    if ((s->status >> i & 1) && (s->timer[i].conf & HPET_T_ENABLE))
      level[wire_of (hpet, i)] = true;
  for (unsigned i = 0; i < VT_HPET_WIRES; i++)
    vt_irq_set (&hpet->wires[i], level[i]);
}

static void
fire (Hpet *hpet, unsigned index)
{
  HpetTimer *t = &hpet->s.timer[index];
  if (!(t->conf & HPET_T_ENABLE))
    return;
  trace_hpet_fire (index);
  if (by_message (hpet, t))
    {
      vt_msi_send (&hpet->msi, t->fsb >> 32, (uint32_t) t->fsb);
      return;
    }
  if (t->conf & HPET_T_LEVEL)
    {
      hpet->s.status |= 1u << index;
      drive_wires (hpet);
      return;
    }
  unsigned wire = wire_of (hpet, index);
  if (wire != VT_HPET_WIRES)
    vt_irq_pulse (&hpet->wires[wire]);
}

/* --- Matches -------------------------------------------------------------------------------------------------------- */

/* Counts from `seen` to the next match; 0 means just matched, that is a whole turn away. */
static uint64_t
distance (const HpetState *s, const HpetTimer *t)
{
  return (t->compare - s->seen) & width_mask (t);
}

static void
pass (Hpet *hpet, unsigned index, uint64_t elapsed)
{
  HpetTimer *t = &hpet->s.timer[index];
  uint64_t to_match = distance (&hpet->s, t);
  if (to_match == 0 && (t->conf & HPET_T_32BIT))
    to_match = UINT64_C (1) << 32;
  if (to_match == 0 || to_match > elapsed)
    return;
  if ((t->conf & HPET_T_PERIODIC) && t->period != 0)
    {
      uint64_t periods = 1 + (elapsed - to_match) / t->period;
      t->compare = (t->compare + periods * t->period) & width_mask (t);
    }
  fire (hpet, index);
}

static void
catch_up (Hpet *hpet)
{
  HpetState *s = &hpet->s;
  uint64_t now = counter (hpet), elapsed = now - s->seen;
  if (!running (s) || elapsed == 0 || elapsed > INT64_MAX)
    return;
  for (unsigned i = 0; i < VT_HPET_TIMERS; i++)
    pass (hpet, i, elapsed);
  s->seen = now;
}

/* First nanosecond of the next match that interrupts; INT64_MAX for none. Periodic ones not before `earliest_ns`. */
static int64_t
next_wake (const Hpet *hpet, int64_t earliest_ns)
{
  const HpetState *s = &hpet->s;
  int64_t wake = INT64_MAX;
  for (unsigned i = 0; running (s) && i < VT_HPET_TIMERS; i++)
    {
      const HpetTimer *t = &s->timer[i];
      uint64_t to_match = distance (s, t);
      if (to_match == 0 && (t->conf & HPET_T_32BIT))
        to_match = UINT64_C (1) << 32;
      if (!(t->conf & HPET_T_ENABLE) || to_match == 0 || to_match > HPET_FAR_TICKS)
        continue;
      int64_t due_ns = vt_ticks_to_ns (s->seen - s->base + to_match, VT_HPET_HZ);
      wake = MIN (wake, t->conf & HPET_T_PERIODIC ? MAX (due_ns, earliest_ns) : due_ns);
    }
  return wake;
}

static void
arm (Hpet *hpet, int64_t earliest_ns)
{
  int64_t wake = next_wake (hpet, earliest_ns);
  if (wake == INT64_MAX)
    vt_timer_cancel (hpet->wake);
  else
    vt_timer_arm (hpet->wake, wake);
}

static void
expired (void *opaque, int64_t late_ns)
{
  Hpet *hpet = opaque;
  catch_up (hpet);
  arm (hpet, vt_clock_now (hpet->clock) + HPET_MIN_WAKE_NS);
}

/* --- Registers ------------------------------------------------------------------------------------------------------ */

static uint64_t
timer_conf (const Hpet *hpet, unsigned index)
{
  return hpet->s.timer[index].conf | HPET_T_PERIODIC_CAP | HPET_T_64BIT_CAP | (hpet->config.msi ? HPET_T_FSB_CAP : 0)
         | (uint64_t) hpet->config.route_mask[index] << 32;
}

static uint64_t
read_timer (const Hpet *hpet, unsigned index, uint64_t reg)
{
  const HpetTimer *t = &hpet->s.timer[index];
  switch (reg)
    {
    case HPET_T_CONF: return timer_conf (hpet, index);
    case HPET_T_COMPARE: return t->compare;
    case HPET_T_FSB: return t->fsb;
    }
  return 0;
}

/* An aligned quadword. */
static uint64_t
read_quad (const Hpet *hpet, uint64_t off)
{
  switch (off)
    {
    case HPET_CAPS: return VT_HPET_ID | (uint64_t) VT_HPET_PERIOD_FS << 32;
    case HPET_CONF: return hpet->s.conf;
    case HPET_STATUS: return hpet->s.status;
    case HPET_COUNTER: return counter (hpet);
    }
  if (off >= HPET_TIMER && off < HPET_TIMER + 0x20 * VT_HPET_TIMERS)
    return read_timer (hpet, (unsigned) (off - HPET_TIMER) / 0x20, off & 0x18);
  return 0;
}

static void
write_conf (Hpet *hpet, uint64_t value)
{
  HpetState *s = &hpet->s;
  uint64_t now = counter (hpet);
  s->conf = value & HPET_CONF_WRITABLE;
  s->base = now - (running (s) ? ticks_now (hpet) : 0);
  s->seen = now;
}

static void
write_timer_conf (Hpet *hpet, unsigned index, uint64_t value)
{
  HpetTimer *t = &hpet->s.timer[index];
  uint64_t writable = HPET_T_WRITABLE;
  unsigned pin = (unsigned) vt_extract (value, HPET_T_ROUTE, 5);
  if (!(hpet->config.route_mask[index] >> pin & 1))
    writable &= ~(UINT64_C (0x1f) << HPET_T_ROUTE);   /* a pin that is not offered is not taken (2.3.8) */
  if (!hpet->config.msi)
    writable &= ~(uint64_t) HPET_T_FSB_ENABLE;
  t->conf = (t->conf & ~writable) | (value & writable);
  if (!(t->conf & HPET_T_LEVEL))
    hpet->s.status &= ~(1u << index);
  t->compare &= width_mask (t);
  t->period &= width_mask (t);
}

/* In periodic mode VAL_SET chooses between the next match and only the period (2.3.9.2.2). */
static void
write_compare (HpetTimer *t, uint64_t value)
{
  bool periodic = t->conf & HPET_T_PERIODIC;
  if (!periodic || (t->conf & HPET_T_VAL_SET))
    t->compare = value & width_mask (t);
  if (periodic)
    t->period = value & width_mask (t);
  t->conf &= ~(uint64_t) HPET_T_VAL_SET;
}

static void
write_timer (Hpet *hpet, unsigned index, uint64_t reg, uint64_t value)
{
  switch (reg)
    {
    case HPET_T_CONF: write_timer_conf (hpet, index, value); break;
    case HPET_T_COMPARE: write_compare (&hpet->s.timer[index], value); break;
    case HPET_T_FSB: hpet->s.timer[index].fsb = value; break;
    }
}

static void
write_quad (Hpet *hpet, uint64_t off, uint64_t value)
{
  HpetState *s = &hpet->s;
  switch (off)
    {
    case HPET_CONF:
      write_conf (hpet, value);
      return;
    case HPET_STATUS:
      s->status &= ~(uint32_t) value;
      return;
    case HPET_COUNTER:
      s->base = value - (running (s) ? ticks_now (hpet) : 0);
      s->seen = value;
      return;
    }
  if (off >= HPET_TIMER && off < HPET_TIMER + 0x20 * VT_HPET_TIMERS)
    write_timer (hpet, (unsigned) (off - HPET_TIMER) / 0x20, off & 0x18, value);
}

static uint64_t
hpet_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Hpet *hpet = (Hpet *) dev;
  catch_up (hpet);
  arm (hpet, 0);
  uint64_t value = read_quad (hpet, off & ~UINT64_C (7)) >> 8 * (off & 7) & vt_mask_bytes (size);
  trace_hpet_read (off, size, value);
  return value;
}

/* What a 32-bit write leaves of the other half. Status clears by ones, so there it is zero; the comparator of a periodic
 * timer is written as the period. */
static uint64_t
other_half (const Hpet *hpet, uint64_t quad)
{
  if (quad == HPET_STATUS)
    return 0;
  bool timer = quad >= HPET_TIMER && quad < HPET_TIMER + 0x20 * VT_HPET_TIMERS;
  const HpetTimer *t = timer ? &hpet->s.timer[(quad - HPET_TIMER) / 0x20] : NULL;
  if (t != NULL && (quad & 0x18) == HPET_T_COMPARE && (t->conf & HPET_T_PERIODIC) && !(t->conf & HPET_T_VAL_SET))
    return t->period;
  return read_quad (hpet, quad);
}

static void
hpet_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Hpet *hpet = (Hpet *) dev;
  uint64_t quad = off & ~UINT64_C (7);
  trace_hpet_write (off, size, value);
  catch_up (hpet);
  if (size == 4)
    value = vt_deposit (other_half (hpet, quad), (unsigned) (off & 7) * 8, 32, value);
  write_quad (hpet, quad, value);
  drive_wires (hpet);
  arm (hpet, 0);
}

/* --- The PIT's and the RTC's interrupts ------------------------------------------------------------------------------ */

static void
pass_through (void *sink, unsigned wire, bool level)
{
  Hpet *hpet = sink;
  if (wire == VT_HPET_WIRE_IRQ0)
    hpet->s.pit = level;
  else
    hpet->s.rtc = level;
  drive_wires (hpet);
}

VtIrq
vt_hpet_pit_input (VtDevice *dev, const char *label)
{
  return (VtIrq) { .set = pass_through, .sink = dev, .pin = VT_HPET_WIRE_IRQ0, .label = label };
}

VtIrq
vt_hpet_rtc_input (VtDevice *dev, const char *label)
{
  return (VtIrq) { .set = pass_through, .sink = dev, .pin = VT_HPET_WIRE_IRQ8, .label = label };
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const HpetState *s = incoming;
  bool good = !(s->conf & ~HPET_CONF_WRITABLE) && !(s->status >> VT_HPET_TIMERS)
              && (!running (s) || s->seen - s->base <= HPET_FAR_TICKS);
  for (unsigned i = 0; i < VT_HPET_TIMERS; i++)
    {
      const HpetTimer *t = &s->timer[i];
      good = good && !(t->conf & ~(uint64_t) HPET_T_WRITABLE) && t->compare <= width_mask (t)
             && t->period <= width_mask (t);
    }
  if (!good)
    g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved event timer state is impossible", dev->path);
  return good;
}

static void
settle (VtDevice *dev)
{
  Hpet *hpet = (Hpet *) dev;
  drive_wires (hpet);
  arm (hpet, 0);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Hpet *hpet = (Hpet *) dev;
  if (env->config != NULL)
    hpet->config = *(const VtHpetConfig *) env->config;
  hpet->clock = env->clock;
  hpet->msi = env->msi;
  for (unsigned i = 0; i < VT_HPET_WIRES; i++)
    hpet->wires[i] = i < env->n_wires ? env->wires[i] : vt_irq_detached ("hpet");
  hpet->wake = vt_timer_new (env->clock, "hpet", 0, expired, hpet);
  return true;
}

static void
finalize (VtDevice *dev)
{
  vt_timer_free (((Hpet *) dev)->wake);
}

static const VtRegionOps hpet_ops = { hpet_read, hpet_write, 4, 8 };
const VtRegion vt_hpet_region = { "hpet", 0x400, &hpet_ops };
static const VtRegion *const hpet_regions[] = { &vt_hpet_region, NULL };

static const void *
test_config (void)
{
  static const VtHpetConfig config = { .route_mask = { 0xf00000, 0xf00000, 0xf00800 }, .msi = true };
  return &config;
}

const VtDeviceClass vt_hpet_class = {
  .name = "hpet",
  .summary = "high precision event timer",
  .instance_size = sizeof (Hpet),
  .state_off = offsetof (Hpet, s),
  .state = VT_STATE (1, HpetState, hpet_fields, &hpet_at_reset),
  .regions = hpet_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .finalize = finalize,
  .test_config = test_config,
};
