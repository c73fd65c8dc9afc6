/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interpreter's run loop. */
#pragma once

#include "x86-cpu.h"

/* Makes the decode cache; the first run does so by itself. */
void   vt_x86_interp_init (VtX86Cpu *cpu);
void   vt_x86_interp_free (VtX86Cpu *cpu);
/* See VtAccel.run. */
VtExit vt_x86_interp_run (VtX86Cpu *cpu, uint64_t budget);
/* One instruction, with whatever exception or event comes first. */
VtExit vt_x86_step (VtX86Cpu *cpu);
