/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The VGA's own graphics modes, and the planar ones of the display interface. Only lines whose memory changed are
 * drawn. */
#include "vga.h"

/* --- What the registers say --------------------------------------------------------------------------------------- */

/* Four bits a pixel by the display interface: planes of any size, one line after the other. */
static void
get_dispi (const Vga *vga, VgaGraphics *g)
{
  const uint16_t *reg = vga->s->dispi.reg;
  g->kind = VGA_PLANAR;
  g->width = reg[DISPI_XRES];
  g->height = reg[DISPI_YRES];
  g->pitch = reg[DISPI_VIRT_WIDTH] / 8u;
  g->start = reg[DISPI_Y_OFFSET] * g->pitch + reg[DISPI_X_OFFSET] / 8u;
  g->panning = reg[DISPI_X_OFFSET] % 8u;
  g->plane_mask = (uint32_t) (vga->vram->size / 4 - 1);
  g->mode = 3;
  g->cell_height = 1;
  g->compare = UINT32_MAX;
}

static void
get_vga (const Vga *vga, VgaGraphics *g)
{
  const VgaState *s = vga->s;
  const uint8_t  *crtc = s->crtc;
  g->kind = s->gfx[GFX_MODE] & GFX_MODE_256 ? VGA_256 : s->gfx[GFX_MODE] & GFX_MODE_CGA ? VGA_CGA : VGA_PLANAR;
  g->width = (crtc[CRTC_H_DISPLAY] + 1u) * (g->kind == VGA_256 ? 4 : 8);
  g->mode = crtc[CRTC_MODE] & 3u;
  g->cell_height = (crtc[CRTC_CELL_HEIGHT] & 0x1fu) + 1;
  uint32_t repeat = crtc[CRTC_CELL_HEIGHT] & CRTC_CELL_DOUBLE ? 2 : 1;
  if (g->mode == 3)
    {
      /* All scan lines of a cell are the same: one is enough. */
      repeat *= g->cell_height;
      g->cell_height = 1;
    }
  else
    g->first_line = crtc[CRTC_ROW_SCAN] & 0x1fu;   /* CGA compatible: the line in the cell is an address bit */
  g->height = MAX (vga_crtc_lines (vga) / repeat, 1);
  g->compare = vga_crtc_split (vga) / repeat;
  g->pitch = crtc[CRTC_OFFSET] * 2u;
  g->start = vga_crtc_start (vga) + (crtc[CRTC_ROW_SCAN] >> CRTC_ROW_SCAN_BYTES_SHIFT & 3u);
  g->plane_mask = VGA_PLANE_BYTES - 1;
  g->shift = vga_crtc_shift (vga);
  g->panning = s->attr[ATTR_PANNING] & 7u;
  if (g->kind == VGA_256)
    g->panning /= 2;
  g->split_still = (s->attr[ATTR_MODE] & ATTR_MODE_SPLIT_STILL) != 0;
}

static void
get_graphics (const Vga *vga, VgaGraphics *g)
{
  if (vga_dispi_on (vga))
    get_dispi (vga, g);
  else
    get_vga (vga, g);
  g->enabled = vga->s->attr[ATTR_PLANES] & 0xf;
  for (unsigned i = 0; i < (g->kind == VGA_256 ? 256u : 16u); i++)
    g->palette[i] = g->kind == VGA_256 ? vga_dac_color (vga, i) : vga_attribute_color (vga, i);
}

/* --- Lines -------------------------------------------------------------------------------------------------------- */

/* Where in video memory the four plane bytes of a counter value are, on scan line `line` of a cell. */
static uint64_t
plane_offset (const VgaGraphics *g, uint32_t counter, unsigned line)
{
  uint32_t at = counter << g->shift;
  if ((g->mode & 1) == 0)
    at = (at & ~0x2000u) | (line & 1) << 13;
  if ((g->mode & 2) == 0)
    at = (at & ~0x4000u) | (line >> 1 & 1) << 14;
  return (uint64_t) (at & g->plane_mask) * 4;
}

