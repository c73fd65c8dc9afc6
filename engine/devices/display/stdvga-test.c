/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The VGA programmed as a BIOS and as drivers do it, and its picture looked at. */
#include "stdvga.h"

#include "screen-rig.h"

enum
{
  DEVFN = VT_PCI_DEVFN (1, 0),
  LFB = 0xe0000000, MMIO = 0xe8000000,
  VRAM_BYTES = 4 << 20,
};

typedef struct
{
  ScreenRig screen;
  VtRam    *vram;
  VtDevice *vga;
} Rig;

static void
outb (Rig *rig, unsigned port, unsigned value)
{
  g_autoptr (VtView) view = vt_mem_view (rig->screen.pci.io);
  vt_view_write (view, VT_GPA (port), value, 1);
}

static void
outw (Rig *rig, unsigned port, unsigned value)
{
  g_autoptr (VtView) view = vt_mem_view (rig->screen.pci.io);
  vt_view_write (view, VT_GPA (port), value, 2);
}

static unsigned
in (Rig *rig, unsigned port, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (rig->screen.pci.io);
  return (unsigned) vt_view_read (view, VT_GPA (port), size);
}

static void
put (Rig *rig, uint64_t at, uint64_t value, unsigned size)
{
  pci_rig_put (&rig->screen.pci, at, value, size);
}

static uint64_t
get (Rig *rig, uint64_t at, unsigned size)
{
  return pci_rig_get (&rig->screen.pci, at, size);
}

static Rig *
rig_new (void)
{
  static const uint8_t rom[512] = { 0x55, 0xaa, 1 };
  Rig *rig = g_new0 (Rig, 1);
  screen_rig_init (&rig->screen);
  PciRig *pci = &rig->screen.pci;
  rig->vram = vt_ram_new ("vram", g_aligned_alloc0 (1, VRAM_BYTES, 4096), VRAM_BYTES, pci_rig_free_ram);
  VtStdvgaConfig config = { .place = { pci->bus, DEVFN }, .vram = rig->vram, .rom = rom, .rom_len = sizeof rom,
                            .surface = rig->screen.surface };
  rig->vga = pci_rig_add (pci, &vt_stdvga, &config);
  pci_rig_enable (pci, DEVFN, 0, LFB);
  pci_rig_enable (pci, DEVFN, 2, MMIO);
  return rig;
}

