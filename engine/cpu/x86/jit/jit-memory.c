/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers and memory of the guest in translated code.
 *
 * A memory access is: address to T0; index of its TLB entry to T1; T0 XOR tag must be an offset in a page with room for the
 * access; then the entry's addend leads to the host.  A miss goes behind the region's code, fills the entry and comes back, or leaves
 * the instruction to the interpreter.
 */
#include "jit-far.h"
#include "jit-hot.h"
#include "jit-lockstep.h"
#include "jit-returns.h"

/* --- Registers ---------------------------------------------------------------------------------------------------- */

unsigned
vt_jit_reg (VtJitTr *tr, unsigned guest, unsigned temp)
{
  unsigned reg = host_reg (tr, guest);
  if (reg != NO_HOST_REG)
    return reg;
  emit_load64 (&tr->e, temp, rm_gs (STATE (gpr) + 8 * guest));
  return temp;
}

void
vt_jit_put_reg (VtJitTr *tr, unsigned guest, unsigned from)
{
  unsigned reg = host_reg (tr, guest);
  if (reg == from)
    return;
  if (reg != NO_HOST_REG)
    emit_mov64 (&tr->e, reg, from);
  else
    emit_store64 (&tr->e, rm_gs (STATE (gpr) + 8 * guest), from);
}

/* --- Addresses ---------------------------------------------------------------------------------------------------- */

VtJitAddress
vt_jit_address_of (const VtX86Insn *x)
{
  VtJitAddress a = { .base = x->base, .index = x->index, .size = x->addrsize, .seg = x->seg, .disp = x->disp };
  a.shift = x->scale != 0 ? (uint8_t) __builtin_ctz (x->scale) : 0;
  return a;
}

