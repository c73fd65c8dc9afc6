/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fused multiply-add and half-precision conversion (SDM volume 1, 14.4 and 14.5). */
#include <Zydis/Zydis.h>

#include "simd.h"

/* The three operand orders of each element type. */
#define ORDERS(X, op, o, element, e, driver, size)                                                                       \
  X (V##op##132##element, v##o##132##e, driver, size)                                                                    \
  X (V##op##213##element, v##o##213##e, driver, size)                                                                    \
  X (V##op##231##element, v##o##231##e, driver, size)
#define PACKED(X, op, o) ORDERS (X, op, o, PS, ps, packed, 0) ORDERS (X, op, o, PD, pd, packed, 0)
#define SCALAR(X, op, o) ORDERS (X, op, o, SS, ss, scalar, 4) ORDERS (X, op, o, SD, sd, scalar, 8)

#define FMA(X)                                                                                                           \
  PACKED (X, FMADD, fmadd) SCALAR (X, FMADD, fmadd)                                                                      \
  PACKED (X, FMSUB, fmsub) SCALAR (X, FMSUB, fmsub)                                                                      \
  PACKED (X, FNMADD, fnmadd) SCALAR (X, FNMADD, fnmadd)                                                                  \
  PACKED (X, FNMSUB, fnmsub) SCALAR (X, FNMSUB, fnmsub)                                                                  \
  PACKED (X, FMADDSUB, fmaddsub) PACKED (X, FMSUBADD, fmsubadd)

typedef __m128i (*Kernel) (__m128i first, __m128i second, __m128i third);

VT_INLINE void
packed (VtX86Cpu *cpu, const VtX86Insn *insn, Kernel kernel, unsigned size)
{
  avx_enter (cpu);
  VtVec third = vec_source (cpu, insn, 2, insn->veclen);
  const VtVec *first = vec_reg (cpu, insn->reg[0]), *second = vec_reg (cpu, insn->reg[1]);
  __m128i low, high = _mm_setzero_si128 ();

  fp_begin (cpu);
  low = kernel (first->half[0], second->half[0], third.half[0]);
  if (insn->veclen == 32)
    high = kernel (first->half[1], second->half[1], third.half[1]);
  fp_end (cpu, insn);
  vec_write (cpu, insn, low, high);
}

VT_INLINE void
scalar (VtX86Cpu *cpu, const VtX86Insn *insn, Kernel kernel, unsigned size)
{
  avx_enter (cpu);
  VtVec third = vec_source (cpu, insn, 2, size);

  fp_begin (cpu);
  __m128i result = kernel (vec_reg (cpu, insn->reg[0])->half[0], vec_reg (cpu, insn->reg[1])->half[0], third.half[0]);
  fp_end (cpu, insn);
  vec_write16 (cpu, insn, result);
}

#define FMA_OP(name, kernel, driver, size) VT_HOST_FMA (kernel) VEC_OP (name, driver, vt_host_##kernel, size)
FMA (FMA_OP)

/* --- Half precision --------------------------------------------------------------------------------------------------------- */

static void
op_VCVTPH2PS (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  __m128i source = vec_source (cpu, insn, 1, insn->veclen / 2).half[0], low, high = _mm_setzero_si128 ();

  fp_begin (cpu);
  low = vt_host_vcvtph2ps (source, source);
  if (insn->veclen == 32)
    high = vt_host_vcvtph2ps (source, _mm_srli_si128 (source, 8));
  fp_end (cpu, insn);
  vec_write (cpu, insn, low, high);
}

/* FTZ does not work on VCVTPS2PH, so the host tells nothing about exact tiny results (host-fp.h); they can be seen. */
static bool
any_subnormal (const VtVec *halves, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    if ((halves->u16[i] & 0x7c00) == 0 && (halves->u16[i] & 0x03ff) != 0)
      return true;
  return false;
}

/* Rounds as imm8 says: mode in bits 1:0, or MXCSR.RC with bit 2. */
static void
op_VCVTPS2PH (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  const VtVec *source = vec_reg (cpu, insn->reg[1]);
  bool memory = insn->kind[0] == VT_OPND_MEM;
  uint64_t linear = memory ? mem_linear (cpu, insn, insn->veclen / 2, VT_WRITE) : 0;
  uint32_t mxcsr = cpu->s.mxcsr;
  VtVec result;

  if (!(insn->imm & 4))
    mxcsr = (mxcsr & ~MXCSR_RC) | (insn->imm & 3) << MXCSR_RC_SHIFT;
  if (memory)
    vt_x86_probe (cpu, linear, insn->veclen / 2, VT_WRITE);
  vt_host_sse_begin (mxcsr);
  result.half[0] = vt_host_vcvtps2ph (source->half[0], source->half[0]);
  if (insn->veclen == 32)
    result.half[0] = _mm_unpacklo_epi64 (result.half[0], vt_host_vcvtps2ph (source->half[1], source->half[1]));
  uint32_t flags = vt_host_sse_end ();
  if (G_UNLIKELY (!(cpu->s.mxcsr & MXCSR_UM)) && any_subnormal (&result, insn->veclen / 4))
    flags |= MXCSR_UE;
  if (flags != 0)
    vt_simd_fp_flags (cpu, insn, flags);
  if (memory)
    vec_store_linear (cpu, linear, insn->veclen / 2, &result);
  else
    vec_write16 (cpu, insn, result.half[0]);
}

#define ROW(name, ...) { ZYDIS_MNEMONIC_##name, op_##name },
const VtX86OpRow vt_x86_ops_fma[] = { FMA (ROW) ROW (VCVTPH2PS) ROW (VCVTPS2PH) { 0, NULL } };
