/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of virtio-gpu share.
 *
 *   virtio-gpu-resource.c   resources and the store that they live in
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

  /* Responses (5.7.6.7) */
  GPU_OK_NODATA = 0x1100, GPU_OK_DISPLAY_INFO = 0x1101, GPU_OK_EDID = 0x1104,
  GPU_ERR_UNSPEC = 0x1200, GPU_ERR_OUT_OF_MEMORY = 0x1201, GPU_ERR_SCANOUT = 0x1202, GPU_ERR_RESOURCE = 0x1203,
  GPU_ERR_PARAMETER = 0x1205,
};

typedef struct
{
  uint32_t x, y, width, height;
} GpuRect;

/* A slot's id is 0 while it is free. All `_at` are offsets in the store. */
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
} GpuState;

#define GPU_FIELDS(T, m)                                                                                               \
  VT_FIELD (T, m.id), VT_FIELD (T, m.format), VT_FIELD (T, m.width), VT_FIELD (T, m.height),                           \
      VT_FIELD (T, m.n_entries), VT_FIELD (T, m.pixels_at), VT_FIELD (T, m.list_at), VT_FIELD (T, m.scanout_resource), \
      VT_FIELD (T, m.scanout_x), VT_FIELD (T, m.scanout_y), VT_FIELD (T, m.scanout_width),                             \
      VT_FIELD (T, m.scanout_height), VT_FIELD (T, m.cursor_width), VT_FIELD (T, m.cursor_height),                     \
      VT_FIELD (T, m.cursor_hot_x), VT_FIELD (T, m.cursor_hot_y), VT_FIELD (T, m.cursor_x), VT_FIELD (T, m.cursor_y),  \
      VT_FIELD (T, m.events), VT_FIELD (T, m.pad_)

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
/* These return a response. */
unsigned gpu_create (Gpu *gpu, uint32_t id, uint32_t format, uint32_t width, uint32_t height);
unsigned gpu_unref (Gpu *gpu, uint32_t id);
/* Where n entries of 16 bytes may be stored; they become the backing with gpu_attach(). */
unsigned gpu_reserve_list (Gpu *gpu, unsigned slot, uint32_t n, uint8_t **list);
void     gpu_attach (Gpu *gpu, unsigned slot, uint32_t n);
unsigned gpu_detach (Gpu *gpu, uint32_t id);
unsigned gpu_transfer (Gpu *gpu, uint32_t id, GpuRect rect, uint64_t offset);
bool     gpu_rect_inside (GpuRect rect, uint32_t width, uint32_t height);
const uint8_t *gpu_pixels (const Gpu *gpu, unsigned slot);
bool     gpu_resources_possible (const Gpu *gpu, const GpuState *s);

/* --- Scanouts ----------------------------------------------------------------------------------------------------- */

unsigned gpu_set_scanout (Gpu *gpu, uint32_t scanout, uint32_t id, GpuRect rect);
void     gpu_resource_gone (Gpu *gpu, uint32_t id);
unsigned gpu_flush (Gpu *gpu, uint32_t id, GpuRect rect);
unsigned gpu_update_cursor (Gpu *gpu, uint32_t scanout, uint32_t id, uint32_t hot_x, uint32_t hot_y);
void     gpu_move_cursor (Gpu *gpu, uint32_t scanout, uint32_t x, uint32_t y);
bool     gpu_shows (const Gpu *gpu, unsigned scanout);
void     gpu_refresh (Gpu *gpu, unsigned scanout);
void     gpu_forget (Gpu *gpu, unsigned scanout);
/* After reset and load: everything anew. */
void     gpu_settle_scanouts (Gpu *gpu);
/* XRGB or ARGB of a pixel as it lies in memory. */
uint32_t gpu_color (uint32_t format, uint32_t word);

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
