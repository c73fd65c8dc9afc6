/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of system instructions, and those of them that fit in a few lines.
 *
 * SDM volume 2 under each mnemonic.
 */
#include "apic.h"
#include "x86-sys.h"

#include <Zydis/Zydis.h>

#define TSC_AUX_MASK UINT32_MAX

/* --- Time ------------------------------------------------------------------------------------------------------------------------ */

static void
put_edx_eax (VtX86Cpu *cpu, uint64_t value)
{
  cpu->s.gpr[VT_RAX] = (uint32_t) value;
  cpu->s.gpr[VT_RDX] = value >> 32;
}

static uint64_t
edx_eax (const VtX86Cpu *cpu)
{
  return (uint32_t) cpu->s.gpr[VT_RAX] | cpu->s.gpr[VT_RDX] << 32;
}

static void
op_rdtsc (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if ((cpu->s.cr4 & X86_CR4_TSD) != 0)
    vt_x86_need_cpl0 (cpu);
  put_edx_eax (cpu, vt_x86_look_at_tsc (cpu));
}

static void
op_rdtscp (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (!vt_x86_has (cpu->model, X86_FEATURE_RDTSCP))
    vt_x86_ud (cpu);
  op_rdtsc (cpu, insn);
  cpu->s.gpr[VT_RCX] = cpu->s.tsc_aux & TSC_AUX_MASK;
}

static void
op_rdpid (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (!vt_x86_has (cpu->model, X86_FEATURE_RDPID))
    vt_x86_ud (cpu);
  vt_x86_write_gpr (cpu, insn->reg[0], cpu->s.tsc_aux & TSC_AUX_MASK, 8);
}

/* No performance counters: CPUID leaf 0xa says so, and every index is out of range. */
static void
op_rdpmc (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_gp0 (cpu);
}

/* --- Interrupts -------------------------------------------------------------------------------------------------------------------- */

static void
op_int (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_deliver_software_interrupt (cpu, insn->imm & 0xff, VT_X86_EVENT_INT_N);
}

static void
op_int3 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_deliver_software_interrupt (cpu, X86_BP, VT_X86_EVENT_INT3);
}

static void
op_into (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (vt_x86_read_flags (cpu) & X86_RFLAGS_OF)
    vt_x86_deliver_software_interrupt (cpu, X86_OF, VT_X86_EVENT_INT3);
}

static void
op_int1 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_deliver_software_interrupt (cpu, X86_DB, VT_X86_EVENT_INT1);
}

static void
op_hlt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_need_cpl0 (cpu);
  cpu->vcpu.stats.halts++;
  cpu->s.activity = VT_X86_HALTED;
}

/* --- MONITOR and MWAIT -------------------------------------------------------------------------------------------------------------- */

static void
op_monitor (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtGpa gpa;
  if (!vt_x86_has (cpu->model, X86_FEATURE_MONITOR) || cpu->cpl != 0)
    vt_x86_ud (cpu);
  if ((uint32_t) cpu->s.gpr[VT_RCX] != 0)
    vt_x86_gp0 (cpu);
  uint64_t mask = vt_mask_bytes (insn->addrsize);
  uint64_t at = vt_x86_linear (cpu, insn->seg, cpu->s.gpr[VT_RAX] & mask, 1, VT_READ);
  vt_x86_probe (cpu, at, 1, VT_READ);
  cpu->s.monitor_armed = vt_x86_translate (cpu, at, &gpa);
  cpu->s.monitor_gpa = cpu->s.monitor_armed ? gpa.v & ~UINT64_C (63) : 0;
}

/* We do not watch the line: a wait ends at once, which MWAIT allows ("other implementation-dependent events"). Guests are
 * told by CPUID leaf 5 and the model's lack of MONITOR to halt instead. */
static void
op_mwait (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (!vt_x86_has (cpu->model, X86_FEATURE_MONITOR) || cpu->cpl != 0)
    vt_x86_ud (cpu);
  if ((uint32_t) cpu->s.gpr[VT_RCX] > 1)
    vt_x86_gp0 (cpu);
  cpu->s.monitor_armed = 0;
}

/* --- Control registers -------------------------------------------------------------------------------------------------------------- */

