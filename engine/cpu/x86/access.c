/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear memory accesses that miss the inline path of x86-access.h, and atomic read-modify-write.
 *
 * An access is cut at page boundaries into at most two pieces.  All pieces are translated, and may fault, before the
 * first is touched.
 */
#include "apic.h"
#include "x86-sys.h"

/* One piece: host memory, or registers at a guest-physical address. */
typedef struct
{
  uint8_t *host;      /* NULL: not plain RAM */
  uint64_t gpa;
  VtRam   *ram;
  uint64_t ram_off;   /* of the first byte */
  unsigned len;
} Piece;

typedef struct
{
  Piece    piece[2];
  unsigned n;
} Pieces;

/* --- Privilege ---------------------------------------------------------------------------------------------------- */

/* A table of misses, for when every access needs a closer look. */
static VtX86TlbEntry *
closed_table (void)
{
  static VtX86TlbEntry table[VT_X86_TLB_SIZE];
  static gsize ready;
  if (g_once_init_enter (&ready))
    {
      for (unsigned i = 0; i < VT_X86_TLB_SIZE; i++)
        table[i].tag_read = table[i].tag_write = VT_X86_TLB_NONE;
      g_once_init_leave (&ready, 1);
    }
  return table;
}

void
vt_x86_update_checks (VtX86Cpu *cpu)
{
  bool ac = (cpu->s.rflags & X86_RFLAGS_AC) != 0;
  if (cpu->cpl == 3)
    cpu->tlb_kind = VT_X86_TLB_USER;
  else
    cpu->tlb_kind = ac ? VT_X86_TLB_SMAP_OFF : VT_X86_TLB_SYSTEM;
  cpu->check_align = cpu->cpl == 3 && ac && (cpu->s.cr0 & X86_CR0_AM);
  cpu->attention = (cpu->s.rflags & (X86_RFLAGS_TF | X86_RFLAGS_RF)) != 0 || cpu->s.shadow != 0 || cpu->pending_db != 0
                   || (cpu->s.dr[7] & 0xff) != 0;
  cpu->tlb = cpu->check_align || cpu->store_watch != NULL ? closed_table () : cpu->tlbs[cpu->tlb_kind].fast;
}

void
vt_x86_watch_stores (VtX86Cpu *cpu, void (*watch) (VtX86Cpu *cpu, uint8_t *host, unsigned len))
{
  cpu->store_watch = watch;
  vt_x86_update_checks (cpu);
}

/* --- Translation -------------------------------------------------------------------------------------------------- */

/* Linear addresses are 32 bits wide outside long mode, and for the program itself outside 64-bit mode. */
static uint64_t
wrap_linear (const VtX86Cpu *cpu, uint64_t linear, bool system)
{
  bool wide = system ? cpu->long_mode : cpu->code_bits == 64;
  return wide ? linear : (uint32_t) linear;
}

static void
translate (VtX86Cpu *cpu, uint64_t linear, unsigned len, VtAccessKind kind, bool system, Piece *out)
{
  VtX86Tlb *tlb = &cpu->tlbs[system ? VT_X86_TLB_SYSTEM : cpu->tlb_kind];
  unsigned slot = (linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1);
  VtX86TlbPage *page = &tlb->page[slot];
  VtX86TlbEntry *fast = &tlb->fast[slot];
  uint64_t linear_page = linear & ~VT_PAGE_MASK;
  if (page->tag[kind] != linear_page)
    vt_x86_tlb_fill (cpu, linear, kind, system);

  bool plain = page->ram != NULL && (kind != VT_WRITE || page->writable);
  *out = (Piece) {
    .host = plain ? vt_x86_tlb_host (fast, linear) : NULL,
    .gpa = page->gpa | (linear & VT_PAGE_MASK),
    .ram = page->ram,
    .ram_off = page->ram_off + (linear & VT_PAGE_MASK),
    .len = len,
  };
}

/* #GP, or #SS when the operand is in the stack segment. Stack instructions check for themselves (stack-near.c). */
static void
check_canonical (VtX86Cpu *cpu, uint64_t linear, unsigned len)
{
  if (!cpu->long_mode || (vt_x86_canonical (linear) && vt_x86_canonical (linear + len - 1)))
    return;
  bool stack = cpu->insn != NULL && cpu->insn->seg == VT_SS;
  vt_x86_raise (cpu, stack ? X86_SS : X86_GP, 0);
}

