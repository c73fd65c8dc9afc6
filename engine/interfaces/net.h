/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network as a card sees it: Ethernet frames out and in. All under the machine lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VT_NET_FRAME_MAX = 65536 };

typedef struct
{
  /* A frame for the guest, without checksum of its own. Frames that find no room are dropped, as on a wire. */
  void (*receive) (void *opaque, const uint8_t *frame, size_t len);
} VtNetClientOps;

typedef struct VtNet VtNet;

typedef struct
{
  /* A frame of the guest. receive() may be called back at once. */
  void (*send)  (VtNet *net, const uint8_t *frame, size_t len);
  void (*close) (VtNet *net);
} VtNetOps;

/* Embedded first in each back end's instance. */
struct VtNet
{
  const VtNetOps       *ops;
  const VtNetClientOps *client;     /* NULL: nobody listens */
  void                 *client_opaque;
  bool                  from_wire;  /* frames may have been damaged on their way: it is for the driver to look at their checksums */
};
