/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debug registers, breakpoints and single step (SDM volume 3B, chapter 17; priorities: volume 3A, table 6-2). */
#include "x86-sys.h"

#define DR6_BD       (1u << 13)   /* a debug register was accessed with DR7.GD set */
#define DR6_BS       (1u << 14)   /* single step */
#define DR6_WRITABLE 0xe00fu
#define DR6_ONES     0xffff0ff0u
#define DR6_HITS     0xfu
#define DR7_GD       (1u << 13)
#define DR7_WRITABLE 0xffff23ffu
#define DR7_ONES     (1u << 10)
#define N_BREAKPOINTS 4u

/* DR7.R/Wn */
enum
{
  BREAK_CODE,
  BREAK_WRITE,
  BREAK_IO,
  BREAK_READ_WRITE,
};

static bool
enabled (const VtX86Cpu *cpu, unsigned n)
{
  return ((cpu->s.dr[7] >> (2 * n)) & 3) != 0;
}

static unsigned
kind_of (const VtX86Cpu *cpu, unsigned n)
{
  return (cpu->s.dr[7] >> (16 + 4 * n)) & 3;
}

static unsigned
length_of (const VtX86Cpu *cpu, unsigned n)
{
  static const uint8_t lengths[] = { 1, 2, 8, 4 };
  return lengths[(cpu->s.dr[7] >> (18 + 4 * n)) & 3];
}

static bool
overlaps (const VtX86Cpu *cpu, unsigned n, uint64_t at, unsigned size)
{
  uint64_t length = length_of (cpu, n), first = cpu->s.dr[n] & ~(length - 1);
  return at < first ? first - at < size : at - first < length;
}

static void
unwind_db (VtX86Cpu *cpu, uint64_t dr6_bits, bool fault)
{
  cpu->s.dr[6] = (cpu->s.dr[6] & ~(uint64_t) DR6_HITS) | dr6_bits;
  cpu->s.dr[7] &= ~(uint64_t) DR7_GD;
  cpu->pending_db = 0;
  cpu->exc_vector = X86_DB;
  cpu->exc_error = 0;
  cpu->exc_debug_fault = fault;
  longjmp (cpu->unwind, 1);
}

void
vt_x86_raise_db (VtX86Cpu *cpu, uint64_t dr6_bits)
{
  unwind_db (cpu, dr6_bits, false);
  g_assert_not_reached ();
}

/* --- Between instructions --------------------------------------------------------------------------------------------------- */

static uint32_t
code_hits (const VtX86Cpu *cpu)
{
  uint32_t hits = 0;
  uint64_t at = cpu->s.rip;
  if (cpu->mode != VT_X86_LONG)
    at = (uint32_t) (at + cpu->s.seg[VT_CS].base);
  for (unsigned n = 0; n < N_BREAKPOINTS; n++)
    if (enabled (cpu, n) && kind_of (cpu, n) == BREAK_CODE && cpu->s.dr[n] == at)
      hits |= 1u << n;
  return hits;
}

void
vt_x86_before_insn (VtX86Cpu *cpu)
{
  cpu->rf_loaded = false;
  cpu->shadow_before = cpu->s.shadow;
  cpu->stepping = (cpu->s.rflags & X86_RFLAGS_TF) != 0;
  /* A MOV SS holds code breakpoints of the next instruction back as well (SDM 6.8.3). */
  if ((cpu->s.rflags & X86_RFLAGS_RF) != 0 || (cpu->s.dr[7] & 0xff) == 0 || (cpu->s.shadow & VT_X86_SHADOW_MOVSS) != 0)
    return;
  uint32_t hits = code_hits (cpu);
  if (hits != 0)
    vt_x86_raise_db (cpu, hits);
}

static void
end_shadow (VtX86Cpu *cpu)
{
  if (cpu->shadow_before == 0)
    return;
  cpu->s.shadow &= ~cpu->shadow_before;
  cpu->shadow_before = 0;
  if (cpu->s.shadow == 0)
    vt_x86_window_opened (cpu);
}

