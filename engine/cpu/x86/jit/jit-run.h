/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The translator's run loop: translated code where there is some, the interpreter for the rest. */
#pragma once

#include "x86-cpu.h"

/* Can this host run translated code? The error says what is missing. */
bool   vt_x86_jit_probe (GError **error);
bool   vt_x86_jit_init (VtX86Cpu *cpu, GError **error);
/* Everything is compared with the interpreter (jit-lockstep.h). */
bool   vt_x86_jit_init_lockstep (VtX86Cpu *cpu, GError **error);
void   vt_x86_jit_free (VtX86Cpu *cpu);
/* See VtAccel.run. A finite budget is the interpreter's business. */
VtExit vt_x86_jit_run (VtX86Cpu *cpu, uint64_t budget);
/* Also VT_EXIT_ERROR at a difference; a budget is kept, but for a few dozen instructions. */
VtExit vt_x86_jit_run_lockstep (VtX86Cpu *cpu, uint64_t budget);
/* For tests, before the first run: translates what has never run before, and with `exact_flags` keeps flags exact at every
 * exit, also those that the guest overwrites unread; with `scatter` each region has other registers in memory (jit-hot.h). */
void   vt_x86_jit_set_eager (VtX86Cpu *cpu, bool exact_flags, bool scatter);
