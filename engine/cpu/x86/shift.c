/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shifts, rotates, double shifts, and their BMI2 forms.
 *
 * Where the manuals leave flags undefined, they are what AMD processors (family 19h) leave: OF is computed from the
 * result for every count, AF is set by shifts and kept by rotates.
 */
#include "forms.h"
#include "integer.h"

typedef enum
{
  SHIFT_ROL,
  SHIFT_ROR,
  SHIFT_RCL,
  SHIFT_RCR,
  SHIFT_SHL,
  SHIFT_SHR,
  SHIFT_SAR,
} ShiftOp;

typedef struct
{
  uint64_t result;
  unsigned cf;
} Shifted;

INLINE unsigned
top_bit (uint64_t value, unsigned size)
{
  return (value >> (8 * size - 1)) & 1;
}

/* OF of operations that go left, and right. */
INLINE unsigned
overflow_left (uint64_t result, unsigned cf, unsigned size)
{
  return cf ^ top_bit (result, size);
}

INLINE unsigned
overflow_right (uint64_t result, unsigned size)
{
  return ((result >> (8 * size - 1)) ^ (result >> (8 * size - 2))) & 1;
}

/* count 1..63 (1..31 below 64 bits): may exceed the operand, when everything has been shifted out. */
INLINE Shifted
shift_value (ShiftOp op, uint64_t a, unsigned count, unsigned size)
{
  unsigned bits = 8 * size;
  int64_t extended = (int64_t) sign_extend (a, size);
  switch (op)
    {
    case SHIFT_SHL:
      return (Shifted) { zero_extend (a << count, size), count <= bits ? (a >> (bits - count)) & 1 : 0 };
    case SHIFT_SHR:
      return (Shifted) { a >> count, (a >> (count - 1)) & 1 };
    default:
      return (Shifted) { zero_extend ((uint64_t) (extended >> count), size), (extended >> (count - 1)) & 1 };
    }
}

/* count already reduced to the operand's width; 0 changes nothing but still sets CF. */
INLINE Shifted
rotate_value (ShiftOp op, uint64_t a, unsigned count, unsigned size)
{
  unsigned bits = 8 * size;
  uint64_t result = a;
  if (count != 0 && op == SHIFT_ROL)
    result = zero_extend (a << count | a >> (bits - count), size);
  else if (count != 0)
    result = zero_extend (a >> count | a << (bits - count), size);
  return (Shifted) { result, op == SHIFT_ROL ? result & 1 : top_bit (result, size) };
}

/* Through carry: count 1..bits. */
INLINE Shifted
rotate_carry_value (ShiftOp op, uint64_t a, unsigned cf, unsigned count, unsigned size)
{
  unsigned bits = 8 * size;
  uint64_t result, carry = cf;
  if (op == SHIFT_RCL)
    {
      result = count < 64 ? a << count : 0;
      result |= carry << (count - 1);
      if (count > 1)
        result |= a >> (bits + 1 - count);
      cf = (a >> (bits - count)) & 1;
    }
  else
    {
      result = count < 64 ? a >> count : 0;
      result |= carry << (bits - count);
      if (count > 1)
        result |= a << (bits + 1 - count);
      cf = (a >> (count - 1)) & 1;
    }
  return (Shifted) { zero_extend (result, size), cf };
}

/* CF and OF change, the others stay. */
INLINE void
set_cf_of (VtX86Cpu *cpu, unsigned cf, unsigned of)
{
  cpu->cc_src = (cpu->cc_src << 2 >> 2) | (uint64_t) cf << 63 | (uint64_t) (cf ^ of) << 62;
}

/* The whole instruction but for its operands; false when a count of 0 leaves everything as it is. */
INLINE bool
shift_apply (VtX86Cpu *cpu, ShiftOp op, uint64_t *value, unsigned count, unsigned size, Shifted *out)
{
  count &= size == 8 ? 63 : 31;
  if (count == 0)
    return false;
  if (op >= SHIFT_SHL)
    *out = shift_value (op, *value, count, size);
  else if (op <= SHIFT_ROR)
    *out = rotate_value (op, *value, count & (8 * size - 1), size);
  else
    {
      count %= 8 * size + 1;
      if (count == 0)
        *out = (Shifted) { *value, flag_cf (cpu) };
      else
        *out = rotate_carry_value (op, *value, flag_cf (cpu), count, size);
    }
  *value = out->result;
  return true;
}

