/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments: descriptor fetch, the checks of a segment load, and the hidden parts of segment registers.
 *
 * SDM volume 3A chapters 3 and 5; AMD APM volume 2 chapter 4.  The CPL lives in the attributes of SS (its DPL), as VMX
 * keeps it, so real-mode selectors with stray low bits cannot change it.
 */
#include "x86-sys.h"

#define SELECTOR_INDEX_MASK 0xfff8u

static const VtX86Table *
table_of (VtX86Cpu *cpu, uint16_t selector, VtX86Table *ldt)
{
  if ((selector & X86_SEL_TI) == 0)
    return &cpu->s.gdtr;
  if (cpu->s.ldtr.attr & X86_SEG_UNUSABLE)
    return NULL;
  ldt->base = cpu->s.ldtr.base;
  ldt->limit = (uint16_t) MIN (cpu->s.ldtr.limit, 0xffffu);
  return ldt;
}

bool
vt_x86_fetch_descriptor (VtX86Cpu *cpu, uint16_t selector, uint64_t *desc, uint64_t *where)
{
  VtX86Table ldt = { 0 };
  const VtX86Table *table = table_of (cpu, selector, &ldt);
  uint32_t off = selector & SELECTOR_INDEX_MASK;
  if (table == NULL || off + 7 > table->limit)
    return false;
  uint64_t at = table->base + off;
  if (!cpu->long_mode)
    at = (uint32_t) at;
  *desc = vt_x86_load_system (cpu, at, 8);
  if (where != NULL)
    *where = at;
  return true;
}

uint64_t
vt_x86_need_descriptor (VtX86Cpu *cpu, uint16_t selector, unsigned vector, uint64_t *where)
{
  uint64_t desc;
  if (!vt_x86_fetch_descriptor (cpu, selector, &desc, where))
    vt_x86_raise (cpu, vector, selector & ~X86_SEL_RPL);
  return desc;
}

uint64_t
vt_x86_need_upper_half (VtX86Cpu *cpu, uint16_t selector, unsigned vector, uint64_t where)
{
  VtX86Table ldt = { 0 };
  const VtX86Table *table = table_of (cpu, selector, &ldt);
  uint32_t off = selector & SELECTOR_INDEX_MASK;
  if (table == NULL || off + 15 > table->limit)
    vt_x86_raise (cpu, vector, selector & ~X86_SEL_RPL);
  return vt_x86_load_system (cpu, where + 8, 8);
}

void
vt_x86_unpack_descriptor (uint16_t selector, uint64_t desc, VtX86Seg *out)
{
  uint32_t high = desc >> 32;
  uint32_t limit = (desc & 0xffff) | (high & 0x000f0000);
  if (high & (1u << 23))
    limit = limit << 12 | 0xfff;
  *out = (VtX86Seg) {
    .base = ((desc >> 16) & 0x00ffffff) | (high & 0xff000000),
    .limit = limit,
    .attr = (high >> 8) & 0xf0ff,
    .selector = selector,
  };
}

void
vt_x86_mark_accessed (VtX86Cpu *cpu, uint64_t where, uint64_t desc)
{
  if ((desc & X86_DESC_A) == 0)
    vt_x86_store_system (cpu, where + 5, (uint8_t) (desc >> 40) | X86_TYPE_ACCESSED, 1);
}

void
vt_x86_set_v86_seg (VtX86Seg *seg, uint16_t selector)
{
  *seg = (VtX86Seg) {
    .base = (uint32_t) selector << 4,
    .limit = 0xffff,
    .attr = X86_SEG_P | X86_SEG_DPL | X86_SEG_S | X86_TYPE_WRITABLE | X86_TYPE_ACCESSED,
    .selector = selector,
  };
}

/* The limit stays: that is "unreal" mode. */
void
vt_x86_set_real_seg (VtX86Seg *seg, uint16_t selector)
{
  if (seg->attr & X86_SEG_UNUSABLE)
    seg->limit = 0xffff;
  seg->selector = selector;
  seg->base = (uint32_t) selector << 4;
  seg->attr = (seg->attr & (X86_SEG_DB | X86_SEG_G)) | X86_SEG_P | X86_SEG_S | X86_TYPE_WRITABLE | X86_TYPE_ACCESSED;
}

void
vt_x86_set_null_seg (VtX86Seg *seg, uint16_t selector)
{
  *seg = (VtX86Seg) { .selector = selector, .attr = X86_SEG_UNUSABLE };
}

