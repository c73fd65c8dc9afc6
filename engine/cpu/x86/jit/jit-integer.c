/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integer instructions: re-encoded with mapped registers and a checked memory operand, so that the host's own instruction
 * does the work and makes the flags.
 */
#include "jit-translate.h"

#include <Zydis/Mnemonic.h>

#define PREFIX_LOCK(x) (((x)->prefixes & VT_PFX_LOCK) != 0)

/* Registers of one instruction: guest number, or a byte in the upper half of RAX..RBX. */
typedef struct
{
  unsigned guest;
  bool     high;
} Reg;

static Reg
named_reg (const VtJitEnc *enc, unsigned number, bool byte)
{
  bool high = byte && !enc->rex && !enc->vex && number >= 4 && number < 8;
  return (Reg) { high ? number - 4 : number, high };
}

static Reg reg_field (const VtJitInsn *in) { return named_reg (&in->enc, (in->enc.modrm >> 3 & 7) | in->enc.rex_r, in->op.reg8); }
static Reg rm_field (const VtJitInsn *in) { return named_reg (&in->enc, (in->enc.modrm & 7) | in->enc.rex_b, in->op.rm8); }

static unsigned
take_reg (VtJitTr *tr, Reg reg, unsigned temp)
{
  unsigned host = vt_jit_reg (tr, reg.guest, temp);
  return reg.high ? H_HIGH_BYTE | host : host;
}

static unsigned
operand_size (const VtJitInsn *in)
{
  bool adcx = in->enc.map == 2 && in->enc.opcode == 0xf6;   /* 66 is part of the opcode */
  if (in->enc.rex_w)
    return 8;
  return in->enc.p66 && !in->enc.vex && !adcx ? 2 : 4;
}

unsigned
vt_jit_rm_size (const VtJitInsn *in)
{
  if (in->op.rm8)
    return 1;
  if (in->op.rm16)
    return 2;
  if (in->enc.map == 0 && in->enc.opcode == 0x63)
    return 4;
  return operand_size (in);
}

/* F2 and F3 are part of few opcodes; elsewhere they mean nothing, but might to a newer host. */
static unsigned
mandatory_rep (const VtJitInsn *in)
{
  const VtJitEnc *enc = &in->enc;
  bool counts = enc->map == 1 && (enc->opcode == 0xbc || enc->opcode == 0xbd);
  if (counts)
    return in->x.mnemonic == ZYDIS_MNEMONIC_TZCNT || in->x.mnemonic == ZYDIS_MNEMONIC_LZCNT ? 0xf3 : 0;
  return (enc->map == 1 && enc->opcode == 0xb8) || enc->map == 2 ? enc->rep : 0;
}

static void
emit_immediate (VtJitTr *tr, unsigned kind)
{
  const VtJitInsn *in = tr->in;
  if (kind == 1)
    emit8 (&tr->e, (unsigned) in->x.imm);
  else if (kind == 4 && operand_size (in) == 2)
    emit16 (&tr->e, (unsigned) in->x.imm);
  else if (kind == 4)
    emit32 (&tr->e, (uint32_t) in->x.imm);
}

/* Does LOCK have to be? With one processor nobody comes between, and devices write memory with plain stores. But it is a
 * barrier as well, which drivers need against devices: code that wants nothing else locks a word of its stack. */
static bool
keeps_lock (const VtJitTr *tr)
{
  const VtX86Insn *x = &tr->in->x;
  return PREFIX_LOCK (x) && (tr->jit->cpu->vcpu.exclusive != NULL || x->base == VT_RSP);
}

static void
emit_encoded (VtJitTr *tr, unsigned reg, VtRm rm)
{
  const VtJitInsn *in = tr->in;
  const VtJitEnc *enc = &in->enc;
  VtEnc out = { .lock = keeps_lock (tr), .p66 = enc->p66, .rep = (uint8_t) mandatory_rep (in), .w = enc->rex_w,
                .map = enc->map, .opcode = enc->opcode, .reg8 = in->op.reg8, .rm8 = in->op.rm8 };
  if (enc->map == 0 && enc->opcode == 0x82)
    out.opcode = 0x80;      /* its twin, which 64-bit code does not have */
  if (enc->vex)
    emit_vex (&tr->e, enc->map, enc->pp, enc->rex_w, enc->l, enc->opcode, reg, host_reg (tr, enc->vvvv), rm);
  else
    emit_insn (&tr->e, out, reg, rm);
  emit_immediate (tr, in->op.imm);
}

/* --- Register forms ----------------------------------------------------------------------------------------------- */

