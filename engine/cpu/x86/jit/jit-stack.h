/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What branches need of the stack. */
#pragma once

#include "jit-translate.h"

/* RSP or ESP += delta; flags stay. */
void vt_jit_move_sp (VtJitTr *tr, int32_t delta);
/* The word at guest register + disp. */
VtJitPlace vt_jit_access_stack (VtJitTr *tr, unsigned guest, int32_t disp, bool write);
void vt_jit_load_word (VtJitTr *tr, const VtJitPlace *place, unsigned reg);
/* Pushes the word in a slot of the host's stack, or RIP at an offset from the page's start. */
void vt_jit_push_slot (VtJitTr *tr, unsigned slot, unsigned live);
void vt_jit_push_rip (VtJitTr *tr, int32_t off, bool host_too, unsigned live);
