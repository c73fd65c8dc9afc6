/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host memory behind guest RAM, and process-wide set-up. */
#pragma once

#include <glib.h>

#include "mem.h"

/* Once per process, before the first machine: registers the barrier that vt_ram_flags_barrier() uses. */
void vt_host_init (void);

/* Zeroed, lazily committed memory, in large pages where the host gives them. */
VtRam *vt_host_ram_new (const char *name, uint64_t size, GError **error);
/* All zeros again, giving the memory back to the host. Nobody may be using it. */
void   vt_host_ram_clear (VtRam *ram);

/* Resident memory of the process in bytes, at its peak and now (0: unknown), and CPU time of all its threads in seconds. */
uint64_t vt_host_peak_rss_bytes (void);
uint64_t vt_host_rss_bytes (void);
double   vt_host_cpu_seconds (void);

/* Random bytes from the operating system. */
void vt_host_random (uint8_t *bytes, size_t n);
