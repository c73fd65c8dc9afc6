/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers of the Bochs display interface ("Bochs VBE Display API", version 0xb0c5). */
#include "dispi.h"

#include "trace-display.h"
#include "vitrine/error.h"

#define BYTE_ORDER_LITTLE 0x1e1e1e1eu
#define BYTE_ORDER_BIG    0xbebebebeu

/* --- Video memory ------------------------------------------------------------------------------------------------- */

bool
dispi_vram_possible (const VtRam *vram, GError **error)
{
  if (vram->size >= DISPI_VRAM_MIN_BYTES && vram->size <= DISPI_VRAM_MAX_BYTES && (vram->size & (vram->size - 1)) == 0)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Video memory must be a power of two from 1 to 256 MiB");
  return false;
}

static void
free_vram (void *host, uint64_t size)
{
  g_aligned_free (host);
}

VtRam *
dispi_vram_new (void)
{
  return vt_ram_new ("vram", g_aligned_alloc0 (1, DISPI_VRAM_MIN_BYTES, VT_PAGE_SIZE), DISPI_VRAM_MIN_BYTES, free_vram);
}

/* --- Registers ---------------------------------------------------------------------------------------------------- */

bool
dispi_on (const Dispi *dispi)
{
  return (dispi->s->reg[DISPI_ENABLE] & DISPI_ENABLE_ON) != 0;
}

/* Bytes a line of `width` pixels takes. 4 bits are planar: an eighth of a byte a pixel in each of four planes. */
static uint64_t
line_bytes (uint64_t width, unsigned bpp)
{
  return bpp == 4 ? (width + 7) / 8 * 4 : width * ((bpp + 7) / 8);
}

static uint16_t
virtual_height (const Dispi *dispi)
{
  uint64_t line = line_bytes (dispi->s->reg[DISPI_VIRT_WIDTH], dispi->s->reg[DISPI_BPP]);
  return line != 0 ? (uint16_t) MIN (dispi->vram->size / line, UINT16_MAX) : 0;
}

uint16_t
dispi_read (const Dispi *dispi, unsigned index)
{
  const uint16_t *reg = dispi->s->reg;
  bool            caps = (reg[DISPI_ENABLE] & DISPI_ENABLE_CAPS) != 0;
  switch (index)
    {
    case DISPI_XRES:
    case DISPI_YRES:
      return caps ? DISPI_EDGE_MAX : reg[index];
    case DISPI_BPP:
      return caps ? 32 : reg[index];
    case DISPI_VIRT_HEIGHT:
      return virtual_height (dispi);
    case DISPI_MEMORY_64K:
      return (uint16_t) (dispi->vram->size / 65536);
    default:
      return index < DISPI_COUNT ? reg[index] : 0;
    }
}

static void
clear_memory (Dispi *dispi)
{
  uint64_t visible = line_bytes (dispi->s->reg[DISPI_XRES], dispi->s->reg[DISPI_BPP]) * dispi->s->reg[DISPI_YRES];
  uint64_t n = MIN (visible, dispi->vram->size);
  if (n == 0)
    return;
  memset (dispi->vram->host, 0, n);
  vt_ram_mark (dispi->vram, 0, n);
}

static void
write_enable (Dispi *dispi, uint16_t value)
{
  uint16_t *reg = dispi->s->reg;
  bool      was = dispi_on (dispi);
  reg[DISPI_ENABLE] = value;
  if (!dispi_on (dispi) || was)
    return;
  trace_dispi_enable (reg[DISPI_XRES], reg[DISPI_YRES], reg[DISPI_BPP], value);
  reg[DISPI_VIRT_WIDTH] = reg[DISPI_XRES];
  reg[DISPI_X_OFFSET] = reg[DISPI_Y_OFFSET] = 0;
  reg[DISPI_BANK] = 0;
  if ((value & DISPI_ENABLE_NO_CLEAR) == 0)
    clear_memory (dispi);
}

