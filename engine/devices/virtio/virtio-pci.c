/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PCI transport of virtio (VIRTIO 1.1, 4.1), modern only: registers in BAR 4, MSI-X in BAR 1. */
#include "virtio-device.h"

#include "vitrine/error.h"
#include "trace-virtio.h"

#define VENDOR            0x1af4u
#define DEVICE_BASE       0x1040u
#define REVISION          1u
#define BAR_MSIX          1u
#define BAR_REGISTERS     4u
#define PAGE_COMMON       0u      /* 4 KiB pages of BAR 4 */
#define PAGE_ISR          1u
#define PAGE_DEVICE       2u
#define PAGE_NOTIFY       3u
#define REGISTER_BYTES    0x4000u
#define NOTIFY_MULTIPLIER 4u
#define CAP_BYTES         16u     /* of a virtio capability */
#define CAP_WINDOW_BAR    4u      /* offsets in the configuration access capability */
#define CAP_WINDOW_OFFSET 8u
#define CAP_WINDOW_LENGTH 12u
#define CAP_WINDOW_DATA   16u

static VtVirtio *
virtio_of (VtDevice *dev)
{
  return (VtVirtio *) dev;
}

static uint64_t
offered (VtVirtio *virtio)
{
  uint64_t more = virtio->type->more_features != NULL ? virtio->type->more_features (virtio) : 0;
  return virtio->type->features | more | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1;
}

/* --- Interrupts --------------------------------------------------------------------------------------------------------------- */

static void
interrupt (VtVirtio *virtio, uint16_t vector, uint8_t isr)
{
  if (vt_pci_msix_enabled (&virtio->pci))
    {
      if (vector != VIRTIO_MSI_NO_VECTOR)
        vt_pci_msix_notify (&virtio->pci, vector);
      return;
    }
  virtio->s->isr |= isr;
  vt_pci_set_irq (&virtio->pci, true);
}

void
vt_virtio_interrupt_queue (VtVirtio *virtio, unsigned queue)
{
  interrupt (virtio, virtio->s->queue[queue].vector, VIRTIO_ISR_QUEUE);
}

void
vt_virtio_config_changed (VtVirtio *virtio)
{
  virtio->s->generation++;
  if (virtio->s->status & VIRTIO_STATUS_DRIVER_OK)
    interrupt (virtio, virtio->s->config_vector, VIRTIO_ISR_CONFIG);
}

void
vt_virtio_broken (VtVirtio *virtio, const char *why)
{
  if (virtio->s->status & VIRTIO_STATUS_NEEDS_RESET)
    return;
  vt_guest_warn (&virtio->pci.dev, "%s: the device needs a reset", why);
  virtio->s->status |= VIRTIO_STATUS_NEEDS_RESET;
  if (virtio->s->status & VIRTIO_STATUS_DRIVER_OK)
    interrupt (virtio, virtio->s->config_vector, VIRTIO_ISR_CONFIG);
}

/* --- Reset and status --------------------------------------------------------------------------------------------------------- */

static void
reset_now (VtVirtio *virtio)
{
  static const VtVirtioState at_reset = VT_VIRTIO_STATE_AT_RESET;
  *virtio->s = at_reset;
  virtio->reset_pending = false;
  vt_pci_set_irq (&virtio->pci, false);
}

void
vt_virtio_element_done (VtVirtio *virtio)
{
  g_assert (virtio->in_flight > 0);
  if (--virtio->in_flight > 0)
    return;
  if (virtio->reset_pending)
    reset_now (virtio);
  if (virtio->quiesced != NULL)
    {
      void (*done) (void *) = g_steal_pointer (&virtio->quiesced);
      done (virtio->quiesced_opaque);
    }
}

