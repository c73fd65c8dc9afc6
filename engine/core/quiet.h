/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device's host I/O that is under way, for VtDeviceClass.quiesce. Machine lock held. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct
{
  uint32_t in_flight;             /* requests */
  void   (*done) (void *opaque);  /* of whoever waits for the last one; NULL: nobody does */
  void    *opaque;
} VtQuiet;

static inline void
vt_quiet_began (VtQuiet *quiet)
{
  quiet->in_flight++;
}

static inline void
vt_quiet_ended (VtQuiet *quiet)
{
  quiet->in_flight--;
}

/* Tells whoever waits, once, when nothing is under way: called after what the end of a request has started. */
static inline void
vt_quiet_tell (VtQuiet *quiet)
{
  if (quiet->in_flight > 0 || quiet->done == NULL)
    return;
  void (*done) (void *) = g_steal_pointer (&quiet->done);
  done (quiet->opaque);
}

/* Perhaps before it returns. */
static inline void
vt_quiet_wait (VtQuiet *quiet, void (*done) (void *opaque), void *opaque)
{
  quiet->done = done;
  quiet->opaque = opaque;
  vt_quiet_tell (quiet);
}
