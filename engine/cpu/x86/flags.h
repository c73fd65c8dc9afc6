/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lazy arithmetic flags.
 *
 * Three words stand for CF, PF, AF, ZF, SF and OF, so that an operation stores them without looking, and a reader
 * needs no case distinction:
 *
 *   cc_dst  the result, sign-extended from its size: ZF is "zero", SF is bit 63, PF comes from the low byte
 *   cc_src  the carries of the operation, shifted left so that the carry out of the top bit is bit 63 (CF) and the
 *           carry into it is bit 62 (OF is their difference)
 *   cc_op   bits 0..7 are XORed into the byte that gives PF; bits 8..13 say which bit of cc_src is AF; bit 16 inverts
 *           SF. The XORs are for flag values that no result has, such as ZF with SF (POPF, COMISS).
 */
#pragma once

#include "x86-cpu.h"

#define CC_AF_SHIFT 8
#define CC_SF_SHIFT 16
/* cc_op of an operation on `size` bytes: the carry out of bit 3 */
#define CC_OP(size) ((uint32_t) (64 - 8 * (size) + 3) << CC_AF_SHIFT)

static inline __attribute__ ((always_inline)) uint64_t
sign_extend (uint64_t value, unsigned size)
{
  switch (size)
    {
    case 1:
      return (uint64_t) (int64_t) (int8_t) value;
    case 2:
      return (uint64_t) (int64_t) (int16_t) value;
    case 4:
      return (uint64_t) (int64_t) (int32_t) value;
    default:
      return value;
    }
}

static inline __attribute__ ((always_inline)) uint64_t
zero_extend (uint64_t value, unsigned size)
{
  return value & vt_mask_bytes (size);
}

/* --- Setting ------------------------------------------------------------------------------------------------------ */

static inline __attribute__ ((always_inline)) void
flags_carries (VtX86Cpu *cpu, uint64_t carries, uint64_t result, unsigned size)
{
  cpu->cc_dst = sign_extend (result, size);
  cpu->cc_src = carries << (64 - 8 * size);
  cpu->cc_op = CC_OP (size);
}

/* result = a + b (+ carry) */
static inline __attribute__ ((always_inline)) void
flags_add (VtX86Cpu *cpu, uint64_t a, uint64_t b, uint64_t result, unsigned size)
{
  flags_carries (cpu, (a & b) | ((a | b) & ~result), result, size);
}

/* result = a - b (- borrow) */
static inline __attribute__ ((always_inline)) void
flags_sub (VtX86Cpu *cpu, uint64_t a, uint64_t b, uint64_t result, unsigned size)
{
  flags_carries (cpu, (~a & b) | ((~a | b) & result), result, size);
}

/* AND, OR, XOR, TEST: CF, OF and AF are 0 */
static inline __attribute__ ((always_inline)) void
flags_logic (VtX86Cpu *cpu, uint64_t result, unsigned size)
{
  cpu->cc_dst = sign_extend (result, size);
  cpu->cc_src = 0;
  cpu->cc_op = CC_OP (8);
}

/* ZF, SF, PF by the result; CF, OF, AF as given (0 or 1) */
static inline __attribute__ ((always_inline)) void
flags_result (VtX86Cpu *cpu, uint64_t result, unsigned cf, unsigned of, unsigned af, unsigned size)
{
  cpu->cc_dst = sign_extend (result, size);
  cpu->cc_src = ((uint64_t) cf << 63) | ((uint64_t) (cf ^ of) << 62) | ((uint64_t) af << 3);
  cpu->cc_op = CC_OP (8);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static inline unsigned
flag_cf (const VtX86Cpu *cpu)
{
  return cpu->cc_src >> 63;
}

static inline unsigned
flag_of (const VtX86Cpu *cpu)
{
  return (cpu->cc_src ^ (cpu->cc_src << 1)) >> 63;
}

static inline unsigned
flag_zf (const VtX86Cpu *cpu)
{
  return cpu->cc_dst == 0;
}

static inline unsigned
flag_sf (const VtX86Cpu *cpu)
{
  return (cpu->cc_dst >> 63) ^ ((cpu->cc_op >> CC_SF_SHIFT) & 1);
}

static inline unsigned
flag_pf (const VtX86Cpu *cpu)
{
  return !__builtin_parity ((uint8_t) (cpu->cc_dst ^ cpu->cc_op));
}

static inline unsigned
flag_af (const VtX86Cpu *cpu)
{
  return (cpu->cc_src >> ((cpu->cc_op >> CC_AF_SHIFT) & 63)) & 1;
}

/* SF != OF: "less", signed */
static inline unsigned
flag_less (const VtX86Cpu *cpu)
{
  return flag_sf (cpu) ^ flag_of (cpu);
}

/* The condition of Jcc, SETcc, CMOVcc by its four opcode bits (SDM volume 1, appendix B). */
static inline __attribute__ ((always_inline)) bool
flag_condition (const VtX86Cpu *cpu, unsigned condition)
{
  bool value;
  switch (condition >> 1)
    {
    case 0:
      value = flag_of (cpu);
      break;
    case 1:
      value = flag_cf (cpu);
      break;
    case 2:
      value = flag_zf (cpu);
      break;
    case 3:
      value = flag_cf (cpu) | flag_zf (cpu);
      break;
    case 4:
      value = flag_sf (cpu);
      break;
    case 5:
      value = flag_pf (cpu);
      break;
    case 6:
      value = flag_less (cpu);
      break;
    default:
      value = flag_less (cpu) | flag_zf (cpu);
      break;
    }
  return value ^ (condition & 1);
}

/* --- Whole -------------------------------------------------------------------------------------------------------- */

static inline uint32_t
flags_get (const VtX86Cpu *cpu)
{
  return (flag_cf (cpu) ? X86_RFLAGS_CF : 0) | (flag_pf (cpu) ? X86_RFLAGS_PF : 0) | (flag_af (cpu) ? X86_RFLAGS_AF : 0)
         | (flag_zf (cpu) ? X86_RFLAGS_ZF : 0) | (flag_sf (cpu) ? X86_RFLAGS_SF : 0)
         | (flag_of (cpu) ? X86_RFLAGS_OF : 0);
}

static inline void
flags_put (VtX86Cpu *cpu, uint32_t value)
{
  unsigned cf = (value & X86_RFLAGS_CF) != 0, of = (value & X86_RFLAGS_OF) != 0, af = (value & X86_RFLAGS_AF) != 0;
  unsigned zf = (value & X86_RFLAGS_ZF) != 0, sf = (value & X86_RFLAGS_SF) != 0, pf = (value & X86_RFLAGS_PF) != 0;

  flags_result (cpu, !zf, cf, of, af, 8);
  /* A result of 0 has even parity, a result of 1 odd. */
  cpu->cc_op |= (pf != zf) | sf << CC_SF_SHIFT;
}

static inline void
flag_set_cf (VtX86Cpu *cpu, unsigned cf)
{
  unsigned of = flag_of (cpu);
  cpu->cc_src = (cpu->cc_src << 2 >> 2) | ((uint64_t) cf << 63) | ((uint64_t) (cf ^ of) << 62);
}
