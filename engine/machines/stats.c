/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine-private.h"

#include "host-ram.h"

void
vt_machine_stats (VtMachine *machine, VtStats *out)
{
  *out = (VtStats) { 0 };
  for (unsigned i = 0; i < machine->n_cpus; i++)
    {
      const VtVcpuStats *cpu = &machine->cpus[i]->vcpu.stats;
      out->instructions += cpu->instructions;
      out->blocks += cpu->blocks_decoded;
      out->tlb_fills += cpu->tlb_fills;
      out->tlb_flushes += cpu->tlb_flushes;
      out->interrupts += cpu->interrupts;
      out->exceptions += cpu->exceptions;
      out->io_accesses += cpu->io_accesses;
      out->halts += cpu->halts;
    }
  out->guest_seconds = (double) vt_clock_now (machine->clock) / VT_NS_PER_SECOND;
  out->host_cpu_seconds = vt_host_cpu_seconds ();
  out->peak_rss_bytes = vt_host_peak_rss_bytes ();
}

char *
vt_machine_stats_json (VtMachine *machine)
{
  VtStats s;
  vt_machine_stats (machine, &s);
  GString *json = g_string_new ("{\n");
  char     seconds[G_ASCII_DTOSTR_BUF_SIZE];
  const struct
  {
    const char *name;
    uint64_t    value;
  } counts[] = {
    { "instructions", s.instructions }, { "blocks_translated", s.blocks }, { "tlb_fills", s.tlb_fills },
    { "tlb_flushes", s.tlb_flushes },   { "interrupts", s.interrupts },    { "exceptions", s.exceptions },
    { "io_accesses", s.io_accesses },   { "halts", s.halts },              { "peak_rss_bytes", s.peak_rss_bytes },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (counts); i++)
    g_string_append_printf (json, "  \"%s\": %" G_GUINT64_FORMAT ",\n", counts[i].name, counts[i].value);
  g_string_append_printf (json, "  \"guest_seconds\": %s,\n", g_ascii_formatd (seconds, sizeof seconds, "%.6f", s.guest_seconds));
  g_string_append_printf (json, "  \"host_cpu_seconds\": %s,\n",
                          g_ascii_formatd (seconds, sizeof seconds, "%.6f", s.host_cpu_seconds));
  g_string_append_printf (json, "  \"accelerator\": \"%s\"\n}\n", machine->accel->name);
  return g_string_free (json, FALSE);
}
