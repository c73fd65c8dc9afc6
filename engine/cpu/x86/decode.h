/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From instruction bytes to VtX86Insn, by Zydis and the topic tables. */
#pragma once

#include "x86-insn.h"
#include "x86-model.h"

#define VT_X86_MAX_INSN 15u

typedef enum
{
  VT_X86_DECODED,      /* also undefined instructions: their op raises #UD */
  VT_X86_NEED_MORE,    /* valid so far, but `len` ends inside it */
  VT_X86_TOO_LONG,     /* more than 15 bytes: #GP */
} VtX86DecodeResult;

/* What follows an instruction in a run loop. */
typedef enum
{
  VT_X86_TAIL_NONE,      /* the next instruction */
  VT_X86_TAIL_BRANCH,    /* control went somewhere: s.rip says where */
  VT_X86_TAIL_SPECIAL,   /* modes, flags or memory mappings may have changed as well: look at everything */
} VtX86Tail;

typedef struct VtX86Decoder VtX86Decoder;

VtX86Decoder *vt_x86_decoder_new (const VtX86Model *model);
void          vt_x86_decoder_free (VtX86Decoder *decoder);
/* code_bits 16, 32 or 64; len may exceed 15. */
VtX86DecodeResult vt_x86_decode (VtX86Decoder *decoder, const uint8_t *bytes, unsigned len, unsigned code_bits,
                                 VtX86Insn *out, VtX86Tail *tail);
/* The op of undefined instructions. */
void vt_x86_op_undefined (VtX86Cpu *cpu, const VtX86Insn *insn);
