/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Vector instructions: availability, SIMD floating-point exceptions, and the list of tables
 * (SDM volume 3A, 2.5 and 14.1; volume 1, 11.5). */
#include <cpuid.h>

#include "fpu.h"
#include "simd.h"
#include "x86-model.h"

const VtX86OpRow *const vt_x86_simd_tables[] = {
  vt_x86_ops_fpu_arith,   vt_x86_ops_fpu_math, vt_x86_ops_fpu_move,    vt_x86_ops_fpu_env,
  vt_x86_ops_xsave,       vt_x86_ops_vec_move, vt_x86_ops_vec_int,     vt_x86_ops_vec_shuffle,
  vt_x86_ops_vec_fp,      vt_x86_ops_vec_convert, vt_x86_ops_vec_string, vt_x86_ops_crypto,
  vt_x86_ops_avx,         vt_x86_ops_fma,      NULL,
};

static bool
host_has_sha (void)
{
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid_count (7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA);
}

/* Asked by hand: not every compiler knows the name. */
static bool
host_has_f16c (void)
{
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid (1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
}

void
vt_x86_simd_mask_features (uint32_t feature[X86_WORD_COUNT])
{
  bool avx = __builtin_cpu_supports ("avx");
  const struct
  {
    unsigned feature;
    bool     host;
  } optional[] = {
    { X86_FEATURE_AES, __builtin_cpu_supports ("aes") },
    { X86_FEATURE_PCLMULQDQ, __builtin_cpu_supports ("pclmul") },
    { X86_FEATURE_SHA_NI, host_has_sha () },
    { X86_FEATURE_AVX, avx },
    { X86_FEATURE_AVX2, avx },
    { X86_FEATURE_FMA, avx && __builtin_cpu_supports ("fma") },
    { X86_FEATURE_F16C, avx && host_has_f16c () },
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (optional); i++)
    if (!optional[i].host)
      feature[optional[i].feature >> 5] &= ~(1u << (optional[i].feature & 31));
}

void
vt_simd_refuse_sse (VtX86Cpu *cpu)
{
  if ((cpu->s.cr0 & X86_CR0_EM) || !(cpu->s.cr4 & X86_CR4_OSFXSR))
    vt_x86_ud (cpu);
  vt_x86_raise (cpu, X86_NM, 0);
}

void
vt_simd_refuse_avx (VtX86Cpu *cpu)
{
  if (!(cpu->s.cr4 & X86_CR4_OSXSAVE) || (cpu->s.xcr0 & 6) != 6)
    vt_x86_ud (cpu);
  vt_x86_raise (cpu, X86_NM, 0);
}

void
vt_mmx_enter (VtX86Cpu *cpu)
{
  if (G_UNLIKELY (cpu->s.cr0 & X86_CR0_EM))
    vt_x86_ud (cpu);
  vt_fpu_enter (cpu);
}

void
vt_simd_fp_flags (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t flags)
{
  bool unmasked = flags & ~(cpu->s.mxcsr >> 7);

  cpu->s.mxcsr |= unmasked ? vt_simd_unmasked_flags (cpu, insn, flags) : flags;
  if (unmasked)
    vt_x86_raise (cpu, cpu->s.cr4 & X86_CR4_OSXMMEXCPT ? X86_XM : X86_UD, 0);
}

uint64_t
vt_simd_aligned_operand (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size, unsigned align, VtAccessKind kind)
{
  uint64_t offset = vt_x86_effective_address (cpu, insn);
  bool flat = cpu->mode == VT_X86_LONG && insn->seg < VT_FS;
  uint64_t base = flat ? 0 : cpu->s.seg[insn->seg].base;
  if (G_UNLIKELY ((base + offset) & (align - 1)))
    vt_x86_gp0 (cpu);
  return vt_x86_linear (cpu, insn->seg, offset, size, kind);
}