/* lea to, [base + index << shift + disp]; base or index may be missing. */
static void
emit_lea_sib (VtEmit *e, bool wide, unsigned to, unsigned base, unsigned index, unsigned shift, int32_t disp)
{
  bool no_base = base == NO_HOST_REG;
  unsigned rex = (wide ? 8u : 0) | (to >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (no_base ? 0 : base >> 3 & 1);
  if (rex != 0)
    emit8 (e, 0x40 | rex);
  emit8 (e, 0x8d);
  unsigned mod = no_base ? 0 : disp == 0 && (base & 7) != 5 ? 0 : disp == (int8_t) disp ? 1 : 2;
  emit8 (e, mod << 6 | (to & 7) << 3 | 4);
  emit8 (e, shift << 6 | (index & 7) << 3 | (no_base ? 5 : base & 7));
  if (no_base || mod == 2)
    emit32 (e, (uint32_t) disp);
  else if (mod == 1)
    emit8 (e, (uint8_t) disp);
}

/* lea, 64 or 32 bits; a plain copy where that does it. */
static void
emit_lea (VtEmit *e, bool wide, unsigned to, unsigned base, int32_t disp)
{
  if (!wide)
    emit_lea32 (e, to, base, disp);
  else if (disp != 0)
    emit_lea64 (e, to, base, disp);
  else if (to != base)
    emit_mov64 (e, to, base);
}

void
vt_jit_emit_offset (VtJitTr *tr, const VtJitAddress *a, unsigned to, bool wide)
{
  VtEmit *e = &tr->e;
  if (a->base == VT_X86_REG_RIP)
    {
      int64_t disp = a->disp + tr->in->off;
      emit_load64 (e, T0, rm_gs (TRANSLATED (page_rip)));
      if (disp != (int32_t) disp)
        {
          emit_lea64 (e, T0, T0, INT32_MAX);
          disp -= INT32_MAX;
        }
      emit_lea (e, wide, to, T0, (int32_t) disp);
      return;
    }
  if (a->index == VT_X86_NO_REG && a->base == VT_X86_NO_REG)
    {
      emit_imm64 (e, to, wide ? (uint64_t) a->disp : a->size == 2 ? (uint16_t) a->disp : (uint32_t) a->disp);
      return;
    }
  unsigned base = a->base == VT_X86_NO_REG ? NO_HOST_REG : vt_jit_reg (tr, a->base, T0);
  if (a->index != VT_X86_NO_REG)
    emit_lea_sib (e, wide, to, base, vt_jit_reg (tr, a->index, T1), a->shift, (int32_t) a->disp);
  else
    emit_lea (e, wide, to, base, (int32_t) a->disp);
  if (a->size == 2)
    vt_jit_emit_low_half (e, to);
}

/* T0 += the word that the bit is in; T1 and flags are lost. */
static void
emit_add_word (VtJitTr *tr, const VtJitAddress *a)
{
  VtEmit *e = &tr->e;
  bool wide = a->bits == 6;
  emit_op64 (e, wide ? 0x8b : 0x63, T1, rm_reg (host_reg (tr, a->bit)));   /* mov or movsxd */
  emit_insn (e, (VtEnc) { .w = 1, .opcode = 0xc1 }, 7, rm_reg (T1));   /* sar */
  emit8 (e, a->bits);
  emit_lea_sib (e, true, T0, T0, T1, wide ? 3 : 2, 0);
}

void
vt_jit_emit_address (VtJitTr *tr, const VtJitAddress *a)
{
  if (!tr->is64)
    {
      vt_jit_emit_unchecked_address (tr, a);
      return;
    }
  vt_jit_emit_offset (tr, a, T0, a->size == 8);
  if (a->bits != 0)
    emit_add_word (tr, a);
  if (a->seg != VT_FS && a->seg != VT_GS)
    return;
  size_t base = offsetof (VtX86Cpu, s) + offsetof (VtX86State, seg) + a->seg * sizeof (VtX86Seg) + offsetof (VtX86Seg, base);
  emit_load64 (&tr->e, T1, rm_gs (base));
  emit_op64 (&tr->e, 0x8d, T0, (VtRm) { .kind = RM_SIB, .reg = T0, .index = T1 });
}

/* --- Accesses ----------------------------------------------------------------------------------------------------- */

VtJitSlow *
vt_jit_slow (VtJitTr *tr, VtJitSlowKind kind, uint8_t *site)
{
  if (tr->n_slow == JIT_MAX_SLOW)
    {
      tr->too_big = true;
      tr->n_slow--;
    }
  VtJitSlow *slow = &tr->slow[tr->n_slow++];
  *slow = (VtJitSlow) { .kind = kind, .site = site, .reg = tr->reg };
  slow->insn = tr->in != NULL ? (uint16_t) (tr->in - tr->insns) : 0;
  slow->uncounted = (int16_t) (tr->uncounted - 1);
  if (tr->flags_recipe)
    slow->recipe = tr->recipe;
  if (tr->in != NULL && !tr->ungrouped)
    slow->unchecked = tr->in->unchecked;
  return slow;
}

/* Of the entry's members, for the privilege that the region runs with. */
static size_t
tlb_offset (const VtJitTr *tr, size_t member)
{
  unsigned kind = (tr->mode & JIT_MODE_KIND) >> JIT_MODE_KIND_SHIFT;
  return VT_X86_TLBS_OFFSET + kind * sizeof (VtX86Tlb) + offsetof (VtX86Tlb, fast) + member;
}

static VtJitSlow *
emit_miss (VtJitTr *tr, const VtJitAddress *a, unsigned size, bool write, uint8_t *retry, unsigned cc)
{
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_FILL, emit_jcc (&tr->e, cc));
  slow->back = retry;
  slow->address = *a;
  slow->arg = size | (write ? JIT_FILL_WRITE : 0);
  return slow;
}

static void
emit_alignment (VtJitTr *tr, unsigned align)
{
  if (align <= 1)
    return;
  emit_insn (&tr->e, (VtEnc) { .opcode = 0xf6, .rm8 = true }, 0, rm_reg (T0));
  emit8 (&tr->e, align - 1);
  vt_jit_slow (tr, SLOW_INTERPRET, emit_jcc (&tr->e, CC_NE));
}

