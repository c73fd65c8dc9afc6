/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio-gpu driven as a driver does it, and as no driver should: pictures, errors, floods. */
#include "virtio-gpu-rig.h"

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void
the_monitor_can_be_asked_for (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  const VtSurfaceMonitor *monitor = vt_surface_monitor (rig->screen.surface);
  start (rig);
  g_assert_cmpuint (get (rig, rig->driver.regs + DRIVER_CONFIG + 8, 4), ==, 2);
  g_assert_cmphex (COMMAND (rig, GET_DISPLAY_INFO, 0), ==, OK_INFO);
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 8, 4), ==, 1000);
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 12, 4), ==, 700);
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 16, 4), ==, 1);
  g_assert_cmpuint (get (rig, RESPONSE + 48, 4), ==, 1000);          /* the second one stands to the right */
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 2 * 24 + 16, 4), ==, 0);
  g_assert_cmphex (COMMAND (rig, GET_EDID, 0), ==, OK_EDID);
  g_assert_cmpuint (get (rig, RESPONSE + 24, 4), ==, monitor->edid_bytes);
  g_assert_cmpmem (rig->screen.pci.ram->host + RESPONSE + 32, monitor->edid_bytes, monitor->edid, monitor->edid_bytes);
  g_assert_cmphex (COMMAND (rig, GET_EDID, 2), ==, NO_SCANOUT);
}

static void
a_new_size_is_announced (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  g_assert_cmphex (get (rig, rig->driver.regs + DRIVER_CONFIG, 4), ==, 0);
  vt_surface_set_monitor (rig->screen.surface, &(VtMonitor) { .width = 1235, .height = 777 }, true);
  g_assert_cmphex (get (rig, rig->driver.regs + DRIVER_ISR, 1), ==, 2);
  g_assert_cmphex (get (rig, rig->driver.regs + DRIVER_CONFIG, 4), ==, 1);
  put (rig, rig->driver.regs + DRIVER_CONFIG + 4, 1, 4);
  g_assert_cmphex (get (rig, rig->driver.regs + DRIVER_CONFIG, 4), ==, 0);
  COMMAND (rig, GET_DISPLAY_INFO, 0);
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 8, 4), ==, 1235);
}

static void
an_unplugged_monitor_is_gone_and_comes_back (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  vt_surface_unplug (rig->screen.surface);
  g_assert_cmphex (get (rig, rig->driver.regs + DRIVER_CONFIG, 4), ==, 1);
  COMMAND (rig, GET_DISPLAY_INFO, 0);
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 8, 4), ==, 0);
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 16, 4), ==, 0);
  g_assert_cmpuint (get (rig, RESPONSE + 48, 4), ==, 0);             /* the second one moves to the left edge */
  g_assert_cmpuint (get (rig, RESPONSE + 48 + 16, 4), ==, 1);
  COMMAND (rig, GET_EDID, 0);
  g_assert_cmpuint (get (rig, RESPONSE + 24, 4), ==, 0);
  put (rig, rig->driver.regs + DRIVER_CONFIG + 4, 1, 4);
  vt_surface_unplug (rig->screen.surface);
  g_assert_cmphex (get (rig, rig->driver.regs + DRIVER_CONFIG, 4), ==, 0);         /* nothing new */
  vt_surface_set_monitor (rig->screen.surface, &(VtMonitor) { .width = 800, .height = 600 }, true);
  COMMAND (rig, GET_DISPLAY_INFO, 0);
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 8, 4), ==, 800);
  g_assert_cmpuint (get (rig, RESPONSE + 24 + 16, 4), ==, 1);
}

