/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The translator as an accelerator. */
#include "accel.h"

#include <glib/gi18n-lib.h>

#include "jit-run.h"

static bool
attach (VtVcpu *vcpu, GError **error)
{
  vcpu->accel = &vt_accel_jit;
  return vt_x86_jit_init ((VtX86Cpu *) vcpu, error);
}

static void
detach (VtVcpu *vcpu)
{
  vcpu->accel = NULL;
  vt_x86_jit_free ((VtX86Cpu *) vcpu);
}

static VtExit
run (VtVcpu *vcpu, uint64_t budget)
{
  return vt_x86_jit_run ((VtX86Cpu *) vcpu, budget);
}

const VtAccel vt_accel_jit = {
  .name = "jit",
  .summary = N_("Translates guest code into code of this processor. Fast, and needs nothing of the system."),
  .counts = VT_COUNT_WANTED,
  .translates = true,
  .probe = vt_x86_jit_probe,
  .attach = attach,
  .detach = detach,
  .run = run,
};
