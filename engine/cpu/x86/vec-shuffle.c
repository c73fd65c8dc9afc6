/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SSE and AVX shuffles, blends, inserts, extracts, extensions and tests (SDM volume 1, 10.4.2, 11.4.2, 12.7, 12.10). */
#include <Zydis/Zydis.h>

#include "simd.h"

/* --- Immediate shuffles ---------------------------------------------------------------------------------------------------- */

/* Two bits of the immediate choose each doubleword. */
VT_INLINE __m128i
shuffle_dwords (__m128i low_source, __m128i high_source, unsigned imm)
{
  VtVec low = { .half[0] = low_source }, high = { .half[0] = high_source }, result;
  result.u32[0] = low.u32[imm & 3];
  result.u32[1] = low.u32[imm >> 2 & 3];
  result.u32[2] = high.u32[imm >> 4 & 3];
  result.u32[3] = high.u32[imm >> 6 & 3];
  return result.half[0];
}

/* ... or each word of one quadword. */
VT_INLINE uint64_t
shuffle_words (uint64_t source, unsigned imm)
{
  uint64_t result = 0;
  for (unsigned i = 0; i < 4; i++)
    result |= (source >> 16 * (imm >> 2 * i & 3) & 0xffff) << 16 * i;
  return result;
}

VT_INLINE __m128i
kernel_pshufd (__m128i a, unsigned imm)
{
  return shuffle_dwords (a, a, imm);
}

VT_INLINE __m128i
kernel_pshuflw (__m128i a, unsigned imm)
{
  return _mm_insert_epi64 (a, shuffle_words (_mm_extract_epi64 (a, 0), imm), 0);
}

VT_INLINE __m128i
kernel_pshufhw (__m128i a, unsigned imm)
{
  return _mm_insert_epi64 (a, shuffle_words (_mm_extract_epi64 (a, 1), imm), 1);
}

VT_INLINE __m128i
kernel_shufps (__m128i a, __m128i b, unsigned imm)
{
  return shuffle_dwords (a, b, imm);
}

VT_INLINE __m128i
kernel_shufpd (__m128i a, __m128i b, unsigned imm)
{
  VtVec first = { .half[0] = a }, second = { .half[0] = b };
  return _mm_set_epi64x (second.u64[imm >> 1 & 1], first.u64[imm & 1]);
}

VEC_OP (PSHUFD, vec_unary_imm, kernel_pshufd, 0)
VEC_OP (PSHUFLW, vec_unary_imm, kernel_pshuflw, 0)
VEC_OP (PSHUFHW, vec_unary_imm, kernel_pshufhw, 0)
VEC_OP (SHUFPS, vec_binary_imm, kernel_shufps, 0)
VEC_OP (SHUFPD, vec_binary_imm, kernel_shufpd, 2)

static void
op_PSHUFW (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_mmx_enter (cpu);
  mmx_write (cpu, insn->reg[0], shuffle_words (_mm_cvtsi128_si64 (mmx_source (cpu, insn, 1)), (uint8_t) insn->imm));
}

/* --- Byte shifts ------------------------------------------------------------------------------------------------------------- */