static void
write_status (VtVirtio *virtio, uint8_t value)
{
  VtVirtioState *s = virtio->s;
  trace_virtio_status (virtio->pci.dev.path, value);
  if (value == 0)
    {
      /* Buffers are in use until the host's I/O is over; the driver polls the status until it reads 0 (4.1.4.3.2). */
      if (virtio->in_flight > 0)
        virtio->reset_pending = true;
      else
        reset_now (virtio);
      return;
    }
  if (virtio->reset_pending)
    return;
  bool settling = (value & VIRTIO_STATUS_FEATURES_OK) != 0 && (s->status & VIRTIO_STATUS_FEATURES_OK) == 0;
  if (settling && ((s->driver_features & ~offered (virtio)) != 0 || (s->driver_features & VIRTIO_F_VERSION_1) == 0))
    value &= (uint8_t) ~VIRTIO_STATUS_FEATURES_OK;
  bool starting = (value & VIRTIO_STATUS_DRIVER_OK) != 0 && (s->status & VIRTIO_STATUS_DRIVER_OK) == 0;
  s->status = (uint8_t) (value | (s->status & VIRTIO_STATUS_NEEDS_RESET));
  if (starting)
    for (unsigned queue = 0; queue < virtio->type->queues; queue++)
      virtio->type->notified (virtio, queue);
}

/* --- Common configuration --------------------------------------------------------------------------------------------------------- */

static VtVirtQueueState *
selected (VtVirtio *virtio)
{
  return virtio->s->queue_select < virtio->type->queues ? &virtio->s->queue[virtio->s->queue_select] : NULL;
}

static uint32_t
half (uint64_t value, uint64_t off)
{
  return (uint32_t) ((off & 4) != 0 ? value >> 32 : value);
}

static uint64_t
set_half (uint64_t old, uint64_t off, uint32_t value)
{
  return (off & 4) != 0 ? vt_deposit (old, 32, 32, value) : vt_deposit (old, 0, 32, value);
}

static uint32_t
read_queue_register (VtVirtio *virtio, uint64_t off)
{
  const VtVirtQueueState *q = selected (virtio);
  if (q == NULL)
    return 0;
  switch (off)
    {
    case VIRTIO_COMMON_QUEUE_SIZE: return q->size;
    case VIRTIO_COMMON_QUEUE_MSIX_VECTOR: return q->vector;
    case VIRTIO_COMMON_QUEUE_ENABLE: return q->enabled;
    case VIRTIO_COMMON_QUEUE_NOTIFY_OFF: return virtio->s->queue_select;
    case VIRTIO_COMMON_QUEUE_DESC:
    case VIRTIO_COMMON_QUEUE_DESC + 4: return half (q->desc, off);
    case VIRTIO_COMMON_QUEUE_DRIVER:
    case VIRTIO_COMMON_QUEUE_DRIVER + 4: return half (q->driver, off);
    case VIRTIO_COMMON_QUEUE_DEVICE:
    case VIRTIO_COMMON_QUEUE_DEVICE + 4: return half (q->device, off);
    default: return 0;
    }
}

/* `off` is that of a whole register: the region's minimum size and splitting see to it for bytes inside wider ones. */
static uint32_t
read_common (VtVirtio *virtio, uint64_t off)
{
  VtVirtioState *s = virtio->s;
  switch (off)
    {
    case VIRTIO_COMMON_DEVICE_FEATURE_SELECT: return s->device_feature_select;
    case VIRTIO_COMMON_DEVICE_FEATURE:
      return s->device_feature_select > 1 ? 0 : (uint32_t) (offered (virtio) >> (32 * s->device_feature_select));
    case VIRTIO_COMMON_DRIVER_FEATURE_SELECT: return s->driver_feature_select;
    case VIRTIO_COMMON_DRIVER_FEATURE:
      return s->driver_feature_select > 1 ? 0 : (uint32_t) (s->driver_features >> (32 * s->driver_feature_select));
    case VIRTIO_COMMON_CONFIG_MSIX_VECTOR: return s->config_vector;
    case VIRTIO_COMMON_NUM_QUEUES: return virtio->type->queues;
    case VIRTIO_COMMON_DEVICE_STATUS: return s->status;
    case VIRTIO_COMMON_CONFIG_GENERATION: return s->generation;
    case VIRTIO_COMMON_QUEUE_SELECT: return s->queue_select;
    default: return read_queue_register (virtio, off);
    }
}

static uint16_t
checked_vector (VtVirtio *virtio, uint32_t value)
{
  return value < virtio->pci.msix_vectors ? (uint16_t) value : VIRTIO_MSI_NO_VECTOR;
}

