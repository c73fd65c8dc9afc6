/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System control port A (IBM PS/2 Hardware Interface Technical Reference; ICH9 13.7.3). A20 is a bit to read and write: memory
 * never wraps at 1 MiB. */
#include "port92.h"

#include "trace-pc.h"

#define PORT92_INIT_NOW 0x01u   /* reset on a rising edge */
#define PORT92_A20      0x02u

typedef struct
{
  uint8_t value;
} Port92State;

static const VtField port92_fields[] = { VT_FIELD (Port92State, value) };
static const Port92State port92_at_reset = { .value = PORT92_A20 };

typedef struct
{
  VtDevice      dev;
  Port92State   s;
  VtMachinePort machine;
} Port92;

static uint64_t
port92_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return ((Port92 *) dev)->s.value;
}

static void
port92_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Port92 *port = (Port92 *) dev;
  trace_port92_write ((uint8_t) value);
  bool reset = value & ~port->s.value & PORT92_INIT_NOW;
  port->s.value = (uint8_t) value;
  if (reset)
    vt_machine_request (&port->machine, VT_REQUEST_RESET, 0);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  ((Port92 *) dev)->machine = env->machine;
  return true;
}

static const VtRegionOps port92_ops = { port92_read, port92_write, 1, 1 };
const VtRegion vt_port92_region = { "port92", 1, &port92_ops };
static const VtRegion *const port92_regions[] = { &vt_port92_region, NULL };

const VtDeviceClass vt_port92_class = {
  .name = "port92",
  .summary = "fast A20 and reset port",
  .instance_size = sizeof (Port92),
  .state_off = offsetof (Port92, s),
  .state = VT_STATE (1, Port92State, port92_fields, &port92_at_reset),
  .regions = port92_regions,
  .realize = realize,
};
