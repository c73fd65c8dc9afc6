/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ends the run with a status that the guest chooses: (value << 1) | 1, so that it is never 0. */
#include "debug-exit.h"

#include "trace-pc.h"

typedef struct
{
  uint32_t value;   /* last written */
} DebugExitState;

static const VtField debug_exit_fields[] = { VT_FIELD (DebugExitState, value) };

typedef struct
{
  VtDevice       dev;
  DebugExitState s;
  VtMachinePort  machine;
} DebugExit;

static uint64_t
debug_exit_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return 0;
}

static void
debug_exit_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  DebugExit *port = (DebugExit *) dev;
  port->s.value = (uint32_t) value;
  trace_debug_exit (port->s.value);
  vt_machine_request (&port->machine, VT_REQUEST_DEBUG_EXIT, port->s.value << 1 | 1);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  ((DebugExit *) dev)->machine = env->machine;
  return true;
}

static const VtRegionOps debug_exit_ops = { debug_exit_read, debug_exit_write, 1, 4 };
const VtRegion vt_debug_exit_region = { "debug-exit", 4, &debug_exit_ops };
static const VtRegion *const debug_exit_regions[] = { &vt_debug_exit_region, NULL };

const VtDeviceClass vt_debug_exit_class = {
  .name = "debug-exit",
  .summary = "test exit port",
  .instance_size = sizeof (DebugExit),
  .state_off = offsetof (DebugExit, s),
  .state = VT_STATE (1, DebugExitState, debug_exit_fields, NULL),
  .regions = debug_exit_regions,
  .realize = realize,
};
