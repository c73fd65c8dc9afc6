/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Far CALL, JMP and RET: straight, through call gates, and to tasks.
 *
 * SDM volume 2A (CALL, JMP, RET), volume 3A 5.8 (privilege checks between code segments) and 5.8.5 (stack switching).
 */
#include "x86-sys.h"

typedef struct
{
  uint64_t target;
  uint16_t selector;
} FarPointer;

static FarPointer
far_operand (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;
  if (insn->kind[0] != VT_OPND_MEM)
    return (FarPointer) { .target = insn->imm & vt_mask_bytes (MIN (size, 4)), .selector = insn->imm >> 32 };
  uint64_t at = vt_x86_operand_linear (cpu, insn, size + 2, VT_READ);
  FarPointer far = { 0 };
  uint8_t bytes[10];
  vt_x86_load_bytes (cpu, at, bytes, size + 2);
  far.target = vt_load_le (bytes, size);
  far.selector = vt_load_le (bytes + size, 2);
  return far;
}

static void
push_return (VtX86Cpu *cpu, VtX86Stack *stack, unsigned size)
{
  vt_x86_stack_push (stack, cpu->s.seg[VT_CS].selector, size);
  vt_x86_stack_push (stack, cpu->next_rip, size);
}

/* Real and virtual-8086 mode. */
static void
far_v86 (VtX86Cpu *cpu, FarPointer far, bool call, unsigned size)
{
  VtX86Stack stack;
  if (cpu->mode == VT_X86_V86 ? far.target > 0xffff : far.target > cpu->s.seg[VT_CS].limit)
    vt_x86_gp0 (cpu);
  if (call)
    {
      vt_x86_stack_current (cpu, &stack);
      push_return (cpu, &stack, size);
      vt_x86_set_sp (cpu, stack.sp);
    }
  if (cpu->mode == VT_X86_V86)
    vt_x86_set_v86_seg (&cpu->s.seg[VT_CS], far.selector);
  else
    vt_x86_set_real_seg (&cpu->s.seg[VT_CS], far.selector);
  cpu->next_rip = far.target;
}

/* --- Straight to a code segment ------------------------------------------------------------------------------------------ */

static void
check_code_present (VtX86Cpu *cpu, uint16_t selector, uint64_t desc)
{
  bool both_sizes = cpu->long_mode && (desc & (X86_DESC_L | X86_DESC_DB)) == (X86_DESC_L | X86_DESC_DB);
  if (both_sizes)
    vt_x86_raise (cpu, X86_GP, selector & ~X86_SEL_RPL);
  if ((desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, selector & ~X86_SEL_RPL);
}

static void
far_code (VtX86Cpu *cpu, FarPointer far, uint64_t desc, uint64_t where, bool call, unsigned size)
{
  VtX86Stack stack;
  unsigned dpl = desc_dpl (desc);
  bool level_ok = desc_is_conforming (desc) ? dpl <= cpu->cpl : dpl == cpu->cpl && (far.selector & X86_SEL_RPL) <= cpu->cpl;
  if (!level_ok)
    vt_x86_raise (cpu, X86_GP, far.selector & ~X86_SEL_RPL);
  check_code_present (cpu, far.selector, desc);
  vt_x86_stack_current (cpu, &stack);
  if (call)
    push_return (cpu, &stack, size);
  vt_x86_check_target (cpu, desc, far.target);
  vt_x86_mark_accessed (cpu, where, desc);
  if (call)
    vt_x86_set_sp (cpu, stack.sp);
  vt_x86_commit_cs (cpu, far.selector, desc, cpu->cpl);
  cpu->next_rip = far.target;
  vt_x86_update_mode (cpu);
}

/* --- Call gates -------------------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint64_t target;
  uint64_t desc, where;    /* of the code segment */
  uint16_t selector;       /* of the code segment */
  unsigned size;           /* of what is pushed */
  unsigned params;
} CallGate;

