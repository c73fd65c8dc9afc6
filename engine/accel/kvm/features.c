/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the guest's processor offers under KVM: our model, without what the kernel or the processor below cannot do.
 *
 * The kernel keeps only the MSRs that its entry and exit code switches; all others come to us and are answered by
 * msr.c, so that a guest finds the same registers under every accelerator.
 */
#include "kvm-private.h"

#include "x86-sys.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

#define MSR_ARCH_CAPABILITIES 0x10au
#define MAX_ENTRIES 256u

static bool
fail (GError **error, const char *what)
{
  int saved = errno;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("%s refuses: %s: %s"), VT_KVM_DEVICE, what, g_strerror (saved));
  return false;
}

/* --- What the kernel supports ------------------------------------------------------------------------------------- */

enum
{
  EAX,
  EBX,
  ECX,
  EDX
};

static const struct
{
  uint32_t leaf, subleaf;
  unsigned reg;
} words[X86_WORD_COUNT] = {
  [X86_WORD_1_EDX] = { 1, 0, EDX },           [X86_WORD_1_ECX] = { 1, 0, ECX },
  [X86_WORD_6_EAX] = { 6, 0, EAX },           [X86_WORD_7_EBX] = { 7, 0, EBX },
  [X86_WORD_7_ECX] = { 7, 0, ECX },           [X86_WORD_7_EDX] = { 7, 0, EDX },
  [X86_WORD_72_EDX] = { 7, 2, EDX },          [X86_WORD_D1_EAX] = { 0xd, 1, EAX },
  [X86_WORD_81_EDX] = { 0x80000001, 0, EDX }, [X86_WORD_81_ECX] = { 0x80000001, 0, ECX },
  [X86_WORD_87_EDX] = { 0x80000007, 0, EDX }, [X86_WORD_88_EBX] = { 0x80000008, 0, EBX },
};

static struct kvm_cpuid2 *
supported_cpuid (int system_fd, GError **error)
{
  g_autofree struct kvm_cpuid2 *cpuid = g_malloc0 (sizeof *cpuid + MAX_ENTRIES * sizeof cpuid->entries[0]);
  cpuid->nent = MAX_ENTRIES;
  if (vt_kvm_host.ioctl (system_fd, KVM_GET_SUPPORTED_CPUID, cpuid) >= 0)
    return g_steal_pointer (&cpuid);
  fail (error, "KVM_GET_SUPPORTED_CPUID");
  return NULL;
}

static uint32_t
supported (const struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t subleaf, unsigned reg)
{
  for (uint32_t i = 0; i < cpuid->nent; i++)
    {
      const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];
      if (entry->function == leaf && entry->index == subleaf)
        return (const uint32_t[]) { entry->eax, entry->ebx, entry->ecx, entry->edx }[reg];
    }
  return 0;
}

/* The flaws of the processor below are the guest's. */
static uint64_t
arch_capabilities (int system_fd)
{
  struct
  {
    struct kvm_msrs head;
    struct kvm_msr_entry entry;
  } msrs = { .head.nmsrs = 1, .entry.index = MSR_ARCH_CAPABILITIES };
  return vt_kvm_host.ioctl (system_fd, KVM_GET_MSRS, &msrs) == 1 ? msrs.entry.data : 0;
}

