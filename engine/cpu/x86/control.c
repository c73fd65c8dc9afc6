/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control registers, processor modes and INIT.
 *
 * SDM volume 3A, 2.5 (control registers), 4.1 (paging modes), 9.1 (INIT), 9.8.5 (entering IA-32e mode); AMD APM volume 2,
 * 3.1.
 */
#include "trace-x86.h"
#include "x86-sys.h"

#define CR0_WRITABLE                                                                                                     \
  (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD     \
   | X86_CR0_PG)
#define CR0_PAGING  (X86_CR0_PG | X86_CR0_WP)
#define CR0_PDPTE   (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)
#define CR4_PAGING  (X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCIDE | X86_CR4_SMEP | X86_CR4_SMAP)
#define CR4_PDPTE   (X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_SMEP)
#define CR3_NOFLUSH (UINT64_C (1) << 63)
#define SMBASE_RESET 0x30000u
#define XCR0_X87    1u
#define XCR0_SSE    2u
#define XCR0_AVX    4u

/* CR4 bits and the feature that each needs. */
static const struct
{
  uint32_t bit;
  uint16_t feature;
} cr4_bits[] = {
  { X86_CR4_VME, X86_FEATURE_VME },         { X86_CR4_PVI, X86_FEATURE_VME },         { X86_CR4_TSD, X86_FEATURE_TSC },
  { X86_CR4_DE, X86_FEATURE_DE },           { X86_CR4_PSE, X86_FEATURE_PSE },         { X86_CR4_PAE, X86_FEATURE_PAE },
  { X86_CR4_MCE, X86_FEATURE_MCE },         { X86_CR4_PGE, X86_FEATURE_PGE },         { X86_CR4_PCE, X86_FEATURE_TSC },
  { X86_CR4_OSFXSR, X86_FEATURE_FXSR },     { X86_CR4_OSXMMEXCPT, X86_FEATURE_SSE },  { X86_CR4_UMIP, X86_FEATURE_UMIP },
  { X86_CR4_FSGSBASE, X86_FEATURE_FSGSBASE }, { X86_CR4_PCIDE, X86_FEATURE_PCID },    { X86_CR4_OSXSAVE, X86_FEATURE_XSAVE },
  { X86_CR4_SMEP, X86_FEATURE_SMEP },       { X86_CR4_SMAP, X86_FEATURE_SMAP },
};

uint64_t
vt_x86_cr4_allowed (const VtX86Cpu *cpu)
{
  uint64_t allowed = 0;
  for (unsigned i = 0; i < G_N_ELEMENTS (cr4_bits); i++)
    if (vt_x86_has (cpu->model, cr4_bits[i].feature))
      allowed |= cr4_bits[i].bit;
  return allowed;
}

static bool
flat_data (const VtX86Seg *seg)
{
  uint32_t care = X86_SEG_UNUSABLE | X86_SEG_P | X86_SEG_S | X86_TYPE_CODE | X86_TYPE_DOWN | X86_TYPE_WRITABLE;
  return seg->base == 0 && seg->limit == UINT32_MAX && (seg->attr & care) == (X86_SEG_P | X86_SEG_S | X86_TYPE_WRITABLE);
}

void
vt_x86_update_mode (VtX86Cpu *cpu)
{
  const VtX86Seg *cs = &cpu->s.seg[VT_CS], *ss = &cpu->s.seg[VT_SS];
  cpu->long_mode = (cpu->s.efer & X86_EFER_LMA) != 0;
  cpu->paging = (cpu->s.cr0 & X86_CR0_PG) != 0;
  if ((cpu->s.cr0 & X86_CR0_PE) == 0)
    cpu->mode = VT_X86_REAL;
  else if ((cpu->s.rflags & X86_RFLAGS_VM) != 0 && !cpu->long_mode)
    cpu->mode = VT_X86_V86;
  else
    cpu->mode = cpu->long_mode && (cs->attr & X86_SEG_L) != 0 ? VT_X86_LONG : VT_X86_PROT;
  bool is64 = cpu->mode == VT_X86_LONG;
  cpu->code_bits = is64 ? 64 : (cs->attr & X86_SEG_DB) != 0 ? 32 : 16;
  cpu->stack_bits = is64 ? 64 : (ss->attr & X86_SEG_DB) != 0 ? 32 : 16;
  cpu->cpl = cpu->mode == VT_X86_REAL ? 0 : cpu->mode == VT_X86_V86 ? 3 : seg_dpl (ss);
  cpu->flat = is64 || (flat_data (ss) && flat_data (&cpu->s.seg[VT_DS]) && flat_data (&cpu->s.seg[VT_ES]));
  vt_x86_update_checks (cpu);
}

