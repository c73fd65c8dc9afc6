/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Delivery of interrupts and exceptions through the IDT, in every mode.
 *
 * SDM volume 3A, 6.11 to 6.15 (protected, long mode), 20.1.4 (real mode), 20.3 (virtual-8086 mode and VME); INT n in
 * volume 2A.  Nothing that a handler could see changes before the last access that may fault.
 */
#include "x86-sys.h"

#define GATE_IST_MASK 7u
#define IDT_ERROR(vector) ((uint32_t) (vector) << 3 | 2u)   /* error code: index into the IDT */

/* Flags pushed by the event. */
static uint64_t
saved_flags (const VtX86Cpu *cpu, const VtX86Event *event)
{
  return event->set_rf ? cpu->s.rflags | X86_RFLAGS_RF : cpu->s.rflags;
}

static bool
is_software (const VtX86Event *event)
{
  return event->how == VT_X86_EVENT_INT_N || event->how == VT_X86_EVENT_INT3;
}

static void
clear_flags (VtX86Cpu *cpu, uint64_t mask)
{
  cpu->s.rflags &= ~mask;
}

/* --- Real mode, and VME redirection that works the same way ---------------------------------------------------------- */

static void
through_vector_table (VtX86Cpu *cpu, const VtX86Event *event, uint64_t table, uint64_t flags)
{
  VtX86Stack stack;
  uint32_t entry = vt_x86_load_system (cpu, table + 4 * event->vector, 4);
  vt_x86_stack_current (cpu, &stack);
  vt_x86_stack_push (&stack, flags, 2);
  vt_x86_stack_push (&stack, cpu->s.seg[VT_CS].selector, 2);
  vt_x86_stack_push (&stack, event->rip, 2);
  vt_x86_set_sp (cpu, stack.sp);
  if (cpu->mode == VT_X86_V86)
    vt_x86_set_v86_seg (&cpu->s.seg[VT_CS], entry >> 16);
  else
    vt_x86_set_real_seg (&cpu->s.seg[VT_CS], entry >> 16);
  cpu->s.rip = entry & 0xffff;
}

static void
deliver_real (VtX86Cpu *cpu, const VtX86Event *event)
{
  if (4 * event->vector + 3 > cpu->s.idtr.limit)
    vt_x86_raise (cpu, event->vector == X86_DF ? X86_DF : X86_GP, 0);
  through_vector_table (cpu, event, cpu->s.idtr.base, saved_flags (cpu, event));
  clear_flags (cpu, X86_RFLAGS_IF | X86_RFLAGS_TF | X86_RFLAGS_AC | X86_RFLAGS_RF);
}

/* SDM table 20-2: true when the event went to the program's own handler. */
static bool
redirect_vme (VtX86Cpu *cpu, const VtX86Event *event)
{
  if ((cpu->s.cr4 & X86_CR4_VME) == 0)
    return false;
  uint32_t iomap_off = 102;
  if (iomap_off + 1 > cpu->s.tr.limit)
    vt_x86_gp0 (cpu);
  uint32_t iomap = vt_x86_load_system (cpu, cpu->s.tr.base + iomap_off, 2);
  uint32_t byte = iomap - 32 + event->vector / 8;
  if (iomap < 32 || byte > cpu->s.tr.limit)
    vt_x86_gp0 (cpu);
  if ((vt_x86_load_system (cpu, cpu->s.tr.base + byte, 1) >> (event->vector & 7)) & 1)
    return false;
  bool trusted = (cpu->s.rflags & X86_RFLAGS_IOPL) == X86_RFLAGS_IOPL;
  uint64_t flags = cpu->s.rflags;
  if (!trusted)
    {
      /* The program sees VIF in IF's place, and IOPL 3. */
      flags = (flags & ~(uint64_t) X86_RFLAGS_IF) | X86_RFLAGS_IOPL;
      if (flags & X86_RFLAGS_VIF)
        flags |= X86_RFLAGS_IF;
    }
  through_vector_table (cpu, event, 0, flags);
  clear_flags (cpu, X86_RFLAGS_TF | X86_RFLAGS_NT | X86_RFLAGS_RF | (trusted ? X86_RFLAGS_IF : X86_RFLAGS_VIF));
  return true;
}

