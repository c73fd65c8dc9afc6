/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scanouts of virtio-gpu: a flush notes what changed, the next refresh brings it onto the surface. */
#include "virtio-gpu-private.h"

enum { FORMAT_B8G8R8A8 = GPU_FORMAT_B8G8R8A8, FORMAT_B8G8R8X8 = 2, FORMAT_A8R8G8B8 = 3, FORMAT_X8R8G8B8 = 4,
       FORMAT_R8G8B8A8 = 67, FORMAT_X8B8G8R8 = 68, FORMAT_A8B8G8R8 = 121, FORMAT_R8G8B8X8 = 134 };

/* Names of formats tell the order of bytes in memory; `word` is the little-endian word. */
static inline uint32_t
color (uint32_t format, uint32_t word)
{
  switch (format)
    {
    case FORMAT_A8R8G8B8:
    case FORMAT_X8R8G8B8:
      return GUINT32_SWAP_LE_BE (word);
    case FORMAT_R8G8B8A8:
    case FORMAT_R8G8B8X8:
      return (word & 0xff00ff00u) | (word & 0xff) << 16 | (word >> 16 & 0xff);
    case FORMAT_A8B8G8R8:
    case FORMAT_X8B8G8R8:
      return word >> 8 | word << 24;
    default:
      return word;
    }
}

/* With a format that is known when this is compiled, a loop of vectors. */
static inline __attribute__ ((always_inline)) void
convert (uint32_t format, const uint8_t *from, uint32_t *restrict to, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      uint32_t word;
      memcpy (&word, from + 4 * i, 4);
      to[i] = color (format, GUINT32_FROM_LE (word)) & 0xffffff;
    }
}

void
gpu_convert (uint32_t format, const uint8_t *from, uint32_t *to, size_t n)
{
  switch (format)
    {
    case FORMAT_A8R8G8B8:
    case FORMAT_X8R8G8B8: convert (FORMAT_X8R8G8B8, from, to, n); break;
    case FORMAT_R8G8B8A8:
    case FORMAT_R8G8B8X8: convert (FORMAT_R8G8B8X8, from, to, n); break;
    case FORMAT_A8B8G8R8:
    case FORMAT_X8B8G8R8: convert (FORMAT_X8B8G8R8, from, to, n); break;
    default: convert (FORMAT_B8G8R8X8, from, to, n); break;
    }
}

/* --- Damage ------------------------------------------------------------------------------------------------------- */

static GpuRect
intersect (GpuRect a, GpuRect b)
{
  uint64_t left = MAX (a.x, b.x), top = MAX (a.y, b.y);
  uint64_t right = MIN ((uint64_t) a.x + a.width, (uint64_t) b.x + b.width);
  uint64_t bottom = MIN ((uint64_t) a.y + a.height, (uint64_t) b.y + b.height);
  if (left >= right || top >= bottom)
    return (GpuRect) { 0 };
  return (GpuRect) { (uint32_t) left, (uint32_t) top, (uint32_t) (right - left), (uint32_t) (bottom - top) };
}

/* Both inside a scanout. */
static GpuRect
join (GpuRect a, GpuRect b)
{
  if (a.width == 0)
    return b;
  uint32_t left = MIN (a.x, b.x), top = MIN (a.y, b.y);
  return (GpuRect) { left, top, MAX (a.x + a.width, b.x + b.width) - left, MAX (a.y + a.height, b.y + b.height) - top };
}

static GpuRect
view_of (const Gpu *gpu, unsigned i)
{
  const GpuState *s = gpu->s;
  return (GpuRect) { s->scanout_x[i], s->scanout_y[i], s->scanout_width[i], s->scanout_height[i] };
}

static GpuRect
whole_view (const Gpu *gpu, unsigned i)
{
  return (GpuRect) { 0, 0, gpu->s->scanout_width[i], gpu->s->scanout_height[i] };
}

static void
touch (const Gpu *gpu, unsigned i)
{
  if (gpu->scanout[i].surface != NULL)
    vt_surface_touch (gpu->scanout[i].surface);
}

static void
damage_all (Gpu *gpu, unsigned i)
{
  gpu->scanout[i].damage = whole_view (gpu, i);
  touch (gpu, i);
}

void
gpu_redraw (Gpu *gpu, uint32_t id)
{
  for (unsigned i = 0; i < gpu->n_scanouts; i++)
    if (gpu->s->scanout_resource[i] == id)
      damage_all (gpu, i);
}

