/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Graphics modes: the VGA's own, and the linear ones of the display interface. */
#include "vga.h"

/* Lines are drawn into XRGB8888; `from` is the start of the line in video memory, n pixels are known to be there. */
typedef void (*DrawLine) (uint32_t *to, const uint8_t *from, uint32_t n, const uint32_t *palette);

/* --- Linear framebuffers ------------------------------------------------------------------------------------------ */

static void
draw_8 (uint32_t *to, const uint8_t *from, uint32_t n, const uint32_t *palette)
{
  for (uint32_t x = 0; x < n; x++)
    to[x] = palette[from[x]];
}

static uint32_t
widen (unsigned value, unsigned bits)
{
  return value << (8 - bits) | value >> (2 * bits - 8);
}

static void
draw_15 (uint32_t *to, const uint8_t *from, uint32_t n, const uint32_t *palette)
{
  for (uint32_t x = 0; x < n; x++)
    {
      unsigned v = from[2 * x] | from[2 * x + 1] << 8;
      to[x] = widen (v >> 10 & 31, 5) << 16 | widen (v >> 5 & 31, 5) << 8 | widen (v & 31, 5);
    }
}

static void
draw_16 (uint32_t *to, const uint8_t *from, uint32_t n, const uint32_t *palette)
{
  for (uint32_t x = 0; x < n; x++)
    {
      unsigned v = from[2 * x] | from[2 * x + 1] << 8;
      to[x] = widen (v >> 11 & 31, 5) << 16 | widen (v >> 5 & 63, 6) << 8 | widen (v & 31, 5);
    }
}

static void
draw_24 (uint32_t *to, const uint8_t *from, uint32_t n, const uint32_t *palette)
{
  for (uint32_t x = 0; x < n; x++)
    to[x] = from[3 * x] | (uint32_t) from[3 * x + 1] << 8 | (uint32_t) from[3 * x + 2] << 16;
}

static void
draw_32 (uint32_t *to, const uint8_t *from, uint32_t n, const uint32_t *palette)
{
  for (uint32_t x = 0; x < n; x++)
    to[x] = (uint32_t) vt_load_le (from + 4 * x, 4) & 0xffffff;
}

static DrawLine
linear_drawer (unsigned bpp)
{
  switch (bpp)
    {
    case 8: return draw_8;
    case 15: return draw_15;
    case 16: return draw_16;
    case 24: return draw_24;
    default: return draw_32;
    }
}

static bool
pages_dirty (const Vga *vga, uint64_t from, uint64_t len)
{
  for (uint64_t page = from >> VT_PAGE_SHIFT; page <= (from + len - 1) >> VT_PAGE_SHIFT; page++)
    if (vga->dirty[page])
      return true;
  return false;
}

/* Draws the lines whose memory changed; damage is one band from the first to the last of them. */
static void
draw_linear (Vga *vga, const VgaGraphics *g, bool all)
{
  DrawLine draw = linear_drawer (g->bpp);
  unsigned pixel_bytes = (g->bpp + 7) / 8;
  uint64_t needed = (uint64_t) g->width * pixel_bytes;
  uint32_t first = UINT32_MAX, last = 0;
  for (uint32_t y = 0; y < g->height; y++)
    {
      uint64_t from = g->start + (uint64_t) y * g->line_bytes;
      if (!vt_fits (from, needed, vga->vram->size))
        break;   /* beyond video memory: stays black */
      if (!all && !pages_dirty (vga, from, needed))
        continue;
      draw ((uint32_t *) (void *) (vga->mode.pixels + (size_t) y * vga->mode.stride_bytes), vga->vram->host + from,
            g->width, g->palette);
      first = MIN (first, y);
      last = y;
    }
  if (first != UINT32_MAX)
    vt_surface_damage (vga->surface,
                       (VtRect) { 0, (int32_t) first, (int32_t) g->width, (int32_t) (last - first + 1) });
}

