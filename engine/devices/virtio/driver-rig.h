/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small driver of one virtio PCI device, for the devices' tests: memory, a bus, rings of either layout. */
#pragma once

#include "pci-rig.h"
#include "virtio-device.h"

enum
{
  DRIVER_DEVFN = VT_PCI_DEVFN (3, 0),
  DRIVER_REGS  = 0xe0000000,
  DRIVER_SIZE  = 16,                       /* of the rings */
  /* Of queue 0. The packed ring is where the descriptors are; the two suppression structures where the other areas are. */
  DRIVER_DESC = 0x10000, DRIVER_AVAIL = 0x11000, DRIVER_USED = 0x12000, DRIVER_TABLE = 0x13000,
  DRIVER_RING_STRIDE = 0x4000,
  DRIVER_BUFFERS = 0x100000, DRIVER_BUFFER_BYTES = 0x1000,

  DRIVER_DEVICE_SELECT = 0x00, DRIVER_DEVICE_FEATURE = 0x04, DRIVER_FEATURE_SELECT = 0x08, DRIVER_FEATURE = 0x0c,
  DRIVER_CONFIG_VECTOR = 0x10, DRIVER_NUM_QUEUES = 0x12, DRIVER_STATUS = 0x14, DRIVER_QUEUE_SELECT = 0x16,
  DRIVER_QUEUE_SIZE = 0x18, DRIVER_QUEUE_VECTOR = 0x1a, DRIVER_QUEUE_ENABLE = 0x1c, DRIVER_QUEUE_DESC = 0x20,
  DRIVER_QUEUE_DRIVER = 0x28, DRIVER_QUEUE_DEVICE = 0x30, DRIVER_ISR = 0x1000, DRIVER_CONFIG = 0x2000,
  DRIVER_NOTIFY = 0x3000,

  DRIVER_NEXT = 1, DRIVER_WRITE = 2, DRIVER_INDIRECT = 4,
};

typedef struct
{
  uint64_t at;
  uint32_t len;
  bool     write;
} DriverPart;

/* Where the driver is in one queue. */
typedef struct
{
  uint16_t next, seen;                     /* free-running: elements; packed: descriptors */
  uint16_t next_desc;                      /* split: the descriptor that is filled next */
  uint64_t first_at[DRIVER_SIZE];          /* by id: address of the first part */
  uint16_t slots[DRIVER_SIZE];
} DriverQueue;

typedef struct
{
  PciRig      own;
  PciRig     *pci;                         /* &own, or that of another rig on the same bus */
  VtDevice   *dev;
  uint8_t     devfn;
  uint64_t    regs;
  uint64_t    features;                    /* what driver_start() takes beside VERSION_1 */
  bool        indirect;                    /* elements are tables */
  DriverQueue queue[VT_VIRTIO_QUEUES];
} DriverRig;

static inline void
driver_put (DriverRig *rig, uint64_t at, uint64_t value, unsigned size)
{
  pci_rig_put (rig->pci, at, value, size);
}

static inline uint64_t
driver_get (DriverRig *rig, uint64_t at, unsigned size)
{
  return pci_rig_get (rig->pci, at, size);
}

static inline uint8_t *
driver_memory (DriverRig *rig, uint64_t at)
{
  return rig->pci->ram->host + at;
}

static inline bool
driver_packed (const DriverRig *rig)
{
  return (rig->features & VIRTIO_F_RING_PACKED) != 0;
}

/* Another device's driver on a bus that exists. */
static inline void
driver_rig_init_on (DriverRig *rig, PciRig *pci, uint8_t devfn, uint64_t regs)
{
  *rig = (DriverRig) { .pci = pci, .devfn = devfn, .regs = regs };
}

static inline void
driver_rig_init (DriverRig *rig)
{
  driver_rig_init_on (rig, &rig->own, DRIVER_DEVFN, DRIVER_REGS);
  pci_rig_init (&rig->own);
}

/* The device's config names rig->devfn on rig->pci->bus as its place. */
static inline void
driver_rig_plug (DriverRig *rig, const VtDeviceClass *cls, const void *config)
{
  rig->dev = pci_rig_add (rig->pci, cls, config);
  pci_rig_enable (rig->pci, rig->devfn, 4, (uint32_t) rig->regs);
}

static inline void
driver_rig_clear (DriverRig *rig)
{
  vt_device_free (rig->dev);
  if (rig->pci == &rig->own)
    pci_rig_clear (&rig->own);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DriverRig, driver_rig_clear)

