/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments with bases and limits: 16-bit code, and 32-bit code that is not flat.
 *
 * Data: the offset, cut to the size of addresses, is compared with the last one that the segment allows
 * (translated.seg_top, -1 where that is not enough to tell), then the base is added. What does not hold is the interpreter's.
 *
 * Code: RIP is an offset in CS, and page_rip is as everywhere what has to be added to an offset in the page to get RIP. Known
 * jumps are kept by base and limit (jit-context.c). Regions are shared by all segments that a page lies in as a whole; then a
 * branch inside the page neither wraps around nor leaves the segment. In a page that lies in the segment only in part regions
 * have a mode of their own, which makes all ways out of them go through the table of known jumps; and there each region is
 * looked at as it becomes known: whether all of it is in the segment.
 */
#include "jit-translate.h"

#include "x86-sys.h"

#define IP16_MAX 0xffffu

/* --- Code --------------------------------------------------------------------------------------------------------- */

/* The last RIP. Jumps of 16-bit code stay below 64 KiB, whatever the limit: beyond, the interpreter runs. */
static int64_t
code_top (const VtX86Cpu *cpu, unsigned mode)
{
  uint32_t limit = cpu->s.seg[VT_CS].limit;
  return mode & JIT_MODE_CODE16 ? MIN (limit, IP16_MAX) : limit;
}

bool
vt_jit_in_code_segment (const VtX86Cpu *cpu, unsigned mode, uint64_t rip)
{
  return !(mode & JIT_MODE_SEGMENTED) || rip <= (uint64_t) code_top (cpu, mode);
}

unsigned
vt_jit_region_mode (const VtX86Cpu *cpu, unsigned mode, uint64_t rip)
{
  if (G_LIKELY (!(mode & JIT_MODE_SEGMENTED)))
    return mode;
  int64_t page = (int64_t) vt_jit_page_rip (cpu, rip);
  bool whole = page >= 0 && page + (int64_t) VT_PAGE_MASK <= code_top (cpu, mode);
  return whole ? mode : mode | JIT_MODE_EDGE;
}

bool
vt_jit_may_enter (const VtX86Cpu *cpu, const VtJitRegion *region, uint64_t rip)
{
  if (G_LIKELY (!(region->mode & JIT_MODE_SEGMENTED)))
    return true;
  int64_t page = (int64_t) (rip - region->offset);
  return page + region->low >= 0 && page + region->high <= code_top (cpu, region->mode);
}

void
vt_jit_code_range (const VtX86Cpu *cpu, unsigned mode, uint64_t page_rip, int32_t *low, int32_t *high)
{
  *low = 0;
  *high = (int32_t) VT_PAGE_MASK;
  if (!(mode & JIT_MODE_EDGE))
    return;
  int64_t page = (int64_t) page_rip;
  *low = (int32_t) CLAMP (-page, 0, (int64_t) VT_PAGE_SIZE);
  *high = (int32_t) CLAMP (code_top (cpu, mode) - page, -1, (int64_t) VT_PAGE_MASK);
}

void
vt_jit_emit_page_of (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  size_t base = STATE (seg[VT_CS].base);
  if (tr->segmented)
    emit_op64 (e, 0x03, T0, rm_gs (base));
  emit_group1 (e, 1, 4, rm_reg (T0), -(int32_t) VT_PAGE_SIZE);
  if (tr->segmented)
    emit_op64 (e, 0x2b, T0, rm_gs (base));
}

void
vt_jit_emit_low_half (VtEmit *e, unsigned reg)
{
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xb7 }, reg, rm_reg (reg));   /* movzx */
}

/* --- Data --------------------------------------------------------------------------------------------------------- */