static void
rig_free (Rig *rig)
{
  vt_device_free (rig->vga);
  screen_rig_clear (&rig->screen);
  vt_ram_free (rig->vram);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* --- Mode setting, as the tables of any VGA BIOS have it ---------------------------------------------------------- */

typedef struct
{
  uint8_t misc, seq[4], crtc[25], attr[20], gfx[9];
} VgaMode;

static const VgaMode text_80x25 = {
  .misc = 0x67, .seq = { 0x00, 0x03, 0x00, 0x02 },
  .crtc = { 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
            0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
  .attr = { 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08 },
  .gfx = { 0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff },
};
static const VgaMode mode_13h = {
  .misc = 0x63, .seq = { 0x01, 0x0f, 0x00, 0x0e },
  .crtc = { 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
            0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
  .attr = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0x00, 0x0f, 0x00 },
  .gfx = { 0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff },
};
static const VgaMode mode_12h = {
  .misc = 0xe3, .seq = { 0x01, 0x0f, 0x00, 0x06 },
  .crtc = { 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xea, 0x8c,
            0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff },
  .attr = { 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x01, 0x00, 0x0f, 0x00 },
  .gfx = { 0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff },
};

static void
set_mode (Rig *rig, const VgaMode *mode)
{
  outb (rig, 0x3c2, mode->misc);
  for (unsigned i = 0; i < 4; i++)
    outw (rig, 0x3c4, (i + 1) | mode->seq[i] << 8);
  outw (rig, 0x3d4, 0x0011);
  for (unsigned i = 0; i < 25; i++)
    outw (rig, 0x3d4, i | mode->crtc[i] << 8);
  for (unsigned i = 0; i < 9; i++)
    outw (rig, 0x3ce, i | mode->gfx[i] << 8);
  in (rig, 0x3da, 1);
  for (unsigned i = 0; i < 20; i++)
    {
      outb (rig, 0x3c0, i);
      outb (rig, 0x3c0, mode->attr[i]);
    }
  outb (rig, 0x3c0, 0x20);
  outb (rig, 0x3c6, 0xff);
  outb (rig, 0x3c8, 0);
  for (unsigned i = 0; i < 256; i++)
    for (unsigned c = 0; c < 3; c++)
      outb (rig, 0x3c9, i == 7 ? 0x2a : (i * (c + 1)) & 0x3f);
}

/* A font whose character n has n in its first line, and full second lines. */
static void
load_font (Rig *rig)
{
  outw (rig, 0x3c4, 0x0402);
  outw (rig, 0x3c4, 0x0604);
  outw (rig, 0x3ce, 0x0005);
  outw (rig, 0x3ce, 0x0406);
  for (unsigned i = 0; i < 256; i++)
    {
      put (rig, 0xa0000 + i * 32, i, 1);
      put (rig, 0xa0000 + i * 32 + 1, 0xff, 1);
    }
  outw (rig, 0x3c4, 0x0302);
  outw (rig, 0x3c4, 0x0204);
  outw (rig, 0x3ce, 0x1005);
  outw (rig, 0x3ce, 0x0e06);
}

static void
print (Rig *rig, unsigned column, unsigned row, const char *text, unsigned attribute)
{
  for (unsigned i = 0; text[i] != 0; i++)
    put (rig, 0xb8000 + (row * 80 + column + i) * 2, (uint8_t) text[i] | attribute << 8, 2);
}

static bool
look (Rig *rig, VtSurfaceFrame *frame)
{
  return screen_rig_look (&rig->screen, frame);
}

static void
dispi (Rig *rig, unsigned index, unsigned value)
{
  outw (rig, 0x1ce, index);
  outw (rig, 0x1cf, value);
}

static unsigned
dispi_get (Rig *rig, unsigned index)
{
  outw (rig, 0x1ce, index);
  return in (rig, 0x1cf, 2);
}

static void
set_linear (Rig *rig, unsigned width, unsigned height, unsigned bpp)
{
  dispi (rig, 4, 0);
  dispi (rig, 1, width);
  dispi (rig, 2, height);
  dispi (rig, 3, bpp);
  dispi (rig, 4, 0x41);
  in (rig, 0x3da, 1);
  outb (rig, 0x3c0, 0x20);
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void
the_screen_is_blank_until_it_is_switched_on (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  g_assert_true (look (rig, &frame));
  g_assert_true (frame.blank);
  vt_surface_release (&frame);
  g_assert_false (look (rig, &frame));
}

static void
text_is_drawn_and_can_be_read (void)
{
  g_autoptr (Rig)   rig = rig_new ();
  g_autofree char  *text = NULL;
  VtSurfaceFrame    frame;
  set_mode (rig, &text_80x25);
  load_font (rig);
  print (rig, 2, 1, "Gr\x81\xe1" "e \xcd\xb0", 0x17);
  text = vt_stdvga_text (rig->vga);
  g_assert_true (g_str_has_prefix (text, "\n  Grüße ═░\n\n"));
  g_assert_true (look (rig, &frame));
  g_assert_false (frame.blank);
  g_assert_cmpuint (frame.width, ==, 720);
  g_assert_cmpuint (frame.height, ==, 400);
  /* 'G' is 0x47: bits 1, 5, 6, 7 of the first line; colour 7 on colour 1. */
  g_assert_cmphex (frame_pixel (&frame, 18, 16), !=, frame_pixel (&frame, 19, 16));
  g_assert_cmphex (frame_pixel (&frame, 19, 16), ==, 0xaaaaaa);
  g_assert_cmphex (frame_pixel (&frame, 20, 16), ==, frame_pixel (&frame, 18, 16));
  g_assert_cmphex (frame_pixel (&frame, 25, 17), ==, 0xaaaaaa);
  g_assert_cmphex (frame_pixel (&frame, 26, 17), ==, frame_pixel (&frame, 18, 16));            /* ninth column: paper */
  g_assert_cmphex (frame_pixel (&frame, 80, 17), ==, 0xaaaaaa);                           /* of a line drawing: joined */
  vt_surface_release (&frame);
}

static void
only_changed_cells_are_damaged (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &text_80x25);
  load_font (rig);
  outw (rig, 0x3d4, 0x200a);                 /* no cursor */
  g_assert_true (look (rig, &frame));
  vt_surface_release (&frame);
  g_assert_false (look (rig, &frame));
  print (rig, 10, 5, "ab", 7);
  g_assert_true (look (rig, &frame));
  g_assert_cmpint (frame.damage.x, ==, 90);
  g_assert_cmpint (frame.damage.y, ==, 80);
  g_assert_cmpint (frame.damage.width, ==, 18);
  g_assert_cmpint (frame.damage.height, ==, 16);
  vt_surface_release (&frame);
  print (rig, 10, 5, "ab", 7);               /* the same again: touched, but not changed */
  g_assert_false (look (rig, &frame));
}

static void
the_cursor_blinks (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &text_80x25);
  load_font (rig);
  print (rig, 0, 0, " ", 7);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 0, 13), ==, 0xaaaaaa);
  vt_surface_release (&frame);
  vt_clock_advance (rig->screen.pci.clock, 120000000);
  g_assert_true (look (rig, &frame));
  g_assert_cmpint (frame.damage.width, ==, 9);
  g_assert_cmphex (frame_pixel (&frame, 0, 13), ==, 0);
  vt_surface_release (&frame);
}

