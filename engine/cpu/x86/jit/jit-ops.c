/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opcode tables of the translator (SDM volume 2, appendix A), and the parser of encodings. */
#include "jit-ops.h"

#include <Zydis/Mnemonic.h>
#include <glib.h>

#include "decode.h"
#include "jit.h"

#define NOT_CF (F_ALL & ~F_CF)

unsigned
vt_jit_condition_flags (unsigned condition)
{
  static const uint8_t flags[8] = { F_OF, F_CF, F_ZF, F_CF | F_ZF, F_SF, F_PF, F_SF | F_OF, F_SF | F_OF | F_ZF };
  return flags[condition >> 1 & 7];
}

/* --- Encodings ---------------------------------------------------------------------------------------------------- */

static void
take_rex (uint8_t rex, VtJitEnc *out)
{
  out->rex = true;
  out->rex_w = rex >> 3 & 1;
  out->rex_r = rex << 1 & 8;
  out->rex_x = rex << 2 & 8;
  out->rex_b = rex << 3 & 8;
}

/* Only the REX right before the opcode counts. */
static unsigned
parse_prefixes (const uint8_t *raw, unsigned len, bool is64, VtJitEnc *out)
{
  unsigned at = 0;
  for (; at < len; at++)
    switch (raw[at])
      {
      case 0x66:
        out->p66 = 0x66;
        break;
      case 0xf2:
      case 0xf3:
        out->rep = raw[at];
        break;
      case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x67: case 0xf0:
        break;
      default:
        if (!is64 || (raw[at] & 0xf0) != 0x40)
          {
            if (at > 0 && is64 && (raw[at - 1] & 0xf0) == 0x40)
              take_rex (raw[at - 1], out);
            return at;
          }
      }
  return at;
}

static unsigned
parse_vex (const uint8_t *raw, unsigned at, VtJitEnc *out)
{
  bool three = raw[at] == 0xc4;
  uint8_t p = raw[at + 1], last = three ? raw[at + 2] : p;
  out->vex = true;
  out->rex_r = p & 0x80 ? 0 : 8;
  out->map = 1;
  if (three)
    {
      out->rex_x = p & 0x40 ? 0 : 8;
      out->rex_b = p & 0x20 ? 0 : 8;
      out->map = p & 31;
      out->rex_w = last >> 7;
    }
  out->vvvv = ~last >> 3 & 15;
  out->l = last >> 2 & 1;
  out->pp = last & 3;
  return at + (three ? 3 : 2);
}

static unsigned
parse_opcode_map (const uint8_t *raw, unsigned at, VtJitEnc *out)
{
  if (raw[at] != 0x0f)
    return at;
  out->map = raw[at + 1] == 0x38 ? 2 : raw[at + 1] == 0x3a ? 3 : 1;
  return at + (out->map == 1 ? 1 : 2);
}

static bool
has_modrm (const VtJitEnc *enc)
{
  static const uint8_t one_byte[32] = {
    /* a bit per opcode, 00..FF */
    0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0a, 0x00, 0x00,
    0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf3, 0x00, 0x0f, 0xff, 0x00, 0x00, 0xc0, 0xc0,
  };
  if (enc->map >= 2)
    return true;
  if (enc->map == 0)
    return one_byte[enc->opcode >> 3] >> (enc->opcode & 7) & 1;
  switch (enc->opcode)
    {
    case 0x05: case 0x06: case 0x07: case 0x08: case 0x09: case 0x0b: case 0x0e: case 0x77:
    case 0xa0: case 0xa1: case 0xa2: case 0xa8: case 0xa9: case 0xaa:
      return false;
    default:
      return !(enc->opcode >= 0x30 && enc->opcode <= 0x37) && !(enc->opcode >= 0x80 && enc->opcode <= 0x8f)
             && !(enc->opcode >= 0xc8 && enc->opcode <= 0xcf);
    }
}

static unsigned
skip_memory (const uint8_t *raw, unsigned at, const VtJitEnc *enc)
{
  unsigned mod = enc->modrm >> 6, rm = enc->modrm & 7;
  if (mod == 3)
    return at;
  if (rm == 4)
    {
      unsigned base = raw[MIN (at, VT_X86_MAX_INSN - 1)] & 7;
      at++;
      if (mod == 0)
        return base == 5 ? at + 4 : at;
    }
  else if (mod == 0)
    return rm == 5 ? at + 4 : at;
  return at + (mod == 1 ? 1 : 4);
}

