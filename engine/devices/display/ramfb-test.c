/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ramfb and bochs-display: pictures of firmware, impossible ones, and one surface for two devices. */
#include "ramfb.h"

#include "bochs.h"
#include "screen-rig.h"

enum
{
  PICTURE = 0x40000,
  DEVFN = VT_PCI_DEVFN (1, 0), LFB = 0xd0000000, MMIO = 0xe0000000,
  XR24 = 0x34325258, RG16 = 0x36314752,
};

typedef struct
{
  ScreenRig screen;
  VtDevice *ramfb, *bochs;
} Rig;

static Rig *
rig_new (bool with_bochs)
{
  Rig *rig = g_new0 (Rig, 1);
  screen_rig_init (&rig->screen);
  PciRig *pci = &rig->screen.pci;
  if (with_bochs)
    {
      VtBochsDisplayConfig config = { .place = { pci->bus, DEVFN }, .surface = rig->screen.surface };
      rig->bochs = pci_rig_add (pci, &vt_bochs_display, &config);
      pci_rig_enable (pci, DEVFN, 0, LFB);
      pci_rig_enable (pci, DEVFN, 2, MMIO);
    }
  rig->ramfb = pci_rig_add (pci, &vt_ramfb_class, &(VtRamfbConfig) { rig->screen.surface });
  return rig;
}

static void
rig_free (Rig *rig)
{
  vt_device_free (rig->ramfb);
  vt_device_free (rig->bochs);
  screen_rig_clear (&rig->screen);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static void
store_be (uint8_t *to, uint64_t value, unsigned bytes)
{
  for (unsigned i = 0; i < bytes; i++)
    to[i] = (uint8_t) (value >> (8 * (bytes - 1 - i)));
}

static void
configure (Rig *rig, uint64_t address, uint32_t format, uint32_t width, uint32_t height, uint32_t stride)
{
  uint8_t file[VT_RAMFB_FILE_BYTES] = { 0 };
  store_be (file, address, 8);
  store_be (file + 8, format, 4);
  store_be (file + 16, width, 4);
  store_be (file + 20, height, 4);
  store_be (file + 24, stride, 4);
  vt_ramfb_configure (rig->ramfb, file, sizeof file);
}

static void
put (Rig *rig, uint64_t at, uint64_t value, unsigned size)
{
  pci_rig_put (&rig->screen.pci, at, value, size);
}

static bool
look (Rig *rig, VtSurfaceFrame *frame)
{
  return screen_rig_look (&rig->screen, frame);
}

static void
the_picture_is_where_the_guest_says (void)
{
  g_autoptr (Rig) rig = rig_new (false);
  VtSurfaceFrame  frame;
  g_assert_true (look (rig, &frame));
  g_assert_true (frame.blank);
  vt_surface_release (&frame);
  configure (rig, PICTURE + 8, XR24, 100, 50, 512);
  put (rig, PICTURE + 8 + 512 * 3 + 16, 0xff123456, 4);
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 100);
  g_assert_cmphex (frame_pixel (&frame, 4, 3), ==, 0x123456);
  vt_surface_release (&frame);
  g_assert_false (look (rig, &frame));
  put (rig, PICTURE + 8 + 512 * 40, 0xabcdef, 4);
  g_assert_true (look (rig, &frame));
  g_assert_cmpint (frame.damage.y, >=, 32);
  g_assert_cmphex (frame_pixel (&frame, 0, 40), ==, 0xabcdef);
  vt_surface_release (&frame);
  configure (rig, PICTURE, RG16, 100, 50, 0);                  /* the stride follows from the width */
  put (rig, PICTURE + 200, 0xf800, 2);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 0, 1), ==, 0xff0000);
  vt_surface_release (&frame);
}

static void
only_what_looks_different_is_damage (void)
{
  g_autoptr (Rig) rig = rig_new (false);
  VtSurfaceFrame  frame;
  configure (rig, PICTURE, XR24, 100, 50, 0);
  g_assert_true (look (rig, &frame));
  vt_surface_release (&frame);
  put (rig, PICTURE + 4 * (20 * 100 + 30), 0x445566, 4);
  put (rig, PICTURE + 4 * (22 * 100 + 40), 0x112233, 4);
  g_assert_true (look (rig, &frame));
  g_assert_cmpint (frame.damage.x, ==, 30);
  g_assert_cmpint (frame.damage.y, ==, 20);
  g_assert_cmpint (frame.damage.width, ==, 11);
  g_assert_cmpint (frame.damage.height, ==, 3);
  g_assert_cmphex (frame_pixel (&frame, 30, 20), ==, 0x445566);
  vt_surface_release (&frame);
  put (rig, PICTURE + 4 * (20 * 100 + 30), 0xff445566, 4);    /* the same colour */
  g_assert_false (look (rig, &frame));
}

