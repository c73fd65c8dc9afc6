/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small driver of virtio-gpu with a screen that somebody looks at, for the device's tests. */
#pragma once

#include "virtio-gpu.h"

#include "driver-rig.h"
#include "screen-rig.h"
#include "virtio-pci.h"

enum
{
  DEVFN = VT_PCI_DEVFN (1, 0),
  LFB = 0xd0000000, REGS = 0xe0000000,
  STORE_BYTES = 4 << 20,
  REQUEST = 0x20000, RESPONSE = 0x60000, PIXELS = 0x100000,

  GET_DISPLAY_INFO = 0x100, CREATE = 0x101, UNREF = 0x102, SET_SCANOUT = 0x103, FLUSH = 0x104, TRANSFER = 0x105,
  ATTACH = 0x106, DETACH = 0x107, GET_EDID = 0x10a, UPDATE_CURSOR = 0x300, MOVE_CURSOR = 0x301,
  CREATE_BLOB = 0x10c, SET_SCANOUT_BLOB = 0x10d, MAP_BLOB = 0x208, UNMAP_BLOB = 0x209,
  OK = 0x1100, OK_INFO = 0x1101, OK_EDID = 0x1104, UNSPEC = 0x1200, NO_MEMORY = 0x1201, NO_SCANOUT = 0x1202,
  NO_RESOURCE = 0x1203, BAD_PARAMETER = 0x1205,
};

typedef struct
{
  ScreenRig  screen;             /* with the first head's surface */
  VtSurface *second;
  VtRam     *store, *vram;
  DriverRig  driver;             /* the device */
} Rig;

static inline VtRam *
ram_new (const char *name, uint64_t bytes)
{
  return vt_ram_new (name, g_aligned_alloc0 (1, bytes, 4096), bytes, pci_rig_free_ram);
}

static inline void
put (Rig *rig, uint64_t at, uint64_t value, unsigned size)
{
  pci_rig_put (&rig->screen.pci, at, value, size);
}

static inline uint64_t
get (Rig *rig, uint64_t at, unsigned size)
{
  return pci_rig_get (&rig->screen.pci, at, size);
}

/* Every test runs over each of these. */
static uint64_t forms;

static inline Rig *
rig_new (const VtDeviceClass *cls)
{
  bool vga = cls == &vt_virtio_vga;
  Rig *rig = g_new0 (Rig, 1);
  screen_rig_init (&rig->screen);
  PciRig *pci = &rig->screen.pci;
  rig->second = vt_surface_new ();
  rig->store = ram_new ("gpu", STORE_BYTES);
  rig->vram = ram_new ("vram", 1 << 20);
  vt_surface_set_monitor (rig->screen.surface, &(VtMonitor) { .width = 1000, .height = 700 }, true);
  VtVirtioGpuConfig config = { .place = { pci->bus, DEVFN }, .store = rig->store, .vram = rig->vram,
                               .surfaces = { rig->screen.surface, rig->second }, .n_scanouts = 2 };
  config.ring_forms = forms & VIRTIO_F_RING_FORMS;
  driver_rig_init_on (&rig->driver, pci, DEVFN, REGS + (vga ? 0x1000 : 0));
  rig->driver.features = forms | VIRTIO_F (1) | VIRTIO_F (3);    /* EDID, RESOURCE_BLOB */
  rig->driver.dev = pci_rig_add (pci, cls, &config);
  pci_rig_enable (pci, DEVFN, vga ? 2 : 4, REGS);
  if (vga)
    pci_rig_enable (pci, DEVFN, 0, LFB);
  return rig;
}

