/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoded code, by the RAM it came from. See code-cache.h. */
#include "code-cache.h"

#include "code-memory.h"
#include "x86-sys.h"

#define ARENA_BYTES   (32 * VT_MIB)
#define MAX_INSNS     VT_X86_MAX_BLOCK
#define MAX_BYTES     (MAX_INSNS * VT_X86_MAX_INSN)
#define N_BUCKETS     (1u << 15)
#define N_READY_PAGES 1024u
#define RESCUES_MAX   8u           /* then a block is compared at each execution ... */
#define CALM_MAX      200u         /* ... until its page has not been written for so many */
#define WHOLE_WRITES  4u           /* Before a page's code has been written so often, all of the page is watched at once: each piece
                                    * by itself would cost a barrier, and most pages never change. */

/* Pieces of a page that this cache has made watched, with the barrier that belongs to it, at that version. */
typedef struct
{
  const uint32_t *version;
  uint64_t        pieces;
  uint32_t        seen;
} ReadyPage;

struct VtX86CodeCache
{
  VtX86Decoder *decoder;
  size_t        used;        /* of the arena */
  VtX86Block   *bucket[N_BUCKETS];
  ReadyPage     ready[N_READY_PAGES];
  VtX86Block   *single;      /* for code that is not cached: room for one instruction */
  _Alignas (64) uint8_t arena[];   /* ARENA_BYTES */
};

typedef VtX86CodeSource Source;

/* --- Fetching ----------------------------------------------------------------------------------------------------- */

void
vt_x86_code_source (VtX86Cpu *cpu, uint64_t linear, VtX86CodeSource *out)
{
  VtX86Tlb *tlb = &cpu->tlbs[cpu->tlb_kind];
  unsigned slot = (linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1);
  const VtX86TlbPage *page = &tlb->page[slot];
  uint64_t offset = linear & VT_PAGE_MASK;
  if (page->tag[VT_FETCH] != linear - offset)
    vt_x86_tlb_fill (cpu, linear, VT_FETCH, false);

  bool global = (tlb->global[slot / 64] >> (slot % 64)) & 1;
  *out = (Source) { .global = global, .gpa = page->gpa | offset, .left = (unsigned) (VT_PAGE_SIZE - offset) };
  if (page->ram != NULL)
    {
      out->ram = page->ram;
      out->ram_page = page->ram_off >> VT_PAGE_SHIFT;
      out->host = page->ram->host + page->ram_off + offset;
    }
}

static void
fetch_bytes (VtX86Cpu *cpu, const Source *source, uint8_t *dst, unsigned len)
{
  if (source->host != NULL)
    {
      memcpy (dst, source->host, len);
      return;
    }
  for (unsigned i = 0; i < len; i++)
    dst[i] = (uint8_t) vt_view_read (cpu->vcpu.view, VT_GPA (source->gpa + i), 1);
}

/* --- Code outside RAM, and instructions across pages -------------------------------------------------------------- */

static const VtX86Block *
decode_single (VtX86CodeCache *cache, VtX86Cpu *cpu, uint64_t linear, const Source *source)
{
  uint8_t bytes[VT_X86_MAX_INSN];
  VtX86Block *block = cache->single;
  unsigned len = MIN (source->left, VT_X86_MAX_INSN);
  VtX86Tail tail = VT_X86_TAIL_BRANCH;

  fetch_bytes (cpu, source, bytes, len);
  VtX86DecodeResult result = vt_x86_decode (cache->decoder, bytes, len, cpu->code_bits, &block->insn[0], &tail);
  if (result == VT_X86_NEED_MORE)
    {
      /* Only now may the next page fault: the instruction does reach into it. */
      Source next;
      uint64_t next_linear = linear + len;
      vt_x86_code_source (cpu, cpu->code_bits == 64 ? next_linear : (uint32_t) next_linear, &next);
      fetch_bytes (cpu, &next, bytes + len, VT_X86_MAX_INSN - len);
      result = vt_x86_decode (cache->decoder, bytes, VT_X86_MAX_INSN, cpu->code_bits, &block->insn[0], &tail);
    }
  if (result != VT_X86_DECODED)
    vt_x86_gp0 (cpu);
  block->tail = (uint8_t) MAX (tail, VT_X86_TAIL_BRANCH);
  block->bytes = block->insn[0].length;
  block->code_bits = cpu->code_bits;
  return block;
}

/* --- Code in RAM -------------------------------------------------------------------------------------------------- */

static unsigned
bucket_of (const uint8_t *host, unsigned code_bits)
{
  uint64_t key = (uint64_t) (uintptr_t) host ^ ((uint64_t) code_bits << 56);
  return (unsigned) ((key * UINT64_C (0x9e3779b97f4a7c15)) >> 49) & (N_BUCKETS - 1);
}

static void
drop_everything (VtX86CodeCache *cache)
{
  cache->used = 0;
  memset (cache->bucket, 0, sizeof (cache->bucket));
}