void
vt_x86_op_mov_from_cr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t value = 0;
  vt_x86_need_cpl0 (cpu);
  switch (insn->reg[1])
    {
    case 0:
      value = cpu->s.cr0;
      break;
    case 2:
      value = cpu->s.cr2;
      break;
    case 3:
      value = cpu->s.cr3;
      break;
    case 4:
      value = cpu->s.cr4;
      break;
    case 8:
      value = cpu->apic != NULL ? vt_apic_cr8 (cpu->apic) : 0;
      break;
    default:
      vt_x86_ud (cpu);
    }
  vt_x86_write_gpr (cpu, insn->reg[0], value, cpu->code_bits == 64 ? 8 : 4);
}

void
vt_x86_op_mov_to_cr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_need_cpl0 (cpu);
  uint64_t value = cpu->s.gpr[insn->reg[1]];
  if (cpu->code_bits != 64)
    value = (uint32_t) value;
  switch (insn->reg[0])
    {
    case 0:
      vt_x86_write_cr0 (cpu, value);
      break;
    case 2:
      cpu->s.cr2 = value;
      break;
    case 3:
      vt_x86_write_cr3 (cpu, value);
      break;
    case 4:
      vt_x86_write_cr4 (cpu, value);
      break;
    case 8:
      if (value > 15)
        vt_x86_gp0 (cpu);
      if (cpu->apic != NULL)
        vt_apic_set_cr8 (cpu->apic, value);
      break;
    default:
      vt_x86_ud (cpu);
    }
}

static void
op_smsw (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_need_umip (cpu);
  vt_x86_write_rm16 (cpu, insn, 0, cpu->s.cr0);
}

/* PE can be set this way, but not cleared. */
static void
op_lmsw (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t mask = X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;
  vt_x86_need_cpl0 (cpu);
  uint64_t value = vt_x86_read_rm16 (cpu, insn, 0) | (cpu->s.cr0 & X86_CR0_PE);
  vt_x86_write_cr0 (cpu, (cpu->s.cr0 & ~mask) | (value & mask));
}

static void
op_clts (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_need_cpl0 (cpu);
  cpu->s.cr0 &= ~(uint64_t) X86_CR0_TS;
  vt_x86_update_mode (cpu);
}

static void
op_privileged_nop (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_need_cpl0 (cpu);
}

static void
op_invlpg (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (insn->kind[0] != VT_OPND_MEM)
    vt_x86_ud (cpu);
  vt_x86_need_cpl0 (cpu);
  /* No segment checks: a bad address is a no-op (SDM, INVLPG). */
  uint64_t at = vt_x86_effective_address (cpu, insn);
  if (cpu->mode != VT_X86_LONG || insn->seg == VT_FS || insn->seg == VT_GS)
    at += cpu->s.seg[insn->seg].base;
  if (cpu->mode != VT_X86_LONG)
    at = (uint32_t) at;
  if (vt_x86_canonical (at))
    vt_x86_tlb_flush_page (cpu, at);
}

static void
op_invpcid (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint8_t bytes[16];
  if (!vt_x86_has (cpu->model, X86_FEATURE_INVPCID) || cpu->mode == VT_X86_REAL)
    vt_x86_ud (cpu);
  vt_x86_need_cpl0 (cpu);
  uint64_t type = cpu->s.gpr[insn->reg[0]];
  if (cpu->mode != VT_X86_LONG)
    type = (uint32_t) type;
  vt_x86_load_bytes (cpu, vt_x86_operand_linear (cpu, insn, 16, VT_READ), bytes, 16);
  uint64_t pcid = vt_load_le (bytes, 8), linear = vt_load_le (bytes + 8, 8);
  bool one = type <= 1, current = pcid == (cpu->s.cr4 & X86_CR4_PCIDE ? cpu->s.cr3 & 0xfff : 0);
  if (type > 3 || (pcid >> 12 != 0))
    vt_x86_gp0 (cpu);
  if (one && pcid != 0 && (cpu->s.cr4 & X86_CR4_PCIDE) == 0)
    vt_x86_gp0 (cpu);
  if (type == 0 && !vt_x86_canonical (linear))
    vt_x86_gp0 (cpu);
  /* Of another address space more goes than has to. */
  if (!one || !current)
    vt_x86_tlb_forget_pcid (cpu, one ? (int) pcid : -1);
  if (type == 0 && current)
    vt_x86_tlb_flush_page (cpu, linear);
  else if (!one || current)
    vt_x86_tlb_flush (cpu, type == 2);
}

