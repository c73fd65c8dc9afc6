/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SYSCALL, SYSRET, SYSENTER, SYSEXIT (SDM volume 2B and volume 3A 5.8.7, 5.8.8; AMD APM volume 2, 6.1). */
#include "x86-sys.h"

#define FLAT_CODE (VT_X86_FLAT_DATA | X86_TYPE_CODE)

/* The four instructions load fixed segments without looking at descriptors. */
static void
set_flat_code (VtX86Cpu *cpu, uint16_t selector, unsigned cpl, bool is64)
{
  uint32_t attr = FLAT_CODE | cpl << X86_SEG_DPL_SHIFT;
  if (is64)
    attr = (attr & ~X86_SEG_DB) | X86_SEG_L;
  cpu->s.seg[VT_CS] = (VtX86Seg) { .limit = UINT32_MAX, .attr = attr, .selector = selector };
}

static void
set_flat_stack (VtX86Cpu *cpu, uint16_t selector, unsigned cpl)
{
  cpu->s.seg[VT_SS] = (VtX86Seg) {
    .limit = UINT32_MAX, .attr = VT_X86_FLAT_DATA | cpl << X86_SEG_DPL_SHIFT, .selector = selector,
  };
}

/* Intel: 64-bit mode only; AMD: any protected mode. */
static void
need_syscall (VtX86Cpu *cpu)
{
  bool amd = cpu->model->vendor == VT_X86_VENDOR_AMD;
  bool mode_ok = amd ? cpu->mode == VT_X86_LONG || cpu->mode == VT_X86_PROT : cpu->mode == VT_X86_LONG;
  if ((cpu->s.efer & X86_EFER_SCE) == 0 || !mode_ok)
    vt_x86_ud (cpu);
}

void
vt_x86_op_syscall (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_syscall (cpu);
  uint64_t flags = vt_x86_read_flags (cpu);
  uint16_t selector = cpu->s.star >> 32 & 0xfffc;
  cpu->s.gpr[VT_RCX] = cpu->next_rip;
  if (cpu->long_mode)
    {
      cpu->s.gpr[VT_R11] = flags & ~(uint64_t) X86_RFLAGS_RF;
      cpu->next_rip = cpu->mode == VT_X86_LONG ? cpu->s.lstar : cpu->s.cstar;
      vt_x86_write_flags (cpu, 0, (cpu->s.sfmask & 0x003f7fd5) | X86_RFLAGS_RF);
    }
  else
    {
      cpu->next_rip = (uint32_t) cpu->s.star;
      vt_x86_write_flags (cpu, 0, X86_RFLAGS_VM | X86_RFLAGS_IF | X86_RFLAGS_RF);
    }
  if ((cpu->s.rflags & X86_RFLAGS_TF) == 0)
    cpu->stepping = false;
  set_flat_code (cpu, selector, 0, cpu->long_mode);
  set_flat_stack (cpu, selector + 8, 0);
  vt_x86_update_mode (cpu);
}

void
vt_x86_op_sysret (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_syscall (cpu);
  vt_x86_need_cpl0 (cpu);
  bool to_64 = cpu->mode == VT_X86_LONG && insn->opsize == 8;
  uint64_t target = to_64 ? cpu->s.gpr[VT_RCX] : (uint32_t) cpu->s.gpr[VT_RCX];
  /* On Intel's processors this #GP comes still at CPL 0. */
  if (!vt_x86_canonical (target))
    vt_x86_gp0 (cpu);
  uint16_t base = cpu->s.star >> 48;
  if (cpu->long_mode)
    vt_x86_write_flags (cpu, cpu->s.gpr[VT_R11], 0x003c7fd5);
  else
    vt_x86_write_flags (cpu, X86_RFLAGS_IF, X86_RFLAGS_IF);
  set_flat_code (cpu, (base + (to_64 ? 16 : 0)) | 3, 3, to_64);
  set_flat_stack (cpu, (base + 8) | 3, 3);
  cpu->next_rip = target;
  vt_x86_update_mode (cpu);
}

static void
need_sysenter (VtX86Cpu *cpu)
{
  /* AMD has the pair in legacy mode only. */
  if (cpu->model->vendor == VT_X86_VENDOR_AMD && cpu->long_mode)
    vt_x86_ud (cpu);
  if (cpu->mode == VT_X86_REAL || (cpu->s.sysenter_cs & 0xfffc) == 0)
    vt_x86_gp0 (cpu);
}

void
vt_x86_op_sysenter (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_sysenter (cpu);
  uint16_t selector = cpu->s.sysenter_cs & 0xfffc;
  vt_x86_write_flags (cpu, 0, X86_RFLAGS_VM | X86_RFLAGS_IF | X86_RFLAGS_RF);
  set_flat_code (cpu, selector, 0, cpu->long_mode);
  set_flat_stack (cpu, selector + 8, 0);
  cpu->s.gpr[VT_RSP] = cpu->long_mode ? cpu->s.sysenter_esp : (uint32_t) cpu->s.sysenter_esp;
  cpu->next_rip = cpu->long_mode ? cpu->s.sysenter_eip : (uint32_t) cpu->s.sysenter_eip;
  vt_x86_update_mode (cpu);
}

void
vt_x86_op_sysexit (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_sysenter (cpu);
  vt_x86_need_cpl0 (cpu);
  bool to_64 = cpu->mode == VT_X86_LONG && insn->opsize == 8;
  uint64_t target = cpu->s.gpr[VT_RDX], stack = cpu->s.gpr[VT_RCX];
  if (!to_64)
    {
      target = (uint32_t) target;
      stack = (uint32_t) stack;
    }
  if (!vt_x86_canonical (target) || !vt_x86_canonical (stack))
    vt_x86_gp0 (cpu);
  uint16_t base = cpu->s.sysenter_cs & 0xfffc;
  set_flat_code (cpu, (base + (to_64 ? 32 : 16)) | 3, 3, to_64);
  set_flat_stack (cpu, (base + (to_64 ? 40 : 24)) | 3, 3);
  cpu->s.gpr[VT_RSP] = stack;
  cpu->next_rip = target;
  vt_x86_update_mode (cpu);
}
