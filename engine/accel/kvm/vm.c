/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The virtual machine that vCPUs of one address space share, and the gate through which they go into KVM_RUN.
 *
 * Memory slots cannot be replaced in one step: between taking one away and putting another there, a running vCPU would
 * find nothing.  So slots change only while no vCPU is in KVM_RUN, and the gate arranges that.  It also makes a kick
 * exact: under its mutex, either the vCPU is inside and gets a signal, or it will see the request before it goes in.
 */
#include "kvm-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <vitrine/error.h>

/* Real mode on older Intel processors borrows four pages of guest addresses: between the APICs and the flash. */
#define IDENTITY_MAP_AT UINT64_C (0xfeffc000)
#define TSS_AT UINT64_C (0xfeffd000)

static GMutex registry_lock;
static GPtrArray *registry; /* VtKvmVm* */

static bool
fail (GError **error, const char *what)
{
  int saved = errno;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("%s refuses a virtual machine: %s: %s"), VT_KVM_DEVICE, what,
               g_strerror (saved));
  return false;
}

/* --- Layout changes ----------------------------------------------------------------------------------------------- */

static void
layout_changed (void *opaque, VtMem *mem)
{
  VtKvmVm *vm = opaque;
  vt_kvm_slots_watch (vm);
  g_mutex_lock (&vm->gate);
  vm->stale = true;
  g_mutex_unlock (&vm->gate);
  for (guint i = 0; i < vm->vcpus->len; i++)
    vt_vcpu_kick (&((VtKvmVcpu *) vm->vcpus->pdata[i])->cpu->vcpu, VT_VCPU_VIEW);
}

/* --- Construction ------------------------------------------------------------------------------------------------- */

