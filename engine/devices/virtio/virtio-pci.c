/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio over PCI (VIRTIO 1.1, 4.1): four register blocks in one BAR, capabilities that tell where, MSI-X or INTx. */
#include "virtio-pci.h"

#include "pci-bus.h"

enum
{
  VENDOR = 0x1af4,
  DEVICE_BASE = 0x1040,

  BAR_MSIX = 1,
  BAR_REGISTERS = 4,

  /* A page each, so that a hypervisor above us could map them separately. */
  COMMON = 0x0000,
  ISR    = 0x1000,
  DEVICE = 0x2000,
  NOTIFY = 0x3000,
  BLOCK  = 0x1000,
  NOTIFY_MULTIPLIER = 4,

  CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_ISR = 3, CFG_DEVICE = 4, CFG_PCI = 5,

  ISR_QUEUE = 1u << 0,
  ISR_CONFIG = 1u << 1,

  /* Offsets in the vendor capability */
  CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_DATA = 16,
};

enum
{
  COMMON_DEVICE_FEATURE_SELECT = 0x00, COMMON_DEVICE_FEATURE = 0x04, COMMON_DRIVER_FEATURE_SELECT = 0x08,
  COMMON_DRIVER_FEATURE = 0x0c, COMMON_MSIX_CONFIG = 0x10, COMMON_NUM_QUEUES = 0x12, COMMON_STATUS = 0x14,
  COMMON_CONFIG_GENERATION = 0x15, COMMON_QUEUE_SELECT = 0x16, COMMON_QUEUE_SIZE = 0x18, COMMON_QUEUE_VECTOR = 0x1a,
  COMMON_QUEUE_ENABLE = 0x1c, COMMON_QUEUE_NOTIFY_OFF = 0x1e, COMMON_QUEUE_DESC = 0x20, COMMON_QUEUE_DRIVER = 0x28,
  COMMON_QUEUE_DEVICE = 0x30, COMMON_BYTES = 0x38,
};

static VtVirtioPci *
from_virtio (VtVirtio *virtio)
{
  return (VtVirtioPci *) virtio->dev;
}

/* --- Interrupts --------------------------------------------------------------------------------------------------- */

static void
signal_driver (VtVirtioPci *pci, uint16_t vector, uint8_t isr)
{
  if (vt_pci_msix_enabled (&pci->pci))
    {
      vt_pci_msix_notify (&pci->pci, vector);   /* VIRTIO_NO_VECTOR is out of range: ignored */
      return;
    }
  pci->virtio.s->isr |= isr;
  vt_pci_set_irq (&pci->pci, true);
}

static void
queue_interrupt (VtVirtio *virtio, unsigned queue)
{
  signal_driver (from_virtio (virtio), virtio->s->queue[queue].vector, ISR_QUEUE);
}

static void
config_interrupt (VtVirtio *virtio)
{
  signal_driver (from_virtio (virtio), virtio->s->config_vector, ISR_CONFIG);
}

static const VtVirtioTransport transport = { queue_interrupt, config_interrupt };

static uint64_t
read_isr (VtVirtioPci *pci)
{
  uint8_t isr = pci->virtio.s->isr;
  pci->virtio.s->isr = 0;
  vt_pci_set_irq (&pci->pci, false);
  return isr;
}

/* --- Common configuration ----------------------------------------------------------------------------------------- */

static void
put_queue (const VtVirtQueueState *queue, unsigned number, uint8_t *common)
{
  vt_store_le (common + COMMON_QUEUE_SIZE, queue->size, 2);
  vt_store_le (common + COMMON_QUEUE_VECTOR, queue->vector, 2);
  vt_store_le (common + COMMON_QUEUE_ENABLE, queue->enabled, 2);
  vt_store_le (common + COMMON_QUEUE_NOTIFY_OFF, number, 2);
  vt_store_le (common + COMMON_QUEUE_DESC, queue->desc, 8);
  vt_store_le (common + COMMON_QUEUE_DRIVER, queue->driver, 8);
  vt_store_le (common + COMMON_QUEUE_DEVICE, queue->device, 8);
}