bool
vt_kvm_restrict_model (VtX86Model *model, GError **error)
{
  int fd = vt_kvm_open (&vt_kvm_host, error);
  if (fd < 0)
    return false;
  g_autofree struct kvm_cpuid2 *cpuid = supported_cpuid (fd, error);
  if (cpuid != NULL)
    {
      uint32_t allowed[X86_WORD_COUNT];
      for (unsigned i = 0; i < X86_WORD_COUNT; i++)
        allowed[i] = supported (cpuid, words[i].leaf, words[i].subleaf, words[i].reg);
      /* Ours to offer, whatever the kernel says: the APIC is our own. Its deadline timer would follow the kernel's. */
      allowed[X86_WORD_1_EDX] |= 1u << (X86_FEATURE_APIC & 31);
      allowed[X86_WORD_1_ECX] |= 1u << (X86_FEATURE_X2APIC & 31) | 1u << (X86_FEATURE_HYPERVISOR & 31);
      allowed[X86_WORD_1_ECX] &= ~(1u << (X86_FEATURE_TSC_DEADLINE & 31));
      allowed[X86_WORD_6_EAX] |= 1u << (X86_FEATURE_ARAT & 31);
      allowed[X86_WORD_7_EBX] |= 1u << (X86_FEATURE_TSC_ADJUST & 31);
      /* AMD's leaf repeats leaf 1; the model keeps the bits there. */
      unsigned phys_bits = supported (cpuid, 0x80000008, 0, EAX) & 0xff;
      vt_x86_model_restrict (model, allowed, supported (cpuid, 0xd, 0, EAX), phys_bits != 0 ? phys_bits : 36,
                             arch_capabilities (fd));
    }
  vt_kvm_host.close (fd);
  return cpuid != NULL;
}

/* --- Time-stamp counter ------------------------------------------------------------------------------------------- */

/* Of a throw-away vCPU: the frequency is a vCPU's property. */
static uint64_t
native_tsc_hz (int system_fd)
{
  int vm = vt_kvm_host.ioctl (system_fd, KVM_CREATE_VM, NULL);
  int vcpu = vm >= 0 ? vt_kvm_host.ioctl (vm, KVM_CREATE_VCPU, NULL) : -1;
  int khz = vcpu >= 0 ? vt_kvm_host.ioctl (vcpu, KVM_GET_TSC_KHZ, NULL) : -1;
  if (vcpu >= 0)
    vt_kvm_host.close (vcpu);
  if (vm >= 0)
    vt_kvm_host.close (vm);
  return khz > 0 ? (uint64_t) khz * 1000 : VT_TSC_HZ;
}

/* Where the processor can scale it, the frequency is that of the other accelerators, and a saved guest keeps it. */
uint64_t
vt_kvm_tsc_hz (void)
{
  int fd = vt_kvm_open (&vt_kvm_host, NULL);
  if (fd < 0)
    return VT_TSC_HZ;
  bool scaling = vt_kvm_host.ioctl (fd, KVM_CHECK_EXTENSION, VT_KVM_NUMBER (KVM_CAP_TSC_CONTROL)) > 0;
  uint64_t hz = scaling ? VT_TSC_HZ : native_tsc_hz (fd);
  vt_kvm_host.close (fd);
  return hz;
}

/* --- CPUID of a vCPU ---------------------------------------------------------------------------------------------- */

/* Leaves of the model, and how many subleaves each has. */
static const struct
{
  uint32_t leaf, subleaves;
} leaves[] = {
  { 0x0, 0 },        { 0x1, 0 },        { 0x2, 0 },        { 0x4, 5 },        { 0x5, 0 },        { 0x6, 0 },
  { 0x7, 3 },        { 0xb, 3 },        { 0xd, 3 },        { 0x15, 0 },       { 0x16, 0 },       { 0x40000000, 0 },
  { 0x40000010, 0 }, { 0x80000000, 0 }, { 0x80000001, 0 }, { 0x80000002, 0 }, { 0x80000003, 0 }, { 0x80000004, 0 },
  { 0x80000005, 0 }, { 0x80000006, 0 }, { 0x80000007, 0 }, { 0x80000008, 0 },
};

static void
add_entry (VtX86Cpu *cpu, struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t subleaf, bool indexed)
{
  uint32_t out[4];
  vt_x86_cpuid (cpu, leaf, subleaf, out);
  /* The kernel follows the mode with APIC and OSXSAVE, but not with Intel's SYSCALL. */
  if (leaf == 0x80000001)
    out[EDX] |= cpu->model->feature[X86_WORD_81_EDX] & (1u << (X86_FEATURE_SYSCALL & 31));
  cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2) { .function = leaf,
                                                             .index = subleaf,
                                                             .flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
                                                             .eax = out[EAX],
                                                             .ebx = out[EBX],
                                                             .ecx = out[ECX],
                                                             .edx = out[EDX] };
}

