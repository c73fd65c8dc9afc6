/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interpreter's run loop. */
#pragma once

#include "x86-cpu.h"

/* Makes the decode cache; the first run does so by itself. */
void   vt_x86_interp_init (VtX86Cpu *cpu);
void   vt_x86_interp_free (VtX86Cpu *cpu);
/* Parts of the run loop, for accelerators that run what the interpreter does not. All of them between vt_x86_interp_begin()
 * and the end of the caller's run(); exceptions unwind to cpu->unwind, which the caller has set, and then
 * vt_x86_interp_unwound() delivers them. */
void   vt_x86_interp_begin (VtX86Cpu *cpu, uint64_t budget);
void   vt_x86_interp_unwound (VtX86Cpu *cpu);
/* Serves requests. False: leave run() with *exit. */
bool   vt_x86_interp_may_continue (VtX86Cpu *cpu, VtExit *exit);
/* One block, or with vt_x86_interp_run_one() one instruction under the eyes of the debug registers. */
void   vt_x86_interp_run_block (VtX86Cpu *cpu);
void   vt_x86_interp_run_one (VtX86Cpu *cpu);
/* At most `n` instructions of a block. */
void   vt_x86_interp_run_part (VtX86Cpu *cpu, unsigned n);
struct VtX86CodeCache *vt_x86_interp_cache (VtX86Cpu *cpu);
/* Between runs: all decoded code goes, and its memory back to the host. */
void   vt_x86_interp_give_back (VtX86Cpu *cpu);
/* See VtAccel.run. */
VtExit vt_x86_interp_run (VtX86Cpu *cpu, uint64_t budget);
/* One instruction, with whatever exception or event comes first. */
VtExit vt_x86_step (VtX86Cpu *cpu);
