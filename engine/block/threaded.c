/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "threaded.h"

#define THREADS_PER_IMAGE 4

typedef struct
{
  VtThreaded    *driver;
  VtIo           io;
  VtThreadedDone done;
  void          *opaque;
  int            error;
} Job;

static void
finish_job (void *arg)
{
  g_autofree Job *job = arg;
  job->done (job->driver, job->opaque, job->error);
}

static void
run_job (void *data, void *user_data)
{
  Job *job = data;
  job->error = job->driver->run (job->driver, &job->io);
  job->driver->post.post (job->driver->post.loop, finish_job, job);
}

void
vt_threaded_init (VtThreaded *driver, const VtBlockOps *ops, VtPost post, VtThreadedRun run)
{
  driver->block.ops = ops;
  driver->post = post;
  driver->run = run;
  /* A shared (not exclusive) pool starts no thread before the first request, and cannot fail. */
  driver->pool = g_thread_pool_new (run_job, NULL, THREADS_PER_IMAGE, FALSE, NULL);
}

void
vt_threaded_clear (VtThreaded *driver)
{
  g_assert (driver->block.in_flight == 0);
  g_thread_pool_free (driver->pool, FALSE, TRUE);
  g_free (driver->block.label);
}

static Job *
new_job (VtThreaded *driver, VtThreadedDone done, void *opaque)
{
  Job *job = g_new0 (Job, 1);
  job->driver = driver;
  job->done = done;
  job->opaque = opaque;
  return job;
}

void
vt_threaded_start (VtThreaded *driver, const VtIo *io, VtThreadedDone done, void *opaque)
{
  Job *job = new_job (driver, done, opaque);
  job->io = *io;
  g_thread_pool_push (driver->pool, job, NULL);
}

void
vt_threaded_defer (VtThreaded *driver, VtThreadedDone done, void *opaque, int error)
{
  Job *job = new_job (driver, done, opaque);
  job->error = error;
  driver->post.post (driver->post.loop, finish_job, job);
}

static void
complete_whole (VtThreaded *driver, void *opaque, int error)
{
  vt_block_complete (&driver->block, opaque, error);
}

void
vt_threaded_submit (VtBlock *block, VtIo *io)
{
  vt_threaded_start ((VtThreaded *) block, io, complete_whole, io);
}

void
vt_threaded_refuse (VtBlock *block, VtIo *io, int error)
{
  vt_threaded_defer ((VtThreaded *) block, complete_whole, io, error);
}

/* --- Drivers that stand in front of another disk ------------------------------------------------------------------ */

void
vt_threaded_look_like (VtThreaded *driver, const VtBlock *below)
{
  driver->block.size_bytes = below->size_bytes;
  driver->block.logical_block_bytes = below->logical_block_bytes;
  driver->block.readonly = below->readonly;
  driver->block.label = g_strdup (below->label);
}

static void
below_done (VtIo *io, int error)
{
  VtPassed *passed = io->opaque;
  passed->over (passed, error);
}

void
vt_threaded_pass (VtThreaded *driver, VtBlock *below, VtIo *io, void (*over) (VtPassed *passed, int error))
{
  VtPassed *passed = g_new0 (VtPassed, 1);
  passed->driver = driver;
  passed->original = io;
  passed->over = over;
  passed->io = *io;
  passed->io.done = below_done;
  passed->io.opaque = passed;
  vt_block_submit (below, &passed->io);
}

void
vt_passed_end (VtPassed *passed, int error)
{
  vt_block_complete (&passed->driver->block, passed->original, error);
  g_free (passed);
}
