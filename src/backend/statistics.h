/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine has done so far, as windows and D-Bus hear of it; and what that is per second. */
#pragma once

#include <glib.h>

/* Why translated code was left. The order is the engine's. */
typedef enum
{
  VITRINE_EXIT_LOOKUP,
  VITRINE_EXIT_LINK,
  VITRINE_EXIT_INTERPRET,
  VITRINE_EXIT_DEAD,
  VITRINE_EXIT_POLL,
  VITRINE_EXIT_FAULT,
  VITRINE_N_EXITS,
} VitrineExit;

const char *vitrine_exit_to_nick (VitrineExit exit);    /* "lookup": on D-Bus and in files */
const char *vitrine_exit_to_label (VitrineExit exit);   /* "Unknown jump", translated */

typedef enum
{
  VITRINE_COUNTED_ALL,      /* every instruction since the start */
  VITRINE_COUNTED_PARTLY,   /* not all the time; while `counting`, differences are right */
  VITRINE_COUNTED_NEVER,    /* the accelerator cannot */
} VitrineCounted;

typedef struct
{
  VitrineCounted counted;
  gboolean counting;        /* instructions, at the moment */
  gboolean translates;      /* the accelerator is a translator */
  guint64  instructions, translated_instructions;
  guint64  blocks_decoded, blocks_translated, code_bytes, helper_calls;
  guint64  exits[VITRINE_N_EXITS];
  guint64  tlb_fills, tlb_flushes, interrupts, exceptions, io_accesses, halts;
  guint64  rss_bytes, peak_rss_bytes;
  double   translation_seconds, guest_seconds, host_seconds, host_cpu_seconds;
} VitrineStatistics;

/* a{sv}: floating. */
GVariant *vitrine_statistics_to_variant (const VitrineStatistics *self);
/* What is missing, or of another type, is 0. */
void      vitrine_statistics_from_variant (VitrineStatistics *self, GVariant *variant);
/* Why `instructions` are not those of the whole run: a sentence, translated; NULL when they are. */
const char *vitrine_statistics_why_not_counted (const VitrineStatistics *self);

typedef struct
{
  double mips;              /* million instructions per second; NAN: not counted */
  double translated;        /* 0..1, share of instructions that translated code executed; NAN: not counted, or none ran */
  double tlb_fills, interrupts, exceptions, io_accesses, exits[VITRINE_N_EXITS], all_exits;   /* per second */
  double processors;        /* of the host, that this process kept busy: 1 is one */
} VitrineRates;

/* Between two moments. FALSE: no time has passed, nothing was known at the first, or the machine is another. */
gboolean vitrine_statistics_rates (const VitrineStatistics *before, const VitrineStatistics *after, VitrineRates *out);
