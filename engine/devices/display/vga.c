/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VGA registers, DAC and memory window (IBM VGA, "Hardware Interface Technical Reference", 1992). */
#include "vga.h"

#include "trace-display.h"

enum
{
  /* The horizontal rate of every VGA mode is 31.469 kHz. */
  LINE_NS = 31778,
  LINE_VISIBLE_NS = 25422,
  DEFAULT_TOTAL_LINES = 449,

  STATUS_BLANK = 1u << 0,
  STATUS_RETRACE = 1u << 3,
};

/* --- Derived numbers ---------------------------------------------------------------------------------------------- */

uint32_t
vga_crtc_lines (const Vga *vga)
{
  const uint8_t *crtc = vga->s->crtc;
  return (crtc[CRTC_V_DISPLAY] | (crtc[CRTC_OVERFLOW] & 0x02u) << 7 | (crtc[CRTC_OVERFLOW] & 0x40u) << 3) + 1;
}

uint32_t
vga_crtc_start (const Vga *vga)
{
  return (uint32_t) vga->s->crtc[CRTC_START_HIGH] << 8 | vga->s->crtc[CRTC_START_LOW];
}

unsigned
vga_crtc_shift (const Vga *vga)
{
  if (vga->s->crtc[CRTC_UNDERLINE] & CRTC_UNDERLINE_DWORD)
    return 2;
  return vga->s->crtc[CRTC_MODE] & CRTC_MODE_BYTE ? 0 : 1;
}

uint32_t
vga_crtc_split (const Vga *vga)
{
  const uint8_t *crtc = vga->s->crtc;
  return (crtc[CRTC_LINE_COMPARE] | (crtc[CRTC_OVERFLOW] & 0x10u) << 4 | (crtc[CRTC_CELL_HEIGHT] & 0x40u) << 3) + 1;
}

static bool
dac_is_8_bit (const Vga *vga)
{
  return (vga->s->dispi.reg[DISPI_ENABLE] & DISPI_ENABLE_DAC8) != 0;
}

uint32_t
vga_dac_color (const Vga *vga, unsigned n)
{
  const uint8_t *rgb = &vga->s->dac[(n & vga->s->dac_mask & 0xff) * 3];
  if (dac_is_8_bit (vga))
    return (uint32_t) rgb[0] << 16 | (uint32_t) rgb[1] << 8 | rgb[2];
  uint32_t color = 0;
  for (unsigned i = 0; i < 3; i++)
    {
      unsigned six = rgb[i] & 0x3f;
      color = color << 8 | six << 2 | six >> 4;
    }
  return color;
}

uint32_t
vga_attribute_color (const Vga *vga, unsigned n)
{
  const uint8_t *attr = vga->s->attr;
  unsigned value = attr[n & 0xf] & 0x3f;
  if (attr[ATTR_MODE] & ATTR_MODE_P54)
    value = (value & 0xf) | (attr[ATTR_COLOR_SELECT] & 3u) << 4;
  return vga_dac_color (vga, value | (attr[ATTR_COLOR_SELECT] & 0xcu) << 4);
}

/* --- Timing ------------------------------------------------------------------------------------------------------- */

/* Where the beam is, from the clock: programs wait for retrace, and some measure it. */
static uint8_t
input_status (const Vga *vga)
{
  if (vga->clock == NULL)
    return STATUS_BLANK | STATUS_RETRACE;
  const uint8_t *crtc = vga->s->crtc;
  unsigned total = (crtc[CRTC_V_TOTAL] | (crtc[CRTC_OVERFLOW] & 0x01u) << 8 | (crtc[CRTC_OVERFLOW] & 0x20u) << 4) + 2;
  unsigned retrace = crtc[CRTC_V_RETRACE] | (crtc[CRTC_OVERFLOW] & 0x04u) << 6 | (crtc[CRTC_OVERFLOW] & 0x80u) << 2;
  unsigned visible = vga_crtc_lines (vga);
  if (total < 100 || retrace >= total || visible > total)
    {
      total = DEFAULT_TOTAL_LINES;
      retrace = 412;
      visible = 400;
    }
  uint64_t now = (uint64_t) vt_clock_now (vga->clock);
  uint64_t line = now / LINE_NS % total;
  uint8_t  status = line >= visible || now % LINE_NS >= LINE_VISIBLE_NS ? STATUS_BLANK : 0;
  /* The width of the pulse is four bits of line count. */
  unsigned width = ((crtc[CRTC_V_RETRACE_END] & 0xfu) - (retrace & 0xf)) & 0xf;
  if (line >= retrace && line - retrace < (width != 0 ? width : 2))
    status |= STATUS_RETRACE;
  return status;
}

