/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runner.h"

typedef struct
{
  VtRunner *runner;
  VtVcpu   *vcpu;
  GThread  *thread;
  GCond     wake;
  bool      standing;   /* not inside run(), or inside it at a safe point; guarded by the runner's mutex */
} Thread;

struct VtRunner
{
  const VtAccel *accel;
  VtRunnerEvents events;
  GMutex         mutex;          /* guards all below */
  GCond          stood;          /* some vCPU has come to stand */
  bool           running;
  bool           quit;
  VtVcpu        *exclusive;      /* the one vCPU that may run while it changes something for all */
  unsigned       exclusive_waiting;   /* vCPUs that wait, in the middle of an instruction, for their turn */
  unsigned       n_threads;
  Thread        *threads;
};

static bool
all_stand_but (VtRunner *runner, const VtVcpu *exception)
{
  for (unsigned i = 0; i < runner->n_threads; i++)
    if (runner->threads[i].vcpu != exception && !runner->threads[i].standing)
      return false;
  return true;
}

/* Mutex held. */
static void
stand (Thread *thread, bool standing)
{
  thread->standing = standing;
  if (standing)
    g_cond_broadcast (&thread->runner->stood);
}

static bool
may_run (const VtRunner *runner, const VtVcpu *vcpu)
{
  return runner->running && (runner->exclusive == NULL || runner->exclusive == vcpu);
}

/* Waits until this vCPU may run; false when the thread shall end. */
static bool
wait_for_leave (Thread *thread)
{
  VtRunner *runner = thread->runner;
  g_mutex_lock (&runner->mutex);
  if (!runner->quit && !may_run (runner, thread->vcpu))
    {
      stand (thread, true);
      while (!runner->quit && !may_run (runner, thread->vcpu))
        g_cond_wait (&thread->wake, &runner->mutex);
    }
  bool go = !runner->quit;
  if (go)
    {
      vt_vcpu_take (thread->vcpu, VT_VCPU_STOP | VT_VCPU_EXCLUSIVE);
      stand (thread, false);
    }
  else
    stand (thread, true);
  g_mutex_unlock (&runner->mutex);
  return go;
}

/* Mutex held. Until a signal, or the time has come for timers; true: it has. */
static bool
sleep_for_time (Thread *thread)
{
  VtRunner *runner = thread->runner;
  int64_t   due_ns = runner->events.due_ns (runner->events.opaque);
  if (due_ns == INT64_MAX)
    {
      g_cond_wait (&thread->wake, &runner->mutex);
      return false;
    }
  return !g_cond_wait_until (&thread->wake, &runner->mutex, due_ns / 1000 + 1);
}

static void
sleep_and_keep_time (Thread *thread)
{
  VtRunner *runner = thread->runner;
  g_mutex_lock (&runner->mutex);
  while (!runner->quit && vt_vcpu_requests (thread->vcpu) == 0)
    if (sleep_for_time (thread))
      {
        g_mutex_unlock (&runner->mutex);
        runner->events.run_timers (runner->events.opaque);
        g_mutex_lock (&runner->mutex);
      }
  g_mutex_unlock (&runner->mutex);
}

static void
sleep_for_request (Thread *thread)
{
  VtRunner *runner = thread->runner;
  g_mutex_lock (&runner->mutex);
  while (!runner->quit && vt_vcpu_requests (thread->vcpu) == 0)
    g_cond_wait (&thread->wake, &runner->mutex);
  g_mutex_unlock (&runner->mutex);
}

/* A halted vCPU sleeps until somebody has a request for it. While asleep it counts as standing: it holds nothing, and what timers do
 * they would do on the loop thread as well. */
static void
sleep_until_request (Thread *thread)
{
  VtRunner *runner = thread->runner;
  void     *opaque = runner->events.opaque;
  g_mutex_lock (&runner->mutex);
  stand (thread, true);
  g_mutex_unlock (&runner->mutex);
  if (runner->events.keep_time == NULL || !runner->events.keep_time (opaque, thread->vcpu, true))
    {
      sleep_for_request (thread);
      return;
    }
  sleep_and_keep_time (thread);
  runner->events.keep_time (opaque, thread->vcpu, false);
}

/* The machine decides what follows; until then this vCPU stands, the others go on. */
static void
report_exit (Thread *thread, VtExit exit)
{
  VtRunner *runner = thread->runner;
  if (runner->events.exited != NULL)
    runner->events.exited (runner->events.opaque, thread->vcpu, exit);
  g_mutex_lock (&runner->mutex);
  stand (thread, true);
  while (!runner->quit && (vt_vcpu_requests (thread->vcpu) & VT_VCPU_STOP) == 0)
    g_cond_wait (&thread->wake, &runner->mutex);
  g_mutex_unlock (&runner->mutex);
}

static gpointer
vcpu_thread (gpointer data)
{
  Thread *thread = data;
  while (wait_for_leave (thread))
    {
      VtExit exit = thread->runner->accel->run (thread->vcpu, UINT64_MAX);
      switch (exit)
        {
        case VT_EXIT_STOP:
        case VT_EXIT_BUDGET:
          break;
        case VT_EXIT_HALT:
          sleep_until_request (thread);
          break;
        case VT_EXIT_SHUTDOWN:
        case VT_EXIT_DEBUG:
        case VT_EXIT_ERROR:
          report_exit (thread, exit);
          break;
        }
    }
  return NULL;
}

