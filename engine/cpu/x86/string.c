/* SPDX-License-Identifier: GPL-3.0-or-later */
/* String instructions: MOVS, STOS, LODS, CMPS, SCAS with their REP forms. INS and OUTS belong to the system half.
 *
 * A repeated instruction updates its registers after every element, or run of elements, so that a fault or an interrupt
 * leaves it restartable at its own address.  MOVS and STOS go through a page at a time on host memory when they can.
 */
#include "forms.h"
#include "integer.h"

/* Elements between two looks at the request word. */
#define MAX_RUN 4096u

typedef struct
{
  VtX86Cpu        *cpu;
  const VtX86Insn *insn;
  unsigned         size;        /* of an element */
  unsigned         addrsize;
  int64_t          step;        /* +size or -size, by DF */
} String;

INLINE String
string_begin (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size)
{
  bool down = (cpu->s.rflags & X86_RFLAGS_DF) != 0;
  return (String) { cpu, insn, size, insn->addrsize, down ? -(int64_t) size : (int64_t) size };
}

static inline bool
repeats (const VtX86Insn *insn)
{
  return (insn->prefixes & (VT_PFX_REP | VT_PFX_REPNE)) != 0;
}

INLINE uint64_t
source_linear (const String *string)
{
  uint64_t offset = string->cpu->s.gpr[VT_RSI];
  return vt_x86_linear (string->cpu, string->insn->seg, zero_extend (offset, string->addrsize), string->size, VT_READ);
}

INLINE uint64_t
dest_linear (const String *string, VtAccessKind kind)
{
  uint64_t offset = string->cpu->s.gpr[VT_RDI];
  return vt_x86_linear (string->cpu, VT_ES, zero_extend (offset, string->addrsize), string->size, kind);
}

INLINE void
advance (const String *string, unsigned reg, uint64_t elements)
{
  put_gpr (string->cpu, reg, string->cpu->s.gpr[reg] + elements * (uint64_t) string->step, string->addrsize);
}

INLINE uint64_t
get_count (const String *string)
{
  return get_gpr (string->cpu, VT_RCX, string->addrsize);
}

INLINE void
put_count (const String *string, uint64_t count)
{
  put_gpr (string->cpu, VT_RCX, count, string->addrsize);
}

static bool
should_pause (const VtX86Cpu *cpu)
{
  return vt_vcpu_requests (&cpu->vcpu) != 0 || cpu->attention;
}

/* --- Runs on host memory ------------------------------------------------------------------------------------------ */

/* Elements from `linear` upwards that lie in its page and, outside 64-bit mode, in the segment's first 64 KiB or 4
 * GiB. */
static uint64_t
elements_in_page (uint64_t linear, unsigned size)
{
  return (VT_PAGE_SIZE - (linear & VT_PAGE_MASK)) / size;
}

/* A run starts with one checked element; the rest must not leave a segment that has a limit, nor wrap the address
 * size. */
static bool
run_is_plain (const String *string, unsigned reg, unsigned seg, uint64_t elements)
{
  const VtX86Cpu *cpu = string->cpu;
  uint64_t offset = get_gpr (cpu, reg, string->addrsize), last = offset + elements * string->size - 1;
  if (last < offset || last > vt_mask_bytes (string->addrsize))
    return false;
  if (cpu->mode == VT_X86_LONG)
    return true;
  const VtX86Seg *s = &cpu->s.seg[seg];
  bool expand_down = (s->attr & (X86_TYPE_CODE | X86_TYPE_DOWN)) == X86_TYPE_DOWN;
  return !expand_down && last <= s->limit;
}

static void
finish_store_run (VtX86Cpu *cpu, uint64_t linear, const VtX86TlbEntry *entry, uint64_t bytes)
{
  if (G_UNLIKELY (__atomic_load_n (entry->page_flags, __ATOMIC_RELAXED) != 0))
    vt_x86_store_flagged (cpu, linear, (unsigned) bytes);
}

/* Two pages that share a TLB entry evict each other at every element. The source's place on the host is found first
 * and kept; afterwards the entry is that of the destination. May raise what the move itself would. */
static bool
take_shared_entry (VtX86Cpu *cpu, uint64_t from, uint64_t to, unsigned size, const uint8_t **src)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, from);
  if (entry != vt_x86_tlb_entry (cpu, to) || ((from ^ to) & ~VT_PAGE_MASK) == 0)
    return false;
  vt_x86_probe (cpu, from, size, VT_READ);
  if (entry->tag_read != vt_x86_tlb_tag (from, size))
    return false;
  *src = vt_x86_tlb_host (entry, from);
  vt_x86_probe (cpu, to, size, VT_WRITE);
  return entry->tag_write == vt_x86_tlb_tag (to, size);
}

