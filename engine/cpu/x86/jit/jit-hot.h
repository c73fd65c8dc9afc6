/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The second tier: loops that run long are translated again, with the registers that they use in the host's.
 *
 * Three general registers of the guest have no host register (jit-regs.h). In most code that is right, but a cipher's or a
 * compressor's inner loop may live on just these. Where a region's loops would gain, their rounds are counted; a loop that goes
 * round often, for each time that the region is entered, leaves to vt_jit_grow(). What that makes starts at the loop's head, takes
 * all that the loop reaches in its page, whatever is translated of it already, and keeps those three in memory that are used least there.
 *
 * Everything outside expects registers at home: where such a region begins and wherever it is left, be it for a moment, up to three
 * pairs change places. These moves change no flags, and neither T0 nor T1.
 */
#pragma once

#include "jit-translate.h"

/* Whether and how: sets tr->own and tr->moves, or tr->counted. Before recipes and groups are found. */
void vt_jit_choose_registers (VtJitTr *tr);
/* What is emitted next finds registers at home, or where the region has them. */
void vt_jit_set_home (VtJitTr *tr);
void vt_jit_set_away (VtJitTr *tr);
/* Registers home, and back; nothing where they are at home. */
void vt_jit_emit_home (VtJitTr *tr);
void vt_jit_emit_back (VtJitTr *tr);

/* At a counted region's entry, and at the heads of its loops. Flags are lost. */
void vt_jit_emit_count_entry (VtJitTr *tr);
void vt_jit_emit_count_round (VtJitTr *tr, const VtJitBlock *head);
/* SLOW_HOT */
void vt_jit_emit_slow_hot (VtJitTr *tr, const VtJitSlow *slow);