static void
resolve (VtX86Cpu *cpu, uint64_t linear, unsigned len, VtAccessKind kind, bool system, Pieces *out)
{
  check_canonical (cpu, linear, len);
  unsigned first = MIN (len, (unsigned) (VT_PAGE_SIZE - (linear & VT_PAGE_MASK)));
  translate (cpu, linear, first, kind, system, &out->piece[0]);
  out->n = 1;
  if (first < len)
    {
      translate (cpu, wrap_linear (cpu, linear + first, system), len - first, kind, system, &out->piece[1]);
      out->n = 2;
    }
  if (G_UNLIKELY (cpu->store_watch != NULL) && kind == VT_WRITE)
    for (unsigned i = 0; i < out->n; i++)
      cpu->store_watch (cpu, out->piece[i].host, out->piece[i].len);
}

/* What a program's own access is subject to besides paging. */
static void
check_program_access (VtX86Cpu *cpu, uint64_t linear, unsigned size, unsigned align, VtAccessKind kind)
{
  if (cpu->check_align && (linear & (align - 1)) != 0)
    vt_x86_raise (cpu, X86_AC, 0);
  if (G_UNLIKELY ((cpu->s.dr[7] & 0xff) != 0))
    vt_x86_watch_access (cpu, linear, size, kind);
}

/* --- Registers of devices ----------------------------------------------------------------------------------------- */

static uint64_t
device_read (VtX86Cpu *cpu, uint64_t gpa, unsigned size)
{
  cpu->vcpu.stats.io_accesses++;
  if (cpu->apic != NULL && vt_apic_covers (cpu->apic, gpa))
    return vt_apic_mmio_read (cpu->apic, gpa, size);
  return vt_view_read (cpu->vcpu.view, VT_GPA (gpa), size);
}

/* What was written may move memory under the following instructions, so that the block ends here. */
static void
device_write (VtX86Cpu *cpu, uint64_t gpa, uint64_t value, unsigned size)
{
  cpu->vcpu.stats.io_accesses++;
  if (cpu->insn != NULL)
    cpu->block_stop = cpu->insn + 1;
  if (cpu->apic != NULL && vt_apic_covers (cpu->apic, gpa))
    vt_apic_mmio_write (cpu->apic, gpa, value, size);
  else
    vt_view_write (cpu->vcpu.view, VT_GPA (gpa), value, size);
}

static void
device_read_bytes (VtX86Cpu *cpu, uint64_t gpa, uint8_t *dst, unsigned len)
{
  while (len > 0)
    {
      unsigned size = MIN (len, 8);
      vt_store_le (dst, device_read (cpu, gpa, size), size);
      dst += size;
      gpa += size;
      len -= size;
    }
}

static void
device_write_bytes (VtX86Cpu *cpu, uint64_t gpa, const uint8_t *src, unsigned len)
{
  while (len > 0)
    {
      unsigned size = MIN (len, 8);
      device_write (cpu, gpa, vt_load_le (src, size), size);
      src += size;
      gpa += size;
      len -= size;
    }
}

/* --- Pieces ------------------------------------------------------------------------------------------------------- */

static void
wrote_ram (VtX86Cpu *cpu, VtRam *ram, uint64_t off, unsigned len)
{
  if (G_LIKELY (__atomic_load_n (&ram->page_flags[off >> VT_PAGE_SHIFT], __ATOMIC_RELAXED) == 0))
    return;
  /* Perhaps it was the running block: leave it, and look at what is there now. */
  if (vt_ram_wrote (ram, off, len) && cpu->insn != NULL)
    cpu->block_stop = cpu->insn + 1;
}

static void
read_piece (VtX86Cpu *cpu, const Piece *piece, uint8_t *dst)
{
  if (piece->host != NULL)
    memcpy (dst, piece->host, piece->len);
  else
    device_read_bytes (cpu, piece->gpa, dst, piece->len);
}

static void
write_piece (VtX86Cpu *cpu, const Piece *piece, const uint8_t *src)
{
  if (piece->host == NULL)
    {
      device_write_bytes (cpu, piece->gpa, src, piece->len);
      return;
    }
  memcpy (piece->host, src, piece->len);
  wrote_ram (cpu, piece->ram, piece->ram_off, piece->len);
}

static void
read_pieces (VtX86Cpu *cpu, const Pieces *pieces, uint8_t *dst)
{
  read_piece (cpu, &pieces->piece[0], dst);
  if (pieces->n == 2)
    read_piece (cpu, &pieces->piece[1], dst + pieces->piece[0].len);
}

static void
write_pieces (VtX86Cpu *cpu, const Pieces *pieces, const uint8_t *src)
{
  write_piece (cpu, &pieces->piece[0], src);
  if (pieces->n == 2)
    write_piece (cpu, &pieces->piece[1], src + pieces->piece[0].len);
}

