/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "screen.h"

#define AT_ONCE 64u    /* pixels that are compared at once */

/* --- Memory ------------------------------------------------------------------------------------------------------- */

void
screen_init (Screen *screen, VtSurface *surface)
{
  screen->surface = surface;
  screen->redraw = true;
}

void
screen_clear (Screen *screen)
{
  g_clear_pointer (&screen->dirty, g_free);
  screen->ram = NULL;
}

void
screen_forget (Screen *screen)
{
  screen->mode = (VtSurfaceMode) { 0 };
  screen->redraw = true;
}

void
screen_watch (Screen *screen, VtRam *ram, uint64_t first_page, uint64_t n_pages)
{
  if (screen->ram == ram && screen->first_page == first_page && screen->n_pages == n_pages)
    return;
  g_assert (vt_fits (first_page, n_pages, ram->size >> VT_PAGE_SHIFT));
  g_free (screen->dirty);
  screen->dirty = g_malloc0 (n_pages);
  screen->ram = ram;
  screen->first_page = first_page;
  screen->n_pages = n_pages;
  screen->redraw = true;
}

bool
screen_harvest (Screen *screen)
{
  return screen->n_pages > 0
         && vt_ram_harvest (screen->ram, screen->first_page, screen->n_pages, VT_PAGE_CLEAN_DISPLAY, screen->dirty) > 0;
}

bool
screen_dirty (const Screen *screen, uint64_t from, uint64_t len)
{
  uint64_t end = screen->first_page + screen->n_pages;
  for (uint64_t page = from >> VT_PAGE_SHIFT; page <= (from + len - 1) >> VT_PAGE_SHIFT; page++)
    if (page >= screen->first_page && page < end && screen->dirty[page - screen->first_page])
      return true;
  return false;
}

/* --- The surface -------------------------------------------------------------------------------------------------- */

bool
screen_set_mode (Screen *screen, uint32_t width, uint32_t height)
{
  if (screen->mode.pixels != NULL && screen->mode.width == width && screen->mode.height == height)
    return true;
  screen->redraw = true;
  return vt_surface_set_mode (screen->surface, width, height, &screen->mode);
}

uint32_t *
screen_line (const Screen *screen, uint32_t y)
{
  return (uint32_t *) (void *) (screen->mode.pixels + (size_t) y * screen->mode.stride_bytes);
}

void
screen_damage (const Screen *screen, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
  vt_surface_damage (screen->surface, (VtRect) { (int32_t) x, (int32_t) y, (int32_t) width, (int32_t) height });
}

/* --- Pixels ------------------------------------------------------------------------------------------------------- */

/* n pixels of a line, into XRGB8888. */
typedef void (*DrawLine) (uint32_t *to, const uint8_t *from, uint32_t n, const Picture *picture);

static void
draw_8 (uint32_t *to, const uint8_t *from, uint32_t n, const Picture *picture)
{
  for (uint32_t x = 0; x < n; x++)
    to[x] = picture->palette[from[x]];
}

static uint32_t
widen (unsigned value, unsigned bits)
{
  return value << (8 - bits) | value >> (2 * bits - 8);
}

static unsigned
word (const uint8_t *from, uint32_t x, const Picture *picture)
{
  return picture->big_endian ? (unsigned) from[2 * x] << 8 | from[2 * x + 1]
                             : from[2 * x] | (unsigned) from[2 * x + 1] << 8;
}

static void
draw_15 (uint32_t *to, const uint8_t *from, uint32_t n, const Picture *picture)
{
  for (uint32_t x = 0; x < n; x++)
    {
      unsigned v = word (from, x, picture);
      to[x] = widen (v >> 10 & 31, 5) << 16 | widen (v >> 5 & 31, 5) << 8 | widen (v & 31, 5);
    }
}

static void
draw_16 (uint32_t *to, const uint8_t *from, uint32_t n, const Picture *picture)
{
  for (uint32_t x = 0; x < n; x++)
    {
      unsigned v = word (from, x, picture);
      to[x] = widen (v >> 11 & 31, 5) << 16 | widen (v >> 5 & 63, 6) << 8 | widen (v & 31, 5);
    }
}

static void
draw_24 (uint32_t *to, const uint8_t *from, uint32_t n, const Picture *picture)
{
  unsigned red = picture->big_endian ? 0 : 2, blue = 2 - red;
  for (uint32_t x = 0; x < n; x++)
    to[x] = from[3 * x + blue] | (uint32_t) from[3 * x + 1] << 8 | (uint32_t) from[3 * x + red] << 16;
}

static void
draw_32 (uint32_t *to, const uint8_t *from, uint32_t n, const Picture *picture)
{
  memcpy (to, from, (size_t) n * 4);
  for (uint32_t x = 0; x < n; x++)
    to[x] = GUINT32_FROM_LE (to[x]) & 0xffffff;
}