/* [T1 + base + disp] where the host has that form: one register, all 64 bits of it, and no segment. */
bool
vt_jit_is_simple (const VtJitTr *tr, const VtJitAddress *a)
{
  if ((tr->no_rex && a->base < 16 && host_reg (tr, a->base) >= 8) || a->bits != 0)
    return false;
  return a->base != VT_X86_NO_REG && a->base != VT_X86_REG_RIP && a->index == VT_X86_NO_REG && host_reg (tr, a->base) != NO_HOST_REG
         && (tr->is64 ? a->size == 8 && a->seg != VT_FS && a->seg != VT_GS : false);
}

static VtRm
beside (const VtJitTr *tr, const VtJitAddress *a)
{
  return (VtRm) { .kind = RM_SIB, .reg = (uint8_t) host_reg (tr, a->base), .index = T1, .disp = (int32_t) a->disp };
}

/* Around RSP: most accesses are in the page of the one before. */
static VtJitPlace
emit_stack_access (VtJitTr *tr, const VtJitAddress *a, unsigned size, bool write, uint8_t *retry)
{
  VtEmit *e = &tr->e;
  unsigned kind = (tr->mode & JIT_MODE_KIND) >> JIT_MODE_KIND_SHIFT;
  size_t window = TRANSLATED (stack) + (kind * 2 + write) * sizeof (((VtX86Translated *) 0)->stack[0][0]);
  emit_lea64 (e, T0, host_reg (tr, VT_RSP), (int32_t) a->disp);
  emit_op64 (e, 0x33, T0, rm_gs (window + offsetof (VtStackWindow, tag)));
  emit_op64 (e, 0x3b, T0, rm_gs (window + offsetof (VtStackWindow, room)));
  VtJitSlow *slow = emit_miss (tr, a, size, write, retry, CC_AE);
  slow->arg |= JIT_FILL_STACK | (write ? 0 : JIT_FILL_COPY);
  slow->past = e->at;
  emit_load64 (e, T1, rm_gs (window + offsetof (VtStackWindow, addend)));
  return (VtJitPlace) { .rm = beside (tr, a), .spare = T0, .window = window };
}

/* --- Groups --------------------------------------------------------------------------------------------------------- */

static int32_t
slot_of (const VtJitGroup *g)
{
  return SLOT_GROUPS + 16 * g->slot;
}

/* T1 := index of the TLB entry that linear address T0 belongs to; T0 := offset in its page, if it does; flags compare that
 * with where `span` bytes have room. */
static void
emit_compare (VtJitTr *tr, unsigned span, bool write)
{
  VtEmit *e = &tr->e;
  /* rorx esi, edi, 7: the page number's low bits, times the size of an entry */
  G_STATIC_ASSERT (sizeof (VtX86TlbEntry) == 32);
  emit_vex (e, 3, 3, 0, 0, 0xf0, T1, 0, rm_reg (T0));
  emit8 (e, VT_PAGE_SHIFT - 5);
  emit_group1 (e, 0, 4, rm_reg (T1), (int32_t) ((VT_X86_TLB_SIZE - 1) << 5));
  size_t tag = write ? offsetof (VtX86TlbEntry, tag_write) : offsetof (VtX86TlbEntry, tag_read);
  emit_op64 (e, 0x33, T0, rm_gs_base (T1, tlb_offset (tr, tag)));
  emit_group1 (e, 1, 7, rm_reg (T0), (int32_t) (VT_PAGE_SIZE - span));
}

/* Checks for the whole group, and keeps what its members need. */
static void
emit_head (VtJitTr *tr, const VtJitGroup *g)
{
  VtEmit *e = &tr->e;
  VtJitAddress a = { .base = g->base, .index = VT_X86_NO_REG, .size = 8, .seg = VT_DS, .disp = g->min - g->head_sp };
  unsigned span = (unsigned) (g->max - g->min);
  uint8_t *retry = e->at;
  vt_jit_emit_address (tr, &a);
  emit_compare (tr, span, g->write);
  emit_miss (tr, &a, span, g->write, retry, CC_A)->ungrouped = g;
  if (g->write)
    {
      emit_load64 (e, T0, rm_gs_base (T1, tlb_offset (tr, offsetof (VtX86TlbEntry, page_flags))));
      emit_store64 (e, rm_slot (slot_of (g) + 8), T0);
      emit_insn (e, (VtEnc) { .opcode = 0x80, .rm8 = true }, 7, rm_base (T0, 0));
      emit8 (e, 0);
      vt_jit_slow (tr, SLOW_UNGROUPED, emit_jcc (e, CC_NE))->ungrouped = g;
    }
  emit_load64 (e, T1, rm_gs_base (T1, tlb_offset (tr, offsetof (VtX86TlbEntry, addend))));
  emit_store64 (e, rm_slot (slot_of (g)), T1);
}

