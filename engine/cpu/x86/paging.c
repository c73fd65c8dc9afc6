/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paging: linear to physical (SDM volume 3A, chapter 4).
 *
 * None, 32-bit (4 KiB, and 4 MiB pages with PSE and PSE-36), PAE and 4-level.  A walk finds the leaf and the rights
 * along the way; then the rights are checked, accessed and dirty bits are set by compare-and-exchange (a lost race
 * walks again), and the software TLB (tlb.c) gets the result.
 */
#include "tlb.h"
#include "x86-model.h"

#define PTE_P    (UINT64_C (1) << 0)
#define PTE_RW   (UINT64_C (1) << 1)
#define PTE_US   (UINT64_C (1) << 2)
#define PTE_A    (UINT64_C (1) << 5)
#define PTE_D    (UINT64_C (1) << 6)
#define PTE_PS   (UINT64_C (1) << 7)
#define PTE_G    (UINT64_C (1) << 8)
#define PTE_NX   (UINT64_C (1) << 63)
#define PTE_ADDR UINT64_C (0x000ffffffffff000)

#define PDPTE_PAE_RESERVED UINT64_C (0x1e6)   /* bits 1, 2, 5..8 */

#define MAX_LEVELS 4

typedef enum
{
  WALK_OK,
  WALK_NOT_PRESENT,
  WALK_RESERVED,
} WalkResult;

typedef struct
{
  uint64_t entry_gpa[MAX_LEVELS];   /* where each entry was, top first */
  uint64_t entry[MAX_LEVELS];
  unsigned n;                       /* entries read */
  unsigned entry_size;              /* 4 or 8 */
  unsigned page_shift;              /* 12, 21, 22 or 30 */
  uint64_t gpa;                     /* of the linear address */
  bool     writable, user, nx, global;
} Walk;

/* --- Reading and updating entries --------------------------------------------------------------------------------- */

const VtX86PhysPage *
vt_x86_phys_page (VtX86Cpu *cpu, uint64_t gpa)
{
  uint64_t page = gpa & ~VT_PAGE_MASK;
  VtX86PhysPage *slot = &cpu->phys[(gpa >> VT_PAGE_SHIFT) & (VT_X86_PHYS_PAGES - 1)];
  if (G_LIKELY (slot->gpa == page))
    return slot;

  VtPage found, writes;
  if (!vt_view_page (cpu->vcpu.view, VT_GPA (page), false, &found))
    return NULL;
  slot->gpa = page;
  slot->page = found;
  slot->writable = vt_view_page (cpu->vcpu.view, VT_GPA (page), true, &writes) && writes.host == found.host;
  return slot;
}

static uint64_t
read_entry (VtX86Cpu *cpu, uint64_t gpa, unsigned size)
{
  const VtX86PhysPage *phys = vt_x86_phys_page (cpu, gpa);
  if (phys == NULL)
    return vt_view_read (cpu->vcpu.view, VT_GPA (gpa), size);

  const uint8_t *host = phys->page.host + (gpa & VT_PAGE_MASK);
  if (size == 4)
    return __atomic_load_n ((const uint32_t *) host, __ATOMIC_RELAXED);
  return __atomic_load_n ((const uint64_t *) host, __ATOMIC_RELAXED);
}

