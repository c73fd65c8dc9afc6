/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The split ring (VIRTIO 1.1, 2.6): a table of descriptors, a ring of heads that the driver offers, a ring of those that
 * the device has used. */
#include "virtqueue-private.h"

enum
{
  AVAIL_NO_INTERRUPT = 1u << 0,
  AVAIL_INDEX   = 2,
  AVAIL_RING    = 4,
  USED_INDEX    = 2,
  USED_RING     = 4,
  USED_BYTES    = 8,
};

static bool
event_index (const VtVirtio *virtio)
{
  return vt_virtio_has (virtio, VIRTIO_F_RING_EVENT_IDX);
}

static bool
possible (const VtVirtQueueState *q)
{
  bool power_of_two = q->size != 0 && (q->size & (q->size - 1)) == 0;
  return power_of_two && vt_virt_area_possible (q->desc, 16u * q->size, 16)
         && vt_virt_area_possible (q->driver, 6u + 2u * q->size, 2)
         && vt_virt_area_possible (q->device, 6u + 8u * q->size, 4);
}

static void
start (VtVirtQueueState *q)
{
  q->next_avail = q->next_used = q->signalled = 0;
}

/* --- Chains ------------------------------------------------------------------------------------------------------- */

static const char *follow (VtVirtChain *chain, uint64_t table, unsigned size, unsigned index, bool indirect);

static const char *
follow_indirect (VtVirtChain *chain, const VtVirtDesc *desc, bool indirect)
{
  const char *wrong
      = indirect ? "indirect table inside an indirect table" : vt_virt_check_table (chain, desc, desc->word[0]);
  return wrong != NULL ? wrong : follow (chain, desc->at, desc->len / VT_VIRT_DESC_BYTES, 0, true);
}

static const char *
follow (VtVirtChain *chain, uint64_t table, unsigned size, unsigned index, bool indirect)
{
  for (;;)
    {
      VtVirtDesc  desc;
      const char *wrong;
      if (index >= size)
        return "descriptor index out of range";
      if ((wrong = vt_virt_count_desc (chain)) != NULL)
        return wrong;
      if (!vt_virt_get_desc (chain->virtio, table, index, &desc))
        return "descriptor table outside memory";
      uint16_t flags = desc.word[0];
      wrong = flags & VT_VIRT_DESC_INDIRECT ? follow_indirect (chain, &desc, indirect)
                                            : vt_virt_add_buffer (chain, &desc, flags);
      if (wrong != NULL || (flags & VT_VIRT_DESC_INDIRECT) || (flags & VT_VIRT_DESC_NEXT) == 0)
        return wrong;
      index = desc.word[1];
    }
}

/* --- The available ring ------------------------------------------------------------------------------------------- */

static bool
avail_index (VtVirtio *virtio, const VtVirtQueueState *q, uint16_t *index)
{
  bool ok = vt_dma_get16 (virtio->dma, VT_GPA (q->driver + AVAIL_INDEX), index);
  /* What the index announces was written before it. */
  __atomic_thread_fence (__ATOMIC_ACQUIRE);
  return ok;
}

/* Asks for a notification when the entry at next_avail comes. False: the ring is outside memory. */
static bool
ask_for_notification (VtVirtio *virtio, const VtVirtQueueState *q)
{
  bool ok = !event_index (virtio)
            || vt_dma_put16 (virtio->dma, VT_GPA (q->device + USED_RING + q->size * UINT64_C (8)), q->next_avail);
  /* The driver writes its index and then reads ours; we do it the other way round. */
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  return ok;
}

static const char *
peek (VtVirtChain *chain, const VtVirtQueueState *q, bool *there)
{
  VtVirtio *virtio = chain->virtio;
  uint16_t  index, head;
  bool      ok = avail_index (virtio, q, &index);
  if (ok && index == q->next_avail)
    ok = ask_for_notification (virtio, q) && avail_index (virtio, q, &index);
  uint16_t waiting = ok ? (uint16_t) (index - q->next_avail) : 0;
  uint64_t entry = q->driver + AVAIL_RING + (q->next_avail & (q->size - 1u)) * UINT64_C (2);
  if (!ok || !vt_dma_get16 (virtio->dma, VT_GPA (entry), &head))
    return "ring outside memory";
  if (waiting > q->size)
    return "available index jumped";
  *there = waiting > 0;
  chain->id = head;
  chain->slots = 1;
  return *there ? follow (chain, q->desc, q->size, head, false) : NULL;
}

static void
take (VtVirtQueueState *q, int slots)
{
  q->next_avail = (uint16_t) (q->next_avail + slots);
}

/* --- The used ring ------------------------------------------------------------------------------------------------ */

static bool
give (VtVirtio *virtio, VtVirtQueueState *q, VtVirtElement *const *elements, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    {
      uint8_t  entry[USED_BYTES];
      uint64_t at = q->device + USED_RING + ((q->next_used + i) & (q->size - 1u)) * UINT64_C (8);
      vt_store_le (entry, elements[i]->id, 4);
      vt_store_le (entry + 4, elements[i]->written, 4);
      if (!vt_dma_write (virtio->dma, VT_GPA (at), entry, sizeof entry))
        return false;
    }
  __atomic_thread_fence (__ATOMIC_RELEASE);
  q->next_used = (uint16_t) (q->next_used + n);
  return vt_dma_put16 (virtio->dma, VT_GPA (q->device + USED_INDEX), q->next_used);
}

/* 2.6.7, 2.6.8 */
static bool
interrupt_wanted (VtVirtio *virtio, VtVirtQueueState *q)
{
  uint16_t value;
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  if (!event_index (virtio))
    return vt_dma_get16 (virtio->dma, VT_GPA (q->driver), &value) && (value & AVAIL_NO_INTERRUPT) == 0;
  uint16_t old = q->signalled, now = q->next_used;
  bool     valid = q->signalled_valid;
  q->signalled = now;
  q->signalled_valid = true;
  if (!valid || !vt_dma_get16 (virtio->dma, VT_GPA (q->driver + AVAIL_RING + q->size * UINT64_C (2)), &value))
    return true;
  return (uint16_t) (now - value - 1) < (uint16_t) (now - old);
}

const VtVirtRing vt_virt_split_ring = { possible, start, peek, take, give, interrupt_wanted };
