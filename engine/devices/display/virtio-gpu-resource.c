/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resources of virtio-gpu: slots in the state table, pixels and backing lists in the store. */
#include "virtio-gpu-private.h"

enum
{
  ENTRY_BYTES = 16,            /* struct virtio_gpu_mem_entry: address, length, padding (5.7.6.8) */
};

/* enum virtio_gpu_formats (5.7.6.8): four bytes a pixel, all of them. */
static bool
format_possible (uint32_t format)
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
      uint64_t list_end = s->list_at[slot] + (uint64_t) s->n_entries[slot] * ENTRY_BYTES;
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
gpu_create (Gpu *gpu, uint32_t id, uint32_t format, uint32_t width, uint32_t height)
{
  GpuState *s = gpu->s;
  unsigned  slot = 0;
  uint64_t  at, len = (uint64_t) width * height * 4;
  if (id == 0 || gpu_find (gpu, id) != GPU_NONE)
    return GPU_ERR_RESOURCE;
  if (!format_possible (format) || width == 0 || height == 0 || width > GPU_EDGE_MAX || height > GPU_EDGE_MAX)
    return GPU_ERR_PARAMETER;
  while (slot < GPU_RESOURCES && s->id[slot] != 0)
    slot++;
  if (slot == GPU_RESOURCES || !find_room (gpu, len, &at))
    return GPU_ERR_OUT_OF_MEMORY;
  s->id[slot] = id;
  s->format[slot] = format;
  s->width[slot] = width;
  s->height[slot] = height;
  s->n_entries[slot] = 0;
  s->pixels_at[slot] = at;
  s->list_at[slot] = 0;
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
  if (!find_room (gpu, (uint64_t) n * ENTRY_BYTES, &at))
    return GPU_ERR_OUT_OF_MEMORY;
  gpu->s->list_at[slot] = at;
  *list = gpu->store->host + at;
  return GPU_OK_NODATA;
}

void
gpu_attach (Gpu *gpu, unsigned slot, uint32_t n)
{
  gpu->s->n_entries[slot] = n;
  vt_ram_mark (gpu->store, gpu->s->list_at[slot], (uint64_t) n * ENTRY_BYTES);
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
  return GPU_OK_NODATA;
}

/* Walks the backing forward; `skipped` is where entry `entry` begins. */
typedef struct
{
  const uint8_t *list;
  uint32_t       n, entry;
  uint64_t       skipped;
} Backing;

/* len bytes at `off` of the backing; offs must not fall. */
static bool
read_backing (Gpu *gpu, Backing *backing, uint64_t off, uint8_t *to, uint64_t len)
{
  while (len > 0)
    {
      if (backing->entry == backing->n)
        return false;
      const uint8_t *entry = backing->list + (size_t) backing->entry * ENTRY_BYTES;
      uint64_t       address = vt_load_le (entry, 8), bytes = vt_load_le (entry + 8, 4), in = off - backing->skipped;
      if (in >= bytes)
        {
          backing->skipped += bytes;
          backing->entry++;
          continue;
        }
      uint64_t n = MIN (bytes - in, len);
      if (address > UINT64_MAX - in || !vt_dma_read (&gpu->pci.pci.dma, VT_GPA (address + in), to, n))
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
  if (s->n_entries[slot] == 0)
    return GPU_ERR_UNSPEC;
  if (!gpu_rect_inside (rect, s->width[slot], s->height[slot]) || offset > UINT64_MAX / 2)
    return GPU_ERR_PARAMETER;
  Backing  backing = { .list = gpu->store->host + s->list_at[slot], .n = s->n_entries[slot] };
  uint64_t stride = (uint64_t) s->width[slot] * 4, line = (uint64_t) rect.width * 4;
  uint64_t at = s->pixels_at[slot] + rect.y * stride + rect.x * UINT64_C (4);
  if (line == stride)
    {
      /* Whole lines: one piece. */
      line *= rect.height;
      rect.height = MIN (rect.height, 1);
    }
  for (uint32_t y = 0; line > 0 && y < rect.height; y++)
    {
      if (!read_backing (gpu, &backing, offset + y * stride, gpu->store->host + at + y * stride, line))
        return GPU_ERR_PARAMETER;
      vt_ram_mark (gpu->store, at + y * stride, line);
      gpu->budget -= MIN (gpu->budget, line);
    }
  /* Looking for the place in a long list is work too. */
  gpu->budget -= MIN (gpu->budget, (uint64_t) backing.entry * ENTRY_BYTES);
  return GPU_OK_NODATA;
}

/* --- Saved states ------------------------------------------------------------------------------------------------- */

static bool
slot_possible (const Gpu *gpu, const GpuState *s, unsigned slot)
{
  if (s->id[slot] == 0)
    return s->n_entries[slot] == 0;
  return format_possible (s->format[slot]) && s->width[slot] - 1 < GPU_EDGE_MAX && s->height[slot] - 1 < GPU_EDGE_MAX
         && vt_fits (s->pixels_at[slot], pixel_bytes (s, slot), gpu->store->size)
         && vt_fits (s->list_at[slot], (uint64_t) s->n_entries[slot] * ENTRY_BYTES, gpu->store->size);
}

bool
gpu_resources_possible (const Gpu *gpu, const GpuState *s)
{
  for (unsigned slot = 0; slot < GPU_RESOURCES; slot++)
    if (!slot_possible (gpu, s, slot))
      return false;
  for (unsigned i = 0; i < GPU_SCANOUTS; i++)
    if (s->cursor_width[i] > VT_SURFACE_CURSOR_EDGE || s->cursor_height[i] > VT_SURFACE_CURSOR_EDGE)
      return false;
  return true;
}
