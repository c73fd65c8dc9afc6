/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MMX, SSE and AVX packed integer arithmetic, logic and shifts (SDM volume 1, 9.4, 11.4.2, 12.6, 12.10; 14.9).
 *
 * A kernel is an expression on two 128-bit vectors.  MMX forms run it on the low halves, which is right for everything
 * that works element by element; the others have a kernel of their own.
 */
#include <Zydis/Zydis.h>

#include "simd.h"

/* Element by element, in MMX, SSE and AVX. */
#define EVERYWHERE(X)                                                                                                    \
  X (PADDB, _mm_add_epi8 (a, b))                                                                                         \
  X (PADDW, _mm_add_epi16 (a, b))                                                                                        \
  X (PADDD, _mm_add_epi32 (a, b))                                                                                        \
  X (PADDQ, _mm_add_epi64 (a, b))                                                                                        \
  X (PADDSB, _mm_adds_epi8 (a, b))                                                                                       \
  X (PADDSW, _mm_adds_epi16 (a, b))                                                                                      \
  X (PADDUSB, _mm_adds_epu8 (a, b))                                                                                      \
  X (PADDUSW, _mm_adds_epu16 (a, b))                                                                                     \
  X (PSUBB, _mm_sub_epi8 (a, b))                                                                                         \
  X (PSUBW, _mm_sub_epi16 (a, b))                                                                                        \
  X (PSUBD, _mm_sub_epi32 (a, b))                                                                                        \
  X (PSUBQ, _mm_sub_epi64 (a, b))                                                                                        \
  X (PSUBSB, _mm_subs_epi8 (a, b))                                                                                       \
  X (PSUBSW, _mm_subs_epi16 (a, b))                                                                                      \
  X (PSUBUSB, _mm_subs_epu8 (a, b))                                                                                      \
  X (PSUBUSW, _mm_subs_epu16 (a, b))                                                                                     \
  X (PAND, _mm_and_si128 (a, b))                                                                                         \
  X (PANDN, _mm_andnot_si128 (a, b))                                                                                     \
  X (POR, _mm_or_si128 (a, b))                                                                                           \
  X (PXOR, _mm_xor_si128 (a, b))                                                                                         \
  X (PAVGB, _mm_avg_epu8 (a, b))                                                                                         \
  X (PAVGW, _mm_avg_epu16 (a, b))                                                                                        \
  X (PCMPEQB, _mm_cmpeq_epi8 (a, b))                                                                                     \
  X (PCMPEQW, _mm_cmpeq_epi16 (a, b))                                                                                    \
  X (PCMPEQD, _mm_cmpeq_epi32 (a, b))                                                                                    \
  X (PCMPGTB, _mm_cmpgt_epi8 (a, b))                                                                                     \
  X (PCMPGTW, _mm_cmpgt_epi16 (a, b))                                                                                    \
  X (PCMPGTD, _mm_cmpgt_epi32 (a, b))                                                                                    \
  X (PMADDWD, _mm_madd_epi16 (a, b))                                                                                     \
  X (PMADDUBSW, _mm_maddubs_epi16 (a, b))                                                                                \
  X (PMULLW, _mm_mullo_epi16 (a, b))                                                                                     \
  X (PMULHW, _mm_mulhi_epi16 (a, b))                                                                                     \
  X (PMULHUW, _mm_mulhi_epu16 (a, b))                                                                                    \
  X (PMULHRSW, _mm_mulhrs_epi16 (a, b))                                                                                  \
  X (PMULUDQ, _mm_mul_epu32 (a, b))                                                                                      \
  X (PMINSW, _mm_min_epi16 (a, b))                                                                                       \
  X (PMINUB, _mm_min_epu8 (a, b))                                                                                        \
  X (PMAXSW, _mm_max_epi16 (a, b))                                                                                       \
  X (PMAXUB, _mm_max_epu8 (a, b))                                                                                        \
  X (PSADBW, _mm_sad_epu8 (a, b))                                                                                        \
  X (PSIGNB, _mm_sign_epi8 (a, b))                                                                                       \
  X (PSIGNW, _mm_sign_epi16 (a, b))                                                                                      \
  X (PSIGND, _mm_sign_epi32 (a, b))

