/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interpreter as an accelerator: the reference that the others are measured against. */
#include "accel.h"

#include "interp.h"

#include <glib/gi18n-lib.h>

static bool
probe (GError **error)
{
  return true;
}

static bool
attach (VtVcpu *vcpu, GError **error)
{
  vcpu->accel = &vt_accel_interp;
  vt_x86_interp_init ((VtX86Cpu *) vcpu);
  return true;
}

static void
detach (VtVcpu *vcpu)
{
  vcpu->accel = NULL;
  vt_x86_interp_free ((VtX86Cpu *) vcpu);
}

static VtExit
run (VtVcpu *vcpu, uint64_t budget)
{
  return vt_x86_interp_run ((VtX86Cpu *) vcpu, budget);
}

const VtAccel vt_accel_interp = {
  .name = "interp",
  .summary = N_("Executes every instruction step by step. Slow, and works everywhere."),
  .counts = VT_COUNT_ALWAYS,
  .probe = probe,
  .attach = attach,
  .detach = detach,
  .run = run,
};
