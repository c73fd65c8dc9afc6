/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From guest code to a region: collect, find live flags, emit block by block, then the slow paths. */
#include "jit-far.h"
#include "jit-hot.h"
#include "jit-lockstep.h"
#include "jit-translate.h"

#include <Zydis/Mnemonic.h>

/* Room that a region may need at most, besides VT_EMIT_MARGIN for each instruction under way. */
#define REGION_ROOM (256 * VT_KIB)

/* Frequent operations for which the flags need not be brought to where the interpreter looks for them. */
static bool
leaves_flags_alone (const VtX86Insn *x)
{
  switch (x->mnemonic)
    {
    case ZYDIS_MNEMONIC_RDTSC: case ZYDIS_MNEMONIC_RDTSCP: case ZYDIS_MNEMONIC_RDPID: case ZYDIS_MNEMONIC_CPUID:
    case ZYDIS_MNEMONIC_SWAPGS: case ZYDIS_MNEMONIC_RDMSR: case ZYDIS_MNEMONIC_XGETBV: case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_RDFSBASE: case ZYDIS_MNEMONIC_RDGSBASE: case ZYDIS_MNEMONIC_WRFSBASE: case ZYDIS_MNEMONIC_WRGSBASE:
    case ZYDIS_MNEMONIC_MOVSB: case ZYDIS_MNEMONIC_MOVSW: case ZYDIS_MNEMONIC_MOVSQ:
    case ZYDIS_MNEMONIC_STOSB: case ZYDIS_MNEMONIC_STOSW: case ZYDIS_MNEMONIC_STOSD: case ZYDIS_MNEMONIC_STOSQ:
    case ZYDIS_MNEMONIC_LODSB: case ZYDIS_MNEMONIC_LODSW: case ZYDIS_MNEMONIC_LODSD: case ZYDIS_MNEMONIC_LODSQ:
      return true;
    default:
      return false;
    }
}

/* T0, T1 := arguments of the stubs that call operations; flags are in memory, registers at home. */
static void
emit_op_arguments (VtJitTr *tr)
{
  vt_jit_count_before (tr);
  VtX86Insn *insn = vt_jit_alloc (tr->jit, sizeof (VtX86Insn));
  if (insn == NULL)
    {
      tr->too_big = true;
      return;
    }
  *insn = tr->in->x;
  vt_jit_flags_clobber (tr, F_ALL);
  vt_jit_flags_put_recipe (tr);
  vt_jit_lockstep_live_before (tr);
  emit_imm64 (&tr->e, T0, (uint64_t) (uintptr_t) insn);
  emit_imm64 (&tr->e, T1, tr->in->off | (tr->mode & ~JIT_MODE_EDGE) << JIT_WHERE_SHIFT | (leaves_flags_alone (&tr->in->x) ? JIT_OP_NO_FLAGS : 0));
  vt_jit_emit_home (tr);
}

void
vt_jit_call_system (VtJitTr *tr)
{
  emit_op_arguments (tr);
  emit_jmp_to (&tr->e, tr->jit->stubs.system);
}

void
vt_jit_call_op (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  emit_op_arguments (tr);
  tr->uncounted = 0;
  emit_call_to (e, tr->jit->stubs.op[tr->vectors]);
  vt_jit_emit_back (tr);
  tr->flags_mem = true;
  tr->flags_lazy = false;
  tr->x87_live = false;
}

static void
emit_poll (VtJitTr *tr, unsigned off)
{
  emit_group1 (&tr->e, 0, 7, rm_gs (offsetof (VtX86Cpu, vcpu) + offsetof (VtVcpu, requests)), 0);
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_POLL, emit_jcc (&tr->e, CC_NE));
  slow->target = (int32_t) off;
  vt_jit_lockstep_poll (tr, off);
}

