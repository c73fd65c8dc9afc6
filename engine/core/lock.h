/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine lock: recursive, and polite where it has to be.
 *
 * A guest that polls a register takes and drops the lock all the time. An ordinary mutex would hand it to the same vCPU again
 * and again while the loop thread, which has the very completion that the guest polls for, starves. So everybody but the vCPUs
 * announces itself, and vCPUs let announced threads go first.
 */
#pragma once

#include <glib.h>

typedef struct
{
  GMutex   mutex;
  GThread *owner;     /* atomic; compared only with the reader's own thread */
  unsigned depth;     /* of the owner */
  int      urgent;    /* atomic: threads that announced themselves and do not have the lock yet */
} VtLock;

void vt_lock_init (VtLock *lock);
void vt_lock_clear (VtLock *lock);

/* For vCPU threads. */
void vt_lock_polite (VtLock *lock);
/* For all others. */
void vt_lock (VtLock *lock);
void vt_unlock (VtLock *lock);
