/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Regions and the pages they came from.
 *
 * Jumps between regions of one page are direct; everything else comes through the jump table, or by a link that is taken back
 * (jit-far.c). So a page that was written loses its regions by a patch at their entries, which sends whoever still arrives
 * there to the run loop. The memory comes back when the buffer is full and everything is dropped.
 */
#include "jit.h"

#include "emit.h"
#include "x86-sys.h"

#define CODE_BYTES   (44 * VT_MIB)
#define COMMON_BYTES (16 * VT_MIB)   /* of them: slow paths are nearly twice as many bytes */
#define HEAT_FORGET 4000000u   /* executions */
#define DEATHS_FREE 8u     /* of a page; then each makes the next translation wait twice as long */
#define JIT_HOT     48u   /* executions: a translation costs about as much as 100 of them */
#define JIT_HOT_SOON 4u   /* in a machine that has just forgotten everything, for this many executions: */
#define SOON        20000u

bool
vt_jit_cache_init (VtJit *jit, GError **error)
{
  const VtCodeMemoryOps *ops = vt_code_memory_ops ();
  if (!ops->map (&jit->memory, CODE_BYTES, error))
    return false;
  jit->links = g_array_new (FALSE, FALSE, sizeof (VtJitLink));
  return true;
}

void
vt_jit_cache_free (VtJit *jit)
{
  if (jit->memory.rw != NULL)
    vt_code_memory_ops ()->unmap (&jit->memory);
  if (jit->links != NULL)
    g_array_unref (jit->links);
}

void
vt_jit_cache_divide (VtJit *jit, uint8_t *start)
{
  uint8_t *first = jit->memory.rw, *middle = first + COMMON_BYTES, *end = first + jit->memory.size;
  jit->common = (VtJitArea) { start, start, first, middle };
  jit->rare = (VtJitArea) { middle, middle, middle, end };
}

void
vt_jit_area_prepare (const VtJit *jit, VtJitArea *area, size_t bytes)
{
  for (; area->prepared < MIN (area->at + bytes, area->end); area->prepared += VT_CODE_LARGE_BYTES)
    vt_code_memory_ops ()->prepare (&jit->memory, (size_t) (area->prepared - jit->memory.rw));
}

/* All large pages but the first, which it goes on with. */
static void
area_give_back (const VtJit *jit, VtJitArea *area)
{
  size_t begin = (size_t) (area->at - jit->memory.rw), keep = (begin / VT_CODE_LARGE_BYTES + 1) * VT_CODE_LARGE_BYTES;
  area->prepared = MIN (area->prepared, jit->memory.rw + keep);
  vt_code_memory_ops ()->give_back (&jit->memory, keep, (size_t) (area->end - jit->memory.rw) - keep);
}

void
vt_jit_cache_give_back (VtJit *jit)
{
  area_give_back (jit, &jit->common);
  area_give_back (jit, &jit->rare);
  vt_large_give_back (jit, sizeof *jit + jit->arena_used, sizeof *jit + JIT_ARENA_BYTES);
}

void
vt_jit_drop_all (VtJit *jit)
{
  jit->common.at = jit->common.start;
  jit->rare.at = jit->rare.start;
  jit->arena_used = 0;
  jit->drops++;
  jit->full = false;
  vt_jit_reset_rounds (jit->cpu);
  g_array_set_size (jit->links, 0);
  memset (jit->bucket, 0, sizeof (jit->bucket));
  memset (jit->pages, 0, sizeof (jit->pages));
  vt_jit_clear_jumps (jit->cpu);
}

void *
vt_jit_alloc (VtJit *jit, size_t size)
{
  size = (size + 15) & ~(size_t) 15;
  if (size > JIT_ARENA_BYTES - jit->arena_used)
    {
      jit->full = true;
      return NULL;
    }
  void *memory = jit->arena + jit->arena_used;
  jit->arena_used += size;
  return memset (memory, 0, size);
}

VtEmit
vt_jit_emit_from (const VtJit *jit, uint8_t *at, uint8_t *end)
{
  uintptr_t cpu = (uintptr_t) jit->cpu;
  bool      low = vt_jit_has (jit, VT_JIT_FLAT_STATE) && cpu + VT_X86_TLBS_OFFSET + VT_X86_TLB_COUNT * sizeof (VtX86Tlb) <= INT32_MAX;
  return (VtEmit) { .at = at, .end = end, .to_rx = jit->memory.rx - jit->memory.rw,
                    .gs_at = low ? (int32_t) cpu : 0 };
}

/* --- Pages -------------------------------------------------------------------------------------------------------- */

static uint32_t
version_now (const VtJitPage *page)
{
  return __atomic_load_n (page->version, __ATOMIC_ACQUIRE);
}

static void
put_jump (uint8_t *at, const uint8_t *to)
{
  at[0] = 0xe9;
  emit_patch (at + 1, to);
}

/* Those who came in before go on in it. */
static void
close_region (VtJit *jit, VtJitRegion *region, const uint8_t *by_host, const uint8_t *by_mem)
{
  region->dead = true;
  vt_jit_unlink_far (jit, region);
  put_jump (region->entry[JIT_WAY_HOST], by_host);
  put_jump (region->entry[JIT_WAY_MEM], by_mem);
}