static void
wake_thread (void *opaque)
{
  Thread *thread = opaque;
  g_mutex_lock (&thread->runner->mutex);
  g_cond_signal (&thread->wake);
  g_mutex_unlock (&thread->runner->mutex);
}

/* vCPU thread, machine lock not held. While it waits for its turn a vCPU counts as standing: its instruction has not
 * changed anything yet. */
static void
run_exclusive (VtVcpu *self, void (*fn) (void *arg), void *arg)
{
  Thread   *thread = self->wake_opaque;
  VtRunner *runner = thread->runner;
  g_mutex_lock (&runner->mutex);
  stand (thread, true);
  runner->exclusive_waiting++;
  while (runner->exclusive != NULL)
    g_cond_wait (&runner->stood, &runner->mutex);
  runner->exclusive_waiting--;
  runner->exclusive = self;
  stand (thread, false);
  for (unsigned i = 0; i < runner->n_threads; i++)
    if (runner->threads[i].vcpu != self)
      {
        VtVcpu *other = runner->threads[i].vcpu;
        __atomic_fetch_or (&other->requests, VT_VCPU_EXCLUSIVE, __ATOMIC_ACQ_REL);
        if (other->interrupt != NULL)
          other->interrupt (other);
        g_cond_signal (&runner->threads[i].wake);
      }
  while (!all_stand_but (runner, self))
    g_cond_wait (&runner->stood, &runner->mutex);
  g_mutex_unlock (&runner->mutex);

  fn (arg);

  g_mutex_lock (&runner->mutex);
  runner->exclusive = NULL;
  g_cond_broadcast (&runner->stood);
  for (unsigned i = 0; i < runner->n_threads; i++)
    g_cond_signal (&runner->threads[i].wake);
  g_mutex_unlock (&runner->mutex);
}

VtRunner *
vt_runner_new (VtVcpu *const *vcpus, unsigned n_vcpus, const VtAccel *accel, VtRunnerEvents events, GError **error)
{
  g_autoptr (VtRunner) runner = g_new0 (VtRunner, 1);
  runner->accel = accel;
  runner->events = events;
  g_mutex_init (&runner->mutex);
  g_cond_init (&runner->stood);
  runner->threads = g_new0 (Thread, n_vcpus);
  for (unsigned i = 0; i < n_vcpus; i++)
    {
      Thread *thread = &runner->threads[i];
      thread->runner = runner;
      thread->vcpu = vcpus[i];
      thread->vcpu->accel = accel;
      /* An accelerator does without some things where a vCPU is alone. */
      thread->vcpu->exclusive = n_vcpus > 1 ? run_exclusive : NULL;
      if (accel->attach != NULL && !accel->attach (thread->vcpu, error))
        return NULL;
      g_cond_init (&thread->wake);
      thread->vcpu->wake = wake_thread;
      thread->vcpu->wake_opaque = thread;
      runner->n_threads++;
    }
  for (unsigned i = 0; i < n_vcpus; i++)
    {
      g_autofree char *name = g_strdup_printf ("vcpu %u", i);
      runner->threads[i].thread = g_thread_new (name, vcpu_thread, &runner->threads[i]);
    }
  return g_steal_pointer (&runner);
}

void
vt_runner_free (VtRunner *runner)
{
  if (runner == NULL)
    return;
  g_mutex_lock (&runner->mutex);
  runner->quit = true;
  g_mutex_unlock (&runner->mutex);
  vt_runner_kick_all (runner, VT_VCPU_STOP);
  for (unsigned i = 0; i < runner->n_threads; i++)
    {
      Thread *thread = &runner->threads[i];
      if (thread->thread != NULL)
        g_thread_join (thread->thread);
      if (runner->accel->detach != NULL)
        runner->accel->detach (thread->vcpu);
      thread->vcpu->wake = NULL;
      thread->vcpu->exclusive = NULL;
      g_cond_clear (&thread->wake);
    }
  g_free (runner->threads);
  g_mutex_clear (&runner->mutex);
  g_cond_clear (&runner->stood);
  g_free (runner);
}

void
vt_runner_kick_all (VtRunner *runner, uint32_t requests)
{
  for (unsigned i = 0; i < runner->n_threads; i++)
    vt_vcpu_kick (runner->threads[i].vcpu, requests);
}

void
vt_runner_resume (VtRunner *runner)
{
  g_mutex_lock (&runner->mutex);
  runner->running = true;
  for (unsigned i = 0; i < runner->n_threads; i++)
    g_cond_signal (&runner->threads[i].wake);
  g_mutex_unlock (&runner->mutex);
}

void
vt_runner_pause (VtRunner *runner)
{
  g_mutex_lock (&runner->mutex);
  runner->running = false;
  g_mutex_unlock (&runner->mutex);
  vt_runner_kick_all (runner, VT_VCPU_STOP);
  g_mutex_lock (&runner->mutex);
  while (!all_stand_but (runner, NULL) || runner->exclusive_waiting > 0)
    g_cond_wait (&runner->stood, &runner->mutex);
  g_mutex_unlock (&runner->mutex);
}
