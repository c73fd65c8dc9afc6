/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Base of drivers whose requests are blocking calls: they run on a pool of threads and end on the loop thread. */
#pragma once

#include "drivers.h"
#include "file.h"

typedef struct VtThreaded VtThreaded;
/* On a pool thread, without any lock; 0 or a positive errno. `io` is the request or a copy of part of it. */
typedef int (*VtThreadedRun) (VtThreaded *driver, const VtIo *io);

struct VtThreaded
{
  VtBlock       block;
  VtPost        post;
  GThreadPool  *pool;
  VtThreadedRun run;
};

void vt_threaded_init (VtThreaded *driver, const VtBlockOps *ops, VtPost post, VtThreadedRun run);
/* Waits for the threads; nothing may be in flight. */
void vt_threaded_clear (VtThreaded *driver);

/* The request's buffers as the file layer takes them: the two types are laid out alike. */
G_STATIC_ASSERT (sizeof (VtIoVec) == sizeof (VtFileVec));
G_STATIC_ASSERT (offsetof (VtIoVec, base) == offsetof (VtFileVec, base));
G_STATIC_ASSERT (offsetof (VtIoVec, len) == offsetof (VtFileVec, len));
static inline const VtFileVec *
vt_threaded_vec (const VtIo *io)
{
  return (const VtFileVec *) io->vec;
}

/* Calls done (opaque, error) on the loop thread after run (driver, io). io is copied; its vectors are borrowed. */
typedef void (*VtThreadedDone) (VtThreaded *driver, void *opaque, int error);
void vt_threaded_start (VtThreaded *driver, const VtIo *io, VtThreadedDone done, void *opaque);
/* Calls done (opaque, error) on the loop thread; nothing to run. */
void vt_threaded_defer (VtThreaded *driver, VtThreadedDone done, void *opaque, int error);

/* Block operations for drivers that pass each request whole to run(). */
void vt_threaded_submit (VtBlock *block, VtIo *io);
void vt_threaded_refuse (VtBlock *block, VtIo *io, int error);

/* --- Drivers that stand in front of another disk --- */

/* Takes over the size, block size, read-only mark and label of the disk below. */
void vt_threaded_look_like (VtThreaded *driver, const VtBlock *below);

/* A request on its way to the disk below: its buffers are the request's. */
typedef struct VtPassed VtPassed;
struct VtPassed
{
  VtThreaded *driver;
  VtIo       *original;
  VtIo        io;
  void      (*over) (VtPassed *passed, int error);   /* loop thread; calls vt_passed_end() now or later */
  int         error;                                 /* the driver's, while it keeps the request back */
};

void vt_threaded_pass (VtThreaded *driver, VtBlock *below, VtIo *io, void (*over) (VtPassed *passed, int error));
/* Ends the original with this error, or 0, and frees `passed`. */
void vt_passed_end (VtPassed *passed, int error);