static bool
pae_paging (const VtX86Cpu *cpu, uint64_t cr0, uint64_t cr4)
{
  return (cr0 & X86_CR0_PG) != 0 && (cr4 & X86_CR4_PAE) != 0 && (cpu->s.efer & X86_EFER_LME) == 0;
}

static void
check_entry_to_long_mode (VtX86Cpu *cpu)
{
  if ((cpu->s.cr4 & X86_CR4_PAE) == 0 || (cpu->s.seg[VT_CS].attr & X86_SEG_L) != 0)
    vt_x86_gp0 (cpu);
}

void
vt_x86_write_cr0 (VtX86Cpu *cpu, uint64_t value)
{
  uint64_t old = cpu->s.cr0;
  if (value >> 32 != 0)
    vt_x86_gp0 (cpu);
  value = (value & CR0_WRITABLE) | X86_CR0_ET;
  bool paging_on = (value & X86_CR0_PG) != 0 && (old & X86_CR0_PG) == 0;
  bool paging_off = (value & X86_CR0_PG) == 0 && (old & X86_CR0_PG) != 0;
  if (((value & X86_CR0_PG) != 0 && (value & X86_CR0_PE) == 0) || ((value & X86_CR0_NW) != 0 && (value & X86_CR0_CD) == 0))
    vt_x86_gp0 (cpu);
  if (paging_off && (cpu->mode == VT_X86_LONG || (cpu->s.cr4 & X86_CR4_PCIDE) != 0))
    vt_x86_gp0 (cpu);
  if (paging_on && (cpu->s.efer & X86_EFER_LME) != 0)
    check_entry_to_long_mode (cpu);
  if (pae_paging (cpu, value, cpu->s.cr4) && ((old ^ value) & CR0_PDPTE) != 0 && !vt_x86_load_pdptes (cpu, cpu->s.cr3))
    vt_x86_gp0 (cpu);
  trace_x86_cr_write (cpu->vcpu.index, 0, value);
  cpu->s.cr0 = value;
  if (paging_on && (cpu->s.efer & X86_EFER_LME) != 0)
    cpu->s.efer |= X86_EFER_LMA;
  else if (paging_off)
    cpu->s.efer &= ~(uint64_t) X86_EFER_LMA;
  if ((old ^ value) & CR0_PAGING)
    vt_x86_tlb_flush (cpu, true);
  vt_x86_update_mode (cpu);
}

void
vt_x86_write_cr3 (VtX86Cpu *cpu, uint64_t value)
{
  bool pcids = cpu->long_mode && (cpu->s.cr4 & X86_CR4_PCIDE) != 0, keep = pcids && (value & CR3_NOFLUSH) != 0;
  if (cpu->long_mode)
    {
      if (pcids)
        value &= ~CR3_NOFLUSH;
      if ((value & ~vt_x86_phys_mask (cpu->model)) != 0)
        vt_x86_gp0 (cpu);
    }
  else
    {
      value = (uint32_t) value;
      if (pae_paging (cpu, cpu->s.cr0, cpu->s.cr4) && !vt_x86_load_pdptes (cpu, value))
        vt_x86_gp0 (cpu);
    }
  if (pcids)
    cpu->pcid_generation[cpu->s.cr3 & 0xfff] = cpu->user_generation;
  cpu->s.cr3 = value;
  vt_x86_tlb_switch (cpu, keep);
}

