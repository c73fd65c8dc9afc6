/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPUID (SDM volume 2A; AMD APM volume 3, appendix E), from the model's feature words and the processor's place in the
 * machine.
 *
 * Topology: one socket, one thread per core, APIC ID = processor number.  Leaf 0x40000000 names us; 0x40000010 tells the
 * TSC and APIC timer frequencies in kHz, as hypervisors agreed to.
 */
#include "apic.h"
#include "x86-sys.h"

#define HYPERVISOR_LEAF     0x40000000u
#define HYPERVISOR_MAX      0x40000010u
#define LEAF_LEVEL_SMT      1u
#define LEAF_LEVEL_CORE     2u
#define XSAVE_LEGACY_BYTES  576u      /* FXSAVE area and header */
#define XSAVE_AVX_OFFSET    576u
#define XSAVE_AVX_BYTES     256u
#define XCR0_AVX            4u
#define CACHE_LINE          64u

typedef struct
{
  uint32_t eax, ebx, ecx, edx;
} Regs;

static uint32_t
word (const VtX86Cpu *cpu, VtX86FeatureWord w)
{
  return cpu->model->feature[w];
}

/* Bits needed for `n` different IDs. */
static unsigned
id_bits (unsigned n)
{
  unsigned bits = 0;
  while ((1u << bits) < n)
    bits++;
  return bits;
}

static void
vendor_string (const VtX86Cpu *cpu, Regs *r)
{
  const char *vendor = cpu->model->vendor == VT_X86_VENDOR_AMD ? "AuthenticAMD" : "GenuineIntel";
  r->ebx = vt_load_le (vendor, 4);
  r->edx = vt_load_le (vendor + 4, 4);
  r->ecx = vt_load_le (vendor + 8, 4);
}

static void
leaf_0 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->eax = cpu->model->max_leaf;
  vendor_string (cpu, r);
}

static void
leaf_1 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  unsigned n = cpu->model->n_cpus;
  r->eax = vt_x86_model_signature (cpu->model);
  r->ebx = cpu->vcpu.index << 24 | MIN (1u << id_bits (n), 255) << 16 | (CACHE_LINE / 8) << 8;
  r->ecx = word (cpu, X86_WORD_1_ECX);
  r->edx = word (cpu, X86_WORD_1_EDX);
  if (cpu->s.cr4 & X86_CR4_OSXSAVE)
    r->ecx |= 1u << (X86_FEATURE_OSXSAVE & 31);
  if (n > 1)
    r->edx |= 1u << (X86_FEATURE_HTT & 31);
  uint64_t base;
  /* The APIC bit follows the enable bit of IA32_APIC_BASE. */
  if (cpu->apic != NULL && vt_apic_msr_read (cpu->apic, 0x1b, &base) && (base & (1u << 11)) == 0)
    r->edx &= ~(1u << (X86_FEATURE_APIC & 31));
}

/* Descriptors (SDM volume 2A, table 3-12): TLBs of 64 and 1536 entries for small pages, 8 and 32 for large ones, prefetch of
 * 64 bytes; ff says that leaf 4 has the caches. */
static void
leaf_2 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->eax = 0x76036301;
  r->ebx = 0x00f0b5ff;
  r->edx = 0x00c30000;
}

static const struct
{
  uint8_t  type, level;         /* 1 data, 2 instruction, 3 unified */
  uint16_t ways;
  uint32_t sets;
  bool     shared;              /* by all cores */
} caches[] = {
  { 1, 1, 8, 64, false },       /* 32 KiB */
  { 2, 1, 8, 64, false },
  { 3, 2, 16, 512, false },     /* 512 KiB */
  { 3, 3, 16, 8192, true },     /* 8 MiB */
};

static void
leaf_4 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  if (subleaf >= G_N_ELEMENTS (caches) || cpu->model->vendor == VT_X86_VENDOR_AMD)
    return;
  uint32_t cores = 1u << id_bits (cpu->model->n_cpus);
  uint32_t sharing = caches[subleaf].shared ? cores : 1;
  r->eax = caches[subleaf].type | caches[subleaf].level << 5 | 1u << 8 | (sharing - 1) << 14 | (MIN (cores, 64) - 1) << 26;
  r->ebx = (CACHE_LINE - 1) | (uint32_t) (caches[subleaf].ways - 1) << 22;
  r->ecx = caches[subleaf].sets - 1;
}