/* A single host access where there is one piece: other processors never see half of an aligned one. */
static uint64_t
load_pieces (VtX86Cpu *cpu, const Pieces *pieces, unsigned size)
{
  const void *host = pieces->piece[0].host;
  uint64_t value = 0;
  if (pieces->n == 1 && host == NULL)
    return device_read (cpu, pieces->piece[0].gpa, size);
  if (pieces->n == 2)
    {
      read_pieces (cpu, pieces, (uint8_t *) &value);
      return GUINT64_FROM_LE (value);
    }
  return vt_host_load (host, size);
}

static void
store_pieces (VtX86Cpu *cpu, const Pieces *pieces, uint64_t value, unsigned size)
{
  const Piece *piece = &pieces->piece[0];
  if (pieces->n == 2)
    {
      uint64_t le = GUINT64_TO_LE (value);
      write_pieces (cpu, pieces, (const uint8_t *) &le);
      return;
    }
  if (piece->host == NULL)
    {
      device_write (cpu, piece->gpa, value, size);
      return;
    }
  vt_host_store (piece->host, value, size);
  wrote_ram (cpu, piece->ram, piece->ram_off, size);
}

/* --- Loads and stores --------------------------------------------------------------------------------------------- */

uint64_t
vt_x86_load_slow (VtX86Cpu *cpu, uint64_t linear, unsigned size)
{
  Pieces pieces;
  check_program_access (cpu, linear, size, size, VT_READ);
  resolve (cpu, linear, size, VT_READ, false, &pieces);
  return load_pieces (cpu, &pieces, size);
}

void
vt_x86_store_slow (VtX86Cpu *cpu, uint64_t linear, uint64_t value, unsigned size)
{
  Pieces pieces;
  check_program_access (cpu, linear, size, size, VT_WRITE);
  resolve (cpu, linear, size, VT_WRITE, false, &pieces);
  store_pieces (cpu, &pieces, value, size);
}

void
vt_x86_store_flagged (VtX86Cpu *cpu, uint64_t linear, unsigned size)
{
  const VtX86TlbPage *page
      = &cpu->tlbs[cpu->tlb_kind].page[(linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1)];
  wrote_ram (cpu, page->ram, page->ram_off + (linear & VT_PAGE_MASK), size);
}

void
vt_x86_load_bytes (VtX86Cpu *cpu, uint64_t linear, void *dst, unsigned len)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  if (G_LIKELY (entry->tag_read == vt_x86_tlb_tag (linear, len)))
    {
      memcpy (dst, vt_x86_tlb_host (entry, linear), len);
      return;
    }

  Pieces pieces;
  check_program_access (cpu, linear, len, 1, VT_READ);
  resolve (cpu, linear, len, VT_READ, false, &pieces);
  read_pieces (cpu, &pieces, dst);
}

void
vt_x86_store_bytes (VtX86Cpu *cpu, uint64_t linear, const void *src, unsigned len)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  if (G_LIKELY (entry->tag_write == vt_x86_tlb_tag (linear, len)))
    {
      memcpy (vt_x86_tlb_host (entry, linear), src, len);
      if (G_UNLIKELY (__atomic_load_n (entry->page_flags, __ATOMIC_RELAXED) != 0))
        vt_x86_store_flagged (cpu, linear, len);
      return;
    }

  Pieces pieces;
  check_program_access (cpu, linear, len, 1, VT_WRITE);
  resolve (cpu, linear, len, VT_WRITE, false, &pieces);
  write_pieces (cpu, &pieces, src);
}

uint64_t
vt_x86_load_system (VtX86Cpu *cpu, uint64_t linear, unsigned size)
{
  Pieces pieces;
  linear = wrap_linear (cpu, linear, true);
  resolve (cpu, linear, size, VT_READ, true, &pieces);
  return load_pieces (cpu, &pieces, size);
}

void
vt_x86_store_system (VtX86Cpu *cpu, uint64_t linear, uint64_t value, unsigned size)
{
  Pieces pieces;
  linear = wrap_linear (cpu, linear, true);
  resolve (cpu, linear, size, VT_WRITE, true, &pieces);
  store_pieces (cpu, &pieces, value, size);
}

void
vt_x86_probe (VtX86Cpu *cpu, uint64_t linear, unsigned len, VtAccessKind kind)
{
  Pieces pieces;
  resolve (cpu, linear, len, kind, false, &pieces);
}

/* --- Atomic read-modify-write ------------------------------------------------------------------------------------- */

/* For what the host cannot do in one instruction: an operand across two pages, or registers of a device. All other
 * processors stand still meanwhile. */
typedef struct
{
  VtX86Cpu      *cpu;
  const Pieces  *pieces;
  uint8_t       *expected;
  const uint8_t *desired;
  unsigned       size;
  bool           equal;
} SplitExchange;

