/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SSE and AVX conversions between integers, single and double precision (SDM volume 1, 10.4.4, 11.4.1.6, 11.6.11). */
#include <Zydis/Zydis.h>

#include "simd.h"

/* --- Packed -------------------------------------------------------------------------------------------------------------- */

#define SAME_WIDTH(X) X (CVTDQ2PS, cvtdq2ps) X (CVTPS2DQ, cvtps2dq) X (CVTTPS2DQ, cvttps2dq)
#define WIDENING(X) X (CVTPS2PD, cvtps2pd) X (CVTDQ2PD, cvtdq2pd)
#define NARROWING(X) X (CVTPD2PS, cvtpd2ps) X (CVTPD2DQ, cvtpd2dq) X (CVTTPD2DQ, cvttpd2dq)

/* The source is half as wide as the destination. */
VT_INLINE void
widen (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse kernel)
{
  vec_enter (cpu, insn);
  __m128i source = vec_source (cpu, insn, 1, insn->veclen / 2).half[0], low, high = _mm_setzero_si128 ();

  fp_begin (cpu);
  low = kernel (source, source);
  if (insn->veclen == 32)
    high = kernel (source, _mm_srli_si128 (source, 8));
  fp_end (cpu, insn);
  vec_write (cpu, insn, low, high);
}

/* The destination is half as wide as the source: always one XMM register. */
VT_INLINE void
narrow (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse kernel)
{
  vec_enter (cpu, insn);
  VtVec source = vec_source (cpu, insn, 1, insn->veclen);

  fp_begin (cpu);
  __m128i result = kernel (source.half[0], source.half[0]);
  if (insn->veclen == 32)
    result = _mm_unpacklo_epi64 (result, kernel (source.half[1], source.half[1]));
  fp_end (cpu, insn);
  vec_write16 (cpu, insn, result);
}

#define OP_SAME(name, kernel) VEC_OP (name, fp_unary, vt_host_##kernel)
#define OP_WIDEN(name, kernel) VEC_OP (name, widen, vt_host_##kernel)
#define OP_NARROW(name, kernel) VEC_OP (name, narrow, vt_host_##kernel)
SAME_WIDTH (OP_SAME)
WIDENING (OP_WIDEN)
NARROWING (OP_NARROW)

/* --- Between the scalar formats ---------------------------------------------------------------------------------------------- */

VEC_OP (CVTSS2SD, fp_scalar, vt_host_cvtss2sd, 4)
VEC_OP (CVTSD2SS, fp_scalar, vt_host_cvtsd2ss, 8)

/* --- General registers ---------------------------------------------------------------------------------------------------------- */

VT_INLINE void
to_integer (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size, uint32_t (*kernel32) (__m128i),
            uint64_t (*kernel64) (__m128i))
{
  vec_enter (cpu, insn);
  __m128i source = vec_source (cpu, insn, 1, size).half[0];
  unsigned width = insn->opnd_size[0];

  fp_begin (cpu);
  uint64_t result = width == 8 ? kernel64 (source) : kernel32 (source);
  fp_end (cpu, insn);
  gpr_write (cpu, insn->reg[0], result, width);
}

VEC_OP (CVTSS2SI, to_integer, 4, vt_host_cvtss2si_uint32_t, vt_host_cvtss2si_uint64_t)
VEC_OP (CVTTSS2SI, to_integer, 4, vt_host_cvttss2si_uint32_t, vt_host_cvttss2si_uint64_t)
VEC_OP (CVTSD2SI, to_integer, 8, vt_host_cvtsd2si_uint32_t, vt_host_cvtsd2si_uint64_t)
VEC_OP (CVTTSD2SI, to_integer, 8, vt_host_cvttsd2si_uint32_t, vt_host_cvttsd2si_uint64_t)

