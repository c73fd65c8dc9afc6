/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupts. The interrupt controllers are ours, all of them; the kernel only gets what it is to deliver now.
 *
 * An interrupt that cannot be taken yet makes the kernel leave as soon as it can (request_interrupt_window).  INIT and
 * SIPI are the business of the common code, on the whole state.
 */
#include "kvm-private.h"

#include "apic.h"
#include "x86-sys.h"

typedef struct
{
  bool start; /* INIT or SIPI */
  bool nmi;
  int vector; /* VT_APIC_NONE: none */
} Claim;

static Claim
claim (VtKvmVcpu *kvm)
{
  VtX86Cpu *cpu = kvm->cpu;
  VtX86State *s = &cpu->s;
  Claim out = { .vector = VT_APIC_NONE };
  vt_apic_lock (cpu->apic);
  /* The request is taken under the lock: what comes later sets it again. */
  vt_vcpu_take (&cpu->vcpu, VT_VCPU_INTERRUPT);
  out.start = s->init_pending || s->sipi_pending;
  bool takes = !out.start && s->activity != VT_X86_WAIT_FOR_SIPI && s->activity != VT_X86_SHUTDOWN;
  /* The kernel keeps an NMI until it can be taken; but one that is blocked does not end a halt. */
  if (takes && s->nmi_pending && (s->activity == VT_X86_RUNNING || !s->nmi_blocked))
    {
      s->nmi_pending = 0;
      out.nmi = true;
    }
  if (takes && kvm->open)
    out.vector = vt_x86_acknowledge_interrupt (cpu);
  kvm->waiting = takes && vt_apic_pending (cpu->apic) != VT_APIC_NONE;
  vt_apic_unlock (cpu->apic);
  return out;
}

static bool
start (VtKvmVcpu *kvm, GError **error)
{
  if (!vt_kvm_pull (kvm, error))
    return false;
  /* It may also deliver an interrupt, with the exceptions that may bring. */
  if (setjmp (kvm->cpu->unwind) != 0)
    vt_x86_deliver_exception (kvm->cpu);
  else
    vt_x86_service_events (kvm->cpu);
  return vt_kvm_push (kvm, error);
}

bool
vt_kvm_service_events (VtKvmVcpu *kvm, GError **error)
{
  VtX86Cpu *cpu = kvm->cpu;
  if (cpu->apic == NULL)
    {
      vt_vcpu_take (&cpu->vcpu, VT_VCPU_INTERRUPT);
      return true;
    }
  Claim now = claim (kvm);
  if (now.start && !start (kvm, error))
    return false;
  if (now.nmi && !vt_kvm_vcpu_ioctl (kvm, KVM_NMI, NULL, "KVM_NMI", error))
    return false;
  if (now.vector != VT_APIC_NONE)
    {
      struct kvm_interrupt interrupt = { .irq = (uint32_t) now.vector };
      if (!vt_kvm_vcpu_ioctl (kvm, KVM_INTERRUPT, &interrupt, "KVM_INTERRUPT", error))
        return false;
      kvm->open = false;
      cpu->vcpu.stats.interrupts++;
    }
  if (now.nmi || now.vector != VT_APIC_NONE)
    {
      cpu->s.activity = VT_X86_RUNNING;
      cpu->s.monitor_armed = 0;
    }
  return true;
}

/* --- Events under way when the state is read ---------------------------------------------------------------------- */

/* What has to be delivered, as the common code sees it. Software interrupts and exceptions come again by themselves:
 * RIP is still at their instruction. */
static bool
under_way (const struct kvm_vcpu_events *events, VtX86Event *event)
{
  unsigned vector = events->exception.nr;
  if (events->interrupt.injected && !events->interrupt.soft)
    {
      *event = (VtX86Event) { .vector = events->interrupt.nr, .how = VT_X86_EVENT_EXTERNAL };
      return true;
    }
  if ((events->exception.injected || events->exception.pending) && vector != X86_BP && vector != X86_OF)
    {
      *event = (VtX86Event) { .vector = vector,
                             .how = VT_X86_EVENT_EXCEPTION,
                             .error_code = events->exception.error_code,
                             .has_error = events->exception.has_error_code,
                             .set_rf = vector != X86_DB };
      return true;
    }
  return false;
}

void
vt_kvm_deliver (VtKvmVcpu *kvm, const struct kvm_vcpu_events *events)
{
  VtX86Cpu *cpu = kvm->cpu;
  VtX86Event event;
  if (events->nmi.injected || events->nmi.pending)
    {
      cpu->s.nmi_pending = 1;
      kvm->known_valid = false;
      __atomic_fetch_or (&cpu->vcpu.requests, VT_VCPU_INTERRUPT, __ATOMIC_RELEASE);
    }
  if (!under_way (events, &event))
    return;
  kvm->known_valid = false;
  event.rip = cpu->s.rip;
  /* An exception on the way comes back to here, as it does to the interpreter's run loop. */
  if (setjmp (cpu->unwind) != 0)
    vt_x86_deliver_exception (cpu);
  else
    vt_x86_deliver_event (cpu, &event);
  vt_x86_update_checks (cpu);
}
