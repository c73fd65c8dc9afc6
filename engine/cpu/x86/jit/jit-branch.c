/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ways out of a block.
 *
 * To the same region: a jump. To the same page: a jump that goes to the run loop first and is then made direct, with the
 * arithmetic flags wherever they happen to be. To anywhere else: through the table of known jumps, with the flags in memory.
 */
#include "jit-far.h"
#include "jit-hot.h"
#include "jit-returns.h"
#include "jit-stack.h"

int32_t
vt_jit_branch_target (const VtJitTr *tr, const VtJitInsn *in)
{
  return (int32_t) (in->off + in->x.length + (int32_t) in->x.disp);
}

static bool
in_page (const VtJitTr *tr, int32_t off)
{
  return off >= 0 && off < (int32_t) VT_PAGE_SIZE && !tr->far[off] && !(tr->mode & JIT_MODE_EDGE);
}

/* --- The table of known jumps ------------------------------------------------------------------------------------------ */

uint8_t *
vt_jit_emit_find_jump (VtEmit *e)
{
  emit_op64 (e, 0x33, T0, rm_gs (TRANSLATED (context)));
  emit_vex (e, 3, 3, 1, 0, 0xf0, T1, 0, rm_reg (T0));   /* rorx rsi, rdi, 9 */
  emit8 (e, 9);
  emit_op32 (e, 0x33, T1, rm_reg (T0));
  emit_group1 (e, 0, 4, rm_reg (T1), VT_X86_JIT_JUMPS - 1);
  emit_op64 (e, 0x3b, T0, rm_gs_index8 (T1, TRANSLATED (jump_key)));
  uint8_t *unknown = emit_jcc (e, CC_NE);
  emit_load64 (e, T1, rm_gs_index8 (T1, TRANSLATED (jump_code)));
  return unknown;
}

/* T0 = RIP. On a hit T1 is the code and T0 its page_rip; a miss goes to the returned slow path. Flags are gone. */
static VtJitSlow *
emit_lookup (VtJitTr *tr, VtJitSlowKind on_miss)
{
  VtEmit *e = &tr->e;
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_LOOKUP, vt_jit_emit_find_jump (e));
  slow->fails = on_miss;
  slow->back = e->at;
  emit_op64 (e, 0x33, T0, rm_gs (TRANSLATED (context)));
  vt_jit_emit_page_of (tr);
  return slow;
}

void
vt_jit_emit_rip (VtJitTr *tr, int32_t off)
{
  emit_load64 (&tr->e, T0, rm_gs (TRANSLATED (page_rip)));
  if (tr->is64)
    emit_lea64 (&tr->e, T0, T0, off);
  else
    emit_lea32 (&tr->e, T0, T0, off);
}

/* The same for a branch there: IP is cut to the operand size. */
static void
emit_target (VtJitTr *tr, int32_t off)
{
  vt_jit_emit_rip (tr, off);
  if (tr->in->x.opsize == 2)
    vt_jit_emit_low_half (&tr->e, T0);
}

static void
emit_jump_found (VtJitTr *tr)
{
  vt_jit_emit_home (tr);
  emit_store64 (&tr->e, rm_gs (TRANSLATED (page_rip)), T0);
  emit_insn (&tr->e, (VtEnc) { .opcode = 0xff }, 4, rm_reg (T1));
}

static void
put_found_away (VtJitTr *tr)
{
  emit_store64 (&tr->e, rm_slot (SLOT_CODE), T1);
  emit_store64 (&tr->e, rm_slot (SLOT_PAGE), T0);
}

static void
emit_jump_put_away (VtJitTr *tr, bool call)
{
  vt_jit_emit_home (tr);
  emit_load64 (&tr->e, T0, rm_slot (SLOT_PAGE));
  emit_store64 (&tr->e, rm_gs (TRANSLATED (page_rip)), T0);
  emit_insn (&tr->e, (VtEnc) { .opcode = 0xff }, call ? 2 : 4, rm_slot (SLOT_CODE));
}

/* --- Out of the region ----------------------------------------------------------------------------------------------- */

