/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instruction tests against the host's processor: every form that user code can run, random operands and flags,
 * everything compared.  docs/TESTING-CPU.md says what is and what is not.
 */
#include "case.h"
#include "compare.h"
#include "forms.h"
#include "generate.h"
#include "rng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_CASES 2000000
#define EXIT_SKIPPED  77

static struct
{
  gint64  cases;
  gint64  sequences;
  gint64  raw;
  gint64  first;
  gint64  seed;
  int     jobs;
  int     reports;
  char   *form_glob;
  char   *engine;
  char   *against;
  gboolean lazy_flags;
  gboolean list_forms;
  gboolean summary;
} options = { .cases = DEFAULT_CASES, .seed = 1, .jobs = 1, .reports = 2 };

static const GOptionEntry entries[] = {
  { "cases", 'n', 0, G_OPTION_ARG_INT64, &options.cases, "Number of cases, over all forms", "N" },
  { "sequences", 'q', 0, G_OPTION_ARG_INT64, &options.sequences, "Number of sequences of instructions", "N" },
  { "raw", 0, 0, G_OPTION_ARG_INT64, &options.raw, "Number of cases of random bytes", "N" },
  { "first", 0, 0, G_OPTION_ARG_INT64, &options.first, "Number of the first case (of each form), sequence and so on",
    "N" },
  { "seed", 's', 0, G_OPTION_ARG_INT64, &options.seed, "Seed of the random numbers", "N" },
  { "form", 'f', 0, G_OPTION_ARG_STRING, &options.form_glob, "Only forms whose name matches", "GLOB" },
  { "jobs", 'j', 0, G_OPTION_ARG_INT, &options.jobs, "Processes", "N" },
  { "against", 0, 0, G_OPTION_ARG_STRING, &options.against, "Accelerator to compare with, instead of the host", "NAME" },
  { "engine", 'e', 0, G_OPTION_ARG_STRING, &options.engine, "Accelerator to test, or host for the host twice", "NAME" },
  { "lazy-flags", 0, 0, G_OPTION_ARG_NONE, &options.lazy_flags,
    "The translator as it is outside of tests: flags at an exception are not compared", NULL },
  { "reports", 'r', 0, G_OPTION_ARG_INT, &options.reports, "Differences shown per form", "N" },
  { "list-forms", 'l', 0, G_OPTION_ARG_NONE, &options.list_forms, "List the forms and stop", NULL },
  { "summary", 0, 0, G_OPTION_ARG_NONE, &options.summary, "Counts of every form at the end", NULL },
  { NULL },
};

/* Counters of one form, or of the cases that belong to none, in memory that all processes share: the latter count in all of
 * them. */
typedef struct
{
  uint64_t cases, faults, differences, hung, failed, unstable;
} Tally;

typedef struct
{
  Executor *host, *engine;
  uint8_t  *baseline;          /* what the window holds before each case */
  Case     *batch;             /* LAYOUT_N_SLOTS of them */
} Bench;

/* --- Running ------------------------------------------------------------------------------------------------------ */

static void
prepare_window (const Bench *bench, const Case *c, uint8_t *window)
{
  for (unsigned i = 0; i < c->n_patches; i++)
    memcpy (window + c->patches[i].at, c->patch_data + c->patches[i].data, c->patches[i].len);
}

static void
restore_window (const Bench *bench, const Case *c, uint8_t *window)
{
  memcpy (window, bench->baseline, LAYOUT_WINDOW_RW_SIZE);
  for (unsigned i = 0; i < c->n_patches; i++)   /* patches reach the read-only page, instructions do not */
    if (c->patches[i].at + c->patches[i].len > LAYOUT_WINDOW_RW_SIZE)
      memcpy (window + LAYOUT_WINDOW_RW_SIZE, bench->baseline + LAYOUT_WINDOW_RW_SIZE,
              LAYOUT_WINDOW_SIZE - LAYOUT_WINDOW_RW_SIZE);
}

