/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debug console: a byte written is a byte printed; reading 0xe9 tells firmware that somebody listens. */
#include "debugcon.h"

#define DEBUGCON_PRESENT 0xe9u

typedef struct
{
  uint64_t written;   /* bytes so far: for the inspector */
} DebugconState;

static const VtField debugcon_fields[] = { VT_FIELD (DebugconState, written) };

typedef struct
{
  VtDevice      dev;
  DebugconState s;
  VtChardev    *chr;
} Debugcon;

static uint64_t
debugcon_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return DEBUGCON_PRESENT;
}

static void
debugcon_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Debugcon *con = (Debugcon *) dev;
  uint8_t byte = (uint8_t) value;
  con->s.written++;
  vt_chardev_write (con->chr, &byte, 1);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  const VtDebugconConfig *config = env->config;
  ((Debugcon *) dev)->chr = config != NULL ? config->chr : NULL;
  return true;
}

static const VtRegionOps debugcon_ops = { debugcon_read, debugcon_write, 1, 1 };
const VtRegion vt_debugcon_region = { "debugcon", 1, &debugcon_ops };
static const VtRegion *const debugcon_regions[] = { &vt_debugcon_region, NULL };

const VtDeviceClass vt_debugcon_class = {
  .name = "debugcon",
  .summary = "debug console port",
  .instance_size = sizeof (Debugcon),
  .state_off = offsetof (Debugcon, s),
  .state = VT_STATE (1, DebugconState, debugcon_fields, NULL),
  .regions = debugcon_regions,
  .realize = realize,
};
