/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each rule names the instructions, says what is left open, and why. Nothing else in the tests looks at the maker.
 *
 * The interpreter does what was observed on AMD's family 19h (EPYC, Zen 4) wherever the manuals leave a choice. The
 * rules for Intel's hosts are what a Xeon of the fourth generation (Sapphire Rapids) was observed to do instead. They
 * do not apply on other hosts, and check as much of the difference as is known.
 */
#include "vendor.h"

#include "xarea.h"

#include <cpuid.h>
#include <string.h>

#define FSW_IE 0x0001u
#define FSW_DE 0x0002u
#define FSW_EXCEPTIONS 0x003fu
#define FSW_ES 0x0080u
#define FSW_C0 0x0100u
#define FSW_C1 0x0200u
#define FSW_C2 0x0400u
#define FSW_C3 0x4000u
#define FSW_TOP 0x3800u

#define MXCSR_FLAGS 0x003fu
#define MXCSR_UE 0x0010u
#define MXCSR_PE 0x0020u
#define MXCSR_UM 0x0800u
#define MXCSR_RESERVED 0xffff0000u

#define RFLAGS_RF 0x10000u
#define RFLAGS_ARITH 0x8d5u

#define ERROR_WRITE 2u
#define ERROR_USER 4u

#define VECTOR_BR 5u
#define VECTOR_UD 6u
#define VECTOR_SS 12u
#define VECTOR_GP 13u
#define VECTOR_PF 14u
#define VECTOR_XM 19u

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

/* --- Intel's hosts ------------------------------------------------------------------------------------------------ */

