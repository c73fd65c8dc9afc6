/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decimal adjustment, single flags, BOUND, random numbers, cache hints, and instructions that do nothing. */
#include "forms.h"
#include "integer.h"

/* --- Nothing ------------------------------------------------------------------------------------------------------ */

static void
op_nothing (VtX86Cpu *cpu, const VtX86Insn *insn)
{
}

static void
op_fence (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
}

/* Faults as a load of one byte does; otherwise caches are invisible. */
static void
op_cache_line (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_probe (cpu, vt_x86_operand_linear (cpu, insn, 1, VT_READ), 1, VT_READ);
}

/* --- Single flags ------------------------------------------------------------------------------------------------- */

static void
op_clc (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  flag_set_cf (cpu, 0);
}

static void
op_stc (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  flag_set_cf (cpu, 1);
}

static void
op_cmc (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  flag_set_cf (cpu, !flag_cf (cpu));
}

static void
op_cld (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  cpu->s.rflags &= ~(uint64_t) X86_RFLAGS_DF;
}

static void
op_std (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  cpu->s.rflags |= X86_RFLAGS_DF;
}

#define AH_FLAGS (X86_RFLAGS_CF | X86_RFLAGS_PF | X86_RFLAGS_AF | X86_RFLAGS_ZF | X86_RFLAGS_SF)

static void
check_lahf (VtX86Cpu *cpu)
{
  if (cpu->mode == VT_X86_LONG && !vt_x86_has (cpu->model, X86_FEATURE_LAHF_LM))
    vt_x86_ud (cpu);
}

static void
op_lahf (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  check_lahf (cpu);
  uint64_t ah = (flags_get (cpu) & AH_FLAGS) | X86_RFLAGS_ONE;
  cpu->s.gpr[VT_RAX] = vt_deposit (cpu->s.gpr[VT_RAX], 8, 8, ah);
}

static void
op_sahf (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  check_lahf (cpu);
  uint32_t ah = (uint32_t) vt_extract (cpu->s.gpr[VT_RAX], 8, 8);
  flags_put (cpu, (flags_get (cpu) & X86_RFLAGS_OF) | (ah & AH_FLAGS));
}

/* Undocumented: AL becomes the carry, eight times. */
static void
op_salc (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  put_gpr (cpu, VT_RAX, flag_cf (cpu) ? 0xff : 0, 1);
}

/* --- Decimal adjustment (SDM volume 2A) --------------------------------------------------------------------------- */

static void
put_al_ah (VtX86Cpu *cpu, uint8_t al, uint8_t ah)
{
  put_gpr (cpu, VT_RAX, al | (uint64_t) ah << 8, 2);
}

/* SF, ZF, PF by AL; OF clear. */
static void
decimal_flags (VtX86Cpu *cpu, uint8_t al, bool cf, bool af)
{
  flags_result (cpu, al, cf, 0, af, 1);
}

static void
decimal_adjust (VtX86Cpu *cpu, bool subtract)
{
  uint8_t old = (uint8_t) cpu->s.gpr[VT_RAX], al = old;
  bool af = (old & 15) > 9 || flag_af (cpu), cf = old > 0x99 || flag_cf (cpu);
  unsigned adjust = (af ? 6 : 0) + (cf ? 0x60 : 0);
  al = (uint8_t) (subtract ? old - adjust : old + adjust);
  /* A borrow out of the low digit carries as well. */
  cf |= subtract && af && old < 6;
  put_gpr (cpu, VT_RAX, al, 1);
  decimal_flags (cpu, al, cf, af);
}

static void
op_daa (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  decimal_adjust (cpu, false);
}

static void
op_das (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  decimal_adjust (cpu, true);
}

static void
ascii_adjust (VtX86Cpu *cpu, bool subtract)
{
  uint16_t ax = (uint16_t) cpu->s.gpr[VT_RAX];
  bool adjust = (ax & 15) > 9 || flag_af (cpu);
  if (adjust)
    ax = (uint16_t) (subtract ? ax - 0x106 : ax + 0x106);
  ax &= 0xff0f;
  put_gpr (cpu, VT_RAX, ax, 2);
  decimal_flags (cpu, (uint8_t) ax, adjust, adjust);
}

static void
op_aaa (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  ascii_adjust (cpu, false);
}

static void
op_aas (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  ascii_adjust (cpu, true);
}

static void
op_aam (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint8_t base = (uint8_t) insn->imm, al = (uint8_t) cpu->s.gpr[VT_RAX];
  if (base == 0)
    vt_x86_raise (cpu, X86_DE, 0);
  put_al_ah (cpu, al % base, al / base);
  decimal_flags (cpu, al % base, false, false);
}