/* A test for each layout of rings: `fn` gets a pointer to the ring forms that its device offers and its driver takes. */
static inline void
driver_rig_add_tests (const char *device, const char *name, GTestDataFunc fn)
{
  static const struct { const char *word; uint64_t forms; } layouts[] = { { "split", 0 }, { "packed", VIRTIO_F_RING_FORMS } };
  for (size_t i = 0; i < G_N_ELEMENTS (layouts); i++)
    {
      g_autofree char *path = g_strdup_printf ("/%s/%s/%s", device, layouts[i].word, name);
      g_test_add_data_func (path, &layouts[i].forms, fn);
    }
}

/* --- Starting ----------------------------------------------------------------------------------------------------- */

static inline void
driver_start_queue (DriverRig *rig, unsigned queue)
{
  uint64_t base = queue * DRIVER_RING_STRIDE;
  memset (driver_memory (rig, DRIVER_DESC + base), 0, DRIVER_RING_STRIDE);
  driver_put (rig, rig->regs + DRIVER_QUEUE_SELECT, queue, 2);
  driver_put (rig, rig->regs + DRIVER_QUEUE_SIZE, MIN (DRIVER_SIZE, driver_get (rig, rig->regs + DRIVER_QUEUE_SIZE, 2)), 2);
  driver_put (rig, rig->regs + DRIVER_QUEUE_DESC, DRIVER_DESC + base, 8);
  driver_put (rig, rig->regs + DRIVER_QUEUE_DRIVER, DRIVER_AVAIL + base, 8);
  driver_put (rig, rig->regs + DRIVER_QUEUE_DEVICE, DRIVER_USED + base, 8);
  driver_put (rig, rig->regs + DRIVER_QUEUE_ENABLE, 1, 2);
  rig->queue[queue] = (DriverQueue) { .next = 0 };
}

static inline void
driver_reset (DriverRig *rig)
{
  driver_put (rig, rig->regs + DRIVER_STATUS, 0, 1);
}

static inline uint8_t
driver_status (DriverRig *rig)
{
  return (uint8_t) driver_get (rig, rig->regs + DRIVER_STATUS, 1);
}

static inline bool
driver_needs_reset (DriverRig *rig)
{
  return (driver_status (rig) & VIRTIO_STATUS_NEEDS_RESET) != 0;
}

/* What the device offers. */
static inline uint64_t
driver_offered (DriverRig *rig)
{
  uint64_t features = 0;
  for (unsigned i = 0; i < 2; i++)
    {
      driver_put (rig, rig->regs + DRIVER_DEVICE_SELECT, i, 4);
      features |= driver_get (rig, rig->regs + DRIVER_DEVICE_FEATURE, 4) << (32 * i);
    }
  return features;
}

/* Reset, and features up to FEATURES_OK. */
static inline void
driver_negotiate (DriverRig *rig)
{
  uint64_t features = rig->features | VIRTIO_F_VERSION_1;
  driver_reset (rig);
  driver_put (rig, rig->regs + DRIVER_STATUS, 3, 1);
  for (unsigned i = 0; i < 2; i++)
    {
      driver_put (rig, rig->regs + DRIVER_FEATURE_SELECT, i, 4);
      driver_put (rig, rig->regs + DRIVER_FEATURE, features >> (32 * i), 4);
    }
  driver_put (rig, rig->regs + DRIVER_STATUS, 11, 1);
}

/* Reset, rig->features, queues [0, n). */
static inline void
driver_start (DriverRig *rig, unsigned n_queues)
{
  driver_negotiate (rig);
  g_assert_cmphex (driver_status (rig), ==, 11);
  for (unsigned i = 0; i < n_queues; i++)
    driver_start_queue (rig, i);
  driver_put (rig, rig->regs + DRIVER_STATUS, 15, 1);
}

/* --- Elements ----------------------------------------------------------------------------------------------------- */

/* A descriptor of a split ring, or of any table. */
static inline void
driver_put_desc (DriverRig *rig, uint64_t table, unsigned i, uint64_t at, uint32_t len, unsigned flags, unsigned next)
{
  driver_put (rig, table + i * 16, at, 8);
  driver_put (rig, table + i * 16 + 8, len, 4);
  driver_put (rig, table + i * 16 + 12, flags, 2);
  driver_put (rig, table + i * 16 + 14, next, 2);
}

/* In a packed ring the flags are behind the identifier, and say which round this is. */
static inline unsigned
driver_packed_flags (unsigned position)
{
  return position / DRIVER_SIZE % 2 == 0 ? 0x80 : 0x8000;
}

