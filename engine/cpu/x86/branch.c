/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Near branches, and what else takes a condition: SETcc, CMOVcc.
 *
 * An operand size of 8 means 64-bit mode, where the instruction pointer must be canonical; otherwise it must lie in the
 * code segment.  Either violation is #GP at the branch.
 */
#include "forms.h"
#include "integer.h"
#include "stack-near.h"

INLINE void
jump_64 (VtX86Cpu *cpu, uint64_t target)
{
  if (G_UNLIKELY (!vt_x86_canonical (target)))
    vt_x86_gp0 (cpu);
  cpu->next_rip = target;
}

static void
check_legacy_target (VtX86Cpu *cpu, uint64_t target)
{
  if (target > cpu->s.seg[VT_CS].limit)
    vt_x86_gp0 (cpu);
}

static void
jump_legacy (VtX86Cpu *cpu, uint64_t target, unsigned opsize)
{
  target &= vt_mask_bytes (opsize);
  check_legacy_target (cpu, target);
  cpu->next_rip = target;
}

INLINE void
jump_relative (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t target = cpu->next_rip + (uint64_t) insn->disp;
  if (G_LIKELY (insn->opsize == 8))
    jump_64 (cpu, target);
  else
    jump_legacy (cpu, target, insn->opsize);
}

/* --- Conditions --------------------------------------------------------------------------------------------------- */

INLINE void
jcc (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned condition)
{
  if (flag_condition (cpu, condition))
    jump_relative (cpu, insn);
}

INLINE void
setcc (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned condition)
{
  put_rm (cpu, insn, 0, flag_condition (cpu, condition), 1);
}

/* The source is read in any case, and a 32-bit destination is extended in any case. */
INLINE void
cmovcc (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned condition)
{
  unsigned size = insn->opnd_size[0];
  uint64_t value = get_rm (cpu, insn, 1, size);
  bool take = flag_condition (cpu, condition);
  if (size == 8)
    cpu->s.gpr[insn->reg[0]] = take ? value : cpu->s.gpr[insn->reg[0]];
  else
    put_gpr (cpu, insn->reg[0], take ? value : get_gpr (cpu, insn->reg[0], size), size);
}

/* The sixteen conditions in the order of their opcodes. */
#define CONDITIONS(X)                                                                                                  \
  X (o, 0) X (no, 1) X (b, 2) X (nb, 3) X (z, 4) X (nz, 5) X (be, 6) X (nbe, 7) X (s, 8) X (ns, 9) X (p, 10) X (np, 11) \
      X (l, 12) X (nl, 13) X (le, 14) X (nle, 15)

#define CONDITIONAL(name, number)                                                                                      \
  static void j_##name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                          \
  {                                                                                                                    \
    jcc (cpu, insn, number);                                                                                           \
  }                                                                                                                    \
  static void set_##name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                        \
  {                                                                                                                    \
    setcc (cpu, insn, number);                                                                                         \
    next_insn (cpu, insn);                                                                                             \
  }                                                                                                                    \
  static void cmov_##name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                       \
  {                                                                                                                    \
    cmovcc (cpu, insn, number);                                                                                        \
    next_insn (cpu, insn);                                                                                             \
  }
CONDITIONS (CONDITIONAL)

/* --- JMP, CALL, RET ----------------------------------------------------------------------------------------------- */

static void
op_jmp_relative (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  jump_relative (cpu, insn);
}

static void
op_jmp_indirect (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t target = get_rm (cpu, insn, 0, size);
  if (size == 8)
    jump_64 (cpu, target);
  else
    jump_legacy (cpu, target, size);
}

static void
prepare_jmp (VtX86Insn *insn)
{
  bool far = insn->opcode == 0xea || (insn->opcode == 0xff && ((insn->modrm >> 3) & 7) == 5);
  if (far)
    insn->op = vt_x86_op_jmp_far;
  else if (insn->kind[0] != VT_OPND_IMM)
    insn->op = op_jmp_indirect;
}

