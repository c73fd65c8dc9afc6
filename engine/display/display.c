/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Surfaces: the buffer a display device draws into, and the frames that are pulled from it. */
#include "display.h"

#include <png.h>

#include "vitrine/error.h"

#define DEFAULT_WIDTH  1280u
#define DEFAULT_HEIGHT 800u
#define MAX_EDGE   16384u
#define MAX_PIXELS (64u << 20)
#define REMEMBERED 64u      /* damage of that many past frames; whoever is further behind gets a whole frame */

typedef struct
{
  gint     refs;
  uint32_t width, height, stride_bytes;
  uint8_t *pixels;
} Buffer;

struct VtSurface
{
  const VtSurfaceClient *client;
  void                  *client_opaque;
  Buffer                *buffer;          /* NULL before the first mode */
  bool                   blank;
  VtRect                 pending;         /* damage since the last frame was numbered; empty: width 0 */
  uint64_t               sequence;        /* of the last numbered frame */
  uint64_t               whole_since;     /* frames before this one had another mode */
  VtRect                 past[REMEMBERED];
  void                 (*notify) (void *opaque);
  void                  *notify_opaque;
  bool                   notified;

  VtSurfaceMonitor       monitor;
  uint8_t                edid[VT_EDID_MAX_BYTES];
  VtSurfaceCursor        cursor;
  uint64_t               cursor_serial;
  int32_t                cursor_x, cursor_y;
};

static void
buffer_unref (Buffer *buffer)
{
  if (buffer == NULL || !g_atomic_int_dec_and_test (&buffer->refs))
    return;
  g_free (buffer->pixels);
  g_free (buffer);
}

static Buffer *
buffer_new (uint32_t width, uint32_t height)
{
  uint32_t stride_bytes = width * 4;
  uint8_t *pixels = g_try_malloc0_n (height, stride_bytes);
  if (pixels == NULL)
    return NULL;
  Buffer *buffer = g_new0 (Buffer, 1);
  *buffer = (Buffer) { 1, width, height, stride_bytes, pixels };
  return buffer;
}

VtSurface *
vt_surface_new (void)
{
  VtSurface *surface = g_new0 (VtSurface, 1);
  vt_surface_set_monitor (surface, &(VtMonitor) { .width = DEFAULT_WIDTH, .height = DEFAULT_HEIGHT }, true);
  return surface;
}

void
vt_surface_free (VtSurface *surface)
{
  if (surface == NULL)
    return;
  buffer_unref (surface->buffer);
  g_free (surface);
}

/* --- Rectangles --------------------------------------------------------------------------------------------------- */

static VtRect
whole (const VtSurface *surface)
{
  const Buffer *buffer = surface->buffer;
  return buffer != NULL ? (VtRect) { 0, 0, (int32_t) buffer->width, (int32_t) buffer->height } : (VtRect) { 0 };
}

static bool
is_empty (VtRect rect)
{
  return rect.width <= 0 || rect.height <= 0;
}

static VtRect
join (VtRect a, VtRect b)
{
  if (is_empty (a))
    return b;
  if (is_empty (b))
    return a;
  int32_t left = MIN (a.x, b.x), top = MIN (a.y, b.y);
  int32_t right = MAX (a.x + a.width, b.x + b.width), bottom = MAX (a.y + a.height, b.y + b.height);
  return (VtRect) { left, top, right - left, bottom - top };
}

static VtRect
clip (VtRect rect, VtRect to)
{
  int64_t left = MAX (rect.x, to.x), top = MAX (rect.y, to.y);
  int64_t right = MIN ((int64_t) rect.x + rect.width, to.x + to.width);
  int64_t bottom = MIN ((int64_t) rect.y + rect.height, to.y + to.height);
  if (right <= left || bottom <= top)
    return (VtRect) { 0 };
  return (VtRect) { (int32_t) left, (int32_t) top, (int32_t) (right - left), (int32_t) (bottom - top) };
}

/* --- The device's side -------------------------------------------------------------------------------------------- */

static void
announce (VtSurface *surface)
{
  if (surface->notified || surface->notify == NULL)
    return;
  surface->notified = true;
  surface->notify (surface->notify_opaque);
}