/* Reads have no side effects here, so that the block can be built whole. */
static uint64_t
read_common (VtVirtioPci *pci, unsigned off, unsigned size)
{
  VtVirtio            *virtio = &pci->virtio;
  const VtVirtioState *s = virtio->s;
  uint8_t              common[COMMON_BYTES] = { 0 };
  if (!vt_fits (off, size, sizeof common))
    return 0;
  vt_store_le (common + COMMON_DEVICE_FEATURE_SELECT, s->device_feature_select, 4);
  vt_store_le (common + COMMON_DEVICE_FEATURE, vt_virtio_device_features (virtio), 4);
  vt_store_le (common + COMMON_DRIVER_FEATURE_SELECT, s->driver_feature_select, 4);
  vt_store_le (common + COMMON_DRIVER_FEATURE, vt_virtio_driver_features (virtio), 4);
  vt_store_le (common + COMMON_MSIX_CONFIG, s->config_vector, 2);
  vt_store_le (common + COMMON_NUM_QUEUES, virtio->n_queues, 2);
  common[COMMON_STATUS] = vt_virtio_status (virtio);
  common[COMMON_CONFIG_GENERATION] = s->config_generation;
  vt_store_le (common + COMMON_QUEUE_SELECT, s->queue_select, 2);
  const VtVirtQueueState *queue = vt_virtio_selected (virtio);
  if (queue != NULL)
    put_queue (queue, s->queue_select, common);
  return vt_load_le (common + off, size);
}

/* A vector that does not exist reads back as none. */
static uint16_t
possible_vector (const VtVirtioPci *pci, uint64_t value)
{
  return value < pci->pci.msix_vectors ? (uint16_t) value : VIRTIO_NO_VECTOR;
}

/* One half of a ring address; they may only change while the queue is off. */
static void
write_queue_address (VtVirtQueueState *queue, unsigned off, uint32_t value)
{
  uint64_t *field = off < COMMON_QUEUE_DRIVER   ? &queue->desc
                    : off < COMMON_QUEUE_DEVICE ? &queue->driver
                                                : &queue->device;
  if (!queue->enabled)
    *field = vt_deposit (*field, off & 4 ? 32 : 0, 32, value);
}

static void
write_queue (VtVirtioPci *pci, unsigned off, uint32_t value, unsigned size)
{
  VtVirtQueueState *queue = vt_virtio_selected (&pci->virtio);
  if (queue == NULL)
    return;
  if (off >= COMMON_QUEUE_DESC && size == 4)
    write_queue_address (queue, off, value);
  else if (off == COMMON_QUEUE_SIZE && size == 2)
    vt_virtio_set_queue_size (&pci->virtio, (uint16_t) value);
  else if (off == COMMON_QUEUE_VECTOR && size == 2)
    queue->vector = possible_vector (pci, value);
  else if (off == COMMON_QUEUE_ENABLE && size == 2 && value == 1)
    vt_virtio_enable_queue (&pci->virtio);
}

static void
write_status (VtVirtioPci *pci, uint8_t value)
{
  vt_virtio_set_status (&pci->virtio, value);
  if (pci->virtio.s->status == 0)
    vt_pci_set_irq (&pci->pci, false);
}

static void
write_common (VtVirtioPci *pci, unsigned off, uint32_t value, unsigned size)
{
  VtVirtioState *s = pci->virtio.s;
  if (off == COMMON_DEVICE_FEATURE_SELECT && size == 4)
    s->device_feature_select = value;
  else if (off == COMMON_DRIVER_FEATURE_SELECT && size == 4)
    s->driver_feature_select = value;
  else if (off == COMMON_DRIVER_FEATURE && size == 4)
    vt_virtio_set_driver_features (&pci->virtio, value);
  else if (off == COMMON_MSIX_CONFIG && size == 2)
    s->config_vector = possible_vector (pci, value);
  else if (off == COMMON_STATUS && size == 1)
    write_status (pci, (uint8_t) value);
  else if (off == COMMON_QUEUE_SELECT && size == 2)
    s->queue_select = (uint16_t) value;
  else if (off >= COMMON_QUEUE_SIZE && off < COMMON_BYTES)
    write_queue (pci, off, value, size);
}

/* --- The register BAR --------------------------------------------------------------------------------------------- */

