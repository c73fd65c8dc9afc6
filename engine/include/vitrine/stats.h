/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine has done so far: sums over all processors since the machine was made. */
#pragma once

#include "machine.h"

/* Why translated code was left. */
typedef enum
{
  VT_STATS_EXIT_LOOKUP,      /* a jump whose target was not known */
  VT_STATS_EXIT_LINK,        /* a jump in a page that was not direct yet */
  VT_STATS_EXIT_INTERPRET,   /* an instruction for the interpreter */
  VT_STATS_EXIT_DEAD,        /* the code had been overwritten */
  VT_STATS_EXIT_POLL,        /* a request was waiting: interrupt, pause, memory map */
  VT_STATS_EXIT_FAULT,       /* an exception was raised */
  VT_STATS_EXIT_COUNT,
} VtStatsExit;

/* "lookup" ... */
const char *vt_stats_exit_name (VtStatsExit exit);

/* Counting instructions costs translated code some speed, so it happens only while somebody wants it. */
typedef enum
{
  VT_COUNTED_ALL,      /* every instruction since the start */
  VT_COUNTED_PARTLY,   /* translated code did not count all the time; while `counting`, differences are right */
  VT_COUNTED_NEVER,    /* this accelerator cannot count */
} VtStatsCounted;

typedef struct
{
  const char    *accelerator;               /* "jit" */
  VtStatsCounted counted;
  bool           counting;                  /* at the moment */
  bool           translates;                /* the accelerator is a translator */
  uint64_t       instructions;              /* as far as counted */
  uint64_t       translated_instructions;   /* those of them that translated code executed */
  uint64_t       blocks_decoded, blocks_translated;
  uint64_t       code_bytes;                /* of host code that the translator made */
  double         translation_seconds;
  uint64_t       exits[VT_STATS_EXIT_COUNT];
  uint64_t       helper_calls;              /* of C, by translated code */
  uint64_t       tlb_fills, tlb_flushes, interrupts, exceptions, io_accesses, halts;
  double         guest_seconds, host_seconds;
  double         host_cpu_seconds;          /* of the whole process */
  double         snapshot_pause_seconds;    /* how long the guest stood still for the last snapshot; 0: there was none */
  uint64_t       rss_bytes, peak_rss_bytes; /* resident memory of the process */
} VtStats;

void vt_machine_stats (VtMachine *machine, VtStats *out);

/* The guest's memory, as the balloon sees it. The guest's own figures are as of `updates`, which counts them; asking makes the
 * guest tell again. */
typedef struct
{
  bool     balloon;                         /* false: there is none, and nothing else is set */
  uint64_t machine_bytes;                   /* that the machine has */
  uint64_t wanted_bytes, actual_bytes;      /* that the guest should use, and can */
  uint64_t reported_bytes;                  /* given back by free page reporting, so far */
  uint64_t updates;
  uint64_t total_bytes, free_bytes, available_bytes, cached_bytes, swapped_in_bytes, swapped_out_bytes;
  uint64_t major_faults, minor_faults;
} VtMemoryStats;

void vt_machine_memory_stats (VtMachine *machine, VtMemoryStats *out);
/* JSON object with the above, for --stats. Free it. */
char *vt_stats_to_json (const VtStats *stats);
/* From now on instructions are counted, or no longer. Costs all translations once. */
void vt_machine_count_instructions (VtMachine *machine, bool on);