static void
what_is_flushed_is_shown_and_nothing_else (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  VtSurfaceFrame  frame;
  start (rig);
  show_picture (rig);
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 64);
  g_assert_false (frame.blank);
  vt_surface_release (&frame);
  put (rig, PIXELS + 64 * 4 * 2 + 12, 0xff123456, 4);                /* (3, 2) */
  put (rig, PIXELS + 0x10000 + 4, 0x00abcdef, 4);                    /* (1, 16): the second piece */
  g_assert_cmphex (transfer (rig, 7, 0, 0, 64, 32, 0), ==, OK);
  g_assert_false (look (rig, &frame));
  g_assert_cmphex (COMMAND (rig, FLUSH, 3, 2, 4, 4, 7, 0), ==, OK);
  g_assert_true (look (rig, &frame));
  g_assert_cmpint (frame.damage.x, ==, 3);
  g_assert_cmpint (frame.damage.width, ==, 4);
  g_assert_cmphex (frame_pixel (&frame, 3, 2), ==, 0x123456);
  g_assert_cmphex (frame_pixel (&frame, 1, 16), ==, 0);
  vt_surface_release (&frame);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 32, 7, 0), ==, OK);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 1, 16), ==, 0xabcdef);
  vt_surface_release (&frame);
  /* A part: its offset in the backing is that of its first pixel. */
  put (rig, PIXELS + 64 * 4 * 5 + 40, 0x998877, 4);
  g_assert_cmphex (transfer (rig, 7, 10, 5, 2, 2, 64 * 4 * 5 + 40), ==, OK);
  COMMAND (rig, FLUSH, 10, 5, 2, 2, 7, 0);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 10, 5), ==, 0x998877);
  vt_surface_release (&frame);
}

static void
every_format_has_the_right_colours (void)
{
  static const struct { uint32_t format, word; } formats[] = {
    { 1, 0xff112233 }, { 2, 0x00112233 }, { 3, 0x332211ff }, { 4, 0x33221100 }, { 67, 0xff332211 }, { 68, 0x11223300 },
    { 121, 0x112233ff }, { 134, 0x00332211 },
  };
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  const uint64_t  backing[1][2] = { { PIXELS, 0x1000 } };
  start (rig);
  for (unsigned i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      VtSurfaceFrame frame;
      put (rig, PIXELS, formats[i].word, 4);
      g_assert_cmphex (COMMAND (rig, CREATE, i + 1, formats[i].format, 16, 16), ==, OK);
      g_assert_cmphex (attach (rig, i + 1, 1, backing), ==, OK);
      g_assert_cmphex (transfer (rig, i + 1, 0, 0, 16, 16, 0), ==, OK);
      g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 0, 0, 16, 16, 0, i + 1), ==, OK);
      g_assert_true (look (rig, &frame));
      g_assert_cmphex (frame_pixel (&frame, 0, 0), ==, 0x112233);
      vt_surface_release (&frame);
    }
}

