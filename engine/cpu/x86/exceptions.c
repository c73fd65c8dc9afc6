/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Raising exceptions, double and triple faults, and events at instruction boundaries.
 *
 * SDM volume 3A, chapter 6.  An exception unwinds to the run loop, which calls vt_x86_deliver_exception(); when delivery
 * itself faults, it unwinds to the same place, and `delivering` tells what had been under way.
 */
#include "apic.h"
#include "trace-x86.h"
#include "x86-sys.h"

static bool
has_error_code (unsigned vector)
{
  return vector == X86_DF || (vector >= X86_TS && vector <= X86_PF) || vector == X86_AC;
}

void
vt_x86_raise (VtX86Cpu *cpu, unsigned vector, uint32_t error_code)
{
  cpu->exc_vector = vector;
  cpu->exc_error = has_error_code (vector) ? error_code : 0;
  cpu->exc_debug_fault = false;
  longjmp (cpu->unwind, 1);
}

void
vt_x86_raise_pf (VtX86Cpu *cpu, uint64_t linear, uint32_t error_code)
{
  cpu->s.cr2 = linear;
  vt_x86_raise (cpu, X86_PF, error_code);
}

typedef enum
{
  BENIGN,
  CONTRIBUTORY,
  PAGE_FAULT,
  DOUBLE_FAULT,
} FaultClass;

/* SDM table 6-4. */
static FaultClass
class_of (unsigned vector)
{
  switch (vector)
    {
    case X86_DE:
    case X86_TS:
    case X86_NP:
    case X86_SS:
    case X86_GP:
      return CONTRIBUTORY;
    case X86_PF:
      return PAGE_FAULT;
    case X86_DF:
      return DOUBLE_FAULT;
    default:
      return BENIGN;
    }
}

/* SDM table 6-5: may the second exception be handled after the first, or do they make a double fault? */
static bool
makes_double_fault (FaultClass first, FaultClass second)
{
  if (first == CONTRIBUTORY)
    return second == CONTRIBUTORY;
  return first == PAGE_FAULT && (second == CONTRIBUTORY || second == PAGE_FAULT);
}

void
vt_x86_shut_down (VtX86Cpu *cpu)
{
  trace_x86_triple_fault (cpu->vcpu.index, cpu->s.seg[VT_CS].selector, cpu->s.rip, cpu->s.cr2);
  cpu->delivering_how = VT_X86_EVENT_NONE;
  cpu->s.activity = VT_X86_SHUTDOWN;
}

/* Bit 0 of selector error codes: the fault came up while an event from outside the program was being delivered. */
static uint32_t
external_bit (const VtX86Cpu *cpu, unsigned vector)
{
  bool selector_code = vector >= X86_TS && vector <= X86_GP;
  bool software = cpu->delivering_how == VT_X86_EVENT_INT_N || cpu->delivering_how == VT_X86_EVENT_INT3;
  return selector_code && !software;
}

void
vt_x86_deliver_exception (VtX86Cpu *cpu)
{
  unsigned vector = cpu->exc_vector;
  uint32_t error = cpu->exc_error;
  vt_x86_sync_flags (cpu);
  trace_x86_exception (cpu->vcpu.index, vector, error, cpu->s.seg[VT_CS].selector, cpu->s.rip, cpu->s.cr2);
  if (cpu->delivering_how != VT_X86_EVENT_NONE)
    {
      FaultClass first = cpu->delivering_how == VT_X86_EVENT_EXCEPTION ? class_of (cpu->delivering) : BENIGN;
      FaultClass second = class_of (vector);
      if (first == DOUBLE_FAULT && second != BENIGN)
        {
          vt_x86_shut_down (cpu);
          return;
        }
      error |= external_bit (cpu, vector);
      if (makes_double_fault (first, second))
        {
          vector = X86_DF;
          error = 0;
        }
    }
  cpu->vcpu.stats.exceptions++;
  vt_x86_deliver_event (cpu, &(VtX86Event) {
    .rip = cpu->s.rip,
    .error_code = error,
    .vector = vector,
    .how = VT_X86_EVENT_EXCEPTION,
    .has_error = has_error_code (vector),
    .set_rf = vector != X86_DB || cpu->exc_debug_fault,
  });
}

void
vt_x86_deliver_software_interrupt (VtX86Cpu *cpu, unsigned vector, unsigned insn_kind)
{
  vt_x86_sync_flags (cpu);
  cpu->stepping = false;
  vt_x86_deliver_event (cpu, &(VtX86Event) { .rip = cpu->next_rip, .vector = vector, .how = insn_kind });
}

/* --- Events at instruction boundaries (SDM table 6-2) ---------------------------------------------------------------------- */

static void
take_sipi (VtX86Cpu *cpu)
{
  VtX86Seg *cs = &cpu->s.seg[VT_CS];
  cs->selector = cpu->s.sipi_vector << 8;
  cs->base = (uint32_t) cpu->s.sipi_vector << 12;
  cpu->s.rip = 0;
  cpu->s.activity = VT_X86_RUNNING;
  vt_x86_update_mode (cpu);
  trace_x86_sipi (cpu->vcpu.index, cpu->s.sipi_vector);
}

