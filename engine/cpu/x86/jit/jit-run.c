/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The translator's run loop.
 *
 * Code starts in the interpreter. What runs often is translated, and translated code stays among itself until it needs the
 * interpreter, a lookup or the rest of the machine.
 */
#include "jit-run.h"

#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

#include "interp.h"
#include "jit.h"
#include "jit-lockstep.h"
#include "jit-rest.h"
#include "jit-translate.h"
#include "x86-sys.h"

#define EXIT_NONE UINT32_MAX

bool
vt_x86_jit_probe (GError **error)
{
#ifdef __x86_64__
  __builtin_cpu_init ();
  bool able = __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("bmi") && __builtin_cpu_supports ("bmi2");
  if (able && vt_code_memory_ops () != NULL)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, _("The translator needs a processor with AVX2 and BMI2"));
#else
  g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, _("The translator needs an x86-64 processor"));
#endif
  return false;
}

static bool
init (VtX86Cpu *cpu, bool lockstep, GError **error)
{
  if (cpu->accel_data != NULL)
    return true;
  vt_x86_interp_init (cpu);
  VtJit *jit = vt_large_alloc (sizeof *jit + JIT_ARENA_BYTES);
  jit->cpu = cpu;
  jit->techniques = ~cpu->jit_without;
  jit->exact_flags = !vt_jit_has (jit, VT_JIT_LAZY_FLAGS);
  if (!vt_jit_cache_init (jit, error))
    {
      vt_large_free (jit, sizeof *jit + JIT_ARENA_BYTES);
      return false;
    }
  jit->tr = g_new0 (VtJitTr, 1);
  if (lockstep)
    {
      jit->lockstep = vt_jit_lockstep_new (cpu);
      jit->counting = jit->eager = true;
    }
  vt_jit_make_stubs (jit);
  vt_jit_clear_jumps (cpu);
  vt_jit_reset_rounds (cpu);
  cpu->translated.self = cpu;
  /* With several processors each would draw its own line, and their times would not agree to the tick. */
  cpu->tsc_line.wanted = vt_jit_has (jit, VT_JIT_TSC) && !lockstep && cpu->vcpu.exclusive == NULL && cpu->vcpu.clock != NULL && !vt_clock_is_manual (cpu->vcpu.clock);
  cpu->accel_data = jit;
  return true;
}

bool
vt_x86_jit_init (VtX86Cpu *cpu, GError **error)
{
  return init (cpu, false, error);
}

bool
vt_x86_jit_init_lockstep (VtX86Cpu *cpu, GError **error)
{
  return init (cpu, true, error);
}

void
vt_x86_jit_free (VtX86Cpu *cpu)
{
  VtJit *jit = cpu->accel_data;
  if (jit == NULL)
    return;
  vt_jit_cache_free (jit);
  vt_jit_lockstep_free (jit->lockstep);
  g_free (jit->tr);
  vt_large_free (jit, sizeof *jit + JIT_ARENA_BYTES);
  cpu->accel_data = NULL;
}

void
vt_x86_jit_set_eager (VtX86Cpu *cpu, bool exact_flags, bool scatter)
{
  VtJit *jit = cpu->accel_data;
  jit->eager = true;
  jit->scatter = scatter;
  jit->exact_flags = exact_flags;
}

/* --- Finding code ------------------------------------------------------------------------------------------------- */

/* What of pages was written by others, or by the interpreter, since we looked. */
static void
catch_up (VtJit *jit)
{
  if (vt_ram_code_writes () != jit->code_writes)
    vt_jit_drop_written (jit);
}

/* Somebody wants to know how many instructions run, or no longer. */
static void
set_counting (VtJit *jit, bool counting)
{
  jit->counting = counting;
  jit->cpu->translated.uncounted = 0;
  vt_jit_drop_all (jit);
}

static VtJitRegion *
translate (VtJit *jit, const VtX86CodeSource *source, uint64_t linear, unsigned mode, bool hot)
{
  const VtCodeMemoryOps *ops = vt_code_memory_ops ();
  int64_t before = ops->now_ns ();
  VtJitRegion *region = vt_jit_translate (jit, vt_x86_interp_cache (jit->cpu), source, linear, mode, hot);
  jit->cpu->vcpu.stats.translate_ns += (uint64_t) (ops->now_ns () - before);
  return region;
}

static bool
is_hot (const VtJit *jit, uint32_t link)
{
  return link < jit->links->len && g_array_index (jit->links, VtJitLink, link).hot;
}

/* The loop that starts there, again and as a whole (jit-hot.h). `old`: the region there; NULL: none. */
static VtJitRegion *
grow (VtJit *jit, const VtX86CodeSource *source, uint64_t linear, unsigned mode, VtJitRegion *old)
{
  if (old != NULL && old->hot)
    return old;
  unsigned drops = jit->drops;
  VtJitRegion *region = translate (jit, source, linear, mode, true);
  if (jit->drops != drops)
    return region;
  if (region != NULL && old != NULL)
    vt_jit_replace (jit, old, region);
  return region != NULL ? region : old;
}

