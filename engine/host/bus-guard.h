/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is a file's bytes, and what happens where the file has none: whoever made it shorter, or a disk that cannot read it, shows as a
 * SIGBUS in whatever thread looks at the page. For mappings that are guarded that signal is no crash: all of the mapping becomes zeros, and is
 * marked. One handler for the process, installed at the first guarding; every other SIGBUS goes to the handler that was there before.
 *
 * Any thread. Nothing here takes a lock in the handler. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What is guarded at a time in this process, at most. */
enum { VT_BUS_GUARDS_MOST = 64 };

/* The mapping [start, start + VT_BUS_GUARD_BYTES), all of it this caller's; both are multiples of a page. A number for the other calls, or -1:
 * there are too many. */
#define VT_BUS_GUARD_BYTES ((size_t) (sizeof (void *) > 4 ? 1u << 30 : 1u << 26))
int  vt_bus_guard (void *start);
/* Was anything of it not there since? What was seen of it until now may have been zeros instead. Asked after the last look at it. */
bool vt_bus_guard_failed (int guard);
/* Before the mapping goes. Nobody may be looking at it. */
void vt_bus_unguard (int guard);
