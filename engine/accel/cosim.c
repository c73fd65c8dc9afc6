/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interpreter and translator side by side: a tool for finding mistakes in either. */
#include "accel.h"

#include "jit-run.h"

#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

static bool
attach (VtVcpu *vcpu, GError **error)
{
  if (vcpu->index != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, _("The accelerator “cosim” compares one processor: use --cpus 1"));
      return false;
    }
  vcpu->accel = &vt_accel_cosim;
  return vt_x86_jit_init_lockstep ((VtX86Cpu *) vcpu, error);
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
  return vt_x86_jit_run_lockstep ((VtX86Cpu *) vcpu, budget);
}

const VtAccel vt_accel_cosim = {
  .name = "cosim",
  .summary = N_("Executes every instruction twice, translated and step by step, and stops at the first difference."),
  .probe = vt_x86_jit_probe,
  .attach = attach,
  .detach = detach,
  .run = run,
};