static void
leaf_5 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  if (!vt_x86_has (cpu->model, X86_FEATURE_MONITOR))
    return;
  r->eax = r->ebx = CACHE_LINE;
  r->ecx = 3;
}

static void
leaf_6 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->eax = word (cpu, X86_WORD_6_EAX);
}

static void
leaf_7 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  if (subleaf == 2)
    r->edx = word (cpu, X86_WORD_72_EDX);
  if (subleaf != 0)
    return;
  r->eax = word (cpu, X86_WORD_72_EDX) != 0 ? 2 : 0;
  r->ebx = word (cpu, X86_WORD_7_EBX);
  r->ecx = word (cpu, X86_WORD_7_ECX);
  r->edx = word (cpu, X86_WORD_7_EDX);
}

static void
leaf_b (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->edx = cpu->vcpu.index;
  r->ecx = subleaf & 0xff;
  if (subleaf == 0)
    {
      r->ebx = 1;
      r->ecx |= LEAF_LEVEL_SMT << 8;
    }
  else if (subleaf == 1)
    {
      r->eax = id_bits (cpu->model->n_cpus);
      r->ebx = cpu->model->n_cpus;
      r->ecx |= LEAF_LEVEL_CORE << 8;
    }
}

static uint32_t
xsave_bytes (uint64_t components)
{
  return (components & XCR0_AVX) != 0 ? XSAVE_AVX_OFFSET + XSAVE_AVX_BYTES : XSAVE_LEGACY_BYTES;
}

static void
leaf_d (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  uint64_t all = cpu->model->xcr0;
  if (!vt_x86_has (cpu->model, X86_FEATURE_XSAVE))
    return;
  if (subleaf == 0)
    {
      r->eax = all;
      r->edx = all >> 32;
      r->ebx = xsave_bytes (cpu->s.xcr0);
      r->ecx = xsave_bytes (all);
    }
  else if (subleaf == 1)
    {
      r->eax = word (cpu, X86_WORD_D1_EAX);
      r->ebx = vt_x86_has (cpu->model, X86_FEATURE_XSAVEC) ? xsave_bytes (cpu->s.xcr0) : 0;
    }
  else if (subleaf == 2 && (all & XCR0_AVX) != 0)
    {
      r->eax = XSAVE_AVX_BYTES;
      r->ebx = XSAVE_AVX_OFFSET;
    }
}

/* TSC = crystal * EBX / EAX; with the crystal at the APIC timer's input frequency. */
static void
leaf_15 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  uint64_t hz = cpu->tsc_hz;
  if (!vt_x86_has (cpu->model, X86_FEATURE_INVTSC) || hz % 1000000 != 0 || hz / 1000000 > UINT32_MAX)
    return;
  r->eax = VT_APIC_TIMER_HZ / 1000000;
  r->ebx = hz / 1000000;
  r->ecx = VT_APIC_TIMER_HZ;
}

static void
leaf_16 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->eax = r->ebx = cpu->tsc_hz / 1000000;
  r->ecx = 100;
}

static void
leaf_hypervisor (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  static const char name[12] = { 'V', 'i', 't', 'r', 'i', 'n', 'e', 'V', 'M', ' ', ' ', ' ' };
  r->eax = HYPERVISOR_MAX;
  r->ebx = vt_load_le (name, 4);
  r->ecx = vt_load_le (name + 4, 4);
  r->edx = vt_load_le (name + 8, 4);
}

static void
leaf_hypervisor_clocks (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->eax = cpu->tsc_hz / 1000;
  r->ebx = VT_APIC_TIMER_HZ / 1000;
}

static void
leaf_80000000 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->eax = cpu->model->max_leaf_80;
  if (cpu->model->vendor == VT_X86_VENDOR_AMD)
    vendor_string (cpu, r);
}

static void
leaf_80000001 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->ecx = word (cpu, X86_WORD_81_ECX);
  r->edx = word (cpu, X86_WORD_81_EDX);
  if (cpu->model->vendor == VT_X86_VENDOR_AMD)
    {
      r->eax = vt_x86_model_signature (cpu->model);
      /* AMD repeats the bits of leaf 1 that both vendors share (APM volume 3, E.4.2). */
      r->edx |= word (cpu, X86_WORD_1_EDX) & 0x0183f3ff;
      if (cpu->model->n_cpus > 1)
        r->ecx |= 1u << (X86_FEATURE_CMP_LEGACY & 31);
    }
  else if (cpu->mode != VT_X86_LONG)
    {
      /* Intel shows SYSCALL in 64-bit mode only. */
      r->edx &= ~(1u << (X86_FEATURE_SYSCALL & 31));
    }
}

