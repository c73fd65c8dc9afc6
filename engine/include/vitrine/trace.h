/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "machine.h"

/* Turns trace events on or off by glob; see `vitrinectl trace --list`. Returns how many matched. */
unsigned vt_machine_trace (const char *glob, bool on);
/* From now on the events that match one of @globs (NULL-ended) are lines in the pipe @fd: "SECONDS GROUP.EVENT ARGUMENTS". It is
 * taken in any case, and made not to block: events that nobody reads in time are left out, and counted in a line. An error when
 * nothing matches a glob, and while somebody else traces this process. */
bool     vt_machine_trace_begin (const char *const *globs, int fd, GError **error);
/* All events are off, and the pipe is closed. */
void     vt_machine_trace_end (void);
void     vt_machine_trace_foreach (void (*visit) (void *opaque, const char *group, const char *name, bool on), void *opaque);
