/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processor models: what CPUID reports, and hence which instructions and register bits exist.
 *
 * A named model is a row of data (x86-model.c); a VtX86Model is one of them reduced to what we implement, together with
 * the machine's topology.  All processors of a machine share it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* CPUID registers that hold feature bits. */
typedef enum
{
  X86_WORD_1_EDX,
  X86_WORD_1_ECX,
  X86_WORD_6_EAX,
  X86_WORD_7_EBX,
  X86_WORD_7_ECX,
  X86_WORD_7_EDX,
  X86_WORD_72_EDX,
  X86_WORD_D1_EAX,
  X86_WORD_81_EDX,
  X86_WORD_81_ECX,
  X86_WORD_87_EDX,
  X86_WORD_88_EBX,
  X86_WORD_COUNT,
} VtX86FeatureWord;

#define X86_FEATURE(word, bit) ((X86_WORD_##word << 5) | (bit))

enum
{
  X86_FEATURE_FPU = X86_FEATURE (1_EDX, 0),
  X86_FEATURE_VME = X86_FEATURE (1_EDX, 1),
  X86_FEATURE_DE = X86_FEATURE (1_EDX, 2),
  X86_FEATURE_PSE = X86_FEATURE (1_EDX, 3),
  X86_FEATURE_TSC = X86_FEATURE (1_EDX, 4),
  X86_FEATURE_MSR = X86_FEATURE (1_EDX, 5),
  X86_FEATURE_PAE = X86_FEATURE (1_EDX, 6),
  X86_FEATURE_MCE = X86_FEATURE (1_EDX, 7),
  X86_FEATURE_CX8 = X86_FEATURE (1_EDX, 8),
  X86_FEATURE_APIC = X86_FEATURE (1_EDX, 9),
  X86_FEATURE_SEP = X86_FEATURE (1_EDX, 11),
  X86_FEATURE_MTRR = X86_FEATURE (1_EDX, 12),
  X86_FEATURE_PGE = X86_FEATURE (1_EDX, 13),
  X86_FEATURE_MCA = X86_FEATURE (1_EDX, 14),
  X86_FEATURE_CMOV = X86_FEATURE (1_EDX, 15),
  X86_FEATURE_PAT = X86_FEATURE (1_EDX, 16),
  X86_FEATURE_PSE36 = X86_FEATURE (1_EDX, 17),
  X86_FEATURE_CLFSH = X86_FEATURE (1_EDX, 19),
  X86_FEATURE_MMX = X86_FEATURE (1_EDX, 23),
  X86_FEATURE_FXSR = X86_FEATURE (1_EDX, 24),
  X86_FEATURE_SSE = X86_FEATURE (1_EDX, 25),
  X86_FEATURE_SSE2 = X86_FEATURE (1_EDX, 26),
  X86_FEATURE_SS = X86_FEATURE (1_EDX, 27),
  X86_FEATURE_HTT = X86_FEATURE (1_EDX, 28),
  X86_FEATURE_SSE3 = X86_FEATURE (1_ECX, 0),
  X86_FEATURE_PCLMULQDQ = X86_FEATURE (1_ECX, 1),
  X86_FEATURE_MONITOR = X86_FEATURE (1_ECX, 3),
  X86_FEATURE_SSSE3 = X86_FEATURE (1_ECX, 9),
  X86_FEATURE_FMA = X86_FEATURE (1_ECX, 12),
  X86_FEATURE_CX16 = X86_FEATURE (1_ECX, 13),
  X86_FEATURE_PCID = X86_FEATURE (1_ECX, 17),
  X86_FEATURE_SSE4_1 = X86_FEATURE (1_ECX, 19),
  X86_FEATURE_SSE4_2 = X86_FEATURE (1_ECX, 20),
  X86_FEATURE_X2APIC = X86_FEATURE (1_ECX, 21),
  X86_FEATURE_MOVBE = X86_FEATURE (1_ECX, 22),
  X86_FEATURE_POPCNT = X86_FEATURE (1_ECX, 23),
  X86_FEATURE_TSC_DEADLINE = X86_FEATURE (1_ECX, 24),
  X86_FEATURE_AES = X86_FEATURE (1_ECX, 25),
  X86_FEATURE_XSAVE = X86_FEATURE (1_ECX, 26),
  X86_FEATURE_OSXSAVE = X86_FEATURE (1_ECX, 27),   /* copy of CR4.OSXSAVE, never in a model */
  X86_FEATURE_AVX = X86_FEATURE (1_ECX, 28),
  X86_FEATURE_F16C = X86_FEATURE (1_ECX, 29),
  X86_FEATURE_RDRAND = X86_FEATURE (1_ECX, 30),
  X86_FEATURE_HYPERVISOR = X86_FEATURE (1_ECX, 31),
  X86_FEATURE_ARAT = X86_FEATURE (6_EAX, 2),
  X86_FEATURE_FSGSBASE = X86_FEATURE (7_EBX, 0),
  X86_FEATURE_TSC_ADJUST = X86_FEATURE (7_EBX, 1),
  X86_FEATURE_BMI1 = X86_FEATURE (7_EBX, 3),
  X86_FEATURE_AVX2 = X86_FEATURE (7_EBX, 5),
  X86_FEATURE_FDP_EXCPTN_ONLY = X86_FEATURE (7_EBX, 6),
  X86_FEATURE_SMEP = X86_FEATURE (7_EBX, 7),
  X86_FEATURE_BMI2 = X86_FEATURE (7_EBX, 8),
  X86_FEATURE_ERMS = X86_FEATURE (7_EBX, 9),
  X86_FEATURE_INVPCID = X86_FEATURE (7_EBX, 10),
  X86_FEATURE_ZERO_FCS_FDS = X86_FEATURE (7_EBX, 13),
  X86_FEATURE_RDSEED = X86_FEATURE (7_EBX, 18),
  X86_FEATURE_ADX = X86_FEATURE (7_EBX, 19),
  X86_FEATURE_SMAP = X86_FEATURE (7_EBX, 20),
  X86_FEATURE_CLFLUSHOPT = X86_FEATURE (7_EBX, 23),
  X86_FEATURE_CLWB = X86_FEATURE (7_EBX, 24),
  X86_FEATURE_SHA_NI = X86_FEATURE (7_EBX, 29),
  X86_FEATURE_UMIP = X86_FEATURE (7_ECX, 2),
  X86_FEATURE_RDPID = X86_FEATURE (7_ECX, 22),
  X86_FEATURE_FSRM = X86_FEATURE (7_EDX, 4),
  X86_FEATURE_MD_CLEAR = X86_FEATURE (7_EDX, 10),
  X86_FEATURE_SPEC_CTRL = X86_FEATURE (7_EDX, 26),
  X86_FEATURE_STIBP = X86_FEATURE (7_EDX, 27),
  X86_FEATURE_ARCH_CAPABILITIES = X86_FEATURE (7_EDX, 29),
  X86_FEATURE_SSBD = X86_FEATURE (7_EDX, 31),
  X86_FEATURE_BHI_CTRL = X86_FEATURE (72_EDX, 4),
  X86_FEATURE_XSAVEOPT = X86_FEATURE (D1_EAX, 0),
  X86_FEATURE_XSAVEC = X86_FEATURE (D1_EAX, 1),
  X86_FEATURE_XGETBV1 = X86_FEATURE (D1_EAX, 2),
  X86_FEATURE_SYSCALL = X86_FEATURE (81_EDX, 11),
  X86_FEATURE_NX = X86_FEATURE (81_EDX, 20),
  X86_FEATURE_MMXEXT = X86_FEATURE (81_EDX, 22),
  X86_FEATURE_FXSR_OPT = X86_FEATURE (81_EDX, 25),
  X86_FEATURE_PDPE1GB = X86_FEATURE (81_EDX, 26),
  X86_FEATURE_RDTSCP = X86_FEATURE (81_EDX, 27),
  X86_FEATURE_LM = X86_FEATURE (81_EDX, 29),
  X86_FEATURE_LAHF_LM = X86_FEATURE (81_ECX, 0),
  X86_FEATURE_CMP_LEGACY = X86_FEATURE (81_ECX, 1),
  X86_FEATURE_CR8LEGACY = X86_FEATURE (81_ECX, 4),
  X86_FEATURE_ABM = X86_FEATURE (81_ECX, 5),
  X86_FEATURE_SSE4A = X86_FEATURE (81_ECX, 6),
  X86_FEATURE_MISALIGNSSE = X86_FEATURE (81_ECX, 7),
  X86_FEATURE_3DNOWPREFETCH = X86_FEATURE (81_ECX, 8),
  X86_FEATURE_TOPOEXT = X86_FEATURE (81_ECX, 22),
  X86_FEATURE_INVTSC = X86_FEATURE (87_EDX, 8),
  X86_FEATURE_CLZERO = X86_FEATURE (88_EBX, 0),
  X86_FEATURE_XSAVEERPTR = X86_FEATURE (88_EBX, 2),
  X86_FEATURE_WBNOINVD = X86_FEATURE (88_EBX, 9),
};