/* How many elements were moved at once; 0: do one by hand. */
static uint64_t
movs_run (const String *string, uint64_t from, uint64_t to, uint64_t count)
{
  VtX86Cpu *cpu = string->cpu;
  unsigned size = string->size;
  const VtX86TlbEntry *read = vt_x86_tlb_entry (cpu, from), *write = vt_x86_tlb_entry (cpu, to);
  bool both = read->tag_read == vt_x86_tlb_tag (from, size) && write->tag_write == vt_x86_tlb_tag (to, size);
  const uint8_t *src = vt_x86_tlb_host (read, from);
  if (string->step < 0 || (!both && !take_shared_entry (cpu, from, to, size, &src)))
    return 0;

  uint64_t n = MIN (count, MIN (elements_in_page (from, size), elements_in_page (to, size)));
  uint8_t *dst = vt_x86_tlb_host (write, to);
  /* A destination just above the source repeats a pattern: that is element by element. */
  bool pattern = dst > src && (uint64_t) (dst - src) < n * size;
  if (n < 2 || pattern || !run_is_plain (string, VT_RSI, string->insn->seg, n)
      || !run_is_plain (string, VT_RDI, VT_ES, n))
    return 0;
  memmove (dst, src, n * size);
  finish_store_run (cpu, to, write, n * size);
  return n;
}

static void
fill_elements (uint8_t *dst, uint64_t value, unsigned size, uint64_t n)
{
  switch (size)
    {
    case 1:
      memset (dst, (int) (uint8_t) value, n);
      break;
    case 2:
      for (uint64_t i = 0; i < n; i++)
        memcpy (dst + 2 * i, &value, 2);
      break;
    case 4:
      for (uint64_t i = 0; i < n; i++)
        memcpy (dst + 4 * i, &value, 4);
      break;
    default:
      for (uint64_t i = 0; i < n; i++)
        memcpy (dst + 8 * i, &value, 8);
    }
}

static uint64_t
stos_run (const String *string, uint64_t to, uint64_t count)
{
  VtX86Cpu *cpu = string->cpu;
  unsigned size = string->size;
  const VtX86TlbEntry *write = vt_x86_tlb_entry (cpu, to);
  if (string->step < 0 || write->tag_write != vt_x86_tlb_tag (to, size))
    return 0;

  uint64_t n = MIN (count, elements_in_page (to, size));
  if (n < 2 || !run_is_plain (string, VT_RDI, VT_ES, n))
    return 0;
  fill_elements (vt_x86_tlb_host (write, to), cpu->s.gpr[VT_RAX], size, n);
  finish_store_run (cpu, to, write, n * size);
  return n;
}

/* --- MOVS, STOS, LODS --------------------------------------------------------------------------------------------- */

INLINE uint64_t
movs_some (const String *string, uint64_t count)
{
  VtX86Cpu *cpu = string->cpu;
  /* The source faults before the destination is looked at. */
  uint64_t from = source_linear (string), value = vt_x86_load (cpu, from, string->size);
  uint64_t to = dest_linear (string, VT_WRITE);
  uint64_t n = count > 1 ? movs_run (string, from, to, count) : 0;
  if (n == 0)
    {
      vt_x86_store (cpu, to, value, string->size);
      n = 1;
    }
  advance (string, VT_RSI, n);
  advance (string, VT_RDI, n);
  return n;
}

INLINE uint64_t
stos_some (const String *string, uint64_t count)
{
  VtX86Cpu *cpu = string->cpu;
  uint64_t to = dest_linear (string, VT_WRITE);
  uint64_t n = count > 1 ? stos_run (string, to, count) : 0;
  if (n == 0)
    {
      vt_x86_store (cpu, to, cpu->s.gpr[VT_RAX], string->size);
      n = 1;
    }
  advance (string, VT_RDI, n);
  return n;
}

INLINE uint64_t
lods_some (const String *string, uint64_t count)
{
  VtX86Cpu *cpu = string->cpu;
  put_gpr (cpu, VT_RAX, vt_x86_load (cpu, source_linear (string), string->size), string->size);
  advance (string, VT_RSI, 1);
  return 1;
}

