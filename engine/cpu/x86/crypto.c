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
  X (SHA256MSG2, _mm_sha256msg2_epu32 (a, b))                                                                            \
  X (SHA1RNDS4, sha1_rounds (a, b, insn->imm))                                                                           \
  X (SHA256RNDS2, _mm_sha256rnds2_epu32 (a, b, vec_reg (cpu, 0)->half[0])) /* the round keys are in XMM0 */

#define OP(name, expression)                                                                                             \
  VT_INLINE __m128i kernel_##name (__m128i a, __m128i b)                                                                 \
  {                                                                                                                      \
    return expression;                                                                                                   \
  }                                                                                                                      \
  VEC_OP (name, vec_binary, kernel_##name)
AES (OP)

/* Unaligned memory is taken, as by AMD's family 19h; Intel's processors have #GP. */
static __m128i
sha_source (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  sse_enter (cpu);
  if (insn->kind[1] == VT_OPND_MEM)
    return vec_load16_linear (cpu, mem_linear (cpu, insn, 16, VT_READ));
  return vec_reg (cpu, insn->reg[1])->half[0];
}

VT_INLINE __m128i
sha1_rounds (__m128i a, __m128i b, uint64_t imm)
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

#define OP_SHA(name, expression)                                                                                         \
  static void op_##name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                           \
  {                                                                                                                      \
    __m128i b = sha_source (cpu, insn), a = vec_reg (cpu, insn->reg[0])->half[0];                                        \
    vec_write16 (cpu, insn, expression);                                                                                 \
  }
SHA (OP_SHA)

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

VEC_OP (AESIMC, vec_unary, kernel_AESIMC)
VEC_OP (AESKEYGENASSIST, vec_unary_imm, kernel_AESKEYGENASSIST, 0)
VEC_OP (PCLMULQDQ, vec_binary_imm, kernel_PCLMULQDQ, 0)

const VtX86OpRow vt_x86_ops_crypto[] = {
  AES (VEC_ROW) VEC_ROW (AESIMC) VEC_ROW (AESKEYGENASSIST) VEC_ROW (PCLMULQDQ)
  SHA (SSE_ROW) { 0, NULL },
};
