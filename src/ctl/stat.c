/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrinectl stat`: what a running machine has done so far, or does per second. */
#include <glib/gi18n.h>
#include <math.h>
#include <stdio.h>

#include "ctl.h"
#include "machines.h"

#define LINES_PER_HEADING 20

static void
put (const char *name, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Names are in columns, whatever script they are in. */
static void
put (const char *name, const char *format, ...)
{
  va_list args;
  int width = (int) g_utf8_strlen (name, -1);

  va_start (args, format);
  g_autofree char *value = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("%s:%*s %s\n", name, MAX (32 - width, 1), "", value);
}

static void
put_count (const char *name, guint64 value)
{
  put (name, "%'" G_GUINT64_FORMAT, value);
}

static void
put_seconds (const char *name, double value)
{
  put (name, _("%.3f s"), value);
}

static void
put_size (const char *name, guint64 bytes)
{
  g_autofree char *size = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
  put (name, "%s", size);
}

static void
put_instructions (const VitrineStatistics *s)
{
  const char *why = vitrine_statistics_why_not_counted (s);

  if (why != NULL)
    put (_("Instructions"), "%s", why);
  else
    put_count (_("Instructions"), s->instructions);
  if (why == NULL && s->translates)
    put_count (_("Of them in translated code"), s->translated_instructions);
}

static void
put_translator (const VitrineStatistics *s)
{
  put_count (_("Blocks translated"), s->blocks_translated);
  put_seconds (_("Time spent on translating"), s->translation_seconds);
  put_size (_("Translated code"), s->code_bytes);
  put_count (_("Calls out of translated code"), s->helper_calls);
  for (guint i = 0; i < VITRINE_N_EXITS; i++)
    {
      g_autofree char *name = g_strdup_printf (_("Exits, %s"), vitrine_exit_to_label (i));
      put_count (name, s->exits[i]);
    }
}

static void
print_all (VitrineClient *client, const VitrineStatistics *s)
{
  g_autofree char *accelerator = vitrine_client_get_accelerator (client);

  put (_("Accelerator"), "%s", accelerator);
  put_instructions (s);
  put_count (_("Blocks decoded"), s->blocks_decoded);
  if (s->translates)
    put_translator (s);
  put_count (_("TLB fills"), s->tlb_fills);
  put_count (_("TLB flushes"), s->tlb_flushes);
  put_count (_("Interrupts"), s->interrupts);
  put_count (_("Exceptions"), s->exceptions);
  put_count (_("I/O accesses"), s->io_accesses);
  put_count (_("Halts"), s->halts);
  put_seconds (_("Guest time"), s->guest_seconds);
  put_seconds (_("Host time"), s->host_seconds);
  put_seconds (_("Host processor time"), s->host_cpu_seconds);
  put_size (_("Memory"), s->rss_bytes);
  put_size (_("Memory at its peak"), s->peak_rss_bytes);
}

/* --- --follow ------------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineClient    *client;
  GMainLoop        *loop;
  VitrineStatistics last;
  guint             lines;
  int               status;
} Follow;

typedef enum { MIPS, TRANSLATED, TLB_FILLS, EXITS, INTERRUPTS, EXCEPTIONS, CPU, MEMORY, N_COLUMNS } Column;

static const struct
{
  const char *heading;
  int         width;      /* at least; and two between columns */
  int         decimals;
} columns[N_COLUMNS] = {
  [MIPS] = { N_("MIPS"), 8, 1 },
  [TRANSLATED] = { N_("transl. %"), 5, 1 },
  [TLB_FILLS] = { N_("TLB fills/s"), 8, 0 },
  [EXITS] = { N_("exits/s"), 8, 0 },
  [INTERRUPTS] = { N_("interrupts/s"), 7, 0 },
  [EXCEPTIONS] = { N_("exceptions/s"), 7, 0 },
  [CPU] = { N_("CPU %"), 5, 0 },
  [MEMORY] = { N_("memory MiB"), 8, 0 },
};

static void
print_cell (Column column, const char *text)
{
  int width = MAX (columns[column].width, (int) g_utf8_strlen (_(columns[column].heading), -1));

  g_print ("%*s%s%s", width - (int) g_utf8_strlen (text, -1), "", text, column == N_COLUMNS - 1 ? "\n" : "  ");
}

static void
print_number (Column column, double value)
{
  g_autofree char *text = isnan (value) ? g_strdup ("-") : g_strdup_printf ("%.*f", columns[column].decimals, value);
  print_cell (column, text);
}

static void
print_rates (Follow *follow, const VitrineRates *rates, guint64 rss)
{
  const double values[N_COLUMNS] = { [MIPS] = rates->mips, [TRANSLATED] = 100 * rates->translated, [TLB_FILLS] = rates->tlb_fills,
                                     [EXITS] = rates->all_exits, [INTERRUPTS] = rates->interrupts,
                                     [EXCEPTIONS] = rates->exceptions, [CPU] = 100 * rates->processors,
                                     [MEMORY] = (double) rss / (1 << 20) };

  for (Column column = 0; follow->lines % LINES_PER_HEADING == 0 && column < N_COLUMNS; column++)
    print_cell (column, _(columns[column].heading));
  follow->lines++;
  for (Column column = 0; column < N_COLUMNS; column++)
    print_number (column, values[column]);
  fflush (stdout);
}

static gboolean
next_line (gpointer data)
{
  Follow *follow = data;
  g_autoptr(GError) error = NULL;
  VitrineStatistics now;
  VitrineRates rates;

  if (!vitrine_client_get_statistics (follow->client, &now, &error))
    {
      follow->status = vitrine_ctl_fail ("%s", error->message);
      g_main_loop_quit (follow->loop);
      return G_SOURCE_REMOVE;
    }
  if (vitrine_statistics_rates (&follow->last, &now, &rates))
    print_rates (follow, &rates, now.rss_bytes);
  follow->last = now;
  return G_SOURCE_CONTINUE;
}

/* Until the machine ends, which is no error, or the person has seen enough. */
static int
follow_machine (VitrineClient *client)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GError) error = NULL;
  Follow follow = { .client = client, .loop = loop };

  if (!vitrine_client_get_statistics (client, &follow.last, &error))
    return vitrine_ctl_fail ("%s", error->message);
  g_signal_connect_swapped (client, "closed", G_CALLBACK (g_main_loop_quit), loop);
  guint source = g_timeout_add_seconds (1, next_line, &follow);
  g_main_loop_run (loop);
  if (follow.status == 0)
    g_source_remove (source);
  return follow.status;
}

int
vitrine_ctl_stat (int argc, char **argv)
{
  gboolean follow = FALSE, count = FALSE;
  const char *words = NULL;
  g_autoptr(GError) error = NULL;
  VitrineStatistics statistics;

  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--follow"))
      follow = TRUE;
    else if (g_str_equal (argv[i], "--count"))
      count = TRUE;
    else if (argv[i][0] == '-' || words != NULL)
      return vitrine_ctl_usage ("stat [--follow [--count]] MACHINE");
    else
      words = argv[i];
  if (words == NULL || (count && !follow))
    return vitrine_ctl_usage ("stat [--follow [--count]] MACHINE");
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  if (client == NULL)
    return 1;
  if (count && !vitrine_client_call_sync (client, "CountInstructions", g_variant_new ("(b)", TRUE), &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (follow)
    return follow_machine (client);
  if (!vitrine_client_get_statistics (client, &statistics, &error))
    return vitrine_ctl_fail ("%s", error->message);
  print_all (client, &statistics);
  return 0;
}