void
vt_x86_code_cache_give_back (VtX86CodeCache *cache)
{
  drop_everything (cache);
  vt_large_give_back (cache, sizeof *cache, sizeof *cache + ARENA_BYTES);
}

static void *
allocate (VtX86CodeCache *cache, size_t size)
{
  size = (size + 63) & ~(size_t) 63;
  if (size > ARENA_BYTES - cache->used)
    return NULL;
  void *memory = cache->arena + cache->used;
  cache->used += size;
  return memory;
}

static void
watch (const VtX86Cpu *cpu, VtRam *ram, uint64_t ram_page, uint64_t pieces)
{
  vt_ram_watch_code (ram, ram_page, pieces);
  /* With one vCPU the only other writers are devices, and those fence (vt_ram_mark). */
  if (cpu->vcpu.exclusive != NULL)
    vt_ram_flags_barrier ();
  else
    __atomic_thread_fence (__ATOMIC_SEQ_CST);
}

/* From now on a writer to these pieces bumps the page's version: returns the version to check against. The order against writers
 * is in mem.h and ram.c: pieces that are still watched after they were read vouch for the version. */
static uint32_t
make_ready (VtX86CodeCache *cache, const VtX86Cpu *cpu, VtRam *ram, uint64_t ram_page, uint64_t pieces)
{
  const uint32_t *version = &ram->page_version[ram_page];
  ReadyPage *ready = &cache->ready[((uintptr_t) version >> 2) & (N_READY_PAGES - 1)];
  uint32_t now = __atomic_load_n (version, __ATOMIC_ACQUIRE);
  bool same = ready->version == version && ready->seen == now && vt_ram_watches_code (ram, ram_page, ready->pieces);
  if (same && (ready->pieces & pieces) == pieces)
    return now;

  uint64_t before = same ? ready->pieces : 0;
  if (now < WHOLE_WRITES)
    pieces = UINT64_MAX;
  watch (cpu, ram, ram_page, pieces);
  uint32_t seen = __atomic_load_n (version, __ATOMIC_ACQUIRE);
  *ready = (ReadyPage) { .version = version, .pieces = seen == now ? before | pieces : pieces, .seen = seen };
  return seen;
}

static uint64_t
pieces_of (const Source *source, unsigned len)
{
  return vt_ram_pieces (source->gpa, len);
}

uint32_t
vt_x86_code_watch (VtX86CodeCache *cache, const VtX86Cpu *cpu, const VtX86CodeSource *source, unsigned len)
{
  return make_ready (cache, cpu, source->ram, source->ram_page, pieces_of (source, len));
}

/* Has this cache made all of it watched, at that version? */
static bool
is_ready (const VtX86CodeCache *cache, const Source *source, unsigned len, uint32_t seen)
{
  const uint32_t *version = &source->ram->page_version[source->ram_page];
  const ReadyPage *ready = &cache->ready[((uintptr_t) version >> 2) & (N_READY_PAGES - 1)];
  uint64_t pieces = pieces_of (source, len);
  return ready->version == version && ready->seen == seen && (ready->pieces & pieces) == pieces;
}

static bool
still_watched (const Source *source, unsigned len)
{
  return vt_ram_watches_code (source->ram, source->ram_page, pieces_of (source, len));
}

/* Decodes from `raw` until a tail, or as far as whole instructions go. */
static void
decode_run (VtX86CodeCache *cache, VtX86Cpu *cpu, const uint8_t *raw, unsigned len, VtX86Block *block)
{
  VtX86Tail tail = VT_X86_TAIL_NONE;
  unsigned at = 0, n = 0;
  while (n < MAX_INSNS && at < len && tail == VT_X86_TAIL_NONE)
    {
      VtX86Insn *insn = &block->insn[n];
      if (vt_x86_decode (cache->decoder, raw + at, len - at, cpu->code_bits, insn, &tail) != VT_X86_DECODED)
        break;
      at += insn->length;
      n++;
    }
  block->n = (uint16_t) n;
  block->bytes = block->looked_at = (uint16_t) at;
  if (n > 0 && block->insn[n - 1].op == vt_x86_op_undefined)
    block->looked_at = (uint16_t) MIN (len, at + VT_X86_MAX_INSN);
  block->tail = (uint8_t) MAX (tail, VT_X86_TAIL_BRANCH);
}