/* A blob has as many sizes as there are scanouts that show it; of the rectangle each takes what it has. */
unsigned
gpu_flush (Gpu *gpu, uint32_t id, GpuRect rect)
{
  unsigned slot = gpu_find (gpu, id);
  if (slot == GPU_NONE)
    return GPU_ERR_RESOURCE;
  bool blob = gpu_is_blob (gpu, slot);
  if (!gpu_rect_inside (rect, blob ? GPU_EDGE_MAX : gpu->s->width[slot], blob ? GPU_EDGE_MAX : gpu->s->height[slot]))
    return GPU_ERR_PARAMETER;
  for (unsigned i = 0; i < gpu->n_scanouts; i++)
    {
      GpuRect seen = intersect (rect, view_of (gpu, i));
      if (gpu->s->scanout_resource[i] != id || seen.width == 0)
        continue;
      seen.x -= gpu->s->scanout_x[i];
      seen.y -= gpu->s->scanout_y[i];
      gpu->scanout[i].damage = join (gpu->scanout[i].damage, seen);
      touch (gpu, i);
    }
  return GPU_OK_NODATA;
}

/* --- Setting scanouts --------------------------------------------------------------------------------------------- */

void
gpu_store_scanout (Gpu *gpu, unsigned i, uint32_t id, GpuRect rect, const GpuLayout *layout)
{
  GpuState *s = gpu->s;
  s->scanout_resource[i] = id;
  s->scanout_x[i] = rect.x;
  s->scanout_y[i] = rect.y;
  s->scanout_width[i] = rect.width;
  s->scanout_height[i] = rect.height;
  s->scanout_format[i] = layout->format;
  s->scanout_stride[i] = layout->stride;
  s->scanout_offset[i] = layout->offset;
  damage_all (gpu, i);
}

static void
switch_off (Gpu *gpu, unsigned i)
{
  gpu_store_scanout (gpu, i, 0, (GpuRect) { 0 }, &(GpuLayout) { 0 });
}

unsigned
gpu_set_scanout (Gpu *gpu, uint32_t scanout, uint32_t id, GpuRect rect)
{
  if (scanout >= gpu->n_scanouts)
    return GPU_ERR_SCANOUT;
  if (id == 0)
    {
      switch_off (gpu, scanout);
      return GPU_OK_NODATA;
    }
  unsigned slot = gpu_find (gpu, id);
  if (slot == GPU_NONE || gpu_is_blob (gpu, slot))
    return GPU_ERR_RESOURCE;
  if (rect.width == 0 || rect.height == 0 || !gpu_rect_inside (rect, gpu->s->width[slot], gpu->s->height[slot]))
    return GPU_ERR_PARAMETER;
  gpu_store_scanout (gpu, scanout, id, rect, &(GpuLayout) { 0 });
  return GPU_OK_NODATA;
}

void
gpu_resource_gone (Gpu *gpu, uint32_t id)
{
  for (unsigned i = 0; i < GPU_SCANOUTS; i++)
    if (gpu->s->scanout_resource[i] == id)
      switch_off (gpu, i);
}

/* --- Drawing ------------------------------------------------------------------------------------------------------ */

/* Scanout i shows a resource that exists and holds the view: a loaded state may say anything. */
static unsigned
shown_slot (const Gpu *gpu, unsigned i)
{
  unsigned slot = gpu_find (gpu, gpu->s->scanout_resource[i]);
  GpuRect  view = view_of (gpu, i);
  if (slot == GPU_NONE || view.width == 0 || view.height == 0)
    return GPU_NONE;
  bool holds = gpu_is_blob (gpu, slot) ? gpu_blob_shows (gpu, i, slot)
                                       : gpu_rect_inside (view, gpu->s->width[slot], gpu->s->height[slot]);
  return holds ? slot : GPU_NONE;
}

bool
gpu_shows (const Gpu *gpu, unsigned scanout)
{
  return shown_slot (gpu, scanout) != GPU_NONE;
}

void
gpu_forget (Gpu *gpu, unsigned i)
{
  gpu->scanout[i].mode = (VtSurfaceMode) { 0 };
  gpu->scanout[i].damage = whole_view (gpu, i);
}

static void
draw (const Gpu *gpu, unsigned i, unsigned slot, GpuRect rect)
{
  const GpuState   *s = gpu->s;
  const GpuScanout *scanout = &gpu->scanout[i];
  for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
    {
      size_t         pixel = ((size_t) s->scanout_y[i] + y) * s->width[slot] + s->scanout_x[i] + rect.x;
      const uint8_t *from = gpu_pixels (gpu, slot) + pixel * 4;
      uint32_t *to = (uint32_t *) (void *) (scanout->mode.pixels + (size_t) y * scanout->mode.stride_bytes) + rect.x;
      gpu_convert (s->format[slot], from, to, rect.width);
    }
}

