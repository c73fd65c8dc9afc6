/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SSE and AVX floating-point arithmetic, comparison and rounding (SDM volume 1, 10.4.1, 11.4.1, 12.10; 14.1). */
#include <Zydis/Zydis.h>

#include "simd.h"

#define PACKED_BINARY(X)                                                                                                 \
  X (ADDPS, addps) X (ADDPD, addpd) X (SUBPS, subps) X (SUBPD, subpd) X (MULPS, mulps) X (MULPD, mulpd)                  \
  X (DIVPS, divps) X (DIVPD, divpd) X (MINPS, minps) X (MINPD, minpd) X (MAXPS, maxps) X (MAXPD, maxpd)                  \
  X (HADDPS, haddps) X (HADDPD, haddpd) X (HSUBPS, hsubps) X (HSUBPD, hsubpd)                                            \
  X (ADDSUBPS, addsubps) X (ADDSUBPD, addsubpd)

#define PACKED_UNARY(X) X (SQRTPS, sqrtps) X (SQRTPD, sqrtpd) X (RCPPS, rcpps) X (RSQRTPS, rsqrtps)

#define SCALAR(X)                                                                                                        \
  X (ADDSS, addss, 4) X (ADDSD, addsd, 8) X (SUBSS, subss, 4) X (SUBSD, subsd, 8) X (MULSS, mulss, 4) X (MULSD, mulsd, 8) \
  X (DIVSS, divss, 4) X (DIVSD, divsd, 8) X (MINSS, minss, 4) X (MINSD, minsd, 8) X (MAXSS, maxss, 4) X (MAXSD, maxsd, 8) \
  X (SQRTSS, sqrtss, 4) X (SQRTSD, sqrtsd, 8) X (RCPSS, rcpss, 4) X (RSQRTSS, rsqrtss, 4)

#define OP_BINARY(name, kernel) VEC_OP (name, fp_binary, vt_host_##kernel)
#define OP_UNARY(name, kernel) VEC_OP (name, fp_unary, vt_host_##kernel)
#define OP_SCALAR(name, kernel, size) VEC_OP (name, fp_scalar, vt_host_##kernel, size)
PACKED_BINARY (OP_BINARY)
PACKED_UNARY (OP_UNARY)
SCALAR (OP_SCALAR)

/* --- Comparison to a mask ------------------------------------------------------------------------------------------------- */

#define KERNEL_OF(prefix, element, predicate) vt_host_##prefix##cmp##element##_##predicate,
#define COMPARE_KERNELS(element)                                                                                         \
  VT_FOR_8 (VT_HOST_CMP, element)                                                                                        \
  VT_FOR_32 (VT_HOST_VCMP, element)                                                                                      \
  static const VtHostSse cmp##element##_kernels[8] = { VT_FOR_8 (KERNEL_OF, , element) };                                \
  static const VtHostSse vcmp##element##_kernels[32] = { VT_FOR_32 (KERNEL_OF, v, element) };
COMPARE_KERNELS (ps)
COMPARE_KERNELS (pd)
COMPARE_KERNELS (ss)
COMPARE_KERNELS (sd)

/* size: of a scalar's element, 0 for packed forms. */
VT_INLINE void
compare (VtX86Cpu *cpu, const VtX86Insn *insn, const VtHostSse *kernels, const VtHostSse *vex_kernels, unsigned size)
{
  VtHostSse kernel = insn_is_vex (insn) ? vex_kernels[insn->imm & 31] : kernels[insn->imm & 7];
  if (size)
    fp_scalar (cpu, insn, kernel, size);
  else
    fp_binary (cpu, insn, kernel);
}

VEC_OP (CMPPS, compare, cmpps_kernels, vcmpps_kernels, 0)
VEC_OP (CMPPD, compare, cmppd_kernels, vcmppd_kernels, 0)
VEC_OP (CMPSS, compare, cmpss_kernels, vcmpss_kernels, 4)
VEC_OP (CMPSD, compare, cmpsd_kernels, vcmpsd_kernels, 8)

/* --- Comparison to flags ----------------------------------------------------------------------------------------------------- */

VT_INLINE void
compare_flags (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t (*kernel) (__m128i, __m128i), unsigned size)
{
  vec_enter (cpu, insn);
  VtVec second = vec_source (cpu, insn, 1, size);

  fp_begin (cpu);
  uint32_t flags = kernel (vec_reg (cpu, insn->reg[0])->half[0], second.half[0]);
  fp_end (cpu, insn);
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ARITH, flags);
}

