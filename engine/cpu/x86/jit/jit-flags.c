/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic flags: the host's are the guest's, until an instruction of ours is in the way.
 *
 * LAHF and SETO take 5 instructions to memory, ADD and SAHF as many back; PUSHF and POPF would be 5 times slower. RAX has to
 * step aside, into T1, which is free at those points.
 */
#include "jit-translate.h"

void
vt_jit_emit_save_flags (VtEmit *e)
{
  emit_mov64 (e, T1, H_RAX);
  emit8 (e, 0x9f);                                                              /* lahf */
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0x90, .rm8 = true }, 0, rm_reg (H_RAX));   /* seto al */
  emit_insn (e, (VtEnc) { .p66 = 1 ? 0x66 : 0, .opcode = 0x89 }, H_RAX, rm_gs (TRANSLATED (flags)));
  emit_mov64 (e, H_RAX, T1);
}

void
vt_jit_emit_load_flags (VtEmit *e)
{
  emit_mov64 (e, T1, H_RAX);
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xb7 }, H_RAX, rm_gs (TRANSLATED (flags)));   /* movzx eax, word */
  emit8 (e, 0x04);                                                              /* add al, 0x7f: OF when al was 1 */
  emit8 (e, 0x7f);
  emit8 (e, 0x9e);                                                              /* sahf */
  emit_mov64 (e, H_RAX, T1);
}

void
vt_jit_flags_clobber (VtJitTr *tr, unsigned live)
{
  if (live != 0 && tr->flags_host && !tr->flags_mem)
    {
      vt_jit_emit_save_flags (&tr->e);
      tr->flags_mem = true;
    }
  tr->flags_host = false;
}

void
vt_jit_flags_need (VtJitTr *tr)
{
  if (tr->flags_host || !tr->flags_mem)
    return;
  vt_jit_emit_load_flags (&tr->e);
  tr->flags_host = true;
}

void
vt_jit_flags_made (VtJitTr *tr)
{
  tr->flags_host = true;
  tr->flags_mem = false;
}

void
vt_jit_flags_before (VtJitTr *tr, const VtJitInsn *in)
{
  bool partial = in->op.flags_written != 0 && (in->op.keeps || (in->live_after & ~in->op.flags_written) != 0);
  if (in->op.flags_read != 0 || partial)
    vt_jit_flags_need (tr);
}
