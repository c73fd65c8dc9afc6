/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resources of virtio-gpu: slots in the state table, pixels and backing lists in the store. */
#include "virtio-gpu-private.h"

/* Four bytes a pixel, all of them. */
bool
gpu_format_possible (uint32_t format)
{
  static const uint32_t formats[] = { 1, 2, 3, 4, 67, 68, 121, 134 };
  for (unsigned i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i] == format)
      return true;
  return false;
}

static uint64_t
pixel_bytes (const GpuState *s, unsigned slot)
{
  return (uint64_t) s->width[slot] * s->height[slot] * 4;
}

unsigned
gpu_find (const Gpu *gpu, uint32_t id)
{
  for (unsigned slot = 0; id != 0 && slot < GPU_RESOURCES; slot++)
    if (gpu->s->id[slot] == id)
      return slot;
  return GPU_NONE;
}

const uint8_t *
gpu_pixels (const Gpu *gpu, unsigned slot)
{
  return gpu->store->host + gpu->s->pixels_at[slot];
}

bool
gpu_rect_inside (GpuRect rect, uint32_t width, uint32_t height)
{
  return vt_fits (rect.x, rect.width, width) && vt_fits (rect.y, rect.height, height);
}

/* --- The store ---------------------------------------------------------------------------------------------------- */

/* The end of a block that [at, at + len) overlaps; 0: of none. */
static uint64_t
overlapped_end (const GpuState *s, uint64_t at, uint64_t len)
{
  for (unsigned slot = 0; slot < GPU_RESOURCES; slot++)
    {
      if (s->id[slot] == 0)
        continue;
      uint64_t pixels_end = s->pixels_at[slot] + pixel_bytes (s, slot);
      if (at < pixels_end && s->pixels_at[slot] < at + len)
        return pixels_end;
      uint64_t list_end = s->list_at[slot] + (uint64_t) s->n_entries[slot] * GPU_ENTRY_BYTES;
      if (s->n_entries[slot] != 0 && at < list_end && s->list_at[slot] < at + len)
        return list_end;
    }
  return 0;
}

/* First fit, in whole pages. A few hundred blocks at most: a search is short. */
static bool
find_room (const Gpu *gpu, uint64_t len, uint64_t *at)
{
  uint64_t end;
  *at = GPU_STORE_FIRST;
  while (vt_fits (*at, len, gpu->store->size))
    {
      if ((end = overlapped_end (gpu->s, *at, len)) == 0)
        return true;
      *at = (end + VT_PAGE_MASK) & ~VT_PAGE_MASK;
    }
  return false;
}

unsigned
gpu_take_slot (Gpu *gpu, uint32_t id)
{
  GpuState *s = gpu->s;
  for (unsigned slot = 0; slot < GPU_RESOURCES; slot++)
    if (s->id[slot] == 0)
      {
        s->id[slot] = id;
        s->format[slot] = s->width[slot] = s->height[slot] = s->n_entries[slot] = 0;
        s->pixels_at[slot] = s->list_at[slot] = s->blob_size[slot] = 0;
        return slot;
      }
  return GPU_NONE;
}

unsigned
gpu_create (Gpu *gpu, uint32_t id, uint32_t format, uint32_t width, uint32_t height)
{
  GpuState *s = gpu->s;
  unsigned  slot;
  uint64_t  at, len = (uint64_t) width * height * 4;
  if (id == 0 || gpu_find (gpu, id) != GPU_NONE)
    return GPU_ERR_RESOURCE;
  if (!gpu_format_possible (format) || width == 0 || height == 0 || width > GPU_EDGE_MAX || height > GPU_EDGE_MAX)
    return GPU_ERR_PARAMETER;
  if (!find_room (gpu, len, &at) || (slot = gpu_take_slot (gpu, id)) == GPU_NONE)
    return GPU_ERR_OUT_OF_MEMORY;
  s->format[slot] = format;
  s->width[slot] = width;
  s->height[slot] = height;
  s->pixels_at[slot] = at;
  memset (gpu->store->host + at, 0, len);
  vt_ram_mark (gpu->store, at, len);
  gpu->budget -= MIN (gpu->budget, len);
  return GPU_OK_NODATA;
}

unsigned
gpu_unref (Gpu *gpu, uint32_t id)
{
  unsigned slot = gpu_find (gpu, id);
  if (slot == GPU_NONE)
    return GPU_ERR_RESOURCE;
  gpu_resource_gone (gpu, id);
  gpu->s->id[slot] = gpu->s->n_entries[slot] = 0;
  return GPU_OK_NODATA;
}

/* --- Backing ------------------------------------------------------------------------------------------------------ */

unsigned
gpu_reserve_list (Gpu *gpu, unsigned slot, uint32_t n, uint8_t **list)
{
  uint64_t at;
  if (gpu->s->n_entries[slot] != 0)
    return GPU_ERR_UNSPEC;                     /* has one already */
  if (n == 0)
    return GPU_ERR_PARAMETER;
  if (!find_room (gpu, (uint64_t) n * GPU_ENTRY_BYTES, &at))
    return GPU_ERR_OUT_OF_MEMORY;
  gpu->s->list_at[slot] = at;
  *list = gpu->store->host + at;
  return GPU_OK_NODATA;
}

/* Of n entries, fewer than the store has bytes: the sum cannot overflow. */
static uint64_t
listed_bytes (const uint8_t *list, uint32_t n)
{
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < n; i++)
    bytes += vt_load_le (list + (size_t) i * GPU_ENTRY_BYTES + 8, 4);
  return bytes;
}

