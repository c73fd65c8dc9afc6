/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blobs of virtio-gpu: mistakes, floods, saved states good and bad, and anything at all. */
#include "virtio-gpu-blob-rig.h"

/* --- Mistakes ----------------------------------------------------------------------------------------------------- */

static void
mistakes_get_their_errors (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  const uint64_t  page[1][2] = { { PIXELS, 0x1000 } };
  start (rig);
  g_assert_cmphex (create_blob (rig, 0, MEM_GUEST, 0, 0x1000, 1, page), ==, NO_RESOURCE);
  g_assert_cmphex (create_blob (rig, 1, 0, 0, 0x1000, 1, page), ==, BAD_PARAMETER);
  g_assert_cmphex (create_blob (rig, 1, MEM_HOST3D, 0, 0x1000, 0, NULL), ==, BAD_PARAMETER);
  g_assert_cmphex (create_blob (rig, 1, MEM_HOST3D_GUEST, 0, 0x1000, 1, page), ==, BAD_PARAMETER);
  g_assert_cmphex (create_blob (rig, 1, 4, 0, 0x1000, 1, page), ==, BAD_PARAMETER);
  g_assert_cmphex (create_blob (rig, 1, MEM_GUEST, 8, 0x1000, 1, page), ==, BAD_PARAMETER);
  g_assert_cmphex (create_blob (rig, 1, MEM_GUEST, 0x80000000, 0x1000, 1, page), ==, BAD_PARAMETER);
  g_assert_cmphex (create_blob (rig, 1, MEM_GUEST, 0, 0, 1, page), ==, BAD_PARAMETER);
  g_assert_cmphex (create_blob (rig, 1, MEM_GUEST, 0, 0x1001, 1, page), ==, BAD_PARAMETER);   /* more than its memory */
  g_assert_cmphex (create_blob (rig, 1, MEM_GUEST, 0, UINT64_MAX, 1, page), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, CREATE_BLOB, 1, MEM_GUEST, 0, 0xffffffff, 0, 0, 0x1000, 0), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, CREATE_BLOB, 1, MEM_GUEST, 0, 1, 0, 0, 0x1000), ==, BAD_PARAMETER);       /* cut off */
  g_assert_cmphex (COMMAND (rig, UNREF, 1, 0), ==, NO_RESOURCE);                   /* none of these left anything */
  g_assert_cmphex (create_blob (rig, 1, MEM_GUEST, 7, 0x1000, 1, page), ==, OK);
  g_assert_cmphex (create_blob (rig, 1, MEM_GUEST, 0, 0x1000, 1, page), ==, NO_RESOURCE);
  g_assert_cmphex (COMMAND (rig, CREATE, 1, 1, 16, 16), ==, NO_RESOURCE);
  g_assert_cmphex (COMMAND (rig, SET_SCANOUT, 0, 0, 16, 16, 0, 1), ==, NO_RESOURCE);    /* needs SET_SCANOUT_BLOB */
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 16, 16, 1, 0), ==, OK);
  g_assert_cmphex (COMMAND (rig, FLUSH, 1, 0, 16384, 16, 1, 0), ==, BAD_PARAMETER);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0xffffffff, 16, 2, 1, 0), ==, BAD_PARAMETER);
  /* There is no memory of the host's to map. */
  g_assert_cmphex (COMMAND (rig, MAP_BLOB, 1, 0, 0, 0), ==, UNSPEC);
  g_assert_cmphex (COMMAND (rig, UNMAP_BLOB, 1, 0), ==, UNSPEC);
}