static void
get_linear (const Vga *vga, VgaGraphics *g)
{
  const uint16_t *dispi = vga->s->dispi;
  g->width = dispi[DISPI_XRES];
  g->height = dispi[DISPI_YRES];
  g->bpp = dispi[DISPI_BPP];
  g->kind = g->bpp == 4 ? VGA_PLANAR : VGA_LINEAR;
  g->repeat = 1;
  if (g->kind == VGA_LINEAR)
    {
      unsigned pixel_bytes = (g->bpp + 7) / 8;
      g->line_bytes = dispi[DISPI_VIRT_WIDTH] * pixel_bytes;
      g->start = (uint64_t) dispi[DISPI_Y_OFFSET] * g->line_bytes + (uint64_t) dispi[DISPI_X_OFFSET] * pixel_bytes;
    }
  else
    {
      g->line_bytes = dispi[DISPI_VIRT_WIDTH] / 8u;
      g->start = (uint64_t) dispi[DISPI_Y_OFFSET] * g->line_bytes + dispi[DISPI_X_OFFSET] / 8u;
      g->mode = 3;
      g->compare = UINT32_MAX;
    }
}

/* --- The VGA's own modes ------------------------------------------------------------------------------------------ */

static void
get_vga (const Vga *vga, VgaGraphics *g)
{
  const VgaState *s = vga->s;
  const uint8_t  *crtc = s->crtc;
  unsigned        cells = crtc[CRTC_H_DISPLAY] + 1u;
  g->kind = s->gfx[GFX_MODE] & GFX_MODE_256 ? VGA_256 : s->gfx[GFX_MODE] & GFX_MODE_CGA ? VGA_CGA : VGA_PLANAR;
  g->width = cells * (g->kind == VGA_256 ? 4 : 8);
  g->repeat = ((crtc[CRTC_CELL_HEIGHT] & 0x1fu) + 1) * (crtc[CRTC_CELL_HEIGHT] & CRTC_CELL_DOUBLE ? 2 : 1);
  /* CGA compatible modes use the scan line in a cell as an address bit: those lines differ. */
  if ((crtc[CRTC_MODE] & 3) != 3)
    g->repeat = crtc[CRTC_CELL_HEIGHT] & CRTC_CELL_DOUBLE ? 2 : 1;
  g->height = MAX (vga_crtc_lines (vga) / g->repeat, 1);
  g->line_bytes = crtc[CRTC_OFFSET] * 2u;
  g->start = vga_crtc_start (vga);
  g->shift = vga_crtc_shift (vga);
  g->mode = crtc[CRTC_MODE] & 3u;
  g->panning = s->attr[ATTR_PANNING] & 7u;
  g->compare
      = ((crtc[CRTC_LINE_COMPARE] | (crtc[CRTC_OVERFLOW] & 0x10u) << 4 | (crtc[CRTC_CELL_HEIGHT] & 0x40u) << 3) + 1)
        / g->repeat;
}

/* The word of four plane bytes at a counter value, on scan line `line` of a cell. */
static const uint8_t *
plane_bytes (const Vga *vga, const VgaGraphics *g, uint32_t counter, unsigned line)
{
  uint32_t at = counter << g->shift;
  if ((g->mode & 1) == 0)
    at = (at & ~0x2000u) | (line & 1) << 13;
  if ((g->mode & 2) == 0)
    at = (at & ~0x4000u) | (line >> 1 & 1) << 14;
  return vga->vram->host + (size_t) (at & (VGA_PLANE_BYTES - 1)) * 4;
}

static void
draw_planar_byte (uint32_t *to, const uint8_t *planes, const uint32_t *palette, unsigned enabled)
{
  for (unsigned x = 0; x < 8; x++)
    {
      unsigned shift = 7 - x;
      unsigned color = (planes[0] >> shift & 1) | (planes[1] >> shift & 1) << 1 | (planes[2] >> shift & 1) << 2
                       | (planes[3] >> shift & 1) << 3;
      to[x] = palette[color & enabled];
    }
}

