/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "progress.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;
static gboolean shows, begun;         /* begun: the cursor is behind what was shown */
static gint64 last;

static void
interrupt (int number)
{
  interrupted = 1;
}

void
vitrine_ctl_progress_begin (gboolean quiet)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
  struct sigaction action = { .sa_handler = interrupt };

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaction (signals[i], &action, NULL);
  shows = !quiet && isatty (STDERR_FILENO);
}

void
vitrine_ctl_progress_end (void)
{
  if (begun)
    g_printerr ("\n");
  shows = begun = FALSE;
}

gboolean
vitrine_ctl_progress (gpointer unused, double fraction)
{
  gint64 now = g_get_monotonic_time ();

  if (shows && (now - last >= G_USEC_PER_SEC / 10 || fraction >= 1))
    {
      last = now;
      g_printerr ("\r%3.0f %%", 100 * fraction);
      begun = TRUE;
      if (fraction >= 1)
        vitrine_ctl_progress_end ();
    }
  return !interrupted;
}

bool
vitrine_ctl_image_progress (void *unused, uint64_t done, uint64_t whole)
{
  return vitrine_ctl_progress (NULL, whole > 0 ? (double) done / (double) whole : 1);
}
