/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MMX, SSE and AVX moves between registers, memory and the general registers (SDM volume 1, 9.4.1, 10.4.1, 11.4.1). */
#include <Zydis/Zydis.h>

#include "simd.h"

/* --- Whole vectors -------------------------------------------------------------------------------------------------------- */

VT_INLINE uint64_t
vector_operand (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size, bool aligned, VtAccessKind kind)
{
  return aligned ? vec_aligned_linear (cpu, insn, size, kind) : mem_linear (cpu, insn, size, kind);
}

VT_INLINE void
move_vector (VtX86Cpu *cpu, const VtX86Insn *insn, bool aligned)
{
  vec_enter (cpu, insn);
  if (insn->kind[0] == VT_OPND_MEM)
    {
      uint64_t linear = vector_operand (cpu, insn, insn->veclen, aligned, VT_WRITE);
      vec_store_linear (cpu, linear, insn->veclen, vec_reg (cpu, insn->reg[1]));
      return;
    }

  VtVec value;
  if (insn->kind[1] == VT_OPND_MEM)
    vec_load_linear (cpu, vector_operand (cpu, insn, insn->veclen, aligned, VT_READ), insn->veclen, &value);
  else
    value = *vec_reg (cpu, insn->reg[1]);
  vec_write_whole (cpu, insn, &value);
}

static void
op_move_aligned (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  move_vector (cpu, insn, true);
}

static void
op_move_unaligned (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  move_vector (cpu, insn, false);
}

/* The moves that make up most vector code: 16 bytes, legacy encoding. */
static void
op_move_register (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  sse_enter (cpu);
  vec_reg (cpu, insn->reg[0])->half[0] = vec_reg (cpu, insn->reg[1])->half[0];
}

VT_INLINE void
load_vector (VtX86Cpu *cpu, const VtX86Insn *insn, bool aligned)
{
  sse_enter (cpu);
  uint64_t linear = vector_operand (cpu, insn, 16, aligned, VT_READ);
  vec_reg (cpu, insn->reg[0])->half[0] = vec_load16_linear (cpu, linear);
}

VT_INLINE void
store_vector (VtX86Cpu *cpu, const VtX86Insn *insn, bool aligned)
{
  sse_enter (cpu);
  uint64_t linear = vector_operand (cpu, insn, 16, aligned, VT_WRITE);
  vec_store_linear (cpu, linear, 16, vec_reg (cpu, insn->reg[1]));
}

VEC_OP (load_unaligned, load_vector, false)
VEC_OP (store_unaligned, store_vector, false)
VEC_OP (load_aligned, load_vector, true)
VEC_OP (store_aligned, store_vector, true)

static void
prepare_move (VtX86Insn *insn)
{
  bool aligned = insn->op == op_move_aligned;

  if (insn_is_vex (insn))
    return;
  if (insn->kind[0] == VT_OPND_MEM)
    insn->op = aligned ? op_store_aligned : op_store_unaligned;
  else if (insn->kind[1] == VT_OPND_MEM)
    insn->op = aligned ? op_load_aligned : op_load_unaligned;
  else
    insn->op = op_move_register;
}

/* --- 32 and 64 bits, zero-extended, between any two kinds of operand ------------------------------------------------------- */

static uint64_t
read_small (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, unsigned size)
{
  switch (insn->kind[i])
    {
    case VT_OPND_MEM:
      return load_mem (cpu, insn, size);
    case VT_OPND_MM:
      return *mmx_reg (cpu, insn->reg[i]);
    case VT_OPND_GPR:
      return cpu->s.gpr[insn->reg[i] & 15];
    default:
      return vec_reg (cpu, insn->reg[i])->u64[0];
    }
}

static void
write_small (VtX86Cpu *cpu, const VtX86Insn *insn, uint64_t value, unsigned size)
{
  switch (insn->kind[0])
    {
    case VT_OPND_MEM:
      vt_x86_store (cpu, mem_linear (cpu, insn, size, VT_WRITE), value, size);
      break;
    case VT_OPND_MM:
      mmx_write (cpu, insn->reg[0], value);
      break;
    case VT_OPND_GPR:
      gpr_write (cpu, insn->reg[0], value, size);
      break;
    default:
      vec_write16 (cpu, insn, _mm_cvtsi64_si128 (value));
    }
}

static void
move_small (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  bool mmx = insn->kind[0] == VT_OPND_MM || insn->kind[1] == VT_OPND_MM;

  if (mmx)
    vt_mmx_enter (cpu);
  else
    vec_enter (cpu, insn);
  uint64_t value = read_small (cpu, insn, 1, size);
  write_small (cpu, insn, size == 4 ? (uint32_t) value : value, size);
  if (mmx)
    mmx_touch (cpu);
}

