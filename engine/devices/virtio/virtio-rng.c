/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entropy device (VIRTIO 1.1, 5.4). */
#include "virtio-rng.h"

#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  QUEUE_SIZE = 16,
  FILL_MAX   = 64 * 1024,   /* a larger buffer is used in part, which the specification allows */
};

typedef struct
{
  VtVirtioPciState pci;
} VirtioRngState;

typedef struct
{
  VtVirtioPci    pci;
  VirtioRngState s;
  void         (*fill) (void *opaque, uint8_t *bytes, size_t n);
  void          *opaque;
} VirtioRng;

static const VtField virtio_rng_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioRngState, pci),
};

static const VirtioRngState virtio_rng_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

static void
fill_element (VtVirtElement *element)
{
  VirtioRng *rng = (VirtioRng *) element->virtio->dev;
  VtSpan  *in = vt_virt_element_in (element);
  uint64_t filled = 0;
  for (unsigned i = 0; i < element->n_in && filled < FILL_MAX; i++)
    {
      uint64_t n = MIN (in[i].len, FILL_MAX - filled);
      rng->fill (rng->opaque, in[i].ptr, (size_t) n);
      filled += n;
    }
  vt_virtqueue_push (element, (uint32_t) filled);
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  vt_virtqueue_serve (virtio, queue, fill_element);
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
}

static const VtVirtioType virtio_rng_type = {
  .name = "virtio-rng",
  .id = 4,
  .n_queues = 1,
  .queue_size = QUEUE_SIZE,
  .get_config = get_config,
  .notify = notify,
};

static bool
virtio_rng_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioRng               *rng = (VirtioRng *) dev;
  const VtVirtioRngConfig *config = env->config;
  if (config->fill == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "A virtio entropy device needs a source");
      return false;
    }
  rng->fill = config->fill;
  rng->opaque = config->opaque;
  VtVirtioOffer offer = { .features = config->ring_forms };
  return vt_virtio_pci_init (&rng->pci, env, &config->place, 0x00ff00, &virtio_rng_type, &offer, &rng->s.pci, error);
}

static void
test_fill (void *opaque, uint8_t *bytes, size_t n)
{
  memset (bytes, 0x5a, n);
}

static const void *
virtio_rng_test_config (void)
{
  static const VtVirtioRngConfig config = { .fill = test_fill, .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_rng_pci = {
  .name = "virtio-rng-pci",
  .summary = "Source of random numbers (virtio)",
  .instance_size = sizeof (VirtioRng),
  .state_off = offsetof (VirtioRng, s),
  .state = VT_STATE (2, VirtioRngState, virtio_rng_fields, &virtio_rng_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_rng_realize,
  .settle = vt_virtio_pci_settle,
  .check = vt_virtio_pci_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = vt_virtio_pci_finalize,
  .test_config = virtio_rng_test_config,
};
