/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weak stand-ins for topics that are not built in: enough for the rest to link and run flat code. */
#include "apic.h"
#include "flags.h"
#include "x86-sys.h"

#define WEAK __attribute__ ((weak))

WEAK void
vt_x86_raise (VtX86Cpu *cpu, unsigned vector, uint32_t error_code)
{
  cpu->exc_vector = (uint8_t) vector;
  cpu->exc_error = error_code;
  longjmp (cpu->unwind, 1);
}

WEAK void
vt_x86_raise_pf (VtX86Cpu *cpu, uint64_t linear, uint32_t error_code)
{
  cpu->exc_linear = linear;
  vt_x86_raise (cpu, X86_PF, error_code);
}

WEAK void
vt_x86_deliver_exception (VtX86Cpu *cpu)
{
  cpu->s.activity = VT_X86_SHUTDOWN;
}

WEAK bool
vt_x86_service_events (VtX86Cpu *cpu)
{
  vt_vcpu_take (&cpu->vcpu, VT_VCPU_INTERRUPT);
  return false;
}

WEAK bool
vt_x86_events_pending (VtX86Cpu *cpu)
{
  return cpu->s.activity == VT_X86_RUNNING;
}

WEAK void
vt_x86_init (VtX86Cpu *cpu, bool power_on)
{
  memset (&cpu->s, 0, sizeof (cpu->s));
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    cpu->s.seg[i] = (VtX86Seg) { .limit = 0xffff, .attr = 0x93 };
  cpu->s.seg[VT_CS] = (VtX86Seg) { .base = 0xffff0000, .limit = 0xffff, .attr = 0x9b, .selector = 0xf000 };
  cpu->s.rip = 0xfff0;
  cpu->s.rflags = X86_RFLAGS_ONE;
  cpu->s.cr0 = 0x60000010;
  cpu->s.mxcsr = 0x1f80;
  cpu->s.fcw = 0x37f;
  cpu->s.xcr0 = 1;
  cpu->s.dr[6] = 0xffff0ff0;
  cpu->s.dr[7] = 0x400;
}

WEAK void
vt_x86_before_insn (VtX86Cpu *cpu)
{
}

WEAK void
vt_x86_after_insn (VtX86Cpu *cpu)
{
  cpu->s.shadow = 0;
}

WEAK bool
vt_x86_page_watched (const VtX86Cpu *cpu, uint64_t linear)
{
  return false;
}

WEAK void
vt_x86_watch_access (VtX86Cpu *cpu, uint64_t linear, unsigned size, VtAccessKind kind)
{
}

WEAK void
vt_x86_update_mode (VtX86Cpu *cpu)
{
  const VtX86Seg *cs = &cpu->s.seg[VT_CS], *ss = &cpu->s.seg[VT_SS];
  bool prot = (cpu->s.cr0 & X86_CR0_PE) != 0, v86 = prot && (cpu->s.rflags & X86_RFLAGS_VM);
  cpu->long_mode = (cpu->s.efer & X86_EFER_LMA) != 0;
  cpu->paging = (cpu->s.cr0 & X86_CR0_PG) != 0;
  cpu->cpl = v86 ? 3 : prot ? (uint8_t) seg_dpl (ss) : 0;
  cpu->mode = !prot ? VT_X86_REAL : v86 ? VT_X86_V86 : VT_X86_PROT;
  cpu->code_bits = cs->attr & X86_SEG_DB ? 32 : 16;
  cpu->stack_bits = ss->attr & X86_SEG_DB ? 32 : 16;
  if (cpu->long_mode && (cs->attr & X86_SEG_L))
    {
      cpu->mode = VT_X86_LONG;
      cpu->code_bits = cpu->stack_bits = 64;
    }
  vt_x86_update_checks (cpu);
}

WEAK bool
vt_apic_covers (const VtApic *apic, uint64_t gpa)
{
  return false;
}

WEAK uint64_t
vt_apic_mmio_read (VtApic *apic, uint64_t gpa, unsigned size)
{
  return 0;
}

WEAK void
vt_apic_mmio_write (VtApic *apic, uint64_t gpa, uint64_t value, unsigned size)
{
}

WEAK VtX86Model *
vt_x86_model_new (const char *name, unsigned n_cpus, GError **error)
{
  VtX86Model *model = g_new0 (VtX86Model, 1);
  memset (model->feature, 0xff, sizeof (model->feature));
  model->phys_bits = VT_X86_PHYS_BITS;
  model->linear_bits = 48;
  model->n_cpus = n_cpus;
  model->xcr0 = 7;
  return model;
}

WEAK void
vt_x86_model_free (VtX86Model *model)
{
  g_free (model);
}

#define UNDEFINED(name)                                                                                                  \
  WEAK void name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                                  \
  {                                                                                                                      \
    vt_x86_ud (cpu);                                                                                                     \
  }
UNDEFINED (vt_x86_op_mov_to_seg)
UNDEFINED (vt_x86_op_mov_from_seg)
UNDEFINED (vt_x86_op_mov_to_cr)
UNDEFINED (vt_x86_op_mov_from_cr)
UNDEFINED (vt_x86_op_mov_to_dr)
UNDEFINED (vt_x86_op_mov_from_dr)
UNDEFINED (vt_x86_op_push_seg)
UNDEFINED (vt_x86_op_pop_seg)
UNDEFINED (vt_x86_op_call_far)
UNDEFINED (vt_x86_op_jmp_far)
UNDEFINED (vt_x86_op_ret_far)

WEAK const VtX86OpRow vt_x86_ops_system[] = { { 0 } };