void
gpu_refresh (Gpu *gpu, unsigned i)
{
  GpuScanout *scanout = &gpu->scanout[i];
  unsigned    slot = shown_slot (gpu, i);
  GpuRect     view = view_of (gpu, i);
  vt_surface_set_blank (scanout->surface, slot == GPU_NONE);
  if (slot == GPU_NONE)
    return;
  if (scanout->mode.pixels == NULL || scanout->mode.width != view.width || scanout->mode.height != view.height)
    {
      if (!vt_surface_set_mode (scanout->surface, view.width, view.height, &scanout->mode))
        return;
      scanout->damage = whole_view (gpu, i);
    }
  GpuRect damage = intersect (scanout->damage, whole_view (gpu, i));
  scanout->damage = (GpuRect) { 0 };
  if (damage.width == 0)
    return;
  if (gpu_is_blob (gpu, slot))
    gpu_blob_draw (gpu, i, slot, damage);
  else
    draw (gpu, i, slot, damage);
  vt_surface_damage (scanout->surface, (VtRect) { (int32_t) damage.x, (int32_t) damage.y, (int32_t) damage.width,
                                                  (int32_t) damage.height });
}

/* --- Pointers ----------------------------------------------------------------------------------------------------- */

static uint32_t *
cursor_pixels (const Gpu *gpu, unsigned i)
{
  return (uint32_t *) (void *) (gpu->store->host + (size_t) i * GPU_CURSOR_BYTES);
}

static void
show_cursor (Gpu *gpu, unsigned i)
{
  const GpuState *s = gpu->s;
  if (gpu->scanout[i].surface == NULL)
    return;
  g_autofree VtSurfaceCursor *cursor = g_new0 (VtSurfaceCursor, 1);
  cursor->width = s->cursor_width[i];
  cursor->height = s->cursor_height[i];
  cursor->hot_x = s->cursor_hot_x[i];
  cursor->hot_y = s->cursor_hot_y[i];
  memcpy (cursor->pixels, cursor_pixels (gpu, i), (size_t) cursor->width * cursor->height * 4);
  vt_surface_set_cursor (gpu->scanout[i].surface, cursor);
}

typedef struct
{
  const uint8_t *pixels;
  uint32_t       format, width, height;
  uint8_t        of_blob[GPU_CURSOR_BYTES];
} CursorImage;

/* A blob has no size of its own; the pointer in one is as large as the specification wants pointers to be. */
static unsigned
cursor_image (const Gpu *gpu, unsigned slot, CursorImage *image)
{
  const GpuState *s = gpu->s;
  bool            blob = gpu_is_blob (gpu, slot);
  image->pixels = blob ? image->of_blob : gpu_pixels (gpu, slot);
  image->format = blob ? FORMAT_B8G8R8A8 : s->format[slot];
  image->width = blob ? VT_SURFACE_CURSOR_EDGE : s->width[slot];
  image->height = blob ? VT_SURFACE_CURSOR_EDGE : s->height[slot];
  if (image->width > VT_SURFACE_CURSOR_EDGE || image->height > VT_SURFACE_CURSOR_EDGE)
    return GPU_ERR_PARAMETER;
  return blob ? gpu_blob_cursor (gpu, slot, image->of_blob) : GPU_OK_NODATA;
}

unsigned
gpu_update_cursor (Gpu *gpu, uint32_t scanout, uint32_t id, uint32_t hot_x, uint32_t hot_y)
{
  GpuState   *s = gpu->s;
  unsigned    slot = gpu_find (gpu, id);
  CursorImage image;
  image.width = image.height = 0;
  if (scanout >= gpu->n_scanouts)
    return GPU_ERR_SCANOUT;
  if (id != 0 && slot == GPU_NONE)
    return GPU_ERR_RESOURCE;
  unsigned response = id != 0 ? cursor_image (gpu, slot, &image) : GPU_OK_NODATA;
  if (response != GPU_OK_NODATA)
    return response;
  uint32_t n = image.width * image.height;
  s->cursor_width[scanout] = image.width;
  s->cursor_height[scanout] = image.height;
  s->cursor_hot_x[scanout] = hot_x;
  s->cursor_hot_y[scanout] = hot_y;
  for (uint32_t p = 0; p < n; p++)
    cursor_pixels (gpu, scanout)[p] = color (image.format, (uint32_t) vt_load_le (image.pixels + 4 * p, 4));
  if (n > 0)
    vt_ram_mark (gpu->store, (uint64_t) scanout * GPU_CURSOR_BYTES, GPU_CURSOR_BYTES);
  show_cursor (gpu, scanout);
  return GPU_OK_NODATA;
}

void
gpu_move_cursor (Gpu *gpu, uint32_t scanout, uint32_t x, uint32_t y)
{
  if (scanout >= gpu->n_scanouts)
    return;
  gpu->s->cursor_x[scanout] = x;
  gpu->s->cursor_y[scanout] = y;
  if (gpu->scanout[scanout].surface != NULL)
    vt_surface_move_cursor (gpu->scanout[scanout].surface, (int32_t) x, (int32_t) y);
}

void
gpu_settle_scanouts (Gpu *gpu)
{
  for (unsigned i = 0; i < gpu->n_scanouts; i++)
    {
      gpu->scanout[i].damage = whole_view (gpu, i);
      show_cursor (gpu, i);
      gpu_move_cursor (gpu, i, gpu->s->cursor_x[i], gpu->s->cursor_y[i]);
    }
}
