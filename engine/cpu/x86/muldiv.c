/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MUL, IMUL, MULX, DIV, IDIV.
 *
 * MUL and IMUL define CF and OF only; SF, ZF, AF and PF are kept, as AMD processors do.  DIV and IDIV define none.
 */
#include "forms.h"
#include "integer.h"

/* CF = OF = `over`, the others stay. */
static void
multiply_flags (VtX86Cpu *cpu, bool over)
{
  cpu->cc_src = (cpu->cc_src << 2 >> 2) | (uint64_t) over << 63;
}

/* --- Accumulator pair: AX, DX:AX, EDX:EAX, RDX:RAX ---------------------------------------------------------------- */

static unsigned __int128
get_pair (const VtX86Cpu *cpu, unsigned size)
{
  if (size == 1)
    return get_gpr (cpu, VT_RAX, 2);
  return (unsigned __int128) get_gpr (cpu, VT_RDX, size) << (8 * size) | get_gpr (cpu, VT_RAX, size);
}

static void
put_pair (VtX86Cpu *cpu, unsigned __int128 value, unsigned size)
{
  if (size == 1)
    {
      put_gpr (cpu, VT_RAX, (uint64_t) value, 2);
      return;
    }
  put_gpr (cpu, VT_RAX, (uint64_t) value, size);
  put_gpr (cpu, VT_RDX, (uint64_t) (value >> (8 * size)), size);
}

static void
op_mul (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  unsigned __int128 product = (unsigned __int128) get_gpr (cpu, VT_RAX, size) * get_rm (cpu, insn, 0, size);
  put_pair (cpu, product, size);
  multiply_flags (cpu, (product >> (8 * size)) != 0);
}

static __int128
signed_product (uint64_t a, uint64_t b, unsigned size)
{
  return (__int128) (int64_t) sign_extend (a, size) * (int64_t) sign_extend (b, size);
}

static bool
fits_signed (__int128 value, unsigned size)
{
  return value == (int64_t) sign_extend ((uint64_t) value, size);
}

static void
imul_one (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  __int128 product = signed_product (cpu->s.gpr[VT_RAX], get_rm (cpu, insn, 0, size), size);
  put_pair (cpu, (unsigned __int128) product, size);
  multiply_flags (cpu, !fits_signed (product, size));
}

/* Two or three operands: the last two are multiplied. */
INLINE void
imul_into (VtX86Cpu *cpu, const VtX86Insn *insn, uint64_t a, uint64_t b, unsigned size)
{
  __int128 product = signed_product (a, b, size);
  put_gpr (cpu, insn->reg[0], (uint64_t) product, size);
  multiply_flags (cpu, !fits_signed (product, size));
}

INLINE void
imul_two (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  imul_into (cpu, insn, cpu->s.gpr[insn->reg[0]], get_rm (cpu, insn, 1, size), size);
}

INLINE void
imul_three (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  imul_into (cpu, insn, get_rm (cpu, insn, 1, size), insn->imm, size);
}

FORM_WIDE (two, imul_two)
FORM_WIDE (three, imul_three)

static void
prepare_imul (VtX86Insn *insn)
{
  static const VtX86Op ops[2][4] = { FORM_LIST_WIDE (two), FORM_LIST_WIDE (three) };
  if (insn->n_operands > 1)
    insn->op = ops[insn->n_operands == 3][size_index (insn->opnd_size[0])];
}

static void
op_mulx (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  unsigned __int128 product = (unsigned __int128) get_gpr (cpu, VT_RDX, size) * get_rm (cpu, insn, 2, size);
  /* When both destinations are one register, it gets the high half. */
  put_gpr (cpu, insn->reg[1], (uint64_t) product, size);
  put_gpr (cpu, insn->reg[0], (uint64_t) (product >> (8 * size)), size);
}

/* --- Division ----------------------------------------------------------------------------------------------------- */

static void
put_quotient (VtX86Cpu *cpu, uint64_t quotient, uint64_t remainder, unsigned size)
{
  if (size == 1)
    {
      put_gpr (cpu, VT_RAX, (remainder & 0xff) << 8 | (quotient & 0xff), 2);
      return;
    }
  put_gpr (cpu, VT_RAX, quotient, size);
  put_gpr (cpu, VT_RDX, remainder, size);
}

static void
op_div (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t divisor = get_rm (cpu, insn, 0, size);
  unsigned __int128 dividend = get_pair (cpu, size);
  if (divisor == 0 || (dividend >> (8 * size)) >= divisor)
    vt_x86_raise (cpu, X86_DE, 0);
  if (size < 8 || (dividend >> 64) == 0)
    put_quotient (cpu, (uint64_t) dividend / divisor, (uint64_t) dividend % divisor, size);
  else
    put_quotient (cpu, (uint64_t) (dividend / divisor), (uint64_t) (dividend % divisor), size);
}

static __int128
signed_pair (const VtX86Cpu *cpu, unsigned size)
{
  unsigned __int128 pair = get_pair (cpu, size);
  unsigned spare = 128 - 16 * size;
  return (__int128) (pair << spare) >> spare;
}

static void
op_idiv (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  int64_t divisor = (int64_t) sign_extend (get_rm (cpu, insn, 0, size), size);
  __int128 dividend = signed_pair (cpu, size);
  if (divisor == 0)
    vt_x86_raise (cpu, X86_DE, 0);
  /* The one quotient that has no 128-bit representation: -2^127 / -1. */
  if (divisor == -1 && dividend == (__int128) ((unsigned __int128) 1 << 127))
    vt_x86_raise (cpu, X86_DE, 0);
  __int128 quotient = dividend / divisor;
  if (!fits_signed (quotient, size))
    vt_x86_raise (cpu, X86_DE, 0);
  put_quotient (cpu, (uint64_t) quotient, (uint64_t) (dividend % divisor), size);
}

const VtX86OpRow vt_x86_ops_muldiv[] = {
  { ZYDIS_MNEMONIC_MUL, op_mul, NULL },
  { ZYDIS_MNEMONIC_IMUL, imul_one, prepare_imul },
  { ZYDIS_MNEMONIC_MULX, op_mulx, NULL },
  { ZYDIS_MNEMONIC_DIV, op_div, NULL },
  { ZYDIS_MNEMONIC_IDIV, op_idiv, NULL },
  { 0 },
};
