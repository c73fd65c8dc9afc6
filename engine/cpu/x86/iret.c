/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IRET in every mode, PUSHF, POPF, CLI and STI with their virtual-interrupt forms.
 *
 * SDM volume 2A/2B (IRET, POPF, PUSHF, CLI, STI), volume 3B 20.3 and 20.4 (VME and PVI).
 */
#include "x86-sys.h"

/* Flags that POPF and IRET write at any privilege. */
#define FLAGS_ALWAYS (X86_RFLAGS_ARITH | X86_RFLAGS_TF | X86_RFLAGS_DF | X86_RFLAGS_NT)
/* With an operand size of 32 or 64 bits. */
#define FLAGS_WIDE   (X86_RFLAGS_AC | X86_RFLAGS_ID)

#define FLAGS_ALL                                                                                                        \
  (FLAGS_ALWAYS | FLAGS_WIDE | X86_RFLAGS_IF | X86_RFLAGS_IOPL | X86_RFLAGS_RF | X86_RFLAGS_VM | X86_RFLAGS_VIF          \
   | X86_RFLAGS_VIP)

uint64_t
vt_x86_read_flags (VtX86Cpu *cpu)
{
  vt_x86_sync_flags (cpu);
  return cpu->s.rflags;
}

void
vt_x86_write_flags (VtX86Cpu *cpu, uint64_t value, uint64_t mask)
{
  uint64_t old = cpu->s.rflags;
  if (mask & X86_RFLAGS_ARITH)
    vt_x86_set_arith_flags (cpu, mask & X86_RFLAGS_ARITH, value);
  mask &= ~(uint64_t) X86_RFLAGS_ARITH;
  cpu->s.rflags = (cpu->s.rflags & ~mask) | (value & mask) | X86_RFLAGS_ONE;
  cpu->rf_loaded = (value & mask & X86_RFLAGS_RF) != 0;
  uint64_t changed = old ^ cpu->s.rflags;
  if (changed & (X86_RFLAGS_TF | X86_RFLAGS_AC | X86_RFLAGS_RF))
    vt_x86_update_checks (cpu);
  if ((changed & X86_RFLAGS_IF) != 0 && (cpu->s.rflags & X86_RFLAGS_IF) != 0)
    vt_x86_window_opened (cpu);
}

static unsigned
iopl (const VtX86Cpu *cpu)
{
  return (cpu->s.rflags & X86_RFLAGS_IOPL) >> X86_RFLAGS_IOPL_SHIFT;
}

/* In the modes where IF is not the program's to change, VIF may be: virtual-8086 mode with VME, protected mode with PVI. */
static bool
virtual_interrupts (const VtX86Cpu *cpu)
{
  if (cpu->mode == VT_X86_V86)
    return (cpu->s.cr4 & X86_CR4_VME) != 0;
  return (cpu->s.cr4 & X86_CR4_PVI) != 0 && cpu->cpl == 3 && cpu->mode != VT_X86_REAL;
}

/* 16-bit POPF and IRET under VME: IF goes to VIF. */
static void
write_virtual_flags (VtX86Cpu *cpu, uint64_t value)
{
  bool wants_if = (value & X86_RFLAGS_IF) != 0;
  if ((wants_if && (cpu->s.rflags & X86_RFLAGS_VIP) != 0) || (value & X86_RFLAGS_TF) != 0)
    vt_x86_gp0 (cpu);
  vt_x86_write_flags (cpu, (value & ~(uint64_t) X86_RFLAGS_VIF) | (wants_if ? X86_RFLAGS_VIF : 0),
                      (FLAGS_ALWAYS & ~X86_RFLAGS_TF) | X86_RFLAGS_VIF);
}

/* --- PUSHF, POPF, CLI, STI ------------------------------------------------------------------------------------------------ */

void
vt_x86_op_pushf (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Stack stack;
  uint64_t flags = vt_x86_read_flags (cpu) & ~(uint64_t) (X86_RFLAGS_RF | X86_RFLAGS_VM);
  if (cpu->mode == VT_X86_V86 && iopl (cpu) < 3)
    {
      if ((cpu->s.cr4 & X86_CR4_VME) == 0 || insn->opsize != 2)
        vt_x86_gp0 (cpu);
      flags = (flags & ~(uint64_t) X86_RFLAGS_IF) | X86_RFLAGS_IOPL;
      if (flags & X86_RFLAGS_VIF)
        flags |= X86_RFLAGS_IF;
    }
  vt_x86_stack_current (cpu, &stack);
  vt_x86_stack_push (&stack, flags, insn->opsize);
  vt_x86_set_sp (cpu, stack.sp);
}

static uint64_t
popf_mask (const VtX86Cpu *cpu, unsigned opsize)
{
  uint64_t mask = FLAGS_ALWAYS;
  if (cpu->cpl == 0)
    mask |= X86_RFLAGS_IOPL;
  if (cpu->cpl <= iopl (cpu))
    mask |= X86_RFLAGS_IF;
  if (opsize > 2)
    mask |= FLAGS_WIDE;
  return mask;
}