static void
brand (VtX86Cpu *cpu, unsigned part, Regs *r)
{
  char text[48] = { 0 };
  g_strlcpy (text, cpu->model->brand, sizeof text);
  r->eax = vt_load_le (text + 16 * part, 4);
  r->ebx = vt_load_le (text + 16 * part + 4, 4);
  r->ecx = vt_load_le (text + 16 * part + 8, 4);
  r->edx = vt_load_le (text + 16 * part + 12, 4);
}

static void
leaf_80000002 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  brand (cpu, 0, r);
}

static void
leaf_80000003 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  brand (cpu, 1, r);
}

static void
leaf_80000004 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  brand (cpu, 2, r);
}

/* AMD: 64-entry TLBs, 32 KiB 8-way L1 caches of 64-byte lines. */
static void
leaf_80000005 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  if (cpu->model->vendor != VT_X86_VENDOR_AMD)
    return;
  r->eax = r->ebx = 0xff40ff40;
  r->ecx = r->edx = 32u << 24 | 8u << 16 | 1u << 8 | CACHE_LINE;
}

static void
leaf_80000006 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->ecx = 512u << 16 | 8u << 12 | 1u << 8 | CACHE_LINE;
  if (cpu->model->vendor == VT_X86_VENDOR_AMD)
    {
      r->eax = r->ebx = 0x40004000;
      r->edx = 16u << 18 | 8u << 12 | 1u << 8 | CACHE_LINE;
    }
}

static void
leaf_80000007 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->edx = word (cpu, X86_WORD_87_EDX);
}

static void
leaf_80000008 (VtX86Cpu *cpu, uint32_t subleaf, Regs *r)
{
  r->eax = cpu->model->phys_bits | cpu->model->linear_bits << 8;
  r->ebx = word (cpu, X86_WORD_88_EBX);
  if (cpu->model->vendor == VT_X86_VENDOR_AMD)
    r->ecx = (cpu->model->n_cpus - 1) | id_bits (cpu->model->n_cpus) << 12;
}

static const struct
{
  uint32_t leaf;
  void   (*fill) (VtX86Cpu *cpu, uint32_t subleaf, Regs *r);
} leaves[] = {
  { 0x0, leaf_0 },
  { 0x1, leaf_1 },
  { 0x2, leaf_2 },
  { 0x4, leaf_4 },
  { 0x5, leaf_5 },
  { 0x6, leaf_6 },
  { 0x7, leaf_7 },
  { 0xb, leaf_b },
  { 0xd, leaf_d },
  { 0x15, leaf_15 },
  { 0x16, leaf_16 },
  { HYPERVISOR_LEAF, leaf_hypervisor },
  { HYPERVISOR_MAX, leaf_hypervisor_clocks },
  { 0x80000000, leaf_80000000 },
  { 0x80000001, leaf_80000001 },
  { 0x80000002, leaf_80000002 },
  { 0x80000003, leaf_80000003 },
  { 0x80000004, leaf_80000004 },
  { 0x80000005, leaf_80000005 },
  { 0x80000006, leaf_80000006 },
  { 0x80000007, leaf_80000007 },
  { 0x80000008, leaf_80000008 },
};

/* A leaf beyond its range reads as the highest basic leaf on Intel's processors, as zero on AMD's. */
static bool
in_range (const VtX86Cpu *cpu, uint32_t leaf)
{
  if (leaf >= 0x80000000u)
    return leaf <= cpu->model->max_leaf_80;
  if (leaf >= HYPERVISOR_LEAF && leaf <= HYPERVISOR_LEAF + 0xff)
    return leaf <= HYPERVISOR_MAX && vt_x86_has (cpu->model, X86_FEATURE_HYPERVISOR);
  return leaf <= cpu->model->max_leaf;
}

void
vt_x86_cpuid (VtX86Cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
  Regs r = { 0 };
  if (!in_range (cpu, leaf))
    {
      if (cpu->model->vendor == VT_X86_VENDOR_AMD)
        leaf = UINT32_MAX;
      else
        leaf = cpu->model->max_leaf;
    }
  for (unsigned i = 0; i < G_N_ELEMENTS (leaves); i++)
    if (leaves[i].leaf == leaf)
      leaves[i].fill (cpu, subleaf, &r);
  out[0] = r.eax;
  out[1] = r.ebx;
  out[2] = r.ecx;
  out[3] = r.edx;
}
