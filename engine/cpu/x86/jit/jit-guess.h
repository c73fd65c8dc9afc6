/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loads of a pointer through itself, p = p->next, of which each waits for the one before.
 *
 * Such a load would wait for the address, the index of its TLB entry and the addend there. But neighbouring pages often have one
 * addend, so that it is taken from where the last load left it, and compared with the entry's: the host's processor does not
 * wait for a branch that it predicts. Where it is wrong too often, the load goes the ordinary way from then on.
 */
#pragma once

#include "jit-translate.h"

struct VtJitGuess
{
  uint8_t *site, *plain;   /* what is done instead, once it does not pay */
  uint32_t left;           /* misses until somebody looks how fast they come */
  int64_t  since;          /* when that began, by the host's clock */
};

/* Is the current instruction such a load, from there? */
bool vt_jit_may_guess (const VtJitTr *tr, const VtJitAddress *a);
/* T1: index of the entry, whose tag is right. T0 := its addend. `addend`: offset from the index. */
void vt_jit_emit_guess (VtJitTr *tr, size_t addend);
/* SLOW_GUESS */
void vt_jit_emit_slow_guess (VtJitTr *tr, const VtJitSlow *slow);
