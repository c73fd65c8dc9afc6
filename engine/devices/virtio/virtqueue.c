/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Split virtqueues (VIRTIO 1.1, 2.6), with indirect descriptors and event indices.
 *
 * Everything in guest memory is read once, into locals, and judged there: the guest may change it meanwhile.
 */
#include "virtio-device.h"

#include "trace-virtio.h"

typedef struct
{
  uint64_t address;
  uint32_t len;
  uint16_t flags, next;
} Descriptor;

/* Where descriptors of a chain come from: the ring's own table, or an indirect one. */
typedef struct
{
  uint64_t base;
  uint32_t n;
} Table;

/* A chain being collected. */
typedef struct
{
  VtVirtio *virtio;
  GArray   *out, *in;          /* VtSpan */
  uint64_t  out_bytes, in_bytes;
  unsigned  buffers;
} Chain;

static bool
broken (VtVirtio *virtio, const char *why)
{
  vt_virtio_broken (virtio, why);
  return false;
}

static bool
read_descriptor (VtVirtio *virtio, const Table *table, uint32_t index, Descriptor *out)
{
  uint8_t raw[VIRTQ_DESC_BYTES];
  if (index >= table->n)
    return broken (virtio, "descriptor index out of range");
  if (!vt_dma_read (&virtio->pci.dma, VT_GPA (table->base + (uint64_t) index * VIRTQ_DESC_BYTES), raw, sizeof raw))
    return broken (virtio, "descriptor table is not in memory");
  *out = (Descriptor) { .address = vt_load_le (raw, 8),
                        .len = (uint32_t) vt_load_le (raw + 8, 4),
                        .flags = (uint16_t) vt_load_le (raw + 12, 2),
                        .next = (uint16_t) vt_load_le (raw + 14, 2) };
  return true;
}

/* A buffer may lie across several blocks of RAM. */
static bool
add_buffer (Chain *chain, const Descriptor *d)
{
  bool     write = (d->flags & VIRTQ_DESC_F_WRITE) != 0;
  uint64_t at = d->address, left = d->len;
  if (++chain->buffers > VT_VIRTIO_CHAIN_MAX)
    return broken (chain->virtio, "chain is too long, or a loop");
  if (!write && chain->in->len > 0)
    return broken (chain->virtio, "readable buffer after a writable one");
  while (left > 0)
    {
      VtSpan span;
      if (!vt_span_pin (&span, &chain->virtio->pci.dma, VT_GPA (at), left, write))
        return broken (chain->virtio, "buffer is not in memory");
      g_array_append_val (write ? chain->in : chain->out, span);
      at += span.len;
      left -= span.len;
    }
  *(write ? &chain->in_bytes : &chain->out_bytes) += d->len;
  return true;
}

static bool
walk_table (Chain *chain, const Table *table, uint32_t index, bool indirect_allowed)
{
  for (;;)
    {
      Descriptor d;
      if (!read_descriptor (chain->virtio, table, index, &d))
        return false;
      if (d.flags & VIRTQ_DESC_F_INDIRECT)
        {
          if (!indirect_allowed || (d.flags & VIRTQ_DESC_F_NEXT) != 0 || d.len == 0 || d.len % VIRTQ_DESC_BYTES != 0
              || !vt_virtio_has (chain->virtio, VIRTIO_F_INDIRECT_DESC))
            return broken (chain->virtio, "indirect descriptor against the rules");
          Table inner = { .base = d.address, .n = d.len / VIRTQ_DESC_BYTES };
          return walk_table (chain, &inner, 0, false);
        }
      if (!add_buffer (chain, &d))
        return false;
      if ((d.flags & VIRTQ_DESC_F_NEXT) == 0)
        return true;
      index = d.next;
    }
}

static void
release_spans (VtSpan *spans, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    vt_span_release (&spans[i]);
  g_free (spans);
}

static VtVirtElement *
collect (VtVirtio *virtio, unsigned queue, uint16_t head)
{
  const VtVirtQueueState *q = &virtio->s->queue[queue];
  Table table = { .base = q->desc, .n = q->size };
  Chain chain = { .virtio = virtio,
                  .out = g_array_new (FALSE, FALSE, sizeof (VtSpan)),
                  .in = g_array_new (FALSE, FALSE, sizeof (VtSpan)) };
  bool           ok = walk_table (&chain, &table, head, true);
  VtVirtElement *element = g_new0 (VtVirtElement, 1);
  *element = (VtVirtElement) { .queue = (uint16_t) queue, .head = head, .n_out = chain.out->len, .n_in = chain.in->len,
                               .out_bytes = chain.out_bytes, .in_bytes = chain.in_bytes };
  element->out = (VtSpan *) (void *) g_array_free (chain.out, FALSE);
  element->in = (VtSpan *) (void *) g_array_free (chain.in, FALSE);
  if (ok)
    return element;
  release_spans (element->out, element->n_out);
  release_spans (element->in, element->n_in);
  g_free (element);
  return NULL;
}

/* --- The available ring ---------------------------------------------------------------------------------------------------- */

static bool
read_avail_index (VtVirtio *virtio, const VtVirtQueueState *q, uint16_t *out)
{
  if (!vt_dma_get16 (&virtio->pci.dma, VT_GPA (q->driver + 2), out))
    return broken (virtio, "available ring is not in memory");
  __atomic_thread_fence (__ATOMIC_ACQUIRE);
  return true;
}