INLINE void
shift_flags (VtX86Cpu *cpu, ShiftOp op, Shifted done, unsigned size)
{
  bool left = op == SHIFT_SHL || op == SHIFT_ROL || op == SHIFT_RCL;
  unsigned of = left ? overflow_left (done.result, done.cf, size) : overflow_right (done.result, size);
  if (op >= SHIFT_SHL)
    flags_result (cpu, done.result, done.cf, of, 1, size);
  else
    set_cf_of (cpu, done.cf, of);
}

INLINE unsigned
shift_count (const VtX86Cpu *cpu, const VtX86Insn *insn, unsigned operand)
{
  return insn->kind[operand] == VT_OPND_IMM ? (unsigned) insn->imm : (unsigned) cpu->s.gpr[VT_RCX];
}

INLINE void
shift_reg (VtX86Cpu *cpu, const VtX86Insn *insn, ShiftOp op, unsigned size)
{
  uint64_t value = get_reg (cpu, insn, 0, size);
  Shifted done;
  bool any = shift_apply (cpu, op, &value, shift_count (cpu, insn, 1), size, &done);
  /* Even a count of 0 clears the upper half of a 32-bit destination. */
  put_reg (cpu, insn, 0, value, size);
  if (any)
    shift_flags (cpu, op, done, size);
}

INLINE void
shift_imm (VtX86Cpu *cpu, const VtX86Insn *insn, ShiftOp op, unsigned size)
{
  uint64_t value = get_reg (cpu, insn, 0, size);
  Shifted done;
  bool any = shift_apply (cpu, op, &value, (unsigned) insn->imm, size, &done);
  put_reg (cpu, insn, 0, value, size);
  if (any)
    shift_flags (cpu, op, done, size);
}

INLINE void
shift_mem (VtX86Cpu *cpu, const VtX86Insn *insn, ShiftOp op, unsigned size)
{
  uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
  uint64_t value = load_for_update (cpu, linear, size);
  Shifted done;
  if (!shift_apply (cpu, op, &value, shift_count (cpu, insn, 1), size, &done))
    return;
  vt_x86_store (cpu, linear, value, size);
  shift_flags (cpu, op, done, size);
}