uint64_t
vt_virtio_pci_read (VtDevice *dev, uint64_t off, unsigned size)
{
  VtVirtioPci *pci = (VtVirtioPci *) dev;
  unsigned     in = off & (BLOCK - 1);
  switch (off & ~(uint64_t) (BLOCK - 1))
    {
    case COMMON: return read_common (pci, in, size);
    case ISR: return in == 0 ? read_isr (pci) : 0;
    case DEVICE: return vt_virtio_config_read (&pci->virtio, in, size);
    default: return 0;
    }
}

/* The place says which queue. With NOTIFICATION_DATA the value does so too, and how far the driver is (4.1.5.2): the ring says
 * that as well, and is believed. */
static void
write_notify (VtVirtio *virtio, unsigned queue, uint32_t value, unsigned size)
{
  if (vt_virtio_has (virtio, VIRTIO_F_NOTIFICATION_DATA) && (size != 4 || (uint16_t) value != queue))
    vt_guest_warn (virtio->dev, "notification 0x%x of queue %u", value, queue);
  vt_virtio_notify (virtio, queue);
}

void
vt_virtio_pci_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  VtVirtioPci *pci = (VtVirtioPci *) dev;
  unsigned     in = off & (BLOCK - 1);
  switch (off & ~(uint64_t) (BLOCK - 1))
    {
    case COMMON: write_common (pci, in, (uint32_t) value, size); break;
    case NOTIFY: write_notify (&pci->virtio, in / NOTIFY_MULTIPLIER, (uint32_t) value, size); break;
    case DEVICE: vt_virtio_config_write (&pci->virtio, in, value, size); break;
    default: break;
    }
}

/* 64-bit fields are accessed as two halves (4.1.3.1). */
static const VtRegionOps registers_ops
    = { .read = vt_virtio_pci_read, .write = vt_virtio_pci_write, .min_size = 1, .max_size = 4 };
static const VtRegion    registers_region = { "virtio", VT_VIRTIO_PCI_REGISTERS_BYTES, &registers_ops };
const VtRegion *const    vt_virtio_pci_regions[] = { &registers_region, NULL };

/* --- Access through configuration space (4.1.4.8) ----------------------------------------------------------------- */

/* What the capability points at; false: nothing that exists. */
static bool
access_target (const VtVirtioPci *pci, unsigned *off, unsigned *size)
{
  unsigned cap = pci->cap_access;
  /* An offset in front of ours wraps around and is too large then. */
  *off = vt_pci_config_get (&pci->pci, cap + CAP_OFFSET, 4) - pci->base;
  *size = vt_pci_config_get (&pci->pci, cap + CAP_LENGTH, 4);
  return vt_pci_config_get (&pci->pci, cap + CAP_BAR, 1) == pci->bar && (*size == 1 || *size == 2 || *size == 4)
         && *off % *size == 0 && vt_fits (*off, *size, VT_VIRTIO_PCI_REGISTERS_BYTES);
}

static void
config_read (VtPciFunction *fn, unsigned off, unsigned size, uint32_t *value)
{
  VtVirtioPci *pci = (VtVirtioPci *) fn;
  unsigned     target, target_size;
  if (off == pci->cap_access + CAP_DATA && access_target (pci, &target, &target_size))
    *value = (uint32_t) (vt_virtio_pci_read (&fn->dev, target, target_size) & vt_mask_bytes (MIN (size, target_size)));
}

static void
config_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  VtVirtioPci *pci = (VtVirtioPci *) fn;
  unsigned     target, target_size;
  if (off == pci->cap_access + CAP_DATA && access_target (pci, &target, &target_size))
    vt_virtio_pci_write (&fn->dev, target, vt_pci_config_get (fn, off, 4) & vt_mask_bytes (target_size), target_size);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static uint8_t
add_block (VtVirtioPci *pci, uint8_t cfg, uint32_t offset, uint32_t length, uint8_t cap_len)
{
  uint8_t body[18] = { cap_len, cfg, pci->bar };
  vt_store_le (body + CAP_OFFSET - 2, offset, 4);
  vt_store_le (body + CAP_LENGTH - 2, length, 4);
  if (cfg == CFG_NOTIFY)
    vt_store_le (body + CAP_DATA - 2, NOTIFY_MULTIPLIER, 4);
  return vt_pci_add_capability (&pci->pci, PCI_CAP_VENDOR, body, cap_len);
}