static void
scrolling_by_start_address_moves_the_text (void)
{
  g_autoptr (Rig)  rig = rig_new ();
  g_autofree char *text = NULL;
  set_mode (rig, &text_80x25);
  print (rig, 0, 1, "second", 7);
  outw (rig, 0x3d4, 0x500d);
  text = vt_stdvga_text (rig->vga);
  g_assert_true (g_str_has_prefix (text, "second\n"));
}

static void
mode_13h_shows_its_256_colours (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &mode_13h);
  for (unsigned i = 0; i < 320; i++)
    put (rig, 0xa0000 + 320 * 3 + i, i & 0xff, 1);
  g_assert_null (vt_stdvga_text (rig->vga));
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 320);
  g_assert_cmpuint (frame.height, ==, 200);
  g_assert_cmphex (frame_pixel (&frame, 7, 3), ==, 0xaaaaaa);
  g_assert_cmphex (frame_pixel (&frame, 1, 3), ==, 0x04080c);
  g_assert_cmphex (frame_pixel (&frame, 0, 2), ==, 0);
  vt_surface_release (&frame);
  g_assert_cmphex (get (rig, 0xa0000 + 320 * 3 + 77, 1), ==, 77);
}

static void
mode_12h_combines_its_planes (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &mode_12h);
  outw (rig, 0x3c4, 0x0502);                 /* planes 0 and 2 */
  put (rig, 0xa0000 + 80 * 10 + 1, 0x81, 1);
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 640);
  g_assert_cmpuint (frame.height, ==, 480);
  g_assert_cmphex (frame_pixel (&frame, 8, 10), ==, 0x14283c);
  g_assert_cmphex (frame_pixel (&frame, 9, 10), ==, 0);
  g_assert_cmphex (frame_pixel (&frame, 15, 10), ==, 0x14283c);
  vt_surface_release (&frame);
}

