/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The software TLB: what a walk found is entered, and taken out again (SDM volume 3A, 4.10).
 *
 * The first level (x86-cpu.h) holds pages of 4 KiB of the address space in use, and is what accesses look at; the second level
 * (tlb.h) holds more.  Invalidation is exact for what the first level holds of small pages; it may forget more than it must of
 * the rest, never less.
 */
#include "tlb.h"

#include "apic.h"

#define LARGE_BYTES    (UINT64_C (1) << VT_X86_LARGE_SHIFT)
#define RANGE_SHIFT    22u   /* of large_4m: the largest page below 1 GiB */
#define PAGES_IN_RANGE (1u << (RANGE_SHIFT - VT_PAGE_SHIFT))

static bool
test_bit (const uint64_t *map, unsigned bit)
{
  return (map[bit / 64] >> (bit % 64)) & 1;
}

/* Accesses go by access.c. */
static void
close_fast (VtX86Tlb *tlb, unsigned slot)
{
  tlb->fast[slot].tag_read = tlb->fast[slot].tag_write = vt_x86_tlb_none (slot);
}

static void
close_entry (VtX86Tlb *tlb, unsigned slot)
{
  close_fast (tlb, slot);
  for (unsigned kind = 0; kind < G_N_ELEMENTS (tlb->page[slot].tag); kind++)
    tlb->page[slot].tag[kind] = VT_X86_TLB_NONE;
}

static void
clear_entry (VtX86Tlb *tlb, unsigned slot)
{
  close_entry (tlb, slot);
  vt_x86_set_bit (tlb->used, slot, false);
  vt_x86_set_bit (tlb->global, slot, false);
}

/* --- Entering ----------------------------------------------------------------------------------------------------- */

/* Those whose page flags translated code may come across. */
static void
note_ram (VtX86Cpu *cpu, VtRam *ram)
{
  for (unsigned i = 0; i < cpu->n_rams; i++)
    if (cpu->rams[i] == ram)
      return;
  g_assert (cpu->n_rams < VT_X86_RAMS);
  cpu->rams[cpu->n_rams++] = ram;
}

/* The page from the walk alone: device registers, or nothing at all. */
static void
enter_apart (VtX86Cpu *cpu, uint64_t linear, unsigned kind, const VtX86Translation *t)
{
  VtX86Tlb *tlb = &cpu->tlbs[kind];
  unsigned slot = (linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1);
  VtX86TlbPage *page = &tlb->page[slot];
  close_fast (tlb, slot);
  *page = (VtX86TlbPage) { .gpa = t->gpa & ~VT_PAGE_MASK };
  for (unsigned access = 0; access < G_N_ELEMENTS (page->tag); access++)
    page->tag[access] = t->may >> access & 1 ? linear & ~VT_PAGE_MASK : VT_X86_TLB_NONE;
  vt_x86_set_bit (tlb->used, slot, true);
  vt_x86_set_bit (tlb->global, slot, t->global);
}

/* `bytes` of RAM around the address, if that is what is there. */
static bool
find_ram (VtX86Cpu *cpu, uint64_t linear, const VtX86Translation *t, uint64_t bytes, VtX86TlbPiece *out)
{
  VtPage reads, writes;
  uint64_t mask = bytes - 1, gpa = t->gpa & ~mask;
  if (bytes == VT_PAGE_SIZE)
    {
      const VtX86PhysPage *phys = vt_x86_phys_page (cpu, gpa);
      if (phys == NULL)
        return false;
      reads = phys->page;
      out->writable = phys->writable;
    }
  else
    {
      if (!vt_view_pages (cpu->vcpu.view, VT_GPA (gpa), bytes, false, &reads))
        return false;
      out->writable = vt_view_pages (cpu->vcpu.view, VT_GPA (gpa), bytes, true, &writes) && writes.host == reads.host;
      /* Parts of it may be. */
      if (!out->writable)
        return false;
    }
  if (cpu->apic != NULL && vt_apic_covers_any (cpu->apic, gpa, bytes))
    return false;
  out->page = linear & ~mask;
  out->gpa = gpa;
  out->host = reads.host;
  out->ram = reads.ram;
  out->ram_off = reads.ram_off;
  out->page_flags = &reads.ram->page_flags[reads.ram_off >> VT_PAGE_SHIFT];
  return true;
}