static void
add_blocks (VtVirtioPci *pci)
{
  VtPciFunction *fn = &pci->pci;
  add_block (pci, CFG_COMMON, pci->base + COMMON, BLOCK, 16);
  add_block (pci, CFG_ISR, pci->base + ISR, BLOCK, 16);
  add_block (pci, CFG_DEVICE, pci->base + DEVICE, BLOCK, 16);
  add_block (pci, CFG_NOTIFY, pci->base + NOTIFY, BLOCK, 20);
  pci->cap_access = add_block (pci, CFG_PCI, 0, 0, 20);
  vt_pci_set_fixed (fn, pci->cap_access + CAP_BAR, 1, 0);
  vt_pci_allow (fn, pci->cap_access + CAP_BAR, 1, 0xff);
  vt_pci_allow (fn, pci->cap_access + CAP_OFFSET, 4, ~0u);
  vt_pci_allow (fn, pci->cap_access + CAP_LENGTH, 4, ~0u);
  vt_pci_allow (fn, pci->cap_access + CAP_DATA, 4, ~0u);
}

bool
vt_virtio_pci_init_at (VtVirtioPci *pci, const VtEnv *env, const VtPciPlace *place, uint32_t class_code,
                       const VtVirtioPciLayout *layout, const VtVirtioType *type, const VtVirtioOffer *offer,
                       VtVirtioPciState *state, GError **error)
{
  VtPciIdentity identity = { .vendor = VENDOR,
                             .device = (uint16_t) (DEVICE_BASE + type->id),
                             .subsystem_vendor = VENDOR,
                             .subsystem = 0x1100,
                             .class_code = class_code,
                             .revision = 1,
                             .interrupt_pin = 1 };
  pci->s = state;
  pci->bar = layout->bar;
  pci->base = layout->base;
  if (!vt_pci_init (&pci->pci, env, place, &identity, &state->pci, error))
    return false;
  vt_virtio_init (&pci->virtio, type, offer,
                  &(VtVirtioPlace) { &transport, &state->virtio, &pci->pci.dev, &pci->pci.dma, env->clock });
  /* A vector for each queue, and one for configuration changes. */
  vt_pci_add_msix (&pci->pci, layout->msix_bar, pci->virtio.n_queues + 1u, &state->msix);
  add_blocks (pci);
  vt_pci_add_power_management (&pci->pci);
  vt_pci_add_express (&pci->pci);
  vt_pci_add_bar (&pci->pci, layout->bar, 0, layout->region);
  pci->pci.config_read = config_read;
  pci->pci.config_wrote = config_wrote;
  return true;
}

bool
vt_virtio_pci_init (VtVirtioPci *pci, const VtEnv *env, const VtPciPlace *place, uint32_t class_code,
                    const VtVirtioType *type, const VtVirtioOffer *offer, VtVirtioPciState *state, GError **error)
{
  static const VtVirtioPciLayout layout = { .region = &registers_region, .bar = BAR_REGISTERS, .msix_bar = BAR_MSIX };
  return vt_virtio_pci_init_at (pci, env, place, class_code, &layout, type, offer, state, error);
}

void
vt_virtio_pci_settle (VtDevice *dev)
{
  VtVirtioPci *pci = (VtVirtioPci *) dev;
  vt_virtio_settle (&pci->virtio);
  vt_pci_settle (&pci->pci, pci->s->virtio.isr != 0);
}

bool
vt_virtio_pci_check (VtDevice *dev, const void *incoming, GError **error)
{
  VtVirtioPci            *pci = (VtVirtioPci *) dev;
  const VtVirtioPciState *s = incoming;
  return vt_pci_check (&pci->pci, &s->pci, error) && vt_virtio_check (&pci->virtio, &s->virtio, error);
}

void
vt_virtio_pci_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  vt_virtio_quiesce (&((VtVirtioPci *) dev)->virtio, done, opaque);
}

void
vt_virtio_pci_resume (VtDevice *dev)
{
  vt_virtio_resume (&((VtVirtioPci *) dev)->virtio);
}

void
vt_virtio_pci_finalize (VtDevice *dev)
{
  VtVirtioPci *pci = (VtVirtioPci *) dev;
  if (pci->virtio.type != NULL)
    vt_virtio_finalize (&pci->virtio);
  vt_pci_finalize (&pci->pci);
}