VEC_OP (COMISS, compare_flags, vt_host_comiss, 4)
VEC_OP (COMISD, compare_flags, vt_host_comisd, 8)
VEC_OP (UCOMISS, compare_flags, vt_host_ucomiss, 4)
VEC_OP (UCOMISD, compare_flags, vt_host_ucomisd, 8)

/* --- Rounding to integral values ---------------------------------------------------------------------------------------------- */

/* imm8: mode in bits 1:0, or MXCSR.RC with bit 2; bit 3 keeps the precision exception quiet. */
VT_INLINE uint32_t
rounding_mxcsr (uint32_t mxcsr, unsigned imm)
{
  return imm & 4 ? mxcsr : (mxcsr & ~MXCSR_RC) | (imm & 3) << MXCSR_RC_SHIFT;
}

/* size: of a scalar's element, 0 for packed forms. */
VT_INLINE void
round_op (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse exact, VtHostSse quiet, unsigned size)
{
  vec_enter (cpu, insn);
  VtHostSse kernel = insn->imm & 8 ? quiet : exact;
  unsigned i = size ? vec_first (insn) : 0;
  VtVec source = vec_source (cpu, insn, i + 1, size ? size : insn->veclen);
  __m128i low, high = _mm_setzero_si128 ();

  vt_host_sse_begin (rounding_mxcsr (cpu->s.mxcsr, insn->imm));
  low = kernel (vec_reg (cpu, insn->reg[i])->half[0], source.half[0]);
  if (!size && insn->veclen == 32)
    high = kernel (high, source.half[1]);
  fp_end (cpu, insn);
  vec_write (cpu, insn, low, high);
}

#define ROUND(name, kernel, size) VEC_OP (name, round_op, vt_host_##kernel##_exact, vt_host_##kernel##_quiet, size)
ROUND (ROUNDPS, roundps, 0)
ROUND (ROUNDPD, roundpd, 0)
ROUND (ROUNDSS, roundss, 4)
ROUND (ROUNDSD, roundsd, 8)

/* --- Dot products ------------------------------------------------------------------------------------------------------------------ */

VT_FOR_16 (VT_HOST_DOT, dpps)
#define VT_FOR_4(X, ...) X (__VA_ARGS__, 0) X (__VA_ARGS__, 1) X (__VA_ARGS__, 2) X (__VA_ARGS__, 3)
VT_FOR_4 (VT_HOST_DOT, dppd)
#define DOT_KERNEL(name, select) vt_host_##name##_##select,
static const VtHostSse dpps_kernels[16] = { VT_FOR_16 (DOT_KERNEL, dpps) };
static const VtHostSse dppd_kernels[4] = { VT_FOR_4 (DOT_KERNEL, dppd) };

/* Elements of the mask that are not set become zero. */
VT_INLINE __m128i
keep_dwords (__m128i value, unsigned mask)
{
  __m128i bits = _mm_set_epi32 (8, 4, 2, 1);
  return _mm_and_si128 (value, _mm_cmpeq_epi32 (_mm_and_si128 (_mm_set1_epi32 (mask), bits), bits));
}

VT_INLINE void
dot_product (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostSse kernel, unsigned mask)
{
  VtVec out = fp_compute (cpu, insn, kernel);
  vec_write (cpu, insn, keep_dwords (out.half[0], mask), keep_dwords (out.half[1], mask));
}

static void
op_DPPS (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  dot_product (cpu, insn, dpps_kernels[insn->imm >> 4 & 15], insn->imm & 15);
}

static void
op_DPPD (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  dot_product (cpu, insn, dppd_kernels[insn->imm >> 4 & 3], (insn->imm & 1) * 3 | (insn->imm >> 1 & 1) * 12);
}

#define OTHERS(X)                                                                                                        \
  X (CMPPS) X (CMPPD) X (CMPSS) X (CMPSD) X (COMISS) X (COMISD) X (UCOMISS) X (UCOMISD) X (ROUNDPS) X (ROUNDPD)          \
  X (ROUNDSS) X (ROUNDSD) X (DPPS) X (DPPD)

const VtX86OpRow vt_x86_ops_vec_fp[] = {
  PACKED_BINARY (VEC_ROW) PACKED_UNARY (VEC_ROW) SCALAR (VEC_ROW) OTHERS (VEC_ROW) { 0, NULL },
};