static void
op_call_64 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t target = cpu->next_rip + (uint64_t) insn->disp;
  if (G_UNLIKELY (!vt_x86_canonical (target)))
    vt_x86_gp0 (cpu);
  uint64_t sp = cpu->s.gpr[VT_RSP] - 8;
  stack_store_64 (cpu, sp, cpu->next_rip);
  cpu->s.gpr[VT_RSP] = sp;
  cpu->next_rip = target;
}

static void
call_target (VtX86Cpu *cpu, uint64_t target, unsigned size)
{
  target &= vt_mask_bytes (size);
  if (size == 8 && !vt_x86_canonical (target))
    {
      /* AMD processors find out about the stack first. */
      vt_x86_stack_probe (cpu, size);
      vt_x86_gp0 (cpu);
    }
  if (size != 8)
    check_legacy_target (cpu, target);
  vt_x86_push (cpu, cpu->next_rip, size);
  cpu->next_rip = target;
}

static void
op_call_relative (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  call_target (cpu, cpu->next_rip + (uint64_t) insn->disp, insn->opsize);
}

static void
op_call_indirect (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  call_target (cpu, get_rm (cpu, insn, 0, size), size);
}

static void
prepare_call (VtX86Insn *insn)
{
  bool far = insn->opcode == 0x9a || (insn->opcode == 0xff && ((insn->modrm >> 3) & 7) == 3);
  if (far)
    insn->op = vt_x86_op_call_far;
  else if (insn->kind[0] != VT_OPND_IMM)
    insn->op = op_call_indirect;
  else if (insn->opsize == 8)
    insn->op = op_call_64;
}

static void
op_ret_64 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t sp = cpu->s.gpr[VT_RSP];
  jump_64 (cpu, stack_load_64 (cpu, sp));
  cpu->s.gpr[VT_RSP] = sp + 8 + (uint16_t) insn->imm;
}

static void
op_ret (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t target = vt_x86_peek (cpu, 0, insn->opsize);
  jump_legacy (cpu, target, insn->opsize);
  vt_x86_drop (cpu, insn->opsize + (uint16_t) insn->imm);
}

static void
prepare_ret (VtX86Insn *insn)
{
  if (insn->opcode == 0xca || insn->opcode == 0xcb)
    insn->op = vt_x86_op_ret_far;
  else if (insn->opsize == 8)
    insn->op = op_ret_64;
}

/* --- LOOP, JCXZ --------------------------------------------------------------------------------------------------- */

/* AMD processors take a REP prefix for the condition: F2 makes LOOPE a LOOPNE, F3 the other way round. */
static bool
loop_condition (const VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (insn->mnemonic == ZYDIS_MNEMONIC_LOOP)
    return true;
  bool while_zero = insn->mnemonic == ZYDIS_MNEMONIC_LOOPE;
  if (insn->prefixes & (VT_PFX_REP | VT_PFX_REPNE))
    while_zero = (insn->prefixes & VT_PFX_REP) != 0;
  return flag_zf (cpu) == while_zero;
}

static void
op_loop (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->addrsize;
  uint64_t count = zero_extend (cpu->s.gpr[VT_RCX] - 1, size);
  if (count != 0 && loop_condition (cpu, insn))
    jump_relative (cpu, insn);
  put_gpr (cpu, VT_RCX, count, size);
}

static void
op_jcxz (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (get_gpr (cpu, VT_RCX, insn->addrsize) == 0)
    jump_relative (cpu, insn);
}