/* In the place of what is known of the same page, or of the others by turns. */
static void
remember (VtX86TlbSecond *second, VtX86TlbSet *set, const VtX86TlbPiece *piece, uint64_t generation)
{
  unsigned at = 0;
  while (at < VT_X86_TLB_WAYS && (set->page[at] != piece->page || set->generation[at] != generation))
    at++;
  if (at == VT_X86_TLB_WAYS)
    at = second->turn++ % VT_X86_TLB_WAYS;
  set->page[at] = piece->page;
  set->generation[at] = generation;
  set->piece[at] = *piece;
}

static bool
is_watched (const VtX86Cpu *cpu)
{
  return G_UNLIKELY ((cpu->s.dr[7] & 0xff) != 0);
}

void
vt_x86_tlb_enter (VtX86Cpu *cpu, uint64_t linear, unsigned kind, const VtX86Translation *t)
{
  VtX86TlbPiece piece = { .may = t->may, .global = t->global };
  VtX86TlbSecond *second = &cpu->second[kind];
  if (t->shift > VT_PAGE_SHIFT)
    vt_x86_set_bit (t->shift < 30 ? cpu->large_4m : cpu->large_1g, (linear >> (t->shift < 30 ? RANGE_SHIFT : 30)) & 255, true);
  uint64_t generation = t->global ? cpu->global_generation : cpu->user_generation;
  bool large = t->shift >= VT_X86_LARGE_SHIFT && !is_watched (cpu) && find_ram (cpu, linear, t, LARGE_BYTES, &piece);
  if (!large && !find_ram (cpu, linear, t, VT_PAGE_SIZE, &piece))
    {
      enter_apart (cpu, linear, kind, t);
      return;
    }
  note_ram (cpu, piece.ram);
  vt_x86_tlb_enter_piece (&cpu->tlbs[kind], &piece, linear);
  /* A data breakpoint in the page: every access has to come by access.c. */
  if (is_watched (cpu) && vt_x86_page_watched (cpu, linear))
    close_fast (&cpu->tlbs[kind], (linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1));
  if (large)
    remember (second, vt_x86_large_set (second, linear), &piece, generation);
  else if (!is_watched (cpu) && t->shift == VT_PAGE_SHIFT)
    remember (second, vt_x86_small_set (second, linear), &piece, generation);
}

/* --- Generations -------------------------------------------------------------------------------------------------- */

static void
new_user_generation (VtX86Cpu *cpu)
{
  cpu->user_generation = ++cpu->last_generation;
}

static void
new_global_generation (VtX86Cpu *cpu)
{
  cpu->global_generation = ++cpu->last_generation;
  cpu->kernel_code_not_global = false;
}

void
vt_x86_tlb_forget_pcid (VtX86Cpu *cpu, int pcid)
{
  if (pcid < 0)
    memset (cpu->pcid_generation, 0, sizeof (cpu->pcid_generation));
  else
    cpu->pcid_generation[pcid & 0xfff] = 0;
}

/* --- Everything --------------------------------------------------------------------------------------------------- */

static void
flush_table (VtX86Tlb *tlb, bool global_too)
{
  for (unsigned word = 0; word < G_N_ELEMENTS (tlb->used); word++)
    {
      uint64_t victims = tlb->used[word] & (global_too ? UINT64_MAX : ~tlb->global[word]);
      tlb->used[word] &= ~victims;
      tlb->global[word] &= ~victims;
      for (; victims != 0; victims &= victims - 1)
        close_entry (tlb, word * 64 + (unsigned) __builtin_ctzll (victims));
    }
}

void
vt_x86_tlb_flush (VtX86Cpu *cpu, bool global_too)
{
  cpu->vcpu.stats.tlb_flushes++;
  vt_x86_forget_stack_pages (cpu);
  cpu->code_generation++;
  new_user_generation (cpu);
  if (global_too)
    vt_x86_tlb_forget_pcid (cpu, -1);
  if (global_too || cpu->kernel_code_not_global)
    new_global_generation (cpu);
  for (unsigned kind = 0; kind < VT_X86_TLB_COUNT; kind++)
    flush_table (&cpu->tlbs[kind], global_too);
  if (global_too)
    {
      memset (cpu->large_4m, 0, sizeof (cpu->large_4m));
      memset (cpu->large_1g, 0, sizeof (cpu->large_1g));
    }
}

