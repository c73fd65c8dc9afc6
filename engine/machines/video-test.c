/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Video devices and the screens that they have. */
#include "machine-private.h"

static void
every_video_device_is_built_and_has_its_screens (void)
{
  static const struct { VtVideo video; unsigned heads; bool no_vga, ramfb; uint64_t mib; } cases[] = {
    { VT_VIDEO_STD, 0, false, false, 4 },    { VT_VIDEO_STD, 1, false, true, 256 },   { VT_VIDEO_BOCHS, 0, false, true, 32 },
    { VT_VIDEO_RAMFB, 0, false, false, 0 },  { VT_VIDEO_VIRTIO, 0, false, true, 4 },  { VT_VIDEO_VIRTIO, 4, false, false, 0 },
    { VT_VIDEO_VIRTIO, 2, true, false, 64 }, { VT_VIDEO_NONE, 0, false, true, 0 },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VtConfig) config = vt_config_new ();
      g_autoptr (GError) error = NULL;
      config->memory_bytes = 16 << 20;
      config->video = cases[i].video;
      config->heads = cases[i].heads;
      config->no_vga = cases[i].no_vga;
      config->boot_ramfb = cases[i].ramfb;
      config->vram_bytes = cases[i].mib << 20;
      config->edid = i % 2;
      VtMachine *machine = vt_machine_new (config, &error);
      g_assert_no_error (error);
      unsigned screens = config->video == VT_VIDEO_NONE ? 0 : MAX (config->heads, 1);
      g_assert_cmpuint (vt_machine_displays (machine), ==, screens);
      g_autoptr (GBytes) edid = vt_display_edid (machine, 0);
      g_assert_true ((edid != NULL) == (screens > 0 && config->edid));
      g_assert_true (vt_display_follows (machine, 0) == (config->video == VT_VIDEO_VIRTIO));
      vt_machine_free (machine);
    }
}

static void
a_new_monitor_has_another_edid (void)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  config->memory_bytes = 16 << 20;
  config->video = VT_VIDEO_VIRTIO;
  VtMachine *machine = vt_machine_new (config, NULL);
  VtCursor   cursor;
  VtEdidInfo info;
  gsize      len;
  vt_display_set_monitor (machine, 0, &(VtMonitor) { .width = 1236, .height = 801, .width_mm = 500 });
  vt_display_set_monitor (machine, 1, &(VtMonitor) { .width = 1, .height = 1 });     /* there is none */
  g_autoptr (GBytes) edid = vt_display_edid (machine, 0);
  const uint8_t *bytes = g_bytes_get_data (edid, &len);
  g_assert_true (vt_edid_parse (bytes, len, &info, NULL));
  g_assert_cmpuint (info.modes[0].width, ==, 1236);
  g_assert_cmpuint (info.width_mm, ==, 500);
  vt_display_set_monitor (machine, 0, NULL);
  g_assert_null (vt_display_edid (machine, 0));
  vt_display_set_monitor (machine, 1, NULL);
  g_assert_true (vt_display_cursor (machine, 0, 0, &cursor));
  g_assert_false (cursor.visible);
  g_assert_false (vt_display_cursor (machine, 1, 0, &cursor));
  vt_machine_free (machine);
}

static void
impossible_video_is_refused (void)
{
  static const struct { VtVideo video; unsigned heads; uint64_t bytes; uint32_t xres; const char *word; } cases[] = {
    { VT_VIDEO_STD, 0, 3 << 20, 0, "video memory" },    { VT_VIDEO_STD, 0, 12 << 20, 0, "video memory" },
    { VT_VIDEO_VIRTIO, 0, 512 << 20, 0, "video memory" }, { VT_VIDEO_VIRTIO, 5, 0, 0, "monitors" },
    { VT_VIDEO_BOCHS, 2, 0, 0, "virtio" },              { VT_VIDEO_STD, 0, 0, 20000, "16384" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (VtConfig) config = vt_config_new ();
      g_autoptr (GError) error = NULL;
      config->video = cases[i].video;
      config->heads = cases[i].heads;
      config->vram_bytes = cases[i].bytes;
      config->xres = cases[i].xres;
      g_assert_false (vt_config_check (config, &error));
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine-video/every video device is built and has its screens", every_video_device_is_built_and_has_its_screens);
  g_test_add_func ("/machine-video/a new monitor has another EDID", a_new_monitor_has_another_edid);
  g_test_add_func ("/machine-video/impossible video is refused", impossible_video_is_refused);
  return g_test_run ();
}
