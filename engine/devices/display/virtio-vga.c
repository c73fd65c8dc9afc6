/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio-vga: virtio-gpu with a VGA in front, for firmware and for systems without a driver.
 *
 * Where registers are is what the drivers of OVMF and SeaBIOS expect: BAR0 the VGA's memory, BAR2 its registers by
 * memory and behind them, from 0x1000, virtio's; BAR4 the MSI-X table. */
#include "virtio-gpu-private.h"

#include "pci-bus.h"
#include "vga-bus.h"
#include "vitrine/error.h"

typedef struct
{
  VtVirtioPciState pci;
  GpuState         gpu;
  VgaState         vga;
  bool             big_endian;
  uint8_t          pad_[7];
} VirtioVgaState;

typedef struct
{
  Gpu            gpu;
  VirtioVgaState s;
  Vga            vga;
  VtRam         *own_vram;
  bool           accelerated;      /* the surface shows the driver's picture, not the VGA's */
} VirtioVga;

static const VtField virtio_vga_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioVgaState, pci), GPU_FIELDS (VirtioVgaState, gpu),  VGA_FIELDS (VirtioVgaState, vga),
  VT_FIELD (VirtioVgaState, big_endian),      VT_FIELD (VirtioVgaState, pad_),
};

static const VirtioVgaState virtio_vga_at_reset
    = { .pci.virtio = VT_VIRTIO_AT_RESET (GPU_QUEUE_SIZE), .vga = VGA_AT_RESET };

static Vga *
core (VtDevice *dev)
{
  return &((VirtioVga *) dev)->vga;
}

/* --- BAR2 --------------------------------------------------------------------------------------------------------- */

static uint64_t
bar_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return off < DISPI_MMIO_BYTES ? vga_mmio_read (dev, off, size)
                                : vt_virtio_pci_read (dev, off - DISPI_MMIO_BYTES, size);
}

static void
bar_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  if (off < DISPI_MMIO_BYTES)
    vga_mmio_write (dev, off, value, size);
  else
    vt_virtio_pci_write (dev, off - DISPI_MMIO_BYTES, value, size);
}

static const VtRegionOps bar_ops = { .read = bar_read, .write = bar_write, .min_size = 1, .max_size = 4 };
static const VtRegion    bar_region = { "virtio-vga", DISPI_MMIO_BYTES + VT_VIRTIO_PCI_REGISTERS_BYTES, &bar_ops };
static const VtVirtioPciLayout layout = { .region = &bar_region, .base = DISPI_MMIO_BYTES, .bar = 2, .msix_bar = 4 };
static const VtRegion *const virtio_vga_regions[] = { &ports_region, &dispi_region, &window_region, &bar_region, NULL };

/* --- The screen --------------------------------------------------------------------------------------------------- */

static void
refresh (void *opaque)
{
  VirtioVga *self = opaque;
  bool       accelerated = gpu_shows (&self->gpu, 0);
  if (accelerated != self->accelerated)
    {
      /* Each of the two thinks that the surface has the size that it gave it. */
      gpu_forget (&self->gpu, 0);
      vga_invalidate (&self->vga);
    }
  self->accelerated = accelerated;
  if (accelerated)
    gpu_refresh (&self->gpu, 0);
  else
    vga_refresh (&self->vga);
}

static void
invalidate (void *opaque)
{
  VirtioVga *self = opaque;
  gpu_forget (&self->gpu, 0);
  vga_invalidate (&self->vga);
}

static void
monitor_changed (void *opaque)
{
  gpu_monitor_changed (&((VirtioVga *) opaque)->gpu);
}

static bool
shows (void *opaque)
{
  const VirtioVga *self = opaque;
  return gpu_shows (&self->gpu, 0) || vga_shows (&self->vga);
}

static bool
announces (void *opaque)
{
  return gpu_shows (&((const VirtioVga *) opaque)->gpu, 0);
}

static const VtSurfaceClient surface_client = { .refresh = refresh, .invalidate = invalidate, .shows = shows,
                                                .announces = announces, .monitor_changed = monitor_changed };

char *
vt_virtio_vga_text (VtDevice *dev)
{
  const VirtioVga *self = (const VirtioVga *) dev;
  g_assert (dev->cls == &vt_virtio_vga);
  return gpu_shows (&self->gpu, 0) ? NULL : vga_text (&self->vga);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
virtio_vga_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioVga               *self = (VirtioVga *) dev;
  const VtVirtioGpuConfig *config = env->config;
  VtPciFunction           *pci = &self->gpu.pci.pci;
  VtVirtioOffer            offer = gpu_offer (config);
  if (config->vram != NULL && !dispi_vram_possible (config->vram, error))
    return false;
  VtRam *vram = config->vram != NULL ? config->vram : (self->own_vram = dispi_vram_new ());
  vga_init (&self->vga, dev, &self->s.vga, &self->s.big_endian, vram, env->clock, config->surfaces[0]);
  if (!gpu_realize (&self->gpu, env, config, &self->s.gpu, error)
      || !vt_virtio_pci_init_at (&self->gpu.pci, env, &config->place, 0x030000, &layout, &gpu_virtio_type, &offer,
                                 &self->s.pci, error))
    return false;
  vt_pci_add_ram_bar (pci, 0, PCI_BAR_PREFETCHABLE, vram);
  vt_pci_add_rom (pci, config->rom, config->rom_len);
  add_legacy (pci);
  gpu_connect (&self->gpu, 1);
  if (config->surfaces[0] != NULL)
    vt_surface_connect (config->surfaces[0], &surface_client, self);
  return true;
}

static void
virtio_vga_settle (VtDevice *dev)
{
  gpu_settle (dev);
  vga_settle (core (dev));
}

static bool
virtio_vga_check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioVgaState *s = incoming;
  if (!gpu_check (dev, incoming, &s->gpu, error))
    return false;
  if (vga_state_possible (core (dev), &s->vga))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved VGA registers cannot be like this", dev->path);
  return false;
}

static void
virtio_vga_finalize (VtDevice *dev)
{
  VirtioVga *self = (VirtioVga *) dev;
  vt_virtio_pci_finalize (dev);
  gpu_finalize (&self->gpu);
  vga_clear (&self->vga);
  g_clear_pointer (&self->own_vram, vt_ram_free);
}

static const void *
virtio_vga_test_config (void)
{
  static const VtVirtioGpuConfig config = { .n_scanouts = 1 };
  return &config;
}

const VtDeviceClass vt_virtio_vga = {
  .name = "virtio-vga",
  .summary = "Graphics (virtio) with a VGA for firmware",
  .instance_size = sizeof (VirtioVga),
  .state_off = offsetof (VirtioVga, s),
  .state = VT_STATE (GPU_STATE_VERSION, VirtioVgaState, virtio_vga_fields, &virtio_vga_at_reset),
  .regions = virtio_vga_regions,
  .realize = virtio_vga_realize,
  .settle = virtio_vga_settle,
  .check = virtio_vga_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = virtio_vga_finalize,
  .test_config = virtio_vga_test_config,
};
