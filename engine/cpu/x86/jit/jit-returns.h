/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls and returns of the guest as calls and returns of the host, which predicts them.
 *
 * A CALL pushes the guest's return address on the host's stack and calls the target's code. A RET takes the guest's return
 * address from the guest's stack to T0 and returns. Where it arrives, the two are compared. When they differ, or nothing is
 * there any more, RET goes through the table of known jumps.
 *
 * The host's stack is a hint that may be forgotten at any time: it is, whenever translated code is left, when an address
 * means something else (translated.context), and when it is full. So whatever it leads to is as good as what runs: code dies
 * with its page, and that comes with a request, which the next region's start looks at.
 */
#pragma once

#include "jit-translate.h"

/* Bytes of the stack that is used for returns, a power of 2; it lies where this bit is set in addresses. */
#define JIT_RETURNS_BYTES 0x4000u

/* --- In stubs --- */
/* RSP := an empty stack for returns below what it is, which is remembered. RAX is lost. */
void vt_jit_emit_enter_returns (VtEmit *e);
/* RSP := as before that. */
void vt_jit_emit_leave_returns (VtEmit *e);
/* Nothing on it is good any more. */
void vt_jit_emit_forget_returns (VtEmit *e);
void vt_jit_make_return_stubs (VtJit *jit, VtEmit *e);

/* --- In regions --- */
/* Makes room for a call, before its return address is pushed. Flags are lost. */
void vt_jit_emit_call_room (VtJitTr *tr);
/* Where a call comes back: behind the call of the host, RIP at `off`. */
void vt_jit_emit_return_point (VtJitTr *tr, int32_t off);
/* T0 := the guest's; RSP of the guest has been moved by `popped` bytes. */
void vt_jit_emit_return (VtJitTr *tr, int32_t popped);
/* SLOW_RETURN */
void vt_jit_emit_slow_return (VtJitTr *tr, const VtJitSlow *slow);
