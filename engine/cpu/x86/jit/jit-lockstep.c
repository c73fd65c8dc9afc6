/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See jit-lockstep.h. */
#include "jit-lockstep.h"

#include "flags.h"
#include "interp.h"
#include "x86-sys.h"

#define STRETCH 32u    /* instructions after which a poll leaves */
#define COUNTER (offsetof (VtX86Cpu, vcpu) + offsetof (VtVcpu, stats) + offsetof (VtVcpuStats, translated_instructions))

/* --- Emitting ------------------------------------------------------------------------------------------------------- */

static void
push (VtEmit *e, unsigned reg)
{
  emit8 (e, 0x50 | reg);
}

static void
pop (VtEmit *e, unsigned reg)
{
  emit8 (e, 0x58 | reg);
}

/* T0: address on the host; SLOT_ARG: size. Changes nothing else. */
void
vt_jit_lockstep_make_stub (VtJit *jit, VtEmit *e)
{
  static const uint8_t saved[] = { H_RAX, H_RCX, H_RSI, H_RDI };
  if (jit->lockstep == NULL)
    return;
  jit->stubs.store = e->at;
  for (unsigned i = 0; i < G_N_ELEMENTS (saved); i++)
    push (e, saved[i]);
  emit_load32 (e, H_RCX, rm_slot (SLOT_ARG));
  emit_load64 (e, H_RAX, rm_gs (TRANSLATED (next_store)));
  emit_store64 (e, rm_base (H_RAX, offsetof (VtJitStore, host)), H_RDI);
  emit_store64 (e, rm_base (H_RAX, offsetof (VtJitStore, size)), H_RCX);
  emit_mov64 (e, H_RSI, H_RDI);
  emit_lea64 (e, H_RDI, H_RAX, offsetof (VtJitStore, old));
  emit8 (e, 0xf3);        /* rep movsb */
  emit8 (e, 0xa4);
  emit_lea64 (e, H_RAX, H_RAX, sizeof (VtJitStore));
  emit_store64 (e, rm_gs (TRANSLATED (next_store)), H_RAX);
  for (unsigned i = G_N_ELEMENTS (saved); i-- > 0;)
    pop (e, saved[i]);
  emit8 (e, 0xc3);
}

void
vt_jit_lockstep_store (VtJitTr *tr, const VtJitPlace *place, unsigned size)
{
  VtEmit *e = &tr->e;
  if (tr->jit->lockstep == NULL)
    return;
  emit_store_imm32 (e, rm_slot (SLOT_ARG), size);
  if (place->rm.kind != RM_BASE || place->rm.reg != T0 || place->rm.disp != 0)
    emit_op64 (e, 0x8d, T0, place->rm);
  emit_call_to (e, tr->jit->stubs.store);
}

static unsigned
live_at_target (const VtJitTr *tr, int32_t off)
{
  bool known = off >= 0 && off < (int32_t) VT_PAGE_SIZE && tr->insn_at[off] != 0;
  return known ? tr->insns[tr->insn_at[off] - 1].live_before : F_ALL;
}

void
vt_jit_lockstep_live (VtJitTr *tr, const VtJitSlow *slow)
{
  const VtJitInsn *in = &tr->insns[slow->insn];
  unsigned live = F_ALL;
  if (tr->jit->lockstep == NULL)
    return;
  switch (slow->kind)
    {
    case SLOW_FILL:
    case SLOW_INTERPRET:
    case SLOW_OP:
      live = in->live_before;
      break;
    case SLOW_WROTE:
      live = in->live_after;
      break;
    case SLOW_EXIT:
      live = slow->way == JIT_WAY_BACK ? F_ALL : in->live_after;
      break;
    case SLOW_POLL:
    case SLOW_DEAD:
      live = live_at_target (tr, slow->target);
      break;
    case SLOW_FAR:
    case SLOW_LOOKUP:
      break;
    default:
      return;
    }
  emit_store_imm32 (&tr->e, rm_gs (TRANSLATED (live)), live);
}

void
vt_jit_lockstep_live_before (VtJitTr *tr)
{
  if (tr->jit->lockstep != NULL)
    emit_store_imm32 (&tr->e, rm_gs (TRANSLATED (live)), tr->in->live_before);
}

