/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status, features and queues of a virtio device (VIRTIO 1.1, chapters 2 and 3). */
#include "virtio-device.h"

#include <stdarg.h>

#include "trace-virtio.h"
#include "virtqueue-private.h"
#include "vitrine/error.h"

/* A queue that was left full of work is looked at again after this time. */
#define AGAIN_NS 50000

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
again (void *opaque, int64_t late_ns)
{
  VtVirtio *virtio = opaque;
  uint32_t  queues = virtio->again_queues;
  virtio->again_queues = 0;
  for (unsigned i = 0; i < virtio->n_queues; i++)
    if (queues >> i & 1)
      vt_virtio_notify (virtio, i);
}

void
vt_virtio_serve_again (VtVirtio *virtio, unsigned queue)
{
  virtio->again_queues |= 1u << queue;
  if (!vt_timer_armed (virtio->again))
    vt_timer_arm (virtio->again, vt_clock_now (virtio->clock) + AGAIN_NS);
}

void
vt_virtio_init (VtVirtio *virtio, const VtVirtioType *type, const VtVirtioOffer *offer, const VtVirtioPlace *place)
{
  virtio->type = type;
  virtio->transport = place->transport;
  virtio->s = place->state;
  virtio->dev = place->dev;
  virtio->dma = place->dma;
  virtio->clock = place->clock;
  virtio->n_queues = offer->n_queues != 0 ? offer->n_queues : type->n_queues;
  virtio->features = type->features | offer->features | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_INDIRECT_DESC
                     | VIRTIO_F_RING_EVENT_IDX;
  virtio->again = vt_timer_new (place->clock, "virtio", 0, again, virtio);
  g_assert (virtio->n_queues <= type->n_queues && type->n_queues <= VT_VIRTIO_QUEUES
            && type->queue_size <= VT_VIRTIO_RING_MAX);
}

void
vt_virtio_finalize (VtVirtio *virtio)
{
  g_assert (virtio->in_flight == 0);
  g_clear_pointer (&virtio->again, vt_timer_free);
}

void
vt_virtio_settle (VtVirtio *virtio)
{
  /* Whatever is still in flight belongs to a past that this state does not know. */
  virtio->epoch++;
  virtio->resetting = false;
  memset (virtio->queue_in_flight, 0, sizeof virtio->queue_in_flight);
  virtio->again_queues = 0;
  vt_timer_cancel (virtio->again);
}

static const VtVirtRing *
ring_of (const VtVirtioState *s)
{
  return s->driver_features & VIRTIO_F_RING_PACKED ? &vt_virt_packed_ring : &vt_virt_split_ring;
}

const VtVirtRing *
vt_virtio_ring (const VtVirtio *virtio)
{
  return ring_of (virtio->s);
}

bool
vt_virt_area_possible (uint64_t at, uint64_t len, uint64_t alignment)
{
  return at % alignment == 0 && vt_fits (at, len, UINT64_MAX);
}

static bool
queue_possible (const VtVirtio *virtio, const VtVirtioState *s, unsigned queue)
{
  const VtVirtQueueState *q = &s->queue[queue];
  return queue < virtio->n_queues && (s->status & VIRTIO_STATUS_FEATURES_OK) != 0 && q->size <= virtio->type->queue_size
         && ring_of (s)->possible (q);
}

bool
vt_virtio_check (const VtVirtio *virtio, const VtVirtioState *incoming, GError **error)
{
  bool ok = (incoming->driver_features & ~virtio->features) == 0 || (incoming->status & VIRTIO_STATUS_FEATURES_OK) == 0;
  for (unsigned i = 0; ok && i < VT_VIRTIO_QUEUES; i++)
    ok = !incoming->queue[i].enabled || queue_possible (virtio, incoming, i);
  if (!ok)
    g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: features or queues that this device does not have",
                 virtio->type->name);
  return ok;
}

void
vt_virtio_quiesce (VtVirtio *virtio, void (*done) (void *opaque), void *opaque)
{
  virtio->parked = true;
  if (virtio->in_flight == 0)
    {
      done (opaque);
      return;
    }
  virtio->quiet = done;
  virtio->quiet_opaque = opaque;
}

void
vt_virtio_resume (VtVirtio *virtio)
{
  virtio->parked = false;
  for (unsigned i = 0; i < virtio->n_queues; i++)
    vt_virtio_notify (virtio, i);
}

/* --- Status ------------------------------------------------------------------------------------------------------- */

static void
reset_now (VtVirtio *virtio)
{
  VtVirtioState *s = virtio->s;
  trace_virtio_reset (virtio->dev->path);
  VtVirtioState fresh = VT_VIRTIO_AT_RESET (virtio->type->queue_size);
  *s = fresh;
  vt_virtio_settle (virtio);
  if (virtio->type->reset != NULL)
    virtio->type->reset (virtio);
}

/* The status register shows zero only when no buffer of the driver is in use any more (2.1.2, 4.1.4.3.1). */
static void
reset (VtVirtio *virtio)
{
  if (virtio->in_flight > 0)
    virtio->resetting = true;
  else
    reset_now (virtio);
}

void
vt_virtio_element_gone (VtVirtio *virtio)
{
  g_assert (virtio->in_flight > 0);
  if (--virtio->in_flight > 0)
    return;
  if (virtio->resetting)
    reset_now (virtio);
  if (virtio->quiet != NULL)
    {
      void (*quiet) (void *) = virtio->quiet;
      virtio->quiet = NULL;
      quiet (virtio->quiet_opaque);
    }
}

uint8_t
vt_virtio_status (const VtVirtio *virtio)
{
  return virtio->s->status;
}

