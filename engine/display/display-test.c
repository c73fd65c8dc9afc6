/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Surfaces: what a viewer gets to see of what a device draws. */
#include "display.h"

#include <glib/gstdio.h>
#include <png.h>

static void
expect_damage (const VtSurfaceFrame *frame, int x, int y, int width, int height)
{
  g_assert_cmpint (frame->damage.x, ==, x);
  g_assert_cmpint (frame->damage.y, ==, y);
  g_assert_cmpint (frame->damage.width, ==, width);
  g_assert_cmpint (frame->damage.height, ==, height);
}

static uint64_t
look (VtSurface *surface, uint64_t seen, VtSurfaceFrame *frame)
{
  g_assert_true (vt_surface_acquire (surface, seen, frame));
  return frame->sequence;
}

static void
damage_adds_up_over_missed_frames (void)
{
  g_autoptr (VtSurface) surface = vt_surface_new ();
  VtSurfaceMode  mode;
  VtSurfaceFrame frame;
  g_assert_true (vt_surface_set_mode (surface, 100, 80, &mode));
  uint64_t first = look (surface, 0, &frame);
  expect_damage (&frame, 0, 0, 100, 80);
  vt_surface_release (&frame);
  g_assert_false (vt_surface_acquire (surface, first, &frame));
  vt_surface_damage (surface, (VtRect) { 10, 10, 5, 5 });
  uint64_t second = look (surface, first, &frame);
  expect_damage (&frame, 10, 10, 5, 5);
  vt_surface_release (&frame);
  vt_surface_damage (surface, (VtRect) { 90, 70, 500, 500 });
  look (surface, second, &frame);
  expect_damage (&frame, 90, 70, 10, 10);
  vt_surface_release (&frame);
  look (surface, first, &frame);   /* another viewer, one frame behind */
  expect_damage (&frame, 10, 10, 90, 70);
  vt_surface_release (&frame);
}

static void
a_viewer_far_behind_gets_everything (void)
{
  g_autoptr (VtSurface) surface = vt_surface_new ();
  VtSurfaceMode  mode;
  VtSurfaceFrame frame;
  g_assert_true (vt_surface_set_mode (surface, 64, 64, &mode));
  uint64_t first = look (surface, 0, &frame), seen = first;
  vt_surface_release (&frame);
  for (unsigned i = 0; i < 100; i++)
    {
      vt_surface_damage (surface, (VtRect) { 1, 1, 1, 1 });
      seen = look (surface, seen, &frame);
      expect_damage (&frame, 1, 1, 1, 1);
      vt_surface_release (&frame);
    }
  look (surface, first, &frame);
  expect_damage (&frame, 0, 0, 64, 64);
  vt_surface_release (&frame);
}

static void
a_held_frame_survives_a_mode_change (void)
{
  VtSurface     *surface = vt_surface_new ();
  VtSurfaceMode  mode;
  VtSurfaceFrame old, fresh;
  g_assert_true (vt_surface_set_mode (surface, 16, 16, &mode));
  memset (mode.pixels, 0x11, 16 * mode.stride_bytes);
  uint64_t seen = look (surface, 0, &old);
  g_assert_true (vt_surface_set_mode (surface, 32, 8, &mode));
  look (surface, seen, &fresh);
  g_assert_cmpuint (fresh.width, ==, 32);
  expect_damage (&fresh, 0, 0, 32, 8);
  vt_surface_free (surface);
  g_assert_cmphex (old.pixels[16 * 16 * 4 - 1], ==, 0x11);
  vt_surface_release (&old);
  vt_surface_release (&fresh);
}

static void
absurd_modes_are_refused (void)
{
  g_autoptr (VtSurface) surface = vt_surface_new ();
  VtSurfaceMode mode;
  g_assert_false (vt_surface_set_mode (surface, 0, 10, &mode));
  g_assert_false (vt_surface_set_mode (surface, 16385, 10, &mode));
  g_assert_false (vt_surface_set_mode (surface, 16384, 16384, &mode));
}

static void
count (void *opaque)
{
  ++*(unsigned *) opaque;
}