static void
report (const Bench *bench, const Case *c, const Form *form, const Result *want, const Result *got)
{
  g_autofree uint8_t *before = g_memdup2 (bench->baseline, LAYOUT_WINDOW_SIZE);
  prepare_window (bench, c, before);
  compare_report (c, form->name, want, got, before, bench->host->window, bench->engine->window);
  fflush (stdout);
}

/* Both, from the same start. */
static bool
run_both (const Bench *bench, const Case *c, Result *want, Result *got)
{
  prepare_window (bench, c, bench->host->window);
  bench->host->run (bench->host, c, want);
  if (bench->engine == bench->host)
    restore_window (bench, c, bench->host->window);
  prepare_window (bench, c, bench->engine->window);
  bench->engine->run (bench->engine, c, got);
  return want->hung || (!got->hung && compare_equal (c, want, got, bench->host->window, bench->engine->window));
}

static void
restore_windows (const Bench *bench, const Case *c)
{
  restore_window (bench, c, bench->host->window);
  restore_window (bench, c, bench->engine->window);
}

/* A task switch of the host in the middle of a case makes AMD processors forget the x87 pointers. So a difference does
 * not count when a second run has none and it was the host's result that changed. */
static bool
confirm (const Bench *bench, const Case *c, Result *want, Result *got, Tally *tally)
{
  static Result first;
  g_autofree uint8_t *window = g_memdup2 (bench->host->window, LAYOUT_WINDOW_SIZE);
  first = *want;
  restore_windows (bench, c);
  bool equal = run_both (bench, c, want, got);
  bool host_changed = memcmp (&first, want, sizeof first) != 0
                      || memcmp (window, bench->host->window, LAYOUT_WINDOW_SIZE) != 0;
  tally->unstable += equal && host_changed;
  return !equal || !host_changed;
}

static uint64_t
count (uint64_t *counter, bool yes)
{
  return yes ? __atomic_fetch_add (counter, 1, __ATOMIC_RELAXED) : 0;
}

static void
run_case (const Bench *bench, const Case *c, const Form *form, Tally *tally)
{
  static Result want, got;   /* padding stays zero, so that memcmp() works */
  bool differs = !run_both (bench, c, &want, &got) && confirm (bench, c, &want, &got, tally);
  count (&tally->cases, true);
  count (&tally->faults, want.vector != NO_VECTOR);
  count (&tally->hung, want.hung);
  if (differs && count (&tally->differences, true) < (uint64_t) options.reports)
    report (bench, c, form, &want, &got);
  restore_windows (bench, c);
}

static void
put_code (Executor *executor, const Case *c)
{
  executor->put_code (executor, c->slot, c->code, c->slot_len);
}

static void
run_batch (const Bench *bench, const Form *form, unsigned n, Tally *tally)
{
  for (unsigned i = 0; i < n; i++)
    {
      put_code (bench->host, &bench->batch[i]);
      if (bench->engine != bench->host)
        put_code (bench->engine, &bench->batch[i]);
    }
  bench->host->code_ready (bench->host);
  bench->engine->code_ready (bench->engine);
  for (unsigned i = 0; i < n; i++)
    run_case (bench, &bench->batch[i], form, tally);
}

static void
run_form (const Bench *bench, const Form *form, unsigned index, Tally *tally, uint64_t n_cases)
{
  uint64_t done = 0;
  while (done < n_cases)
    {
      unsigned n = 0;
      for (; n < LAYOUT_N_SLOTS && done < n_cases; done++)
        if (generate_case (&bench->batch[n], form, index, options.seed, options.first + done,
                           LAYOUT_CODE + n * LAYOUT_SLOT_SIZE))
          n++;
        else
          tally->failed++;
      run_batch (bench, form, n, tally);
    }
}

/* The kinds of cases that belong to no form. */
static const Form other_kinds[] = { { .name = (char *) "(sequences)" }, { .name = (char *) "(random bytes)" } };

