/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System instructions written out, where the state is in the common case; the rest are the interpreter's operations, called.
 *
 * What is certain while translated code runs: TF, RF and shadows are clear and no debug register is armed, since otherwise the
 * interpreter goes instruction by instruction; the CPL is 3, or 0 unless JIT_MODE_RINGS says so; alignment is not checked.
 *
 * SYSCALL and SYSRET are shared pieces of code, which check everything before they change anything, and find the target in the
 * table of known jumps.
 */
#include "jit-hot.h"
#include "jit-lockstep.h"
#include "jit-returns.h"
#include "jit-stack.h"

#include <Zydis/Mnemonic.h>

#include "x86-model.h"
#include "x86-sys.h"

#define CPU(member) offsetof (VtX86Cpu, member)
#define LINE(member) (offsetof (VtX86Cpu, tsc_line) + offsetof (VtX86TscLine, member))

/* What the two load from R11 and SFMASK (syscall.c). */
#define SYSCALL_FLAGS 0x003f7fd5u
#define SYSRET_FLAGS  0x003c7fd5u

/* --- Which ------------------------------------------------------------------------------------------------------------ */

static unsigned
kind_of (const VtJitTr *tr)
{
  return (tr->mode & JIT_MODE_KIND) >> JIT_MODE_KIND_SHIFT;
}

static bool
at_cpl0 (const VtJitTr *tr)
{
  return kind_of (tr) != VT_X86_TLB_USER && !(tr->mode & JIT_MODE_RINGS);
}

static bool
has (const VtJitTr *tr, unsigned feature)
{
  return vt_x86_has (tr->jit->cpu->model, feature);
}

static bool
is_stack_sized (const VtJitTr *tr, const VtX86Insn *x)
{
  return x->opsize == (tr->is64 ? 8 : 4) || (tr->segmented && x->opsize == 2);
}

/* MOV from a control register or selector to a general one. */
static bool
is_plain_move (const VtJitTr *tr, const VtX86Insn *x)
{
  if (x->kind[0] == VT_OPND_GPR && x->kind[1] == VT_OPND_CR)
    return at_cpl0 (tr) && (x->reg[1] == 0 || (x->reg[1] >= 2 && x->reg[1] <= 4));
  return x->kind[0] == VT_OPND_GPR && x->kind[1] == VT_OPND_SEG && x->reg[1] < VT_SEG_COUNT;
}

/* With AC as it is already nothing changes. */
static bool
is_idle_smap (const VtJitTr *tr, const VtX86Insn *x)
{
  unsigned wanted = x->mnemonic == ZYDIS_MNEMONIC_STAC ? VT_X86_TLB_SMAP_OFF : VT_X86_TLB_SYSTEM;
  return at_cpl0 (tr) && has (tr, X86_FEATURE_SMAP) && kind_of (tr) == wanted;
}

bool
vt_jit_is_written_out (const VtJitTr *tr, const VtJitInsn *in)
{
  const VtX86Insn *x = &in->x;
  if (x->op == vt_x86_op_undefined || !vt_jit_has (tr->jit, VT_JIT_SYSTEM))
    return false;
  switch (x->mnemonic)
    {
    case ZYDIS_MNEMONIC_CLD: case ZYDIS_MNEMONIC_STD:
      return true;
    case ZYDIS_MNEMONIC_CLI: case ZYDIS_MNEMONIC_STI:
      return at_cpl0 (tr);
    case ZYDIS_MNEMONIC_PUSHFQ: case ZYDIS_MNEMONIC_PUSHFD: case ZYDIS_MNEMONIC_PUSHF:
      /* Undefined flags would get where the comparison cannot excuse them. Virtual-8086 mode asks for IOPL first. */
      return is_stack_sized (tr, x) && tr->jit->lockstep == NULL && (!tr->segmented || at_cpl0 (tr));
    case ZYDIS_MNEMONIC_RDTSC: case ZYDIS_MNEMONIC_RDTSCP:
      return tr->jit->cpu->tsc_line.wanted && (x->mnemonic == ZYDIS_MNEMONIC_RDTSC || has (tr, X86_FEATURE_RDTSCP));
    case ZYDIS_MNEMONIC_SWAPGS:
      return tr->is64 && at_cpl0 (tr);
    case ZYDIS_MNEMONIC_RDFSBASE: case ZYDIS_MNEMONIC_RDGSBASE: case ZYDIS_MNEMONIC_WRFSBASE: case ZYDIS_MNEMONIC_WRGSBASE:
      return tr->is64;
    case ZYDIS_MNEMONIC_CLAC: case ZYDIS_MNEMONIC_STAC:
      return is_idle_smap (tr, x);
    case ZYDIS_MNEMONIC_MOV:
      return is_plain_move (tr, x);
    default:
      return false;
    }
}