static const int8_t byte_numbers[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

/* Left by n bytes: PSHUFB's negative indexes give zeros. */
VT_INLINE __m128i
bytes_left (__m128i a, unsigned n)
{
  __m128i numbers = _mm_loadu_si128 ((const __m128i *) byte_numbers);
  return _mm_shuffle_epi8 (a, _mm_sub_epi8 (numbers, _mm_set1_epi8 (MIN (n, 16))));
}

/* Right by n bytes: indexes above 15 come out with their top bit set. */
VT_INLINE __m128i
bytes_right (__m128i a, unsigned n)
{
  __m128i numbers = _mm_loadu_si128 ((const __m128i *) byte_numbers);
  return _mm_shuffle_epi8 (a, _mm_add_epi8 (numbers, _mm_set1_epi8 ((char) (MIN (n, 16) + 112))));
}

/* Bytes n..n+15 of b and, above it, a. */
VT_INLINE __m128i
kernel_palignr (__m128i a, __m128i b, unsigned n)
{
  if (n >= 16)
    return bytes_right (a, n - 16);
  return _mm_or_si128 (bytes_right (b, n), bytes_left (a, 16 - n));
}

/* The register forms have the value in the last register operand before the immediate. */
VT_INLINE void
byte_shift (VtX86Cpu *cpu, const VtX86Insn *insn, bool left)
{
  vec_enter (cpu, insn);
  VtVec value = *vec_reg (cpu, insn->reg[vec_first (insn)]);
  unsigned n = (uint8_t) insn->imm;
  for (unsigned i = 0; i < 2; i++)
    value.half[i] = left ? bytes_left (value.half[i], n) : bytes_right (value.half[i], n);
  vec_write_whole (cpu, insn, &value);
}

VEC_OP (PSLLDQ, byte_shift, true)
VEC_OP (PSRLDQ, byte_shift, false)
VEC_OP (palignr_vector, vec_binary_imm, kernel_palignr, 0)

static void
op_PALIGNR (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (!insn_is_mmx (insn))
    {
      op_palignr_vector (cpu, insn);
      return;
    }
  vt_mmx_enter (cpu);
  __m128i both = _mm_unpacklo_epi64 (mmx_source (cpu, insn, 1), _mm_cvtsi64_si128 (*mmx_reg (cpu, insn->reg[0])));
  mmx_write (cpu, insn->reg[0], _mm_cvtsi128_si64 (bytes_right (both, (uint8_t) insn->imm)));
}

/* --- Blends --------------------------------------------------------------------------------------------------------------------- */

/* Element i of 2, 4 or 8 comes from b where bit i of the immediate is set. */
VT_INLINE __m128i
blend_dwords (__m128i a, __m128i b, unsigned imm)
{
  __m128i bits = _mm_set_epi32 (8, 4, 2, 1);
  __m128i mask = _mm_cmpeq_epi32 (_mm_and_si128 (_mm_set1_epi32 (imm), bits), bits);
  return _mm_blendv_epi8 (a, b, mask);
}

VT_INLINE __m128i
blend_qwords (__m128i a, __m128i b, unsigned imm)
{
  return blend_dwords (a, b, (imm & 1) * 3 | (imm >> 1 & 1) * 12);
}

VT_INLINE __m128i
blend_words (__m128i a, __m128i b, unsigned imm)
{
  __m128i bits = _mm_set_epi16 (128, 64, 32, 16, 8, 4, 2, 1);
  __m128i mask = _mm_cmpeq_epi16 (_mm_and_si128 (_mm_set1_epi16 (imm), bits), bits);
  return _mm_blendv_epi8 (a, b, mask);
}

VEC_OP (BLENDPS, vec_binary_imm, blend_dwords, 4)
VEC_OP (BLENDPD, vec_binary_imm, blend_qwords, 2)
VEC_OP (PBLENDW, vec_binary_imm, blend_words, 0)
VEC_OP (PBLENDD, vec_binary_imm, blend_dwords, 4)

/* The mask is XMM0, or the fourth operand of the VEX form. */
VT_INLINE void
blend_variable (VtX86Cpu *cpu, const VtX86Insn *insn, __m128i (*kernel) (__m128i, __m128i, __m128i))
{
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn);
  VtVec second = vec_source (cpu, insn, i + 1, insn->veclen);
  VtVec value = *vec_reg (cpu, insn->reg[i]);
  const VtVec *mask = vec_reg (cpu, insn_is_vex (insn) ? insn->reg[3] : 0);
  for (unsigned lane = 0; lane < insn->veclen / 16; lane++)
    value.half[lane] = kernel (value.half[lane], second.half[lane], mask->half[lane]);
  vec_write_whole (cpu, insn, &value);
}

VT_INLINE __m128i
kernel_blendvps (__m128i a, __m128i b, __m128i mask)
{
  return _mm_castps_si128 (_mm_blendv_ps (_mm_castsi128_ps (a), _mm_castsi128_ps (b), _mm_castsi128_ps (mask)));
}

VT_INLINE __m128i
kernel_blendvpd (__m128i a, __m128i b, __m128i mask)
{
  return _mm_castpd_si128 (_mm_blendv_pd (_mm_castsi128_pd (a), _mm_castsi128_pd (b), _mm_castsi128_pd (mask)));
}

VT_INLINE __m128i
kernel_pblendvb (__m128i a, __m128i b, __m128i mask)
{
  return _mm_blendv_epi8 (a, b, mask);
}

VEC_OP (BLENDVPS, blend_variable, kernel_blendvps)
VEC_OP (BLENDVPD, blend_variable, kernel_blendvpd)
VEC_OP (PBLENDVB, blend_variable, kernel_pblendvb)

/* --- Insert and extract ----------------------------------------------------------------------------------------------------------- */

