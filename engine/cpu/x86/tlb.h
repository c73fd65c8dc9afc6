/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The second level of the software TLB.
 *
 * It keeps what the first level has no place for, of other address spaces as well: an entry is good while the generation is in
 * use that it was made in, of its address space or, for global pages, of all (vt_x86_tlb_flush()). So a change to another PCID
 * and back finds everything again, and a flush touches nothing. Pages of 2 MiB and more are entered whole, in pieces of 2 MiB.
 *
 * Only RAM is here, and nothing while debug registers are armed.
 */
#pragma once

#include "x86-cpu.h"

#define VT_X86_LARGE_SHIFT 21u
#define VT_X86_SMALL_SETS  2048u
#define VT_X86_LARGE_SETS  64u
#define VT_X86_TLB_WAYS    4u

/* RAM from a linear address on: a page, or a piece of a larger one. */
typedef struct
{
  uint64_t page;           /* its linear address */
  uint8_t *host;
  uint8_t *page_flags;
  VtRam   *ram;
  uint64_t ram_off;
  uint64_t gpa;
  uint8_t  may;            /* bit by VtAccessKind */
  bool     writable;       /* the RAM is, by plain stores */
  bool     global;
} VtX86TlbPiece;

/* What is looked through lies together. */
typedef struct
{
  uint64_t      page[VT_X86_TLB_WAYS], generation[VT_X86_TLB_WAYS];   /* generation 0: none */
  VtX86TlbPiece piece[VT_X86_TLB_WAYS];
} VtX86TlbSet;

typedef struct VtX86TlbSecond
{
  VtX86TlbSet large[VT_X86_LARGE_SETS];
  VtX86TlbSet small[VT_X86_SMALL_SETS];
  unsigned    turn;        /* whose place is taken next */
} VtX86TlbSecond;

static inline __attribute__ ((always_inline)) VtX86TlbSet *
vt_x86_small_set (VtX86TlbSecond *second, uint64_t linear)
{
  return &second->small[(linear >> VT_PAGE_SHIFT) & (VT_X86_SMALL_SETS - 1)];
}

static inline __attribute__ ((always_inline)) VtX86TlbSet *
vt_x86_large_set (VtX86TlbSecond *second, uint64_t linear)
{
  return &second->large[(linear >> VT_X86_LARGE_SHIFT) & (VT_X86_LARGE_SETS - 1)];
}

static inline void
vt_x86_set_bit (uint64_t *map, unsigned bit, bool on)
{
  uint64_t mask = UINT64_C (1) << (bit % 64);
  map[bit / 64] = on ? map[bit / 64] | mask : map[bit / 64] & ~mask;
}

/* The entry for one page, of a piece that contains it. */
static inline __attribute__ ((always_inline)) void
vt_x86_tlb_enter_piece (VtX86Tlb *tlb, const VtX86TlbPiece *piece, uint64_t linear)
{
  unsigned slot = (linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1);
  uint64_t page = linear & ~VT_PAGE_MASK, off = page - piece->page, none = vt_x86_tlb_none (slot);
  bool read = piece->may >> VT_READ & 1, write = piece->may >> VT_WRITE & 1, fetch = piece->may >> VT_FETCH & 1;
  tlb->fast[slot].tag_read = read ? page : none;
  tlb->fast[slot].tag_write = write && piece->writable ? page : none;
  tlb->fast[slot].addend = (uintptr_t) piece->host - piece->page;
  tlb->fast[slot].page_flags = piece->page_flags + (off >> VT_PAGE_SHIFT);
  VtX86TlbPage *out = &tlb->page[slot];
  out->tag[VT_READ] = read ? page : VT_X86_TLB_NONE;
  out->tag[VT_WRITE] = write ? page : VT_X86_TLB_NONE;
  out->tag[VT_FETCH] = fetch ? page : VT_X86_TLB_NONE;
  out->gpa = piece->gpa + off;
  out->ram = piece->ram;
  out->ram_off = piece->ram_off + off;
  out->writable = piece->writable;
  vt_x86_set_bit (tlb->used, slot, true);
  vt_x86_set_bit (tlb->global, slot, piece->global);
}

static inline __attribute__ ((always_inline)) const VtX86TlbPiece *
vt_x86_find_piece (const VtX86Cpu *cpu, const VtX86TlbSet *set, uint64_t page, VtAccessKind access)
{
  for (unsigned i = 0; i < VT_X86_TLB_WAYS; i++)
    if (set->page[i] == page && (set->generation[i] == cpu->user_generation || set->generation[i] == cpu->global_generation)
        && (set->piece[i].may >> access & 1))
      return &set->piece[i];
  return NULL;
}

/* Makes the entry of the first level, if the second knows the page and allows that access. */
static inline __attribute__ ((always_inline)) bool
vt_x86_tlb_refill (VtX86Cpu *cpu, uint64_t linear, VtAccessKind access, unsigned kind)
{
  VtX86TlbSecond *second = &cpu->second[kind];
  const VtX86TlbPiece *piece
      = vt_x86_find_piece (cpu, vt_x86_large_set (second, linear), linear >> VT_X86_LARGE_SHIFT << VT_X86_LARGE_SHIFT, access);
  if (piece == NULL)
    piece = vt_x86_find_piece (cpu, vt_x86_small_set (second, linear), linear & ~VT_PAGE_MASK, access);
  if (piece == NULL)
    return false;
  vt_x86_tlb_enter_piece (&cpu->tlbs[kind], piece, linear);
  return true;
}

/* --- What the rest of paging needs (tlb.c) --- */

/* A walk's result. */
typedef struct
{
  uint64_t gpa;            /* of the linear address */
  unsigned shift;          /* of the page */
  uint8_t  may;            /* bit by VtAccessKind, for this kind of TLB; no writes before the dirty bit is set */
  bool     global;
} VtX86Translation;

void vt_x86_tlb_enter (VtX86Cpu *cpu, uint64_t linear, unsigned kind, const VtX86Translation *t);
