/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blobs of virtio-gpu: pictures that stay in the guest's pages, wherever those are. */
#include "virtio-gpu-blob-rig.h"

/* --- Pictures ----------------------------------------------------------------------------------------------------- */

static void
scattered_pages_are_one_picture (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  Blob blob = show_usual (rig);
  assert_looks_like (rig, &blob, &usual);
}

static void
pixels_may_lie_anywhere (void)
{
  const Shown     odd = { 5, 3, 91, 60, 0, ID, 101, 66, FORMAT_BGRX, 101 * 4 + 7, 13 };
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  Blob            blob = blob_of_crumbs (13 + 66 * (101 * 4 + 7));
  start (rig);
  fill_blob (rig, &blob, 2);
  g_assert_cmphex (create_blob (rig, ID, MEM_GUEST, 0, blob.size, blob.n, blob.entries), ==, OK);
  g_assert_cmphex (show_blob (rig, &odd), ==, OK);
  assert_looks_like (rig, &blob, &odd);
}

static void
a_flush_shows_its_part (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  VtSurfaceFrame  frame;
  start (rig);
  Blob blob = show_usual (rig);
  assert_looks_like (rig, &blob, &usual);
  uint32_t untouched = blob_pixel (rig, &blob, &usual, 60, 40);
  put_pixel (rig, &blob, 256 * 20 + 4 * 10, 0xff123456);
  put_pixel (rig, &blob, 256 * 40 + 4 * 60, ~untouched);
  g_assert_false (look (rig, &frame));
  g_assert_cmphex (transfer (rig, ID, 8, 20, 4, 2, 256 * 20 + 32), ==, OK);     /* drivers say so; nothing happens */
  g_assert_false (look (rig, &frame));
  g_assert_cmphex (COMMAND (rig, FLUSH, 8, 20, 4, 2, ID, 0), ==, OK);
  g_assert_true (look (rig, &frame));
  g_assert_cmpint (frame.damage.x, ==, 8);
  g_assert_cmpint (frame.damage.y, ==, 20);
  g_assert_cmpint (frame.damage.width, ==, 4);
  g_assert_cmpint (frame.damage.height, ==, 2);
  g_assert_cmphex (frame_pixel (&frame, 10, 20), ==, 0x123456);
  g_assert_cmphex (frame_pixel (&frame, 60, 40), ==, untouched);
  vt_surface_release (&frame);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 48, ID, 0), ==, OK);
  assert_looks_like (rig, &blob, &usual);
}

static void
every_format_has_the_right_colours (void)
{
  static const struct { uint32_t format, word; } formats[] = {
    { 1, 0xff112233 }, { 2, 0x00112233 }, { 3, 0x332211ff }, { 4, 0x33221100 }, { 67, 0xff332211 }, { 68, 0x11223300 },
    { 121, 0x112233ff }, { 134, 0x00332211 },
  };
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  Blob blob = show_usual (rig);
  for (unsigned i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      VtSurfaceFrame frame;
      Shown          shown = usual;
      shown.format = formats[i].format;
      for (unsigned x = 0; x < 64; x++)
        put_pixel (rig, &blob, 256 + 4 * x, formats[i].word);
      g_assert_cmphex (show_blob (rig, &shown), ==, OK);
      g_assert_true (look (rig, &frame));
      for (unsigned x = 0; x < 64; x++)
        g_assert_cmphex (frame_pixel (&frame, x, 1), ==, 0x112233);
      vt_surface_release (&frame);
    }
}

/* Two buffers in one blob, or a mirror: each scanout knows how its pixels lie. */
static void
scanouts_share_a_blob (void)
{
  const Shown     second = { 3, 2, 20, 10, 1, ID, 32, 20, FORMAT_BGRX, 160, 4096 };
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  VtSurfaceFrame  frame;
  start (rig);
  Blob blob = show_usual (rig);
  g_assert_cmphex (show_blob (rig, &second), ==, OK);
  g_assert_true (vt_surface_acquire (rig->second, 0, &frame));
  uint64_t seen = frame.sequence;
  assert_shown (rig, &frame, &blob, &second);
  vt_surface_release (&frame);
  assert_looks_like (rig, &blob, &usual);
  fill_blob (rig, &blob, 3);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 48, ID, 0), ==, OK);
  assert_looks_like (rig, &blob, &usual);
  g_assert_true (vt_surface_acquire (rig->second, seen, &frame));
  assert_shown (rig, &frame, &blob, &second);
  vt_surface_release (&frame);
}

