/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the translator knows about each opcode. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "x86-insn.h"

/* How an instruction is translated. */
typedef enum
{
  JIT_OP_INTERPRET,   /* leaves to the interpreter; the region ends */
  JIT_OP_HELPER,      /* the interpreter's operation, called */
  JIT_OP_SYSTEM,      /* the same, and code goes on wherever that left the processor */
  JIT_OP_INLINE,      /* a system instruction written out (jit-system.c) */
  JIT_OP_MODRM,       /* re-encoded: registers mapped, memory operand checked */
  JIT_OP_PLAIN,       /* no ModRM: copied, its implied registers are at home */
  JIT_OP_ACC_IMM,     /* accumulator and immediate */
  JIT_OP_MOV_IMM,
  JIT_OP_MOFFS,
  JIT_OP_XCHG_ACC,
  JIT_OP_INC_SHORT,   /* INC and DEC of 32-bit code without ModRM */
  JIT_OP_BSWAP,
  JIT_OP_BIT,         /* BT and its like with a register's bit of memory */
  JIT_OP_LEA,
  JIT_OP_NOP,
  JIT_OP_DIV,
  JIT_OP_IDIV,
  JIT_OP_PUSH,
  JIT_OP_POP,
  JIT_OP_LEAVE,
  JIT_OP_JCC,
  JIT_OP_JCXZ,        /* also LOOP */
  JIT_OP_JMP,
  JIT_OP_JMP_RM,
  JIT_OP_CALL,
  JIT_OP_CALL_RM,
  JIT_OP_RET,
  JIT_OP_VECTOR,
  JIT_OP_X87,
} VtJitClass;

enum
{
  ACC_R  = 1,
  ACC_W  = 2,
  ACC_RW = 3,
};

typedef struct
{
  uint8_t cls;
  uint8_t reg, rm, vvvv;      /* ACC_* of what ModRM.reg, ModRM.rm and VEX.vvvv name */
  bool    reg8, rm8, rm16;    /* size other than the operand size */
  uint8_t imm;                /* 0, 1: byte; 4: operand size, at most 4 */
  uint8_t flags_read, flags_written;   /* written: for certain */
  bool    keeps;              /* may also leave the flags as they are (shifts by CL) */
} VtJitOp;

/* The encoding, apart. */
typedef struct
{
  uint8_t map;                /* 0..3 */
  uint8_t opcode;
  uint8_t modrm;
  bool    has_modrm, vex, rex;
  uint8_t p66, rep;           /* prefixes as they stand */
  uint8_t rex_w, rex_r, rex_b;/* R and B as 0 or 8 */
  uint8_t rex_x;
  uint8_t vvvv, l, pp;
  uint8_t imm_at;             /* offset of the immediate, as ModRM, SIB and displacement end there */
} VtJitEnc;

void vt_jit_parse (const uint8_t *raw, unsigned len, unsigned code_bits, VtJitEnc *out);
/* Classifies; also looks at the decoded form. */
void vt_jit_classify (const VtX86Insn *x, const VtJitEnc *enc, unsigned mode, VtJitOp *out);
/* Does 66 choose the operand size, and nothing else? */
bool vt_jit_size_by_66 (const VtX86Insn *x, const VtJitEnc *enc);
/* Is VEX.W the size of a general register (or its memory)? 32-bit code ignores it then. */
bool vt_jit_w_is_gpr_size (const VtX86Insn *x, const VtJitEnc *enc);
/* Of opcodes D8..DF; false: the interpreter's (jit-x87.c). */
bool vt_jit_x87_class (const VtJitEnc *enc, VtJitOp *out);
/* Flags that condition 0..15 reads. */
unsigned vt_jit_condition_flags (unsigned condition);