bool
vt_kvm_set_cpuid (VtKvmVcpu *kvm, GError **error)
{
  VtX86Cpu *cpu = kvm->cpu;
  g_autofree struct kvm_cpuid2 *cpuid = g_malloc0 (sizeof *cpuid + MAX_ENTRIES * sizeof cpuid->entries[0]);
  for (size_t i = 0; i < G_N_ELEMENTS (leaves); i++)
    {
      uint32_t leaf = leaves[i].leaf;
      bool basic = leaf < 0x40000000u;
      if ((basic && leaf > cpu->model->max_leaf) || (leaf >= 0x80000000u && leaf > cpu->model->max_leaf_80))
        continue;
      if (!basic && leaf < 0x80000000u && !vt_x86_has (cpu->model, X86_FEATURE_HYPERVISOR))
        continue;
      for (uint32_t subleaf = 0; subleaf < MAX (leaves[i].subleaves, 1); subleaf++)
        add_entry (cpu, cpuid, leaf, subleaf, leaves[i].subleaves != 0);
    }
  return vt_kvm_vcpu_ioctl (kvm, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2", error);
}

/* --- MSRs that the kernel answers --------------------------------------------------------------------------------- */

#define READ KVM_MSR_FILTER_READ
#define WRITE KVM_MSR_FILTER_WRITE

static const struct
{
  uint32_t base, n;
  uint16_t feature; /* needed; FPU: always */
  uint8_t flags;
} kernel_msrs[] = {
  { 0x10, 1, X86_FEATURE_TSC, READ },               /* TSC; writes move our offset as well */
  { 0x48, 1, X86_FEATURE_SPEC_CTRL, READ | WRITE }, /* SPEC_CTRL, PRED_CMD */
  { 0x49, 1, X86_FEATURE_SPEC_CTRL, WRITE },
  { 0x174, 3, X86_FEATURE_SEP, READ | WRITE }, /* SYSENTER_CS, _ESP, _EIP */
  { 0x277, 1, X86_FEATURE_PAT, READ | WRITE },
  { 0xc0000080, 1, X86_FEATURE_FPU, READ | WRITE },     /* EFER */
  { 0xc0000081, 4, X86_FEATURE_SYSCALL, READ | WRITE }, /* STAR, LSTAR, CSTAR, SFMASK */
  { 0xc0000100, 3, X86_FEATURE_LM, READ | WRITE },      /* FS_BASE, GS_BASE, KERNEL_GS_BASE */
  { 0xc0000103, 1, X86_FEATURE_RDTSCP, READ | WRITE },  /* TSC_AUX */
};
G_STATIC_ASSERT (G_N_ELEMENTS (kernel_msrs) <= KVM_MSR_FILTER_MAX_RANGES);

bool
vt_kvm_set_msr_filter (VtKvmVm *vm, const VtX86Model *model, GError **error)
{
  static uint8_t all_ones[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  struct kvm_enable_cap exits = {
    .cap = KVM_CAP_X86_USER_SPACE_MSR,
    .args[0] = KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER,
  };
  struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };
  unsigned n = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (kernel_msrs); i++)
    if (vt_x86_has (model, kernel_msrs[i].feature))
      filter.ranges[n++] = (struct kvm_msr_filter_range) {
        .flags = kernel_msrs[i].flags, .nmsrs = kernel_msrs[i].n, .base = kernel_msrs[i].base, .bitmap = all_ones
      };
  if (vt_kvm_host.ioctl (vm->fd, KVM_ENABLE_CAP, &exits) < 0)
    return fail (error, "KVM_CAP_X86_USER_SPACE_MSR");
  return vt_kvm_host.ioctl (vm->fd, KVM_X86_SET_MSR_FILTER, &filter) >= 0 || fail (error, "KVM_X86_SET_MSR_FILTER");
}