unsigned
vt_jit_inline_reads (const VtJitInsn *in)
{
  unsigned mnemonic = in->x.mnemonic;
  bool pushf = mnemonic == ZYDIS_MNEMONIC_PUSHFQ || mnemonic == ZYDIS_MNEMONIC_PUSHFD || mnemonic == ZYDIS_MNEMONIC_PUSHF;
  return pushf ? F_ALL : 0;
}

unsigned
vt_jit_inline_writes (const VtJitInsn *in)
{
  switch (in->x.mnemonic)
    {
    case ZYDIS_MNEMONIC_CLD: case ZYDIS_MNEMONIC_STD: case ZYDIS_MNEMONIC_CLI: case ZYDIS_MNEMONIC_STI:
    case ZYDIS_MNEMONIC_CLAC: case ZYDIS_MNEMONIC_STAC: case ZYDIS_MNEMONIC_SWAPGS:
      return 0;
    case ZYDIS_MNEMONIC_RDTSC:
      return 1u << VT_RAX | 1u << VT_RDX;
    default:
      return 0xffff;
    }
}

/* --- Pieces ----------------------------------------------------------------------------------------------------------- */

static void
store_imm8 (VtEmit *e, size_t off, unsigned value)
{
  emit_insn (e, (VtEnc) { .opcode = 0xc6, .rm8 = true }, 0, rm_gs (off));
  emit8 (e, value);
}

static void
compare_imm8 (VtEmit *e, size_t off, unsigned value)
{
  emit_insn (e, (VtEnc) { .opcode = 0x80, .rm8 = true }, 7, rm_gs (off));
  emit8 (e, value);
}

static void
test_imm32 (VtEmit *e, VtRm rm, uint32_t bits)
{
  emit_op32 (e, 0xf7, 0, rm);
  emit32 (e, bits);
}

/* reg := reg shifted: 4 SHL, 5 SHR, 7 SAR */
static void
shift (VtEmit *e, unsigned w, unsigned op, unsigned reg, unsigned by)
{
  emit_insn (e, (VtEnc) { .w = (uint8_t) w, .opcode = 0xc1 }, op, rm_reg (reg));
  emit8 (e, by);
}

/* The interpreter's operation, unless the jump that was just emitted is not taken. */
static void
slow_op_if (VtJitTr *tr, unsigned cc, VtJitSlow **list, unsigned *n)
{
  list[(*n)++] = vt_jit_slow (tr, SLOW_OP, emit_jcc (&tr->e, cc));
}

/* All of them come back here. */
static void
come_back (VtJitTr *tr, VtJitSlow **list, unsigned n)
{
  tr->x87_live = false;
  for (unsigned i = 0; i < n; i++)
    list[i]->back = tr->e.at;
}

/* What follows changes the host's flags, and may call the interpreter. */
static void
put_flags_away (VtJitTr *tr, unsigned live)
{
  vt_jit_flags_clobber (tr, live);
  vt_jit_flags_put_recipe (tr);
}

/* T0 := RFLAGS, whose arithmetic flags are in memory; T1 is lost. */
static void
emit_rflags (VtEmit *e)
{
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xb6 }, T1, rm_gs (TRANSLATED (flags)));       /* movzx: OF */
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xb6 }, T0, rm_gs (TRANSLATED (flags) + 1));   /* what LAHF gave */
  shift (e, 0, 4, T1, 11);
  emit_op32 (e, 0x0b, T0, rm_reg (T1));
  emit_load32 (e, T1, rm_gs (STATE (rflags)));
  emit_group1 (e, 0, 4, rm_reg (T1), (int32_t) ~X86_RFLAGS_ARITH);
  emit_op32 (e, 0x0b, T0, rm_reg (T1));
}