static inline void
rig_free (Rig *rig)
{
  driver_rig_clear (&rig->driver);
  vt_surface_free (rig->second);
  screen_rig_clear (&rig->screen);
  vt_ram_free (rig->store);
  vt_ram_free (rig->vram);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* --- A small driver ----------------------------------------------------------------------------------------------- */

static inline void
start (Rig *rig)
{
  driver_start (&rig->driver, 2);
}

/* Sends what is at REQUEST; returns the response's type. */
static inline unsigned
send (Rig *rig, unsigned queue, unsigned len)
{
  put (rig, RESPONSE, 0, 4);
  driver_offer (&rig->driver, queue, (DriverPart[]) { { REQUEST, len, false }, { RESPONSE, 0x1000, true } }, 2);
  driver_kick (&rig->driver, queue);
  while (driver_count_used (&rig->driver, queue) == 0)
    vt_clock_advance (rig->screen.pci.clock, 1000000);
  return (unsigned) get (rig, RESPONSE, 4);
}

/* A command of 32-bit fields behind its header. */
static inline unsigned
command (Rig *rig, unsigned type, unsigned n, const uint32_t *fields)
{
  memset (rig->screen.pci.ram->host + REQUEST, 0, 128);
  put (rig, REQUEST, type, 4);
  for (unsigned i = 0; i < n; i++)
    put (rig, REQUEST + 24 + 4 * i, fields[i], 4);
  return send (rig, type >= UPDATE_CURSOR, 24 + 4 * MAX (n, 2));
}
#define COMMAND(rig, type, ...)                                                                                        \
  command (rig, type, G_N_ELEMENTS (((uint32_t[]) { __VA_ARGS__ })), (uint32_t[]) { __VA_ARGS__ })

/* Entries of a backing: addresses and lengths. */
static inline void
put_entries (Rig *rig, uint64_t at, unsigned n, const uint64_t (*entries)[2])
{
  memset (rig->screen.pci.ram->host + at, 0, 16 * n);
  for (unsigned i = 0; i < n; i++)
    {
      put (rig, at + 16 * i, entries[i][0], 8);
      put (rig, at + 16 * i + 8, entries[i][1], 4);
    }
}

static inline unsigned
attach (Rig *rig, uint32_t id, unsigned n, const uint64_t (*entries)[2])
{
  memset (rig->screen.pci.ram->host + REQUEST, 0, 32);
  put (rig, REQUEST, ATTACH, 4);
  put (rig, REQUEST + 24, id, 4);
  put (rig, REQUEST + 28, n, 4);
  put_entries (rig, REQUEST + 32, n, entries);
  return send (rig, 0, 32 + 16 * n);
}

static inline unsigned
transfer (Rig *rig, uint32_t id, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint64_t offset)
{
  return COMMAND (rig, TRANSFER, x, y, width, height, (uint32_t) offset, (uint32_t) (offset >> 32), id, 0);
}

static inline bool
look (Rig *rig, VtSurfaceFrame *frame)
{
  return screen_rig_look (&rig->screen, frame);
}

/* virtio-vga: 320x200 of the VGA's own. */
static inline void
enable_vga (Rig *rig)
{
  g_autoptr (VtView) io = vt_mem_view (rig->screen.pci.io);
  put (rig, REGS + 0x502, 320, 2);
  put (rig, REGS + 0x504, 200, 2);
  put (rig, REGS + 0x506, 32, 2);
  put (rig, REGS + 0x508, 0x41, 2);
  vt_view_read (io, VT_GPA (0x3da), 1);
  vt_view_write (io, VT_GPA (0x3c0), 0x20, 1);
}

/* A resource of 64x32 with its backing at PIXELS, on scanout 0. */
static inline void
show_picture (Rig *rig)
{
  const uint64_t backing[2][2] = { { PIXELS, 0x1000 }, { PIXELS + 0x10000, 0x1000 } };
  g_assert_cmphex (COMMAND (rig, CREATE, 7, 2, 64, 32), ==, OK);
  g_assert_cmphex (attach (rig, 7, 2, backing), ==, OK);
  g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 0, 0, 64, 32, 0, 7), ==, OK);
}

/* --- A test for each form of the rings ---------------------------------------------------------------------------- */

typedef struct
{
  void   (*run) (void);
  uint64_t forms;
} Variant;

static inline void
run_variant (gconstpointer data)
{
  const Variant *variant = data;
  forms = variant->forms;
  variant->run ();
}

#define GPU_TEST(device, fn)                                                                                           \
  {                                                                                                                    \
    static const Variant split = { fn, 0 }, packed = { fn, VIRTIO_F_RING_FORMS };                                      \
    g_test_add_data_func ("/" device "/split/" #fn, &split, run_variant);                                              \
    g_test_add_data_func ("/" device "/packed/" #fn, &packed, run_variant);                                            \
  }
