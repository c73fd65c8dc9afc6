/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87: square root, rounding, remainders, scaling and the transcendental functions (SDM volume 1, 8.3.7 and 8.3.8). */
#include <Zydis/Zydis.h>

#include "fpu.h"
#include "simd.h"

VT_HOST_X87_UNARY (fsqrt)
VT_HOST_X87_UNARY (frndint)
VT_HOST_X87_UNARY (f2xm1)
VT_HOST_X87_UNARY (fsin)
VT_HOST_X87_UNARY (fcos)
VT_HOST_X87_ABOVE (fprem)
VT_HOST_X87_ABOVE (fprem1)
VT_HOST_X87_ABOVE (fscale)
VT_HOST_X87_POPPING (fpatan)
VT_HOST_X87_POPPING (fyl2x)
VT_HOST_X87_POPPING (fyl2xp1)
VT_HOST_X87_PUSHING (fptan)
VT_HOST_X87_PUSHING (fsincos)
VT_HOST_X87_PUSHING (fxtract)

static bool
f80_is_nan (const VtF80 *value)
{
  return (value->sign_exp & F80_EXP) == F80_EXP && value->mantissa << 1 != 0;
}

/* ST0 = f (ST0); `codes` are the condition codes that the instruction sets. */
static void
unary (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostX87 kernel, uint16_t codes)
{
  VtF80 result = F80_INDEFINITE;
  uint16_t sw = 0;
  bool done;

  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  if (fpu_is_empty (cpu, 0))
    done = fpu_underflow (cpu);
  else
    done = vt_fpu_signal (cpu, sw = kernel (cpu->s.fcw, fpu_st (cpu, 0), fpu_st (cpu, 0), &result));
  if (!done)
    return;
  cpu->s.fsw = (cpu->s.fsw & ~codes) | (sw & codes);
  fpu_set (cpu, 0, result);
}

/* ST0 = f (ST0, ST1), or ST1 = f (ST0, ST1) and pop. */
static void
binary (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostX87 kernel, uint16_t codes, bool pop)
{
  VtF80 result = F80_INDEFINITE;
  uint16_t sw = 0;
  bool done;

  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  if (fpu_is_empty (cpu, 0) || fpu_is_empty (cpu, 1))
    done = fpu_underflow (cpu);
  else
    done = vt_fpu_signal (cpu, sw = kernel (cpu->s.fcw, fpu_st (cpu, 0), fpu_st (cpu, 1), &result));
  if (!done)
    return;
  cpu->s.fsw = (cpu->s.fsw & ~codes) | (sw & codes);
  if (pop)
    fpu_pop (cpu);
  fpu_set (cpu, 0, result);
}

/* ST0 = f (ST0), then pushes a second result. */
static void
pushing (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostX87 kernel, uint16_t codes)
{
  VtF80 result[2] = { F80_INDEFINITE, F80_INDEFINITE };
  uint16_t sw = 0;
  bool done;

  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  if (fpu_is_empty (cpu, 0))
    done = fpu_underflow (cpu);
  else if (!fpu_is_empty (cpu, 7))
    done = fpu_overflow (cpu);
  else
    done = vt_fpu_signal (cpu, sw = kernel (cpu->s.fcw, fpu_st (cpu, 0), NULL, result));
  if (!done)
    return;
  cpu->s.fsw = (cpu->s.fsw & ~codes) | (sw & codes);
  if (sw & codes & FSW_C2)
    return;
  fpu_set (cpu, 0, result[0]);
  fpu_push (cpu, result[1]);
}

/* A remainder with a NaN has no quotient for C0, C1 and C3: only C2, "incomplete", is cleared. */
VT_INLINE void
remainder_op (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostX87 kernel)
{
  bool nan = f80_is_nan (fpu_st (cpu, 0)) || f80_is_nan (fpu_st (cpu, 1));
  binary (cpu, insn, kernel, nan ? FSW_C2 : FSW_CODES, false);
}

#define OP(name, driver, ...)                                                                                            \
  static void op_##name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                           \
  {                                                                                                                      \
    driver (cpu, insn, vt_host_##name, __VA_ARGS__);                                                                     \
  }
OP (fsqrt, unary, 0)
OP (frndint, unary, 0)
OP (f2xm1, unary, 0)
OP (fsin, unary, FSW_C2)
OP (fcos, unary, FSW_C2)
VEC_OP (fprem, remainder_op, vt_host_fprem)
VEC_OP (fprem1, remainder_op, vt_host_fprem1)
OP (fscale, binary, 0, false)
OP (fpatan, binary, 0, true)
OP (fyl2x, binary, 0, true)
OP (fyl2xp1, binary, 0, true)
OP (fptan, pushing, FSW_C2)
OP (fsincos, pushing, FSW_C2)
OP (fxtract, pushing, 0)

/* FABS, FCHS: bit operations, no numeric exceptions. */
static void
change_sign (VtX86Cpu *cpu, const VtX86Insn *insn, uint16_t keep, uint16_t flip)
{
  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  if (fpu_is_empty (cpu, 0))
    {
      if (fpu_underflow (cpu))
        fpu_set (cpu, 0, F80_INDEFINITE);
      return;
    }
  cpu->s.fsw &= ~FSW_C1;
  fpu_st (cpu, 0)->sign_exp = (fpu_st (cpu, 0)->sign_exp & keep) ^ flip;
}

static void
op_fabs (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  change_sign (cpu, insn, F80_EXP, 0);
}

static void
op_fchs (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  change_sign (cpu, insn, 0xffff, F80_SIGN);
}

const VtX86OpRow vt_x86_ops_fpu_math[] = {
  { ZYDIS_MNEMONIC_FSQRT, op_fsqrt },     { ZYDIS_MNEMONIC_FRNDINT, op_frndint }, { ZYDIS_MNEMONIC_F2XM1, op_f2xm1 },
  { ZYDIS_MNEMONIC_FSIN, op_fsin },       { ZYDIS_MNEMONIC_FCOS, op_fcos },       { ZYDIS_MNEMONIC_FPREM, op_fprem },
  { ZYDIS_MNEMONIC_FPREM1, op_fprem1 },   { ZYDIS_MNEMONIC_FSCALE, op_fscale },   { ZYDIS_MNEMONIC_FPATAN, op_fpatan },
  { ZYDIS_MNEMONIC_FYL2X, op_fyl2x },     { ZYDIS_MNEMONIC_FYL2XP1, op_fyl2xp1 }, { ZYDIS_MNEMONIC_FPTAN, op_fptan },
  { ZYDIS_MNEMONIC_FSINCOS, op_fsincos }, { ZYDIS_MNEMONIC_FXTRACT, op_fxtract }, { ZYDIS_MNEMONIC_FABS, op_fabs },
  { ZYDIS_MNEMONIC_FCHS, op_fchs },       { 0, NULL },
};