#define SHIFT(name, OP)                                                                                                \
  FORM_ALL (name##_reg, shift_reg, OP)                                                                                 \
  FORM_ALL (name##_imm, shift_imm, OP)                                                                                 \
  FORM_ALL (name##_mem, shift_mem, OP)                                                                                 \
  static void prepare_##name (VtX86Insn *insn)                                                                         \
  {                                                                                                                    \
    static const VtX86Op ops[3][4]                                                                                     \
        = { FORM_LIST (name##_reg), FORM_LIST (name##_imm), FORM_LIST (name##_mem) };                                  \
    unsigned form = insn->kind[0] == VT_OPND_MEM ? 2 : insn->kind[1] == VT_OPND_IMM;                                   \
    insn->op = ops[form][size_index (insn->opnd_size[0])];                                                             \
  }
SHIFT (rol, SHIFT_ROL)
SHIFT (ror, SHIFT_ROR)
SHIFT (rcl, SHIFT_RCL)
SHIFT (rcr, SHIFT_RCR)
SHIFT (shl, SHIFT_SHL)
SHIFT (shr, SHIFT_SHR)
SHIFT (sar, SHIFT_SAR)

/* --- SHLD, SHRD --------------------------------------------------------------------------------------------------- */

/* For 16 bits and counts above 16 (undefined) the source is used twice, as AMD processors do. */
static Shifted
double_left (uint64_t a, uint64_t b, unsigned count, unsigned size)
{
  unsigned bits = 8 * size;
  if (size == 2)
    {
      uint64_t wide = a << 32 | b << 16 | b;
      return (Shifted) { (wide << count >> 32) & 0xffff, (wide >> (48 - count)) & 1 };
    }
  return (Shifted) { zero_extend (a << count | b >> (bits - count), size), (a >> (bits - count)) & 1 };
}

static Shifted
double_right (uint64_t a, uint64_t b, unsigned count, unsigned size)
{
  unsigned bits = 8 * size;
  if (size == 2)
    {
      uint64_t wide = b << 32 | b << 16 | a;
      return (Shifted) { (wide >> count) & 0xffff, (wide >> (count - 1)) & 1 };
    }
  return (Shifted) { zero_extend (a >> count | b << (bits - count), size), (a >> (count - 1)) & 1 };
}

static void
double_shift (VtX86Cpu *cpu, const VtX86Insn *insn, bool left)
{
  unsigned size = insn->opnd_size[0];
  unsigned count = shift_count (cpu, insn, 2) & (size == 8 ? 63 : 31);
  bool mem = insn->kind[0] == VT_OPND_MEM;
  uint64_t linear = mem ? mem_linear (cpu, insn, size, VT_WRITE) : 0;
  uint64_t a = mem ? load_for_update (cpu, linear, size) : get_reg (cpu, insn, 0, size);
  uint64_t b = get_reg (cpu, insn, 1, size);
  Shifted done = { a, 0 };
  if (count != 0)
    done = left ? double_left (a, b, count, size) : double_right (a, b, count, size);
  if (!mem)
    put_reg (cpu, insn, 0, done.result, size);
  if (count == 0)
    return;
  if (mem)
    vt_x86_store (cpu, linear, done.result, size);
  unsigned of = left ? overflow_left (done.result, done.cf, size) : overflow_right (done.result, size);
  flags_result (cpu, done.result, done.cf, of, 1, size);
}

static void
op_shld (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  double_shift (cpu, insn, true);
}

static void
op_shrd (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  double_shift (cpu, insn, false);
}

/* --- BMI2: no flags ----------------------------------------------------------------------------------------------- */

static void
op_shiftx (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  unsigned count = (unsigned) cpu->s.gpr[insn->reg[2]] & (8 * size - 1);
  uint64_t value = get_rm (cpu, insn, 1, size);
  if (insn->mnemonic == ZYDIS_MNEMONIC_SHLX)
    value <<= count;
  else if (insn->mnemonic == ZYDIS_MNEMONIC_SHRX)
    value >>= count;
  else
    value = (uint64_t) ((int64_t) sign_extend (value, size) >> count);
  put_gpr (cpu, insn->reg[0], value, size);
}

static void
op_rorx (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t value = get_rm (cpu, insn, 1, size);
  put_gpr (cpu, insn->reg[0], rotate_value (SHIFT_ROR, value, insn->imm & (8 * size - 1), size).result, size);
}

const VtX86OpRow vt_x86_ops_shift[] = {
  { ZYDIS_MNEMONIC_ROL, rol_reg_4, prepare_rol },
  { ZYDIS_MNEMONIC_ROR, ror_reg_4, prepare_ror },
  { ZYDIS_MNEMONIC_RCL, rcl_reg_4, prepare_rcl },
  { ZYDIS_MNEMONIC_RCR, rcr_reg_4, prepare_rcr },
  { ZYDIS_MNEMONIC_SHL, shl_reg_4, prepare_shl },
  { ZYDIS_MNEMONIC_SHR, shr_reg_4, prepare_shr },
  { ZYDIS_MNEMONIC_SAR, sar_reg_4, prepare_sar },
  { ZYDIS_MNEMONIC_SHLD, op_shld, NULL },
  { ZYDIS_MNEMONIC_SHRD, op_shrd, NULL },
  { ZYDIS_MNEMONIC_SHLX, op_shiftx, NULL },
  { ZYDIS_MNEMONIC_SHRX, op_shiftx, NULL },
  { ZYDIS_MNEMONIC_SARX, op_shiftx, NULL },
  { ZYDIS_MNEMONIC_RORX, op_rorx, NULL },
  { 0 },
};
