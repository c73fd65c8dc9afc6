/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: user networking on a real loop. */
#pragma once

#include "networks.h"

typedef struct
{
  VtLock   lock;
  VtLoop  *loop;
  VtClock *clock;
  VtNet   *net;
} UserRig;

/* The network's frames go to `client`, with `opaque`. */
static inline void
user_rig_set_up (UserRig *rig, const VtNetClientOps *client, void *opaque)
{
  g_autoptr (GError) error = NULL;
  vt_lock_init (&rig->lock);
  rig->loop = vt_loop_new (&rig->lock);
  rig->clock = vt_clock_new (vt_host_now_ns, NULL);
  vt_loop_drive_clock (rig->loop, rig->clock);
  vt_lock (&rig->lock);
  vt_clock_start (rig->clock);
  rig->net = vt_user_net_new (&(VtUserNetConfig) { .loop = rig->loop, .lock = &rig->lock, .clock = rig->clock }, &error);
  g_assert_no_error (error);
  rig->net->client = client;
  rig->net->client_opaque = opaque;
  vt_unlock (&rig->lock);
}

static inline void
user_rig_close_net (void *opaque)
{
  VtNet *net = opaque;
  net->ops->close (net);
}

static inline void
user_rig_tear_down (UserRig *rig)
{
  vt_loop_post (rig->loop, user_rig_close_net, rig->net);
  vt_loop_free (rig->loop);
  vt_clock_free (rig->clock);
  vt_lock_clear (&rig->lock);
}
