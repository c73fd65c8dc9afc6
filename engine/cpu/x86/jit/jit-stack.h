/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What branches need of the stack. */
#pragma once

#include "jit-translate.h"

/* RSP or ESP += delta; flags stay. */
void vt_jit_move_sp (VtJitTr *tr, int32_t delta);
/* T0 := host address of the word at guest register + disp; T1 the TLB index. */
void vt_jit_access_stack (VtJitTr *tr, unsigned guest, int32_t disp, bool write);
/* Pushes the word in a slot of the host's stack. */
void vt_jit_push_slot (VtJitTr *tr, unsigned slot, unsigned live);
