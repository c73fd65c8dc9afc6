/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flags that the Intel SDM (volume 2, "Flags Affected" of each instruction; volume 1, appendix A) leaves undefined. */
#include "undefined.h"

#define CF ZYDIS_CPUFLAG_CF
#define PF ZYDIS_CPUFLAG_PF
#define AF ZYDIS_CPUFLAG_AF
#define ZF ZYDIS_CPUFLAG_ZF
#define SF ZYDIS_CPUFLAG_SF
#define OF ZYDIS_CPUFLAG_OF

static const struct
{
  ZydisMnemonic mnemonic;
  uint32_t      flags;
} undefined_flags[] = {
  /* Logic: "the state of the AF flag is undefined". */
  { ZYDIS_MNEMONIC_AND, AF },
  { ZYDIS_MNEMONIC_OR, AF },
  { ZYDIS_MNEMONIC_XOR, AF },
  { ZYDIS_MNEMONIC_TEST, AF },
  /* BMI1, BMI2: "AF and PF flags are undefined"; BEXTR: "AF, SF, and PF". */
  { ZYDIS_MNEMONIC_ANDN, AF | PF },
  { ZYDIS_MNEMONIC_BLSI, AF | PF },
  { ZYDIS_MNEMONIC_BLSR, AF | PF },
  { ZYDIS_MNEMONIC_BLSMSK, AF | PF },
  { ZYDIS_MNEMONIC_BZHI, AF | PF },
  { ZYDIS_MNEMONIC_BEXTR, AF | SF | PF },
  /* "OF, SF, PF, and AF flags are undefined." */
  { ZYDIS_MNEMONIC_LZCNT, OF | SF | PF | AF },
  { ZYDIS_MNEMONIC_TZCNT, OF | SF | PF | AF },
  /* "The CF, OF, SF, AF, and PF flags are undefined." */
  { ZYDIS_MNEMONIC_BSF, CF | OF | SF | AF | PF },
  { ZYDIS_MNEMONIC_BSR, CF | OF | SF | AF | PF },
  /* "The ZF flag is unaffected. The OF, SF, AF, and PF flags are undefined." */
  { ZYDIS_MNEMONIC_BT, OF | SF | AF | PF },
  { ZYDIS_MNEMONIC_BTS, OF | SF | AF | PF },
  { ZYDIS_MNEMONIC_BTR, OF | SF | AF | PF },
  { ZYDIS_MNEMONIC_BTC, OF | SF | AF | PF },
  /* "The SF, ZF, AF, and PF flags are undefined." */
  { ZYDIS_MNEMONIC_MUL, SF | ZF | AF | PF },
  { ZYDIS_MNEMONIC_IMUL, SF | ZF | AF | PF },
  /* "The CF, OF, SF, ZF, AF, and PF flags are undefined." */
  { ZYDIS_MNEMONIC_DIV, CF | OF | SF | ZF | AF | PF },
  { ZYDIS_MNEMONIC_IDIV, CF | OF | SF | ZF | AF | PF },
  /* Decimal adjustment. */
  { ZYDIS_MNEMONIC_AAA, OF | SF | ZF | PF },
  { ZYDIS_MNEMONIC_AAS, OF | SF | ZF | PF },
  { ZYDIS_MNEMONIC_AAM, OF | AF | CF },
  { ZYDIS_MNEMONIC_AAD, OF | AF | CF },
  { ZYDIS_MNEMONIC_DAA, OF },
  { ZYDIS_MNEMONIC_DAS, OF },
};

/* The count that a shift or rotate uses, before it is taken modulo the operand size. */
static unsigned
shift_count (const Decoded *d, unsigned operand, const State *in)
{
  const ZydisDecodedOperand *op = &d->op[operand];
  unsigned count = op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? (unsigned) op->imm.value.u : (unsigned) in->gpr[RCX];
  return count & (d->op[0].size == 64 ? 63 : 31);
}

/* SAL/SAR/SHL/SHR: "The CF flag ... is undefined for SHL and SHR instructions where the count is greater than or equal
 * to the size (in bits) of the destination operand. The OF flag is affected only for 1-bit shifts; otherwise it is
 * undefined.
 * ... For a non-zero count, the AF flag is undefined." */
static uint32_t
undefined_shift (const Decoded *d, const State *in)
{
  unsigned count = shift_count (d, 1, in);
  if (count == 0)
    return 0;
  bool arithmetic = d->insn.mnemonic == ZYDIS_MNEMONIC_SAR;
  return AF | (count > 1 ? OF : 0) | (!arithmetic && count >= d->op[0].size ? CF : 0);
}

/* RCL/RCR/ROL/ROR: "The OF flag is undefined except for the 1-bit rotates (a rotate by zero bits does nothing)." The
 * count is masked first; RCL and RCR of bytes and words then take it modulo 9 or 17. */
static uint32_t
undefined_rotate (const Decoded *d, const State *in)
{
  return shift_count (d, 1, in) > 1 ? OF : 0;
}

/* SHLD/SHRD: "For shifts greater than 1 bit, the OF flag is undefined. If a shift occurs, the AF flag is undefined. If
 * the count operand is greater than the operand size, the flags are undefined" - and so is the destination:
 * undefined_result(). */
static uint32_t
undefined_double_shift (const Decoded *d, const State *in)
{
  unsigned count = shift_count (d, 2, in);
  if (count > d->op[0].size)
    return CF | PF | AF | ZF | SF | OF;
  return count == 0 ? 0 : AF | (count > 1 ? OF : 0);
}

static uint32_t
undefined_rflags (const Decoded *d, const State *in)
{
  switch (d->insn.mnemonic)
    {
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
      return undefined_shift (d, in);
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR:
      return undefined_rotate (d, in);
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
      return undefined_double_shift (d, in);
    default:
      for (unsigned i = 0; i < G_N_ELEMENTS (undefined_flags); i++)
        if (undefined_flags[i].mnemonic == d->insn.mnemonic)
          return undefined_flags[i].flags;
      return 0;
    }
}

/* x87 condition codes: SDM volume 2, "FPU Flags Affected"; C0..C3 are bits 8, 9, 10, 14 of the status word. */
#define C0 0x0100
#define C1 0x0200
#define C2 0x0400
#define C3 0x4000

static uint16_t
undefined_fsw (const Decoded *d)
{
  const ZydisAccessedFlags *flags = d->insn.fpu_flags;
  if (flags == NULL)
    return 0;
  return (flags->undefined & ZYDIS_FPUFLAG_C0 ? C0 : 0) | (flags->undefined & ZYDIS_FPUFLAG_C1 ? C1 : 0)
         | (flags->undefined & ZYDIS_FPUFLAG_C2 ? C2 : 0) | (flags->undefined & ZYDIS_FPUFLAG_C3 ? C3 : 0);
}

Undefined
undefined_after (const Decoded *d, const State *in)
{
  return (Undefined) { undefined_rflags (d, in), undefined_fsw (d) };
}

bool
undefined_result (const Decoded *d, const State *in)
{
  if (d->insn.mnemonic != ZYDIS_MNEMONIC_SHLD && d->insn.mnemonic != ZYDIS_MNEMONIC_SHRD)
    return false;
  return shift_count (d, 2, in) > d->op[0].size;
}