/* RFLAGS := T0, the arithmetic flags to where they are kept. T0 is lost. */
static void
emit_put_rflags (VtEmit *e)
{
  emit_store64 (e, rm_gs (STATE (rflags)), T0);
  emit_insn (e, (VtEnc) { .opcode = 0x88, .reg8 = true }, T0, rm_gs (TRANSLATED (flags) + 1));
  shift (e, 0, 5, T0, 11);
  emit_group1 (e, 0, 4, rm_reg (T0), 1);
  emit_insn (e, (VtEnc) { .opcode = 0x88, .reg8 = true }, T0, rm_gs (TRANSLATED (flags)));
  emit_store_imm32 (e, rm_gs (TRANSLATED (flags_site)), 0);
}

/* --- Interrupts and flags ----------------------------------------------------------------------------------------------- */

static void
cli (VtJitTr *tr)
{
  put_flags_away (tr, tr->in->live_before);
  emit_group1 (&tr->e, 0, 4, rm_gs (STATE (rflags)), (int32_t) ~X86_RFLAGS_IF);
}

static void
direction (VtJitTr *tr, bool down)
{
  put_flags_away (tr, tr->in->live_before);
  if (down)
    emit_group1 (&tr->e, 0, 1, rm_gs (STATE (rflags)), X86_RFLAGS_DF);
  else
    emit_group1 (&tr->e, 0, 4, rm_gs (STATE (rflags)), (int32_t) ~X86_RFLAGS_DF);
}

/* Whatever leaves translated code before the next instruction is done finds the shadow in the state. Nothing polls in
 * between. */
static bool
sti (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  VtJitSlow *slow[1];
  unsigned n = 0;
  if (tr->last_of_block)
    return false;
  put_flags_away (tr, tr->in->live_before);
  compare_imm8 (e, CPU (events_deferred), 0);
  slow_op_if (tr, CC_NE, slow, &n);
  test_imm32 (e, rm_gs (STATE (rflags)), X86_RFLAGS_IF);
  uint8_t *open = emit_jcc (e, CC_NE);
  emit_group1 (e, 0, 1, rm_gs (STATE (rflags)), X86_RFLAGS_IF);
  store_imm8 (e, STATE (shadow), VT_X86_SHADOW_STI);
  emit_patch (open, e->at);
  come_back (tr, slow, n);
  tr->in[1].ends_shadow = true;
  return true;
}

void
vt_jit_end_shadow (VtJitTr *tr)
{
  store_imm8 (&tr->e, STATE (shadow), 0);
}

static void
pushf (VtJitTr *tr)
{
  vt_jit_flags_need (tr);
  vt_jit_emit_save_flags (&tr->e);
  tr->flags_mem = true;
  tr->flags_host = tr->flags_lazy = tr->flags_recipe = false;
  emit_rflags (&tr->e);
  emit_store64 (&tr->e, rm_slot (SLOT_VALUE), T0);
  vt_jit_push_slot (tr, SLOT_VALUE, tr->in->live_after);
}

/* --- Registers --------------------------------------------------------------------------------------------------------------- */

static void
swapgs (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  emit_load64 (e, T0, rm_gs (STATE (seg[VT_GS].base)));
  emit_load64 (e, T1, rm_gs (STATE (kernel_gs_base)));
  emit_store64 (e, rm_gs (STATE (kernel_gs_base)), T0);
  emit_store64 (e, rm_gs (STATE (seg[VT_GS].base)), T1);
}

static void
plain_move (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  const VtX86Insn *x = &tr->in->x;
  static const size_t cr[] = { STATE (cr0), 0, STATE (cr2), STATE (cr3), STATE (cr4) };
  if (x->kind[1] == VT_OPND_CR)
    emit_insn (e, (VtEnc) { .w = tr->is64, .opcode = 0x8b }, T0, rm_gs (cr[x->reg[1]]));
  else
    emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xb7 }, T0, rm_gs (STATE (seg) + x->reg[1] * sizeof (VtX86Seg)
                                                                    + offsetof (VtX86Seg, selector)));
  if (x->kind[1] == VT_OPND_SEG && x->opsize == 2)
    {
      unsigned to = vt_jit_reg (tr, x->reg[0], T1);
      emit_insn (e, (VtEnc) { .p66 = 0x66, .opcode = 0x8b }, to, rm_reg (T0));
      vt_jit_put_reg (tr, x->reg[0], to);
      return;
    }
  vt_jit_put_reg (tr, x->reg[0], T0);
}

