/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share. The kernel's side of it all: Documentation/virt/kvm/api.rst. */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>

#include "accel.h"
#include "x86-cpu.h"
#include "x86-model.h"

/* --- The kernel, as the probe sees it (host.c); tests put another in its place ------------------------------------ */

typedef struct
{
  int (*open) (const char *path); /* -1 and errno */
  void (*close) (int fd);
  int (*ioctl) (int fd, unsigned long request, void *argument); /* -1 and errno */
  void *(*map) (int fd, size_t size);                           /* NULL and errno */
  void (*unmap) (void *address, size_t size);
  bool (*has_virtualization) (void); /* VT-x or AMD-V */
} VtKvmHost;

extern const VtKvmHost vt_kvm_host;

#define VT_KVM_DEVICE "/dev/kvm"

/* Numbers as ioctl arguments. */
#define VT_KVM_NUMBER(n) ((void *) (uintptr_t) (n))

/* The signal that takes a thread out of KVM_RUN; its handler does nothing. */
#define VT_KVM_SIGNAL (SIGRTMIN + 5)
void vt_kvm_install_signal (void);

/* --- Can it be used? (probe.c) ------------------------------------------------------------------------------------ */

/* Opens the device and looks for what we need. -1 with a sentence. */
int vt_kvm_open (const VtKvmHost *host, GError **error);
/* The small guest: real, protected and 64-bit mode, paging. False, with a sentence, when it does not do what it should
 * within timeout_ms. */
bool vt_kvm_try_guest (const VtKvmHost *host, unsigned timeout_ms, GError **error);
/* Hardware virtualization and a guest that runs: what `auto` asks. */
bool vt_kvm_recommend (const VtKvmHost *host, unsigned timeout_ms, GError **error);

/* --- Virtual machine (vm.c): one for all vCPUs that share a VtMem ------------------------------------------------- */

typedef struct VtKvmVcpu VtKvmVcpu;

typedef struct
{
  uint32_t id;
  VtRamRange range;
  bool logged; /* the kernel notes writes to it */
} VtKvmSlot;

/* What the counters would read at some moment if their offsets were zero. */
typedef struct
{
  int64_t host_ns, guest_ns;
  uint64_t ticks;
  bool valid;
} VtKvmMoment;

typedef struct
{
  unsigned refs; /* vCPUs attached; guarded by the registry's mutex */
  int system_fd, fd;
  VtMem *mem;
  GPtrArray *vcpus; /* VtKvmVcpu* */
  bool has_xcrs;

  GMutex gate;         /* guards all below; taken with the machine lock held or without, never the other way round */
  GCond moved;         /* `inside` or `updating` changed */
  unsigned inside;     /* vCPUs in KVM_RUN */
  bool updating;       /* one vCPU rebuilds the slots: nobody enters */
  bool stale;          /* the layout changed since the slots were made */
  VtKvmMoment moment;  /* shared by the vCPUs, so that their counters agree exactly */
  GArray *slots;       /* VtKvmSlot */
  GHashTable *watched; /* set of VtRam* whose collect() is ours */
  GHashTable *logged;  /* set of VtRam*: somebody harvests it */
} VtKvmVm;

struct VtKvmVcpu
{
  VtX86Cpu *cpu;
  VtKvmVm *vm;
  int fd;
  struct kvm_run *run;
  size_t run_bytes;
  uint64_t tsc_hz; /* as the kernel runs it */

  /* Guarded by the gate */
  bool inside; /* in KVM_RUN, on this thread: */
  pthread_t thread;
  uint64_t apic_page; /* of its local APIC's registers; UINT64_MAX: none */

  /* Own thread */
  VtX86State known; /* what the kernel holds, as far as it holds it */
  bool known_valid;
  int64_t left_host_ns, left_guest_ns; /* when the counters were last looked at */
  bool unfinished;                     /* the instruction of the last exit ends with the next KVM_RUN */
  bool open;                           /* an interrupt can be injected now */
  bool base_moved;                     /* the guest wrote IA32_APIC_BASE */
  bool waiting;                        /* one is pending that could not be */
};

