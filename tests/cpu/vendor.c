/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each rule names the instructions, says what is left open, and why. Nothing else in the tests looks at the maker. */
#include "vendor.h"

#include "xarea.h"

#include <string.h>

#define FSW_IE 0x0001u
#define FSW_DE 0x0002u
#define FSW_ES 0x0080u
#define FSW_C0 0x0100u
#define FSW_C1 0x0200u
#define FSW_C2 0x0400u
#define FSW_C3 0x4000u

#define VECTOR_UD 6u
#define VECTOR_SS 12u
#define VECTOR_GP 13u
#define VECTOR_PF 14u

typedef struct
{
  const Case    *c;
  const Result  *want;
  Result        *got;
  const uint8_t *want_window;
  uint8_t       *got_window;
} Pair;

static uint16_t
want_fsw (const Pair *p)
{
  return xarea_get16 (p->want->out.xarea, XAREA_FSW);
}

static void
ignore_fsw (const Pair *p, uint16_t mask)
{
  uint16_t got = xarea_get16 (p->got->out.xarea, XAREA_FSW);
  xarea_put16 (p->got->out.xarea, XAREA_FSW, (got & ~mask) | (want_fsw (p) & mask));
}

/* Compare with an unmasked exception: the SDM leaves the condition codes as they were, AMD sets them. */
static void
compare_with_exception (const Pair *p)
{
  if (want_fsw (p) & FSW_ES)
    ignore_fsw (p, FSW_C0 | FSW_C2 | FSW_C3);
}

/* FCOMI, FUCOMI: the SDM clears C1, AMD leaves it. With an unmasked exception the SDM leaves EFLAGS, AMD sets them. */
static void
compare_to_rflags (const Pair *p)
{
  ignore_fsw (p, FSW_C1);
  if (want_fsw (p) & FSW_ES)
    p->got->out.rflags = p->want->out.rflags;
}

/* FCMOVcc: C1 is cleared on stack underflow; otherwise the SDM says nothing, AMD leaves it, Intel's processors clear
 * it. */
static void
conditional_move (const Pair *p)
{
  ignore_fsw (p, FSW_C1);
}

/* FLD of a denormal in single or double format, #D unmasked: AMD pushes the value, Intel does not. */
static void
load_denormal (const Pair *p)
{
  uint16_t fcw = xarea_get16 (p->c->in.xarea, XAREA_FCW);
  if ((want_fsw (p) & (FSW_ES | FSW_DE)) == (FSW_ES | FSW_DE) && !(fcw & FSW_DE))
    {
      memcpy (p->got->out.xarea, p->want->out.xarea, XAREA_XMM);
      p->got->out.xarea[XAREA_FTW] = p->want->out.xarea[XAREA_FTW];
    }
}

/* FPREM without a quotient: C0, C1 and C3 would hold its low bits. */
static void
remainder_invalid (const Pair *p)
{
  if (want_fsw (p) & (FSW_IE | FSW_ES))
    ignore_fsw (p, FSW_C0 | FSW_C1 | FSW_C2 | FSW_C3);
}

/* FSIN and its like: C2 after an exception. */
static void
trigonometric_exception (const Pair *p)
{
  if (want_fsw (p) & (FSW_IE | FSW_ES))
    ignore_fsw (p, FSW_C2);
}

static bool
address_fault (const Result *r)
{
  return r->vector >= VECTOR_SS && r->vector <= VECTOR_PF;
}

/* Accesses made of several parts: which of them faults first, and what was stored before, is the processor's own. */
static void
many_parts (const Pair *p)
{
  if (!address_fault (p->want) || !address_fault (p->got))
    return;
  p->got->vector = p->want->vector;
  p->got->error_code = p->want->error_code;
  p->got->cr2 = p->want->cr2;
  memcpy (p->got_window, p->want_window, LAYOUT_WINDOW_SIZE);
}

/* POPA: registers loaded before the fault (RSP still points to them). */
static void
pop_all (const Pair *p)
{
  if (p->want->vector != VECTOR_PF || p->got->vector != VECTOR_PF || p->want->out.gpr[RSP] != p->got->out.gpr[RSP])
    return;
  memcpy (p->got->out.gpr, p->want->out.gpr, sizeof p->got->out.gpr);
}

/* MASKMOVQ, MASKMOVDQU, VMASKMOVDQU: whether bytes that are not selected can fault, and the address that is reported.
 */