void
vt_x86_op_popf (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Stack stack;
  bool confined = cpu->mode == VT_X86_V86 && iopl (cpu) < 3;
  if (confined && ((cpu->s.cr4 & X86_CR4_VME) == 0 || insn->opsize != 2))
    vt_x86_gp0 (cpu);
  vt_x86_stack_current (cpu, &stack);
  uint64_t value = vt_x86_stack_pop (&stack, insn->opsize);
  if (confined)
    write_virtual_flags (cpu, value);
  else
    {
      /* POPFD and POPFQ clear RF whatever is popped. */
      uint64_t rf = insn->opsize > 2 ? X86_RFLAGS_RF : 0;
      vt_x86_write_flags (cpu, value & ~rf, popf_mask (cpu, insn->opsize) | rf);
    }
  vt_x86_set_sp (cpu, stack.sp);
}

void
vt_x86_op_cli (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (cpu->mode == VT_X86_REAL || cpu->cpl <= iopl (cpu))
    cpu->s.rflags &= ~(uint64_t) X86_RFLAGS_IF;
  else if (virtual_interrupts (cpu))
    cpu->s.rflags &= ~(uint64_t) X86_RFLAGS_VIF;
  else
    vt_x86_gp0 (cpu);
}

void
vt_x86_op_sti (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (cpu->mode == VT_X86_REAL || cpu->cpl <= iopl (cpu))
    {
      if (cpu->s.rflags & X86_RFLAGS_IF)
        return;
      cpu->s.rflags |= X86_RFLAGS_IF;
      vt_x86_set_shadow (cpu, VT_X86_SHADOW_STI);
    }
  else if (virtual_interrupts (cpu) && (cpu->s.rflags & X86_RFLAGS_VIP) == 0)
    cpu->s.rflags |= X86_RFLAGS_VIF;
  else
    vt_x86_gp0 (cpu);
}

/* --- IRET ------------------------------------------------------------------------------------------------------------------ */

/* The frame as popped, before any of it is believed. */
typedef struct
{
  uint64_t rip, flags, rsp;
  uint16_t cs, ss;
} Frame;

static void
iret_real (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Stack stack;
  vt_x86_stack_current (cpu, &stack);
  uint64_t ip = vt_x86_stack_pop (&stack, insn->opsize);
  uint16_t cs = vt_x86_stack_pop (&stack, insn->opsize);
  uint64_t flags = vt_x86_stack_pop (&stack, insn->opsize);
  if (ip > cpu->s.seg[VT_CS].limit)
    vt_x86_gp0 (cpu);
  uint64_t mask = FLAGS_ALWAYS | X86_RFLAGS_IF | X86_RFLAGS_IOPL;
  if (insn->opsize > 2)
    mask |= FLAGS_WIDE | X86_RFLAGS_RF;
  vt_x86_set_sp (cpu, stack.sp);
  vt_x86_set_real_seg (&cpu->s.seg[VT_CS], cs);
  vt_x86_write_flags (cpu, flags, mask);
  cpu->next_rip = ip;
}

static void
iret_v86 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Stack stack;
  bool trusted = iopl (cpu) == 3;
  if (!trusted && ((cpu->s.cr4 & X86_CR4_VME) == 0 || insn->opsize != 2))
    vt_x86_gp0 (cpu);
  vt_x86_stack_current (cpu, &stack);
  uint64_t ip = vt_x86_stack_pop (&stack, insn->opsize);
  uint16_t cs = vt_x86_stack_pop (&stack, insn->opsize);
  uint64_t flags = vt_x86_stack_pop (&stack, insn->opsize);
  if (ip > 0xffff)
    vt_x86_gp0 (cpu);
  if (trusted)
    vt_x86_write_flags (cpu, flags,
                        FLAGS_ALWAYS | X86_RFLAGS_IF | (insn->opsize > 2 ? FLAGS_WIDE | X86_RFLAGS_RF : 0));
  else
    write_virtual_flags (cpu, flags);
  vt_x86_set_sp (cpu, stack.sp);
  vt_x86_set_v86_seg (&cpu->s.seg[VT_CS], cs);
  cpu->next_rip = ip;
}

static void
return_to_v86 (VtX86Cpu *cpu, VtX86Stack *stack, const Frame *frame)
{
  static const uint8_t order[] = { VT_ES, VT_DS, VT_FS, VT_GS };
  uint16_t selector[G_N_ELEMENTS (order)];
  uint64_t esp = vt_x86_stack_pop (stack, 4);
  uint16_t ss = vt_x86_stack_pop (stack, 4);
  for (unsigned i = 0; i < G_N_ELEMENTS (order); i++)
    selector[i] = vt_x86_stack_pop (stack, 4);
  if (frame->rip > 0xffff)
    vt_x86_gp0 (cpu);
  vt_x86_write_flags (cpu, frame->flags, FLAGS_ALL);
  vt_x86_set_v86_seg (&cpu->s.seg[VT_CS], frame->cs);
  vt_x86_set_v86_seg (&cpu->s.seg[VT_SS], ss);
  for (unsigned i = 0; i < G_N_ELEMENTS (order); i++)
    vt_x86_set_v86_seg (&cpu->s.seg[order[i]], selector[i]);
  cpu->s.gpr[VT_RSP] = esp;
  cpu->next_rip = frame->rip;
  vt_x86_update_mode (cpu);
}

