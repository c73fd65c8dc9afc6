/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which code a region is made of, and which flags somebody needs where.
 *
 * From the first instruction along branches that stay in the page, as far as the interpreter has been: what never ran is
 * not worth translating. And up to where another region starts: that one goes on from there.
 */
#include "jit-translate.h"

#include <Zydis/Mnemonic.h>

/* A stack of offsets to look at; the last one first, so that code stays in the order it falls through. */
typedef struct
{
  uint16_t off[2 * JIT_MAX_BLOCKS];
  unsigned n;
} Todo;

/* Does another region start there, which goes on from there? */
static bool
is_taken (const VtJitTr *tr, unsigned off)
{
  return !tr->hot && vt_jit_region_at (tr->jit, tr->host_page + off, tr->mode) != NULL;
}

static void
todo_push (VtJitTr *tr, Todo *todo, int32_t off)
{
  if (off < tr->code_low || off > tr->code_high || todo->n == G_N_ELEMENTS (todo->off))
    return;
  if (!vt_jit_is_warm (tr->jit, tr->host_page + off, tr->version) || is_taken (tr, (unsigned) off))
    return;
  todo->off[todo->n++] = (uint16_t) off;
}

bool
vt_jit_ends_block (const VtJitOp *op)
{
  return op->cls == JIT_OP_INTERPRET || op->cls == JIT_OP_SYSTEM || op->cls == JIT_OP_JCC || op->cls == JIT_OP_JCXZ || op->cls == JIT_OP_JMP
         || op->cls == JIT_OP_JMP_RM || op->cls == JIT_OP_CALL || op->cls == JIT_OP_CALL_RM || op->cls == JIT_OP_RET;
}

/* Targets are kept as 32-bit offsets from the page's start; a displacement of nearly 2 GiB may not leave room for that. */
static bool
is_too_far (const VtJitInsn *in)
{
  bool relative = in->op.cls == JIT_OP_JCC || in->op.cls == JIT_OP_JMP || in->op.cls == JIT_OP_CALL;
  return relative && (int32_t) in->x.disp > INT32_MAX - (int32_t) (VT_PAGE_SIZE + VT_X86_MAX_INSN);
}

/* In the encoding 66 means 16 bits from here on, as it does for the host. */
static void
parse (const VtJitTr *tr, VtJitInsn *in)
{
  vt_jit_parse (in->raw, in->x.length, tr->code_bits, &in->enc);
  if (tr->code_bits == 16 && vt_jit_size_by_66 (&in->x, &in->enc))
    in->enc.p66 ^= 0x66;
  vt_jit_classify (&in->x, &in->enc, tr->mode, &in->op);
}

static void
classify (VtJitTr *tr, VtJitInsn *in)
{
  parse (tr, in);
  if (!tr->is64 && vt_jit_w_is_gpr_size (&in->x, &in->enc))
    in->enc.rex_w = 0;
  if (vt_jit_is_written_out (tr, in))
    in->op = (VtJitOp) { .cls = JIT_OP_INLINE, .flags_read = vt_jit_inline_reads (in) };
  if (is_too_far (in))
    in->op = (VtJitOp) { .cls = JIT_OP_INTERPRET, .flags_read = F_ALL };
  if (in->op.cls == JIT_OP_JCXZ)
    {
      int32_t target = vt_jit_branch_target (tr, in);
      if (target < 0 || target >= (int32_t) VT_PAGE_SIZE || in->enc.rep != 0)
        in->op = (VtJitOp) { .cls = JIT_OP_INTERPRET, .flags_read = F_ALL };
    }
}

/* The one after STI is part of what is written out for it: it must be simple. */
static bool
goes_on_simply (VtJitTr *tr, VtX86CodeCache *cache, unsigned off)
{
  VtJitInsn next = { .off = (uint16_t) off };
  if (off >= VT_PAGE_SIZE)
    return false;
  const VtX86Block *block = vt_x86_code_find (cache, tr->jit->cpu, tr->linear_page + off);
  if (!block->cached || block->host != tr->host_page + off || block->seen != tr->version)
    return false;
  next.x = block->insn[0];
  memcpy (next.raw, block->raw, next.x.length);
  parse (tr, &next);
  switch (next.op.cls)
    {
    case JIT_OP_MODRM: case JIT_OP_NOP: case JIT_OP_LEA: case JIT_OP_MOV_IMM: case JIT_OP_ACC_IMM: case JIT_OP_PUSH: case JIT_OP_POP:
      return true;
    default:
      return false;
    }
}

