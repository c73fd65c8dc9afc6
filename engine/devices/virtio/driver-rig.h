/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small driver of one virtio PCI device, for the devices' tests: memory, a bus, rings that can be filled. */
#pragma once

#include "pci-bus.h"
#include "virtio-device.h"

enum
{
  DRIVER_DEVFN = VT_PCI_DEVFN (3, 0),
  DRIVER_REGS  = 0xe0000000,
  DRIVER_RAM   = 4 << 20,
  DRIVER_SIZE  = 16,                       /* of the rings */
  DRIVER_DESC = 0x10000, DRIVER_AVAIL = 0x11000, DRIVER_USED = 0x12000, DRIVER_RING_STRIDE = 0x4000,
  DRIVER_BUFFERS = 0x100000, DRIVER_BUFFER_BYTES = 0x1000,

  DRIVER_FEATURE_SELECT = 0x08, DRIVER_FEATURE = 0x0c, DRIVER_STATUS = 0x14, DRIVER_QUEUE_SELECT = 0x16,
  DRIVER_QUEUE_SIZE = 0x18, DRIVER_QUEUE_ENABLE = 0x1c, DRIVER_QUEUE_DESC = 0x20, DRIVER_QUEUE_DRIVER = 0x28,
  DRIVER_QUEUE_DEVICE = 0x30, DRIVER_ISR = 0x1000, DRIVER_CONFIG = 0x2000, DRIVER_NOTIFY = 0x3000,
};

typedef struct
{
  VtMem    *mem, *io;
  VtRam    *ram;
  VtPciBus *bus;
  VtClock  *clock;
  VtDevice *dev;
  uint16_t  avail[VT_VIRTIO_QUEUES], seen[VT_VIRTIO_QUEUES];
} DriverRig;

static inline void
driver_free_ram (void *host, uint64_t size)
{
  g_aligned_free (host);
}

static inline void
driver_put (DriverRig *rig, uint64_t at, uint64_t value, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (rig->mem);
  vt_view_write (view, VT_GPA (at), value, size);
}

static inline uint64_t
driver_get (DriverRig *rig, uint64_t at, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (rig->mem);
  return vt_view_read (view, VT_GPA (at), size);
}

static inline void
driver_rig_init (DriverRig *rig)
{
  *rig = (DriverRig) { .mem = vt_mem_new ("memory", UINT64_C (1) << 40, NULL), .io = vt_mem_new ("ports", 0x10000, NULL),
                       .clock = vt_clock_new_manual () };
  rig->ram = vt_ram_new ("ram", g_aligned_alloc0 (1, DRIVER_RAM, 4096), DRIVER_RAM, driver_free_ram);
  g_assert_nonnull (vt_mem_map_ram (rig->mem, rig->ram, 0, VT_GPA (0), DRIVER_RAM, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  rig->bus = vt_pci_bus_new (rig->mem, rig->io);
  vt_clock_start (rig->clock);
}

/* The device's config names DRIVER_DEVFN on rig->bus as its place. */
static inline void
driver_rig_plug (DriverRig *rig, const VtDeviceClass *cls, const void *config)
{
  VtDma   dma = { .mem = rig->mem };
  VtEnv   env = { .clock = rig->clock, .dma = &dma, .config = config };
  GError *error = NULL;
  rig->dev = vt_device_new (cls, cls->name);
  g_assert_true (vt_device_realize (rig->dev, &env, &error));
  vt_pci_bus_config_write (rig->bus, 0, DRIVER_DEVFN, PCI_BAR0 + 16, DRIVER_REGS, 4);
  vt_pci_bus_config_write (rig->bus, 0, DRIVER_DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static inline void
driver_rig_clear (DriverRig *rig)
{
  vt_device_free (rig->dev);
  vt_pci_bus_free (rig->bus);
  vt_clock_free (rig->clock);
  vt_mem_free (rig->mem);
  vt_mem_free (rig->io);
  vt_ram_free (rig->ram);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DriverRig, driver_rig_clear)

static inline void
driver_start_queue (DriverRig *rig, unsigned queue)
{
  uint64_t base = queue * DRIVER_RING_STRIDE;
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_SELECT, queue, 2);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_SIZE, DRIVER_SIZE, 2);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DESC, DRIVER_DESC + base, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DRIVER, DRIVER_AVAIL + base, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_DEVICE, DRIVER_USED + base, 8);
  driver_put (rig, DRIVER_REGS + DRIVER_QUEUE_ENABLE, 1, 2);
  rig->avail[queue] = rig->seen[queue] = 0;
}

static inline void
driver_reset (DriverRig *rig)
{
  driver_put (rig, DRIVER_REGS + DRIVER_STATUS, 0, 1);
}

/* Reset, VERSION_1 as the only feature, queues [0, n). */
static inline void
driver_start (DriverRig *rig, unsigned n_queues)
{
  driver_reset (rig);
  memset (rig->ram->host + DRIVER_DESC, 0, n_queues * DRIVER_RING_STRIDE);
  driver_put (rig, DRIVER_REGS + DRIVER_STATUS, 3, 1);
  driver_put (rig, DRIVER_REGS + DRIVER_FEATURE_SELECT, 1, 4);
  driver_put (rig, DRIVER_REGS + DRIVER_FEATURE, 1, 4);
  driver_put (rig, DRIVER_REGS + DRIVER_STATUS, 11, 1);
  for (unsigned i = 0; i < n_queues; i++)
    driver_start_queue (rig, i);
  driver_put (rig, DRIVER_REGS + DRIVER_STATUS, 15, 1);
}

/* The ring's next buffer, of len bytes; returns where it is. */
static inline uint64_t
driver_add_buffer (DriverRig *rig, unsigned queue, uint32_t len, bool write)
{
  uint64_t base = queue * DRIVER_RING_STRIDE;
  unsigned slot = rig->avail[queue] % DRIVER_SIZE;
  uint64_t at = DRIVER_BUFFERS + (queue * DRIVER_SIZE + slot) * DRIVER_BUFFER_BYTES;
  driver_put (rig, DRIVER_DESC + base + slot * 16, at, 8);
  driver_put (rig, DRIVER_DESC + base + slot * 16 + 8, len, 4);
  driver_put (rig, DRIVER_DESC + base + slot * 16 + 12, write ? 2 : 0, 4);
  driver_put (rig, DRIVER_AVAIL + base + 4 + slot * 2, slot, 2);
  driver_put (rig, DRIVER_AVAIL + base + 2, ++rig->avail[queue], 2);
  return at;
}

static inline void
driver_kick (DriverRig *rig, unsigned queue)
{
  driver_put (rig, DRIVER_REGS + DRIVER_NOTIFY + 4 * queue, queue, 2);
}

/* The next buffer that came back: where it is, or 0. */
static inline uint64_t
driver_used (DriverRig *rig, unsigned queue, uint32_t *len)
{
  uint64_t base = queue * DRIVER_RING_STRIDE;
  if ((uint16_t) driver_get (rig, DRIVER_USED + base + 2, 2) == rig->seen[queue])
    return 0;
  uint64_t entry = DRIVER_USED + base + 4 + rig->seen[queue]++ % DRIVER_SIZE * 8;
  *len = (uint32_t) driver_get (rig, entry + 4, 4);
  return DRIVER_BUFFERS + (queue * DRIVER_SIZE + driver_get (rig, entry, 4)) * DRIVER_BUFFER_BYTES;
}