/* Both entries; afterwards block 0 begins. */
static void
emit_entry (VtJitTr *tr, VtJitRegion *region)
{
  VtEmit *e = &tr->e;
  VtJitBlock *first = &tr->blocks[0];
  unsigned off = tr->insns[0].off;
  vt_jit_set_home (tr);
  /* Room for the jump that a dead region begins with, at either entry. */
  region->entry[JIT_WAY_HOST] = e->at;
  if (first->live_in != 0)
    vt_jit_emit_save_flags (e);
  region->entry[JIT_WAY_MEM] = region->entry[JIT_WAY_BACK] = e->at;
  if (tr->vectors)
    {
      emit_group1 (e, 0, 7, rm_gs (TRANSLATED (vectors_live)), 0);
      VtJitSlow *slow = vt_jit_slow (tr, SLOW_VEC_LOAD, emit_jcc (e, CC_E));
      slow->back = e->at;
    }
  if (first->live_in == 0 && !tr->counted && tr->n_moves == 0)
    first->label = e->at;
  emit_poll (tr, off);
  if (!tr->vectors && tr->jit->lockstep == NULL)
    region->entry[JIT_WAY_BACK] = e->at;
  tr->flags_host = tr->flags_recipe = false;
  tr->flags_mem = tr->flags_lazy = first->live_in != 0;
  /* Often nobody wants them but what comes after the region. */
  tr->flags_kept = first->live_in != 0 && first->n_ways_in == 0;
  vt_jit_emit_count_entry (tr);
  if (!tr->flags_kept)
    vt_jit_flags_need (tr);
  vt_jit_set_away (tr);
  vt_jit_emit_back (tr);
}

static bool
emit_natively (VtJitTr *tr)
{
  switch (tr->in->op.cls)
    {
    case JIT_OP_VECTOR:
      return vt_jit_vector (tr);
    case JIT_OP_X87:
      return vt_jit_x87 (tr);
    case JIT_OP_PUSH:
    case JIT_OP_POP:
    case JIT_OP_LEAVE:
      return vt_jit_stack (tr);
    case JIT_OP_INLINE:
      return vt_jit_inline (tr);
    default:
      return vt_jit_integer (tr);
    }
}

static void
emit_insn_of (VtJitTr *tr)
{
  if (emit_natively (tr))
    return;
  vt_jit_call_op (tr);
  /* It may have been the head of a group, and may have changed what a group rests on. */
  tr->ungrouped = true;
}

/* From the block's instruction number `from` to the ways out. */
static void
emit_insns (VtJitTr *tr, const VtJitBlock *block, unsigned from)
{
  tr->recipe = block->recipe;
  for (unsigned i = from; i < block->n && !tr->too_big; i++)
    {
      tr->in = &tr->insns[block->first + i];
      tr->last_of_block = i + 1 == block->n;
      tr->access = 0;
      if (tr->e.end - tr->e.at < (ptrdiff_t) VT_EMIT_MARGIN)
        {
          tr->too_big = tr->jit->full = true;
          return;
        }
      tr->in->uncounted = (uint8_t) tr->uncounted++;
      vt_jit_lockstep_mark (tr);
      if (!vt_jit_ends_block (&tr->in->op))
        emit_insn_of (tr);
      if (tr->in->ends_shadow)
        vt_jit_end_shadow (tr);
      if (block->first + i == block->recipe.insn)
        tr->recipe.sp = 0;
    }
  if (!tr->too_big)
    vt_jit_branch (tr, block);
}

static void
begin_block (VtJitTr *tr, const VtJitBlock *block)
{
  tr->recipe = (VtJitRecipe) { .kind = RECIPE_NONE };
  tr->held_at = NULL;
  tr->x87_live = false;
  tr->uncounted = 0;
  bool kept = tr->flags_kept && block == &tr->blocks[0];
  tr->flags_host = block->live_in != 0 && !kept;
  tr->flags_mem = tr->flags_lazy = kept;
  tr->flags_recipe = false;
}

static void
emit_block (VtJitTr *tr, VtJitBlock *block)
{
  if (!block->chained)
    tr->ungrouped = false;
  begin_block (tr, block);
  if (block->label == NULL)
    {
      block->label = tr->e.at;
      if (block->loop_head)
        {
          vt_jit_flags_clobber (tr, block->live_in);
          emit_poll (tr, tr->insns[block->first].off);
          vt_jit_emit_count_round (tr, block);
          vt_jit_flags_need (tr);
        }
    }
  emit_insns (tr, block, 0);
}

