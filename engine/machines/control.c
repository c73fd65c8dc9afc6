/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control thread: whatever stops the vCPUs happens here, one thing after the other.
 *
 * The loop thread cannot do it, because stopping waits for I/O that the loop completes; a vCPU cannot, because it would wait
 * for itself; the UI must not, because it never waits.
 */
#include "machine-private.h"

typedef struct
{
  void (*fn) (VtMachine *machine, void *arg);
  void  *arg;
  bool   waited_for;
  bool   done;
  GMutex mutex;
  GCond  cond;
} Job;

static void
run_job (VtMachine *machine, Job *job)
{
  if (job->fn != NULL)
    job->fn (machine, job->arg);
  if (!job->waited_for)
    {
      g_free (job);
      return;
    }
  g_mutex_lock (&job->mutex);
  job->done = true;
  g_cond_signal (&job->cond);
  g_mutex_unlock (&job->mutex);
}

static gpointer
control_thread (gpointer data)
{
  VtMachine *machine = data;
  for (bool last = false; !last;)
    {
      Job *job = g_async_queue_pop (machine->control_queue);
      last = job->fn == NULL;
      run_job (machine, job);
    }
  return NULL;
}

void
vt_control_start (VtMachine *machine)
{
  machine->control_queue = g_async_queue_new_full (g_free);
  machine->control_thread = g_thread_new ("vitrine-control", control_thread, machine);
}

void
vt_control_post (VtMachine *machine, void (*fn) (VtMachine *machine, void *arg), void *arg)
{
  Job *job = g_new0 (Job, 1);
  job->fn = fn;
  job->arg = arg;
  g_async_queue_push (machine->control_queue, job);
}

void
vt_control_run (VtMachine *machine, void (*fn) (VtMachine *machine, void *arg), void *arg)
{
  Job job = { .fn = fn, .arg = arg, .waited_for = true };
  g_mutex_init (&job.mutex);
  g_cond_init (&job.cond);
  g_async_queue_push (machine->control_queue, &job);
  g_mutex_lock (&job.mutex);
  while (!job.done)
    g_cond_wait (&job.cond, &job.mutex);
  g_mutex_unlock (&job.mutex);
  g_mutex_clear (&job.mutex);
  g_cond_clear (&job.cond);
}

void
vt_control_stop (VtMachine *machine)
{
  if (machine->control_thread == NULL)
    return;
  vt_control_post (machine, NULL, NULL);
  g_thread_join (machine->control_thread);
  machine->control_thread = NULL;
  g_async_queue_unref (machine->control_queue);
}

/* --- Standing still ------------------------------------------------------------------------------------------------------- */

typedef struct
{
  GMutex   mutex;
  GCond    cond;
  unsigned outstanding;
} Settling;

static void
device_settled (void *opaque)
{
  Settling *settling = opaque;
  g_mutex_lock (&settling->mutex);
  settling->outstanding--;
  g_cond_signal (&settling->cond);
  g_mutex_unlock (&settling->mutex);
}

/* Waits until no device has host I/O under way. The loop thread, which completes it, needs the machine lock meanwhile. */
static void
quiesce_devices (VtMachine *machine)
{
  Settling settling = { .outstanding = 0 };
  g_mutex_init (&settling.mutex);
  g_cond_init (&settling.cond);
  vt_lock (&machine->lock);
  for (guint i = 0; i < machine->devices->len; i++)
    {
      VtDevice *dev = g_ptr_array_index (machine->devices, i);
      if (dev->cls->quiesce == NULL)
        continue;
      g_mutex_lock (&settling.mutex);
      settling.outstanding++;
      g_mutex_unlock (&settling.mutex);
      dev->cls->quiesce (dev, device_settled, &settling);
    }
  vt_unlock (&machine->lock);
  g_mutex_lock (&settling.mutex);
  while (settling.outstanding > 0)
    g_cond_wait (&settling.cond, &settling.mutex);
  g_mutex_unlock (&settling.mutex);
  g_mutex_clear (&settling.mutex);
  g_cond_clear (&settling.cond);
}

static void
set_devices_running (VtMachine *machine, bool running)
{
  for (guint i = 0; i < machine->devices->len; i++)
    vt_device_set_running (g_ptr_array_index (machine->devices, i), running);
}

void
vt_machine_stop_world (VtMachine *machine, bool settled)
{
  vt_runner_pause (machine->runner);
  vt_lock (&machine->lock);
  vt_clock_stop (machine->clock);
  vt_unlock (&machine->lock);
  if (settled)
    {
      vt_machine_end_drive_waits (machine);
      quiesce_devices (machine);
    }
  vt_lock (&machine->lock);
  set_devices_running (machine, false);
  vt_unlock (&machine->lock);
}

void
vt_machine_start_world (VtMachine *machine)
{
  vt_lock (&machine->lock);
  if (!machine->counting)
    machine->ran_uncounted = true;
  set_devices_running (machine, true);
  vt_clock_start (machine->clock);
  vt_machine_release_input (machine);
  vt_unlock (&machine->lock);
  vt_machine_retry_drives (machine);
  vt_runner_resume (machine->runner);
}

/* Devices, then processors, then what the board has to put back into memory. The world stands. */
static void
reset_everything (VtMachine *machine, VtResetKind kind)
{
  g_autoptr (GError) error = NULL;
  vt_lock (&machine->lock);
  for (guint i = 0; i < machine->devices->len; i++)
    vt_device_reset (g_ptr_array_index (machine->devices, i), kind);
  if (machine->tpm != NULL)
    machine->tpm->ops->init (machine->tpm);
  for (unsigned i = 0; i < machine->n_cpus; i++)
    {
      VtVcpu *vcpu = &machine->cpus[i]->vcpu;
      vcpu->cls->reset (vcpu, kind == VT_RESET_POWER);
      vt_vcpu_kick (vcpu, VT_VCPU_VIEW | VT_VCPU_FLUSH);
    }
  bool ok = machine->board->after_reset (machine, &error);
  vt_unlock (&machine->lock);
  if (!ok)
    vt_machine_set_state (machine, VT_MACHINE_DIED, 2, error->message);
}

static void
tell_guest_reset (Listeners *listeners, int value, const char *message)
{
  if (listeners->events.guest_reset != NULL)
    listeners->events.guest_reset (listeners->opaque);
}

void
vt_machine_reset_now (VtMachine *machine, VtResetKind kind)
{
  bool was_running = machine->state == VT_MACHINE_RUNNING;
  vt_machine_stop_world (machine, true);
  reset_everything (machine, kind);
  vt_machine_tell (machine, tell_guest_reset, 0, NULL);
  if (was_running && machine->state == VT_MACHINE_RUNNING)
    vt_machine_start_world (machine);
}
