/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See jit-guess.h. */
#include "jit-guess.h"

#define MISSES_IN_A_ROW 256u
#define NS_PER_MISS     200   /* one that comes as often costs some percent */

bool
vt_jit_may_guess (const VtJitTr *tr, const VtJitAddress *a)
{
  const VtJitInsn *in = tr->in;
  bool load = in->op.cls == JIT_OP_MODRM && in->enc.map == 0 && !in->enc.vex && in->enc.opcode == 0x8b && in->enc.rex_w;
  return load && vt_jit_has (tr->jit, VT_JIT_GUESSES) && ((in->enc.modrm >> 3 & 7) | in->enc.rex_r) == a->base;
}

static size_t
guess_at (uint32_t number)
{
  return TRANSLATED (guess) + 8 * (number % VT_X86_JIT_GUESSES);
}

void
vt_jit_emit_guess (VtJitTr *tr, size_t addend)
{
  VtEmit *e = &tr->e;
  VtJitGuess *guess = vt_jit_alloc (tr->jit, sizeof (VtJitGuess));
  if (guess == NULL)
    {
      tr->too_big = true;
      return;
    }
  uint32_t number = tr->jit->n_guesses++;
  *guess = (VtJitGuess) { .site = e->at, .left = MISSES_IN_A_ROW };
  emit_load64 (e, T0, rm_gs (guess_at (number)));
  emit_op64 (e, 0x3b, T0, rm_gs_base (T1, addend));
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_GUESS, emit_jcc (e, CC_NE));
  slow->back = e->at;
  slow->guess = guess;
  slow->target = (int32_t) addend;
  slow->arg = number;
}

void
vt_jit_emit_slow_guess (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  VtRm kept = rm_gs (guess_at (slow->arg)), addend = rm_gs_base (T1, (size_t) slow->target);
  emit_load64 (e, T0, addend);
  emit_store64 (e, kept, T0);
  emit_imm64 (e, T1, (uint64_t) (uintptr_t) slow->guess);
  emit_group1 (e, 0, 5, rm_base (T1, offsetof (VtJitGuess, left)), 1);
  emit_patch (emit_jcc (e, CC_NE), slow->back);
  emit_call_to (e, tr->jit->stubs.guess[tr->vectors]);
  emit_load64 (e, T0, kept);
  emit_jmp_to (e, slow->back);
  slow->guess->plain = e->at;
  emit_load64 (e, T0, addend);
  emit_jmp_to (e, slow->back);
}

uint32_t
vt_jit_guess_missed (VtX86Cpu *cpu, uint64_t unused, VtJitGuess *guess)
{
  int64_t now = vt_code_memory_ops ()->now_ns ();
  if (now - guess->since < (int64_t) MISSES_IN_A_ROW * NS_PER_MISS)
    {
      guess->site[0] = 0xe9;
      emit_patch (guess->site + 1, guess->plain);
    }
  guess->since = now;
  guess->left = MISSES_IN_A_ROW;
  return 0;
}