static const VtJitGroup *
first_real_group (const VtJitTr *tr, const VtJitBlock *block)
{
  for (unsigned i = 0; i < block->n_groups; i++)
    if (tr->groups[block->first_group + i].n >= 2)
      return &tr->groups[block->first_group + i];
  return NULL;
}

static bool
has_insn (const VtJitBlock *block, unsigned insn)
{
  return insn >= block->first && insn < (unsigned) block->first + block->n;
}

/* Where a chain's groups do not lie in a page each: from the first head on, every access by itself. The flags are where the
 * head has put them. */
static void
emit_second_version (VtJitTr *tr, unsigned number)
{
  const VtJitGroup *first = first_real_group (tr, &tr->blocks[number]);
  if (tr->blocks[number].chained || first == NULL || tr->too_big)
    return;
  while (!has_insn (&tr->blocks[number], first->head))
    number++;
  const VtJitBlock *block = &tr->blocks[number];
  tr->ungrouped = tr->second = true;
  tr->held_at = NULL;
  tr->x87_live = false;
  tr->flags_host = tr->flags_recipe = false;
  tr->flags_mem = tr->insns[first->head].live_before != 0;
  tr->flags_lazy = tr->flags_kept;
  tr->uncounted = tr->insns[first->head].uncounted;
  emit_insns (tr, block, first->head - block->first);
  while (++number < tr->n_blocks && tr->blocks[number].chained && !tr->too_big)
    {
      begin_block (tr, &tr->blocks[number]);
      emit_insns (tr, &tr->blocks[number], 0);
    }
  tr->ungrouped = tr->second = false;
}

static void
patch_fixups (VtJitTr *tr)
{
  for (unsigned i = 0; i < tr->n_fixups; i++)
    emit_patch (tr->fixups[i].site, tr->blocks[tr->fixups[i].block].label);
}

static void
emit_dead_stub (VtJitTr *tr, VtJitRegion *region)
{
  VtEmit *e = &tr->e;
  region->dead_stub = e->at;
  vt_jit_slow (tr, SLOW_DEAD, NULL)->target = tr->insns[0].off;
}

static bool
uses_vectors (const VtJitTr *tr)
{
  for (unsigned i = 0; i < tr->n_insns; i++)
    if (tr->insns[i].op.cls == JIT_OP_VECTOR)
      return (tr->mode & JIT_MODE_SSE) != 0;
  return false;
}

/* What follows is rarely run. Compared with the interpreter, a region stays in one piece, for the report. */
static void
go_to_rare (VtJitTr *tr)
{
  VtJit *jit = tr->jit;
  vt_jit_emit_far_keys (tr);
  tr->common_end = tr->e.at;
  if (jit->lockstep == NULL)
    tr->e = vt_jit_emit_from (jit, jit->rare.at, jit->rare.end);
  tr->rare_start = tr->e.at;
}

/* Both pieces are kept. */
static void
keep_code (VtJitTr *tr)
{
  VtJit *jit = tr->jit;
  bool one_piece = jit->lockstep != NULL;
  uint8_t *end = one_piece ? tr->e.at : tr->common_end;
  size_t before = vt_jit_code_bytes (jit);
  jit->common.at = end + (-(uintptr_t) end & 15);
  if (!one_piece)
    jit->rare.at = tr->e.at + (-(uintptr_t) tr->e.at & 15);
  jit->cpu->vcpu.stats.code_bytes += vt_jit_code_bytes (jit) - before;
}

