/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AES, carry-less multiplication and SHA (SDM volume 1, 12.13; FIPS 197 and 180-4 as the host does them). */
#pragma GCC target ("aes,pclmul,sha")

#include <Zydis/Zydis.h>

#include "simd.h"

#include <immintrin.h>

#define AES(X)                                                                                                           \
  X (AESENC, _mm_aesenc_si128 (a, b))                                                                                    \
  X (AESENCLAST, _mm_aesenclast_si128 (a, b))                                                                            \
  X (AESDEC, _mm_aesdec_si128 (a, b))                                                                                    \
  X (AESDECLAST, _mm_aesdeclast_si128 (a, b))

#define SHA(X)                                                                                                           \
  X (SHA1NEXTE, _mm_sha1nexte_epu32 (a, b))                                                                              \
  X (SHA1MSG1, _mm_sha1msg1_epu32 (a, b))                                                                                \
  X (SHA1MSG2, _mm_sha1msg2_epu32 (a, b))                                                                                \
  X (SHA256MSG1, _mm_sha256msg1_epu32 (a, b))                                                                            \
  X (SHA256MSG2, _mm_sha256msg2_epu32 (a, b))

#define OP(name, expression)                                                                                             \
  VT_INLINE __m128i kernel_##name (__m128i a, __m128i b)                                                                 \
  {                                                                                                                      \
    return expression;                                                                                                   \
  }                                                                                                                      \
  VEC_OP (name, vec_binary, kernel_##name)
AES (OP)
SHA (OP)

VT_INLINE __m128i
kernel_AESIMC (__m128i a)
{
  return _mm_aesimc_si128 (a);
}

/* The round constant only meets the odd doublewords, by exclusive or. */
VT_INLINE __m128i
kernel_AESKEYGENASSIST (__m128i a, unsigned imm)
{
  return _mm_xor_si128 (_mm_aeskeygenassist_si128 (a, 0), _mm_set_epi32 (imm, 0, imm, 0));
}

/* Bits 0 and 4 of the immediate choose the quadwords. */
VT_INLINE __m128i
kernel_PCLMULQDQ (__m128i a, __m128i b, unsigned imm)
{
  return _mm_clmulepi64_si128 (imm & 1 ? _mm_srli_si128 (a, 8) : a, imm & 16 ? _mm_srli_si128 (b, 8) : b, 0);
}

VT_INLINE __m128i
kernel_SHA1RNDS4 (__m128i a, __m128i b, unsigned imm)
{
  switch (imm & 3)
    {
    case 0:
      return _mm_sha1rnds4_epu32 (a, b, 0);
    case 1:
      return _mm_sha1rnds4_epu32 (a, b, 1);
    case 2:
      return _mm_sha1rnds4_epu32 (a, b, 2);
    default:
      return _mm_sha1rnds4_epu32 (a, b, 3);
    }
}

VEC_OP (AESIMC, vec_unary, kernel_AESIMC)
VEC_OP (AESKEYGENASSIST, vec_unary_imm, kernel_AESKEYGENASSIST, 0)
VEC_OP (PCLMULQDQ, vec_binary_imm, kernel_PCLMULQDQ, 0)
VEC_OP (SHA1RNDS4, vec_binary_imm, kernel_SHA1RNDS4, 0)

/* The round keys are in XMM0. */
static void
op_SHA256RNDS2 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  sse_enter (cpu);
  __m128i second = vec_source (cpu, insn, 1, 16).half[0], first = vec_reg (cpu, insn->reg[0])->half[0];
  vec_write16 (cpu, insn, _mm_sha256rnds2_epu32 (first, second, vec_reg (cpu, 0)->half[0]));
}

const VtX86OpRow vt_x86_ops_crypto[] = {
  AES (VEC_ROW) VEC_ROW (AESIMC) VEC_ROW (AESKEYGENASSIST) VEC_ROW (PCLMULQDQ)
  SHA (SSE_ROW) SSE_ROW (SHA1RNDS4) SSE_ROW (SHA256RNDS2) { 0, NULL },
};
