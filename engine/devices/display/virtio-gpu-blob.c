/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blobs of virtio-gpu: resources whose pixels stay in guest memory (VIRTIO 1.2, 5.7.6.8).
 *
 * A 2D resource is copied twice on its way to the surface: by the transfer into the store, by the refresh out of it.
 * A blob is copied once, by the refresh, from the guest's pages; all that the store has of it is the list of them. So a
 * flush shows memory as it is at the refresh: who draws into what is on the screen may be seen drawing. */
#include "virtio-gpu-private.h"

enum
{
  /* VIRTIO_GPU_BLOB_MEM_GUEST. Other kinds are memory of a 3D renderer (VIRTIO_GPU_F_VIRGL), which there is none of. */
  BLOB_MEM_GUEST = 1,
  /* VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE, _SHAREABLE, _CROSS_DEVICE: what a driver means to do with its own memory. */
  BLOB_FLAGS = 1 | 2 | 4,
};

bool
gpu_is_blob (const Gpu *gpu, unsigned slot)
{
  return gpu->s->blob_size[slot] != 0;
}

unsigned
gpu_create_blob (Gpu *gpu, uint32_t id, uint32_t mem, uint32_t flags, uint64_t size)
{
  if (id == 0 || gpu_find (gpu, id) != GPU_NONE)
    return GPU_ERR_RESOURCE;
  if (mem != BLOB_MEM_GUEST || (flags & ~(uint32_t) BLOB_FLAGS) != 0 || size == 0)
    return GPU_ERR_PARAMETER;
  unsigned slot = gpu_take_slot (gpu, id);
  if (slot == GPU_NONE)
    return GPU_ERR_OUT_OF_MEMORY;
  gpu->s->blob_size[slot] = size;
  return GPU_OK_NODATA;
}

/* --- On a scanout ------------------------------------------------------------------------------------------------- */

static bool
layout_fits (const GpuLayout *layout, uint64_t size)
{
  uint64_t line = (uint64_t) layout->width * 4;
  return gpu_format_possible (layout->format) && layout->width - 1 < GPU_EDGE_MAX && layout->height - 1 < GPU_EDGE_MAX
         && layout->stride >= line
         && vt_fits (layout->offset, (uint64_t) layout->stride * (layout->height - 1) + line, size);
}

/* A picture takes room on the surface only. It gets no more of that than a 2D resource could have. */
static bool
picture_affordable (const Gpu *gpu, uint32_t width, uint32_t height)
{
  return (uint64_t) width * height * 4 <= gpu->store->size;
}

unsigned
gpu_set_scanout_blob (Gpu *gpu, uint32_t scanout, uint32_t id, GpuRect rect, const GpuLayout *layout)
{
  if (id == 0)
    return gpu_set_scanout (gpu, scanout, 0, rect);
  if (scanout >= gpu->n_scanouts)
    return GPU_ERR_SCANOUT;
  unsigned slot = gpu_find (gpu, id);
  if (slot == GPU_NONE || !gpu_is_blob (gpu, slot))
    return GPU_ERR_RESOURCE;
  if (!layout_fits (layout, gpu->s->blob_size[slot]) || rect.width == 0 || rect.height == 0
      || !gpu_rect_inside (rect, layout->width, layout->height))
    return GPU_ERR_PARAMETER;
  if (!picture_affordable (gpu, rect.width, rect.height))
    return GPU_ERR_OUT_OF_MEMORY;
  gpu_store_scanout (gpu, scanout, id, rect, layout);
  return GPU_OK_NODATA;
}

/* Asked again at each refresh: a loaded state may say anything. */
bool
gpu_blob_shows (const Gpu *gpu, unsigned i, unsigned slot)
{
  const GpuState *s = gpu->s;
  GpuRect         view = { s->scanout_x[i], s->scanout_y[i], s->scanout_width[i], s->scanout_height[i] };
  if (s->n_entries[slot] == 0 || !gpu_rect_inside (view, GPU_EDGE_MAX, GPU_EDGE_MAX))
    return false;
  GpuLayout seen = { .format = s->scanout_format[i], .width = view.x + view.width, .height = view.y + view.height,
                     .stride = s->scanout_stride[i], .offset = s->scanout_offset[i] };
  return layout_fits (&seen, s->blob_size[slot]) && picture_affordable (gpu, view.width, view.height);
}

/* --- Pixels ------------------------------------------------------------------------------------------------------- */

/* Draws as many of n pixels as lie in one piece of guest memory; at least the first one is dealt with. */
static uint32_t
draw_piece (const Gpu *gpu, GpuBacking *backing, uint32_t format, uint64_t off, uint32_t *to, uint32_t n)
{
  uint64_t address, len = (uint64_t) n * 4;
  uint8_t  scattered[4];
  VtSpan   span;
  if (!gpu_backing_piece (backing, off, &address, &len))
    return n;
  if (!vt_span_pin (&span, &gpu->pci.pci.dma, VT_GPA (address), len, false))
    return MAX (1, (uint32_t) (len / 4));
  uint32_t whole = (uint32_t) (span.len / 4);
  gpu_convert (format, span.ptr, to, whole);
  vt_span_release (&span);
  if (whole == 0 && gpu_backing_read (gpu, backing, off, scattered, 4))
    gpu_convert (format, scattered, to, 1);
  return MAX (1, whole);
}

void
gpu_blob_draw (const Gpu *gpu, unsigned i, unsigned slot, GpuRect rect)
{
  const GpuState      *s = gpu->s;
  const VtSurfaceMode *mode = &gpu->scanout[i].mode;
  GpuBacking           backing = gpu_backing (gpu, slot);
  for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
    {
      uint64_t  off = s->scanout_offset[i] + ((uint64_t) s->scanout_y[i] + y) * s->scanout_stride[i]
                     + ((uint64_t) s->scanout_x[i] + rect.x) * 4;
      uint32_t *to = (uint32_t *) (void *) (mode->pixels + (size_t) y * mode->stride_bytes) + rect.x;
      for (uint32_t x = 0; x < rect.width;)
        x += draw_piece (gpu, &backing, s->scanout_format[i], off + x * UINT64_C (4), to + x, rect.width - x);
    }
}

unsigned
gpu_blob_cursor (const Gpu *gpu, unsigned slot, uint8_t *pixels)
{
  GpuBacking backing = gpu_backing (gpu, slot);
  if (backing.n == 0)
    return GPU_ERR_UNSPEC;
  if (gpu->s->blob_size[slot] < GPU_CURSOR_BYTES || !gpu_backing_read (gpu, &backing, 0, pixels, GPU_CURSOR_BYTES))
    return GPU_ERR_PARAMETER;
  return GPU_OK_NODATA;
}