void
vt_x86_tlb_switch (VtX86Cpu *cpu, bool keep)
{
  unsigned pcid = cpu->s.cr3 & 0xfff;
  uint64_t before = keep ? cpu->pcid_generation[pcid] : 0;
  /* The first level is of one address space; the second finds its own again. */
  vt_x86_tlb_flush (cpu, false);
  if (before != 0)
    cpu->user_generation = before;
}

/* --- One page ----------------------------------------------------------------------------------------------------- */

static void
forget_pieces (VtX86TlbSet *set, uint64_t page)
{
  for (unsigned i = 0; i < VT_X86_TLB_WAYS; i++)
    if (set->page[i] == page)
      set->generation[i] = 0;
}

static void
forget_second (VtX86Cpu *cpu, uint64_t linear)
{
  for (unsigned kind = 0; kind < VT_X86_TLB_COUNT; kind++)
    {
      VtX86TlbSecond *second = &cpu->second[kind];
      forget_pieces (vt_x86_small_set (second, linear), linear & ~VT_PAGE_MASK);
      forget_pieces (vt_x86_large_set (second, linear), linear >> VT_X86_LARGE_SHIFT << VT_X86_LARGE_SHIFT);
    }
}

/* `n` bits from `first` on, whole words. */
static bool
any_bit (const uint64_t *map, unsigned first, unsigned n)
{
  for (unsigned i = 0; i < n / 64; i++)
    if (map[first / 64 + i] != 0)
      return true;
  return false;
}

/* Known jumps to the range are forgotten with their generation. Pages of a range that is aligned to its size share all bits
 * of their number but the low ones, and so do their bits in the map. */
static void
forget_code (VtX86Cpu *cpu, uint64_t start, unsigned n)
{
  unsigned first = vt_x86_code_page_bit (start) & ~(n - 1);
  if (any_bit (cpu->code_pages[0], first, n))
    new_global_generation (cpu);
  if (any_bit (cpu->code_pages[1], first, n))
    new_user_generation (cpu);
}

/* All pieces of a large page, whichever of its addresses was named. */
static void
flush_range (VtX86Cpu *cpu, uint64_t linear)
{
  uint64_t start = linear >> RANGE_SHIFT << RANGE_SHIFT;
  for (uint64_t at = start; at - start < UINT64_C (1) << RANGE_SHIFT; at += VT_PAGE_SIZE)
    {
      unsigned slot = (at >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1);
      for (unsigned kind = 0; kind < VT_X86_TLB_COUNT; kind++)
        if (test_bit (cpu->tlbs[kind].used, slot))
          clear_entry (&cpu->tlbs[kind], slot);
    }
  for (uint64_t at = start; at - start < UINT64_C (1) << RANGE_SHIFT; at += LARGE_BYTES)
    forget_second (cpu, at);
  forget_second (cpu, linear);
  forget_code (cpu, start, PAGES_IN_RANGE);
}

void
vt_x86_tlb_flush_page (VtX86Cpu *cpu, uint64_t linear)
{
  if (test_bit (cpu->large_1g, (linear >> 30) & 255))
    {
      vt_x86_tlb_flush (cpu, true);
      return;
    }
  vt_x86_forget_stack_pages (cpu);
  cpu->code_generation++;
  if (test_bit (cpu->large_4m, (linear >> RANGE_SHIFT) & 255))
    {
      flush_range (cpu, linear);
      return;
    }
  unsigned slot = (linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1);
  for (unsigned kind = 0; kind < VT_X86_TLB_COUNT; kind++)
    clear_entry (&cpu->tlbs[kind], slot);
  forget_second (cpu, linear);
  unsigned bit = vt_x86_code_page_bit (linear);
  if (test_bit (cpu->code_pages[0], bit))
    new_global_generation (cpu);
  if (test_bit (cpu->code_pages[1], bit))
    new_user_generation (cpu);
}