static void
op_clac_stac (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (!vt_x86_has (cpu->model, X86_FEATURE_SMAP) || cpu->cpl != 0)
    vt_x86_ud (cpu);
  vt_x86_write_flags (cpu, insn->mnemonic == ZYDIS_MNEMONIC_STAC ? X86_RFLAGS_AC : 0, X86_RFLAGS_AC);
}

static void
need_osxsave (VtX86Cpu *cpu)
{
  if ((cpu->s.cr4 & X86_CR4_OSXSAVE) == 0)
    vt_x86_ud (cpu);
}

static void
op_xgetbv (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_osxsave (cpu);
  uint32_t index = cpu->s.gpr[VT_RCX];
  bool in_use = index == 1 && vt_x86_has (cpu->model, X86_FEATURE_XGETBV1);
  if (index != 0 && !in_use)
    vt_x86_gp0 (cpu);
  /* XINUSE: every enabled component counts as in use. */
  put_edx_eax (cpu, cpu->s.xcr0);
}

static void
op_xsetbv (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_osxsave (cpu);
  vt_x86_need_cpl0 (cpu);
  if ((uint32_t) cpu->s.gpr[VT_RCX] != 0)
    vt_x86_gp0 (cpu);
  vt_x86_write_xcr0 (cpu, edx_eax (cpu));
}

/* --- MSRs, CPUID, bases ---------------------------------------------------------------------------------------------------------------- */

static void
op_rdmsr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t value;
  vt_x86_need_cpl0 (cpu);
  if (!vt_x86_read_msr (cpu, cpu->s.gpr[VT_RCX], &value))
    vt_x86_gp0 (cpu);
  put_edx_eax (cpu, value);
}

static void
op_wrmsr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_need_cpl0 (cpu);
  if (!vt_x86_write_msr (cpu, cpu->s.gpr[VT_RCX], edx_eax (cpu)))
    vt_x86_gp0 (cpu);
}

static void
op_cpuid (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint32_t out[4];
  vt_x86_cpuid (cpu, cpu->s.gpr[VT_RAX], cpu->s.gpr[VT_RCX], out);
  cpu->s.gpr[VT_RAX] = out[0];
  cpu->s.gpr[VT_RBX] = out[1];
  cpu->s.gpr[VT_RCX] = out[2];
  cpu->s.gpr[VT_RDX] = out[3];
}

static void
op_swapgs (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (cpu->mode != VT_X86_LONG)
    vt_x86_ud (cpu);
  vt_x86_need_cpl0 (cpu);
  uint64_t base = cpu->s.seg[VT_GS].base;
  cpu->s.seg[VT_GS].base = cpu->s.kernel_gs_base;
  cpu->s.kernel_gs_base = base;
}

static void
op_fsgsbase (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned reg = insn->reg[0];
  bool write = insn->mnemonic == ZYDIS_MNEMONIC_WRFSBASE || insn->mnemonic == ZYDIS_MNEMONIC_WRGSBASE;
  bool gs = insn->mnemonic == ZYDIS_MNEMONIC_RDGSBASE || insn->mnemonic == ZYDIS_MNEMONIC_WRGSBASE;
  VtX86Seg *seg = &cpu->s.seg[gs ? VT_GS : VT_FS];
  if (cpu->mode != VT_X86_LONG || (cpu->s.cr4 & X86_CR4_FSGSBASE) == 0)
    vt_x86_ud (cpu);
  if (!write)
    {
      vt_x86_write_gpr (cpu, reg, seg->base, insn->opsize == 8 ? 8 : 4);
      return;
    }
  uint64_t value = insn->opsize == 8 ? cpu->s.gpr[reg] : (uint32_t) cpu->s.gpr[reg];
  if (!vt_x86_canonical (value))
    vt_x86_gp0 (cpu);
  seg->base = value;
}

/* VMCALL and VMMCALL: there is no hypervisor interface behind them. */
static void
op_ud (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_ud (cpu);
}

