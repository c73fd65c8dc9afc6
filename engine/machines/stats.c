/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine-private.h"

#include "host-ram.h"

G_STATIC_ASSERT ((int) VT_STATS_EXIT_LOOKUP == (int) VT_LEAVE_LOOKUP);
G_STATIC_ASSERT ((int) VT_STATS_EXIT_LINK == (int) VT_LEAVE_LINK);
G_STATIC_ASSERT ((int) VT_STATS_EXIT_INTERPRET == (int) VT_LEAVE_INTERPRET);
G_STATIC_ASSERT ((int) VT_STATS_EXIT_DEAD == (int) VT_LEAVE_DEAD);
G_STATIC_ASSERT ((int) VT_STATS_EXIT_POLL == (int) VT_LEAVE_POLL);
G_STATIC_ASSERT ((int) VT_STATS_EXIT_FAULT == (int) VT_LEAVE_FAULT);
G_STATIC_ASSERT ((int) VT_STATS_EXIT_COUNT == (int) VT_LEAVE_COUNT);

const char *
vt_stats_exit_name (VtStatsExit exit)
{
  static const char *const names[VT_STATS_EXIT_COUNT] = { "lookup", "link", "interpret", "dead", "poll", "fault" };
  return names[exit];
}

/* --- Counting instructions ------------------------------------------------------------------------------------------ */

void
vt_machine_count_instructions (VtMachine *machine, bool on)
{
  if (machine->accel->counts != VT_COUNT_WANTED)
    return;
  vt_lock (&machine->lock);
  if (machine->state == VT_MACHINE_RUNNING && !on)
    machine->ran_uncounted = true;
  machine->counting = on;
  vt_unlock (&machine->lock);
  for (unsigned i = 0; i < machine->n_cpus; i++)
    {
      VtVcpu *vcpu = &machine->cpus[i]->vcpu;
      __atomic_store_n (&vcpu->counting, on, __ATOMIC_RELEASE);
      vt_vcpu_kick (vcpu, VT_VCPU_CODE);
    }
}

static VtStatsCounted
how_counted (const VtMachine *machine)
{
  if (machine->accel->counts == VT_COUNT_WANTED)
    return machine->ran_uncounted || !machine->counting ? VT_COUNTED_PARTLY : VT_COUNTED_ALL;
  return machine->accel->counts == VT_COUNT_ALWAYS ? VT_COUNTED_ALL : VT_COUNTED_NEVER;
}

/* --- Sums ------------------------------------------------------------------------------------------------------------- */

static void
add_cpu (VtStats *out, const VtVcpuStats *cpu)
{
  out->instructions += cpu->instructions + cpu->translated_instructions;
  out->translated_instructions += cpu->translated_instructions;
  out->blocks_decoded += cpu->blocks_decoded;
  out->blocks_translated += cpu->blocks_translated;
  out->code_bytes += cpu->code_bytes;
  out->translation_seconds += (double) cpu->translate_ns / VT_NS_PER_SECOND;
  for (unsigned i = 0; i < VT_STATS_EXIT_COUNT; i++)
    out->exits[i] += cpu->leaves[i];
  out->helper_calls += cpu->helper_calls;
  out->tlb_fills += cpu->tlb_fills;
  out->tlb_flushes += cpu->tlb_flushes;
  out->interrupts += cpu->interrupts;
  out->exceptions += cpu->exceptions;
  out->io_accesses += cpu->io_accesses;
  out->halts += cpu->halts;
}

void
vt_machine_stats (VtMachine *machine, VtStats *out)
{
  *out = (VtStats) { .accelerator = machine->accel->name, .counted = how_counted (machine) };
  out->counting = machine->accel->counts == VT_COUNT_ALWAYS || machine->counting;
  out->translates = machine->accel->translates;
  for (unsigned i = 0; i < machine->n_cpus; i++)
    add_cpu (out, &machine->cpus[i]->vcpu.stats);
  out->guest_seconds = (double) vt_clock_now (machine->clock) / VT_NS_PER_SECOND;
  out->host_seconds = (double) (vt_host_now_ns (NULL) - machine->made_ns) / VT_NS_PER_SECOND;
  out->host_cpu_seconds = vt_host_cpu_seconds ();
  out->rss_bytes = vt_host_rss_bytes ();
  out->snapshot_pause_seconds = (double) machine->snapshot_pause_ns / VT_NS_PER_SECOND;
  out->peak_rss_bytes = vt_host_peak_rss_bytes ();
}

/* --- JSON ------------------------------------------------------------------------------------------------------------- */

static void
put_count (GString *json, const char *name, uint64_t value)
{
  g_string_append_printf (json, "  \"%s\": %" G_GUINT64_FORMAT ",\n", name, value);
}

static void
put_seconds (GString *json, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append_printf (json, "  \"%s\": %s,\n", name, g_ascii_formatd (text, sizeof text, "%.6f", value));
}

static void
put_instructions (GString *json, const VtStats *stats)
{
  if (stats->counted == VT_COUNTED_ALL)
    {
      put_count (json, "instructions", stats->instructions);
      put_count (json, "translated_instructions", stats->translated_instructions);
      return;
    }
  /* Scripts read this: not translated, and no character that JSON minds. */
  g_string_append (json, "  \"instructions\": null,\n  \"translated_instructions\": null,\n");
  g_string_append_printf (json, "  \"instructions_reason\": \"%s\",\n",
                          stats->counted == VT_COUNTED_NEVER ? "this accelerator cannot count instructions"
                                                             : "translated code counts instructions only with --count");
}

char *
vt_stats_to_json (const VtStats *stats)
{
  GString *json = g_string_new ("{\n");
  put_instructions (json, stats);
  put_count (json, "blocks_decoded", stats->blocks_decoded);
  put_count (json, "blocks_translated", stats->blocks_translated);
  put_seconds (json, "translation_seconds", stats->translation_seconds);
  put_count (json, "code_bytes", stats->code_bytes);
  g_string_append (json, "  \"exits\": {");
  for (unsigned i = 0; i < VT_STATS_EXIT_COUNT; i++)
    g_string_append_printf (json, "%s \"%s\": %" G_GUINT64_FORMAT, i > 0 ? "," : "", vt_stats_exit_name (i), stats->exits[i]);
  g_string_append (json, " },\n");
  put_count (json, "helper_calls", stats->helper_calls);
  put_count (json, "tlb_fills", stats->tlb_fills);
  put_count (json, "tlb_flushes", stats->tlb_flushes);
  put_count (json, "interrupts", stats->interrupts);
  put_count (json, "exceptions", stats->exceptions);
  put_count (json, "io_accesses", stats->io_accesses);
  put_count (json, "halts", stats->halts);
  put_seconds (json, "snapshot_pause_seconds", stats->snapshot_pause_seconds);
  put_count (json, "peak_rss_bytes", stats->peak_rss_bytes);
  put_seconds (json, "guest_seconds", stats->guest_seconds);
  put_seconds (json, "host_seconds", stats->host_seconds);
  put_seconds (json, "host_cpu_seconds", stats->host_cpu_seconds);
  g_string_append_printf (json, "  \"accelerator\": \"%s\"\n}\n", stats->accelerator);
  return g_string_free (json, FALSE);
}