static void
write_modes_and_latches_work (void)
{
  g_autoptr (Rig) rig = rig_new ();
  set_mode (rig, &mode_12h);
  outw (rig, 0x3c4, 0x0f02);
  outw (rig, 0x3ce, 0x0205);                 /* write mode 2: a colour */
  outw (rig, 0x3ce, 0xf008);
  get (rig, 0xa0000, 1);
  put (rig, 0xa0000, 0x0a, 1);
  g_assert_cmphex (rig->vram->host[0], ==, 0);
  g_assert_cmphex (rig->vram->host[1], ==, 0xf0);
  g_assert_cmphex (rig->vram->host[3], ==, 0xf0);
  outw (rig, 0x3ce, 0x0105);                 /* write mode 1: the latches */
  get (rig, 0xa0000, 1);
  put (rig, 0xa0100, 0, 1);
  g_assert_cmpmem (rig->vram->host + 0x400, 4, rig->vram->host, 4);
  outw (rig, 0x3ce, 0x0805);                 /* read mode 1: compare */
  outw (rig, 0x3ce, 0x0a02);
  outw (rig, 0x3ce, 0x0f07);
  g_assert_cmphex (get (rig, 0xa0000, 1), ==, 0xf0);
  outw (rig, 0x3ce, 0x1005 & 0xff05);        /* mode 0, xor */
  outw (rig, 0x3ce, 0xff08);
  outw (rig, 0x3ce, 0x1803);
  get (rig, 0xa0000, 1);
  put (rig, 0xa0000, 0xff, 1);
  g_assert_cmphex (rig->vram->host[1], ==, 0x0f);
}

static void
linear_modes_show_every_depth (void)
{
  static const struct
  {
    unsigned bpp;
    uint64_t value;
    uint32_t color;
  } depths[] = {
    { 8, 7, 0xaaaaaa },         { 15, 0x7fe0, 0xffff00 },     { 16, 0xf81f, 0xff00ff },
    { 24, 0x123456, 0x123456 }, { 32, 0xff654321, 0x654321 },
  };
  g_autoptr (Rig) rig = rig_new ();
  set_mode (rig, &text_80x25);
  g_assert_cmphex (dispi_get (rig, 0), ==, 0xb0c5);
  g_assert_cmpuint (dispi_get (rig, 10), ==, VRAM_BYTES / 65536);
  for (size_t i = 0; i < G_N_ELEMENTS (depths); i++)
    {
      VtSurfaceFrame frame;
      unsigned       bytes = (depths[i].bpp + 7) / 8;
      set_linear (rig, 800, 600, depths[i].bpp);
      put (rig, LFB + (2 * 800 + 3) * bytes, depths[i].value, bytes == 3 ? 2 : bytes);
      if (bytes == 3)
        put (rig, LFB + (2 * 800 + 3) * bytes + 2, depths[i].value >> 16, 1);
      rig->screen.seen = 0;
      g_assert_true (look (rig, &frame));
      g_assert_cmpuint (frame.width, ==, 800);
      g_assert_cmphex (frame_pixel (&frame, 3, 2), ==, depths[i].color);
      g_assert_cmphex (frame_pixel (&frame, 4, 2), ==, depths[i].bpp == 8 ? frame_pixel (&frame, 5, 2) : 0);
      vt_surface_release (&frame);
    }
}

static void
only_touched_lines_are_drawn_again (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_linear (rig, 1024, 768, 32);
  g_assert_true (look (rig, &frame));
  vt_surface_release (&frame);
  g_assert_false (look (rig, &frame));
  put (rig, LFB + 4096 * 100, 0xffffff, 4);
  put (rig, LFB + 4096 * 110, 0xffffff, 4);
  g_assert_true (look (rig, &frame));
  g_assert_cmpint (frame.damage.y, ==, 100);
  g_assert_cmpint (frame.damage.height, ==, 11);
  vt_surface_release (&frame);
}

