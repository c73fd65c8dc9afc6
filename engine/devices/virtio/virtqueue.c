/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Virtqueues apart from their layout (VIRTIO 1.1, 2.6 and 2.7): buffers, their way out and back, their order.
 *
 * A ring lies in guest memory, which the guest may change at any moment: each descriptor is copied once and then
 * checked.  A driver that breaks the rules stops the device (DEVICE_NEEDS_RESET), and nothing else. */
#include "virtqueue.h"

#include "trace-virtio.h"
#include "virtqueue-private.h"

/* --- Chains ------------------------------------------------------------------------------------------------------- */

static void
release_spans (VtSpan *spans, size_t n)
{
  for (size_t i = 0; i < n; i++)
    vt_span_release (&spans[i]);
}

bool
vt_virt_get_desc (VtVirtio *virtio, uint64_t table, unsigned index, VtVirtDesc *desc)
{
  uint8_t bytes[VT_VIRT_DESC_BYTES];
  if (!vt_dma_read (virtio->dma, VT_GPA (table + index * UINT64_C (16)), bytes, sizeof bytes))
    return false;
  desc->at = vt_load_le (bytes, 8);
  desc->len = (uint32_t) vt_load_le (bytes + 8, 4);
  desc->word[0] = (uint16_t) vt_load_le (bytes + 12, 2);
  desc->word[1] = (uint16_t) vt_load_le (bytes + 14, 2);
  return true;
}

const char *
vt_virt_count_desc (VtVirtChain *chain)
{
  return ++chain->n_desc > VT_VIRTIO_RING_MAX ? "endless chain" : NULL;
}

/* A descriptor may cross from one block of RAM into the next: then it is several pieces. */
const char *
vt_virt_add_buffer (VtVirtChain *chain, const VtVirtDesc *desc, uint16_t flags)
{
  bool write = (flags & VT_VIRT_DESC_WRITE) != 0;
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

const char *
vt_virt_check_table (const VtVirtChain *chain, const VtVirtDesc *desc, uint16_t flags)
{
  if (!vt_virtio_has (chain->virtio, VIRTIO_F_RING_INDIRECT_DESC))
    return "indirect descriptor without the feature";
  if (flags & VT_VIRT_DESC_NEXT)
    return "indirect descriptor with a next one";
  if (desc->len == 0 || desc->len % VT_VIRT_DESC_BYTES != 0 || desc->len / VT_VIRT_DESC_BYTES > VT_VIRTIO_RING_MAX)
    return "size of an indirect table";
  return NULL;
}

static VtVirtElement *
make_element (const VtVirtChain *chain, unsigned queue)
{
  VtVirtElement *element = g_malloc0 (sizeof *element + chain->spans->len * sizeof (VtSpan));
  element->virtio = chain->virtio;
  element->queue = queue;
  element->epoch = chain->virtio->epoch;
  element->id = chain->id;
  element->slots = chain->slots;
  element->n_out = (uint16_t) chain->n_out;
  element->n_in = (uint16_t) chain->n_in;
  element->out_len = chain->out_len;
  element->in_len = chain->in_len;
  memcpy (element->spans, chain->spans->data, chain->spans->len * sizeof (VtSpan));
  return element;
}

/* --- Out ---------------------------------------------------------------------------------------------------------- */

VtVirtElement *
vt_virtqueue_pop (VtVirtio *virtio, unsigned queue)
{
  VtVirtQueueState *q = &virtio->s->queue[queue];
  if (!q->enabled || virtio->parked || !vt_virtio_live (virtio))
    return NULL;
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (VtSpan));
  VtVirtChain chain = { .virtio = virtio, .spans = spans };
  bool        there = false;
  const char *wrong = vt_virtio_ring (virtio)->peek (&chain, q, &there);
  if (wrong == NULL && there && virtio->queue_in_flight[queue] + chain.slots > q->size)
    wrong = "more buffers than the ring has places";
  if (wrong != NULL)
    {
      release_spans ((VtSpan *) (void *) spans->data, spans->len);
      vt_virtio_broken (virtio, "queue %u: %s", queue, wrong);
    }
  if (wrong != NULL || !there)
    return NULL;
  VtVirtElement *element = make_element (&chain, queue);
  vt_virtio_ring (virtio)->take (q, chain.slots);
  virtio->in_flight++;
  virtio->queue_in_flight[queue] += chain.slots;
  element->ordered = vt_virtio_has (virtio, VIRTIO_F_IN_ORDER);
  if (element->ordered)
    g_queue_push_tail (&virtio->in_order[queue], element);
  trace_virtqueue_pop (virtio->dev->path, queue, element->id, element->out_len, element->in_len);
  return element;
}