void
vt_x86_write_cr4 (VtX86Cpu *cpu, uint64_t value)
{
  uint64_t old = cpu->s.cr4;
  if ((value & ~vt_x86_cr4_allowed (cpu)) != 0)
    vt_x86_gp0 (cpu);
  if (cpu->long_mode && (value & X86_CR4_PAE) == 0)
    vt_x86_gp0 (cpu);
  bool pcid_on = (value & X86_CR4_PCIDE) != 0 && (old & X86_CR4_PCIDE) == 0;
  if (pcid_on && (!cpu->long_mode || (cpu->s.cr3 & 0xfff) != 0))
    vt_x86_gp0 (cpu);
  if (pae_paging (cpu, cpu->s.cr0, value) && ((old ^ value) & CR4_PDPTE) != 0 && !vt_x86_load_pdptes (cpu, cpu->s.cr3))
    vt_x86_gp0 (cpu);
  trace_x86_cr_write (cpu->vcpu.index, 4, value);
  cpu->s.cr4 = value;
  if ((old ^ value) & CR4_PAGING)
    vt_x86_tlb_flush (cpu, true);
  vt_x86_update_mode (cpu);
}

void
vt_x86_write_xcr0 (VtX86Cpu *cpu, uint64_t value)
{
  bool avx_alone = (value & (XCR0_SSE | XCR0_AVX)) == XCR0_AVX;
  if ((value & ~cpu->model->xcr0) != 0 || (value & XCR0_X87) == 0 || avx_alone)
    vt_x86_gp0 (cpu);
  cpu->s.xcr0 = value;
}

/* --- INIT (SDM table 9-1) ----------------------------------------------------------------------------------------------- */

static void
reset_segments (VtX86State *s)
{
  uint32_t data = X86_SEG_P | X86_SEG_S | X86_TYPE_WRITABLE | X86_TYPE_ACCESSED;
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    s->seg[i] = (VtX86Seg) { .limit = 0xffff, .attr = data };
  s->seg[VT_CS] = (VtX86Seg) { .base = 0xffff0000, .limit = 0xffff, .selector = 0xf000, .attr = data | X86_TYPE_CODE };
  s->ldtr = (VtX86Seg) { .limit = 0xffff, .attr = X86_SEG_P | X86_SYS_LDT };
  s->tr = (VtX86Seg) { .limit = 0xffff, .attr = X86_SEG_P | X86_SYS_TSS32_BUSY };
  s->gdtr = s->idtr = (VtX86Table) { .limit = 0xffff };
}

/* What INIT leaves alone and a reset does not. */
static void
power_on_registers (VtX86Cpu *cpu)
{
  VtX86State *s = &cpu->s;
  memset (s, 0, sizeof *s);
  s->xcr0 = XCR0_X87;
  s->smbase = SMBASE_RESET;
  s->pat = UINT64_C (0x0007040600070406);
  s->misc_enable = VT_X86_MISC_ENABLE_RESET;
  s->fcw = 0x40;
  s->ftw = 0xff;
  s->mxcsr = 0x1f80;
  s->mcg_ctl = UINT64_MAX;
  for (unsigned bank = 0; bank < VT_X86_MC_BANKS; bank++)
    s->mc_bank[4 * bank] = UINT64_MAX;
  if (cpu->vcpu.clock != NULL)
    s->tsc_offset = -vt_ns_to_ticks (vt_clock_now (cpu->vcpu.clock), cpu->tsc_hz);
}

void
vt_x86_init (VtX86Cpu *cpu, bool power_on)
{
  VtX86State *s = &cpu->s;
  if (power_on)
    power_on_registers (cpu);
  memset (s->gpr, 0, sizeof s->gpr);
  s->gpr[VT_RDX] = vt_x86_model_signature (cpu->model);
  s->rip = 0xfff0;
  s->rflags = X86_RFLAGS_ONE;
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ARITH, 0);
  reset_segments (s);
  /* INIT keeps the cache bits; a reset sets both. */
  s->cr0 = X86_CR0_ET | (power_on ? X86_CR0_CD | X86_CR0_NW : s->cr0 & (X86_CR0_CD | X86_CR0_NW));
  s->cr2 = s->cr3 = s->cr4 = s->efer = 0;
  memset (s->dr, 0, sizeof s->dr);
  s->dr[6] = 0xffff0ff0;
  s->dr[7] = 0x400;
  s->activity = VT_X86_RUNNING;
  /* A SIPI that came after the INIT stays pending. */
  s->shadow = s->nmi_blocked = s->nmi_pending = s->smi_pending = s->init_pending = 0;
  s->monitor_armed = 0;
  cpu->pending_db = 0;
  cpu->delivering_how = VT_X86_EVENT_NONE;
  cpu->stepping = false;
  vt_x86_update_mode (cpu);
  vt_x86_tlb_flush (cpu, true);
}