static void
buffers_are_flipped (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  Blob            back = { 0 };
  Shown           shown = usual;
  start (rig);
  Blob front = show_usual (rig);
  add_piece (&back, PIXELS + 0x40000, 0x3000);
  fill_blob (rig, &back, 4);
  g_assert_cmphex (create_blob (rig, ID + 1, MEM_GUEST, 2, back.size, back.n, back.entries), ==, OK);
  for (unsigned i = 0; i < 3; i++)
    {
      shown.id = i % 2 == 0 ? ID + 1 : ID;
      g_assert_cmphex (show_blob (rig, &shown), ==, OK);
      g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 48, shown.id, 0), ==, OK);
      assert_looks_like (rig, i % 2 == 0 ? &back : &front, &shown);
    }
}

static void
the_pointer_may_be_a_blob (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  g_autofree VtSurfaceCursor *shape = g_new0 (VtSurfaceCursor, 1);
  uint64_t        serial = 0;
  Blob            blob = blob_of_pages (4);
  start (rig);
  fill_blob (rig, &blob, 5);
  put_pixel (rig, &blob, 256 * 20 + 4, 0x80402010);
  g_assert_cmphex (create_blob (rig, ID, MEM_GUEST, 2, blob.size, blob.n, blob.entries), ==, OK);
  g_assert_cmphex (transfer (rig, ID, 0, 0, 64, 64, 0), ==, OK);
  g_assert_cmphex (COMMAND (rig, UPDATE_CURSOR, 0, 100, 200, 0, ID, 5, 6), ==, OK);
  VtSurfacePointer pointer = vt_surface_pointer (rig->screen.surface, &serial, shape);
  g_assert_true (pointer.visible);
  g_assert_cmpint (pointer.x, ==, 100);
  g_assert_cmpuint (shape->width, ==, 64);
  g_assert_cmpuint (shape->height, ==, 64);
  g_assert_cmpuint (shape->hot_x, ==, 5);
  g_assert_cmphex (shape->pixels[20 * 64 + 1], ==, 0x80402010);
  for (unsigned p = 0; p < 64 * 64; p++)
    g_assert_cmphex (shape->pixels[p], ==, vt_load_le (blob_byte (rig, &blob, 4 * p), 4));
  /* One that cannot be read leaves the pointer as it is. */
  uint64_t before = serial;
  g_assert_cmphex (create_blob (rig, ID + 1, MEM_GUEST, 2, 64 * 64 * 4 - 1, 0, NULL), ==, OK);
  g_assert_cmphex (COMMAND (rig, UPDATE_CURSOR, 0, 0, 0, 0, ID + 1, 0, 0), ==, UNSPEC);
  g_assert_cmphex (attach (rig, ID + 1, 1, (const uint64_t[][2]) { { PIXELS, 64 * 64 * 4 } }), ==, OK);
  g_assert_cmphex (COMMAND (rig, UPDATE_CURSOR, 0, 0, 0, 0, ID + 1, 0, 0), ==, BAD_PARAMETER);
  const uint64_t beyond[1][2] = { { PCI_RIG_RAM_BYTES - 0x1000, 0x4000 } };
  g_assert_cmphex (create_blob (rig, ID + 2, MEM_GUEST, 2, 0x4000, 1, beyond), ==, OK);
  g_assert_cmphex (COMMAND (rig, UPDATE_CURSOR, 0, 0, 0, 0, ID + 2, 0, 0), ==, BAD_PARAMETER);
  vt_surface_pointer (rig->screen.surface, &serial, shape);
  g_assert_cmpuint (serial, ==, before);
}

/* --- Life of a blob ----------------------------------------------------------------------------------------------- */