bool
vt_surface_set_mode (VtSurface *surface, uint32_t width, uint32_t height, VtSurfaceMode *mode)
{
  if (width == 0 || height == 0 || width > MAX_EDGE || height > MAX_EDGE || (uint64_t) width * height > MAX_PIXELS)
    return false;
  Buffer *buffer = buffer_new (width, height);
  if (buffer == NULL)
    return false;
  buffer_unref (surface->buffer);
  surface->buffer = buffer;
  surface->whole_since = surface->sequence + 1;
  surface->pending = whole (surface);
  *mode = (VtSurfaceMode) { width, height, buffer->stride_bytes, buffer->pixels };
  announce (surface);
  return true;
}

void
vt_surface_damage (VtSurface *surface, VtRect rect)
{
  rect = clip (rect, whole (surface));
  if (is_empty (rect))
    return;
  surface->pending = join (surface->pending, rect);
  announce (surface);
}

void
vt_surface_touch (VtSurface *surface)
{
  announce (surface);
}

void
vt_surface_set_blank (VtSurface *surface, bool blank)
{
  if (surface->blank == blank)
    return;
  surface->blank = blank;
  surface->whole_since = surface->sequence + 1;
  /* Also before the first mode: going blank is a change of its own. */
  surface->pending = surface->buffer != NULL ? whole (surface) : (VtRect) { 0, 0, 1, 1 };
  announce (surface);
}

void
vt_surface_connect (VtSurface *surface, const VtSurfaceClient *client, void *opaque)
{
  surface->client = client;
  surface->client_opaque = opaque;
}

const VtSurfaceClient *
vt_surface_client (const VtSurface *surface, void **opaque)
{
  *opaque = surface->client_opaque;
  return surface->client;
}

/* --- Monitor and pointer ------------------------------------------------------------------------------------------ */

const VtSurfaceMonitor *
vt_surface_monitor (const VtSurface *surface)
{
  return &surface->monitor;
}

static void
tell_monitor (VtSurface *surface)
{
  if (surface->client != NULL && surface->client->monitor_changed != NULL)
    surface->client->monitor_changed (surface->client_opaque);
}

void
vt_surface_set_monitor (VtSurface *surface, const VtMonitor *monitor, bool with_edid)
{
  VtEdidInfo info;
  size_t     len = vt_edid_build (monitor, surface->edid);
  bool       ours = vt_edid_parse (surface->edid, len, &info, NULL);
  g_assert (ours && info.n_modes > 0);
  surface->monitor = (VtSurfaceMonitor) { .connected = true, .width = info.modes[0].width, .height = info.modes[0].height,
                                          .width_mm = info.width_mm, .height_mm = info.height_mm,
                                          .edid = surface->edid, .edid_bytes = with_edid ? len : 0 };
  tell_monitor (surface);
}

void
vt_surface_unplug (VtSurface *surface)
{
  if (!surface->monitor.connected)
    return;
  surface->monitor.connected = false;
  surface->monitor.edid_bytes = 0;
  tell_monitor (surface);
}

void
vt_surface_set_cursor (VtSurface *surface, const VtSurfaceCursor *cursor)
{
  if (cursor != NULL)
    surface->cursor = *cursor;
  else
    surface->cursor.width = surface->cursor.height = 0;
  g_assert (surface->cursor.width <= VT_SURFACE_CURSOR_EDGE && surface->cursor.height <= VT_SURFACE_CURSOR_EDGE);
  surface->cursor_serial++;
  announce (surface);
}

void
vt_surface_move_cursor (VtSurface *surface, int32_t x, int32_t y)
{
  if (surface->cursor_x == x && surface->cursor_y == y)
    return;
  surface->cursor_x = x;
  surface->cursor_y = y;
  announce (surface);
}

VtSurfacePointer
vt_surface_pointer (const VtSurface *surface, uint64_t *serial, VtSurfaceCursor *shape)
{
  if (*serial != surface->cursor_serial)
    *shape = surface->cursor;
  *serial = surface->cursor_serial;
  return (VtSurfacePointer) { surface->cursor_x, surface->cursor_y, surface->cursor.width != 0 };
}

/* --- The viewer's side -------------------------------------------------------------------------------------------- */

void
vt_surface_set_notify (VtSurface *surface, void (*fn) (void *opaque), void *opaque)
{
  surface->notify = fn;
  surface->notify_opaque = opaque;
  surface->notified = false;
}

void
vt_surface_invalidate (VtSurface *surface)
{
  if (surface->client != NULL && surface->client->invalidate != NULL)
    surface->client->invalidate (surface->client_opaque);
}

static void
number_frame (VtSurface *surface)
{
  if (is_empty (surface->pending) && surface->sequence > 0)
    return;
  surface->sequence++;
  surface->past[surface->sequence % REMEMBERED] = surface->pending;
  surface->pending = (VtRect) { 0 };
}

