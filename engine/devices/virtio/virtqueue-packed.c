/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The packed ring (VIRTIO 1.1, 2.7): one ring of descriptors that the driver makes available and the device writes over
 * with used ones. Two bits of each say whose it is, read against a wrap counter that turns with every round. */
#include "virtqueue-private.h"

enum
{
  DESC_AVAIL = 1u << 7,
  DESC_USED  = 1u << 15,
  DESC_FLAGS = 14,           /* offsets in a descriptor */
  DESC_ID    = 12,
  DESC_LEN   = 8,

  WRAP = 1u << 15,           /* in a position, and in the event suppression structure (2.7.14) */
  EVENT_ENABLE  = 0,
  EVENT_DISABLE = 1,
  EVENT_DESC    = 2,
};

/* --- Positions ---------------------------------------------------------------------------------------------------- */

static unsigned
index_of (uint16_t position)
{
  return position & (WRAP - 1u);
}

/* A position on a circle of two rounds, which tells those with the wrap counter set from the others. */
static unsigned
on_circle (const VtVirtQueueState *q, uint16_t position)
{
  return index_of (position) + (position & WRAP ? 0u : q->size);
}

static uint16_t
moved (const VtVirtQueueState *q, uint16_t position, int slots)
{
  unsigned circle = 2u * q->size;
  unsigned at = (on_circle (q, position) + circle + (unsigned) slots) % circle;
  return (uint16_t) (at < q->size ? at | WRAP : at - q->size);
}

static bool
possible (const VtVirtQueueState *q)
{
  return q->size != 0 && index_of (q->next_avail) < q->size && index_of (q->next_used) < q->size
         && index_of (q->signalled) < q->size && vt_virt_area_possible (q->desc, 16u * q->size, 16)
         && vt_virt_area_possible (q->driver, 4, 4) && vt_virt_area_possible (q->device, 4, 4);
}

static void
start (VtVirtQueueState *q)
{
  q->next_avail = q->next_used = q->signalled = WRAP;
}

/* --- Available ---------------------------------------------------------------------------------------------------- */

/* In a table all descriptors count, one after the other (2.7.7). */
static const char *
follow_table (VtVirtChain *chain, const VtVirtDesc *head)
{
  const char *wrong = vt_virt_check_table (chain, head, head->word[1]);
  for (unsigned i = 0; wrong == NULL && i < head->len / VT_VIRT_DESC_BYTES; i++)
    {
      VtVirtDesc desc;
      if ((wrong = vt_virt_count_desc (chain)) != NULL)
        return wrong;
      if (!vt_virt_get_desc (chain->virtio, head->at, i, &desc))
        return "descriptor table outside memory";
      wrong = desc.word[1] & VT_VIRT_DESC_INDIRECT ? "indirect table inside an indirect table"
                                                   : vt_virt_add_buffer (chain, &desc, desc.word[1]);
    }
  return wrong;
}

/* The descriptors of a list follow each other in the ring; the last one has the identifier (2.7.6). */
static const char *
follow (VtVirtChain *chain, const VtVirtQueueState *q)
{
  for (uint16_t at = q->next_avail;; at = moved (q, at, 1))
    {
      VtVirtDesc  desc;
      const char *wrong = vt_virt_count_desc (chain);
      if (wrong != NULL)
        return wrong;
      if (++chain->slots > q->size)
        return "chain longer than the ring";
      if (!vt_virt_get_desc (chain->virtio, q->desc, index_of (at), &desc))
        return "ring outside memory";
      uint16_t flags = desc.word[1];
      chain->id = desc.word[0];
      if ((flags & VT_VIRT_DESC_INDIRECT) && chain->slots > 1)
        return "indirect descriptor inside a chain";
      wrong = flags & VT_VIRT_DESC_INDIRECT ? follow_table (chain, &desc) : vt_virt_add_buffer (chain, &desc, flags);
      if (wrong != NULL || (flags & VT_VIRT_DESC_NEXT) == 0)
        return wrong;
    }
}

