/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87: loads, stores and conversions, constants, exchanges and conditional moves (SDM volume 1, 8.3.3 and 8.3.4). */
#include <Zydis/Zydis.h>

#include "fpu.h"
#include "simd.h"

VT_HOST_X87_LOAD (load_m32, "flds %[src]")
VT_HOST_X87_LOAD (load_m64, "fldl %[src]")
VT_HOST_X87_LOAD (load_m80, "fldt %[src]")
VT_HOST_X87_LOAD (load_i16, "filds %[src]")
VT_HOST_X87_LOAD (load_i32, "fildl %[src]")
VT_HOST_X87_LOAD (load_i64, "fildll %[src]")
VT_HOST_X87_LOAD (load_bcd, "fbld %[src]")
VT_HOST_X87_LOAD (fld1, "fld1")
VT_HOST_X87_LOAD (fldl2e, "fldl2e")
VT_HOST_X87_LOAD (fldl2t, "fldl2t")
VT_HOST_X87_LOAD (fldlg2, "fldlg2")
VT_HOST_X87_LOAD (fldln2, "fldln2")
VT_HOST_X87_LOAD (fldpi, "fldpi")
VT_HOST_X87_LOAD (fldz, "fldz")

VT_HOST_X87_STORE (store_m32, 0, "fsts %[result]", "fstp %%st(0)")
VT_HOST_X87_STORE (store_m64, 0, "fstl %[result]", "fstp %%st(0)")
VT_HOST_X87_STORE (store_m80, 0, "fstpt %[result]", "")
VT_HOST_X87_STORE (store_i16, FSW_EXCEPTIONS, "fistps %[result]", "")
VT_HOST_X87_STORE (store_i32, FSW_EXCEPTIONS, "fistpl %[result]", "")
VT_HOST_X87_STORE (store_i64, FSW_EXCEPTIONS, "fistpll %[result]", "")
VT_HOST_X87_STORE (chop_i16, FSW_EXCEPTIONS, "fisttps %[result]", "")
VT_HOST_X87_STORE (chop_i32, FSW_EXCEPTIONS, "fisttpl %[result]", "")
VT_HOST_X87_STORE (chop_i64, FSW_EXCEPTIONS, "fisttpll %[result]", "")
VT_HOST_X87_STORE (store_bcd, FSW_EXCEPTIONS, "fbstp %[result]", "")

/* A memory format: how to load and store it, and what a masked stack underflow stores. */
typedef struct
{
  unsigned  size;
  VtHostX87 load, store, chop;
  VtF80     indefinite;
} Format;

static const Format format_m32 = { 4, vt_host_load_m32, vt_host_store_m32, NULL, { .mantissa = 0xffc00000 } };
static const Format format_m64 = { 8, vt_host_load_m64, vt_host_store_m64, NULL,
                                   { .mantissa = UINT64_C (0xfff8000000000000) } };
static const Format format_m80 = { 10, vt_host_load_m80, vt_host_store_m80, NULL,
                                   { F80_INTEGER | F80_QUIET, 0xffff } };
static const Format format_i16 = { 2, vt_host_load_i16, vt_host_store_i16, vt_host_chop_i16, { .mantissa = 0x8000 } };
static const Format format_i32 = { 4, vt_host_load_i32, vt_host_store_i32, vt_host_chop_i32, { .mantissa = 0x80000000 } };
static const Format format_i64 = { 8, vt_host_load_i64, vt_host_store_i64, vt_host_chop_i64,
                                   { .mantissa = UINT64_C (1) << 63 } };
static const Format format_bcd = { 10, vt_host_load_bcd, vt_host_store_bcd, NULL,
                                   { UINT64_C (0xc000000000000000), 0xffff } };

/* FLD, FST, FSTP: D9 m32, DD m64, DB m80. */
static const Format *
real_format (const VtX86Insn *insn)
{
  return insn->opcode == 0xd9 ? &format_m32 : insn->opcode == 0xdd ? &format_m64 : &format_m80;
}

/* FILD, FIST, FISTP: DB i32; DF i16, or i64 with /5 and /7. FISTTP: DB i32, DF i16, DD i64. */
static const Format *
integer_format (const VtX86Insn *insn)
{
  if (insn->opcode == 0xdb)
    return &format_i32;
  return insn->opcode == 0xdd || (insn->modrm >> 3 & 5) == 5 ? &format_i64 : &format_i16;
}

static void
push_checked (VtX86Cpu *cpu, VtF80 value, uint16_t sw)
{
  bool full = !fpu_is_empty (cpu, 7);
  if (full ? fpu_overflow (cpu) : vt_fpu_signal (cpu, sw))
    fpu_push (cpu, full ? F80_INDEFINITE : value);
}

/* --- Without the host's help ------------------------------------------------------------------------------------------------
 *
 * Most loads and many stores neither round nor raise anything.
 */

/* The exponent of an 80-bit number less that of a single or double one. */
#define REBIAS_32 (0x3fff - 0x7f)
#define REBIAS_64 (0x3fff - 0x3ff)

