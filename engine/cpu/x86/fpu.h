/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the x87 files share: the register stack, exceptions, pointers of the last instruction (SDM volume 1, chapter 8). */
#pragma once

#include "forms.h"
#include "host-fp.h"
#include "x86-cpu.h"

#define FSW_IE        (1u << 0)
#define FSW_DE        (1u << 1)
#define FSW_ZE        (1u << 2)
#define FSW_OE        (1u << 3)
#define FSW_UE        (1u << 4)
#define FSW_PE        (1u << 5)
#define FSW_SF        (1u << 6)
#define FSW_ES        (1u << 7)
#define FSW_C0        (1u << 8)
#define FSW_C1        (1u << 9)
#define FSW_C2        (1u << 10)
#define FSW_TOP       (7u << 11)
#define FSW_TOP_SHIFT 11
#define FSW_C3        (1u << 14)
#define FSW_B         (1u << 15)
#define FSW_CODES     (FSW_C0 | FSW_C2 | FSW_C3)
#define FSW_EXCEPTIONS 0x3fu
#define FSW_PRE       (FSW_IE | FSW_DE | FSW_ZE)   /* detected before the operation: unmasked, it has no result */

#define FCW_INIT      0x037fu
#define FCW_VALID     0x1f3fu
#define FCW_ONE       0x0040u                      /* reads as one */

#define F80_SIGN      0x8000u
#define F80_EXP       0x7fffu
#define F80_INTEGER   (UINT64_C (1) << 63)
#define F80_QUIET     (UINT64_C (1) << 62)
#define F80_INDEFINITE ((VtF80) { .mantissa = F80_INTEGER | F80_QUIET, .sign_exp = 0xffff })

/* Before an instruction that waits (nearly all), and before one that does not (FNxxx). They raise #NM and #MF. */
void vt_fpu_enter (VtX86Cpu *cpu);
void vt_fpu_enter_nowait (VtX86Cpu *cpu);
/* The unmasked exception that is pending leaves: #MF, or FERR# where CR0.NE is clear. */
void vt_fpu_pending (VtX86Cpu *cpu);
/* Remembers this instruction for FNSTENV. Not for control instructions. */
void vt_fpu_note_insn (VtX86Cpu *cpu, const VtX86Insn *insn);
/* Merges exception flags, C1 and SF of a kernel's status word. False: an unmasked exception forbids a result. */
bool vt_fpu_signal (VtX86Cpu *cpu, uint16_t sw);
/* ES and B follow the flags and masks. */
void vt_fpu_update_es (VtX86Cpu *cpu);
void vt_fpu_init (VtX86Cpu *cpu);
/* FLDCW: masks may make a pending exception due, or take it back. */
void vt_fpu_load_control (VtX86Cpu *cpu, uint16_t fcw);
/* MMX writes: TOP zero and every register in use. */
void vt_fpu_enter_mmx_state (VtX86Cpu *cpu);

VT_INLINE unsigned
fpu_physical (const VtX86Cpu *cpu, unsigned i)
{
  return ((cpu->s.fsw >> FSW_TOP_SHIFT) + i) & 7;
}

VT_INLINE VtF80 *
fpu_st (VtX86Cpu *cpu, unsigned i)
{
  return (VtF80 *) cpu->s.st[fpu_physical (cpu, i)];
}

VT_INLINE bool
fpu_is_empty (const VtX86Cpu *cpu, unsigned i)
{
  return !(cpu->s.ftw >> fpu_physical (cpu, i) & 1);
}

VT_INLINE void
fpu_set (VtX86Cpu *cpu, unsigned i, VtF80 value)
{
  *fpu_st (cpu, i) = value;
  cpu->s.ftw |= 1u << fpu_physical (cpu, i);
}

VT_INLINE void
fpu_set_top (VtX86Cpu *cpu, unsigned top)
{
  cpu->s.fsw = (cpu->s.fsw & ~FSW_TOP) | (top & 7) << FSW_TOP_SHIFT;
}

VT_INLINE void
fpu_pop (VtX86Cpu *cpu)
{
  unsigned top = fpu_physical (cpu, 0);
  cpu->s.ftw &= ~(1u << top);
  fpu_set_top (cpu, top + 1);
}

VT_INLINE void
fpu_push (VtX86Cpu *cpu, VtF80 value)
{
  fpu_set_top (cpu, fpu_physical (cpu, 7));
  fpu_set (cpu, 0, value);
}

VT_INLINE void
fpu_set_codes (VtX86Cpu *cpu, uint16_t sw)
{
  cpu->s.fsw = (cpu->s.fsw & ~FSW_CODES) | (sw & FSW_CODES);
}

VT_INLINE bool
fpu_underflow (VtX86Cpu *cpu)
{
  return vt_fpu_signal (cpu, FSW_IE | FSW_SF);
}

VT_INLINE bool
fpu_overflow (VtX86Cpu *cpu)
{
  return vt_fpu_signal (cpu, FSW_IE | FSW_SF | FSW_C1);
}

VT_INLINE bool
fpu_is_memory (const VtX86Insn *insn)
{
  return insn->modrm < 0xc0;
}

/* The memory operand into a register-sized buffer. */
VT_INLINE VtF80
fpu_load_operand (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  VtF80 value = { 0 };
  vt_x86_load_bytes (cpu, mem_linear (cpu, insn, size, VT_READ), &value, size);
  return value;
}