void
vt_jit_lockstep_poll (VtJitTr *tr, unsigned off)
{
  VtEmit *e = &tr->e;
  if (tr->jit->lockstep == NULL)
    return;
  emit_load64 (e, T1, rm_gs (COUNTER));
  emit_op64 (e, 0x3b, T1, rm_gs (TRANSLATED (count_limit)));
  vt_jit_slow (tr, SLOW_POLL, emit_jcc (e, CC_AE))->target = (int32_t) off;
}

void
vt_jit_lockstep_begin_region (VtJitTr *tr)
{
  VtJitLockstep *l = tr->jit->lockstep;
  if (l == NULL)
    return;
  /* Everything was dropped: what follows has lower addresses. */
  guint n = l->stretches->len;
  if (n > 0 && tr->e.at < g_array_index (l->stretches, VtJitStretch, n - 1).end)
    {
      g_array_set_size (l->stretches, 0);
      g_array_set_size (l->marks, 0);
    }
  VtJitStretch stretch = { .start = tr->e.at, .end = tr->e.at, .first_mark = l->marks->len };
  g_array_append_val (l->stretches, stretch);
}

void
vt_jit_lockstep_mark (VtJitTr *tr)
{
  VtJitLockstep *l = tr->jit->lockstep;
  if (l == NULL)
    return;
  VtJitMark mark = { tr->host_page + tr->in->off, tr->e.at };
  g_array_append_val (l->marks, mark);
}

void
vt_jit_lockstep_end_region (VtJitTr *tr, const VtJitRegion *region)
{
  VtJitLockstep *l = tr->jit->lockstep;
  if (l == NULL)
    return;
  VtJitStretch *stretch = &g_array_index (l->stretches, VtJitStretch, l->stretches->len - 1);
  stretch->end = tr->e.at;
  stretch->n_marks = l->marks->len - stretch->first_mark;
}

/* --- Start of a stretch ------------------------------------------------------------------------------------------------ */

VtJitLockstep *
vt_jit_lockstep_new (VtX86Cpu *cpu)
{
  VtJitLockstep *l = g_new0 (VtJitLockstep, 1);
  l->cpu = cpu;
  l->marks = g_array_new (FALSE, FALSE, sizeof (VtJitMark));
  l->stretches = g_array_new (FALSE, FALSE, sizeof (VtJitStretch));
  return l;
}

void
vt_jit_lockstep_free (VtJitLockstep *l)
{
  if (l == NULL)
    return;
  g_array_unref (l->marks);
  g_array_unref (l->stretches);
  g_free (l);
}

static VtJitLockstep *
lockstep_of (VtX86Cpu *cpu)
{
  return ((VtJit *) cpu->accel_data)->lockstep;
}

/* No device writes to memory in the middle of a stretch. */
static void
lock_devices (VtJitLockstep *l)
{
  VtLock *lock = vt_mem_machine_lock (l->cpu->vcpu.mem);
  if (lock == NULL || l->locked)
    return;
  vt_lock_polite (lock);
  l->locked = true;
}

static void
unlock_devices (VtJitLockstep *l)
{
  if (!l->locked)
    return;
  l->locked = false;
  vt_unlock (vt_mem_machine_lock (l->cpu->vcpu.mem));
}

/* The state is complete, but for the flags, which are where translated code has them. */
static void
begin (VtJitLockstep *l, uint64_t count)
{
  VtX86Cpu *cpu = l->cpu;
  lock_devices (l);
  vt_jit_flags_to_state (cpu);
  l->start = cpu->s;
  l->start_flags = flags_get (cpu);
  if (l->carry && l->carry_rip == cpu->s.rip && l->carry_count == cpu->vcpu.stats.instructions)
    l->start_flags = l->carry_flags;
  l->carry = false;
  l->count = count;
  cpu->translated.next_store = l->theirs;
}

/* --- The interpreter's turn --------------------------------------------------------------------------------------------- */

static void
note_store (VtX86Cpu *cpu, uint8_t *host, unsigned len)
{
  VtJitLockstep *l = lockstep_of (cpu);
  l->device |= host == NULL;
  if (host == NULL || l->n_stores == JIT_LOCKSTEP_STORES || len > sizeof l->ours[0].old)
    {
      l->device = true;
      longjmp (cpu->unwind, 1);
    }
  VtJitStore *store = &l->ours[l->n_stores++];
  store->host = host;
  store->size = len;
  memcpy (store->old, host, len);
}

