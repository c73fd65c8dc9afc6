/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Motorola MC146818 real-time clock as PC chipsets have it (ICH9 13.6): 128 + 128 bytes of battery-backed RAM.
 *
 * The time is never counted: it is guest time plus the wall clock at guest time 0 plus what the guest has set it off by.
 * Only while the guest holds the clock (SET, or the divider in reset) the ten time bytes are ordinary memory.  Interrupt
 * flags are brought up to date when somebody looks; a timer exists only for an interrupt that is enabled.
 */
#include "rtc.h"

#include "trace-pc.h"
#include "vitrine/error.h"

#define RTC_HZ 32768u

enum
{
  RTC_SECONDS,
  RTC_SECONDS_ALARM,
  RTC_MINUTES,
  RTC_MINUTES_ALARM,
  RTC_HOURS,
  RTC_HOURS_ALARM,
  RTC_WEEKDAY,
  RTC_DAY,
  RTC_MONTH,
  RTC_YEAR,
  RTC_A,
  RTC_B,
  RTC_C,
  RTC_D,
  RTC_CENTURY = VT_RTC_CENTURY_REGISTER,
};

#define RTC_A_UIP      0x80u
#define RTC_A_DIVIDER  0x70u
#define RTC_A_RUN      0x20u   /* the divider setting for a 32768 Hz crystal */
#define RTC_A_RATE     0x0fu
#define RTC_B_SET      0x80u
#define RTC_B_PIE      0x40u
#define RTC_B_AIE      0x20u
#define RTC_B_UIE      0x10u
#define RTC_B_DM       0x04u   /* binary */
#define RTC_B_24H      0x02u
/* RESET clears these and leaves the rest of B to the battery (datasheet, "RESET"). */
#define RTC_B_ENABLES  0x78u
#define RTC_C_IRQF     0x80u
#define RTC_C_PF       0x40u
#define RTC_C_AF       0x20u
#define RTC_C_UF       0x10u
#define RTC_C_FLAGS    0x70u
#define RTC_D_VRT      0x80u
#define RTC_HOURS_PM   0x80u
#define RTC_ALARM_ANY  0xc0u

#define RTC_UIP_NS     244000   /* UIP rises this long before an update */
#define RTC_DAY_SECONDS 86400
/* The years 1600 to 9999 are what two BCD bytes can say and the calendar below can take. */
#define RTC_EARLIEST_SECOND INT64_C (-11676096000)
#define RTC_LATEST_SECOND   INT64_C (253402300799)

typedef struct
{
  uint64_t shift_s;      /* signed seconds: what the guest has set the clock off by ... */
  uint64_t shift_ns;     /* ... and a part of a second on top */
  uint64_t seen_ns;      /* guest time up to which the flags of register C are right */
  uint8_t  cmos[128];    /* time bytes are valid only while the clock is held */
  uint8_t  bank2[128];
  uint8_t  index, index2;
  uint8_t  a;            /* without UIP */
  uint8_t  b_format;     /* SET, DM, 24/12, DSE */
  uint8_t  b_enables;
  uint8_t  c;            /* without IRQF */
  uint8_t  weekday_shift;
  bool     nmi_masked;
} RtcState;

static const VtField rtc_fields[] = {
  VT_FIELD_KEPT (RtcState, shift_s), VT_FIELD_KEPT (RtcState, shift_ns), VT_FIELD_KEPT (RtcState, seen_ns), VT_FIELD_KEPT (RtcState, cmos),
  VT_FIELD_KEPT (RtcState, bank2),    VT_FIELD (RtcState, index),        VT_FIELD (RtcState, index2),
  VT_FIELD_KEPT (RtcState, a),        VT_FIELD_KEPT (RtcState, b_format), VT_FIELD (RtcState, b_enables),
  VT_FIELD (RtcState, c),             VT_FIELD_KEPT (RtcState, weekday_shift), VT_FIELD (RtcState, nmi_masked),
};

static const RtcState rtc_at_reset = { .a = RTC_A_RUN | 6, .b_format = RTC_B_24H };

typedef struct
{
  VtDevice    dev;
  RtcState    s;
  VtIrq       irq8;
  VtClock    *clock;
  VtTimer    *timer;
  VtRtcConfig config;
} Rtc;