static void
emit_exit_same_page (VtJitTr *tr, int32_t off, uint8_t *site)
{
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_EXIT, site);
  slow->target = off;
  slow->way = tr->flags_host ? JIT_WAY_HOST : JIT_WAY_MEM;
}

static void
emit_look_up_far (VtJitTr *tr, int32_t off)
{
  vt_jit_emit_rip (tr, off);
  emit_lookup (tr, SLOW_POLL)->target = off;
  emit_jump_found (tr);
}

/* IP wraps around, which links do not know. */
static bool
has_far_links (const VtJitTr *tr)
{
  return vt_jit_has (tr->jit, VT_JIT_FAR_LINKS) && !tr->segmented;
}

static void
emit_exit_far (VtJitTr *tr, int32_t off)
{
  vt_jit_flags_clobber (tr, F_ALL);
  vt_jit_flags_put_recipe (tr);
  if (has_far_links (tr))
    {
      VtJitFar *link = vt_jit_emit_far_check (tr, off, SLOW_POLL);
      vt_jit_emit_far_jump (tr, link, off, false);
    }
  else
    emit_look_up_far (tr, off);
}

static void
emit_branch_far (VtJitTr *tr, int32_t off)
{
  if (!tr->segmented)
    {
      emit_exit_far (tr, off);
      return;
    }
  /* Where the target is not in the segment the branch faults. */
  vt_jit_flags_clobber (tr, F_ALL);
  vt_jit_flags_put_recipe (tr);
  emit_target (tr, off);
  emit_lookup (tr, SLOW_INTERPRET);
  emit_jump_found (tr);
}

static void
fix_later (VtJitTr *tr, uint8_t *site, int block)
{
  if (tr->blocks[block].label != NULL)
    {
      emit_patch (site, tr->blocks[block].label);
      return;
    }
  if (tr->n_fixups == G_N_ELEMENTS (tr->fixups))
    {
      tr->too_big = true;
      return;
    }
  tr->fixups[tr->n_fixups++] = (VtJitFixup) { site, (int16_t) block };
}

void
vt_jit_emit_goto (VtJitTr *tr, int block, int32_t off)
{
  if (block >= 0)
    {
      if (tr->blocks[block].live_in != 0)
        vt_jit_flags_need (tr);
      fix_later (tr, emit_jmp (&tr->e), block);
    }
  else if (in_page (tr, off))
    {
      vt_jit_flags_put_recipe (tr);
      emit_exit_same_page (tr, off, emit_jmp (&tr->e));
    }
  else
    emit_exit_far (tr, off);
}

void
vt_jit_emit_goto_back (VtJitTr *tr, int32_t off)
{
  vt_jit_emit_goto (tr, -1, off);
  if (in_page (tr, off))
    tr->slow[tr->n_slow - 1].way = JIT_WAY_BACK;
}

/* The next block follows in memory when it is the next in the table and not emitted yet. */
static void
fall_through (VtJitTr *tr, const VtJitBlock *block)
{
  int self = (int) (block - tr->blocks);
  const VtJitInsn *last = &tr->insns[block->first + block->n - 1];
  if (block->next == self + 1 && (!tr->second || tr->blocks[block->next].chained))
    {
      if (tr->blocks[block->next].live_in != 0)
        vt_jit_flags_need (tr);
      return;
    }
  vt_jit_emit_goto (tr, block->next, last->off + last->x.length);
}

/* --- Branches -------------------------------------------------------------------------------------------------------- */

static void
jcc (VtJitTr *tr, const VtJitBlock *block)
{
  const VtJitInsn *in = tr->in;
  int32_t target = vt_jit_branch_target (tr, in);
  vt_jit_flags_need (tr);
  unsigned cc = in->enc.opcode & 15;
  if (block->taken >= 0)
    fix_later (tr, emit_jcc (&tr->e, cc), block->taken);
  else if (in_page (tr, target))
    emit_exit_same_page (tr, target, emit_jcc (&tr->e, cc));
  else
    {
      uint8_t *skip = emit_jcc (&tr->e, cc ^ 1);
      bool host = tr->flags_host, mem = tr->flags_mem, lazy = tr->flags_lazy;
      emit_branch_far (tr, target);
      emit_patch (skip, tr->e.at);
      tr->flags_host = host;
      tr->flags_mem = mem;
      tr->flags_lazy = lazy;
    }
  fall_through (tr, block);
}

