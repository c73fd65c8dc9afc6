/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console inside the application: bounded output history, input from the window. */
#include <string.h>

#include "backends.h"
#include "pending.h"

#define RING_BYTES (256u * 1024u)

typedef struct
{
  VtChardev   chr;
  void      (*output) (void *opaque, const uint8_t *bytes, size_t n);
  void       *opaque;
  VtPending   pending;
  uint64_t    written;          /* in all; the last RING_BYTES of it are in `ring` */
  uint8_t     ring[RING_BYTES];
} Ring;

static void
ring_write (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  Ring *ring = (Ring *) chr;
  for (size_t i = n > RING_BYTES ? n - RING_BYTES : 0; i < n; i++)
    ring->ring[(ring->written + i) % RING_BYTES] = bytes[i];
  ring->written += n;
  if (ring->output != NULL)
    ring->output (ring->opaque, bytes, n);
}

static void
ring_accept (VtChardev *chr)
{
  vt_pending_deliver (chr, &((Ring *) chr)->pending);
}

static void
ring_close (VtChardev *chr)
{
  vt_pending_clear (&((Ring *) chr)->pending);
  g_free (chr);
}

static const VtChardevOps ring_ops = { ring_write, ring_accept, ring_close };

VtChardev *
vt_chardev_ring_new (void (*output) (void *opaque, const uint8_t *bytes, size_t n), void *opaque)
{
  Ring *ring = g_new0 (Ring, 1);
  ring->chr.ops = &ring_ops;
  ring->output = output;
  ring->opaque = opaque;
  vt_pending_init (&ring->pending);
  return &ring->chr;
}

GBytes *
vt_chardev_ring_contents (VtChardev *chr)
{
  Ring    *ring = (Ring *) chr;
  size_t   n = (size_t) MIN (ring->written, RING_BYTES);
  size_t   start = (size_t) ((ring->written - n) % RING_BYTES);
  uint8_t *copy = g_malloc (n + 1);
  size_t   first = MIN (n, RING_BYTES - start);
  memcpy (copy, ring->ring + start, first);
  memcpy (copy + first, ring->ring, n - first);
  return g_bytes_new_take (copy, n);
}

void
vt_chardev_ring_send (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  vt_pending_push (chr, &((Ring *) chr)->pending, bytes, n);
}
