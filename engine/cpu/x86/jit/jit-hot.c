/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See jit-hot.h. */
#include "jit-hot.h"

#define ROUNDS_HOT       4096   /* more than that, with */
#define ROUNDS_PER_ENTRY 16     /* more than so many for each entry */
#define LOOP_WEIGHT      8u     /* of what is in a loop; of a loop in a loop, that squared ... */
#define DEEPEST          3u     /* ... and so on, up to here */
#define WORTH_IT         (2 * LOOP_WEIGHT)

/* Those that may be in memory as well as not: no instruction names them without saying so. */
#define MOVABLE \
  (1u << VT_RSI | 1u << VT_RDI | 1u << VT_R8 | 1u << VT_R9 | 1u << VT_R10 | 1u << VT_R11 | 1u << VT_R12 | 1u << VT_R13 | 1u << VT_R14 | 1u << VT_R15)

static const VtJitRegs home = { .of = { HOME_REGS } };

void
vt_jit_set_home (VtJitTr *tr)
{
  tr->reg = &home;
}

void
vt_jit_set_away (VtJitTr *tr)
{
  tr->reg = tr->n_moves > 0 ? &tr->own : &home;
}

/* --- What loops use --------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint32_t of[16];
} Weights;

static void
add (Weights *weights, unsigned guest, uint32_t weight)
{
  if (guest < 16)
    weights->of[guest] += weight;
}

static void
add_operands (Weights *weights, const VtJitInsn *in, uint32_t weight)
{
  const VtJitEnc *enc = &in->enc;
  bool memory = enc->modrm >> 6 != 3;
  if (in->op.reg != 0)
    add (weights, (enc->modrm >> 3 & 7) | enc->rex_r, weight);
  if (in->op.vvvv != 0)
    add (weights, enc->vvvv, weight);
  if (!memory && in->op.rm != 0)
    add (weights, (enc->modrm & 7) | enc->rex_b, weight);
}

static void
add_insn (Weights *weights, const VtJitInsn *in, uint32_t weight)
{
  const VtJitEnc *enc = &in->enc;
  add (weights, in->x.base, weight);
  add (weights, in->x.index, weight);
  switch (in->op.cls)
    {
    case JIT_OP_MODRM: case JIT_OP_BIT: case JIT_OP_DIV: case JIT_OP_IDIV:
      add_operands (weights, in, weight);
      break;
    case JIT_OP_LEA:
      add (weights, (enc->modrm >> 3 & 7) | enc->rex_r, weight);
      break;
    case JIT_OP_MOV_IMM: case JIT_OP_BSWAP: case JIT_OP_XCHG_ACC:
      add (weights, (enc->opcode & 7) | enc->rex_b, weight);
      break;
    case JIT_OP_PUSH: case JIT_OP_POP:
      add (weights, (enc->opcode & 7) | enc->rex_b, enc->has_modrm ? 0 : weight);
      break;
    default:
      break;
    }
}

static unsigned
loops_around (const VtJitTr *tr, unsigned number)
{
  unsigned n = 0;
  for (unsigned i = number; i < tr->n_blocks; i++)
    {
      const VtJitBlock *block = &tr->blocks[i];
      n += block->taken >= 0 && block->taken <= (int) number;
      n += block->next >= 0 && block->next <= (int) number && block->next <= (int) i;
    }
  return MIN (n, DEEPEST);
}

static Weights
weigh (const VtJitTr *tr)
{
  Weights weights = { { 0 } };
  for (unsigned i = 0; i < tr->n_blocks; i++)
    {
      const VtJitBlock *block = &tr->blocks[i];
      uint32_t weight = 1;
      for (unsigned depth = loops_around (tr, i); depth > 0; depth--)
        weight *= LOOP_WEIGHT;
      for (unsigned k = 0; k < block->n; k++)
        add_insn (&weights, &tr->insns[block->first + k], weight);
    }
  return weights;
}

/* --- The choice ---------------------------------------------------------------------------------------------------------- */

/* Tests: any three. */
static Weights
scatter (const VtJitTr *tr)
{
  Weights weights;
  uint32_t bits = (tr->insns[0].off + 1u) * 0x9e3779b1u ^ (uint32_t) tr->n_insns * 0x85ebca6bu;
  for (unsigned guest = 0; guest < 16; guest++)
    {
      bits = bits * 1664525u + 1013904223u;
      weights.of[guest] = bits >> 16;
    }
  return weights;
}

/* Of those that are (`in`) or are not in host registers, the one with the greatest or least weight. */
static int
pick (const VtJitRegs *regs, const Weights *weights, bool in)
{
  int best = -1;
  for (int guest = 0; guest < 16; guest++)
    {
      if (!(MOVABLE >> guest & 1) || (regs->of[guest] != NO_HOST_REG) != in)
        continue;
      bool better = best < 0 || (in ? weights->of[guest] < weights->of[best] : weights->of[guest] > weights->of[best]);
      best = better ? guest : best;
    }
  return best;
}

