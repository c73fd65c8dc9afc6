/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queues of a virtio device as its type sees them: elements popped, elements given back.
 *
 * Nothing here says how a ring looks in memory: the split ring is in virtqueue.c, and a packed ring goes behind the
 * same calls. */
#pragma once

#include "virtio-device.h"

/* A buffer of the driver: a part that the device reads (out), then a part that it writes (in), in pinned pieces. */
struct VtVirtElement
{
  VtVirtio *virtio;
  unsigned  queue;
  uint32_t  epoch;
  uint16_t  id;              /* of the ring: what goes back */
  uint16_t  n_out, n_in;     /* pieces */
  uint64_t  out_len, in_len;
  VtSpan    spans[];         /* out, then in */
};

static inline VtSpan *
vt_virt_element_out (VtVirtElement *element)
{
  return element->spans;
}

static inline VtSpan *
vt_virt_element_in (VtVirtElement *element)
{
  return element->spans + element->n_out;
}

/* The next element, or NULL: nothing there, parked, or the ring was found broken. At most `size` are out at a time. */
VtVirtElement *vt_virtqueue_pop (VtVirtio *virtio, unsigned queue);
/* Gives it back with `written` bytes of the in part written, and tells the driver if it wants that. Frees the
 * element. */
void vt_virtqueue_push (VtVirtElement *element, uint32_t written);

/* Copies between a buffer and the out (or in) part; returns how many bytes there were. */
uint64_t vt_virt_element_read (VtVirtElement *element, uint64_t off, void *to, uint64_t len);
uint64_t vt_virt_element_write (VtVirtElement *element, uint64_t off, const void *from, uint64_t len);
