/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that is idle forgets its translations.
 *
 * What an idle guest runs at each tick lies scattered between all that it ran since its start, a few hundred bytes in each of
 * hundreds of host pages, none of which are in the host's caches any more when the next tick comes. Where the host has no large
 * pages for translated code (host/code-memory.c), each of those pages costs a walk through two levels of page tables: on virtual
 * hosts a microsecond, more than all the guest does there. Translated anew, the same code lies in two large pages, or a few
 * dozen small ones, and the rest goes back to the host.
 *
 * It costs a few milliseconds, so it is done only when the machine has been idle for a while, and again only when much has been
 * added to what was in use then.
 */
#include "jit-rest.h"

#include "interp.h"

#define WINDOW_NS   (INT64_C (10) * 1000000000)
#define BUSY_SHARE  20           /* of a window; an idle machine runs for less */
#define LEAST_BYTES (2 * VT_MIB) /* of code beside that in use: less is not worth it */
#define MANY_TIMES  4u           /* the code in use */

void
vt_jit_rest_began (VtJit *jit)
{
  int64_t now = vt_code_memory_ops ()->now_ns ();
  jit->rest.run_since_ns = now;
  if (jit->rest.window_since_ns == 0)
    jit->rest.window_since_ns = now;
}

void
vt_jit_rest_ended (VtJit *jit, bool halted)
{
  VtJitRest *rest = &jit->rest;
  int64_t now = vt_code_memory_ops ()->now_ns ();
  rest->busy_ns += now - rest->run_since_ns;
  int64_t window_ns = now - rest->window_since_ns;
  if (!halted || window_ns < WINDOW_NS)
    return;
  bool idle = rest->busy_ns < window_ns / BUSY_SHARE;
  rest->window_since_ns = now;
  rest->busy_ns = 0;
  if (!idle)
    {
      /* What a busy machine runs is not what an idle one needs. */
      rest->measure = false;
      rest->in_use = 0;
    }
  if (!idle || jit->lockstep != NULL)
    return;
  if (rest->measure)
    rest->in_use = vt_jit_code_bytes (jit);
  rest->measure = vt_jit_code_bytes (jit) > MANY_TIMES * rest->in_use + LEAST_BYTES;
  if (!rest->measure)
    return;
  vt_jit_drop_all (jit);
  vt_jit_cool (jit);
  vt_x86_interp_give_back (jit->cpu);
  vt_jit_cache_give_back (jit);
}
