/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The VGA core on PCI, as 1234:1111: layout of its register BAR as the drivers of Linux (bochs-drm) and OVMF use it. */
#include "stdvga.h"

#include "pci-bus.h"
#include "vga-bus.h"
#include "vitrine/error.h"

typedef struct
{
  VtPciState pci;
  VgaState   vga;
  bool       big_endian;       /* byte order of 15 bits a pixel and more */
  uint8_t    pad_[1];
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
  VT_FIELD_SINCE (2, StdvgaState, big_endian),
  VT_FIELD_SINCE (2, StdvgaState, pad_),
};

static const StdvgaState stdvga_at_reset = { .vga = VGA_AT_RESET };

static Vga *
core (VtDevice *dev)
{
  return &((Stdvga *) dev)->vga;
}

static const VtRegionOps mmio_ops = { .read = vga_mmio_read, .write = vga_mmio_write, .min_size = 1, .max_size = 4 };
static const VtRegion    mmio_region = { "vga-mmio", DISPI_MMIO_BYTES, &mmio_ops };

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

static bool
shows (void *opaque)
{
  return vga_shows (&((Stdvga *) opaque)->vga);
}

static const VtSurfaceClient surface_client = { .refresh = refresh, .invalidate = invalidate, .shows = shows };

char *
vt_stdvga_text (VtDevice *dev)
{
  g_assert (dev->cls == &vt_stdvga);
  return vga_text (core (dev));
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
stdvga_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Stdvga               *vga = (Stdvga *) dev;
  const VtStdvgaConfig *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x1234, .device = 0x1111, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x030000, .revision = 2 };
  if (config->vram != NULL && !dispi_vram_possible (config->vram, error))
    return false;
  VtRam *vram = config->vram != NULL ? config->vram : (vga->own_vram = dispi_vram_new ());
  vga_init (&vga->vga, dev, &vga->s.vga, &vga->s.big_endian, vram, env->clock, config->surface);
  if (!vt_pci_init (&vga->pci, env, &config->place, &identity, &vga->s.pci, error))
    return false;
  vt_pci_add_ram_bar (&vga->pci, 0, PCI_BAR_PREFETCHABLE, vram);
  vt_pci_add_bar (&vga->pci, 2, 0, &mmio_region);
  vt_pci_add_rom (&vga->pci, config->rom, config->rom_len);
  add_legacy (&vga->pci);
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
  if (vga->vga.screen.surface != NULL)
    vt_surface_connect (vga->vga.screen.surface, NULL, NULL);
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
  .state = VT_STATE (2, StdvgaState, stdvga_fields, &stdvga_at_reset),
  .regions = stdvga_regions,
  .realize = stdvga_realize,
  .settle = stdvga_settle,
  .check = stdvga_check,
  .finalize = stdvga_finalize,
  .test_config = stdvga_test_config,
};