VEC_OP (movd, move_small, 4)
VEC_OP (movq, move_small, 8)

/* MOVSS, MOVSD: between registers the low element is merged, from memory it is zero-extended. */
VT_INLINE void
move_scalar (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  vec_enter (cpu, insn);
  if (insn->kind[0] == VT_OPND_MEM)
    {
      uint64_t linear = mem_linear (cpu, insn, size, VT_WRITE);
      vec_store_linear (cpu, linear, size, vec_reg (cpu, insn->reg[1]));
      return;
    }
  if (insn->kind[1] == VT_OPND_MEM)
    {
      VtVec value;
      vec_load_linear (cpu, mem_linear (cpu, insn, size, VT_READ), size, &value);
      vec_write16 (cpu, insn, value.half[0]);
      return;
    }
  unsigned i = vec_first (insn);
  VtVec merged = *vec_reg (cpu, insn->reg[i]);
  memcpy (&merged, vec_reg (cpu, insn->reg[i + 1]), size);
  vec_write16 (cpu, insn, merged.half[0]);
}

VEC_OP (movss, move_scalar, 4)
VEC_OP (movsd, move_scalar, 8)

/* --- Halves ------------------------------------------------------------------------------------------------------------------ */

/* MOVHPS, MOVLPS and kin: quadword `to` of the register from memory or back; VEX loads take the other one from operand 1. */
VT_INLINE void
move_half (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned to)
{
  vec_enter (cpu, insn);
  if (insn->kind[0] == VT_OPND_MEM)
    {
      uint64_t linear = mem_linear (cpu, insn, 8, VT_WRITE);
      vt_x86_store64 (cpu, linear, vec_reg (cpu, insn->reg[1])->u64[to]);
      return;
    }
  VtVec value = *vec_reg (cpu, insn->reg[vec_first (insn)]);
  value.u64[to] = vt_x86_load64 (cpu, mem_linear (cpu, insn, 8, VT_READ));
  vec_write16 (cpu, insn, value.half[0]);
}

VEC_OP (movhp, move_half, 1)
VEC_OP (movlp, move_half, 0)

