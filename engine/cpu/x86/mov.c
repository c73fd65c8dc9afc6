/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moves, extensions, LEA, byte swaps. MOV to and from segment, control and debug registers belongs to the system
 * half. */
#include "forms.h"
#include "integer.h"

/* --- MOV ---------------------------------------------------------------------------------------------------------- */

INLINE void
mov_rr (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  put_reg (cpu, insn, 0, get_reg (cpu, insn, 1, size), size);
}

INLINE void
mov_ri (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  put_reg (cpu, insn, 0, insn->imm, size);
}

INLINE void
mov_rm (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  put_reg (cpu, insn, 0, load_mem (cpu, insn, size), size);
}

INLINE void
mov_mr (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  vt_x86_store (cpu, mem_linear (cpu, insn, size, VT_WRITE), get_reg (cpu, insn, 1, size), size);
}

INLINE void
mov_mi (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  vt_x86_store (cpu, mem_linear (cpu, insn, size, VT_WRITE), insn->imm, size);
}

FORM_ALL (rr, mov_rr)
FORM_ALL (ri, mov_ri)
FORM_ALL (rm, mov_rm)
FORM_ALL (mr, mov_mr)
FORM_ALL (mi, mov_mi)

static bool
prepare_system_mov (VtX86Insn *insn)
{
  static const struct
  {
    uint8_t kind;
    VtX86Op to, from;
  } forms[] = {
    { VT_OPND_SEG, vt_x86_op_mov_to_seg, vt_x86_op_mov_from_seg },
    { VT_OPND_CR, vt_x86_op_mov_to_cr, vt_x86_op_mov_from_cr },
    { VT_OPND_DR, vt_x86_op_mov_to_dr, vt_x86_op_mov_from_dr },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (forms); i++)
    if (insn->kind[0] == forms[i].kind || insn->kind[1] == forms[i].kind)
      {
        insn->op = insn->kind[0] == forms[i].kind ? forms[i].to : forms[i].from;
        return true;
      }
  return false;
}

static void
prepare_mov (VtX86Insn *insn)
{
  static const VtX86Op ops[5][4] = { FORM_LIST (rr), FORM_LIST (ri), FORM_LIST (rm), FORM_LIST (mr), FORM_LIST (mi) };
  if (prepare_system_mov (insn))
    return;
  unsigned form;
  if (insn->kind[0] == VT_OPND_MEM)
    form = insn->kind[1] == VT_OPND_IMM ? 4 : 3;
  else if (insn->kind[1] == VT_OPND_MEM)
    form = 2;
  else
    form = insn->kind[1] == VT_OPND_IMM;
  insn->op = ops[form][size_index (insn->opnd_size[0])];
}

/* --- MOVZX, MOVSX, MOVSXD ----------------------------------------------------------------------------------------- */

INLINE void
extend (VtX86Cpu *cpu, const VtX86Insn *insn, bool sign, bool mem, unsigned from, unsigned size)
{
  uint64_t value = mem ? load_mem (cpu, insn, from) : get_reg (cpu, insn, 1, from);
  put_gpr (cpu, insn->reg[0], sign ? sign_extend (value, from) : value, size);
}