static void
mistakes_get_their_errors (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  const uint64_t  backing[1][2] = { { PIXELS, 64 } }, nowhere[1][2] = { { UINT64_MAX - 3, 0x10000 } };
  start (rig);
  g_assert_cmphex (COMMAND (rig, 0x1ff, 0), ==, UNSPEC);
  g_assert_cmphex (COMMAND (rig, CREATE, 0, 1, 16, 16), ==, NO_RESOURCE);
  g_assert_cmphex (COMMAND (rig, CREATE, 1, 5, 16, 16), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, CREATE, 1, 1, 0, 16), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, CREATE, 1, 1, 65535, 65535), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, CREATE, 1, 1, 16384, 16384), ==, NO_MEMORY);
  g_assert_cmphex (COMMAND (rig, CREATE, 1, 1, 16, 16), ==, OK);
  g_assert_cmphex (COMMAND (rig, CREATE, 1, 1, 16, 16), ==, NO_RESOURCE);          /* again */
  g_assert_cmphex (COMMAND (rig, UNREF, 2, 0), ==, NO_RESOURCE);
  g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 0, 0, 16, 16, 2, 1), ==, NO_SCANOUT);
  g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 0, 0, 16, 16, 0, 9), ==, NO_RESOURCE);
  g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 1, 0, 16, 16, 0, 1), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 0, 0, 0, 16, 0, 1), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 0xffffffff, 0xffffffff, 2, 2, 0, 1), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 17, 1, 1, 0), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 1, 1, 3, 0), ==, NO_RESOURCE);
  g_assert_cmphex (transfer (rig, 1, 0, 0, 16, 16, 0), ==, UNSPEC);                /* no backing */
  g_assert_cmphex (COMMAND (rig, DETACH, 1, 0), ==, UNSPEC);
  g_assert_cmphex (attach (rig, 5, 1, backing), ==, NO_RESOURCE);
  g_assert_cmphex (COMMAND (rig, ATTACH, 1, 0xffffffff), ==, BAD_PARAMETER);       /* entries that are not there */
  g_assert_cmphex (COMMAND (rig, ATTACH, 1, 0), ==, BAD_PARAMETER);
  g_assert_cmphex (attach (rig, 1, 1, backing), ==, OK);
  g_assert_cmphex (attach (rig, 1, 1, backing), ==, UNSPEC);                       /* has one */
  g_assert_cmphex (transfer (rig, 1, 0, 0, 16, 1, 0), ==, OK);
  g_assert_cmphex (transfer (rig, 1, 0, 0, 16, 2, 0), ==, BAD_PARAMETER);          /* too short */
  g_assert_cmphex (transfer (rig, 1, 0, 0, 16, 1, UINT64_MAX), ==, BAD_PARAMETER);
  g_assert_cmphex (transfer (rig, 1, 8, 0, 0xfffffff9, 1, 0), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, DETACH, 1, 0), ==, OK);
  g_assert_cmphex (attach (rig, 1, 1, nowhere), ==, OK);
  g_assert_cmphex (transfer (rig, 1, 0, 0, 16, 1, 0), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, UPDATE_CURSOR, 5, 0, 0, 0, 1, 0, 0), ==, NO_SCANOUT);
  g_assert_cmphex (COMMAND (rig, UPDATE_CURSOR, 0, 0, 0, 0, 99, 0, 0), ==, NO_RESOURCE);
  put (rig, REQUEST, CREATE, 4);
  g_assert_cmphex (send (rig, 0, 30), ==, BAD_PARAMETER);                          /* cut off */
}

static void
fences_come_back (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  memset (rig->screen.pci.ram->host + REQUEST, 0, 64);
  put (rig, REQUEST, UNREF, 4);
  put (rig, REQUEST + 4, 1, 4);
  put (rig, REQUEST + 8, 0x1122334455667788, 8);
  g_assert_cmphex (send (rig, 0, 32), ==, NO_RESOURCE);
  g_assert_cmphex (get (rig, RESPONSE + 4, 4), ==, 1);
  g_assert_cmphex (get (rig, RESPONSE + 8, 8), ==, 0x1122334455667788);
}

static void
a_flood_of_resources_ends_at_the_limit (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  unsigned made = 0;
  start (rig);
  for (uint32_t id = 1; id < 2000; id++)
    made += COMMAND (rig, CREATE, id, 1, 512, 128) == OK;              /* 256 KiB each */
  g_assert_cmpuint (made, ==, (STORE_BYTES - 0x10000) / 0x40000);
  for (uint32_t id = 1; id < 2000; id++)
    COMMAND (rig, UNREF, id, 0);
  made = 0;
  for (uint32_t id = 1; id < 2000; id++)
    made += COMMAND (rig, CREATE, id, 1, 1, 1) == OK;
  g_assert_cmpuint (made, ==, 256);
  put (rig, rig->driver.regs + DRIVER_STATUS, 0, 1);                          /* a reset frees everything */
  start (rig);
  g_assert_cmphex (COMMAND (rig, CREATE, 3000, 1, 1000, 900), ==, OK);
}