static void
read_gate (VtX86Cpu *cpu, uint16_t selector, uint64_t gate, uint64_t where, CallGate *out)
{
  uint32_t error = selector & ~X86_SEL_RPL;
  if (desc_dpl (gate) < MAX (cpu->cpl, selector & X86_SEL_RPL))
    vt_x86_raise (cpu, X86_GP, error);
  if ((gate & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, error);
  out->selector = gate >> 16;
  out->target = (gate & 0xffff) | ((gate >> 32) & 0xffff0000);
  out->params = (gate >> 32) & 31;
  out->size = desc_type (gate) == X86_SYS_CALL32 ? 4 : 2;
  if (out->size == 2)
    out->target &= 0xffff;
  if (cpu->long_mode)
    {
      uint64_t upper = vt_x86_need_upper_half (cpu, selector, X86_GP, where);
      if ((upper >> 40 & 0x1f) != 0)
        vt_x86_raise (cpu, X86_GP, error);
      out->target |= upper << 32;
      out->size = 8;
      out->params = 0;
    }
  if ((out->selector & ~X86_SEL_RPL) == 0)
    vt_x86_gp0 (cpu);
  out->desc = vt_x86_need_descriptor (cpu, out->selector, X86_GP, &out->where);
  bool not_64 = cpu->long_mode && (out->desc & (X86_DESC_L | X86_DESC_DB)) != X86_DESC_L;
  if (!desc_is_code (out->desc) || desc_dpl (out->desc) > cpu->cpl || not_64)
    vt_x86_raise (cpu, X86_GP, out->selector & ~X86_SEL_RPL);
  if ((out->desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, out->selector & ~X86_SEL_RPL);
}

static void
gate_to_inner_level (VtX86Cpu *cpu, const CallGate *gate)
{
  VtX86Stack outer, inner;
  unsigned cpl = desc_dpl (gate->desc);
  vt_x86_stack_current (cpu, &outer);
  if (cpu->long_mode)
    {
      inner = (VtX86Stack) {
        .cpu = cpu, .sp = vt_x86_rsp_from_tss (cpu, cpl, 0), .mask = UINT64_MAX, .is64 = true, .system = true,
      };
      vt_x86_set_null_seg (&inner.seg, cpl);
    }
  else
    vt_x86_stack_from_tss (cpu, cpl, &inner);
  vt_x86_stack_push (&inner, cpu->s.seg[VT_SS].selector, gate->size);
  vt_x86_stack_push (&inner, outer.sp, gate->size);
  for (unsigned i = gate->params; i > 0; i--)
    vt_x86_stack_push (&inner, vt_x86_stack_peek (&outer, (i - 1) * gate->size, gate->size), gate->size);
  push_return (cpu, &inner, gate->size);
  vt_x86_check_target (cpu, gate->desc, gate->target);
  vt_x86_mark_accessed (cpu, gate->where, gate->desc);
  vt_x86_commit_ss (cpu, &inner.seg, cpl);
  vt_x86_commit_cs (cpu, gate->selector, gate->desc, cpl);
  vt_x86_update_mode (cpu);
  vt_x86_set_sp (cpu, inner.sp);
}

static void
far_gate (VtX86Cpu *cpu, uint16_t selector, uint64_t desc, uint64_t where, bool call)
{
  CallGate gate;
  read_gate (cpu, selector, desc, where, &gate);
  bool inner = !desc_is_conforming (gate.desc) && desc_dpl (gate.desc) < cpu->cpl;
  if (inner && !call)
    vt_x86_raise (cpu, X86_GP, gate.selector & ~X86_SEL_RPL);
  if (inner)
    gate_to_inner_level (cpu, &gate);
  else
    {
      VtX86Stack stack;
      vt_x86_stack_current (cpu, &stack);
      if (cpu->long_mode)
        {
          /* From compatibility mode, too, the pushes are those of 64-bit mode. */
          stack.is64 = true;
          stack.mask = UINT64_MAX;
        }
      if (call)
        push_return (cpu, &stack, gate.size);
      vt_x86_check_target (cpu, gate.desc, gate.target);
      vt_x86_mark_accessed (cpu, gate.where, gate.desc);
      vt_x86_commit_cs (cpu, gate.selector, gate.desc, cpu->cpl);
      vt_x86_update_mode (cpu);
      if (call)
        vt_x86_set_sp (cpu, stack.sp);
    }
  cpu->next_rip = gate.target;
}

/* --- Choice by the kind of descriptor ---------------------------------------------------------------------------------------- */

static void
far_task (VtX86Cpu *cpu, uint16_t selector, uint64_t desc, bool call)
{
  VtX86TaskHow how = call ? VT_X86_TASK_CALL : VT_X86_TASK_JUMP;
  if (desc_dpl (desc) < MAX (cpu->cpl, selector & X86_SEL_RPL))
    vt_x86_raise (cpu, X86_GP, selector & ~X86_SEL_RPL);
  if (desc_type (desc) == X86_SYS_TASK_GATE)
    {
      if ((desc & X86_DESC_P) == 0)
        vt_x86_raise (cpu, X86_NP, selector & ~X86_SEL_RPL);
      vt_x86_task_gate (cpu, desc, how, cpu->next_rip, NULL);
    }
  else
    vt_x86_switch_task (cpu, selector, how, cpu->next_rip, NULL);
}

static void
far_protected (VtX86Cpu *cpu, FarPointer far, bool call, unsigned size)
{
  uint64_t where;
  if ((far.selector & ~X86_SEL_RPL) == 0)
    vt_x86_gp0 (cpu);
  uint64_t desc = vt_x86_need_descriptor (cpu, far.selector, X86_GP, &where);
  if (desc_is_code (desc))
    {
      far_code (cpu, far, desc, where, call, size);
      return;
    }
  unsigned type = (desc & X86_DESC_S) != 0 ? 0 : desc_type (desc);
  if (type == X86_SYS_CALL32 || (type == X86_SYS_CALL16 && !cpu->long_mode))
    far_gate (cpu, far.selector, desc, where, call);
  else if (!cpu->long_mode && (type == X86_SYS_TASK_GATE || type == X86_SYS_TSS16 || type == X86_SYS_TSS32))
    far_task (cpu, far.selector, desc, call);
  else
    vt_x86_raise (cpu, X86_GP, far.selector & ~X86_SEL_RPL);
}

static void
far_transfer (VtX86Cpu *cpu, const VtX86Insn *insn, bool call)
{
  FarPointer far = far_operand (cpu, insn);
  if (cpu->mode == VT_X86_REAL || cpu->mode == VT_X86_V86)
    far_v86 (cpu, far, call, insn->opsize);
  else
    far_protected (cpu, far, call, insn->opsize);
}

void
vt_x86_op_call_far (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  far_transfer (cpu, insn, true);
}

void
vt_x86_op_jmp_far (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  far_transfer (cpu, insn, false);
}

/* --- RET -------------------------------------------------------------------------------------------------------------------- */

static void
ret_v86 (VtX86Cpu *cpu, VtX86Stack *stack, uint64_t ip, uint16_t cs, unsigned release)
{
  if (cpu->mode == VT_X86_V86 ? ip > 0xffff : ip > cpu->s.seg[VT_CS].limit)
    vt_x86_gp0 (cpu);
  if (cpu->mode == VT_X86_V86)
    vt_x86_set_v86_seg (&cpu->s.seg[VT_CS], cs);
  else
    vt_x86_set_real_seg (&cpu->s.seg[VT_CS], cs);
  vt_x86_set_sp (cpu, stack->sp + release);
  cpu->next_rip = ip;
}

void
vt_x86_op_ret_far (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Stack stack;
  VtX86Seg ss;
  uint64_t where, rsp = 0;
  unsigned size = insn->opsize, release = insn->opcode == 0xca ? insn->imm & 0xffff : 0;
  vt_x86_stack_current (cpu, &stack);
  uint64_t ip = vt_x86_stack_pop (&stack, size);
  uint16_t cs = vt_x86_stack_pop (&stack, size);
  if (cpu->mode == VT_X86_REAL || cpu->mode == VT_X86_V86)
    {
      ret_v86 (cpu, &stack, ip, cs, release);
      return;
    }
  uint64_t desc = vt_x86_check_return_cs (cpu, cs, &where);
  unsigned cpl = cs & X86_SEL_RPL;
  bool outer = cpl != cpu->cpl;
  if (outer)
    {
      rsp = vt_x86_stack_peek (&stack, release, size);
      uint16_t selector = vt_x86_stack_peek (&stack, release + size, size);
      vt_x86_check_return_ss (cpu, selector, desc, cpl, &ss);
    }
  vt_x86_check_target (cpu, desc, ip);
  vt_x86_mark_accessed (cpu, where, desc);
  if (outer)
    vt_x86_commit_ss (cpu, &ss, cpl);
  else
    vt_x86_set_sp (cpu, stack.sp + release);
  vt_x86_commit_cs (cpu, cs, desc, cpl);
  vt_x86_update_mode (cpu);
  if (outer)
    {
      vt_x86_set_sp (cpu, rsp + release);
      vt_x86_drop_inner_segments (cpu, cpl);
      vt_x86_update_mode (cpu);
    }
  cpu->next_rip = ip;
}
