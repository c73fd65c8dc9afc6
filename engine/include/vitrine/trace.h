/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "machine.h"

/* Turns trace events on or off by glob; see `vitrinectl trace --list`. Returns how many matched. */
unsigned vt_machine_trace (const char *glob, bool on);
void     vt_machine_trace_foreach (void (*visit) (void *opaque, const char *group, const char *name, bool on), void *opaque);