static bool
host_is_intel (void)
{
  static int known = -1;
  unsigned a, b = 0, c, d;
  if (known < 0)
    known = __get_cpuid (0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
  return known;
}

/* The host's fault instead of ours, where both have not changed anything. */
static void
take_fault (const Pair *p)
{
  p->got->vector = p->want->vector;
  p->got->error_code = p->want->error_code;
  p->got->cr2 = p->want->cr2;
}

/* The host has completed the instruction, and we have not: what is not a register of the FPU becomes as it is there. */
static bool
take_completion (const Pair *p)
{
  if (p->want->vector != NO_VECTOR || p->want->out.rip != p->c->in.rip + p->c->insn_len[0])
    return false;
  take_fault (p);
  p->got->out.rip = p->want->out.rip;
  p->got->out.rflags &= ~(uint64_t) RFLAGS_RF;
  return true;
}

static bool
fault_inside (const Result *r, uint64_t at, uint64_t len)
{
  return r->vector == VECTOR_PF && r->cr2 - at < len;
}

/* 32-bit code, an operand that goes on behind 4 GiB: with a limit of FFFFFFFF, "accesses may or may not cause the
 * indicated exceptions" (SDM volume 3A, 5.3). AMD has #GP or #SS, Intel goes on to the pages, none of which is
 * there. */
static void
behind_4g (const Pair *p)
{
  const Result *want = p->want, *got = p->got;
  if (p->c->mode == MODE_32 && p->c->n_insns == 1 && (got->vector == VECTOR_GP || got->vector == VECTOR_SS)
      && got->error_code == 0 && fault_inside (want, UINT64_C (0x100000000) - p->c->mem_len, p->c->mem_len)
      && (want->error_code & ~ERROR_WRITE) == ERROR_USER)
    take_fault (p);
}

/* Stores of an MMX register: TOP is already zero when the store faults. */
static void
mmx_store (const Pair *p)
{
  uint8_t *got = p->got->out.xarea, st[8][16];
  uint16_t fsw = xarea_get16 (got, XAREA_FSW);
  if (!address_fault (p->want) || !address_fault (p->got) || want_fsw (p) != (fsw & ~FSW_TOP))
    return;
  memcpy (st, got + XAREA_ST, sizeof st);
  for (unsigned i = 0; i < 8; i++)
    memcpy (got + XAREA_ST + 16 * i, st[(i - (fsw >> 11)) & 7], 16);
  xarea_put16 (got, XAREA_FSW, fsw & ~FSW_TOP);
}

/* x87 stores: an unmasked exception keeps them from memory, so that the address is not looked at. AMD does that
 * first. */
static void
x87_store (const Pair *p)
{
  uint8_t *got = p->got->out.xarea;
  uint16_t fcw = xarea_get16 (got, XAREA_FCW), changes = xarea_get16 (got, XAREA_FSW) ^ want_fsw (p);
  if (!address_fault (p->got) || !(changes & FSW_ES) || !(want_fsw (p) & FSW_ES) || (changes & FSW_TOP)
      || !(changes & FSW_EXCEPTIONS & ~fcw) || !take_completion (p))
    return;
  xarea_put16 (got, XAREA_FSW, want_fsw (p));
  memcpy (got + XAREA_FOP, p->want->out.xarea + XAREA_FOP, XAREA_MXCSR - XAREA_FOP);
}

/* VCVTPS2PH to memory: the conversion's exceptions come before the store's, and their flags stay when the store faults.
 * With underflow unmasked, PE tells about the half that would have been delivered; with the interpreter, which agrees
 * with AMD, about a result whose exponent has no bounds. */
static void
convert_to_half (const Pair *p)
{
  uint32_t want = xarea_get32 (p->want->out.xarea, XAREA_MXCSR), got = xarea_get32 (p->got->out.xarea, XAREA_MXCSR);
  uint32_t more = want ^ got;
  bool unmasked = (want & MXCSR_FLAGS & ~(want >> 7)) != 0;
  if ((want & more) != more || (more & ~MXCSR_FLAGS))
    return;
  if (address_fault (p->got) && p->want->vector == VECTOR_XM && unmasked)
    take_fault (p);
  else if (!(address_fault (p->got) && p->got->vector == p->want->vector)
           && !(p->want->vector == VECTOR_XM && p->got->vector == VECTOR_XM && more == MXCSR_PE && (want & MXCSR_UE)
                && !(want & MXCSR_UM)))
    return;
  xarea_put32 (p->got->out.xarea, XAREA_MXCSR, want);
}

/* MOVSXD with 16 bits: the SDM has a source of 16 bits. AMD reads 32. */
static void
movsxd16 (const Pair *p)
{
  if (fault_inside (p->got, p->c->mem_at + 2, 2) && take_completion (p))
    memcpy (p->got->out.gpr, p->want->out.gpr, sizeof p->got->out.gpr);
}

/* POP of a segment register: two bytes are read, AMD reads the whole operand. */
static void
pop_segment (const Pair *p)
{
  if (fault_inside (p->got, p->c->in.gpr[RSP] + 2, p->c->mem_len - 2))
    *p->got = *p->want;
}

/* BOUND: the lower bound is compared before the upper one is read. */
static void
bound (const Pair *p)
{
  if (p->want->vector == VECTOR_BR && fault_inside (p->got, p->c->mem_at + p->c->mem_len / 2, p->c->mem_len / 2))
    take_fault (p);
}

/* SHA: memory has to be aligned as with other SSE instructions (SDM volume 2, exceptions of type 4); AMD does not
 * ask. */
static void
sha_alignment (const Pair *p)
{
  if (!p->c->misaligned || p->want->vector != VECTOR_GP || p->want->error_code != 0
      || (p->got->vector != NO_VECTOR && p->got->vector != VECTOR_PF))
    return;
  take_fault (p);
  p->got->out.rip = p->c->in.rip;
  memcpy (p->got->out.xarea + XAREA_XMM, p->c->in.xarea + XAREA_XMM, 256);
}

/* CALL to an address that is not canonical: the return address has been pushed. */
static void
call_pushes (const Pair *p)
{
  uint64_t at = p->c->in.gpr[RSP] - 8 - LAYOUT_WINDOW, next = p->c->in.rip + p->c->insn_len[0];
  if (p->want->vector == VECTOR_GP && p->got->vector == VECTOR_GP && at <= LAYOUT_WINDOW_RW_SIZE - 8
      && memcmp (p->want_window + at, &next, 8) == 0)
    memcpy (p->got_window + at, &next, 8);
}

/* Gathers: also when an element's address is not canonical. */
static void
gather_canonical (const Pair *p)
{
  if (p->want->vector != p->got->vector || !address_fault (p->want))
    return;
  memcpy (p->got->out.xarea + XAREA_XMM, p->want->out.xarea + XAREA_XMM, 256);
  memcpy (p->got->out.xarea + XAREA_YMM, p->want->out.xarea + XAREA_YMM, 256);
}

/* VMASKMOV and VPMASKMOV to memory across two pages, the second of which faults: reported is the last byte of the last
 * element that the mask selects. */
static void
masked_move (const Pair *p)
{
  if (fault_inside (p->want, p->c->mem_at, p->c->mem_len) && p->got->vector == VECTOR_PF && p->want->cr2 > p->got->cr2
      && p->want->cr2 >> 12 == p->got->cr2 >> 12 && (p->want->cr2 + 1 - p->c->mem_at) % 4 == 0)
    p->got->cr2 = p->want->cr2;
}

/* VMASKMOV and VPMASKMOV with 32-bit addresses in 64-bit code: the operand goes on behind 4 GiB, as others do. On AMD's
 * family 19h each element's offset is taken modulo 4 GiB; not any more on its family 1Ah. */
static void
masked_wrap (const Pair *p)
{
  uint64_t behind = UINT64_C (0x100000000) + p->got->cr2;
  if (p->got->vector == VECTOR_PF && fault_inside (p->want, behind, 8)
      && fault_inside (p->want, p->c->mem_at, p->c->mem_len))
    p->got->cr2 = p->want->cr2;
}

/* XRSTOR: the whole area has to be there, up to the last component that is asked for - also those that the host has and
 * the interpreter lacks; AMD wants only those that XSTATE_BV names. */
static void
xrstor_area (const Pair *p)
{
  uint64_t components = p->c->in.gpr[RAX] | p->c->in.gpr[RDX] << 32;
  if (components > 7 && p->c->mem_at % 64 == 0 && fault_inside (p->want, p->c->mem_at + XAREA_SIZE, 0x4000))
    *p->got = *p->want;
}

/* XRSTOR with reserved bits in the image's MXCSR: other registers have been loaded when #GP comes. */
static void
xrstor_mxcsr (const Pair *p)
{
  uint64_t at = p->c->mem_at - LAYOUT_WINDOW;
  if (p->want->vector != VECTOR_GP || p->got->vector != VECTOR_GP || at % 64 != 0
      || at > LAYOUT_WINDOW_SIZE - XAREA_SIZE || !(xarea_get32 (p->want_window + at, XAREA_MXCSR) & MXCSR_RESERVED)
      || xarea_get32 (p->want->out.xarea, XAREA_MXCSR) != xarea_get32 (p->got->out.xarea, XAREA_MXCSR))
    return;
  memcpy (p->got->out.xarea, p->want->out.xarea, XAREA_SIZE);
}

/* REP with 32-bit addresses in 64-bit code: the upper halves of the registers are zero after any of it, also when
 * nothing was done. AMD leaves them until a register is written. */
static void
rep_upper_halves (const Pair *p)
{
  static const uint8_t registers[] = { RCX, RSI, RDI };
  for (unsigned i = 0; i < sizeof registers; i++)
    if (p->want->out.gpr[registers[i]] == (uint32_t) p->got->out.gpr[registers[i]])
      p->got->out.gpr[registers[i]] = p->want->out.gpr[registers[i]];
}

/* REPE and REPNE CMPS and SCAS that fault: EFLAGS are those from before the instruction (SDM volume 2, REP). AMD has
 * those of the last iteration. */
static void
rep_compare_flags (const Pair *p)
{
  if (address_fault (p->want) && address_fault (p->got)
      && ((p->want->out.rflags ^ p->c->in.rflags) & RFLAGS_ARITH) == 0)
    p->got->out.rflags = (p->got->out.rflags & ~(uint64_t) RFLAGS_ARITH) | (p->want->out.rflags & RFLAGS_ARITH);
}

/* --- Rules and instructions --------------------------------------------------------------------------------------- */

typedef enum
{
  EVERYONE,
  INTEL,
} Maker;

static const struct
{
  void        (*excuse) (const Pair *p);
  ZydisMnemonic mnemonics[20];
  Maker         maker;         /* of the hosts where it applies */
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
  { gather_canonical,
    { ZYDIS_MNEMONIC_VGATHERDPD, ZYDIS_MNEMONIC_VGATHERDPS, ZYDIS_MNEMONIC_VGATHERQPD, ZYDIS_MNEMONIC_VGATHERQPS,
      ZYDIS_MNEMONIC_VPGATHERDD, ZYDIS_MNEMONIC_VPGATHERDQ, ZYDIS_MNEMONIC_VPGATHERQD, ZYDIS_MNEMONIC_VPGATHERQQ },
    INTEL },
  { mmx_store, { ZYDIS_MNEMONIC_MOVD, ZYDIS_MNEMONIC_MOVQ, ZYDIS_MNEMONIC_MOVNTQ }, INTEL },
  { x87_store,
    { ZYDIS_MNEMONIC_FST, ZYDIS_MNEMONIC_FSTP, ZYDIS_MNEMONIC_FIST, ZYDIS_MNEMONIC_FISTP, ZYDIS_MNEMONIC_FISTTP,
      ZYDIS_MNEMONIC_FBSTP },
    INTEL },
  { convert_to_half, { ZYDIS_MNEMONIC_VCVTPS2PH }, INTEL },
  { movsxd16, { ZYDIS_MNEMONIC_MOVSXD }, INTEL },
  { pop_segment, { ZYDIS_MNEMONIC_POP }, INTEL },
  { bound, { ZYDIS_MNEMONIC_BOUND }, INTEL },
  { sha_alignment,
    { ZYDIS_MNEMONIC_SHA1MSG1, ZYDIS_MNEMONIC_SHA1MSG2, ZYDIS_MNEMONIC_SHA1NEXTE, ZYDIS_MNEMONIC_SHA1RNDS4,
      ZYDIS_MNEMONIC_SHA256MSG1, ZYDIS_MNEMONIC_SHA256MSG2, ZYDIS_MNEMONIC_SHA256RNDS2 },
    INTEL },
  { call_pushes, { ZYDIS_MNEMONIC_CALL }, INTEL },
  { masked_move,
    { ZYDIS_MNEMONIC_VMASKMOVPS, ZYDIS_MNEMONIC_VMASKMOVPD, ZYDIS_MNEMONIC_VPMASKMOVD, ZYDIS_MNEMONIC_VPMASKMOVQ },
    INTEL },
  { masked_wrap,
    { ZYDIS_MNEMONIC_VMASKMOVPS, ZYDIS_MNEMONIC_VMASKMOVPD, ZYDIS_MNEMONIC_VPMASKMOVD, ZYDIS_MNEMONIC_VPMASKMOVQ } },
  { xrstor_area, { ZYDIS_MNEMONIC_XRSTOR, ZYDIS_MNEMONIC_XRSTOR64 }, INTEL },
  { xrstor_mxcsr, { ZYDIS_MNEMONIC_XRSTOR, ZYDIS_MNEMONIC_XRSTOR64 }, INTEL },
  { rep_upper_halves,
    { ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD, ZYDIS_MNEMONIC_CMPSQ, ZYDIS_MNEMONIC_MOVSB,
      ZYDIS_MNEMONIC_MOVSW, ZYDIS_MNEMONIC_MOVSD, ZYDIS_MNEMONIC_MOVSQ, ZYDIS_MNEMONIC_SCASB, ZYDIS_MNEMONIC_SCASW,
      ZYDIS_MNEMONIC_SCASD, ZYDIS_MNEMONIC_SCASQ, ZYDIS_MNEMONIC_LODSB, ZYDIS_MNEMONIC_LODSW, ZYDIS_MNEMONIC_LODSD,
      ZYDIS_MNEMONIC_LODSQ, ZYDIS_MNEMONIC_STOSB, ZYDIS_MNEMONIC_STOSW, ZYDIS_MNEMONIC_STOSD, ZYDIS_MNEMONIC_STOSQ },
    INTEL },
  { rep_compare_flags,
    { ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD, ZYDIS_MNEMONIC_CMPSQ, ZYDIS_MNEMONIC_SCASB,
      ZYDIS_MNEMONIC_SCASW, ZYDIS_MNEMONIC_SCASD, ZYDIS_MNEMONIC_SCASQ },
    INTEL },
};
G_STATIC_ASSERT (G_N_ELEMENTS (rules) <= 32); /* bits of Case.vendor */

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
repeated (const Decoded *d)
{
  return (d->insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0;
}

static bool
is_register (const ZydisDecodedOperand *op, ZydisRegisterClass rc)
{
  return op->type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass (op->reg.value) == rc;
}

static bool
intel_rule_applies (unsigned rule, const Decoded *d)
{
  void (*excuse) (const Pair *p) = rules[rule].excuse;
  bool long_mode = d->insn.machine_mode == ZYDIS_MACHINE_MODE_LONG_64;
  if (!host_is_intel ())
    return false;
  if (excuse == mmx_store)
    return d->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && is_register (&d->op[1], ZYDIS_REGCLASS_MMX);
  if (excuse == x87_store || excuse == masked_move)
    return d->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
  if (excuse == movsxd16)
    return d->op[0].size == 16 && d->op[1].type == ZYDIS_OPERAND_TYPE_MEMORY;
  if (excuse == pop_segment)
    return is_register (&d->op[0], ZYDIS_REGCLASS_SEGMENT);
  if (excuse == sha_alignment)
    return d->op[1].type == ZYDIS_OPERAND_TYPE_MEMORY;
  if (excuse == call_pushes)
    return long_mode && d->op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE;
  if (excuse == masked_wrap)
    return long_mode && d->insn.address_width == 32;
  if (excuse == rep_upper_halves)
    return applies (d) && repeated (d) && long_mode && d->insn.address_width == 32;
  if (excuse == rep_compare_flags)
    return applies (d) && repeated (d);
  return true;
}

static bool
rule_applies (unsigned rule, const Decoded *d)
{
  if (rules[rule].maker == INTEL)
    return intel_rule_applies (rule, d);
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

static bool
has_prefix (const Decoded *d, uint8_t prefix)
{
  for (unsigned i = 0; i < d->insn.raw.prefix_count; i++)
    if (d->insn.raw.prefixes[i].value == prefix)
      return true;
  return false;
}

bool
vendor_avoids (const Decoded *d, bool sequence)
{
  if (!host_is_intel ())
    return false;
  switch (d->insn.mnemonic)
    {
    /* AMD takes a REP prefix for the condition, Intel ignores it. */
    case ZYDIS_MNEMONIC_LOOPE:
      return has_prefix (d, 0xf2);
    case ZYDIS_MNEMONIC_LOOPNE:
      return has_prefix (d, 0xf3);
    /* AMD takes F3 90 with REX.B for XCHG R8, RAX; Intel for PAUSE. */
    case ZYDIS_MNEMONIC_PAUSE:
      return (d->insn.attributes & ZYDIS_ATTRIB_HAS_REX) && d->insn.raw.rex.B;
    /* #GP. The bases of a sequence's operands are aligned; string instructions move two of them. */
    default:
      return sequence && d->insn.meta.isa_set == ZYDIS_ISA_SET_SHA && d->op[1].type == ZYDIS_OPERAND_TYPE_MEMORY
             && (d->insn.raw.disp.value % 16 != 0 || ZydisRegisterGetId (d->op[1].mem.base) >= RSI);
    }
}

void
vendor_excuse (const Case *c, const Result *want, Result *got, const uint8_t *want_window, uint8_t *got_window)
{
  Pair pair = { c, want, got, want_window, got_window };
  alignment_or_segment (&pair);
  data_pointer (&pair);
  too_long (&pair);
  if (host_is_intel ())
    behind_4g (&pair);
  for (unsigned i = 0; i < G_N_ELEMENTS (rules); i++)
    if (c->vendor >> i & 1)
      rules[i].excuse (&pair);
}