static void
undo (VtJitStore *stores, unsigned n)
{
  while (n-- > 0)
    memcpy (stores[n].host, stores[n].old, stores[n].size);
}

static void
set_state (VtJitLockstep *l, const VtX86State *state, uint32_t flags)
{
  l->cpu->s = *state;
  flags_put (l->cpu, flags);
  /* The stretch may have changed privilege. */
  vt_x86_update_mode (l->cpu);
}

static void
remember (VtX86Cpu *cpu, VtJitTrace *trace)
{
  VtX86CodeSource source;
  *trace = (VtJitTrace) { .rip = cpu->s.rip, .rcx = (unsigned) cpu->s.gpr[VT_RCX] };
  uint64_t linear = vt_jit_linear (cpu, cpu->s.rip);
  vt_x86_code_source (cpu, linear, &source);
  trace->guest = source.host;
  unsigned first = MIN (source.left, VT_X86_MAX_INSN);
  if (source.host != NULL)
    memcpy (trace->bytes, source.host, first);
  VtX86Insn insn;
  VtX86Tail tail;
  if (first < VT_X86_MAX_INSN
      && vt_x86_code_decode (vt_x86_interp_cache (cpu), trace->bytes, first, cpu->code_bits, &insn, &tail) == VT_X86_NEED_MORE)
    {
      vt_x86_code_source (cpu, linear + first, &source);
      if (source.host != NULL)
        memcpy (trace->bytes + first, source.host, VT_X86_MAX_INSN - first);
    }
}

static void
run_to (VtX86Cpu *cpu, uint64_t end, VtJitTrace *trace)
{
  while (cpu->vcpu.stats.instructions < end)
    {
      if (trace != NULL)
        remember (cpu, trace++);
      /* Behind an STI. */
      if (cpu->attention)
        {
          vt_x86_interp_run_one (cpu);
          continue;
        }
      vt_x86_interp_run_part (cpu, trace != NULL ? 1 : (unsigned) (end - cpu->vcpu.stats.instructions));
    }
}

/* `n` instructions from the start. `trace`: nullable. */
static void
run_interpreter (VtJitLockstep *l, unsigned n, VtJitTrace *trace)
{
  VtX86Cpu *cpu = l->cpu;
  jmp_buf before;
  memcpy (&before, &cpu->unwind, sizeof before);
  set_state (l, &l->start, l->start_flags);
  l->n_stores = 0;
  l->raised = l->device = false;
  vt_x86_watch_stores (cpu, note_store);
  uint64_t end = cpu->vcpu.stats.instructions + n;
  if (setjmp (cpu->unwind) == 0)
    run_to (cpu, end, trace);
  else
    {
      l->raised = true;
      cpu->insn = NULL;
    }
  cpu->vcpu.stats.instructions = end;
  /* The interpreter cuts EIP as it fetches the next instruction. */
  if (cpu->code_bits != 64)
    cpu->s.rip = (uint32_t) cpu->s.rip;
  vt_x86_watch_stores (cpu, NULL);
  memcpy (&cpu->unwind, &before, sizeof before);
  l->end_flags = flags_get (cpu);
}

/* --- Comparing ---------------------------------------------------------------------------------------------------------- */

static uint32_t
arithmetic_flags (unsigned set)
{
  static const uint32_t flags[] = { X86_RFLAGS_CF, X86_RFLAGS_PF, X86_RFLAGS_AF, X86_RFLAGS_ZF, X86_RFLAGS_SF, X86_RFLAGS_OF };
  uint32_t mask = 0;
  for (unsigned i = 0; i < G_N_ELEMENTS (flags); i++)
    mask |= set >> i & 1 ? flags[i] : 0;
  return mask;
}

static bool
covers (const VtJitStore *store, const uint8_t *host)
{
  return host >= store->host && host < store->host + store->size;
}

/* Bytes that only the interpreter has written have to be what they were. */
static bool
same_elsewhere (const VtJitLockstep *l, const VtJitStore *ours, unsigned n_theirs)
{
  for (unsigned i = 0; i < ours->size; i++)
    {
      bool known = ours->old[i] == ours->host[i];
      for (unsigned k = 0; k < n_theirs && !known; k++)
        known = covers (&l->theirs[k], ours->host + i);
      if (!known)
        return false;
    }
  return true;
}