static void
offsets_pan_in_a_larger_memory (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_linear (rig, 640, 480, 32);
  dispi (rig, 6, 1024);
  g_assert_cmpuint (dispi_get (rig, 7), ==, VRAM_BYTES / 4096);
  dispi (rig, 8, 5);
  dispi (rig, 9, 100);
  put (rig, LFB + 4096 * 100 + 20, 0x123456, 4);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 0, 0), ==, 0x123456);
  vt_surface_release (&frame);
  dispi (rig, 9, 0xffff);                      /* far outside: black, not a crash */
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 0, 0), ==, 0);
  vt_surface_release (&frame);
}

static void
the_register_bar_is_the_same_device (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (get (rig, MMIO + 0x500, 2), ==, 0xb0c5);
  put (rig, MMIO + 0x502, 640, 2);
  g_assert_cmpuint (dispi_get (rig, 1), ==, 640);
  put (rig, MMIO + 0x404, 0x0f02, 2);
  outb (rig, 0x3c4, 2);
  g_assert_cmphex (in (rig, 0x3c5, 1), ==, 0x0f);
  g_assert_cmphex (get (rig, MMIO + 0x604, 4), ==, 0x1e1e1e1e);
  put (rig, LFB, 0x5a, 1);
  g_assert_cmphex (rig->vram->host[0], ==, 0x5a);
}

static void
retrace_comes_and_goes_with_the_clock (void)
{
  g_autoptr (Rig) rig = rig_new ();
  unsigned rises = 0, last = 0;
  set_mode (rig, &text_80x25);
  for (unsigned i = 0; i < 50000; i++)
    {
      unsigned now = in (rig, 0x3da, 1) & 8;
      rises += now && !last;
      last = now;
      vt_clock_advance (rig->screen.pci.clock, 20000);
    }
  g_assert_cmpuint (rises, >=, 69);            /* a second: 70 Hz */
  g_assert_cmpuint (rises, <=, 71);
}

static void
a_saved_screen_comes_back (void)
{
  g_autoptr (Rig)        rig = rig_new ();
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  VtSurfaceFrame         before, after;
  set_mode (rig, &text_80x25);
  load_font (rig);
  print (rig, 3, 3, "still here", 0x1e);
  g_assert_true (look (rig, &before));
  vt_device_save (rig->vga, saved);
  vt_device_reset (rig->vga, VT_RESET_POWER);
  g_assert_true (vt_device_load (rig->vga, vt_stdvga.state.version, saved->data, saved->len, NULL));
  rig->screen.seen = 0;
  g_assert_true (look (rig, &after));
  g_assert_cmphex (vt_frame_hash (&before), ==, vt_frame_hash (&after));
  vt_surface_release (&before);
  vt_surface_release (&after);
}

/* --- Scrolling, split screens, odd planes ------------------------------------------------------------------------- */

static void
set_attribute (Rig *rig, unsigned index, unsigned value)
{
  in (rig, 0x3da, 1);
  outb (rig, 0x3c0, index | 0x20);
  outb (rig, 0x3c0, value);
}

static void
set_split (Rig *rig, unsigned line)
{
  outw (rig, 0x3d4, 0x18 | (line & 0xff) << 8);
  outw (rig, 0x3d4, 0x07 | (line >> 8 & 1) << 12 | 0x0f00);
  outb (rig, 0x3d4, 9);
  outb (rig, 0x3d5, (in (rig, 0x3d5, 1) & ~0x40u) | (line >> 9 & 1) << 6);
}

/* Characters 'n' have their code in line 0 and a full line 1: see load_font(). */
static void
text_pans_by_pixels_and_lines (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &text_80x25);
  load_font (rig);
  outw (rig, 0x3d4, 0x200a);
  for (unsigned i = 0; i < 80; i++)
    print (rig, i, 0, i == 1 ? "\x80" : " ", 7);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 9, 0), ==, 0xaaaaaa);
  vt_surface_release (&frame);
  set_attribute (rig, 0x13, 2);                /* three dots to the left, with cells of nine */
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 6, 0), ==, 0xaaaaaa);
  g_assert_cmphex (frame_pixel (&frame, 9, 0), !=, 0xaaaaaa);
  vt_surface_release (&frame);
  outw (rig, 0x3d4, 0x0108);                   /* and a line up: the full second line of all cells comes first */
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 30, 0), ==, 0xaaaaaa);
  vt_surface_release (&frame);
  g_assert_false (look (rig, &frame));         /* nothing changed since */
}

