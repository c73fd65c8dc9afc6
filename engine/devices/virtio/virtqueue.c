/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Split virtqueues (VIRTIO 1.1, 2.6), with indirect descriptors and event indices.
 *
 * The ring lies in guest memory, which the guest may change at any moment: each descriptor is copied once and then
 * checked.  A driver that breaks the rules stops the device (DEVICE_NEEDS_RESET), and nothing else. */
#include "virtqueue.h"

#include "trace-virtio.h"
#include "virtqueue-private.h"

enum
{
  DESC_BYTES    = 16,
  DESC_NEXT     = 1u << 0,
  DESC_WRITE    = 1u << 1,
  DESC_INDIRECT = 1u << 2,

  AVAIL_NO_INTERRUPT = 1u << 0,
  AVAIL_INDEX   = 2,
  AVAIL_RING    = 4,
  USED_INDEX    = 2,
  USED_RING     = 4,
  USED_BYTES    = 8,
};

typedef struct
{
  uint64_t at;
  uint32_t len;
  uint16_t flags, next;
} Desc;

/* A chain while it is being followed. */
typedef struct
{
  VtVirtio *virtio;
  GArray   *spans;           /* VtSpan */
  unsigned  n_out, n_in, n_desc;
  uint64_t  out_len, in_len;
} Chain;

static bool
event_index (const VtVirtio *virtio)
{
  return vt_virtio_has (virtio, VIRTIO_F_RING_EVENT_IDX);
}

/* --- Chains ------------------------------------------------------------------------------------------------------- */

static void
release_spans (VtSpan *spans, size_t n)
{
  for (size_t i = 0; i < n; i++)
    vt_span_release (&spans[i]);
}

static bool
get_desc (VtVirtio *virtio, uint64_t table, unsigned index, Desc *desc)
{
  uint8_t bytes[DESC_BYTES];
  if (!vt_dma_read (virtio->dma, VT_GPA (table + index * UINT64_C (16)), bytes, sizeof bytes))
    return false;
  desc->at = vt_load_le (bytes, 8);
  desc->len = (uint32_t) vt_load_le (bytes + 8, 4);
  desc->flags = (uint16_t) vt_load_le (bytes + 12, 2);
  desc->next = (uint16_t) vt_load_le (bytes + 14, 2);
  return true;
}

/* A descriptor may cross from one block of RAM into the next: then it is several pieces. */
static const char *
add_buffer (Chain *chain, const Desc *desc)
{
  bool write = (desc->flags & DESC_WRITE) != 0;
  if (desc->len == 0)
    return "empty buffer";
  if (!write && chain->n_in > 0)
    return "readable buffer after a writable one";
  for (uint64_t done = 0; done < desc->len;)
    {
      VtSpan span;
      if (desc->at > UINT64_MAX - done || chain->spans->len >= 2 * VT_VIRTIO_RING_MAX
          || !vt_span_pin (&span, chain->virtio->dma, VT_GPA (desc->at + done), desc->len - done, write))
        return "buffer outside memory";
      done += span.len;
      g_array_append_val (chain->spans, span);
      *(write ? &chain->n_in : &chain->n_out) += 1;
    }
  *(write ? &chain->in_len : &chain->out_len) += desc->len;
  return NULL;
}

static const char *follow (Chain *chain, uint64_t table, unsigned size, unsigned index, bool indirect);

static const char *
follow_indirect (Chain *chain, const Desc *desc, bool indirect)
{
  if (indirect)
    return "indirect table inside an indirect table";
  if (!vt_virtio_has (chain->virtio, VIRTIO_F_RING_INDIRECT_DESC))
    return "indirect descriptor without the feature";
  if (desc->flags & DESC_NEXT)
    return "indirect descriptor with a next one";
  if (desc->len == 0 || desc->len % DESC_BYTES != 0 || desc->len / DESC_BYTES > VT_VIRTIO_RING_MAX)
    return "size of an indirect table";
  return follow (chain, desc->at, desc->len / DESC_BYTES, 0, true);
}

/* NULL, or what is wrong with the chain. The count of descriptors ends loops. */
static const char *
follow (Chain *chain, uint64_t table, unsigned size, unsigned index, bool indirect)
{
  for (;;)
    {
      Desc desc;
      if (index >= size)
        return "descriptor index out of range";
      if (++chain->n_desc > VT_VIRTIO_RING_MAX)
        return "endless chain";
      if (!get_desc (chain->virtio, table, index, &desc))
        return "descriptor table outside memory";
      const char *wrong
          = desc.flags & DESC_INDIRECT ? follow_indirect (chain, &desc, indirect) : add_buffer (chain, &desc);
      if (wrong != NULL || (desc.flags & DESC_INDIRECT) || (desc.flags & DESC_NEXT) == 0)
        return wrong;
      index = desc.next;
    }
}

static VtVirtElement *
make_element (VtVirtio *virtio, unsigned queue, uint16_t head)
{
  const VtVirtQueueState *q = &virtio->s->queue[queue];
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (VtSpan));
  Chain       chain = { .virtio = virtio, .spans = spans };
  const char *wrong = follow (&chain, q->desc, q->size, head, false);
  if (wrong != NULL)
    {
      release_spans ((VtSpan *) (void *) spans->data, spans->len);
      vt_virtio_broken (virtio, "queue %u: %s", queue, wrong);
      return NULL;
    }
  VtVirtElement *element = g_malloc0 (sizeof *element + spans->len * sizeof (VtSpan));
  element->virtio = virtio;
  element->queue = queue;
  element->epoch = virtio->epoch;
  element->id = head;
  element->n_out = (uint16_t) chain.n_out;
  element->n_in = (uint16_t) chain.n_in;
  element->out_len = chain.out_len;
  element->in_len = chain.in_len;
  memcpy (element->spans, spans->data, spans->len * sizeof (VtSpan));
  return element;
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

