/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of virtio-gpu share.
 *
 *   virtio-gpu-resource.c   resources, their backing, and the store that they live in
 *   virtio-gpu-blob.c       resources whose pixels stay in guest memory
 *   virtio-gpu-scanout.c    from resources to surfaces; pointers
 *   virtio-gpu.c            commands, and the device without a VGA
 *   virtio-vga.c            the device with one */
#pragma once

#include "virtio-gpu.h"

#include "screen.h"
#include "virtio-pci.h"

enum
{
  GPU_RESOURCES = 256,
  GPU_EDGE_MAX = 16384,
  GPU_SCANOUTS = VT_VIRTIO_GPU_SCANOUTS,

  GPU_CURSOR_BYTES = 4 * VT_SURFACE_CURSOR_EDGE * VT_SURFACE_CURSOR_EDGE,
  GPU_STORE_FIRST = GPU_SCANOUTS * GPU_CURSOR_BYTES,   /* pointers come first */
  GPU_ENTRY_BYTES = 16,        /* struct virtio_gpu_mem_entry: address, length, padding (5.7.6.8) */
  GPU_FORMAT_B8G8R8A8 = 1,

  /* Responses (5.7.6.7) */
  GPU_OK_NODATA = 0x1100, GPU_OK_DISPLAY_INFO = 0x1101, GPU_OK_EDID = 0x1104,
  GPU_ERR_UNSPEC = 0x1200, GPU_ERR_OUT_OF_MEMORY = 0x1201, GPU_ERR_SCANOUT = 0x1202, GPU_ERR_RESOURCE = 0x1203,
  GPU_ERR_PARAMETER = 0x1205,
};

typedef struct
{
  uint32_t x, y, width, height;
} GpuRect;

/* How SET_SCANOUT_BLOB says that pixels lie in a blob (VIRTIO 1.2, 5.7.6.8). It has four strides and offsets; no format
 * has more than one plane, so the first ones are meant. */
typedef struct
{
  uint32_t format, width, height, stride, offset;      /* stride and offset in bytes */
} GpuLayout;

/* A slot's id is 0 while it is free. All `_at` are offsets in the store. A blob has a size, and no format, width,
 * height and pixels in the store: how its pixels lie is said by each scanout that shows it. */
typedef struct
{
  uint32_t id[GPU_RESOURCES], format[GPU_RESOURCES], width[GPU_RESOURCES], height[GPU_RESOURCES];
  uint32_t n_entries[GPU_RESOURCES];           /* of the backing list; 0: none */
  uint64_t pixels_at[GPU_RESOURCES], list_at[GPU_RESOURCES];
  uint32_t scanout_resource[GPU_SCANOUTS];     /* id; 0: off */
  uint32_t scanout_x[GPU_SCANOUTS], scanout_y[GPU_SCANOUTS];
  uint32_t scanout_width[GPU_SCANOUTS], scanout_height[GPU_SCANOUTS];
  uint32_t cursor_width[GPU_SCANOUTS], cursor_height[GPU_SCANOUTS];   /* 0: none */
  uint32_t cursor_hot_x[GPU_SCANOUTS], cursor_hot_y[GPU_SCANOUTS];
  uint32_t cursor_x[GPU_SCANOUTS], cursor_y[GPU_SCANOUTS];
  uint32_t events;
  uint32_t pad_;
  uint64_t blob_size[GPU_RESOURCES];           /* 0: not a blob */
  uint32_t scanout_format[GPU_SCANOUTS];       /* of a blob; 0: what the resource says */
  uint32_t scanout_stride[GPU_SCANOUTS], scanout_offset[GPU_SCANOUTS];
} GpuState;

#define GPU_FIELDS(T, m)                                                                                               \
  VT_FIELD (T, m.id), VT_FIELD (T, m.format), VT_FIELD (T, m.width), VT_FIELD (T, m.height),                           \
      VT_FIELD (T, m.n_entries), VT_FIELD (T, m.pixels_at), VT_FIELD (T, m.list_at), VT_FIELD (T, m.scanout_resource), \
      VT_FIELD (T, m.scanout_x), VT_FIELD (T, m.scanout_y), VT_FIELD (T, m.scanout_width),                             \
      VT_FIELD (T, m.scanout_height), VT_FIELD (T, m.cursor_width), VT_FIELD (T, m.cursor_height),                     \
      VT_FIELD (T, m.cursor_hot_x), VT_FIELD (T, m.cursor_hot_y), VT_FIELD (T, m.cursor_x), VT_FIELD (T, m.cursor_y),  \
      VT_FIELD (T, m.events), VT_FIELD (T, m.pad_), VT_FIELD_SINCE (3, T, m.blob_size),                                \
      VT_FIELD_SINCE (3, T, m.scanout_format), VT_FIELD_SINCE (3, T, m.scanout_stride),                                \
      VT_FIELD_SINCE (3, T, m.scanout_offset)
/* Of every device that has these fields: blobs came with it. */
#define GPU_STATE_VERSION 3

typedef struct Gpu Gpu;

typedef struct
{
  Gpu          *gpu;
  unsigned      index;
  VtSurface    *surface;     /* nullable */
  VtSurfaceMode mode;        /* pixels NULL: not ours at the moment */
  GpuRect       damage;      /* of the scanout, not yet on the surface; width 0: none */
} GpuScanout;

struct Gpu
{
  VtVirtioPci  pci;
  GpuState    *s;
  VtRam       *store, *own_store;
  unsigned     n_scanouts;
  GpuScanout   scanout[GPU_SCANOUTS];
  VtClock     *clock;        /* nullable */
  VtTimer     *more;         /* goes on with a queue whose commands were too much for one go; nullable */
  uint64_t     budget;       /* bytes that may still be copied in this go */
};

