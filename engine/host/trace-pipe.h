/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace events as lines of text in a pipe: "SECONDS GROUP.EVENT ARGUMENTS", SECONDS of this host's monotonic clock since it began. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Takes @fd in any case, and makes it not block: a guest never waits for who reads. What does not fit is left out, and a line says
 * how many events those were. An error while there is another one. Any thread. */
bool vt_host_trace_begin (int fd, GError **error);
/* Closes it; nothing to do without one. Any thread. */
void vt_host_trace_end (void);
