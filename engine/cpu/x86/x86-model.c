/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processor models as data: libvirt's names for features and models.
 *
 * Numbers are those that the vendors' processors report (SDM volume 2A, CPUID; AMD APM volume 3, appendix E).  A model is
 * its parent plus a list; what we do not implement is left out silently when the model is made, so "Haswell" lacks TSX.
 * "max" is everything the interpreter implements, and reports in ARCH_CAPABILITIES that none of the speculation flaws
 * concern it, so that guests leave their mitigations off.
 */
#include "x86-model.h"

#include <string.h>
#include <vitrine/error.h>

/* --- Features -------------------------------------------------------------------------------------------------------------------- */

#define F(name_, bit_) { name_, X86_FEATURE_##bit_ }
static const struct
{
  const char *name;     /* as in libvirt's CPU map */
  uint16_t    feature;
} features[] = {
  F ("fpu", FPU), F ("vme", VME), F ("de", DE), F ("pse", PSE), F ("tsc", TSC), F ("msr", MSR), F ("pae", PAE),
  F ("mce", MCE), F ("cx8", CX8), F ("apic", APIC), F ("sep", SEP), F ("mtrr", MTRR), F ("pge", PGE), F ("mca", MCA),
  F ("cmov", CMOV), F ("pat", PAT), F ("pse36", PSE36), F ("clflush", CLFSH), F ("mmx", MMX), F ("fxsr", FXSR),
  F ("sse", SSE), F ("sse2", SSE2), F ("ss", SS), F ("ht", HTT), F ("pni", SSE3), F ("pclmuldq", PCLMULQDQ),
  F ("monitor", MONITOR), F ("ssse3", SSSE3), F ("fma", FMA), F ("cx16", CX16), F ("pcid", PCID), F ("sse4.1", SSE4_1),
  F ("sse4.2", SSE4_2), F ("x2apic", X2APIC), F ("movbe", MOVBE), F ("popcnt", POPCNT), F ("tsc-deadline", TSC_DEADLINE),
  F ("aes", AES), F ("xsave", XSAVE), F ("avx", AVX), F ("f16c", F16C), F ("rdrand", RDRAND),
  F ("hypervisor", HYPERVISOR), F ("arat", ARAT), F ("fsgsbase", FSGSBASE), F ("tsc_adjust", TSC_ADJUST),
  F ("bmi1", BMI1), F ("avx2", AVX2), F ("smep", SMEP), F ("bmi2", BMI2), F ("erms", ERMS), F ("invpcid", INVPCID),
  F ("rdseed", RDSEED), F ("adx", ADX), F ("smap", SMAP), F ("clflushopt", CLFLUSHOPT), F ("clwb", CLWB),
  F ("sha-ni", SHA_NI), F ("umip", UMIP), F ("rdpid", RDPID), F ("fsrm", FSRM), F ("md-clear", MD_CLEAR),
  F ("spec-ctrl", SPEC_CTRL), F ("stibp", STIBP), F ("arch-capabilities", ARCH_CAPABILITIES), F ("ssbd", SSBD),
  F ("bhi-ctrl", BHI_CTRL),
  F ("xsaveopt", XSAVEOPT), F ("xsavec", XSAVEC), F ("xgetbv1", XGETBV1), F ("syscall", SYSCALL), F ("nx", NX),
  F ("mmxext", MMXEXT), F ("fxsr_opt", FXSR_OPT), F ("pdpe1gb", PDPE1GB), F ("rdtscp", RDTSCP), F ("lm", LM),
  F ("lahf_lm", LAHF_LM), F ("cmp_legacy", CMP_LEGACY), F ("cr8legacy", CR8LEGACY), F ("abm", ABM), F ("sse4a", SSE4A),
  F ("misalignsse", MISALIGNSSE), F ("3dnowprefetch", 3DNOWPREFETCH), F ("topoext", TOPOEXT), F ("invtsc", INVTSC),
  F ("clzero", CLZERO), F ("xsaveerptr", XSAVEERPTR), F ("wbnoinvd", WBNOINVD),
  F ("fdp-excptn-only", FDP_EXCPTN_ONLY), F ("zero-fcs-fds", ZERO_FCS_FDS),
};
#undef F

#define BASE_FEATURES                                                                                                    \
  "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 hypervisor"

/* Everything that the interpreter implements; "max", and the bound of every other model. No MONITOR: a halt is cheaper for
 * the host than a wait that ends at once. */
