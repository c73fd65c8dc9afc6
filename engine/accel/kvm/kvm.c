/* SPDX-License-Identifier: GPL-3.0-or-later */
/* KVM as an accelerator: the host's processor executes the guest, the kernel keeps it in its place, and everything else
 * is ours: interrupt controllers, timers, devices, most MSRs (docs/decisions/0005-kvm.md).
 *
 * A vCPU's registers are in the kernel while it runs; cpu->s is complete whenever run() has returned.  The instruction
 * budget is not kept: nothing here counts instructions.
 */
#include "kvm-private.h"

#include "apic.h"
#include "interp.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

#define PROBE_TIMEOUT_MS 2000u
#define SLICE 100u /* instructions that the interpreter executes in the kernel's stead */
#define MSR_APIC_BASE 0x1bu
#define APIC_BASE_EN (1u << 11)
#define APIC_BASE_EXTD (1u << 10)

static bool
probe (GError **error)
{
  int fd = vt_kvm_open (&vt_kvm_host, error);
  if (fd < 0)
    return false;
  vt_kvm_host.close (fd);
  return true;
}

static bool
recommend (GError **error)
{
  return vt_kvm_recommend (&vt_kvm_host, PROBE_TIMEOUT_MS, error);
}

/* --- Attaching ---------------------------------------------------------------------------------------------------- */

static bool
create (VtKvmVcpu *kvm, GError **error)
{
  const VtKvmHost *host = &vt_kvm_host;
  int bytes = host->ioctl (kvm->vm->system_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
  kvm->fd = host->ioctl (kvm->vm->fd, KVM_CREATE_VCPU, VT_KVM_NUMBER (kvm->cpu->vcpu.index));
  if (kvm->fd >= 0 && bytes > 0)
    {
      kvm->run_bytes = (size_t) bytes;
      kvm->run = host->map (kvm->fd, kvm->run_bytes);
    }
  if (kvm->run == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("%s refuses processor %u: %s"), VT_KVM_DEVICE,
                   kvm->cpu->vcpu.index, g_strerror (errno));
      return false;
    }
  int khz = host->ioctl (kvm->fd, KVM_GET_TSC_KHZ, NULL);
  kvm->tsc_hz = khz > 0 ? (uint64_t) khz * 1000 : kvm->cpu->tsc_hz;
  return vt_kvm_set_cpuid (kvm, error);
}

static void
discard (VtKvmVcpu *kvm)
{
  if (kvm->run != NULL)
    vt_kvm_host.unmap (kvm->run, kvm->run_bytes);
  if (kvm->fd >= 0)
    vt_kvm_host.close (kvm->fd);
  vt_kvm_vm_put (kvm->vm);
  g_aligned_free (kvm);
}

static bool
attach (VtVcpu *vcpu, GError **error)
{
  vt_kvm_install_signal ();
  VtKvmVm *vm = vt_kvm_vm_get (vcpu, error);
  if (vm == NULL)
    return false;
  VtKvmVcpu *kvm = g_aligned_alloc0 (1, sizeof *kvm, MAX (_Alignof(VtKvmVcpu), sizeof (void *)));
  kvm->cpu = (VtX86Cpu *) vcpu;
  kvm->vm = vm;
  kvm->fd = -1;
  kvm->apic_page = UINT64_MAX;
  if (!create (kvm, error))
    {
      discard (kvm);
      return false;
    }
  vt_kvm_vm_add (vm, kvm);
  kvm->cpu->accel_data = kvm;
  vcpu->accel = &vt_accel_kvm;
  vcpu->interrupt = vt_kvm_gate_kick;
  return true;
}

static void
detach (VtVcpu *vcpu)
{
  VtX86Cpu *cpu = (VtX86Cpu *) vcpu;
  VtKvmVcpu *kvm = cpu->accel_data;
  if (kvm == NULL)
    return;
  vcpu->accel = NULL;
  vcpu->interrupt = NULL;
  cpu->accel_data = NULL;
  vt_kvm_vm_remove (kvm->vm, kvm);
  discard (kvm);
}

/* --- Running ------------------------------------------------------------------------------------------------------ */

typedef enum
{
  CAME_BACK, /* with an exit reason */
  INTERRUPTED,
  BROKEN,
} Entry;

/* CR8 is the kernel's while the guest runs, and the task priority ours. */
static void
take_cr8 (VtKvmVcpu *kvm)
{
  VtX86Cpu *cpu = kvm->cpu;
  if (cpu->apic != NULL && kvm->run->cr8 != vt_apic_cr8 (cpu->apic))
    vt_apic_set_cr8 (cpu->apic, kvm->run->cr8);
}

static Entry
enter (VtKvmVcpu *kvm, bool leave_at_once, GError **error)
{
  struct kvm_run *run = kvm->run;
  run->cr8 = kvm->cpu->apic != NULL ? vt_apic_cr8 (kvm->cpu->apic) : 0;
  run->request_interrupt_window = kvm->waiting;
  if (!vt_kvm_gate_enter (kvm, leave_at_once, error))
    return BROKEN;
  int result = vt_kvm_host.ioctl (kvm->fd, KVM_RUN, NULL);
  int saved = errno;
  vt_kvm_gate_leave (kvm);
  take_cr8 (kvm);
  kvm->open = run->ready_for_interrupt_injection != 0;
  kvm->unfinished = false;
  if (result >= 0)
    return CAME_BACK;
  if (saved == EINTR || saved == EAGAIN)
    return INTERRUPTED;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("%s cannot run processor %u: %s"), VT_KVM_DEVICE,
               kvm->cpu->vcpu.index, g_strerror (saved));
  return BROKEN;
}