#define ROW(name, op) { ZYDIS_MNEMONIC_##name, op, NULL }

const VtX86OpRow vt_x86_ops_system[] = {
  ROW (ARPL, vt_x86_op_arpl),
  ROW (CLAC, op_clac_stac),
  ROW (CLI, vt_x86_op_cli),
  ROW (CLTS, op_clts),
  ROW (CPUID, op_cpuid),
  ROW (HLT, op_hlt),
  ROW (IN, vt_x86_op_in),
  ROW (INSB, vt_x86_op_ins),
  ROW (INSW, vt_x86_op_ins),
  ROW (INSD, vt_x86_op_ins),
  ROW (INT, op_int),
  ROW (INT1, op_int1),
  ROW (INT3, op_int3),
  ROW (INTO, op_into),
  ROW (INVD, op_privileged_nop),
  ROW (INVLPG, op_invlpg),
  ROW (INVPCID, op_invpcid),
  ROW (IRET, vt_x86_op_iret),
  ROW (IRETD, vt_x86_op_iret),
  ROW (IRETQ, vt_x86_op_iret),
  ROW (LAR, vt_x86_op_lar),
  ROW (LDS, vt_x86_op_load_far_pointer),
  ROW (LES, vt_x86_op_load_far_pointer),
  ROW (LFS, vt_x86_op_load_far_pointer),
  ROW (LGDT, vt_x86_op_lgdt),
  ROW (LGS, vt_x86_op_load_far_pointer),
  ROW (LIDT, vt_x86_op_lidt),
  ROW (LLDT, vt_x86_op_lldt),
  ROW (LMSW, op_lmsw),
  ROW (LSL, vt_x86_op_lsl),
  ROW (LSS, vt_x86_op_load_far_pointer),
  ROW (LTR, vt_x86_op_ltr),
  ROW (MONITOR, op_monitor),
  ROW (MWAIT, op_mwait),
  ROW (OUT, vt_x86_op_out),
  ROW (OUTSB, vt_x86_op_outs),
  ROW (OUTSW, vt_x86_op_outs),
  ROW (OUTSD, vt_x86_op_outs),
  ROW (POPF, vt_x86_op_popf),
  ROW (POPFD, vt_x86_op_popf),
  ROW (POPFQ, vt_x86_op_popf),
  ROW (PUSHF, vt_x86_op_pushf),
  ROW (PUSHFD, vt_x86_op_pushf),
  ROW (PUSHFQ, vt_x86_op_pushf),
  ROW (RDFSBASE, op_fsgsbase),
  ROW (RDGSBASE, op_fsgsbase),
  ROW (RDMSR, op_rdmsr),
  ROW (RDPID, op_rdpid),
  ROW (RDPMC, op_rdpmc),
  ROW (RDTSC, op_rdtsc),
  ROW (RDTSCP, op_rdtscp),
  ROW (RSM, vt_x86_op_rsm),
  ROW (SGDT, vt_x86_op_sgdt),
  ROW (SIDT, vt_x86_op_sidt),
  ROW (SLDT, vt_x86_op_sldt),
  ROW (SMSW, op_smsw),
  ROW (STAC, op_clac_stac),
  ROW (STI, vt_x86_op_sti),
  ROW (STR, vt_x86_op_str),
  ROW (SWAPGS, op_swapgs),
  ROW (SYSCALL, vt_x86_op_syscall),
  ROW (SYSENTER, vt_x86_op_sysenter),
  ROW (SYSEXIT, vt_x86_op_sysexit),
  ROW (SYSRET, vt_x86_op_sysret),
  ROW (UD0, op_ud),
  ROW (UD1, op_ud),
  ROW (UD2, op_ud),
  ROW (VERR, vt_x86_op_verr),
  ROW (VERW, vt_x86_op_verw),
  ROW (VMCALL, op_ud),
  ROW (VMMCALL, op_ud),
  ROW (WBINVD, op_privileged_nop),
  ROW (WRFSBASE, op_fsgsbase),
  ROW (WRGSBASE, op_fsgsbase),
  ROW (WRMSR, op_wrmsr),
  ROW (XGETBV, op_xgetbv),
  ROW (XSETBV, op_xsetbv),
  { 0, NULL, NULL },
};
