/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VGA core: what a VGA card is apart from the bus that it sits on.
 *
 *   vga.c           registers, DAC, the 0xa0000 window (IBM VGA, "Hardware Interface Technical Reference")
 *   dispi.c         the Bochs display interface, screen.c linear framebuffers
 *   vga-text.c      text modes, to pixels and to characters
 *   vga-graphics.c  planar, CGA and 256-colour modes
 *
 * Video memory holds the four planes interleaved: byte p of word a is byte a of plane p.  Linear modes use it as it
 * is. */
#pragma once

#include "dispi.h"

enum
{
  VGA_PLANE_BYTES = 65536,
  VGA_LEGACY_BYTES = 4 * VGA_PLANE_BYTES,

  SEQ_RESET = 0, SEQ_CLOCKING = 1, SEQ_MAP_MASK = 2, SEQ_FONT = 3, SEQ_MEMORY = 4, SEQ_COUNT = 5,
  GFX_SET_RESET = 0, GFX_ENABLE_SET_RESET = 1, GFX_COMPARE = 2, GFX_ROTATE = 3, GFX_READ_MAP = 4, GFX_MODE = 5,
  GFX_MISC = 6, GFX_DONT_CARE = 7, GFX_BIT_MASK = 8, GFX_COUNT = 9,
  CRTC_H_DISPLAY = 0x01, CRTC_V_TOTAL = 0x06, CRTC_OVERFLOW = 0x07, CRTC_ROW_SCAN = 0x08, CRTC_CELL_HEIGHT = 0x09,
  CRTC_CURSOR_START = 0x0a, CRTC_CURSOR_END = 0x0b, CRTC_START_HIGH = 0x0c, CRTC_START_LOW = 0x0d,
  CRTC_CURSOR_HIGH = 0x0e, CRTC_CURSOR_LOW = 0x0f, CRTC_V_RETRACE = 0x10, CRTC_V_RETRACE_END = 0x11,
  CRTC_V_DISPLAY = 0x12, CRTC_OFFSET = 0x13, CRTC_UNDERLINE = 0x14, CRTC_MODE = 0x17, CRTC_LINE_COMPARE = 0x18,
  CRTC_COUNT = 0x19,
  ATTR_MODE = 0x10, ATTR_OVERSCAN = 0x11, ATTR_PLANES = 0x12, ATTR_PANNING = 0x13, ATTR_COLOR_SELECT = 0x14,
  ATTR_COUNT = 0x15,

  SEQ_CLOCKING_8_DOTS  = 1u << 0,
  SEQ_CLOCKING_OFF     = 1u << 5,
  SEQ_MEMORY_SEQUENTIAL = 1u << 2,
  SEQ_MEMORY_CHAIN_4   = 1u << 3,
  GFX_MODE_READ_COMPARE = 1u << 3,
  GFX_MODE_ODD_EVEN    = 1u << 4,
  GFX_MODE_CGA         = 1u << 5,
  GFX_MODE_256         = 1u << 6,
  GFX_MISC_GRAPHICS    = 1u << 0,
  CRTC_CELL_DOUBLE     = 1u << 7,
  CRTC_ROW_SCAN_BYTES_SHIFT = 5,      /* of CRTC_ROW_SCAN: byte panning, above the first row's first line */
  CRTC_UNDERLINE_DWORD = 1u << 6,
  CRTC_MODE_BYTE       = 1u << 6,
  CRTC_PROTECT         = 1u << 7,     /* of CRTC_V_RETRACE_END */
  CRTC_CURSOR_OFF      = 1u << 5,     /* of CRTC_CURSOR_START */
  ATTR_MODE_LINE_GRAPHICS = 1u << 2,
  ATTR_MODE_BLINK      = 1u << 3,
  ATTR_MODE_SPLIT_STILL = 1u << 5,    /* the lower part of a split screen does not pan */
  ATTR_MODE_256        = 1u << 6,
  ATTR_MODE_P54        = 1u << 7,
  ATTR_INDEX_DISPLAY   = 1u << 5,     /* palette address source: the screen is on */
  MISC_COLOR           = 1u << 0,
  MISC_RAM             = 1u << 1,
};

typedef struct
{
  uint8_t  misc, feature;
  uint8_t  seq_index, seq[SEQ_COUNT];
  uint8_t  gfx_index, gfx[GFX_COUNT];
  uint8_t  crtc_index, crtc[CRTC_COUNT];
  uint8_t  attr_index, attr[ATTR_COUNT];
  uint8_t  dac_mask, dac_read, dac_write, dac_part;
  uint8_t  dac_partial[2];        /* red and green of the colour that is being written */
  uint8_t  dac[768];
  bool     attr_data;             /* flip-flop: the next write to 0x3c0 is data */
  bool     dac_reading;           /* what 0x3c7 tells */
  uint8_t  latch[4];
  uint8_t  pad_[2];
  DispiState dispi;
} VgaState;

