/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bit tests, scans and counts, BMI1 and BMI2, CRC32.
 *
 * Undefined flags are what AMD processors (family 19h) leave: BT keeps all but CF; BSF and BSR clear CF, OF, SF and AF.
 */
#include "forms.h"
#include "integer.h"

/* --- BT, BTS, BTR, BTC -------------------------------------------------------------------------------------------- */

typedef enum
{
  BIT_TEST,
  BIT_SET,
  BIT_RESET,
  BIT_COMPLEMENT,
} BitOp;

INLINE uint64_t
bit_result (BitOp op, uint64_t value, uint64_t mask)
{
  switch (op)
    {
    case BIT_SET:
      return value | mask;
    case BIT_RESET:
      return value & ~mask;
    case BIT_COMPLEMENT:
      return value ^ mask;
    default:
      return value;
    }
}

/* With a register as bit number, the bit string extends in both directions from the memory operand. */
static uint64_t
bit_linear (VtX86Cpu *cpu, const VtX86Insn *insn, uint64_t bit, unsigned size, VtAccessKind kind)
{
  if (insn->kind[1] == VT_OPND_IMM)
    return mem_linear (cpu, insn, size, kind);
  int64_t words = (int64_t) sign_extend (bit, size) >> (3 + size_index (size));
  uint64_t offset = vt_x86_effective_address (cpu, insn) + (uint64_t) words * size;
  return vt_x86_linear (cpu, insn->seg, offset & vt_mask_bytes (insn->addrsize), size, kind);
}

INLINE void
bit_mem (VtX86Cpu *cpu, const VtX86Insn *insn, BitOp op, unsigned size)
{
  uint64_t bit = get_ri (cpu, insn, size), mask = UINT64_C (1) << (bit & (8 * size - 1));
  uint64_t linear = bit_linear (cpu, insn, bit, size, op == BIT_TEST ? VT_READ : VT_WRITE);
  uint64_t value;
  if (op == BIT_TEST)
    value = vt_x86_load (cpu, linear, size);
  else
    {
      value = load_for_update (cpu, linear, size);
      if (!is_locked (insn))
        vt_x86_store (cpu, linear, bit_result (op, value, mask), size);
      else
        while (!vt_x86_compare_exchange (cpu, linear, &value, bit_result (op, value, mask), size))
          ;
    }
  flag_set_cf (cpu, (value & mask) != 0);
}

INLINE void
bit_reg (VtX86Cpu *cpu, const VtX86Insn *insn, BitOp op, unsigned size)
{
  uint64_t value = get_reg (cpu, insn, 0, size);
  uint64_t mask = UINT64_C (1) << (get_ri (cpu, insn, size) & (8 * size - 1));
  if (op != BIT_TEST)
    put_reg (cpu, insn, 0, bit_result (op, value, mask), size);
  flag_set_cf (cpu, (value & mask) != 0);
}

#define BIT(name, OP)                                                                                                  \
  FORM_WIDE (name##_reg, bit_reg, OP)                                                                                  \
  FORM_WIDE (name##_mem, bit_mem, OP)                                                                                  \
  static void prepare_##name (VtX86Insn *insn)                                                                         \
  {                                                                                                                    \
    static const VtX86Op ops[2][4] = { FORM_LIST_WIDE (name##_reg), FORM_LIST_WIDE (name##_mem) };                     \
    insn->op = ops[insn->kind[0] == VT_OPND_MEM][size_index (insn->opnd_size[0])];                                     \
  }
BIT (bt, BIT_TEST)
BIT (bts, BIT_SET)
BIT (btr, BIT_RESET)
BIT (btc, BIT_COMPLEMENT)

/* --- Scans and counts --------------------------------------------------------------------------------------------- */

static unsigned
leading_zeros (uint64_t value, unsigned size)
{
  return value == 0 ? 8 * size : (unsigned) __builtin_clzll (value) - (64 - 8 * size);
}

static unsigned
trailing_zeros (uint64_t value, unsigned size)
{
  return value == 0 ? 8 * size : (unsigned) __builtin_ctzll (value);
}

static void
bit_scan (VtX86Cpu *cpu, const VtX86Insn *insn, bool forward)
{
  unsigned size = insn->opnd_size[0];
  uint64_t value = get_rm (cpu, insn, 1, size);
  unsigned result = forward ? trailing_zeros (value, size) : 8 * size - 1 - leading_zeros (value, size);
  /* Zero leaves the destination alone, all 64 bits of it. */
  if (value != 0)
    put_gpr (cpu, insn->reg[0], result, size);
  flags_put (cpu, (value == 0 ? X86_RFLAGS_ZF : 0) | (value == 0 || !__builtin_parity (result) ? X86_RFLAGS_PF : 0));
}

static void
op_bsf (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  bit_scan (cpu, insn, true);
}

static void
op_bsr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  bit_scan (cpu, insn, false);
}

/* CF: the source is zero; ZF: the count is zero; OF is kept. */
static void
zero_count (VtX86Cpu *cpu, const VtX86Insn *insn, bool trailing)
{
  unsigned size = insn->opnd_size[0];
  uint64_t value = get_rm (cpu, insn, 1, size);
  unsigned result = trailing ? trailing_zeros (value, size) : leading_zeros (value, size);
  put_gpr (cpu, insn->reg[0], result, size);
  flags_put (cpu, (value == 0 ? X86_RFLAGS_CF : 0) | (result == 0 ? X86_RFLAGS_ZF : 0)
                      | (flag_of (cpu) ? X86_RFLAGS_OF : 0));
}

static void
op_tzcnt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  zero_count (cpu, insn, true);
}

static void
op_lzcnt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  zero_count (cpu, insn, false);
}

static void
op_popcnt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t value = get_rm (cpu, insn, 1, size);
  put_gpr (cpu, insn->reg[0], (uint64_t) __builtin_popcountll (value), size);
  flags_put (cpu, value == 0 ? X86_RFLAGS_ZF : 0);
}

