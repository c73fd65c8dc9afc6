/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AVX and AVX2 instructions without a legacy form: broadcasts, lane and element permutes, variable shifts, masked moves
 * (SDM volume 1, 14.1 and 14.6).
 */
#include <Zydis/Zydis.h>

#include "simd.h"

/* --- Broadcasts ---------------------------------------------------------------------------------------------------------- */

static void
broadcast (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  avx_enter (cpu);
  VtVec source = { 0 }, result;
  if (insn->kind[1] == VT_OPND_MEM)
    vt_x86_load_bytes (cpu, mem_linear (cpu, insn, size, VT_READ), &source, size);
  else
    source = *vec_reg (cpu, insn->reg[1]);
  for (unsigned at = 0; at < 32; at += size)
    memcpy (result.u8 + at, &source, size);
  vec_write_whole (cpu, insn, &result);
}

VEC_OP (broadcast8, broadcast, 1)
VEC_OP (broadcast16, broadcast, 2)
VEC_OP (broadcast32, broadcast, 4)
VEC_OP (broadcast64, broadcast, 8)
VEC_OP (broadcast128, broadcast, 16)

/* --- Lanes ------------------------------------------------------------------------------------------------------------------ */

static void
op_insert128 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  __m128i source = vec_source (cpu, insn, 2, 16).half[0];
  VtVec value = *vec_reg (cpu, insn->reg[1]);
  value.half[insn->imm & 1] = source;
  vec_write_whole (cpu, insn, &value);
}

static void
op_extract128 (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  VtVec value = { .half[0] = vec_reg (cpu, insn->reg[1])->half[insn->imm & 1] };
  if (insn->kind[0] == VT_OPND_MEM)
    vec_store_linear (cpu, mem_linear (cpu, insn, 16, VT_WRITE), 16, &value);
  else
    vec_write16 (cpu, insn, value.half[0]);
}

/* Four bits for each lane of the result: which of four, or zero. */
static void
op_permute_lanes (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  VtVec second = vec_source (cpu, insn, 2, 32), result;
  const VtVec *first = vec_reg (cpu, insn->reg[1]);
  for (unsigned lane = 0; lane < 2; lane++)
    {
      unsigned control = insn->imm >> 4 * lane;
      const VtVec *from = control & 2 ? &second : first;
      result.half[lane] = control & 8 ? _mm_setzero_si128 () : from->half[control & 1];
    }
  vec_write_whole (cpu, insn, &result);
}

/* --- Elements across lanes ------------------------------------------------------------------------------------------------------ */

/* VPERMD, VPERMPS: the first source has the indexes. */
static void
op_permute_dwords (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  VtVec source = vec_source (cpu, insn, 2, 32), result;
  const VtVec *index = vec_reg (cpu, insn->reg[1]);
  for (unsigned i = 0; i < 8; i++)
    result.u32[i] = source.u32[index->u32[i] & 7];
  vec_write_whole (cpu, insn, &result);
}

/* VPERMQ, VPERMPD. */
static void
op_permute_qwords (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  VtVec source = vec_source (cpu, insn, 1, 32), result;
  for (unsigned i = 0; i < 4; i++)
    result.u64[i] = source.u64[insn->imm >> 2 * i & 3];
  vec_write_whole (cpu, insn, &result);
}

/* --- Elements within a lane ------------------------------------------------------------------------------------------------------- */

/* Control words of VPERMILPS and VPERMILPD: a vector, or the immediate. */
static VtVec
permil_control (VtX86Cpu *cpu, const VtX86Insn *insn, VtVec *source)
{
  VtVec control = { 0 };
  if (insn->kind[2] != VT_OPND_IMM)
    {
      control = vec_source (cpu, insn, 2, insn->veclen);
      *source = *vec_reg (cpu, insn->reg[1]);
      return control;
    }
  *source = vec_source (cpu, insn, 1, insn->veclen);
  for (unsigned i = 0; i < 8; i++)
    control.u32[i] = insn->imm >> 2 * (i & 3);
  return control;
}