/* Returns what that gains. */
static uint32_t
choose (VtJitTr *tr, const Weights *weights)
{
  uint32_t gain = 0;
  tr->own = home;
  tr->n_moves = 0;
  while (tr->n_moves < G_N_ELEMENTS (tr->moves))
    {
      int in = pick (&tr->own, weights, false), out = pick (&tr->own, weights, true);
      if (weights->of[in] <= weights->of[out])
        break;
      gain += weights->of[in] - weights->of[out];
      tr->own.of[in] = home.of[out];
      tr->own.of[out] = NO_HOST_REG;
      tr->moves[tr->n_moves++] = (VtJitMove) { .in = (uint8_t) in, .out = (uint8_t) out };
    }
  return gain;
}

static bool
may_move (const VtJitTr *tr)
{
  bool bridge = tr->insns[0].off + tr->insns[0].x.length > (int) VT_PAGE_SIZE;
  return !bridge && tr->is64 && vt_jit_has (tr->jit, VT_JIT_HOT_LOOPS);
}

void
vt_jit_choose_registers (VtJitTr *tr)
{
  Weights weights;
  tr->n_moves = 0;
  tr->counted = false;
  tr->reg = &home;
  if (!may_move (tr))
    return;
  weights = tr->jit->scatter ? scatter (tr) : weigh (tr);
  bool worth_it = choose (tr, &weights) >= WORTH_IT || tr->jit->scatter;
  tr->counted = worth_it && !tr->hot && !tr->jit->scatter;
  if (!worth_it || tr->counted)
    tr->n_moves = 0;
  vt_jit_set_away (tr);
}

/* --- Changing places ------------------------------------------------------------------------------------------------------- */

static bool
is_away (const VtJitTr *tr)
{
  return tr->reg == &tr->own;
}

static void
change_places (VtJitTr *tr, unsigned out, unsigned in, unsigned host)
{
  emit_store64 (&tr->e, rm_gs (STATE (gpr) + 8 * out), host);
  emit_load64 (&tr->e, host, rm_gs (STATE (gpr) + 8 * in));
}

void
vt_jit_emit_home (VtJitTr *tr)
{
  if (!is_away (tr))
    return;
  for (unsigned i = tr->n_moves; i-- > 0;)
    change_places (tr, tr->moves[i].in, tr->moves[i].out, home.of[tr->moves[i].out]);
}

void
vt_jit_emit_back (VtJitTr *tr)
{
  if (!is_away (tr))
    return;
  for (unsigned i = 0; i < tr->n_moves; i++)
    change_places (tr, tr->moves[i].out, tr->moves[i].in, home.of[tr->moves[i].out]);
}

/* --- Counting rounds -------------------------------------------------------------------------------------------------------- */

/* Loops share counters: they need not be told apart, only noticed. */
static size_t
counter_of (const VtJitTr *tr)
{
  uintptr_t at = (uintptr_t) tr->host_page / VT_PAGE_SIZE * 5 + tr->insns[0].off;
  return TRANSLATED (rounds_left) + sizeof (int32_t) * (at % VT_X86_JIT_LOOPS);
}

void
vt_jit_emit_count_entry (VtJitTr *tr)
{
  if (tr->counted)
    emit_group1 (&tr->e, 0, 0, rm_gs (counter_of (tr)), ROUNDS_PER_ENTRY);
}

void
vt_jit_emit_count_round (VtJitTr *tr, const VtJitBlock *head)
{
  if (!tr->counted)
    return;
  emit_group1 (&tr->e, 0, 5, rm_gs (counter_of (tr)), 1);
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_HOT, emit_jcc (&tr->e, CC_S));
  slow->back = head->label;
  slow->target = tr->insns[head->first].off;
}

void
vt_jit_emit_slow_hot (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  VtJitLink link = { .site = slow->back, .way = JIT_WAY_HOST, .hot = true };
  emit_store_imm32 (e, rm_gs (counter_of (tr)), ROUNDS_HOT);
  emit_imm64 (e, T1, tr->jit->links->len);
  g_array_append_val (tr->jit->links, link);
  emit_imm64 (e, T0, (uint32_t) slow->target);
  emit_jmp_to (e, tr->jit->stubs.leave_link[1]);
}

void
vt_jit_reset_rounds (VtX86Cpu *cpu)
{
  for (unsigned i = 0; i < VT_X86_JIT_LOOPS; i++)
    cpu->translated.rounds_left[i] = ROUNDS_HOT;
}