/* At the end of a block of the interpreter's: a system instruction after which it looks at everything. */
static void
classify_special (VtJitTr *tr, VtX86CodeCache *cache, VtJitInsn *in)
{
  bool inside = in->op.cls == JIT_OP_INLINE;
  if (inside && in->x.mnemonic == ZYDIS_MNEMONIC_STI)
    inside = goes_on_simply (tr, cache, in->off + in->x.length);
  if (!inside)
    in->op = (VtJitOp) { .cls = JIT_OP_SYSTEM, .flags_read = F_ALL };
}

/* The table is that of the region before, whose notes mean nothing here. */
static void
begin_insn (VtJitInsn *in, const VtX86Insn *x, unsigned off, bool run_start)
{
  *in = (VtJitInsn) { .x = *x, .off = (uint16_t) off, .run_start = run_start };
}

/* Appends the instructions of one interpreter block. Returns the offset behind them, or -1 when code does not go on there. */
static int32_t
append_block (VtJitTr *tr, VtX86CodeCache *cache, const VtX86Block *block, unsigned off, bool run_start, Todo *todo)
{
  const uint8_t *raw = block->raw;
  for (unsigned i = 0; i < block->n; i++)
    {
      if (tr->insn_at[off] != 0)
        {
          tr->leader[off] = true;
          return -1;
        }
      if (tr->n_insns == JIT_MAX_INSNS || (tr->n_insns > 0 && is_taken (tr, off)))
        return -1;
      if ((int32_t) off + block->insn[i].length - 1 > tr->code_high)
        return -1;
      VtJitInsn *in = &tr->insns[tr->n_insns];
      begin_insn (in, &block->insn[i], off, run_start);
      memcpy (in->raw, raw, in->x.length);
      raw += in->x.length;
      run_start = false;
      classify (tr, in);
      if (i == block->n - 1u && block->tail == VT_X86_TAIL_SPECIAL)
        classify_special (tr, cache, in);
      tr->insn_at[off] = (uint16_t) ++tr->n_insns;
      off += in->x.length;
      if (!vt_jit_ends_block (&in->op))
        continue;
      if (in->op.cls == JIT_OP_JCC || in->op.cls == JIT_OP_JCXZ || in->op.cls == JIT_OP_JMP)
        todo_push (tr, todo, vt_jit_branch_target (tr, in));
      if (in->op.cls == JIT_OP_JCC || in->op.cls == JIT_OP_JCXZ)
        todo_push (tr, todo, (int32_t) off);
      return -1;
    }
  return off < VT_PAGE_SIZE ? (int32_t) off : -1;
}

/* Straight on from `off` until code branches. False: not one instruction. */
static bool
append_run (VtJitTr *tr, VtX86CodeCache *cache, unsigned start, uint32_t version, Todo *todo)
{
  int32_t off = (int32_t) start;
  while (off >= 0 && tr->n_insns < JIT_MAX_INSNS && tr->insn_at[off] == 0)
    {
      const VtX86Block *block = vt_x86_code_find (cache, tr->jit->cpu, tr->linear_page + (unsigned) off);
      /* Not cached: across the page's end, or written all the time. */
      if (!block->cached || block->host != tr->host_page + off || block->seen != version)
        {
          tr->far[off] = true;
          break;
        }
      off = append_block (tr, cache, block, (unsigned) off, off == (int32_t) start, todo);
    }
  if (off >= 0 && tr->insn_at[off] != 0)
    tr->leader[off] = true;
  return tr->insn_at[start] != 0;
}

/* --- Blocks ------------------------------------------------------------------------------------------------------- */

static int
block_at (const VtJitTr *tr, int32_t off)
{
  if (off < 0 || off >= (int32_t) VT_PAGE_SIZE || tr->insn_at[off] == 0)
    return -1;
  unsigned insn = tr->insn_at[off] - 1u;
  for (unsigned i = 0; i < tr->n_blocks; i++)
    if (tr->blocks[i].first == insn)
      return (int) i;
  return -1;
}

static void
mark_targets (VtJitTr *tr)
{
  for (unsigned i = 0; i < tr->n_insns; i++)
    {
      const VtJitInsn *in = &tr->insns[i];
      if (in->op.cls != JIT_OP_JCC && in->op.cls != JIT_OP_JCXZ && in->op.cls != JIT_OP_JMP)
        continue;
      int32_t target = vt_jit_branch_target (tr, in);
      if (target >= 0 && target < (int32_t) VT_PAGE_SIZE)
        tr->leader[target] = true;
    }
}

