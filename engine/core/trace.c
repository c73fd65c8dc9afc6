/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trace registry and its log back end. */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>

static GMutex     lock;
static GPtrArray *tables;          /* VtTraceEvent *const *, guarded by lock */
static VtTraceSink sink;
static void       *sink_opaque;

void
vt_trace_register (VtTraceEvent *const *events)
{
  g_mutex_lock (&lock);
  if (tables == NULL)
    tables = g_ptr_array_new ();
  if (!g_ptr_array_find (tables, events, NULL))
    g_ptr_array_add (tables, (gpointer) events);
  g_mutex_unlock (&lock);
}

static bool
matches (GPatternSpec *pattern, const VtTraceEvent *event)
{
  g_autofree char *full = g_strdup_printf ("%s.%s", event->group, event->name);
  return g_pattern_spec_match_string (pattern, event->name) || g_pattern_spec_match_string (pattern, full);
}

unsigned
vt_trace_enable (const char *glob, bool on)
{
  unsigned      n = 0;
  GPatternSpec *pattern = g_pattern_spec_new (glob);
  g_mutex_lock (&lock);
  for (guint i = 0; tables != NULL && i < tables->len; i++)
    for (VtTraceEvent *const *event = g_ptr_array_index (tables, i); *event != NULL; event++)
      if (matches (pattern, *event))
        {
          __atomic_store_n (&(*event)->on, on, __ATOMIC_RELAXED);
          n++;
        }
  g_mutex_unlock (&lock);
  g_pattern_spec_free (pattern);
  return n;
}

void
vt_trace_set_sink (VtTraceSink new_sink, void *opaque)
{
  g_mutex_lock (&lock);
  sink = new_sink;
  sink_opaque = opaque;
  g_mutex_unlock (&lock);
}

void
vt_trace_foreach (VtTraceVisit visit, void *opaque)
{
  g_mutex_lock (&lock);
  for (guint i = 0; tables != NULL && i < tables->len; i++)
    for (VtTraceEvent *const *event = g_ptr_array_index (tables, i); *event != NULL; event++)
      visit (*event, opaque);
  g_mutex_unlock (&lock);
}

void
vt_trace_emit (const VtTraceEvent *event, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_mutex_lock (&lock);
  if (sink != NULL)
    sink (sink_opaque, event, text);
  else
    fprintf (stderr, "%s.%s %s\n", event->group, event->name, text);
  g_mutex_unlock (&lock);
}