#define IMPLEMENTED                                                                                                      \
  BASE_FEATURES " ss ht pni pclmuldq ssse3 fma cx16 pcid sse4.1 sse4.2 x2apic movbe popcnt tsc-deadline aes xsave avx "  \
                "f16c rdrand arat fsgsbase tsc_adjust bmi1 avx2 smep bmi2 erms invpcid rdseed adx smap clflushopt clwb " \
                "sha-ni umip rdpid fsrm spec-ctrl bhi-ctrl arch-capabilities xsaveopt xsavec xgetbv1 syscall nx pdpe1gb "  \
                "rdtscp lm lahf_lm abm 3dnowprefetch invtsc zero-fcs-fds fdp-excptn-only"
/* Implemented, but only AMD's processors have it. */
#define IMPLEMENTED_AMD " cmp_legacy cr8legacy fxsr_opt mmxext wbnoinvd"

/* What a virtual machine can offer whatever the model: our interrupt controller, and a time-stamp counter that is always
 * invariant. Without it Linux marks the TSC of AMD models with more than one processor unstable. */
#define ALWAYS " hypervisor x2apic tsc-deadline tsc_adjust arat invtsc"

/* ARCH_CAPABILITIES bits (SDM volume 4, MSR 10AH): flaws that this processor does not have. */
#define RDCL_NO          (1u << 0)
#define IBRS_ALL         (1u << 1)
#define SKIP_VMENTRY_L1D (1u << 3)
#define SSB_NO           (1u << 4)
#define MDS_NO           (1u << 5)
#define PSCHANGE_MC_NO   (1u << 6)
#define TAA_NO           (1u << 8)
#define SBDR_SSDP_NO     (1u << 13)
#define FBSDP_NO         (1u << 14)
#define PSDP_NO          (1u << 15)
#define BHI_NO           (1u << 20)
#define PBRSB_NO         (1u << 24)
#define GDS_NO           (1u << 26)
#define RFDS_NO          (1u << 27)
#define ITS_NO           (UINT64_C (1) << 62)
/* IBRS_ALL makes Linux choose "enhanced IBRS", one MSR write at boot, over retpolines; BHI_CTRL likewise spares it a loop of
 * branches on each system call. */
#define IMMUNE                                                                                                           \
  (ITS_NO | IBRS_ALL | RDCL_NO | SKIP_VMENTRY_L1D | SSB_NO | MDS_NO | PSCHANGE_MC_NO | TAA_NO | SBDR_SSDP_NO | FBSDP_NO  \
   | PSDP_NO | BHI_NO | PBRSB_NO | GDS_NO | RFDS_NO)

/* --- Models -------------------------------------------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  const char *parent;         /* its features come first; NULL for none */
  const char *add;            /* names, separated by spaces */
  const char *brand;
  uint8_t     vendor;
  uint8_t     family, model, stepping;
  uint8_t     max_leaf;
} Definition;

#define INTEL VT_X86_VENDOR_INTEL
#define AMD   VT_X86_VENDOR_AMD

