/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interpreter's run loop.
 *
 * Blocks of decoded instructions come from the code cache; a small table by linear address finds most of them without a
 * translation.  Between blocks the loop looks at the request word; after a "special" tail, which may have changed
 * modes or flags, at everything else as well.  Exceptions arrive by longjmp.
 */
#include "interp.h"

#include "code-cache.h"
#include "x86-sys.h"

#define N_JUMPS 8192u

/* A block by the linear address it starts at. */
typedef struct
{
  uint64_t          linear;
  uint64_t          context;   /* see code_context() */
  const VtX86Block *block;
} Jump;

typedef struct
{
  VtX86CodeCache  *cache;
  const VtX86Insn *first;      /* of the instructions not yet counted */
  uint64_t         stop_at;    /* value of stats.instructions */
  uint64_t         careful_at; /* from here on one by one, as a whole block might be too much */
  Jump             jump[N_JUMPS];
} Interp;

void
vt_x86_interp_init (VtX86Cpu *cpu)
{
  if (cpu->interp != NULL)
    return;
  Interp *interp = g_new0 (Interp, 1);
  interp->cache = vt_x86_code_cache_new (cpu->model);
  cpu->interp = interp;
}

void
vt_x86_interp_free (VtX86Cpu *cpu)
{
  Interp *interp = cpu->interp;
  if (interp == NULL)
    return;
  vt_x86_code_cache_free (interp->cache);
  g_free (interp);
  cpu->interp = NULL;
}

/* --- Finding blocks ----------------------------------------------------------------------------------------------- */

/* Whatever, besides the linear address, decides which block runs. Never 0. */
static uint64_t
code_context (const VtX86Cpu *cpu)
{
  return ((uint64_t) cpu->code_generation << 8) | cpu->code_bits | (cpu->cpl == 3);
}

static Jump *
jump_slot (Interp *interp, uint64_t linear)
{
  return &interp->jump[(linear ^ (linear >> 12)) & (N_JUMPS - 1)];
}

static inline bool
jump_hits (const Jump *jump, uint64_t linear, uint64_t context)
{
  return jump->linear == linear && jump->context == context && vt_x86_block_current (jump->block);
}

static __attribute__ ((noinline)) const VtX86Block *
look_up_block (Interp *interp, VtX86Cpu *cpu, uint64_t linear)
{
  cpu->insn = NULL;
  if (cpu->code_bits == 64 && !vt_x86_canonical (linear))
    vt_x86_gp0 (cpu);
  const VtX86Block *block = vt_x86_code_find (interp->cache, cpu, linear);
  if (block->cached)
    *jump_slot (interp, linear) = (Jump) { .linear = linear, .context = code_context (cpu), .block = block };
  return block;
}

static uint64_t
code_linear (const VtX86Cpu *cpu)
{
  if (G_LIKELY (cpu->code_bits == 64))
    return cpu->s.rip;
  return (uint32_t) (cpu->s.seg[VT_CS].base + cpu->s.rip);
}

/* --- Executing ---------------------------------------------------------------------------------------------------- */

static inline __attribute__ ((always_inline)) void
execute (Interp *interp, VtX86Cpu *cpu, const VtX86Block *block, unsigned n)
{
  const VtX86Insn *insn = block->insn;
  uint64_t rip = cpu->s.rip;

  interp->first = insn;
  cpu->block_stop = insn + n;
  do
    {
      cpu->s.rip = rip;
      cpu->insn = insn;
      rip += insn->length;
      cpu->next_rip = rip;
      insn->op (cpu, insn);
      /* Ops may go on to the next by themselves (forms.h). */
      insn = cpu->insn;
      rip = cpu->next_rip;
    }
  while (++insn != cpu->block_stop);
  cpu->s.rip = rip;
  cpu->vcpu.stats.instructions += (uint64_t) (insn - block->insn);
}

/* Nothing is under way any more. */
static void
between_instructions (Interp *interp, VtX86Cpu *cpu)
{
  interp->first = NULL;
  cpu->insn = NULL;
}

/* Outside 64-bit mode the whole block has to lie inside the code segment; otherwise instruction by instruction. */
static unsigned
fetch_limit (VtX86Cpu *cpu, const VtX86Block *block)
{
  uint64_t limit = cpu->s.seg[VT_CS].limit;
  cpu->s.rip = (uint32_t) cpu->s.rip;
  if (G_LIKELY (cpu->s.rip + block->bytes - 1 <= limit))
    return block->n;
  if (cpu->s.rip + block->insn[0].length - 1 > limit)
    {
      between_instructions (cpu->interp, cpu);
      vt_x86_gp0 (cpu);
    }
  return 1;
}

void
vt_x86_interp_run_part (VtX86Cpu *cpu, unsigned n)
{
  Interp *interp = cpu->interp;
  uint64_t linear = code_linear (cpu);
  const Jump *jump = jump_slot (interp, linear);
  const VtX86Block *block = jump->block;
  if (G_UNLIKELY (!jump_hits (jump, linear, code_context (cpu))))
    {
      interp->first = NULL;
      block = look_up_block (interp, cpu, linear);
    }
  execute (interp, cpu, block, MIN (n, cpu->code_bits == 64 ? block->n : fetch_limit (cpu, block)));
  between_instructions (interp, cpu);
}

void
vt_x86_interp_run_block (VtX86Cpu *cpu)
{
  vt_x86_interp_run_part (cpu, UINT_MAX);
}