/* Two bits a pixel: the first four pixels in planes 0 and 2, the others in planes 1 and 3 (odd/even memory). */
static void
draw_cga_byte (uint32_t *to, const uint8_t *planes, const uint32_t *palette, unsigned enabled)
{
  for (unsigned x = 0; x < 8; x++)
    {
      unsigned shift = 6 - 2 * (x & 3);
      unsigned color = (planes[x >> 2] >> shift & 3) | (planes[2 + (x >> 2)] >> shift & 3) << 2;
      to[x] = palette[color & enabled];
    }
}

static void
draw_vga_line (Vga *vga, const VgaGraphics *g, uint32_t *to, uint32_t counter, unsigned line)
{
  unsigned enabled = vga->s->attr[ATTR_PLANES] & 0xf;
  unsigned step = g->kind == VGA_256 ? 4 : 8;
  uint32_t wide[8];
  /* One more unit than fits, of which panning shows the beginning. */
  for (int64_t x = -(int64_t) (g->kind == VGA_256 ? g->panning / 2 : g->panning); x < g->width; x += step, counter++)
    {
      const uint8_t *planes = plane_bytes (vga, g, counter, line);
      if (g->kind == VGA_256)
        draw_8 (wide, planes, 4, g->palette);
      else if (g->kind == VGA_CGA)
        draw_cga_byte (wide, planes, g->palette, enabled);
      else
        draw_planar_byte (wide, planes, g->palette, enabled);
      for (int64_t i = 0; i < step; i++)
        if (x + i >= 0 && x + i < g->width)
          to[x + i] = wide[i];
    }
}

static void
draw_vga (Vga *vga, const VgaGraphics *g)
{
  uint32_t counter = (uint32_t) g->start;
  bool     cga_rows = (g->mode & 3) != 3;
  unsigned cell = cga_rows ? (vga->s->crtc[CRTC_CELL_HEIGHT] & 0x1fu) + 1 : 1;
  for (uint32_t y = 0, line = 0; y < g->height; y++)
    {
      draw_vga_line (vga, g, (uint32_t *) (void *) (vga->mode.pixels + (size_t) y * vga->mode.stride_bytes), counter,
                     line);
      if (++line == cell)
        {
          line = 0;
          counter += g->line_bytes;
        }
      /* Split screen: the lines below the compare value start at address 0. */
      if (y + 1 == g->compare)
        {
          counter = 0;
          line = 0;
        }
    }
  vt_surface_damage (vga->surface, (VtRect) { 0, 0, (int32_t) g->width, (int32_t) g->height });
}

/* --- Both --------------------------------------------------------------------------------------------------------- */

static void
get_palette (const Vga *vga, VgaGraphics *g)
{
  bool direct = g->kind == VGA_256 || (g->kind == VGA_LINEAR && g->bpp == 8);
  if (g->kind == VGA_LINEAR && g->bpp > 8)
    return;
  for (unsigned i = 0; i < (direct ? 256u : 16u); i++)
    g->palette[i] = direct ? vga_dac_color (vga, i) : vga_attribute_color (vga, i);
}

void
vga_graphics_refresh (Vga *vga, bool touched)
{
  g_autofree VgaGraphics *g = g_new0 (VgaGraphics, 1);
  if (vga_dispi_on (vga))
    get_linear (vga, g);
  else
    get_vga (vga, g);
  get_palette (vga, g);
  if (g->width == 0 || g->height == 0 || !vga_set_mode (vga, g->width, g->height))
    return;
  bool all = vga->redraw || memcmp (g, &vga->graphics, sizeof *g) != 0;
  if (!all && !touched)
    return;
  vga->graphics = *g;
  vga->redraw = false;
  if (all && g->kind == VGA_LINEAR)
    memset (vga->mode.pixels, 0, (size_t) vga->mode.stride_bytes * vga->mode.height);
  if (g->kind == VGA_LINEAR)
    draw_linear (vga, g, all);
  else
    draw_vga (vga, g);
  if (all)
    vt_surface_damage (vga->surface, (VtRect) { 0, 0, (int32_t) g->width, (int32_t) g->height });
}