#define BINARY(name, expression)                                                                                         \
  VT_INLINE __m128i kernel_##name (__m128i a, __m128i b)                                                                 \
  {                                                                                                                      \
    return expression;                                                                                                   \
  }                                                                                                                      \
  VEC_OP (name, vec_binary, kernel_##name)
BINARY (movhlps, _mm_unpackhi_epi64 (b, a))
BINARY (movlhps, _mm_unpacklo_epi64 (a, b))

#define UNARY(name, expression)                                                                                          \
  VT_INLINE __m128i kernel_##name (__m128i a)                                                                            \
  {                                                                                                                      \
    return expression;                                                                                                   \
  }                                                                                                                      \
  VEC_OP (name, vec_unary, kernel_##name)
UNARY (movsldup, _mm_shuffle_epi32 (a, 0xa0))
UNARY (movshdup, _mm_shuffle_epi32 (a, 0xf5))

/* The 128-bit form reads a quadword of memory. */
static void
op_movddup (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vec_enter (cpu, insn);
  VtVec value = vec_source (cpu, insn, 1, insn->veclen == 32 ? 32 : 8);
  value.half[0] = _mm_unpacklo_epi64 (value.half[0], value.half[0]);
  value.half[1] = _mm_unpacklo_epi64 (value.half[1], value.half[1]);
  vec_write_whole (cpu, insn, &value);
}

/* --- Sign masks ---------------------------------------------------------------------------------------------------------------- */

VT_INLINE void
move_mask (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned (*kernel) (__m128i), unsigned elements)
{
  vec_enter (cpu, insn);
  const VtVec *source = vec_reg (cpu, insn->reg[1]);
  unsigned mask = kernel (source->half[0]);
  if (insn->veclen == 32)
    mask |= kernel (source->half[1]) << elements;
  gpr_write (cpu, insn->reg[0], mask, 4);
}

#define MASK(name, elements, expression)                                                                                 \
  VT_INLINE unsigned kernel_##name (__m128i a)                                                                           \
  {                                                                                                                      \
    return expression;                                                                                                   \
  }                                                                                                                      \
  VEC_OP (name, move_mask, kernel_##name, elements)
MASK (movmskps, 4, _mm_movemask_ps (_mm_castsi128_ps (a)))
MASK (movmskpd, 2, _mm_movemask_pd (_mm_castsi128_pd (a)))
MASK (pmovmskb_xmm, 16, _mm_movemask_epi8 (a))

static void
op_pmovmskb (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (insn->kind[1] != VT_OPND_MM)
    {
      op_pmovmskb_xmm (cpu, insn);
      return;
    }
  vt_mmx_enter (cpu);
  gpr_write (cpu, insn->reg[0], _mm_movemask_epi8 (mmx_source (cpu, insn, 1)) & 0xff, 4);
  mmx_touch (cpu);
}

/* --- Masked and non-temporal stores ----------------------------------------------------------------------------------------------- */

/* Bytes of `value` whose mask byte has its top bit set go to [rDI]; all of it has to be writable, as on the processors that
 * this was compared with (the SDM leaves that open). */
static void
store_masked_bytes (VtX86Cpu *cpu, const VtX86Insn *insn, const uint8_t *value, const uint8_t *mask, unsigned size)
{
  unsigned seg = insn->prefixes & VT_PFX_SEGO ? insn->seg : VT_DS;
  uint64_t offset = cpu->s.gpr[VT_RDI] & vt_mask_bytes (insn->addrsize);
  uint64_t linear = vt_x86_linear (cpu, seg, offset, size, VT_WRITE);

  vt_x86_probe (cpu, linear, size, VT_WRITE);
  for (unsigned i = 0; i < size; i++)
    if (mask[i] & 0x80)
      vt_x86_store8 (cpu, linear + i, value[i]);
}

static void
op_maskmovdqu (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vec_enter (cpu, insn);
  store_masked_bytes (cpu, insn, vec_reg (cpu, insn->reg[0])->u8, vec_reg (cpu, insn->reg[1])->u8, 16);
}

static void
op_maskmovq (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_mmx_enter (cpu);
  mmx_touch (cpu);   /* whether or not the store faults */
  store_masked_bytes (cpu, insn, (const uint8_t *) mmx_reg (cpu, insn->reg[0]),
                      (const uint8_t *) mmx_reg (cpu, insn->reg[1]), 8);
}

static void
op_movntq (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  move_small (cpu, insn, 8);
}

#define MOVE(name, op)                                                                                                   \
  { ZYDIS_MNEMONIC_##name, op, prepare_move },                                                                           \
  {                                                                                                                      \
    ZYDIS_MNEMONIC_V##name, op                                                                                           \
  }
#define SMALL(name, op)                                                                                                  \
  { ZYDIS_MNEMONIC_##name, op },                                                                                         \
  {                                                                                                                      \
    ZYDIS_MNEMONIC_V##name, op                                                                                           \
  }

const VtX86OpRow vt_x86_ops_vec_move[] = {
  MOVE (MOVAPS, op_move_aligned),
  MOVE (MOVAPD, op_move_aligned),
  MOVE (MOVDQA, op_move_aligned),
  MOVE (MOVNTPS, op_move_aligned),
  MOVE (MOVNTPD, op_move_aligned),
  MOVE (MOVNTDQ, op_move_aligned),
  MOVE (MOVNTDQA, op_move_aligned),
  MOVE (MOVUPS, op_move_unaligned),
  MOVE (MOVUPD, op_move_unaligned),
  MOVE (MOVDQU, op_move_unaligned),
  MOVE (LDDQU, op_move_unaligned),
  SMALL (MOVD, op_movd),
  SMALL (MOVQ, op_movq),
  SMALL (MOVSS, op_movss),
  SMALL (MOVSD, op_movsd),
  SMALL (MOVHPS, op_movhp),
  SMALL (MOVHPD, op_movhp),
  SMALL (MOVLPS, op_movlp),
  SMALL (MOVLPD, op_movlp),
  SMALL (MOVHLPS, op_movhlps),
  SMALL (MOVLHPS, op_movlhps),
  SMALL (MOVSLDUP, op_movsldup),
  SMALL (MOVSHDUP, op_movshdup),
  SMALL (MOVDDUP, op_movddup),
  SMALL (MOVMSKPS, op_movmskps),
  SMALL (MOVMSKPD, op_movmskpd),
  SMALL (PMOVMSKB, op_pmovmskb),
  SMALL (MASKMOVDQU, op_maskmovdqu),
  { ZYDIS_MNEMONIC_MASKMOVQ, op_maskmovq },
  { ZYDIS_MNEMONIC_MOVNTQ, op_movntq },
  { ZYDIS_MNEMONIC_MOVDQ2Q, op_movq },
  { ZYDIS_MNEMONIC_MOVQ2DQ, op_movq },
  { 0, NULL },
};