/* --- Ports -------------------------------------------------------------------------------------------------------- */

static bool
crtc_port (const Vga *vga, unsigned port)
{
  unsigned base = vga->s->misc & MISC_COLOR ? 0x3d0 : 0x3b0;
  return (port & 0x3f0) == base;
}

static uint8_t
read_dac (VgaState *s)
{
  uint8_t value = s->dac[s->dac_read * 3 + s->dac_part];
  if (++s->dac_part == 3)
    {
      s->dac_part = 0;
      s->dac_read++;
    }
  return value;
}

/* A colour changes when its third component comes. */
static void
write_dac (Vga *vga, uint8_t value)
{
  VgaState *s = vga->s;
  if (!dac_is_8_bit (vga))
    value &= 0x3f;
  if (s->dac_part < 2)
    {
      s->dac_partial[s->dac_part++] = value;
      return;
    }
  uint8_t *rgb = &s->dac[s->dac_write * 3];
  rgb[0] = s->dac_partial[0];
  rgb[1] = s->dac_partial[1];
  rgb[2] = value;
  s->dac_part = 0;
  s->dac_write++;
}

static void
write_attribute (VgaState *s, uint8_t value)
{
  s->attr_data = !s->attr_data;
  if (s->attr_data)
    s->attr_index = value & 0x3f;
  else if ((s->attr_index & 0x1f) < ATTR_COUNT)
    s->attr[s->attr_index & 0x1f] = value;
}

static void
write_crtc (VgaState *s, uint8_t value)
{
  unsigned index = s->crtc_index;
  bool     protected = (s->crtc[CRTC_V_RETRACE_END] & CRTC_PROTECT) != 0;
  if (index >= CRTC_COUNT)
    return;
  /* Registers 0..7 are write-protected, but for the line compare bit. */
  if (protected && index == CRTC_OVERFLOW)
    s->crtc[index] = (uint8_t) ((s->crtc[index] & ~0x10) | (value & 0x10));
  else if (!protected || index > CRTC_OVERFLOW)
    s->crtc[index] = value;
}

uint8_t
vga_port_read (Vga *vga, unsigned port)
{
  VgaState *s = vga->s;
  switch (port)
    {
    case 0x3c0: return s->attr_index;
    case 0x3c1: return (s->attr_index & 0x1f) < ATTR_COUNT ? s->attr[s->attr_index & 0x1f] : 0;
    case 0x3c2: return 0x10;                           /* switch sense: a colour monitor */
    case 0x3c4: return s->seq_index;
    case 0x3c5: return s->seq_index < SEQ_COUNT ? s->seq[s->seq_index] : 0;
    case 0x3c6: return s->dac_mask;
    case 0x3c7: return s->dac_reading ? 3 : 0;
    case 0x3c8: return s->dac_write;
    case 0x3c9: return read_dac (s);
    case 0x3ca: return s->feature;
    case 0x3cc: return s->misc;
    case 0x3ce: return s->gfx_index;
    case 0x3cf: return s->gfx_index < GFX_COUNT ? s->gfx[s->gfx_index] : 0;
    }
  /* The video BIOS looks at 0x3da to turn to the attribute index, in monochrome modes too. */
  if ((port & 0xf) == 0xa)
    s->attr_data = false;
  if (!crtc_port (vga, port))
    return 0xff;
  switch (port & 0xf)
    {
    case 0x4: return s->crtc_index;
    case 0x5: return s->crtc_index < CRTC_COUNT ? s->crtc[s->crtc_index] : 0;
    case 0xa: return input_status (vga);
    default: return 0xff;
    }
}

void
vga_port_write (Vga *vga, unsigned port, uint8_t value)
{
  VgaState *s = vga->s;
  trace_vga_port_write (port, value);
  switch (port)
    {
    case 0x3c0: write_attribute (s, value); return;
    case 0x3c2: s->misc = value; return;
    case 0x3c4: s->seq_index = value & 7; return;
    case 0x3c5:
      if (s->seq_index < SEQ_COUNT)
        s->seq[s->seq_index] = value;
      return;
    case 0x3c6: s->dac_mask = value; return;
    case 0x3c7:
      s->dac_read = value;
      s->dac_part = 0;
      s->dac_reading = true;
      return;
    case 0x3c8:
      s->dac_write = value;
      s->dac_part = 0;
      s->dac_reading = false;
      return;
    case 0x3c9: write_dac (vga, value); return;
    case 0x3ce: s->gfx_index = value & 15; return;
    case 0x3cf:
      if (s->gfx_index < GFX_COUNT)
        s->gfx[s->gfx_index] = value;
      return;
    }
  if ((port & 0x3f0) == 0x3c0)
    return;
  /* At either address: the video BIOS programs the CRTC before it chooses between monochrome and colour. What reads
   * back does so at one of them, so nobody finds a second card. */
  switch (port & 0xf)
    {
    case 0x4: s->crtc_index = value; break;
    case 0x5: write_crtc (s, value); break;
    case 0xa: s->feature = value; break;
    }
}

