/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks.h"

static void
check_free (gpointer data)
{
  VitrineCheck *check = data;

  g_free (check->what);
  g_free (check->sentence);
  g_free (check);
}

GPtrArray *
vitrine_checks_new (void)
{
  return g_ptr_array_new_with_free_func (check_free);
}

void
vitrine_checks_add (GPtrArray *checks, VitrineCheckLevel level, const char *what, const char *format, ...)
{
  VitrineCheck *check = g_new0 (VitrineCheck, 1);
  va_list args;

  va_start (args, format);
  check->sentence = g_strdup_vprintf (format, args);
  va_end (args);
  check->level = level;
  check->what = g_strdup (what);
  g_ptr_array_add (checks, check);
}

void
vitrine_checks_pass (GPtrArray *checks, const char *what, const char *sentence)
{
  for (guint i = 0; i < checks->len; i++)
    if (g_str_equal (((VitrineCheck *) checks->pdata[i])->what, what))
      return;
  vitrine_checks_add (checks, VITRINE_CHECK_PASSED, what, "%s", sentence);
}

VitrineCheckLevel
vitrine_checks_get_worst (const GPtrArray *checks)
{
  VitrineCheckLevel worst = VITRINE_CHECK_PASSED;

  for (guint i = 0; i < checks->len; i++)
    worst = MAX (worst, ((VitrineCheck *) checks->pdata[i])->level);
  return worst;
}

const char *
vitrine_check_level_to_nick (VitrineCheckLevel level)
{
  static const char *const nicks[]
      = { [VITRINE_CHECK_PASSED] = "passed", [VITRINE_CHECK_WARNED] = "warned", [VITRINE_CHECK_REFUSED] = "refused" };

  return nicks[level];
}
