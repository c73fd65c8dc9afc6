/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EDIDs: what was put in comes out; broken ones are refused. tests/cli/edid.py holds them against another decoder. */
#include "vitrine/edid.h"

#include <string.h>

static VtEdidInfo
round_trip (const VtMonitor *monitor)
{
  uint8_t    bytes[VT_EDID_MAX_BYTES];
  VtEdidInfo info;
  GError    *error = NULL;
  size_t     len = vt_edid_build (monitor, bytes);
  g_assert_true (vt_edid_parse (bytes, len, &info, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (info.n_blocks * VT_EDID_BLOCK_BYTES, ==, len);
  return info;
}

static void
names_and_sizes_come_back (void)
{
  VtEdidInfo info = round_trip (&(VtMonitor) { .width = 1920, .height = 1080, .width_mm = 344, .height_mm = 193,
                                               .name = "Big T\xc3\xa9l\xc3\xa9", .serial = "4711" });
  g_assert_cmpstr (info.name, ==, "Big T??l??");
  g_assert_cmpstr (info.serial, ==, "4711");
  g_assert_cmpuint (info.serial_number, ==, 0);
  g_assert_cmpuint (info.width_mm, ==, 344);
  g_assert_cmpuint (info.height_mm, ==, 193);
  g_assert_cmpuint (info.modes[0].width, ==, 1920);
  g_assert_true (info.modes[0].preferred);
  g_assert_cmpuint (info.modes[0].clock_khz, ==, 138500);     /* CVT 1.2: 1920x1080 at 60 Hz, reduced blanking */
  g_assert_cmpuint (info.modes[0].refresh_mhz / 100, ==, 599);
  g_assert_false (info.has_cta);
}

static void
every_size_is_kept_to_the_pixel (void)
{
  for (uint32_t width = 1; width <= VT_EDID_PIXELS_MAX; width += 1 + width / 7)
    for (uint32_t height = 1; height <= VT_EDID_PIXELS_MAX; height += 1 + height / 5)
      {
        VtEdidInfo info = round_trip (&(VtMonitor) { .width = width, .height = height });
        g_assert_cmpuint (info.modes[0].width, ==, width);
        g_assert_cmpuint (info.modes[0].height, ==, height);
        /* The clock has steps of 0.25 MHz: half a hertz at 640x480. */
        if (width >= 640 && height >= 480)
          g_assert_cmpfloat_with_epsilon (info.modes[0].refresh_mhz / 1000.0, 60, 0.7);
        if (width > 4095 || height > 4095)
          g_assert_true (info.has_displayid);
      }
}

static void
smaller_modes_are_offered_and_larger_ones_are_not (void)
{
  VtEdidInfo info = round_trip (&(VtMonitor) { .width = 3840, .height = 2160 });
  bool       found = false;
  g_assert_true (info.has_cta);
  for (unsigned i = 0; i < info.n_modes; i++)
    {
      found |= info.modes[i].width == 2560 && info.modes[i].height == 1440;
      g_assert_cmpuint (info.modes[i].width, <=, 3840);
      g_assert_cmpuint (info.modes[i].height, <=, 2160);
    }
  g_assert_true (found);
}

static void
missing_sizes_mean_square_pixels (void)
{
  VtEdidInfo info = round_trip (&(VtMonitor) { .width = 1000, .height = 500, .width_mm = 400 });
  g_assert_cmpuint (info.height_mm, ==, 200);
  info = round_trip (&(VtMonitor) { .width = 960, .height = 960 });
  g_assert_cmpuint (info.width_mm, ==, 254);
  g_assert_cmpuint (vt_edid_mm (3840, 192), ==, 508);
}

static void
absurd_wishes_are_brought_into_range (void)
{
  VtEdidInfo info = round_trip (&(VtMonitor) { .width = UINT32_MAX, .height = 0, .width_mm = UINT32_MAX,
                                               .height_mm = UINT32_MAX, .refresh_hz = UINT32_MAX,
                                               .name = "a name that is far too long for an EDID", .serial = "" });
  g_assert_cmpuint (info.modes[0].width, ==, VT_EDID_PIXELS_MAX);
  g_assert_cmpuint (info.width_mm, ==, VT_EDID_MM_MAX);
  g_assert_cmpstr (info.name, ==, "a name that i");
}

static void
broken_ones_are_refused (void)
{
  uint8_t    bytes[VT_EDID_MAX_BYTES];
  VtEdidInfo info;
  size_t     len = vt_edid_build (&(VtMonitor) { .width = 5120, .height = 2880 }, bytes);
  g_autoptr (GRand) random = g_rand_new_with_seed (4);
  g_assert_cmpuint (len, ==, 3 * VT_EDID_BLOCK_BYTES);
  g_assert_false (vt_edid_parse (bytes, 0, &info, NULL));
  g_assert_false (vt_edid_parse (bytes, 128, &info, NULL));       /* its extensions are missing */
  g_assert_false (vt_edid_parse (bytes, len - 1, &info, NULL));
  bytes[200] ^= 1;
  g_assert_false (vt_edid_parse (bytes, len, &info, NULL));
  /* Right checksums over wrong bytes: no crash, bounded output. */
  for (unsigned round = 0; round < 20000; round++)
    {
      uint8_t copy[VT_EDID_MAX_BYTES];
      memcpy (copy, bytes, len);
      for (unsigned i = 0; i < 6; i++)
        copy[8 + g_rand_int (random) % (len - 8)] = (uint8_t) g_rand_int (random);
      for (size_t block = 0; block < len; block += VT_EDID_BLOCK_BYTES)
        {
          uint8_t sum = 0;
          for (unsigned i = 0; i < 127; i++)
            sum = (uint8_t) (sum + copy[block + i]);
          copy[block + 127] = (uint8_t) -sum;
        }
      if (vt_edid_parse (copy, len, &info, NULL))
        g_assert_cmpuint (info.n_modes, <=, VT_EDID_MODES_MAX);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/edid/" #fn, fn)
  TEST (names_and_sizes_come_back);
  TEST (every_size_is_kept_to_the_pixel);
  TEST (smaller_modes_are_offered_and_larger_ones_are_not);
  TEST (missing_sizes_mean_square_pixels);
  TEST (absurd_wishes_are_brought_into_range);
  TEST (broken_ones_are_refused);
  return g_test_run ();
}