static void
without_memory_it_is_not_shown (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  Blob blob = show_usual (rig), other = blob_of_crumbs (blob.size);
  assert_looks_like (rig, &blob, &usual);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 48, ID, 0), ==, OK);
  g_assert_cmphex (COMMAND (rig, DETACH, ID, 0), ==, OK);
  assert_blank (rig);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 48, ID, 0), ==, OK);
  assert_blank (rig);
  g_assert_cmphex (COMMAND (rig, DETACH, ID, 0), ==, UNSPEC);
  fill_blob (rig, &other, 6);
  g_assert_cmphex (attach (rig, ID, other.n, other.entries), ==, OK);
  assert_looks_like (rig, &other, &usual);
  g_assert_cmphex (attach (rig, ID, other.n, other.entries), ==, UNSPEC);
}

static void
memory_may_come_later (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  Blob            blob = blob_of_pages (3);
  start (rig);
  fill_blob (rig, &blob, 7);
  g_assert_cmphex (create_blob (rig, ID, MEM_GUEST, 0, blob.size, 0, NULL), ==, OK);
  g_assert_cmphex (show_blob (rig, &usual), ==, OK);
  assert_blank (rig);
  g_assert_cmphex (attach (rig, ID, blob.n - 1, blob.entries), ==, BAD_PARAMETER);   /* not all of it */
  assert_blank (rig);
  g_assert_cmphex (attach (rig, ID, blob.n, blob.entries), ==, OK);
  assert_looks_like (rig, &blob, &usual);
}

static void
an_unreferenced_blob_is_not_shown (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  Shown           second = usual;
  VtSurfaceFrame  frame;
  start (rig);
  show_usual (rig);
  second.scanout = 1;
  g_assert_cmphex (show_blob (rig, &second), ==, OK);
  g_assert_cmphex (COMMAND (rig, UNREF, ID, 0), ==, OK);
  assert_blank (rig);
  g_assert_true (vt_surface_acquire (rig->second, 0, &frame));
  g_assert_true (frame.blank);
  vt_surface_release (&frame);
  /* Its number is free, and means nothing of what it did. */
  g_assert_cmphex (COMMAND (rig, CREATE, ID, 2, 64, 48), ==, OK);
  assert_blank (rig);
  g_assert_cmphex (transfer (rig, ID, 0, 0, 64, 48, 0), ==, UNSPEC);
  g_assert_cmphex (show_blob (rig, &usual), ==, NO_RESOURCE);
}

static void
a_scanout_is_switched_off (void)
{
  const Shown     off = { .scanout = 0 };
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  show_usual (rig);
  g_assert_cmphex (show_blob (rig, &off), ==, OK);
  assert_blank (rig);
  g_assert_cmphex (show_blob (rig, &usual), ==, OK);
  g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 0, 0, 0, 0, 0, 0), ==, OK);          /* as Linux does it */
  assert_blank (rig);
}

static void
virtio_vga_shows_blobs (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_vga);
  VtSurfaceFrame  frame;
  enable_vga (rig);
  start (rig);
  Blob blob = show_usual (rig);
  assert_looks_like (rig, &blob, &usual);
  g_assert_cmphex (COMMAND (rig, UNREF, ID, 0), ==, OK);
  g_assert_true (look (rig, &frame));
  g_assert_cmpuint (frame.width, ==, 320);
  vt_surface_release (&frame);
  blob = show_usual (rig);
  assert_looks_like (rig, &blob, &usual);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  GPU_TEST ("virtio-gpu-blob", scattered_pages_are_one_picture)
  GPU_TEST ("virtio-gpu-blob", pixels_may_lie_anywhere)
  GPU_TEST ("virtio-gpu-blob", a_flush_shows_its_part)
  GPU_TEST ("virtio-gpu-blob", every_format_has_the_right_colours)
  GPU_TEST ("virtio-gpu-blob", scanouts_share_a_blob)
  GPU_TEST ("virtio-gpu-blob", buffers_are_flipped)
  GPU_TEST ("virtio-gpu-blob", the_pointer_may_be_a_blob)
  GPU_TEST ("virtio-gpu-blob", without_memory_it_is_not_shown)
  GPU_TEST ("virtio-gpu-blob", memory_may_come_later)
  GPU_TEST ("virtio-gpu-blob", an_unreferenced_blob_is_not_shown)
  GPU_TEST ("virtio-gpu-blob", a_scanout_is_switched_off)
  GPU_TEST ("virtio-gpu-blob", virtio_vga_shows_blobs)
  return g_test_run ();
}