void
vt_jit_parse (const uint8_t *raw, unsigned len, unsigned code_bits, VtJitEnc *out)
{
  *out = (VtJitEnc) { 0 };
  unsigned at = parse_prefixes (raw, len, code_bits == 64, out);
  /* In 32-bit code C4 and C5 are LES and LDS unless a register form follows. */
  if ((raw[at] == 0xc4 || raw[at] == 0xc5) && (code_bits == 64 || (raw[at + 1] & 0xc0) == 0xc0))
    at = parse_vex (raw, at, out);
  else
    at = parse_opcode_map (raw, at, out);
  out->opcode = raw[at++];
  /* There are 8 registers in 32-bit code, whatever VEX says. */
  if (code_bits != 64)
    {
      out->rex_r = out->rex_x = out->rex_b = 0;
      out->vvvv &= 7;
    }
  out->has_modrm = has_modrm (out);
  if (out->has_modrm)
    {
      out->modrm = raw[at++];
      /* 16-bit addresses have no SIB; nobody asks for the immediate's place by this parser then. */
      at = skip_memory (raw, at, out);
    }
  out->imm_at = (uint8_t) MIN (at, len);
}

bool
vt_jit_w_is_gpr_size (const VtX86Insn *x, const VtJitEnc *enc)
{
  for (unsigned i = 0; i < x->n_operands; i++)
    if (x->kind[i] == VT_OPND_GPR)
      return true;
  unsigned o = enc->opcode;
  if (enc->map == 1)
    return o == 0x2a || o == 0x2c || o == 0x2d || o == 0x6e || (o == 0x7e && enc->pp == 1);
  return enc->map == 3 && (o == 0x16 || o == 0x22 || o == 0x60 || o == 0x61);
}

/* --- One-byte map ------------------------------------------------------------------------------------------------- */

#define OP(...) ((VtJitOp) { __VA_ARGS__ })

static VtJitOp
alu (unsigned opcode)
{
  unsigned kind = opcode >> 3 & 7;
  VtJitOp op = { .cls = JIT_OP_MODRM, .flags_written = F_ALL, .flags_read = kind == 2 || kind == 3 ? F_CF : 0 };
  uint8_t dest = kind == 7 ? ACC_R : ACC_RW;
  switch (opcode & 7)
    {
    case 0: case 1:
      op.rm = dest;
      op.reg = ACC_R;
      break;
    case 2: case 3:
      op.reg = dest;
      op.rm = ACC_R;
      break;
    case 4: case 5:
      op.cls = JIT_OP_ACC_IMM;
      op.imm = opcode & 1 ? 4 : 1;
      return op;
    default:
      return OP (.cls = JIT_OP_INTERPRET);
    }
  op.reg8 = op.rm8 = (opcode & 1) == 0;
  return op;
}

static VtJitOp
group1 (unsigned opcode, unsigned kind)
{
  return OP (.cls = JIT_OP_MODRM, .rm = kind == 7 ? ACC_R : ACC_RW, .rm8 = opcode == 0x80 || opcode == 0x82,
             .imm = opcode == 0x81 ? 4 : 1, .flags_written = F_ALL, .flags_read = kind == 2 || kind == 3 ? F_CF : 0);
}

/* Rotates change CF and OF alone, and nothing when the count is 0; RCL and RCR read CF. */
static VtJitOp
shift (unsigned opcode, unsigned kind)
{
  bool rotate = kind < 4;
  VtJitOp op = { .cls = JIT_OP_MODRM, .rm = ACC_RW, .rm8 = (opcode & 1) == 0, .imm = opcode < 0xd0,
                 .flags_written = rotate ? F_CF | F_OF : F_ALL, .flags_read = kind == 2 || kind == 3 ? F_CF : 0 };
  op.keeps = opcode != 0xd0 && opcode != 0xd1;
  return op;
}

static VtJitOp
group3 (unsigned opcode, unsigned kind)
{
  VtJitOp op = { .cls = JIT_OP_MODRM, .rm = ACC_R, .rm8 = (opcode & 1) == 0, .flags_written = F_ALL };
  switch (kind)
    {
    case 0: case 1:
      op.imm = opcode & 1 ? 4 : 1;
      break;
    case 2:
      op.rm = ACC_RW;
      op.flags_written = 0;
      break;
    case 3:
      op.rm = ACC_RW;
      break;
    case 6:
      op.cls = JIT_OP_DIV;
      break;
    case 7:
      op.cls = JIT_OP_IDIV;
      break;
    default:
      break;
    }
  return op;
}

