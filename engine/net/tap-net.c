/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network behind a TAP device: each read() or write() of its descriptor is one frame (vitrine/tap.h). */
#include <errno.h>
#include <unistd.h>

#include "networks.h"

enum
{
  ADDRESSES = 12,            /* no frame is shorter */
  FRAMES_IN_A_TURN = 64,
};

typedef struct
{
  VtNet    net;
  int      fd;
  GSource *source;
  uint8_t  frame[VT_NET_FRAME_MAX];
} TapNet;

/* What a full queue or a device that is down does not take is lost, as on a wire. */
static void
send_frame (VtNet *net, const uint8_t *frame, size_t len)
{
  TapNet *tap = (TapNet *) net;
  while (write (tap->fd, frame, len) < 0 && errno == EINTR)
    ;
}

/* False: the device was removed, and its descriptor would be ready for ever. */
static bool
ready (void *opaque, int fd, GIOCondition condition)
{
  TapNet *tap = opaque;
  for (unsigned i = 0; i < FRAMES_IN_A_TURN; i++)
    {
      ssize_t n = read (fd, tap->frame, sizeof tap->frame);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return true;
      if (n <= 0)
        {
          g_warning ("A TAP device was removed: its card has no network until the machine is started again");
          return false;
        }
      if (n >= ADDRESSES && tap->net.client != NULL)
        tap->net.client->receive (tap->net.client_opaque, tap->frame, (size_t) n);
    }
  return true;
}

static void
close_net (VtNet *net)
{
  TapNet *tap = (TapNet *) net;
  vt_loop_unwatch (tap->source);
  close (tap->fd);
  g_free (tap);
}

VtNet *
vt_tap_net_new (VtLoop *loop, int fd)
{
  static const VtNetOps ops = { send_frame, close_net };
  TapNet *tap = g_new0 (TapNet, 1);
  tap->net.ops = &ops;
  tap->net.from_wire = true;
  tap->fd = fd;
  tap->source = vt_loop_watch (loop, fd, G_IO_IN, ready, tap);
  return &tap->net;
}