uint64_t
vt_x86_check_return_cs (VtX86Cpu *cpu, uint16_t selector, uint64_t *where)
{
  if ((selector & ~X86_SEL_RPL) == 0)
    vt_x86_gp0 (cpu);
  uint64_t desc = vt_x86_need_descriptor (cpu, selector, X86_GP, where);
  unsigned rpl = selector & X86_SEL_RPL;
  bool level_ok = desc_is_conforming (desc) ? desc_dpl (desc) <= rpl : desc_dpl (desc) == rpl;
  bool both_sizes = cpu->long_mode && (desc & (X86_DESC_L | X86_DESC_DB)) == (X86_DESC_L | X86_DESC_DB);
  if (!desc_is_code (desc) || rpl < cpu->cpl || !level_ok || both_sizes)
    vt_x86_raise (cpu, X86_GP, selector & ~X86_SEL_RPL);
  if ((desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, selector & ~X86_SEL_RPL);
  return desc;
}

/* SS of a return that pops it. Null is fine on the way to 64-bit code of levels 0 to 2. */
void
vt_x86_check_return_ss (VtX86Cpu *cpu, uint16_t selector, uint64_t cs_desc, unsigned cpl, VtX86Seg *out)
{
  bool to_64 = cpu->long_mode && (cs_desc & X86_DESC_L) != 0;
  if ((selector & ~X86_SEL_RPL) == 0 && to_64 && cpl != 3 && (selector & X86_SEL_RPL) == cpl)
    vt_x86_set_null_seg (out, selector);
  else
    vt_x86_check_stack_seg (cpu, selector, cpl, X86_GP, out);
}

static uint64_t
iret_mask (const VtX86Cpu *cpu, unsigned opsize)
{
  uint64_t mask = popf_mask (cpu, opsize);
  if (opsize > 2)
    mask |= X86_RFLAGS_RF;
  if (opsize > 2 && cpu->cpl == 0)
    mask |= X86_RFLAGS_VIF | X86_RFLAGS_VIP;
  return mask;
}

static void
iret_protected (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Stack stack;
  VtX86Seg ss;
  Frame frame = { 0 };
  uint64_t where;
  vt_x86_stack_current (cpu, &stack);
  frame.rip = vt_x86_stack_pop (&stack, insn->opsize);
  frame.cs = vt_x86_stack_pop (&stack, insn->opsize);
  frame.flags = vt_x86_stack_pop (&stack, insn->opsize);
  if ((frame.flags & X86_RFLAGS_VM) != 0 && cpu->cpl == 0 && insn->opsize == 4 && !cpu->long_mode)
    {
      return_to_v86 (cpu, &stack, &frame);
      return;
    }
  uint64_t desc = vt_x86_check_return_cs (cpu, frame.cs, &where);
  unsigned cpl = frame.cs & X86_SEL_RPL;
  bool outer = cpl != cpu->cpl, pops_stack = outer || cpu->mode == VT_X86_LONG;
  if (pops_stack)
    {
      frame.rsp = vt_x86_stack_pop (&stack, insn->opsize);
      frame.ss = vt_x86_stack_pop (&stack, insn->opsize);
      vt_x86_check_return_ss (cpu, frame.ss, desc, cpl, &ss);
    }
  vt_x86_check_target (cpu, desc, frame.rip);
  vt_x86_mark_accessed (cpu, where, desc);
  uint64_t mask = iret_mask (cpu, insn->opsize);
  if (!pops_stack)
    vt_x86_set_sp (cpu, stack.sp);
  vt_x86_commit_cs (cpu, frame.cs, desc, cpl);
  if (pops_stack)
    vt_x86_commit_ss (cpu, &ss, cpl);
  vt_x86_write_flags (cpu, frame.flags, mask);
  vt_x86_update_mode (cpu);
  if (pops_stack)
    vt_x86_set_sp (cpu, frame.rsp);
  if (outer)
    vt_x86_drop_inner_segments (cpu, cpl);
  vt_x86_update_mode (cpu);
  cpu->next_rip = frame.rip;
}

static void
iret_task (VtX86Cpu *cpu)
{
  if (cpu->long_mode)
    vt_x86_gp0 (cpu);
  uint16_t link = vt_x86_load_system (cpu, cpu->s.tr.base, 2);
  vt_x86_switch_task (cpu, link, VT_X86_TASK_IRET, cpu->next_rip, NULL);
}

void
vt_x86_op_iret (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (cpu->mode == VT_X86_REAL)
    iret_real (cpu, insn);
  else if (cpu->mode == VT_X86_V86)
    iret_v86 (cpu, insn);
  else if (cpu->s.rflags & X86_RFLAGS_NT)
    iret_task (cpu);
  else
    iret_protected (cpu, insn);
  if (cpu->s.nmi_blocked)
    {
      cpu->s.nmi_blocked = 0;
      vt_x86_window_opened (cpu);
    }
}
