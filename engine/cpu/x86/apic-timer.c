/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The local APIC's timer (SDM volume 3A, 11.5.4): one-shot, periodic, TSC deadline. */
#include "apic-private.h"

/* Divide configuration: bits 3, 1, 0; 111 divides by 1 (SDM figure 11-10). */
static unsigned
divide_shift (const VtApic *apic)
{
  unsigned code = (apic->s.timer_divide & 3) | (apic->s.timer_divide & 8) >> 1;
  return (code + 1) & 7;
}

static int64_t
period_ns (const VtApic *apic)
{
  return vt_ticks_to_ns ((uint64_t) apic->s.timer_initial << divide_shift (apic), apic->timer_hz);
}

void
apic_arm_timer (VtApic *apic)
{
  if (apic->timer == NULL)
    return;
  if (apic->s.timer_deadline_ns != 0)
    vt_timer_arm (apic->timer, apic->s.timer_deadline_ns);
  else
    vt_timer_cancel (apic->timer);
}

void
apic_start_count (VtApic *apic)
{
  apic->s.timer_deadline_ns = 0;
  if (apic->s.timer_initial != 0 && TIMER_MODE (apic->s.lvt[LVT_TIMER]) != TIMER_TSC_DEADLINE)
    apic->s.timer_deadline_ns = vt_clock_now (apic->clock) + MAX (period_ns (apic), 1);
  apic_arm_timer (apic);
}

/* First moment at which the guest's TSC reaches the deadline. */
void
apic_start_tsc_deadline (VtApic *apic)
{
  apic->s.timer_deadline_ns = 0;
  if (apic->s.tsc_deadline != 0 && apic->cpu != NULL)
    {
      int64_t now = vt_clock_now (apic->clock);
      uint64_t tsc = vt_x86_read_tsc (apic->cpu), left = apic->s.tsc_deadline - tsc;
      /* As far away as the clock can count is as good as never. */
      bool past = (int64_t) left <= 0 && apic->s.tsc_deadline <= tsc;
      uint64_t limit = apic->cpu->tsc_hz * 3600 * 24 * 365;
      apic->s.timer_deadline_ns = past ? MAX (now, 1) : now + vt_ticks_to_ns (MIN (left, limit), apic->cpu->tsc_hz) + 1;
    }
  apic_arm_timer (apic);
}

void
apic_timer_expired (void *opaque, int64_t late_ns)
{
  VtApic *apic = opaque;
  unsigned mode = TIMER_MODE (apic->s.lvt[LVT_TIMER]);
  trace_apic_fire (apic->id, mode);
  uint64_t deadline = apic->s.timer_deadline_ns;
  apic->s.timer_deadline_ns = 0;
  if (mode == TIMER_PERIODIC && apic->s.timer_initial != 0)
    {
      /* Missed periods are not made up for: one interrupt could not tell of two anyway. */
      uint64_t period = MAX (period_ns (apic), MIN_PERIOD_NS), now = vt_clock_now (apic->clock);
      uint64_t periods = now > deadline ? (now - deadline) / period + 1 : 1;
      apic->s.timer_deadline_ns = deadline + periods * period;
    }
  else if (mode == TIMER_TSC_DEADLINE)
    apic->s.tsc_deadline = 0;
  apic_arm_timer (apic);
  apic_raise_lvt (apic, LVT_TIMER);
}

uint32_t
apic_current_count (const VtApic *apic)
{
  uint64_t now = vt_clock_now (apic->clock);
  unsigned shift = divide_shift (apic);
  if (apic->s.timer_deadline_ns <= now || TIMER_MODE (apic->s.lvt[LVT_TIMER]) == TIMER_TSC_DEADLINE)
    return 0;
  uint64_t ticks = vt_ns_to_ticks (apic->s.timer_deadline_ns - now, apic->timer_hz);
  return MIN ((ticks + (1u << shift) - 1) >> shift, apic->s.timer_initial);
}

void
vt_apic_tsc_changed (VtApic *apic)
{
  vt_apic_lock (apic);
  if (TIMER_MODE (apic->s.lvt[LVT_TIMER]) == TIMER_TSC_DEADLINE)
    apic_start_tsc_deadline (apic);
  vt_apic_unlock (apic);
}