static bool
features_acceptable (const VtVirtio *virtio)
{
  return (virtio->s->driver_features & ~virtio->features) == 0
         && (virtio->s->driver_features & VIRTIO_F_VERSION_1) != 0;
}

void
vt_virtio_set_status (VtVirtio *virtio, uint8_t status)
{
  VtVirtioState *s = virtio->s;
  trace_virtio_status (virtio->dev->path, s->status, status);
  if (status == 0)
    {
      reset (virtio);
      return;
    }
  if (virtio->resetting)
    return;
  if ((status & ~s->status & VIRTIO_STATUS_FEATURES_OK) != 0 && !features_acceptable (virtio))
    {
      vt_guest_warn (virtio->dev, "driver wants features 0x%" G_GINT64_MODIFIER "x", s->driver_features);
      status &= (uint8_t) ~VIRTIO_STATUS_FEATURES_OK;
    }
  /* What was agreed on stays so until a reset: queues are laid out by it. */
  status |= s->status & VIRTIO_STATUS_FEATURES_OK;
  bool started = (status & ~s->status & VIRTIO_STATUS_DRIVER_OK) != 0;
  s->status = status | (s->status & VIRTIO_STATUS_NEEDS_RESET);
  /* Buffers that were queued before DRIVER_OK count too. */
  for (unsigned i = 0; started && i < virtio->n_queues; i++)
    vt_virtio_notify (virtio, i);
}

void
vt_virtio_broken (VtVirtio *virtio, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  vt_guest_warn (virtio->dev, "%s", text);
  if (virtio->s->status & VIRTIO_STATUS_NEEDS_RESET)
    return;
  virtio->s->status |= VIRTIO_STATUS_NEEDS_RESET;
  if (virtio->s->status & VIRTIO_STATUS_DRIVER_OK)
    virtio->transport->config_interrupt (virtio);
}

bool
vt_virtio_live (const VtVirtio *virtio)
{
  return (virtio->s->status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET)) == VIRTIO_STATUS_DRIVER_OK
         && !virtio->resetting;
}

/* --- Features ----------------------------------------------------------------------------------------------------- */

static uint32_t
half (uint64_t features, uint32_t select)
{
  return select < 2 ? (uint32_t) (features >> (32 * select)) : 0;
}

uint32_t
vt_virtio_device_features (const VtVirtio *virtio)
{
  return half (virtio->features, virtio->s->device_feature_select);
}

uint32_t
vt_virtio_driver_features (const VtVirtio *virtio)
{
  return half (virtio->s->driver_features, virtio->s->driver_feature_select);
}

void
vt_virtio_set_driver_features (VtVirtio *virtio, uint32_t value)
{
  VtVirtioState *s = virtio->s;
  if (s->driver_feature_select < 2 && (s->status & VIRTIO_STATUS_FEATURES_OK) == 0)
    s->driver_features = vt_deposit (s->driver_features, 32 * s->driver_feature_select, 32, value);
}

bool
vt_virtio_has (const VtVirtio *virtio, uint64_t feature)
{
  return (virtio->s->driver_features & feature) != 0;
}

/* --- Queues ------------------------------------------------------------------------------------------------------- */

VtVirtQueueState *
vt_virtio_selected (VtVirtio *virtio)
{
  unsigned select = virtio->s->queue_select;
  return select < virtio->n_queues ? &virtio->s->queue[select] : NULL;
}

void
vt_virtio_set_queue_size (VtVirtio *virtio, uint16_t size)
{
  VtVirtQueueState *queue = vt_virtio_selected (virtio);
  if (queue == NULL || queue->enabled)
    return;
  bool power_of_two = (size & (size - 1)) == 0;
  if (size == 0 || size > virtio->type->queue_size || (!power_of_two && !vt_virtio_has (virtio, VIRTIO_F_RING_PACKED)))
    vt_guest_warn (virtio->dev, "queue size %u", size);
  else
    queue->size = size;
}

void
vt_virtio_enable_queue (VtVirtio *virtio)
{
  VtVirtQueueState *queue = vt_virtio_selected (virtio);
  if (queue == NULL || queue->enabled)
    return;
  vt_virtio_ring (virtio)->start (queue);
  queue->enabled = queue_possible (virtio, virtio->s, virtio->s->queue_select);
  if (!queue->enabled)
    vt_virtio_broken (virtio, "queue %u: impossible ring", virtio->s->queue_select);
}

void
vt_virtio_notify (VtVirtio *virtio, unsigned queue)
{
  if (queue >= virtio->n_queues || !virtio->s->queue[queue].enabled || virtio->parked || !vt_virtio_live (virtio))
    return;
  trace_virtio_notify (virtio->dev->path, queue);
  virtio->type->notify (virtio, queue);
}

/* --- Configuration ------------------------------------------------------------------------------------------------ */

uint64_t
vt_virtio_config_read (VtVirtio *virtio, uint64_t off, unsigned size)
{
  uint8_t config[256] = { 0 };
  g_assert (virtio->type->config_bytes <= sizeof config);
  if (!vt_fits (off, size, virtio->type->config_bytes))
    return 0;
  virtio->type->get_config (virtio, config);
  return vt_load_le (config + off, size);
}

void
vt_virtio_config_write (VtVirtio *virtio, uint64_t off, uint64_t value, unsigned size)
{
  if (virtio->type->set_config != NULL && vt_fits (off, size, virtio->type->config_bytes))
    virtio->type->set_config (virtio, (unsigned) off, value, size);
}

void
vt_virtio_config_changed (VtVirtio *virtio)
{
  virtio->s->config_generation++;
  if (virtio->s->status & VIRTIO_STATUS_DRIVER_OK)
    virtio->transport->config_interrupt (virtio);
}