static bool
is_head (const VtJitTr *tr, const VtJitGroup *g, unsigned access)
{
  return &tr->insns[g->head] == tr->in && g->head_access == access;
}

static VtJitPlace
emit_member (VtJitTr *tr, const VtJitGroup *g, unsigned access, const VtJitAddress *a, unsigned align)
{
  VtEmit *e = &tr->e;
  if (is_head (tr, g, access))
    {
      vt_jit_flags_clobber (tr, tr->in->live_before);
      emit_head (tr, g);
    }
  if (align > 1)
    {
      vt_jit_flags_clobber (tr, tr->in->live_before);
      emit_lea64 (e, T0, host_reg (tr, a->base), (int32_t) a->disp);
      emit_alignment (tr, align);
    }
  bool held = tr->held == g && tr->held_at == e->at;
  if (!is_head (tr, g, access) && !held)
    emit_load64 (e, T1, rm_slot (slot_of (g)));
  tr->held = g;
  tr->held_at = e->at;
  return (VtJitPlace) { .rm = beside (tr, a), .spare = T0, .group = slot_of (g) };
}

/* Is the address one instruction that needs nothing but T0? */
static bool
is_one_lea (const VtJitTr *tr, const VtJitAddress *a)
{
  bool base = a->base == VT_X86_NO_REG || (a->base != VT_X86_REG_RIP && host_reg (tr, a->base) != NO_HOST_REG);
  bool index = a->index == VT_X86_NO_REG || host_reg (tr, a->index) != NO_HOST_REG;
  return tr->is64 && a->bits == 0 && a->seg != VT_FS && a->seg != VT_GS && base && index && (a->base != VT_X86_NO_REG || a->index != VT_X86_NO_REG);
}

/* --- All accesses ----------------------------------------------------------------------------------------------------- */

static VtJitPlace
emit_access (VtJitTr *tr, const VtJitAddress *a, unsigned size, bool write, unsigned align)
{
  VtEmit *e = &tr->e;
  unsigned access = tr->access++;
  VtJitGroup *g = vt_jit_group_of (tr, access);
  bool simple = vt_jit_is_simple (tr, a);
  if (g != NULL && simple && !tr->ungrouped)
    return emit_member (tr, g, access, a, align);

  vt_jit_flags_clobber (tr, tr->in->live_before);
  uint8_t *retry = e->at;
  if (g != NULL && is_head (tr, g, access))
    g->label = retry;
  if (simple && a->base == VT_RSP && size <= 8 && align <= 1 && vt_jit_has (tr->jit, VT_JIT_STACK_WINDOW))
    return emit_stack_access (tr, a, size, write, retry);

  if (tr->is64)
    vt_jit_emit_address (tr, a);
  else
    vt_jit_emit_legacy_address (tr, a, size, write);
  emit_compare (tr, size, write);
  VtJitSlow *slow = emit_miss (tr, a, size, write, retry, CC_A);
  if (tr->is64 && !write && align <= 1)
    slow->arg |= JIT_FILL_COPY;
  emit_alignment (tr, align);
  size_t addend = tlb_offset (tr, offsetof (VtX86TlbEntry, addend));
  if (simple && !write)
    {
      emit_load64 (e, T1, rm_gs_base (T1, addend));
      slow->past = e->at;
      return (VtJitPlace) { .rm = beside (tr, a), .spare = T0 };
    }
  /* A LEA does not wait for the tag. Where the address takes more than that, the page comes back from the tag. */
  size_t tag = write ? offsetof (VtX86TlbEntry, tag_write) : offsetof (VtX86TlbEntry, tag_read);
  if (is_one_lea (tr, a))
    vt_jit_emit_address (tr, a);
  else
    emit_op64 (e, 0x33, T0, rm_gs_base (T1, tlb_offset (tr, tag)));
  emit_op64 (e, 0x03, T0, rm_gs_base (T1, addend));
  slow->past = e->at;
  return (VtJitPlace) { .rm = rm_base (T0, 0), .spare = T1, .index = write };
}

