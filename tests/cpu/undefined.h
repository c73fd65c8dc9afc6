/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "forms.h"

/* What the manuals leave undefined after an instruction. */
typedef struct
{
  uint32_t rflags;
  uint16_t fsw;
} Undefined;

/* `in`: the state before it, because some flags are undefined for some shift counts only. */
Undefined undefined_after (const Decoded *d, const State *in);
/* Is the destination undefined? Such cases are not run. */
bool undefined_result (const Decoded *d, const State *in);
