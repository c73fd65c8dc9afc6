/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87: control instructions and the environment in memory (SDM volume 1, 8.1.10 and 8.3.9 to 8.3.12). */
#include <Zydis/Zydis.h>

#include "fpu.h"
#include "simd.h"

static void
op_fninit (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter_nowait (cpu);
  vt_fpu_init (cpu);
}

static void
op_fnclex (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter_nowait (cpu);
  cpu->s.fsw &= ~(FSW_EXCEPTIONS | FSW_SF | FSW_ES | FSW_B);
}

static void
op_fnstcw (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter_nowait (cpu);
  vt_x86_store16 (cpu, vt_x86_operand_linear (cpu, insn, 2, VT_WRITE), cpu->s.fcw);
}

static void
op_fnstsw (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter_nowait (cpu);
  if (fpu_is_memory (insn))
    vt_x86_store16 (cpu, vt_x86_operand_linear (cpu, insn, 2, VT_WRITE), cpu->s.fsw);
  else
    cpu->s.gpr[VT_RAX] = vt_deposit (cpu->s.gpr[VT_RAX], 0, 16, cpu->s.fsw);
}

void
vt_fpu_load_control (VtX86Cpu *cpu, uint16_t fcw)
{
  cpu->s.fcw = (fcw & FCW_VALID) | FCW_ONE;
  vt_fpu_update_es (cpu);
}

static void
op_fldcw (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter (cpu);
  vt_fpu_load_control (cpu, vt_x86_load16 (cpu, vt_x86_operand_linear (cpu, insn, 2, VT_READ)));
}

/* WAIT is sensitive to TS only together with MP. */
static void
op_fwait (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint32_t both = X86_CR0_MP | X86_CR0_TS;
  if ((cpu->s.cr0 & both) == both)
    vt_x86_raise (cpu, X86_NM, 0);
  vt_fpu_pending (cpu);
}

static void
op_fnop (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter (cpu);
}

/* Of the 8087 and 80287; no processor since does anything about them, not even wait. */
static void
op_obsolete (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter_nowait (cpu);
}

static void
op_fincstp (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter (cpu);
  cpu->s.fsw &= ~FSW_C1;
  fpu_set_top (cpu, fpu_physical (cpu, 1));
}

static void
op_fdecstp (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter (cpu);
  cpu->s.fsw &= ~FSW_C1;
  fpu_set_top (cpu, fpu_physical (cpu, 7));
}

static void
op_ffree (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter (cpu);
  cpu->s.ftw &= ~(1u << fpu_physical (cpu, insn->modrm & 7));
}

static void
op_ffreep (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  op_ffree (cpu, insn);
  fpu_pop (cpu);
}

/* --- The environment -------------------------------------------------------------------------------------------------- */

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static unsigned
tag_of (const VtF80 *value)
{
  unsigned exponent = value->sign_exp & F80_EXP;
  if (exponent == 0 && value->mantissa == 0)
    return TAG_ZERO;
  return exponent == 0 || exponent == F80_EXP || !(value->mantissa & F80_INTEGER) ? TAG_SPECIAL : TAG_VALID;
}

static uint16_t
full_tag_word (const VtX86Cpu *cpu)
{
  uint16_t word = 0;
  for (unsigned i = 0; i < 8; i++)
    {
      unsigned tag = cpu->s.ftw >> i & 1 ? tag_of ((const VtF80 *) cpu->s.st[i]) : TAG_EMPTY;
      word |= tag << (2 * i);
    }
  return word;
}

static uint8_t
abridged_tag_word (uint16_t word)
{
  uint8_t abridged = 0;
  for (unsigned i = 0; i < 8; i++)
    if ((word >> (2 * i) & 3) != TAG_EMPTY)
      abridged |= 1u << i;
  return abridged;
}

/* Real mode and virtual-8086 mode keep linear addresses where protected mode has selector and offset (8.1.10). */
static bool
real_layout (const VtX86Cpu *cpu)
{
  return cpu->mode == VT_X86_REAL || cpu->mode == VT_X86_V86;
}

/* The seven words of the environment, as 16-bit or as the used part of 32-bit ones. */
static void
pack_environment (const VtX86Cpu *cpu, bool wide, uint32_t word[7])
{
  uint64_t ip = cpu->s.fip, dp = cpu->s.fdp;

  word[0] = cpu->s.fcw;
  word[1] = cpu->s.fsw;
  word[2] = full_tag_word (cpu);
  if (real_layout (cpu))
    {
      ip += (uint32_t) cpu->s.fcs << 4;
      dp += (uint32_t) cpu->s.fds << 4;
      word[3] = wide ? (ip & 0xffff) : ip;
      word[4] = wide ? (ip >> 16 & 0xffff) << 12 | cpu->s.fop : (ip >> 16 & 0xf) << 12 | cpu->s.fop;
      word[5] = wide ? (dp & 0xffff) : dp;
      word[6] = wide ? (dp >> 16 & 0xffff) << 12 : (dp >> 16 & 0xf) << 12;
      return;
    }
  word[3] = ip;
  word[4] = cpu->s.fcs | (uint32_t) cpu->s.fop << 16;
  word[5] = dp;
  word[6] = cpu->s.fds;
}