const VtX86OpRow vt_x86_ops_branch[] = {
  { ZYDIS_MNEMONIC_JO, j_o, NULL },
  { ZYDIS_MNEMONIC_JNO, j_no, NULL },
  { ZYDIS_MNEMONIC_JB, j_b, NULL },
  { ZYDIS_MNEMONIC_JNB, j_nb, NULL },
  { ZYDIS_MNEMONIC_JZ, j_z, NULL },
  { ZYDIS_MNEMONIC_JNZ, j_nz, NULL },
  { ZYDIS_MNEMONIC_JBE, j_be, NULL },
  { ZYDIS_MNEMONIC_JNBE, j_nbe, NULL },
  { ZYDIS_MNEMONIC_JS, j_s, NULL },
  { ZYDIS_MNEMONIC_JNS, j_ns, NULL },
  { ZYDIS_MNEMONIC_JP, j_p, NULL },
  { ZYDIS_MNEMONIC_JNP, j_np, NULL },
  { ZYDIS_MNEMONIC_JL, j_l, NULL },
  { ZYDIS_MNEMONIC_JNL, j_nl, NULL },
  { ZYDIS_MNEMONIC_JLE, j_le, NULL },
  { ZYDIS_MNEMONIC_JNLE, j_nle, NULL },
  { ZYDIS_MNEMONIC_SETO, set_o, NULL },
  { ZYDIS_MNEMONIC_SETNO, set_no, NULL },
  { ZYDIS_MNEMONIC_SETB, set_b, NULL },
  { ZYDIS_MNEMONIC_SETNB, set_nb, NULL },
  { ZYDIS_MNEMONIC_SETZ, set_z, NULL },
  { ZYDIS_MNEMONIC_SETNZ, set_nz, NULL },
  { ZYDIS_MNEMONIC_SETBE, set_be, NULL },
  { ZYDIS_MNEMONIC_SETNBE, set_nbe, NULL },
  { ZYDIS_MNEMONIC_SETS, set_s, NULL },
  { ZYDIS_MNEMONIC_SETNS, set_ns, NULL },
  { ZYDIS_MNEMONIC_SETP, set_p, NULL },
  { ZYDIS_MNEMONIC_SETNP, set_np, NULL },
  { ZYDIS_MNEMONIC_SETL, set_l, NULL },
  { ZYDIS_MNEMONIC_SETNL, set_nl, NULL },
  { ZYDIS_MNEMONIC_SETLE, set_le, NULL },
  { ZYDIS_MNEMONIC_SETNLE, set_nle, NULL },
  { ZYDIS_MNEMONIC_CMOVO, cmov_o, NULL },
  { ZYDIS_MNEMONIC_CMOVNO, cmov_no, NULL },
  { ZYDIS_MNEMONIC_CMOVB, cmov_b, NULL },
  { ZYDIS_MNEMONIC_CMOVNB, cmov_nb, NULL },
  { ZYDIS_MNEMONIC_CMOVZ, cmov_z, NULL },
  { ZYDIS_MNEMONIC_CMOVNZ, cmov_nz, NULL },
  { ZYDIS_MNEMONIC_CMOVBE, cmov_be, NULL },
  { ZYDIS_MNEMONIC_CMOVNBE, cmov_nbe, NULL },
  { ZYDIS_MNEMONIC_CMOVS, cmov_s, NULL },
  { ZYDIS_MNEMONIC_CMOVNS, cmov_ns, NULL },
  { ZYDIS_MNEMONIC_CMOVP, cmov_p, NULL },
  { ZYDIS_MNEMONIC_CMOVNP, cmov_np, NULL },
  { ZYDIS_MNEMONIC_CMOVL, cmov_l, NULL },
  { ZYDIS_MNEMONIC_CMOVNL, cmov_nl, NULL },
  { ZYDIS_MNEMONIC_CMOVLE, cmov_le, NULL },
  { ZYDIS_MNEMONIC_CMOVNLE, cmov_nle, NULL },
  { ZYDIS_MNEMONIC_JMP, op_jmp_relative, prepare_jmp },
  { ZYDIS_MNEMONIC_CALL, op_call_relative, prepare_call },
  { ZYDIS_MNEMONIC_RET, op_ret, prepare_ret },
  { ZYDIS_MNEMONIC_LOOP, op_loop, NULL },
  { ZYDIS_MNEMONIC_LOOPE, op_loop, NULL },
  { ZYDIS_MNEMONIC_LOOPNE, op_loop, NULL },
  { ZYDIS_MNEMONIC_JCXZ, op_jcxz, NULL },
  { ZYDIS_MNEMONIC_JECXZ, op_jcxz, NULL },
  { ZYDIS_MNEMONIC_JRCXZ, op_jcxz, NULL },
  { 0 },
};
