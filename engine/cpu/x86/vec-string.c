/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SSE4.2 string comparison: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM volume 2B, 4.1).
 *
 * Comparison results are bit masks, one bit for each element of the second operand.
 */
#include <Zydis/Zydis.h>

#include "simd.h"

/* Fields of the immediate. */
#define IMM_WORDS       (1u << 0)
#define IMM_SIGNED      (1u << 1)
#define IMM_AGGREGATION (3u << 2)
#define IMM_NEGATE      (1u << 4)
#define IMM_MASKED      (1u << 5)    /* negation spares invalid elements */
#define IMM_LAST        (1u << 6)    /* index of the last match; element mask instead of bit mask */

enum
{
  EQUAL_ANY     = 0u << 2,
  RANGES        = 1u << 2,
  EQUAL_EACH    = 2u << 2,
  EQUAL_ORDERED = 3u << 2,
};

typedef struct
{
  VtVec    first, second;
  unsigned imm;
  unsigned n;                   /* elements of a vector */
  unsigned length1, length2;    /* valid ones */
} Strings;

static unsigned
all (unsigned n)
{
  return (1u << n) - 1;
}

/* One bit per element of a comparison result. */
static unsigned
to_bits (const Strings *s, __m128i comparison)
{
  if (s->imm & IMM_WORDS)
    comparison = _mm_packs_epi16 (comparison, _mm_setzero_si128 ());
  return _mm_movemask_epi8 (comparison);
}

static __m128i
splat (const Strings *s, unsigned i)
{
  return s->imm & IMM_WORDS ? _mm_set1_epi16 (s->first.u16[i]) : _mm_set1_epi8 (s->first.u8[i]);
}

static __m128i
equal (const Strings *s, __m128i a, __m128i b)
{
  return s->imm & IMM_WORDS ? _mm_cmpeq_epi16 (a, b) : _mm_cmpeq_epi8 (a, b);
}

static __m128i
at_least (const Strings *s, __m128i a, __m128i b)
{
  switch (s->imm & (IMM_WORDS | IMM_SIGNED))
    {
    case 0:
      return _mm_cmpeq_epi8 (_mm_max_epu8 (a, b), a);
    case IMM_WORDS:
      return _mm_cmpeq_epi16 (_mm_max_epu16 (a, b), a);
    case IMM_SIGNED:
      return _mm_cmpeq_epi8 (_mm_max_epi8 (a, b), a);
    default:
      return _mm_cmpeq_epi16 (_mm_max_epi16 (a, b), a);
    }
}

static unsigned
equal_any (const Strings *s)
{
  unsigned result = 0;
  for (unsigned i = 0; i < s->length1; i++)
    result |= to_bits (s, equal (s, s->second.half[0], splat (s, i)));
  return result & all (s->length2);
}

static unsigned
ranges (const Strings *s)
{
  unsigned result = 0;
  for (unsigned i = 0; i + 1 < s->length1; i += 2)
    {
      __m128i above = at_least (s, s->second.half[0], splat (s, i));
      __m128i below = at_least (s, splat (s, i + 1), s->second.half[0]);
      result |= to_bits (s, _mm_and_si128 (above, below));
    }
  return result & all (s->length2);
}

/* Beyond the end of both, elements count as equal. */
static unsigned
equal_each (const Strings *s)
{
  unsigned same = to_bits (s, equal (s, s->first.half[0], s->second.half[0]));
  unsigned valid1 = all (s->length1), valid2 = all (s->length2);
  return (same & valid1 & valid2) | (~(valid1 | valid2) & all (s->n));
}

/* Does the first string begin at each place of the second? What lies beyond the vector matches. */
static unsigned
equal_ordered (const Strings *s)
{
  unsigned result = all (s->n);
  for (unsigned i = 0; i < s->length1; i++)
    {
      unsigned matches = to_bits (s, equal (s, s->second.half[0], splat (s, i))) & all (s->length2);
      result &= matches >> i | ~(all (s->n) >> i);
    }
  return result;
}

