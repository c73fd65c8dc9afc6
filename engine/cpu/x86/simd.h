/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the vector files share: registers, memory operands, availability checks, and the generic drivers that turn a
 * kernel on 128-bit vectors into an instruction.
 *
 * Legacy SSE and VEX forms of an operation share one driver and one kernel: nearly all of AVX and AVX2 works on each
 * 128-bit lane as SSE does.  Drivers are always inline, so a row of a table costs one small function.
 */
#pragma once

/* Every x86-64 host of the last fifteen years has SSE4.2; what is newer is checked (vt_x86_simd_mask_features). */
#pragma GCC target ("sse4.2")

#include <nmmintrin.h>

#include "forms.h"
#include "host-fp.h"
#include "x86-cpu.h"

extern const VtX86OpRow vt_x86_ops_fpu_arith[], vt_x86_ops_fpu_math[], vt_x86_ops_fpu_move[], vt_x86_ops_fpu_env[];
extern const VtX86OpRow vt_x86_ops_xsave[], vt_x86_ops_vec_move[], vt_x86_ops_vec_int[], vt_x86_ops_vec_shuffle[];
extern const VtX86OpRow vt_x86_ops_vec_fp[], vt_x86_ops_vec_convert[], vt_x86_ops_vec_string[], vt_x86_ops_crypto[];
extern const VtX86OpRow vt_x86_ops_avx[], vt_x86_ops_fma[];

typedef union
{
  uint8_t  u8[32];
  uint16_t u16[16];
  uint32_t u32[8];
  uint64_t u64[4];
  int8_t   s8[32];
  int16_t  s16[16];
  int32_t  s32[8];
  int64_t  s64[4];
  __m128i  half[2];
} VtVec;

typedef __m128i (*VtVecKernel) (__m128i first, __m128i second);
typedef __m128i (*VtVecImmKernel) (__m128i first, __m128i second, unsigned imm);

/* Availability: #UD, #NM. */
void vt_simd_refuse_sse (VtX86Cpu *cpu);
void vt_simd_refuse_avx (VtX86Cpu *cpu);
/* The MMX state is the x87's: #UD, #NM, #MF. */
void vt_mmx_enter (VtX86Cpu *cpu);
/* Merges flags into MXCSR; raises #XM (or #UD) when one is unmasked, so the caller has not stored a result yet. */
void vt_simd_fp_flags (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t flags);
/* What the instruction has raised when one of its exceptions is unmasked, from what it raised with all of them masked
 * (simd-unmasked.c). */
uint32_t vt_simd_unmasked_flags (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t flags);
/* Linear address of a memory operand that has to be aligned to `align`: a misaligned one raises #GP before anything else
 * about it is looked at. */
uint64_t vt_simd_aligned_operand (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size, unsigned align, VtAccessKind kind);

VT_INLINE bool
insn_is_vex (const VtX86Insn *insn)
{
  return insn->prefixes & VT_PFX_VEX;
}

VT_INLINE bool
insn_is_mmx (const VtX86Insn *insn)
{
  return insn->veclen == 8;
}

VT_INLINE void
sse_enter (VtX86Cpu *cpu)
{
  if (G_UNLIKELY ((cpu->s.cr0 & (X86_CR0_EM | X86_CR0_TS)) || !(cpu->s.cr4 & X86_CR4_OSFXSR)))
    vt_simd_refuse_sse (cpu);
}

VT_INLINE void
avx_enter (VtX86Cpu *cpu)
{
  if (G_UNLIKELY ((cpu->s.cr0 & X86_CR0_TS) || !(cpu->s.cr4 & X86_CR4_OSXSAVE) || (cpu->s.xcr0 & 6) != 6))
    vt_simd_refuse_avx (cpu);
}

VT_INLINE void
vec_enter (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (insn_is_vex (insn))
    avx_enter (cpu);
  else
    sse_enter (cpu);
}

VT_INLINE VtVec *
vec_reg (VtX86Cpu *cpu, unsigned reg)
{
  return (VtVec *) cpu->s.ymm[reg & 15];
}