/* In SSE and AVX only. */
#define VECTORS_ONLY(X)                                                                                                  \
  X (PCMPEQQ, _mm_cmpeq_epi64 (a, b))                                                                                    \
  X (PCMPGTQ, _mm_cmpgt_epi64 (a, b))                                                                                    \
  X (PMULDQ, _mm_mul_epi32 (a, b))                                                                                       \
  X (PMULLD, _mm_mullo_epi32 (a, b))                                                                                     \
  X (PMINSB, _mm_min_epi8 (a, b))                                                                                        \
  X (PMINSD, _mm_min_epi32 (a, b))                                                                                       \
  X (PMINUW, _mm_min_epu16 (a, b))                                                                                       \
  X (PMINUD, _mm_min_epu32 (a, b))                                                                                       \
  X (PMAXSB, _mm_max_epi8 (a, b))                                                                                        \
  X (PMAXSD, _mm_max_epi32 (a, b))                                                                                       \
  X (PMAXUW, _mm_max_epu16 (a, b))                                                                                       \
  X (PMAXUD, _mm_max_epu32 (a, b))                                                                                       \
  X (PACKUSDW, _mm_packus_epi32 (a, b))                                                                                  \
  X (PUNPCKLQDQ, _mm_unpacklo_epi64 (a, b))                                                                              \
  X (PUNPCKHQDQ, _mm_unpackhi_epi64 (a, b))                                                                              \
  X (ANDPS, _mm_and_si128 (a, b))                                                                                        \
  X (ANDPD, _mm_and_si128 (a, b))                                                                                        \
  X (ANDNPS, _mm_andnot_si128 (a, b))                                                                                    \
  X (ANDNPD, _mm_andnot_si128 (a, b))                                                                                    \
  X (ORPS, _mm_or_si128 (a, b))                                                                                          \
  X (ORPD, _mm_or_si128 (a, b))                                                                                          \
  X (XORPS, _mm_xor_si128 (a, b))                                                                                        \
  X (XORPD, _mm_xor_si128 (a, b))                                                                                        \
  X (UNPCKLPS, _mm_unpacklo_epi32 (a, b))                                                                                \
  X (UNPCKLPD, _mm_unpacklo_epi64 (a, b))                                                                                \
  X (UNPCKHPS, _mm_unpackhi_epi32 (a, b))                                                                                \
  X (UNPCKHPD, _mm_unpackhi_epi64 (a, b))

/* Across elements: the MMX form differs. `a` holds the first operand below the second there; `b` is the second. */
#define ACROSS(X)                                                                                                        \
  X (PACKSSWB, _mm_packs_epi16 (a, b), _mm_packs_epi16 (a, a))                                                           \
  X (PACKSSDW, _mm_packs_epi32 (a, b), _mm_packs_epi32 (a, a))                                                           \
  X (PACKUSWB, _mm_packus_epi16 (a, b), _mm_packus_epi16 (a, a))                                                         \
  X (PHADDW, _mm_hadd_epi16 (a, b), _mm_hadd_epi16 (a, a))                                                               \
  X (PHADDD, _mm_hadd_epi32 (a, b), _mm_hadd_epi32 (a, a))                                                               \
  X (PHADDSW, _mm_hadds_epi16 (a, b), _mm_hadds_epi16 (a, a))                                                            \
  X (PHSUBW, _mm_hsub_epi16 (a, b), _mm_hsub_epi16 (a, a))                                                               \
  X (PHSUBD, _mm_hsub_epi32 (a, b), _mm_hsub_epi32 (a, a))                                                               \
  X (PHSUBSW, _mm_hsubs_epi16 (a, b), _mm_hsubs_epi16 (a, a))                                                            \
  X (PSHUFB, _mm_shuffle_epi8 (a, b), _mm_shuffle_epi8 (a, _mm_and_si128 (b, _mm_set1_epi8 ((char) 0x87))))              \
  X (PUNPCKHBW, _mm_unpackhi_epi8 (a, b), _mm_srli_si128 (_mm_unpacklo_epi8 (a, b), 8))                                  \
  X (PUNPCKHWD, _mm_unpackhi_epi16 (a, b), _mm_srli_si128 (_mm_unpacklo_epi16 (a, b), 8))                                \
  X (PUNPCKHDQ, _mm_unpackhi_epi32 (a, b), _mm_srli_si128 (_mm_unpacklo_epi32 (a, b), 8))

/* Interleaving low elements: the MMX form reads only 32 bits of memory. */
#define LOW_HALVES(X)                                                                                                    \
  X (PUNPCKLBW, _mm_unpacklo_epi8 (a, b))                                                                                \
  X (PUNPCKLWD, _mm_unpacklo_epi16 (a, b))                                                                               \
  X (PUNPCKLDQ, _mm_unpacklo_epi32 (a, b))

/* By a count in the low quadword of the second operand, or an immediate. */
#define SHIFTS(X)                                                                                                        \
  X (PSLLW, _mm_sll_epi16 (a, b))                                                                                        \
  X (PSLLD, _mm_sll_epi32 (a, b))                                                                                        \
  X (PSLLQ, _mm_sll_epi64 (a, b))                                                                                        \
  X (PSRLW, _mm_srl_epi16 (a, b))                                                                                        \
  X (PSRLD, _mm_srl_epi32 (a, b))                                                                                        \
  X (PSRLQ, _mm_srl_epi64 (a, b))                                                                                        \
  X (PSRAW, _mm_sra_epi16 (a, b))                                                                                        \
  X (PSRAD, _mm_sra_epi32 (a, b))

#define ABSOLUTES(X)                                                                                                     \
  X (PABSB, _mm_abs_epi8 (a))                                                                                            \
  X (PABSW, _mm_abs_epi16 (a))                                                                                           \
  X (PABSD, _mm_abs_epi32 (a))

VT_INLINE void
any_binary (VtX86Cpu *cpu, const VtX86Insn *insn, VtVecKernel kernel, VtVecKernel mmx_kernel)
{
  if (insn_is_mmx (insn))
    mmx_binary (cpu, insn, mmx_kernel);
  else
    vec_binary (cpu, insn, kernel);
}

