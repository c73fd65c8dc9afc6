/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first thing after a miss in the TLB: its second level. And the first thing after a store to a flagged page: beside code?
 * Most end here, so that these are functions which keep all registers of their callers, and only general ones are in use: the
 * guest's stay where they are.
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
VT_JIT_KEEPS_REGISTERS void
vt_jit_refill (uint64_t linear, uint64_t what)
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

static inline __attribute__ ((always_inline)) bool
is_beside (const VtRam *ram, uint64_t host, uint64_t flags_at, unsigned size)
{
  uint64_t off = host - (uint64_t) (uintptr_t) ram->host, page = flags_at - (uint64_t) (uintptr_t) ram->page_flags;
  if (page >= ram->size >> VT_PAGE_SHIFT || off >> VT_PAGE_SHIFT != page)
    return false;
  return ram->page_flags[page] == VT_PAGE_CODE
         && (__atomic_load_n (&ram->code_pieces[page], __ATOMIC_RELAXED) & vt_ram_pieces (off, size)) == 0;
}

VT_JIT_KEEPS_REGISTERS void
vt_jit_wrote_beside (uint64_t host, uint64_t flags_at)
{
  VtX86Cpu *cpu = this_cpu ();
  unsigned  size = (uint32_t) cpu->translated.slots[0] & JIT_FILL_SIZE;
  cpu->translated.refilled = 0;
  for (unsigned i = 0; i < cpu->n_rams; i++)
    if (is_beside (cpu->rams[i], host, flags_at, size))
      cpu->translated.refilled = 1;
}

#else

void
vt_jit_wrote_beside (uint64_t host, uint64_t flags_at)
{
}

void
vt_jit_refill (uint64_t linear, uint64_t what)
{
}

#endif
