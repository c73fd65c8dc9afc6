/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queues of a virtio device as its type sees them: elements popped, elements given back.
 *
 * Nothing here says how a ring looks in memory: the two layouts are in virtqueue-split.c and virtqueue-packed.c, and what
 * they share in virtqueue.c. */
#pragma once

#include "block.h"
#include "virtio-device.h"

/* A buffer of the driver: a part that the device reads (out), then a part that it writes (in), in pinned pieces. */
struct VtVirtElement
{
  VtVirtio *virtio;
  unsigned  queue;
  uint32_t  epoch;
  uint16_t  id;              /* of the ring: what goes back */
  uint16_t  slots;           /* its places in the ring */
  uint16_t  n_out, n_in;     /* pieces */
  uint32_t  written;         /* once it is done */
  bool      ordered;         /* is in its queue's in_order */
  bool      done;            /* waits for older ones to go back before it (IN_ORDER) */
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
/* The element that was popped last is as if it had not been. Frees it. */
void vt_virtqueue_unpop (VtVirtElement *element);
/* Bytes that the device may write into the next element; 0: there is none. */
uint64_t vt_virtqueue_room (VtVirtio *virtio, unsigned queue);
/* Gives it back with `written` bytes of the in part written, and tells the driver if it wants that. Frees the
 * element. */
void vt_virtqueue_push (VtVirtElement *element, uint32_t written);
/* The same for several elements of one queue, of which the driver sees all or none: each has its `written` set. */
enum { VT_VIRTQUEUE_PUSH_MAX = 64 };
void vt_virtqueue_push_all (VtVirtElement *const *elements, unsigned n);
/* Pops what there is and hands it to `handle`, one by one; what comes faster than that waits a little. For notify(). */
void vt_virtqueue_serve (VtVirtio *virtio, unsigned queue, void (*handle) (VtVirtElement *element));

/* Copies between a buffer and the out (or in) part; returns how many bytes there were. */
uint64_t vt_virt_element_read (VtVirtElement *element, uint64_t off, void *to, uint64_t len);
uint64_t vt_virt_element_write (VtVirtElement *element, uint64_t off, const void *from, uint64_t len);
/* Bytes [skip, skip + len) of the spans as vectors, of which there is room for n_spans; returns how many. */
size_t vt_virt_gather (VtIoVec *vec, const VtSpan *spans, unsigned n_spans, uint64_t skip, uint64_t len);