void
vt_x86_after_insn (VtX86Cpu *cpu)
{
  bool stepping = cpu->stepping;
  cpu->stepping = false;
  end_shadow (cpu);
  if (!cpu->rf_loaded)
    cpu->s.rflags &= ~(uint64_t) X86_RFLAGS_RF;
  cpu->rf_loaded = false;
  vt_x86_update_checks (cpu);
  if (cpu->s.shadow & VT_X86_SHADOW_MOVSS)
    return;
  uint32_t bits = cpu->pending_db | (stepping ? DR6_BS : 0);
  /* An SMI comes before traps (SDM table 6-2). They follow its RSM. */
  if (bits != 0 && vt_x86_smi_deliverable (cpu))
    cpu->pending_db = bits;
  else if (bits != 0)
    vt_x86_raise_db (cpu, bits);
}

/* --- Data and port breakpoints ------------------------------------------------------------------------------------------------ */

bool
vt_x86_page_watched (const VtX86Cpu *cpu, uint64_t linear)
{
  for (unsigned n = 0; n < N_BREAKPOINTS; n++)
    if (enabled (cpu, n) && (kind_of (cpu, n) & BREAK_WRITE) != 0 && ((cpu->s.dr[n] ^ linear) & ~VT_PAGE_MASK) == 0)
      return true;
  return false;
}

void
vt_x86_watch_access (VtX86Cpu *cpu, uint64_t linear, unsigned size, VtAccessKind access)
{
  for (unsigned n = 0; n < N_BREAKPOINTS; n++)
    {
      unsigned kind = kind_of (cpu, n);
      bool wanted = kind == BREAK_READ_WRITE || (kind == BREAK_WRITE && access == VT_WRITE);
      if (enabled (cpu, n) && wanted && access != VT_FETCH && overlaps (cpu, n, linear, size))
        cpu->pending_db |= 1u << n;
    }
}

void
vt_x86_watch_io (VtX86Cpu *cpu, uint16_t port, unsigned size)
{
  if ((cpu->s.dr[7] & 0xff) == 0 || (cpu->s.cr4 & X86_CR4_DE) == 0)
    return;
  for (unsigned n = 0; n < N_BREAKPOINTS; n++)
    if (enabled (cpu, n) && kind_of (cpu, n) == BREAK_IO && overlaps (cpu, n, port, size))
      cpu->pending_db |= 1u << n;
}

/* --- MOV to and from debug registers -------------------------------------------------------------------------------------------- */

/* The register meant by `n`, after the checks that both directions share. */
static unsigned
checked_register (VtX86Cpu *cpu, unsigned n)
{
  if (n > 7 || ((n == 4 || n == 5) && (cpu->s.cr4 & X86_CR4_DE) != 0))
    vt_x86_ud (cpu);
  vt_x86_need_cpl0 (cpu);
  if (cpu->s.dr[7] & DR7_GD)
    unwind_db (cpu, (cpu->s.dr[6] & DR6_HITS) | DR6_BD, true);
  return n == 4 || n == 5 ? n + 2 : n;
}

uint64_t
vt_x86_dr_value (unsigned n, uint64_t value)
{
  return n == 6 ? (value & DR6_WRITABLE) | DR6_ONES : (value & DR7_WRITABLE) | DR7_ONES;
}

void
vt_x86_op_mov_from_dr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned n = checked_register (cpu, insn->reg[1]);
  vt_x86_write_gpr (cpu, insn->reg[0], cpu->s.dr[n], cpu->code_bits == 64 ? 8 : 4);
}

void
vt_x86_op_mov_to_dr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned n = checked_register (cpu, insn->reg[0]);
  uint64_t value = cpu->s.gpr[insn->reg[1]];
  if (cpu->code_bits != 64)
    value = (uint32_t) value;
  if (n >= 6 && value >> 32 != 0)
    vt_x86_gp0 (cpu);
  cpu->s.dr[n] = n >= 6 ? vt_x86_dr_value (n, value) : value;
  /* Watched pages have no fast entries. */
  vt_x86_tlb_flush (cpu, true);
  vt_x86_update_checks (cpu);
}