static void
op_aad (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint16_t ax = (uint16_t) cpu->s.gpr[VT_RAX];
  uint8_t al = (uint8_t) ((ax & 0xff) + (ax >> 8) * (uint8_t) insn->imm);
  put_al_ah (cpu, al, 0);
  decimal_flags (cpu, al, false, false);
}

/* --- BOUND -------------------------------------------------------------------------------------------------------- */

/* Two operands, each with its own limit check. */
static int64_t
load_bound (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned nth)
{
  unsigned size = insn->opsize;
  uint64_t offset = (vt_x86_effective_address (cpu, insn) + nth * size) & vt_mask_bytes (insn->addrsize);
  uint64_t linear = vt_x86_linear (cpu, insn->seg, offset, size, VT_READ);
  return (int64_t) sign_extend (vt_x86_load (cpu, linear, size), size);
}

static void
op_bound (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = insn->opsize;
  int64_t low = load_bound (cpu, insn, 0), high = load_bound (cpu, insn, 1);
  int64_t index = (int64_t) sign_extend (cpu->s.gpr[insn->reg[0]], size);
  if (index < low || index > high)
    vt_x86_raise (cpu, X86_BR, 0);
}

/* --- Random numbers ----------------------------------------------------------------------------------------------- */

static void
op_random (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  /* GLib's generator, which it seeds from the host's entropy. */
  uint64_t value = (uint64_t) g_random_int () << 32 | g_random_int ();
  put_gpr (cpu, insn->reg[0], value, insn->opnd_size[0]);
  flags_put (cpu, X86_RFLAGS_CF);
}

const VtX86OpRow vt_x86_ops_misc[] = {
  { ZYDIS_MNEMONIC_NOP, op_nothing, NULL },
  { ZYDIS_MNEMONIC_PAUSE, op_nothing, NULL },
  { ZYDIS_MNEMONIC_ENDBR32, op_nothing, NULL },
  { ZYDIS_MNEMONIC_ENDBR64, op_nothing, NULL },
  { ZYDIS_MNEMONIC_PREFETCH, op_nothing, NULL },
  { ZYDIS_MNEMONIC_PREFETCHNTA, op_nothing, NULL },
  { ZYDIS_MNEMONIC_PREFETCHT0, op_nothing, NULL },
  { ZYDIS_MNEMONIC_PREFETCHT1, op_nothing, NULL },
  { ZYDIS_MNEMONIC_PREFETCHT2, op_nothing, NULL },
  { ZYDIS_MNEMONIC_PREFETCHW, op_nothing, NULL },
  { ZYDIS_MNEMONIC_PREFETCHWT1, op_nothing, NULL },
  { ZYDIS_MNEMONIC_MFENCE, op_fence, NULL },
  { ZYDIS_MNEMONIC_LFENCE, op_fence, NULL },
  { ZYDIS_MNEMONIC_SFENCE, op_fence, NULL },
  { ZYDIS_MNEMONIC_CLFLUSH, op_cache_line, NULL },
  { ZYDIS_MNEMONIC_CLFLUSHOPT, op_cache_line, NULL },
  { ZYDIS_MNEMONIC_CLWB, op_cache_line, NULL },
  { ZYDIS_MNEMONIC_CLC, op_clc, NULL },
  { ZYDIS_MNEMONIC_STC, op_stc, NULL },
  { ZYDIS_MNEMONIC_CMC, op_cmc, NULL },
  { ZYDIS_MNEMONIC_CLD, op_cld, NULL },
  { ZYDIS_MNEMONIC_STD, op_std, NULL },
  { ZYDIS_MNEMONIC_LAHF, op_lahf, NULL },
  { ZYDIS_MNEMONIC_SAHF, op_sahf, NULL },
  { ZYDIS_MNEMONIC_SALC, op_salc, NULL },
  { ZYDIS_MNEMONIC_DAA, op_daa, NULL },
  { ZYDIS_MNEMONIC_DAS, op_das, NULL },
  { ZYDIS_MNEMONIC_AAA, op_aaa, NULL },
  { ZYDIS_MNEMONIC_AAS, op_aas, NULL },
  { ZYDIS_MNEMONIC_AAM, op_aam, NULL },
  { ZYDIS_MNEMONIC_AAD, op_aad, NULL },
  { ZYDIS_MNEMONIC_BOUND, op_bound, NULL },
  { ZYDIS_MNEMONIC_RDRAND, op_random, NULL },
  { ZYDIS_MNEMONIC_RDSEED, op_random, NULL },
  { 0 },
};