static void
op_VPERMILPS (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  VtVec source, result, control = permil_control (cpu, insn, &source);
  for (unsigned i = 0; i < insn->veclen / 4; i++)
    result.u32[i] = source.u32[(i & 4) | (control.u32[i] & 3)];
  vec_write_whole (cpu, insn, &result);
}

/* Bit 1 of each quadword selects in the vector form, bit i of the immediate in the other. */
static void
op_VPERMILPD (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  VtVec source, result, control = permil_control (cpu, insn, &source);
  for (unsigned i = 0; i < insn->veclen / 8; i++)
    {
      unsigned select = insn->kind[2] == VT_OPND_IMM ? insn->imm >> i & 1 : control.u64[i] >> 1 & 1;
      result.u64[i] = source.u64[(i & 2) | select];
    }
  vec_write_whole (cpu, insn, &result);
}

/* --- Shifts by element ------------------------------------------------------------------------------------------------------------- */

#define SHIFT(name, member, bits, beyond, expression)                                                                    \
  static void op_##name (VtX86Cpu *cpu, const VtX86Insn *insn)                                                           \
  {                                                                                                                      \
    avx_enter (cpu);                                                                                                     \
    VtVec count = vec_source (cpu, insn, 2, insn->veclen), value = *vec_reg (cpu, insn->reg[1]);                         \
    for (unsigned i = 0; i < insn->veclen / (bits / 8); i++)                                                             \
      {                                                                                                                  \
        uint64_t n = bits == 32 ? count.u32[i] : count.u64[i];                                                           \
        value.member[i] = n >= bits ? (beyond) : (expression);                                                           \
      }                                                                                                                  \
    vec_write_whole (cpu, insn, &value);                                                                                 \
  }
SHIFT (VPSLLVD, u32, 32, 0, value.u32[i] << n)
SHIFT (VPSLLVQ, u64, 64, 0, value.u64[i] << n)
SHIFT (VPSRLVD, u32, 32, 0, value.u32[i] >> n)
SHIFT (VPSRLVQ, u64, 64, 0, value.u64[i] >> n)
SHIFT (VPSRAVD, s32, 32, value.s32[i] >> 31, value.s32[i] >> n)

/* --- Masked moves -------------------------------------------------------------------------------------------------------------------- */

static bool
element_masked_in (const VtVec *mask, unsigned i, unsigned size)
{
  return mask->u8[i * size + size - 1] & 0x80;
}

/* Only the chosen elements are accessed at all. Those behind the first wrap at 4 GiB, but not at 64 KiB. */
static uint64_t
element_linear (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, unsigned size, VtAccessKind kind)
{
  uint64_t offset = vt_x86_effective_address (cpu, insn) + i * size;
  return vt_x86_linear (cpu, insn->seg, insn->addrsize == 8 ? offset : (uint32_t) offset, size, kind);
}

static void
masked_load (VtX86Cpu *cpu, const VtX86Insn *insn, const VtVec *mask, unsigned size)
{
  VtVec value = { 0 };
  for (unsigned i = 0; i < insn->veclen / size; i++)
    if (element_masked_in (mask, i, size))
      vt_x86_load_bytes (cpu, element_linear (cpu, insn, i, size, VT_READ), value.u8 + i * size, size);
  vec_write_whole (cpu, insn, &value);
}

static void
masked_store (VtX86Cpu *cpu, const VtX86Insn *insn, const VtVec *mask, unsigned size)
{
  const VtVec *value = vec_reg (cpu, insn->reg[2]);
  for (unsigned i = 0; i < insn->veclen / size; i++)
    if (element_masked_in (mask, i, size))
      vt_x86_probe (cpu, element_linear (cpu, insn, i, size, VT_WRITE), size, VT_WRITE);
  for (unsigned i = 0; i < insn->veclen / size; i++)
    if (element_masked_in (mask, i, size))
      vt_x86_store_bytes (cpu, element_linear (cpu, insn, i, size, VT_WRITE), value->u8 + i * size, size);
}

static void
masked_move (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  avx_enter (cpu);
  VtVec mask = *vec_reg (cpu, insn->reg[1]);
  if (insn->kind[0] == VT_OPND_MEM)
    masked_store (cpu, insn, &mask, size);
  else
    masked_load (cpu, insn, &mask, size);
}