static void
impossible_layouts_are_refused (void)
{
  static const struct { Shown shown; unsigned response; } cases[] = {
    { { 0, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 256, 0 }, OK },
    { { 0, 0, 64, 48, 2, ID, 64, 48, FORMAT_BGRX, 256, 0 }, NO_SCANOUT },
    { { 0, 0, 64, 48, 0, 99, 64, 48, FORMAT_BGRX, 256, 0 }, NO_RESOURCE },
    { { 0, 0, 64, 48, 0, ID, 64, 48, 0, 256, 0 }, BAD_PARAMETER },
    { { 0, 0, 64, 48, 0, ID, 64, 48, 5, 256, 0 }, BAD_PARAMETER },
    { { 0, 0, 64, 48, 0, ID, 64, 49, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },          /* a line too many */
    { { 0, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 257, 0 }, BAD_PARAMETER },
    { { 0, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 256, 1 }, BAD_PARAMETER },
    { { 0, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 256, 0xffffffff }, BAD_PARAMETER },
    { { 0, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 255, 0 }, BAD_PARAMETER },          /* lines that overlap */
    { { 0, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 0, 0 }, BAD_PARAMETER },
    { { 0, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 0xffffffff, 0 }, BAD_PARAMETER },
    { { 0, 0, 64, 1, 0, ID, 64, 1, FORMAT_BGRX, 0xffffffff, 0x2f00 }, OK },       /* a stride that nobody steps over */
    { { 0, 0, 64, 1, 0, ID, 64, 1, FORMAT_BGRX, 256, 0x2f01 }, BAD_PARAMETER },
    { { 0, 0, 1, 1, 0, ID, 0, 48, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },
    { { 0, 0, 1, 1, 0, ID, 64, 0, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },
    { { 0, 0, 1, 1, 0, ID, 0x40000000, 1, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },     /* 4 bytes a pixel: 2^32 */
    { { 0, 0, 1, 1, 0, ID, 1, 16385, FORMAT_BGRX, 4, 0 }, BAD_PARAMETER },
    { { 0, 0, 1, 1, 0, ID, 0xffffffff, 0xffffffff, FORMAT_BGRX, 0xffffffff, 0 }, BAD_PARAMETER },
    { { 0, 0, 0, 48, 0, ID, 64, 48, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },
    { { 0, 0, 64, 0, 0, ID, 64, 48, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },
    { { 1, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },
    { { 0, 40, 64, 9, 0, ID, 64, 48, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },
    { { 0xffffffff, 0, 2, 48, 0, ID, 64, 48, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },
    { { 1, 1, 0xffffffff, 0xffffffff, 0, ID, 64, 48, FORMAT_BGRX, 256, 0 }, BAD_PARAMETER },
  };
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  Blob blob = show_usual (rig);
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("layout %u", i);
      g_assert_cmphex (show_blob (rig, &cases[i].shown), ==, cases[i].response);
      if (cases[i].response != OK)
        continue;
      assert_looks_like (rig, &blob, &cases[i].shown);
    }
  /* A refusal leaves on the screen what was there. */
  assert_looks_like (rig, &blob, &cases[12].shown);
  put (rig, REQUEST, SET_SCANOUT_BLOB, 4);
  g_assert_cmphex (send (rig, 0, 95), ==, BAD_PARAMETER);
}

static void
who_has_not_agreed_has_no_blobs (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  const uint64_t  page[1][2] = { { PIXELS, 0x1000 } };
  rig->driver.features &= ~VIRTIO_F (3);
  start (rig);
  g_assert_cmphex (create_blob (rig, ID, MEM_GUEST, 0, 0x1000, 1, page), ==, UNSPEC);
  g_assert_cmphex (COMMAND (rig, UNREF, ID, 0), ==, NO_RESOURCE);
  g_assert_cmphex (COMMAND (rig, CREATE, ID, 2, 64, 48), ==, OK);
  g_assert_cmphex (show_blob (rig, &usual), ==, UNSPEC);
  assert_blank (rig);
}

static void
memory_that_is_not_there_is_not_shown (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  VtSurfaceFrame  frame;
  Blob            blob = { 0 };
  start (rig);
  add_piece (&blob, PIXELS, 0x1000);
  add_piece (&blob, UINT64_MAX - 0x7ff, 0x1000);
  add_piece (&blob, PCI_RIG_RAM_BYTES + 0x1000, 0x802);
  add_piece (&blob, PIXELS + 0x1000, 0x7fe);
  memset (rig->screen.pci.ram->host + PIXELS, 0x11, 0x2000);
  g_assert_cmphex (create_blob (rig, ID, MEM_GUEST, 0, blob.size, blob.n, blob.entries), ==, OK);
  g_assert_cmphex (show_blob (rig, &usual), ==, OK);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 63, 15), ==, 0x111111);
  for (unsigned y = 16; y < 40; y++)
    for (unsigned x = 0; x < 64; x++)
      g_assert_cmphex (frame_pixel (&frame, x, y), ==, 0);
  g_assert_cmphex (frame_pixel (&frame, 1, 40), ==, 0x111111);
  vt_surface_release (&frame);
  /* Nor is any, once the function may not master the bus. */
  memset (rig->screen.pci.ram->host + PIXELS, 0x22, 0x2000);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 48, ID, 0), ==, OK);
  vt_pci_bus_config_write (rig->screen.pci.bus, 0, DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  g_assert_true (look (rig, &frame));
  g_assert_cmphex (frame_pixel (&frame, 63, 15), ==, 0x111111);
  vt_surface_release (&frame);
}

/* --- Limits ------------------------------------------------------------------------------------------------------- */

static void
a_flood_of_blobs_ends_at_the_limit (void)
{
  enum { LIST = 8192 };                        /* entries: 128 KiB of the store */
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  static uint64_t list[LIST][2];
  unsigned        made = 0;
  start (rig);
  for (unsigned i = 0; i < LIST; i++)
    list[i][0] = PIXELS, list[i][1] = 1;
  for (uint32_t id = 1; id < 300; id++)
    made += create_blob (rig, id, MEM_GUEST, 0, LIST, LIST, list) == OK;
  g_assert_cmpuint (made, ==, (STORE_BYTES - 0x10000) / (LIST * 16));
  g_assert_cmphex (create_blob (rig, 1000, MEM_GUEST, 0, LIST, LIST, list), ==, NO_MEMORY);
  g_assert_cmphex (COMMAND (rig, UNREF, 1000, 0), ==, NO_RESOURCE);
  for (uint32_t id = 1; id < 300; id++)
    COMMAND (rig, UNREF, id, 0);
  made = 0;
  for (uint32_t id = 1; id < 2000; id++)
    made += create_blob (rig, id, MEM_GUEST, 0, UINT64_MAX, 0, NULL) == OK;
  g_assert_cmpuint (made, ==, 256);
}

/* The surface is memory too. */
static void
a_picture_is_no_larger_than_the_store (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  Blob            blob = { 0 };
  Shown           shown = { 0, 0, 1024, 1024, 0, ID, 1024, 1100, FORMAT_BGRX, 4096, 0 };
  start (rig);
  for (unsigned i = 0; i < 11; i++)
    add_piece (&blob, PIXELS, 4096 * 100);
  fill_blob (rig, &blob, 8);
  g_assert_cmphex (create_blob (rig, ID, MEM_GUEST, 0, blob.size, blob.n, blob.entries), ==, OK);
  g_assert_cmphex (show_blob (rig, &shown), ==, OK);
  assert_looks_like (rig, &blob, &shown);
  shown.view_height++;
  g_assert_cmphex (show_blob (rig, &shown), ==, NO_MEMORY);
  shown.view_height--;
  assert_looks_like (rig, &blob, &shown);
}

/* --- Saved states ------------------------------------------------------------------------------------------------- */

/* Where a field is in a stream of the newest version. */
static size_t
field_at (const VtDeviceClass *cls, const char *name)
{
  size_t at = 0;
  for (size_t i = 0; i < cls->state.n_fields; at += cls->state.fields[i++].len)
    if (strcmp (cls->state.fields[i].name, name) == 0)
      return at;
  g_assert_not_reached ();
}

static GByteArray *
save (Rig *rig)
{
  GByteArray *saved = g_byte_array_new ();
  vt_device_save (rig->driver.dev, saved);
  return saved;
}

static bool
load (Rig *rig, unsigned version, const GByteArray *saved)
{
  return vt_device_load (rig->driver.dev, version, saved->data, saved->len, NULL);
}

static void
a_saved_blob_comes_back (const VtDeviceClass *cls)
{
  g_autoptr (Rig) rig = rig_new (cls);
  VtSurfaceFrame  frame;
  start (rig);
  Blob blob = show_usual (rig);
  assert_looks_like (rig, &blob, &usual);
  g_autoptr (GByteArray) saved = save (rig);       /* the machine saves the store and the guest's memory */
  vt_device_reset (rig->driver.dev, VT_RESET_POWER);
  rig->screen.seen = 0;
  g_assert_true (look (rig, &frame));
  g_assert_true (frame.blank || frame.width != 64);
  vt_surface_release (&frame);
  g_assert_true (load (rig, cls->state.version, saved));
  assert_looks_like (rig, &blob, &usual);
  /* And the driver goes on with it. */
  fill_blob (rig, &blob, 9);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 48, ID, 0), ==, OK);
  assert_looks_like (rig, &blob, &usual);
  g_assert_cmphex (COMMAND (rig, UNREF, ID, 0), ==, OK);
}

static void
saved_blobs_come_back (void)
{
  a_saved_blob_comes_back (&vt_virtio_gpu_pci);
  a_saved_blob_comes_back (&vt_virtio_vga);
}

/* Version 2 knew no blobs. */
static void
an_older_state_loads (void)
{
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  VtSurfaceFrame  before, after;
  rig->driver.features &= ~VIRTIO_F (3);
  start (rig);
  show_picture (rig);
  memset (rig->screen.pci.ram->host + PIXELS, 0x5a, 0x1000);
  transfer (rig, 7, 0, 0, 64, 16, 0);
  g_assert_true (look (rig, &before));
  g_autoptr (GByteArray) saved = save (rig);
  g_autoptr (GByteArray) older = g_byte_array_new ();
  const VtState         *state = &vt_virtio_gpu_pci.state;
  size_t                 at = 0;
  for (size_t i = 0; i < state->n_fields; at += state->fields[i++].len)
    if (state->fields[i].since <= 2)
      g_byte_array_append (older, saved->data + at, state->fields[i].len);
  g_assert_cmpuint (older->len, <, saved->len);
  vt_device_reset (rig->driver.dev, VT_RESET_POWER);
  g_assert_true (load (rig, 2, older));
  rig->screen.seen = 0;
  g_assert_true (look (rig, &after));
  g_assert_cmphex (vt_frame_hash (&before), ==, vt_frame_hash (&after));
  vt_surface_release (&before);
  vt_surface_release (&after);
  g_assert_cmphex (COMMAND (rig, FLUSH, 0, 0, 64, 32, 7, 0), ==, OK);
}

/* Numbers that SET_SCANOUT_BLOB would have refused show nothing; what no resource can be is refused. */
static void
hostile_states_do_no_harm (void)
{
  static const struct { const char *field; unsigned size; uint64_t value; bool loads; } cases[] = {
    { "gpu.scanout_stride", 4, 0, true }, { "gpu.scanout_stride", 4, 0xffffffff, true },
    { "gpu.scanout_offset", 4, 0xffffffff, true }, { "gpu.scanout_format", 4, 0, true },
    { "gpu.scanout_format", 4, 5, false },
    { "gpu.scanout_x", 4, 0xffffffff, true }, { "gpu.scanout_y", 4, 0xffffffc0, true },
    { "gpu.scanout_width", 4, 0xffffffff, true }, { "gpu.scanout_height", 4, 0xffffffff, true },
    { "gpu.scanout_width", 4, 0x40000001, true }, { "gpu.scanout_height", 4, 16384, true },
    { "gpu.blob_size", 8, 1, true }, { "gpu.blob_size", 8, 0, false },
    { "gpu.n_entries", 4, 0, true }, { "gpu.n_entries", 4, 0xffffffff, false },
    { "gpu.list_at", 8, STORE_BYTES, false }, { "gpu.list_at", 8, UINT64_MAX, false },
    { "gpu.width", 4, 64, false }, { "gpu.height", 4, 48, false }, { "gpu.format", 4, 2, false },
    { "gpu.pixels_at", 8, 0x10000, false },
  };
  g_autoptr (Rig) rig = rig_new (&vt_virtio_gpu_pci);
  start (rig);
  Blob blob = show_usual (rig);
  g_autoptr (GByteArray) saved = save (rig);
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) changed = g_byte_array_new ();
      g_test_message ("%s", cases[i].field);
      g_byte_array_append (changed, saved->data, saved->len);
      vt_store_le (changed->data + field_at (&vt_virtio_gpu_pci, cases[i].field), cases[i].value, cases[i].size);
      g_assert_cmpint (load (rig, vt_virtio_gpu_pci.state.version, changed), ==, cases[i].loads);
      if (cases[i].loads)
        assert_blank (rig);
    }
  g_assert_true (load (rig, vt_virtio_gpu_pci.state.version, saved));
  assert_looks_like (rig, &blob, &usual);
  /* The list is in the store, which is as hostile: it may end early, or anywhere. */
  memset (rig->store->host, 0xff, rig->store->size);
  COMMAND (rig, FLUSH, 0, 0, 64, 48, ID, 0);
  COMMAND (rig, UPDATE_CURSOR, 0, 0, 0, 0, ID, 0, 0);
  VtSurfaceFrame frame;
  if (look (rig, &frame))
    vt_surface_release (&frame);
  memset (rig->store->host, 0, rig->store->size);
  COMMAND (rig, FLUSH, 0, 0, 64, 48, ID, 0);
  g_assert_true (look (rig, &frame));
  vt_surface_release (&frame);
}

/* --- Anything ----------------------------------------------------------------------------------------------------- */

/* Close to what works: the rarer a field is wrong, the deeper the others get. */
static uint32_t
some (GRand *random, uint32_t usually)
{
  switch (g_rand_int (random) % 12)
    {
    case 0: return g_rand_int (random) >> (g_rand_int (random) & 31);
    case 1: return usually + 1;
    case 2: return usually - 1;
    default: return usually;
    }
}

static void
random_blob_command (Rig *rig, GRand *random)
{
  uint32_t id = g_rand_int (random) & 3, n = g_rand_int (random) % 8;
  uint32_t width = some (random, 64), height = some (random, 40);
  uint64_t list[8][2];
  for (unsigned i = 0; i < n; i++)
    {
      list[i][0] = some (random, PIXELS + (g_rand_int (random) & 0xfffff));
      list[i][1] = some (random, g_rand_int (random) & 0x3fff);
    }
  switch (g_rand_int (random) % 8)
    {
    case 0: case 1: create_blob (rig, id, some (random, 1), some (random, 2), some (random, 0x2800), n, list); break;
    case 2: attach (rig, id, n, list); break;
    case 3: COMMAND (rig, DETACH, id, 0); break;
    case 4: COMMAND (rig, UNREF, id, 0); break;
    case 5: COMMAND (rig, FLUSH, some (random, 0), some (random, 0), width, height, id, 0); break;
    case 6: COMMAND (rig, UPDATE_CURSOR, some (random, 0), 0, 0, 0, id, 0, 0); break;
    default:
      show_blob (rig, &(Shown) { some (random, 0), some (random, 0), width, height, some (random, 0), id,
                                 some (random, width), some (random, height), some (random, 2),
                                 some (random, width * 4), some (random, 0) });
      break;
    }
}

static void
random_blobs_never_hurt (void)
{
  g_autoptr (Rig)   rig = rig_new (&vt_virtio_vga);
  g_autoptr (GRand) random = g_rand_new_with_seed (10);
  start (rig);
  for (unsigned i = 0, rounds = g_test_slow () ? 1000000 : 20000; i < rounds; i++)
    {
      VtSurfaceFrame frame;
      random_blob_command (rig, random);
      if (i % 4 == 0 && look (rig, &frame))
        vt_surface_release (&frame);
      if (i % 4096 == 0)
        start (rig);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  GPU_TEST ("virtio-gpu-blob-hostile", mistakes_get_their_errors)
  GPU_TEST ("virtio-gpu-blob-hostile", impossible_layouts_are_refused)
  GPU_TEST ("virtio-gpu-blob-hostile", who_has_not_agreed_has_no_blobs)
  GPU_TEST ("virtio-gpu-blob-hostile", memory_that_is_not_there_is_not_shown)
  GPU_TEST ("virtio-gpu-blob-hostile", a_flood_of_blobs_ends_at_the_limit)
  GPU_TEST ("virtio-gpu-blob-hostile", a_picture_is_no_larger_than_the_store)
  GPU_TEST ("virtio-gpu-blob-hostile", saved_blobs_come_back)
  GPU_TEST ("virtio-gpu-blob-hostile", an_older_state_loads)
  GPU_TEST ("virtio-gpu-blob-hostile", hostile_states_do_no_harm)
  GPU_TEST ("virtio-gpu-blob-hostile", random_blobs_never_hurt)
  return g_test_run ();
}
