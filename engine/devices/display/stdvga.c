/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The VGA core on PCI, as 1234:1111: layout of its register BAR as the drivers of Linux (bochs-drm) and OVMF use it. */
#include "stdvga.h"

#include "pci-bus.h"
#include "vga.h"
#include "vitrine/error.h"

enum
{
  VRAM_DEFAULT_BYTES = 16 << 20,
  VRAM_MAX_BYTES = 256 << 20,

  /* BAR2 */
  MMIO_BYTES = 4096,
  MMIO_VGA = 0x400,       /* ports 0x3c0..0x3df */
  MMIO_VGA_END = 0x420,
  MMIO_DISPI = 0x500,
  MMIO_DISPI_END = MMIO_DISPI + 2 * DISPI_COUNT,
  MMIO_EXT = 0x600,       /* size of this block, then the framebuffer's byte order */
  MMIO_EXT_BYTES = 8,

  PRIORITY_LEGACY = -2,   /* below devices at fixed ports: the parallel port lies inside */
  PRIORITY_WINDOW = 2,    /* above the empty hole of the host bridge, below its SMRAM */
};

#define EXT_LITTLE_ENDIAN 0x1e1e1e1eu

typedef struct
{
  VtPciState pci;
  VgaState   vga;
} StdvgaState;

typedef struct
{
  VtPciFunction pci;
  StdvgaState   s;
  Vga           vga;
  VtRam        *own_vram;
} Stdvga;

static const VtField stdvga_fields[] = {
  VT_PCI_FIELDS (StdvgaState, pci),
  VGA_FIELDS (StdvgaState, vga),
};

static const StdvgaState stdvga_at_reset = { .vga = VGA_AT_RESET };

static Vga *
core (VtDevice *dev)
{
  return &((Stdvga *) dev)->vga;
}

/* --- Legacy ports and window -------------------------------------------------------------------------------------- */

static uint64_t
ports_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return vga_port_read (core (dev), 0x3b0 + (unsigned) off);
}

static void
ports_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vga_port_write (core (dev), 0x3b0 + (unsigned) off, (uint8_t) value);
}

static uint64_t
window_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return vga_window_read (core (dev), (uint32_t) off);
}

static void
window_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vga_window_write (core (dev), (uint32_t) off, (uint8_t) value);
}

/* Index at 0x1ce, data at 0x1cf (and, for machines that cannot do odd words, 0x1d0). */
static uint64_t
dispi_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Vga *vga = core (dev);
  return off == 0 ? vga->s->dispi_index : vga_dispi_read (vga, vga->s->dispi_index);
}

static void
dispi_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Vga *vga = core (dev);
  if (size != 2)
    return;
  if (off == 0)
    vga->s->dispi_index = (uint16_t) value;
  else
    vga_dispi_write (vga, vga->s->dispi_index, (uint16_t) value);
}

static const VtRegionOps ports_ops = { .read = ports_read, .write = ports_write, .min_size = 1, .max_size = 1 };
static const VtRegion    ports_region = { "vga-ports", 0x30, &ports_ops };
static const VtRegionOps window_ops = { .read = window_read, .write = window_write, .min_size = 1, .max_size = 1 };
static const VtRegion    window_region = { "vga-window", 0x20000, &window_ops };
static const VtRegionOps dispi_ops = { .read = dispi_read, .write = dispi_write, .min_size = 1, .max_size = 2,
                                       .unaligned = true };
static const VtRegion    dispi_region = { "vga-dispi", 4, &dispi_ops };

/* --- Registers by memory ------------------------------------------------------------------------------------------ */

static uint64_t
mmio_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Vga *vga = core (dev);
  if (off >= MMIO_VGA && off < MMIO_VGA_END)
    {
      unsigned port = 0x3c0 + (unsigned) (off - MMIO_VGA);
      return vga_port_read (vga, port) | (size == 2 ? (uint64_t) vga_port_read (vga, port + 1) << 8 : 0);
    }
  if (off >= MMIO_DISPI && off < MMIO_DISPI_END)
    return (uint64_t) vga_dispi_read (vga, (unsigned) (off - MMIO_DISPI) / 2) >> (8 * (off & 1));
  if (off >= MMIO_EXT && off < MMIO_EXT + MMIO_EXT_BYTES)
    {
      uint64_t ext = (uint64_t) EXT_LITTLE_ENDIAN << 32 | MMIO_EXT_BYTES;
      return ext >> (8 * (off - MMIO_EXT));
    }
  return 0;
}