VtJitPlace
vt_jit_emit_access (VtJitTr *tr, const VtJitAddress *a, unsigned size, bool write, unsigned align)
{
  VtJitPlace place = emit_access (tr, a, size, write, align);
  if (write)
    vt_jit_lockstep_store (tr, &place, size);
  return place;
}

void
vt_jit_put_index_away (VtJitTr *tr, const VtJitPlace *place)
{
  if (place->index)
    emit_store64 (&tr->e, rm_slot (SLOT_IDX), T1);
}

void
vt_jit_take_index_back (VtJitTr *tr, const VtJitPlace *place)
{
  if (place->index)
    emit_load64 (&tr->e, T1, rm_slot (SLOT_IDX));
}

void
vt_jit_still_held (VtJitTr *tr, const uint8_t *from)
{
  if (tr->held_at == from)
    tr->held_at = tr->e.at;
}

bool
vt_jit_store_waits (const VtJitTr *tr, const VtJitPlace *place, bool write)
{
  return !write || (place->group != 0 && (tr->in->waits >> (tr->access - 1) & 1) != 0);
}

void
vt_jit_emit_stored (VtJitTr *tr, const VtJitPlace *place, unsigned size, unsigned live)
{
  VtEmit *e = &tr->e;
  if (vt_jit_store_waits (tr, place, true))
    return;
  bool save = vt_jit_flags_must_save (tr, live);
  if (save)
    vt_jit_put_index_away (tr, place);
  vt_jit_flags_clobber (tr, live);
  if (save)
    vt_jit_take_index_back (tr, place);
  if (place->group != 0)
    emit_load64 (e, T1, rm_slot (place->group + 8));
  else if (place->window != 0)
    emit_load64 (e, T1, rm_gs (place->window + offsetof (VtStackWindow, page_flags)));
  else
    emit_load64 (e, T1, rm_gs_base (T1, tlb_offset (tr, offsetof (VtX86TlbEntry, page_flags))));
  emit_insn (e, (VtEnc) { .opcode = 0x80, .rm8 = true }, 7, rm_base (T1, 0));
  emit8 (e, 0);
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_WROTE, emit_jcc (e, CC_NE));
  slow->back = e->at;
  slow->arg = size;
  slow->at_t0 = place->rm.kind == RM_BASE && place->rm.reg == T0 && place->rm.disp == 0 && slow->unchecked == 0;
}

/* --- Behind the region's code --------------------------------------------------------------------------------------- */

/* Small, because each access has one: what is common is in the stubs. */

static void
emit_leave (VtJitTr *tr, int32_t off, unsigned kind)
{
  vt_jit_emit_home (tr);
  emit_imm64 (&tr->e, T0, (uint32_t) off);
  emit_jmp_to (&tr->e, tr->jit->stubs.leave[kind]);
}

/* What comes back 5 bytes further goes past the check. */
static void
emit_fill_ways (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  uint8_t *again = emit_jmp (e);
  if (slow->past != NULL)
    {
      vt_jit_emit_back (tr);
      emit_jmp_to (e, slow->past);
    }
  emit_patch (again, e->at);
  vt_jit_emit_back (tr);
  emit_jmp_to (e, slow->back);
}

