/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See jit-returns.h.
 *
 * RET notes in translated.return_site a place in its own code: what it does when the host's stack does not help.
 */
#include "jit-returns.h"

#include "jit-hot.h"
#include "jit-stack.h"

/* --- Stubs ------------------------------------------------------------------------------------------------------------ */

void
vt_jit_emit_enter_returns (VtEmit *e)
{
  emit_store64 (e, rm_gs (TRANSLATED (host_sp)), H_RSP);
  /* The end of a piece of twice the size, so that the bit tells the halves apart. */
  emit_group1 (e, 1, 4, rm_reg (H_RSP), -(int32_t) (2 * JIT_RETURNS_BYTES));
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 6, rm_gs (TRANSLATED (no_return)));
  emit_store64 (e, rm_gs (TRANSLATED (returns_top)), H_RSP);
}

void
vt_jit_emit_leave_returns (VtEmit *e)
{
  emit_load64 (e, H_RSP, rm_gs (TRANSLATED (host_sp)));
}

void
vt_jit_emit_forget_returns (VtEmit *e)
{
  emit_load64 (e, H_RSP, rm_gs (TRANSLATED (returns_top)));
}

/* Jumps to a place in the code memory; T1 is lost. */
static void
jump_to_site (VtJit *jit, VtEmit *e, size_t site)
{
  emit_imm64 (e, T1, (uint64_t) (uintptr_t) jit->memory.rx);
  emit_op64 (e, 0x03, T1, rm_gs (site));
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 4, rm_reg (T1));
}

void
vt_jit_make_return_stubs (VtJit *jit, VtEmit *e)
{
  jit->cpu->translated.no_return = emit_rx (e, e->at);
  vt_jit_emit_forget_returns (e);
  jit->stubs.other_return = e->at;
  jump_to_site (jit, e, TRANSLATED (return_site));
  jit->stubs.make_flags = e->at;
  jump_to_site (jit, e, TRANSLATED (flags_site));
}

/* --- Calls -------------------------------------------------------------------------------------------------------------- */

void
vt_jit_emit_call_room (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  emit_insn (e, (VtEnc) { .opcode = 0xf7 }, 0, rm_reg (H_RSP));    /* test esp, imm32 */
  emit32 (e, JIT_RETURNS_BYTES);
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_RETURNS_FULL, emit_jcc (e, CC_E));
  slow->back = e->at;
}

void
vt_jit_emit_return_point (VtJitTr *tr, int32_t off)
{
  VtEmit *e = &tr->e;
  vt_jit_set_home (tr);
  tr->flags_host = false;
  tr->flags_mem = tr->flags_lazy = true;
  emit_pop (e, T1);
  emit_op64 (e, 0x3b, T1, rm_reg (T0));
  emit_patch (emit_jcc (e, CC_NE), tr->jit->stubs.other_return);
  tr->is64 || tr->segmented ? emit_lea64 (e, T1, T1, -off) : emit_lea32 (e, T1, T1, -off);
  emit_store64 (e, rm_gs (TRANSLATED (page_rip)), T1);
  vt_jit_emit_goto_back (tr, off);
  vt_jit_set_away (tr);
}

/* --- Returns -------------------------------------------------------------------------------------------------------------- */

void
vt_jit_emit_return (VtJitTr *tr, int32_t popped)
{
  VtEmit *e = &tr->e;
  vt_jit_flags_put_recipe (tr);
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_RETURN, NULL);
  slow->target = popped;
  emit_store_imm32 (e, rm_gs (TRANSLATED (return_site)), 0);
  slow->back = e->at - 4;
  vt_jit_emit_home (tr);
  emit8 (e, 0xc3);
  vt_jit_set_home (tr);
  slow->reg = tr->reg;
  vt_jit_set_away (tr);
}

void
vt_jit_emit_slow_return (VtJitTr *tr, const VtJitSlow *slow)
{
  vt_jit_emit_site (tr, slow->back);
  /* As if RET had not been executed: it may be the interpreter's. */
  vt_jit_move_sp (tr, -slow->target);
  vt_jit_emit_known_return (tr, slow->target);
}
