/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encoder of host instructions (SDM volume 2, chapter 2).
 *
 * Everything is written through the writable mapping; addresses are those of the executable one.  Nobody checks space at
 * each byte: the translator makes sure that VT_EMIT_MARGIN bytes are left before each guest instruction.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { H_RAX, H_RCX, H_RDX, H_RBX, H_RSP, H_RBP, H_RSI, H_RDI, H_R8, H_R9, H_R10, H_R11, H_R12, H_R13, H_R14, H_R15 };

/* AH, CH, DH, BH: this plus 0..3. */
#define H_HIGH_BYTE 0x20u

#define VT_EMIT_MARGIN 2048u

typedef struct
{
  uint8_t  *at;         /* next byte, writable mapping */
  uint8_t  *end;
  ptrdiff_t to_rx;      /* add to get the executable address */
  int32_t   gs_at;      /* what GS points to, if 31 bits reach it: then its segment, which costs a load two cycles, is not needed; or 0 */
} VtEmit;

typedef enum
{
  RM_REG,               /* register */
  RM_BASE,              /* [reg + disp] */
  RM_GS,                /* gs:[disp], or the same place without a segment */
  RM_GS_BASE,           /* gs:[reg + disp] */
  RM_GS_INDEX8,         /* gs:[reg * 8 + disp] */
  RM_SIB,               /* [reg + index * 1 + disp] */
} VtRmKind;

typedef struct
{
  uint8_t kind;         /* VtRmKind */
  uint8_t reg, index;
  int32_t disp;
} VtRm;

static inline VtRm rm_reg (unsigned reg) { return (VtRm) { .kind = RM_REG, .reg = (uint8_t) reg }; }
static inline VtRm rm_base (unsigned reg, int32_t disp) { return (VtRm) { .kind = RM_BASE, .reg = (uint8_t) reg, .disp = disp }; }
static inline VtRm rm_gs (size_t off) { return (VtRm) { .kind = RM_GS, .disp = (int32_t) off }; }
static inline VtRm rm_gs_base (unsigned reg, size_t off) { return (VtRm) { .kind = RM_GS_BASE, .reg = (uint8_t) reg, .disp = (int32_t) off }; }
static inline VtRm rm_gs_index8 (unsigned reg, size_t off) { return (VtRm) { .kind = RM_GS_INDEX8, .reg = (uint8_t) reg, .disp = (int32_t) off }; }

/* Prefixes, map and opcode of a legacy-encoded instruction. */
typedef struct
{
  uint8_t lock, p66, rep;   /* rep: 0, 0xf2 or 0xf3 */
  uint8_t w;                /* REX.W */
  uint8_t map;              /* 0: one byte; 1: 0F; 2: 0F 38; 3: 0F 3A */
  uint8_t opcode;
  bool    reg8, rm8;        /* byte registers in ModRM.reg, in ModRM.rm */
} VtEnc;

static inline void emit8 (VtEmit *e, unsigned value) { *e->at++ = (uint8_t) value; }
static inline void emit16 (VtEmit *e, unsigned value) { uint16_t v = (uint16_t) value; memcpy (e->at, &v, 2); e->at += 2; }
static inline void emit32 (VtEmit *e, uint32_t value) { memcpy (e->at, &value, 4); e->at += 4; }
static inline void emit64 (VtEmit *e, uint64_t value) { memcpy (e->at, &value, 8); e->at += 8; }

static inline const uint8_t *emit_rx (const VtEmit *e, const uint8_t *at) { return at + e->to_rx; }

/* --- ModRM -------------------------------------------------------------------------------------------------------- */

static inline unsigned
emit_code (unsigned reg)
{
  return reg & H_HIGH_BYTE ? (reg & 3) + 4 : reg & 7;
}

static inline unsigned rm_b (VtRm rm) { return rm.kind != RM_GS && rm.kind != RM_GS_INDEX8 && !(rm.reg & H_HIGH_BYTE) && (rm.reg & 8) ? 1 : 0; }
static inline unsigned
rm_x (VtRm rm)
{
  if (rm.kind == RM_SIB)
    return rm.index >> 3 & 1;
  return rm.kind == RM_GS_INDEX8 ? rm.reg >> 3 & 1 : 0;
}

