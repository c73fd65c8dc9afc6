/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of the generator: what case generators (generate.c, sequence.c, raw.c) are made of. */
#pragma once

#include "forms.h"
#include "rng.h"
#include "values.h"

#define RFLAGS_TF_AC 0x40100u
#define SLOT_FILLER  0xcc

typedef struct
{
  Case       *c;
  const Form *form;           /* NULL: any bytes will do (raw.c) */
  bool restricted; /* memory operands use GENERATOR_BASES with a displacement, and no other prefix (sequence.c) */
  Rng         rng;
  Decoded     d;
  uint8_t     bytes[32];
  unsigned    len;            /* of the instruction, once decoded */
  uint32_t    rip;
  uint32_t    fixed;          /* GPRs that an address depends on */
  ValuesKind  kind;           /* of most vector registers */
  unsigned    address_width;  /* bits */
} Generator;

static inline uint64_t
width_mask (unsigned bits)
{
  return bits >= 64 ? UINT64_MAX : (UINT64_C (1) << bits) - 1;
}

/* generator.c */
#define GENERATOR_BASES (1u << RBX | 1u << RBP | 1u << RSI | 1u << RDI)
/* 0..15, or 16 when it is no general register. */
unsigned generator_gpr_number (ZydisRegister reg);
/* Random encoding of g->form in g->bytes, decoded; false when it came out as another form. */
bool generator_try_encode (Generator *g);
/* After a change of g->bytes. */
bool generator_decode_again (Generator *g);
void generator_choose_kind (Generator *g);
void generator_random_state (Generator *g);
bool generator_is_string (const ZydisDecodedInstruction *insn);
/* Sets c->loose and c->loose_reg. */
void generator_choose_looseness (Generator *g);
/* Code at that offset in the slot that ends a case. */
#define GENERATOR_LANDING_SIZE 18
void generator_put_landing (Case *c, unsigned at);

/* place.c */
/* An address for an operand of `size` bytes: inside the window mostly, sometimes across the end of something. */
uint64_t generator_random_target (Generator *g, unsigned size);
/* Makes the memory operands point somewhere, and puts values there. */
void generator_place_memory (Generator *g);
uint64_t generator_effective_address (Generator *g, const ZydisDecodedOperandMem *mem);
/* Room for `len` bytes that the window will hold at that address; NULL when they do not fit. */
uint8_t *generator_add_patch (Case *c, uint64_t at, unsigned len);
const ZydisDecodedOperand *generator_memory_operand (const Generator *g);
/* Sets c->no_memory, c->misaligned, c->mem_at and c->mem_len. */
void generator_describe_memory (Generator *g);
/* Memory that is not compared, if it lies in the window. */
void generator_ignore_memory (Generator *g, uint64_t at, unsigned len);
/* Gives the register or memory operand a value. */
void generator_set_operand (Generator *g, const ZydisDecodedOperand *op, uint64_t value);

/* tweaks.c */
void generator_apply_tweaks (Generator *g);
