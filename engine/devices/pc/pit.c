/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Intel 8254 programmable interval timer (datasheet, order number 231164) and port 0x61 of the PC.
 *
 * Nothing ticks here.  A channel remembers at which tick of the 1193182 Hz clock its counting element held which count; OUT
 * and the count are functions of the present tick.  A timer exists only for the next change of OUT that a wire must show.
 *
 * Known differences: a count of 1 in modes 2 and 3 (the datasheet forbids it) acts as 2; edges of a
 * square wave or rate generator that lie closer together than PIT_MIN_EDGE_NS reach the interrupt wire merged.
 */
#include "pit.h"

#include "trace-pc.h"
#include "vitrine/error.h"

#define PIT_CHANNELS 3u

#define PIT_CW_BCD           0x01u
#define PIT_CW_READ_BACK     3u      /* in the channel field */
#define PIT_RB_NOT_COUNT     0x20u
#define PIT_RB_NOT_STATUS    0x10u
#define PIT_STATUS_OUT       0x80u
#define PIT_STATUS_NULL      0x40u

#define PORT61_GATE2         0x01u
#define PORT61_SPEAKER       0x02u
#define PORT61_WRITABLE      0x0fu
#define PORT61_REFRESH       0x10u
#define PORT61_OUT2          0x20u
#define PORT61_REFRESH_TICKS 18u     /* channel 1 as every BIOS programs it: memory refresh each 15 us */

#define PIT_MIN_EDGE_NS      20000   /* a guest cannot take interrupts faster; the host need not wake up for them */
#define PIT_SHORT_TICKS      48u     /* periods whose halves are shorter than that */
#define PIT_LATEST_TICK      (UINT64_C (1) << 53)   /* beyond any guest's life; keeps sums far from wrapping */

enum
{
  PIT_BYTE_LOW,     /* next data byte, when both are transferred */
  PIT_BYTE_HIGH,
};

typedef struct
{
  uint64_t base;          /* tick at which the counting element held `count` */
  uint32_t count;         /* 0 means not loaded since the control word; else 1..0x10000 (10000 in BCD) */
  uint32_t reload;        /* modes 1, 2, 3, 5: count of the next period or trigger */
  uint32_t held;          /* modes 2, 3: what the counting element shows while the gate is low */
  uint16_t latch;
  uint8_t  mode;          /* 0..5 */
  uint8_t  access;        /* 1 low byte, 2 high byte, 3 both */
  uint8_t  status;        /* latched */
  uint8_t  written_low;
  uint8_t  read_byte, write_byte;   /* PIT_BYTE_... */
  uint8_t  latched_bytes;           /* still to be read of latch */
  bool     status_latched;
  bool     bcd;
  bool     gate;
  bool     running;       /* the count goes down; else it stands at `count` */
  bool     armed;         /* modes 0, 1, 4, 5: the terminal count lies ahead */
  bool     out;
  uint8_t  pad_[5];
} PitChannel;

typedef struct
{
  PitChannel ch[PIT_CHANNELS];
  uint8_t    port61;
  uint8_t    pad_[7];
} PitState;

#define CH(i, m) VT_FIELD (PitState, ch[i].m)
#define PIT_FIELDS(i)                                                                                                    \
  CH (i, base), CH (i, count), CH (i, reload), CH (i, held), CH (i, latch), CH (i, mode), CH (i, access),                \
      CH (i, status), CH (i, written_low), CH (i, read_byte), CH (i, write_byte), CH (i, latched_bytes),                 \
      CH (i, status_latched), CH (i, bcd), CH (i, gate), CH (i, running), CH (i, armed), CH (i, out), CH (i, pad_)

static const VtField pit_fields[] = {
  PIT_FIELDS (0), PIT_FIELDS (1), PIT_FIELDS (2), VT_FIELD (PitState, port61), VT_FIELD (PitState, pad_),
};

/* Undefined on the chip; here silent until programmed. */
static const PitState pit_at_reset = {
  .ch = { { .access = 3, .gate = true }, { .access = 3, .gate = true }, { .access = 3 } },
};

typedef struct
{
  VtDevice dev;
  PitState s;
  VtIrq    irq0, speaker;
  VtClock *clock;
  VtTimer *timer[PIT_CHANNELS];   /* NULL where no wire shows OUT */
} Pit;

static uint64_t
now_tick (const Pit *pit)
{
  return vt_ns_to_ticks (vt_clock_now (pit->clock), VT_PIT_HZ);
}