static void
masked_store (const Pair *p)
{
  if (p->want->vector != VECTOR_PF && p->got->vector != VECTOR_PF)
    return;
  *p->got = *p->want;
  memcpy (p->got_window, p->want_window, LAYOUT_WINDOW_SIZE);
}

/* Gathers: "individual elements closer to the MSB may or may not be completed" when one faults. */
static void
gather (const Pair *p)
{
  if (p->want->vector != VECTOR_PF || p->got->vector != VECTOR_PF)
    return;
  memcpy (p->got->out.xarea + XAREA_XMM, p->want->out.xarea + XAREA_XMM, 256);
  memcpy (p->got->out.xarea + XAREA_YMM, p->want->out.xarea + XAREA_YMM, 256);
}

/* CMPS and MOVS with two operands that fault, far pointers across the end of a segment: which is reported (the host's
 * choice depends on the prefix of CMPS). PUSH of a
 * segment register with 32 bits: 2 or 4 bytes are stored, so that they may cross another limit. */
static void
either_fault (const Pair *p)
{
  if (!address_fault (p->want) || !address_fault (p->got))
    return;
  if (p->want->vector != VECTOR_PF && p->want->vector == p->got->vector)
    return;
  p->got->vector = p->want->vector;
  p->got->error_code = p->want->error_code;
  p->got->cr2 = p->want->cr2;
}

/* FLDENV, FRSTOR with 16 bits: the format has no FOP; the SDM does not say what becomes of it, AMD clears it. */
static void
environment16 (const Pair *p)
{
  memcpy (p->got->out.xarea + XAREA_FOP, p->want->out.xarea + XAREA_FOP, 2);
}

/* LAR: "00FxFF00H, where x is undefined" (SDM). It writes one register. */
static void
access_rights (const Pair *p)
{
  for (unsigned i = 0; i < 16; i++)
    if (((p->want->out.gpr[i] ^ p->got->out.gpr[i]) & ~UINT64_C (0xf0000)) == 0)
      p->got->out.gpr[i] = p->want->out.gpr[i];
}

static const struct
{
  void        (*excuse) (const Pair *p);
  ZydisMnemonic mnemonics[20];
} rules[] = {
  { compare_with_exception,
    { ZYDIS_MNEMONIC_FCOM, ZYDIS_MNEMONIC_FCOMP, ZYDIS_MNEMONIC_FCOMPP, ZYDIS_MNEMONIC_FUCOM, ZYDIS_MNEMONIC_FUCOMP,
      ZYDIS_MNEMONIC_FUCOMPP, ZYDIS_MNEMONIC_FICOM, ZYDIS_MNEMONIC_FICOMP, ZYDIS_MNEMONIC_FTST } },
  { compare_to_rflags, { ZYDIS_MNEMONIC_FCOMI, ZYDIS_MNEMONIC_FCOMIP, ZYDIS_MNEMONIC_FUCOMI, ZYDIS_MNEMONIC_FUCOMIP } },
  { conditional_move,
    { ZYDIS_MNEMONIC_FCMOVB, ZYDIS_MNEMONIC_FCMOVE, ZYDIS_MNEMONIC_FCMOVBE, ZYDIS_MNEMONIC_FCMOVU,
      ZYDIS_MNEMONIC_FCMOVNB, ZYDIS_MNEMONIC_FCMOVNE, ZYDIS_MNEMONIC_FCMOVNBE, ZYDIS_MNEMONIC_FCMOVNU } },
  { load_denormal, { ZYDIS_MNEMONIC_FLD } },
  { remainder_invalid, { ZYDIS_MNEMONIC_FPREM, ZYDIS_MNEMONIC_FPREM1 } },
  { trigonometric_exception,
    { ZYDIS_MNEMONIC_FSIN, ZYDIS_MNEMONIC_FCOS, ZYDIS_MNEMONIC_FSINCOS, ZYDIS_MNEMONIC_FPTAN } },
  { many_parts,
    { ZYDIS_MNEMONIC_PUSHA, ZYDIS_MNEMONIC_PUSHAD, ZYDIS_MNEMONIC_ENTER, ZYDIS_MNEMONIC_FBLD, ZYDIS_MNEMONIC_FBSTP,
      ZYDIS_MNEMONIC_FLD, ZYDIS_MNEMONIC_FSTP, ZYDIS_MNEMONIC_FLDENV, ZYDIS_MNEMONIC_FNSTENV, ZYDIS_MNEMONIC_FNSAVE,
      ZYDIS_MNEMONIC_FRSTOR, ZYDIS_MNEMONIC_FXSAVE, ZYDIS_MNEMONIC_FXSAVE64, ZYDIS_MNEMONIC_FXRSTOR,
      ZYDIS_MNEMONIC_FXRSTOR64, ZYDIS_MNEMONIC_XRSTOR, ZYDIS_MNEMONIC_XRSTOR64 } },
  { either_fault,
    { ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD, ZYDIS_MNEMONIC_CMPSQ, ZYDIS_MNEMONIC_MOVSB,
      ZYDIS_MNEMONIC_LDS, ZYDIS_MNEMONIC_LES, ZYDIS_MNEMONIC_LFS, ZYDIS_MNEMONIC_LGS, ZYDIS_MNEMONIC_LSS,
      ZYDIS_MNEMONIC_MOVSW, ZYDIS_MNEMONIC_MOVSD, ZYDIS_MNEMONIC_MOVSQ, ZYDIS_MNEMONIC_PUSH } },
  { environment16, { ZYDIS_MNEMONIC_FLDENV, ZYDIS_MNEMONIC_FRSTOR } },
  { access_rights, { ZYDIS_MNEMONIC_LAR } },
  { pop_all, { ZYDIS_MNEMONIC_POPA, ZYDIS_MNEMONIC_POPAD } },
  { masked_store, { ZYDIS_MNEMONIC_MASKMOVQ, ZYDIS_MNEMONIC_MASKMOVDQU, ZYDIS_MNEMONIC_VMASKMOVDQU } },
  { gather,
    { ZYDIS_MNEMONIC_VGATHERDPD, ZYDIS_MNEMONIC_VGATHERDPS, ZYDIS_MNEMONIC_VGATHERQPD, ZYDIS_MNEMONIC_VGATHERQPS,
      ZYDIS_MNEMONIC_VPGATHERDD, ZYDIS_MNEMONIC_VPGATHERDQ, ZYDIS_MNEMONIC_VPGATHERQD, ZYDIS_MNEMONIC_VPGATHERQQ } },
};

