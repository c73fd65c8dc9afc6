/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One thread per vCPU, and the ways to make them all stand still. */
#pragma once

#include "accel.h"

typedef struct VtRunner VtRunner;

typedef struct
{
  /* A vCPU left run() for something that the machine must decide: VT_EXIT_SHUTDOWN, VT_EXIT_DEBUG, VT_EXIT_ERROR. The
   * vCPU then stands until it is resumed. vCPU thread, no lock held. */
  void (*exited) (void *opaque, VtVcpu *vcpu, VtExit exit);
  /* A halted vCPU may keep time while it sleeps. All three nullable, on vCPU threads.
   * keep_time: it begins to, if that returns true, or ends; from then on its wake() is called when the next time comes nearer. No lock
   * held. due_ns: the next time to call run_timers, of CLOCK_MONOTONIC; INT64_MAX: none. Takes no lock. run_timers: no lock held. */
  bool    (*keep_time) (void *opaque, VtVcpu *vcpu, bool keep);
  int64_t (*due_ns) (void *opaque);
  void    (*run_timers) (void *opaque);
  void  *opaque;
} VtRunnerEvents;

/* The vCPUs stay the caller's. Threads are started, but stand until vt_runner_resume(). */
VtRunner *vt_runner_new (VtVcpu *const *vcpus, unsigned n_vcpus, const VtAccel *accel, VtRunnerEvents events, GError **error);
/* Stops and joins. */
void      vt_runner_free (VtRunner *runner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtRunner, vt_runner_free)

/* Neither may be called with the machine lock held, nor on a vCPU thread. */
void vt_runner_resume (VtRunner *runner);
/* Returns when every vCPU stands at a safe point. */
void vt_runner_pause (VtRunner *runner);

/* VT_VCPU_* for all. Any thread. */
void vt_runner_kick_all (VtRunner *runner, uint32_t requests);