#define VGA_FIELDS(T, m)                                                                                               \
  VT_FIELD (T, m.misc), VT_FIELD (T, m.feature), VT_FIELD (T, m.seq_index),               \
    VT_FIELD (T, m.seq), VT_FIELD (T, m.gfx_index), VT_FIELD (T, m.gfx), VT_FIELD (T, m.crtc_index),                   \
    VT_FIELD (T, m.crtc), VT_FIELD (T, m.attr_index), VT_FIELD (T, m.attr), VT_FIELD (T, m.dac_mask),                  \
    VT_FIELD (T, m.dac_read), VT_FIELD (T, m.dac_write), VT_FIELD (T, m.dac_part), VT_FIELD (T, m.dac_partial),        \
    VT_FIELD (T, m.dac), VT_FIELD (T, m.attr_data), VT_FIELD (T, m.dac_reading), VT_FIELD (T, m.latch),                \
    VT_FIELD (T, m.pad_), DISPI_FIELDS (T, m.dispi)

#define VGA_AT_RESET                                                                                                   \
  { .dac_mask = 0xff, .dispi = DISPI_AT_RESET }

enum
{
  TEXT_COLUMNS_MAX = 256,
  TEXT_ROWS_MAX = 128,
  FONT_BYTES = 256 * 32,
};

/* Everything that decides how a text cell looks; compared as bytes, so it is zeroed before it is filled in. */
typedef struct
{
  uint32_t columns, rows, cell_width, cell_height, lines;
  uint32_t start, pitch, address_shift;
  uint32_t font[2];            /* plane 2 offsets of fonts B (attribute bit 3 clear) and A */
  uint32_t colors[16];
  uint32_t blink, line_graphics;
  /* Smooth scrolling and split screens */
  uint32_t panning, first_line, compare, split_still;
} VgaText;

typedef enum
{
  VGA_PLANAR,
  VGA_CGA,
  VGA_256,
} VgaKind;

typedef struct
{
  uint32_t kind;               /* VgaKind */
  uint32_t width, height;
  uint32_t start, pitch;       /* plane addresses, before the shift */
  uint32_t plane_mask;         /* of plane addresses */
  uint32_t panning, shift, mode, cell_height, first_line, compare, split_still, enabled;
  uint32_t palette[256];
} VgaGraphics;

typedef struct
{
  VtDevice     *dev;
  VgaState     *s;
  VtRam        *vram;
  VtClock      *clock;         /* nullable */
  Dispi         dispi;

  /* Derived: what is on the surface now. */
  Screen        screen;
  bool          in_text;
  VgaText       text;
  uint32_t      text_phase;    /* of cursor and blinking, for scrolled text */
  VgaGraphics   graphics;
  uint8_t       fonts[2][FONT_BYTES];
  uint32_t      cells[TEXT_COLUMNS_MAX * TEXT_ROWS_MAX];
} Vga;

void vga_init (Vga *vga, VtDevice *dev, VgaState *s, bool *big_endian, VtRam *vram, VtClock *clock, VtSurface *surface);
void vga_clear (Vga *vga);
/* After reset and load. */
void vga_settle (Vga *vga);
bool vga_state_possible (const Vga *vga, const VgaState *s);

/* Ports 0x3b0..0x3df, one byte each. */
uint8_t vga_port_read (Vga *vga, unsigned port);
void    vga_port_write (Vga *vga, unsigned port, uint8_t value);
/* The window: off from 0xa0000, below 0x20000. */
uint8_t vga_window_read (Vga *vga, uint32_t off);
void    vga_window_write (Vga *vga, uint32_t off, uint8_t value);

void vga_dispi_write (Vga *vga, unsigned index, uint16_t value);
bool vga_dispi_on (const Vga *vga);

/* Colour n of the DAC as 0x00RRGGBB. */
uint32_t vga_dac_color (const Vga *vga, unsigned n);
/* Colour of a 4-bit attribute through palette and colour select registers. */
uint32_t vga_attribute_color (const Vga *vga, unsigned n);
/* Lines that the CRTC shows. */
uint32_t vga_crtc_lines (const Vga *vga);
uint32_t vga_crtc_start (const Vga *vga);
/* How far a counter step moves in a plane: 0, 1, 2 for byte, word and double word mode. */
unsigned vga_crtc_shift (const Vga *vga);
/* The first scan line of the lower part of a split screen. */
uint32_t vga_crtc_split (const Vga *vga);

/* Brings the surface up to date. */
void vga_refresh (Vga *vga);
void vga_invalidate (Vga *vga);
/* Is the screen on? */
bool vga_shows (const Vga *vga);
void vga_text_refresh (Vga *vga, bool touched);
void vga_graphics_refresh (Vga *vga, bool touched);   /* not for linear modes */
/* UTF-8 lines, or NULL in a graphics mode. */
char *vga_text (const Vga *vga);

static inline bool
vga_is_text (const Vga *vga)
{
  return !vga_dispi_on (vga) && (vga->s->gfx[GFX_MISC] & GFX_MISC_GRAPHICS) == 0;
}