static void
set_queue_size (VtVirtio *virtio, VtVirtQueueState *q, uint32_t value)
{
  if (value == 0 || value > VT_VIRTIO_QUEUE_SIZE || (value & (value - 1)) != 0)
    vt_guest_warn (&virtio->pci.dev, "queue size %u refused", value);
  else
    q->size = (uint16_t) value;
}

static void
enable_queue (VtVirtio *virtio, VtVirtQueueState *q)
{
  q->enabled = 1;
  if (virtio->s->status & VIRTIO_STATUS_DRIVER_OK)
    virtio->type->notified (virtio, virtio->s->queue_select);
}

static void
write_queue_register (VtVirtio *virtio, uint64_t off, uint32_t value)
{
  VtVirtQueueState *q = selected (virtio);
  if (q == NULL)
    return;
  if (off == VIRTIO_COMMON_QUEUE_MSIX_VECTOR)
    q->vector = checked_vector (virtio, value);
  if (q->enabled)
    return;   /* 4.1.4.3.2: an enabled queue does not change any more */
  switch (off)
    {
    case VIRTIO_COMMON_QUEUE_SIZE: set_queue_size (virtio, q, value); break;
    case VIRTIO_COMMON_QUEUE_ENABLE:
      if (value == 1)
        enable_queue (virtio, q);
      break;
    case VIRTIO_COMMON_QUEUE_DESC:
    case VIRTIO_COMMON_QUEUE_DESC + 4: q->desc = set_half (q->desc, off, value); break;
    case VIRTIO_COMMON_QUEUE_DRIVER:
    case VIRTIO_COMMON_QUEUE_DRIVER + 4: q->driver = set_half (q->driver, off, value); break;
    case VIRTIO_COMMON_QUEUE_DEVICE:
    case VIRTIO_COMMON_QUEUE_DEVICE + 4: q->device = set_half (q->device, off, value); break;
    default: break;
    }
}

static void
write_common (VtVirtio *virtio, uint64_t off, uint32_t value)
{
  VtVirtioState *s = virtio->s;
  switch (off)
    {
    case VIRTIO_COMMON_DEVICE_FEATURE_SELECT: s->device_feature_select = value; break;
    case VIRTIO_COMMON_DRIVER_FEATURE_SELECT: s->driver_feature_select = value; break;
    case VIRTIO_COMMON_DRIVER_FEATURE:
      if (s->driver_feature_select <= 1 && (s->status & VIRTIO_STATUS_FEATURES_OK) == 0)
        s->driver_features = set_half (s->driver_features, s->driver_feature_select * 4, value);
      break;
    case VIRTIO_COMMON_CONFIG_MSIX_VECTOR: s->config_vector = checked_vector (virtio, value); break;
    case VIRTIO_COMMON_DEVICE_STATUS: write_status (virtio, (uint8_t) value); break;
    case VIRTIO_COMMON_QUEUE_SELECT: s->queue_select = (uint16_t) value; break;
    default: write_queue_register (virtio, off, value); break;
    }
}

/* --- The registers' BAR --------------------------------------------------------------------------------------------------------------- */

static uint64_t
read_device_config (VtVirtio *virtio, uint64_t off, unsigned size)
{
  uint8_t config[VT_VIRTIO_CONFIG_BYTES] = { 0 };
  if (!vt_fits (off, size, virtio->type->config_bytes))
    return 0;
  virtio->type->get_config (virtio, config);
  return vt_load_le (config + off, size);
}

static uint64_t
registers_read (VtDevice *dev, uint64_t off, unsigned size)
{
  VtVirtio *virtio = virtio_of (dev);
  uint64_t  in_page = off & VT_PAGE_MASK;
  uint64_t  value = 0;
  switch (off >> VT_PAGE_SHIFT)
    {
    case PAGE_COMMON:
      value = read_common (virtio, in_page);
      break;
    case PAGE_ISR:
      if (in_page == 0)
        {
          value = virtio->s->isr;
          virtio->s->isr = 0;
          vt_pci_set_irq (&virtio->pci, false);
        }
      break;
    case PAGE_DEVICE:
      value = read_device_config (virtio, in_page, size);
      break;
    default:
      break;
    }
  trace_virtio_read (dev->path, off, size, value);
  return value;
}