/* --- BMI1 --------------------------------------------------------------------------------------------------------- */

static void
op_andn (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t result = ~get_gpr (cpu, insn->reg[1], size) & get_rm (cpu, insn, 2, size);
  put_gpr (cpu, insn->reg[0], result, size);
  flags_logic (cpu, result, size);
}

static void
op_bls (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t value = get_rm (cpu, insn, 1, size), result;
  bool cf = value == 0;
  if (insn->mnemonic == ZYDIS_MNEMONIC_BLSR)
    result = value & (value - 1);
  else if (insn->mnemonic == ZYDIS_MNEMONIC_BLSMSK)
    result = zero_extend (value ^ (value - 1), size);
  else
    {
      result = value & -value;
      cf = value != 0;
    }
  put_gpr (cpu, insn->reg[0], result, size);
  flags_result (cpu, result, cf, 0, 0, size);
}

static void
op_bextr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t value = get_rm (cpu, insn, 1, size), control = cpu->s.gpr[insn->reg[2]];
  unsigned start = control & 0xff, length = (control >> 8) & 0xff;
  uint64_t result = start < 64 ? value >> start : 0;
  if (length < 64)
    result &= (UINT64_C (1) << length) - 1;
  put_gpr (cpu, insn->reg[0], result, size);
  flags_result (cpu, result, 0, 0, 1, size);
}

/* --- BMI2 --------------------------------------------------------------------------------------------------------- */

static void
op_bzhi (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0], index = cpu->s.gpr[insn->reg[2]] & 0xff;
  uint64_t value = get_rm (cpu, insn, 1, size);
  bool beyond = index >= 8 * size;
  if (!beyond)
    value &= (UINT64_C (1) << index) - 1;
  put_gpr (cpu, insn->reg[0], value, size);
  flags_result (cpu, value, beyond, 0, 0, size);
}

static void
op_pdep (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  uint64_t source = get_gpr (cpu, insn->reg[1], size), mask = get_rm (cpu, insn, 2, size), result = 0;
  for (; mask != 0; mask &= mask - 1, source >>= 1)
    if (source & 1)
      result |= mask & -mask;
  put_gpr (cpu, insn->reg[0], result, size);
}

static void
op_pext (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0], n = 0;
  uint64_t source = get_gpr (cpu, insn->reg[1], size), mask = get_rm (cpu, insn, 2, size), result = 0;
  for (; mask != 0; mask &= mask - 1, n++)
    if (source & mask & -mask)
      result |= UINT64_C (1) << n;
  put_gpr (cpu, insn->reg[0], result, size);
}

/* --- CRC32 (Castagnoli, reflected) -------------------------------------------------------------------------------- */

static void
op_crc32 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[1];
  uint64_t data = get_rm (cpu, insn, 1, size);
  uint32_t crc = (uint32_t) cpu->s.gpr[insn->reg[0]];
  for (unsigned i = 0; i < size; i++, data >>= 8)
    {
      crc ^= (uint8_t) data;
      for (unsigned bit = 0; bit < 8; bit++)
        crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    }
  cpu->s.gpr[insn->reg[0]] = crc;
}

const VtX86OpRow vt_x86_ops_bits[] = {
  { ZYDIS_MNEMONIC_BT, bt_reg_4, prepare_bt },
  { ZYDIS_MNEMONIC_BTS, bts_reg_4, prepare_bts },
  { ZYDIS_MNEMONIC_BTR, btr_reg_4, prepare_btr },
  { ZYDIS_MNEMONIC_BTC, btc_reg_4, prepare_btc },
  { ZYDIS_MNEMONIC_BSF, op_bsf, NULL },
  { ZYDIS_MNEMONIC_BSR, op_bsr, NULL },
  { ZYDIS_MNEMONIC_TZCNT, op_tzcnt, NULL },
  { ZYDIS_MNEMONIC_LZCNT, op_lzcnt, NULL },
  { ZYDIS_MNEMONIC_POPCNT, op_popcnt, NULL },
  { ZYDIS_MNEMONIC_ANDN, op_andn, NULL },
  { ZYDIS_MNEMONIC_BLSI, op_bls, NULL },
  { ZYDIS_MNEMONIC_BLSMSK, op_bls, NULL },
  { ZYDIS_MNEMONIC_BLSR, op_bls, NULL },
  { ZYDIS_MNEMONIC_BEXTR, op_bextr, NULL },
  { ZYDIS_MNEMONIC_BZHI, op_bzhi, NULL },
  { ZYDIS_MNEMONIC_PDEP, op_pdep, NULL },
  { ZYDIS_MNEMONIC_PEXT, op_pext, NULL },
  { ZYDIS_MNEMONIC_CRC32, op_crc32, NULL },
  { 0 },
};
