/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where memory operands point: registers and displacements are set so that they reach the window. */
#include "generator.h"

#include "xarea.h"

#include <string.h>

uint8_t *
generator_add_patch (Case *c, uint64_t at, unsigned len)
{
  if (at < LAYOUT_WINDOW || at >= LAYOUT_WINDOW + LAYOUT_WINDOW_SIZE || len > LAYOUT_WINDOW + LAYOUT_WINDOW_SIZE - at
      || c->n_patches == CASE_MAX_PATCHES || len > sizeof c->patch_data - c->patch_data_len)
    return NULL;
  c->patches[c->n_patches++] = (Patch) { at - LAYOUT_WINDOW, len, c->patch_data_len };
  uint8_t *data = c->patch_data + c->patch_data_len;
  c->patch_data_len += len;
  return data;
}

static uint64_t
align_down (uint64_t value, unsigned align)
{
  return value & ~(uint64_t) (align - 1);
}

uint64_t
generator_random_target (Generator *g, unsigned size)
{
  Rng *rng = &g->rng;
  uint32_t end_rw = LAYOUT_WINDOW + LAYOUT_WINDOW_RW_SIZE, end = LAYOUT_WINDOW + LAYOUT_WINDOW_SIZE;
  unsigned inside = 1 + rng_below (rng, MAX (size, 2) - 1);
  switch (rng_below (rng, 64))
    {
    case 0:
      return end_rw - inside;
    case 1:
      return end - inside;
    case 2:
      return end_rw + rng_below (rng, 0x1000 - MIN (size, 0xff0));
    case 3:
      return LAYOUT_WINDOW - inside;
    case 4:
      return align_down (end + rng_below (rng, 256), 16);
    case 5:
      return values_u64 (rng);
    case 6:
    case 7:
      return LAYOUT_WINDOW + 0x1000 - inside;
    case 8:
      return align_down (end_rw - 1, 64);
    default:
      {
        uint32_t at = LAYOUT_WINDOW + rng_below (rng, LAYOUT_WINDOW_RW_SIZE - MIN (size, 0x1000));
        static const uint8_t alignments[8] = { 1, 1, 16, 16, 32, 32, 64, 64 };
        return align_down (at, alignments[rng_below (rng, 8)]);
      }
    }
}

static void
put_disp (Generator *g, int64_t value)
{
  const struct ZydisDecodedInstructionRawDisp_ *disp = &g->d.insn.raw.disp;
  memcpy (g->bytes + disp->offset, &value, disp->size / 8);
}

static void
set_address_register (Generator *g, ZydisRegister reg, uint64_t value)
{
  unsigned n = generator_gpr_number (reg);
  uint64_t mask = width_mask (g->d.insn.address_width);
  uint64_t *gpr = &g->c->in.gpr[n];
  *gpr = (*gpr & ~mask) | (value & mask);
  g->fixed |= 1u << n;
}

/* AMD wraps the parts of an x87 or XSAVE image at 64 KiB, one by one; other operands go on behind it. */
static bool
crosses_64k_whole (const ZydisDecodedInstruction *insn)
{
  ZydisISASet set = insn->meta.isa_set;
  return set != ZYDIS_ISA_SET_X87 && set != ZYDIS_ISA_SET_FXSAVE && set != ZYDIS_ISA_SET_XSAVE;
}

/* Where a FS or GS override is in force, moves the segment's base and returns the offset that then reaches `target`. */
static uint64_t
through_segment (Generator *g, ZydisRegister segment, uint64_t target)
{
  if ((segment != ZYDIS_REGISTER_FS && segment != ZYDIS_REGISTER_GS) || !host_sets_bases (g->c->mode))
    return target;
  uint64_t offset = rng_u64 (&g->rng) & width_mask (MIN (g->d.insn.address_width, 40u));
  if (g->d.insn.address_width == 16 && !crosses_64k_whole (&g->d.insn))
    offset &= 0x7fff;
  uint64_t base = target - offset;
  if (g->c->mode == MODE_32)
    base = (uint32_t) base;
  *(segment == ZYDIS_REGISTER_FS ? &g->c->in.fs_base : &g->c->in.gs_base) = base;
  return offset;
}

/* Vector index: lanes near zero, so that the elements lie around the base. */
static void
set_vector_index (Generator *g, const ZydisDecodedOperandMem *mem)
{
  bool wide = g->d.insn.opcode & 1;   /* 90, 92: doubleword indices; 91, 93: quadword */
  unsigned n = ZydisRegisterGetId (mem->index);
  uint8_t lanes[32];
  for (unsigned at = 0; at < 32; at += wide ? 8 : 4)
    {
      int64_t index = (int) rng_below (&g->rng, 256) - 128;
      if (rng_chance (&g->rng, 3))
        index = values_u64 (&g->rng);
      memcpy (lanes + at, &index, wide ? 8 : 4);
    }
  memcpy (g->c->in.xarea + XAREA_XMM + 16 * n, lanes, 16);
  memcpy (g->c->in.xarea + XAREA_YMM + 16 * n, lanes + 16, 16);
}

