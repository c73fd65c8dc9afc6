/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between virtqueue.c, the two layouts of a ring, and virtio-device.c. */
#pragma once

#include "virtqueue.h"

/* The bits that descriptors of both layouts share (VIRTIO 1.1, 2.6.5 and 2.7.13). */
enum
{
  VT_VIRT_DESC_BYTES    = 16,
  VT_VIRT_DESC_NEXT     = 1u << 0,
  VT_VIRT_DESC_WRITE    = 1u << 1,
  VT_VIRT_DESC_INDIRECT = 1u << 2,
};

/* A descriptor, copied once. */
typedef struct
{
  uint64_t at;
  uint32_t len;
  uint16_t word[2];          /* split: flags, next. Packed: id, flags. */
} VtVirtDesc;

/* A chain of descriptors while it is being followed. */
typedef struct
{
  VtVirtio *virtio;
  GArray   *spans;           /* VtSpan */
  unsigned  n_out, n_in, n_desc;
  uint64_t  out_len, in_len;
  uint16_t  id;              /* what goes back */
  uint16_t  slots;           /* places that it takes in the ring */
} VtVirtChain;

/* A layout. Functions that give a text say with it what the driver did wrong; NULL: nothing. */
typedef struct
{
  /* Could an enabled queue be like this? */
  bool (*possible) (const VtVirtQueueState *q);
  /* Positions of an empty ring. */
  void (*start) (VtVirtQueueState *q);
  /* Fills the chain with the next element, without taking it. *there: is there one? If not, notifications were asked for. */
  const char *(*peek) (VtVirtChain *chain, const VtVirtQueueState *q, bool *there);
  /* Takes an element of so many slots, or with a negative number gives it up again. */
  void (*take) (VtVirtQueueState *q, int slots);
  /* Writes n used elements, the newest of them last, and shows them to the driver at once. */
  bool (*give) (VtVirtio *virtio, VtVirtQueueState *q, VtVirtElement *const *elements, unsigned n);
  /* Does the driver want to hear of what was given since it was last told? */
  bool (*interrupt_wanted) (VtVirtio *virtio, VtVirtQueueState *q);
} VtVirtRing;

extern const VtVirtRing vt_virt_split_ring, vt_virt_packed_ring;

/* As the driver chose it. */
const VtVirtRing *vt_virtio_ring (const VtVirtio *virtio);

/* Aligned, and not around the end of the address space. */
bool vt_virt_area_possible (uint64_t at, uint64_t len, uint64_t alignment);
bool vt_virt_get_desc (VtVirtio *virtio, uint64_t table, unsigned index, VtVirtDesc *desc);
/* Counts one more descriptor of the chain; the count ends loops. */
const char *vt_virt_count_desc (VtVirtChain *chain);
/* Pins what a descriptor without INDIRECT points at. */
const char *vt_virt_add_buffer (VtVirtChain *chain, const VtVirtDesc *desc, uint16_t flags);
/* Is this a table that the chain may have? */
const char *vt_virt_check_table (const VtVirtChain *chain, const VtVirtDesc *desc, uint16_t flags);

/* One element less is in flight: a waiting reset or quiesce may go on. */
void vt_virtio_element_gone (VtVirtio *virtio);
/* Looks at the queue again a little later. */
void vt_virtio_serve_again (VtVirtio *virtio, unsigned queue);