static bool
same_memory (const VtJitLockstep *l, unsigned n_theirs)
{
  for (unsigned i = 0; i < n_theirs; i++)
    if (memcmp (l->theirs[i].host, l->theirs[i].new, l->theirs[i].size) != 0)
      return false;
  for (unsigned i = 0; i < l->n_stores; i++)
    {
      const VtJitStore *ours = &l->ours[i];
      bool twin = i < n_theirs && l->theirs[i].host == ours->host && l->theirs[i].size == ours->size;
      if (!twin && !same_elsewhere (l, ours, n_theirs))
        return false;
    }
  return true;
}

/* The translator leaves FDP alone while exceptions are masked, as newer processors do (FDP_EXCPTN_ONLY). */
static void
excuse_fdp (VtJitLockstep *l)
{
  if ((l->translated.fcw & 0x3f) != 0x3f)
    return;
  l->cpu->s.fdp = l->translated.fdp;
  l->cpu->s.fds = l->translated.fds;
}

static bool
same_state (const VtJitLockstep *l)
{
  const VtX86State *a = &l->cpu->s, *b = &l->translated;
  return memcmp (a->gpr, b->gpr, sizeof a->gpr) == 0 && a->rip == b->rip && ((a->rflags ^ b->rflags) & ~(uint64_t) X86_RFLAGS_ARITH) == 0
         && memcmp ((const uint8_t *) a + offsetof (VtX86State, seg), (const uint8_t *) b + offsetof (VtX86State, seg),
                    sizeof *a - offsetof (VtX86State, seg)) == 0;
}

G_NORETURN static void
give_up (VtJitLockstep *l, unsigned n, const char *what)
{
  VtX86Cpu *cpu = l->cpu;
  undo (l->ours, l->n_stores);
  g_autofree VtJitTrace *trace = g_new0 (VtJitTrace, n + 1);
  run_interpreter (l, n, trace);
  l->excused = l->excuses && vt_jit_lockstep_may_differ (trace, n, cpu->code_bits);
  g_autofree char *report = vt_jit_lockstep_report (l, trace, n, what);
  if (!l->excused)
    g_printerr ("%s", report);
  g_free (cpu->vcpu.failure);
  cpu->vcpu.failure = g_strdup_printf ("The translator and the interpreter differ at 0x%" G_GINT64_MODIFIER "x: %s", l->start.rip, what);
  vt_x86_cpu_settle (cpu);
  unlock_devices (l);
  longjmp (l->out, 1);
}

/* Do the flags differ in what is defined? The interpreter's end state is in the vCPU; it comes back. */
static bool
flags_defined (VtJitLockstep *l, unsigned n, uint32_t differing)
{
  g_autofree VtJitTrace *trace = g_new0 (VtJitTrace, n + 1);
  undo (l->ours, l->n_stores);
  run_interpreter (l, n, trace);
  return (differing & ~vt_jit_lockstep_undefined (trace, n, l->cpu->code_bits)) != 0;
}

/* The next stretch starts here, unless something comes in between; `flags` are the interpreter's. */
static void
go_on_from (VtJitLockstep *l, uint32_t flags)
{
  l->carry = true;
  l->carry_rip = l->cpu->s.rip;
  l->carry_count = l->cpu->vcpu.stats.instructions;
  l->carry_flags = flags;
}

/* The end of a stretch: the translator's state is complete, RIP included. It is there again afterwards. */
static void
finish (VtJitLockstep *l, uint64_t count, unsigned live)
{
  VtX86Cpu *cpu = l->cpu;
  unsigned n = (unsigned) (count - l->count), n_stores = (unsigned) ((VtJitStore *) cpu->translated.next_store - l->theirs);
  if (n == 0 && n_stores == 0 && cpu->s.rip == l->start.rip)
    {
      go_on_from (l, l->start_flags);
      return;
    }
  const VtX86Insn *insn = cpu->insn;
  uint64_t next_rip = cpu->next_rip;
  vt_jit_flags_to_state (cpu);
  uint32_t flags = flags_get (cpu), mask = arithmetic_flags (live);
  l->translated = cpu->s;
  for (unsigned i = 0; i < n_stores; i++)
    memcpy (l->theirs[i].new, l->theirs[i].host, l->theirs[i].size);
  undo (l->theirs, n_stores);
  run_interpreter (l, n, NULL);
  l->n_compared += n;
  if (l->raised)
    give_up (l, n, l->device ? "the interpreter came to a device" : "the interpreter raised an exception");
  excuse_fdp (l);
  if (!same_state (l))
    give_up (l, n, "registers");
  if (!same_memory (l, n_stores))
    give_up (l, n, "memory");
  uint32_t differing = (flags ^ l->end_flags) & mask;
  if (differing != 0 && flags_defined (l, n, differing))
    {
      l->translated.rflags = (l->translated.rflags & ~(uint64_t) X86_RFLAGS_ARITH) | flags;
      give_up (l, n, "flags");
    }
  /* Undefined ones are the translator's from here on: only one of the two can have its way. */
  go_on_from (l, (l->end_flags & ~differing) | (flags & differing));
  set_state (l, &l->translated, flags);
  cpu->insn = insn;
  cpu->next_rip = next_rip;
}