/* The inserted operand: memory of that size, or the low bytes of a general register. */
static uint64_t
insert_source (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, unsigned size)
{
  if (insn->kind[i] != VT_OPND_MEM)
    return cpu->s.gpr[insn->reg[i] & 15];
  uint64_t value = 0;
  vt_x86_load_bytes (cpu, mem_linear (cpu, insn, size, VT_READ), &value, size);
  return value;
}

VT_INLINE void
insert (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn), at = insn->imm & (16 / size - 1);
  uint64_t element = insert_source (cpu, insn, i + 1, size);
  VtVec value = *vec_reg (cpu, insn->reg[i]);
  memcpy (value.u8 + at * size, &element, size);
  vec_write16 (cpu, insn, value.half[0]);
}

VEC_OP (PINSRB, insert, 1)
VEC_OP (pinsrw_vector, insert, 2)
VEC_OP (PINSRD, insert, 4)
VEC_OP (PINSRQ, insert, 8)

static void
op_PINSRW (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (insn->kind[0] != VT_OPND_MM)
    {
      op_pinsrw_vector (cpu, insn);
      return;
    }
  vt_mmx_enter (cpu);
  uint64_t element = insert_source (cpu, insn, 1, 2);
  mmx_write (cpu, insn->reg[0], vt_deposit (*mmx_reg (cpu, insn->reg[0]), 16 * (insn->imm & 3), 16, element & 0xffff));
}

static void
extract_write (VtX86Cpu *cpu, const VtX86Insn *insn, uint64_t element, unsigned size)
{
  if (insn->kind[0] == VT_OPND_MEM)
    vt_x86_store_bytes (cpu, mem_linear (cpu, insn, size, VT_WRITE), &element, size);
  else
    gpr_write (cpu, insn->reg[0], element, size == 8 ? 8 : 4);
}

VT_INLINE void
extract (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  vec_enter (cpu, insn);
  unsigned at = insn->imm & (16 / size - 1);
  uint64_t element = 0;
  memcpy (&element, vec_reg (cpu, insn->reg[1])->u8 + at * size, size);
  extract_write (cpu, insn, element, size);
}

VEC_OP (PEXTRB, extract, 1)
VEC_OP (pextrw_vector, extract, 2)
VEC_OP (PEXTRD, extract, 4)
VEC_OP (PEXTRQ, extract, 8)
VEC_OP (EXTRACTPS, extract, 4)

static void
op_PEXTRW (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (insn->kind[1] != VT_OPND_MM)
    {
      op_pextrw_vector (cpu, insn);
      return;
    }
  vt_mmx_enter (cpu);
  gpr_write (cpu, insn->reg[0], vt_extract (*mmx_reg (cpu, insn->reg[1]), 16 * (insn->imm & 3), 16), 4);
  mmx_touch (cpu);
}

/* imm8: source element 7:6 (registers only), destination element 5:4, elements to zero 3:0. */
static void
op_INSERTPS (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn), imm = (uint8_t) insn->imm;
  VtVec second = vec_source (cpu, insn, i + 1, 4);
  VtVec value = *vec_reg (cpu, insn->reg[i]);
  value.u32[imm >> 4 & 3] = second.u32[insn->kind[i + 1] == VT_OPND_MEM ? 0 : imm >> 6];
  for (unsigned element = 0; element < 4; element++)
    if (imm >> element & 1)
      value.u32[element] = 0;
  vec_write16 (cpu, insn, value.half[0]);
}

/* --- Extensions -------------------------------------------------------------------------------------------------------------------- */

#define EXTENSIONS(X)                                                                                                    \
  X (PMOVSXBW, 2, _mm_cvtepi8_epi16 (a))                                                                                 \
  X (PMOVSXBD, 4, _mm_cvtepi8_epi32 (a))                                                                                 \
  X (PMOVSXBQ, 8, _mm_cvtepi8_epi64 (a))                                                                                 \
  X (PMOVSXWD, 2, _mm_cvtepi16_epi32 (a))                                                                                \
  X (PMOVSXWQ, 4, _mm_cvtepi16_epi64 (a))                                                                                \
  X (PMOVSXDQ, 2, _mm_cvtepi32_epi64 (a))                                                                                \
  X (PMOVZXBW, 2, _mm_cvtepu8_epi16 (a))                                                                                 \
  X (PMOVZXBD, 4, _mm_cvtepu8_epi32 (a))                                                                                 \
  X (PMOVZXBQ, 8, _mm_cvtepu8_epi64 (a))                                                                                 \
  X (PMOVZXWD, 2, _mm_cvtepu16_epi32 (a))                                                                                \
  X (PMOVZXWQ, 4, _mm_cvtepu16_epi64 (a))                                                                                \
  X (PMOVZXDQ, 2, _mm_cvtepu32_epi64 (a))

