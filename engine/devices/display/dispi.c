/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Bochs display interface: eleven 16-bit registers that set a linear mode (Bochs VBE Display API, version
 * 0xb0c5). */
#include "vga.h"

#include "trace-display.h"

bool
vga_dispi_on (const Vga *vga)
{
  return (vga->s->dispi[DISPI_ENABLE] & DISPI_ENABLE_ON) != 0;
}

/* Bytes a line of `width` pixels takes. 4 bits are planar: an eighth of a byte a pixel in each of four planes. */
static uint64_t
line_bytes (uint64_t width, unsigned bpp)
{
  return bpp == 4 ? (width + 7) / 8 * 4 : width * ((bpp + 7) / 8);
}

static uint16_t
virtual_height (const Vga *vga)
{
  uint64_t line = line_bytes (vga->s->dispi[DISPI_VIRT_WIDTH], vga->s->dispi[DISPI_BPP]);
  return line != 0 ? (uint16_t) MIN (vga->vram->size / line, UINT16_MAX) : 0;
}

uint16_t
vga_dispi_read (Vga *vga, unsigned index)
{
  const uint16_t *dispi = vga->s->dispi;
  bool            caps = (dispi[DISPI_ENABLE] & DISPI_ENABLE_CAPS) != 0;
  switch (index)
    {
    case DISPI_XRES:
      return caps ? DISPI_XRES_MAX : dispi[index];
    case DISPI_YRES:
      return caps ? DISPI_YRES_MAX : dispi[index];
    case DISPI_BPP:
      return caps ? 32 : dispi[index];
    case DISPI_VIRT_HEIGHT:
      return virtual_height (vga);
    case DISPI_MEMORY_64K:
      return (uint16_t) (vga->vram->size / 65536);
    default:
      return index < DISPI_COUNT ? dispi[index] : 0;
    }
}

static void
clear_memory (Vga *vga)
{
  uint64_t visible = line_bytes (vga->s->dispi[DISPI_XRES], vga->s->dispi[DISPI_BPP]) * vga->s->dispi[DISPI_YRES];
  uint64_t n = MIN (visible, vga->vram->size);
  if (n == 0)
    return;
  memset (vga->vram->host, 0, n);
  vt_ram_mark (vga->vram, 0, n);
}

static void
write_enable (Vga *vga, uint16_t value)
{
  uint16_t *dispi = vga->s->dispi;
  bool      was = vga_dispi_on (vga);
  dispi[DISPI_ENABLE] = value;
  if (!vga_dispi_on (vga) || was)
    return;
  trace_dispi_enable (dispi[DISPI_XRES], dispi[DISPI_YRES], dispi[DISPI_BPP], value);
  dispi[DISPI_VIRT_WIDTH] = dispi[DISPI_XRES];
  dispi[DISPI_X_OFFSET] = dispi[DISPI_Y_OFFSET] = 0;
  dispi[DISPI_BANK] = 0;
  if ((value & DISPI_ENABLE_NO_CLEAR) == 0)
    clear_memory (vga);
}

static bool
bpp_possible (unsigned bpp)
{
  return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

void
vga_dispi_write (Vga *vga, unsigned index, uint16_t value)
{
  uint16_t *dispi = vga->s->dispi;
  switch (index)
    {
    case DISPI_ID:
      /* Older versions may be asked for; the registers are the same. */
      if (value >= 0xb0c0 && value <= 0xb0c5)
        dispi[index] = value;
      break;
    case DISPI_XRES:
    case DISPI_YRES:
      if (value <= (index == DISPI_XRES ? DISPI_XRES_MAX : DISPI_YRES_MAX))
        dispi[index] = value;
      if (index == DISPI_XRES && vga_dispi_on (vga))
        dispi[DISPI_VIRT_WIDTH] = MAX (dispi[DISPI_VIRT_WIDTH], dispi[DISPI_XRES]);
      break;
    case DISPI_BPP:
      if (value == 0)
        value = 8;
      if (bpp_possible (value))
        dispi[index] = value;
      break;
    case DISPI_ENABLE:
      write_enable (vga, value);
      break;
    case DISPI_BANK:
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
      dispi[index] = value;
      break;
    case DISPI_VIRT_WIDTH:
      if (value >= dispi[DISPI_XRES])
        dispi[index] = value;
      break;
    default:
      break;   /* virtual height and memory size follow from the others */
    }
}
