/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear memory accesses of the vCPU; part of x86-cpu.h.
 *
 * A hit in the software TLB is a load or store on host memory, inline here.  Everything else goes through access.c:
 * walks, accesses that cross a page, device registers, alignment checks and data breakpoints.  Page faults unwind; a
 * store faults before its first byte is written.  Privilege is the CPL, or supervisor for the _system kind
 * (descriptor tables, TSS, stack of an interrupt through the IDT).
 */
#pragma once

#include <string.h>

/* size 1, 2, 4 or 8 */
uint64_t vt_x86_load_slow (VtX86Cpu *cpu, uint64_t linear, unsigned size);
void     vt_x86_store_slow (VtX86Cpu *cpu, uint64_t linear, uint64_t value, unsigned size);
/* After a store to a page with flags: tells VtRam; when it holds code of the running block, ends the block here. */
void     vt_x86_store_flagged (VtX86Cpu *cpu, uint64_t linear, unsigned size);

/* len 1..4096 bytes */
void     vt_x86_load_bytes (VtX86Cpu *cpu, uint64_t linear, void *dst, unsigned len);
void     vt_x86_store_bytes (VtX86Cpu *cpu, uint64_t linear, const void *src, unsigned len);
uint64_t vt_x86_load_system (VtX86Cpu *cpu, uint64_t linear, unsigned size);
void     vt_x86_store_system (VtX86Cpu *cpu, uint64_t linear, uint64_t value, unsigned size);
/* Every store of the program's own is announced before it happens, with `host` NULL for registers of a device; NULL: no longer.
 * Accesses are slow meanwhile. */
void     vt_x86_watch_stores (VtX86Cpu *cpu, void (*watch) (VtX86Cpu *cpu, uint8_t *host, unsigned len));
/* Faults exactly as an access of that kind would, and changes nothing else. */
void     vt_x86_probe (VtX86Cpu *cpu, uint64_t linear, unsigned len, VtAccessKind kind);

/* Atomic read-modify-write, for LOCK and XCHG. Compares with *expected and stores `desired` when equal; otherwise
 * *expected gets what is there. Faults as a write does, in either case. */
bool     vt_x86_compare_exchange (VtX86Cpu *cpu, uint64_t linear, uint64_t *expected, uint64_t desired, unsigned size);
bool     vt_x86_compare_exchange16 (VtX86Cpu *cpu, uint64_t linear, uint64_t expected[2], const uint64_t desired[2]);

/* Host memory at any alignment, in one access of the host. */
typedef uint16_t VtHost16 __attribute__ ((aligned (1), may_alias));
typedef uint32_t VtHost32 __attribute__ ((aligned (1), may_alias));
typedef uint64_t VtHost64 __attribute__ ((aligned (1), may_alias));

static inline __attribute__ ((always_inline)) uint64_t
vt_host_load (const void *host, unsigned size)
{
  switch (size)
    {
    case 1:
      return *(const volatile uint8_t *) host;
    case 2:
      return *(const volatile VtHost16 *) host;
    case 4:
      return *(const volatile VtHost32 *) host;
    default:
      return *(const volatile VtHost64 *) host;
    }
}

static inline __attribute__ ((always_inline)) void
vt_host_store (void *host, uint64_t value, unsigned size)
{
  switch (size)
    {
    case 1:
      *(volatile uint8_t *) host = (uint8_t) value;
      break;
    case 2:
      *(volatile VtHost16 *) host = (uint16_t) value;
      break;
    case 4:
      *(volatile VtHost32 *) host = (uint32_t) value;
      break;
    default:
      *(volatile VtHost64 *) host = value;
    }
}

static inline VtX86TlbEntry *
vt_x86_tlb_entry (VtX86Cpu *cpu, uint64_t linear)
{
  return &cpu->tlb[(linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1)];
}

static inline void *
vt_x86_tlb_host (const VtX86TlbEntry *entry, uint64_t linear)
{
  return (void *) (uintptr_t) (linear + entry->addend);
}

/* The page of the last byte: when it is not the tag of the first byte's entry, the access misses or crosses a page. */
static inline uint64_t
vt_x86_tlb_tag (uint64_t linear, unsigned size)
{
  return (linear + size - 1) & ~VT_PAGE_MASK;
}

static inline __attribute__ ((always_inline)) uint64_t
vt_x86_load (VtX86Cpu *cpu, uint64_t linear, unsigned size)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  if (G_UNLIKELY (entry->tag_read != vt_x86_tlb_tag (linear, size)))
    return vt_x86_load_slow (cpu, linear, size);

  return vt_host_load (vt_x86_tlb_host (entry, linear), size);
}

static inline __attribute__ ((always_inline)) void
vt_x86_store (VtX86Cpu *cpu, uint64_t linear, uint64_t value, unsigned size)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  if (G_UNLIKELY (entry->tag_write != vt_x86_tlb_tag (linear, size)))
    {
      vt_x86_store_slow (cpu, linear, value, size);
      return;
    }

  vt_host_store (vt_x86_tlb_host (entry, linear), value, size);
  if (G_UNLIKELY (__atomic_load_n (entry->page_flags, __ATOMIC_RELAXED) != 0))
    vt_x86_store_flagged (cpu, linear, size);
}

static inline uint8_t
vt_x86_load8 (VtX86Cpu *cpu, uint64_t linear)
{
  return (uint8_t) vt_x86_load (cpu, linear, 1);
}

static inline uint16_t
vt_x86_load16 (VtX86Cpu *cpu, uint64_t linear)
{
  return (uint16_t) vt_x86_load (cpu, linear, 2);
}

static inline uint32_t
vt_x86_load32 (VtX86Cpu *cpu, uint64_t linear)
{
  return (uint32_t) vt_x86_load (cpu, linear, 4);
}

static inline uint64_t
vt_x86_load64 (VtX86Cpu *cpu, uint64_t linear)
{
  return vt_x86_load (cpu, linear, 8);
}

static inline void
vt_x86_store8 (VtX86Cpu *cpu, uint64_t linear, uint8_t value)
{
  vt_x86_store (cpu, linear, value, 1);
}

static inline void
vt_x86_store16 (VtX86Cpu *cpu, uint64_t linear, uint16_t value)
{
  vt_x86_store (cpu, linear, value, 2);
}

static inline void
vt_x86_store32 (VtX86Cpu *cpu, uint64_t linear, uint32_t value)
{
  vt_x86_store (cpu, linear, value, 4);
}

static inline void
vt_x86_store64 (VtX86Cpu *cpu, uint64_t linear, uint64_t value)
{
  vt_x86_store (cpu, linear, value, 8);
}