static bool
periodic (const PitChannel *ch)
{
  return ch->mode == 2 || ch->mode == 3;
}

static bool
by_trigger (const PitChannel *ch)
{
  return ch->mode == 1 || ch->mode == 5;
}

static uint32_t
modulus (const PitChannel *ch)
{
  return ch->bcd ? 10000 : 0x10000;
}

static uint32_t
period (const PitChannel *ch)
{
  return MAX (ch->count, 2);
}

/* Ticks since the base; 0 before it (the load takes effect at the next tick). */
static uint64_t
elapsed (const PitChannel *ch, uint64_t now)
{
  return ch->running && now > ch->base ? now - ch->base : 0;
}

/* OUT of the strobe modes is low for the one tick of the terminal count. */
static uint64_t
terminal_ticks (const PitChannel *ch)
{
  return ch->count + (ch->mode >= 4 ? 1 : 0);
}

/* Length of the high half of mode 3: the longer one. */
static uint32_t
high_ticks (const PitChannel *ch)
{
  return (period (ch) + 1) / 2;
}

static bool
out_at (const PitChannel *ch, uint64_t now)
{
  uint64_t ticks = elapsed (ch, now);
  if (ch->count == 0 || !ch->running)
    return ch->out;
  switch (ch->mode)
    {
    case 2: return ticks % period (ch) != period (ch) - 1;
    case 3: return ticks % period (ch) < high_ticks (ch);
    case 4:
    case 5: return !ch->armed || ticks < ch->count || ticks >= terminal_ticks (ch);
    default: return ch->armed ? ticks >= ch->count : ch->out;
    }
}

static uint32_t
count_at (const PitChannel *ch, uint64_t now)
{
  uint64_t ticks = elapsed (ch, now);
  if (ch->count == 0)
    return 0;
  if (periodic (ch) && !ch->running)
    return ch->held;
  if (ch->mode == 2)
    return period (ch) - (uint32_t) (ticks % period (ch));
  if (ch->mode == 3)
    {
      uint32_t phase = (uint32_t) (ticks % period (ch));
      if (phase >= high_ticks (ch))
        phase -= high_ticks (ch);
      return (period (ch) & ~1u) - 2 * phase;
    }
  return (ch->count + modulus (ch) - (uint32_t) (ticks % modulus (ch))) % modulus (ch);
}

/* --- OUT as the wires see it ---------------------------------------------------------------------------------------- */

static void
drive (Pit *pit, unsigned index, bool level)
{
  pit->s.ch[index].out = level;
  if (index == 0)
    vt_irq_set (&pit->irq0, level);
  if (index == 2)
    vt_irq_set (&pit->speaker, level && (pit->s.port61 & PORT61_SPEAKER));
  trace_pit_out (index, level);
}

/* The next tick after `now` at which OUT changes in a way that matters; UINT64_MAX for never. The one-tick low pulses of
 * modes 2, 4 and 5 count as one event, at their end. */
static uint64_t
next_event (const PitChannel *ch, uint64_t now)
{
  if (ch->count == 0 || !ch->running)
    return UINT64_MAX;
  if (!periodic (ch))
    return ch->armed ? ch->base + terminal_ticks (ch) : UINT64_MAX;
  uint64_t ticks = elapsed (ch, now), start = ch->base + ticks - ticks % period (ch);
  if (ch->mode == 3 && now < start + high_ticks (ch))
    return start + high_ticks (ch);
  return start + period (ch);
}

/* When an event is shown. Those of a short period wait for the next multiple of PIT_MIN_EDGE_NS: like all here a function of
 * the state, so that a loaded device shows what the saved one would have. */
static int64_t
deadline_ns (const PitChannel *ch, uint64_t tick)
{
  int64_t ns = vt_tick_deadline_ns (tick, VT_PIT_HZ);
  if (!periodic (ch) || period (ch) >= PIT_SHORT_TICKS)
    return ns;
  return (ns + PIT_MIN_EDGE_NS - 1) / PIT_MIN_EDGE_NS * PIT_MIN_EDGE_NS;
}

static void
arm (Pit *pit, unsigned index)
{
  PitChannel *ch = &pit->s.ch[index];
  if (pit->timer[index] == NULL)
    return;
  /* The base moves when a period is over, so this is the first event that has not been shown, perhaps a late one. */
  uint64_t shown = periodic (ch) && ch->mode == 3 && !ch->out ? ch->base + high_ticks (ch) : ch->base;
  uint64_t at = next_event (ch, shown);
  if (at == UINT64_MAX)
    vt_timer_cancel (pit->timer[index]);
  else
    vt_timer_arm (pit->timer[index], deadline_ns (ch, at));
}

