/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VGA text modes. Only cells whose character, attribute, font or cursor changed are drawn again; text that is scrolled
 * by pixels or split is drawn by lines. */
#include "vga.h"

enum
{
  /* The cursor changes every 8 fields and characters every 16, at 70 Hz. */
  CURSOR_BLINK_NS = 114285714,
  TEXT_BLINK_NS   = 228571428,

  CELL_CURSOR = 1u << 16,     /* above character and attribute */
  CELL_HIDDEN = 1u << 17,     /* blinked away */
};

/* Code page 437, as it looks on the screen: the control codes are pictures too. */
static const uint16_t cp437_low[32] = {
  ' ', 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9, 0x2642, 0x2640, 0x266a, 0x266b,
  0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7, 0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221f,
  0x2194, 0x25b2, 0x25bc,
};
static const uint16_t cp437_high[129] = {
  0x2302, 0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
  0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff,
  0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1,
  0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593,
  0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
  0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
  0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518,
  0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5,
  0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264,
  0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

static gunichar
cp437 (uint8_t code)
{
  return code < 0x20 ? cp437_low[code] : code < 0x7f ? code : cp437_high[code - 0x7f];
}

/* --- Geometry ----------------------------------------------------------------------------------------------------- */

/* Plane 2 offset of a font: three bits of the font select register, not in order. */
static uint32_t
font_offset (unsigned select)
{
  return (select & 3) * 0x4000 + (select >> 2 & 1) * 0x2000;
}

/* With cells of nine dots, 8 is the value that does not move anything. */
static uint32_t
panning (unsigned value, uint32_t cell_width)
{
  if (cell_width == 8)
    return value & 7;
  return value < 8 ? value + 1 : 0;
}

static void
get_text (const Vga *vga, VgaText *text)
{
  const VgaState *s = vga->s;
  unsigned        font = s->seq[SEQ_FONT];
  memset (text, 0, sizeof *text);
  text->columns = MIN (s->crtc[CRTC_H_DISPLAY] + 1u, TEXT_COLUMNS_MAX);
  text->cell_width = s->seq[SEQ_CLOCKING] & SEQ_CLOCKING_8_DOTS ? 8 : 9;
  text->cell_height = (s->crtc[CRTC_CELL_HEIGHT] & 0x1fu) + 1;
  text->lines = vga_crtc_lines (vga);
  text->compare = vga_crtc_split (vga);
  if (s->crtc[CRTC_CELL_HEIGHT] & CRTC_CELL_DOUBLE)
    {
      text->lines = (text->lines + 1) / 2;
      text->compare /= 2;
    }
  text->rows = MIN ((text->lines + text->cell_height - 1) / text->cell_height, TEXT_ROWS_MAX);
  text->lines = MIN (text->lines, text->rows * text->cell_height);
  text->start = vga_crtc_start (vga) + (s->crtc[CRTC_ROW_SCAN] >> CRTC_ROW_SCAN_BYTES_SHIFT & 3u);
  text->first_line = (s->crtc[CRTC_ROW_SCAN] & 0x1fu) % text->cell_height;
  text->panning = panning (s->attr[ATTR_PANNING] & 0xfu, text->cell_width);
  text->split_still = (s->attr[ATTR_MODE] & ATTR_MODE_SPLIT_STILL) != 0;
  if (text->compare >= text->lines)
    text->compare = UINT32_MAX;
  text->pitch = s->crtc[CRTC_OFFSET] * 2u;
  text->address_shift = vga_crtc_shift (vga);
  text->font[0] = font_offset ((font & 3) | (font >> 2 & 4));
  text->font[1] = font_offset ((font >> 2 & 3) | (font >> 3 & 4));
  text->blink = (s->attr[ATTR_MODE] & ATTR_MODE_BLINK) != 0;
  text->line_graphics = (s->attr[ATTR_MODE] & ATTR_MODE_LINE_GRAPHICS) != 0;
  for (unsigned i = 0; i < 16; i++)
    text->colors[i] = vga_attribute_color (vga, i);
}

static const uint8_t *
cell_bytes (const Vga *vga, const VgaText *text, uint32_t counter)
{
  return vga->vram->host + (size_t) ((counter << text->address_shift) & (VGA_PLANE_BYTES - 1)) * 4;
}

/* --- Cells -------------------------------------------------------------------------------------------------------- */

static bool
phase (const Vga *vga, int64_t half_period_ns)
{
  return vga->clock == NULL || vt_clock_now (vga->clock) / half_period_ns % 2 == 0;
}

static uint32_t
cursor_counter (const Vga *vga)
{
  const uint8_t *crtc = vga->s->crtc;
  bool off = (crtc[CRTC_CURSOR_START] & CRTC_CURSOR_OFF) != 0
             || (crtc[CRTC_CURSOR_START] & 0x1f) > (crtc[CRTC_CURSOR_END] & 0x1f);
  if (off || !phase (vga, CURSOR_BLINK_NS))
    return UINT32_MAX;
  /* The skew, bits 5 and 6, is in characters. */
  return ((uint32_t) crtc[CRTC_CURSOR_HIGH] << 8 | crtc[CRTC_CURSOR_LOW]) + (crtc[CRTC_CURSOR_END] >> 5 & 3u);
}

static uint8_t
font_row (const Vga *vga, const VgaText *text, uint32_t cell, unsigned line)
{
  /* Attribute bit 3 chooses the font; both are the same one unless the guest made them differ. */
  const uint8_t *font = vga->fonts[cell >> 11 & 1];
  return line < 32 ? font[(cell & 0xff) * 32 + line] : 0;
}

/* Line `line` of a cell. */
static void
draw_cell_line (const Vga *vga, const VgaText *text, uint32_t *to, uint32_t cell, unsigned line)
{
  const uint8_t *crtc = vga->s->crtc;
  uint32_t ink = text->colors[cell >> 8 & 0xf];
  uint32_t paper = text->colors[cell >> 12 & (text->blink ? 7 : 15)];
  bool     underlined = (cell >> 8 & 0x77) == 0x01;   /* blue on black: underlined on a monochrome screen */
  uint8_t  bits = font_row (vga, text, cell, line);
  if (underlined && line == (crtc[CRTC_UNDERLINE] & 0x1fu))
    bits = 0xff;
  if (cell & CELL_HIDDEN)
    bits = 0;
  if ((cell & CELL_CURSOR) && line >= (crtc[CRTC_CURSOR_START] & 0x1fu) && line <= (crtc[CRTC_CURSOR_END] & 0x1fu))
    bits = 0xff;
  for (unsigned x = 0; x < 8; x++)
    to[x] = bits & 0x80u >> x ? ink : paper;
  if (text->cell_width == 9)
    {
      bool joined = text->line_graphics && (cell & 0xe0) == 0xc0 && (bits & 1) != 0;
      to[8] = joined ? ink : paper;
    }
}

static void
draw_cell (Vga *vga, const VgaText *text, uint32_t column, uint32_t row, uint32_t cell)
{
  for (unsigned line = 0; line < text->cell_height; line++)
    {
      uint32_t y = row * text->cell_height + line;
      if (y >= text->lines)
        return;
      draw_cell_line (vga, text, screen_line (&vga->screen, y) + column * text->cell_width, cell, line);
    }
}

static uint32_t
cell_at (const Vga *vga, const VgaText *text, uint32_t counter, uint32_t cursor, bool hide)
{
  const uint8_t *bytes = cell_bytes (vga, text, counter);
  uint32_t       cell = bytes[0] | (uint32_t) bytes[1] << 8;
  if (counter == cursor)
    cell |= CELL_CURSOR;
  if (hide && text->blink && (bytes[1] & 0x80) != 0)
    cell |= CELL_HIDDEN;
  return cell;
}

static void
draw_row (Vga *vga, const VgaText *text, uint32_t row, uint32_t cursor, bool hide)
{
  uint32_t first = UINT32_MAX, last = 0;
  for (uint32_t column = 0; column < text->columns; column++)
    {
      uint32_t  cell = cell_at (vga, text, text->start + row * text->pitch + column, cursor, hide);
      uint32_t *shown = &vga->cells[row * TEXT_COLUMNS_MAX + column];
      if (*shown == cell)
        continue;
      *shown = cell;
      draw_cell (vga, text, column, row, cell);
      first = MIN (first, column);
      last = column;
    }
  if (first != UINT32_MAX)
    screen_damage (&vga->screen, first * text->cell_width, row * text->cell_height,
                   (last - first + 1) * text->cell_width, text->cell_height);
}

/* --- Scrolled and split text -------------------------------------------------------------------------------------- */

static bool
is_plain (const VgaText *text)
{
  return text->panning == 0 && text->first_line == 0 && text->compare == UINT32_MAX;
}

static void
draw_scan_line (const Vga *vga, const VgaText *text, uint32_t y, uint32_t counter, unsigned line, uint32_t shift,
                uint32_t cursor, bool hide)
{
  uint32_t wide[(TEXT_COLUMNS_MAX + 1) * 9];
  for (uint32_t column = 0; column <= text->columns; column++)
    draw_cell_line (vga, text, wide + column * text->cell_width, cell_at (vga, text, counter + column, cursor, hide),
                    line);
  memcpy (screen_line (&vga->screen, y), wide + shift, (size_t) text->columns * text->cell_width * 4);
}

static void
draw_scrolled (Vga *vga, const VgaText *text, uint32_t cursor, bool hide)
{
  uint32_t counter = text->start, shift = text->panning;
  unsigned line = text->first_line;
  for (uint32_t y = 0; y < text->lines; y++)
    {
      if (y == text->compare)
        {
          counter = line = 0;
          shift = text->split_still ? 0 : shift;
        }
      draw_scan_line (vga, text, y, counter, line, shift, cursor, hide);
      if (++line == text->cell_height)
        {
          line = 0;
          counter += text->pitch;
        }
    }
  screen_damage (&vga->screen, 0, 0, text->columns * text->cell_width, text->lines);
}

/* --- All of it ---------------------------------------------------------------------------------------------------- */


/* True when a font changed. */
static bool
load_fonts (Vga *vga, const VgaText *text)
{
  bool changed = false;
  for (unsigned f = 0; f < 2; f++)
    for (unsigned i = 0; i < FONT_BYTES; i++)
      {
        uint8_t bits = vga->vram->host[(size_t) ((text->font[f] + i) & (VGA_PLANE_BYTES - 1)) * 4 + 2];
        changed |= bits != vga->fonts[f][i];
        vga->fonts[f][i] = bits;
      }
  return changed;
}

/* A new start address alone (scrolling) is seen by comparing cells. */
static bool
looks_different (const Vga *vga, const VgaText *text)
{
  VgaText moved = vga->text;
  if (is_plain (text))
    moved.start = text->start;
  return memcmp (text, &moved, sizeof moved) != 0;
}

void
vga_text_refresh (Vga *vga, bool touched)
{
  Screen *screen = &vga->screen;
  VgaText text;
  get_text (vga, &text);
  if (!screen_set_mode (screen, text.columns * text.cell_width, text.lines))
    return;
  screen->redraw |= looks_different (vga, &text);
  vga->text = text;
  if ((touched || screen->redraw) && load_fonts (vga, &text))
    screen->redraw = true;
  uint32_t cursor = cursor_counter (vga);
  bool     hide = !phase (vga, TEXT_BLINK_NS);
  uint32_t blinking = cursor << 1 | hide;
  if (screen->redraw)
    memset (vga->cells, 0xff, sizeof vga->cells);   /* a cell that no screen has */
  if (is_plain (&text))
    for (uint32_t row = 0; row < text.rows; row++)
      draw_row (vga, &text, row, cursor, hide);
  else if (screen->redraw || touched || blinking != vga->text_phase)
    draw_scrolled (vga, &text, cursor, hide);
  screen->redraw = false;
  vga->text_phase = blinking;
}

char *
vga_text (const Vga *vga)
{
  if (!vga_is_text (vga))
    return NULL;
  VgaText text;
  get_text (vga, &text);
  GString *out = g_string_new (NULL);
  for (uint32_t row = 0; row < text.rows; row++)
    {
      gsize line = out->len, end = out->len;
      for (uint32_t column = 0; column < text.columns; column++)
        {
          uint8_t code = cell_bytes (vga, &text, text.start + row * text.pitch + column)[0];
          g_string_append_unichar (out, cp437 (code));
          /* Blanks at the end of a line are not text. */
          if (code != ' ' && code != 0 && code != 0xff)
            end = out->len;
        }
      g_string_truncate (out, MAX (line, end));
      g_string_append_c (out, '\n');
    }
  return g_string_free (out, FALSE);
}
