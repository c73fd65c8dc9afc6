/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counting of guest instructions in translated code, while somebody wants to know.
 *
 * A block adds the number of its instructions before the ways out of it, and before each call of the interpreter's operations,
 * which count themselves.  Whoever leaves in between, or does not get through the branch that was counted, puts that right on
 * the way out, or tells C, where C decides whether to leave.  The sum is exact whenever translated code has been left.
 */
#include "jit-translate.h"

#define COUNTER (offsetof (VtX86Cpu, vcpu) + offsetof (VtVcpu, stats) + offsetof (VtVcpuStats, translated_instructions))

void
vt_jit_count (VtJitTr *tr, int n)
{
  VtEmit *e = &tr->e;
  if (!tr->jit->counting || n == 0)
    return;
  emit_load64 (e, T1, rm_gs (COUNTER));
  emit_lea64 (e, T1, T1, n);
  emit_store64 (e, rm_gs (COUNTER), T1);
}

void
vt_jit_count_if_left (VtJitTr *tr, int n)
{
  if (tr->jit->counting)
    emit_store_imm32 (&tr->e, rm_gs (TRANSLATED (uncounted)), (uint32_t) n);
}

void
vt_jit_count_before (VtJitTr *tr)
{
  vt_jit_count (tr, tr->uncounted - 1);
  tr->uncounted = 1;
}

void
vt_jit_count_block (VtJitTr *tr)
{
  vt_jit_count (tr, tr->uncounted);
  tr->uncounted = 0;
}