static VtJitOp
group45 (unsigned opcode, unsigned kind)
{
  switch (kind)
    {
    case 0: case 1:
      return OP (.cls = JIT_OP_MODRM, .rm = ACC_RW, .rm8 = opcode == 0xfe, .flags_written = NOT_CF);
    case 2:
      return OP (.cls = JIT_OP_CALL_RM, .rm = ACC_R);
    case 4:
      return OP (.cls = JIT_OP_JMP_RM, .rm = ACC_R);
    case 6:
      return OP (.cls = JIT_OP_PUSH, .rm = ACC_R);
    default:
      return OP (.cls = JIT_OP_INTERPRET);
    }
}

static VtJitOp
one_byte (const VtJitEnc *enc, bool is64)
{
  unsigned o = enc->opcode, kind = enc->modrm >> 3 & 7;
  if (o < 0x40)
    return alu (o);
  if (o < 0x50)
    return OP (.cls = JIT_OP_INC_SHORT, .flags_written = NOT_CF);
  if (o < 0x60)
    return OP (.cls = o < 0x58 ? JIT_OP_PUSH : JIT_OP_POP);
  if (o >= 0x70 && o < 0x80)
    return OP (.cls = JIT_OP_JCC, .flags_read = (uint8_t) vt_jit_condition_flags (o & 15));
  if (o >= 0x91 && o < 0x98)
    return OP (.cls = JIT_OP_XCHG_ACC);
  if (o >= 0xb0 && o < 0xc0)
    return OP (.cls = JIT_OP_MOV_IMM);
  VtJitOp x87;
  if (o >= 0xd8 && o < 0xe0)
    return vt_jit_x87_class (enc, &x87) ? x87 : OP (.cls = JIT_OP_HELPER);
  switch (o)
    {
    case 0x63:
      return is64 ? OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R) : OP (.cls = JIT_OP_HELPER);
    case 0x68: case 0x6a:
      return OP (.cls = JIT_OP_PUSH);
    case 0x69: case 0x6b:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .imm = o == 0x69 ? 4 : 1, .flags_written = F_ALL);
    case 0x80: case 0x81: case 0x82: case 0x83:
      return group1 (o, kind);
    case 0x84: case 0x85:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_R, .reg8 = o == 0x84, .rm8 = o == 0x84, .flags_written = F_ALL);
    case 0x86: case 0x87:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_RW, .reg8 = o == 0x86, .rm8 = o == 0x86);
    case 0x88: case 0x89:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_W, .reg8 = o == 0x88, .rm8 = o == 0x88);
    case 0x8a: case 0x8b:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .reg8 = o == 0x8a, .rm8 = o == 0x8a);
    case 0x8d:
      return OP (.cls = JIT_OP_LEA);
    case 0x90:
      return OP (.cls = JIT_OP_NOP);
    case 0x98: case 0x99:
      return OP (.cls = JIT_OP_PLAIN);
    case 0x9e:
      return OP (.cls = JIT_OP_PLAIN, .flags_written = F_ALL & ~F_OF);
    case 0x9f:
      return OP (.cls = JIT_OP_PLAIN, .flags_read = F_ALL & ~F_OF);
    case 0xa0: case 0xa1: case 0xa2: case 0xa3:
      return OP (.cls = JIT_OP_MOFFS);
    case 0xa8: case 0xa9:
      return OP (.cls = JIT_OP_ACC_IMM, .imm = o & 1 ? 4 : 1, .flags_written = F_ALL);
    case 0xc0: case 0xc1: case 0xd0: case 0xd1: case 0xd2: case 0xd3:
      return shift (o, kind);
    case 0xc2: case 0xc3:
      return OP (.cls = JIT_OP_RET);
    case 0xc6: case 0xc7:
      return OP (.cls = JIT_OP_MODRM, .rm = ACC_W, .rm8 = o == 0xc6, .imm = o & 1 ? 4 : 1);
    case 0xc9:
      return OP (.cls = JIT_OP_LEAVE);
    case 0xe0: case 0xe1:
      return OP (.cls = JIT_OP_JCXZ, .flags_read = F_ZF);
    case 0xe2: case 0xe3:
      return OP (.cls = JIT_OP_JCXZ);
    case 0xe8:
      return OP (.cls = JIT_OP_CALL);
    case 0xe9: case 0xeb:
      return OP (.cls = JIT_OP_JMP);
    case 0xf5:
      return OP (.cls = JIT_OP_PLAIN, .flags_read = F_CF, .flags_written = F_CF);
    case 0xf8: case 0xf9:
      return OP (.cls = JIT_OP_PLAIN, .flags_written = F_CF);
    case 0xf6: case 0xf7:
      return group3 (o, kind);
    case 0xfe: case 0xff:
      return group45 (o, kind);
    default:
      return OP (.cls = JIT_OP_HELPER);
    }
}

