/* SPDX-License-Identifier: GPL-3.0-or-later */
/* XCHG, XADD and compare-and-exchange. XCHG with memory is locked with or without the prefix. */
#include "forms.h"
#include "integer.h"

/* --- XCHG --------------------------------------------------------------------------------------------------------- */

INLINE void
xchg_reg (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  uint64_t a = get_reg (cpu, insn, 0, size), b = get_reg (cpu, insn, 1, size);
  put_reg (cpu, insn, 0, b, size);
  put_reg (cpu, insn, 1, a, size);
}

INLINE void
xchg_mem (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  unsigned reg = insn->kind[0] == VT_OPND_MEM;
  uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
  uint64_t old = load_for_update (cpu, linear, size), value = get_reg (cpu, insn, reg, size);
  while (!vt_x86_compare_exchange (cpu, linear, &old, value, size))
    ;
  put_reg (cpu, insn, reg, old, size);
}

FORM_ALL (xreg, xchg_reg)
FORM_ALL (xmem, xchg_mem)

static void
prepare_xchg (VtX86Insn *insn)
{
  static const VtX86Op ops[2][4] = { FORM_LIST (xreg), FORM_LIST (xmem) };
  bool mem = insn->kind[0] == VT_OPND_MEM || insn->kind[1] == VT_OPND_MEM;
  insn->op = ops[mem][size_index (insn->opnd_size[0])];
}

/* --- XADD --------------------------------------------------------------------------------------------------------- */

static void
op_xadd (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t b = get_reg (cpu, insn, 1, size), a;
  if (insn->kind[0] != VT_OPND_MEM)
    {
      a = get_reg (cpu, insn, 0, size);
      put_reg (cpu, insn, 1, a, size);
      put_reg (cpu, insn, 0, a + b, size);
    }
  else
    {
      uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
      a = load_for_update (cpu, linear, size);
      if (!is_locked (insn))
        vt_x86_store (cpu, linear, a + b, size);
      else
        while (!vt_x86_compare_exchange (cpu, linear, &a, a + b, size))
          ;
      put_reg (cpu, insn, 1, a, size);
    }
  flags_add (cpu, a, b, a + b, size);
}

/* --- CMPXCHG ------------------------------------------------------------------------------------------------------ */

static void
cmpxchg_reg (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  uint64_t accumulator = get_gpr (cpu, VT_RAX, size), found = get_reg (cpu, insn, 0, size);
  flags_sub (cpu, accumulator, found, accumulator - found, size);
  if (accumulator == found)
    put_reg (cpu, insn, 0, get_reg (cpu, insn, 1, size), size);
  else
    put_gpr (cpu, VT_RAX, found, size);
}

static void
cmpxchg_mem (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  uint64_t accumulator = get_gpr (cpu, VT_RAX, size), found = accumulator;
  uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
  uint64_t desired = get_reg (cpu, insn, 1, size);
  if (!is_locked (insn))
    {
      /* Written in either case, if only with the old value. */
      found = load_for_update (cpu, linear, size);
      vt_x86_store (cpu, linear, found == accumulator ? desired : found, size);
    }
  else
    vt_x86_compare_exchange (cpu, linear, &found, desired, size);
  flags_sub (cpu, accumulator, found, accumulator - found, size);
  if (accumulator != found)
    put_gpr (cpu, VT_RAX, found, size);
}

static void
op_cmpxchg (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (insn->kind[0] == VT_OPND_MEM)
    cmpxchg_mem (cpu, insn, insn->opnd_size[0]);
  else
    cmpxchg_reg (cpu, insn, insn->opnd_size[0]);
}

/* ZF alone. */
static void
set_zf (VtX86Cpu *cpu, bool zf)
{
  flags_put (cpu, (flags_get (cpu) & ~X86_RFLAGS_ZF) | (zf ? X86_RFLAGS_ZF : 0));
}

static void
op_cmpxchg8b (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t expected = get_gpr (cpu, VT_RDX, 4) << 32 | get_gpr (cpu, VT_RAX, 4);
  uint64_t desired = get_gpr (cpu, VT_RCX, 4) << 32 | get_gpr (cpu, VT_RBX, 4);
  bool equal = vt_x86_compare_exchange (cpu, mem_linear (cpu, insn, 8, VT_WRITE), &expected, desired, 8);
  if (!equal)
    {
      put_gpr (cpu, VT_RAX, expected, 4);
      put_gpr (cpu, VT_RDX, expected >> 32, 4);
    }
  set_zf (cpu, equal);
}

static void
op_cmpxchg16b (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t expected[2] = { cpu->s.gpr[VT_RAX], cpu->s.gpr[VT_RDX] };
  const uint64_t desired[2] = { cpu->s.gpr[VT_RBX], cpu->s.gpr[VT_RCX] };
  uint64_t linear = vt_x86_operand_linear (cpu, insn, 16, VT_WRITE);
  if (linear & 15)
    vt_x86_gp0 (cpu);
  bool equal = vt_x86_compare_exchange16 (cpu, linear, expected, desired);
  if (!equal)
    {
      cpu->s.gpr[VT_RAX] = expected[0];
      cpu->s.gpr[VT_RDX] = expected[1];
    }
  set_zf (cpu, equal);
}

const VtX86OpRow vt_x86_ops_atomic[] = {
  { ZYDIS_MNEMONIC_XCHG, xreg_4, prepare_xchg },
  { ZYDIS_MNEMONIC_XADD, op_xadd, NULL },
  { ZYDIS_MNEMONIC_CMPXCHG, op_cmpxchg, NULL },
  { ZYDIS_MNEMONIC_CMPXCHG8B, op_cmpxchg8b, NULL },
  { ZYDIS_MNEMONIC_CMPXCHG16B, op_cmpxchg16b, NULL },
  { 0 },
};