/* Whole periods that are over: the base moves on, and a new count takes effect at the first boundary. True when one was. */
static bool
pass_periods (PitChannel *ch, uint64_t now)
{
  if (elapsed (ch, now) < period (ch))
    return false;
  ch->base += period (ch);
  ch->count = ch->reload;
  ch->base += (now - ch->base) / period (ch) * period (ch);
  return true;
}

/* Mode 3 takes a new count at the end of the half that runs; that of the low half is the end of the period. `out` still
 * says in which half we last caught up. */
static void
pass_half (PitChannel *ch, uint64_t now)
{
  if (ch->mode != 3 || !ch->out || ch->count == ch->reload || elapsed (ch, now) < high_ticks (ch))
    return;
  uint64_t half = ch->base + high_ticks (ch);
  ch->count = ch->reload;
  /* The low half that began at `half` now has the new length. */
  ch->base = half - MIN (half, high_ticks (ch));
}

/* Brings OUT, the wires and the timer up to the present. */
static void
catch_up (Pit *pit, unsigned index)
{
  PitChannel *ch = &pit->s.ch[index];
  uint64_t now = now_tick (pit);
  if (ch->count == 0 || !ch->running)
    return;
  bool edge = false;
  if (periodic (ch))
    {
      pass_half (ch, now);
      edge = pass_periods (ch, now);
    }
  else if (ch->armed && elapsed (ch, now) >= terminal_ticks (ch))
    {
      ch->armed = false;
      edge = true;
    }
  if (edge)
    {
      drive (pit, index, false);
      drive (pit, index, true);
    }
  if (ch->mode == 3)
    drive (pit, index, out_at (ch, now));
  arm (pit, index);
}

static void
channel0_expired (void *opaque, int64_t late_ns)
{
  catch_up (opaque, 0);
}

static void
channel2_expired (void *opaque, int64_t late_ns)
{
  catch_up (opaque, 2);
}

/* --- Programming ---------------------------------------------------------------------------------------------------- */

static void
start (PitChannel *ch, uint64_t now)
{
  ch->count = ch->reload;
  ch->base = now + 1;
  ch->running = true;
  ch->armed = true;
}

static uint32_t
decode_count (const PitChannel *ch, unsigned low, unsigned high)
{
  unsigned raw = low | high << 8;
  if (!ch->bcd)
    return raw == 0 ? 0x10000 : raw;
  unsigned decimal = (raw >> 12) * 1000 + (raw >> 8 & 15) * 100 + (raw >> 4 & 15) * 10 + (raw & 15);
  return decimal % 10000 == 0 ? 10000 : decimal % 10000;
}

static uint16_t
encode_count (const PitChannel *ch, uint32_t count)
{
  if (!ch->bcd)
    return (uint16_t) count;
  count %= 10000;
  return (uint16_t) (count / 1000 << 12 | count / 100 % 10 << 8 | count / 10 % 10 << 4 | count % 10);
}

static void
load_count (Pit *pit, unsigned index, unsigned low, unsigned high)
{
  PitChannel *ch = &pit->s.ch[index];
  uint64_t now = now_tick (pit);
  bool first = ch->count == 0;
  ch->reload = decode_count (ch, low, high);
  trace_pit_count (index, ch->mode, ch->reload);
  if (by_trigger (ch))
    return;   /* waits for the gate to rise */
  if (periodic (ch) && !first)
    return;   /* takes effect when the period, or the half, is over */
  start (ch, now);
  ch->running = ch->gate;
  ch->held = ch->mode == 3 ? ch->count & ~1u : ch->count;
  if (ch->mode == 0)
    drive (pit, index, false);
  arm (pit, index);
}

static void
write_count (Pit *pit, unsigned index, uint8_t value)
{
  PitChannel *ch = &pit->s.ch[index];
  catch_up (pit, index);
  if (ch->access == 1)
    load_count (pit, index, value, 0);
  else if (ch->access == 2)
    load_count (pit, index, 0, value);
  else if (ch->write_byte == PIT_BYTE_LOW)
    {
      ch->written_low = value;
      ch->write_byte = PIT_BYTE_HIGH;
      if (ch->mode == 0 && ch->running)
        {
          /* "Writing the first byte disables counting; OUT is set low immediately" (datasheet, mode 0). */
          ch->count = MAX (count_at (ch, now_tick (pit)), 1);
          ch->running = false;
          drive (pit, index, false);
          arm (pit, index);
        }
    }
  else
    {
      ch->write_byte = PIT_BYTE_LOW;
      load_count (pit, index, ch->written_low, value);
    }
}