/* Sets registers or displacement so that base + index * scale + disp is `offset`. */
static void
aim (Generator *g, const ZydisDecodedOperandMem *mem, uint64_t offset)
{
  uint64_t disp = mem->disp.has_displacement ? mem->disp.value : 0;
  unsigned base = generator_gpr_number (mem->base), index = generator_gpr_number (mem->index);
  bool vsib = mem->type == ZYDIS_MEMOP_TYPE_VSIB;
  if (vsib)
    set_vector_index (g, mem), index = 16;
  if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
    put_disp (g, offset - (g->rip + g->len));
  else if (base == 16 && index == 16)
    put_disp (g, offset);
  else if (index == 16)
    {
      if (!(g->fixed & 1u << base))
        set_address_register (g, mem->base, offset - disp);
    }
  else if (base == 16)
    {
      uint64_t value = rng_below (&g->rng, 1024);
      set_address_register (g, mem->index, value);
      put_disp (g, offset - value * mem->scale);
    }
  else if (base == index)
    set_address_register (g, mem->base, (offset - disp) / (1u + mem->scale));
  else
    {
      g->fixed |= 1u << index;
      set_address_register (g, mem->base, offset - disp - g->c->in.gpr[index] * mem->scale);
    }
}

uint64_t
generator_effective_address (Generator *g, const ZydisDecodedOperandMem *mem)
{
  unsigned base = generator_gpr_number (mem->base), index = generator_gpr_number (mem->index);
  uint64_t address = mem->disp.has_displacement ? (uint64_t) mem->disp.value : 0;
  if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
    address += g->rip + g->len;
  if (base < 16)
    address += g->c->in.gpr[base];
  if (index < 16)
    address += (mem->index == ZYDIS_REGISTER_AL ? g->c->in.gpr[RAX] & 0xff : g->c->in.gpr[index]) * mem->scale;
  address &= width_mask (g->d.insn.address_width);
  if (mem->segment == ZYDIS_REGISTER_FS)
    address += g->c->in.fs_base;
  if (mem->segment == ZYDIS_REGISTER_GS)
    address += g->c->in.gs_base;
  return g->c->mode == MODE_32 ? (uint32_t) address : address;
}

static unsigned
operand_bytes (const ZydisDecodedOperand *op)
{
  return op->size >= 8 && op->size <= 8 * 832 ? op->size / 8 : 8;
}

static void
place_operand (Generator *g, const ZydisDecodedOperand *op)
{
  const ZydisDecodedOperandMem *mem = &op->mem;
  unsigned bytes = operand_bytes (op);
  if (mem->type == ZYDIS_MEMOP_TYPE_AGEN)   /* LEA and NOP: no access */
    return;
  uint64_t offset = through_segment (g, mem->segment, generator_random_target (g, bytes));
  if (mem->index == ZYDIS_REGISTER_AL)      /* XLAT */
    set_address_register (g, mem->base, offset - (g->c->in.gpr[RAX] & 0xff));
  else
    aim (g, mem, offset);
  if (!host_sets_base (g->c->in.fs_base) || !host_sets_base (g->c->in.gs_base))
    g->c->in.fs_base = g->c->in.gs_base = 0;
}

static void
fill_operand (Generator *g, const ZydisDecodedOperand *op)
{
  unsigned bytes = operand_bytes (op);
  uint8_t *data = generator_add_patch (g->c, generator_effective_address (g, &op->mem), bytes);
  if (data != NULL)
    values_memory (&g->rng, op->element_type, data, bytes);
}

void
generator_place_memory (Generator *g)
{
  for (unsigned hidden = 0; hidden < 2; hidden++)   /* explicit operands first: hidden ones yield */
    for (unsigned i = 0; i < g->d.insn.operand_count; i++)
      {
        const ZydisDecodedOperand *op = &g->d.op[i];
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && hidden == (i >= g->d.insn.operand_count_visible))
          place_operand (g, op);
      }
  generator_decode_again (g);   /* a displacement may have changed */
  for (unsigned i = 0; i < g->d.insn.operand_count; i++)
    if (g->d.op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && g->d.op[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
      fill_operand (g, &g->d.op[i]);
}

const ZydisDecodedOperand *
generator_memory_operand (const Generator *g)
{
  for (unsigned i = 0; i < g->d.insn.operand_count; i++)
    if (g->d.op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
      return &g->d.op[i];
  return NULL;
}

void
generator_set_operand (Generator *g, const ZydisDecodedOperand *op, uint64_t value)
{
  if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
    {
      unsigned bytes = MIN (op->size / 8, 8);
      uint8_t *data = generator_add_patch (g->c, generator_effective_address (g, &op->mem), bytes);
      if (data != NULL)
        memcpy (data, &value, bytes);
    }
  else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && generator_gpr_number (op->reg.value) < 16
           && !(g->fixed & 1u << generator_gpr_number (op->reg.value)))
    {
      uint64_t *gpr = &g->c->in.gpr[generator_gpr_number (op->reg.value)], mask = width_mask (op->size);
      *gpr = (*gpr & ~mask) | (value & mask);
    }
}

void
generator_describe_memory (Generator *g)
{
  Case *c = g->c;
  const ZydisDecodedOperand *op = generator_memory_operand (g);
  c->no_memory = op == NULL;
  c->mem_at = op != NULL ? generator_effective_address (g, &op->mem) : 0;
  c->misaligned = c->mem_at % 16 != 0;
  c->mem_len = 0;
  for (unsigned i = 0; i < g->d.insn.operand_count; i++)
    if (g->d.op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
      c->mem_len = MAX (c->mem_len, operand_bytes (&g->d.op[i]));
}

void
generator_ignore_memory (Generator *g, uint64_t at, unsigned len)
{
  Case *c = g->c;
  if (at < LAYOUT_WINDOW || at > LAYOUT_WINDOW + LAYOUT_WINDOW_RW_SIZE - len)
    return;
  c->window_ignored[c->n_window_ignored].at = at - LAYOUT_WINDOW;
  c->window_ignored[c->n_window_ignored++].len = len;
}
