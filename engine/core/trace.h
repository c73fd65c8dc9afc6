/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trace events.
 *
 * Events are declared in trace.tab files beside the code that raises them:
 *     uart_write(uint8_t off, uint8_t value) "off=%u value=0x%02x"
 * tools/gen-trace.py turns each table into trace_uart_write() calls that cost one byte test while the event is off.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct VtTraceEvent
{
  const char *name;     /* "uart_write" */
  const char *group;    /* "pc": the folder */
  uint8_t     on;       /* read without a lock */
} VtTraceEvent;

/* Called by generated code with the formatted arguments. Any thread. */
void vt_trace_emit (const VtTraceEvent *event, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Each generated file offers its NULL-ended table; the machine registers them at start. */
void vt_trace_register (VtTraceEvent *const *events);

/* Turns events on or off by glob ("uart_*", "pc.*", "*"). Returns how many matched. */
unsigned vt_trace_enable (const char *glob, bool on);

typedef void (*VtTraceSink) (void *opaque, const VtTraceEvent *event, const char *text);
/* NULL goes back to the default: one line each on stderr. */
void vt_trace_set_sink (VtTraceSink sink, void *opaque);
typedef void (*VtTraceVisit) (const VtTraceEvent *event, void *opaque);
void vt_trace_foreach (VtTraceVisit visit, void *opaque);
