/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vcpu.h"

static _Thread_local VtVcpu *current;

VtVcpu *
vt_vcpu_current (void)
{
  return current;
}

void
vt_vcpu_set_current (VtVcpu *vcpu)
{
  current = vcpu;
}

void
vt_vcpu_kick (VtVcpu *vcpu, uint32_t requests)
{
  __atomic_fetch_or (&vcpu->requests, requests, __ATOMIC_ACQ_REL);
  if (vcpu->interrupt != NULL)
    vcpu->interrupt (vcpu);
  if (vcpu->wake != NULL)
    vcpu->wake (vcpu->wake_opaque);
}

static bool
refresh (VtMem *mem, VtView **view)
{
  if (mem == NULL || (*view != NULL && vt_view_current (*view)))
    return false;
  g_clear_pointer (view, vt_view_unref);
  *view = vt_mem_view (mem);
  return true;
}

bool
vt_vcpu_refresh_views (VtVcpu *vcpu)
{
  bool changed = refresh (vcpu->mem, &vcpu->view);
  changed |= refresh (vcpu->io, &vcpu->io_view);
  return changed;
}
