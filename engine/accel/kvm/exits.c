/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why the kernel came back, and what is done about it. */
#include "kvm-private.h"

#include "apic.h"
#include "x86-sys.h"

#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

#define MSR_APIC_BASE 0x1bu
#define MSR_TSC 0x10u
#define MSR_TSC_ADJUST 0x3bu
#define MSR_X2APIC 0x800u
#define MSR_X2APIC_LAST 0x8ffu

/* --- Ports and registers ------------------------------------------------------------------------------------------ */

static void
port_access (VtKvmVcpu *kvm)
{
  VtX86Cpu *cpu = kvm->cpu;
  struct kvm_run *run = kvm->run;
  uint8_t *data = (uint8_t *) run + run->io.data_offset;
  /* String instructions come in batches. */
  for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size)
    {
      cpu->vcpu.stats.io_accesses++;
      if (run->io.direction == KVM_EXIT_IO_OUT)
        vt_view_write (cpu->vcpu.io_view, VT_GPA (run->io.port), vt_load_le (data, run->io.size), run->io.size);
      else
        vt_store_le (data, vt_view_read (cpu->vcpu.io_view, VT_GPA (run->io.port), run->io.size), run->io.size);
    }
}

/* Up to eight bytes, any number of them: the bus takes all. */
static void
memory_access (VtKvmVcpu *kvm)
{
  VtX86Cpu *cpu = kvm->cpu;
  struct kvm_run *run = kvm->run;
  uint64_t at = run->mmio.phys_addr;
  unsigned size = MIN (run->mmio.len, sizeof run->mmio.data);
  bool apic = cpu->apic != NULL && vt_apic_covers (cpu->apic, at);
  cpu->vcpu.stats.io_accesses++;
  if (run->mmio.is_write)
    {
      uint64_t value = vt_load_le (run->mmio.data, size);
      if (apic)
        vt_apic_mmio_write (cpu->apic, at, value, size);
      else
        vt_view_write (cpu->vcpu.view, VT_GPA (at), value, size);
      return;
    }
  uint64_t value = apic ? vt_apic_mmio_read (cpu->apic, at, size) : vt_view_read (cpu->vcpu.view, VT_GPA (at), size);
  memset (run->mmio.data, 0, sizeof run->mmio.data);
  vt_store_le (run->mmio.data, value, size);
}

/* --- MSRs --------------------------------------------------------------------------------------------------------- */

/* The kernel refused a value for one of its own registers: so does the processor. */
static bool
refused_by_kernel (const struct kvm_run *run)
{
  bool x2apic = run->msr.index >= MSR_X2APIC && run->msr.index <= MSR_X2APIC_LAST;
  return run->msr.reason == KVM_MSR_EXIT_REASON_INVAL && !x2apic;
}

static void
read_msr (VtKvmVcpu *kvm)
{
  struct kvm_run *run = kvm->run;
  uint64_t value = 0;
  run->msr.error = refused_by_kernel (run) || !vt_x86_read_msr (kvm->cpu, run->msr.index, &value);
  run->msr.data = value;
}

static bool
write_msr (VtKvmVcpu *kvm, GError **error)
{
  struct kvm_run *run = kvm->run;
  uint32_t index = run->msr.index;
  bool tsc = index == MSR_TSC || index == MSR_TSC_ADJUST;
  if (tsc && !vt_kvm_pull_tsc (kvm, error))
    return false;
  run->msr.error = refused_by_kernel (run) || !vt_x86_write_msr (kvm->cpu, index, run->msr.data);
  if (tsc && !vt_kvm_push_tsc (kvm, error))
    return false;
  /* The kernel shows the enable bit in CPUID. */
  if (index == MSR_APIC_BASE)
    kvm->base_moved = true;
  return true;
}

/* --- Ends --------------------------------------------------------------------------------------------------------- */

static VtKvmStep
give_up (VtKvmVcpu *kvm, GError **error)
{
  const struct kvm_run *run = kvm->run;
  unsigned index = kvm->cpu->vcpu.index;
  struct kvm_regs regs = { 0 };
  vt_kvm_vcpu_ioctl (kvm, KVM_GET_REGS, &regs, "KVM_GET_REGS", NULL);
  g_autofree char *at = g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", (uint64_t) regs.rip);
  g_autofree char *why
      = g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", (uint64_t) run->fail_entry.hardware_entry_failure_reason);
  if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("Processor %u cannot enter the guest at %s (hardware reason %s)"),
                 index, at, why);
  else if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
    g_set_error (
        error, VT_ERROR, VT_ERROR_FAILED,
        _("%s cannot go on with the guest at %s on processor %u (internal error %u); another accelerator can"),
        VT_KVM_DEVICE, at, index, run->internal.suberror);
  else
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED,
                 _("%s left the guest at %s on processor %u for an unknown reason (%u)"), VT_KVM_DEVICE, at, index,
                 run->exit_reason);
  return VT_KVM_FAILED;
}

static VtKvmStep
leave (VtKvmVcpu *kvm, uint8_t activity)
{
  kvm->cpu->s.activity = activity;
  return VT_KVM_LEAVE;
}

VtKvmStep
vt_kvm_handle_exit (VtKvmVcpu *kvm, GError **error)
{
  switch (kvm->run->exit_reason)
    {
    case KVM_EXIT_IO:
      port_access (kvm);
      kvm->unfinished = true;
      return VT_KVM_GO_ON;
    case KVM_EXIT_MMIO:
      memory_access (kvm);
      kvm->unfinished = true;
      return VT_KVM_GO_ON;
    case KVM_EXIT_X86_RDMSR:
      read_msr (kvm);
      kvm->unfinished = true;
      return VT_KVM_GO_ON;
    case KVM_EXIT_X86_WRMSR:
      kvm->unfinished = true;
      return write_msr (kvm, error) ? VT_KVM_GO_ON : VT_KVM_FAILED;
    case KVM_EXIT_HLT:
      kvm->cpu->vcpu.stats.halts++;
      return leave (kvm, VT_X86_HALTED);
    case KVM_EXIT_SHUTDOWN:
      return leave (kvm, VT_X86_SHUTDOWN);
    case KVM_EXIT_INTERNAL_ERROR:
      return kvm->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ? VT_KVM_INTERPRET : give_up (kvm, error);
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_SET_TPR:
      return VT_KVM_GO_ON;
    default:
      return give_up (kvm, error);
    }
}
