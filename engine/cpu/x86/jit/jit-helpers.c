/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What translated code calls. All guest registers are in the state, and none of these unwinds except an operation of the
 * interpreter's that raises, as it would anywhere.
 */
#include <Zydis/Mnemonic.h>

#include "flags.h"
#include "interp.h"
#include "jit.h"
#include "x86-model.h"
#include "x86-sys.h"

#define PAUSES_IN_A_ROW 64u

/* --- Flags -------------------------------------------------------------------------------------------------------- */

void
vt_jit_flags_to_state (VtX86Cpu *cpu)
{
  /* As flags_put(), without looking at each flag. */
  uint64_t f = cpu->translated.flags, of = f & 1, ah = f >> 8;
  uint64_t cf = ah & 1, pf = ah >> 2 & 1, af = ah >> 4 & 1, zf = ah >> 6 & 1, sf = ah >> 7 & 1;
  cpu->cc_dst = zf ^ 1;
  cpu->cc_src = cf << 63 | (cf ^ of) << 62 | af << 3;
  cpu->cc_op = CC_OP (8) | (uint32_t) (pf ^ zf) | (uint32_t) sf << CC_SF_SHIFT;
}

void
vt_jit_flags_from_state (VtX86Cpu *cpu)
{
  uint32_t arith = flags_get (cpu);
  cpu->translated.flags_site = 0;
  cpu->translated.flags = ((arith & 0xff) | X86_RFLAGS_ONE) << 8 | (arith & X86_RFLAGS_OF ? 1 : 0);
}

/* --- Memory ------------------------------------------------------------------------------------------------------- */

/* Translated code is left with RIP there. */
static uint32_t
leave_at (VtX86Cpu *cpu, uint32_t off, uint32_t kind)
{
  uint64_t rip = cpu->translated.page_rip + off;
  cpu->s.rip = cpu->code_bits == 64 ? rip : (uint32_t) rip;
  cpu->translated.exit_kind = kind;
  cpu->vcpu.stats.translated_instructions += (uint64_t) (int64_t) cpu->translated.uncounted;
  return 1;
}

static bool
is_filled (VtX86Cpu *cpu, uint64_t linear, VtAccessKind kind)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  uint64_t page = linear & ~VT_PAGE_MASK;
  return (kind == VT_WRITE ? entry->tag_write : entry->tag_read) == page;
}

/* Plain memory, and the TLB says so. */
static bool
make_filled (VtX86Cpu *cpu, uint64_t linear, VtAccessKind kind)
{
  return is_filled (cpu, linear, kind) || (vt_x86_tlb_try_fill (cpu, linear, kind) && is_filled (cpu, linear, kind));
}

static const uint8_t *
host_of (VtX86Cpu *cpu, uint64_t linear)
{
  return vt_x86_tlb_host (vt_x86_tlb_entry (cpu, linear), linear);
}

/* A load from two pages, from a copy of what is there. */
static uint32_t
copy_pieces (VtX86Cpu *cpu, uint64_t linear, unsigned size, uint32_t what)
{
  VtX86Translated *t = &cpu->translated;
  unsigned first = (unsigned) (VT_PAGE_SIZE - (linear & VT_PAGE_MASK));
  if (!(what & JIT_FILL_COPY) || size > sizeof t->copy || cpu->code_bits != 64 || !vt_x86_canonical (linear + size - 1)
      || !make_filled (cpu, linear, VT_READ))
    return JIT_NOT_FILLED;
  /* One after the other: the second may take the first's entry. */
  memcpy (t->copy, host_of (cpu, linear), first);
  if (!make_filled (cpu, linear + first, VT_READ))
    return JIT_NOT_FILLED;
  memcpy (t->copy + first, host_of (cpu, linear + first), size - first);
  t->past_host = t->copy;
  t->past_addend = (uint64_t) (uintptr_t) t->copy - linear;
  if (what & JIT_FILL_STACK)
    t->stack[cpu->tlb_kind][0] = (VtStackWindow) { .addend = (uintptr_t) t->past_addend };
  return JIT_PAST;
}

uint32_t
vt_jit_try_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what)
{
  unsigned size = what & JIT_FILL_SIZE;
  VtAccessKind kind = what & JIT_FILL_WRITE ? VT_WRITE : VT_READ;
  if (cpu->code_bits != 64)
    linear = (uint32_t) linear;
  else if (!vt_x86_canonical (linear))
    return JIT_NOT_FILLED;
  if ((linear & VT_PAGE_MASK) + size > VT_PAGE_SIZE)
    return copy_pieces (cpu, linear, size, what);
  if (!make_filled (cpu, linear, kind))
    return JIT_NOT_FILLED;
  if (!(what & JIT_FILL_STACK))
    return JIT_FILLED;
  /* Too near to the page's end for the window's one size: good for this access alone. */
  bool room = (linear & VT_PAGE_MASK) < JIT_STACK_ROOM;
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  cpu->translated.stack[cpu->tlb_kind][kind == VT_WRITE]
      = (VtStackWindow) { linear & ~VT_PAGE_MASK, room ? JIT_STACK_ROOM : 0, entry->addend, entry->page_flags };
  return room ? JIT_FILLED : JIT_PAST;
}