/* --- The window --------------------------------------------------------------------------------------------------- */

/* Where in the window's current place `off` (from 0xa0000) is; false: not decoded. */
static bool
in_window (const Vga *vga, uint32_t off, uint32_t *in)
{
  static const struct { uint32_t start, len; } maps[4] = {
    { 0x00000, 0x20000 }, { 0x00000, 0x10000 }, { 0x10000, 0x8000 }, { 0x18000, 0x8000 },
  };
  unsigned map = vga->s->gfx[GFX_MISC] >> 2 & 3;
  *in = off - maps[map].start;
  return (vga->s->misc & MISC_RAM) != 0 && off >= maps[map].start && *in < maps[map].len;
}

/* While the display interface is on, the window is a 64 KiB bank of linear memory, or of each plane. */
static bool
in_bank (const Vga *vga, uint32_t off, uint64_t *at)
{
  *at = (uint64_t) vga->s->dispi.reg[DISPI_BANK] * 0x10000 + off;
  return off < 0x10000 && *at < vga->vram->size;
}

static bool
is_linear (const Vga *vga)
{
  return vga_dispi_on (vga) && vga->s->dispi.reg[DISPI_BPP] != 4;
}

typedef struct
{
  uint64_t at;       /* of the planes' four bytes, in video memory */
  unsigned plane;    /* for reads by plane */
  unsigned writes;   /* planes that a write reaches, before the map mask */
} PlaneAddress;

static PlaneAddress
plane_address (const Vga *vga, uint32_t in, bool write)
{
  const VgaState *s = vga->s;
  uint64_t        base = vga_dispi_on (vga) ? (uint64_t) s->dispi.reg[DISPI_BANK] << 16 : 0;
  unsigned        plane = s->gfx[GFX_READ_MAP] & 3, writes = 0xf;
  in &= 0xffff;
  if (s->seq[SEQ_MEMORY] & SEQ_MEMORY_CHAIN_4)
    {
      plane = in & 3;
      writes = 1u << plane;
      in &= ~3u;
    }
  else
    {
      /* Odd and even addresses: of writes by the sequencer, of reads by the graphics controller. */
      bool odd_even
          = write ? (s->seq[SEQ_MEMORY] & SEQ_MEMORY_SEQUENTIAL) == 0 : (s->gfx[GFX_MODE] & GFX_MODE_ODD_EVEN) != 0;
      if (odd_even)
        {
          writes = in & 1 ? 0xa : 0x5;
          plane = (plane & 2) | (in & 1);
          in &= ~1u;
        }
    }
  return (PlaneAddress) { (base + in) * 4 & (vga->vram->size - 1), plane, writes };
}

uint8_t
vga_window_read (Vga *vga, uint32_t off)
{
  VgaState *s = vga->s;
  uint64_t  linear;
  uint32_t  in;
  if (is_linear (vga))
    return in_bank (vga, off, &linear) ? vga->vram->host[linear] : 0xff;
  if (!in_window (vga, off, &in))
    return 0xff;
  PlaneAddress address = plane_address (vga, in, false);
  memcpy (s->latch, vga->vram->host + address.at, 4);
  if ((s->gfx[GFX_MODE] & GFX_MODE_READ_COMPARE) == 0)
    return s->latch[address.plane];
  /* A bit is set where all planes that matter have the compared colour. */
  uint8_t same = 0xff;
  for (unsigned p = 0; p < 4; p++)
    if (s->gfx[GFX_DONT_CARE] >> p & 1)
      same &= (uint8_t) ~(s->latch[p] ^ (s->gfx[GFX_COMPARE] >> p & 1 ? 0xff : 0));
  return same;
}

static uint8_t
rotate (uint8_t value, unsigned n)
{
  return (uint8_t) (value >> n | value << (8 - n));
}

static uint8_t
combine (uint8_t value, uint8_t latch, unsigned function, uint8_t mask)
{
  switch (function)
    {
    case 1: value &= latch; break;
    case 2: value |= latch; break;
    case 3: value ^= latch; break;
    }
  return (uint8_t) ((value & mask) | (latch & ~mask));
}