void
vt_x86_check_stack_seg (VtX86Cpu *cpu, uint16_t selector, unsigned cpl, unsigned vector, VtX86Seg *out)
{
  if ((selector & ~X86_SEL_RPL) == 0)
    vt_x86_raise (cpu, vector, 0);
  uint64_t where, desc = vt_x86_need_descriptor (cpu, selector, vector, &where);
  if ((selector & X86_SEL_RPL) != cpl || desc_dpl (desc) != cpl || !desc_is_writable_data (desc))
    vt_x86_raise (cpu, vector, selector & ~X86_SEL_RPL);
  if ((desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_SS, selector & ~X86_SEL_RPL);
  vt_x86_mark_accessed (cpu, where, desc);
  vt_x86_unpack_descriptor (selector, desc | X86_DESC_A, out);
}

static void
load_stack_seg (VtX86Cpu *cpu, uint16_t selector)
{
  VtX86Seg seg;
  bool null_is_fine = cpu->mode == VT_X86_LONG && cpu->cpl != 3 && (selector & X86_SEL_RPL) == cpu->cpl;
  if ((selector & ~X86_SEL_RPL) == 0 && null_is_fine)
    vt_x86_set_null_seg (&seg, selector);
  else
    vt_x86_check_stack_seg (cpu, selector, cpu->cpl, X86_GP, &seg);
  vt_x86_commit_ss (cpu, &seg, cpu->cpl);
}

static void
load_data_seg (VtX86Cpu *cpu, unsigned seg, uint16_t selector)
{
  if ((selector & ~X86_SEL_RPL) == 0)
    {
      vt_x86_set_null_seg (&cpu->s.seg[seg], selector);
      return;
    }
  uint64_t where, desc = vt_x86_need_descriptor (cpu, selector, X86_GP, &where);
  bool code = desc_is_code (desc);
  bool readable = (desc & X86_DESC_S) != 0 && (!code || (desc_type (desc) & X86_TYPE_WRITABLE) != 0);
  bool any_level = code && desc_is_conforming (desc);
  unsigned level = MAX (cpu->cpl, selector & X86_SEL_RPL);
  if (!readable || (!any_level && level > desc_dpl (desc)))
    vt_x86_raise (cpu, X86_GP, selector & ~X86_SEL_RPL);
  if ((desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, selector & ~X86_SEL_RPL);
  vt_x86_mark_accessed (cpu, where, desc);
  vt_x86_unpack_descriptor (selector, desc | X86_DESC_A, &cpu->s.seg[seg]);
}

void
vt_x86_load_seg (VtX86Cpu *cpu, unsigned seg, uint16_t selector)
{
  if (cpu->mode == VT_X86_REAL)
    vt_x86_set_real_seg (&cpu->s.seg[seg], selector);
  else if (cpu->mode == VT_X86_V86)
    vt_x86_set_v86_seg (&cpu->s.seg[seg], selector);
  else if (seg == VT_SS)
    load_stack_seg (cpu, selector);
  else
    load_data_seg (cpu, seg, selector);
  vt_x86_update_mode (cpu);
}

void
vt_x86_check_target (VtX86Cpu *cpu, uint64_t cs_desc, uint64_t target)
{
  VtX86Seg seg;
  if (cpu->long_mode && (cs_desc & X86_DESC_L) != 0)
    {
      if (!vt_x86_canonical (target))
        vt_x86_gp0 (cpu);
      return;
    }
  vt_x86_unpack_descriptor (0, cs_desc, &seg);
  if (target > seg.limit)
    vt_x86_gp0 (cpu);
}

void
vt_x86_commit_cs (VtX86Cpu *cpu, uint16_t selector, uint64_t desc, unsigned cpl)
{
  vt_x86_unpack_descriptor ((selector & ~X86_SEL_RPL) | cpl, desc | X86_DESC_A, &cpu->s.seg[VT_CS]);
}

void
vt_x86_commit_ss (VtX86Cpu *cpu, const VtX86Seg *ss, unsigned cpl)
{
  cpu->s.seg[VT_SS] = *ss;
  cpu->s.seg[VT_SS].attr = (ss->attr & ~X86_SEG_DPL) | cpl << X86_SEG_DPL_SHIFT;
}

void
vt_x86_drop_inner_segments (VtX86Cpu *cpu, unsigned cpl)
{
  static const uint8_t data[] = { VT_ES, VT_DS, VT_FS, VT_GS };
  for (unsigned i = 0; i < G_N_ELEMENTS (data); i++)
    {
      VtX86Seg *seg = &cpu->s.seg[data[i]];
      bool conforming = (seg->attr & (X86_TYPE_CODE | X86_TYPE_CONFORMING)) == (X86_TYPE_CODE | X86_TYPE_CONFORMING);
      if ((seg->attr & X86_SEG_UNUSABLE) == 0 && !conforming && seg_dpl (seg) < cpl)
        vt_x86_set_null_seg (seg, 0);
    }
}