static void
emit_fill (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  const VtJitInsn *in = &tr->insns[slow->insn];
  tr->in = (VtJitInsn *) in;
  vt_jit_emit_address (tr, &slow->address);
  vt_jit_count_if_left (tr, slow->uncounted);
  emit_imm64 (e, T1, slow->arg | (uint32_t) in->off << JIT_WHERE_SHIFT);
  vt_jit_emit_home (tr);
  if (slow->ungrouped != NULL)
    {
      emit_call_to (e, tr->jit->stubs.try_fill[tr->vectors]);
      vt_jit_emit_back (tr);
      emit_op32 (e, 0x85, T1, rm_reg (T1));
      emit_patch (emit_jcc (e, CC_NE), slow->ungrouped->label);
    }
  else
    emit_call_to (e, tr->jit->stubs.fill[tr->vectors]);
  if (slow->ungrouped == NULL && tr->n_moves > 0)
    emit_fill_ways (tr, slow);
  else
    {
      emit_jmp_to (e, slow->back);
      if (slow->past != NULL)
        emit_jmp_to (e, slow->past);
    }
}

static void
call_wrote (VtJitTr *tr)
{
  vt_jit_emit_home (tr);
  emit_call_to (&tr->e, tr->jit->stubs.wrote[tr->vectors]);
  vt_jit_emit_back (tr);
}

static void
emit_wrote (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  const VtJitInsn *in = &tr->insns[slow->insn];
  /* A call leaves the region in any case. */
  bool call = in->op.cls == JIT_OP_CALL || in->op.cls == JIT_OP_CALL_RM;
  uint32_t where = call ? JIT_NOWHERE : (uint32_t) in->off + in->x.length;
  /* The instruction is done, and so is the shadow that it was in. */
  if (in->ends_shadow)
    vt_jit_end_shadow (tr);
  vt_jit_count_if_left (tr, slow->uncounted + 1);
  emit_store_imm32 (e, rm_slot (SLOT_ARG), slow->arg | where << JIT_WHERE_SHIFT);
  if (!slow->at_t0)
    emit_imm64 (e, T0, 0);
  call_wrote (tr);
  emit_jmp_to (e, slow->back);
}

/* T0 = RIP XOR context. */
static void
emit_lookup (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  emit_store64 (e, rm_slot (SLOT_IDX), T0);
  vt_jit_count_if_left (tr, slow->uncounted);
  emit_imm64 (e, T1, slow->fails == SLOW_INTERPRET ? tr->insns[slow->insn].off : JIT_NOWHERE);
  vt_jit_emit_home (tr);
  emit_call_to (e, tr->jit->stubs.lookup);
  vt_jit_emit_back (tr);
  emit_load64 (e, T0, rm_slot (SLOT_IDX));
  emit_jmp_to (e, slow->back);
}

/* What jumps away for good is a jump from here. */
static uint8_t *
emit_way_home (VtJitTr *tr)
{
  vt_jit_emit_home (tr);
  uint8_t *jump = emit_jmp (&tr->e);
  emit_patch (jump, tr->e.at);
  return jump;
}

static void
emit_exit (VtJitTr *tr, const VtJitSlow *slow)
{
  GArray *links = tr->jit->links;
  VtJitLink link = { .site = slow->site, .way = slow->way };
  if (tr->n_moves > 0)
    link.site = emit_way_home (tr);
  emit_imm64 (&tr->e, T1, links->len);
  g_array_append_val (links, link);
  emit_imm64 (&tr->e, T0, (uint32_t) slow->target);
  emit_jmp_to (&tr->e, tr->jit->stubs.leave_link[slow->way != JIT_WAY_HOST]);
}

static bool
may_leave (const VtJitSlow *slow)
{
  return slow->kind == SLOW_FILL || slow->kind == SLOW_UNGROUPED || slow->kind == SLOW_WROTE || slow->kind == SLOW_INTERPRET
         || slow->kind == SLOW_OP;
}

/* Stores of groups that were to be looked at after the last one of each, which may not come now. */
static void
check_stores (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  if (!may_leave (slow) || slow->unchecked == 0)
    return;
  emit_store64 (e, rm_slot (SLOT_KEEP), T1);
  for (unsigned slot = 0; slot < JIT_GROUPS_PER_BLOCK; slot++)
    if (slow->unchecked >> slot & 1)
      {
        emit_load64 (e, T1, rm_slot (SLOT_GROUPS + 16 * (int32_t) slot + 8));
        emit_insn (e, (VtEnc) { .opcode = 0x80, .rm8 = true }, 7, rm_base (T1, 0));
        emit8 (e, 0);
        uint8_t *fine = emit_jcc (e, CC_E);
        emit_store_imm32 (e, rm_slot (SLOT_ARG), 8 | JIT_NOWHERE << JIT_WHERE_SHIFT);
        emit_imm64 (e, T0, 0);
        call_wrote (tr);
        emit_patch (fine, e->at);
      }
  emit_load64 (e, T1, rm_slot (SLOT_KEEP));
}