static void
fsgsbase (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  const VtX86Insn *x = &tr->in->x;
  bool write = x->mnemonic == ZYDIS_MNEMONIC_WRFSBASE || x->mnemonic == ZYDIS_MNEMONIC_WRGSBASE;
  bool gs = x->mnemonic == ZYDIS_MNEMONIC_RDGSBASE || x->mnemonic == ZYDIS_MNEMONIC_WRGSBASE;
  size_t base = gs ? STATE (seg[VT_GS].base) : STATE (seg[VT_FS].base);
  unsigned wide = x->opsize == 8;
  VtJitSlow *slow[2];
  unsigned n = 0;
  put_flags_away (tr, tr->in->live_before);
  test_imm32 (e, rm_gs (STATE (cr4)), X86_CR4_FSGSBASE);
  slow_op_if (tr, CC_E, slow, &n);
  if (!write)
    {
      emit_insn (e, (VtEnc) { .w = (uint8_t) wide, .opcode = 0x8b }, T0, rm_gs (base));
      vt_jit_put_reg (tr, x->reg[0], T0);
    }
  else
    {
      emit_insn (e, (VtEnc) { .w = (uint8_t) wide, .opcode = 0x8b }, T0, rm_reg (vt_jit_reg (tr, x->reg[0], T0)));
      emit_mov64 (e, T1, T0);
      shift (e, 1, 4, T1, 16);
      shift (e, 1, 7, T1, 16);
      emit_op64 (e, 0x3b, T1, rm_reg (T0));
      slow_op_if (tr, CC_NE, slow, &n);
      emit_store64 (e, rm_gs (base), T0);
    }
  come_back (tr, slow, n);
}

/* RAX := the host's, RDX is lost. RDTSCP waits for what comes before it, and writes RCX. */
static void
emit_host_tsc (VtEmit *e, bool waits)
{
  emit8 (e, 0x0f);
  emit8 (e, waits ? 0x01 : 0x31);
  if (waits)
    emit8 (e, 0xf9);
  shift (e, 1, 4, H_RDX, 32);
  emit_op64 (e, 0x0b, H_RAX, rm_reg (H_RDX));
}

/* RDX:RAX := time; for a program only if CR4.TSD lets it. */
static void
rdtsc (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  VtJitSlow *slow[2];
  unsigned n = 0;
  put_flags_away (tr, tr->in->live_before);
  if (!at_cpl0 (tr))
    {
      test_imm32 (e, rm_gs (STATE (cr4)), X86_CR4_TSD);
      slow_op_if (tr, CC_NE, slow, &n);
    }
  emit_host_tsc (e, tr->in->x.mnemonic == ZYDIS_MNEMONIC_RDTSCP);
  emit_op64 (e, 0x2b, H_RAX, rm_gs (LINE (zero)));
  emit_op64 (e, 0x3b, H_RAX, rm_gs (LINE (room)));
  slow_op_if (tr, CC_A, slow, &n);
  emit_insn (e, (VtEnc) { .w = 1, .map = 1, .opcode = 0xaf }, H_RAX, rm_gs (LINE (rate)));   /* imul */
  shift (e, 1, 5, H_RAX, 32);
  emit_op64 (e, 0x03, H_RAX, rm_gs (LINE (ticks)));
  emit_op64 (e, 0x03, H_RAX, rm_gs (STATE (tsc_offset)));
  emit_mov64 (e, H_RDX, H_RAX);
  shift (e, 1, 5, H_RDX, 32);
  emit_mov32 (e, H_RAX, H_RAX);
  if (tr->in->x.mnemonic == ZYDIS_MNEMONIC_RDTSCP)
    emit_load32 (e, H_RCX, rm_gs (STATE (tsc_aux)));
  come_back (tr, slow, n);
}