/* --- Two-byte map ------------------------------------------------------------------------------------------------- */

static VtJitOp
two_byte (const VtJitEnc *enc)
{
  unsigned o = enc->opcode, kind = enc->modrm >> 3 & 7;
  bool reg_form = enc->modrm >> 6 == 3;
  if (o >= 0x40 && o < 0x50)
    return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_R, .flags_read = (uint8_t) vt_jit_condition_flags (o & 15));
  if (o >= 0x80 && o < 0x90)
    return OP (.cls = JIT_OP_JCC, .flags_read = (uint8_t) vt_jit_condition_flags (o & 15));
  if (o >= 0x90 && o < 0xa0)
    return OP (.cls = JIT_OP_MODRM, .rm = ACC_W, .rm8 = true, .flags_read = (uint8_t) vt_jit_condition_flags (o & 15));
  if (o >= 0xc8 && o < 0xd0)
    return OP (.cls = JIT_OP_BSWAP);
  switch (o)
    {
    case 0x0d: case 0x18: case 0x19: case 0x1a: case 0x1b: case 0x1c: case 0x1d: case 0x1e: case 0x1f:
      return OP (.cls = JIT_OP_NOP);
    case 0xa3:
      return reg_form ? OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_R, .flags_written = F_CF) : OP (.cls = JIT_OP_BIT, .flags_written = F_CF);
    case 0xab: case 0xb3: case 0xbb:
      return reg_form ? OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_RW, .flags_written = F_CF)
                      : OP (.cls = JIT_OP_BIT, .flags_written = F_CF);
    case 0xba:
      return OP (.cls = JIT_OP_MODRM, .rm = kind == 4 ? ACC_R : ACC_RW, .imm = 1, .flags_written = F_CF);
    case 0xa4: case 0xac:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_RW, .imm = 1, .flags_written = F_ALL, .keeps = true);
    case 0xa5: case 0xad:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_RW, .flags_written = F_ALL, .keeps = true);
    case 0xae:
      return reg_form && kind >= 5 && enc->rep == 0 && !enc->p66 ? OP (.cls = JIT_OP_PLAIN) : OP (.cls = JIT_OP_HELPER);
    case 0xaf:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_R, .flags_written = F_ALL);
    case 0xb0: case 0xb1:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_RW, .reg8 = o == 0xb0, .rm8 = o == 0xb0, .flags_written = F_ALL);
    case 0xb6: case 0xbe:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .rm8 = true);
    case 0xb7: case 0xbf:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .rm16 = true);
    case 0xb8:
      return enc->rep == 0xf3 ? OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .flags_written = F_ALL)
                              : OP (.cls = JIT_OP_HELPER);
    case 0xbc: case 0xbd:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_R, .flags_written = F_ALL);
    case 0xc0: case 0xc1:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_RW, .reg8 = o == 0xc0, .rm8 = o == 0xc0, .flags_written = F_ALL);
    case 0xc3:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_W);
    default:
      return OP (.cls = JIT_OP_HELPER);
    }
}

/* --- 0F 38, 0F 3A, VEX -------------------------------------------------------------------------------------------- */

static VtJitOp
legacy_38 (const VtJitEnc *enc)
{
  switch (enc->opcode)
    {
    case 0xf0:
      if (enc->rep == 0xf2)
        return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_R, .rm8 = true);
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_R);
    case 0xf1:
      if (enc->rep == 0xf2)
        return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_R, .rm16 = enc->p66 != 0 && !enc->rex_w);
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_R, .rm = ACC_W);
    case 0xf6:
      /* F3 decides, also beside 66. */
      if (enc->rep == 0xf3)
        return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_R, .flags_read = F_OF, .flags_written = F_OF);
      if (enc->p66)
        return OP (.cls = JIT_OP_MODRM, .reg = ACC_RW, .rm = ACC_R, .flags_read = F_CF, .flags_written = F_CF);
      return OP (.cls = JIT_OP_HELPER);
    default:
      return OP (.cls = JIT_OP_HELPER);
    }
}