static void
registers_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  VtVirtio *virtio = virtio_of (dev);
  uint64_t  in_page = off & VT_PAGE_MASK;
  trace_virtio_write (dev->path, off, size, value);
  switch (off >> VT_PAGE_SHIFT)
    {
    case PAGE_COMMON:
      write_common (virtio, in_page, (uint32_t) value);
      break;
    case PAGE_NOTIFY:
      if (in_page / NOTIFY_MULTIPLIER < virtio->type->queues)
        virtio->type->notified (virtio, (unsigned) (in_page / NOTIFY_MULTIPLIER));
      break;
    default:
      break;
    }
}

static const VtRegionOps registers_ops = { registers_read, registers_write, 1, 4 };
const VtRegion vt_virtio_region = { "virtio registers", REGISTER_BYTES, &registers_ops };

/* --- Access through configuration space (4.1.4.8): for firmware that cannot reach the BAR ------------------------------------------------ */

static bool
window (VtVirtio *virtio, uint64_t *off, unsigned *size)
{
  unsigned cap = virtio->window_cap;
  uint32_t bar = vt_pci_config_get (&virtio->pci, cap + CAP_WINDOW_BAR, 1);
  *off = vt_pci_config_get (&virtio->pci, cap + CAP_WINDOW_OFFSET, 4);
  *size = vt_pci_config_get (&virtio->pci, cap + CAP_WINDOW_LENGTH, 4);
  return bar == BAR_REGISTERS && (*size == 1 || *size == 2 || *size == 4) && (*off & (*size - 1)) == 0
         && vt_fits (*off, *size, REGISTER_BYTES);
}

static void
window_read (VtPciFunction *fn, unsigned off, unsigned size, uint32_t *value)
{
  VtVirtio *virtio = (VtVirtio *) fn;
  uint64_t  at;
  unsigned  n;
  if (off == virtio->window_cap + CAP_WINDOW_DATA && window (virtio, &at, &n))
    *value = (uint32_t) registers_read (&fn->dev, at, n);
}

static void
window_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  VtVirtio *virtio = (VtVirtio *) fn;
  uint64_t  at;
  unsigned  n;
  if (off == virtio->window_cap + CAP_WINDOW_DATA && window (virtio, &at, &n))
    registers_write (&fn->dev, at, vt_pci_config_get (fn, off, n), n);
}

/* --- Construction -------------------------------------------------------------------------------------------------------------------------- */

static uint8_t
add_capability (VtPciFunction *fn, uint8_t type, uint32_t offset, uint32_t length, unsigned extra, uint32_t extra_value)
{
  uint8_t body[CAP_BYTES + 4 - 2] = { 0 };   /* what follows id and next pointer */
  body[0] = (uint8_t) (CAP_BYTES + extra);
  body[1] = type;
  body[2] = type == VIRTIO_PCI_CAP_PCI ? 0 : BAR_REGISTERS;
  vt_store_le (body + 6, offset, 4);
  vt_store_le (body + 10, length, 4);
  vt_store_le (body + 14, extra_value, 4);
  return vt_pci_add_capability (fn, PCI_CAP_VENDOR, body, (uint8_t) (CAP_BYTES + extra));
}