static void
run_sequences (const Bench *bench, GPtrArray *forms[N_MODES], unsigned worker, Tally *tally)
{
  for (gint64 number = worker; number < options.sequences;)
    {
      unsigned n = 0;
      for (; n < LAYOUT_N_SEQUENCES && number < options.sequences; n++, number += options.jobs)
        {
          Mode mode = forms[MODE_64]->len == 0 || (forms[MODE_32]->len != 0 && number % 4 == 3) ? MODE_32 : MODE_64;
          generate_sequence (&bench->batch[n], forms[mode], mode, options.seed, options.first + number,
                             LAYOUT_CODE + n * LAYOUT_SEQUENCE_SIZE);
        }
      run_batch (bench, &other_kinds[0], n, tally);
    }
}

static void
run_raw (const Bench *bench, unsigned worker, Tally *tally)
{
  for (gint64 number = worker; number < options.raw;)
    {
      unsigned n = 0;
      for (; n < LAYOUT_N_SLOTS && number < options.raw; number += options.jobs)
        if (generate_raw (&bench->batch[n], host_has_code32 () && number % 4 == 3 ? MODE_32 : MODE_64, options.seed, options.first + number,
                          LAYOUT_CODE + n * LAYOUT_SLOT_SIZE))
          n++;
      run_batch (bench, &other_kinds[1], n, tally);
    }
}

static bool
bench_open (Bench *bench, GError **error)
{
  bench->host = options.against != NULL ? executor_engine_new (options.against, false, false, error) : executor_host_new (error);
  if (bench->host == NULL)
    return false;
  bool self_test = g_strcmp0 (options.engine, "host") == 0;
  bench->engine = self_test ? bench->host : executor_engine_new (options.engine, options.lazy_flags, options.against != NULL, error);
  if (bench->engine == NULL)
    return false;
  bench->batch = g_new0 (Case, LAYOUT_N_SLOTS);
  bench->baseline = g_malloc (LAYOUT_WINDOW_SIZE);
  Rng rng;
  rng_seed (&rng, 0x77696e646f77);
  for (unsigned at = 0; at < LAYOUT_WINDOW_SIZE; at += 8)
    *(uint64_t *) (bench->baseline + at) = rng_u64 (&rng);
  memcpy (bench->host->window, bench->baseline, LAYOUT_WINDOW_SIZE);
  memcpy (bench->engine->window, bench->baseline, LAYOUT_WINDOW_SIZE);
  return true;
}

/* The forms `worker`, `worker` + jobs, ... of the list. */
static int
work (GPtrArray *forms, Tally *tallies, unsigned worker, uint64_t per_form)
{
  Bench bench = { 0 };
  g_autoptr(GError) error = NULL;
  if (!bench_open (&bench, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSYS) ? EXIT_SKIPPED : EXIT_FAILURE;
    }
  for (unsigned i = worker; per_form != 0 && i < forms->len; i += options.jobs)
    run_form (&bench, forms->pdata[i], i, &tallies[i], per_form);
  GPtrArray *by_mode[N_MODES] = { g_ptr_array_new (), g_ptr_array_new () };
  for (unsigned i = 0; i < forms->len; i++)
    g_ptr_array_add (by_mode[((Form *) forms->pdata[i])->mode], forms->pdata[i]);
  if (forms->len != 0)
    run_sequences (&bench, by_mode, worker, &tallies[forms->len]);
  run_raw (&bench, worker, &tallies[forms->len + 1]);
  return EXIT_SUCCESS;
}

static int
run_workers (GPtrArray *forms, Tally *tallies, uint64_t per_form)
{
  int result = EXIT_SUCCESS;
  fflush (stdout);
  for (int worker = 0; worker < options.jobs; worker++)
    {
      pid_t pid = fork ();
      if (pid == 0)
        _exit (work (forms, tallies, worker, per_form));
      if (pid < 0)
        result = EXIT_FAILURE;
    }
  int status;
  while (wait (&status) > 0)
    if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
      {
        printf ("a worker ended with status %#x\n", status);
        result = WIFEXITED (status) ? WEXITSTATUS (status) : EXIT_FAILURE;
      }
  return result;
}