/* Straight on from block to block while nothing but branches happens: the mode stays what it is. */
static inline __attribute__ ((always_inline)) void
run_blocks (Interp *interp, VtX86Cpu *cpu, bool is_64)
{
  uint64_t context = code_context (cpu);
  const VtX86Block *block;
  do
    {
      uint64_t linear = is_64 ? cpu->s.rip : (uint32_t) (cpu->s.seg[VT_CS].base + cpu->s.rip);
      const Jump *jump = jump_slot (interp, linear);
      block = jump->block;
      if (G_UNLIKELY (!jump_hits (jump, linear, context)))
        {
          interp->first = NULL;
          block = look_up_block (interp, cpu, linear);
          context = code_context (cpu);
        }
      execute (interp, cpu, block, is_64 ? block->n : fetch_limit (cpu, block));
    }
  while (block->tail == VT_X86_TAIL_BRANCH && vt_vcpu_requests (&cpu->vcpu) == 0
         && cpu->vcpu.stats.instructions < interp->careful_at);
  between_instructions (interp, cpu);
}

void
vt_x86_interp_run_one (VtX86Cpu *cpu)
{
  Interp *interp = cpu->interp;
  between_instructions (interp, cpu);
  vt_x86_before_insn (cpu);
  const VtX86Block *block = look_up_block (interp, cpu, code_linear (cpu));
  if (cpu->code_bits != 64)
    fetch_limit (cpu, block);
  execute (interp, cpu, block, 1);
  between_instructions (interp, cpu);
  vt_x86_after_insn (cpu);
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

/* False: leave the run loop. */
static bool
serve_requests (VtX86Cpu *cpu)
{
  uint32_t requests = vt_vcpu_requests (&cpu->vcpu);
  if (vt_vcpu_take (&cpu->vcpu, VT_VCPU_VIEW | VT_VCPU_FLUSH))
    vt_x86_take_view (cpu);
  vt_vcpu_take (&cpu->vcpu, VT_VCPU_CODE);
  if (requests & VT_VCPU_INTERRUPT)
    vt_x86_service_events (cpu);
  return !(requests & (VT_VCPU_STOP | VT_VCPU_EXCLUSIVE));
}

bool
vt_x86_interp_may_continue (VtX86Cpu *cpu, VtExit *exit)
{
  Interp *interp = cpu->interp;
  *exit = VT_EXIT_STOP;
  if (vt_vcpu_requests (&cpu->vcpu) != 0 && !serve_requests (cpu))
    return false;
  vt_x86_update_checks (cpu);
  if (G_UNLIKELY (cpu->s.activity != VT_X86_RUNNING))
    {
      *exit = cpu->s.activity == VT_X86_SHUTDOWN ? VT_EXIT_SHUTDOWN : VT_EXIT_HALT;
      return false;
    }
  *exit = VT_EXIT_BUDGET;
  return cpu->vcpu.stats.instructions < interp->stop_at;
}

/* An exception ended a block early: count what had retired. */
static void
count_retired (Interp *interp, VtX86Cpu *cpu)
{
  if (interp->first != NULL && cpu->insn != NULL)
    cpu->vcpu.stats.instructions += (uint64_t) (cpu->insn - interp->first);
  interp->first = NULL;
  cpu->insn = NULL;
}

VtX86CodeCache *
vt_x86_interp_cache (VtX86Cpu *cpu)
{
  return ((Interp *) cpu->interp)->cache;
}

void
vt_x86_interp_give_back (VtX86Cpu *cpu)
{
  Interp *interp = cpu->interp;
  interp->first = NULL;
  cpu->insn = NULL;
  memset (interp->jump, 0, sizeof interp->jump);
  vt_x86_code_cache_give_back (interp->cache);
}

void
vt_x86_interp_begin (VtX86Cpu *cpu, uint64_t budget)
{
  vt_x86_interp_init (cpu);
  vt_vcpu_set_current (&cpu->vcpu);
  Interp *interp = cpu->interp;
  uint64_t done = cpu->vcpu.stats.instructions;
  interp->stop_at = budget < UINT64_MAX - done ? done + budget : UINT64_MAX;
  interp->careful_at = interp->stop_at - MIN (interp->stop_at, VT_X86_MAX_BLOCK);
}

void
vt_x86_interp_unwound (VtX86Cpu *cpu)
{
  Interp *interp = cpu->interp;
  count_retired (interp, cpu);
  /* Counts as one, so that a budget ends even when nothing but exceptions happens. */
  if (interp->stop_at != UINT64_MAX)
    interp->stop_at--;
  vt_x86_deliver_exception (cpu);
}

VtExit
vt_x86_interp_run (VtX86Cpu *cpu, uint64_t budget)
{
  VtExit exit = VT_EXIT_STOP;
  vt_x86_interp_begin (cpu, budget);
  if (setjmp (cpu->unwind) != 0)
    vt_x86_interp_unwound (cpu);
  while (vt_x86_interp_may_continue (cpu, &exit))
    {
      Interp *interp = cpu->interp;
      if (G_UNLIKELY (cpu->attention) || cpu->vcpu.stats.instructions >= interp->careful_at)
        vt_x86_interp_run_one (cpu);
      else if (G_LIKELY (cpu->code_bits == 64))
        run_blocks (interp, cpu, true);
      else
        run_blocks (interp, cpu, false);
    }
  vt_x86_sync_flags (cpu);
  return exit;
}

VtExit
vt_x86_step (VtX86Cpu *cpu)
{
  return vt_x86_interp_run (cpu, 1);
}