static void
impossible_pictures_change_nothing (void)
{
  static const struct { uint64_t address; uint32_t format, width, height, stride; } pictures[] = {
    { PICTURE, 0x11111111, 100, 50, 512 }, { PICTURE, XR24, 0, 50, 512 },          { PICTURE, XR24, 100, 0, 512 },
    { PICTURE, XR24, 65535, 65535, 0 },    { PICTURE, XR24, 0xffffffff, 50, 512 }, { PICTURE, XR24, 100, 50, 399 },
    { PICTURE, XR24, 100, 50, 0xffffffff },
  };
  g_autoptr (Rig) rig = rig_new (false);
  VtSurfaceFrame  frame;
  configure (rig, PICTURE, XR24, 64, 64, 256);
  for (size_t i = 0; i < G_N_ELEMENTS (pictures); i++)
    {
      configure (rig, pictures[i].address, pictures[i].format, pictures[i].width, pictures[i].height,
                 pictures[i].stride);
      g_assert_cmpuint (rig->ramfb->guest_warnings, ==, i + 1);
      rig->screen.seen = 0;
      g_assert_true (look (rig, &frame));
      g_assert_cmpuint (frame.width, ==, 64);
      vt_surface_release (&frame);
    }
}

static void
a_picture_outside_memory_is_blank (void)
{
  static const uint64_t places[]
      = { PCI_RIG_RAM_BYTES - 256 * 63, PCI_RIG_RAM_BYTES, UINT64_MAX, UINT64_MAX - 4096, 0xffffffff00000000 };
  g_autoptr (Rig) rig = rig_new (false);
  for (size_t i = 0; i < G_N_ELEMENTS (places); i++)
    {
      VtSurfaceFrame frame;
      configure (rig, places[i], XR24, 64, 64, 256);
      rig->screen.seen = 0;
      g_assert_true (look (rig, &frame));
      g_assert_true (frame.blank);
      vt_surface_release (&frame);
    }
}

static void
another_device_takes_the_surface_over (void)
{
  g_autoptr (Rig) rig = rig_new (true);
  VtSurfaceFrame  frame;
  configure (rig, PICTURE, XR24, 64, 64, 256);
  put (rig, PICTURE, 0x111111, 4);
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 64);
  vt_surface_release (&frame);
  put (rig, MMIO + 0x502, 64, 2);
  put (rig, MMIO + 0x504, 64, 2);
  put (rig, MMIO + 0x506, 32, 2);
  put (rig, MMIO + 0x508, 0x41, 2);
  put (rig, LFB, 0x222222, 4);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 0, 0), ==, 0x222222);
  vt_surface_release (&frame);
  put (rig, MMIO + 0x508, 0, 2);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 0, 0), ==, 0x111111);
  vt_surface_release (&frame);
}

static void
bochs_display_has_no_vga (void)
{
  g_autoptr (Rig)    rig = rig_new (true);
  g_autoptr (VtView) view = vt_mem_view (rig->screen.pci.mem);
  g_autoptr (VtView) io = vt_mem_view (rig->screen.pci.io);
  const VtSurfaceMonitor *monitor = vt_surface_monitor (rig->screen.surface);
  g_assert_cmphex (vt_pci_bus_config_read (rig->screen.pci.bus, 0, DEVFN, 8, 4) >> 8, ==, 0x038000);
  g_assert_false (vt_view_assigned (io, VT_GPA (0x3c0), false));
  g_assert_false (vt_view_assigned (io, VT_GPA (0x1ce), false));
  g_assert_cmphex (vt_view_read (view, VT_GPA (MMIO + 0x500), 2), ==, 0xb0c5);
  for (size_t i = 0; i < monitor->edid_bytes; i++)
    g_assert_cmphex (vt_view_read (view, VT_GPA (MMIO + i), 1), ==, monitor->edid[i]);
}

static void
random_pictures_never_hurt (void)
{
  g_autoptr (Rig)   rig = rig_new (true);
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  for (unsigned i = 0, rounds = g_test_slow () ? 200000 : 2000; i < rounds; i++)
    {
      VtSurfaceFrame frame;
      configure (rig, g_rand_int (random) >> (g_rand_int (random) & 31), i & 1 ? XR24 : RG16,
                 g_rand_int (random) >> (16 + (g_rand_int (random) & 15)),
                 g_rand_int (random) >> (16 + (g_rand_int (random) & 15)),
                 i % 3 ? 0 : g_rand_int (random) >> (g_rand_int (random) & 31));
      put (rig, MMIO + 0x500 + g_rand_int (random) % 12 * 2, g_rand_int (random) & 0x3ff, 2);
      if (look (rig, &frame))
        vt_surface_release (&frame);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/ramfb/" #fn, fn)
  TEST (the_picture_is_where_the_guest_says);
  TEST (only_what_looks_different_is_damage);
  TEST (impossible_pictures_change_nothing);
  TEST (a_picture_outside_memory_is_blank);
  TEST (another_device_takes_the_surface_over);
  TEST (bochs_display_has_no_vga);
  TEST (random_pictures_never_hurt);
  return g_test_run ();
}