static void
kill_region (VtJit *jit, VtJitRegion *region)
{
  close_region (jit, region, region->dead_stub, region->dead_stub);
}

void
vt_jit_replace (VtJit *jit, VtJitRegion *old, const VtJitRegion *region)
{
  close_region (jit, old, region->entry[JIT_WAY_HOST], region->entry[JIT_WAY_MEM]);
}

static void
drop_regions (VtJit *jit, VtJitPage *page)
{
  for (VtJitRegion *region = page->regions; region != NULL; region = region->page_next)
    kill_region (jit, region);
  for (VtJitRegion *region = page->bridges; region != NULL; region = region->bridge_next)
    kill_region (jit, region);
  page->deaths += page->regions != NULL || page->bridges != NULL;
  page->refused = 0;
  page->regions = page->bridges = NULL;
  page->seen = version_now (page);
}

static unsigned
page_bucket (const VtRam *ram, uint64_t number)
{
  return (unsigned) (((uintptr_t) ram >> 4) + number) & (JIT_PAGE_BUCKETS - 1);
}

static VtJitPage *
known_page (const VtJit *jit, const VtRam *ram, uint64_t number)
{
  VtJitPage *page = jit->pages[page_bucket (ram, number)];
  while (page != NULL && (page->ram != ram || page->number != number))
    page = page->chain;
  return page;
}

bool
vt_jit_is_restless (VtJit *jit, const VtRam *ram, uint64_t number)
{
  VtJitPage *page = known_page (jit, ram, number);
  if (page == NULL || page->deaths < DEATHS_FREE || jit->eager)
    return false;
  uint32_t patience = 64u << MIN (page->deaths - DEATHS_FREE, 10u);
  return page->refused++ < patience;
}

VtJitPage *
vt_jit_page (VtJit *jit, VtRam *ram, uint64_t number)
{
  VtJitPage **bucket = &jit->pages[page_bucket (ram, number)];
  VtJitPage *page = known_page (jit, ram, number);
  if (page == NULL)
    {
      page = vt_jit_alloc (jit, sizeof (VtJitPage));
      if (page == NULL)
        return NULL;
      *page = (VtJitPage) { .chain = *bucket, .ram = ram, .number = number, .version = &ram->page_version[number] };
      page->seen = version_now (page);
      *bucket = page;
    }
  if (version_now (page) != page->seen)
    drop_regions (jit, page);
  return page;
}

static void
drop_if_written (VtJit *jit, VtJitPage *page)
{
  if (page != NULL && (page->regions != NULL || page->bridges != NULL) && version_now (page) != page->seen)
    drop_regions (jit, page);
}

static void
drop_all_written (VtJit *jit)
{
  for (unsigned i = 0; i < JIT_PAGE_BUCKETS; i++)
    for (VtJitPage *page = jit->pages[i]; page != NULL; page = page->chain)
      drop_if_written (jit, page);
}

void
vt_jit_drop_written (VtJit *jit)
{
  uint64_t now = vt_ram_code_writes (), number = jit->code_writes;
  jit->code_writes = now;
  while (number < now)
    {
      const VtRam *ram;
      uint64_t     page;
      if (!vt_ram_code_write (++number, &ram, &page))
        {
          drop_all_written (jit);
          return;
        }
      drop_if_written (jit, known_page (jit, ram, page));
    }
}

/* --- Regions ------------------------------------------------------------------------------------------------------ */

static unsigned
region_bucket (const uint8_t *host, unsigned mode)
{
  uint64_t key = (uint64_t) (uintptr_t) host ^ ((uint64_t) mode << 48);
  return (unsigned) ((key * UINT64_C (0x9e3779b97f4a7c15)) >> 50) & (JIT_REGION_BUCKETS - 1);
}

static bool
same_second (VtJit *jit, const VtJitRegion *region, uint64_t linear)
{
  VtX86CodeSource next;
  if (region->second == NULL)
    return true;
  uint64_t at = (linear | VT_PAGE_MASK) + 1;
  at = region->mode & JIT_MODE_CODE64 ? at : (uint32_t) at;
  vt_x86_code_source (jit->cpu, at, &next);
  if (next.ram != region->second->ram || next.ram_page != region->second->number)
    return false;
  vt_x86_note_code_page (jit->cpu, at);
  return true;
}

/* Written since it was translated? */
static bool
is_stale (VtJit *jit, VtJitPage *page)
{
  if (page == NULL || version_now (page) == page->seen)
    return false;
  drop_regions (jit, page);
  return true;
}

VtJitRegion *
vt_jit_find_region (VtJit *jit, const VtX86CodeSource *source, uint64_t linear, unsigned mode)
{
  VtJitRegion **link = &jit->bucket[region_bucket (source->host, mode)];
  while (*link != NULL)
    {
      VtJitRegion *region = *link;
      if (region->host == source->host && region->mode == mode)
        {
          bool good = !region->dead && !is_stale (jit, region->page) && !is_stale (jit, region->second);
          if (good && same_second (jit, region, linear))
            return region;
          if (!good)
            {
              *link = region->chain;
              continue;
            }
        }
      link = &region->chain;
    }
  return NULL;
}