static void
freed_room_is_found_again (void)
{
  g_autoptr (Rig)   rig = rig_new (&vt_virtio_gpu_pci);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  bool              alive[40] = { false };
  start (rig);
  for (unsigned i = 0; i < 5000; i++)
    {
      uint32_t id = (uint32_t) g_rand_int_range (random, 0, 40);
      if (alive[id])
        g_assert_cmphex (COMMAND (rig, UNREF, id + 1, 0), ==, OK);
      else
        {
          unsigned response = COMMAND (rig, CREATE, id + 1, 1, (uint32_t) g_rand_int_range (random, 1, 400), 150);
          g_assert_true (response == OK || response == NO_MEMORY);
          if (response != OK)
            continue;
        }
      alive[id] = !alive[id];
    }
  for (uint32_t id = 0; id < 40; id++)
    if (alive[id])
      g_assert_cmphex (COMMAND (rig, UNREF, id + 1, 0), ==, OK);
  g_assert_cmphex (COMMAND (rig, CREATE, 1, 1, 1008, 1000), ==, OK);   /* nearly all of it, in one piece */
}

static void
an_unreferenced_resource_is_not_shown (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  VtSurfaceFrame  frame;
  start (rig);
  show_picture (rig);
  g_assert_cmphex (COMMAND (rig, UNREF, 7, 0), ==, OK);
  g_assert_true (look (rig, &frame));
  g_assert_true (frame.blank);
  vt_surface_release (&frame);
}

static void
the_pointer_has_its_own_plane (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  const uint64_t  backing[1][2] = { { PIXELS, 0x4000 } };
  uint64_t        serial = 0;
  g_autofree VtSurfaceCursor *shape = g_new0 (VtSurfaceCursor, 1);
  start (rig);
  g_assert_cmphex (COMMAND (rig, CREATE, 3, 1, 64, 64), ==, OK);
  g_assert_cmphex (attach (rig, 3, 1, backing), ==, OK);
  put (rig, PIXELS + 4, 0x80402010, 4);
  g_assert_cmphex (transfer (rig, 3, 0, 0, 64, 64, 0), ==, OK);
  g_assert_cmphex (COMMAND (rig, UPDATE_CURSOR, 0, 100, 200, 0, 3, 5, 6), ==, OK);
  VtSurfacePointer pointer = vt_surface_pointer (rig->screen.surface, &serial, shape);
  g_assert_true (pointer.visible);
  g_assert_cmpint (pointer.x, ==, 100);
  g_assert_cmpint (pointer.y, ==, 200);
  g_assert_cmpuint (shape->width, ==, 64);
  g_assert_cmpuint (shape->hot_y, ==, 6);
  g_assert_cmphex (shape->pixels[1], ==, 0x80402010);
  g_assert_cmphex (COMMAND (rig, MOVE_CURSOR, 0, (uint32_t) -3, 7, 0), ==, OK);
  uint64_t before = serial;
  pointer = vt_surface_pointer (rig->screen.surface, &serial, shape);
  g_assert_cmpint (pointer.x, ==, -3);
  g_assert_cmpuint (serial, ==, before);
  g_assert_cmphex (COMMAND (rig, UPDATE_CURSOR, 0, 0, 0, 0, 0, 0, 0), ==, OK);
  g_assert_false (vt_surface_pointer (rig->screen.surface, &serial, shape).visible);
}

static void
a_saved_picture_comes_back (void)
{
  g_autoptr (Rig)        rig = rig_new (&vt_virtio_gpu_pci);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  VtSurfaceFrame         before, after;
  start (rig);
  show_picture (rig);
  memset (rig->screen.pci.ram->host + PIXELS, 0x5a, 0x1000);
  transfer (rig, 7, 0, 0, 64, 16, 0);
  COMMAND (rig, FLUSH, 0, 0, 64, 32, 7, 0);
  g_assert_true (look (rig, &before));
  vt_device_save (rig->driver.dev, saved);                                    /* the machine saves the store */
  vt_device_reset (rig->driver.dev, VT_RESET_POWER);
  rig->screen.seen = 0;
  g_assert_true (look (rig, &after));
  g_assert_true (after.blank);
  vt_surface_release (&after);
  g_assert_true (vt_device_load (rig->driver.dev, rig->driver.dev->cls->state.version, saved->data, saved->len, NULL));
  rig->screen.seen = 0;
  g_assert_true (look (rig, &after));
  g_assert_cmphex (vt_frame_hash (&before), ==, vt_frame_hash (&after));
  vt_surface_release (&before);
  vt_surface_release (&after);
}

