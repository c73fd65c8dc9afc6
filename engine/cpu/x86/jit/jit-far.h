/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Direct calls and jumps to other pages.
 *
 * Where such a jump goes depends on what its target's address means at the moment. Each has a key, page_rip XOR context, for
 * which the answer is known: then it jumps straight to the target's code. Otherwise it asks the table of known jumps, and every
 * now and then C, which links it to what it finds or, when it was linked for another key, lets it be for a while.
 *
 * A link says no more than the table does: who makes an address mean something else changes the context. When its target dies
 * it is taken back.
 */
#pragma once

#include "jit-translate.h"

struct VtJitFar
{
  VtJitRegion *target;     /* NULL: not linked */
  VtJitFar    *next;       /* others to the same target ... */
  VtJitFar   **back;       /* ... and who points here */
  uint8_t     *key;        /* writable mapping, as all in the code memory; NO_FAR_KEY: none */
  uint8_t     *jump;       /* displacement of the jump, which goes to stubs.far_go while not linked */
  uint32_t     where;      /* as for vt_jit_lookup() */
  int32_t      patience;   /* misses until C is asked */
  int32_t      wait;       /* patience next time */
};

/* `call`: calls vt_jit_far (T0, T1), its result to T1. */
void vt_jit_make_far_stubs (VtJit *jit, VtEmit *e, const uint8_t *call);

/* --- In regions --- */
/* Makes sure that the jump which follows goes to `off` from the page's start; flags and T0, T1 are lost. NULL: no room. `on_miss`:
 * SLOW_POLL or SLOW_INTERPRET, where nothing is known there. */
VtJitFar *vt_jit_emit_far_check (VtJitTr *tr, int32_t off, VtJitSlowKind on_miss);
/* The jump or call itself. */
void vt_jit_emit_far_jump (VtJitTr *tr, VtJitFar *link, int32_t off, bool call);
/* SLOW_FAR */
void vt_jit_emit_slow_far (VtJitTr *tr, const VtJitSlow *slow);
/* What the checks so far compare with, which is data of the common path. */
void vt_jit_emit_far_keys (VtJitTr *tr);