/* --- Lists and sums ----------------------------------------------------------------------------------------------- */

/* All forms that are compared and asked for. */
static GPtrArray *
select_forms (unsigned *n_all, unsigned *n_excluded)
{
  GPtrArray *selected = g_ptr_array_new ();
  for (Mode mode = 0; mode < N_MODES; mode++)
    {
      GPtrArray *forms = forms_enumerate (mode);
      for (unsigned i = 0; i < forms->len; i++)
        {
          Form *form = forms->pdata[i];
          (*n_all)++;
          *n_excluded += form->excluded != NULL;
          if (options.list_forms)
            printf ("%s%s%s\n", form->name, form->excluded ? "   not compared: " : "",
                    form->excluded ? form->excluded : "");
          if (form->excluded == NULL
              && (options.form_glob == NULL || g_pattern_match_simple (options.form_glob, form->name)))
            g_ptr_array_add (selected, form);
        }
    }
  return selected;
}

static bool
sum_up (GPtrArray *forms, const Tally *tallies, unsigned n_all, unsigned n_excluded)
{
  Tally total = { 0 };
  unsigned run = 0, differing = 0;
  for (unsigned i = 0; i < forms->len + G_N_ELEMENTS (other_kinds); i++)
    {
      const Form *form = i < forms->len ? forms->pdata[i] : &other_kinds[i - forms->len];
      const Tally *t = &tallies[i];
      total.cases += t->cases;
      total.faults += t->faults;
      total.differences += t->differences;
      total.hung += t->hung;
      total.failed += t->failed;
      total.unstable += t->unstable;
      run += i < forms->len && t->cases != 0;
      differing += t->differences != 0;
      if (i < forms->len && t->cases == 0 && options.cases != 0)
        printf ("never run: %s\n", form->name);
      if (options.summary || t->differences != 0 || t->hung != 0)
        printf ("%8" G_GUINT64_FORMAT " cases %7" G_GUINT64_FORMAT " faults %3" G_GUINT64_FORMAT
                " hung %7" G_GUINT64_FORMAT " differences  %s\n",
                t->cases, t->faults, t->hung, t->differences, form->name);
    }
  printf ("cpu-oracle: %u forms, %u excluded, %u run of %u selected; %" G_GUINT64_FORMAT " cases, %" G_GUINT64_FORMAT
          " with an exception, %" G_GUINT64_FORMAT " hung, %" G_GUINT64_FORMAT " not generated, %" G_GUINT64_FORMAT
          " not repeatable; %" G_GUINT64_FORMAT " differences in %u forms\n",
          n_all, n_excluded, run, forms->len, total.cases, total.faults, total.hung, total.failed, total.unstable,
          total.differences, differing);
  return total.differences == 0 && (run == forms->len || options.cases == 0) && total.hung == 0;
}

int
main (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GOptionContext) context = g_option_context_new ("- instructions against the host's processor");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return EXIT_FAILURE;
    }
  if (options.against == NULL)
    host_probe ();
  unsigned n_all = 0, n_excluded = 0;
  GPtrArray *forms = select_forms (&n_all, &n_excluded);
  if (options.list_forms)
    return EXIT_SUCCESS;
  options.jobs = CLAMP (options.jobs, 1, 64);
  size_t size = (forms->len + G_N_ELEMENTS (other_kinds)) * sizeof (Tally);
  Tally *tallies = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (tallies == MAP_FAILED)
    {
      fprintf (stderr, "No memory for counters: %s\n", g_strerror (errno));
      return EXIT_FAILURE;
    }
  int result = run_workers (forms, tallies, forms->len ? (options.cases + forms->len - 1) / forms->len : 0);
  if (result != EXIT_SKIPPED && !sum_up (forms, tallies, n_all, n_excluded))
    result = EXIT_FAILURE;
  return result;
}