typedef struct
{
  unsigned second, minute, hour, weekday, day, month, year;   /* weekday 1 is Sunday; month and day from 1 */
} RtcTime;

/* --- Calendar ------------------------------------------------------------------------------------------------------- */

/* Days from 1970-01-01 to the first day of a year, proleptic Gregorian. */
static int64_t
days_before_year (int64_t year)
{
  int64_t y = year - 1;
  return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static bool
leap (unsigned year)
{
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned
days_in_month (unsigned month, unsigned year)
{
  static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  return days[month - 1] + (month == 2 && leap (year) ? 1 : 0);
}

static RtcTime
time_of_second (int64_t second)
{
  second = CLAMP (second, RTC_EARLIEST_SECOND, RTC_LATEST_SECOND);
  int64_t days = second / RTC_DAY_SECONDS, rest = second % RTC_DAY_SECONDS;
  if (rest < 0)
    {
      rest += RTC_DAY_SECONDS;
      days--;
    }
  RtcTime t = { .second = rest % 60, .minute = rest / 60 % 60, .hour = rest / 3600, .month = 1 };
  t.weekday = (unsigned) ((days + 4 + 7 * 1000000) % 7) + 1;   /* 1970-01-01 was a Thursday */
  int64_t year = 1970 + days / 366;
  while (days_before_year (year + 1) <= days)
    year++;
  while (days_before_year (year) > days)
    year--;
  t.year = (unsigned) year;
  unsigned left = (unsigned) (days - days_before_year (year));
  while (left >= days_in_month (t.month, t.year))
    left -= days_in_month (t.month++, t.year);
  t.day = left + 1;
  return t;
}

static int64_t
second_of_time (const RtcTime *t)
{
  int64_t days = days_before_year (t->year) + t->day - 1;
  for (unsigned month = 1; month < t->month; month++)
    days += days_in_month (month, t->year);
  return days * RTC_DAY_SECONDS + t->hour * 3600 + t->minute * 60 + t->second;
}

/* --- Formats of the registers --------------------------------------------------------------------------------------- */

static uint8_t
encode (const RtcState *s, unsigned value)
{
  return s->b_format & RTC_B_DM ? value : value / 10 << 4 | value % 10;
}

static unsigned
decode (const RtcState *s, uint8_t value)
{
  return s->b_format & RTC_B_DM ? value : (value >> 4) * 10 + (value & 15);
}

static uint8_t
encode_hour (const RtcState *s, unsigned hour)
{
  if (s->b_format & RTC_B_24H)
    return encode (s, hour);
  return encode (s, (hour + 11) % 12 + 1) | (hour >= 12 ? RTC_HOURS_PM : 0);
}

static unsigned
decode_hour (const RtcState *s, uint8_t value)
{
  if (s->b_format & RTC_B_24H)
    return decode (s, value);
  return decode (s, value & ~RTC_HOURS_PM) % 12 + (value & RTC_HOURS_PM ? 12 : 0);
}

/* The century byte is firmware's convention, always BCD; the chip itself does not count it. */
static void
put_time (RtcState *s, const RtcTime *t)
{
  s->cmos[RTC_SECONDS] = encode (s, t->second);
  s->cmos[RTC_MINUTES] = encode (s, t->minute);
  s->cmos[RTC_HOURS] = encode_hour (s, t->hour);
  s->cmos[RTC_WEEKDAY] = encode (s, (t->weekday - 1 + s->weekday_shift) % 7 + 1);
  s->cmos[RTC_DAY] = encode (s, t->day);
  s->cmos[RTC_MONTH] = encode (s, t->month);
  s->cmos[RTC_YEAR] = encode (s, t->year % 100);
  s->cmos[RTC_CENTURY] = t->year / 1000 << 4 | t->year / 100 % 10;
}

/* Whatever the guest wrote becomes a date that exists. */
static RtcTime
get_time (const RtcState *s)
{
  unsigned century = (s->cmos[RTC_CENTURY] >> 4) * 10 + (s->cmos[RTC_CENTURY] & 15);
  RtcTime t = { .second = decode (s, s->cmos[RTC_SECONDS]), .minute = decode (s, s->cmos[RTC_MINUTES]),
                .hour = decode_hour (s, s->cmos[RTC_HOURS]), .day = decode (s, s->cmos[RTC_DAY]),
                .month = decode (s, s->cmos[RTC_MONTH]), .year = decode (s, s->cmos[RTC_YEAR]) };
  t.second = MIN (t.second, 59);
  t.minute = MIN (t.minute, 59);
  t.hour = MIN (t.hour, 23);
  t.month = CLAMP (t.month, 1, 12);
  t.year = CLAMP (century, 16, 99) * 100 + MIN (t.year, 99);
  t.day = CLAMP (t.day, 1, days_in_month (t.month, t.year));
  return t;
}

/* --- Time ----------------------------------------------------------------------------------------------------------- */

static bool
held (const RtcState *s)
{
  return (s->b_format & RTC_B_SET) || (s->a & RTC_A_DIVIDER) != RTC_A_RUN;
}

/* Seconds since 1970 on the guest's clock, at a moment of guest time. */
static int64_t
second_at (const Rtc *rtc, int64_t guest_ns)
{
  const RtcState *s = &rtc->s;
  return rtc->config.epoch_seconds + (int64_t) s->shift_s + (guest_ns + (int64_t) s->shift_ns) / VT_NS_PER_SECOND;
}

/* The guest time at which that clock shows a second: the inverse. */
static int64_t
second_ns (const Rtc *rtc, int64_t second)
{
  const RtcState *s = &rtc->s;
  return (second - rtc->config.epoch_seconds - (int64_t) s->shift_s) * VT_NS_PER_SECOND - (int64_t) s->shift_ns;
}

static int64_t
fraction_ns (const Rtc *rtc, int64_t guest_ns)
{
  return (guest_ns + (int64_t) rtc->s.shift_ns) % VT_NS_PER_SECOND;
}

static void
freeze (Rtc *rtc)
{
  RtcTime t = time_of_second (second_at (rtc, vt_clock_now (rtc->clock)));
  put_time (&rtc->s, &t);
}

/* The clock goes on from the time bytes, so far into the second. */
static void
thaw (Rtc *rtc, int64_t into_second_ns)
{
  RtcState *s = &rtc->s;
  RtcTime t = get_time (s);
  int64_t second = second_of_time (&t), now = vt_clock_now (rtc->clock);
  RtcTime real = time_of_second (second);
  unsigned weekday = decode (s, s->cmos[RTC_WEEKDAY]);
  s->weekday_shift = (uint8_t) ((weekday + 7 - real.weekday % 7) % 7);
  int64_t part = into_second_ns - now % VT_NS_PER_SECOND;
  int64_t borrow = part < 0 ? 1 : 0;
  s->shift_ns = (uint64_t) (part + borrow * VT_NS_PER_SECOND);
  s->shift_s = (uint64_t) (second - rtc->config.epoch_seconds - now / VT_NS_PER_SECOND - borrow);
  s->seen_ns = (uint64_t) now;
}

/* --- Interrupts ----------------------------------------------------------------------------------------------------- */

/* Ticks of 32768 Hz between periodic interrupts; 0 for none. Rates 1 and 2 repeat 8 and 9 (datasheet, table 5). */
static uint64_t
periodic_ticks (const RtcState *s)
{
  unsigned rate = s->a & RTC_A_RATE;
  if (rate == 0 || (s->a & RTC_A_DIVIDER) != RTC_A_RUN)
    return 0;
  return UINT64_C (1) << (rate <= 2 ? rate + 6 : rate - 1);
}

static bool
alarm_byte_matches (uint8_t alarm, uint8_t now)
{
  return alarm == now || (alarm & RTC_ALARM_ANY) == RTC_ALARM_ANY;
}

/* The first second in (from, to] that the alarm matches, or INT64_MAX. A day says it all; hours and minutes that do not match
 * are stepped over whole. */
static int64_t
next_alarm (const RtcState *s, int64_t from, int64_t to)
{
  int64_t last = MIN (to, from + RTC_DAY_SECONDS), second = from + 1;
  while (second <= last)
    {
      unsigned in_day = (unsigned) (((second % RTC_DAY_SECONDS) + RTC_DAY_SECONDS) % RTC_DAY_SECONDS);
      if (!alarm_byte_matches (s->cmos[RTC_HOURS_ALARM], encode_hour (s, in_day / 3600)))
        second += 3600 - in_day % 3600;
      else if (!alarm_byte_matches (s->cmos[RTC_MINUTES_ALARM], encode (s, in_day / 60 % 60)))
        second += 60 - in_day % 60;
      else if (!alarm_byte_matches (s->cmos[RTC_SECONDS_ALARM], encode (s, in_day % 60)))
        second++;
      else
        return second;
    }
  return INT64_MAX;
}

static bool
requesting (const RtcState *s)
{
  return (s->c & s->b_enables & RTC_C_FLAGS) != 0;   /* flag and enable bits have the same places */
}

/* When must the host wake up next? Only for an enabled interrupt that does not wait for the guest already. */
static int64_t
next_wake (const Rtc *rtc)
{
  const RtcState *s = &rtc->s;
  int64_t seen = (int64_t) s->seen_ns, second = second_at (rtc, seen), wake = INT64_MAX;
  uint8_t wanted = s->b_enables & ~s->c;
  uint64_t ticks = periodic_ticks (s);
  if ((wanted & RTC_B_PIE) && ticks != 0)
    wake = MIN (wake, vt_tick_deadline_ns ((vt_ns_to_ticks (seen, RTC_HZ) / ticks + 1) * ticks, RTC_HZ));
  if (held (s))
    return wake;
  if (wanted & RTC_B_UIE)
    wake = MIN (wake, second_ns (rtc, second + 1));
  int64_t alarm = wanted & RTC_B_AIE ? next_alarm (s, second, INT64_MAX) : INT64_MAX;
  if (alarm != INT64_MAX)
    wake = MIN (wake, second_ns (rtc, alarm));
  return wake;
}

static void
arm (Rtc *rtc)
{
  int64_t wake = next_wake (rtc);
  if (wake == INT64_MAX)
    vt_timer_cancel (rtc->timer);
  else
    vt_timer_arm (rtc->timer, wake);
}

/* Sets the flags of everything that happened since the last look. */
static void
catch_up (Rtc *rtc)
{
  RtcState *s = &rtc->s;
  int64_t seen = (int64_t) s->seen_ns, now = vt_clock_now (rtc->clock);
  if (now <= seen)
    return;
  uint64_t ticks = periodic_ticks (s);
  if (ticks != 0 && vt_ns_to_ticks (seen, RTC_HZ) / ticks != vt_ns_to_ticks (now, RTC_HZ) / ticks)
    s->c |= RTC_C_PF;
  int64_t before = second_at (rtc, seen), after = second_at (rtc, now);
  if (!held (s) && after > before)
    {
      s->c |= RTC_C_UF;
      if (!(s->c & RTC_C_AF) && next_alarm (s, before, after) != INT64_MAX)
        s->c |= RTC_C_AF;
    }
  s->seen_ns = (uint64_t) now;
}

static void
update (Rtc *rtc)
{
  if (requesting (&rtc->s) && !rtc->irq8.level)
    trace_rtc_interrupt (rtc->s.c);
  vt_irq_set (&rtc->irq8, requesting (&rtc->s));
  arm (rtc);
}

static void
expired (void *opaque, int64_t late_ns)
{
  Rtc *rtc = opaque;
  catch_up (rtc);
  update (rtc);
}

/* --- Registers ------------------------------------------------------------------------------------------------------ */

/* Sizes in the units of the classic CMOS layout, cut off at what the bytes can hold. */
static uint64_t
units (uint64_t total, uint64_t from, uint64_t unit, uint64_t most)
{
  return total <= from ? 0 : MIN ((total - from) / unit, most);
}

/* Bytes that describe the machine to firmware: derived from the configuration, not writable. */
static bool
strap (const Rtc *rtc, unsigned index, uint8_t *value)
{
  const VtRtcConfig *c = &rtc->config;
  uint64_t low_kib = units (c->below_4g_bytes, VT_MIB, VT_KIB, 0xffff);
  uint64_t low_64k = units (c->below_4g_bytes, 16 * VT_MIB, 64 * VT_KIB, 0xffff);
  uint64_t high_64k = units (c->above_4g_bytes, 0, 64 * VT_KIB, 0xffffff);
  unsigned drives = (c->floppy_types >> 4 != 0) + ((c->floppy_types & 15) != 0);
  switch (index)
    {
    case 0x10: *value = c->floppy_types; return true;
    case 0x14: *value = 0x06 | (drives > 0 ? (drives - 1) << 6 | 1 : 0); return true;   /* FPU, PS/2 mouse, drives */
    case 0x15: *value = 0x80; return true;   /* 640 KiB below 1 MiB */
    case 0x16: *value = 0x02; return true;
    case 0x17: case 0x30: *value = (uint8_t) low_kib; return true;
    case 0x18: case 0x31: *value = low_kib >> 8; return true;
    case 0x34: *value = (uint8_t) low_64k; return true;
    case 0x35: *value = low_64k >> 8; return true;
    case 0x38: *value = c->boot_order[2] << 4 | c->skip_floppy_check; return true;
    case 0x3d: *value = (c->boot_order[0] & 15) | c->boot_order[1] << 4; return true;
    case 0x5b: case 0x5c: case 0x5d: *value = (uint8_t) (high_64k >> 8 * (index - 0x5b)); return true;
    case 0x5f: *value = c->max_cpus > 0 ? c->max_cpus - 1 : 0; return true;
    }
  return false;
}

static bool
time_byte (unsigned index)
{
  return index == RTC_CENTURY || (index <= RTC_YEAR && index != RTC_SECONDS_ALARM && index != RTC_MINUTES_ALARM
                                  && index != RTC_HOURS_ALARM);
}

static uint8_t
read_a (const Rtc *rtc)
{
  bool soon = fraction_ns (rtc, vt_clock_now (rtc->clock)) >= VT_NS_PER_SECOND - RTC_UIP_NS;
  return rtc->s.a | (!held (&rtc->s) && soon ? RTC_A_UIP : 0);
}

static uint8_t
read_c (Rtc *rtc)
{
  catch_up (rtc);
  uint8_t value = rtc->s.c | (requesting (&rtc->s) ? RTC_C_IRQF : 0);
  rtc->s.c = 0;
  update (rtc);
  return value;
}

static uint8_t
read_register (Rtc *rtc, unsigned index)
{
  RtcState *s = &rtc->s;
  uint8_t value;
  if (strap (rtc, index, &value))
    return value;
  switch (index)
    {
    case RTC_A: return read_a (rtc);
    case RTC_B: return s->b_format | s->b_enables;
    case RTC_C: return read_c (rtc);
    case RTC_D: return RTC_D_VRT;
    }
  if (time_byte (index) && !held (s))
    freeze (rtc);   /* refreshes the bytes; the clock goes on */
  return s->cmos[index];
}

/* A or B changed: the clock may have been stopped or released. */
static void
write_control (Rtc *rtc, uint8_t a, uint8_t b)
{
  RtcState *s = &rtc->s;
  catch_up (rtc);
  bool was_held = held (s), divider_was_off = (s->a & RTC_A_DIVIDER) != RTC_A_RUN;
  int64_t fraction = fraction_ns (rtc, vt_clock_now (rtc->clock));
  s->a = a & ~RTC_A_UIP;
  s->b_format = b & ~RTC_B_ENABLES;
  s->b_enables = b & RTC_B_ENABLES;
  if (b & RTC_B_SET)
    s->b_enables &= ~RTC_B_UIE;   /* SET clears UIE */
  if (!was_held && held (s))
    freeze (rtc);
  if (was_held && !held (s))
    thaw (rtc, divider_was_off ? VT_NS_PER_SECOND / 2 : fraction);   /* the first update is half a second after release */
  update (rtc);
}

static void
write_time (Rtc *rtc, unsigned index, uint8_t value)
{
  RtcState *s = &rtc->s;
  if (held (s))
    {
      s->cmos[index] = value;
      return;
    }
  catch_up (rtc);
  int64_t fraction = fraction_ns (rtc, vt_clock_now (rtc->clock));
  freeze (rtc);
  s->cmos[index] = value;
  thaw (rtc, fraction);
  update (rtc);
}

static void
write_register (Rtc *rtc, unsigned index, uint8_t value)
{
  RtcState *s = &rtc->s;
  uint8_t strapped;
  if (index == RTC_C || index == RTC_D || strap (rtc, index, &strapped))
    return;
  if (index == RTC_A)
    write_control (rtc, value, s->b_format | s->b_enables);
  else if (index == RTC_B)
    write_control (rtc, s->a, value);
  else if (time_byte (index))
    write_time (rtc, index, value);
  else
    {
      catch_up (rtc);   /* an alarm that passed belongs to the old setting */
      s->cmos[index] = value;
      update (rtc);
    }
}

static uint64_t
rtc_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Rtc *rtc = (Rtc *) dev;
  if (off == 0)
    return 0xff;   /* the index cannot be read back */
  uint8_t value = read_register (rtc, rtc->s.index);
  trace_rtc_read (rtc->s.index, value);
  return value;
}

static void
rtc_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Rtc *rtc = (Rtc *) dev;
  if (off == 0)
    {
      rtc->s.index = value & 0x7f;
      rtc->s.nmi_masked = value & 0x80;
      return;
    }
  trace_rtc_write (rtc->s.index, (uint8_t) value);
  write_register (rtc, rtc->s.index, (uint8_t) value);
}