bool
vt_jit_inline (VtJitTr *tr)
{
  switch (tr->in->x.mnemonic)
    {
    case ZYDIS_MNEMONIC_CLD:
      direction (tr, false);
      return true;
    case ZYDIS_MNEMONIC_STD:
      direction (tr, true);
      return true;
    case ZYDIS_MNEMONIC_CLI:
      cli (tr);
      return true;
    case ZYDIS_MNEMONIC_STI:
      return sti (tr);
    case ZYDIS_MNEMONIC_PUSHFQ: case ZYDIS_MNEMONIC_PUSHFD: case ZYDIS_MNEMONIC_PUSHF:
      pushf (tr);
      return true;
    case ZYDIS_MNEMONIC_SWAPGS:
      swapgs (tr);
      return true;
    case ZYDIS_MNEMONIC_RDTSC: case ZYDIS_MNEMONIC_RDTSCP:
      rdtsc (tr);
      return true;
    case ZYDIS_MNEMONIC_MOV:
      plain_move (tr);
      return true;
    case ZYDIS_MNEMONIC_CLAC: case ZYDIS_MNEMONIC_STAC:
      return true;
    default:
      fsgsbase (tr);
      return true;
    }
}

void
vt_jit_emit_slow_op (VtJitTr *tr, VtJitSlow *slow)
{
  tr->in = &tr->insns[slow->insn];
  tr->uncounted = slow->uncounted + 1;
  tr->flags_host = tr->flags_recipe = false;
  vt_jit_call_op (tr);
  /* Those before it and itself are counted where the block says so. */
  vt_jit_count (tr, -(slow->uncounted + 1));
  emit_jmp_to (&tr->e, slow->back);
}

/* --- Other privileges ------------------------------------------------------------------------------------------------------- */

/* lea reg, [rip + x]; returns the place of x. */
static uint8_t *
emit_lea_here (VtEmit *e, unsigned reg)
{
  emit8 (e, 0x48);
  emit8 (e, 0x8d);
  emit8 (e, 0x05 | (reg & 7) << 3);
  e->at += 4;
  return e->at - 4;
}

static void
emit_next_rip (VtJitTr *tr)
{
  emit_load64 (&tr->e, T0, rm_gs (TRANSLATED (page_rip)));
  emit_lea64 (&tr->e, T0, T0, tr->in->off + tr->in->x.length);
}

/* TLB, jumps and tests of privilege are those of `kind` from here on; return addresses mean nothing there. T1 is lost. */
static void
emit_kind (VtEmit *e, unsigned kind)
{
  store_imm8 (e, CPU (tlb_kind), kind);
  emit_load64 (e, T1, rm_gs (TRANSLATED (self)));
  emit_lea64 (e, T1, T1, (int32_t) (VT_X86_TLBS_OFFSET + kind * sizeof (VtX86Tlb) + offsetof (VtX86Tlb, fast)));
  emit_store64 (e, rm_gs (CPU (tlb)), T1);
  emit_load64 (e, T1, rm_gs (TRANSLATED (contexts) + 8 * kind));
  emit_store64 (e, rm_gs (TRANSLATED (context)), T1);
  vt_jit_emit_forget_returns (e);
}

/* AC decides which TLB the supervisor uses. */
static void
emit_smap (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  bool stac = tr->in->x.mnemonic == ZYDIS_MNEMONIC_STAC;
  put_flags_away (tr, F_ALL);
  vt_jit_count (tr, 1);
  if (stac)
    emit_group1 (e, 0, 1, rm_gs (STATE (rflags)), X86_RFLAGS_AC);
  else
    emit_group1 (e, 0, 4, rm_gs (STATE (rflags)), (int32_t) ~X86_RFLAGS_AC);
  emit_kind (e, stac ? VT_X86_TLB_SMAP_OFF : VT_X86_TLB_SYSTEM);
  emit_next_rip (tr);
  vt_jit_emit_home (tr);
  emit_jmp_to (e, tr->jit->stubs.jump);
}

static void
emit_through (VtJitTr *tr, const uint8_t *stub)
{
  VtEmit *e = &tr->e;
  put_flags_away (tr, F_ALL);
  vt_jit_count (tr, 1);
  uint8_t *plain_case_not = emit_lea_here (e, T1);
  emit_store64 (e, rm_slot (SLOT_CODE), T1);
  emit_next_rip (tr);
  vt_jit_emit_home (tr);
  vt_jit_set_home (tr);
  emit_jmp_to (e, stub);
  emit_patch (plain_case_not, e->at);
  vt_jit_count (tr, -1);
}