static void
add_capabilities (VtVirtio *virtio)
{
  VtPciFunction *fn = &virtio->pci;
  add_capability (fn, VIRTIO_PCI_CAP_COMMON, PAGE_COMMON * 4096, VIRTIO_COMMON_BYTES, 0, 0);
  add_capability (fn, VIRTIO_PCI_CAP_ISR, PAGE_ISR * 4096, 1, 0, 0);
  if (virtio->type->config_bytes > 0)
    add_capability (fn, VIRTIO_PCI_CAP_DEVICE, PAGE_DEVICE * 4096, virtio->type->config_bytes, 0, 0);
  add_capability (fn, VIRTIO_PCI_CAP_NOTIFY, PAGE_NOTIFY * 4096, NOTIFY_MULTIPLIER * virtio->type->queues, 4,
                  NOTIFY_MULTIPLIER);
  virtio->window_cap = add_capability (fn, VIRTIO_PCI_CAP_PCI, 0, 0, 4, 0);
  vt_pci_allow (fn, virtio->window_cap + CAP_WINDOW_BAR, 1, 0xff);
  vt_pci_allow (fn, virtio->window_cap + CAP_WINDOW_OFFSET, 4, 0xffffffff);
  vt_pci_allow (fn, virtio->window_cap + CAP_WINDOW_LENGTH, 4, 0xffffffff);
  vt_pci_allow (fn, virtio->window_cap + CAP_WINDOW_DATA, 4, 0xffffffff);
  fn->config_read = window_read;
  fn->config_wrote = window_wrote;
}

bool
vt_virtio_init (VtVirtio *virtio, const VtEnv *env, const VtPciPlace *place, const VtVirtioType *type, VtVirtioState *state,
                VtPciState *pci_state, VtPciMsixState *msix_state, GError **error)
{
  VtPciIdentity identity = { .vendor = VENDOR,
                             .device = (uint16_t) (DEVICE_BASE + type->device_id),
                             .subsystem_vendor = VENDOR,
                             .subsystem = (uint16_t) (DEVICE_BASE + type->device_id),
                             .class_code = type->pci_class,
                             .revision = REVISION,
                             .interrupt_pin = 1 };
  g_assert (type->queues <= VT_VIRTIO_QUEUES_MAX && type->config_bytes <= VT_VIRTIO_CONFIG_BYTES);
  virtio->type = type;
  virtio->s = state;
  if (!vt_pci_init (&virtio->pci, env, place, &identity, pci_state, error))
    return false;
  vt_pci_add_msix (&virtio->pci, BAR_MSIX, type->queues + 1, msix_state);
  vt_pci_add_bar (&virtio->pci, BAR_REGISTERS, PCI_BAR_64 | PCI_BAR_PREFETCHABLE, &vt_virtio_region);
  add_capabilities (virtio);
  return true;
}

void
vt_virtio_settle (VtVirtio *virtio)
{
  virtio->reset_pending = false;
  vt_pci_settle (&virtio->pci, virtio->s->isr != 0 && !vt_pci_msix_enabled (&virtio->pci));
}

static bool
bad (GError **error, const char *what)
{
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "virtio: %s", what);
  return false;
}

bool
vt_virtio_check (const VtVirtio *virtio, const VtVirtioState *in, const VtPciState *pci, GError **error)
{
  for (unsigned i = 0; i < VT_VIRTIO_QUEUES_MAX; i++)
    {
      const VtVirtQueueState *q = &in->queue[i];
      if (q->size == 0 || q->size > VT_VIRTIO_QUEUE_SIZE || (q->size & (q->size - 1)) != 0)
        return bad (error, "impossible queue size");
      if (q->vector != VIRTIO_MSI_NO_VECTOR && q->vector >= virtio->pci.msix_vectors)
        return bad (error, "impossible queue vector");
      if (q->enabled > 1 || (q->enabled && i >= virtio->type->queues))
        return bad (error, "a queue is enabled that does not exist");
    }
  if (in->config_vector != VIRTIO_MSI_NO_VECTOR && in->config_vector >= virtio->pci.msix_vectors)
    return bad (error, "impossible configuration vector");
  if ((in->status & VIRTIO_STATUS_FEATURES_OK) != 0 && (in->driver_features & ~offered ((VtVirtio *) virtio)) != 0)
    return bad (error, "features that this device does not offer");
  return vt_pci_check (&virtio->pci, pci, error);
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
  virtio->quiesced = done;
  virtio->quiesced_opaque = opaque;
}

void
vt_virtio_resume (VtVirtio *virtio)
{
  virtio->parked = false;
  for (unsigned queue = 0; queue < virtio->type->queues; queue++)
    if (virtio->s->queue[queue].enabled)
      virtio->type->notified (virtio, queue);
}

void
vt_virtio_finalize (VtVirtio *virtio)
{
  vt_pci_finalize (&virtio->pci);
}