/* Flags to memory, where all that can leave expects them. The path of a store needs T1. */
static void
bring_flags (VtJitTr *tr, const VtJitSlow *slow)
{
  if (!may_leave (slow) || slow->recipe.kind == RECIPE_NONE)
    return;
  emit_store64 (&tr->e, rm_slot (SLOT_KEEP), T1);
  vt_jit_emit_recipe_to_memory (tr, &slow->recipe);
  emit_load64 (&tr->e, T1, rm_slot (SLOT_KEEP));
}

static void
emit_slow_path (VtJitTr *tr, VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  if (slow->site != NULL)
    emit_patch (slow->site, e->at);
  tr->reg = slow->reg;
  bring_flags (tr, slow);
  check_stores (tr, slow);
  vt_jit_lockstep_live (tr, slow);
  switch (slow->kind)
    {
    case SLOW_FILL:
      emit_fill (tr, slow);
      break;
    case SLOW_UNGROUPED:
      emit_jmp_to (e, slow->ungrouped->label);
      break;
    case SLOW_WROTE:
      emit_wrote (tr, slow);
      break;
    case SLOW_INTERPRET:
      vt_jit_count (tr, slow->uncounted);
      emit_leave (tr, tr->insns[slow->insn].off, JIT_EXIT_INTERPRET);
      break;
    case SLOW_X87_LOAD:
      vt_jit_emit_home (tr);
      emit_call_to (e, tr->jit->stubs.x87_load[tr->vectors]);
      vt_jit_emit_back (tr);
      emit_jmp_to (e, slow->back);
      break;
    case SLOW_FAR:
      vt_jit_emit_slow_far (tr, slow);
      break;
    case SLOW_LOOKUP:
      emit_lookup (tr, slow);
      break;
    case SLOW_DEAD:
      emit_leave (tr, slow->target, JIT_EXIT_DEAD);
      break;
    case SLOW_POLL:
      emit_leave (tr, slow->target, JIT_EXIT_POLL);
      break;
    case SLOW_EXIT:
      emit_exit (tr, slow);
      break;
    case SLOW_OP:
      vt_jit_emit_slow_op (tr, slow);
      break;
    case SLOW_RETURN:
      tr->in = &tr->insns[slow->insn];
      tr->uncounted = slow->uncounted + 1;
      vt_jit_emit_slow_return (tr, slow);
      break;
    case SLOW_HOT:
      vt_jit_emit_slow_hot (tr, slow);
      break;
    case SLOW_RECIPE:
      vt_jit_emit_slow_recipe (tr, slow);
      break;
    case SLOW_RETURNS_FULL:
      vt_jit_emit_forget_returns (e);
      emit_jmp_to (e, slow->back);
      break;
    case SLOW_FLAGS:
      emit_store64 (e, rm_slot (SLOT_KEEP), T1);
      emit_store64 (e, rm_slot (SLOT_KEEP0), T0);
      emit_call_to (e, tr->jit->stubs.make_flags);
      emit_load64 (e, T1, rm_slot (SLOT_KEEP));
      emit_load64 (e, T0, rm_slot (SLOT_KEEP0));
      emit_jmp_to (e, slow->back);
      break;
    case SLOW_VEC_LOAD:
      emit_call_to (e, tr->jit->stubs.vec_load);
      emit_jmp_to (e, slow->back);
      break;
    }
}

void
vt_jit_emit_slow_paths (VtJitTr *tr)
{
  for (unsigned i = 0; i < tr->n_slow && !tr->too_big; i++)
    {
      if (tr->e.end - tr->e.at < VT_EMIT_MARGIN)
        {
          tr->too_big = tr->jit->full = true;
          return;
        }
      emit_slow_path (tr, &tr->slow[i]);
    }
}