void
vt_jit_system_branch (VtJitTr *tr)
{
  const VtX86Insn *x = &tr->in->x;
  bool known = tr->is64 && x->op != vt_x86_op_undefined && vt_jit_has (tr->jit, VT_JIT_SYSTEM);
  if (known && (x->mnemonic == ZYDIS_MNEMONIC_CLAC || x->mnemonic == ZYDIS_MNEMONIC_STAC) && at_cpl0 (tr) && has (tr, X86_FEATURE_SMAP))
    {
      emit_smap (tr);
      return;
    }
  if (known && x->mnemonic == ZYDIS_MNEMONIC_SYSCALL)
    emit_through (tr, tr->jit->stubs.syscall);
  else if (known && x->mnemonic == ZYDIS_MNEMONIC_SYSRET && at_cpl0 (tr) && x->opsize == 8)
    emit_through (tr, tr->jit->stubs.sysret);
  vt_jit_call_system (tr);
  vt_jit_set_away (tr);
}

/* --- Shared pieces ------------------------------------------------------------------------------------------------------------ */

/* On at RIP T0, in whatever mode it is now. */
static void
make_jump (VtJit *jit, VtEmit *e)
{
  jit->stubs.jump = e->at;
  if (jit->lockstep != NULL)
    emit_store_imm32 (e, rm_gs (TRANSLATED (live)), F_ALL);
  uint8_t *miss = vt_jit_emit_find_jump (e);
  uint8_t *found = e->at;
  emit_op64 (e, 0x33, T0, rm_gs (TRANSLATED (context)));
  emit_group1 (e, 1, 4, rm_reg (T0), -(int32_t) VT_PAGE_SIZE);
  emit_store64 (e, rm_gs (TRANSLATED (page_rip)), T0);
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 4, rm_reg (T1));
  emit_patch (miss, e->at);
  emit_store64 (e, rm_slot (SLOT_IDX), T0);
  emit_imm64 (e, T1, JIT_NOWHERE);
  emit_call_to (e, jit->stubs.lookup);
  emit_load64 (e, T0, rm_slot (SLOT_IDX));
  emit_jmp_to (e, found);
}

static void
emit_not_plain (VtEmit *e)
{
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 4, rm_slot (SLOT_CODE));
}

/* A flat segment: selector in T1, 16 bits. */
static void
emit_flat (VtEmit *e, unsigned seg, uint32_t attr)
{
  size_t at = STATE (seg) + seg * sizeof (VtX86Seg);
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xb7 }, T1, rm_reg (T1));   /* movzx */
  emit_store64 (e, rm_gs (at + offsetof (VtX86Seg, selector)), T1);
  emit_store_imm32 (e, rm_gs (at + offsetof (VtX86Seg, base)), 0);
  emit_store_imm32 (e, rm_gs (at + offsetof (VtX86Seg, base) + 4), 0);
  emit_store_imm32 (e, rm_gs (at + offsetof (VtX86Seg, limit)), UINT32_MAX);
  emit_store_imm32 (e, rm_gs (at + offsetof (VtX86Seg, attr)), attr);
}

/* CS and SS as syscall.c sets them, of STAR's bits from `shift` on. */
static void
emit_flat_segments (VtEmit *e, unsigned by, unsigned cpl, unsigned cs, unsigned ss)
{
  uint32_t attr = VT_X86_FLAT_DATA | cpl << X86_SEG_DPL_SHIFT;
  for (unsigned i = 0; i < 2; i++)
    {
      emit_load64 (e, T1, rm_gs (STATE (star)));
      shift (e, 1, 5, T1, by);
      if (cpl == 0)
        emit_group1 (e, 0, 4, rm_reg (T1), 0xfffc);
      emit_group1 (e, 0, 0, rm_reg (T1), (int32_t) (i == 0 ? cs : ss));
      if (cpl != 0)
        emit_group1 (e, 0, 1, rm_reg (T1), 3);
      emit_flat (e, i == 0 ? VT_CS : VT_SS, i == 0 ? (attr & ~X86_SEG_DB) | X86_SEG_L | X86_TYPE_CODE : attr);
    }
}