static bool
bpp_possible (unsigned bpp)
{
  return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

void
dispi_write (Dispi *dispi, unsigned index, uint16_t value)
{
  uint16_t *reg = dispi->s->reg;
  switch (index)
    {
    case DISPI_ID:
      /* Older versions may be asked for; the registers are the same. */
      if (value >= 0xb0c0 && value <= 0xb0c5)
        reg[index] = value;
      break;
    case DISPI_XRES:
    case DISPI_YRES:
      if (value <= DISPI_EDGE_MAX)
        reg[index] = value;
      if (index == DISPI_XRES && dispi_on (dispi))
        reg[DISPI_VIRT_WIDTH] = MAX (reg[DISPI_VIRT_WIDTH], reg[DISPI_XRES]);
      break;
    case DISPI_BPP:
      if (value == 0)
        value = 8;
      if (bpp_possible (value))
        reg[index] = value;
      break;
    case DISPI_ENABLE:
      write_enable (dispi, value);
      break;
    case DISPI_BANK:
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
      reg[index] = value;
      break;
    case DISPI_VIRT_WIDTH:
      if (value >= reg[DISPI_XRES])
        reg[index] = value;
      break;
    default:
      break;   /* virtual height and memory size follow from the others */
    }
}

bool
dispi_shows (const Dispi *dispi)
{
  const uint16_t *reg = dispi->s->reg;
  uint64_t        bytes = line_bytes (reg[DISPI_XRES], reg[DISPI_BPP]) * reg[DISPI_YRES];
  return dispi_on (dispi) && bytes != 0 && bytes <= dispi->vram->size;
}

bool
dispi_picture (const Dispi *dispi, Picture *out)
{
  const uint16_t *reg = dispi->s->reg;
  unsigned        pixel_bytes = (reg[DISPI_BPP] + 7u) / 8;
  memset (out, 0, sizeof *out);
  out->width = reg[DISPI_XRES];
  out->height = reg[DISPI_YRES];
  out->bpp = reg[DISPI_BPP];
  out->big_endian = *dispi->big_endian;
  out->line_bytes = (uint64_t) reg[DISPI_VIRT_WIDTH] * pixel_bytes;
  out->start = reg[DISPI_Y_OFFSET] * out->line_bytes + (uint64_t) reg[DISPI_X_OFFSET] * pixel_bytes;
  return dispi_shows (dispi) && out->bpp >= 8;
}

/* --- Registers by memory ------------------------------------------------------------------------------------------ */

static uint8_t
mmio_byte (const Dispi *dispi, unsigned off)
{
  if (off < DISPI_MMIO_EDID_END)
    {
      const VtSurfaceMonitor *monitor = dispi->surface != NULL ? vt_surface_monitor (dispi->surface) : NULL;
      return monitor != NULL && off < monitor->edid_bytes ? monitor->edid[off] : 0;
    }
  if (off >= DISPI_MMIO_REGISTERS && off < DISPI_MMIO_REGISTERS_END)
    return (uint8_t) (dispi_read (dispi, (off - DISPI_MMIO_REGISTERS) / 2) >> (8 * (off & 1)));
  if (off >= DISPI_MMIO_EXT && off < DISPI_MMIO_EXT + DISPI_MMIO_EXT_BYTES)
    {
      uint64_t order = *dispi->big_endian ? BYTE_ORDER_BIG : BYTE_ORDER_LITTLE;
      return (uint8_t) ((order << 32 | DISPI_MMIO_EXT_BYTES) >> (8 * (off - DISPI_MMIO_EXT)));
    }
  return 0;
}

uint64_t
dispi_mmio_read (const Dispi *dispi, unsigned off, unsigned size)
{
  uint64_t value = 0;
  for (unsigned i = 0; i < size; i++)
    value |= (uint64_t) mmio_byte (dispi, off + i) << (8 * i);
  return value;
}

void
dispi_mmio_write (Dispi *dispi, unsigned off, uint64_t value, unsigned size)
{
  if (off == DISPI_MMIO_BYTE_ORDER && size == 4 && (value == BYTE_ORDER_LITTLE || value == BYTE_ORDER_BIG))
    *dispi->big_endian = value == BYTE_ORDER_BIG;
  for (unsigned i = 0; i + 2 <= size; i += 2)
    if (off + i >= DISPI_MMIO_REGISTERS && off + i < DISPI_MMIO_REGISTERS_END)
      dispi_write (dispi, (off + i - DISPI_MMIO_REGISTERS) / 2, (uint16_t) (value >> (8 * i)));
}