static void
split_exchange (void *arg)
{
  SplitExchange *split = arg;
  uint8_t found[16];
  read_pieces (split->cpu, split->pieces, found);
  split->equal = memcmp (found, split->expected, split->size) == 0;
  /* The bus cycle always ends with a write: of the old value when they differ. */
  write_pieces (split->cpu, split->pieces, split->equal ? split->desired : found);
  memcpy (split->expected, found, split->size);
}

static bool
exchange_exclusively (VtX86Cpu *cpu, const Pieces *pieces, void *expected, const void *desired, unsigned size)
{
  SplitExchange split = { .cpu = cpu, .pieces = pieces, .expected = expected, .desired = desired, .size = size };
  if (cpu->vcpu.exclusive != NULL)
    cpu->vcpu.exclusive (&cpu->vcpu, split_exchange, &split);
  else
    split_exchange (&split);
  return split.equal;
}

/* The host's locked instructions take any alignment. */
static bool
exchange_on_host (void *host, uint64_t *expected, uint64_t desired, unsigned size)
{
#define EXCHANGE(type)                                                                                                 \
  {                                                                                                                    \
    type old = (type) *expected;                                                                                       \
    bool done = __atomic_compare_exchange_n ((type *) host, &old, (type) desired, false, __ATOMIC_SEQ_CST,             \
                                             __ATOMIC_SEQ_CST);                                                        \
    *expected = old;                                                                                                   \
    return done;                                                                                                       \
  }
  switch (size)
    {
    case 1:
      EXCHANGE (uint8_t)
    case 2:
      EXCHANGE (uint16_t)
    case 4:
      EXCHANGE (uint32_t)
    default:
      EXCHANGE (uint64_t)
    }
#undef EXCHANGE
}

bool
vt_x86_compare_exchange (VtX86Cpu *cpu, uint64_t linear, uint64_t *expected, uint64_t desired, unsigned size)
{
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  if (G_LIKELY (entry->tag_write == vt_x86_tlb_tag (linear, size)))
    {
      bool done = exchange_on_host (vt_x86_tlb_host (entry, linear), expected, desired, size);
      if (G_UNLIKELY (__atomic_load_n (entry->page_flags, __ATOMIC_RELAXED) != 0))
        vt_x86_store_flagged (cpu, linear, size);
      return done;
    }

  Pieces pieces;
  check_program_access (cpu, linear, size, size, VT_WRITE);
  resolve (cpu, linear, size, VT_WRITE, false, &pieces);
  if (pieces.n == 1 && pieces.piece[0].host != NULL)
    {
      bool done = exchange_on_host (pieces.piece[0].host, expected, desired, size);
      wrote_ram (cpu, pieces.piece[0].ram, pieces.piece[0].ram_off, size);
      return done;
    }

  uint64_t old = GUINT64_TO_LE (*expected), new = GUINT64_TO_LE (desired);
  bool done = exchange_exclusively (cpu, &pieces, &old, &new, size);
  *expected = GUINT64_FROM_LE (old) & vt_mask_bytes (size);
  return done;
}

static bool
exchange16_on_host (void *host, uint64_t expected[2], const uint64_t desired[2])
{
  bool done;
#ifdef __x86_64__
  __asm__ volatile ("lock cmpxchg16b %1"
                    : "=@ccz" (done), "+m" (*(volatile char (*)[16]) host), "+a" (expected[0]), "+d" (expected[1])
                    : "b" (desired[0]), "c" (desired[1])
                    : "memory");
#else
  unsigned __int128 old = ((unsigned __int128) expected[1] << 64) | expected[0];
  unsigned __int128 new = ((unsigned __int128) desired[1] << 64) | desired[0];
  done = __atomic_compare_exchange_n ((unsigned __int128 *) host, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  expected[0] = (uint64_t) old;
  expected[1] = (uint64_t) (old >> 64);
#endif
  return done;
}

bool
vt_x86_compare_exchange16 (VtX86Cpu *cpu, uint64_t linear, uint64_t expected[2], const uint64_t desired[2])
{
  Pieces pieces;
  check_program_access (cpu, linear, 16, 8, VT_WRITE);
  resolve (cpu, linear, 16, VT_WRITE, false, &pieces);
  if (pieces.n == 2 || pieces.piece[0].host == NULL)
    return exchange_exclusively (cpu, &pieces, expected, desired, 16);

  bool done = exchange16_on_host (pieces.piece[0].host, expected, desired);
  wrote_ram (cpu, pieces.piece[0].ram, pieces.piece[0].ram_off, 16);
  return done;
}
