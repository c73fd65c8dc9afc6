/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PUSH, POP and their relatives, ENTER and LEAVE. */
#include "stack-near.h"

#include "forms.h"
#include "integer.h"

/* --- The stack in use --------------------------------------------------------------------------------------------- */

void
vt_x86_stack_check_64 (VtX86Cpu *cpu, uint64_t sp)
{
  if (!vt_x86_canonical (sp) || !vt_x86_canonical (sp + 7))
    vt_x86_raise (cpu, X86_SS, 0);
}

static uint64_t
stack_linear (VtX86Cpu *cpu, uint64_t sp, unsigned size, VtAccessKind kind)
{
  return vt_x86_linear (cpu, VT_SS, sp & vt_mask_bytes (cpu->stack_bits / 8), size, kind);
}

static void
set_sp (VtX86Cpu *cpu, uint64_t sp)
{
  put_gpr (cpu, VT_RSP, sp, cpu->stack_bits / 8);
}

void
vt_x86_push (VtX86Cpu *cpu, uint64_t value, unsigned size)
{
  uint64_t sp = cpu->s.gpr[VT_RSP] - size;
  vt_x86_store (cpu, stack_linear (cpu, sp, size, VT_WRITE), value, size);
  set_sp (cpu, sp);
}

void
vt_x86_stack_probe (VtX86Cpu *cpu, unsigned size)
{
  vt_x86_probe (cpu, stack_linear (cpu, cpu->s.gpr[VT_RSP] - size, size, VT_WRITE), size, VT_WRITE);
}

uint64_t
vt_x86_peek (VtX86Cpu *cpu, uint64_t disp, unsigned size)
{
  return vt_x86_load (cpu, stack_linear (cpu, cpu->s.gpr[VT_RSP] + disp, size, VT_READ), size);
}

void
vt_x86_drop (VtX86Cpu *cpu, uint64_t bytes)
{
  set_sp (cpu, cpu->s.gpr[VT_RSP] + bytes);
}

/* --- PUSH, POP ---------------------------------------------------------------------------------------------------- */

static void
op_push_reg_64 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t sp = cpu->s.gpr[VT_RSP] - 8;
  stack_store_64 (cpu, sp, cpu->s.gpr[insn->reg[0]]);
  cpu->s.gpr[VT_RSP] = sp;
  next_insn (cpu, insn);
}

static void
op_push (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;
  uint64_t value = insn->kind[0] == VT_OPND_IMM ? insn->imm : get_rm (cpu, insn, 0, size);
  vt_x86_push (cpu, value, size);
}

static void
prepare_push (VtX86Insn *insn)
{
  if (insn->kind[0] == VT_OPND_SEG)
    insn->op = vt_x86_op_push_seg;
  else if (insn->kind[0] == VT_OPND_GPR && insn->opsize == 8)
    insn->op = op_push_reg_64;
}

static void
op_pop_reg_64 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t sp = cpu->s.gpr[VT_RSP], value = stack_load_64 (cpu, sp);
  cpu->s.gpr[VT_RSP] = sp + 8;
  cpu->s.gpr[insn->reg[0]] = value;
  next_insn (cpu, insn);
}

static void
op_pop_reg (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t value = vt_x86_peek (cpu, 0, insn->opsize);
  vt_x86_drop (cpu, insn->opsize);
  put_gpr (cpu, insn->reg[0], value, insn->opsize);
}

/* An address that uses RSP is computed after the increment; a fault must undo it. */
static void
op_pop_mem (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;
  uint64_t value = vt_x86_peek (cpu, 0, size), sp = cpu->s.gpr[VT_RSP];
  vt_x86_drop (cpu, size);
  uint64_t offset = vt_x86_effective_address (cpu, insn), new_sp = cpu->s.gpr[VT_RSP];
  cpu->s.gpr[VT_RSP] = sp;
  vt_x86_store (cpu, vt_x86_linear (cpu, insn->seg, offset, size, VT_WRITE), value, size);
  cpu->s.gpr[VT_RSP] = new_sp;
}