/* The last offset that may be accessed, from 0 on. Rules as in address.c: outside protected mode nobody asks for the type. */
static int64_t
top_of (const VtX86Cpu *cpu, const VtX86Seg *seg, bool write)
{
  bool code = (seg->attr & X86_TYPE_CODE) != 0, writable = (seg->attr & X86_TYPE_WRITABLE) != 0;
  if ((seg->attr & (X86_TYPE_CODE | X86_TYPE_DOWN)) == X86_TYPE_DOWN)
    return -1;
  if (cpu->mode != VT_X86_PROT)
    return seg->limit;
  bool allowed = write ? writable && !code : writable || !code;
  return allowed && (seg->attr & (X86_SEG_UNUSABLE | X86_SEG_S)) == X86_SEG_S ? (int64_t) seg->limit : -1;
}

void
vt_jit_set_segment_tops (VtX86Cpu *cpu)
{
  if (cpu->code_bits == 64)
    return;
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    for (unsigned write = 0; write < 2; write++)
      cpu->translated.seg_top[write][i] = top_of (cpu, &cpu->s.seg[i], write != 0);
}

/* Flat: FS and GS have limits, and a base that may wrap the sum; nobody writes through CS. */
static bool
has_limit (const VtJitTr *tr, unsigned seg)
{
  return tr->segmented || seg == VT_FS || seg == VT_GS || seg == VT_CS;
}

static void
emit_add_base (VtJitTr *tr, unsigned seg)
{
  emit_op32 (&tr->e, 0x03, T0, rm_gs (STATE (seg) + seg * sizeof (VtX86Seg) + offsetof (VtX86Seg, base)));
}

static void
emit_offset (VtJitTr *tr, const VtJitAddress *a)
{
  vt_jit_emit_offset (tr, a, T0, false);
}

void
vt_jit_emit_legacy_address (VtJitTr *tr, const VtJitAddress *a, unsigned size, bool write)
{
  VtEmit *e = &tr->e;
  emit_offset (tr, a);
  if (!has_limit (tr, a->seg))
    return;
  emit_lea64 (e, T1, T0, (int32_t) size - 1);
  emit_op64 (e, 0x3b, T1, rm_gs (TRANSLATED (seg_top) + (write ? VT_SEG_COUNT : 0) * 8 + a->seg * 8));
  vt_jit_slow (tr, SLOW_INTERPRET, emit_jcc (e, CC_G));
  emit_add_base (tr, a->seg);
}

void
vt_jit_emit_unchecked_address (VtJitTr *tr, const VtJitAddress *a)
{
  emit_offset (tr, a);
  if (has_limit (tr, a->seg))
    emit_add_base (tr, a->seg);
}

/* --- LOOP and JCXZ by CX ------------------------------------------------------------------------------------------- */

/* The host tests ECX or RCX: CX takes their place for a moment, which leaves the flags alone. */
uint8_t *
vt_jit_emit_by_cx (VtJitTr *tr, uint8_t **other)
{
  VtEmit *e = &tr->e;
  unsigned opcode = tr->in->enc.opcode;
  *other = NULL;
  if (opcode != 0xe3)
    emit_insn (e, (VtEnc) { .p66 = 0x66, .opcode = 0x8d }, H_RCX, rm_base (H_RCX, -1));   /* lea cx, [rcx - 1] */
  if (opcode <= 0xe1)
    *other = emit_jcc (e, opcode == 0xe0 ? CC_E : CC_NE);
  emit_mov64 (e, T1, H_RCX);
  vt_jit_emit_low_half (e, H_RCX);
  emit8 (e, 0xe3);                       /* jrcxz, over what follows */
  uint8_t *is_zero = e->at++;
  emit_mov64 (e, H_RCX, T1);
  uint8_t *not_zero = emit_jmp (e);
  *is_zero = (uint8_t) (e->at - (is_zero + 1));
  emit_mov64 (e, H_RCX, T1);
  if (opcode != 0xe3)
    return not_zero;
  uint8_t *taken = emit_jmp (e);
  emit_patch (not_zero, e->at);
  return taken;
}