const VtJitRegion *
vt_jit_region_at (const VtJit *jit, const uint8_t *host, unsigned mode)
{
  const VtJitRegion *region = jit->bucket[region_bucket (host, mode)];
  while (region != NULL && (region->host != host || region->mode != mode || region->dead || region->second != NULL))
    region = region->chain;
  return region;
}

const void *
vt_jit_make_known (VtJit *jit, const VtJitRegion *region, uint64_t rip, const VtX86CodeSource *source)
{
  VtX86Cpu *cpu = jit->cpu;
  if (!vt_jit_may_enter (cpu, region, rip))
    return NULL;
  const void *code = region->entry[JIT_WAY_MEM] + (jit->memory.rx - jit->memory.rw);
  vt_jit_add_jump (cpu, rip, code);
  if (cpu->cpl != 3 && !source->global)
    cpu->kernel_code_not_global = true;
  return code;
}

bool
vt_jit_may_fetch (const VtX86Cpu *cpu, uint64_t rip)
{
  uint64_t linear = vt_jit_linear (cpu, rip);
  const VtX86TlbPage *page = &cpu->tlbs[cpu->tlb_kind].page[(linear >> VT_PAGE_SHIFT) & (VT_X86_TLB_SIZE - 1)];
  return page->tag[VT_FETCH] == (linear & ~VT_PAGE_MASK) && (cpu->code_bits != 64 || vt_x86_canonical (rip));
}

static VtJitRegion *
translated_at (VtJit *jit, uint64_t rip, unsigned mode, VtX86CodeSource *source)
{
  uint64_t linear = vt_jit_linear (jit->cpu, rip);
  if (!vt_jit_in_code_segment (jit->cpu, mode, rip))
    return NULL;
  vt_x86_code_source (jit->cpu, linear, source);
  /* A bridge may fault. */
  if (source->host == NULL || source->left < VT_X86_MAX_INSN)
    return NULL;
  return vt_jit_find_region (jit, source, linear, vt_jit_region_mode (jit->cpu, mode, rip));
}

VtJitRegion *
vt_jit_translated_at (VtJit *jit, uint64_t rip, unsigned mode)
{
  VtX86CodeSource source;
  return vt_jit_may_fetch (jit->cpu, rip) ? translated_at (jit, rip, mode, &source) : NULL;
}

const void *
vt_jit_find_translated (VtJit *jit, uint64_t rip, unsigned mode)
{
  VtX86CodeSource source;
  const VtJitRegion *region = translated_at (jit, rip, mode, &source);
  return region != NULL ? vt_jit_make_known (jit, region, rip, &source) : NULL;
}

void
vt_jit_add_region (VtJit *jit, VtJitRegion *region)
{
  VtJitRegion **bucket = &jit->bucket[region_bucket (region->host, region->mode)];
  region->chain = *bucket;
  *bucket = region;
  region->page_next = region->page->regions;
  region->page->regions = region;
  if (region->second != NULL)
    {
      region->bridge_next = region->second->bridges;
      region->second->bridges = region;
    }
}

void
vt_jit_link (VtJit *jit, uint32_t link, VtJitRegion *region)
{
  if (link >= jit->links->len)
    return;
  const VtJitLink *l = &g_array_index (jit->links, VtJitLink, link);
  if (l->hot && region->hot)
    put_jump (l->site, region->entry[l->way]);
  if (l->hot)
    return;
  emit_patch (l->site, region->second != NULL ? region->thunk[l->way] : region->entry[l->way]);
}

/* --- Heat --------------------------------------------------------------------------------------------------------- */

/* New code in the place of old starts cold: the page's version is part of the place. */
static unsigned
heat_slot (const uint8_t *host, uint32_t version)
{
  uintptr_t at = (uintptr_t) host ^ (uintptr_t) version * 0x9e3779b1u;
  return (unsigned) (at ^ (at >> 16)) & (JIT_HEAT_SLOTS - 1);
}

bool
vt_jit_heat_up (VtJit *jit, const uint8_t *host, uint32_t version)
{
  uint8_t *heat = &jit->heat[heat_slot (host, version)];
  /* Slots are shared, and in time all would be hot. */
  if (++jit->heat_ups % HEAT_FORGET == 0)
    memset (jit->heat, 0, sizeof (jit->heat));
  unsigned hot = jit->heat_ups < jit->soon_until ? JIT_HOT_SOON : JIT_HOT;
  if (*heat < hot)
    ++*heat;
  return *heat >= hot || jit->eager;
}

void
vt_jit_cool (VtJit *jit)
{
  memset (jit->heat, 0, sizeof (jit->heat));
  jit->soon_until = jit->heat_ups + SOON;
}

bool
vt_jit_is_warm (const VtJit *jit, const uint8_t *host, uint32_t version)
{
  return jit->heat[heat_slot (host, version)] != 0 || jit->eager;
}