static inline void
driver_put_packed (DriverRig *rig, unsigned queue, unsigned position, uint64_t at, uint32_t len, unsigned flags, unsigned id)
{
  uint64_t entry = DRIVER_DESC + queue * DRIVER_RING_STRIDE + position % DRIVER_SIZE * 16;
  driver_put (rig, entry, at, 8);
  driver_put (rig, entry + 8, len, 4);
  driver_put (rig, entry + 12, id, 2);
  driver_put (rig, entry + 14, flags | driver_packed_flags (position), 2);
}

/* Offers the chain of split descriptors that begins with this one. */
static inline void
driver_offer_head (DriverRig *rig, unsigned queue, unsigned head)
{
  DriverQueue *q = &rig->queue[queue];
  uint64_t     base = queue * DRIVER_RING_STRIDE;
  driver_put (rig, DRIVER_AVAIL + base + 4 + q->next % DRIVER_SIZE * 2, head, 2);
  driver_put (rig, DRIVER_AVAIL + base + 2, ++q->next, 2);
}

static inline unsigned
driver_offer_split (DriverRig *rig, unsigned queue, const DriverPart *parts, unsigned n)
{
  DriverQueue *q = &rig->queue[queue];
  unsigned     head = q->next_desc % DRIVER_SIZE;
  for (unsigned i = 0; i < n; i++)
    {
      unsigned index = q->next_desc++ % DRIVER_SIZE;
      unsigned flags = (parts[i].write ? DRIVER_WRITE : 0) | (i + 1 < n ? DRIVER_NEXT : 0);
      driver_put_desc (rig, DRIVER_DESC + queue * DRIVER_RING_STRIDE, index, parts[i].at, parts[i].len, flags,
                       (index + 1) % DRIVER_SIZE);
    }
  driver_offer_head (rig, queue, head);
  return head;
}

static inline unsigned
driver_offer_packed (DriverRig *rig, unsigned queue, const DriverPart *parts, unsigned n)
{
  DriverQueue *q = &rig->queue[queue];
  unsigned     id = q->next % DRIVER_SIZE;
  for (unsigned i = n; i-- > 0;)
    driver_put_packed (rig, queue, q->next + i, parts[i].at, parts[i].len,
                       (parts[i].write ? DRIVER_WRITE : 0) | (i + 1 < n ? DRIVER_NEXT : 0), id);
  q->next += n;
  return id;
}

static inline unsigned
driver_offer_table (DriverRig *rig, unsigned queue, const DriverPart *parts, unsigned n)
{
  DriverQueue *q = &rig->queue[queue];
  unsigned     id = (driver_packed (rig) ? q->next : q->next_desc) % DRIVER_SIZE;
  uint64_t     table = DRIVER_TABLE + queue * DRIVER_RING_STRIDE + id * 0x80;
  for (unsigned i = 0; i < n && driver_packed (rig); i++)
    driver_put_desc (rig, table, i, parts[i].at, parts[i].len, 0, parts[i].write ? DRIVER_WRITE : 0);
  for (unsigned i = 0; i < n && !driver_packed (rig); i++)
    driver_put_desc (rig, table, i, parts[i].at, parts[i].len,
                     (parts[i].write ? DRIVER_WRITE : 0) | (i + 1 < n ? DRIVER_NEXT : 0), i + 1);
  if (driver_packed (rig))
    driver_put_packed (rig, queue, q->next++, table, 16 * n, DRIVER_INDIRECT, id);
  else
    {
      driver_put_desc (rig, DRIVER_DESC + queue * DRIVER_RING_STRIDE, q->next_desc++ % DRIVER_SIZE, table, 16 * n,
                       DRIVER_INDIRECT, 0);
      driver_offer_head (rig, queue, id);
    }
  return id;
}

/* An element of n parts (at most 8), offered; returns its id. */
static inline unsigned
driver_offer (DriverRig *rig, unsigned queue, const DriverPart *parts, unsigned n)
{
  unsigned id = rig->indirect          ? driver_offer_table (rig, queue, parts, n)
                : driver_packed (rig) ? driver_offer_packed (rig, queue, parts, n)
                                      : driver_offer_split (rig, queue, parts, n);
  rig->queue[queue].first_at[id] = parts[0].at;
  rig->queue[queue].slots[id] = (uint16_t) (rig->indirect ? 1 : n);
  return id;
}

