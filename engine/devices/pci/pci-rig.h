/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bus with memory, for tests of PCI devices: one that a small driver of the test's own leads. */
#pragma once

#include "pci-bus.h"

enum { PCI_RIG_RAM_BYTES = 4 << 20 };

typedef struct
{
  VtMem    *mem, *io;
  VtRam    *ram;
  VtDma     dma;
  VtPciBus *bus;
  VtClock  *clock;      /* manual, running */
  bool      line;       /* of INTx, whichever pin */
  unsigned  messages;   /* MSIs that came */
  uint32_t  last_message;
} PciRig;

static inline void
pci_rig_free_ram (void *host, uint64_t size)
{
  g_aligned_free (host);
}

static inline void
pci_rig_line_changed (void *sink, unsigned pin, bool level)
{
  ((PciRig *) sink)->line = level;
}

static inline void
pci_rig_message_sent (void *sink, uint64_t address, uint32_t data)
{
  PciRig *rig = sink;
  rig->messages++;
  rig->last_message = data;
}

static inline unsigned
pci_rig_no_swizzle (unsigned slot, unsigned pin)
{
  return 0;
}

static inline void
pci_rig_init (PciRig *rig)
{
  *rig = (PciRig) { .mem = vt_mem_new ("memory", UINT64_C (1) << 40, NULL), .io = vt_mem_new ("ports", 0x10000, NULL),
                    .clock = vt_clock_new_manual () };
  rig->dma = (VtDma) { .mem = rig->mem };
  rig->ram = vt_ram_new ("ram", g_aligned_alloc0 (1, PCI_RIG_RAM_BYTES, 4096), PCI_RIG_RAM_BYTES, pci_rig_free_ram);
  g_assert_nonnull (vt_mem_map_ram (rig->mem, rig->ram, 0, VT_GPA (0), PCI_RIG_RAM_BYTES, 0, VT_ACCESS_RAM, VT_ACCESS_RAM,
                                    NULL));
  rig->bus = vt_pci_bus_new (rig->mem, rig->io);
  VtIrq line = { .set = pci_rig_line_changed, .sink = rig };
  vt_pci_bus_set_lines (rig->bus, pci_rig_no_swizzle, &line, 1);
  vt_clock_start (rig->clock);
}

/* The devices are freed before. */
static inline void
pci_rig_clear (PciRig *rig)
{
  vt_pci_bus_free (rig->bus);
  vt_clock_free (rig->clock);
  vt_mem_free (rig->mem);
  vt_mem_free (rig->io);
  vt_ram_free (rig->ram);
}

static inline void
pci_rig_put (PciRig *rig, uint64_t at, uint64_t value, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (rig->mem);
  vt_view_write (view, VT_GPA (at), value, size);
}

static inline uint64_t
pci_rig_get (PciRig *rig, uint64_t at, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (rig->mem);
  return vt_view_read (view, VT_GPA (at), size);
}

static inline VtDevice *
pci_rig_add (PciRig *rig, const VtDeviceClass *cls, const void *config)
{
  VtEnv     env = { .clock = rig->clock, .dma = &rig->dma, .msi = { pci_rig_message_sent, rig }, .config = config };
  GError   *error = NULL;
  VtDevice *dev = vt_device_new (cls, cls->name);
  g_assert_true (vt_device_realize (dev, &env, &error));
  return dev;
}

/* Its memory BAR `bar` at that address, and everything on. */
static inline void
pci_rig_enable (PciRig *rig, uint8_t devfn, unsigned bar, uint32_t address)
{
  vt_pci_bus_config_write (rig->bus, 0, devfn, (uint16_t) (PCI_BAR0 + 4 * bar), address, 4);
  vt_pci_bus_config_write (rig->bus, 0, devfn, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}
