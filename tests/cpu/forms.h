/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every instruction form of the supported processor, found by walking the opcode maps.
 *
 * A form is a mnemonic with the kinds and sizes of its operands, its opcode and its repeat or lock prefix.  Each has
 * the list of encodings (templates) that led to it.
 */
#pragma once

#include "case.h"

#include <Zydis/Zydis.h>

enum
{
  PREFIX_66   = 1u << 0,
  PREFIX_F2   = 1u << 1,
  PREFIX_F3   = 1u << 2,
  PREFIX_LOCK = 1u << 3,
  PREFIX_W    = 1u << 4,     /* REX.W or VEX.W */
};

/* The fixed part of an encoding. */
typedef struct
{
  uint8_t prefixes;          /* PREFIX_*; with VEX only PREFIX_W */
  bool    vex;
  uint8_t map;               /* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A */
  uint8_t opcode;
  uint8_t vex_pp, vex_l;
  bool    has_modrm;
  bool    memory;            /* ModRM.mod is not 3 */
  bool    vvvv;              /* VEX.vvvv names an operand */
  uint8_t reg, rm;           /* of ModRM; rm for registers only */
} Template;

typedef struct
{
  char          *name;
  uint64_t       signature;
  uint8_t        mode;           /* Mode */
  ZydisMnemonic  mnemonic;
  const char    *excluded;       /* reason, or NULL */
  GArray        *templates;      /* of Template */
  uint64_t       cases, differences, faults;   /* statistics of a run */
} Form;

typedef struct
{
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand     op[ZYDIS_MAX_OPERAND_COUNT];
} Decoded;

GPtrArray *forms_enumerate (Mode mode);

/* False when the bytes are no instruction, or none of the supported processor. */
bool forms_decode (Mode mode, const uint8_t *code, unsigned len, Decoded *out);
/* Decoded, whatever instruction set it is from. */
bool forms_decode_any (Mode mode, const uint8_t *code, unsigned len, Decoded *out);
bool forms_isa_supported (ZydisISASet set);
uint64_t forms_signature (const Decoded *d);
/* Why a decoded instruction is not compared with the host; NULL when it is. */
const char *forms_excluded (const Decoded *d);

/* Writes at most 15 bytes with zeros for displacement and immediates (so that `bytes` needs 32), returns the offset of
 * ModRM or, without one, of what follows the opcode.  rxb: REX or VEX bits R, X, B in 2..0; vvvv: register number. */
#define FORMS_SHORT_VEX 8u   /* with rxb: the two-byte prefix C5 where it will do */
unsigned forms_encode (const Template *t, Mode mode, unsigned rxb, unsigned vvvv, uint8_t *bytes);