typedef enum
{
  STRING_MOVS,
  STRING_STOS,
  STRING_LODS,
} StringOp;

INLINE uint64_t
do_some (const String *string, StringOp op, uint64_t count)
{
  switch (op)
    {
    case STRING_MOVS:
      return movs_some (string, count);
    case STRING_STOS:
      return stos_some (string, count);
    default:
      return lods_some (string, count);
    }
}

INLINE void
transfer (VtX86Cpu *cpu, const VtX86Insn *insn, StringOp op, unsigned size)
{
  String string = string_begin (cpu, insn, size);
  if (!repeats (insn))
    {
      do_some (&string, op, 1);
      return;
    }
  uint64_t count = get_count (&string);
  /* Steps, not elements, are bounded: a run of a page is one. */
  for (unsigned step = 0; count != 0; step++)
    {
      if (step != 0 && (step == MAX_RUN || should_pause (cpu)))
        {
          vt_x86_come_again (cpu);
          return;
        }
      count -= do_some (&string, op, cpu->attention ? 1 : count);
      put_count (&string, count);
    }
}

FORM_ALL (movs, transfer, STRING_MOVS)
FORM_ALL (stos, transfer, STRING_STOS)
FORM_ALL (lods, transfer, STRING_LODS)

/* --- CMPS, SCAS --------------------------------------------------------------------------------------------------- */

INLINE void
compare_once (const String *string, bool cmps)
{
  VtX86Cpu *cpu = string->cpu;
  unsigned size = string->size;
  uint64_t a = cmps ? vt_x86_load (cpu, source_linear (string), size) : get_gpr (cpu, VT_RAX, size);
  uint64_t b = vt_x86_load (cpu, dest_linear (string, VT_READ), size);
  if (cmps)
    advance (string, VT_RSI, 1);
  advance (string, VT_RDI, 1);
  flags_sub (cpu, a, b, a - b, size);
}

INLINE void
compare (VtX86Cpu *cpu, const VtX86Insn *insn, bool cmps, unsigned size)
{
  String string = string_begin (cpu, insn, size);
  if (!repeats (insn))
    {
      compare_once (&string, cmps);
      return;
    }
  bool while_equal = (insn->prefixes & VT_PFX_REP) != 0;
  uint64_t count = get_count (&string);
  for (unsigned step = 0; count != 0; step++)
    {
      if (step != 0 && (step == MAX_RUN || should_pause (cpu)))
        {
          vt_x86_come_again (cpu);
          return;
        }
      compare_once (&string, cmps);
      put_count (&string, --count);
      if (flag_zf (cpu) != while_equal)
        return;
    }
}

FORM_ALL (cmps, compare, true)
FORM_ALL (scas, compare, false)

const VtX86OpRow vt_x86_ops_string[] = {
  { ZYDIS_MNEMONIC_MOVSB, movs_1, NULL },
  { ZYDIS_MNEMONIC_MOVSW, movs_2, NULL },
  { ZYDIS_MNEMONIC_MOVSD, movs_4, NULL },
  { ZYDIS_MNEMONIC_MOVSQ, movs_8, NULL },
  { ZYDIS_MNEMONIC_STOSB, stos_1, NULL },
  { ZYDIS_MNEMONIC_STOSW, stos_2, NULL },
  { ZYDIS_MNEMONIC_STOSD, stos_4, NULL },
  { ZYDIS_MNEMONIC_STOSQ, stos_8, NULL },
  { ZYDIS_MNEMONIC_LODSB, lods_1, NULL },
  { ZYDIS_MNEMONIC_LODSW, lods_2, NULL },
  { ZYDIS_MNEMONIC_LODSD, lods_4, NULL },
  { ZYDIS_MNEMONIC_LODSQ, lods_8, NULL },
  { ZYDIS_MNEMONIC_CMPSB, cmps_1, NULL },
  { ZYDIS_MNEMONIC_CMPSW, cmps_2, NULL },
  { ZYDIS_MNEMONIC_CMPSD, cmps_4, NULL },
  { ZYDIS_MNEMONIC_CMPSQ, cmps_8, NULL },
  { ZYDIS_MNEMONIC_SCASB, scas_1, NULL },
  { ZYDIS_MNEMONIC_SCASW, scas_2, NULL },
  { ZYDIS_MNEMONIC_SCASD, scas_4, NULL },
  { ZYDIS_MNEMONIC_SCASQ, scas_8, NULL },
  { 0 },
};