VEC_OP (masked32, masked_move, 4)
VEC_OP (masked64, masked_move, 8)

/* --- Gathers ------------------------------------------------------------------------------------------------------------------------- */

/* Address of element i: base + index * scale + displacement, in the address size. */
static uint64_t
gather_linear (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned i, unsigned index_size, unsigned size)
{
  const VtVec *vector = vec_reg (cpu, insn->index);
  int64_t index = index_size == 4 ? vector->s32[i] : vector->s64[i];
  uint64_t offset = insn->base == VT_X86_NO_REG ? 0 : cpu->s.gpr[insn->base & 15];

  offset += (uint64_t) index * insn->scale + (uint64_t) insn->disp;
  return vt_x86_linear (cpu, insn->seg, offset & vt_mask_bytes (insn->addrsize), size, VT_READ);
}

/* Every element that is done is committed with its mask cleared: after a page fault the rest goes on from there. */
static void
gather (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned index_size, unsigned size)
{
  avx_enter (cpu);
  unsigned n = insn->veclen / MAX (index_size, size);
  VtVec *result = vec_reg (cpu, insn->reg[0]), *mask = vec_reg (cpu, insn->reg[2]);

  if (insn->reg[0] == insn->reg[2] || insn->reg[0] == insn->index || insn->reg[2] == insn->index)
    vt_x86_ud (cpu);
  for (unsigned i = 0; i < n; i++)
    {
      if (element_masked_in (mask, i, size))
        {
          uint64_t linear = gather_linear (cpu, insn, i, index_size, size);
          vt_x86_load_bytes (cpu, linear, result->u8 + i * size, size);
        }
      memset (mask->u8 + i * size, 0, size);
    }
  memset (result->u8 + n * size, 0, 32 - n * size);
  memset (mask, 0, sizeof *mask);
}

VEC_OP (gather_d32, gather, 4, 4)
VEC_OP (gather_d64, gather, 4, 8)
VEC_OP (gather_q32, gather, 8, 4)
VEC_OP (gather_q64, gather, 8, 8)

#define ROW(name, op) { ZYDIS_MNEMONIC_V##name, op_##op }

const VtX86OpRow vt_x86_ops_avx[] = {
  ROW (PBROADCASTB, broadcast8),      ROW (PBROADCASTW, broadcast16),      ROW (PBROADCASTD, broadcast32),
  ROW (PBROADCASTQ, broadcast64),     ROW (BROADCASTSS, broadcast32),      ROW (BROADCASTSD, broadcast64),
  ROW (BROADCASTF128, broadcast128),  ROW (BROADCASTI128, broadcast128),   ROW (INSERTF128, insert128),
  ROW (INSERTI128, insert128),        ROW (EXTRACTF128, extract128),       ROW (EXTRACTI128, extract128),
  ROW (PERM2F128, permute_lanes),     ROW (PERM2I128, permute_lanes),      ROW (PERMD, permute_dwords),
  ROW (PERMPS, permute_dwords),       ROW (PERMQ, permute_qwords),         ROW (PERMPD, permute_qwords),
  ROW (PERMILPS, VPERMILPS),          ROW (PERMILPD, VPERMILPD),           ROW (PSLLVD, VPSLLVD),
  ROW (PSLLVQ, VPSLLVQ),              ROW (PSRLVD, VPSRLVD),               ROW (PSRLVQ, VPSRLVQ),
  ROW (PSRAVD, VPSRAVD),              ROW (MASKMOVPS, masked32),           ROW (MASKMOVPD, masked64),
  ROW (PMASKMOVD, masked32),          ROW (PMASKMOVQ, masked64),           ROW (GATHERDPS, gather_d32),
  ROW (GATHERDPD, gather_d64),        ROW (GATHERQPS, gather_q32),         ROW (GATHERQPD, gather_q64),
  ROW (PGATHERDD, gather_d32),        ROW (PGATHERDQ, gather_d64),         ROW (PGATHERQD, gather_q32),
  ROW (PGATHERQQ, gather_q64),        { 0, NULL },
};
