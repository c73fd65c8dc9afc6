/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "code-memory.h"

/* Makes vt_code_memory_ops() answer. Once, at start. */
void vt_host_install_code_memory (void);
/* From here on translated code has names for perf(1), in /tmp/perf-PID.map. Before the first machine. */
void vt_host_open_perf_map (void);
