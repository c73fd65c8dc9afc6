/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory balloon (VIRTIO 1.1, 5.5). Pages that the guest puts into it, or reports as free, go back to the host; when the guest
 * touches them again they are zeros. */
#include "virtio-balloon.h"

#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  INFLATE, DEFLATE, STATS, REPORTING, ROLES,
  QUEUE_SIZE = 128,
  CONFIG_BYTES = 8,
  CONFIG_ACTUAL = 4,
  PFN_SHIFT = 12,
  PFN_BYTES = 4,
  STAT_BYTES = 10,
  STATS_MAX = 32,
};

#define BALLOON_F_STATS_VQ       VIRTIO_F (1)
#define BALLOON_F_DEFLATE_ON_OOM VIRTIO_F (2)
#define BALLOON_F_REPORTING      VIRTIO_F (5)

typedef struct
{
  VtVirtioPciState pci;
  uint32_t         num_pages;      /* wanted in the balloon: what a person asked for, so it outlives the guest */
  uint32_t         actual;         /* as the driver says */
} VirtioBalloonState;

typedef struct
{
  VtVirtioPci        pci;
  VirtioBalloonState s;
  uint64_t           memory_bytes;
  VtMemoryStats      stats;
} VirtioBalloon;

static const VtField virtio_balloon_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioBalloonState, pci),
  VT_FIELD_KEPT (VirtioBalloonState, num_pages),
  VT_FIELD (VirtioBalloonState, actual),
};

static const VirtioBalloonState virtio_balloon_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

static VirtioBalloon *
from_virtio (VtVirtio *virtio)
{
  return (VirtioBalloon *) virtio->dev;
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  vt_store_le (config, from_virtio (virtio)->s.num_pages, 4);
  vt_store_le (config + CONFIG_ACTUAL, from_virtio (virtio)->s.actual, 4);
}

static void
set_config (VtVirtio *virtio, unsigned off, uint64_t value, unsigned size)
{
  if (off == CONFIG_ACTUAL && size == 4)
    from_virtio (virtio)->s.actual = (uint32_t) value;
}

/* Queues of features that were not agreed on do not exist, and the later ones move up: so do Linux and other devices, whatever
 * 5.5.2 says of fixed numbers. */
static unsigned
role_of (VtVirtio *virtio, unsigned queue)
{
  return queue == STATS && !vt_virtio_has (virtio, BALLOON_F_STATS_VQ) ? REPORTING : queue;
}

/* --- Pages -------------------------------------------------------------------------------------------------------- */

/* More page numbers than memory has pages are no request, but a way to keep the machine busy. */
static void
inflate (VtVirtElement *element)
{
  VirtioBalloon *balloon = from_virtio (element->virtio);
  uint8_t        pfn[PFN_BYTES];
  if (element->out_len / PFN_BYTES > balloon->memory_bytes >> PFN_SHIFT)
    {
      vt_virtio_broken (element->virtio, "%" G_GUINT64_FORMAT " bytes of page numbers", element->out_len);
      vt_virtqueue_push (element, 0);
      return;
    }
  for (uint64_t at = 0; vt_virt_element_read (element, at, pfn, sizeof pfn) == sizeof pfn; at += sizeof pfn)
    if (!vt_dma_discard (&balloon->pci.pci.dma, VT_GPA (vt_load_le (pfn, 4) << PFN_SHIFT), 1u << PFN_SHIFT))
      vt_guest_warn (&balloon->pci.pci.dev, "page 0x%x is not memory", (unsigned) vt_load_le (pfn, 4));
  vt_virtqueue_push (element, 0);
}

/* The guest may use the pages again: the host gives them when they are touched. */
static void
deflate (VtVirtElement *element)
{
  vt_virtqueue_push (element, 0);
}

/* The buffers themselves are the free pages (1.2, 5.5.6.7). */
static void
take_report (VtVirtElement *element)
{
  VirtioBalloon *balloon = from_virtio (element->virtio);
  VtSpan        *in = vt_virt_element_in (element);
  for (unsigned i = 0; i < element->n_in; i++)
    {
      vt_span_discard (&in[i]);
      balloon->stats.reported_bytes += in[i].len;
    }
  trace_virtio_balloon_report (balloon->pci.pci.dev.path, element->in_len);
  vt_virtqueue_push (element, 0);
}

/* --- Statistics --------------------------------------------------------------------------------------------------- */

/* Tags of 5.5.6.3, and what they count. */
static uint64_t *
place_of (VtMemoryStats *stats, unsigned tag)
{
  uint64_t *const places[] = {
    &stats->swapped_in_bytes, &stats->swapped_out_bytes, &stats->major_faults, &stats->minor_faults, &stats->free_bytes,
    &stats->total_bytes, &stats->available_bytes, &stats->cached_bytes,
  };
  return tag < G_N_ELEMENTS (places) ? places[tag] : NULL;
}