/* The source is `ratio` times narrower than the destination and never needs alignment. */
VT_INLINE void
extend (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned ratio, __m128i (*kernel) (__m128i))
{
  vec_enter (cpu, insn);
  __m128i source;
  if (insn->kind[1] == VT_OPND_MEM)
    {
      unsigned size = insn->veclen / ratio;
      VtVec bytes = { .half[0] = _mm_setzero_si128 () };
      vt_x86_load_bytes (cpu, mem_linear (cpu, insn, size, VT_READ), &bytes, size);
      source = bytes.half[0];
    }
  else
    source = vec_reg (cpu, insn->reg[1])->half[0];
  vec_write (cpu, insn, kernel (source),
             insn->veclen == 32 ? kernel (bytes_right (source, 16 / ratio)) : _mm_setzero_si128 ());
}

#define OP_EXTENSION(name, ratio, expression)                                                                            \
  VT_INLINE __m128i kernel_##name (__m128i a)                                                                            \
  {                                                                                                                      \
    return expression;                                                                                                   \
  }                                                                                                                      \
  VEC_OP (name, extend, ratio, kernel_##name)
EXTENSIONS (OP_EXTENSION)

/* --- Tests and searches -------------------------------------------------------------------------------------------------------------- */

/* ZF: no masked bit set in both. CF: no masked bit set in the second alone. The other flags are cleared. */
VT_INLINE void
test_bits (VtX86Cpu *cpu, const VtX86Insn *insn, __m128i mask)
{
  vec_enter (cpu, insn);
  VtVec second = vec_source (cpu, insn, 1, insn->veclen);
  const VtVec *first = vec_reg (cpu, insn->reg[0]);
  bool zero = true, carry = true;
  for (unsigned lane = 0; lane < insn->veclen / 16; lane++)
    {
      __m128i masked = _mm_and_si128 (second.half[lane], mask);
      zero &= _mm_testz_si128 (first->half[lane], masked);
      carry &= _mm_testc_si128 (first->half[lane], masked);
    }
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ARITH, (zero ? X86_RFLAGS_ZF : 0) | (carry ? X86_RFLAGS_CF : 0));
}

VEC_OP (PTEST, test_bits, _mm_set1_epi8 ((char) 0xff))
VEC_OP (TESTPS, test_bits, _mm_set1_epi32 ((int) 0x80000000))
VEC_OP (TESTPD, test_bits, _mm_set1_epi64x (INT64_MIN))

VT_INLINE __m128i
kernel_phminposuw (__m128i a)
{
  return _mm_minpos_epu16 (a);
}
VEC_OP (PHMINPOSUW, vec_unary, kernel_phminposuw)

/* Eight sums of absolute differences: blocks that start at bytes 0..7 of a (4 later with imm bit 2), against a block of b. */
VT_INLINE __m128i
kernel_mpsadbw (__m128i a, __m128i b, unsigned imm)
{
  VtVec first = { .half[0] = a }, second = { .half[0] = b }, result;
  unsigned from = imm & 4, block = 4 * (imm & 3);
  for (unsigned i = 0; i < 8; i++)
    {
      unsigned sum = 0;
      for (unsigned j = 0; j < 4; j++)
        sum += ABS (first.u8[from + i + j] - second.u8[block + j]);
      result.u16[i] = sum;
    }
  return result.half[0];
}
VEC_OP (MPSADBW, vec_binary_imm, kernel_mpsadbw, 3)

#define BOTH(X)                                                                                                          \
  X (PSHUFD) X (PSHUFLW) X (PSHUFHW) X (SHUFPS) X (SHUFPD) X (PSLLDQ) X (PSRLDQ) X (PALIGNR) X (BLENDPS) X (BLENDPD)     \
  X (PBLENDW) X (BLENDVPS) X (BLENDVPD) X (PBLENDVB) X (PINSRB) X (PINSRW) X (PINSRD) X (PINSRQ) X (PEXTRB) X (PEXTRW)   \
  X (PEXTRD) X (PEXTRQ) X (EXTRACTPS) X (INSERTPS) X (PTEST) X (PHMINPOSUW) X (MPSADBW)

const VtX86OpRow vt_x86_ops_vec_shuffle[] = {
  BOTH (VEC_ROW) EXTENSIONS (VEC_ROW) SSE_ROW (PSHUFW) AVX_ROW (PBLENDD) AVX_ROW (TESTPS) AVX_ROW (TESTPD) { 0, NULL },
};