/* What the four write modes make of a byte for one plane. */
static uint8_t
plane_value (const VgaState *s, unsigned p, uint8_t value)
{
  uint8_t  set = s->gfx[GFX_SET_RESET] >> p & 1 ? 0xff : 0, mask = s->gfx[GFX_BIT_MASK];
  unsigned function = s->gfx[GFX_ROTATE] >> 3 & 3;
  uint8_t  rotated = rotate (value, s->gfx[GFX_ROTATE] & 7);
  switch (s->gfx[GFX_MODE] & 3)
    {
    case 0:
      return combine (s->gfx[GFX_ENABLE_SET_RESET] >> p & 1 ? set : rotated, s->latch[p], function, mask);
    case 1:
      return s->latch[p];
    case 2:
      return combine (value >> p & 1 ? 0xff : 0, s->latch[p], function, mask);
    default:
      return combine (set, s->latch[p], function, mask & rotated);
    }
}

void
vga_window_write (Vga *vga, uint32_t off, uint8_t value)
{
  const VgaState *s = vga->s;
  uint64_t        linear;
  uint32_t        in;
  if (is_linear (vga))
    {
      if (!in_bank (vga, off, &linear))
        return;
      vga->vram->host[linear] = value;
      vt_ram_mark (vga->vram, linear, 1);
      return;
    }
  if (!in_window (vga, off, &in))
    return;
  PlaneAddress address = plane_address (vga, in, true);
  uint8_t     *bytes = vga->vram->host + address.at;
  unsigned     planes = address.writes & s->seq[SEQ_MAP_MASK];
  for (unsigned p = 0; p < 4; p++)
    if (planes >> p & 1)
      bytes[p] = plane_value (s, p, value);
  vt_ram_mark (vga->vram, address.at, 4);
}

/* --- The display interface ---------------------------------------------------------------------------------------- */

bool
vga_dispi_on (const Vga *vga)
{
  return dispi_on (&vga->dispi);
}

void
vga_dispi_write (Vga *vga, unsigned index, uint16_t value)
{
  bool was_8_bit = dac_is_8_bit (vga);
  dispi_write (&vga->dispi, index, value);
  if (was_8_bit == dac_is_8_bit (vga))
    return;
  /* Colours stay what they are when the width of their components changes. */
  for (unsigned i = 0; i < sizeof vga->s->dac; i++)
    {
      unsigned component = vga->s->dac[i];
      vga->s->dac[i] = (uint8_t) (was_8_bit ? component >> 2 : component << 2 | component >> 4);
    }
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

void
vga_init (Vga *vga, VtDevice *dev, VgaState *s, bool *big_endian, VtRam *vram, VtClock *clock, VtSurface *surface)
{
  g_assert (vram->size >= VGA_LEGACY_BYTES);
  vga->dev = dev;
  vga->s = s;
  vga->vram = vram;
  vga->clock = clock;
  vga->dispi = (Dispi) { .s = &s->dispi, .big_endian = big_endian, .vram = vram, .surface = surface };
  screen_init (&vga->screen, surface);
}

void
vga_clear (Vga *vga)
{
  screen_clear (&vga->screen);
}

void
vga_settle (Vga *vga)
{
  vga_invalidate (vga);
}

bool
vga_state_possible (const Vga *vga, const VgaState *s)
{
  return s->dac_part < 3;
}

/* --- The screen --------------------------------------------------------------------------------------------------- */

void
vga_invalidate (Vga *vga)
{
  screen_forget (&vga->screen);
}

static void
refresh_linear (Vga *vga)
{
  Picture picture;
  if (!dispi_picture (&vga->dispi, &picture))
    return;
  for (unsigned i = 0; picture.bpp == 8 && i < 256; i++)
    picture.palette[i] = vga_dac_color (vga, i);
  screen_show (&vga->screen, &picture);
}

bool
vga_shows (const Vga *vga)
{
  return (vga->s->attr_index & ATTR_INDEX_DISPLAY) != 0 && (vga->s->seq[SEQ_CLOCKING] & SEQ_CLOCKING_OFF) == 0
         && (!vga_dispi_on (vga) || dispi_shows (&vga->dispi));
}

void
vga_refresh (Vga *vga)
{
  if (vga->screen.surface == NULL)
    return;
  bool blank = !vga_shows (vga);
  vt_surface_set_blank (vga->screen.surface, blank);
  if (blank)
    {
      vga->screen.redraw = true;
      return;
    }
  bool text = vga_is_text (vga);
  vga->screen.redraw |= text != vga->in_text;
  vga->in_text = text;
  screen_watch (&vga->screen, vga->vram, 0, (vga_dispi_on (vga) ? vga->vram->size : VGA_LEGACY_BYTES) >> VT_PAGE_SHIFT);
  if (is_linear (vga))
    refresh_linear (vga);
  else if (text)
    vga_text_refresh (vga, screen_harvest (&vga->screen));
  else
    vga_graphics_refresh (vga, screen_harvest (&vga->screen));
}