/* An access that was an exit is part of an instruction: the kernel ends that before its registers can be read. */
static bool
finish_instruction (VtKvmVcpu *kvm, GError **error)
{
  while (kvm->unfinished)
    switch (enter (kvm, true, error))
      {
      case CAME_BACK:
        /* The next piece of the same access. */
        if (vt_kvm_handle_exit (kvm, error) == VT_KVM_FAILED)
          return false;
        break;
      case INTERRUPTED:
        break;
      case BROKEN:
        return false;
      }
  return true;
}

/* The local APIC's page lies over what the slots have there. */
static void
follow_apic_page (VtKvmVcpu *kvm)
{
  uint64_t base = 0, page = UINT64_MAX;
  if (kvm->cpu->apic != NULL && vt_apic_msr_read (kvm->cpu->apic, MSR_APIC_BASE, &base)
      && (base & (APIC_BASE_EN | APIC_BASE_EXTD)) == APIC_BASE_EN)
    page = base & ~(uint64_t) VT_PAGE_MASK;
  if (page == kvm->apic_page)
    return;
  g_mutex_lock (&kvm->vm->gate);
  kvm->apic_page = page;
  kvm->vm->stale = true;
  g_mutex_unlock (&kvm->vm->gate);
}

static bool
follow_apic_base (VtKvmVcpu *kvm, GError **error)
{
  if (!kvm->base_moved)
    return true;
  kvm->base_moved = false;
  if (!finish_instruction (kvm, error) || !vt_kvm_pull (kvm, error))
    return false;
  kvm->known_valid = false;
  return vt_kvm_push (kvm, error);
}

/* At an instruction boundary, before going in. False: leave run(), or fail when there is an error. */
static bool
may_enter (VtKvmVcpu *kvm, VtExit *exit, GError **error)
{
  VtX86Cpu *cpu = kvm->cpu;
  uint32_t requests = vt_vcpu_requests (&cpu->vcpu);
  *exit = VT_EXIT_STOP;
  /* Whatever stays set keeps us out of the guest: take all that there is no more to do for. */
  uint32_t taken = vt_vcpu_take (&cpu->vcpu, ~(uint32_t) (VT_VCPU_STOP | VT_VCPU_EXCLUSIVE | VT_VCPU_INTERRUPT));
  if (taken & (VT_VCPU_VIEW | VT_VCPU_FLUSH))
    {
      vt_vcpu_refresh_views (&cpu->vcpu);
      follow_apic_page (kvm);
    }
  if ((requests & (VT_VCPU_STOP | VT_VCPU_EXCLUSIVE)) != 0 || !follow_apic_base (kvm, error))
    return false;
  if ((requests & VT_VCPU_INTERRUPT) != 0 || kvm->waiting)
    {
      /* Those of INIT and SIPI read the state. */
      if (!finish_instruction (kvm, error) || !vt_kvm_service_events (kvm, error))
        return false;
    }
  if (cpu->s.activity == VT_X86_RUNNING)
    return true;
  *exit = cpu->s.activity == VT_X86_SHUTDOWN ? VT_EXIT_SHUTDOWN : VT_EXIT_HALT;
  return false;
}

/* Kernels do not know every instruction in every mode. The interpreter does, on the same state; what it had decoded is
 * forgotten, because the guest may have overwritten it unnoticed since. */
static bool
interpret (VtKvmVcpu *kvm, GError **error)
{
  VtX86Cpu *cpu = kvm->cpu;
  if (!finish_instruction (kvm, error) || !vt_kvm_pull (kvm, error))
    return false;
  vt_x86_interp_free (cpu);
  vt_x86_interp_run (cpu, SLICE);
  follow_apic_page (kvm);
  __atomic_fetch_or (&cpu->vcpu.requests, VT_VCPU_INTERRUPT, __ATOMIC_RELEASE);
  return vt_kvm_push (kvm, error);
}

/* False: an error. */
static bool
handle (VtKvmVcpu *kvm, GError **error)
{
  VtKvmStep step = vt_kvm_handle_exit (kvm, error);
  return step != VT_KVM_FAILED && (step != VT_KVM_INTERPRET || interpret (kvm, error));
}

static bool
run_until_exit (VtKvmVcpu *kvm, VtExit *exit, GError **error)
{
  GError *local = NULL;
  while (may_enter (kvm, exit, &local))
    {
      Entry entry = enter (kvm, false, &local);
      if (entry == BROKEN || (entry == CAME_BACK && !handle (kvm, &local)))
        break;
    }
  if (local == NULL)
    return true;
  g_propagate_error (error, local);
  return false;
}

static VtExit
run (VtVcpu *vcpu, uint64_t budget)
{
  g_autoptr (GError) error = NULL;
  VtKvmVcpu *kvm = ((VtX86Cpu *) vcpu)->accel_data;
  VtExit exit = VT_EXIT_ERROR;
  vt_vcpu_refresh_views (vcpu);
  follow_apic_page (kvm);
  bool ok = vt_kvm_push (kvm, &error) && run_until_exit (kvm, &exit, &error);
  ok = ok && finish_instruction (kvm, &error) && vt_kvm_pull (kvm, &error);
  if (ok)
    return exit;
  g_free (vcpu->failure);
  vcpu->failure = g_strdup (error->message);
  kvm->known_valid = false;
  return VT_EXIT_ERROR;
}

const VtAccel vt_accel_kvm = {
  .name = "kvm",
  .summary = N_("The host's processor executes the guest."),
  .probe = probe,
  .recommend = recommend,
  .restrict_model = vt_kvm_restrict_model,
  .tsc_hz = vt_kvm_tsc_hz,
  .attach = attach,
  .detach = detach,
  .run = run,
};
