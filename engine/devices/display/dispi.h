/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Bochs display interface, version 0xb0c5: sixteen-bit registers that set a linear mode.  By ports on a VGA, by
 * memory on both cards that have it; the block of registers by memory holds the monitor's EDID too. */
#pragma once

#include "screen.h"

enum
{
  DISPI_ID = 0, DISPI_XRES = 1, DISPI_YRES = 2, DISPI_BPP = 3, DISPI_ENABLE = 4, DISPI_BANK = 5,
  DISPI_VIRT_WIDTH = 6, DISPI_VIRT_HEIGHT = 7, DISPI_X_OFFSET = 8, DISPI_Y_OFFSET = 9, DISPI_MEMORY_64K = 10,
  DISPI_COUNT = 11,
  DISPI_ENABLE_ON       = 1u << 0,
  DISPI_ENABLE_CAPS     = 1u << 1,
  DISPI_ENABLE_DAC8     = 1u << 5,
  DISPI_ENABLE_NO_CLEAR = 1u << 7,

  /* An interface, not a limit of the surface: what GETCAPS says. */
  DISPI_EDGE_MAX = 16384,

  /* Video memory: what may be handed in, and what a card has that gets none. */
  DISPI_VRAM_MIN_BYTES = 1 << 20,
  DISPI_VRAM_MAX_BYTES = 256 << 20,

  /* The registers by memory ("QEMU Standard VGA" specification): EDID, ports of a VGA, display interface, then the size
   * of the last block and the framebuffer's byte order. */
  DISPI_MMIO_BYTES = 4096,
  DISPI_MMIO_EDID_END = 0x400,
  DISPI_MMIO_VGA = 0x400, DISPI_MMIO_VGA_END = 0x420,       /* ports 0x3c0..0x3df */
  DISPI_MMIO_REGISTERS = 0x500, DISPI_MMIO_REGISTERS_END = DISPI_MMIO_REGISTERS + 2 * DISPI_COUNT,
  DISPI_MMIO_EXT = 0x600, DISPI_MMIO_EXT_BYTES = 8,
  DISPI_MMIO_BYTE_ORDER = DISPI_MMIO_EXT + 4,
};

typedef struct
{
  uint16_t index;              /* of the port pair */
  uint16_t reg[DISPI_COUNT];
} DispiState;
#define DISPI_FIELDS(T, m) VT_FIELD (T, m.index), VT_FIELD (T, m.reg)
#define DISPI_AT_RESET     { .reg = { [DISPI_ID] = 0xb0c5, [DISPI_BPP] = 8 } }

typedef struct
{
  DispiState *s;
  bool       *big_endian;      /* in the device's state */
  VtRam      *vram;
  VtSurface  *surface;         /* nullable: whose EDID it is */
} Dispi;

/* A power of two from 1 to 256 MiB. */
bool dispi_vram_possible (const VtRam *vram, GError **error);
/* Memory for a device that was given none: tests. */
VtRam *dispi_vram_new (void);

bool     dispi_on (const Dispi *dispi);
uint16_t dispi_read (const Dispi *dispi, unsigned index);
void     dispi_write (Dispi *dispi, unsigned index, uint16_t value);
/* Is there a mode, and does video memory hold a picture of it? Nothing larger is shown. */
bool     dispi_shows (const Dispi *dispi);
/* What is to be seen, for 8 bits a pixel and more; the palette is the caller's. False: no such picture. */
bool     dispi_picture (const Dispi *dispi, Picture *out);

/* Any offset outside the ports of a VGA; off + size <= DISPI_MMIO_BYTES. */
uint64_t dispi_mmio_read (const Dispi *dispi, unsigned off, unsigned size);
void     dispi_mmio_write (Dispi *dispi, unsigned off, uint64_t value, unsigned size);