/* T0: RIP behind it. */
static void
make_syscall (VtJit *jit, VtEmit *e)
{
  jit->stubs.syscall = e->at;
  emit_store64 (e, rm_slot (SLOT_PAGE), T0);
  emit_group1 (e, 0, 7, rm_gs (TRANSLATED (flags_site)), 0);
  uint8_t *there = emit_jcc (e, CC_E);
  emit_call_to (e, jit->stubs.make_flags);
  emit_patch (there, e->at);
  emit_rflags (e);
  emit_store64 (e, rm_slot (SLOT_VALUE), T0);
  emit_load32 (e, T1, rm_gs (STATE (sfmask)));
  emit_group1 (e, 0, 4, rm_reg (T1), SYSCALL_FLAGS);
  emit_vex (e, 2, 0, 0, 0, 0xf2, T0, T1, rm_reg (T0));   /* andn: T0 := ~T1 & T0 */
  emit_group1 (e, 0, 1, rm_reg (T0), X86_RFLAGS_ONE);
  test_imm32 (e, rm_reg (T0), X86_RFLAGS_AC);
  uint8_t *odd = emit_jcc (e, CC_NE);
  test_imm32 (e, rm_gs (STATE (efer)), X86_EFER_SCE);
  uint8_t *off = emit_jcc (e, CC_E);
  emit_put_rflags (e);
  emit_load64 (e, H_RCX, rm_slot (SLOT_PAGE));
  emit_load64 (e, T0, rm_slot (SLOT_VALUE));
  emit_store64 (e, rm_gs (STATE (gpr) + 8 * VT_R11), T0);
  emit_flat_segments (e, 32, 0, 0, 8);
  store_imm8 (e, CPU (cpl), 0);
  emit_kind (e, VT_X86_TLB_SYSTEM);
  emit_load64 (e, T0, rm_gs (STATE (lstar)));
  emit_jmp_to (e, jit->stubs.jump);
  emit_patch (odd, e->at);
  emit_patch (off, e->at);
  emit_not_plain (e);
}

/* To 64-bit code. IF may open the window for what waits: then C looks. */
static void
make_sysret (VtJit *jit, VtEmit *e)
{
  uint8_t *odd[4];
  unsigned n = 0;
  jit->stubs.sysret = e->at;
  emit_mov64 (e, T1, H_RCX);
  shift (e, 1, 4, T1, 16);
  shift (e, 1, 7, T1, 16);
  emit_op64 (e, 0x3b, T1, rm_reg (H_RCX));
  odd[n++] = emit_jcc (e, CC_NE);
  test_imm32 (e, rm_gs (STATE (efer)), X86_EFER_SCE);
  odd[n++] = emit_jcc (e, CC_E);
  compare_imm8 (e, CPU (events_deferred), 0);
  odd[n++] = emit_jcc (e, CC_NE);
  emit_load32 (e, T0, rm_gs (STATE (gpr) + 8 * VT_R11));
  test_imm32 (e, rm_reg (T0), X86_RFLAGS_TF | X86_RFLAGS_AC);
  odd[n++] = emit_jcc (e, CC_NE);
  emit_load32 (e, T1, rm_gs (STATE (rflags)));
  emit_group1 (e, 0, 4, rm_reg (T0), SYSRET_FLAGS);
  emit_group1 (e, 0, 4, rm_reg (T1), (int32_t) ~SYSRET_FLAGS);
  emit_op32 (e, 0x0b, T0, rm_reg (T1));
  emit_group1 (e, 0, 1, rm_reg (T0), X86_RFLAGS_ONE);
  emit_put_rflags (e);
  emit_flat_segments (e, 48, 3, 16, 8);
  store_imm8 (e, CPU (cpl), 3);
  emit_kind (e, VT_X86_TLB_USER);
  emit_mov64 (e, T0, H_RCX);
  emit_jmp_to (e, jit->stubs.jump);
  while (n > 0)
    emit_patch (odd[--n], e->at);
  emit_not_plain (e);
}

void
vt_jit_make_system_stubs (VtJit *jit, VtEmit *e)
{
  make_jump (jit, e);
  make_syscall (jit, e);
  make_sysret (jit, e);
}