typedef enum
{
  VT_X86_VENDOR_INTEL,
  VT_X86_VENDOR_AMD,
} VtX86Vendor;

struct VtX86Model
{
  const char  *name;
  const char  *brand;              /* at most 47 characters */
  VtX86Vendor  vendor;
  uint32_t     family, model, stepping;
  uint32_t     max_leaf, max_leaf_80;
  uint32_t     feature[X86_WORD_COUNT];
  uint8_t      phys_bits, linear_bits;
  uint64_t     xcr0;               /* bits that XSETBV may set */
  uint64_t     arch_capabilities;
  unsigned     n_cpus;             /* one socket, one thread per core */
};
typedef struct VtX86Model VtX86Model;

#define VT_X86_PHYS_BITS 40u

/* NULL-ended, for lists and error messages; "max" is everything that the interpreter implements. */
const char *const *vt_x86_model_names (void);
/* `name` NULL: the default, "max". "host-passthrough" and "host-model" mean "max" as well. */
VtX86Model *vt_x86_model_new (const char *name, unsigned n_cpus, GError **error);
void        vt_x86_model_free (VtX86Model *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtX86Model, vt_x86_model_free)
/* A libvirt feature name, for <feature policy=...>; false when unknown, or when enabling what we lack. */
bool vt_x86_model_set_feature (VtX86Model *model, const char *feature, bool on, GError **error);

/* For accelerators that run the guest on the host's processor: takes away what is not in `allowed`, XCR0 bits and address bits
 * likewise, and reports that processor's own ARCH_CAPABILITIES. */
void vt_x86_model_restrict (VtX86Model *model, const uint32_t allowed[X86_WORD_COUNT], uint64_t xcr0, unsigned phys_bits,
                            uint64_t arch_capabilities);

/* Clears the features whose instructions run on host instructions that this host lacks (simd-core.c). */
void vt_x86_simd_mask_features (uint32_t feature[X86_WORD_COUNT]);

static inline bool
vt_x86_has (const VtX86Model *model, unsigned feature)
{
  return (model->feature[feature >> 5] >> (feature & 31)) & 1;
}

/* Family, model and stepping as CPUID leaf 1 and EDX after a reset give them. */
uint32_t vt_x86_model_signature (const VtX86Model *model);

static inline uint64_t
vt_x86_phys_mask (const VtX86Model *model)
{
  return (UINT64_C (1) << model->phys_bits) - 1;
}