static void
prepare_pop (VtX86Insn *insn)
{
  if (insn->kind[0] == VT_OPND_SEG)
    insn->op = vt_x86_op_pop_seg;
  else if (insn->kind[0] == VT_OPND_MEM)
    insn->op = op_pop_mem;
  else if (insn->opsize == 8)
    insn->op = op_pop_reg_64;
}

/* --- PUSHA, POPA -------------------------------------------------------------------------------------------------- */

static void
op_pusha (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;
  uint64_t sp = cpu->s.gpr[VT_RSP], linear[8];
  /* All eight places first: none is written when one faults. */
  for (unsigned i = 0; i < 8; i++)
    {
      linear[i] = stack_linear (cpu, sp - size * (i + 1), size, VT_WRITE);
      vt_x86_probe (cpu, linear[i], size, VT_WRITE);
    }
  for (unsigned i = 0; i < 8; i++)
    vt_x86_store (cpu, linear[i], cpu->s.gpr[i], size);
  set_sp (cpu, sp - 8 * size);
}

static void
op_popa (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;
  uint64_t value[8];
  for (unsigned i = 0; i < 8; i++)
    value[i] = vt_x86_peek (cpu, size * i, size);
  for (unsigned i = 0; i < 8; i++)
    if (7 - i != VT_RSP)
      put_gpr (cpu, 7 - i, value[i], size);
  vt_x86_drop (cpu, 8 * size);
}

/* --- ENTER, LEAVE ------------------------------------------------------------------------------------------------- */

static void
op_enter (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize, level = insn->imm2 & 31;
  uint64_t sp = cpu->s.gpr[VT_RSP], bp = cpu->s.gpr[VT_RBP], frame = sp - size;

  vt_x86_store (cpu, stack_linear (cpu, frame, size, VT_WRITE), bp, size);
  sp = frame;
  for (unsigned i = 1; i < level; i++)
    {
      uint64_t link = vt_x86_load (cpu, stack_linear (cpu, bp - i * size, size, VT_READ), size);
      sp -= size;
      vt_x86_store (cpu, stack_linear (cpu, sp, size, VT_WRITE), link, size);
    }
  if (level > 0)
    {
      sp -= size;
      vt_x86_store (cpu, stack_linear (cpu, sp, size, VT_WRITE), frame, size);
    }
  sp -= (uint16_t) insn->imm;
  /* The new top must be writable, or the instruction faults as a whole (SDM volume 2A, ENTER). */
  vt_x86_probe (cpu, stack_linear (cpu, sp, size, VT_WRITE), size, VT_WRITE);
  put_gpr (cpu, VT_RBP, frame, size);
  set_sp (cpu, sp);
}

static void
op_leave (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;
  uint64_t frame = cpu->s.gpr[VT_RBP];
  uint64_t value = vt_x86_load (cpu, stack_linear (cpu, frame, size, VT_READ), size);
  set_sp (cpu, frame + size);
  put_gpr (cpu, VT_RBP, value, size);
}

const VtX86OpRow vt_x86_ops_stack[] = {
  { ZYDIS_MNEMONIC_PUSH, op_push, prepare_push },
  { ZYDIS_MNEMONIC_POP, op_pop_reg, prepare_pop },
  { ZYDIS_MNEMONIC_PUSHA, op_pusha, NULL },
  { ZYDIS_MNEMONIC_PUSHAD, op_pusha, NULL },
  { ZYDIS_MNEMONIC_POPA, op_popa, NULL },
  { ZYDIS_MNEMONIC_POPAD, op_popa, NULL },
  { ZYDIS_MNEMONIC_ENTER, op_enter, NULL },
  { ZYDIS_MNEMONIC_LEAVE, op_leave, NULL },
  { 0 },
};