/* How many entries wait; 0 only after notifications were asked for. -1: broken. */
static int
waiting (VtVirtio *virtio, unsigned queue)
{
  const VtVirtQueueState *q = &virtio->s->queue[queue];
  uint16_t index;
  bool     ok = avail_index (virtio, q, &index);
  if (ok && index == q->next_avail)
    ok = ask_for_notification (virtio, q) && avail_index (virtio, q, &index);
  uint16_t n = ok ? (uint16_t) (index - q->next_avail) : 0;
  if (ok && n <= q->size)
    return n;
  vt_virtio_broken (virtio, ok ? "queue %u: available index jumped" : "queue %u: ring outside memory", queue);
  return -1;
}

VtVirtElement *
vt_virtqueue_pop (VtVirtio *virtio, unsigned queue)
{
  VtVirtQueueState *q = &virtio->s->queue[queue];
  uint16_t          head;
  if (!q->enabled || virtio->parked || virtio->resetting || (virtio->s->status & VIRTIO_STATUS_NEEDS_RESET) != 0
      || waiting (virtio, queue) <= 0)
    return NULL;
  if (virtio->queue_in_flight[queue] >= q->size)
    {
      vt_virtio_broken (virtio, "queue %u: more buffers than the ring has entries", queue);
      return NULL;
    }
  uint64_t at = q->driver + AVAIL_RING + (q->next_avail & (q->size - 1u)) * UINT64_C (2);
  if (!vt_dma_get16 (virtio->dma, VT_GPA (at), &head))
    {
      vt_virtio_broken (virtio, "queue %u: ring outside memory", queue);
      return NULL;
    }
  VtVirtElement *element = make_element (virtio, queue, head);
  if (element == NULL)
    return NULL;
  q->next_avail++;
  virtio->in_flight++;
  virtio->queue_in_flight[queue]++;
  trace_virtqueue_pop (virtio->dev->path, queue, head, element->out_len, element->in_len);
  return element;
}

/* --- The used ring ------------------------------------------------------------------------------------------------ */

/* Does the driver want to hear of the step from the last signalled position to next_used? (2.6.7, 2.6.8) */
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

static bool
put_used (VtVirtio *virtio, VtVirtQueueState *q, uint16_t id, uint32_t written)
{
  uint8_t  entry[USED_BYTES];
  uint64_t at = q->device + USED_RING + (q->next_used & (q->size - 1u)) * UINT64_C (8);
  vt_store_le (entry, id, 4);
  vt_store_le (entry + 4, written, 4);
  if (!vt_dma_write (virtio->dma, VT_GPA (at), entry, sizeof entry))
    return false;
  __atomic_thread_fence (__ATOMIC_RELEASE);
  q->next_used++;
  return vt_dma_put16 (virtio->dma, VT_GPA (q->device + USED_INDEX), q->next_used);
}

void
vt_virtqueue_push (VtVirtElement *element, uint32_t written)
{
  VtVirtio         *virtio = element->virtio;
  unsigned          queue = element->queue;
  VtVirtQueueState *q = &virtio->s->queue[queue];
  bool              current = element->epoch == virtio->epoch && !virtio->resetting;
  release_spans (element->spans, (size_t) element->n_out + element->n_in);
  if (element->epoch == virtio->epoch)
    virtio->queue_in_flight[queue]--;
  if (current)
    {
      trace_virtqueue_push (virtio->dev->path, queue, element->id, written);
      if (!put_used (virtio, q, element->id, written))
        vt_virtio_broken (virtio, "queue %u: ring outside memory", queue);
      else if (interrupt_wanted (virtio, q))
        virtio->transport->queue_interrupt (virtio, queue);
    }
  g_free (element);
  vt_virtio_element_gone (virtio);
}

/* --- Contents ----------------------------------------------------------------------------------------------------- */

static uint64_t
copy (VtSpan *spans, unsigned n, uint64_t off, uint8_t *buffer, uint64_t len, bool to_spans)
{
  uint64_t done = 0;
  for (unsigned i = 0; i < n && done < len; i++)
    {
      uint64_t skip = MIN (off, spans[i].len);
      uint64_t piece = MIN (len - done, spans[i].len - skip);
      off -= skip;
      if (piece == 0)
        continue;
      if (to_spans)
        memcpy (spans[i].ptr + skip, buffer + done, piece);
      else
        memcpy (buffer + done, spans[i].ptr + skip, piece);
      done += piece;
    }
  return done;
}

uint64_t
vt_virt_element_read (VtVirtElement *element, uint64_t off, void *to, uint64_t len)
{
  return copy (vt_virt_element_out (element), element->n_out, off, to, len, false);
}

uint64_t
vt_virt_element_write (VtVirtElement *element, uint64_t off, const void *from, uint64_t len)
{
  return copy (vt_virt_element_in (element), element->n_in, off, (uint8_t *) from, len, true);
}