static void
text_splits_at_the_line_compare_value (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &text_80x25);
  load_font (rig);
  outw (rig, 0x3d4, 0x200a);
  print (rig, 0, 0, "\x80", 7);                /* at address 0 */
  print (rig, 1, 2, "\x80", 7);                /* where the screen starts */
  outw (rig, 0x3d4, 0xa00d);
  set_split (rig, 199);
  set_attribute (rig, 0x10, 0x2c);             /* the lower part stays when the upper one pans */
  set_attribute (rig, 0x13, 0);                /* one dot */
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 8, 0), ==, 0xaaaaaa);
  g_assert_cmphex (frame_pixel (&frame, 0, 200), ==, 0xaaaaaa);
  vt_surface_release (&frame);
}

static void
graphics_split_and_pan (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &mode_13h);
  put (rig, 0xa0000, 7, 1);
  put (rig, 0xa0000 + 320 * 50 + 6, 7, 1);
  outw (rig, 0x3d4, 320 * 50 / 4 << 8 | 0x0d);   /* start at line 50: 4000 */
  outw (rig, 0x3d4, (320 * 50 / 4 & 0xff00) | 0x0c);
  set_split (rig, 199);
  set_attribute (rig, 0x13, 4);                /* two pixels, of two dots each */
  set_attribute (rig, 0x10, 0x61);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 4, 0), ==, 0xaaaaaa);
  g_assert_cmphex (frame_pixel (&frame, 0, 100), ==, 0xaaaaaa);
  vt_surface_release (&frame);
}

static void
only_touched_lines_of_a_planar_mode_are_drawn_again (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &mode_12h);
  g_assert_true (look (rig, &frame));
  vt_surface_release (&frame);
  outw (rig, 0x3c4, 0x0f02);
  put (rig, 0xa0000 + 80 * 256, 0xff, 1);      /* 80 bytes of 4 planes: 12.8 lines a page */
  g_assert_true (look (rig, &frame));
  g_assert_cmpint (frame.damage.height, <=, 14);
  g_assert_cmpint (frame.damage.y, <=, 256);
  g_assert_cmpint (frame.damage.y + frame.damage.height, >, 256);
  vt_surface_release (&frame);
}

static void
four_bits_of_the_display_interface_are_planes (void)
{
  g_autoptr (Rig) rig = rig_new ();
  VtSurfaceFrame  frame;
  set_mode (rig, &mode_12h);
  set_linear (rig, 1024, 768, 4);
  outw (rig, 0x3c4, 0x0502);
  dispi (rig, 5, 1);                           /* the bank that holds line 600 of each plane */
  put (rig, 0xa0000 + 128 * 600 - 65536 + 1, 0x80, 1);
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 1024);
  g_assert_cmphex (frame_pixel (&frame, 8, 600), ==, 0x14283c);
  g_assert_cmphex (frame_pixel (&frame, 9, 600), ==, 0);
  vt_surface_release (&frame);
}

static void
banks_reach_all_of_a_linear_mode (void)
{
  g_autoptr (Rig) rig = rig_new ();
  set_linear (rig, 1024, 768, 8);
  dispi (rig, 5, 11);
  put (rig, 0xaffff, 0x5a, 1);
  g_assert_cmphex (rig->vram->host[12 * 65536 - 1], ==, 0x5a);
  dispi (rig, 5, 0xffff);                      /* far outside */
  put (rig, 0xa0000, 1, 1);
  g_assert_cmphex (get (rig, 0xa0000, 1), ==, 0xff);
}

