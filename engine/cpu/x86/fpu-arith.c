/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87: basic arithmetic and comparison, on registers and on real and integer memory operands (SDM volume 1, 8.3.5, 8.3.6). */
#include <Zydis/Zydis.h>

#include "fpu.h"
#include "simd.h"

VT_HOST_X87_ARITH (add)
VT_HOST_X87_ARITH (mul)
VT_HOST_X87_ARITH (sub)
VT_HOST_X87_ARITH (subr)
VT_HOST_X87_ARITH (div)
VT_HOST_X87_ARITH (divr)

VT_HOST_X87_COMPARE (fcom_reg, "fldt %[src]\n\t", "fcom %%st(1)", "\n\tfstp %%st(0)")
VT_HOST_X87_COMPARE (fcom_m32, "", "fcoms %[src]", "")
VT_HOST_X87_COMPARE (fcom_m64, "", "fcoml %[src]", "")
VT_HOST_X87_COMPARE (fcom_i16, "", "ficoms %[src]", "")
VT_HOST_X87_COMPARE (fcom_i32, "", "ficoml %[src]", "")
VT_HOST_X87_COMPARE (fucom_reg, "fldt %[src]\n\t", "fucom %%st(1)", "\n\tfstp %%st(0)")
VT_HOST_X87_COMPARE (ftst, "", "ftst", "")

/* The second operand's form follows from the opcode: D8, DA, DC, DE with memory, or a register. */
enum { FORM_M32, FORM_I32, FORM_M64, FORM_I16, FORM_REG, FORM_COUNT };
typedef VtHostX87 Kernels[FORM_COUNT];

#define KERNELS(op)                                                                                                      \
  static const Kernels op##_kernels = { [FORM_REG] = vt_host_##op##_reg, [FORM_M32] = vt_host_##op##_m32,                \
                                        [FORM_M64] = vt_host_##op##_m64, [FORM_I16] = vt_host_##op##_i16,                \
                                        [FORM_I32] = vt_host_##op##_i32 };
KERNELS (fadd)
KERNELS (fmul)
KERNELS (fsub)
KERNELS (fsubr)
KERNELS (fdiv)
KERNELS (fdivr)
KERNELS (fcom)

static unsigned
operand_form (const VtX86Insn *insn)
{
  return fpu_is_memory (insn) ? insn->opcode >> 1 & 3 : FORM_REG;
}

static VtF80
load_form (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned form)
{
  static const uint8_t sizes[] = { [FORM_M32] = 4, [FORM_I32] = 4, [FORM_M64] = 8, [FORM_I16] = 2 };
  return fpu_load_operand (cpu, insn, sizes[form]);
}

static void
arith_memory (VtX86Cpu *cpu, const VtX86Insn *insn, const Kernels kernels)
{
  unsigned form = operand_form (insn);
  VtF80 src = load_form (cpu, insn, form), result = { 0 };

  vt_fpu_note_insn (cpu, insn);
  if (fpu_is_empty (cpu, 0))
    {
      if (fpu_underflow (cpu))
        fpu_set (cpu, 0, F80_INDEFINITE);
    }
  else if (vt_fpu_signal (cpu, kernels[form](cpu->s.fcw, fpu_st (cpu, 0), &src, &result)))
    *fpu_st (cpu, 0) = result;
}

/* D8: ST0 = ST0 op STi. DC, DE: STi = STi op ST0; DE pops. */
static void
arith_register (VtX86Cpu *cpu, const VtX86Insn *insn, const Kernels kernels)
{
  unsigned i = insn->modrm & 7, dst = insn->opcode & 4 ? i : 0, src = insn->opcode & 4 ? 0 : i;
  VtF80 result = F80_INDEFINITE;
  bool done;

  vt_fpu_note_insn (cpu, insn);
  if (fpu_is_empty (cpu, dst) || fpu_is_empty (cpu, src))
    done = fpu_underflow (cpu);
  else
    done = vt_fpu_signal (cpu, kernels[FORM_REG](cpu->s.fcw, fpu_st (cpu, dst), fpu_st (cpu, src), &result));
  if (!done)
    return;
  fpu_set (cpu, dst, result);
  if ((insn->opcode & 6) == 6)
    fpu_pop (cpu);
}