/* A stack-segment operand that is neither aligned, where it has to be, nor canonical: #GP or #SS. */
static void
alignment_or_segment (const Pair *p)
{
  if (p->c->misaligned && p->want->vector + p->got->vector == VECTOR_SS + VECTOR_GP)
    p->got->vector = p->want->vector;
}

/* "Undefined if the last instruction had no memory operand" (SDM volume 1, 8.1.8). */
static void
data_pointer (const Pair *p)
{
  if (p->c->no_memory)
    memcpy (p->got->out.xarea + XAREA_FDP, p->want->out.xarea + XAREA_FDP, 8);
}

/* Neither defined nor at most 15 bytes long: #UD or #GP. */
static void
too_long (const Pair *p)
{
  if (p->c->maybe_too_long && p->want->vector == VECTOR_GP && p->got->vector == VECTOR_UD)
    p->got->vector = p->want->vector;
}

static bool
applies (const Decoded *d)
{
  switch (d->insn.mnemonic)
    {
    case ZYDIS_MNEMONIC_PUSH:
      return d->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER
             && ZydisRegisterGetClass (d->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_CMPSD:   /* string or SSE2 */
      return d->insn.meta.category == ZYDIS_CATEGORY_STRINGOP;
    default:
      return true;
    }
}

static bool
rule_applies (unsigned rule, const Decoded *d)
{
  if (rules[rule].excuse == environment16)
    return d->insn.operand_width == 16;
  if (rules[rule].excuse == many_parts)
    return d->op[0].size > 64 || d->op[1].size > 64 || d->insn.meta.isa_set != ZYDIS_ISA_SET_X87;
  return applies (d);
}

uint32_t
vendor_rules (const Decoded *d)
{
  uint32_t set = 0;
  for (unsigned i = 0; i < G_N_ELEMENTS (rules); i++)
    for (unsigned k = 0; k < G_N_ELEMENTS (rules[i].mnemonics); k++)
      if (rules[i].mnemonics[k] == d->insn.mnemonic && rule_applies (i, d))
        set |= 1u << i;
  return set;
}

void
vendor_excuse (const Case *c, const Result *want, Result *got, const uint8_t *want_window, uint8_t *got_window)
{
  Pair pair = { c, want, got, want_window, got_window };
  alignment_or_segment (&pair);
  data_pointer (&pair);
  too_long (&pair);
  for (unsigned i = 0; i < G_N_ELEMENTS (rules); i++)
    if (c->vendor >> i & 1)
      rules[i].excuse (&pair);
}