static bool
create (VtKvmVm *vm, VtVcpu *vcpu, GError **error)
{
  const VtKvmHost *host = &vt_kvm_host;
  vm->system_fd = vt_kvm_open (host, error);
  if (vm->system_fd < 0)
    return false;
  vm->fd = host->ioctl (vm->system_fd, KVM_CREATE_VM, NULL);
  if (vm->fd < 0)
    return fail (error, "KVM_CREATE_VM");
  uint64_t identity_map = IDENTITY_MAP_AT;
  if (host->ioctl (vm->fd, KVM_CHECK_EXTENSION, VT_KVM_NUMBER (KVM_CAP_SET_IDENTITY_MAP_ADDR)) > 0
      && host->ioctl (vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
    return fail (error, "KVM_SET_IDENTITY_MAP_ADDR");
  if (host->ioctl (vm->fd, KVM_CHECK_EXTENSION, VT_KVM_NUMBER (KVM_CAP_SET_TSS_ADDR)) > 0
      && host->ioctl (vm->fd, KVM_SET_TSS_ADDR, VT_KVM_NUMBER (TSS_AT)) < 0)
    return fail (error, "KVM_SET_TSS_ADDR");
  vm->has_xcrs = host->ioctl (vm->fd, KVM_CHECK_EXTENSION, VT_KVM_NUMBER (KVM_CAP_XCRS)) > 0;
  return vt_kvm_set_msr_filter (vm, ((VtX86Cpu *) vcpu)->model, error);
}

static void
vm_free (VtKvmVm *vm)
{
  if (vm->fd >= 0)
    vt_kvm_host.close (vm->fd);
  if (vm->system_fd >= 0)
    vt_kvm_host.close (vm->system_fd);
  g_mutex_clear (&vm->gate);
  g_cond_clear (&vm->moved);
  g_ptr_array_unref (vm->vcpus);
  g_array_unref (vm->slots);
  g_hash_table_unref (vm->watched);
  g_hash_table_unref (vm->logged);
  g_free (vm);
}

static VtKvmVm *
vm_new (VtVcpu *vcpu, GError **error)
{
  VtKvmVm *vm = g_new0 (VtKvmVm, 1);
  vm->system_fd = vm->fd = -1;
  vm->mem = vcpu->mem;
  vm->vcpus = g_ptr_array_new ();
  vm->slots = g_array_new (FALSE, FALSE, sizeof (VtKvmSlot));
  vm->watched = g_hash_table_new (NULL, NULL);
  vm->logged = g_hash_table_new (NULL, NULL);
  vm->stale = true;
  g_mutex_init (&vm->gate);
  g_cond_init (&vm->moved);
  if (!create (vm, vcpu, error))
    {
      vm_free (vm);
      return NULL;
    }
  vt_mem_add_listener (vm->mem, layout_changed, vm);
  vt_kvm_slots_watch (vm);
  return vm;
}

VtKvmVm *
vt_kvm_vm_get (VtVcpu *vcpu, GError **error)
{
  VtKvmVm *vm = NULL;
  g_mutex_lock (&registry_lock);
  if (registry == NULL)
    registry = g_ptr_array_new ();
  for (guint i = 0; i < registry->len && vm == NULL; i++)
    if (((VtKvmVm *) registry->pdata[i])->mem == vcpu->mem)
      vm = registry->pdata[i];
  if (vm == NULL && (vm = vm_new (vcpu, error)) != NULL)
    g_ptr_array_add (registry, vm);
  if (vm != NULL)
    vm->refs++;
  g_mutex_unlock (&registry_lock);
  return vm;
}

void
vt_kvm_vm_put (VtKvmVm *vm)
{
  g_mutex_lock (&registry_lock);
  if (--vm->refs == 0)
    {
      g_ptr_array_remove (registry, vm);
      vt_mem_remove_listener (vm->mem, layout_changed, vm);
      vt_kvm_slots_unwatch (vm);
      vm_free (vm);
    }
  g_mutex_unlock (&registry_lock);
}

void
vt_kvm_vm_add (VtKvmVm *vm, VtKvmVcpu *kvm)
{
  g_mutex_lock (&vm->gate);
  g_ptr_array_add (vm->vcpus, kvm);
  g_mutex_unlock (&vm->gate);
}

void
vt_kvm_vm_remove (VtKvmVm *vm, VtKvmVcpu *kvm)
{
  g_mutex_lock (&vm->gate);
  g_ptr_array_remove (vm->vcpus, kvm);
  g_mutex_unlock (&vm->gate);
}

/* --- The gate ----------------------------------------------------------------------------------------------------- */

/* Gate held. */
static void
expel (VtKvmVcpu *kvm)
{
  if (!kvm->inside || pthread_equal (kvm->thread, pthread_self ()))
    return;
  __atomic_store_n (&kvm->run->immediate_exit, 1, __ATOMIC_RELEASE);
  pthread_kill (kvm->thread, VT_KVM_SIGNAL);
}

void
vt_kvm_gate_kick (VtVcpu *vcpu)
{
  VtKvmVcpu *kvm = ((VtX86Cpu *) vcpu)->accel_data;
  g_mutex_lock (&kvm->vm->gate);
  expel (kvm);
  g_mutex_unlock (&kvm->vm->gate);
}

/* Gate held. */
static bool
update_slots (VtKvmVm *vm, GError **error)
{
  vm->updating = true;
  for (guint i = 0; i < vm->vcpus->len; i++)
    expel (vm->vcpus->pdata[i]);
  while (vm->inside > 0)
    g_cond_wait (&vm->moved, &vm->gate);
  vm->stale = false;
  bool ok = vt_kvm_slots_update (vm, error);
  vm->updating = false;
  g_cond_broadcast (&vm->moved);
  return ok;
}

bool
vt_kvm_gate_enter (VtKvmVcpu *kvm, bool leave_at_once, GError **error)
{
  VtKvmVm *vm = kvm->vm;
  bool ok = true;
  g_mutex_lock (&vm->gate);
  while (vm->updating)
    g_cond_wait (&vm->moved, &vm->gate);
  if (vm->stale)
    ok = update_slots (vm, error);
  if (ok)
    {
      kvm->thread = pthread_self ();
      kvm->inside = true;
      vm->inside++;
      kvm->run->immediate_exit = leave_at_once || vt_vcpu_requests (&kvm->cpu->vcpu) != 0;
    }
  g_mutex_unlock (&vm->gate);
  return ok;
}

void
vt_kvm_gate_leave (VtKvmVcpu *kvm)
{
  VtKvmVm *vm = kvm->vm;
  g_mutex_lock (&vm->gate);
  kvm->inside = false;
  vm->inside--;
  if (vm->updating)
    g_cond_broadcast (&vm->moved);
  g_mutex_unlock (&vm->gate);
}
