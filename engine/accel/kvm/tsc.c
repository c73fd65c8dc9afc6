/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The time-stamp counter runs in hardware, and the guest's clock by the host's time: they drift apart, slowly, and part
 * at once when the machine stands.
 *
 * The kernel keeps an offset per vCPU.  We set that, not the register: a value written to the register within a second
 * of where the kernel expects it is taken for an attempt to synchronise, and ignored.  All vCPUs reckon from the same
 * moment, so that equal offsets here are equal offsets there.
 */
#include "kvm-private.h"

#define MSR_TSC 0x10u
/* How long a moment serves; the drift within is far below a microsecond. */
#define MOMENT_NS G_GINT64_CONSTANT (100000000)
/* Two clocks that are read one after the other differ by less than this; a machine that stood, by more. */
#define SLACK_NS G_GINT64_CONSTANT (200000)

static int64_t
host_now_ns (void)
{
  return g_get_monotonic_time () * 1000;
}

static bool
ran_through (int64_t host_ns, int64_t guest_ns, const VtKvmVcpu *kvm)
{
  int64_t host = host_now_ns () - host_ns, guest = vt_clock_now (kvm->cpu->vcpu.clock) - guest_ns;
  return ABS (host - guest) < SLACK_NS;
}

static bool
offset_ioctl (VtKvmVcpu *kvm, unsigned long request, uint64_t *offset, GError **error)
{
  struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t) offset };
  return vt_kvm_vcpu_ioctl (kvm, request, &attr, "KVM_VCPU_TSC_OFFSET", error);
}

/* Gate held. */
static bool
take_moment (VtKvmVcpu *kvm, VtKvmMoment *out, GError **error)
{
  struct
  {
    struct kvm_msrs head;
    struct kvm_msr_entry entry;
  } one = { .head.nmsrs = 1, .entry.index = MSR_TSC };
  uint64_t offset = 0;
  if (!offset_ioctl (kvm, KVM_GET_DEVICE_ATTR, &offset, error)
      || !vt_kvm_msrs_ioctl (kvm, KVM_GET_MSRS, &one.head, &one.entry, error))
    return false;
  *out = (VtKvmMoment) { .host_ns = host_now_ns (),
                        .guest_ns = vt_clock_now (kvm->cpu->vcpu.clock),
                        .ticks = one.entry.data - offset,
                        .valid = true };
  return true;
}

static bool
shared_moment (VtKvmVcpu *kvm, VtKvmMoment *out, GError **error)
{
  VtKvmMoment *moment = &kvm->vm->moment;
  bool ok = true;
  g_mutex_lock (&kvm->vm->gate);
  bool good = moment->valid && host_now_ns () - moment->host_ns < MOMENT_NS
              && ran_through (moment->host_ns, moment->guest_ns, kvm);
  if (!good)
    ok = take_moment (kvm, moment, error);
  *out = *moment;
  g_mutex_unlock (&kvm->vm->gate);
  kvm->left_host_ns = host_now_ns ();
  kvm->left_guest_ns = vt_clock_now (kvm->cpu->vcpu.clock);
  return ok;
}

bool
vt_kvm_pull_tsc (VtKvmVcpu *kvm, GError **error)
{
  VtKvmMoment moment;
  uint64_t offset = 0;
  if (!shared_moment (kvm, &moment, error) || !offset_ioctl (kvm, KVM_GET_DEVICE_ATTR, &offset, error))
    return false;
  kvm->cpu->s.tsc_offset = moment.ticks + offset - vt_ns_to_ticks (moment.guest_ns, kvm->cpu->tsc_hz);
  return true;
}

bool
vt_kvm_push_tsc (VtKvmVcpu *kvm, GError **error)
{
  VtKvmMoment moment;
  if (!shared_moment (kvm, &moment, error))
    return false;
  uint64_t offset = kvm->cpu->s.tsc_offset + vt_ns_to_ticks (moment.guest_ns, kvm->cpu->tsc_hz) - moment.ticks;
  return offset_ioctl (kvm, KVM_SET_DEVICE_ATTR, &offset, error);
}

bool
vt_kvm_tsc_moved (const VtKvmVcpu *kvm)
{
  return kvm->cpu->s.tsc_offset != kvm->known.tsc_offset || !ran_through (kvm->left_host_ns, kvm->left_guest_ns, kvm);
}

void
vt_kvm_follow_tsc_frequency (VtKvmVcpu *kvm)
{
  VtX86Cpu *cpu = kvm->cpu;
  if (cpu->tsc_hz == kvm->tsc_hz)
    return;
  if (vt_kvm_host.ioctl (kvm->fd, KVM_SET_TSC_KHZ, VT_KVM_NUMBER (cpu->tsc_hz / 1000)) < 0)
    {
      g_warning ("processor %u counts time at %" G_GUINT64_FORMAT " kHz, but " VT_KVM_DEVICE
                 " here can only do %" G_GUINT64_FORMAT " kHz: the guest's clock may go wrong",
                 cpu->vcpu.index, cpu->tsc_hz / 1000, kvm->tsc_hz / 1000);
      uint64_t now = vt_x86_read_tsc (cpu);
      cpu->tsc_hz = kvm->tsc_hz;
      cpu->s.tsc_offset += now - vt_x86_read_tsc (cpu);
    }
  kvm->tsc_hz = cpu->tsc_hz;
  kvm->vm->moment.valid = false;
}