static bool
emit_region (VtJitTr *tr, VtJitRegion *region)
{
  vt_jit_lockstep_begin_region (tr);
  emit_entry (tr, region);
  for (unsigned i = 0; i < tr->n_blocks && !tr->too_big; i++)
    emit_block (tr, &tr->blocks[i]);
  go_to_rare (tr);
  for (unsigned i = 0; i < tr->n_blocks && !tr->too_big; i++)
    emit_second_version (tr, i);
  if (tr->too_big)
    return false;
  patch_fixups (tr);
  if (region->second != NULL)
    vt_jit_emit_thunks (tr, region);
  vt_jit_emit_slow_paths (tr);
  if (tr->too_big)
    return false;
  vt_jit_emit_far_keys (tr);
  tr->n_slow = 0;
  vt_jit_set_home (tr);
  emit_dead_stub (tr, region);
  vt_jit_emit_slow_paths (tr);
  return !tr->too_big;
}

static bool
jumps_away (const VtJitTr *tr, const VtJitBlock *block)
{
  VtJitClass cls = tr->insns[block->first + block->n - 1].op.cls;
  if (!vt_jit_has (tr->jit, VT_JIT_FLAG_RECIPES))
    return false;
  return cls == JIT_OP_RET || cls == JIT_OP_CALL || cls == JIT_OP_CALL_RM || cls == JIT_OP_JMP_RM || (cls == JIT_OP_JMP && block->taken < 0);
}

static void
find_recipes (VtJitTr *tr)
{
  for (unsigned i = 0; i < tr->n_blocks; i++)
    {
      VtJitBlock *block = &tr->blocks[i];
      block->recipe = jumps_away (tr, block) ? vt_jit_find_recipe (tr, block) : (VtJitRecipe) { .kind = RECIPE_NONE };
    }
}

static VtJitTr *
begin (VtJit *jit, VtX86CodeCache *cache, const VtX86CodeSource *source, uint64_t linear, unsigned mode)
{
  VtJitTr *tr = jit->tr;
  memset (tr->insn_at, 0, sizeof (tr->insn_at));
  memset (tr->leader, 0, sizeof (tr->leader));
  memset (tr->far, 0, sizeof (tr->far));
  memset (tr->wanted, NOT_LOOKED, sizeof (tr->wanted));
  tr->jit = jit;
  tr->cache = cache;
  tr->e = vt_jit_emit_from (jit, jit->common.at, jit->common.end);
  tr->mode = mode;
  tr->is64 = (mode & JIT_MODE_CODE64) != 0;
  tr->segmented = (mode & JIT_MODE_SEGMENTED) != 0;
  tr->code_bits = tr->is64 ? 64 : mode & JIT_MODE_CODE16 ? 16 : 32;
  tr->linear_page = linear & ~VT_PAGE_MASK;
  vt_jit_code_range (jit->cpu, mode, vt_jit_page_rip (jit->cpu, jit->cpu->s.rip), &tr->code_low, &tr->code_high);
  tr->host_page = source->host - (source->gpa & VT_PAGE_MASK);
  tr->n_insns = tr->n_blocks = tr->n_slow = tr->n_fixups = 0;
  tr->too_big = tr->no_rex = tr->ungrouped = tr->second = tr->flags_recipe = tr->flags_lazy = tr->flags_kept = false;
  tr->recipe = (VtJitRecipe) { .kind = RECIPE_NONE };
  tr->in = NULL;
  return tr;
}

/* The instruction at `linear` as the only one. Returns the page that it ends in; NULL when it does not cross. */
static VtJitPage *
collect_bridge (VtJit *jit, VtJitTr *tr, VtX86CodeCache *cache, const VtX86CodeSource *source, uint64_t linear)
{
  VtX86CodeSource next;
  uint64_t at = (linear | VT_PAGE_MASK) + 1;
  at = tr->is64 ? at : (uint32_t) at;
  if (source->left >= VT_X86_MAX_INSN)
    return NULL;
  vt_x86_code_source (jit->cpu, at, &next);
  if (next.host == NULL)
    return NULL;
  uint32_t version = vt_x86_code_watch (cache, jit->cpu, &next, VT_X86_MAX_INSN);
  VtJitPage *page = vt_jit_page (jit, next.ram, next.ram_page);
  if (page == NULL || page->seen != version || !vt_jit_collect_bridge (tr, cache, source, &next))
    return NULL;
  vt_x86_note_code_page (jit->cpu, at);
  return page;
}