VtKvmVm *vt_kvm_vm_get (VtVcpu *vcpu, GError **error);
void vt_kvm_vm_put (VtKvmVm *vm);
void vt_kvm_vm_add (VtKvmVm *vm, VtKvmVcpu *kvm);
void vt_kvm_vm_remove (VtKvmVm *vm, VtKvmVcpu *kvm);
/* Into and out of KVM_RUN. Waits for slot changes, and makes them when they are due. False: they cannot be made. */
bool vt_kvm_gate_enter (VtKvmVcpu *kvm, bool leave_at_once, GError **error);
void vt_kvm_gate_leave (VtKvmVcpu *kvm);
/* A request for this vCPU was set: out of KVM_RUN with it. Any thread. */
void vt_kvm_gate_kick (VtVcpu *vcpu);

/* --- Memory slots (slots.c); the gate is held --------------------------------------------------------------------- */

/* Nobody is in KVM_RUN. */
bool vt_kvm_slots_update (VtKvmVm *vm, GError **error);
/* VtRam.collect */
void vt_kvm_slots_collect (void *vm, VtRam *ram);
/* Machine lock held, or nothing runs: the RAM of the view reports to us. Takes the gate itself. */
void vt_kvm_slots_watch (VtKvmVm *vm);
/* No RAM does any more. */
void vt_kvm_slots_unwatch (VtKvmVm *vm);

/* --- Processor features (features.c) ------------------------------------------------------------------------------ */

bool vt_kvm_restrict_model (VtX86Model *model, GError **error);
uint64_t vt_kvm_tsc_hz (void);
/* CPUID as the model has it. */
bool vt_kvm_set_cpuid (VtKvmVcpu *kvm, GError **error);
/* Which MSRs the kernel answers; all others come to us as exits. */
bool vt_kvm_set_msr_filter (VtKvmVm *vm, const VtX86Model *model, GError **error);

/* --- Registers (sync.c, sync-fpu.c); own thread, outside KVM_RUN -------------------------------------------------- */

/* Makes the kernel's registers those of cpu->s, if they are not. */
bool vt_kvm_push (VtKvmVcpu *kvm, GError **error);
/* The other way round, with everything that derives from it. An event that the kernel was about to deliver is
 * delivered. */
bool vt_kvm_pull (VtKvmVcpu *kvm, GError **error);
bool vt_kvm_push_fpu (VtKvmVcpu *kvm, GError **error);
bool vt_kvm_pull_fpu (VtKvmVcpu *kvm, GError **error);
/* ioctl of the vCPU, with a sentence that names what could not be done. */
bool vt_kvm_vcpu_ioctl (VtKvmVcpu *kvm, unsigned long request, void *argument, const char *what, GError **error);
/* KVM_GET_MSRS, KVM_SET_MSRS: the number of entries done comes back, and fewer are a refusal of the next one. */
bool vt_kvm_msrs_ioctl (VtKvmVcpu *kvm, unsigned long request, struct kvm_msrs *list,
                        const struct kvm_msr_entry *entries, GError **error);

/* --- Time-stamp counter (tsc.c); own thread, outside KVM_RUN ------------------------------------------------------ */

/* Between the kernel and cpu->s.tsc_offset. */
bool vt_kvm_pull_tsc (VtKvmVcpu *kvm, GError **error);
bool vt_kvm_push_tsc (VtKvmVcpu *kvm, GError **error);
/* The machine stood since the last of these, or somebody else set the counter. */
bool vt_kvm_tsc_moved (const VtKvmVcpu *kvm);
/* A state from elsewhere may count at another frequency: has the kernel follow, or warns. */
void vt_kvm_follow_tsc_frequency (VtKvmVcpu *kvm);

/* --- Interrupts (events.c) ---------------------------------------------------------------------------------------- */

/* Takes what is pending and can be delivered: into the kernel, which delivers at the next entry. */
bool vt_kvm_service_events (VtKvmVcpu *kvm, GError **error);
/* Delivers, by the interpreter's means, an event that the kernel had accepted; cpu->s is complete. */
void vt_kvm_deliver (VtKvmVcpu *kvm, const struct kvm_vcpu_events *events);

/* --- Exits (exits.c) ---------------------------------------------------------------------------------------------- */

typedef enum
{
  VT_KVM_GO_ON,
  VT_KVM_LEAVE,     /* look at cpu->s.activity */
  VT_KVM_INTERPRET, /* the kernel cannot execute what comes next */
  VT_KVM_FAILED,
} VtKvmStep;

VtKvmStep vt_kvm_handle_exit (VtKvmVcpu *kvm, GError **error);
