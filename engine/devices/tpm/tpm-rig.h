/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A register interface on a bench, with a scripted TPM behind it. */
#pragma once

#include "testbench.h"
#include "tpm-script.h"

typedef struct
{
  Bench           b;
  ScriptedTpm     tpm;
  const VtRegion *region;
} TpmRig;

static inline void
tpm_rig_init (TpmRig *rig, const VtDeviceClass *class, const VtRegion *region)
{
  rig->tpm = (ScriptedTpm) { .tpm = { .ops = &scripted_ops } };
  rig->region = region;
  bench_init (&rig->b, class, &(VtTpmDeviceConfig) { &rig->tpm.tpm });
}

static inline void
tpm_rig_clear (TpmRig *rig)
{
  bench_clear (&rig->b);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TpmRig, tpm_rig_clear)

static inline uint32_t
tpm_rig_get (TpmRig *rig, unsigned locality, unsigned reg)
{
  return (uint32_t) bench_read (&rig->b, rig->region, locality * 0x1000 + reg, 4);
}

/* For quiesce: opaque is a bool. */
static inline void
tpm_rig_set_done (void *opaque)
{
  *(bool *) opaque = true;
}