static void
cut_blocks (VtJitTr *tr)
{
  unsigned all = tr->n_insns;
  for (unsigned i = 0; i < tr->n_insns; i++)
    {
      bool start = i == 0 || tr->insns[i].run_start || tr->leader[tr->insns[i].off] || vt_jit_ends_block (&tr->insns[i - 1].op);
      if (!start)
        {
          tr->blocks[tr->n_blocks - 1].n++;
          continue;
        }
      if (tr->n_blocks == JIT_MAX_BLOCKS)
        {
          tr->n_insns = i;
          break;
        }
      tr->blocks[tr->n_blocks++] = (VtJitBlock) { .first = (uint16_t) i, .n = 1, .next = -1, .taken = -1 };
    }
  /* What was cut off is not there. */
  for (unsigned i = tr->n_insns; i < all; i++)
    tr->insn_at[tr->insns[i].off] = 0;
}

static void
connect_blocks (VtJitTr *tr)
{
  for (unsigned i = 0; i < tr->n_blocks; i++)
    {
      VtJitBlock *block = &tr->blocks[i];
      const VtJitInsn *last = &tr->insns[block->first + block->n - 1];
      VtJitClass cls = last->op.cls;
      if (!vt_jit_ends_block (&last->op) || cls == JIT_OP_JCC || cls == JIT_OP_JCXZ)
        block->next = (int16_t) block_at (tr, last->off + last->x.length);
      if (cls == JIT_OP_JCC || cls == JIT_OP_JCXZ || cls == JIT_OP_JMP)
        block->taken = (int16_t) block_at (tr, vt_jit_branch_target (tr, last));
      if (block->next >= 0)
        tr->blocks[block->next].n_ways_in++;
      if (block->taken >= 0)
        tr->blocks[block->taken].n_ways_in++;
      if (block->taken >= 0 && block->taken <= (int) i)
        tr->blocks[block->taken].loop_head = true;
      if (block->next >= 0 && block->next <= (int) i)
        tr->blocks[block->next].loop_head = true;
    }
  for (unsigned i = 1; i < tr->n_blocks; i++)
    tr->blocks[i].chained = tr->blocks[i - 1].next == (int) i && tr->blocks[i].n_ways_in == 1;
}

bool
vt_jit_collect (VtJitTr *tr, VtX86CodeCache *cache, const VtX86CodeSource *source, uint32_t version)
{
  Todo todo = { .n = 0 };
  unsigned start = (unsigned) (source->gpa & VT_PAGE_MASK);
  tr->version = version;
  if (!append_run (tr, cache, start, version, &todo))
    return false;
  while (todo.n > 0 && tr->n_insns < JIT_MAX_INSNS)
    append_run (tr, cache, todo.off[--todo.n], version, &todo);
  mark_targets (tr);
  cut_blocks (tr);
  connect_blocks (tr);
  return tr->n_insns > 0;
}

/* --- Across a page's end --------------------------------------------------------------------------------------------- */

bool
vt_jit_collect_bridge (VtJitTr *tr, VtX86CodeCache *cache, const VtX86CodeSource *source, VtX86CodeSource *next)
{
  uint8_t bytes[VT_X86_MAX_INSN];
  unsigned code_bits = tr->code_bits, left = source->left;
  VtJitInsn *in = &tr->insns[0];
  VtX86Insn  x;
  VtX86Tail tail = VT_X86_TAIL_BRANCH;
  if (left >= VT_X86_MAX_INSN || next->host == NULL)
    return false;
  memcpy (bytes, source->host, left);
  if (vt_x86_code_decode (cache, bytes, left, code_bits, &x, &tail) != VT_X86_NEED_MORE)
    return false;
  memcpy (bytes + left, next->host, VT_X86_MAX_INSN - left);
  if (vt_x86_code_decode (cache, bytes, VT_X86_MAX_INSN, code_bits, &x, &tail) != VT_X86_DECODED)
    return false;
  begin_insn (in, &x, (unsigned) (source->gpa & VT_PAGE_MASK), true);
  memcpy (in->raw, bytes, in->x.length);
  classify (tr, in);
  if (tail == VT_X86_TAIL_SPECIAL)
    in->op = (VtJitOp) { .cls = JIT_OP_SYSTEM, .flags_read = F_ALL };
  tr->n_insns = 1;
  tr->insn_at[in->off] = 1;
  cut_blocks (tr);
  return true;
}

/* --- Liveness ------------------------------------------------------------------------------------------------------ */