static uint64_t
bank2_read (VtDevice *dev, uint64_t off, unsigned size)
{
  const RtcState *s = &((Rtc *) dev)->s;
  return off == 0 ? s->index2 : s->bank2[s->index2];
}

static void
bank2_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  RtcState *s = &((Rtc *) dev)->s;
  if (off == 0)
    s->index2 = value & 0x7f;
  else
    s->bank2[s->index2] = (uint8_t) value;
}

bool
vt_rtc_nmi_masked (const VtDevice *dev)
{
  return ((const Rtc *) dev)->s.nmi_masked;
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const RtcState *s = incoming;
  /* Nine thousand years and a lifetime of guest time: sums stay far from wrapping. */
  int64_t shift = (int64_t) s->shift_s;
  bool times = shift <= 2 * RTC_LATEST_SECOND && shift >= -2 * RTC_LATEST_SECOND
               && s->shift_ns < (uint64_t) VT_NS_PER_SECOND
               && s->seen_ns <= INT64_MAX / 4;
  bool bits = s->index < 128 && s->index2 < 128 && !(s->a & RTC_A_UIP) && !(s->b_format & RTC_B_ENABLES)
              && !(s->b_enables & ~RTC_B_ENABLES) && !(s->c & ~RTC_C_FLAGS) && s->weekday_shift < 7;
  if (times && bits)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved clock state is impossible", dev->path);
  return false;
}

