/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks that a card can be on. Each is closed by its ops' close(), on the loop thread, machine lock held. */
#pragma once

#include <glib.h>

#include "clock.h"
#include "lock.h"
#include "loop.h"
#include "net.h"

/* A network of its own behind the person's own connections, without any rights (libslirp): 10.0.2.0/24, the host at .2, the name
 * server at .3, addresses by DHCP from .15; fec0::/64 likewise. What the guest connects to, this process connects to. */
typedef struct
{
  VtLoop  *loop;
  VtLock  *lock;           /* the machine lock */
  VtClock *clock;
  bool     restricted;     /* no connections out of the network; forwards still work */
  const char *hostname;    /* nullable: what DHCP says the guest is called */
} VtUserNetConfig;
VtNet *vt_user_net_new (const VtUserNetConfig *config, GError **error);

/* "tcp:127.0.0.1:8022-:22": connections to that port of this computer go to a port of the guest. Without a host address only this
 * computer itself can connect. From now on these, ending with NULL, and no others are forwarded; all or nothing: where one is
 * refused, all is as it was. A connection through a forward that goes lives on. The error names the part that is wrong. Machine lock
 * held. On the loop thread, unless the list was empty before: a socket that is closed while the loop waits for it still listens. */
bool vt_user_net_set_forwards (VtNet *net, const char *const *rules, GError **error);

/* A network of all cards that have a socket in that folder, which exists; nothing else is on it. */
VtNet *vt_local_net_new (VtLoop *loop, const char *folder, GError **error);

/* The network behind a TAP device's descriptor (vitrine/tap.h), non-blocking, which it takes. A device that is removed is told of by
 * a warning, and the card then hears nothing more. */
VtNet *vt_tap_net_new (VtLoop *loop, int fd);

/* A place between a card and its network where frames can be captured; closing it closes `below`. */
VtNet *vt_capture_net_new (VtNet *below);
VtNet *vt_capture_net_below (VtNet *net);
/* Writes all frames to the file from now on, which is taken in any case; -1 ends that, and
 * then an error says that the end of the file is missing. Machine lock held. */
bool   vt_net_capture (VtNet *net, int fd, GError **error);
void   vt_net_capture_refuse (int fd);
bool   vt_net_is_captured (VtNet *net);
/* Told when a capture ends by itself: with a sentence when the file could not take more, with NULL when the network is closed. Machine
 * lock held, any thread. */
void   vt_net_capture_watch (VtNet *net, void (*ended) (void *opaque, const char *why), void *opaque);