static void
arith (VtX86Cpu *cpu, const VtX86Insn *insn, const Kernels kernels)
{
  vt_fpu_enter (cpu);
  if (fpu_is_memory (insn))
    arith_memory (cpu, insn, kernels);
  else
    arith_register (cpu, insn, kernels);
}

#define ARITH(op)                                                                                                        \
  static void op_##op (VtX86Cpu *cpu, const VtX86Insn *insn)                                                             \
  {                                                                                                                      \
    arith (cpu, insn, op##_kernels);                                                                                     \
  }
ARITH (fadd)
ARITH (fmul)
ARITH (fsub)
ARITH (fsubr)
ARITH (fdiv)
ARITH (fdivr)

/* Compares ST0; true when the comparison delivered a result, in *codes. */
static bool
compare_st0 (VtX86Cpu *cpu, VtHostX87 kernel, const VtF80 *src, bool src_empty, uint16_t *codes)
{
  *codes = FSW_CODES;
  if (fpu_is_empty (cpu, 0) || src_empty)
    return fpu_underflow (cpu);
  *codes = kernel (cpu->s.fcw, fpu_st (cpu, 0), src, NULL);
  return vt_fpu_signal (cpu, *codes);
}

static void
compare (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostX87 register_kernel, unsigned pops)
{
  unsigned form = operand_form (insn);
  VtF80 memory;
  uint16_t codes;
  bool done;

  vt_fpu_enter (cpu);
  if (form != FORM_REG)
    memory = load_form (cpu, insn, form);
  vt_fpu_note_insn (cpu, insn);
  if (form != FORM_REG)
    done = compare_st0 (cpu, fcom_kernels[form], &memory, false, &codes);
  else
    done = compare_st0 (cpu, register_kernel, fpu_st (cpu, insn->modrm & 7), fpu_is_empty (cpu, insn->modrm & 7), &codes);
  if (!done)
    return;
  fpu_set_codes (cpu, codes);
  while (pops--)
    fpu_pop (cpu);
}

/* FCOMI and kin: C3, C2, C0 go to ZF, PF, CF; the condition codes stay. */
static void
compare_flags (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostX87 kernel, bool pop)
{
  unsigned i = insn->modrm & 7;
  uint16_t codes;

  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  if (!compare_st0 (cpu, kernel, fpu_st (cpu, i), fpu_is_empty (cpu, i), &codes))
    return;
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ARITH, (codes & FSW_C3 ? X86_RFLAGS_ZF : 0)
                                                   | (codes & FSW_C2 ? X86_RFLAGS_PF : 0)
                                                   | (codes & FSW_C0 ? X86_RFLAGS_CF : 0));
  if (pop)
    fpu_pop (cpu);
}