VT_INLINE void
from_integer (VtX86Cpu *cpu, const VtX86Insn *insn, __m128i (*kernel32) (__m128i, uint32_t),
              __m128i (*kernel64) (__m128i, uint64_t))
{
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn), width = insn->opnd_size[i + 1];
  __m128i first = vec_reg (cpu, insn->reg[i])->half[0];
  uint64_t value = 0;
  if (insn->kind[i + 1] == VT_OPND_MEM)
    vt_x86_load_bytes (cpu, mem_linear (cpu, insn, width, VT_READ), &value, width);
  else
    value = cpu->s.gpr[insn->reg[i + 1] & 15];

  fp_begin (cpu);
  __m128i result = width == 8 ? kernel64 (first, value) : kernel32 (first, value);
  fp_end (cpu, insn);
  vec_write16 (cpu, insn, result);
}

VEC_OP (CVTSI2SS, from_integer, vt_host_cvtsi2ss_uint32_t, vt_host_cvtsi2ss_uint64_t)
VEC_OP (CVTSI2SD, from_integer, vt_host_cvtsi2sd_uint32_t, vt_host_cvtsi2sd_uint64_t)

/* --- MMX registers ----------------------------------------------------------------------------------------------------------------- */

/* XMM to MMX; `size` of a memory source. */
VT_INLINE void
to_mmx (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse kernel, unsigned size)
{
  sse_enter (cpu);
  vt_mmx_enter (cpu);
  __m128i source = vec_source (cpu, insn, 1, size).half[0];
  if (size == 8)
    source = _mm_move_epi64 (source);   /* the other elements raise nothing */

  mmx_touch (cpu);   /* whether or not the conversion raises #XM */
  fp_begin (cpu);
  __m128i result = kernel (source, source);
  fp_end (cpu, insn);
  mmx_write (cpu, insn->reg[0], _mm_cvtsi128_si64 (result));
}

VEC_OP (CVTPS2PI, to_mmx, vt_host_cvtps2dq, 8)
VEC_OP (CVTTPS2PI, to_mmx, vt_host_cvttps2dq, 8)
VEC_OP (CVTPD2PI, to_mmx, vt_host_cvtpd2dq, 16)
VEC_OP (CVTTPD2PI, to_mmx, vt_host_cvttpd2dq, 16)

/* Two integers of an MMX register or memory; only the register makes this an MMX instruction. */
VT_INLINE __m128i
from_mmx_source (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  sse_enter (cpu);
  if (insn->kind[1] == VT_OPND_MM)
    vt_mmx_enter (cpu);
  return mmx_source (cpu, insn, 1);
}

static void
op_CVTPI2PS (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  __m128i source = from_mmx_source (cpu, insn);

  if (insn->kind[1] == VT_OPND_MM)
    mmx_touch (cpu);   /* whether or not the conversion raises #XM */
  fp_begin (cpu);
  __m128i result = vt_host_cvtdq2ps (source, source);
  fp_end (cpu, insn);
  vec_reg (cpu, insn->reg[0])->u64[0] = _mm_cvtsi128_si64 (result);
}

static void
op_CVTPI2PD (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  __m128i source = from_mmx_source (cpu, insn);
  if (insn->kind[1] == VT_OPND_MM)
    mmx_touch (cpu);
  vec_write16 (cpu, insn, vt_host_cvtdq2pd (source, source));
}

#define OTHERS(X)                                                                                                        \
  X (CVTSS2SD) X (CVTSD2SS) X (CVTSS2SI) X (CVTTSS2SI) X (CVTSD2SI) X (CVTTSD2SI) X (CVTSI2SS) X (CVTSI2SD)
#define MMX(X) X (CVTPS2PI) X (CVTTPS2PI) X (CVTPD2PI) X (CVTTPD2PI) X (CVTPI2PS) X (CVTPI2PD)

const VtX86OpRow vt_x86_ops_vec_convert[] = {
  SAME_WIDTH (VEC_ROW) WIDENING (VEC_ROW) NARROWING (VEC_ROW) OTHERS (VEC_ROW) MMX (SSE_ROW) { 0, NULL },
};