static void
latch_count (Pit *pit, unsigned index)
{
  PitChannel *ch = &pit->s.ch[index];
  if (ch->latched_bytes != 0)
    return;   /* an unread latch stays */
  ch->latch = encode_count (ch, count_at (ch, now_tick (pit)));
  ch->latched_bytes = ch->access == 3 ? 2 : 1;
  ch->read_byte = PIT_BYTE_LOW;
}

static void
latch_status (Pit *pit, unsigned index)
{
  PitChannel *ch = &pit->s.ch[index];
  if (ch->status_latched)
    return;
  uint64_t now = now_tick (pit);
  bool null_count = ch->count == 0 || now < ch->base || (ch->reload != ch->count && periodic (ch));
  ch->status = (out_at (ch, now) ? PIT_STATUS_OUT : 0) | (null_count ? PIT_STATUS_NULL : 0) | ch->access << 4
               | ch->mode << 1 | (ch->bcd ? PIT_CW_BCD : 0);
  ch->status_latched = true;
}

static void
read_back (Pit *pit, uint8_t command)
{
  for (unsigned index = 0; index < PIT_CHANNELS; index++)
    {
      if (!(command & (2u << index)))
        continue;
      catch_up (pit, index);
      if (!(command & PIT_RB_NOT_COUNT))
        latch_count (pit, index);
      if (!(command & PIT_RB_NOT_STATUS))
        latch_status (pit, index);
    }
}

static void
set_mode (Pit *pit, unsigned index, uint8_t command)
{
  static const uint8_t modes[8] = { 0, 1, 2, 3, 4, 5, 2, 3 };
  PitChannel *ch = &pit->s.ch[index];
  bool gate = ch->gate;
  *ch = (PitChannel) { .gate = gate, .mode = modes[command >> 1 & 7], .access = command >> 4 & 3,
                       .bcd = command & PIT_CW_BCD, .out = ch->out };
  drive (pit, index, ch->mode != 0);
  arm (pit, index);
}

static void
write_control (Pit *pit, uint8_t command)
{
  unsigned index = command >> 6;
  trace_pit_control (command);
  if (index == PIT_CW_READ_BACK)
    {
      read_back (pit, command);
      return;
    }
  catch_up (pit, index);
  if ((command >> 4 & 3) == 0)
    latch_count (pit, index);
  else
    set_mode (pit, index, command);
}

static uint8_t
read_count (Pit *pit, unsigned index)
{
  PitChannel *ch = &pit->s.ch[index];
  catch_up (pit, index);
  if (ch->status_latched)
    {
      ch->status_latched = false;
      return ch->status;
    }
  uint16_t value = ch->latch;
  if (ch->latched_bytes != 0)
    ch->latched_bytes--;
  else
    value = encode_count (ch, count_at (ch, now_tick (pit)));
  if (ch->access == 2)
    return value >> 8;
  if (ch->access == 1)
    return (uint8_t) value;
  uint8_t byte = ch->read_byte == PIT_BYTE_LOW ? (uint8_t) value : value >> 8;
  ch->read_byte ^= 1;
  return byte;
}

/* --- Gate and port 0x61 --------------------------------------------------------------------------------------------- */

static void
gate_rose (Pit *pit, unsigned index)
{
  PitChannel *ch = &pit->s.ch[index];
  uint64_t now = now_tick (pit);
  if (by_trigger (ch))
    {
      if (ch->reload == 0)
        return;
      start (ch, now);
      drive (pit, index, ch->mode != 1);
    }
  else if (ch->count != 0)
    {
      if (periodic (ch))
        start (ch, now);
      else
        ch->base = MAX (now, ch->base);   /* counts on, or from a load that is yet to come */
      ch->running = true;
    }
  arm (pit, index);
}

static void
gate_fell (Pit *pit, unsigned index)
{
  PitChannel *ch = &pit->s.ch[index];
  if (by_trigger (ch) || ch->count == 0 || !ch->running)
    return;
  uint32_t left = count_at (ch, now_tick (pit));
  if (periodic (ch))
    {
      ch->held = left;
      drive (pit, index, true);
    }
  else
    ch->count = left == 0 ? modulus (ch) : left;
  ch->running = false;
  arm (pit, index);
}