/* NULL: the interpreter goes first. `warm` counts its executions. */
static const void *
find_code (VtJit *jit, unsigned mode, uint32_t link)
{
  VtX86Cpu *cpu = jit->cpu;
  uint64_t rip = cpu->s.rip;
  const void *code = link == EXIT_NONE ? vt_jit_find_jump (cpu, rip) : NULL;
  if (code != NULL)
    return code;
  if ((cpu->code_bits == 64 && !vt_x86_canonical (rip)) || !vt_jit_in_code_segment (cpu, mode, rip))
    return NULL;

  VtX86CodeSource source;
  uint64_t linear = vt_jit_linear (cpu, rip);
  mode = vt_jit_region_mode (cpu, mode, rip);
  vt_x86_code_source (cpu, linear, &source);
  if (source.host == NULL)
    return NULL;
  unsigned drops = jit->drops;
  VtJitRegion *region = vt_jit_find_region (jit, &source, linear, mode);
  if (link != EXIT_NONE && is_hot (jit, link))
    region = grow (jit, &source, linear, mode, region);
  if (region == NULL && vt_jit_heat_up (jit, source.host, source.ram->page_version[source.ram_page]))
    region = translate (jit, &source, linear, mode, false);
  if (region == NULL)
    return NULL;
  if (link != EXIT_NONE && jit->drops == drops && !(mode & JIT_MODE_EDGE))
    vt_jit_link (jit, link, region);
  return vt_jit_make_known (jit, region, rip, &source);
}

static void
enter (VtJit *jit, const void *code)
{
  typedef uint32_t (*Enter) (const void *);
  VtX86Cpu *cpu = jit->cpu;
  Enter function = (Enter) (uintptr_t) (jit->stubs.enter + (jit->memory.rx - jit->memory.rw));
  vt_jit_set_segment_tops (cpu);
  cpu->insn = NULL;
  cpu->translated.page_rip = vt_jit_page_rip (cpu, cpu->s.rip);
  vt_jit_flags_from_state (cpu);
  if (G_UNLIKELY (jit->lockstep != NULL))
    vt_jit_lockstep_enter (cpu);
  jit->inside = true;
  function (code);
  jit->inside = false;
  vt_jit_x87_from_image (cpu);
  vt_jit_flags_to_state (cpu);
  if (G_UNLIKELY (jit->lockstep != NULL))
    vt_jit_lockstep_leave (cpu);
}

/* --- The loop ----------------------------------------------------------------------------------------------------- */

/* What the next step should know of the last one. */
typedef struct
{
  bool     interpret;   /* the instruction at RIP is for the interpreter */
  bool     link;        /* translated code jumps to RIP: `which` can be made direct */
  uint32_t which;
  uint64_t rip, linear;
  unsigned mode;
} Last;

static void
step (VtJit *jit, Last *last)
{
  VtX86Cpu *cpu = jit->cpu;
  unsigned mode = vt_jit_mode (cpu);
  const void *code = NULL;
  bool counting = __atomic_load_n (&cpu->vcpu.counting, __ATOMIC_RELAXED) || jit->lockstep != NULL;
  if (G_UNLIKELY (counting != jit->counting))
    {
      set_counting (jit, counting);
      last->link = false;
    }
  catch_up (jit);
  /* An interrupt may have come in between. */
  bool undisturbed = cpu->s.rip == last->rip && mode == last->mode && vt_jit_linear (cpu, cpu->s.rip) == last->linear;
  if (mode != JIT_MODE_NONE && !(last->interpret && undisturbed))
    {
      vt_jit_set_context (jit, mode);
      code = find_code (jit, mode, last->link && undisturbed ? last->which : EXIT_NONE);
    }
  *last = (Last) { .mode = JIT_MODE_NONE };
  if (code == NULL)
    {
      vt_x86_interp_run_block (cpu);
      return;
    }
  enter (jit, code);
  uint32_t kind = cpu->translated.exit_kind;
  cpu->vcpu.stats.leaves[kind]++;
  if (kind == JIT_EXIT_DEAD)
    vt_jit_forget_jump (cpu, cpu->s.rip);
  *last = (Last) { .interpret = kind == JIT_EXIT_INTERPRET, .link = kind == JIT_EXIT_LINK,
                   .which = cpu->translated.exit_arg, .rip = cpu->s.rip,
                   .linear = vt_jit_linear (cpu, cpu->s.rip), .mode = mode };
}

static VtExit
run (VtX86Cpu *cpu, uint64_t budget)
{
  VtExit exit = VT_EXIT_STOP;
  vt_code_memory_ops ()->set_gs_base (cpu);
  vt_x86_interp_begin (cpu, budget);
  vt_x86_forget_tsc_line (cpu);
  VtJit *jit = cpu->accel_data;
  vt_jit_rest_began (jit);
  if (setjmp (cpu->unwind) != 0)
    {
      cpu->vcpu.stats.leaves[VT_LEAVE_FAULT] += jit->inside;
      jit->inside = false;
      if (jit->flags_here)
        vt_jit_flags_to_state (cpu);
      jit->flags_here = false;
      if (jit->lockstep != NULL)
        vt_jit_lockstep_unwound (cpu);
      vt_x86_interp_unwound (cpu);
    }
  Last last = { .mode = JIT_MODE_NONE };
  while (vt_x86_interp_may_continue (cpu, &exit))
    {
      if (G_UNLIKELY (cpu->attention))
        vt_x86_interp_run_one (cpu);
      else
        step (jit, &last);
    }
  vt_x86_sync_flags (cpu);
  vt_jit_rest_ended (jit, exit == VT_EXIT_HALT);
  return exit;
}

VtExit
vt_x86_jit_run (VtX86Cpu *cpu, uint64_t budget)
{
  return budget != UINT64_MAX ? vt_x86_interp_run (cpu, budget) : run (cpu, budget);
}

VtExit
vt_x86_jit_run_lockstep (VtX86Cpu *cpu, uint64_t budget)
{
  VtJit *jit = cpu->accel_data;
  if (setjmp (jit->lockstep->out) != 0)
    {
      jit->inside = false;
      return VT_EXIT_ERROR;
    }
  return run (cpu, budget);
}