#define COMPARE(op, driver, kernel, pops)                                                                                \
  static void op_##op (VtX86Cpu *cpu, const VtX86Insn *insn)                                                             \
  {                                                                                                                      \
    driver (cpu, insn, vt_host_##kernel, pops);                                                                          \
  }
COMPARE (fcom, compare, fcom_reg, 0)
COMPARE (fcomp, compare, fcom_reg, 1)
COMPARE (fcompp, compare, fcom_reg, 2)
COMPARE (fucom, compare, fucom_reg, 0)
COMPARE (fucomp, compare, fucom_reg, 1)
COMPARE (fucompp, compare, fucom_reg, 2)
COMPARE (fcomi, compare_flags, fcom_reg, false)
COMPARE (fcomip, compare_flags, fcom_reg, true)
COMPARE (fucomi, compare_flags, fucom_reg, false)
COMPARE (fucomip, compare_flags, fucom_reg, true)

static void
op_ftst (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint16_t codes;

  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  if (compare_st0 (cpu, vt_host_ftst, fpu_st (cpu, 0), false, &codes))
    fpu_set_codes (cpu, codes);
}

static bool
f80_is_zero (const VtF80 *value)
{
  return value->mantissa == 0 && (value->sign_exp & F80_EXP) == 0;
}

/* Condition codes of FXAM (SDM volume 1, table 8-6). */
static uint16_t
f80_class (const VtF80 *value)
{
  unsigned exponent = value->sign_exp & F80_EXP;
  bool integer = value->mantissa & F80_INTEGER;

  if (f80_is_zero (value))
    return FSW_C3;
  if (exponent == 0)
    return FSW_C3 | FSW_C2;                                             /* denormal */
  if (!integer)
    return 0;                                                           /* no format of today */
  if (exponent == F80_EXP)
    return value->mantissa << 1 == 0 ? FSW_C2 | FSW_C0 : FSW_C0;        /* infinity, NaN */
  return FSW_C2;
}

static void
op_fxam (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  const VtF80 *st0 = fpu_st (cpu, 0);
  uint16_t codes = fpu_is_empty (cpu, 0) ? FSW_C3 | FSW_C0 : f80_class (st0);
  fpu_set_codes (cpu, codes);
  cpu->s.fsw = (cpu->s.fsw & ~FSW_C1) | (st0->sign_exp & F80_SIGN ? FSW_C1 : 0);
}

const VtX86OpRow vt_x86_ops_fpu_arith[] = {
  { ZYDIS_MNEMONIC_FADD, op_fadd },       { ZYDIS_MNEMONIC_FADDP, op_fadd },      { ZYDIS_MNEMONIC_FIADD, op_fadd },
  { ZYDIS_MNEMONIC_FMUL, op_fmul },       { ZYDIS_MNEMONIC_FMULP, op_fmul },      { ZYDIS_MNEMONIC_FIMUL, op_fmul },
  { ZYDIS_MNEMONIC_FSUB, op_fsub },       { ZYDIS_MNEMONIC_FSUBP, op_fsub },      { ZYDIS_MNEMONIC_FISUB, op_fsub },
  { ZYDIS_MNEMONIC_FSUBR, op_fsubr },     { ZYDIS_MNEMONIC_FSUBRP, op_fsubr },    { ZYDIS_MNEMONIC_FISUBR, op_fsubr },
  { ZYDIS_MNEMONIC_FDIV, op_fdiv },       { ZYDIS_MNEMONIC_FDIVP, op_fdiv },      { ZYDIS_MNEMONIC_FIDIV, op_fdiv },
  { ZYDIS_MNEMONIC_FDIVR, op_fdivr },     { ZYDIS_MNEMONIC_FDIVRP, op_fdivr },    { ZYDIS_MNEMONIC_FIDIVR, op_fdivr },
  { ZYDIS_MNEMONIC_FCOM, op_fcom },       { ZYDIS_MNEMONIC_FCOMP, op_fcomp },     { ZYDIS_MNEMONIC_FCOMPP, op_fcompp },
  { ZYDIS_MNEMONIC_FICOM, op_fcom },      { ZYDIS_MNEMONIC_FICOMP, op_fcomp },    { ZYDIS_MNEMONIC_FUCOM, op_fucom },
  { ZYDIS_MNEMONIC_FUCOMP, op_fucomp },   { ZYDIS_MNEMONIC_FUCOMPP, op_fucompp }, { ZYDIS_MNEMONIC_FCOMI, op_fcomi },
  { ZYDIS_MNEMONIC_FCOMIP, op_fcomip },   { ZYDIS_MNEMONIC_FUCOMI, op_fucomi },   { ZYDIS_MNEMONIC_FUCOMIP, op_fucomip },
  { ZYDIS_MNEMONIC_FTST, op_ftst },       { ZYDIS_MNEMONIC_FXAM, op_fxam },       { 0, NULL },
};
