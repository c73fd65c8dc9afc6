/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bochs-display: a framebuffer with the Bochs display interface and nothing else - no VGA ports, no window below 1 MiB,
 * no text. PCI Express, PCI id 1234:1111, class "other display controller".
 *
 * BAR0 is video memory, BAR2 the registers by memory: EDID, display interface, byte order. */
#pragma once

#include "pci-function.h"
#include "surface.h"

extern const VtDeviceClass vt_bochs_display;

typedef struct
{
  VtPciPlace     place;
  VtRam *vram; /* borrowed, a power of two from 1 to 256 MiB; NULL: 16 MiB of the device's own (not saved) */
  const uint8_t *rom;        /* copied; NULL: none */
  size_t         rom_len;
  VtSurface     *surface;    /* NULL: nobody looks */
} VtBochsDisplayConfig;