static VtJitOp
vex_integer (const VtJitEnc *enc)
{
  if (enc->map == 3 && enc->opcode == 0xf0)
    return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .imm = 1);
  if (enc->map != 2)
    return OP (.cls = JIT_OP_HELPER);
  switch (enc->opcode)
    {
    case 0xf2:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .vvvv = ACC_R, .flags_written = F_ALL);
    case 0xf3:
      return OP (.cls = JIT_OP_MODRM, .rm = ACC_R, .vvvv = ACC_W, .flags_written = F_ALL);
    case 0xf5:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .vvvv = ACC_R, .flags_written = enc->pp == 0 ? F_ALL : 0);
    case 0xf6:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .vvvv = ACC_W);
    case 0xf7:
      return OP (.cls = JIT_OP_MODRM, .reg = ACC_W, .rm = ACC_R, .vvvv = ACC_R, .flags_written = enc->pp == 0 ? F_ALL : 0);
    default:
      return OP (.cls = JIT_OP_HELPER);
    }
}

/* --- Vectors ------------------------------------------------------------------------------------------------------ */

static bool
names_vector (const VtX86Insn *x)
{
  bool any = false;
  for (unsigned i = 0; i < x->n_operands; i++)
    {
      if (x->kind[i] == VT_OPND_MM || x->kind[i] == VT_OPND_ST)
        return false;
      any |= x->kind[i] == VT_OPND_XMM || x->kind[i] == VT_OPND_YMM;
    }
  return any;
}

/* Those with memory operands of their own kind, and the approximations that differ between a host's forms are left to the
 * interpreter. */
static bool
special_vector (const VtX86Insn *x, const VtJitEnc *enc)
{
  switch (x->mnemonic)
    {
    case ZYDIS_MNEMONIC_MASKMOVDQU: case ZYDIS_MNEMONIC_VMASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVPS: case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVD: case ZYDIS_MNEMONIC_VPMASKMOVQ:
      return true;
    default:
      return enc->vex && enc->map == 2 && enc->opcode >= 0x90 && enc->opcode <= 0x93;   /* gathers */
    }
}

static unsigned
vector_flags (const VtX86Insn *x)
{
  switch (x->mnemonic)
    {
    case ZYDIS_MNEMONIC_COMISS: case ZYDIS_MNEMONIC_COMISD: case ZYDIS_MNEMONIC_UCOMISS: case ZYDIS_MNEMONIC_UCOMISD:
    case ZYDIS_MNEMONIC_VCOMISS: case ZYDIS_MNEMONIC_VCOMISD: case ZYDIS_MNEMONIC_VUCOMISS: case ZYDIS_MNEMONIC_VUCOMISD:
    case ZYDIS_MNEMONIC_PTEST: case ZYDIS_MNEMONIC_VPTEST: case ZYDIS_MNEMONIC_VTESTPS: case ZYDIS_MNEMONIC_VTESTPD:
    case ZYDIS_MNEMONIC_PCMPESTRI: case ZYDIS_MNEMONIC_PCMPESTRM: case ZYDIS_MNEMONIC_PCMPISTRI: case ZYDIS_MNEMONIC_PCMPISTRM:
    case ZYDIS_MNEMONIC_VPCMPESTRI: case ZYDIS_MNEMONIC_VPCMPESTRM: case ZYDIS_MNEMONIC_VPCMPISTRI:
    case ZYDIS_MNEMONIC_VPCMPISTRM:
      return F_ALL;
    default:
      return 0;
    }
}

/* --- All together ------------------------------------------------------------------------------------------------- */

/* 66 is part of the opcode of vector instructions and of ADCX, and MOVNTI does not take it. */
bool
vt_jit_size_by_66 (const VtX86Insn *x, const VtJitEnc *enc)
{
  bool adcx = enc->map == 2 && enc->opcode == 0xf6, movnti = enc->map == 1 && enc->opcode == 0xc3;
  return !enc->vex && !names_vector (x) && !adcx && !movnti;
}