static void
note_piece (const VtJitTr *tr, const uint8_t *from, const uint8_t *to, const char *name)
{
  vt_code_memory_ops ()->note (emit_rx (&tr->e, from), (size_t) (to - from), name);
}

/* For perf(1): the linear address that it was first seen at, and the privilege. */
static void
name_region (const VtJitTr *tr, const VtJitRegion *region)
{
  char name[64];
  unsigned kind = (tr->mode & JIT_MODE_KIND) >> JIT_MODE_KIND_SHIFT;
  g_snprintf (name, sizeof name, "guest_%s_%" G_GINT64_MODIFIER "x", kind == VT_X86_TLB_USER ? "user" : "system",
              tr->linear_page + region->offset);
  note_piece (tr, region->entry[JIT_WAY_HOST], tr->common_end, name);
  note_piece (tr, tr->rare_start, tr->e.at, name);
}

/* Links lead into the middle of a page, whose regions have to be good wherever one of them is, but for those of the edge. */
static void
set_range (const VtJitTr *tr, VtJitRegion *region)
{
  region->low = 0;
  region->high = (uint16_t) VT_PAGE_MASK;
  if (!(tr->mode & JIT_MODE_EDGE) && region->second == NULL)
    return;
  region->low = region->high = tr->insns[0].off;
  for (unsigned i = 0; i < tr->n_insns; i++)
    {
      region->low = MIN (region->low, tr->insns[i].off);
      region->high = MAX (region->high, (uint16_t) (tr->insns[i].off + tr->insns[i].x.length - 1));
    }
}

static bool
has_room (const VtJitArea *area)
{
  return area->end - area->at >= (ptrdiff_t) REGION_ROOM;
}

VtJitRegion *
vt_jit_translate (VtJit *jit, VtX86CodeCache *cache, const VtX86CodeSource *source, uint64_t linear, unsigned mode, bool hot)
{
  if (!has_room (&jit->common) || !has_room (&jit->rare) || jit->full)
    vt_jit_drop_all (jit);
  vt_jit_area_prepare (jit, &jit->common, REGION_ROOM);
  vt_jit_area_prepare (jit, &jit->rare, REGION_ROOM);
  if (vt_jit_is_restless (jit, source->ram, source->ram_page))
    return NULL;
  uint32_t version = vt_x86_code_watch (cache, jit->cpu, source, VT_X86_MAX_INSN);
  VtJitPage *page = vt_jit_page (jit, source->ram, source->ram_page);
  if (page == NULL || page->seen != version)
    return NULL;

  VtJitTr *tr = begin (jit, cache, source, linear, mode);
  tr->hot = hot;
  unsigned links_before = jit->links->len;
  VtJitPage *second = NULL;
  if (!vt_jit_collect (tr, cache, source, version))
    {
      second = collect_bridge (jit, tr, cache, source, linear);
      if (second == NULL)
        return NULL;
    }
  vt_jit_choose_registers (tr);
  vt_jit_find_liveness (tr);
  find_recipes (tr);
  vt_jit_find_groups (tr);
  tr->vectors = uses_vectors (tr);

  VtJitRegion *region = vt_jit_alloc (jit, sizeof (VtJitRegion));
  if (region != NULL)
    region->second = second;
  if (region == NULL || !emit_region (tr, region))
    {
      g_array_set_size (jit->links, links_before);
      return NULL;
    }
  region->page = page;
  region->host = source->host;
  region->mode = (uint16_t) mode;
  region->offset = tr->insns[0].off;
  set_range (tr, region);
  region->live_in = tr->blocks[0].live_in;
  region->hot = hot;
  name_region (tr, region);
  vt_jit_lockstep_end_region (tr, region);
  keep_code (tr);
  vt_jit_add_region (jit, region);
  jit->cpu->vcpu.stats.blocks_translated++;
  return region;
}