#define EXTEND(name, sign, from)                                                                                       \
  FORM_WIDE (name##_r##from, extend, sign, false, from)                                                                \
  FORM_WIDE (name##_m##from, extend, sign, true, from)
EXTEND (zero, false, 1)
EXTEND (zero, false, 2)
EXTEND (sign, true, 1)
EXTEND (sign, true, 2)
EXTEND (sign, true, 4)
EXTEND (zero, false, 4)

#define EXTEND_LISTS(name)                                                                                             \
  {                                                                                                                    \
    { FORM_LIST_WIDE (name##_r1), FORM_LIST_WIDE (name##_m1) },                                                        \
    { FORM_LIST_WIDE (name##_r2), FORM_LIST_WIDE (name##_m2) },                                                        \
    { FORM_LIST_WIDE (name##_r4), FORM_LIST_WIDE (name##_m4) },                                                        \
  }
/* [signed][from][memory][to] */
static const VtX86Op extend_ops[2][3][2][4] = { EXTEND_LISTS (zero), EXTEND_LISTS (sign) };

static void
prepare_extend (VtX86Insn *insn, bool sign)
{
  bool mem = insn->kind[1] == VT_OPND_MEM;
  insn->op = extend_ops[sign][size_index (insn->opnd_size[1])][mem][size_index (insn->opnd_size[0])];
}

static void
prepare_movzx (VtX86Insn *insn)
{
  prepare_extend (insn, false);
}

static void
prepare_movsx (VtX86Insn *insn)
{
  prepare_extend (insn, true);
}

/* --- LEA ---------------------------------------------------------------------------------------------------------- */

static void
op_lea (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  put_gpr (cpu, insn->reg[0], vt_x86_effective_address (cpu, insn), insn->opsize);
}

INLINE void
lea_64 (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  const uint64_t *words = (const uint64_t *) &cpu->s;
  uint64_t address = words[insn->ea_base] + (words[insn->ea_index] << insn->ea_shift) + (uint64_t) insn->disp;
  put_gpr (cpu, insn->reg[0], address, size);
}
FORM_WIDE (lea, lea_64)

static void
prepare_lea (VtX86Insn *insn)
{
  static const VtX86Op ops[] = FORM_LIST_WIDE (lea);
  if (insn->addrsize == 8)
    insn->op = ops[size_index (insn->opnd_size[0])];
}

/* --- Byte order --------------------------------------------------------------------------------------------------- */

static uint64_t
swap (uint64_t value, unsigned size)
{
  return __builtin_bswap64 (value) >> (64 - 8 * size);
}

static void
op_bswap (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  /* With 16 bits undefined; processors give zero. */
  unsigned size = insn->opnd_size[0];
  put_gpr (cpu, insn->reg[0], size == 2 ? 0 : swap (cpu->s.gpr[insn->reg[0]], size), size);
}

static void
op_movbe (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opnd_size[0];
  put_rm (cpu, insn, 0, swap (get_rm (cpu, insn, 1, size), size), size);
}

/* --- Sign extension within and out of the accumulator ------------------------------------------------------------- */

static void
op_cbw (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;   /* CBW, CWDE, CDQE */
  put_gpr (cpu, VT_RAX, sign_extend (cpu->s.gpr[VT_RAX], size / 2), size);
}

static void
op_cwd (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;   /* CWD, CDQ, CQO */
  put_gpr (cpu, VT_RDX, (int64_t) sign_extend (cpu->s.gpr[VT_RAX], size) < 0 ? UINT64_MAX : 0, size);
}

static void
op_xlat (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t offset = (cpu->s.gpr[VT_RBX] + (uint8_t) cpu->s.gpr[VT_RAX]) & vt_mask_bytes (insn->addrsize);
  put_gpr (cpu, VT_RAX, vt_x86_load8 (cpu, vt_x86_linear (cpu, insn->seg, offset, 1, VT_READ)), 1);
}

const VtX86OpRow vt_x86_ops_mov[] = {
  { ZYDIS_MNEMONIC_MOV, rr_4, prepare_mov },
  { ZYDIS_MNEMONIC_MOVNTI, rr_4, prepare_mov },
  { ZYDIS_MNEMONIC_MOVZX, zero_r1_4, prepare_movzx },
  { ZYDIS_MNEMONIC_MOVSX, sign_r1_4, prepare_movsx },
  { ZYDIS_MNEMONIC_MOVSXD, sign_r4_8, prepare_movsx },
  { ZYDIS_MNEMONIC_LEA, op_lea, prepare_lea },
  { ZYDIS_MNEMONIC_BSWAP, op_bswap, NULL },
  { ZYDIS_MNEMONIC_MOVBE, op_movbe, NULL },
  { ZYDIS_MNEMONIC_CBW, op_cbw, NULL },
  { ZYDIS_MNEMONIC_CWDE, op_cbw, NULL },
  { ZYDIS_MNEMONIC_CDQE, op_cbw, NULL },
  { ZYDIS_MNEMONIC_CWD, op_cwd, NULL },
  { ZYDIS_MNEMONIC_CDQ, op_cwd, NULL },
  { ZYDIS_MNEMONIC_CQO, op_cwd, NULL },
  { ZYDIS_MNEMONIC_XLAT, op_xlat, NULL },
  { 0 },
};
