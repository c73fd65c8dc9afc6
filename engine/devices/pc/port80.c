/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST code port: firmware writes where it is, Linux writes to pass a microsecond. */
#include "port80.h"

#include "trace-pc.h"

typedef struct
{
  uint8_t code;
} Port80State;

static const VtField port80_fields[] = { VT_FIELD (Port80State, code) };

typedef struct
{
  VtDevice    dev;
  Port80State s;
} Port80;

uint8_t
vt_port80_code (const VtDevice *dev)
{
  return ((const Port80 *) dev)->s.code;
}

static uint64_t
port80_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return vt_port80_code (dev);
}

static void
port80_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  trace_port80_write ((uint8_t) value);
  ((Port80 *) dev)->s.code = (uint8_t) value;
}

static const VtRegionOps port80_ops = { port80_read, port80_write, 1, 1 };
const VtRegion vt_port80_region = { "port80", 1, &port80_ops };
static const VtRegion *const port80_regions[] = { &vt_port80_region, NULL };

const VtDeviceClass vt_port80_class = {
  .name = "port80",
  .summary = "POST code port",
  .instance_size = sizeof (Port80),
  .state_off = offsetof (Port80, s),
  .state = VT_STATE (1, Port80State, port80_fields, NULL),
  .regions = port80_regions,
};
