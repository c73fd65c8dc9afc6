/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See jit-far.h. */
#include "jit-far.h"

#include "jit-hot.h"
#include "jit-returns.h"

#define NO_FAR_KEY   0u
#define FIRST_WAIT   2
#define LONGEST_WAIT (1 << 20)

#define FAR(member) offsetof (VtJitFar, member)

/* --- Links ---------------------------------------------------------------------------------------------------------------- */

static void
set_key (VtJitFar *link, uint64_t key)
{
  memcpy (link->key, &key, sizeof key);
}

/* Each time it waits twice as long, since code that many address spaces share would change its links all the time. */
static void
unlink_one (VtJit *jit, VtJitFar *link)
{
  set_key (link, NO_FAR_KEY);
  emit_patch (link->jump, jit->stubs.far_go);
  *link->back = link->next;
  if (link->next != NULL)
    link->next->back = link->back;
  link->target = NULL;
  link->patience = link->wait;
  link->wait = MIN (link->wait * 2, LONGEST_WAIT);
}

void
vt_jit_unlink_far (VtJit *jit, VtJitRegion *region)
{
  while (region->far_links != NULL)
    unlink_one (jit, region->far_links);
}

static void
make_link (VtX86Cpu *cpu, VtJitFar *link, VtJitRegion *region)
{
  set_key (link, cpu->translated.page_rip ^ cpu->translated.context);
  emit_patch (link->jump, region->entry[JIT_WAY_MEM]);
  link->target = region;
  link->patience = 0;
  link->next = region->far_links;
  link->back = &region->far_links;
  if (link->next != NULL)
    link->next->back = &link->next;
  region->far_links = link;
}

const void *
vt_jit_far (VtX86Cpu *cpu, uint64_t rip, VtJitFar *link)
{
  VtJit *jit = cpu->accel_data;
  bool tired = link->patience < 0;
  const void *code = vt_jit_find_jump (cpu, rip);
  link->patience = 0;
  if (code == NULL)
    code = vt_jit_lookup (cpu, rip ^ cpu->translated.context, link->where);
  if (code == NULL || !tired)
    return code;
  /* This may find that pages were written, and take links back. */
  VtJitRegion *region = vt_jit_translated_at (jit, rip, vt_jit_mode (cpu));
  if (link->target != NULL)
    unlink_one (jit, link);
  else if (region != NULL)
    make_link (cpu, link, region);
  else
    link->patience = link->wait = LONGEST_WAIT;
  return code;
}

/* --- Stubs ------------------------------------------------------------------------------------------------------------------ */

/* T0: RIP, T1: the link. SLOT_CODE := where to go on, or out. */
static void
make_far (VtJit *jit, VtEmit *e, const uint8_t *call)
{
  jit->stubs.far = e->at;
  emit_group1 (e, 0, 5, rm_base (T1, FAR (patience)), 1);
  uint8_t *tired = emit_jcc (e, CC_S);
  emit_store64 (e, rm_slot (SLOT_VALUE), T1);
  uint8_t *unknown = vt_jit_emit_find_jump (e);
  uint8_t *known = e->at;
  emit_store64 (e, rm_slot (SLOT_CODE), T1);
  emit8 (e, 0xc3);
  emit_patch (unknown, e->at);
  emit_op64 (e, 0x33, T0, rm_gs (TRANSLATED (context)));
  emit_load64 (e, T1, rm_slot (SLOT_VALUE));
  emit_patch (tired, e->at);
  emit_call_to (e, call);
  emit_jmp_to (e, known);
}

void
vt_jit_make_far_stubs (VtJit *jit, VtEmit *e, const uint8_t *call)
{
  make_far (jit, e, call);
  jit->stubs.far_go = e->at;
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 4, rm_slot (SLOT_CODE));
}

/* --- In regions --------------------------------------------------------------------------------------------------------------- */

/* cmp T0, [rip + x]; returns the place of x. */
static uint8_t *
emit_compare_there (VtEmit *e)
{
  emit8 (e, 0x48);
  emit8 (e, 0x3b);
  emit8 (e, 0x05 | T0 << 3);
  e->at += 4;
  return e->at - 4;
}

VtJitFar *
vt_jit_emit_far_check (VtJitTr *tr, int32_t off, VtJitSlowKind on_miss)
{
  VtEmit *e = &tr->e;
  VtJitFar *link = vt_jit_alloc (tr->jit, sizeof (VtJitFar));
  if (link == NULL)
    {
      tr->too_big = true;
      return NULL;
    }
  *link = (VtJitFar) { .wait = FIRST_WAIT, .patience = FIRST_WAIT };
  link->where = on_miss == SLOW_INTERPRET ? tr->in->off : JIT_NOWHERE;
  emit_load64 (e, T0, rm_gs (TRANSLATED (page_rip)));
  emit_op64 (e, 0x33, T0, rm_gs (TRANSLATED (context)));
  uint8_t *key = emit_compare_there (e);
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_FAR, emit_jcc (e, CC_NE));
  slow->back = e->at;
  slow->past = key;
  slow->far = link;
  slow->target = off;
  return link;
}

void
vt_jit_emit_far_jump (VtJitTr *tr, VtJitFar *link, int32_t off, bool call)
{
  VtEmit *e = &tr->e;
  int32_t pages = off & -(int32_t) VT_PAGE_SIZE;
  vt_jit_emit_home (tr);
  if (pages != 0)
    emit_group1 (e, tr->is64, 0, rm_gs (TRANSLATED (page_rip)), pages);
  uint8_t *jump = call ? emit_call (e) : emit_jmp (e);
  emit_patch (jump, tr->jit->stubs.far_go);
  if (link != NULL)
    link->jump = jump;
}

void
vt_jit_emit_slow_far (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  vt_jit_count_if_left (tr, slow->uncounted);
  vt_jit_emit_rip (tr, slow->target);
  emit_imm64 (e, T1, (uint64_t) (uintptr_t) slow->far);
  vt_jit_emit_home (tr);
  emit_call_to (e, tr->jit->stubs.far);
  vt_jit_emit_back (tr);
  emit_jmp_to (e, slow->back);
}

void
vt_jit_emit_far_keys (VtJitTr *tr)
{
  VtEmit *e = &tr->e;
  for (unsigned i = 0; i < tr->n_slow; i++)
    {
      const VtJitSlow *slow = &tr->slow[i];
      if (slow->kind != SLOW_FAR || slow->far->key != NULL)
        continue;
      if (e->end - e->at < VT_EMIT_MARGIN)
        {
          tr->too_big = tr->jit->full = true;
          return;
        }
      while (((uintptr_t) e->at & 7) != 0)
        emit8 (e, 0xcc);
      slow->far->key = e->at;
      emit_patch (slow->past, e->at);
      emit64 (e, NO_FAR_KEY);
    }
}
