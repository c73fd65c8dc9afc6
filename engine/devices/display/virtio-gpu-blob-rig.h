/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A driver of virtio-gpu that has blobs, for the device's tests: what it says, and what should be seen of it. */
#pragma once

#include "virtio-gpu-rig.h"

enum
{
  ID = 7, MAX_ENTRIES = 64,
  MEM_GUEST = 1, MEM_HOST3D = 2, MEM_HOST3D_GUEST = 3,
  FORMAT_BGRX = 2,
};

/* A blob, and where its bytes are. */
typedef struct
{
  uint64_t size;
  unsigned n;
  uint64_t entries[MAX_ENTRIES][2];
} Blob;

/* What SET_SCANOUT_BLOB says. */
typedef struct
{
  uint32_t x, y, view_width, view_height, scanout, id, width, height, format, stride, offset;
} Shown;

/* --- A driver with blobs ------------------------------------------------------------------------------------------ */

static inline unsigned
create_blob (Rig *rig, uint32_t id, uint32_t mem, uint32_t flags, uint64_t size, unsigned n,
             const uint64_t (*entries)[2])
{
  memset (rig->screen.pci.ram->host + REQUEST, 0, 56);
  put (rig, REQUEST, CREATE_BLOB, 4);
  put (rig, REQUEST + 24, id, 4);
  put (rig, REQUEST + 28, mem, 4);
  put (rig, REQUEST + 32, flags, 4);
  put (rig, REQUEST + 36, n, 4);
  put (rig, REQUEST + 48, size, 8);
  put_entries (rig, REQUEST + 56, n, entries);
  return send (rig, 0, 56 + 16 * n);
}

static inline unsigned
show_blob (Rig *rig, const Shown *shown)
{
  const Shown *s = shown;
  return COMMAND (rig, SET_SCANOUT_BLOB, s->x, s->y, s->view_width, s->view_height, s->scanout, s->id, s->width,
                  s->height, s->format, 0, s->stride, 0, 0, 0, s->offset, 0, 0, 0);
}

static inline void
add_piece (Blob *blob, uint64_t address, uint64_t len)
{
  g_assert_cmpuint (blob->n, <, MAX_ENTRIES);
  blob->entries[blob->n][0] = address;
  blob->entries[blob->n++][1] = len;
  blob->size += len;
}

/* Pages in falling order, with others in between. */
static inline Blob
blob_of_pages (unsigned n)
{
  Blob blob = { 0 };
  for (unsigned i = 0; i < n; i++)
    add_piece (&blob, PIXELS + (n - i) * 0x3000, 0x1000);
  return blob;
}

/* Pieces that end anywhere, also inside of a pixel. */
static inline Blob
blob_of_crumbs (uint64_t size)
{
  static const uint16_t lengths[] = { 1, 2, 3, 4093, 5, 0, 1022, 7, 4096, 4095, 2, 1, 1, 6001 };
  Blob blob = { 0 };
  for (unsigned i = 0; blob.size < size; i++)
    add_piece (&blob, PIXELS + (MAX_ENTRIES - i) * 0x2000 + i, lengths[i % G_N_ELEMENTS (lengths)]);
  return blob;
}

static inline uint8_t *
blob_byte (Rig *rig, const Blob *blob, uint64_t off)
{
  for (unsigned i = 0; i < blob->n; off -= blob->entries[i++][1])
    if (off < blob->entries[i][1])
      return rig->screen.pci.ram->host + blob->entries[i][0] + off;
  g_assert_not_reached ();
}

static inline void
fill_blob (Rig *rig, const Blob *blob, uint32_t seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  for (uint64_t off = 0; off < blob->size; off++)
    *blob_byte (rig, blob, off) = (uint8_t) g_rand_int (random);
}

static inline void
put_pixel (Rig *rig, const Blob *blob, uint64_t off, uint32_t word)
{
  for (unsigned i = 0; i < 4; i++)
    *blob_byte (rig, blob, off + i) = (uint8_t) (word >> (8 * i));
}

/* Of a format whose words are those of the screen. */
static inline uint32_t
blob_pixel (Rig *rig, const Blob *blob, const Shown *shown, uint32_t x, uint32_t y)
{
  uint64_t off = shown->offset + (uint64_t) (shown->y + y) * shown->stride + (shown->x + x) * 4;
  uint32_t word = 0;
  for (unsigned i = 0; i < 4; i++)
    word |= (uint32_t) *blob_byte (rig, blob, off + i) << (8 * i);
  return word & 0xffffff;
}

static inline void
assert_shown (Rig *rig, const VtSurfaceFrame *frame, const Blob *blob, const Shown *shown)
{
  g_assert_false (frame->blank);
  g_assert_cmpuint (frame->width, ==, shown->view_width);
  g_assert_cmpuint (frame->height, ==, shown->view_height);
  for (uint32_t y = 0; y < frame->height; y++)
    for (uint32_t x = 0; x < frame->width; x++)
      g_assert_cmphex (frame_pixel (frame, x, y), ==, blob_pixel (rig, blob, shown, x, y));
}

static inline void
assert_looks_like (Rig *rig, const Blob *blob, const Shown *shown)
{
  VtSurfaceFrame frame;
  rig->screen.seen = 0;
  g_assert_true (look (rig, &frame));
  assert_shown (rig, &frame, blob, shown);
  vt_surface_release (&frame);
}

static inline void
assert_blank (Rig *rig)
{
  VtSurfaceFrame frame;
  rig->screen.seen = 0;
  g_assert_true (look (rig, &frame));
  g_assert_true (frame.blank);
  vt_surface_release (&frame);
}

static const Shown usual = { 0, 0, 64, 48, 0, ID, 64, 48, FORMAT_BGRX, 256, 0 };

/* On scanout 0, 64x48 of scattered pages. */
static inline Blob
show_usual (Rig *rig)
{
  Blob blob = blob_of_pages (3);
  fill_blob (rig, &blob, 1);
  g_assert_cmphex (create_blob (rig, ID, MEM_GUEST, 2, blob.size, blob.n, blob.entries), ==, OK);
  g_assert_cmphex (show_blob (rig, &usual), ==, OK);
  return blob;
}