static void
settle (VtDevice *dev)
{
  update ((Rtc *) dev);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Rtc *rtc = (Rtc *) dev;
  if (env->config != NULL)
    rtc->config = *(const VtRtcConfig *) env->config;
  rtc->config.epoch_seconds = CLAMP (rtc->config.epoch_seconds, 0, INT64_C (4102444800));   /* 1970 to 2100 */
  rtc->clock = env->clock;
  rtc->irq8 = env->n_wires > VT_RTC_WIRE_IRQ8 ? env->wires[VT_RTC_WIRE_IRQ8] : vt_irq_detached ("rtc irq8");
  rtc->timer = vt_timer_new (env->clock, "rtc", 0, expired, rtc);
  return true;
}

static void
finalize (VtDevice *dev)
{
  vt_timer_free (((Rtc *) dev)->timer);
}

static const VtRegionOps rtc_ops = { rtc_read, rtc_write, 1, 1 };
static const VtRegionOps bank2_ops = { bank2_read, bank2_write, 1, 1 };

const VtRegion vt_rtc_region = { "rtc", 2, &rtc_ops };
const VtRegion vt_rtc_bank2_region = { "rtc-bank2", 2, &bank2_ops };

static const VtRegion *const rtc_regions[] = { &vt_rtc_region, &vt_rtc_bank2_region, NULL };

const VtDeviceClass vt_rtc_class = {
  .name = "rtc",
  .summary = "MC146818 real-time clock and CMOS RAM",
  .instance_size = sizeof (Rtc),
  .state_off = offsetof (Rtc, s),
  .state = VT_STATE (1, RtcState, rtc_fields, &rtc_at_reset),
  .regions = rtc_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .finalize = finalize,
};
