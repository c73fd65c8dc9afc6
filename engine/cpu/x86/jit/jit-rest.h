/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that is idle forgets its translations (jit-rest.c). */
#pragma once

#include "jit.h"

/* Around each run of the vCPU, which ends when the guest halts or somebody has a request. vCPU thread, outside translated code. */
void vt_jit_rest_began (VtJit *jit);
void vt_jit_rest_ended (VtJit *jit, bool halted);