static void
jmp (VtJitTr *tr, const VtJitBlock *block)
{
  int32_t target = vt_jit_branch_target (tr, tr->in);
  if (block->taken >= 0 || in_page (tr, target))
    vt_jit_emit_goto (tr, block->taken, target);
  else
    emit_branch_far (tr, target);
}

/* JRCXZ leaves the flags alone, and so does LEA for the decrement of LOOP. Returns the jump that is taken. */
static uint8_t *
emit_by_rcx (VtJitTr *tr, uint8_t **other_condition)
{
  const VtJitInsn *in = tr->in;
  VtEmit *e = &tr->e;
  unsigned opcode = in->enc.opcode;
  bool wide = in->x.addrsize == 8;
  *other_condition = NULL;
  if (opcode != 0xe3)
    wide ? emit_lea64 (e, H_RCX, H_RCX, -1) : emit_lea32 (e, H_RCX, H_RCX, -1);
  if (opcode <= 0xe1)
    *other_condition = emit_jcc (e, opcode == 0xe0 ? CC_E : CC_NE);
  if (!wide)
    emit8 (e, 0x67);
  emit8 (e, 0xe3);
  if (opcode == 0xe3)
    {
      emit8 (e, 2);         /* over the jump over the jump */
      emit8 (e, 0xeb);
    }
  emit8 (e, 5);             /* over the jump */
  return emit_jmp (e);
}

static void
jcxz (VtJitTr *tr, const VtJitBlock *block)
{
  int32_t target = vt_jit_branch_target (tr, tr->in);
  uint8_t *other_condition;
  vt_jit_flags_need (tr);
  uint8_t *site = tr->in->x.addrsize == 2 ? vt_jit_emit_by_cx (tr, &other_condition) : emit_by_rcx (tr, &other_condition);
  if (block->taken >= 0)
    fix_later (tr, site, block->taken);
  else
    emit_exit_same_page (tr, target, site);
  if (other_condition != NULL)
    emit_patch (other_condition, tr->e.at);
  fall_through (tr, block);
}

/* What RET checks, the host's stack would not: the next page may be outside the code segment. */
static bool
may_pair (const VtJitTr *tr, int32_t after)
{
  return vt_jit_has (tr->jit, VT_JIT_RETURNS) && (!tr->segmented || in_page (tr, after));
}

static void
call_relative (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  int32_t target = vt_jit_branch_target (tr, in), after = in->off + in->x.length;
  /* A call of the next instruction is how 32-bit code asks for its address. */
  bool paired = may_pair (tr, after) && target != after;
  vt_jit_flags_clobber (tr, in->live_after);
  vt_jit_flags_put_recipe (tr);
  bool near = in_page (tr, target), linked = !near && has_far_links (tr);
  VtJitFar *link = linked ? vt_jit_emit_far_check (tr, target, SLOW_INTERPRET) : NULL;
  if (!near && !linked)
    {
      emit_target (tr, target);
      emit_lookup (tr, SLOW_INTERPRET);
      put_found_away (tr);
    }
  if (paired)
    vt_jit_emit_call_room (tr);
  vt_jit_push_rip (tr, after, paired, in->live_after);
  if (near)
    emit_exit_same_page (tr, target, paired ? emit_call (&tr->e) : emit_jmp (&tr->e));
  else if (linked)
    vt_jit_emit_far_jump (tr, link, target, paired);
  else
    emit_jump_put_away (tr, paired);
  if (paired)
    vt_jit_emit_return_point (tr, after);
}

/* T0 := the operand */
static void
take_target (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  VtEmit *e = &tr->e;
  vt_jit_flags_clobber (tr, F_ALL);
  if (in->enc.modrm >> 6 == 3)
    {
      unsigned host = vt_jit_reg (tr, (in->enc.modrm & 7) | in->enc.rex_b, T0);
      vt_jit_flags_put_recipe (tr);
      emit_insn (e, (VtEnc) { .w = tr->is64, .opcode = 0x8b }, T0, rm_reg (host));
      if (in->x.opsize == 2)
        vt_jit_emit_low_half (e, T0);
      return;
    }
  VtJitAddress a = vt_jit_address_of (&in->x);
  VtJitPlace place = vt_jit_emit_access (tr, &a, in->x.opsize, false, 1);
  vt_jit_load_word (tr, &place, T0);
  vt_jit_flags_put_recipe (tr);
}