static void
modrm_registers (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  const uint8_t *from = tr->e.at;
  bool held = !vt_jit_flags_wanted (in) && (in->op.reg == 0 || host_reg (tr, reg_field (in).guest) != NO_HOST_REG);
  vt_jit_flags_before (tr, in, T1);
  unsigned reg = in->enc.modrm >> 3 & 7;
  if (in->op.reg != 0)
    reg = take_reg (tr, reg_field (in), T1);
  unsigned rm = take_reg (tr, rm_field (in), T0);
  if ((rm & H_HIGH_BYTE) && in->op.reg != 0 && !(reg & H_HIGH_BYTE) && reg >= 8)
    {
      /* The other register needs REX, with which AH is no more: MOVZX, MOVSX, CRC32 only read it. */
      emit_insn (&tr->e, (VtEnc) { .map = 1, .opcode = 0xb6, .rm8 = true }, T0, rm_reg (rm));
      rm = T0;
    }
  emit_encoded (tr, reg, rm_reg (rm));
  if (in->op.reg & ACC_W)
    vt_jit_put_reg (tr, reg_field (in).guest, reg & ~H_HIGH_BYTE);
  if (in->op.rm & ACC_W)
    vt_jit_put_reg (tr, rm_field (in).guest, rm & ~H_HIGH_BYTE);
  if (in->op.flags_written != 0)
    vt_jit_flags_made (tr);
  if (held)
    vt_jit_still_held (tr, from);
}

/* --- Memory forms ------------------------------------------------------------------------------------------------- */

static void
modrm_memory (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  bool writes = (in->op.rm & ACC_W) != 0;
  VtJitAddress a = vt_jit_address_of (&in->x);
  tr->no_rex = in->op.reg != 0 && reg_field (in).high;
  VtJitPlace place = vt_jit_emit_access (tr, &a, vt_jit_rm_size (in), writes, 1);
  tr->no_rex = false;

  /* A register that lives in memory needs the spare one, and so do flags on their way back. */
  bool borrow = in->op.reg != 0 && host_reg (tr, reg_field (in).guest) == NO_HOST_REG;
  bool put_away = borrow || ((tr->flags_mem || tr->flags_recipe) && vt_jit_flags_wanted (in));
  const uint8_t *from = tr->e.at;
  if (put_away)
    vt_jit_put_index_away (tr, &place);
  vt_jit_flags_before (tr, in, place.spare);
  unsigned reg = in->enc.modrm >> 3 & 7;
  if (in->op.reg != 0)
    reg = take_reg (tr, reg_field (in), place.spare);
  emit_encoded (tr, reg, place.rm);
  if (in->op.reg & ACC_W)
    vt_jit_put_reg (tr, reg_field (in).guest, reg & ~H_HIGH_BYTE);
  if (in->op.flags_written != 0)
    vt_jit_flags_made (tr);
  if (put_away)
    vt_jit_take_index_back (tr, &place);
  if (writes)
    vt_jit_emit_stored (tr, &place, vt_jit_rm_size (in), in->live_after);
  if (!put_away && vt_jit_store_waits (tr, &place, writes))
    vt_jit_still_held (tr, from);
}

static bool
modrm (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  bool memory = in->enc.modrm >> 6 != 3;
  if (in->op.vvvv != 0 && host_reg (tr, in->enc.vvvv) == NO_HOST_REG)
    return false;
  if (PREFIX_LOCK (&in->x) && !memory)
    return false;
  if (memory)
    modrm_memory (tr);
  else
    modrm_registers (tr);
  return true;
}

/* BT, BTS, BTR, BTC: the word, then the bit in it. False: 16 bits, other addresses, LOCK that has to be. */
static bool
bit_of_memory (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  VtEmit *e = &tr->e;
  unsigned size = operand_size (in), number = (in->enc.modrm >> 3 & 7) | in->enc.rex_r;
  bool writes = in->enc.opcode != 0xa3;
  if (!tr->is64 || size < 4 || in->x.addrsize != 8 || host_reg (tr, number) == NO_HOST_REG || keeps_lock (tr))
    return false;
  VtJitAddress a = vt_jit_address_of (&in->x);
  a.bits = size == 8 ? 6 : 5;
  a.bit = (uint8_t) number;
  VtJitPlace place = vt_jit_emit_access (tr, &a, size, writes, 1);
  vt_jit_put_index_away (tr, &place);
  vt_jit_flags_before (tr, in, T1);
  emit_insn (e, (VtEnc) { .w = size == 8, .opcode = 0x8b }, T1, place.rm);
  emit_insn (e, (VtEnc) { .w = size == 8, .map = 1, .opcode = in->enc.opcode }, host_reg (tr, number), rm_reg (T1));
  vt_jit_flags_made (tr);
  if (!writes)
    return true;
  emit_insn (e, (VtEnc) { .w = size == 8, .opcode = 0x89 }, T1, place.rm);
  vt_jit_take_index_back (tr, &place);
  vt_jit_emit_stored (tr, &place, size, in->live_after);
  return true;
}

