/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bochs-display, as the drivers of Linux (bochs-drm) and OVMF use it; registers in dispi.c. */
#include "bochs.h"

#include "dispi.h"
#include "pci-bus.h"

typedef struct
{
  VtPciState pci;
  DispiState dispi;
  bool       big_endian;       /* byte order of 15 bits a pixel and more */
  uint8_t    pad_[1];
} BochsState;

typedef struct
{
  VtPciFunction pci;
  BochsState    s;
  Dispi         dispi;
  Screen        screen;
  VtRam        *own_vram;
} Bochs;

static const VtField bochs_fields[] = {
  VT_PCI_FIELDS (BochsState, pci),
  DISPI_FIELDS (BochsState, dispi),
  VT_FIELD (BochsState, big_endian),
  VT_FIELD (BochsState, pad_),
};

static const BochsState bochs_at_reset = { .dispi = DISPI_AT_RESET };

static uint64_t
mmio_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return dispi_mmio_read (&((Bochs *) dev)->dispi, (unsigned) off, size);
}

static void
mmio_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  dispi_mmio_write (&((Bochs *) dev)->dispi, (unsigned) off, value, size);
}

static const VtRegionOps      mmio_ops = { .read = mmio_read, .write = mmio_write, .min_size = 1, .max_size = 4 };
static const VtRegion         mmio_region = { "bochs-mmio", DISPI_MMIO_BYTES, &mmio_ops };
static const VtRegion *const  bochs_regions[] = { &mmio_region, NULL };

/* --- The screen --------------------------------------------------------------------------------------------------- */

static void
refresh (void *opaque)
{
  Bochs  *bochs = opaque;
  Picture picture;
  bool    shows = dispi_picture (&bochs->dispi, &picture);
  vt_surface_set_blank (bochs->screen.surface, !shows);
  if (!shows)
    {
      bochs->screen.redraw = true;
      return;
    }
  /* There is no palette: 8 bits are shades of grey. */
  for (unsigned i = 0; picture.bpp == 8 && i < 256; i++)
    picture.palette[i] = i * 0x010101u;
  screen_watch (&bochs->screen, bochs->dispi.vram, 0, bochs->dispi.vram->size >> VT_PAGE_SHIFT);
  screen_show (&bochs->screen, &picture);
}

static void
invalidate (void *opaque)
{
  screen_forget (&((Bochs *) opaque)->screen);
}

static bool
shows (void *opaque)
{
  return dispi_shows (&((const Bochs *) opaque)->dispi);
}

static const VtSurfaceClient surface_client = { .refresh = refresh, .invalidate = invalidate, .shows = shows };

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
bochs_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Bochs                      *bochs = (Bochs *) dev;
  const VtBochsDisplayConfig *config = env->config;
  static const VtPciIdentity  identity = { .vendor = 0x1234, .device = 0x1111, .subsystem_vendor = 0x1af4,
                                           .subsystem = 0x1100, .class_code = 0x038000, .revision = 2 };
  if (config->vram != NULL && !dispi_vram_possible (config->vram, error))
    return false;
  VtRam *vram = config->vram != NULL ? config->vram : (bochs->own_vram = dispi_vram_new ());
  bochs->dispi = (Dispi) { .s = &bochs->s.dispi, .big_endian = &bochs->s.big_endian, .vram = vram,
                           .surface = config->surface };
  screen_init (&bochs->screen, config->surface);
  if (!vt_pci_init (&bochs->pci, env, &config->place, &identity, &bochs->s.pci, error))
    return false;
  vt_pci_add_ram_bar (&bochs->pci, 0, PCI_BAR_PREFETCHABLE, vram);
  vt_pci_add_bar (&bochs->pci, 2, 0, &mmio_region);
  vt_pci_add_rom (&bochs->pci, config->rom, config->rom_len);
  vt_pci_add_express (&bochs->pci);
  if (config->surface != NULL)
    vt_surface_connect (config->surface, &surface_client, bochs);
  return true;
}

static void
bochs_settle (VtDevice *dev)
{
  Bochs *bochs = (Bochs *) dev;
  vt_pci_settle (&bochs->pci, false);
  bochs->screen.redraw = true;
}

static bool
bochs_check (VtDevice *dev, const void *incoming, GError **error)
{
  return vt_pci_check ((VtPciFunction *) dev, &((const BochsState *) incoming)->pci, error);
}

static void
bochs_finalize (VtDevice *dev)
{
  Bochs *bochs = (Bochs *) dev;
  if (bochs->screen.surface != NULL)
    vt_surface_connect (bochs->screen.surface, NULL, NULL);
  vt_pci_finalize (&bochs->pci);
  screen_clear (&bochs->screen);
  g_clear_pointer (&bochs->own_vram, vt_ram_free);
}

static const void *
bochs_test_config (void)
{
  static const VtBochsDisplayConfig config;
  return &config;
}

const VtDeviceClass vt_bochs_display = {
  .name = "bochs-display",
  .summary = "Framebuffer with the Bochs display interface",
  .instance_size = sizeof (Bochs),
  .state_off = offsetof (Bochs, s),
  .state = VT_STATE (1, BochsState, bochs_fields, &bochs_at_reset),
  .regions = bochs_regions,
  .realize = bochs_realize,
  .settle = bochs_settle,
  .check = bochs_check,
  .finalize = bochs_finalize,
  .test_config = bochs_test_config,
};