static void
colours_survive_the_change_of_their_width (void)
{
  g_autoptr (Rig) rig = rig_new ();
  set_mode (rig, &mode_13h);
  dispi (rig, 4, 0x20);
  outb (rig, 0x3c7, 7);
  g_assert_cmphex (in (rig, 0x3c9, 1), ==, 0xaa);
  dispi (rig, 4, 0);
  outb (rig, 0x3c7, 7);
  g_assert_cmphex (in (rig, 0x3c9, 1), ==, 0x2a);
}

static void
a_mode_that_memory_does_not_hold_is_not_shown (void)
{
  static const struct { unsigned width, height, bpp; } modes[] = {
    { 16384, 4096, 32 }, { 16384, 16384, 8 }, { 0, 600, 32 }, { 800, 0, 32 }, { 16384, 16384, 4 }, { 1024, 1025, 32 },
  };
  g_autoptr (Rig) rig = rig_new ();
  set_mode (rig, &text_80x25);
  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      VtSurfaceFrame frame;
      set_linear (rig, modes[i].width, modes[i].height, modes[i].bpp);
      rig->screen.seen = 0;
      g_assert_true (look (rig, &frame));
      g_assert_true (frame.blank);
      g_assert_cmpuint (frame.width, ==, 0);
      vt_surface_release (&frame);
    }
}

static void
the_register_bar_holds_the_edid (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const VtSurfaceMonitor *monitor = vt_surface_monitor (rig->screen.surface);
  for (size_t i = 0; i < 0x400; i++)
    g_assert_cmphex (get (rig, MMIO + i, 1), ==, i < monitor->edid_bytes ? monitor->edid[i] : 0);
  vt_surface_set_monitor (rig->screen.surface, &(VtMonitor) { .width = 1000, .height = 700 }, false);
  g_assert_cmphex (get (rig, MMIO, 8), ==, 0);
}

static void
the_byte_order_can_be_turned (void)
{
  static const struct
  {
    unsigned bpp;
    uint64_t bytes;
  } pixels[] = { { 15, 0xe07f }, { 16, 0xe0ff }, { 24, 0x00ffff }, { 32, 0x00ffff00 } };
  g_autoptr (Rig) rig = rig_new ();
  set_mode (rig, &text_80x25);
  put (rig, MMIO + 0x604, 0xbebebebe, 4);
  g_assert_cmphex (get (rig, MMIO + 0x604, 4), ==, 0xbebebebe);
  for (size_t i = 0; i < G_N_ELEMENTS (pixels); i++)
    {
      VtSurfaceFrame frame;
      set_linear (rig, 640, 480, pixels[i].bpp);
      put (rig, LFB, pixels[i].bytes, 4);
      rig->screen.seen = 0;
      g_assert_true (look (rig, &frame));
      g_assert_cmphex (frame_pixel (&frame, 0, 0), ==, 0xffff00);
      vt_surface_release (&frame);
    }
  put (rig, MMIO + 0x604, 0x12345678, 4);      /* neither */
  g_assert_cmphex (get (rig, MMIO + 0x604, 4), ==, 0xbebebebe);
}

