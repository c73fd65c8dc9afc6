/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87: exceptions, availability, and the pointers of the last instruction (SDM volume 1, 8.1 and 8.5 to 8.7). */
#include "fpu.h"
#include "x86-model.h"

void
vt_fpu_pending (VtX86Cpu *cpu)
{
  if (G_LIKELY (!(cpu->s.fsw & FSW_ES)))
    return;
  if (cpu->s.cr0 & X86_CR0_NE)
    vt_x86_raise (cpu, X86_MF, 0);
  /* FERR#: the PC turns it into IRQ 13. IGNNE# is taken as asserted, so the instruction goes on (8.7.2). */
  if (cpu->ferr)
    cpu->ferr (cpu->ferr_opaque);
}

void
vt_fpu_enter_nowait (VtX86Cpu *cpu)
{
  if (G_UNLIKELY (cpu->s.cr0 & (X86_CR0_EM | X86_CR0_TS)))
    vt_x86_raise (cpu, X86_NM, 0);
}

void
vt_fpu_enter (VtX86Cpu *cpu)
{
  vt_fpu_enter_nowait (cpu);
  vt_fpu_pending (cpu);
}

void
vt_fpu_note_insn (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  bool selectors = !vt_x86_has (cpu->model, X86_FEATURE_ZERO_FCS_FDS);

  cpu->s.fip = cpu->s.rip;
  cpu->s.fcs = selectors ? cpu->s.seg[VT_CS].selector : 0;
  cpu->s.fop = (insn->opcode & 7u) << 8 | insn->modrm;
  /* FDP_EXCPTN_ONLY: without an unmasked exception nobody learns the operand's address (the translator does not keep it). */
  if (!fpu_is_memory (insn) || (cpu->s.fcw & FSW_EXCEPTIONS) == FSW_EXCEPTIONS)
    return;
  cpu->s.fdp = vt_x86_effective_address (cpu, insn);
  cpu->s.fds = selectors ? cpu->s.seg[insn->seg].selector : 0;
}

void
vt_fpu_update_es (VtX86Cpu *cpu)
{
  if (cpu->s.fsw & ~cpu->s.fcw & FSW_EXCEPTIONS)
    cpu->s.fsw |= FSW_ES | FSW_B;
  else
    cpu->s.fsw &= ~(FSW_ES | FSW_B);
}

bool
vt_fpu_signal (VtX86Cpu *cpu, uint16_t sw)
{
  uint16_t unmasked = sw & ~cpu->s.fcw & FSW_EXCEPTIONS;
  if (G_UNLIKELY (unmasked & FSW_PRE))
    sw &= ~(FSW_OE | FSW_UE | FSW_PE | (sw & FSW_SF ? 0 : FSW_C1));
  cpu->s.fsw = (cpu->s.fsw & ~FSW_C1) | (sw & (FSW_EXCEPTIONS | FSW_SF | FSW_C1));
  if (G_UNLIKELY (unmasked))
    cpu->s.fsw |= FSW_ES | FSW_B;
  return !(unmasked & FSW_PRE);
}

void
vt_fpu_init (VtX86Cpu *cpu)
{
  cpu->s.fcw = FCW_INIT;
  cpu->s.fsw = 0;
  cpu->s.ftw = 0;
  cpu->s.fop = 0;
  cpu->s.fip = cpu->s.fdp = 0;
  cpu->s.fcs = cpu->s.fds = 0;
}

void
vt_fpu_enter_mmx_state (VtX86Cpu *cpu)
{
  cpu->s.fsw &= ~FSW_TOP;
  cpu->s.ftw = 0xff;
}