/* The driver's buffer stays in its queue until somebody wants to know more: giving it back is how to ask. */
static void
read_stats (VirtioBalloon *balloon)
{
  VtVirtElement *element = vt_virtqueue_pop (&balloon->pci.virtio, STATS);
  uint8_t        stat[STAT_BYTES];
  if (element == NULL)
    return;
  for (unsigned i = 0;
       i < STATS_MAX && vt_virt_element_read (element, i * STAT_BYTES, stat, sizeof stat) == sizeof stat; i++)
    {
      uint64_t *place = place_of (&balloon->stats, (unsigned) vt_load_le (stat, 2));
      if (place != NULL)
        *place = vt_load_le (stat + 2, 8);
    }
  balloon->stats.updates++;
  vt_virtqueue_unpop (element);
}

void
vt_virtio_balloon_stats (VtDevice *dev, VtMemoryStats *out)
{
  VirtioBalloon *balloon = (VirtioBalloon *) dev;
  VtVirtio      *virtio = &balloon->pci.virtio;
  g_assert (dev->cls == &vt_virtio_balloon_pci);
  *out = balloon->stats;
  out->balloon = true;
  out->machine_bytes = balloon->memory_bytes;
  out->wanted_bytes = balloon->memory_bytes - ((uint64_t) balloon->s.num_pages << PFN_SHIFT);
  out->actual_bytes = balloon->memory_bytes - MIN ((uint64_t) balloon->s.actual << PFN_SHIFT, balloon->memory_bytes);
  VtVirtElement *element = vt_virtio_has (virtio, BALLOON_F_STATS_VQ) ? vt_virtqueue_pop (virtio, STATS) : NULL;
  if (element != NULL)
    vt_virtqueue_push (element, 0);
}

void
vt_virtio_balloon_set_memory (VtDevice *dev, uint64_t bytes)
{
  VirtioBalloon *balloon = (VirtioBalloon *) dev;
  g_assert (dev->cls == &vt_virtio_balloon_pci);
  balloon->s.num_pages = (uint32_t) ((balloon->memory_bytes - MIN (bytes, balloon->memory_bytes)) >> PFN_SHIFT);
  vt_virtio_config_changed (&balloon->pci.virtio);
}

/* --- The type ----------------------------------------------------------------------------------------------------- */

static void
notify (VtVirtio *virtio, unsigned queue)
{
  switch (role_of (virtio, queue))
    {
    case INFLATE: vt_virtqueue_serve (virtio, queue, inflate); break;
    case DEFLATE: vt_virtqueue_serve (virtio, queue, deflate); break;
    case STATS: read_stats (from_virtio (virtio)); break;
    case REPORTING: vt_virtqueue_serve (virtio, queue, take_report); break;
    }
}

/* The guest that begins anew has all of its memory; its statistics are not those of the last one. */
static void
driver_reset (VtVirtio *virtio)
{
  VirtioBalloon *balloon = from_virtio (virtio);
  balloon->s.actual = 0;
  balloon->stats = (VtMemoryStats) { .reported_bytes = balloon->stats.reported_bytes };
}

static const VtVirtioType virtio_balloon_type = {
  .name = "virtio-balloon",
  .id = 5,
  .n_queues = ROLES,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .features = BALLOON_F_STATS_VQ,
  .get_config = get_config,
  .set_config = set_config,
  .reset = driver_reset,
  .notify = notify,
};

static bool
virtio_balloon_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioBalloon               *balloon = (VirtioBalloon *) dev;
  const VtVirtioBalloonConfig *config = env->config;
  VtVirtioOffer                offer = { .features = config->ring_forms };
  offer.features |= (config->deflate_on_oom ? BALLOON_F_DEFLATE_ON_OOM : 0)
                    | (config->free_page_reporting ? BALLOON_F_REPORTING : 0);
  balloon->memory_bytes = config->memory_bytes;
  return vt_virtio_pci_init (&balloon->pci, env, &config->place, 0x00ff00, &virtio_balloon_type, &offer, &balloon->s.pci,
                             error);
}

static bool
virtio_balloon_check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioBalloonState *s = incoming;
  if ((uint64_t) s->num_pages << PFN_SHIFT > ((VirtioBalloon *) dev)->memory_bytes)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved balloon is larger than memory", dev->path);
      return false;
    }
  return vt_virtio_pci_check (dev, incoming, error);
}

static const void *
virtio_balloon_test_config (void)
{
  static const VtVirtioBalloonConfig config = { .memory_bytes = UINT64_C (1) << 45, .deflate_on_oom = true,
                                                .free_page_reporting = true, .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_balloon_pci = {
  .name = "virtio-balloon-pci",
  .summary = "Memory balloon (virtio)",
  .instance_size = sizeof (VirtioBalloon),
  .state_off = offsetof (VirtioBalloon, s),
  .state = VT_STATE (2, VirtioBalloonState, virtio_balloon_fields, &virtio_balloon_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_balloon_realize,
  .settle = vt_virtio_pci_settle,
  .check = virtio_balloon_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = vt_virtio_pci_finalize,
  .test_config = virtio_balloon_test_config,
};