static inline void
emit_modrm (VtEmit *e, unsigned reg, VtRm rm)
{
  unsigned r = emit_code (reg) << 3;
  switch (rm.kind)
    {
    case RM_REG:
      emit8 (e, 0xc0 | r | emit_code (rm.reg));
      break;
    case RM_GS:
      emit8 (e, 0x04 | r);
      emit8 (e, 0x25);
      emit32 (e, (uint32_t) (e->gs_at + rm.disp));
      break;
    case RM_GS_BASE:
      emit8 (e, 0x80 | r | (rm.reg & 7));
      emit32 (e, (uint32_t) (e->gs_at + rm.disp));
      break;
    case RM_GS_INDEX8:
      emit8 (e, 0x04 | r);
      emit8 (e, 0xc5 | (rm.reg & 7) << 3);
      emit32 (e, (uint32_t) (e->gs_at + rm.disp));
      break;
    default:
      {
        unsigned base = rm.reg & 7;
        bool sib = rm.kind == RM_SIB || base == 4;
        unsigned mod = rm.disp == 0 && base != 5 ? 0 : rm.disp == (int8_t) rm.disp ? 0x40 : 0x80;
        emit8 (e, mod | r | (sib ? 4 : base));
        if (sib)
          emit8 (e, (rm.kind == RM_SIB ? (rm.index & 7) << 3 : 0x20) | base);
        if (mod == 0x40)
          emit8 (e, (uint8_t) rm.disp);
        else if (mod == 0x80)
          emit32 (e, (uint32_t) rm.disp);
      }
    }
}

static inline bool
emit_needs_rex8 (unsigned reg)
{
  return reg >= 4 && reg < 8;
}

static inline void
emit_segment (VtEmit *e, VtRm rm)
{
  if (e->gs_at == 0 && (rm.kind == RM_GS || rm.kind == RM_GS_BASE || rm.kind == RM_GS_INDEX8))
    emit8 (e, 0x65);
}

static inline void
emit_insn (VtEmit *e, VtEnc enc, unsigned reg, VtRm rm)
{
  emit_segment (e, rm);
  if (enc.lock)
    emit8 (e, 0xf0);
  if (enc.p66)
    emit8 (e, 0x66);
  if (enc.rep)
    emit8 (e, enc.rep);
  unsigned rex = (enc.w ? 8u : 0) | (!(reg & H_HIGH_BYTE) && (reg & 8) ? 4u : 0) | rm_x (rm) << 1 | rm_b (rm);
  bool need = rex != 0 || (enc.reg8 && emit_needs_rex8 (reg)) || (enc.rm8 && rm.kind == RM_REG && emit_needs_rex8 (rm.reg));
  if (need)
    emit8 (e, 0x40 | rex);
  if (enc.map >= 1)
    emit8 (e, 0x0f);
  if (enc.map >= 2)
    emit8 (e, enc.map == 2 ? 0x38 : 0x3a);
  emit8 (e, enc.opcode);
  emit_modrm (e, reg, rm);
}

/* VEX, three-byte form. `vvvv` is the register itself (not inverted). */
static inline void
emit_vex (VtEmit *e, unsigned map, unsigned pp, unsigned w, unsigned l, unsigned opcode, unsigned reg, unsigned vvvv, VtRm rm)
{
  emit_segment (e, rm);
  emit8 (e, 0xc4);
  emit8 (e, (reg & 8 ? 0 : 0x80) | (rm_x (rm) ? 0 : 0x40) | (rm_b (rm) ? 0 : 0x20) | map);
  emit8 (e, (w ? 0x80 : 0) | (~vvvv & 15) << 3 | (l ? 4 : 0) | pp);
  emit8 (e, opcode);
  emit_modrm (e, reg, rm);
}

/* --- The few instructions that glue is made of --------------------------------------------------------------------- */

static inline void emit_op64 (VtEmit *e, unsigned opcode, unsigned reg, VtRm rm) { emit_insn (e, (VtEnc) { .w = 1, .opcode = (uint8_t) opcode }, reg, rm); }
static inline void emit_op32 (VtEmit *e, unsigned opcode, unsigned reg, VtRm rm) { emit_insn (e, (VtEnc) { .opcode = (uint8_t) opcode }, reg, rm); }

