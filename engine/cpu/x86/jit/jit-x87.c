/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87 instructions: the guest's registers are in the host's x87 unit while `x87_live` is set.
 *
 * Code is translated so only while all exceptions are masked; then nothing here can raise. What the host cannot know is
 * where the guest's instruction was: a store notes its place and opcode for FIP and FOP. FDP changes only with exceptions
 * (CPUID leaf 7, FDP_EXCPTN_ONLY).
 */
#include "jit-translate.h"

/* Sizes of memory operands by opcode D8..DF and ModRM.reg; 0: the interpreter's (environments). */
static const uint8_t sizes[8][8] = {
  { 4, 4, 4, 4, 4, 4, 4, 4 },  { 4, 0, 4, 4, 0, 2, 0, 2 },   { 4, 4, 4, 4, 4, 4, 4, 4 }, { 4, 4, 4, 4, 0, 10, 0, 10 },
  { 8, 8, 8, 8, 8, 8, 8, 8 },  { 8, 8, 8, 8, 0, 0, 0, 2 },   { 2, 2, 2, 2, 2, 2, 2, 2 }, { 2, 2, 2, 2, 10, 8, 10, 8 },
};
/* A bit per ModRM.reg: it is a store. */
static const uint8_t stores[8] = { 0x00, 0x8c, 0x00, 0x8e, 0x00, 0x8e, 0x00, 0xce };

bool
vt_jit_x87_class (const VtJitEnc *enc, VtJitOp *out)
{
  unsigned group = enc->opcode & 7, reg = enc->modrm >> 3 & 7;
  *out = (VtJitOp) { .cls = JIT_OP_X87 };
  if (enc->modrm >> 6 != 3)
    {
      out->rm = stores[group] >> reg & 1 ? ACC_W : ACC_R;
      return sizes[group][reg] != 0;
    }
  /* FNINIT also clears the pointers, of which only the state has all. */
  if (group == 3 && enc->modrm == 0xe3)
    return false;
  /* FCMOVcc, FCOMI and their like */
  bool cmov = (group == 2 || group == 3) && reg < 4, comi = (group == 3 || group == 7) && (reg == 5 || reg == 6);
  if (cmov)
    out->flags_read = (uint8_t[]) { F_CF, F_ZF, F_CF | F_ZF, F_PF }[reg];
  if (comi)
    out->flags_written = F_ALL;
  return true;
}

static void
emit_check_live (VtJitTr *tr)
{
  if (tr->x87_live)
    return;
  VtEmit *e = &tr->e;
  vt_jit_flags_clobber (tr, tr->in->live_before);
  emit_group1 (e, 0, 7, rm_gs (TRANSLATED (x87_live)), 0);
  vt_jit_slow (tr, SLOW_X87_LOAD, emit_jcc (e, CC_E))->back = e->at;
  tr->x87_live = true;
}

/* Control instructions leave the pointers alone: FLDCW, FNSTCW, FNSTSW, FNCLEX. */
static bool
is_control (const VtJitEnc *enc)
{
  unsigned group = enc->opcode & 7, reg = enc->modrm >> 3 & 7;
  if (enc->modrm >> 6 != 3)
    return sizes[group][reg] == 2 && (group == 1 || group == 5);
  return (group == 3 && reg == 4) || (group == 7 && enc->modrm == 0xe0);
}

static void
emit_place (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  const VtJitEnc *enc = &tr->in->enc;
  if (is_control (enc))
    return;
  uint32_t fop = (enc->opcode & 7u) << 8 | enc->modrm;
  emit_load64 (e, T1, rm_gs (TRANSLATED (page_rip)));
  emit_store64 (e, rm_gs (TRANSLATED (x87_page)), T1);
  emit_store_imm32 (e, rm_gs (TRANSLATED (x87_place)), tr->in->off | fop << 16);
}

/* FLDCW: with an exception unmasked it is the interpreter's. */
static void
emit_check_masks (VtJitTr *tr, const VtJitPlace *place)
{
  VtEmit *e = &tr->e;
  vt_jit_flags_clobber (tr, tr->in->live_before);
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xb7 }, place->spare, place->rm);   /* movzx, 16 bits */
  emit_op32 (e, 0xf7, 2, rm_reg (place->spare));                                  /* not */
  emit_op32 (e, 0xf7, 0, rm_reg (place->spare));                                  /* test with 0x3f */
  emit32 (e, 0x3f);
  vt_jit_slow (tr, SLOW_INTERPRET, emit_jcc (e, CC_NE));
}

static void
with_memory (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  unsigned group = in->enc.opcode & 7, reg = in->enc.modrm >> 3 & 7, size = sizes[group][reg];
  VtJitAddress a = vt_jit_address_of (&in->x);
  bool writes = in->op.rm == ACC_W;
  VtJitPlace place = vt_jit_emit_access (tr, &a, size, writes, 1);
  if (group == 1 && reg == 5)
    emit_check_masks (tr, &place);
  emit_insn (&tr->e, (VtEnc) { .opcode = in->enc.opcode }, reg, place.rm);
  /* A store may be the last thing that is done here. */
  vt_jit_put_index_away (tr, &place);
  emit_place (tr);
  vt_jit_take_index_back (tr, &place);
  if (writes)
    vt_jit_emit_stored (tr, &place, size, in->live_after);
}

bool
vt_jit_x87 (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  if (!(tr->mode & JIT_MODE_X87))
    return false;
  emit_check_live (tr);
  if (in->enc.modrm >> 6 != 3)
    {
      with_memory (tr);
      return true;
    }
  vt_jit_flags_before (tr, in, T1);
  emit8 (&tr->e, in->enc.opcode);
  emit8 (&tr->e, in->enc.modrm);
  if (in->op.flags_written != 0)
    vt_jit_flags_made (tr);
  emit_place (tr);
  return true;
}
