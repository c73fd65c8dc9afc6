/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two-operand arithmetic and logic, INC, DEC, NEG, NOT, and the ADX pair. */
#include "forms.h"
#include "integer.h"

typedef enum
{
  ALU_ADD,
  ALU_OR,
  ALU_ADC,
  ALU_SBB,
  ALU_AND,
  ALU_SUB,
  ALU_XOR,
  ALU_CMP,
  ALU_TEST,
  ALU_COUNT,
} AluOp;

INLINE bool
alu_writes (AluOp op)
{
  return op != ALU_CMP && op != ALU_TEST;
}

INLINE uint64_t
alu_result (const VtX86Cpu *cpu, AluOp op, uint64_t a, uint64_t b)
{
  switch (op)
    {
    case ALU_ADD:
      return a + b;
    case ALU_ADC:
      return a + b + flag_cf (cpu);
    case ALU_SBB:
      return a - b - flag_cf (cpu);
    case ALU_SUB:
    case ALU_CMP:
      return a - b;
    case ALU_OR:
      return a | b;
    case ALU_XOR:
      return a ^ b;
    default:
      return a & b;
    }
}

INLINE void
alu_flags (VtX86Cpu *cpu, AluOp op, uint64_t a, uint64_t b, uint64_t result, unsigned size)
{
  switch (op)
    {
    case ALU_ADD:
    case ALU_ADC:
      flags_add (cpu, a, b, result, size);
      break;
    case ALU_SUB:
    case ALU_SBB:
    case ALU_CMP:
      flags_sub (cpu, a, b, result, size);
      break;
    default:
      flags_logic (cpu, result, size);
    }
}

/* --- Forms -------------------------------------------------------------------------------------------------------- */

INLINE void
alu_to_reg (VtX86Cpu *cpu, const VtX86Insn *insn, AluOp op, uint64_t b, unsigned size)
{
  uint64_t a = get_reg (cpu, insn, 0, size);
  uint64_t result = alu_result (cpu, op, a, b);
  if (alu_writes (op))
    put_reg (cpu, insn, 0, result, size);
  alu_flags (cpu, op, a, b, result, size);
}

INLINE void
alu_to_mem (VtX86Cpu *cpu, const VtX86Insn *insn, AluOp op, uint64_t b, unsigned size)
{
  if (!alu_writes (op))
    {
      uint64_t a = load_mem (cpu, insn, size);
      alu_flags (cpu, op, a, b, alu_result (cpu, op, a, b), size);
      return;
    }
  uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
  uint64_t a = load_for_update (cpu, linear, size);
  uint64_t result = alu_result (cpu, op, a, b);
  vt_x86_store (cpu, linear, result, size);
  alu_flags (cpu, op, a, b, result, size);
}

INLINE void
alu_rr (VtX86Cpu *cpu, const VtX86Insn *insn, AluOp op, unsigned size)
{
  alu_to_reg (cpu, insn, op, get_reg (cpu, insn, 1, size), size);
}

INLINE void
alu_ri (VtX86Cpu *cpu, const VtX86Insn *insn, AluOp op, unsigned size)
{
  alu_to_reg (cpu, insn, op, zero_extend (insn->imm, size), size);
}

INLINE void
alu_rm (VtX86Cpu *cpu, const VtX86Insn *insn, AluOp op, unsigned size)
{
  alu_to_reg (cpu, insn, op, load_mem (cpu, insn, size), size);
}

INLINE void
alu_mr (VtX86Cpu *cpu, const VtX86Insn *insn, AluOp op, unsigned size)
{
  alu_to_mem (cpu, insn, op, get_reg (cpu, insn, 1, size), size);
}

INLINE void
alu_mi (VtX86Cpu *cpu, const VtX86Insn *insn, AluOp op, unsigned size)
{
  alu_to_mem (cpu, insn, op, zero_extend (insn->imm, size), size);
}

INLINE void
alu_locked (VtX86Cpu *cpu, const VtX86Insn *insn, AluOp op, unsigned size)
{
  uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
  uint64_t a = load_for_update (cpu, linear, size), b = get_ri (cpu, insn, size), result;
  do
    result = alu_result (cpu, op, a, b);
  while (!vt_x86_compare_exchange (cpu, linear, &a, result, size));
  alu_flags (cpu, op, a, b, result, size);
}

typedef enum
{
  FORM_RR,
  FORM_RI,
  FORM_RM,
  FORM_MR,
  FORM_MI,
  FORM_LOCKED,
  FORM_COUNT,
} Form;

