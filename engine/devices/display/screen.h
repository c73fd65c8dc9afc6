/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What display devices have in common: which lines of which memory changed, and pixels of any depth onto a surface. */
#pragma once

#include "device.h"
#include "surface.h"

/* A framebuffer: lines of packed pixels.  Compared as bytes, so it is zeroed before it is filled in. */
typedef struct
{
  uint32_t width, height;
  uint32_t bpp;                /* 8 (palette), 15, 16, 24, 32 */
  uint32_t big_endian;
  uint64_t line_bytes;
  uint64_t start;              /* in the RAM block */
  uint32_t palette[256];       /* 0x00RRGGBB */
} Picture;

typedef struct
{
  VtSurface    *surface;       /* nullable */
  VtSurfaceMode mode;          /* what is on the surface; pixels NULL: nothing yet */
  bool          redraw;        /* all of it, at the next refresh */
  Picture       shown;
  VtRam        *ram;           /* watched pages; NULL: none */
  uint64_t      first_page, n_pages;
  uint8_t      *dirty;         /* one byte a page, since the last harvest */
} Screen;

void screen_init (Screen *screen, VtSurface *surface);
void screen_clear (Screen *screen);
/* Ask for the surface's mode anew, and draw everything. */
void screen_forget (Screen *screen);

/* Which memory the picture comes from: whole pages inside `ram`. */
void screen_watch (Screen *screen, VtRam *ram, uint64_t first_page, uint64_t n_pages);
/* Were watched pages written since the last harvest? */
bool screen_harvest (Screen *screen);
/* Bytes [from, from + len) of the RAM block, by the last harvest. Pages that are not watched are not dirty. */
bool screen_dirty (const Screen *screen, uint64_t from, uint64_t len);

/* Gives the surface this size; false when it refuses. */
bool      screen_set_mode (Screen *screen, uint32_t width, uint32_t height);
uint32_t *screen_line (const Screen *screen, uint32_t y);
void      screen_damage (const Screen *screen, uint32_t x, uint32_t y, uint32_t width, uint32_t height);

/* Brings a framebuffer in the watched RAM onto the surface: harvests, then draws the lines that changed. Lines beyond
 * the RAM are black. */
void screen_show (Screen *screen, const Picture *picture);