static void
virtio_vga_is_a_vga_until_the_driver_draws (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_vga);
  VtSurfaceFrame  frame;
  g_assert_cmphex (vt_pci_bus_config_read (rig->screen.pci.bus, 0, DEVFN, 0, 4), ==, 0x10501af4);
  g_assert_cmphex (vt_pci_bus_config_read (rig->screen.pci.bus, 0, DEVFN, 8, 4) >> 8, ==, 0x030000);
  g_assert_cmphex (get (rig, REGS + 0x500, 2), ==, 0xb0c5);
  g_assert_cmphex (get (rig, REGS, 8), ==, 0x00ffffffffffff00);        /* its EDID */
  enable_vga (rig);
  put (rig, LFB, 0x00c0ffee & 0xffffff, 4);
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 320);
  g_assert_cmphex (frame_pixel (&frame, 0, 0), ==, 0xc0ffee);
  vt_surface_release (&frame);
  start (rig);
  show_picture (rig);
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 64);
  vt_surface_release (&frame);
  put (rig, rig->driver.regs + DRIVER_STATUS, 0, 1);                          /* the driver leaves */
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 320);
  g_assert_cmphex (frame_pixel (&frame, 0, 0), ==, 0xc0ffee);
  vt_surface_release (&frame);
}

static void
random_commands_never_hurt (void)
{
  static const uint32_t types[]
      = { CREATE, UNREF, SET_SCANOUT, FLUSH, TRANSFER, ATTACH, DETACH, GET_EDID, UPDATE_CURSOR, MOVE_CURSOR };
  g_autoptr (Rig)   rig = rig_new (&vt_virtio_vga);
  g_autoptr (GRand) random = g_rand_new_with_seed (9);
  start (rig);
  for (unsigned i = 0, rounds = g_test_slow () ? 1000000 : 20000; i < rounds; i++)
    {
      uint32_t fields[12];
      for (unsigned f = 0; f < 12; f++)
        fields[f] = g_rand_int (random) >> (g_rand_int (random) & 31);
      /* Mostly resources that there may be. */
      fields[g_rand_int (random) % 7] = g_rand_int (random) & 7;
      command (rig, types[g_rand_int (random) % G_N_ELEMENTS (types)], 8 + g_rand_int (random) % 4, fields);
      VtSurfaceFrame frame;
      if (i % 16 == 0 && look (rig, &frame))
        vt_surface_release (&frame);
      if (i % 4096 == 0)
        start (rig);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  GPU_TEST ("virtio-gpu", the_monitor_can_be_asked_for)
  GPU_TEST ("virtio-gpu", a_new_size_is_announced)
  GPU_TEST ("virtio-gpu", an_unplugged_monitor_is_gone_and_comes_back)
  GPU_TEST ("virtio-gpu", what_is_flushed_is_shown_and_nothing_else)
  GPU_TEST ("virtio-gpu", every_format_has_the_right_colours)
  GPU_TEST ("virtio-gpu", mistakes_get_their_errors)
  GPU_TEST ("virtio-gpu", fences_come_back)
  GPU_TEST ("virtio-gpu", a_flood_of_resources_ends_at_the_limit)
  GPU_TEST ("virtio-gpu", freed_room_is_found_again)
  GPU_TEST ("virtio-gpu", an_unreferenced_resource_is_not_shown)
  GPU_TEST ("virtio-gpu", the_pointer_has_its_own_plane)
  GPU_TEST ("virtio-gpu", a_saved_picture_comes_back)
  GPU_TEST ("virtio-gpu", virtio_vga_is_a_vga_until_the_driver_draws)
  GPU_TEST ("virtio-gpu", random_commands_never_hurt)
  return g_test_run ();
}
