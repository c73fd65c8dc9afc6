/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers between VtX86State and the kernel.
 *
 * `known` is the state that was last exchanged: as long as cpu->s still equals it, there is nothing to push, whoever
 * may have looked at the state or changed it and back in between.
 */
#include "kvm-private.h"

#include "apic.h"
#include "x86-sys.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

#define MSR_APIC_BASE 0x1bu

bool
vt_kvm_vcpu_ioctl (VtKvmVcpu *kvm, unsigned long request, void *argument, const char *what, GError **error)
{
  if (vt_kvm_host.ioctl (kvm->fd, request, argument) >= 0)
    return true;
  int saved = errno;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("%s does not take the state of processor %u: %s: %s"),
               VT_KVM_DEVICE, kvm->cpu->vcpu.index, what, g_strerror (saved));
  return false;
}

/* --- Integer and system registers --------------------------------------------------------------------------------- */

/* Where each general register is in struct kvm_regs, by our order. */
static const uint16_t gpr_at[16] = {
  offsetof (struct kvm_regs, rax), offsetof (struct kvm_regs, rcx), offsetof (struct kvm_regs, rdx),
  offsetof (struct kvm_regs, rbx), offsetof (struct kvm_regs, rsp), offsetof (struct kvm_regs, rbp),
  offsetof (struct kvm_regs, rsi), offsetof (struct kvm_regs, rdi), offsetof (struct kvm_regs, r8),
  offsetof (struct kvm_regs, r9),  offsetof (struct kvm_regs, r10), offsetof (struct kvm_regs, r11),
  offsetof (struct kvm_regs, r12), offsetof (struct kvm_regs, r13), offsetof (struct kvm_regs, r14),
  offsetof (struct kvm_regs, r15),
};

static __u64 *
gpr (struct kvm_regs *regs, unsigned n)
{
  return (__u64 *) (void *) ((uint8_t *) regs + gpr_at[n]);
}

static bool
push_regs (VtKvmVcpu *kvm, GError **error)
{
  const VtX86State *s = &kvm->cpu->s;
  struct kvm_regs regs = { .rip = s->rip, .rflags = s->rflags };
  for (unsigned i = 0; i < 16; i++)
    *gpr (&regs, i) = s->gpr[i];
  return vt_kvm_vcpu_ioctl (kvm, KVM_SET_REGS, &regs, "KVM_SET_REGS", error);
}

static bool
pull_regs (VtKvmVcpu *kvm, GError **error)
{
  VtX86State *s = &kvm->cpu->s;
  struct kvm_regs regs;
  if (!vt_kvm_vcpu_ioctl (kvm, KVM_GET_REGS, &regs, "KVM_GET_REGS", error))
    return false;
  for (unsigned i = 0; i < 16; i++)
    s->gpr[i] = *gpr (&regs, i);
  s->rip = regs.rip;
  s->rflags = regs.rflags | X86_RFLAGS_ONE;
  return true;
}

static struct kvm_segment
to_segment (const VtX86Seg *seg)
{
  return (struct kvm_segment) { .base = seg->base,
                               .limit = seg->limit,
                               .selector = seg->selector,
                               .type = seg->attr & X86_SEG_TYPE,
                               .present = (seg->attr & X86_SEG_P) != 0,
                               .dpl = (seg->attr & X86_SEG_DPL) >> X86_SEG_DPL_SHIFT,
                               .db = (seg->attr & X86_SEG_DB) != 0,
                               .s = (seg->attr & X86_SEG_S) != 0,
                               .l = (seg->attr & X86_SEG_L) != 0,
                               .g = (seg->attr & X86_SEG_G) != 0,
                               .avl = (seg->attr & X86_SEG_AVL) != 0,
                               .unusable = (seg->attr & X86_SEG_UNUSABLE) != 0 };
}

static VtX86Seg
from_segment (const struct kvm_segment *seg)
{
  uint32_t attr = (seg->type & X86_SEG_TYPE) | (seg->dpl << X86_SEG_DPL_SHIFT & X86_SEG_DPL);
  attr |= (seg->present ? X86_SEG_P : 0) | (seg->db ? X86_SEG_DB : 0) | (seg->s ? X86_SEG_S : 0)
          | (seg->l ? X86_SEG_L : 0) | (seg->g ? X86_SEG_G : 0) | (seg->avl ? X86_SEG_AVL : 0)
          | (seg->unusable ? X86_SEG_UNUSABLE : 0);
  return (VtX86Seg) { .base = seg->base, .limit = seg->limit, .attr = attr, .selector = seg->selector };
}