/* --- The rest ----------------------------------------------------------------------------------------------------- */

static void
emit_prefixes (VtJitTr *tr, unsigned rex_b)
{
  const VtJitEnc *enc = &tr->in->enc;
  if (enc->p66)
    emit8 (&tr->e, 0x66);
  if (enc->rex_w || rex_b)
    emit8 (&tr->e, 0x40 | enc->rex_w << 3 | rex_b);
}

static bool
plain (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  vt_jit_flags_before (tr, in, T1);
  emit_prefixes (tr, 0);
  if (in->enc.map == 1)
    emit8 (&tr->e, 0x0f);
  emit8 (&tr->e, in->enc.opcode);
  if (in->enc.has_modrm)
    emit8 (&tr->e, in->enc.modrm);
  if (in->op.flags_written != 0)
    vt_jit_flags_made (tr);
  return true;
}

static bool
acc_imm (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  vt_jit_flags_before (tr, in, T1);
  emit_prefixes (tr, 0);
  emit8 (&tr->e, in->enc.opcode);
  emit_immediate (tr, in->op.imm);
  vt_jit_flags_made (tr);
  return true;
}

static void
mov_imm8 (VtJitTr *tr, Reg reg)
{
  VtEmit *e = &tr->e;
  unsigned host = host_reg (tr, reg.guest);
  VtRm rm = host == NO_HOST_REG ? rm_gs (STATE (gpr) + 8 * reg.guest) : rm_reg (reg.high ? H_HIGH_BYTE | host : host);
  emit_insn (e, (VtEnc) { .opcode = 0xc6, .rm8 = true }, 0, rm);
  emit8 (e, (unsigned) tr->in->x.imm);
}

static bool
mov_imm (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  VtEmit *e = &tr->e;
  bool byte = in->enc.opcode < 0xb8;
  Reg reg = named_reg (&in->enc, (in->enc.opcode & 7) | in->enc.rex_b, byte);
  unsigned host = host_reg (tr, reg.guest);
  if (byte)
    mov_imm8 (tr, reg);
  else if (operand_size (in) == 2)
    {
      VtRm rm = host == NO_HOST_REG ? rm_gs (STATE (gpr) + 8 * reg.guest) : rm_reg (host);
      emit_insn (e, (VtEnc) { .p66 = 0x66, .opcode = 0xc7 }, 0, rm);
      emit16 (e, (unsigned) in->x.imm);
    }
  else
    {
      uint64_t value = operand_size (in) == 8 ? in->x.imm : (uint32_t) in->x.imm;
      emit_imm64 (e, host == NO_HOST_REG ? T1 : host, value);
      if (host == NO_HOST_REG)
        vt_jit_put_reg (tr, reg.guest, T1);
    }
  return true;
}

/* A0..A3: the accumulator and an absolute address. */
static bool
moffs (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  bool byte = (in->enc.opcode & 1) == 0, store = (in->enc.opcode & 2) != 0;
  unsigned size = byte ? 1 : operand_size (in);
  VtJitAddress a = vt_jit_address_of (&in->x);
  VtJitPlace place = vt_jit_emit_access (tr, &a, size, store, 1);
  VtEnc enc = { .p66 = size == 2 ? 0x66 : 0, .w = size == 8, .opcode = (uint8_t) ((store ? 0x88 : 0x8a) | !byte) };
  emit_insn (&tr->e, enc, H_RAX, place.rm);
  if (store)
    vt_jit_emit_stored (tr, &place, size, in->live_after);
  return true;
}

static bool
xchg_acc (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  unsigned guest = (in->enc.opcode & 7) | in->enc.rex_b;
  unsigned host = vt_jit_reg (tr, guest, T1);
  emit_insn (&tr->e, (VtEnc) { .p66 = in->enc.p66, .w = in->enc.rex_w, .opcode = 0x87 }, H_RAX, rm_reg (host));
  vt_jit_put_reg (tr, guest, host);
  return true;
}

static bool
inc_short (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  vt_jit_flags_before (tr, in, T1);
  emit_insn (&tr->e, (VtEnc) { .p66 = in->enc.p66, .opcode = 0xff }, in->enc.opcode >> 3 & 1, rm_reg (host_reg (tr, in->enc.opcode & 7)));
  vt_jit_flags_made (tr);
  return true;
}

static bool
bswap (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  if (in->enc.p66)
    return false;
  unsigned guest = (in->enc.opcode & 7) | in->enc.rex_b, host = vt_jit_reg (tr, guest, T1);
  emit_prefixes (tr, host >> 3 & 1);
  emit8 (&tr->e, 0x0f);
  emit8 (&tr->e, 0xc8 | (host & 7));
  vt_jit_put_reg (tr, guest, host);
  return true;
}

