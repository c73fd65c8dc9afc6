/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A decoded instruction: what semantics functions get. Compact, because the decode cache holds many. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct VtX86Cpu  VtX86Cpu;
typedef struct VtX86Insn VtX86Insn;

typedef void (*VtX86Op) (VtX86Cpu *cpu, const VtX86Insn *insn);

/* Operand kinds; the register number is in reg[], memory is always the instruction's one ModRM/moffs memory operand. */
typedef enum
{
  VT_OPND_NONE,
  VT_OPND_GPR,      /* size opnd_size[i]: 1 (low byte), 2, 4, 8 */
  VT_OPND_GPR8H,    /* AH, CH, DH, BH: reg[] is 0..3 */
  VT_OPND_MEM,
  VT_OPND_IMM,      /* imm, already sign- or zero-extended as the instruction says */
  VT_OPND_SEG,
  VT_OPND_CR,
  VT_OPND_DR,
  VT_OPND_ST,       /* relative to TOP */
  VT_OPND_MM,
  VT_OPND_XMM,
  VT_OPND_YMM,
} VtX86OperandKind;

#define VT_X86_MAX_OPERANDS 5

enum
{
  VT_PFX_LOCK  = 1u << 0,
  VT_PFX_REP   = 1u << 1,   /* F3 */
  VT_PFX_REPNE = 1u << 2,   /* F2 */
  VT_PFX_VEX   = 1u << 3,   /* VEX encoded: the upper half of a written XMM's YMM is zeroed */
  VT_PFX_SEGO  = 1u << 4,   /* explicit segment override */
};

#define VT_X86_NO_REG 0xffu
#define VT_X86_REG_RIP 16u

struct VtX86Insn
{
  VtX86Op  op;
  uint64_t imm;             /* the (first) immediate */
  int64_t  disp;            /* of the memory operand (absolute for moffs; relative to the instruction's first byte for RIP),
                             * or the relative branch displacement */
  uint16_t mnemonic;        /* ZydisMnemonic */
  uint8_t  length;          /* 1..15 */
  uint8_t  prefixes;        /* VT_PFX_* */
  uint8_t  opsize;          /* effective operand size in bytes: 2, 4, 8 (for byte forms see opnd_size) */
  uint8_t  addrsize;        /* 2, 4, 8 */
  uint8_t  veclen;          /* 16 or 32 for VEX forms, 16 for legacy SSE, 8 for MMX, 0 otherwise */
  uint8_t  seg;             /* of the memory operand: VT_ES... */
  uint8_t  base, index;     /* GPR number, VT_X86_REG_RIP or VT_X86_NO_REG; VSIB: the vector register number */
  uint8_t  scale;           /* 1, 2, 4, 8 */
  uint8_t  n_operands;      /* explicit ones, in Intel order (destination first) */
  uint8_t  imm2;            /* second immediate: ENTER, far pointers' selector go to imm >> 32 instead */
  uint8_t  opcode;          /* last opcode byte */
  uint8_t  modrm;           /* 0 when absent */
  uint8_t  kind[VT_X86_MAX_OPERANDS];
  uint8_t  reg[VT_X86_MAX_OPERANDS];
  uint8_t  opnd_size[VT_X86_MAX_OPERANDS];   /* bytes, 255 for larger (FXSAVE...) */

  /* For specialised forms (forms.h). Address of the memory operand when no segment check is needed: the sum of three 64-bit
   * words of VtX86State, one of them shifted, and disp (which then includes the length for RIP-relative ones). */
  uint8_t  ea_base, ea_index, ea_shift, ea_seg;
  uint8_t  byte_off[3];     /* of byte register operands, from gpr[0] */
};

/* A topic file offers rows; the decoder picks the op by mnemonic (op == NULL rows are not allowed; a mnemonic that no table
 * has raises #UD). `prepare`, nullable, may replace insn->op by a form specialised on its operands. */
typedef struct
{
  uint16_t mnemonic;
  VtX86Op  op;
  void   (*prepare) (VtX86Insn *insn);
} VtX86OpRow;

/* Topic tables, terminated by a row with op == NULL. Zydis gives MOVSD and CMPSD, string and SSE2 instructions, one
 * mnemonic each: the integer row counts for opcodes A5 and A7, the SIMD row for the others. */
extern const VtX86OpRow *const vt_x86_integer_tables[];   /* NULL-terminated: alu, mov, shift, bit, mul/div, near branches,
                                                           * stack, string, BMI, ADX (integer.c) */
extern const VtX86OpRow vt_x86_ops_system[];     /* segments, far branches, interrupts, control registers, MSR, CPUID, I/O,
                                                  * PUSHF and POPF, CLI and STI, INS and OUTS */

/* Forms of mnemonics of the integer table that belong to the system half; the integer rows' prepare() picks them. */
void vt_x86_op_mov_to_seg   (VtX86Cpu *cpu, const VtX86Insn *insn);
void vt_x86_op_mov_from_seg (VtX86Cpu *cpu, const VtX86Insn *insn);
void vt_x86_op_mov_to_cr    (VtX86Cpu *cpu, const VtX86Insn *insn);
void vt_x86_op_mov_from_cr  (VtX86Cpu *cpu, const VtX86Insn *insn);
void vt_x86_op_mov_to_dr    (VtX86Cpu *cpu, const VtX86Insn *insn);
void vt_x86_op_mov_from_dr  (VtX86Cpu *cpu, const VtX86Insn *insn);
void vt_x86_op_push_seg     (VtX86Cpu *cpu, const VtX86Insn *insn);
void vt_x86_op_pop_seg      (VtX86Cpu *cpu, const VtX86Insn *insn);
void vt_x86_op_call_far     (VtX86Cpu *cpu, const VtX86Insn *insn);   /* opcodes 9A and FF /3 */
void vt_x86_op_jmp_far      (VtX86Cpu *cpu, const VtX86Insn *insn);   /* opcodes EA and FF /5 */
void vt_x86_op_ret_far      (VtX86Cpu *cpu, const VtX86Insn *insn);   /* opcodes CA and CB */

/* x87, MMX, SSE to SSE4.2, AES, PCLMUL, SHA, AVX, AVX2, FMA, F16C, FXSAVE and XSAVE families, LDMXCSR: all tables of the
 * vector and floating-point files, NULL-terminated (simd-tables.c). */
extern const VtX86OpRow *const vt_x86_simd_tables[];
