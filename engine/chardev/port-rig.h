/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: a serial port that takes as much as it is told to, on a real loop. */
#pragma once

#include "backends.h"

#define PATIENCE_US (10 * G_USEC_PER_SEC)

typedef struct
{
  VtLock      lock;
  VtLoop     *loop;
  VtChardev  *chr;
  /* Machine lock: */
  size_t      room;
  GByteArray *got;
  unsigned    opened, left, asked;
} PortRig;

static size_t
port_rig_can_receive (void *opaque)
{
  PortRig *port = opaque;
  port->asked++;
  return port->room;
}

static void
port_rig_receive (void *opaque, const uint8_t *bytes, size_t n)
{
  PortRig *port = opaque;
  g_assert_cmpuint (n, <=, port->room);
  port->room -= n;
  g_byte_array_append (port->got, bytes, (guint) n);
}

static void
port_rig_opened (void *opaque, bool open)
{
  PortRig *port = opaque;
  *(open ? &port->opened : &port->left) += 1;
}

static const VtChardevClient port_rig_client = { port_rig_can_receive, port_rig_receive, port_rig_opened };

static inline void
port_rig_set_up (PortRig *port)
{
  vt_lock_init (&port->lock);
  port->loop = vt_loop_new (&port->lock);
  port->got = g_byte_array_new ();
}

/* Takes the other end. */
static inline void
port_rig_connect (PortRig *port, VtChardev *chr)
{
  port->chr = chr;
  vt_lock (&port->lock);
  vt_chardev_connect (chr, &port_rig_client, port);
  vt_unlock (&port->lock);
}

static inline void
port_rig_make_room (PortRig *port, size_t room)
{
  vt_lock (&port->lock);
  port->room = room;
  vt_chardev_accept (port->chr);
  vt_unlock (&port->lock);
}

static inline void
port_rig_tear_down (PortRig *port)
{
  vt_lock (&port->lock);
  port->chr->ops->close (port->chr);
  vt_unlock (&port->lock);
  vt_loop_free (port->loop);
  vt_lock_clear (&port->lock);
  g_byte_array_unref (port->got);
}