uint32_t
vt_jit_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what)
{
  uint32_t result = vt_jit_try_fill (cpu, linear, what);
  return result != JIT_NOT_FILLED ? result : leave_at (cpu, what >> JIT_WHERE_SHIFT, JIT_EXIT_INTERPRET);
}

static bool
holds (const VtRam *ram, uint64_t flags_at)
{
  uint64_t first = (uint64_t) (uintptr_t) ram->page_flags;
  return flags_at - first < ram->size >> VT_PAGE_SHIFT;
}

static VtRam *
ram_of_flags (const VtX86Cpu *cpu, uint64_t flags_at)
{
  for (unsigned i = 0; i < cpu->n_rams; i++)
    if (holds (cpu->rams[i], flags_at))
      return cpu->rams[i];
  g_assert_not_reached ();
}

uint32_t
vt_jit_wrote (VtX86Cpu *cpu, uint64_t host, uint64_t flags_at, uint32_t what)
{
  uint64_t before = vt_ram_code_writes ();
  VtRam *ram = ram_of_flags (cpu, flags_at);
  uint64_t page = (flags_at - (uint64_t) (uintptr_t) ram->page_flags) << VT_PAGE_SHIFT;
  if (host != 0)
    vt_ram_wrote (ram, host - (uint64_t) (uintptr_t) ram->host, what & JIT_FILL_SIZE);
  else
    vt_ram_wrote (ram, page, VT_PAGE_SIZE);
  uint32_t where = what >> JIT_WHERE_SHIFT;
  if (vt_ram_code_writes () == before || where == JIT_NOWHERE)
    return 0;
  return leave_at (cpu, where, JIT_EXIT_LOOKUP);
}

/* --- x87 ---------------------------------------------------------------------------------------------------------- */

/* The image of FNSAVE in 32-bit form: control, status, tags, pointers, then eight registers of ten bytes from ST0 on. */
#define IMAGE_FSW 4
#define IMAGE_FTW 8
#define IMAGE_ST  28

uint32_t
vt_jit_x87_to_image (VtX86Cpu *cpu)
{
  const VtX86State *s = &cpu->s;
  uint8_t *image = cpu->translated.x87_image;
  unsigned top = s->fsw >> 11 & 7;
  uint32_t tags = 0;
  memset (image, 0, IMAGE_ST);
  for (unsigned i = 0; i < 8; i++)
    {
      /* FRSTOR only looks whether a register is empty. */
      if (!(s->ftw >> i & 1))
        tags |= 3u << 2 * i;
      memcpy (image + IMAGE_ST + 10 * i, s->st[(top + i) & 7], 10);
    }
  vt_store_le (image, s->fcw, 2);
  vt_store_le (image + IMAGE_FSW, s->fsw, 2);
  vt_store_le (image + IMAGE_FTW, tags, 2);
  cpu->translated.x87_place = VT_JIT_NO_PLACE;
  return 0;
}

void
vt_jit_x87_from_image (VtX86Cpu *cpu)
{
  VtX86State *s = &cpu->s;
  const uint8_t *image = cpu->translated.x87_image;
  if (!cpu->translated.x87_saved)
    return;
  cpu->translated.x87_saved = 0;
  s->fcw = (uint16_t) vt_load_le (image, 2);
  s->fsw = (uint16_t) vt_load_le (image + IMAGE_FSW, 2);
  unsigned top = s->fsw >> 11 & 7, tags = (unsigned) vt_load_le (image + IMAGE_FTW, 2);
  s->ftw = 0;
  for (unsigned i = 0; i < 8; i++)
    {
      if ((tags >> 2 * i & 3) != 3)
        s->ftw |= (uint8_t) (1u << i);
      memcpy (s->st[(top + i) & 7], image + IMAGE_ST + 10 * i, 10);
    }
  uint32_t place = cpu->translated.x87_place;
  if (place == VT_JIT_NO_PLACE)
    return;
  s->fip = cpu->translated.x87_page + (place & 0xffff);
  s->fcs = vt_x86_has (cpu->model, X86_FEATURE_ZERO_FCS_FDS) ? 0 : s->seg[VT_CS].selector;
  s->fop = place >> 16;
}

/* --- Operations of the interpreter ---------------------------------------------------------------------------------- */

/* A processor that waits for another, which may have no host processor to run on. */
static void
let_others_run (VtJit *jit)
{
  if (jit->cpu->vcpu.exclusive != NULL && ++jit->pauses % PAUSES_IN_A_ROW == 0)
    g_thread_yield ();
}