static const Definition definitions[] = {
  { "max", NULL, IMPLEMENTED, "Vitrine Virtual Processor", INTEL, 6, 0x6a, 6, 0x16 },
  { "qemu64", NULL, BASE_FEATURES " pni cx16 syscall nx lm lahf_lm", "Virtual CPU", AMD, 15, 107, 1, 0xd },
  { "kvm64", NULL, BASE_FEATURES " pni cx16 syscall nx lm", "Common 64-bit Processor", INTEL, 15, 6, 1, 0xd },
  { "core2duo", NULL, BASE_FEATURES " ss pni ssse3 cx16 monitor syscall nx lm lahf_lm", "Intel Core 2 Duo", INTEL, 6, 15, 11,
    10 },
  { "Conroe", NULL, BASE_FEATURES " pni ssse3 syscall nx lm lahf_lm", "Intel Celeron (Conroe/Merom)", INTEL, 6, 15, 3, 10 },
  { "Penryn", "Conroe", "cx16 sse4.1", "Intel Core 2 Duo (Penryn)", INTEL, 6, 23, 3, 10 },
  { "Nehalem", "Penryn", "sse4.2 popcnt", "Intel Core i7 9xx (Nehalem)", INTEL, 6, 26, 3, 0xb },
  { "Westmere", "Nehalem", "aes pclmuldq", "Intel Westmere", INTEL, 6, 44, 1, 0xb },
  { "SandyBridge", "Westmere", "tsc-deadline x2apic xsave avx rdtscp xsaveopt", "Intel Xeon E312xx (Sandy Bridge)", INTEL, 6,
    42, 1, 0xd },
  { "IvyBridge", "SandyBridge", "f16c rdrand fsgsbase smep erms", "Intel Xeon E3-12xx v2 (Ivy Bridge)", INTEL, 6, 58, 9,
    0xd },
  { "Haswell-noTSX", "IvyBridge", "fma pcid movbe bmi1 bmi2 avx2 invpcid abm", "Intel Core Processor (Haswell)", INTEL, 6, 60,
    1, 0xd },
  { "Haswell", "Haswell-noTSX", "", "Intel Core Processor (Haswell)", INTEL, 6, 60, 4, 0xd },
  { "Broadwell-noTSX", "Haswell-noTSX", "rdseed adx smap 3dnowprefetch", "Intel Core Processor (Broadwell)", INTEL, 6, 61, 2,
    0xd },
  { "Broadwell", "Broadwell-noTSX", "", "Intel Core Processor (Broadwell)", INTEL, 6, 61, 2, 0xd },
  { "Skylake-Client", "Broadwell", "xsavec xgetbv1 arat", "Intel Core Processor (Skylake)", INTEL, 6, 94, 3, 0xd },
  { "Skylake-Client-noTSX-IBRS", "Skylake-Client", "spec-ctrl", "Intel Core Processor (Skylake, IBRS)", INTEL, 6, 94, 3, 0xd },
  { "Opteron_G1", NULL, BASE_FEATURES " pni syscall nx lm", "AMD Opteron 240", AMD, 15, 6, 1, 5 },
  { "Opteron_G2", "Opteron_G1", "cx16 lahf_lm", "AMD Opteron 22xx", AMD, 15, 6, 1, 5 },
  { "Opteron_G3", "Opteron_G2", "popcnt abm sse4a misalignsse rdtscp monitor", "AMD Opteron 23xx", AMD, 16, 2, 3, 5 },
  { "EPYC", NULL,
    BASE_FEATURES " pni pclmuldq ssse3 fma cx16 sse4.1 sse4.2 movbe popcnt aes xsave avx f16c rdrand fsgsbase bmi1 avx2 smep "
                  "bmi2 rdseed adx smap clflushopt sha-ni xsaveopt xsavec xgetbv1 arat syscall nx mmxext fxsr_opt pdpe1gb "
                  "rdtscp lm lahf_lm cr8legacy abm sse4a misalignsse 3dnowprefetch",
    "AMD EPYC Processor", AMD, 23, 1, 2, 0xd },
  { "EPYC-Rome", "EPYC", "clwb umip rdpid wbnoinvd", "AMD EPYC-Rome Processor", AMD, 23, 49, 0, 0xd },
};

static const struct
{
  const char *alias, *name;
} aliases[] = {
  { "host-passthrough", "max" },    { "host-model", "max" },           { "maximum", "max" },
  { "Nehalem-IBRS", "Nehalem" },    { "Westmere-IBRS", "Westmere" },   { "SandyBridge-IBRS", "SandyBridge" },
  { "IvyBridge-IBRS", "IvyBridge" }, { "Haswell-IBRS", "Haswell" },    { "Haswell-noTSX-IBRS", "Haswell-noTSX" },
  { "Broadwell-IBRS", "Broadwell" }, { "Broadwell-noTSX-IBRS", "Broadwell-noTSX" },
  { "Skylake-Client-IBRS", "Skylake-Client-noTSX-IBRS" }, { "EPYC-IBPB", "EPYC" },
};

static const Definition *
find_definition (const char *name)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (aliases); i++)
    if (strcmp (aliases[i].alias, name) == 0)
      name = aliases[i].name;
  for (unsigned i = 0; i < G_N_ELEMENTS (definitions); i++)
    if (strcmp (definitions[i].name, name) == 0)
      return &definitions[i];
  return NULL;
}

static int
find_feature (const char *name)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (features); i++)
    if (strcmp (features[i].name, name) == 0)
      return features[i].feature;
  return -1;
}

static void
set_bit (uint32_t *words, unsigned feature, bool on)
{
  uint32_t bit = 1u << (feature & 31);
  words[feature >> 5] = (words[feature >> 5] & ~bit) | (on ? bit : 0);
}

