/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace events for the application: which exist, and turning them on. */
#include "trace.h"

#include "trace-pipe.h"
#include "vitrine/error.h"
#include "vitrine/trace.h"

/* One table per folder with a trace.tab; tools/gen-trace.py writes them. */
extern VtTraceEvent *const vt_trace_events_display[];
extern VtTraceEvent *const vt_trace_events_firmware[];
extern VtTraceEvent *const vt_trace_events_pc[];
extern VtTraceEvent *const vt_trace_events_pci[];
extern VtTraceEvent *const vt_trace_events_storage[];
extern VtTraceEvent *const vt_trace_events_tpm[];
extern VtTraceEvent *const vt_trace_events_usb[];
extern VtTraceEvent *const vt_trace_events_virtio[];
extern VtTraceEvent *const vt_trace_events_x86[];

static void
register_all (void)
{
  static gsize done;
  if (!g_once_init_enter (&done))
    return;
  vt_trace_register (vt_trace_events_display);
  vt_trace_register (vt_trace_events_firmware);
  vt_trace_register (vt_trace_events_pc);
  vt_trace_register (vt_trace_events_pci);
  vt_trace_register (vt_trace_events_storage);
  vt_trace_register (vt_trace_events_tpm);
  vt_trace_register (vt_trace_events_usb);
  vt_trace_register (vt_trace_events_virtio);
  vt_trace_register (vt_trace_events_x86);
  g_once_init_leave (&done, 1);
}

unsigned
vt_machine_trace (const char *glob, bool on)
{
  register_all ();
  return vt_trace_enable (glob, on);
}

static bool
turn_on (const char *const *globs, GError **error)
{
  for (; *globs != NULL; globs++)
    if (vt_trace_enable (*globs, true) == 0)
      {
        g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "No trace event matches “%s”", *globs);
        return false;
      }
  return true;
}

bool
vt_machine_trace_begin (const char *const *globs, int fd, GError **error)
{
  register_all ();
  if (!vt_host_trace_begin (fd, error))
    return false;
  if (turn_on (globs, error))
    return true;
  vt_machine_trace_end ();
  return false;
}

void
vt_machine_trace_end (void)
{
  vt_trace_enable ("*", false);
  vt_host_trace_end ();
}

typedef struct
{
  void (*visit) (void *opaque, const char *group, const char *name, bool on);
  void  *opaque;
} Visit;

static void
visit_event (const VtTraceEvent *event, void *opaque)
{
  Visit *visit = opaque;
  visit->visit (visit->opaque, event->group, event->name, event->on != 0);
}

void
vt_machine_trace_foreach (void (*visit) (void *opaque, const char *group, const char *name, bool on), void *opaque)
{
  Visit each = { visit, opaque };
  register_all ();
  vt_trace_foreach (visit_event, &each);
}