static void
all_write_and_read_modes (void)
{
  g_autoptr (Rig) rig = rig_new ();
  set_mode (rig, &mode_12h);
  outw (rig, 0x3c4, 0x0f02);
  outw (rig, 0x3ce, 0x0305);                   /* write mode 3: set/reset where rotated data and bit mask are set */
  outw (rig, 0x3ce, 0x0900);
  outw (rig, 0x3ce, 0x0403);                   /* rotated by 4 */
  outw (rig, 0x3ce, 0x3c08);
  get (rig, 0xa0000, 1);
  put (rig, 0xa0000, 0xf3, 1);                 /* rotated: 0x3f; masked: 0x3c */
  g_assert_cmphex (rig->vram->host[0], ==, 0x3c);
  g_assert_cmphex (rig->vram->host[1], ==, 0);
  g_assert_cmphex (rig->vram->host[3], ==, 0x3c);
  outw (rig, 0x3ce, 0x0005);                   /* write mode 0 with set/reset on planes 1 and 2 */
  outw (rig, 0x3ce, 0x0601);
  outw (rig, 0x3ce, 0x0200);
  outw (rig, 0x3ce, 0x0003);
  outw (rig, 0x3ce, 0xff08);
  put (rig, 0xa0001, 0x55, 1);
  g_assert_cmpmem (rig->vram->host + 4, 4, "\x55\xff\x00\x55", 4);
  outw (rig, 0x3ce, 0x0204);                   /* read mode 0 */
  g_assert_cmphex (get (rig, 0xa0001, 1), ==, 0);
  outw (rig, 0x3ce, 0x0304);
  g_assert_cmphex (get (rig, 0xa0001, 1), ==, 0x55);
  for (unsigned function = 1; function < 4; function++)
    {
      static const uint8_t expected[4] = { 0, 0x05, 0x5f, 0x5a };
      outw (rig, 0x3ce, 0x0001);
      outw (rig, 0x3ce, function << 11 | 3);
      rig->vram->host[4] = 0x55;
      get (rig, 0xa0001, 1);
      put (rig, 0xa0001, 0x0f, 1);
      g_assert_cmphex (rig->vram->host[4], ==, expected[function]);
    }
}

static void
random_registers_never_hurt (void)
{
  g_autoptr (Rig)   rig = rig_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  for (unsigned i = 0, rounds = g_test_slow () ? 1000000 : 30000; i < rounds; i++)
    {
      unsigned port = 0x3b0 + (unsigned) g_rand_int_range (random, 0, 0x30);
      switch (g_rand_int_range (random, 0, 6))
        {
        case 0: outw (rig, port, g_rand_int (random)); break;
        case 1: outb (rig, 0x3c0, g_rand_int (random) | (i % 2 ? 0x20 : 0)); break;
        case 2:
          dispi (rig, (unsigned) g_rand_int_range (random, 0, 12), g_rand_int (random) & (i % 3 ? 0x3ff : 0xffff));
          break;
        case 3: put (rig, 0xa0000 + (g_rand_int (random) & 0x1ffff), g_rand_int (random), 4); break;
        case 4: get (rig, 0xa0000 + (g_rand_int (random) & 0x1ffff), 8); break;
        default: in (rig, port, 2);
        }
      if (i % 60 == 0)
        {
          VtSurfaceFrame   frame;
          g_autofree char *text = vt_stdvga_text (rig->vga);
          if (look (rig, &frame))
            vt_surface_release (&frame);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/stdvga/" #fn, fn)
  TEST (the_screen_is_blank_until_it_is_switched_on);
  TEST (text_is_drawn_and_can_be_read);
  TEST (only_changed_cells_are_damaged);
  TEST (the_cursor_blinks);
  TEST (scrolling_by_start_address_moves_the_text);
  TEST (mode_13h_shows_its_256_colours);
  TEST (mode_12h_combines_its_planes);
  TEST (write_modes_and_latches_work);
  TEST (linear_modes_show_every_depth);
  TEST (only_touched_lines_are_drawn_again);
  TEST (offsets_pan_in_a_larger_memory);
  TEST (the_register_bar_is_the_same_device);
  TEST (retrace_comes_and_goes_with_the_clock);
  TEST (a_saved_screen_comes_back);
  TEST (text_pans_by_pixels_and_lines);
  TEST (text_splits_at_the_line_compare_value);
  TEST (graphics_split_and_pan);
  TEST (only_touched_lines_of_a_planar_mode_are_drawn_again);
  TEST (four_bits_of_the_display_interface_are_planes);
  TEST (banks_reach_all_of_a_linear_mode);
  TEST (colours_survive_the_change_of_their_width);
  TEST (a_mode_that_memory_does_not_hold_is_not_shown);
  TEST (the_register_bar_holds_the_edid);
  TEST (the_byte_order_can_be_turned);
  TEST (all_write_and_read_modes);
  TEST (random_registers_never_hurt);
  return g_test_run ();
}