static void
set_gate (Pit *pit, unsigned index, bool gate)
{
  PitChannel *ch = &pit->s.ch[index];
  if (ch->gate == gate)
    return;
  catch_up (pit, index);
  ch->gate = gate;
  if (gate)
    gate_rose (pit, index);
  else
    gate_fell (pit, index);
}

static uint64_t
port61_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Pit *pit = (Pit *) dev;
  catch_up (pit, 2);
  uint64_t now = now_tick (pit);
  uint8_t value = pit->s.port61;
  if (now / PORT61_REFRESH_TICKS & 1)
    value |= PORT61_REFRESH;
  if (out_at (&pit->s.ch[2], now))
    value |= PORT61_OUT2;
  return value;
}

static void
port61_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Pit *pit = (Pit *) dev;
  pit->s.port61 = value & PORT61_WRITABLE;
  set_gate (pit, 2, value & PORT61_GATE2);
  drive (pit, 2, pit->s.ch[2].out);
}

static uint64_t
pit_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return off == 3 ? 0xff : read_count ((Pit *) dev, (unsigned) off);   /* the control word cannot be read */
}

static void
pit_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  if (off == 3)
    write_control ((Pit *) dev, (uint8_t) value);
  else
    write_count ((Pit *) dev, (unsigned) off, (uint8_t) value);
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static bool
check_channel (const PitChannel *ch)
{
  bool counts = ch->count <= modulus (ch) && ch->reload <= modulus (ch) && ch->held <= modulus (ch)
                && ch->base <= PIT_LATEST_TICK;
  bool loaded = ch->count != 0 ? ch->reload != 0 : !ch->running && !ch->armed;
  bool codes = ch->mode <= 5 && ch->access >= 1 && ch->access <= 3 && ch->read_byte <= PIT_BYTE_HIGH
               && ch->write_byte <= PIT_BYTE_HIGH && ch->latched_bytes <= 2;
  return counts && loaded && codes && (ch->running || by_trigger (ch) || ch->count == 0 || !ch->gate || ch->mode == 0);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const PitState *s = incoming;
  bool gates = s->ch[0].gate && s->ch[1].gate && s->ch[2].gate == ((s->port61 & PORT61_GATE2) != 0);
  if (gates && check_channel (&s->ch[0]) && check_channel (&s->ch[1]) && check_channel (&s->ch[2])
      && (s->port61 & ~PORT61_WRITABLE) == 0)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved interval timer state is impossible", dev->path);
  return false;
}

static void
settle (VtDevice *dev)
{
  Pit *pit = (Pit *) dev;
  vt_irq_set (&pit->irq0, pit->s.ch[0].out);
  vt_irq_set (&pit->speaker, pit->s.ch[2].out && (pit->s.port61 & PORT61_SPEAKER));
  for (unsigned index = 0; index < PIT_CHANNELS; index++)
    arm (pit, index);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Pit *pit = (Pit *) dev;
  pit->clock = env->clock;
  pit->irq0 = env->n_wires > VT_PIT_WIRE_IRQ0 ? env->wires[VT_PIT_WIRE_IRQ0] : vt_irq_detached ("pit irq0");
  pit->speaker = env->n_wires > VT_PIT_WIRE_SPEAKER ? env->wires[VT_PIT_WIRE_SPEAKER] : vt_irq_detached ("speaker");
  pit->timer[0] = vt_timer_new (env->clock, "pit 0", 0, channel0_expired, pit);
  if (pit->speaker.set != NULL)
    pit->timer[2] = vt_timer_new (env->clock, "pit 2", 0, channel2_expired, pit);
  return true;
}

static void
finalize (VtDevice *dev)
{
  Pit *pit = (Pit *) dev;
  for (unsigned index = 0; index < PIT_CHANNELS; index++)
    vt_timer_free (pit->timer[index]);
}

static const VtRegionOps pit_ops = { pit_read, pit_write, 1, 1 };
static const VtRegionOps port61_ops = { port61_read, port61_write, 1, 1 };

const VtRegion vt_pit_region = { "pit", 4, &pit_ops };
const VtRegion vt_pit_port61_region = { "port61", 1, &port61_ops };

static const VtRegion *const pit_regions[] = { &vt_pit_region, &vt_pit_port61_region, NULL };

const VtDeviceClass vt_pit_class = {
  .name = "pit",
  .summary = "8254 interval timer and speaker port",
  .instance_size = sizeof (Pit),
  .state_off = offsetof (Pit, s),
  .state = VT_STATE (1, PitState, pit_fields, &pit_at_reset),
  .regions = pit_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .finalize = finalize,
};