/* NULL: not even one whole instruction in this page. */
static VtX86Block *
decode_block (VtX86CodeCache *cache, VtX86Cpu *cpu, const Source *source)
{
  struct
  {
    VtX86Block block;
    VtX86Insn  insn[MAX_INSNS];
  } scratch;
  VtX86Block *draft = &scratch.block;
  uint8_t raw[MAX_BYTES];
  unsigned len = MIN (source->left, MAX_BYTES);

  unsigned decoded = 1;   /* how much that is shows only when it is done */

  *draft = (VtX86Block) { .cached = true };
  do
    {
      draft->seen = vt_x86_code_watch (cache, cpu, source, decoded);
      memcpy (raw, source->host, len);
      decode_run (cache, cpu, raw, len, draft);
      decoded = MAX (decoded, draft->looked_at);
    }
  while (!is_ready (cache, source, decoded, draft->seen) || !still_watched (source, decoded));
  if (draft->n == 0)
    return NULL;

  size_t insn_bytes = sizeof (VtX86Block) + draft->n * sizeof (VtX86Insn);
  VtX86Block *block = allocate (cache, insn_bytes + draft->looked_at);
  if (block == NULL)
    {
      drop_everything (cache);
      cpu->code_generation++;
      block = allocate (cache, insn_bytes + draft->looked_at);
    }
  uint8_t *raw_copy = (uint8_t *) block + insn_bytes;
  memcpy (block, draft, insn_bytes);
  memcpy (raw_copy, raw, draft->looked_at);
  block->raw = raw_copy;
  block->host = source->host;
  block->version = &source->ram->page_version[source->ram_page];
  block->code_bits = cpu->code_bits;
  block->cached = true;
  block->compared = false;
  block->rescued = block->calm = 0;
  cpu->vcpu.stats.blocks_decoded++;
  return block;
}

/* The flag is still needed for stores of the block itself into what follows them in the block. */
static bool
same_bytes (VtX86Block *block, const Source *source)
{
  if (!still_watched (source, block->looked_at))
    vt_ram_watch_code (source->ram, source->ram_page, pieces_of (source, block->looked_at));
  return memcmp (block->raw, source->host, block->looked_at) == 0;
}

/* A block that is compared at each execution. */
static bool
still_same (VtX86Block *block, const Source *source)
{
  uint32_t now = __atomic_load_n (block->version, __ATOMIC_RELAXED);
  block->calm = now == block->compared_at ? block->calm + 1 : 0;
  block->compared_at = now;
  if (block->calm > CALM_MAX)
    {
      /* Patched while the system started, and now at rest: it gets tracked again, as it has not seen this version. */
      block->compared = false;
      block->cached = true;
      block->rescued = block->calm = 0;
      block->seen = now - 1;
    }
  return same_bytes (block, source);
}

/* The page was written since, but perhaps not these bytes. */
static bool
revalidate (VtX86CodeCache *cache, const VtX86Cpu *cpu, VtX86Block *block, const Source *source)
{
  if (++block->rescued > RESCUES_MAX)
    {
      block->compared = true;
      block->cached = false;
      block->compared_at = __atomic_load_n (block->version, __ATOMIC_RELAXED);
      return same_bytes (block, source);
    }
  uint32_t seen = vt_x86_code_watch (cache, cpu, source, block->looked_at);
  if (memcmp (block->raw, source->host, block->looked_at) != 0 || !still_watched (source, block->looked_at))
    return false;
  block->seen = seen;
  return true;
}

static VtX86Block *
find_in_ram (VtX86CodeCache *cache, VtX86Cpu *cpu, const Source *source)
{
  VtX86Block **link = &cache->bucket[bucket_of (source->host, cpu->code_bits)];
  const uint32_t *version = &source->ram->page_version[source->ram_page];
  for (; *link != NULL; link = &(*link)->chain)
    {
      VtX86Block *block = *link;
      if (block->host != source->host || block->code_bits != cpu->code_bits || block->version != version)
        continue;
      if (block->compared ? still_same (block, source)
                          : vt_x86_block_current (block) || revalidate (cache, cpu, block, source))
        return block;
      *link = block->chain;
      break;
    }

  VtX86Block *block = decode_block (cache, cpu, source);
  if (block != NULL)
    {
      VtX86Block **bucket = &cache->bucket[bucket_of (source->host, cpu->code_bits)];
      block->chain = *bucket;
      *bucket = block;
    }
  return block;
}

const VtX86Block *
vt_x86_code_find (VtX86CodeCache *cache, VtX86Cpu *cpu, uint64_t linear)
{
  Source source;
  vt_x86_code_source (cpu, linear, &source);
  const VtX86Block *block = source.host != NULL ? find_in_ram (cache, cpu, &source) : NULL;
  return block != NULL ? block : decode_single (cache, cpu, linear, &source);
}

VtX86DecodeResult
vt_x86_code_decode (VtX86CodeCache *cache, const uint8_t *bytes, unsigned len, unsigned code_bits, VtX86Insn *out,
                    VtX86Tail *tail)
{
  return vt_x86_decode (cache->decoder, bytes, len, code_bits, out, tail);
}

VtX86CodeCache *
vt_x86_code_cache_new (const VtX86Model *model)
{
  static const uint32_t never_written;
  VtX86CodeCache *cache = vt_large_alloc (sizeof *cache + ARENA_BYTES);
  cache->decoder = vt_x86_decoder_new (model);
  cache->single = g_malloc0 (sizeof (VtX86Block) + sizeof (VtX86Insn));
  cache->single->n = 1;
  cache->single->version = &never_written;
  return cache;
}

void
vt_x86_code_cache_free (VtX86CodeCache *cache)
{
  if (cache == NULL)
    return;
  vt_x86_decoder_free (cache->decoder);
  g_free (cache->single);
  vt_large_free (cache, sizeof *cache + ARENA_BYTES);
}
