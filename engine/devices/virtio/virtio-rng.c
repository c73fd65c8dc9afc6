/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entropy device (VIRTIO 1.1, 5.4): one queue of writable buffers, filled at once. */
#include "virtio-rng.h"

#include "virtio-device.h"

#define DEVICE_ID  4u
#define PCI_CLASS  0xff0000u
#define FILL_MAX   65536u   /* per request: a guest that asks for more gets less */

typedef struct
{
  VtVirtioState  virtio;
  VtPciState     pci;
  VtPciMsixState msix;
} VirtioRngState;

typedef struct
{
  VtVirtio       virtio;
  VirtioRngState s;
  void         (*fill) (void *opaque, uint8_t *bytes, size_t n);
  void          *fill_opaque;
} VirtioRng;

static void
notified (VtVirtio *virtio, unsigned queue)
{
  VirtioRng     *rng = (VirtioRng *) virtio;
  VtVirtElement *element;
  while ((element = vt_virtqueue_pop (virtio, queue)) != NULL)
    {
      uint32_t written = 0;
      for (unsigned i = 0; i < element->n_in && written < FILL_MAX; i++)
        {
          size_t n = (size_t) MIN (element->in[i].len, FILL_MAX - written);
          rng->fill (rng->fill_opaque, element->in[i].ptr, n);
          written += (uint32_t) n;
        }
      vt_virtqueue_push (virtio, element, written);
    }
  vt_virtqueue_notify (virtio, queue);
}

static const VtVirtioType rng_type
  = { .name = "rng", .device_id = DEVICE_ID, .pci_class = PCI_CLASS, .queues = 1, .notified = notified };

static bool
rng_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioRng               *rng = (VirtioRng *) dev;
  const VtVirtioRngConfig *config = env->config;
  rng->fill = config->fill;
  rng->fill_opaque = config->opaque;
  return vt_virtio_init (&rng->virtio, env, &config->place, &rng_type, &rng->s.virtio, &rng->s.pci, &rng->s.msix, error);
}

static void
rng_settle (VtDevice *dev)
{
  vt_virtio_settle ((VtVirtio *) dev);
}

static bool
rng_check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioRngState *in = incoming;
  return vt_virtio_check ((VtVirtio *) dev, &in->virtio, &in->pci, error);
}

static void
rng_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  vt_virtio_quiesce ((VtVirtio *) dev, done, opaque);
}

static void
rng_resume (VtDevice *dev)
{
  vt_virtio_resume ((VtVirtio *) dev);
}

static void
rng_finalize (VtDevice *dev)
{
  vt_virtio_finalize ((VtVirtio *) dev);
}

static void
test_fill (void *opaque, uint8_t *bytes, size_t n)
{
  memset (bytes, 0x42, n);
}

static const void *
test_config (void)
{
  static const VtVirtioRngConfig config = { .fill = test_fill };
  return &config;
}

static const VirtioRngState rng_at_reset = { .virtio = VT_VIRTIO_STATE_AT_RESET };
static const VtField        rng_fields[] = { VT_VIRTIO_FIELDS (VirtioRngState, virtio), VT_PCI_FIELDS (VirtioRngState, pci),
                                             VT_PCI_MSIX_FIELDS (VirtioRngState, msix) };
static const VtRegion *const rng_regions[] = { &vt_virtio_region, NULL };

const VtDeviceClass vt_virtio_rng_pci = {
  .name = "virtio-rng-pci",
  .summary = "Random numbers from the host",
  .instance_size = sizeof (VirtioRng),
  .state_off = offsetof (VirtioRng, s),
  .state = VT_STATE (1, VirtioRngState, rng_fields, &rng_at_reset),
  .regions = rng_regions,
  .realize = rng_realize,
  .settle = rng_settle,
  .check = rng_check,
  .quiesce = rng_quiesce,
  .resume = rng_resume,
  .finalize = rng_finalize,
  .test_config = test_config,
};