unsigned
gpu_attach (Gpu *gpu, unsigned slot, uint32_t n)
{
  GpuState *s = gpu->s;
  uint64_t  list_bytes = (uint64_t) n * GPU_ENTRY_BYTES;
  vt_ram_mark (gpu->store, s->list_at[slot], list_bytes);
  gpu->budget -= MIN (gpu->budget, list_bytes);
  if (gpu_is_blob (gpu, slot) && listed_bytes (gpu->store->host + s->list_at[slot], n) < s->blob_size[slot])
    return GPU_ERR_PARAMETER;
  s->n_entries[slot] = n;
  if (gpu_is_blob (gpu, slot))
    gpu_redraw (gpu, s->id[slot]);
  return GPU_OK_NODATA;
}

unsigned
gpu_detach (Gpu *gpu, uint32_t id)
{
  unsigned slot = gpu_find (gpu, id);
  if (slot == GPU_NONE)
    return GPU_ERR_RESOURCE;
  if (gpu->s->n_entries[slot] == 0)
    return GPU_ERR_UNSPEC;
  gpu->s->n_entries[slot] = 0;
  if (gpu_is_blob (gpu, slot))
    gpu_redraw (gpu, id);
  return GPU_OK_NODATA;
}

GpuBacking
gpu_backing (const Gpu *gpu, unsigned slot)
{
  return (GpuBacking) { .list = gpu->store->host + gpu->s->list_at[slot], .n = gpu->s->n_entries[slot] };
}

bool
gpu_backing_piece (GpuBacking *backing, uint64_t off, uint64_t *address, uint64_t *len)
{
  for (; backing->entry < backing->n; backing->entry++)
    {
      const uint8_t *entry = backing->list + (size_t) backing->entry * GPU_ENTRY_BYTES;
      uint64_t       start = vt_load_le (entry, 8), bytes = vt_load_le (entry + 8, 4), in = off - backing->skipped;
      if (in < bytes)
        {
          *address = start + in;
          *len = MIN (bytes - in, *len);
          return start <= UINT64_MAX - in;
        }
      backing->skipped += bytes;
    }
  return false;
}

bool
gpu_backing_read (const Gpu *gpu, GpuBacking *backing, uint64_t off, uint8_t *to, uint64_t len)
{
  while (len > 0)
    {
      uint64_t address, n = len;
      if (!gpu_backing_piece (backing, off, &address, &n) || !vt_dma_read (&gpu->pci.pci.dma, VT_GPA (address), to, n))
        return false;
      off += n;
      to += n;
      len -= n;
    }
  return true;
}

unsigned
gpu_transfer (Gpu *gpu, uint32_t id, GpuRect rect, uint64_t offset)
{
  const GpuState *s = gpu->s;
  unsigned        slot = gpu_find (gpu, id);
  if (slot == GPU_NONE)
    return GPU_ERR_RESOURCE;
  if (gpu_is_blob (gpu, slot))
    return GPU_OK_NODATA;
  if (s->n_entries[slot] == 0)
    return GPU_ERR_UNSPEC;
  if (!gpu_rect_inside (rect, s->width[slot], s->height[slot]) || offset > UINT64_MAX / 2)
    return GPU_ERR_PARAMETER;
  GpuBacking backing = gpu_backing (gpu, slot);
  uint64_t   stride = (uint64_t) s->width[slot] * 4, line = (uint64_t) rect.width * 4;
  uint64_t   at = s->pixels_at[slot] + rect.y * stride + rect.x * UINT64_C (4);
  if (line == stride)
    {
      /* Whole lines: one piece. */
      line *= rect.height;
      rect.height = MIN (rect.height, 1);
    }
  for (uint32_t y = 0; line > 0 && y < rect.height; y++)
    {
      if (!gpu_backing_read (gpu, &backing, offset + y * stride, gpu->store->host + at + y * stride, line))
        return GPU_ERR_PARAMETER;
      vt_ram_mark (gpu->store, at + y * stride, line);
      gpu->budget -= MIN (gpu->budget, line);
    }
  /* Looking for the place in a long list is work too. */
  gpu->budget -= MIN (gpu->budget, (uint64_t) backing.entry * GPU_ENTRY_BYTES);
  return GPU_OK_NODATA;
}

/* --- Saved states ------------------------------------------------------------------------------------------------- */

static bool
slot_possible (const Gpu *gpu, const GpuState *s, unsigned slot)
{
  if (s->id[slot] == 0)
    return s->n_entries[slot] == 0;
  if (!vt_fits (s->list_at[slot], (uint64_t) s->n_entries[slot] * GPU_ENTRY_BYTES, gpu->store->size))
    return false;
  if (s->blob_size[slot] != 0)
    return s->format[slot] == 0 && s->width[slot] == 0 && s->height[slot] == 0 && s->pixels_at[slot] == 0;
  return gpu_format_possible (s->format[slot]) && s->width[slot] - 1 < GPU_EDGE_MAX
         && s->height[slot] - 1 < GPU_EDGE_MAX
         && vt_fits (s->pixels_at[slot], pixel_bytes (s, slot), gpu->store->size);
}

/* What it shows need not be there: that is looked at before it is drawn. */
static bool
scanout_possible (const GpuState *s, unsigned i)
{
  return s->cursor_width[i] <= VT_SURFACE_CURSOR_EDGE && s->cursor_height[i] <= VT_SURFACE_CURSOR_EDGE
         && (s->scanout_format[i] == 0 || gpu_format_possible (s->scanout_format[i]));
}

bool
gpu_resources_possible (const Gpu *gpu, const GpuState *s)
{
  for (unsigned slot = 0; slot < GPU_RESOURCES; slot++)
    if (!slot_possible (gpu, s, slot))
      return false;
  for (unsigned i = 0; i < GPU_SCANOUTS; i++)
    if (!scanout_possible (s, i))
      return false;
  return true;
}
