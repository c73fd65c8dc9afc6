/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stack in use, for PUSH, POP, near CALL and RET. */
#pragma once

#include "x86-sys.h"

/* Any mode. The stack pointer moves only after the access succeeded. */
void     vt_x86_push (VtX86Cpu *cpu, uint64_t value, unsigned size);
uint64_t vt_x86_peek (VtX86Cpu *cpu, uint64_t disp, unsigned size);
void     vt_x86_drop (VtX86Cpu *cpu, uint64_t bytes);
/* Faults as a push would. */
void     vt_x86_stack_probe (VtX86Cpu *cpu, unsigned size);

/* 64-bit mode; a stack pointer that is not canonical is #SS, found where the TLB misses. */
void     vt_x86_stack_check_64 (VtX86Cpu *cpu, uint64_t sp);

static inline uint64_t
stack_load_64 (VtX86Cpu *cpu, uint64_t sp)
{
  if (G_UNLIKELY (vt_x86_tlb_entry (cpu, sp)->tag_read != vt_x86_tlb_tag (sp, 8)))
    vt_x86_stack_check_64 (cpu, sp);
  return vt_x86_load64 (cpu, sp);
}

static inline void
stack_store_64 (VtX86Cpu *cpu, uint64_t sp, uint64_t value)
{
  if (G_UNLIKELY (vt_x86_tlb_entry (cpu, sp)->tag_write != vt_x86_tlb_tag (sp, 8)))
    vt_x86_stack_check_64 (cpu, sp);
  vt_x86_store64 (cpu, sp, value);
}
