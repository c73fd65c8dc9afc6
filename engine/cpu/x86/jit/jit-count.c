/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counting of guest instructions in translated code, while somebody wants to know.
 *
 * A block adds the number of its instructions before the ways out of it, and before each call of the interpreter's operations,
 * which count themselves.  Whoever leaves in between, or does not get through the branch that was counted, puts that right on
 * the way out; where C decides whether to leave, it is put right before the call and taken back after it.  The sum is exact
 * whenever translated code has been left.
 */
#include "jit-translate.h"

#define COUNTER (offsetof (VtX86Cpu, vcpu) + offsetof (VtVcpu, stats) + offsetof (VtVcpuStats, translated_instructions))

void
vt_jit_count (VtJitTr *tr, unsigned temp, int n)
{
  VtEmit *e = &tr->e;
  if (!tr->jit->counting || n == 0)
    return;
  emit_load64 (e, temp, rm_gs (COUNTER));
  emit_lea64 (e, temp, temp, n);
  emit_store64 (e, rm_gs (COUNTER), temp);
}

void
vt_jit_count_before (VtJitTr *tr)
{
  vt_jit_count (tr, T1, tr->uncounted - 1);
  tr->uncounted = 1;
}

void
vt_jit_count_block (VtJitTr *tr)
{
  vt_jit_count (tr, T1, tr->uncounted);
  tr->uncounted = 0;
}
