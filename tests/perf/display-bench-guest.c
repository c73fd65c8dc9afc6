/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's half of display-bench.c: a ramfb in RAM. */
#include "display-bench.h"

#include "display.h"
#include "mem.h"
#include "ramfb.h"

#define RAM_BYTES (16u << 20)
#define FOURCC_XR24 0x34325258u

/* --- a guest with a display and nothing else -------------------------------------------------------------------- */

struct BenchGuest
{
  VtMem     *mem;
  VtRam     *ram;
  VtDma      dma;
  VtSurface *surface;
  VtDevice  *ramfb;
};

static void
free_ram (void *host, uint64_t size)
{
  g_aligned_free (host);
}

static void
store_be (uint8_t *to, uint64_t value, unsigned bytes)
{
  for (unsigned i = 0; i < bytes; i++)
    to[i] = (uint8_t) (value >> (8 * (bytes - 1 - i)));
}

BenchGuest *
bench_guest_new (void)
{
  BenchGuest *guest = g_new0 (BenchGuest, 1);
  g_autoptr(GError) error = NULL;
  uint8_t file[VT_RAMFB_FILE_BYTES] = { 0 };

  guest->mem = vt_mem_new ("memory", UINT64_C (1) << 40, NULL);
  guest->ram = vt_ram_new ("ram", g_aligned_alloc0 (1, RAM_BYTES, 4096), RAM_BYTES, free_ram);
  vt_mem_map_ram (guest->mem, guest->ram, 0, VT_GPA (0), RAM_BYTES, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, &error);
  g_assert_no_error (error);
  guest->dma = (VtDma) { .mem = guest->mem };
  guest->surface = vt_surface_new ();
  VtRamfbConfig config = { guest->surface };
  guest->ramfb = vt_device_new (&vt_ramfb_class, "ramfb");
  bool ok = vt_device_realize (guest->ramfb, &(VtEnv) { .dma = &guest->dma, .config = &config }, &error);
  g_assert_true (ok);
  store_be (file + 8, FOURCC_XR24, 4);
  store_be (file + 16, BENCH_WIDTH, 4);
  store_be (file + 20, BENCH_HEIGHT, 4);
  store_be (file + 24, BENCH_WIDTH * 4, 4);
  vt_ramfb_configure (guest->ramfb, file, sizeof file);
  return guest;
}

void
bench_guest_write (BenchGuest *guest, int left, int top, int width, int height, guint32 color)
{
  for (int y = top; y < top + height; y++)
    {
      guint64 at = ((guint64) y * BENCH_WIDTH + (guint64) left) * 4;
      guint32 *row = (guint32 *) (gpointer) (guest->ram->host + at);
      for (int x = 0; x < width; x++)
        row[x] = color + (guint32) x;
      vt_ram_wrote (guest->ram, at, (guint64) width * 4);
    }
}

gboolean
bench_guest_acquire (BenchGuest *guest, guint64 seen, VitrineFrame *out)
{
  VtSurfaceFrame frame;

  if (!vt_surface_acquire (guest->surface, seen, &frame))
    return FALSE;
  *out = (VitrineFrame) {
    .pixels = frame.pixels, .width = frame.width, .height = frame.height, .stride = frame.stride_bytes,
    .damage_x = frame.damage.x, .damage_y = frame.damage.y, .damage_width = frame.damage.width,
    .damage_height = frame.damage.height, .sequence = frame.sequence, .blank = frame.blank,
    .token = g_memdup2 (&frame, sizeof frame),
  };
  return TRUE;
}

void
bench_guest_release (VitrineFrame *frame)
{
  vt_surface_release (frame->token);
  g_clear_pointer (&frame->token, g_free);
}
