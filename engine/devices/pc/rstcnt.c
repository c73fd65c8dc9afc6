/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reset control register, ICH9 13.7.5. */
#include "rstcnt.h"

#include "trace-pc.h"
#include "vitrine/error.h"

#define RSTCNT_RST_CPU  0x04u   /* resets on a rising edge */
#define RSTCNT_WRITABLE 0x0eu   /* SYS_RST, RST_CPU, FULL_RST */

typedef struct
{
  uint8_t value;
} RstcntState;

static const VtField rstcnt_fields[] = { VT_FIELD (RstcntState, value) };

typedef struct
{
  VtDevice      dev;
  RstcntState   s;
  VtMachinePort machine;
} Rstcnt;

uint8_t
vt_rstcnt_read (VtDevice *dev)
{
  return ((Rstcnt *) dev)->s.value;
}

/* INIT# alone and a hard reset are the same to us: all of it starts anew. */
void
vt_rstcnt_write (VtDevice *dev, uint8_t value)
{
  Rstcnt *rstcnt = (Rstcnt *) dev;
  trace_rstcnt_write (value);
  bool reset = value & ~rstcnt->s.value & RSTCNT_RST_CPU;
  rstcnt->s.value = value & RSTCNT_WRITABLE;
  if (reset)
    vt_machine_request (&rstcnt->machine, VT_REQUEST_RESET, 0);
}

static uint64_t
region_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return vt_rstcnt_read (dev);
}

static void
region_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vt_rstcnt_write (dev, (uint8_t) value);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const RstcntState *s = incoming;
  if (!(s->value & ~RSTCNT_WRITABLE))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved reset register has impossible bits", dev->path);
  return false;
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  ((Rstcnt *) dev)->machine = env->machine;
  return true;
}

static const VtRegionOps rstcnt_ops = { region_read, region_write, 1, 1 };
const VtRegion vt_rstcnt_region = { "rstcnt", 1, &rstcnt_ops };
static const VtRegion *const rstcnt_regions[] = { &vt_rstcnt_region, NULL };

const VtDeviceClass vt_rstcnt_class = {
  .name = "rstcnt",
  .summary = "reset control register",
  .instance_size = sizeof (Rstcnt),
  .state_off = offsetof (Rstcnt, s),
  .state = VT_STATE (1, RstcntState, rstcnt_fields, NULL),
  .regions = rstcnt_regions,
  .realize = realize,
  .check = check,
};
