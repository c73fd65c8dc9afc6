/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The time-stamp counter.
 *
 * It is the machine's clock in other units.  A look at the clock costs more than all the rest of RDTSC, so that translated code
 * tells the time between two looks by the host's own counter: along a line that starts at the last look and is about a
 * millisecond long.  The next look starts the next line.  Where the old one had run ahead, the new one is flatter, so that
 * they meet at its end: the guest's time never goes back, and never strays from the clock for long.
 *
 * Other processors of the machine would draw lines of their own: only a single one does.
 */
#include "x86-sys.h"

#ifdef __x86_64__
#include <x86intrin.h>
#endif

#define LINE_TICKS  (UINT64_C (1) << 21)   /* of the host */
#define RATE_AFTER  (UINT64_C (1) << 26)   /* host ticks over which the rate is measured, at least ... */
#define RATE_ANEW   (UINT64_C (1) << 33)   /* ... and at most, about */
#define LOOK_TICKS  4000u                  /* a look that took longer was interrupted */
#define RATE_MAX    (UINT64_C (1) << 36)   /* 16 guest ticks each: beyond, the product would not fit */

static uint64_t
clock_ticks (const VtX86Cpu *cpu)
{
  return vt_ns_to_ticks (vt_clock_now (cpu->vcpu.clock), cpu->tsc_hz);
}

uint64_t
vt_x86_read_tsc (VtX86Cpu *cpu)
{
  return clock_ticks (cpu) + cpu->s.tsc_offset;
}

#ifdef __x86_64__

/* What translated code would have said, or could have said last. */
static uint64_t
on_line (const VtX86TscLine *line, uint64_t host)
{
  uint64_t passed = host - line->zero;
  return line->ticks + (MIN (passed, line->room) * line->rate >> 32);
}

/* Guest ticks for a host tick, from two looks between which the clock ran. */
static void
measure_rate (VtX86Cpu *cpu, uint64_t host, uint64_t ticks)
{
  VtX86TscLine *line = &cpu->tsc_line;
  uint64_t passed = host - line->first_host;
  uint32_t epoch = vt_clock_epoch (cpu->vcpu.clock);
  bool     good = line->first_host != 0 && epoch == line->epoch;
  if (good && passed >= RATE_AFTER)
    line->measured = (uint64_t) (((unsigned __int128) (ticks - line->first_ticks) << 32) / passed);
  if (!good || passed > RATE_ANEW)
    {
      line->first_host = host;
      line->first_ticks = ticks;
      line->epoch = epoch;
    }
}

/* From `from` now, which may be ahead of the clock, to where the clock will be at the line's end. */
static void
start_line (VtX86TscLine *line, uint64_t host, uint64_t ticks, uint64_t from)
{
  uint64_t length = LINE_TICKS * line->measured >> 32, ahead = from - ticks;
  if (line->measured > RATE_MAX || ahead >= length / 2)
    return;
  line->zero = host;
  line->ticks = from;
  line->rate = ((length - ahead) << 32) / LINE_TICKS;
  line->room = LINE_TICKS;
}

uint64_t
vt_x86_look_at_tsc (VtX86Cpu *cpu)
{
  VtX86TscLine *line = &cpu->tsc_line;
  if (!line->wanted)
    return vt_x86_read_tsc (cpu);
  uint64_t before = __rdtsc (), ticks = clock_ticks (cpu), after = __rdtsc ();
  vt_x86_forget_tsc_line (cpu);
  uint64_t from = MAX (ticks, line->floor);
  if (after - before < LOOK_TICKS)
    {
      measure_rate (cpu, before + (after - before) / 2, ticks);
      start_line (line, after, ticks, from);
    }
  line->floor = from;
  return from + cpu->s.tsc_offset;
}

void
vt_x86_forget_tsc_line (VtX86Cpu *cpu)
{
  VtX86TscLine *line = &cpu->tsc_line;
  if (line->room != 0)
    line->floor = MAX (line->floor, on_line (line, __rdtsc ()));
  line->room = 0;
}

#else

uint64_t
vt_x86_look_at_tsc (VtX86Cpu *cpu)
{
  return vt_x86_read_tsc (cpu);
}

void
vt_x86_forget_tsc_line (VtX86Cpu *cpu)
{
}

#endif
