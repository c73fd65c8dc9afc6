/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operand access for the integer instructions, specialised by size and kind of operand.
 *
 * An instruction's semantics is an always-inlined function of a constant size; FORM_* below instantiate it, and
 * prepare() picks the instance when the instruction is decoded.  Nothing looks at operand kinds while it executes.
 */
#pragma once

#include <Zydis/Mnemonic.h>

#include "flags.h"
#include "x86-sys.h"

#define INLINE static inline __attribute__ ((always_inline))

/* Index of a size in tables: 1, 2, 4, 8 -> 0..3 */
static inline unsigned
size_index (unsigned size)
{
  return (unsigned) __builtin_ctz (size);
}

/* --- Registers ---------------------------------------------------------------------------------------------------- */

INLINE uint64_t
get_gpr (const VtX86Cpu *cpu, unsigned n, unsigned size)
{
  return zero_extend (cpu->s.gpr[n], size);
}

/* A 32-bit result clears the upper half, narrower ones keep the rest. */
INLINE void
put_gpr (VtX86Cpu *cpu, unsigned n, uint64_t value, unsigned size)
{
  switch (size)
    {
    case 1:
      *(uint8_t *) &cpu->s.gpr[n] = (uint8_t) value;
      break;
    case 2:
      *(uint16_t *) &cpu->s.gpr[n] = (uint16_t) value;
      break;
    case 4:
      cpu->s.gpr[n] = (uint32_t) value;
      break;
    default:
      cpu->s.gpr[n] = value;
    }
}

/* Operand i (0 or 1), a general register; of bytes also AH..BH. */
INLINE uint64_t
get_reg (const VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, unsigned size)
{
  if (size == 1)
    return ((const uint8_t *) cpu->s.gpr)[insn->byte_off[i]];
  return get_gpr (cpu, insn->reg[i], size);
}

INLINE void
put_reg (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, uint64_t value, unsigned size)
{
  if (size == 1)
    ((uint8_t *) cpu->s.gpr)[insn->byte_off[i]] = (uint8_t) value;
  else
    put_gpr (cpu, insn->reg[i], value, size);
}

/* --- The memory operand ------------------------------------------------------------------------------------------- */

/* 64-bit addressing: three words of the state and a displacement; the access itself finds out whether it is
 * canonical. */
INLINE uint64_t
mem_linear (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size, VtAccessKind kind)
{
  const uint64_t *words = (const uint64_t *) &cpu->s;
  if (G_LIKELY (insn->addrsize == 8))
    return words[insn->ea_base] + (words[insn->ea_index] << insn->ea_shift) + words[insn->ea_seg]
           + (uint64_t) insn->disp;
  return vt_x86_operand_linear (cpu, insn, size, kind);
}

INLINE uint64_t
load_mem (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  return vt_x86_load (cpu, mem_linear (cpu, insn, size, VT_READ), size);
}

/* First half of a read-modify-write: faults as a write. */
INLINE uint64_t
load_for_update (VtX86Cpu *cpu, uint64_t linear, unsigned size)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  if (G_UNLIKELY (entry->tag_write != vt_x86_tlb_tag (linear, size)))
    vt_x86_probe (cpu, linear, size, VT_WRITE);
  return vt_x86_load (cpu, linear, size);
}

/* Operand i, a register or memory, where speed does not matter. */
INLINE uint64_t
get_rm (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, unsigned size)
{
  return insn->kind[i] == VT_OPND_MEM ? load_mem (cpu, insn, size) : get_reg (cpu, insn, i, size);
}

INLINE void
put_rm (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, uint64_t value, unsigned size)
{
  if (insn->kind[i] == VT_OPND_MEM)
    vt_x86_store (cpu, mem_linear (cpu, insn, size, VT_WRITE), value, size);
  else
    put_reg (cpu, insn, i, value, size);
}

/* Operand 1 as a source: register or immediate. */
INLINE uint64_t
get_ri (const VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  return insn->kind[1] == VT_OPND_IMM ? zero_extend (insn->imm, size) : get_reg (cpu, insn, 1, size);
}

static inline bool
is_locked (const VtX86Insn *insn)
{
  return (insn->prefixes & VT_PFX_LOCK) != 0;
}

/* --- Instances ---------------------------------------------------------------------------------------------------- */

/* Straight on to the next instruction of the block, as a tail call: the run loop does the same for ops that return. */
INLINE void
next_insn (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (G_UNLIKELY (++insn == cpu->block_stop))
    return;
  uint64_t rip = cpu->next_rip;
  cpu->s.rip = rip;
  cpu->insn = insn;
  cpu->next_rip = rip + insn->length;
  insn->op (cpu, insn);
}

/* Four functions name_1, name_2, name_4, name_8 that call function (cpu, insn, ..., size). */
#define FORM_SIZE(name, function, size, ...)                                                                           \
  static void name##_##size (VtX86Cpu *cpu, const VtX86Insn *insn)                                                     \
  {                                                                                                                    \
    function (cpu, insn, ##__VA_ARGS__, size);                                                                         \
    next_insn (cpu, insn);                                                                                             \
  }
#define FORM_WIDE(name, function, ...)                                                                                 \
  FORM_SIZE (name, function, 2, ##__VA_ARGS__)                                                                         \
  FORM_SIZE (name, function, 4, ##__VA_ARGS__)                                                                         \
  FORM_SIZE (name, function, 8, ##__VA_ARGS__)
#define FORM_ALL(name, function, ...)                                                                                  \
  FORM_SIZE (name, function, 1, ##__VA_ARGS__)                                                                         \
  FORM_WIDE (name, function, ##__VA_ARGS__)
#define FORM_LIST(name)      { name##_1, name##_2, name##_4, name##_8 }
#define FORM_LIST_WIDE(name) { NULL, name##_2, name##_4, name##_8 }