static bool
take_init_or_sipi (VtX86Cpu *cpu)
{
  bool taken = false;
  /* They wait for the end of system management mode (SDM volume 3C, 31.3.1). */
  if (cpu->s.in_smm)
    return false;
  if (cpu->s.init_pending)
    {
      trace_x86_init (cpu->vcpu.index);
      vt_x86_init (cpu, false);
      if (cpu->apic != NULL)
        vt_apic_init (cpu->apic);
      if (cpu->vcpu.index != 0)
        cpu->s.activity = VT_X86_WAIT_FOR_SIPI;
      taken = true;
    }
  if (cpu->s.sipi_pending)
    {
      cpu->s.sipi_pending = 0;
      if (cpu->s.activity == VT_X86_WAIT_FOR_SIPI)
        {
          take_sipi (cpu);
          taken = true;
        }
    }
  return taken;
}

int
vt_x86_acknowledge_interrupt (VtX86Cpu *cpu)
{
  int vector = vt_apic_pending (cpu->apic);
  if (vector >= 0)
    vt_apic_accept (cpu->apic, vector);
  else if (vector == VT_APIC_EXTINT && cpu->inta != NULL)
    {
      vt_apic_accept_extint (cpu->apic);
      vector = cpu->inta (cpu->inta_opaque);
    }
  return vector >= 0 ? vector : VT_APIC_NONE;
}

static bool
interrupts_open (const VtX86Cpu *cpu)
{
  return (cpu->s.rflags & X86_RFLAGS_IF) != 0 && cpu->s.shadow == 0;
}

/* What to deliver next, claimed under the lock; false for nothing. */
static bool
claim_event (VtX86Cpu *cpu, VtX86Event *event)
{
  bool open = interrupts_open (cpu);
  *event = (VtX86Event) { .rip = cpu->s.rip };
  cpu->events_deferred = cpu->s.smi_pending;
  if (cpu->s.nmi_pending)
    {
      if (!cpu->s.nmi_blocked && (cpu->s.shadow & VT_X86_SHADOW_MOVSS) == 0)
        {
          cpu->s.nmi_pending = 0;
          event->vector = X86_NMI;
          event->how = VT_X86_EVENT_NMI;
          return true;
        }
      cpu->events_deferred = true;
    }
  if (cpu->apic == NULL || vt_apic_pending (cpu->apic) == VT_APIC_NONE)
    return false;
  int vector = open ? vt_x86_acknowledge_interrupt (cpu) : VT_APIC_NONE;
  if (vector == VT_APIC_NONE)
    {
      cpu->events_deferred = true;
      return false;
    }
  event->vector = vector;
  event->how = VT_X86_EVENT_EXTERNAL;
  return true;
}

/* An instruction in a shadow comes first, so that the shadow is over when the mode begins. */
static bool
claim_smi (VtX86Cpu *cpu)
{
  if (!vt_x86_smi_deliverable (cpu) || cpu->s.shadow != 0)
    return false;
  cpu->s.smi_pending = 0;
  return true;
}

/* What else waits may find its window open inside. */
static void
take_smi (VtX86Cpu *cpu)
{
  cpu->events_deferred = true;
  cpu->vcpu.stats.interrupts++;
  vt_x86_enter_smm (cpu);
}

bool
vt_x86_service_events (VtX86Cpu *cpu)
{
  VtX86Event event = { 0 };
  vt_x86_sync_flags (cpu);
  if (cpu->apic != NULL)
    vt_apic_lock (cpu->apic);
  /* The request is taken under the lock: what comes later sets it again. */
  vt_vcpu_take (&cpu->vcpu, VT_VCPU_INTERRUPT);
  bool smi = claim_smi (cpu), started = !smi && take_init_or_sipi (cpu);
  bool running = cpu->s.activity != VT_X86_WAIT_FOR_SIPI && cpu->s.activity != VT_X86_SHUTDOWN;
  bool claimed = running && !smi && !started && claim_event (cpu, &event);
  if (cpu->apic != NULL)
    vt_apic_unlock (cpu->apic);
  if (smi)
    take_smi (cpu);
  if (!claimed)
    return smi || started;
  cpu->s.activity = VT_X86_RUNNING;
  cpu->s.monitor_armed = 0;
  if (event.how == VT_X86_EVENT_NMI)
    cpu->s.nmi_blocked = 1;
  cpu->vcpu.stats.interrupts++;
  trace_x86_interrupt (cpu->vcpu.index, event.vector, cpu->s.seg[VT_CS].selector, cpu->s.rip);
  /* More may wait behind this one (an NMI handler ends, another vector): look again when the flags allow it. */
  cpu->events_deferred = true;
  vt_x86_deliver_event (cpu, &event);
  return true;
}

bool
vt_x86_events_pending (VtX86Cpu *cpu)
{
  if (!cpu->s.in_smm && (cpu->s.init_pending || (cpu->s.sipi_pending && cpu->s.activity == VT_X86_WAIT_FOR_SIPI)))
    return true;
  if (vt_x86_smi_deliverable (cpu))
    return true;
  switch (cpu->s.activity)
    {
    case VT_X86_RUNNING:
      return true;
    case VT_X86_MWAIT:
      /* The write to the monitored line, or an interrupt (SDM volume 3A, 8.10.4). */
      if (!cpu->s.monitor_armed)
        return true;
      break;
    case VT_X86_HALTED:
      break;
    default:
      return false;
    }
  if (cpu->s.nmi_pending && !cpu->s.nmi_blocked)
    return true;
  return cpu->apic != NULL && vt_apic_pending (cpu->apic) != VT_APIC_NONE && (cpu->s.rflags & X86_RFLAGS_IF) != 0;
}