static void
notice_comes_once_until_the_next_look (void)
{
  g_autoptr (VtSurface) surface = vt_surface_new ();
  VtSurfaceMode  mode;
  VtSurfaceFrame frame;
  unsigned       notices = 0;
  vt_surface_set_notify (surface, count, &notices);
  g_assert_true (vt_surface_set_mode (surface, 8, 8, &mode));
  vt_surface_damage (surface, (VtRect) { 0, 0, 1, 1 });
  g_assert_cmpuint (notices, ==, 1);
  look (surface, 0, &frame);
  vt_surface_release (&frame);
  vt_surface_damage (surface, (VtRect) { 0, 0, 0, 1 });   /* nothing */
  g_assert_cmpuint (notices, ==, 1);
  vt_surface_damage (surface, (VtRect) { 0, 0, 1, 1 });
  g_assert_cmpuint (notices, ==, 2);
}

static VtSurface *drawn_on;

static void
draw_a_dot (void *opaque)
{
  vt_surface_damage (drawn_on, (VtRect) { 3, 3, 1, 1 });
}

/* Or each frame would be followed by a look for the next one. */
static void
what_is_drawn_for_a_viewer_is_no_news (void)
{
  static const VtSurfaceClient client = { .refresh = draw_a_dot };
  g_autoptr (VtSurface) surface = vt_surface_new ();
  VtSurfaceMode  mode;
  VtSurfaceFrame frame;
  unsigned       notices = 0;
  g_assert_true (vt_surface_set_mode (surface, 64, 64, &mode));
  uint64_t seen = look (surface, 0, &frame);
  vt_surface_release (&frame);
  drawn_on = surface;
  vt_surface_connect (surface, &client, NULL);
  vt_surface_set_notify (surface, count, &notices);
  g_assert_true (vt_surface_fresh (surface, seen));
  seen = look (surface, seen, &frame);
  vt_surface_release (&frame);
  g_assert_cmpuint (notices, ==, 0);
  vt_surface_touch (surface);
  vt_surface_touch (surface);
  g_assert_cmpuint (notices, ==, 1);
  g_assert_true (vt_surface_fresh (surface, seen));
  vt_surface_touch (surface);
  g_assert_cmpuint (notices, ==, 1);
  look (surface, seen, &frame);
  vt_surface_release (&frame);
  vt_surface_touch (surface);
  g_assert_cmpuint (notices, ==, 2);
  vt_surface_connect (surface, NULL, NULL);
}

static void
pictures_have_the_right_pixels (void)
{
  g_autoptr (VtSurface) surface = vt_surface_new ();
  g_autofree char *folder = g_dir_make_tmp ("vitrine-display-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "screen.png", NULL);
  VtSurfaceMode    mode;
  VtSurfaceFrame   frame;
  GError          *error = NULL;
  uint8_t          rgb[3 * 2 * 3];
  g_assert_true (vt_surface_set_mode (surface, 3, 2, &mode));
  ((uint32_t *) (void *) mode.pixels)[1] = 0xff123456;
  look (surface, 0, &frame);
  uint64_t hash = vt_frame_hash (&frame);
  g_assert_true (vt_frame_write_png (&frame, path, &error));
  png_image image = { .version = PNG_IMAGE_VERSION };
  g_assert_true (png_image_begin_read_from_file (&image, path));
  image.format = PNG_FORMAT_RGB;
  g_assert_true (png_image_finish_read (&image, NULL, rgb, 0, NULL));
  g_assert_cmpmem (rgb + 3, 3, "\x12\x34\x56", 3);
  g_assert_cmphex (rgb[0], ==, 0);
  g_remove (path);
  g_rmdir (folder);
  g_assert_false (vt_frame_write_png (&frame, path, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  /* The unused byte of a pixel does not count, its colours do. */
  ((uint32_t *) (void *) mode.pixels)[1] = 0x00123456;
  g_assert_cmphex (vt_frame_hash (&frame), ==, hash);
  ((uint32_t *) (void *) mode.pixels)[1] = 0x00123457;
  g_assert_cmphex (vt_frame_hash (&frame), !=, hash);
  vt_surface_release (&frame);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/display/" #fn, fn)
  TEST (damage_adds_up_over_missed_frames);
  TEST (a_viewer_far_behind_gets_everything);
  TEST (a_held_frame_survives_a_mode_change);
  TEST (absurd_modes_are_refused);
  TEST (notice_comes_once_until_the_next_look);
  TEST (what_is_drawn_for_a_viewer_is_no_news);
  TEST (pictures_have_the_right_pixels);
  return g_test_run ();
}