/* Sets bits in an entry that still is what the walk read; false when it changed meanwhile. */
static bool
update_entry (VtX86Cpu *cpu, uint64_t gpa, unsigned size, uint64_t old, uint64_t bits)
{
  const VtX86PhysPage *phys = vt_x86_phys_page (cpu, gpa);
  if (phys == NULL || !phys->writable)
    {
      vt_view_write (cpu->vcpu.view, VT_GPA (gpa), old | bits, size);
      return true;
    }

  uint8_t *host = phys->page.host + (gpa & VT_PAGE_MASK);
  bool done;
  if (size == 4)
    {
      uint32_t expected = (uint32_t) old;
      done = __atomic_compare_exchange_n ((uint32_t *) host, &expected, (uint32_t) (old | bits), false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
  else
    done = __atomic_compare_exchange_n ((uint64_t *) host, &old, old | bits, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
  if (done)
    vt_ram_mark (phys->page.ram, phys->page.ram_off + (gpa & VT_PAGE_MASK), size);
  return done;
}

/* --- Walks -------------------------------------------------------------------------------------------------------- */

static void
take_entry (Walk *walk, uint64_t gpa, uint64_t entry)
{
  walk->entry_gpa[walk->n] = gpa;
  walk->entry[walk->n++] = entry;
  walk->writable &= (entry & PTE_RW) != 0;
  walk->user &= (entry & PTE_US) != 0;
  walk->nx |= walk->entry_size == 8 && (entry & PTE_NX) != 0;
}

static void
take_leaf (Walk *walk, uint64_t linear, uint64_t frame, uint64_t entry, unsigned shift)
{
  uint64_t mask = (UINT64_C (1) << shift) - 1;
  walk->page_shift = shift;
  walk->gpa = (frame & ~mask) | (linear & mask);
  walk->global = (entry & PTE_G) != 0;
}

static WalkResult
walk_32bit (VtX86Cpu *cpu, uint64_t linear, Walk *walk)
{
  walk->entry_size = 4;
  uint64_t at = (cpu->s.cr3 & 0xfffff000u) + vt_extract (linear, 22, 10) * 4;
  uint64_t pde = read_entry (cpu, at, 4);
  if (!(pde & PTE_P))
    return WALK_NOT_PRESENT;
  take_entry (walk, at, pde);

  if ((pde & PTE_PS) && (cpu->s.cr4 & X86_CR4_PSE))
    {
      /* PSE-36: bits 20..13 are bits 39..32 of the address, as far as the processor has them; bit 21 is reserved. */
      uint64_t frame = (pde & 0xffc00000u) | vt_extract (pde, 13, 8) << 32;
      if ((pde & (1u << 21)) || (frame & ~cpu->phys_mask))
        return WALK_RESERVED;
      take_leaf (walk, linear, frame, pde, 22);
      return WALK_OK;
    }

  at = (pde & 0xfffff000u) + vt_extract (linear, 12, 10) * 4;
  uint64_t pte = read_entry (cpu, at, 4);
  if (!(pte & PTE_P))
    return WALK_NOT_PRESENT;
  take_entry (walk, at, pte);
  take_leaf (walk, linear, pte & 0xfffff000u, pte, 12);
  return WALK_OK;
}

/* Reserved bits of the 8-byte entry formats; `low` are those of this kind of entry. */
static bool
entry_reserved (const VtX86Cpu *cpu, uint64_t entry, uint64_t low)
{
  uint64_t reserved = low | (PTE_ADDR & ~cpu->phys_mask);
  if (!cpu->long_mode)
    reserved |= UINT64_C (0x7ff) << 52;
  if (!(cpu->s.efer & X86_EFER_NXE))
    reserved |= PTE_NX;
  return (entry & reserved) != 0;
}

/* The levels below `table`, the first of which indexes by bits from `shift`. */
static WalkResult
walk_8byte (VtX86Cpu *cpu, uint64_t linear, uint64_t table, unsigned shift, Walk *walk)
{
  bool pages_1g = vt_x86_has (cpu->model, X86_FEATURE_PDPE1GB);
  for (;; shift -= 9)
    {
      uint64_t at = table + vt_extract (linear, shift, 9) * 8;
      uint64_t entry = read_entry (cpu, at, 8);
      if (!(entry & PTE_P))
        return WALK_NOT_PRESENT;

      bool leaf = shift == 12 || (shift < 39 && (entry & PTE_PS));
      uint64_t low = 0;
      if (leaf && shift > 12)
        low = ((UINT64_C (1) << shift) - 1) & ~UINT64_C (0x1fff);
      if ((shift == 39 || (shift == 30 && !pages_1g)) && (entry & PTE_PS))
        low |= PTE_PS;
      if (entry_reserved (cpu, entry, low))
        return WALK_RESERVED;

      take_entry (walk, at, entry);
      if (leaf)
        {
          take_leaf (walk, linear, entry & PTE_ADDR, entry, shift);
          return WALK_OK;
        }
      table = entry & PTE_ADDR;
    }
}

static WalkResult
walk_pae (VtX86Cpu *cpu, uint64_t linear, Walk *walk)
{
  uint64_t pdpte = cpu->pdpte[vt_extract (linear, 30, 2)];
  if (!(pdpte & PTE_P))
    return WALK_NOT_PRESENT;
  return walk_8byte (cpu, linear, pdpte & PTE_ADDR, 21, walk);
}

static WalkResult
walk_tables (VtX86Cpu *cpu, uint64_t linear, Walk *walk)
{
  *walk = (Walk) { .writable = true, .user = true, .entry_size = 8 };
  if (!cpu->paging)
    {
      walk->page_shift = VT_PAGE_SHIFT;
      walk->gpa = linear & cpu->phys_mask;
      return WALK_OK;
    }
  if (cpu->long_mode)
    return walk_8byte (cpu, linear, cpu->s.cr3 & PTE_ADDR, 39, walk);
  if (cpu->s.cr4 & X86_CR4_PAE)
    return walk_pae (cpu, linear, walk);
  return walk_32bit (cpu, linear, walk);
}

bool
vt_x86_load_pdptes (VtX86Cpu *cpu, uint64_t cr3)
{
  uint64_t pdpte[4], reserved = PDPTE_PAE_RESERVED | ~(cpu->phys_mask | VT_PAGE_MASK);
  for (unsigned i = 0; i < G_N_ELEMENTS (pdpte); i++)
    {
      pdpte[i] = read_entry (cpu, (cr3 & 0xffffffe0u) + 8 * i, 8);
      if ((pdpte[i] & PTE_P) && (pdpte[i] & reserved))
        return false;
    }
  memcpy (cpu->pdpte, pdpte, sizeof (pdpte));
  return true;
}

/* --- Rights ------------------------------------------------------------------------------------------------------- */

static bool
allowed (const VtX86Cpu *cpu, const Walk *walk, VtAccessKind kind, unsigned tlb_kind)
{
  bool user = tlb_kind == VT_X86_TLB_USER;
  if (!cpu->paging)
    return true;
  if (user && !walk->user)
    return false;
  if (kind == VT_FETCH)
    return !walk->nx && (user || !walk->user || !(cpu->s.cr4 & X86_CR4_SMEP));
  if (!user && walk->user && (cpu->s.cr4 & X86_CR4_SMAP) && tlb_kind != VT_X86_TLB_SMAP_OFF)
    return false;
  return kind == VT_READ || walk->writable || (!user && !(cpu->s.cr0 & X86_CR0_WP));
}

G_NORETURN static void
page_fault (VtX86Cpu *cpu, uint64_t linear, VtAccessKind kind, unsigned tlb_kind, WalkResult result)
{
  uint32_t code = 0;
  if (result != WALK_NOT_PRESENT)
    code |= X86_PF_P;
  if (result == WALK_RESERVED)
    code |= X86_PF_RSVD;
  if (kind == VT_WRITE)
    code |= X86_PF_W;
  if (tlb_kind == VT_X86_TLB_USER)
    code |= X86_PF_U;
  bool nx_on = (cpu->s.efer & X86_EFER_NXE) && (cpu->s.cr4 & X86_CR4_PAE);
  if (kind == VT_FETCH && (nx_on || (cpu->s.cr4 & X86_CR4_SMEP)))
    code |= X86_PF_I;
  vt_x86_raise_pf (cpu, linear, code);
}

/* Accessed in every entry of the walk, dirty in the leaf for a write. False: an entry changed under us. */
static bool
set_accessed_dirty (VtX86Cpu *cpu, Walk *walk, VtAccessKind kind)
{
  for (unsigned i = 0; i < walk->n; i++)
    {
      uint64_t bits = PTE_A | (kind == VT_WRITE && i == walk->n - 1 ? PTE_D : 0);
      if ((walk->entry[i] & bits) == bits)
        continue;
      if (!update_entry (cpu, walk->entry_gpa[i], walk->entry_size, walk->entry[i], bits))
        return false;
      walk->entry[i] |= bits;
    }
  return true;
}

/* --- Filling the TLB ---------------------------------------------------------------------------------------------- */

static void
fill (VtX86Cpu *cpu, uint64_t linear, unsigned tlb_kind, const Walk *walk)
{
  bool dirty = walk->n == 0 || (walk->entry[walk->n - 1] & PTE_D);
  unsigned may = (unsigned) allowed (cpu, walk, VT_READ, tlb_kind) << VT_READ
                 | (unsigned) (dirty && allowed (cpu, walk, VT_WRITE, tlb_kind)) << VT_WRITE
                 | (unsigned) allowed (cpu, walk, VT_FETCH, tlb_kind) << VT_FETCH;
  cpu->vcpu.stats.tlb_fills++;
  vt_x86_tlb_enter (cpu, linear, tlb_kind, &(VtX86Translation) {
    .gpa = walk->gpa,
    .shift = walk->page_shift,
    .may = (uint8_t) may,
    .global = walk->global && (cpu->s.cr4 & X86_CR4_PGE) != 0,
  });
}

bool
vt_x86_tlb_try_fill (VtX86Cpu *cpu, uint64_t linear, VtAccessKind kind)
{
  Walk walk;
  if (vt_x86_tlb_refill (cpu, linear, kind, cpu->tlb_kind))
    return true;
  do
    {
      if (walk_tables (cpu, linear, &walk) != WALK_OK || !allowed (cpu, &walk, kind, cpu->tlb_kind))
        return false;
    }
  while (!set_accessed_dirty (cpu, &walk, kind));

  fill (cpu, linear, cpu->tlb_kind, &walk);
  return true;
}

void
vt_x86_tlb_fill (VtX86Cpu *cpu, uint64_t linear, VtAccessKind kind, bool system)
{
  /* An implicit supervisor access is subject to SMAP whatever EFLAGS.AC says (SDM 4.6.1). */
  unsigned tlb_kind = system ? VT_X86_TLB_SYSTEM : cpu->tlb_kind;
  Walk walk;

  if (vt_x86_tlb_refill (cpu, linear, kind, tlb_kind))
    return;
  do
    {
      WalkResult result = walk_tables (cpu, linear, &walk);
      if (result != WALK_OK || !allowed (cpu, &walk, kind, tlb_kind))
        page_fault (cpu, linear, kind, tlb_kind, result);
    }
  while (!set_accessed_dirty (cpu, &walk, kind));

  fill (cpu, linear, tlb_kind, &walk);
}

bool
vt_x86_translate (VtX86Cpu *cpu, uint64_t linear, VtGpa *out)
{
  Walk walk;
  if (walk_tables (cpu, linear, &walk) != WALK_OK)
    return false;
  *out = VT_GPA (walk.gpa);
  return true;
}