/* An element of one buffer of len bytes; returns where that is. */
static inline uint64_t
driver_add_buffer (DriverRig *rig, unsigned queue, uint32_t len, bool write)
{
  unsigned slot = rig->queue[queue].next % DRIVER_SIZE;
  uint64_t at = DRIVER_BUFFERS + (queue * DRIVER_SIZE + slot) * DRIVER_BUFFER_BYTES;
  driver_offer (rig, queue, &(DriverPart) { at, len, write }, 1);
  return at;
}

static inline void
driver_kick (DriverRig *rig, unsigned queue)
{
  unsigned next = rig->queue[queue].next;
  uint32_t data = queue;
  if (rig->features & VIRTIO_F_NOTIFICATION_DATA)
    data |= driver_packed (rig) ? next % DRIVER_SIZE << 16 | (next / DRIVER_SIZE % 2 == 0 ? 1u << 31 : 0) : next << 16;
  driver_put (rig, rig->regs + DRIVER_NOTIFY + 4 * queue, data, rig->features & VIRTIO_F_NOTIFICATION_DATA ? 4 : 2);
}

/* --- Coming back -------------------------------------------------------------------------------------------------- */

static inline bool
driver_used_split (DriverRig *rig, unsigned queue, unsigned *id, uint32_t *len)
{
  DriverQueue *q = &rig->queue[queue];
  uint64_t     base = queue * DRIVER_RING_STRIDE;
  if ((uint16_t) driver_get (rig, DRIVER_USED + base + 2, 2) == q->seen)
    return false;
  uint64_t entry = DRIVER_USED + base + 4 + q->seen++ % DRIVER_SIZE * 8;
  *id = (unsigned) driver_get (rig, entry, 4);
  *len = (uint32_t) driver_get (rig, entry + 4, 4);
  return true;
}

static inline bool
driver_used_packed (DriverRig *rig, unsigned queue, unsigned *id, uint32_t *len)
{
  DriverQueue *q = &rig->queue[queue];
  uint64_t     entry = DRIVER_DESC + queue * DRIVER_RING_STRIDE + q->seen % DRIVER_SIZE * 16;
  unsigned     flags = (unsigned) driver_get (rig, entry + 14, 2);
  if (q->seen == q->next || (flags & 0x8080) != (q->seen / DRIVER_SIZE % 2 == 0 ? 0x8080 : 0))
    return false;
  *id = (unsigned) driver_get (rig, entry + 12, 2);
  *len = (uint32_t) driver_get (rig, entry + 8, 4);
  q->seen += MAX (q->slots[*id % DRIVER_SIZE], 1);
  return true;
}

/* The next element that came back. */
static inline bool
driver_used_id (DriverRig *rig, unsigned queue, unsigned *id, uint32_t *len)
{
  return driver_packed (rig) ? driver_used_packed (rig, queue, id, len) : driver_used_split (rig, queue, id, len);
}

/* The next one's first part: where it is, or 0. */
static inline uint64_t
driver_used (DriverRig *rig, unsigned queue, uint32_t *len)
{
  unsigned id;
  return driver_used_id (rig, queue, &id, len) ? rig->queue[queue].first_at[id % DRIVER_SIZE] : 0;
}

/* How many came back since the last look. */
static inline unsigned
driver_count_used (DriverRig *rig, unsigned queue)
{
  unsigned id, n = 0;
  uint32_t len;
  while (driver_used_id (rig, queue, &id, &len))
    n++;
  return n;
}

/* --- Interrupts --------------------------------------------------------------------------------------------------- */

static inline void
driver_set_interrupts (DriverRig *rig, unsigned queue, bool on)
{
  uint64_t at = DRIVER_AVAIL + queue * DRIVER_RING_STRIDE;
  driver_put (rig, at + (driver_packed (rig) ? 2 : 0), on ? 0 : 1, 2);
}

/* With event indices: an interrupt only when what is `ahead` (elements; packed: descriptors) of the last look comes back. */
static inline void
driver_set_event (DriverRig *rig, unsigned queue, unsigned ahead)
{
  uint64_t at = DRIVER_AVAIL + queue * DRIVER_RING_STRIDE;
  unsigned event = rig->queue[queue].seen + ahead;
  if (!driver_packed (rig))
    {
      driver_put (rig, at + 4 + DRIVER_SIZE * 2, event, 2);
      return;
    }
  driver_put (rig, at, event % DRIVER_SIZE | (event / DRIVER_SIZE % 2 == 0 ? 0x8000 : 0), 2);
  driver_put (rig, at + 2, 2, 2);
}

/* Reads and clears the interrupt status. */
static inline unsigned
driver_isr (DriverRig *rig)
{
  return (unsigned) driver_get (rig, rig->regs + DRIVER_ISR, 1);
}