/* --- Gates ------------------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint64_t low, high;    /* the gate; high is 0 outside long mode */
  uint64_t desc, where;  /* of the code segment */
  uint64_t target;
  uint16_t selector;
  unsigned type;
  unsigned cpl;          /* of the handler */
} Gate;

static void
fetch_gate (VtX86Cpu *cpu, const VtX86Event *event, Gate *gate)
{
  unsigned size = cpu->long_mode ? 16 : 8;
  uint32_t off = event->vector * size;
  if (off + size - 1 > cpu->s.idtr.limit)
    vt_x86_raise (cpu, X86_GP, IDT_ERROR (event->vector));
  gate->low = vt_x86_load_system (cpu, cpu->s.idtr.base + off, 8);
  gate->high = cpu->long_mode ? vt_x86_load_system (cpu, cpu->s.idtr.base + off + 8, 8) : 0;
  gate->type = (gate->low & X86_DESC_S) != 0 ? 0 : desc_type (gate->low);
  bool known = gate->type == X86_SYS_INT32 || gate->type == X86_SYS_TRAP32;
  if (!cpu->long_mode)
    known |= gate->type == X86_SYS_INT16 || gate->type == X86_SYS_TRAP16 || gate->type == X86_SYS_TASK_GATE;
  if (!known || (is_software (event) && desc_dpl (gate->low) < cpu->cpl))
    vt_x86_raise (cpu, X86_GP, IDT_ERROR (event->vector));
  if ((gate->low & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, IDT_ERROR (event->vector));
  gate->selector = gate->low >> 16;
  gate->target = (gate->low & 0xffff) | ((gate->low >> 32) & 0xffff0000) | gate->high << 32;
  if (gate->type == X86_SYS_INT16 || gate->type == X86_SYS_TRAP16)
    gate->target &= 0xffff;
}

static void
check_gate_segment (VtX86Cpu *cpu, Gate *gate)
{
  if ((gate->selector & ~X86_SEL_RPL) == 0)
    vt_x86_gp0 (cpu);
  gate->desc = vt_x86_need_descriptor (cpu, gate->selector, X86_GP, &gate->where);
  uint32_t error = gate->selector & ~X86_SEL_RPL;
  bool wrong_size = cpu->long_mode && (gate->desc & (X86_DESC_L | X86_DESC_DB)) != X86_DESC_L;
  if (!desc_is_code (gate->desc) || desc_dpl (gate->desc) > cpu->cpl || wrong_size)
    vt_x86_raise (cpu, X86_GP, error);
  if ((gate->desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, error);
  gate->cpl = desc_is_conforming (gate->desc) ? cpu->cpl : desc_dpl (gate->desc);
  if (cpu->mode == VT_X86_V86 && gate->cpl != 0)
    vt_x86_raise (cpu, X86_GP, error);
}

static bool
closes_interrupts (const Gate *gate)
{
  return gate->type == X86_SYS_INT32 || gate->type == X86_SYS_INT16;
}

static void
enter_handler (VtX86Cpu *cpu, const Gate *gate)
{
  vt_x86_mark_accessed (cpu, gate->where, gate->desc);
  vt_x86_commit_cs (cpu, gate->selector, gate->desc, gate->cpl);
  clear_flags (cpu, X86_RFLAGS_TF | X86_RFLAGS_VM | X86_RFLAGS_RF | X86_RFLAGS_NT
                      | (closes_interrupts (gate) ? X86_RFLAGS_IF : 0));
  cpu->s.rip = gate->target;
}

static void
deliver_protected (VtX86Cpu *cpu, const VtX86Event *event)
{
  Gate gate;
  VtX86Stack stack;
  fetch_gate (cpu, event, &gate);
  if (gate.type == X86_SYS_TASK_GATE)
    {
      vt_x86_task_gate (cpu, gate.low, VT_X86_TASK_CALL, event->rip, event->has_error ? &event->error_code : NULL);
      return;
    }
  check_gate_segment (cpu, &gate);
  unsigned width = gate.type == X86_SYS_INT32 || gate.type == X86_SYS_TRAP32 ? 4 : 2;
  bool from_v86 = cpu->mode == VT_X86_V86;
  bool inner = gate.cpl != cpu->cpl;
  if (inner)
    vt_x86_stack_from_tss (cpu, gate.cpl, &stack);
  else
    vt_x86_stack_current (cpu, &stack);
  vt_x86_check_target (cpu, gate.desc, gate.target);
  if (from_v86)
    {
      static const uint8_t order[] = { VT_GS, VT_FS, VT_DS, VT_ES };
      for (unsigned i = 0; i < G_N_ELEMENTS (order); i++)
        vt_x86_stack_push (&stack, cpu->s.seg[order[i]].selector, width);
    }
  if (inner)
    {
      vt_x86_stack_push (&stack, cpu->s.seg[VT_SS].selector, width);
      vt_x86_stack_push (&stack, cpu->s.gpr[VT_RSP], width);
    }
  vt_x86_stack_push (&stack, saved_flags (cpu, event), width);
  vt_x86_stack_push (&stack, cpu->s.seg[VT_CS].selector, width);
  vt_x86_stack_push (&stack, event->rip, width);
  if (event->has_error)
    vt_x86_stack_push (&stack, event->error_code, width);
  if (from_v86)
    for (unsigned seg = VT_ES; seg < VT_SEG_COUNT; seg++)
      if (seg != VT_CS && seg != VT_SS)
        vt_x86_set_null_seg (&cpu->s.seg[seg], 0);
  if (inner)
    vt_x86_commit_ss (cpu, &stack.seg, gate.cpl);
  enter_handler (cpu, &gate);
  vt_x86_update_mode (cpu);
  vt_x86_set_sp (cpu, stack.sp);
}

/* Long mode always pushes SS:RSP, on a stack aligned to 16 (SDM 6.14.2). */
static void
deliver_long (VtX86Cpu *cpu, const VtX86Event *event)
{
  Gate gate;
  fetch_gate (cpu, event, &gate);
  check_gate_segment (cpu, &gate);
  unsigned ist = (gate.low >> 32) & GATE_IST_MASK;
  bool inner = gate.cpl != cpu->cpl;
  uint64_t rsp = cpu->s.gpr[VT_RSP];
  if (ist != 0 || inner)
    rsp = vt_x86_rsp_from_tss (cpu, gate.cpl, ist);
  vt_x86_check_target (cpu, gate.desc, gate.target);
  VtX86Stack stack = {
    .cpu = cpu, .sp = rsp & ~UINT64_C (15), .mask = UINT64_MAX, .is64 = true, .system = gate.cpl != 3,
  };
  vt_x86_stack_push (&stack, cpu->s.seg[VT_SS].selector, 8);
  vt_x86_stack_push (&stack, cpu->s.gpr[VT_RSP], 8);
  vt_x86_stack_push (&stack, saved_flags (cpu, event), 8);
  vt_x86_stack_push (&stack, cpu->s.seg[VT_CS].selector, 8);
  vt_x86_stack_push (&stack, event->rip, 8);
  if (event->has_error)
    vt_x86_stack_push (&stack, event->error_code, 8);
  if (inner)
    {
      VtX86Seg null;
      vt_x86_set_null_seg (&null, gate.cpl);
      vt_x86_commit_ss (cpu, &null, gate.cpl);
    }
  enter_handler (cpu, &gate);
  vt_x86_update_mode (cpu);
  cpu->s.gpr[VT_RSP] = stack.sp;
}

/* INT n in virtual-8086 mode: redirected, refused, or through the IDT like any other. */
static bool
handled_in_v86 (VtX86Cpu *cpu, const VtX86Event *event)
{
  if (cpu->mode != VT_X86_V86 || event->how != VT_X86_EVENT_INT_N)
    return false;
  if (redirect_vme (cpu, event))
    return true;
  if ((cpu->s.rflags & X86_RFLAGS_IOPL) != X86_RFLAGS_IOPL)
    vt_x86_gp0 (cpu);
  return false;
}

void
vt_x86_deliver_event (VtX86Cpu *cpu, const VtX86Event *event)
{
  cpu->delivering = event->vector;
  cpu->delivering_how = event->how;
  if (cpu->mode == VT_X86_REAL)
    deliver_real (cpu, event);
  else if (!handled_in_v86 (cpu, event))
    {
      if (cpu->long_mode)
        deliver_long (cpu, event);
      else
        deliver_protected (cpu, event);
    }
  cpu->delivering_how = VT_X86_EVENT_NONE;
  cpu->s.shadow = 0;
  cpu->next_rip = cpu->s.rip;
  vt_x86_update_mode (cpu);
}