static VtRect
damage_since (const VtSurface *surface, uint64_t seen)
{
  if (seen == 0 || seen < surface->whole_since || seen > surface->sequence || surface->sequence - seen >= REMEMBERED)
    return whole (surface);
  VtRect damage = { 0 };
  for (uint64_t n = seen + 1; n <= surface->sequence; n++)
    damage = join (damage, surface->past[n % REMEMBERED]);
  return damage;
}

bool
vt_surface_announces (const VtSurface *surface)
{
  return surface->client != NULL && surface->client->announces != NULL
         && surface->client->announces (surface->client_opaque);
}

/* What comes of it is the answer to who asks, and no news for anybody. */
static void
refresh (VtSurface *surface)
{
  bool notified = surface->notified;
  if (surface->client == NULL)
    return;
  surface->notified = true;
  surface->client->refresh (surface->client_opaque);
  surface->notified = notified;
}

bool
vt_surface_fresh (VtSurface *surface, uint64_t seen)
{
  refresh (surface);
  number_frame (surface);
  return seen != surface->sequence;
}

bool
vt_surface_acquire (VtSurface *surface, uint64_t seen, VtSurfaceFrame *out)
{
  surface->notified = false;
  if (!vt_surface_fresh (surface, seen))
    return false;
  *out = (VtSurfaceFrame) { .damage = damage_since (surface, seen), .sequence = surface->sequence,
                            .blank = surface->blank || surface->buffer == NULL };
  Buffer *buffer = surface->buffer;
  if (buffer == NULL)
    return true;
  g_atomic_int_inc (&buffer->refs);
  out->hold = buffer;
  out->pixels = buffer->pixels;
  out->width = buffer->width;
  out->height = buffer->height;
  out->stride_bytes = buffer->stride_bytes;
  return true;
}

void
vt_surface_release (VtSurfaceFrame *frame)
{
  buffer_unref (frame->hold);
  *frame = (VtSurfaceFrame) { 0 };
}

/* --- Pictures ----------------------------------------------------------------------------------------------------- */

static uint32_t
pixel (const VtSurfaceFrame *frame, uint32_t x, uint32_t y)
{
  if (frame->blank || frame->pixels == NULL)
    return 0;
  uint32_t word;
  memcpy (&word, frame->pixels + (size_t) y * frame->stride_bytes + (size_t) x * 4, 4);
  return word & 0xffffff;
}

/* FNV-1a, 64 bits, over whole pixels. */
uint64_t
vt_frame_hash (const VtSurfaceFrame *frame)
{
  uint64_t hash = G_GUINT64_CONSTANT (0xcbf29ce484222325) ^ ((uint64_t) frame->width << 32 | frame->height);
  for (uint32_t y = 0; y < frame->height; y++)
    for (uint32_t x = 0; x < frame->width; x++)
      hash = (hash ^ pixel (frame, x, y)) * G_GUINT64_CONSTANT (0x100000001b3);
  return hash;
}

GBytes *
vt_frame_png (const VtSurfaceFrame *frame)
{
  uint32_t width = MAX (frame->width, 1), height = MAX (frame->height, 1);
  g_autofree uint8_t *rgb = g_malloc0_n (height, (size_t) width * 3);
  uint8_t *to = rgb;
  for (uint32_t y = 0; y < frame->height; y++)
    for (uint32_t x = 0; x < frame->width; x++)
      {
        uint32_t value = pixel (frame, x, y);
        *to++ = (uint8_t) (value >> 16);
        *to++ = (uint8_t) (value >> 8);
        *to++ = (uint8_t) value;
      }
  png_image image = { .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_RGB };
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX (image);
  g_autofree uint8_t *png = g_malloc (size);
  /* Cannot fail with a large enough buffer. */
  g_assert (png_image_write_to_memory (&image, png, &size, 0, rgb, 0, NULL));
  return g_bytes_new (png, size);
}

bool
vt_frame_write_png (const VtSurfaceFrame *frame, const char *path, GError **error)
{
  g_autoptr (GBytes) png = vt_frame_png (frame);
  g_autoptr (GError) problem = NULL;
  gsize              size;
  const char        *bytes = g_bytes_get_data (png, &size);
  if (g_file_set_contents (path, bytes, (gssize) size, &problem))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot write the screenshot: %s", problem->message);
  return false;
}