static uint64_t
apic_base (const VtX86Cpu *cpu)
{
  uint64_t base = 0;
  return cpu->apic != NULL && vt_apic_msr_read (cpu->apic, MSR_APIC_BASE, &base) ? base : 0;
}

static bool
push_sregs (VtKvmVcpu *kvm, GError **error)
{
  const VtX86State *s = &kvm->cpu->s;
  struct kvm_sregs sregs = {
    .cs = to_segment (&s->seg[VT_CS]),
    .ds = to_segment (&s->seg[VT_DS]),
    .es = to_segment (&s->seg[VT_ES]),
    .fs = to_segment (&s->seg[VT_FS]),
    .gs = to_segment (&s->seg[VT_GS]),
    .ss = to_segment (&s->seg[VT_SS]),
    .tr = to_segment (&s->tr),
    .ldt = to_segment (&s->ldtr),
    .gdt = { .base = s->gdtr.base, .limit = s->gdtr.limit },
    .idt = { .base = s->idtr.base, .limit = s->idtr.limit },
    .cr0 = s->cr0,
    .cr2 = s->cr2,
    .cr3 = s->cr3,
    .cr4 = s->cr4,
    .efer = s->efer,
    .cr8 = kvm->cpu->apic != NULL ? vt_apic_cr8 (kvm->cpu->apic) : 0,
    .apic_base = apic_base (kvm->cpu),
  };
  return vt_kvm_vcpu_ioctl (kvm, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS", error);
}

static bool
pull_sregs (VtKvmVcpu *kvm, GError **error)
{
  VtX86State *s = &kvm->cpu->s;
  struct kvm_sregs sregs;
  if (!vt_kvm_vcpu_ioctl (kvm, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS", error))
    return false;
  s->seg[VT_CS] = from_segment (&sregs.cs);
  s->seg[VT_DS] = from_segment (&sregs.ds);
  s->seg[VT_ES] = from_segment (&sregs.es);
  s->seg[VT_FS] = from_segment (&sregs.fs);
  s->seg[VT_GS] = from_segment (&sregs.gs);
  s->seg[VT_SS] = from_segment (&sregs.ss);
  s->tr = from_segment (&sregs.tr);
  s->ldtr = from_segment (&sregs.ldt);
  s->gdtr = (VtX86Table) { .base = sregs.gdt.base, .limit = sregs.gdt.limit };
  s->idtr = (VtX86Table) { .base = sregs.idt.base, .limit = sregs.idt.limit };
  s->cr0 = sregs.cr0;
  s->cr2 = sregs.cr2;
  s->cr3 = sregs.cr3;
  s->cr4 = sregs.cr4;
  s->efer = sregs.efer;
  return true;
}

static bool
push_debug (VtKvmVcpu *kvm, GError **error)
{
  const VtX86State *s = &kvm->cpu->s;
  struct kvm_debugregs debug = { .db = { s->dr[0], s->dr[1], s->dr[2], s->dr[3] }, .dr6 = s->dr[6], .dr7 = s->dr[7] };
  return vt_kvm_vcpu_ioctl (kvm, KVM_SET_DEBUGREGS, &debug, "KVM_SET_DEBUGREGS", error);
}

static bool
pull_debug (VtKvmVcpu *kvm, GError **error)
{
  VtX86State *s = &kvm->cpu->s;
  struct kvm_debugregs debug;
  if (!vt_kvm_vcpu_ioctl (kvm, KVM_GET_DEBUGREGS, &debug, "KVM_GET_DEBUGREGS", error))
    return false;
  for (unsigned i = 0; i < 4; i++)
    s->dr[i] = debug.db[i];
  s->dr[6] = (uint32_t) debug.dr6;
  s->dr[7] = (uint32_t) debug.dr7;
  return true;
}

/* --- MSRs --------------------------------------------------------------------------------------------------------- */

static const struct
{
  uint32_t index;
  uint16_t feature; /* needed; FPU: always */
  uint16_t off;     /* in VtX86State */
} msrs[] = {
  { 0x174, X86_FEATURE_SEP, offsetof (VtX86State, sysenter_cs) },
  { 0x175, X86_FEATURE_SEP, offsetof (VtX86State, sysenter_esp) },
  { 0x176, X86_FEATURE_SEP, offsetof (VtX86State, sysenter_eip) },
  { 0x277, X86_FEATURE_PAT, offsetof (VtX86State, pat) },
  { 0x48, X86_FEATURE_SPEC_CTRL, offsetof (VtX86State, spec_ctrl) },
  { 0xc0000081, X86_FEATURE_SYSCALL, offsetof (VtX86State, star) },
  { 0xc0000082, X86_FEATURE_LM, offsetof (VtX86State, lstar) },
  { 0xc0000083, X86_FEATURE_LM, offsetof (VtX86State, cstar) },
  { 0xc0000084, X86_FEATURE_SYSCALL, offsetof (VtX86State, sfmask) },
  { 0xc0000102, X86_FEATURE_LM, offsetof (VtX86State, kernel_gs_base) },
  { 0xc0000103, X86_FEATURE_RDTSCP, offsetof (VtX86State, tsc_aux) },
};

typedef struct
{
  struct kvm_msrs head;
  struct kvm_msr_entry entry[G_N_ELEMENTS (msrs)];
} MsrList;

static uint64_t *
msr_field (VtKvmVcpu *kvm, unsigned i)
{
  return (uint64_t *) (void *) ((uint8_t *) &kvm->cpu->s + msrs[i].off);
}

bool
vt_kvm_msrs_ioctl (VtKvmVcpu *kvm, unsigned long request, struct kvm_msrs *list, const struct kvm_msr_entry *entries,
                   GError **error)
{
  int done = vt_kvm_host.ioctl (kvm->fd, request, list);
  if (done == (int) list->nmsrs)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("%s does not know register 0x%x of processor %u"), VT_KVM_DEVICE,
               entries[MAX (done, 0)].index, kvm->cpu->vcpu.index);
  return false;
}

static bool
push_msrs (VtKvmVcpu *kvm, GError **error)
{
  MsrList list = { .head.nmsrs = 0 };
  for (unsigned i = 0; i < G_N_ELEMENTS (msrs); i++)
    if (vt_x86_has (kvm->cpu->model, msrs[i].feature))
      list.entry[list.head.nmsrs++] = (struct kvm_msr_entry) { .index = msrs[i].index, .data = *msr_field (kvm, i) };
  return vt_kvm_msrs_ioctl (kvm, KVM_SET_MSRS, &list.head, list.entry, error);
}

static bool
pull_msrs (VtKvmVcpu *kvm, GError **error)
{
  MsrList list = { .head.nmsrs = 0 };
  unsigned which[G_N_ELEMENTS (msrs)];
  for (unsigned i = 0; i < G_N_ELEMENTS (msrs); i++)
    if (vt_x86_has (kvm->cpu->model, msrs[i].feature))
      {
        which[list.head.nmsrs] = i;
        list.entry[list.head.nmsrs++].index = msrs[i].index;
      }
  if (!vt_kvm_msrs_ioctl (kvm, KVM_GET_MSRS, &list.head, list.entry, error))
    return false;
  for (unsigned n = 0; n < list.head.nmsrs; n++)
    *msr_field (kvm, which[n]) = list.entry[n].data;
  return true;
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

static bool
push_events (VtKvmVcpu *kvm, GError **error)
{
  const VtX86State *s = &kvm->cpu->s;
  struct kvm_vcpu_events events
      = { .nmi.masked = s->nmi_blocked, .flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW };
  if (s->shadow & VT_X86_SHADOW_STI)
    events.interrupt.shadow |= KVM_X86_SHADOW_INT_STI;
  if (s->shadow & VT_X86_SHADOW_MOVSS)
    events.interrupt.shadow |= KVM_X86_SHADOW_INT_MOV_SS;
  return vt_kvm_vcpu_ioctl (kvm, KVM_SET_VCPU_EVENTS, &events, "KVM_SET_VCPU_EVENTS", error);
}

static bool
pull_events (VtKvmVcpu *kvm, struct kvm_vcpu_events *events, GError **error)
{
  VtX86State *s = &kvm->cpu->s;
  if (!vt_kvm_vcpu_ioctl (kvm, KVM_GET_VCPU_EVENTS, events, "KVM_GET_VCPU_EVENTS", error))
    return false;
  s->shadow = 0;
  if (events->interrupt.shadow & KVM_X86_SHADOW_INT_STI)
    s->shadow |= VT_X86_SHADOW_STI;
  if (events->interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS)
    s->shadow |= VT_X86_SHADOW_MOVSS;
  s->nmi_blocked = events->nmi.masked != 0;
  return true;
}

/* --- All of it ---------------------------------------------------------------------------------------------------- */

/* What others write at any time, or what is not the kernel's. */
static VtX86State
comparable (const VtX86State *s)
{
  VtX86State out = *s;
  out.activity = out.nmi_pending = out.smi_pending = out.init_pending = out.sipi_pending = out.sipi_vector = 0;
  out.tsc_offset = 0;
  return out;
}

static bool
unchanged (const VtKvmVcpu *kvm)
{
  if (!kvm->known_valid)
    return false;
  VtX86State here = comparable (&kvm->cpu->s), there = comparable (&kvm->known);
  return memcmp (&here, &there, sizeof here) == 0;
}

static void
note_known (VtKvmVcpu *kvm)
{
  kvm->known = kvm->cpu->s;
  kvm->known_valid = true;
}

bool
vt_kvm_push (VtKvmVcpu *kvm, GError **error)
{
  const VtX86State *s = &kvm->cpu->s;
  bool same = unchanged (kvm);
  vt_kvm_follow_tsc_frequency (kvm);
  if ((!kvm->known_valid || vt_kvm_tsc_moved (kvm)) && !vt_kvm_push_tsc (kvm, error))
    return false;
  if (!same)
    {
      struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = s->xcr0 } } };
      if (!push_sregs (kvm, error) || !push_regs (kvm, error) || !vt_kvm_push_fpu (kvm, error)
          || (kvm->vm->has_xcrs && !vt_kvm_vcpu_ioctl (kvm, KVM_SET_XCRS, &xcrs, "KVM_SET_XCRS", error))
          || !push_msrs (kvm, error) || !push_debug (kvm, error) || !push_events (kvm, error))
        return false;
      kvm->open = (s->rflags & X86_RFLAGS_IF) != 0 && s->shadow == 0;
    }
  note_known (kvm);
  return true;
}