VT_INLINE uint64_t *
mmx_reg (VtX86Cpu *cpu, unsigned reg)
{
  return (uint64_t *) cpu->s.st[reg & 7];
}

VT_INLINE uint64_t
vec_aligned_linear (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size, VtAccessKind kind)
{
  if (G_UNLIKELY (insn->addrsize != 8))
    return vt_simd_aligned_operand (cpu, insn, size, size, kind);
  uint64_t linear = mem_linear (cpu, insn, size, kind);
  if (G_UNLIKELY (linear & (size - 1)))
    vt_x86_gp0 (cpu);
  return linear;
}

/* --- Memory operands ----------------------------------------------------------------------------------------------------- */

/* Loads 16 bytes, or 32 into both halves. */
VT_INLINE __m128i
vec_load16_linear (VtX86Cpu *cpu, uint64_t linear)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  __m128i value;

  if (G_LIKELY (entry->tag_read == vt_x86_tlb_tag (linear, 16)))
    return _mm_loadu_si128 ((const __m128i *) vt_x86_tlb_host (entry, linear));
  vt_x86_load_bytes (cpu, linear, &value, 16);
  return value;
}

VT_INLINE void
vec_load_linear (VtX86Cpu *cpu, uint64_t linear, unsigned size, VtVec *to)
{
  if (size == 4)
    to->half[0] = _mm_cvtsi32_si128 (vt_x86_load32 (cpu, linear));
  else if (size == 8)
    to->half[0] = _mm_cvtsi64_si128 (vt_x86_load64 (cpu, linear));
  else if (size == 16)
    to->half[0] = vec_load16_linear (cpu, linear);
  else
    vt_x86_load_bytes (cpu, linear, to, size);
}

VT_INLINE void
vec_store_linear (VtX86Cpu *cpu, uint64_t linear, unsigned size, const VtVec *from)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);

  if (size == 4)
    vt_x86_store32 (cpu, linear, from->u32[0]);
  else if (size == 8)
    vt_x86_store64 (cpu, linear, from->u64[0]);
  else if (size == 16 && G_LIKELY (entry->tag_write == vt_x86_tlb_tag (linear, 16)))
    {
      _mm_storeu_si128 ((__m128i *) vt_x86_tlb_host (entry, linear), from->half[0]);
      if (G_UNLIKELY (__atomic_load_n (entry->page_flags, __ATOMIC_RELAXED) != 0))
        vt_x86_store_flagged (cpu, linear, size);
    }
  else
    vt_x86_store_bytes (cpu, linear, from, size);
}

/* Operand i, the instruction's last vector source: a register (whole), or `size` bytes of memory with the rest undefined.
 * Legacy packed forms want 16-byte operands aligned; VEX forms, and narrower operands, do not. */
VT_INLINE VtVec
vec_source (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, unsigned size)
{
  if (insn->kind[i] != VT_OPND_MEM)
    return *vec_reg (cpu, insn->reg[i]);

  VtVec value;
  uint64_t linear = size == 16 && !insn_is_vex (insn) ? vec_aligned_linear (cpu, insn, 16, VT_READ)
                                                      : mem_linear (cpu, insn, size, VT_READ);
  vec_load_linear (cpu, linear, size, &value);
  return value;
}

/* Writes a destination; `high` counts in VEX forms only, where it is zero for 128-bit ones. */
VT_INLINE void
vec_write (VtX86Cpu *cpu, const VtX86Insn *insn, __m128i low, __m128i high)
{
  VtVec *reg = vec_reg (cpu, insn->reg[0]);

  reg->half[0] = low;
  if (insn_is_vex (insn))
    reg->half[1] = high;
}

/* The same from a vector whose upper half is meant only when the instruction is 256 bits wide. */
VT_INLINE void
vec_write_whole (VtX86Cpu *cpu, const VtX86Insn *insn, const VtVec *value)
{
  vec_write (cpu, insn, value->half[0], insn->veclen == 32 ? value->half[1] : _mm_setzero_si128 ());
}

