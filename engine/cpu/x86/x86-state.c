/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The vCPU as an object: construction, its state table, and what a saved state may look like. */
#include "apic.h"
#include "bits.h"
#include "code-memory.h"
#include "flags.h"
#include "interp.h"
#include "tlb.h"
#include "x86-sys.h"

#include <vitrine/error.h>

#define BLOCK_ALIGN ((uintptr_t) 64)

/* --- State table -------------------------------------------------------------------------------------------------- */

#define SEG_FIELDS(member)                                                                                             \
  VT_FIELD (VtX86State, member.base), VT_FIELD (VtX86State, member.limit), VT_FIELD (VtX86State, member.attr),         \
      VT_FIELD (VtX86State, member.selector), VT_FIELD (VtX86State, member.pad_)
#define TABLE_FIELDS(member)                                                                                           \
  VT_FIELD (VtX86State, member.base), VT_FIELD (VtX86State, member.limit), VT_FIELD (VtX86State, member.pad_)
/* An array of arrays decays to a pointer to an array: name its bytes through the first row. */
#define ROWS_FIELD(member)                                                                                             \
  { #member, VT_U8, false, 1, offsetof (VtX86State, member), sizeof (((VtX86State *) 0)->member) }

static const VtField state_fields[] = {
  VT_FIELD (VtX86State, gpr),
  VT_FIELD (VtX86State, rip),
  VT_FIELD (VtX86State, rflags),
  SEG_FIELDS (seg[VT_ES]),
  SEG_FIELDS (seg[VT_CS]),
  SEG_FIELDS (seg[VT_SS]),
  SEG_FIELDS (seg[VT_DS]),
  SEG_FIELDS (seg[VT_FS]),
  SEG_FIELDS (seg[VT_GS]),
  SEG_FIELDS (ldtr),
  SEG_FIELDS (tr),
  TABLE_FIELDS (gdtr),
  TABLE_FIELDS (idtr),
  VT_FIELD (VtX86State, cr0),
  VT_FIELD (VtX86State, cr2),
  VT_FIELD (VtX86State, cr3),
  VT_FIELD (VtX86State, cr4),
  VT_FIELD (VtX86State, xcr0),
  VT_FIELD (VtX86State, dr),
  VT_FIELD (VtX86State, efer),
  VT_FIELD (VtX86State, star),
  VT_FIELD (VtX86State, lstar),
  VT_FIELD (VtX86State, cstar),
  VT_FIELD (VtX86State, sfmask),
  VT_FIELD (VtX86State, kernel_gs_base),
  VT_FIELD (VtX86State, sysenter_cs),
  VT_FIELD (VtX86State, sysenter_esp),
  VT_FIELD (VtX86State, sysenter_eip),
  VT_FIELD (VtX86State, pat),
  VT_FIELD (VtX86State, misc_enable),
  VT_FIELD (VtX86State, tsc_aux),
  VT_FIELD (VtX86State, tsc_adjust),
  VT_FIELD (VtX86State, spec_ctrl),
  VT_FIELD (VtX86State, mtrr_def_type),
  VT_FIELD (VtX86State, mtrr_fixed),
  VT_FIELD (VtX86State, mtrr_phys_base),
  VT_FIELD (VtX86State, mtrr_phys_mask),
  VT_FIELD (VtX86State, mcg_status),
  VT_FIELD (VtX86State, mcg_ctl),
  VT_FIELD (VtX86State, mc_bank),
  VT_FIELD (VtX86State, tsc_offset),
  VT_FIELD (VtX86State, activity),
  VT_FIELD (VtX86State, shadow),
  VT_FIELD (VtX86State, nmi_blocked),
  VT_FIELD (VtX86State, nmi_pending),
  VT_FIELD (VtX86State, smi_pending),
  VT_FIELD (VtX86State, init_pending),
  VT_FIELD (VtX86State, sipi_pending),
  VT_FIELD (VtX86State, sipi_vector),
  VT_FIELD (VtX86State, monitor_gpa),
  VT_FIELD (VtX86State, monitor_armed),
  VT_FIELD (VtX86State, in_smm),
  VT_FIELD (VtX86State, smm_nmi_blocked),
  VT_FIELD (VtX86State, pad0_),
  VT_FIELD (VtX86State, smm_pending_db),
  VT_FIELD (VtX86State, pad2_),
  VT_FIELD (VtX86State, smbase),
  VT_FIELD (VtX86State, fcw),
  VT_FIELD (VtX86State, fsw),
  VT_FIELD (VtX86State, ftw),
  VT_FIELD (VtX86State, pad1_),
  VT_FIELD (VtX86State, fop),
  VT_FIELD (VtX86State, fip),
  VT_FIELD (VtX86State, fdp),
  VT_FIELD (VtX86State, fcs),
  VT_FIELD (VtX86State, fds),
  VT_FIELD (VtX86State, mxcsr),
  ROWS_FIELD (st),
  ROWS_FIELD (ymm),
};

/* Version 2 has system management mode, where version 1 had padding: zeros. */
const VtState vt_x86_state_table = VT_STATE (2, VtX86State, state_fields, NULL);

/* --- Flags -------------------------------------------------------------------------------------------------------- */

void
vt_x86_sync_flags (VtX86Cpu *cpu)
{
  cpu->s.rflags = (cpu->s.rflags & ~(uint64_t) X86_RFLAGS_ARITH) | flags_get (cpu);
}

void
vt_x86_set_arith_flags (VtX86Cpu *cpu, uint32_t mask, uint32_t value)
{
  mask &= X86_RFLAGS_ARITH;
  flags_put (cpu, (flags_get (cpu) & ~mask) | (value & mask));
  vt_x86_sync_flags (cpu);
}

/* --- Construction ------------------------------------------------------------------------------------------------- */

static void
reset (VtVcpu *vcpu, bool power_on)
{
  VtX86Cpu *cpu = (VtX86Cpu *) vcpu;
  vt_x86_init (cpu, true);
  if (vcpu->index != 0)
    cpu->s.activity = VT_X86_WAIT_FOR_SIPI;
  vt_x86_cpu_settle (cpu);
}

static bool
has_work (VtVcpu *vcpu)
{
  return vt_x86_events_pending ((VtX86Cpu *) vcpu);
}

const VtVcpuClass vt_x86_vcpu_class = { .name = "x86-64", .reset = reset, .has_work = has_work };

/* Both levels of the TLBs are behind it, each begins with a host's cache line. */
static size_t
second_offset (void)
{
  return (VT_X86_TLBS_OFFSET + VT_X86_TLB_COUNT * sizeof (VtX86Tlb) + BLOCK_ALIGN - 1) & ~(size_t) (BLOCK_ALIGN - 1);
}

static size_t
block_bytes (void)
{
  return second_offset () + VT_X86_TLB_COUNT * sizeof (VtX86TlbSecond);
}

/* It is zero, and what of it is never used stays untouched: a tag of 0 is page 0's. An access there looks into slot 0, or into the
 * last one when it begins before; so all others are empty, and these count as used until the first flush. */
static VtX86Cpu *
allocate (bool translated)
{
  const VtCodeMemoryOps *ops = vt_code_memory_ops ();
  VtX86Cpu *cpu = translated && ops != NULL ? ops->map_large (block_bytes (), true) : NULL;
  if (cpu == NULL)
    {
      uint8_t *block = g_malloc0 (block_bytes () + BLOCK_ALIGN);
      cpu = (VtX86Cpu *) (void *) (block + (-(uintptr_t) block & (BLOCK_ALIGN - 1)));
      cpu->block = block;
    }
  cpu->tlbs = (VtX86Tlb *) (void *) ((uint8_t *) cpu + VT_X86_TLBS_OFFSET);
  cpu->second = (VtX86TlbSecond *) (void *) ((uint8_t *) cpu + second_offset ());
  for (unsigned kind = 0; kind < VT_X86_TLB_COUNT; kind++)
    {
      vt_x86_set_bit (cpu->tlbs[kind].used, 0, true);
      vt_x86_set_bit (cpu->tlbs[kind].used, VT_X86_TLB_SIZE - 1, true);
    }
  return cpu;
}

VtX86Cpu *
vt_x86_cpu_new (const VtX86CpuConfig *config)
{
  VtX86Cpu *cpu = allocate (config->translated);
  cpu->vcpu.cls = &vt_x86_vcpu_class;
  cpu->vcpu.index = config->index;
  cpu->vcpu.mem = cpu->plain_mem = config->mem;
  cpu->smm_mem = config->smm_mem;
  cpu->vcpu.io = config->io;
  cpu->vcpu.clock = config->clock;
  cpu->model = config->model;
  cpu->tsc_hz = config->tsc_hz;
  cpu->jit_without = config->jit_without;
  cpu->inta = config->inta;
  cpu->inta_opaque = config->inta_opaque;
  cpu->machine = config->machine;
  cpu->phys_mask = vt_x86_phys_mask (config->model);

  reset (&cpu->vcpu, true);
  return cpu;
}

void
vt_x86_cpu_free (VtX86Cpu *cpu)
{
  if (cpu == NULL)
    return;
  if (vt_vcpu_current () == &cpu->vcpu)
    vt_vcpu_set_current (NULL);
  vt_x86_interp_free (cpu);
  g_clear_pointer (&cpu->vcpu.view, vt_view_unref);
  g_clear_pointer (&cpu->vcpu.io_view, vt_view_unref);
  g_free (cpu->vcpu.failure);
  if (cpu->block != NULL)
    g_free (cpu->block);
  else
    vt_code_memory_ops ()->unmap_large (cpu, block_bytes ());
}

static void
forget_physical_pages (VtX86Cpu *cpu)
{
  for (unsigned i = 0; i < VT_X86_PHYS_PAGES; i++)
    cpu->phys[i].gpa = VT_X86_TLB_NONE;
}

void
vt_x86_take_view (VtX86Cpu *cpu)
{
  VtMem *mem = cpu->s.in_smm && cpu->smm_mem != NULL ? cpu->smm_mem : cpu->plain_mem;
  if (mem != cpu->vcpu.mem)
    {
      g_clear_pointer (&cpu->vcpu.view, vt_view_unref);
      cpu->vcpu.mem = mem;
    }
  vt_vcpu_refresh_views (&cpu->vcpu);
  cpu->n_rams = 0;
  forget_physical_pages (cpu);
  vt_x86_tlb_flush (cpu, true);
}

void
vt_x86_cpu_settle (VtX86Cpu *cpu)
{
  /* Unused registers that the specialised addressing reads as zero (forms.h). */
  cpu->s.dr[4] = cpu->s.dr[5] = 0;
  flags_put (cpu, (uint32_t) cpu->s.rflags);
  cpu->insn = NULL;
  cpu->pending_db = 0;
  cpu->smi_io.trap = 0;
  cpu->delivering_how = VT_X86_EVENT_NONE;
  cpu->events_deferred = false;
  cpu->tsc_line = (VtX86TscLine) { .wanted = cpu->tsc_line.wanted };
  vt_x86_take_view (cpu);
  vt_x86_update_mode (cpu);
  vt_x86_update_checks (cpu);
  /* The four entries are not saved: a well-behaved system did not change them behind the processor's back. */
  if (cpu->paging && !cpu->long_mode && (cpu->s.cr4 & X86_CR4_PAE) && !vt_x86_load_pdptes (cpu, cpu->s.cr3))
    memset (cpu->pdpte, 0, sizeof (cpu->pdpte));
  vt_vcpu_kick (&cpu->vcpu, VT_VCPU_INTERRUPT);
}