static void
mmx_low_half (VtX86Cpu *cpu, const VtX86Insn *insn, VtVecKernel kernel)
{
  vt_mmx_enter (cpu);
  __m128i second = insn->kind[1] == VT_OPND_MEM
                     ? _mm_cvtsi32_si128 (vt_x86_load32 (cpu, mem_linear (cpu, insn, 4, VT_READ)))
                     : mmx_source (cpu, insn, 1);
  __m128i first = _mm_cvtsi64_si128 (*mmx_reg (cpu, insn->reg[0]));
  mmx_write (cpu, insn->reg[0], _mm_cvtsi128_si64 (kernel (first, second)));
}

VT_INLINE void
low_halves (VtX86Cpu *cpu, const VtX86Insn *insn, VtVecKernel kernel)
{
  if (insn_is_mmx (insn))
    mmx_low_half (cpu, insn, kernel);
  else
    vec_binary (cpu, insn, kernel);
}

static void
mmx_shift (VtX86Cpu *cpu, const VtX86Insn *insn, VtVecKernel kernel)
{
  vt_mmx_enter (cpu);
  __m128i count = insn->kind[1] == VT_OPND_IMM ? _mm_cvtsi32_si128 ((uint8_t) insn->imm) : mmx_source (cpu, insn, 1);
  __m128i first = _mm_cvtsi64_si128 (*mmx_reg (cpu, insn->reg[0]));
  mmx_write (cpu, insn->reg[0], _mm_cvtsi128_si64 (kernel (first, count)));
}

/* The count is one 128-bit operand for both lanes. */
VT_INLINE void
shift (VtX86Cpu *cpu, const VtX86Insn *insn, VtVecKernel kernel)
{
  if (insn_is_mmx (insn))
    {
      mmx_shift (cpu, insn, kernel);
      return;
    }
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn);
  __m128i count = insn->kind[i + 1] == VT_OPND_IMM ? _mm_cvtsi32_si128 ((uint8_t) insn->imm)
                                                   : vec_source (cpu, insn, i + 1, 16).half[0];
  VtVec value = *vec_reg (cpu, insn->reg[i]);
  value.half[0] = kernel (value.half[0], count);
  if (insn->veclen == 32)
    value.half[1] = kernel (value.half[1], count);
  vec_write_whole (cpu, insn, &value);
}

VT_INLINE void
absolute (VtX86Cpu *cpu, const VtX86Insn *insn, __m128i (*kernel) (__m128i))
{
  if (!insn_is_mmx (insn))
    {
      vec_unary (cpu, insn, kernel);
      return;
    }
  vt_mmx_enter (cpu);
  mmx_write (cpu, insn->reg[0], _mm_cvtsi128_si64 (kernel (mmx_source (cpu, insn, 1))));
}

#define KERNEL(name, expression)                                                                                         \
  VT_INLINE __m128i kernel_##name (__m128i a, __m128i b)                                                                 \
  {                                                                                                                      \
    return expression;                                                                                                   \
  }
#define OP_EVERYWHERE(name, expression) KERNEL (name, expression) VEC_OP (name, any_binary, kernel_##name, kernel_##name)
#define OP_VECTORS(name, expression) KERNEL (name, expression) VEC_OP (name, vec_binary, kernel_##name)
#define OP_LOW_HALVES(name, expression) KERNEL (name, expression) VEC_OP (name, low_halves, kernel_##name)
#define OP_SHIFT(name, expression) KERNEL (name, expression) VEC_OP (name, shift, kernel_##name)
#define OP_ACROSS(name, expression, mmx_expression)                                                                      \
  KERNEL (name, expression)                                                                                              \
  VT_INLINE __m128i mmx_kernel_##name (__m128i first, __m128i b)                                                         \
  {                                                                                                                      \
    __m128i a G_GNUC_UNUSED = _mm_unpacklo_epi64 (first, b);                                                             \
    return mmx_expression;                                                                                               \
  }                                                                                                                      \
  VEC_OP (name, any_binary, kernel_##name, mmx_kernel_##name)
#define OP_ABSOLUTE(name, expression)                                                                                    \
  VT_INLINE __m128i kernel_##name (__m128i a)                                                                            \
  {                                                                                                                      \
    return expression;                                                                                                   \
  }                                                                                                                      \
  VEC_OP (name, absolute, kernel_##name)

EVERYWHERE (OP_EVERYWHERE)
VECTORS_ONLY (OP_VECTORS)
ACROSS (OP_ACROSS)
LOW_HALVES (OP_LOW_HALVES)
SHIFTS (OP_SHIFT)
ABSOLUTES (OP_ABSOLUTE)

const VtX86OpRow vt_x86_ops_vec_int[] = {
  EVERYWHERE (VEC_ROW) VECTORS_ONLY (VEC_ROW) ACROSS (VEC_ROW) LOW_HALVES (VEC_ROW) SHIFTS (VEC_ROW) ABSOLUTES (VEC_ROW)
  { 0, NULL },
};