static void
jmp_rm (VtJitTr *tr)
{
  take_target (tr);
  emit_lookup (tr, SLOW_INTERPRET);
  emit_jump_found (tr);
}

static void
call_rm (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  take_target (tr);
  bool paired = may_pair (tr, in->off + in->x.length);
  emit_lookup (tr, SLOW_INTERPRET);
  put_found_away (tr);
  if (paired)
    vt_jit_emit_call_room (tr);
  vt_jit_push_rip (tr, in->off + in->x.length, paired, F_ALL);
  emit_jump_put_away (tr, paired);
  if (paired)
    vt_jit_emit_return_point (tr, in->off + in->x.length);
}

void
vt_jit_emit_known_return (VtJitTr *tr, int32_t popped)
{
  emit_lookup (tr, SLOW_INTERPRET);
  vt_jit_move_sp (tr, popped);
  emit_jump_found (tr);
}

static void
ret (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  int32_t popped = in->x.opsize + (in->enc.opcode == 0xc2 ? (uint16_t) in->x.imm : 0);
  vt_jit_flags_clobber (tr, F_ALL);
  VtJitPlace place = vt_jit_access_stack (tr, VT_RSP, 0, false);
  vt_jit_load_word (tr, &place, T0);
  if (!vt_jit_has (tr->jit, VT_JIT_RETURNS))
    {
      vt_jit_emit_known_return (tr, popped);
      return;
    }
  vt_jit_move_sp (tr, popped);
  vt_jit_emit_return (tr, popped);
}

static void
leave_to_interpreter (VtJitTr *tr)
{
  vt_jit_flags_clobber (tr, F_ALL);
  vt_jit_slow (tr, SLOW_INTERPRET, emit_jmp (&tr->e));
}

/* Where links to a bridge go: the bridge itself is a jump to look up. */
void
vt_jit_emit_thunks (VtJitTr *tr, VtJitRegion *region)
{
  int32_t off = tr->insns[0].off;
  region->thunk[JIT_WAY_HOST] = tr->e.at;
  vt_jit_emit_save_flags (&tr->e);
  region->thunk[JIT_WAY_MEM] = region->thunk[JIT_WAY_BACK] = tr->e.at;
  tr->flags_host = tr->flags_recipe = false;
  emit_look_up_far (tr, off);
}

/* LOOP must not have changed CX where its target is outside the code segment. */
static bool
is_interpreted (const VtJitTr *tr, const VtJitBlock *block)
{
  return tr->in->op.cls == JIT_OP_INTERPRET || (tr->in->op.cls == JIT_OP_JCXZ && block->taken < 0 && (tr->mode & JIT_MODE_EDGE));
}

void
vt_jit_branch (VtJitTr *tr, const VtJitBlock *block)
{
  bool interpreted = is_interpreted (tr, block);
  if (tr->in->op.cls == JIT_OP_SYSTEM || interpreted)
    vt_jit_count_before (tr);
  else
    vt_jit_count_block (tr);
  switch (interpreted ? JIT_OP_INTERPRET : tr->in->op.cls)
    {
    case JIT_OP_JCC:
      jcc (tr, block);
      break;
    case JIT_OP_JCXZ:
      jcxz (tr, block);
      break;
    case JIT_OP_JMP:
      jmp (tr, block);
      break;
    case JIT_OP_JMP_RM:
      jmp_rm (tr);
      break;
    case JIT_OP_CALL:
      call_relative (tr);
      break;
    case JIT_OP_CALL_RM:
      call_rm (tr);
      break;
    case JIT_OP_RET:
      ret (tr);
      break;
    case JIT_OP_SYSTEM:
      vt_jit_system_branch (tr);
      break;
    case JIT_OP_INTERPRET:
      leave_to_interpreter (tr);
      break;
    default:
      fall_through (tr, block);
      break;
    }
}