static unsigned
compare (const Strings *s)
{
  unsigned result;

  switch (s->imm & IMM_AGGREGATION)
    {
    case EQUAL_ANY:
      result = equal_any (s);
      break;
    case RANGES:
      result = ranges (s);
      break;
    case EQUAL_EACH:
      result = equal_each (s);
      break;
    default:
      result = equal_ordered (s);
    }
  if (s->imm & IMM_NEGATE)
    result ^= s->imm & IMM_MASKED ? all (s->length2) : all (s->n);
  return result;
}

/* --- Operands and results -------------------------------------------------------------------------------------------------- */

static unsigned
implicit_length (const Strings *s, const VtVec *vector)
{
  unsigned zeros = to_bits (s, equal (s, vector->half[0], _mm_setzero_si128 ()));
  return zeros & all (s->n) ? __builtin_ctz (zeros) : s->n;
}

static unsigned
explicit_length (const Strings *s, uint64_t reg, bool wide)
{
  int64_t length = wide ? (int64_t) reg : (int32_t) reg;
  if (length < -(int64_t) s->n || length > s->n)
    return s->n;
  return ABS (length);
}

static void
get_strings (VtX86Cpu *cpu, const VtX86Insn *insn, bool explicit_lengths, Strings *s)
{
  vec_enter (cpu, insn);
  if (insn->kind[1] == VT_OPND_MEM)
    s->second.half[0] = vec_load16_linear (cpu, mem_linear (cpu, insn, 16, VT_READ));
  else
    s->second = *vec_reg (cpu, insn->reg[1]);
  s->first = *vec_reg (cpu, insn->reg[0]);
  s->imm = (uint8_t) insn->imm;
  s->n = s->imm & IMM_WORDS ? 8 : 16;
  if (explicit_lengths)
    {
      s->length1 = explicit_length (s, cpu->s.gpr[VT_RAX], insn->opsize == 8);
      s->length2 = explicit_length (s, cpu->s.gpr[VT_RDX], insn->opsize == 8);
    }
  else
    {
      s->length1 = implicit_length (s, &s->first);
      s->length2 = implicit_length (s, &s->second);
    }
}

static void
set_flags (VtX86Cpu *cpu, const Strings *s, unsigned result)
{
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ARITH, (result ? X86_RFLAGS_CF : 0) | (s->length2 < s->n ? X86_RFLAGS_ZF : 0)
                                                   | (s->length1 < s->n ? X86_RFLAGS_SF : 0)
                                                   | (result & 1 ? X86_RFLAGS_OF : 0));
}

/* ECX: number of the first or last match. */
static void
compare_index (VtX86Cpu *cpu, const VtX86Insn *insn, bool explicit_lengths)
{
  Strings s;

  get_strings (cpu, insn, explicit_lengths, &s);
  unsigned result = compare (&s), index = s.n;
  if (result)
    index = s.imm & IMM_LAST ? 31 - __builtin_clz (result) : __builtin_ctz (result);
  gpr_write (cpu, VT_RCX, index, 4);
  set_flags (cpu, &s, result);
}

/* XMM0: the bits as they are, or one element for each. */
static void
compare_mask (VtX86Cpu *cpu, const VtX86Insn *insn, bool explicit_lengths)
{
  Strings s;

  get_strings (cpu, insn, explicit_lengths, &s);
  unsigned result = compare (&s);
  VtVec mask = { .u64 = { s.imm & IMM_LAST ? 0 : result } };
  for (unsigned i = 0; (s.imm & IMM_LAST) && i < s.n; i++)
    if (result >> i & 1)
      memset (mask.u8 + i * (16 / s.n), 0xff, 16 / s.n);
  vec_reg (cpu, 0)->half[0] = mask.half[0];
  if (insn_is_vex (insn))
    vec_reg (cpu, 0)->half[1] = _mm_setzero_si128 ();
  set_flags (cpu, &s, result);
}

VEC_OP (PCMPESTRI, compare_index, true)
VEC_OP (PCMPISTRI, compare_index, false)
VEC_OP (PCMPESTRM, compare_mask, true)
VEC_OP (PCMPISTRM, compare_mask, false)

const VtX86OpRow vt_x86_ops_vec_string[] = {
  VEC_ROW (PCMPESTRI) VEC_ROW (PCMPISTRI) VEC_ROW (PCMPESTRM) VEC_ROW (PCMPISTRM) { 0, NULL },
};