/* Has the driver made the next descriptor available? False too when it is outside memory: then *ok is. */
static bool
available (VtVirtio *virtio, const VtVirtQueueState *q, bool *ok)
{
  uint16_t flags = 0;
  uint64_t at = q->desc + index_of (q->next_avail) * UINT64_C (16) + DESC_FLAGS;
  bool     wrap = (q->next_avail & WRAP) != 0;
  *ok = vt_dma_get16 (virtio->dma, VT_GPA (at), &flags);
  /* The rest of the chain was written before these flags. */
  __atomic_thread_fence (__ATOMIC_ACQUIRE);
  return *ok && ((flags & DESC_AVAIL) != 0) == wrap && ((flags & DESC_USED) != 0) != wrap;
}

/* Asks for a notification when the descriptor at next_avail comes. False: the ring is outside memory. */
static bool
ask_for_notification (VtVirtio *virtio, const VtVirtQueueState *q)
{
  uint32_t wish = vt_virtio_has (virtio, VIRTIO_F_RING_EVENT_IDX) ? q->next_avail | EVENT_DESC << 16 : EVENT_ENABLE << 16;
  bool     ok = vt_dma_put32 (virtio->dma, VT_GPA (q->device), wish);
  /* The driver writes its flags and then reads our wish; we do it the other way round. */
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  return ok;
}

static const char *
peek (VtVirtChain *chain, const VtVirtQueueState *q, bool *there)
{
  bool ok;
  *there = available (chain->virtio, q, &ok);
  if (ok && !*there && (ok = ask_for_notification (chain->virtio, q)))
    *there = available (chain->virtio, q, &ok);
  if (!ok)
    return "ring outside memory";
  return *there ? follow (chain, q) : NULL;
}

static void
take (VtVirtQueueState *q, int slots)
{
  q->next_avail = moved (q, q->next_avail, slots);
}

/* --- Used --------------------------------------------------------------------------------------------------------- */

/* Its flags are written last: with them the driver may look at the rest. */
static bool
write_used (VtVirtio *virtio, const VtVirtQueueState *q, uint16_t position, const VtVirtElement *element)
{
  uint64_t at = q->desc + index_of (position) * UINT64_C (16);
  uint16_t flags = (uint16_t) ((position & WRAP ? DESC_AVAIL | DESC_USED : 0)
                               | (element->written > 0 ? VT_VIRT_DESC_WRITE : 0));
  if (!vt_dma_put32 (virtio->dma, VT_GPA (at + DESC_LEN), element->written)
      || !vt_dma_put16 (virtio->dma, VT_GPA (at + DESC_ID), element->id))
    return false;
  __atomic_thread_fence (__ATOMIC_RELEASE);
  return vt_dma_put16 (virtio->dma, VT_GPA (at + DESC_FLAGS), flags);
}

/* The driver reads used descriptors in order: the first one, written last, shows them all. */
static bool
give (VtVirtio *virtio, VtVirtQueueState *q, VtVirtElement *const *elements, unsigned n)
{
  uint16_t end = q->next_used;
  for (unsigned i = 0; i < n; i++)
    end = moved (q, end, elements[i]->slots);
  uint16_t position = end;
  for (unsigned i = n; i-- > 0;)
    {
      position = moved (q, position, -(int) elements[i]->slots);
      if (!write_used (virtio, q, position, elements[i]))
        return false;
    }
  q->next_used = end;
  return true;
}

static bool
interrupt_wanted (VtVirtio *virtio, VtVirtQueueState *q)
{
  uint32_t wish;
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  uint16_t old = q->signalled, now = q->next_used;
  q->signalled = now;
  if (!vt_dma_get32 (virtio->dma, VT_GPA (q->driver), &wish))
    return true;
  uint16_t event = (uint16_t) wish;
  unsigned flags = wish >> 16 & 3;
  if (flags != EVENT_DESC || !vt_virtio_has (virtio, VIRTIO_F_RING_EVENT_IDX) || index_of (event) >= q->size)
    return flags != EVENT_DISABLE;
  /* Was the descriptor that it waits for among those since the last look? */
  unsigned circle = 2u * q->size;
  unsigned passed = (on_circle (q, now) + circle - on_circle (q, old)) % circle;
  return (on_circle (q, event) + circle - on_circle (q, old)) % circle < passed;
}

const VtVirtRing vt_virt_packed_ring = { possible, start, peek, take, give, interrupt_wanted };
