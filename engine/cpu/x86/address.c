/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses of operands: effective address, then segmentation (SDM volume 3A, 5.3 and 5.5). */
#include "x86-sys.h"

G_NORETURN static void
segment_fault (VtX86Cpu *cpu, unsigned seg)
{
  vt_x86_raise (cpu, seg == VT_SS ? X86_SS : X86_GP, 0);
}

static bool
within_limit (const VtX86Seg *seg, uint64_t offset, unsigned size)
{
  uint64_t last = offset + size - 1;
  bool expand_down = (seg->attr & (X86_TYPE_CODE | X86_TYPE_DOWN)) == X86_TYPE_DOWN;
  if (!expand_down)
    return last <= seg->limit;
  uint64_t top = (seg->attr & X86_SEG_DB) ? 0xffffffffu : 0xffffu;
  return offset > seg->limit && last <= top;
}

static bool
type_allows (const VtX86Seg *seg, VtAccessKind kind)
{
  unsigned type = seg->attr & X86_SEG_TYPE;
  if (kind == VT_WRITE)
    return (type & (X86_TYPE_CODE | X86_TYPE_WRITABLE)) == X86_TYPE_WRITABLE;
  return !(type & X86_TYPE_CODE) || (type & X86_TYPE_WRITABLE);
}

uint64_t
vt_x86_linear (VtX86Cpu *cpu, unsigned seg, uint64_t offset, unsigned size, VtAccessKind kind)
{
  const VtX86Seg *s = &cpu->s.seg[seg];
  if (cpu->mode == VT_X86_LONG)
    {
      uint64_t linear = seg >= VT_FS ? offset + s->base : offset;
      if (G_UNLIKELY (!vt_x86_canonical (linear) || !vt_x86_canonical (linear + size - 1)))
        segment_fault (cpu, seg);
      return linear;
    }

  offset = (uint32_t) offset;
  if (G_UNLIKELY (!within_limit (s, offset, size)))
    segment_fault (cpu, seg);
  if (cpu->mode == VT_X86_PROT && G_UNLIKELY ((s->attr & X86_SEG_UNUSABLE) || !type_allows (s, kind)))
    segment_fault (cpu, seg);
  return (uint32_t) (s->base + offset);
}

uint64_t
vt_x86_effective_address (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t address = (uint64_t) insn->disp;
  if (insn->base == VT_X86_REG_RIP)
    address += cpu->s.rip;   /* disp includes the length */
  else if (insn->base != VT_X86_NO_REG)
    address += cpu->s.gpr[insn->base];
  if (insn->index != VT_X86_NO_REG)
    address += cpu->s.gpr[insn->index] * insn->scale;
  return address & vt_mask_bytes (insn->addrsize);
}

uint64_t
vt_x86_operand_linear (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size, VtAccessKind kind)
{
  return vt_x86_linear (cpu, insn->seg, vt_x86_effective_address (cpu, insn), size, kind);
}
