/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stacks as far transfers see them: pushes and pops that change no register until the transfer is certain.
 *
 * SDM volume 3A, 5.8.5 (stack switching) and 8.7 (TSS in 64-bit mode).
 */
#include "x86-sys.h"

#define TSS32_ESP0 4u
#define TSS16_SP0  2u
#define TSS64_RSP0 4u
#define TSS64_IST1 36u

static uint64_t
sp_mask (const VtX86Cpu *cpu, const VtX86Seg *seg)
{
  if (cpu->mode == VT_X86_LONG)
    return UINT64_MAX;
  return (seg->attr & X86_SEG_DB) != 0 ? UINT32_MAX : UINT16_MAX;
}

void
vt_x86_stack_current (VtX86Cpu *cpu, VtX86Stack *out)
{
  *out = (VtX86Stack) {
    .cpu = cpu,
    .seg = cpu->s.seg[VT_SS],
    .sp = cpu->s.gpr[VT_RSP],
    .mask = sp_mask (cpu, &cpu->s.seg[VT_SS]),
    .is64 = cpu->mode == VT_X86_LONG,
  };
}

static uint64_t
tss_read (VtX86Cpu *cpu, uint32_t off, unsigned size)
{
  if (off + size - 1 > cpu->s.tr.limit)
    vt_x86_raise (cpu, X86_TS, cpu->s.tr.selector & ~X86_SEL_RPL);
  return vt_x86_load_system (cpu, cpu->s.tr.base + off, size);
}

void
vt_x86_stack_from_tss (VtX86Cpu *cpu, unsigned cpl, VtX86Stack *out)
{
  bool is32 = (cpu->s.tr.attr & 8) != 0;
  unsigned width = is32 ? 4 : 2;
  uint32_t off = is32 ? TSS32_ESP0 + 8 * cpl : TSS16_SP0 + 4 * cpl;
  /* Limit first for the whole pair: a TSS that ends between them gives #TS, not half a stack. */
  if (off + width + 1 > cpu->s.tr.limit)
    vt_x86_raise (cpu, X86_TS, cpu->s.tr.selector & ~X86_SEL_RPL);
  uint64_t sp = tss_read (cpu, off, width);
  uint16_t ss = tss_read (cpu, off + width, 2);
  *out = (VtX86Stack) { .cpu = cpu, .sp = sp, .system = cpl != 3, .error = ss & ~X86_SEL_RPL };
  vt_x86_check_stack_seg (cpu, ss, cpl, X86_TS, &out->seg);
  out->mask = (out->seg.attr & X86_SEG_DB) != 0 ? UINT32_MAX : UINT16_MAX;
}

uint64_t
vt_x86_rsp_from_tss (VtX86Cpu *cpu, unsigned cpl, unsigned ist)
{
  uint64_t rsp = tss_read (cpu, ist != 0 ? TSS64_IST1 + 8 * (ist - 1) : TSS64_RSP0 + 8 * cpl, 8);
  if (!vt_x86_canonical (rsp))
    vt_x86_raise (cpu, X86_SS, 0);
  return rsp;
}

static bool
inside (const VtX86Seg *seg, uint64_t off, unsigned size)
{
  uint64_t last = off + size - 1;
  if (seg->attr & X86_SEG_UNUSABLE)
    return false;
  if ((seg->attr & (X86_TYPE_CODE | X86_TYPE_DOWN)) == X86_TYPE_DOWN)
    return off > seg->limit && last <= ((seg->attr & X86_SEG_DB) != 0 ? UINT32_MAX : UINT16_MAX);
  return last <= seg->limit;
}

static uint64_t
stack_linear (const VtX86Stack *stack, uint64_t off, unsigned size)
{
  VtX86Cpu *cpu = stack->cpu;
  if (stack->is64)
    {
      if (!vt_x86_canonical (off) || !vt_x86_canonical (off + size - 1))
        vt_x86_raise (cpu, X86_SS, stack->error);
      return off;
    }
  if (!inside (&stack->seg, off, size))
    vt_x86_raise (cpu, X86_SS, stack->error);
  return (uint32_t) (stack->seg.base + off);
}

void
vt_x86_stack_push (VtX86Stack *stack, uint64_t value, unsigned size)
{
  uint64_t sp = (stack->sp - size) & stack->mask;
  uint64_t at = stack_linear (stack, sp, size);
  if (stack->system)
    vt_x86_store_system (stack->cpu, at, value, size);
  else if (size == 2)
    vt_x86_store16 (stack->cpu, at, value);
  else if (size == 4)
    vt_x86_store32 (stack->cpu, at, value);
  else
    vt_x86_store64 (stack->cpu, at, value);
  stack->sp = (stack->sp & ~stack->mask) | sp;
}

uint64_t
vt_x86_stack_peek (VtX86Stack *stack, uint64_t disp, unsigned size)
{
  uint64_t at = stack_linear (stack, (stack->sp + disp) & stack->mask, size);
  if (stack->system)
    return vt_x86_load_system (stack->cpu, at, size);
  if (size == 2)
    return vt_x86_load16 (stack->cpu, at);
  return size == 4 ? vt_x86_load32 (stack->cpu, at) : vt_x86_load64 (stack->cpu, at);
}

uint64_t
vt_x86_stack_pop (VtX86Stack *stack, unsigned size)
{
  uint64_t value = vt_x86_stack_peek (stack, 0, size);
  stack->sp = (stack->sp & ~stack->mask) | ((stack->sp + size) & stack->mask);
  return value;
}

void
vt_x86_set_sp (VtX86Cpu *cpu, uint64_t sp)
{
  if (cpu->stack_bits == 16)
    cpu->s.gpr[VT_RSP] = (cpu->s.gpr[VT_RSP] & ~UINT64_C (0xffff)) | (uint16_t) sp;
  else
    cpu->s.gpr[VT_RSP] = cpu->stack_bits == 32 ? (uint32_t) sp : sp;
}