/* Asks the driver to notify us from this index on; true when something came in meanwhile. */
static bool
arm_notification (VtVirtio *virtio, const VtVirtQueueState *q, uint16_t *avail)
{
  if (!vt_virtio_has (virtio, VIRTIO_F_EVENT_IDX))
    return false;
  if (!vt_dma_put16 (&virtio->pci.dma, VT_GPA (q->device + 4 + 8 * (uint64_t) q->size), q->last_avail))
    return broken (virtio, "used ring is not in memory");
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  return read_avail_index (virtio, q, avail) && *avail != q->last_avail;
}

static bool
next_head (VtVirtio *virtio, VtVirtQueueState *q, uint16_t *head)
{
  uint16_t avail;
  if (!read_avail_index (virtio, q, &avail))
    return false;
  if (avail == q->last_avail && !arm_notification (virtio, q, &avail))
    return false;
  if ((uint16_t) (avail - q->last_avail) > q->size)
    return broken (virtio, "available index jumped");
  uint64_t slot = q->driver + 4 + 2 * (uint64_t) (q->last_avail & (q->size - 1));
  if (!vt_dma_get16 (&virtio->pci.dma, VT_GPA (slot), head))
    return broken (virtio, "available ring is not in memory");
  q->last_avail++;
  return true;
}

static bool
in_service (const VtVirtio *virtio, unsigned queue)
{
  const VtVirtioState *s = virtio->s;
  return queue < virtio->type->queues && s->queue[queue].enabled && (s->status & VIRTIO_STATUS_DRIVER_OK) != 0
         && (s->status & VIRTIO_STATUS_NEEDS_RESET) == 0 && !virtio->parked && !virtio->reset_pending
         && virtio->pci.bus_master;
}

VtVirtElement *
vt_virtqueue_pop (VtVirtio *virtio, unsigned queue)
{
  uint16_t head;
  if (!in_service (virtio, queue) || !next_head (virtio, &virtio->s->queue[queue], &head))
    return NULL;
  VtVirtElement *element = collect (virtio, queue, head);
  if (element != NULL)
    virtio->in_flight++;
  return element;
}

/* --- The used ring ------------------------------------------------------------------------------------------------------------ */

static void
free_element (VtVirtElement *element)
{
  release_spans (element->out, element->n_out);
  release_spans (element->in, element->n_in);
  g_free (element);
}

static void
write_used (VtVirtio *virtio, const VtVirtElement *element, uint32_t written)
{
  VtVirtQueueState *q = &virtio->s->queue[element->queue];
  uint64_t          slot = q->device + 4 + 8 * (uint64_t) (q->used & (q->size - 1));
  uint8_t           raw[8];
  vt_store_le (raw, element->head, 4);
  vt_store_le (raw + 4, written, 4);
  if (!vt_dma_write (&virtio->pci.dma, VT_GPA (slot), raw, sizeof raw))
    {
      vt_virtio_broken (virtio, "used ring is not in memory");
      return;
    }
  __atomic_thread_fence (__ATOMIC_RELEASE);
  q->used++;
  if (!vt_dma_put16 (&virtio->pci.dma, VT_GPA (q->device + 2), q->used))
    vt_virtio_broken (virtio, "used ring is not in memory");
}

void
vt_virtqueue_push (VtVirtio *virtio, VtVirtElement *element, uint32_t written)
{
  /* Buffers must be marked written before the driver learns of them. */
  VtVirtElement copy = *element;
  release_spans (element->in, element->n_in);
  element->in = NULL;
  element->n_in = 0;
  if ((virtio->s->status & VIRTIO_STATUS_DRIVER_OK) != 0 && !virtio->reset_pending)
    write_used (virtio, &copy, written);
  free_element (element);
  vt_virtio_element_done (virtio);
}

/* Has the index that the driver asked to hear of been passed between `old` and `now`? (2.6.7.2) */
static bool
passed (uint16_t event, uint16_t now, uint16_t old)
{
  return (uint16_t) (now - event - 1) < (uint16_t) (now - old);
}

void
vt_virtqueue_notify (VtVirtio *virtio, unsigned queue)
{
  VtVirtQueueState *q = &virtio->s->queue[queue];
  uint16_t          wish = 0, old = q->signalled;
  if (q->used == old || !q->enabled || (virtio->s->status & VIRTIO_STATUS_DRIVER_OK) == 0)
    return;
  q->signalled = q->used;
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  bool     event_idx = vt_virtio_has (virtio, VIRTIO_F_EVENT_IDX);
  uint64_t at = event_idx ? q->driver + 4 + 2 * (uint64_t) q->size : q->driver;
  if (!vt_dma_get16 (&virtio->pci.dma, VT_GPA (at), &wish))
    return;
  if (event_idx ? passed (wish, q->used, old) : (wish & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0)
    vt_virtio_interrupt_queue (virtio, queue);
}

/* --- Bytes of an element -------------------------------------------------------------------------------------------------------- */

static size_t
copy_spans (const VtSpan *spans, unsigned n, uint64_t off, uint8_t *buffer, size_t len, bool to_guest)
{
  size_t done = 0;
  for (unsigned i = 0; i < n && done < len; i++)
    {
      if (off >= spans[i].len)
        {
          off -= spans[i].len;
          continue;
        }
      size_t piece = (size_t) MIN (spans[i].len - off, len - done);
      if (to_guest)
        memcpy (spans[i].ptr + off, buffer + done, piece);
      else
        memcpy (buffer + done, spans[i].ptr + off, piece);
      done += piece;
      off = 0;
    }
  return done;
}

size_t
vt_virt_element_read (const VtVirtElement *element, uint64_t off, void *dst, size_t len)
{
  return copy_spans (element->out, element->n_out, off, dst, len, false);
}

size_t
vt_virt_element_write (const VtVirtElement *element, uint64_t off, const void *src, size_t len)
{
  return copy_spans (element->in, element->n_in, off, (uint8_t *) src, len, true);
}