static void
mmio_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Vga *vga = core (dev);
  if (off >= MMIO_VGA && off < MMIO_VGA_END)
    {
      unsigned port = 0x3c0 + (unsigned) (off - MMIO_VGA);
      for (unsigned i = 0; i < size; i++)
        vga_port_write (vga, port + i, (uint8_t) (value >> (8 * i)));
    }
  else if (off >= MMIO_DISPI && off < MMIO_DISPI_END && size == 2)
    vga_dispi_write (vga, (unsigned) (off - MMIO_DISPI) / 2, (uint16_t) value);
}

static const VtRegionOps mmio_ops = { .read = mmio_read, .write = mmio_write, .min_size = 1, .max_size = 2 };
static const VtRegion    mmio_region = { "vga-mmio", MMIO_BYTES, &mmio_ops };

/* --- The screen --------------------------------------------------------------------------------------------------- */

static void
refresh (void *opaque)
{
  vga_refresh (&((Stdvga *) opaque)->vga);
}

static void
invalidate (void *opaque)
{
  vga_invalidate (&((Stdvga *) opaque)->vga);
}

static const VtSurfaceClient surface_client = { .refresh = refresh, .invalidate = invalidate };

char *
vt_stdvga_text (VtDevice *dev)
{
  g_assert (dev->cls == &vt_stdvga);
  return vga_text (core (dev));
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
free_vram (void *host, uint64_t size)
{
  g_aligned_free (host);
}

static VtRam *
pick_vram (Stdvga *vga, VtRam *given)
{
  if (given != NULL)
    return given;
  void *host = g_aligned_alloc0 (1, VRAM_DEFAULT_BYTES, VT_PAGE_SIZE);
  vga->own_vram = vt_ram_new ("vga-vram", host, VRAM_DEFAULT_BYTES, free_vram);
  return vga->own_vram;
}

static bool
stdvga_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Stdvga               *vga = (Stdvga *) dev;
  const VtStdvgaConfig *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x1234, .device = 0x1111, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x030000, .revision = 2 };
  if (config->vram != NULL
      && (config->vram->size < VT_MIB || config->vram->size > VRAM_MAX_BYTES
          || (config->vram->size & (config->vram->size - 1)) != 0))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Video memory must be a power of two from 1 to 256 MiB");
      return false;
    }
  VtRam *vram = pick_vram (vga, config->vram);
  vga_init (&vga->vga, dev, &vga->s.vga, vram, env->clock, config->surface);
  if (!vt_pci_init (&vga->pci, env, &config->place, &identity, &vga->s.pci, error))
    return false;
  vt_pci_add_ram_bar (&vga->pci, 0, PCI_BAR_PREFETCHABLE, vram);
  vt_pci_add_bar (&vga->pci, 2, 0, &mmio_region);
  vt_pci_add_rom (&vga->pci, config->rom, config->rom_len);
  vt_pci_add_legacy (&vga->pci, true, &ports_region, 0x3b0, PRIORITY_LEGACY);
  vt_pci_add_legacy (&vga->pci, true, &dispi_region, 0x1ce, PRIORITY_LEGACY);
  vt_pci_add_legacy (&vga->pci, false, &window_region, 0xa0000, PRIORITY_WINDOW);
  if (config->surface != NULL)
    vt_surface_connect (config->surface, &surface_client, vga);
  return true;
}

static void
stdvga_settle (VtDevice *dev)
{
  Stdvga *vga = (Stdvga *) dev;
  vt_pci_settle (&vga->pci, false);
  vga_settle (&vga->vga);
}

static bool
stdvga_check (VtDevice *dev, const void *incoming, GError **error)
{
  const StdvgaState *s = incoming;
  if (!vt_pci_check ((VtPciFunction *) dev, &s->pci, error))
    return false;
  if (vga_state_possible (core (dev), &s->vga))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "The VGA registers cannot be like this");
  return false;
}

static void
stdvga_finalize (VtDevice *dev)
{
  Stdvga *vga = (Stdvga *) dev;
  if (vga->vga.surface != NULL)
    vt_surface_connect (vga->vga.surface, NULL, NULL);
  vt_pci_finalize (&vga->pci);
  vga_clear (&vga->vga);
  g_clear_pointer (&vga->own_vram, vt_ram_free);
}

static const void *
stdvga_test_config (void)
{
  static const VtStdvgaConfig config;
  return &config;
}

static const VtRegion *const stdvga_regions[] = { &ports_region, &dispi_region, &window_region, &mmio_region, NULL };

const VtDeviceClass vt_stdvga = {
  .name = "stdvga",
  .summary = "VGA with the Bochs display interface",
  .instance_size = sizeof (Stdvga),
  .state_off = offsetof (Stdvga, s),
  .state = VT_STATE (1, StdvgaState, stdvga_fields, &stdvga_at_reset),
  .regions = stdvga_regions,
  .realize = stdvga_realize,
  .settle = stdvga_settle,
  .check = stdvga_check,
  .finalize = stdvga_finalize,
  .test_config = stdvga_test_config,
};