static bool
load_simply (const Format *format, const VtF80 *memory, VtF80 *value)
{
  uint64_t bits = memory->mantissa;
  unsigned sign, exponent;

  if (format == &format_m64)
    {
      sign = bits >> 63;
      exponent = bits >> 52 & 0x7ff;
      *value = (VtF80) { F80_INTEGER | bits << 11, sign << 15 | (exponent + REBIAS_64) };
      return exponent != 0 && exponent != 0x7ff;
    }
  if (format == &format_m32)
    {
      sign = bits >> 31;
      exponent = bits >> 23 & 0xff;
      *value = (VtF80) { F80_INTEGER | bits << 40, sign << 15 | (exponent + REBIAS_32) };
      return exponent != 0 && exponent != 0xff;
    }
  return false;
}

/* Numbers that fit exactly. */
static bool
store_simply (const Format *format, const VtF80 *value, VtF80 *memory)
{
  unsigned sign = value->sign_exp >> 15, exponent = value->sign_exp & F80_EXP;
  uint64_t mantissa = value->mantissa;

  if (!(mantissa & F80_INTEGER))
    return false;
  mantissa &= ~F80_INTEGER;
  if (format == &format_m64 && (mantissa & 0x7ff) == 0 && exponent - REBIAS_64 - 1 < 0x7fe)
    {
      memory->mantissa = (uint64_t) sign << 63 | (uint64_t) (exponent - REBIAS_64) << 52 | mantissa >> 11;
      return true;
    }
  if (format == &format_m32 && (mantissa & 0xffffffffff) == 0 && exponent - REBIAS_32 - 1 < 0xfe)
    {
      memory->mantissa = sign << 31 | (exponent - REBIAS_32) << 23 | mantissa >> 40;
      return true;
    }
  return false;
}

static void
load (VtX86Cpu *cpu, const VtX86Insn *insn, const Format *format)
{
  vt_fpu_enter (cpu);
  VtF80 memory = fpu_load_operand (cpu, insn, format->size), value = { 0 };
  vt_fpu_note_insn (cpu, insn);
  uint16_t sw = load_simply (format, &memory, &value) ? 0 : format->load (cpu->s.fcw, NULL, &memory, &value);
  push_checked (cpu, value, sw);
}

/* Does an exception keep a store from happening? For a memory destination overflow and underflow do (8.5.4, 8.5.5). */
static bool
store_prevented (const VtX86Cpu *cpu, uint16_t sw)
{
  return sw & ~cpu->s.fcw & (FSW_PRE | FSW_OE | FSW_UE);
}

static void
store (VtX86Cpu *cpu, const VtX86Insn *insn, const Format *format, VtHostX87 kernel, bool pop)
{
  uint16_t sw = FSW_IE | FSW_SF;
  VtF80 value = format->indefinite;

  vt_fpu_enter (cpu);
  uint64_t linear = mem_linear (cpu, insn, format->size, VT_WRITE);
  if (!fpu_is_empty (cpu, 0))
    sw = store_simply (format, fpu_st (cpu, 0), &value) ? 0 : kernel (cpu->s.fcw, fpu_st (cpu, 0), NULL, &value);
  if (store_prevented (cpu, sw))
    {
      vt_x86_probe (cpu, linear, format->size, VT_WRITE);
      pop = false;
    }
  else
    vt_x86_store_bytes (cpu, linear, &value, format->size);
  vt_fpu_note_insn (cpu, insn);
  vt_fpu_signal (cpu, sw);
  if (pop)
    fpu_pop (cpu);
}

static void
op_fld (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (fpu_is_memory (insn))
    {
      load (cpu, insn, real_format (insn));
      return;
    }

  unsigned i = insn->modrm & 7;
  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  if (!fpu_is_empty (cpu, i))
    push_checked (cpu, *fpu_st (cpu, i), 0);
  else if (fpu_underflow (cpu))
    fpu_push (cpu, F80_INDEFINITE);
}

static void
op_fild (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  load (cpu, insn, integer_format (insn));
}

static void
op_fbld (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  load (cpu, insn, &format_bcd);
}

static void
store_register (VtX86Cpu *cpu, const VtX86Insn *insn, bool pop)
{
  VtF80 value = *fpu_st (cpu, 0);

  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  if (!fpu_is_empty (cpu, 0))
    cpu->s.fsw &= ~FSW_C1;
  else if (fpu_underflow (cpu))
    value = F80_INDEFINITE;
  else
    return;
  fpu_set (cpu, insn->modrm & 7, value);
  if (pop)
    fpu_pop (cpu);
}

static void
store_real (VtX86Cpu *cpu, const VtX86Insn *insn, bool pop)
{
  const Format *format = real_format (insn);
  if (fpu_is_memory (insn))
    store (cpu, insn, format, format->store, pop);
  else
    store_register (cpu, insn, pop);
}

static void
op_fst (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  store_real (cpu, insn, false);
}

static void
op_fstp (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  store_real (cpu, insn, true);
}

/* FSTPNCE (D9 D8+i) is FSTP that says nothing about an empty register. */
static void
op_fstpnce (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  cpu->s.fsw &= ~FSW_C1;
  if (!fpu_is_empty (cpu, 0))
    fpu_set (cpu, insn->modrm & 7, *fpu_st (cpu, 0));
  fpu_pop (cpu);
}