uint32_t
vt_jit_op (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where)
{
  uint64_t user = cpu->user_generation, global = cpu->global_generation;
  uint64_t before = vt_ram_code_writes (), mask = cpu->code_bits == 64 ? UINT64_MAX : UINT32_MAX;
  uint64_t rip = (cpu->translated.page_rip + (where & 0xffff)) & mask;
  bool no_flags = (where & JIT_OP_NO_FLAGS) != 0;
  uint8_t shadow = cpu->s.shadow;
  VtJit *jit = cpu->accel_data;
  vt_jit_x87_from_image (cpu);
  jit->flags_here = no_flags;
  if (!no_flags)
    vt_jit_flags_to_state (cpu);
  cpu->s.rip = rip;
  cpu->next_rip = rip + insn->length;
  cpu->insn = insn;
  cpu->block_stop = insn + 1;
  insn->op (cpu, insn);
  if (insn->mnemonic == ZYDIS_MNEMONIC_PAUSE)
    let_others_run (jit);
  cpu->insn = NULL;
  cpu->vcpu.stats.instructions++;
  if (!no_flags)
    vt_jit_flags_from_state (cpu);
  jit->flags_here = false;
  vt_jit_set_segment_tops (cpu);
  cpu->s.rip = cpu->next_rip;
  cpu->translated.exit_kind = JIT_EXIT_LOOKUP;
  /* It was the one behind an STI. */
  cpu->s.shadow &= (uint8_t) ~shadow;
  return cpu->s.shadow != 0 || cpu->next_rip != rip + insn->length || vt_vcpu_requests (&cpu->vcpu) != 0 || vt_ram_code_writes () != before
         || cpu->user_generation != user || cpu->global_generation != global || vt_jit_mode (cpu) != (where & ~JIT_OP_NO_FLAGS) >> JIT_WHERE_SHIFT;
}

/* The instruction after STI runs before interrupts come. */
static bool
pass_shadow (VtX86Cpu *cpu)
{
  bool shadow_only = (cpu->s.rflags & (X86_RFLAGS_TF | X86_RFLAGS_RF)) == 0 && cpu->pending_db == 0 && (cpu->s.dr[7] & 0xff) == 0;
  if (!shadow_only)
    return false;
  vt_x86_interp_run_one (cpu);
  vt_x86_update_checks (cpu);
  return !cpu->attention;
}

/* Where translated code goes on at RIP, if nothing stands against it. */
static const void *
go_on (VtX86Cpu *cpu)
{
  VtJit *jit = cpu->accel_data;
  vt_x86_update_checks (cpu);
  if (cpu->attention && !pass_shadow (cpu))
    return NULL;
  if (vt_vcpu_requests (&cpu->vcpu) != 0 || cpu->s.activity != VT_X86_RUNNING || vt_ram_code_writes () != jit->code_writes)
    return NULL;
  unsigned mode = vt_jit_mode (cpu);
  if (mode == JIT_MODE_NONE)
    return NULL;
  vt_jit_set_context (jit, mode);
  vt_jit_set_segment_tops (cpu);
  cpu->translated.page_rip = vt_jit_page_rip (cpu, cpu->s.rip);
  return vt_jit_find_jump (cpu, cpu->s.rip);
}

const void *
vt_jit_system (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where)
{
  uint64_t mask = cpu->code_bits == 64 ? UINT64_MAX : UINT32_MAX;
  vt_jit_x87_from_image (cpu);
  vt_jit_flags_to_state (cpu);
  cpu->s.rip = (cpu->translated.page_rip + (where & 0xffff)) & mask;
  cpu->next_rip = cpu->s.rip + insn->length;
  cpu->insn = insn;
  cpu->block_stop = insn + 1;
  insn->op (cpu, insn);
  cpu->insn = NULL;
  cpu->vcpu.stats.instructions++;
  cpu->s.rip = cpu->next_rip;
  cpu->translated.exit_kind = JIT_EXIT_LOOKUP;
  const void *code = go_on (cpu);
  vt_jit_flags_from_state (cpu);
  return code;
}

/* --- Jumps that the table does not know ----------------------------------------------------------------------------- */

const void *
vt_jit_lookup (VtX86Cpu *cpu, uint64_t key, uint32_t where)
{
  VtJit *jit = cpu->accel_data;
  uint64_t rip = key ^ cpu->translated.context;
  const void *code = NULL;
  if (vt_jit_may_fetch (cpu, rip))
    code = vt_jit_find_translated (jit, rip, vt_jit_mode (cpu));
  if (code == NULL && where != JIT_NOWHERE)
    leave_at (cpu, where, JIT_EXIT_INTERPRET);
  else if (code == NULL)
    {
      cpu->s.rip = rip;
      cpu->translated.exit_kind = JIT_EXIT_LOOKUP;
    }
  return code;
}