/* Bytes written: 14 or 28. */
static unsigned
store_environment (const VtX86Cpu *cpu, bool wide, uint8_t *to)
{
  static const uint32_t unused[7] = { 0xffff0000, 0xffff0000, 0xffff0000, 0, 0, 0, 0xffff0000 };
  uint32_t word[7];

  pack_environment (cpu, wide, word);
  for (unsigned i = 0; i < 7; i++)
    if (wide)
      {
        bool high_half = real_layout (cpu) && (i == 3 || i == 5);
        vt_store_le (to + 4 * i, word[i] | (real_layout (cpu) && i == 6 ? 0 : unused[i]) | (high_half ? 0xffff0000 : 0), 4);
      }
    else
      vt_store_le (to + 2 * i, word[i] & 0xffff, 2);
  return wide ? 28 : 14;
}

static void
unpack_pointers (VtX86Cpu *cpu, bool wide, const uint32_t word[7])
{
  if (real_layout (cpu))
    {
      cpu->s.fcs = cpu->s.fds = 0;
      cpu->s.fip = (word[3] & 0xffff) | (wide ? (word[4] >> 12 & 0xffff) << 16 : (word[4] >> 12 & 0xf) << 16);
      cpu->s.fdp = (word[5] & 0xffff) | (wide ? (word[6] >> 12 & 0xffff) << 16 : (word[6] >> 12 & 0xf) << 16);
      cpu->s.fop = word[4] & 0x7ff;
      return;
    }
  cpu->s.fip = word[3];
  cpu->s.fcs = word[4];
  cpu->s.fdp = word[5];
  cpu->s.fds = word[6];
  if (wide)
    cpu->s.fop = word[4] >> 16 & 0x7ff;
}

static void
load_environment (VtX86Cpu *cpu, bool wide, const uint8_t *from)
{
  uint32_t word[7];

  for (unsigned i = 0; i < 7; i++)
    word[i] = wide ? vt_load_le (from + 4 * i, 4) : vt_load_le (from + 2 * i, 2);
  cpu->s.fsw = word[1];
  cpu->s.ftw = abridged_tag_word (word[2]);
  unpack_pointers (cpu, wide, word);
  vt_fpu_load_control (cpu, word[0]);
}

static void
op_fnstenv (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint8_t image[28];
  bool wide = insn->opsize != 2;

  vt_fpu_enter_nowait (cpu);
  uint64_t linear = vt_x86_operand_linear (cpu, insn, wide ? 28 : 14, VT_WRITE);
  vt_x86_store_bytes (cpu, linear, image, store_environment (cpu, wide, image));
  vt_fpu_load_control (cpu, cpu->s.fcw | FSW_EXCEPTIONS);
}

static void
op_fldenv (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint8_t image[28];
  bool wide = insn->opsize != 2;

  vt_fpu_enter (cpu);
  vt_x86_load_bytes (cpu, vt_x86_operand_linear (cpu, insn, wide ? 28 : 14, VT_READ), image, wide ? 28 : 14);
  load_environment (cpu, wide, image);
}

static void
op_fnsave (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint8_t image[108];
  bool wide = insn->opsize != 2;
  unsigned length = wide ? 108 : 94;

  vt_fpu_enter_nowait (cpu);
  uint64_t linear = vt_x86_operand_linear (cpu, insn, length, VT_WRITE);
  unsigned at = store_environment (cpu, wide, image);
  for (unsigned i = 0; i < 8; i++)
    memcpy (image + at + 10 * i, fpu_st (cpu, i), 10);
  vt_x86_store_bytes (cpu, linear, image, length);
  vt_fpu_init (cpu);
}

static void
op_frstor (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint8_t image[108];
  bool wide = insn->opsize != 2;
  unsigned length = wide ? 108 : 94;

  vt_fpu_enter (cpu);
  vt_x86_load_bytes (cpu, vt_x86_operand_linear (cpu, insn, length, VT_READ), image, length);
  load_environment (cpu, wide, image);
  for (unsigned i = 0; i < 8; i++)
    {
      VtF80 value = { 0 };
      memcpy (&value, image + (wide ? 28 : 14) + 10 * i, 10);
      *fpu_st (cpu, i) = value;
    }
}

const VtX86OpRow vt_x86_ops_fpu_env[] = {
  { ZYDIS_MNEMONIC_FNINIT, op_fninit },
  { ZYDIS_MNEMONIC_FNCLEX, op_fnclex },
  { ZYDIS_MNEMONIC_FNSTCW, op_fnstcw },
  { ZYDIS_MNEMONIC_FNSTSW, op_fnstsw },
  { ZYDIS_MNEMONIC_FLDCW, op_fldcw },
  { ZYDIS_MNEMONIC_FWAIT, op_fwait },
  { ZYDIS_MNEMONIC_FNOP, op_fnop },
  { ZYDIS_MNEMONIC_FENI8087_NOP, op_obsolete },
  { ZYDIS_MNEMONIC_FDISI8087_NOP, op_obsolete },
  { ZYDIS_MNEMONIC_FSETPM287_NOP, op_obsolete },
  { ZYDIS_MNEMONIC_FINCSTP, op_fincstp },
  { ZYDIS_MNEMONIC_FDECSTP, op_fdecstp },
  { ZYDIS_MNEMONIC_FFREE, op_ffree },
  { ZYDIS_MNEMONIC_FFREEP, op_ffreep },
  { ZYDIS_MNEMONIC_FNSTENV, op_fnstenv },
  { ZYDIS_MNEMONIC_FLDENV, op_fldenv },
  { ZYDIS_MNEMONIC_FNSAVE, op_fnsave },
  { ZYDIS_MNEMONIC_FRSTOR, op_frstor },
  { 0, NULL },
};