void
vt_virtqueue_serve (VtVirtio *virtio, unsigned queue, void (*handle) (VtVirtElement *element))
{
  VtVirtElement *element;
  /* A driver on another processor could go on for ever. */
  for (unsigned n = 0; n < 2u * virtio->s->queue[queue].size; n++)
    {
      if ((element = vt_virtqueue_pop (virtio, queue)) == NULL)
        return;
      handle (element);
    }
  vt_virtio_serve_again (virtio, queue);
}

/* --- And back ----------------------------------------------------------------------------------------------------- */

/* Its buffers are not used any more. */
static void
finish (VtVirtElement *element, uint32_t written)
{
  release_spans (element->spans, (size_t) element->n_out + element->n_in);
  element->n_out = element->n_in = 0;
  element->written = written;
  element->done = true;
}

/* Finished elements of one queue and one epoch go back; from here on they do not exist. */
static void
give_back (VtVirtElement *const *elements, unsigned n)
{
  VtVirtio         *virtio = elements[0]->virtio;
  unsigned          queue = elements[0]->queue;
  VtVirtQueueState *q = &virtio->s->queue[queue];
  bool              current = elements[0]->epoch == virtio->epoch;
  for (unsigned i = 0; current && i < n; i++)
    virtio->queue_in_flight[queue] -= elements[i]->slots;
  if (current && !virtio->resetting)
    {
      for (unsigned i = 0; i < n; i++)
        trace_virtqueue_push (virtio->dev->path, queue, elements[i]->id, elements[i]->written);
      if (!vt_virtio_ring (virtio)->give (virtio, q, elements, n))
        vt_virtio_broken (virtio, "queue %u: ring outside memory", queue);
      else if (vt_virtio_ring (virtio)->interrupt_wanted (virtio, q))
        virtio->transport->queue_interrupt (virtio, queue);
    }
  for (unsigned i = 0; i < n; i++)
    {
      g_free (elements[i]);
      vt_virtio_element_gone (virtio);
    }
}

/* Those finished ones that no older one keeps from going back. */
static void
give_oldest (VtVirtio *virtio, unsigned queue)
{
  GQueue        *order = &virtio->in_order[queue];
  VtVirtElement *run[VT_VIRTQUEUE_PUSH_MAX], *head;
  unsigned       n;
  do
    {
      for (n = 0; n < VT_VIRTQUEUE_PUSH_MAX && (head = g_queue_peek_head (order)) != NULL && head->done; n++)
        {
          if (n > 0 && head->epoch != run[0]->epoch)
            break;
          run[n] = g_queue_pop_head (order);
        }
      if (n > 0)
        give_back (run, n);
    }
  while (n > 0);
}

void
vt_virtqueue_push_all (VtVirtElement *const *elements, unsigned n)
{
  VtVirtio *virtio = elements[0]->virtio;
  unsigned  queue = elements[0]->queue;
  g_assert (n <= VT_VIRTQUEUE_PUSH_MAX);
  for (unsigned i = 0; i < n; i++)
    finish (elements[i], elements[i]->written);
  /* Not the feature: the driver may have been reset since. */
  if (elements[0]->ordered)
    give_oldest (virtio, queue);
  else
    give_back (elements, n);
}

void
vt_virtqueue_push (VtVirtElement *element, uint32_t written)
{
  element->written = written;
  vt_virtqueue_push_all (&element, 1);
}

void
vt_virtqueue_unpop (VtVirtElement *element)
{
  VtVirtio *virtio = element->virtio;
  finish (element, 0);
  if (element->ordered)
    g_queue_pop_tail (&virtio->in_order[element->queue]);
  if (element->epoch == virtio->epoch)
    {
      vt_virtio_ring (virtio)->take (&virtio->s->queue[element->queue], -(int) element->slots);
      virtio->queue_in_flight[element->queue] -= element->slots;
    }
  g_free (element);
  vt_virtio_element_gone (virtio);
}

uint64_t
vt_virtqueue_room (VtVirtio *virtio, unsigned queue)
{
  VtVirtElement *element = vt_virtqueue_pop (virtio, queue);
  if (element == NULL)
    return 0;
  uint64_t room = element->in_len;
  vt_virtqueue_unpop (element);
  return room;
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

size_t
vt_virt_gather (VtIoVec *vec, const VtSpan *spans, unsigned n_spans, uint64_t skip, uint64_t len)
{
  size_t n = 0;
  for (unsigned i = 0; i < n_spans && len > 0; i++)
    {
      uint64_t cut = MIN (skip, spans[i].len);
      uint64_t piece = MIN (len, spans[i].len - cut);
      skip -= cut;
      len -= piece;
      if (piece > 0)
        vec[n++] = (VtIoVec) { spans[i].ptr + cut, (size_t) piece };
    }
  return n;
}