/* --- Around and inside translated code ------------------------------------------------------------------------------------ */

void
vt_jit_lockstep_enter (VtX86Cpu *cpu)
{
  uint64_t count = cpu->vcpu.stats.translated_instructions;
  cpu->translated.count_limit = count + STRETCH;
  begin (lockstep_of (cpu), count);
}

void
vt_jit_lockstep_leave (VtX86Cpu *cpu)
{
  VtJitLockstep *l = lockstep_of (cpu);
  finish (l, cpu->vcpu.stats.translated_instructions, cpu->translated.live);
  unlock_devices (l);
}

void
vt_jit_lockstep_unwound (VtX86Cpu *cpu)
{
  unlock_devices (lockstep_of (cpu));
}

/* In the middle of an instruction that has not changed anything yet. What page tables look like afterwards must not be seen by
 * instructions that come before. */
static void
before_fill (VtX86Cpu *cpu, uint32_t what)
{
  VtJitLockstep *l = lockstep_of (cpu);
  uint64_t count = cpu->vcpu.stats.translated_instructions + (uint64_t) (int64_t) cpu->translated.uncounted;
  uint64_t rip = cpu->translated.page_rip + (what >> JIT_WHERE_SHIFT);
  uint8_t x87[sizeof cpu->translated.x87_image];
  bool x87_live = cpu->translated.x87_live != 0;
  cpu->s.rip = cpu->code_bits == 64 ? rip : (uint32_t) rip;
#ifdef __x86_64__
  if (x87_live)
    {
      __asm__ volatile ("fnsave %0" : "=m" (x87));
      memcpy (cpu->translated.x87_image, x87, sizeof x87);
      cpu->translated.x87_saved = 1;
      vt_jit_x87_from_image (cpu);
    }
#endif
  finish (l, count, cpu->translated.live);
  begin (l, count);
#ifdef __x86_64__
  if (x87_live)
    __asm__ volatile ("frstor %0" : : "m" (x87));
#endif
}

uint32_t
vt_jit_lockstep_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what)
{
  before_fill (cpu, what);
  return vt_jit_fill (cpu, linear, what);
}

uint32_t
vt_jit_lockstep_try_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what)
{
  before_fill (cpu, what);
  return vt_jit_try_fill (cpu, linear, what);
}

static void
before_op (VtX86Cpu *cpu, uint32_t where)
{
  VtJitLockstep *l = lockstep_of (cpu);
  uint64_t rip = cpu->translated.page_rip + (where & 0xffff);
  cpu->s.rip = cpu->code_bits == 64 ? rip : (uint32_t) rip;
  vt_jit_x87_from_image (cpu);
  finish (l, cpu->vcpu.stats.translated_instructions, cpu->translated.live);
  unlock_devices (l);
}

uint32_t
vt_jit_lockstep_op (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where)
{
  before_op (cpu, where);
  uint32_t result = vt_jit_op (cpu, insn, where);
  cpu->translated.live = F_ALL;
  begin (lockstep_of (cpu), cpu->vcpu.stats.translated_instructions);
  return result;
}

const void *
vt_jit_lockstep_system (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where)
{
  before_op (cpu, where);
  const void *code = vt_jit_system (cpu, insn, where);
  cpu->translated.live = F_ALL;
  /* A loop of nothing else shall come to an end as well. */
  cpu->translated.count_limit--;
  begin (lockstep_of (cpu), cpu->vcpu.stats.translated_instructions);
  return code;
}