static inline void emit_load64 (VtEmit *e, unsigned reg, VtRm rm) { emit_op64 (e, 0x8b, reg, rm); }
static inline void emit_load32 (VtEmit *e, unsigned reg, VtRm rm) { emit_op32 (e, 0x8b, reg, rm); }
static inline void emit_store64 (VtEmit *e, VtRm rm, unsigned reg) { emit_op64 (e, 0x89, reg, rm); }
static inline void emit_store32 (VtEmit *e, VtRm rm, unsigned reg) { emit_op32 (e, 0x89, reg, rm); }
static inline void emit_mov64 (VtEmit *e, unsigned to, unsigned from) { emit_op64 (e, 0x8b, to, rm_reg (from)); }
static inline void emit_mov32 (VtEmit *e, unsigned to, unsigned from) { emit_op32 (e, 0x8b, to, rm_reg (from)); }
static inline void emit_lea64 (VtEmit *e, unsigned to, unsigned base, int32_t disp) { emit_op64 (e, 0x8d, to, rm_base (base, disp)); }
static inline void emit_lea32 (VtEmit *e, unsigned to, unsigned base, int32_t disp) { emit_op32 (e, 0x8d, to, rm_base (base, disp)); }

static inline void
emit_imm64 (VtEmit *e, unsigned reg, uint64_t value)
{
  if (value <= UINT32_MAX)
    {
      if (reg & 8)
        emit8 (e, 0x41);
      emit8 (e, 0xb8 | (reg & 7));
      emit32 (e, (uint32_t) value);
      return;
    }
  emit8 (e, 0x48 | (reg >> 3 & 1));
  if (value == (uint64_t) (int64_t) (int32_t) value)
    {
      emit8 (e, 0xc7);
      emit8 (e, 0xc0 | (reg & 7));
      emit32 (e, (uint32_t) value);
      return;
    }
  emit8 (e, 0xb8 | (reg & 7));
  emit64 (e, value);
}

/* mov dword gs:[off], imm */
static inline void
emit_store_imm32 (VtEmit *e, VtRm rm, uint32_t value)
{
  emit_op32 (e, 0xc7, 0, rm);
  emit32 (e, value);
}

/* A group-1 operation (0 ADD, 4 AND, 5 SUB, 6 XOR, 7 CMP) with an immediate. */
static inline void
emit_group1 (VtEmit *e, unsigned w, unsigned op, VtRm rm, int32_t value)
{
  bool small = value == (int8_t) value;
  emit_insn (e, (VtEnc) { .w = (uint8_t) w, .opcode = small ? 0x83 : 0x81 }, op, rm);
  if (small)
    emit8 (e, (uint8_t) value);
  else
    emit32 (e, (uint32_t) value);
}

/* --- Jumps: sites are patched when the target is known ---------------------------------------------------------------- */

enum { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

/* Return the place of the 32-bit displacement. */
static inline uint8_t *
emit_jmp (VtEmit *e)
{
  emit8 (e, 0xe9);
  e->at += 4;
  return e->at - 4;
}

static inline uint8_t *
emit_jcc (VtEmit *e, unsigned cc)
{
  emit8 (e, 0x0f);
  emit8 (e, 0x80 | cc);
  e->at += 4;
  return e->at - 4;
}

static inline void
emit_patch (uint8_t *site, const uint8_t *target_rw)
{
  int32_t delta = (int32_t) (target_rw - (site + 4));
  memcpy (site, &delta, 4);
}

static inline void emit_jmp_to (VtEmit *e, const uint8_t *target_rw) { emit_patch (emit_jmp (e), target_rw); }

static inline void
emit_push (VtEmit *e, unsigned reg)
{
  if (reg & 8)
    emit8 (e, 0x41);
  emit8 (e, 0x50 | (reg & 7));
}

static inline void
emit_pop (VtEmit *e, unsigned reg)
{
  if (reg & 8)
    emit8 (e, 0x41);
  emit8 (e, 0x58 | (reg & 7));
}

/* Returns the place of the displacement, as emit_jmp(). */
static inline uint8_t *
emit_call (VtEmit *e)
{
  emit8 (e, 0xe8);
  e->at += 4;
  return e->at - 4;
}

static inline void
emit_call_to (VtEmit *e, const uint8_t *target_rw)
{
  emit_patch (emit_call (e), target_rw);
}