static bool
touches_memory (const VtJitInsn *in)
{
  switch (in->op.cls)
    {
    case JIT_OP_PUSH: case JIT_OP_POP: case JIT_OP_LEAVE: case JIT_OP_MOFFS: case JIT_OP_DIV: case JIT_OP_IDIV:
      return true;
    case JIT_OP_MODRM: case JIT_OP_VECTOR: case JIT_OP_X87: case JIT_OP_BIT:
      return in->enc.has_modrm && in->enc.modrm >> 6 != 3;
    default:
      return false;
    }
}

static unsigned
live_before (const VtJitTr *tr, const VtJitInsn *in, unsigned after)
{
  unsigned killed = in->op.keeps ? 0 : in->op.flags_written;
  /* A call or return may be watched by anyone; so may each exit, where flags have to be exact. */
  if (tr->jit->exact_flags && touches_memory (in))
    return F_ALL;
  return (after & ~killed) | in->op.flags_read;
}

/* What the instructions at `off` read before they have written it, as far as they go without a branch. */
static unsigned
look_ahead (VtJitTr *tr, unsigned off)
{
  unsigned wanted = 0, open = F_ALL;
  if (!vt_jit_is_warm (tr->jit, tr->host_page + off, tr->version))
    return F_ALL;
  const VtX86Block *block = vt_x86_code_find (tr->cache, tr->jit->cpu, tr->linear_page + off);
  if (!block->cached || block->host != tr->host_page + off || block->seen != tr->version)
    return F_ALL;
  const uint8_t *raw = block->raw;
  for (unsigned i = 0; i < block->n; i++)
    {
      VtJitInsn in = { .x = block->insn[i], .off = (uint16_t) off };
      memcpy (in.raw, raw, in.x.length);
      classify (tr, &in);
      if (i == block->n - 1u && block->tail == VT_X86_TAIL_SPECIAL)
        break;
      wanted |= in.op.flags_read & open;
      open &= ~(in.op.keeps ? 0u : in.op.flags_written);
      raw += in.x.length;
      off += in.x.length;
      if (vt_jit_ends_block (&in.op))
        break;
    }
  return wanted | open;
}

static unsigned
wanted_at (VtJitTr *tr, unsigned off)
{
  if (tr->wanted[off] == NOT_LOOKED)
    tr->wanted[off] = (uint8_t) look_ahead (tr, off);
  return tr->wanted[off];
}

/* Of a block, or of what is outside at that offset. */
static unsigned
live_at (VtJitTr *tr, int block, int32_t off)
{
  if (block >= 0)
    return tr->blocks[block].live_in;
  if (off < 0 || off >= (int32_t) VT_PAGE_SIZE || tr->far[off] || tr->jit->exact_flags || (tr->mode & JIT_MODE_EDGE))
    return F_ALL;
  const VtJitRegion *region = vt_jit_region_at (tr->jit, tr->host_page + off, tr->mode);
  return region != NULL ? region->live_in : wanted_at (tr, (unsigned) off);
}

static unsigned
live_out (VtJitTr *tr, const VtJitBlock *block)
{
  const VtJitInsn *last = &tr->insns[block->first + block->n - 1];
  VtJitClass cls = last->op.cls;
  bool goes_on = !vt_jit_ends_block (&last->op) || cls == JIT_OP_JCC || cls == JIT_OP_JCXZ;
  bool jumps = cls == JIT_OP_JCC || cls == JIT_OP_JCXZ || cls == JIT_OP_JMP;
  unsigned live = 0;
  if (cls == JIT_OP_CALL)
    return live_at (tr, -1, vt_jit_branch_target (tr, last));
  if (!goes_on && !jumps)
    return F_ALL;
  if (goes_on)
    live |= live_at (tr, block->next, last->off + last->x.length);
  if (jumps)
    live |= live_at (tr, block->taken, vt_jit_branch_target (tr, last));
  return live;
}

static bool
flow_back (VtJitTr *tr, VtJitBlock *block)
{
  unsigned live = live_out (tr, block);
  for (unsigned i = block->n; i-- > 0;)
    {
      VtJitInsn *in = &tr->insns[block->first + i];
      in->live_after = (uint8_t) live;
      live = live_before (tr, in, live);
      in->live_before = (uint8_t) live;
    }
  bool changed = live != block->live_in;
  block->live_in = (uint8_t) live;
  return changed;
}

void
vt_jit_find_liveness (VtJitTr *tr)
{
  bool changed;
  do
    {
      changed = false;
      for (unsigned i = tr->n_blocks; i-- > 0;)
        changed |= flow_back (tr, &tr->blocks[i]);
    }
  while (changed);
}