static void
draw_32_big_endian (uint32_t *to, const uint8_t *from, uint32_t n, const Picture *picture)
{
  memcpy (to, from, (size_t) n * 4);
  for (uint32_t x = 0; x < n; x++)
    to[x] = GUINT32_FROM_BE (to[x]) & 0xffffff;
}

static DrawLine
drawer (const Picture *picture)
{
  switch (picture->bpp)
    {
    case 8: return draw_8;
    case 15: return draw_15;
    case 16: return draw_16;
    case 24: return draw_24;
    default: return picture->big_endian ? draw_32_big_endian : draw_32;
    }
}

/* How many pixels are the same at the beginning. */
static uint32_t
same_left (const uint32_t *a, const uint32_t *b, uint32_t n)
{
  uint32_t same = 0;
  while (n - same >= AT_ONCE && memcmp (a + same, b + same, AT_ONCE * 4) == 0)
    same += AT_ONCE;
  while (same < n && a[same] == b[same])
    same++;
  return same;
}

static uint32_t
same_right (const uint32_t *a, const uint32_t *b, uint32_t n)
{
  uint32_t left = n;
  while (left >= AT_ONCE && memcmp (a + left - AT_ONCE, b + left - AT_ONCE, AT_ONCE * 4) == 0)
    left -= AT_ONCE;
  while (left > 0 && a[left - 1] == b[left - 1])
    left--;
  return n - left;
}

/* The part of n pixels at (x, y) that became another one: a VtRect of one line, empty when nothing did. */
static VtRect
change_line (uint32_t *to, const uint32_t *from, uint32_t n, uint32_t x, uint32_t y)
{
  uint32_t left = same_left (to, from, n);
  if (left == n)
    return (VtRect) { 0 };
  uint32_t width = n - left - same_right (to + left, from + left, n - left);
  memcpy (to + left, from + left, (size_t) width * 4);
  return (VtRect) { (int32_t) (x + left), (int32_t) y, (int32_t) width, 1 };
}

static VtRect
join (VtRect a, VtRect b)
{
  if (a.width == 0 || b.width == 0)
    return a.width == 0 ? b : a;
  int32_t left = MIN (a.x, b.x), top = MIN (a.y, b.y);
  int32_t right = MAX (a.x + a.width, b.x + b.width), bottom = MAX (a.y + a.height, b.y + b.height);
  return (VtRect) { left, top, right - left, bottom - top };
}

/* The part of a line at `from`, in bytes of it, that lies between its first and its last page that was written. */
static bool
dirty_part (const Screen *screen, uint64_t from, uint64_t len, uint64_t *first, uint64_t *end)
{
  *end = 0;
  for (uint64_t at = from; at < from + len; at = (at | VT_PAGE_MASK) + 1)
    if (screen_dirty (screen, at, 1))
      {
        *first = *end == 0 ? at - from : *first;
        *end = MIN ((at | VT_PAGE_MASK) + 1 - from, len);
      }
  return *end != 0;
}

/* Draws the parts of lines whose memory was written. Writes are noticed by page, which is half a line and more: damage is what really looks
 * different, so that a small change is small for everybody behind us, and the same once more is nothing. */
static void
draw_lines (Screen *screen, const Picture *picture, bool all)
{
  DrawLine            draw = drawer (picture);
  uint32_t            pixel_bytes = (picture->bpp + 7) / 8;
  uint64_t            needed = (uint64_t) picture->width * pixel_bytes;
  g_autofree uint32_t *line = g_new (uint32_t, picture->width);
  VtRect              damage = { 0 };
  for (uint32_t y = 0; y < picture->height; y++)
    {
      uint64_t from = picture->start + y * picture->line_bytes, first = 0, end = needed;
      if (!vt_fits (from, needed, screen->ram->size))
        break;
      if (!all && !dirty_part (screen, from, needed, &first, &end))
        continue;
      uint32_t left = (uint32_t) (first / pixel_bytes), right = (uint32_t) ((end + pixel_bytes - 1) / pixel_bytes);
      draw (line, screen->ram->host + from + (uint64_t) left * pixel_bytes, right - left, picture);
      damage = join (damage, change_line (screen_line (screen, y) + left, line, right - left, left, y));
    }
  if (damage.width > 0)
    vt_surface_damage (screen->surface, damage);
}

void
screen_show (Screen *screen, const Picture *picture)
{
  if (!screen_set_mode (screen, picture->width, picture->height))
    return;
  bool touched = screen_harvest (screen);
  bool all = screen->redraw || memcmp (picture, &screen->shown, sizeof *picture) != 0;
  if (!all && !touched)
    return;
  screen->redraw = false;
  if (all)
    {
      screen->shown = *picture;
      memset (screen->mode.pixels, 0, (size_t) screen->mode.stride_bytes * screen->mode.height);
      screen_damage (screen, 0, 0, picture->width, picture->height);
    }
  draw_lines (screen, picture, all);
}