static unsigned
unit_pixels (const VgaGraphics *g)
{
  return g->kind == VGA_256 ? 4 : 8;
}

static void
draw_planar (uint32_t *to, const uint8_t *planes, const VgaGraphics *g)
{
  for (unsigned x = 0; x < 8; x++)
    {
      unsigned shift = 7 - x;
      unsigned color = (planes[0] >> shift & 1) | (planes[1] >> shift & 1) << 1 | (planes[2] >> shift & 1) << 2
                       | (planes[3] >> shift & 1) << 3;
      to[x] = g->palette[color & g->enabled];
    }
}

/* Two bits a pixel: the first four pixels in planes 0 and 2, the others in planes 1 and 3 (odd/even memory). */
static void
draw_cga (uint32_t *to, const uint8_t *planes, const VgaGraphics *g)
{
  for (unsigned x = 0; x < 8; x++)
    {
      unsigned shift = 6 - 2 * (x & 3);
      unsigned color = (planes[x >> 2] >> shift & 3) | (planes[2 + (x >> 2)] >> shift & 3) << 2;
      to[x] = g->palette[color & g->enabled];
    }
}

static void
draw_256 (uint32_t *to, const uint8_t *planes, const VgaGraphics *g)
{
  for (unsigned x = 0; x < 4; x++)
    to[x] = g->palette[planes[x]];
}

static void
draw_line (const Vga *vga, const VgaGraphics *g, uint32_t *to, uint32_t counter, unsigned line, uint32_t panning)
{
  void (*draw) (uint32_t *, const uint8_t *, const VgaGraphics *)
    = g->kind == VGA_256 ? draw_256 : g->kind == VGA_CGA ? draw_cga : draw_planar;
  unsigned step = unit_pixels (g);
  uint32_t wide[8];
  /* One more unit than fits when panning, of which the beginning is seen. */
  for (int64_t x = -(int64_t) panning; x < g->width; x += step, counter++)
    {
      const uint8_t *planes = vga->vram->host + plane_offset (g, counter, line);
      if (x >= 0 && x + step <= g->width)
        {
          draw (to + x, planes, g);
          continue;
        }
      draw (wide, planes, g);
      for (int64_t i = MAX (0, -x); i < step && x + i < g->width; i++)
        to[x + i] = wide[i];
    }
}

static bool
line_dirty (const Vga *vga, const VgaGraphics *g, uint32_t counter, unsigned line)
{
  uint32_t units = g->width / unit_pixels (g) + 1;
  uint64_t first = plane_offset (g, counter, line), last = plane_offset (g, counter + units, line);
  /* Around the end of a plane: any change may be one of this line. */
  return last < first || screen_dirty (&vga->screen, first, last - first + 4);
}

static void
draw_lines (Vga *vga, const VgaGraphics *g, bool all)
{
  uint32_t start = g->start, panning = g->panning, first = UINT32_MAX, last = 0;
  unsigned line = g->first_line % g->cell_height;
  for (uint32_t y = 0; y < g->height; y++)
    {
      if (y == g->compare)
        {
          start = line = 0;
          panning = g->split_still ? 0 : panning;
        }
      if (all || line_dirty (vga, g, start, line))
        {
          draw_line (vga, g, screen_line (&vga->screen, y), start, line, panning);
          first = MIN (first, y);
          last = y;
        }
      if (++line == g->cell_height)
        {
          line = 0;
          start += g->pitch;
        }
    }
  if (first != UINT32_MAX)
    screen_damage (&vga->screen, 0, first, g->width, last - first + 1);
}

void
vga_graphics_refresh (Vga *vga, bool touched)
{
  g_autofree VgaGraphics *g = g_new0 (VgaGraphics, 1);
  get_graphics (vga, g);
  if (g->width == 0 || g->height == 0 || !screen_set_mode (&vga->screen, g->width, g->height))
    return;
  bool all = vga->screen.redraw || memcmp (g, &vga->graphics, sizeof *g) != 0;
  if (!all && !touched)
    return;
  vga->graphics = *g;
  vga->screen.redraw = false;
  draw_lines (vga, g, all);
}
