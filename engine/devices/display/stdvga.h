/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VGA with the Bochs display interface: PCI 1234:1111.
 *
 * BAR0 is video memory, BAR2 the registers by memory (VGA ports at 0x400, display interface at 0x500), the expansion
 * ROM holds the video BIOS; the legacy ports and the 0xa0000 window answer while the command register allows it. */
#pragma once

#include "pci-function.h"
#include "surface.h"

extern const VtDeviceClass vt_stdvga;

typedef struct
{
  VtPciPlace     place;
  VtRam *vram; /* borrowed, a power of two from 1 to 256 MiB; NULL: 16 MiB of the device's own (not saved) */
  const uint8_t *rom;        /* video BIOS, copied; NULL: none */
  size_t         rom_len;
  VtSurface     *surface;    /* NULL: nobody looks */
} VtStdvgaConfig;

/* The text on the screen as UTF-8 lines; NULL in graphics modes. */
char *vt_stdvga_text (VtDevice *vga);
