/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared folder: each element is a message and room for its answer. What the guest has open is the share's; it is put into the state
 * when the device falls quiet. */
#include "virtio-9p.h"

#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  QUEUE_SIZE = 128,
  TAG_MAX = 32,
  CONFIG_BYTES = 2 + TAG_MAX,
  OPEN_BYTES = 64 * 1024,
};

#define NINEP_F_MOUNT_TAG VIRTIO_F (0)

typedef struct
{
  VtVirtioPciState pci;
  uint32_t         open_len;
  uint8_t          pad_[4];
  uint8_t          open[OPEN_BYTES];     /* VtShareOps.save */
} Virtio9pState;

typedef struct
{
  VtVirtioPci   pci;
  Virtio9pState s;
  VtShare      *share;
  char          tag[TAG_MAX + 1];
  bool          settled;                 /* since it last ran */
  void        (*quiet) (void *opaque);
  void         *quiet_opaque;
} Virtio9p;

typedef struct
{
  VtVirtElement *element;
  VtShareRequest request;
  VtIoVec        vec[];
} Request;

static const VtField virtio_9p_fields[] = {
  VT_VIRTIO_PCI_FIELDS (Virtio9pState, pci),
  VT_FIELD (Virtio9pState, open_len),
  VT_FIELD (Virtio9pState, pad_),
  VT_FIELD (Virtio9pState, open),
};

static const Virtio9pState virtio_9p_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

static Virtio9p *
from_virtio (VtVirtio *virtio)
{
  return (Virtio9p *) virtio->dev;
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  size_t len = strlen (from_virtio (virtio)->tag);
  vt_store_le (config, len, 2);
  memcpy (config + 2, from_virtio (virtio)->tag, len);
}

static void
request_done (VtShareRequest *done, size_t written)
{
  g_autofree Request *request = done->opaque;
  VtVirtio           *virtio = request->element->virtio;
  if (written == 0)
    vt_virtio_broken (virtio, "a message that is none, or without room for an answer");
  vt_virtqueue_push (request->element, (uint32_t) written);
}

static void
start_request (VtVirtElement *element)
{
  Virtio9p *ninep = from_virtio (element->virtio);
  size_t    n_spans = (size_t) element->n_out + element->n_in;
  if (ninep->share == NULL)
    {
      vt_virtqueue_push (element, 0);
      return;
    }
  Request *request = g_malloc0 (sizeof *request + n_spans * sizeof (VtIoVec));
  VtIoVec *in = request->vec + element->n_out;
  request->element = element;
  request->request = (VtShareRequest) { .out = request->vec, .in = in, .done = request_done, .opaque = request };
  request->request.n_out = vt_virt_gather (request->vec, vt_virt_element_out (element), element->n_out, 0, element->out_len);
  request->request.n_in = vt_virt_gather (in, vt_virt_element_in (element), element->n_in, 0, element->in_len);
  ninep->share->ops->submit (ninep->share, &request->request);
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  vt_virtqueue_serve (virtio, queue, start_request);
}

static void
driver_reset (VtVirtio *virtio)
{
  Virtio9p *ninep = from_virtio (virtio);
  if (ninep->share != NULL)
    ninep->share->ops->forget (ninep->share);
  ninep->s.open_len = 0;
  memset (ninep->s.open, 0, sizeof ninep->s.open);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static const VtVirtioType virtio_9p_type = {
  .name = "virtio-9p",
  .id = 9,
  .n_queues = 1,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .features = NINEP_F_MOUNT_TAG,
  .get_config = get_config,
  .reset = driver_reset,
  .notify = notify,
};

static bool
virtio_9p_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Virtio9p               *ninep = (Virtio9p *) dev;
  const VtVirtio9pConfig *config = env->config;
  VtVirtioOffer           offer = { .features = config->ring_forms };
  ninep->share = config->share;
  g_strlcpy (ninep->tag, config->tag != NULL ? config->tag : "share", sizeof ninep->tag);
  return vt_virtio_pci_init (&ninep->pci, env, &config->place, 0x018000, &virtio_9p_type, &offer, &ninep->s.pci, error);
}

static bool
virtio_9p_check (VtDevice *dev, const void *incoming, GError **error)
{
  if (((const Virtio9pState *) incoming)->open_len > OPEN_BYTES)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved files are too many", dev->path);
      return false;
    }
  return vt_virtio_pci_check (dev, incoming, error);
}

static void
virtio_9p_settle (VtDevice *dev)
{
  ((Virtio9p *) dev)->settled = true;
  vt_virtio_pci_settle (dev);
}

static void
now_quiet (void *opaque)
{
  Virtio9p *ninep = opaque;
  if (ninep->share != NULL && !ninep->settled)
    {
      memset (ninep->s.open, 0, sizeof ninep->s.open);
      ninep->s.open_len = (uint32_t) ninep->share->ops->save (ninep->share, ninep->s.open, sizeof ninep->s.open);
    }
  ninep->quiet (ninep->quiet_opaque);
}

static void
virtio_9p_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  Virtio9p *ninep = (Virtio9p *) dev;
  ninep->quiet = done;
  ninep->quiet_opaque = opaque;
  vt_virtio_pci_quiesce (dev, now_quiet, ninep);
}

/* After a load or a reset the share has what the state says; otherwise it has it anyway. */
static void
virtio_9p_resume (VtDevice *dev)
{
  Virtio9p *ninep = (Virtio9p *) dev;
  if (ninep->settled && ninep->share != NULL && ninep->s.open_len > 0)
    ninep->share->ops->load (ninep->share, ninep->s.open, ninep->s.open_len);
  else if (ninep->settled && ninep->share != NULL)
    ninep->share->ops->forget (ninep->share);
  ninep->settled = false;
  vt_virtio_pci_resume (dev);
}

static const void *
virtio_9p_test_config (void)
{
  static const VtVirtio9pConfig config = { .tag = "test", .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_9p_pci = {
  .name = "virtio-9p-pci",
  .summary = "Shared folder (virtio, 9P)",
  .instance_size = sizeof (Virtio9p),
  .state_off = offsetof (Virtio9p, s),
  .state = VT_STATE (2, Virtio9pState, virtio_9p_fields, &virtio_9p_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_9p_realize,
  .settle = virtio_9p_settle,
  .check = virtio_9p_check,
  .quiesce = virtio_9p_quiesce,
  .resume = virtio_9p_resume,
  .finalize = vt_virtio_pci_finalize,
  .test_config = virtio_9p_test_config,
};
