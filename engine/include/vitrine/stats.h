/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "machine.h"

typedef struct
{
  uint64_t instructions, blocks, tlb_fills, tlb_flushes, interrupts, exceptions, io_accesses, halts;   /* all vCPUs */
  double   guest_seconds, host_cpu_seconds;
  uint64_t peak_rss_bytes;
} VtStats;

void vt_machine_stats (VtMachine *machine, VtStats *out);
/* JSON object with the above, for --stats. */
char *vt_machine_stats_json (VtMachine *machine);