/* --- Resources ---------------------------------------------------------------------------------------------------- */

#define GPU_NONE GPU_RESOURCES
/* The slot of a resource, or GPU_NONE. */
unsigned gpu_find (const Gpu *gpu, uint32_t id);
/* A slot for a new resource with nothing in it but its id; GPU_NONE: all are taken. */
unsigned gpu_take_slot (Gpu *gpu, uint32_t id);
/* Is it one of enum virtio_gpu_formats (5.7.6.8)? */
bool     gpu_format_possible (uint32_t format);
/* These return a response. */
unsigned gpu_create (Gpu *gpu, uint32_t id, uint32_t format, uint32_t width, uint32_t height);
unsigned gpu_unref (Gpu *gpu, uint32_t id);
/* Where n entries of GPU_ENTRY_BYTES may be stored; they become the backing with gpu_attach(), unless they are less
 * than the blob that they are for. */
unsigned gpu_reserve_list (Gpu *gpu, unsigned slot, uint32_t n, uint8_t **list);
unsigned gpu_attach (Gpu *gpu, unsigned slot, uint32_t n);
unsigned gpu_detach (Gpu *gpu, uint32_t id);
/* Of a blob: nothing to do, its pixels are shown from where they are. */
unsigned gpu_transfer (Gpu *gpu, uint32_t id, GpuRect rect, uint64_t offset);
bool     gpu_rect_inside (GpuRect rect, uint32_t width, uint32_t height);
const uint8_t *gpu_pixels (const Gpu *gpu, unsigned slot);
bool     gpu_resources_possible (const Gpu *gpu, const GpuState *s);

/* A walk through the backing of a resource, forward only: offsets must not fall from one call to the next. */
typedef struct
{
  const uint8_t *list;
  uint32_t       n, entry;
  uint64_t       skipped;      /* where entry `entry` begins */
} GpuBacking;

GpuBacking gpu_backing (const Gpu *gpu, unsigned slot);
/* Where in guest memory `off` is, and how many of *len bytes follow it there. False: nowhere. */
bool gpu_backing_piece (GpuBacking *backing, uint64_t off, uint64_t *address, uint64_t *len);
/* False: some of the bytes are nowhere, or not in memory. */
bool gpu_backing_read (const Gpu *gpu, GpuBacking *backing, uint64_t off, uint8_t *to, uint64_t len);

/* --- Blobs -------------------------------------------------------------------------------------------------------- */

bool     gpu_is_blob (const Gpu *gpu, unsigned slot);
/* These return a response. Without a backing, which is attached next or later. */
unsigned gpu_create_blob (Gpu *gpu, uint32_t id, uint32_t mem, uint32_t flags, uint64_t size);
unsigned gpu_set_scanout_blob (Gpu *gpu, uint32_t scanout, uint32_t id, GpuRect rect, const GpuLayout *layout);
/* The pointer in a blob: GPU_CURSOR_BYTES of B8G8R8A8. */
unsigned gpu_blob_cursor (const Gpu *gpu, unsigned slot, uint8_t *pixels);
/* Scanout i shows a blob that holds its view, and has memory. */
bool     gpu_blob_shows (const Gpu *gpu, unsigned i, unsigned slot);
/* A part of the view, from guest memory onto the surface; what is not in memory stays as it is. */
void     gpu_blob_draw (const Gpu *gpu, unsigned i, unsigned slot, GpuRect rect);

/* --- Scanouts ----------------------------------------------------------------------------------------------------- */

unsigned gpu_set_scanout (Gpu *gpu, uint32_t scanout, uint32_t id, GpuRect rect);
/* What the scanout shows from now on; id 0: nothing. The layout is that of a blob, otherwise zeros. */
void     gpu_store_scanout (Gpu *gpu, unsigned i, uint32_t id, GpuRect rect, const GpuLayout *layout);
void     gpu_resource_gone (Gpu *gpu, uint32_t id);
/* All of a resource may look different now. */
void     gpu_redraw (Gpu *gpu, uint32_t id);
unsigned gpu_flush (Gpu *gpu, uint32_t id, GpuRect rect);
unsigned gpu_update_cursor (Gpu *gpu, uint32_t scanout, uint32_t id, uint32_t hot_x, uint32_t hot_y);
void     gpu_move_cursor (Gpu *gpu, uint32_t scanout, uint32_t x, uint32_t y);
bool     gpu_shows (const Gpu *gpu, unsigned scanout);
void     gpu_refresh (Gpu *gpu, unsigned scanout);
void     gpu_forget (Gpu *gpu, unsigned scanout);
/* After reset and load: everything anew. */
void     gpu_settle_scanouts (Gpu *gpu);
/* XRGB of n pixels as they lie in memory, at any address. */
void     gpu_convert (uint32_t format, const uint8_t *from, uint32_t *to, size_t n);

/* --- The device --------------------------------------------------------------------------------------------------- */

extern const VtVirtioType gpu_virtio_type;
bool gpu_realize (Gpu *gpu, const VtEnv *env, const VtVirtioGpuConfig *config, GpuState *state, GError **error);
VtVirtioOffer gpu_offer (const VtVirtioGpuConfig *config);
void gpu_monitor_changed (Gpu *gpu);
/* From scanout `first` on; a client's opaque is its GpuScanout. */
void gpu_connect (Gpu *gpu, unsigned first);
void gpu_settle (VtDevice *dev);
bool gpu_check (VtDevice *dev, const void *incoming, const GpuState *state, GError **error);
void gpu_finalize (Gpu *gpu);

enum { GPU_QUEUE_SIZE = 256 };
