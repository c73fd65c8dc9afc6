/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first thing after a miss in the TLB: its second level. Most misses end here, so that it is a function which keeps all
 * registers of its caller, and only general ones are in use: the guest's stay where they are.
 */
#include <glib.h>
#include <setjmp.h>
#include <string.h>

/* What is inline in our own headers as well. */
#ifdef __x86_64__
#pragma GCC target ("general-regs-only")
#endif

#include "jit.h"
#include "tlb.h"

#ifdef __x86_64__

static inline __attribute__ ((always_inline)) VtX86Cpu *
this_cpu (void)
{
  VtX86Cpu *cpu;
  __asm__ ("movq %%gs:%c1, %0" : "=r" (cpu) : "i" (offsetof (VtX86Cpu, translated) + offsetof (VtX86Translated, self)));
  return cpu;
}

/* One access of 64-bit code, in one page. */
__attribute__ ((no_caller_saved_registers)) void
vt_jit_refill (uint64_t linear, uint32_t what)
{
  VtX86Cpu    *cpu = this_cpu ();
  unsigned     kind = cpu->tlb_kind, off = linear & VT_PAGE_MASK;
  bool         write = (what & JIT_FILL_WRITE) != 0;
  VtX86Tlb    *tlb = &cpu->tlbs[kind];
  VtX86TlbEntry *entry = &tlb->fast[(linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1)];
  cpu->translated.refilled = 0;
  if (cpu->code_bits != 64 || off + (what & JIT_FILL_SIZE) > VT_PAGE_SIZE || ((what & JIT_FILL_STACK) && off >= JIT_STACK_ROOM))
    return;
  uint64_t page = linear - off;
  if ((write ? entry->tag_write : entry->tag_read) != page)
    {
      if (!vt_x86_tlb_refill (cpu, linear, write ? VT_WRITE : VT_READ, kind) || (write ? entry->tag_write : entry->tag_read) != page)
        return;
    }
  if (what & JIT_FILL_STACK)
    cpu->translated.stack[kind][write] = (VtStackWindow) { page, JIT_STACK_ROOM, entry->addend, entry->page_flags };
  cpu->translated.refilled = 1;
}

#else

void
vt_jit_refill (uint64_t linear, uint32_t what)
{
}

#endif