static bool
lea (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  VtJitAddress a = vt_jit_address_of (&in->x);
  unsigned size = operand_size (in), guest = reg_field (in).guest, host = host_reg (tr, guest);
  if (size == 2)
    {
      vt_jit_emit_offset (tr, &a, T0, a.size == 8);
      unsigned to = vt_jit_reg (tr, guest, T1);
      emit_insn (&tr->e, (VtEnc) { .p66 = 0x66, .opcode = 0x8b }, to, rm_reg (T0));
      vt_jit_put_reg (tr, guest, to);
      return true;
    }
  unsigned to = host == NO_HOST_REG ? T0 : host;
  vt_jit_emit_offset (tr, &a, to, a.size == 8 && size == 8);
  vt_jit_put_reg (tr, guest, to);
  return true;
}

/* --- Division: whatever would be #DE is the interpreter's ------------------------------------------------------------- */

/* T1 := the divisor. */
static void
take_divisor (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  VtEmit *e = &tr->e;
  unsigned w = in->enc.rex_w;
  vt_jit_flags_clobber (tr, in->live_before);
  if (in->enc.modrm >> 6 == 3)
    {
      unsigned host = vt_jit_reg (tr, rm_field (in).guest, T1);
      if (host != T1)
        emit_insn (e, (VtEnc) { .w = (uint8_t) w, .opcode = 0x8b }, T1, rm_reg (host));
      else if (!w)
        emit_mov32 (e, T1, T1);
      return;
    }
  VtJitAddress a = vt_jit_address_of (&in->x);
  VtJitPlace place = vt_jit_emit_access (tr, &a, vt_jit_rm_size (in), false, 1);
  emit_insn (e, (VtEnc) { .w = (uint8_t) w, .opcode = 0x8b }, T1, place.rm);
}

static bool
div_unsigned (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  uint8_t w = tr->in->enc.rex_w;
  if (tr->in->op.rm8 || operand_size (tr->in) == 2)
    return false;
  take_divisor (tr);
  /* The quotient fits when the upper half is below the divisor. */
  emit_insn (e, (VtEnc) { .w = w, .opcode = 0x3b }, H_RDX, rm_reg (T1));
  vt_jit_slow (tr, SLOW_INTERPRET, emit_jcc (e, CC_AE));
  emit_insn (e, (VtEnc) { .w = w, .opcode = 0xf7 }, 6, rm_reg (T1));
  vt_jit_flags_made (tr);
  return true;
}

/* The upper half has to be the sign of the lower, as CDQ makes it, and the divisor neither 0 nor -1. */
static bool
div_signed (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  uint8_t w = tr->in->enc.rex_w;
  if (tr->in->op.rm8 || operand_size (tr->in) == 2)
    return false;
  take_divisor (tr);
  emit_insn (e, (VtEnc) { .w = w, .opcode = 0x8b }, T0, rm_reg (H_RAX));
  emit_insn (e, (VtEnc) { .w = w, .opcode = 0xc1 }, 7, rm_reg (T0));
  emit8 (e, w ? 63 : 31);
  emit_insn (e, (VtEnc) { .w = w, .opcode = 0x3b }, T0, rm_reg (H_RDX));
  vt_jit_slow (tr, SLOW_INTERPRET, emit_jcc (e, CC_NE));
  emit_insn (e, (VtEnc) { .w = w, .opcode = 0x8d }, T0, rm_base (T1, 1));
  emit_group1 (e, w, 7, rm_reg (T0), 1);
  vt_jit_slow (tr, SLOW_INTERPRET, emit_jcc (e, CC_BE));
  emit_insn (e, (VtEnc) { .w = w, .opcode = 0xf7 }, 7, rm_reg (T1));
  vt_jit_flags_made (tr);
  return true;
}

bool
vt_jit_integer (VtJitTr *tr)
{
  switch (tr->in->op.cls)
    {
    case JIT_OP_MODRM:
      return modrm (tr);
    case JIT_OP_BIT:
      return bit_of_memory (tr);
    case JIT_OP_PLAIN:
      return plain (tr);
    case JIT_OP_ACC_IMM:
      return acc_imm (tr);
    case JIT_OP_MOV_IMM:
      return mov_imm (tr);
    case JIT_OP_MOFFS:
      return moffs (tr);
    case JIT_OP_XCHG_ACC:
      return xchg_acc (tr);
    case JIT_OP_INC_SHORT:
      return inc_short (tr);
    case JIT_OP_BSWAP:
      return bswap (tr);
    case JIT_OP_LEA:
      return lea (tr);
    case JIT_OP_NOP:
      return true;
    case JIT_OP_DIV:
      return div_unsigned (tr);
    case JIT_OP_IDIV:
      return div_signed (tr);
    default:
      return false;
    }
}