static bool
pull_xcrs (VtKvmVcpu *kvm, GError **error)
{
  struct kvm_xcrs xcrs = { 0 };
  if (!kvm->vm->has_xcrs)
    return true;
  if (!vt_kvm_vcpu_ioctl (kvm, KVM_GET_XCRS, &xcrs, "KVM_GET_XCRS", error))
    return false;
  for (unsigned i = 0; i < MIN (xcrs.nr_xcrs, G_N_ELEMENTS (xcrs.xcrs)); i++)
    if (xcrs.xcrs[i].xcr == 0)
      kvm->cpu->s.xcr0 = xcrs.xcrs[i].value;
  return true;
}

/* What vt_x86_cpu_settle() derives, without the kick, which would keep a halted processor awake. */
static void
derive (VtX86Cpu *cpu)
{
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ARITH, (uint32_t) cpu->s.rflags);
  cpu->insn = NULL;
  cpu->pending_db = 0;
  cpu->delivering_how = VT_X86_EVENT_NONE;
  vt_x86_take_view (cpu);
  vt_x86_update_mode (cpu);
  if (cpu->paging && !cpu->long_mode && (cpu->s.cr4 & X86_CR4_PAE) && !vt_x86_load_pdptes (cpu, cpu->s.cr3))
    memset (cpu->pdpte, 0, sizeof cpu->pdpte);
}

/* Events first: to read a pending exception is to let it write CR2 or DR6. */
bool
vt_kvm_pull (VtKvmVcpu *kvm, GError **error)
{
  struct kvm_vcpu_events events;
  if (!pull_events (kvm, &events, error) || !pull_regs (kvm, error) || !pull_sregs (kvm, error)
      || !vt_kvm_pull_fpu (kvm, error) || !pull_xcrs (kvm, error) || !pull_msrs (kvm, error) || !pull_debug (kvm, error)
      || !vt_kvm_pull_tsc (kvm, error))
    return false;
  derive (kvm->cpu);
  note_known (kvm);
  vt_kvm_deliver (kvm, &events);
  return true;
}