#define ALU_INSTANCES(name, OP)                                                                                        \
  FORM_ALL (name##_rr, alu_rr, OP)                                                                                     \
  FORM_ALL (name##_ri, alu_ri, OP)                                                                                     \
  FORM_ALL (name##_rm, alu_rm, OP)                                                                                     \
  FORM_ALL (name##_mr, alu_mr, OP)                                                                                     \
  FORM_ALL (name##_mi, alu_mi, OP)                                                                                     \
  FORM_ALL (name##_locked, alu_locked, OP)
#define ALU_LISTS(name)                                                                                                \
  {                                                                                                                    \
    FORM_LIST (name##_rr), FORM_LIST (name##_ri), FORM_LIST (name##_rm), FORM_LIST (name##_mr), FORM_LIST (name##_mi), \
        FORM_LIST (name##_locked)                                                                                      \
  }

ALU_INSTANCES (add, ALU_ADD)
ALU_INSTANCES (or, ALU_OR)
ALU_INSTANCES (adc, ALU_ADC)
ALU_INSTANCES (sbb, ALU_SBB)
ALU_INSTANCES (and, ALU_AND)
ALU_INSTANCES (sub, ALU_SUB)
ALU_INSTANCES (xor, ALU_XOR)
ALU_INSTANCES (cmp, ALU_CMP)
ALU_INSTANCES (test, ALU_TEST)

static const VtX86Op alu_ops[ALU_COUNT][FORM_COUNT][4] = {
  [ALU_ADD] = ALU_LISTS (add), [ALU_OR] = ALU_LISTS (or),   [ALU_ADC] = ALU_LISTS (adc),
  [ALU_SBB] = ALU_LISTS (sbb), [ALU_AND] = ALU_LISTS (and), [ALU_SUB] = ALU_LISTS (sub),
  [ALU_XOR] = ALU_LISTS (xor), [ALU_CMP] = ALU_LISTS (cmp), [ALU_TEST] = ALU_LISTS (test),
};

static Form
form_of (const VtX86Insn *insn)
{
  if (is_locked (insn))
    return FORM_LOCKED;
  if (insn->kind[0] == VT_OPND_MEM)
    return insn->kind[1] == VT_OPND_IMM ? FORM_MI : FORM_MR;
  if (insn->kind[1] == VT_OPND_MEM)
    return FORM_RM;
  return insn->kind[1] == VT_OPND_IMM ? FORM_RI : FORM_RR;
}

/* XOR and SUB of a register with itself: the idiom for zero. */
INLINE void
clear_reg (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  put_reg (cpu, insn, 0, 0, size);
  flags_logic (cpu, 0, size);
}
FORM_SIZE (clear, clear_reg, 4)

/* TEST of a register with itself. */
INLINE void
test_self (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  flags_logic (cpu, get_reg (cpu, insn, 0, size), size);
}
FORM_ALL (self, test_self)

static void
prepare_alu (VtX86Insn *insn, AluOp op)
{
  static const VtX86Op self_ops[] = FORM_LIST (self);
  unsigned size = insn->opnd_size[0];
  Form form = form_of (insn);
  insn->op = alu_ops[op][form][size_index (size)];
  if (form != FORM_RR || insn->byte_off[0] != insn->byte_off[1])
    return;
  if (op == ALU_TEST || op == ALU_AND)
    insn->op = op == ALU_AND && size == 4 ? insn->op : self_ops[size_index (size)];
  else if (op == ALU_XOR && size == 4)
    insn->op = clear_4;
}

#define PREPARE(name, OP)                                                                                              \
  static void prepare_##name (VtX86Insn *insn)                                                                         \
  {                                                                                                                    \
    prepare_alu (insn, OP);                                                                                            \
  }
PREPARE (add, ALU_ADD)
PREPARE (or, ALU_OR)
PREPARE (adc, ALU_ADC)
PREPARE (sbb, ALU_SBB)
PREPARE (and, ALU_AND)
PREPARE (sub, ALU_SUB)
PREPARE (xor, ALU_XOR)
PREPARE (cmp, ALU_CMP)
PREPARE (test, ALU_TEST)

/* --- One operand -------------------------------------------------------------------------------------------------- */

typedef enum
{
  UNARY_INC,
  UNARY_DEC,
  UNARY_NEG,
  UNARY_NOT,
} UnaryOp;

INLINE uint64_t
unary_result (UnaryOp op, uint64_t a)
{
  switch (op)
    {
    case UNARY_INC:
      return a + 1;
    case UNARY_DEC:
      return a - 1;
    case UNARY_NEG:
      return -a;
    default:
      return ~a;
    }
}

INLINE void
unary_flags (VtX86Cpu *cpu, UnaryOp op, uint64_t a, uint64_t result, unsigned size)
{
  unsigned cf = flag_cf (cpu);
  switch (op)
    {
    case UNARY_INC:
      flags_add (cpu, a, 1, result, size);
      flag_set_cf (cpu, cf);
      break;
    case UNARY_DEC:
      flags_sub (cpu, a, 1, result, size);
      flag_set_cf (cpu, cf);
      break;
    case UNARY_NEG:
      flags_sub (cpu, 0, a, result, size);
      break;
    case UNARY_NOT:
      break;
    }
}

INLINE void
unary_reg (VtX86Cpu *cpu, const VtX86Insn *insn, UnaryOp op, unsigned size)
{
  uint64_t a = get_reg (cpu, insn, 0, size), result = unary_result (op, a);
  put_reg (cpu, insn, 0, result, size);
  unary_flags (cpu, op, a, result, size);
}

INLINE void
unary_mem (VtX86Cpu *cpu, const VtX86Insn *insn, UnaryOp op, unsigned size)
{
  uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
  uint64_t a = load_for_update (cpu, linear, size), result = unary_result (op, a);
  vt_x86_store (cpu, linear, result, size);
  unary_flags (cpu, op, a, result, size);
}

INLINE void
unary_locked (VtX86Cpu *cpu, const VtX86Insn *insn, UnaryOp op, unsigned size)
{
  uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
  uint64_t a = load_for_update (cpu, linear, size), result;
  do
    result = unary_result (op, a);
  while (!vt_x86_compare_exchange (cpu, linear, &a, result, size));
  unary_flags (cpu, op, a, result, size);
}

#define UNARY(name, OP)                                                                                                \
  FORM_ALL (name##_reg, unary_reg, OP)                                                                                 \
  FORM_ALL (name##_mem, unary_mem, OP)                                                                                 \
  FORM_ALL (name##_lock, unary_locked, OP)                                                                             \
  static void prepare_##name (VtX86Insn *insn)                                                                         \
  {                                                                                                                    \
    static const VtX86Op ops[3][4]                                                                                     \
        = { FORM_LIST (name##_reg), FORM_LIST (name##_mem), FORM_LIST (name##_lock) };                                 \
    unsigned form = is_locked (insn) ? 2 : insn->kind[0] == VT_OPND_MEM;                                               \
    insn->op = ops[form][size_index (insn->opnd_size[0])];                                                             \
  }
UNARY (inc, UNARY_INC)
UNARY (dec, UNARY_DEC)
UNARY (neg, UNARY_NEG)
UNARY (not, UNARY_NOT)

/* --- ADCX, ADOX --------------------------------------------------------------------------------------------------- */

/* Adds with one flag as carry in and out, and leaves all others. */
INLINE void
add_with_flag (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t flag, unsigned size)
{
  uint64_t a = get_reg (cpu, insn, 0, size), b = get_rm (cpu, insn, 1, size);
  uint32_t flags = flags_get (cpu);
  unsigned __int128 sum = (unsigned __int128) a + b + ((flags & flag) != 0);
  bool carry = (sum >> (8 * size)) != 0;
  put_reg (cpu, insn, 0, (uint64_t) sum, size);
  flags_put (cpu, (flags & ~flag) | (carry ? flag : 0));
}

static void
op_adcx (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  add_with_flag (cpu, insn, X86_RFLAGS_CF, insn->opnd_size[0]);
}

static void
op_adox (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  add_with_flag (cpu, insn, X86_RFLAGS_OF, insn->opnd_size[0]);
}

const VtX86OpRow vt_x86_ops_alu[] = {
  { ZYDIS_MNEMONIC_ADD, add_rr_4, prepare_add },
  { ZYDIS_MNEMONIC_OR, or_rr_4, prepare_or },
  { ZYDIS_MNEMONIC_ADC, adc_rr_4, prepare_adc },
  { ZYDIS_MNEMONIC_SBB, sbb_rr_4, prepare_sbb },
  { ZYDIS_MNEMONIC_AND, and_rr_4, prepare_and },
  { ZYDIS_MNEMONIC_SUB, sub_rr_4, prepare_sub },
  { ZYDIS_MNEMONIC_XOR, xor_rr_4, prepare_xor },
  { ZYDIS_MNEMONIC_CMP, cmp_rr_4, prepare_cmp },
  { ZYDIS_MNEMONIC_TEST, test_rr_4, prepare_test },
  { ZYDIS_MNEMONIC_INC, inc_reg_4, prepare_inc },
  { ZYDIS_MNEMONIC_DEC, dec_reg_4, prepare_dec },
  { ZYDIS_MNEMONIC_NEG, neg_reg_4, prepare_neg },
  { ZYDIS_MNEMONIC_NOT, not_reg_4, prepare_not },
  { ZYDIS_MNEMONIC_ADCX, op_adcx, NULL },
  { ZYDIS_MNEMONIC_ADOX, op_adox, NULL },
  { 0 },
};
