/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A redirected device between a bus and an other end that are the test's. The other end is a parser in the role of the usb-host, or raw
 * bytes. */
#pragma once

#include <usbredirparser.h>

#include "usb-redir.h"

/* A packet that the other end has got. */
typedef struct
{
  unsigned type;                 /* usb_redir_... */
  uint64_t id;
  unsigned endpoint, a, b;       /* a, b: the two numbers of the packet that tests ask for */
  unsigned length;               /* as its header says */
  GBytes  *data;                 /* NULL: none */
} RedirGot;

typedef struct
{
  VtChardev              chr;                /* the device's stream; the rig's */
  VtClock               *clock;
  VtDevice              *dev;
  VtUsbDevice           *usb;                /* what is plugged in; NULL: nothing */
  unsigned               port;
  unsigned               attached, detached, left, closed;
  unsigned               ready[256];         /* by address */
  void                 (*on_ready) (void *rig, unsigned address);
  struct usbredirparser *peer;
  GByteArray            *to_peer, *to_device;
  GQueue                 got;                /* RedirGot*, oldest first */
} RedirRig;

RedirRig *redir_rig_new (void);              /* the other end has said hello */
void      redir_rig_free (RedirRig *rig);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RedirRig, redir_rig_free)

/* Sends what the peer has queued; takes what the device has written. */
void redir_rig_run (RedirRig *rig);
/* Raw bytes to the device, as far as it takes them. */
void redir_rig_bytes (RedirRig *rig, const uint8_t *bytes, size_t n);
/* The other end leaves, or comes again. */
void redir_rig_open (RedirRig *rig, bool open);
/* A device with endpoints: bulk 1 and 0x81, interrupt 2 and 0x82 (8 bytes), isochronous 3 and 0x83. */
void redir_rig_connect (RedirRig *rig, unsigned speed);
/* The next packet of that type, others before it are dropped; NULL: none. To be freed. */
RedirGot *redir_rig_take (RedirRig *rig, unsigned type);
void      redir_got_free (RedirGot *got);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RedirGot, redir_got_free)

/* Something that a guest or the other end may do; what it is, `number` says: it gives numbers of so many bytes. Never does harm. */
void redir_rig_step (RedirRig *rig, uint64_t (*number) (void *opaque, unsigned bytes), void *opaque);