/* Is that an operand size of the stack (of branches: of IP) which translated code has? */
static bool
is_natural (const VtX86Insn *x, const VtJitOp *op, unsigned mode)
{
  bool stack = op->cls == JIT_OP_PUSH || op->cls == JIT_OP_POP || op->cls == JIT_OP_LEAVE;
  if (mode & JIT_MODE_CODE64)
    return x->opsize == 8;
  return x->opsize == 4 || (x->opsize == 2 && (stack ? (mode & JIT_MODE_SEGMENTED) != 0 : (mode & JIT_MODE_CODE16) != 0));
}

/* Forms of the tables above that are special after all. */
static void
refine (const VtX86Insn *x, const VtJitEnc *enc, unsigned mode, VtJitOp *op)
{
  bool memory = false;
  for (unsigned i = 0; i < x->n_operands; i++)
    {
      memory |= x->kind[i] == VT_OPND_MEM;
      /* Segment, control and debug registers are the system's. */
      if (x->kind[i] == VT_OPND_SEG || x->kind[i] == VT_OPND_CR || x->kind[i] == VT_OPND_DR)
        op->cls = JIT_OP_HELPER;
    }
  bool stack = op->cls == JIT_OP_PUSH || op->cls == JIT_OP_POP || op->cls == JIT_OP_LEAVE || op->cls == JIT_OP_CALL
               || op->cls == JIT_OP_CALL_RM || op->cls == JIT_OP_RET || op->cls == JIT_OP_JMP || op->cls == JIT_OP_JMP_RM;
  if (stack && !is_natural (x, op, mode))
    op->cls = op->cls == JIT_OP_PUSH || op->cls == JIT_OP_POP || op->cls == JIT_OP_LEAVE ? JIT_OP_HELPER : JIT_OP_INTERPRET;
  if ((op->cls == JIT_OP_JCC || op->cls == JIT_OP_JCXZ) && !is_natural (x, op, mode))
    op->cls = JIT_OP_INTERPRET;
  if (op->cls == JIT_OP_NOP && x->mnemonic == ZYDIS_MNEMONIC_PAUSE)
    op->cls = JIT_OP_HELPER;
  if (op->cls == JIT_OP_NOP && x->mnemonic == ZYDIS_MNEMONIC_XCHG)
    op->cls = JIT_OP_XCHG_ACC;
  /* A constant count that is not zero. */
  bool shift_imm = (enc->map == 0 && (enc->opcode == 0xc0 || enc->opcode == 0xc1))
                   || (enc->map == 1 && (enc->opcode == 0xa4 || enc->opcode == 0xac));
  if (shift_imm && op->keeps)
    op->keeps = (x->imm & (x->opsize == 8 ? 63 : 31)) == 0;
}

void
vt_jit_classify (const VtX86Insn *x, const VtJitEnc *enc, unsigned mode, VtJitOp *out)
{
  bool is64 = (mode & JIT_MODE_CODE64) != 0;
  if (x->op == vt_x86_op_undefined)
    {
      *out = OP (.cls = JIT_OP_INTERPRET);
      return;
    }
  if (names_vector (x))
    {
      bool special = special_vector (x, enc) || x->addrsize == 2;
      *out = special ? OP (.cls = JIT_OP_HELPER, .flags_read = F_ALL)
                     : OP (.cls = JIT_OP_VECTOR, .flags_written = (uint8_t) vector_flags (x));
      return;
    }
  /* Real mode has no VEX, which only the interpreter's operations know. */
  if (enc->vex && (mode & JIT_MODE_SEGMENTED))
    *out = OP (.cls = JIT_OP_HELPER);
  else if (enc->vex)
    /* VZEROUPPER of 32-bit code leaves the registers that it does not have. */
    *out = enc->map == 1 && enc->opcode == 0x77 ? OP (.cls = is64 ? JIT_OP_VECTOR : JIT_OP_HELPER) : vex_integer (enc);
  else if (enc->map == 0)
    *out = one_byte (enc, is64);
  else if (enc->map == 1)
    *out = two_byte (enc);
  else
    *out = enc->map == 2 ? legacy_38 (enc) : OP (.cls = JIT_OP_HELPER);
  refine (x, enc, mode, out);
  /* Nobody asks which flags the interpreter looks at. */
  if (out->cls == JIT_OP_HELPER || out->cls == JIT_OP_INTERPRET)
    *out = OP (.cls = out->cls, .flags_read = F_ALL);
}