static void
add_list (uint32_t *words, const char *list)
{
  g_auto(GStrv) names = g_strsplit (list, " ", -1);
  for (char **name = names; *name != NULL; name++)
    if (**name != '\0')
      {
        int feature = find_feature (*name);
        g_assert (feature >= 0);
        set_bit (words, feature, true);
      }
}

static void
add_definition (uint32_t *words, const Definition *definition)
{
  if (definition->parent != NULL)
    add_definition (words, find_definition (definition->parent));
  add_list (words, definition->add);
}

/* What follows from the feature words. */
static void
settle (VtX86Model *model)
{
  model->xcr0 = 0;
  if (vt_x86_has (model, X86_FEATURE_XSAVE))
    model->xcr0 = vt_x86_has (model, X86_FEATURE_AVX) ? 7 : 3;
  model->arch_capabilities = vt_x86_has (model, X86_FEATURE_ARCH_CAPABILITIES) ? IMMUNE : 0;
}

const char *const *
vt_x86_model_names (void)
{
  static const char *names[G_N_ELEMENTS (definitions) + 1];
  for (unsigned i = 0; i < G_N_ELEMENTS (definitions); i++)
    names[i] = definitions[i].name;
  return names;
}

VtX86Model *
vt_x86_model_new (const char *name, unsigned n_cpus, GError **error)
{
  const Definition *definition = find_definition (name != NULL ? name : "max");
  if (definition == NULL)
    {
      g_autofree char *list = g_strjoinv (", ", (char **) vt_x86_model_names ());
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Processor model “%s” is not known. Choose one of: %s", name, list);
      return NULL;
    }
  VtX86Model *model = g_new0 (VtX86Model, 1);
  uint32_t implemented[X86_WORD_COUNT] = { 0 };
  add_list (implemented, IMPLEMENTED);
  if (definition->vendor == AMD)
    add_list (implemented, IMPLEMENTED_AMD);
  vt_x86_simd_mask_features (implemented);
  add_definition (model->feature, definition);
  add_list (model->feature, ALWAYS);
  for (unsigned i = 0; i < X86_WORD_COUNT; i++)
    model->feature[i] &= implemented[i];
  model->name = definition->name;
  model->brand = definition->brand;
  model->vendor = definition->vendor;
  model->family = definition->family;
  model->model = definition->model;
  model->stepping = definition->stepping;
  model->max_leaf = definition->max_leaf;
  model->max_leaf_80 = 0x80000008;
  model->phys_bits = VT_X86_PHYS_BITS;
  model->linear_bits = 48;
  model->n_cpus = n_cpus;
  settle (model);
  return model;
}

void
vt_x86_model_free (VtX86Model *model)
{
  g_free (model);
}

bool
vt_x86_model_set_feature (VtX86Model *model, const char *feature, bool on, GError **error)
{
  uint32_t implemented[X86_WORD_COUNT] = { 0 };
  int found = find_feature (feature);
  if (found < 0)
    {
      if (!on)
        return true;
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Processor feature “%s” is not known here", feature);
      return false;
    }
  add_list (implemented, IMPLEMENTED IMPLEMENTED_AMD);
  vt_x86_simd_mask_features (implemented);
  if (on && ((implemented[found >> 5] >> (found & 31)) & 1) == 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "Processor feature “%s” cannot be offered by this emulator",
                   feature);
      return false;
    }
  set_bit (model->feature, found, on);
  settle (model);
  return true;
}

void
vt_x86_model_restrict (VtX86Model *model, const uint32_t allowed[X86_WORD_COUNT], uint64_t xcr0, unsigned phys_bits,
                       uint64_t arch_capabilities)
{
  for (unsigned i = 0; i < X86_WORD_COUNT; i++)
    model->feature[i] &= allowed[i];
  settle (model);
  model->xcr0 &= xcr0;
  model->phys_bits = MIN (model->phys_bits, phys_bits);
  model->arch_capabilities = vt_x86_has (model, X86_FEATURE_ARCH_CAPABILITIES) ? arch_capabilities : 0;
}

uint32_t
vt_x86_model_signature (const VtX86Model *model)
{
  uint32_t family = MIN (model->family, 15), extended = model->family - family;
  return model->stepping | (model->model & 15) << 4 | family << 8 | (model->model >> 4) << 16 | extended << 20;
}
