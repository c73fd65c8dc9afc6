/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PUSH, POP, LEAVE: 8 bytes in 64-bit code, elsewhere the operand size. Registers change after everything that can fail. */
#include "jit-stack.h"

static unsigned word (const VtJitTr *tr) { return tr->in->x.opsize; }

/* RSP, ESP or SP := the register + disp; flags stay. */
static void
emit_set_sp (VtJitTr *tr, unsigned reg, int32_t disp)
{
  unsigned sp = host_reg (tr, VT_RSP);
  if (tr->is64)
    emit_lea64 (&tr->e, sp, reg, disp);
  else
    emit_insn (&tr->e, (VtEnc) { .p66 = tr->mode & JIT_MODE_STACK16 ? 0x66 : 0, .opcode = 0x8d }, sp, rm_base (reg, disp));
}

void
vt_jit_move_sp (VtJitTr *tr, int32_t delta)
{
  emit_set_sp (tr, host_reg (tr, VT_RSP), delta);
  tr->recipe.sp += delta;
}

static VtJitAddress
at_register (const VtJitTr *tr, unsigned guest, int32_t disp)
{
  uint8_t size = tr->is64 ? 8 : tr->mode & JIT_MODE_STACK16 ? 2 : 4;
  return (VtJitAddress) { .base = (uint8_t) guest, .index = VT_X86_NO_REG, .size = size, .seg = VT_SS, .disp = disp };
}

VtJitPlace
vt_jit_access_stack (VtJitTr *tr, unsigned guest, int32_t disp, bool write)
{
  VtJitAddress a = at_register (tr, guest, disp);
  return vt_jit_emit_access (tr, &a, word (tr), write, 1);
}

static VtEnc
word_move (const VtJitTr *tr, unsigned opcode)
{
  return (VtEnc) { .w = tr->is64, .p66 = word (tr) == 2 ? 0x66 : 0, .opcode = (uint8_t) opcode };
}

static void
store_word (VtJitTr *tr, const VtJitPlace *place, unsigned reg)
{
  emit_insn (&tr->e, word_move (tr, 0x89), reg, place->rm);
}

void
vt_jit_load_word (VtJitTr *tr, const VtJitPlace *place, unsigned reg)
{
  if (word (tr) == 2)
    emit_insn (&tr->e, (VtEnc) { .map = 1, .opcode = 0xb7 }, reg, place->rm);   /* movzx */
  else
    emit_insn (&tr->e, word_move (tr, 0x8b), reg, place->rm);
}

static void
pushed (VtJitTr *tr, const VtJitPlace *place, unsigned live)
{
  vt_jit_move_sp (tr, -(int32_t) word (tr));
  vt_jit_emit_stored (tr, place, word (tr), live);
}

void
vt_jit_push_slot (VtJitTr *tr, unsigned slot, unsigned live)
{
  VtJitPlace place = vt_jit_access_stack (tr, VT_RSP, -(int32_t) word (tr), true);
  vt_jit_put_index_away (tr, &place);
  emit_load64 (&tr->e, place.spare, rm_slot ((int32_t) slot));
  store_word (tr, &place, place.spare);
  vt_jit_take_index_back (tr, &place);
  pushed (tr, &place, live);
}

void
vt_jit_push_rip (VtJitTr *tr, int32_t off, bool host_too, unsigned live)
{
  VtEmit *e = &tr->e;
  VtJitPlace place = vt_jit_access_stack (tr, VT_RSP, -(int32_t) word (tr), true);
  vt_jit_put_index_away (tr, &place);
  emit_load64 (e, place.spare, rm_gs (TRANSLATED (page_rip)));
  tr->is64 ? emit_lea64 (e, place.spare, place.spare, off) : emit_lea32 (e, place.spare, place.spare, off);
  store_word (tr, &place, place.spare);
  if (host_too)
    emit_push (e, place.spare);
  vt_jit_take_index_back (tr, &place);
  pushed (tr, &place, live);
}