/* The same for results that are 128 bits wide whatever the source's length. */
VT_INLINE void
vec_write16 (VtX86Cpu *cpu, const VtX86Insn *insn, __m128i value)
{
  vec_write (cpu, insn, value, _mm_setzero_si128 ());
}

/* Number of the first source of a two-source instruction: the destination, unless VEX names one. */
VT_INLINE unsigned
vec_first (const VtX86Insn *insn)
{
  return insn_is_vex (insn) ? 1 : 0;
}

/* --- MMX ------------------------------------------------------------------------------------------------------------------- */

VT_INLINE __m128i
mmx_source (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i)
{
  if (insn->kind[i] == VT_OPND_MM)
    return _mm_cvtsi64_si128 (*mmx_reg (cpu, insn->reg[i]));
  return _mm_cvtsi64_si128 (load_mem (cpu, insn, 8));
}

/* Marks the x87 registers as MMX ones; only after everything that can fault. */
VT_INLINE void
mmx_touch (VtX86Cpu *cpu)
{
  cpu->s.fsw &= ~(7u << 11);
  cpu->s.ftw = 0xff;
}

VT_INLINE void
mmx_write (VtX86Cpu *cpu, unsigned reg, uint64_t value)
{
  mmx_touch (cpu);
  *mmx_reg (cpu, reg) = value;
  *(uint16_t *) (cpu->s.st[reg & 7] + 8) = 0xffff;
}

VT_INLINE void
mmx_binary (VtX86Cpu *cpu, const VtX86Insn *insn, VtVecKernel kernel)
{
  vt_mmx_enter (cpu);
  __m128i second = mmx_source (cpu, insn, 1);
  __m128i first = _mm_cvtsi64_si128 (*mmx_reg (cpu, insn->reg[0]));
  mmx_write (cpu, insn->reg[0], _mm_cvtsi128_si64 (kernel (first, second)));
}

/* --- Integer drivers --------------------------------------------------------------------------------------------------------- */

/* dst = kernel (first, second) in each lane. */
VT_INLINE void
vec_binary (VtX86Cpu *cpu, const VtX86Insn *insn, VtVecKernel kernel)
{
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn);
  VtVec second = vec_source (cpu, insn, i + 1, insn->veclen);
  const VtVec *first = vec_reg (cpu, insn->reg[i]);
  __m128i low, high = _mm_setzero_si128 ();

  low = kernel (first->half[0], second.half[0]);
  if (insn->veclen == 32)
    high = kernel (first->half[1], second.half[1]);
  vec_write (cpu, insn, low, high);
}

/* dst = kernel (source) in each lane. */
VT_INLINE void
vec_unary (VtX86Cpu *cpu, const VtX86Insn *insn, __m128i (*kernel) (__m128i))
{
  vec_enter (cpu, insn);
  VtVec source = vec_source (cpu, insn, 1, insn->veclen);
  __m128i low, high = _mm_setzero_si128 ();

  low = kernel (source.half[0]);
  if (insn->veclen == 32)
    high = kernel (source.half[1]);
  vec_write (cpu, insn, low, high);
}

/* dst = kernel (first, second, imm8) in each lane; the upper lane's part of imm8 begins at bit `upper`. */
VT_INLINE void
vec_binary_imm (VtX86Cpu *cpu, const VtX86Insn *insn, VtVecImmKernel kernel, unsigned upper)
{
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn), imm = (uint8_t) insn->imm;
  VtVec second = vec_source (cpu, insn, i + 1, insn->veclen);
  const VtVec *first = vec_reg (cpu, insn->reg[i]);
  __m128i low, high = _mm_setzero_si128 ();

  low = kernel (first->half[0], second.half[0], imm);
  if (insn->veclen == 32)
    high = kernel (first->half[1], second.half[1], imm >> upper);
  vec_write (cpu, insn, low, high);
}