static void
op_fist (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  store (cpu, insn, integer_format (insn), integer_format (insn)->store, false);
}

static void
op_fistp (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  store (cpu, insn, integer_format (insn), integer_format (insn)->store, true);
}

static void
op_fisttp (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  store (cpu, insn, integer_format (insn), integer_format (insn)->chop, true);
}

static void
op_fbstp (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  store (cpu, insn, &format_bcd, format_bcd.store, true);
}

/* Constants are rounded as RC says. */
static void
load_constant (VtX86Cpu *cpu, const VtX86Insn *insn, VtHostX87 kernel)
{
  VtF80 value = { 0 };

  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  kernel (cpu->s.fcw, NULL, &value, &value);
  push_checked (cpu, value, 0);
}

#define CONSTANT(name)                                                                                                   \
  static void op_##name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                           \
  {                                                                                                                      \
    load_constant (cpu, insn, vt_host_##name);                                                                           \
  }
CONSTANT (fld1)
CONSTANT (fldl2e)
CONSTANT (fldl2t)
CONSTANT (fldlg2)
CONSTANT (fldln2)
CONSTANT (fldpi)
CONSTANT (fldz)

static void
op_fxch (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned i = insn->modrm & 7;

  vt_fpu_enter (cpu);
  vt_fpu_note_insn (cpu, insn);
  VtF80 first = fpu_is_empty (cpu, 0) ? F80_INDEFINITE : *fpu_st (cpu, 0);
  VtF80 second = fpu_is_empty (cpu, i) ? F80_INDEFINITE : *fpu_st (cpu, i);
  if (!fpu_is_empty (cpu, 0) && !fpu_is_empty (cpu, i))
    cpu->s.fsw &= ~FSW_C1;
  else if (!fpu_underflow (cpu))
    return;
  fpu_set (cpu, 0, second);
  fpu_set (cpu, i, first);
}

/* Opcode DA has the conditions B, E, BE, U by /reg; DB their negations. */
static void
op_fcmov (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  static const uint32_t conditions[4] = { X86_RFLAGS_CF, X86_RFLAGS_ZF, X86_RFLAGS_CF | X86_RFLAGS_ZF, X86_RFLAGS_PF };
  unsigned i = insn->modrm & 7;

  vt_fpu_enter (cpu);
  vt_x86_sync_flags (cpu);
  bool set = cpu->s.rflags & conditions[insn->modrm >> 3 & 3];
  bool move = set != (insn->opcode == 0xdb);
  vt_fpu_note_insn (cpu, insn);
  if (fpu_is_empty (cpu, 0) || fpu_is_empty (cpu, i))
    {
      if (fpu_underflow (cpu))
        fpu_set (cpu, 0, F80_INDEFINITE);
      return;
    }
  cpu->s.fsw &= ~FSW_C1;
  if (move)
    fpu_set (cpu, 0, *fpu_st (cpu, i));
}

const VtX86OpRow vt_x86_ops_fpu_move[] = {
  { ZYDIS_MNEMONIC_FLD, op_fld },         { ZYDIS_MNEMONIC_FST, op_fst },         { ZYDIS_MNEMONIC_FSTP, op_fstp },
  { ZYDIS_MNEMONIC_FSTPNCE, op_fstpnce }, { ZYDIS_MNEMONIC_FILD, op_fild },       { ZYDIS_MNEMONIC_FIST, op_fist },
  { ZYDIS_MNEMONIC_FISTP, op_fistp },     { ZYDIS_MNEMONIC_FISTTP, op_fisttp },   { ZYDIS_MNEMONIC_FBLD, op_fbld },
  { ZYDIS_MNEMONIC_FBSTP, op_fbstp },     { ZYDIS_MNEMONIC_FLD1, op_fld1 },       { ZYDIS_MNEMONIC_FLDL2E, op_fldl2e },
  { ZYDIS_MNEMONIC_FLDL2T, op_fldl2t },   { ZYDIS_MNEMONIC_FLDLG2, op_fldlg2 },   { ZYDIS_MNEMONIC_FLDLN2, op_fldln2 },
  { ZYDIS_MNEMONIC_FLDPI, op_fldpi },     { ZYDIS_MNEMONIC_FLDZ, op_fldz },       { ZYDIS_MNEMONIC_FXCH, op_fxch },
  { ZYDIS_MNEMONIC_FCMOVB, op_fcmov },    { ZYDIS_MNEMONIC_FCMOVE, op_fcmov },    { ZYDIS_MNEMONIC_FCMOVBE, op_fcmov },
  { ZYDIS_MNEMONIC_FCMOVU, op_fcmov },    { ZYDIS_MNEMONIC_FCMOVNB, op_fcmov },   { ZYDIS_MNEMONIC_FCMOVNE, op_fcmov },
  { ZYDIS_MNEMONIC_FCMOVNBE, op_fcmov },  { ZYDIS_MNEMONIC_FCMOVNU, op_fcmov },   { 0, NULL },
};