static void
push_register (VtJitTr *tr, unsigned guest)
{
  bool borrow = host_reg (tr, guest) == NO_HOST_REG;
  VtJitPlace place = vt_jit_access_stack (tr, VT_RSP, -(int32_t) word (tr), true);
  const uint8_t *from = tr->e.at;
  if (borrow)
    vt_jit_put_index_away (tr, &place);
  store_word (tr, &place, vt_jit_reg (tr, guest, place.spare));
  if (borrow)
    vt_jit_take_index_back (tr, &place);
  pushed (tr, &place, tr->in->live_after);
  if (vt_jit_store_waits (tr, &place, true))
    vt_jit_still_held (tr, from);
}

static void
push_immediate (VtJitTr *tr)
{
  VtJitPlace place = vt_jit_access_stack (tr, VT_RSP, -(int32_t) word (tr), true);
  emit_insn (&tr->e, word_move (tr, 0xc7), 0, place.rm);
  if (word (tr) == 2)
    emit16 (&tr->e, (uint16_t) tr->in->x.imm);
  else
    emit32 (&tr->e, (uint32_t) tr->in->x.imm);
  pushed (tr, &place, tr->in->live_after);
}

static void
push_memory (VtJitTr *tr)
{
  VtJitAddress a = vt_jit_address_of (&tr->in->x);
  VtJitPlace place = vt_jit_emit_access (tr, &a, word (tr), false, 1);
  vt_jit_load_word (tr, &place, T0);
  emit_store64 (&tr->e, rm_slot (SLOT_VALUE), T0);
  vt_jit_push_slot (tr, SLOT_VALUE, tr->in->live_after);
}

static bool
push (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  unsigned opcode = in->enc.opcode;
  if (opcode >= 0x50 && opcode < 0x58)
    push_register (tr, (opcode & 7) | in->enc.rex_b);
  else if (opcode == 0x68 || opcode == 0x6a)
    push_immediate (tr);
  else if (in->enc.modrm >> 6 == 3)
    push_register (tr, (in->enc.modrm & 7) | in->enc.rex_b);
  else
    push_memory (tr);
  return true;
}

static bool
pop (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  unsigned guest = (in->enc.opcode & 7) | in->enc.rex_b, host = host_reg (tr, guest);
  if (in->enc.opcode < 0x58 || in->enc.opcode > 0x5f)
    return false;
  /* POP SP of a stack that uses ESP: its upper half is the sum's. */
  if (guest == VT_RSP && word (tr) == 2)
    return false;
  VtJitPlace place = vt_jit_access_stack (tr, VT_RSP, 0, false);
  const uint8_t *from = tr->e.at;
  /* A 16-bit one leaves the rest of the register alone. */
  emit_insn (&tr->e, word_move (tr, 0x8b), host == NO_HOST_REG ? T1 : host, place.rm);
  if (host == NO_HOST_REG)
    vt_jit_put_reg (tr, guest, T1);
  if (guest != VT_RSP)
    vt_jit_move_sp (tr, (int32_t) word (tr));
  if (host != NO_HOST_REG)
    vt_jit_still_held (tr, from);
  return true;
}

static bool
leave (VtJitTr *tr)
{
  unsigned bp = host_reg (tr, VT_RBP);
  VtJitPlace place = vt_jit_access_stack (tr, VT_RBP, 0, false);
  vt_jit_load_word (tr, &place, T0);
  emit_set_sp (tr, bp, (int32_t) word (tr));
  if (word (tr) == 2)
    emit_insn (&tr->e, word_move (tr, 0x8b), bp, rm_reg (T0));
  else
    emit_mov64 (&tr->e, bp, T0);
  return true;
}

bool
vt_jit_stack (VtJitTr *tr)
{
  switch (tr->in->op.cls)
    {
    case JIT_OP_PUSH:
      return push (tr);
    case JIT_OP_POP:
      return pop (tr);
    case JIT_OP_LEAVE:
      return leave (tr);
    default:
      return false;
    }
}