/* dst = kernel (source, imm8) in each lane; `upper` as above. */
VT_INLINE void
vec_unary_imm (VtX86Cpu *cpu, const VtX86Insn *insn, __m128i (*kernel) (__m128i, unsigned), unsigned upper)
{
  vec_enter (cpu, insn);
  unsigned imm = (uint8_t) insn->imm;
  VtVec source = vec_source (cpu, insn, 1, insn->veclen);
  __m128i low, high = _mm_setzero_si128 ();

  low = kernel (source.half[0], imm);
  if (insn->veclen == 32)
    high = kernel (source.half[1], imm >> upper);
  vec_write (cpu, insn, low, high);
}

/* --- Floating-point drivers ---------------------------------------------------------------------------------------------------- */

VT_INLINE void
fp_begin (VtX86Cpu *cpu)
{
  vt_host_sse_begin (cpu->s.mxcsr);
}

VT_INLINE void
fp_end (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint32_t flags = vt_host_sse_end ();
  if (flags & (~cpu->s.mxcsr | ~(cpu->s.mxcsr >> 7)))
    vt_simd_fp_flags (cpu, insn, flags);
}

/* Packed, two sources, without the write: each half by itself. */
VT_INLINE VtVec
fp_compute (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse kernel)
{
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn);
  VtVec second = vec_source (cpu, insn, i + 1, insn->veclen);
  const VtVec *first = vec_reg (cpu, insn->reg[i]);
  VtVec out = { .half = { _mm_setzero_si128 (), _mm_setzero_si128 () } };

  fp_begin (cpu);
  out.half[0] = kernel (first->half[0], second.half[0]);
  if (insn->veclen == 32)
    out.half[1] = kernel (first->half[1], second.half[1]);
  fp_end (cpu, insn);
  return out;
}

VT_INLINE void
fp_binary (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse kernel)
{
  VtVec out = fp_compute (cpu, insn, kernel);
  vec_write (cpu, insn, out.half[0], out.half[1]);
}

/* Packed, one source of the same width. */
VT_INLINE void
fp_unary (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse kernel)
{
  vec_enter (cpu, insn);
  VtVec source = vec_source (cpu, insn, 1, insn->veclen);
  __m128i low, high = _mm_setzero_si128 ();

  fp_begin (cpu);
  low = kernel (source.half[0], source.half[0]);
  if (insn->veclen == 32)
    high = kernel (source.half[1], source.half[1]);
  fp_end (cpu, insn);
  vec_write (cpu, insn, low, high);
}

/* Scalar: the kernel takes the upper elements from `first`. Unary operations too have that source in VEX forms. */
VT_INLINE void
fp_scalar (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse kernel, unsigned size)
{
  vec_enter (cpu, insn);
  unsigned i = vec_first (insn);
  VtVec second = vec_source (cpu, insn, i + 1, size);

  fp_begin (cpu);
  __m128i result = kernel (vec_reg (cpu, insn->reg[i])->half[0], second.half[0]);
  fp_end (cpu, insn);
  vec_write16 (cpu, insn, result);
}

/* --- General registers ------------------------------------------------------------------------------------------------------ */

/* Writes a 32- or 64-bit general register; 32-bit results are zero-extended. */
VT_INLINE void
gpr_write (VtX86Cpu *cpu, unsigned reg, uint64_t value, unsigned size)
{
  cpu->s.gpr[reg & 15] = size == 8 ? value : (uint32_t) value;
}

/* --- Tables ----------------------------------------------------------------------------------------------------------------------- */

/* One op for the legacy and VEX forms of a name. */
#define VEC_OP(name, driver, ...)                                                                                       \
  static void op_##name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                           \
  {                                                                                                                      \
    driver (cpu, insn, __VA_ARGS__);                                                                                     \
  }
#define VEC_ROW(name, ...)  { ZYDIS_MNEMONIC_##name, op_##name }, { ZYDIS_MNEMONIC_V##name, op_##name },
#define SSE_ROW(name, ...)  { ZYDIS_MNEMONIC_##name, op_##name },
#define AVX_ROW(name, ...)  { ZYDIS_MNEMONIC_V##name, op_##name },
