/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ramfb ("QEMU ramfb" in the fw_cfg interface; OVMF's QemuRamfbDxe and SeaBIOS's vgabios are its drivers). */
#include "ramfb.h"

#include "screen.h"
#include "trace-display.h"
#include "vitrine/error.h"

/* The file's fields, all big-endian. */
enum
{
  FILE_ADDRESS = 0, FILE_FORMAT = 8, FILE_FLAGS = 12, FILE_WIDTH = 16, FILE_HEIGHT = 20, FILE_STRIDE = 24,

  EDGE_MAX = 16384,
  STRIDE_MAX = 1 << 20,
};

typedef struct
{
  uint64_t address;
  uint32_t format;         /* 0: no picture */
  uint32_t flags;          /* none are defined */
  uint32_t width, height;
  uint32_t stride_bytes;
  uint8_t  pad_[4];
} RamfbState;

static const VtField ramfb_fields[] = {
  VT_FIELD (RamfbState, address), VT_FIELD (RamfbState, format), VT_FIELD (RamfbState, flags),
  VT_FIELD (RamfbState, width),   VT_FIELD (RamfbState, height), VT_FIELD (RamfbState, stride_bytes),
  VT_FIELD (RamfbState, pad_),
};

typedef struct
{
  VtDevice               dev;
  RamfbState             s;
  const VtDma           *dma;
  Screen                 screen;
  bool                   active;           /* our picture is on the surface */
  bool                   unreachable;      /* the picture is not in RAM; the guest was told */
  const VtSurfaceClient *other;            /* the device that we share the surface with, or NULL */
  void                  *other_opaque;
} Ramfb;

/* Fourcc codes of DRM (drm_fourcc.h); little-endian unless the top bit is set. */
#define FORMAT_BIG_ENDIAN 0x80000000u
static const struct { uint32_t format, bpp; } formats[] = {
  { 0x34325258, 32 },   /* XR24 */
  { 0x34325241, 32 },   /* AR24 */
  { 0x34324752, 24 },   /* RG24 */
  { 0x36314752, 16 },   /* RG16 */
  { 0x35315258, 15 },   /* XR15 */
};

/* 0: unknown. */
static uint32_t
bits_a_pixel (uint32_t format)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i].format == (format & ~FORMAT_BIG_ENDIAN))
      return formats[i].bpp;
  return 0;
}

/* Bytes from the first to the last pixel; 0: not a picture. Nothing here can overflow: 2^14 lines of 2^20 bytes. */
static uint64_t
picture_bytes (const RamfbState *s)
{
  uint64_t line = (uint64_t) s->width * ((bits_a_pixel (s->format) + 7) / 8);
  if (line == 0 || s->height == 0 || s->width > EDGE_MAX || s->height > EDGE_MAX || s->stride_bytes > STRIDE_MAX
      || s->stride_bytes < line)
    return 0;
  return (uint64_t) s->stride_bytes * (s->height - 1) + line;
}

static uint32_t
be32 (const uint8_t *from)
{
  return GUINT32_SWAP_LE_BE ((uint32_t) vt_load_le (from, 4));
}

void
vt_ramfb_configure (void *opaque, const uint8_t *content, size_t size)
{
  Ramfb     *ramfb = opaque;
  g_assert (size == VT_RAMFB_FILE_BYTES);
  RamfbState s = { .address = (uint64_t) be32 (content + FILE_ADDRESS) << 32 | be32 (content + FILE_ADDRESS + 4),
                   .format = be32 (content + FILE_FORMAT), .flags = be32 (content + FILE_FLAGS),
                   .width = be32 (content + FILE_WIDTH), .height = be32 (content + FILE_HEIGHT),
                   .stride_bytes = be32 (content + FILE_STRIDE) };
  if (s.stride_bytes == 0 && s.width <= EDGE_MAX)
    s.stride_bytes = s.width * ((bits_a_pixel (s.format) + 7) / 8);
  trace_ramfb_configure (s.address, s.format, s.width, s.height, s.stride_bytes);
  if (picture_bytes (&s) == 0)
    {
      vt_guest_warn (&ramfb->dev, "impossible picture: %ux%u, %u bytes a line, format 0x%08x", s.width, s.height,
                     s.stride_bytes, s.format);
      return;
    }
  ramfb->s = s;
  ramfb->screen.redraw = true;
  ramfb->unreachable = false;
}

/* --- The screen --------------------------------------------------------------------------------------------------- */

static bool
find_picture (Ramfb *ramfb, Picture *picture)
{
  const RamfbState *s = &ramfb->s;
  uint64_t          bytes = picture_bytes (s);
  VtSpan            span;
  if (bytes == 0 || !vt_span_pin (&span, ramfb->dma, VT_GPA (s->address), bytes, false))
    return false;
  bool whole = span.len == bytes;
  if (whole)
    {
      memset (picture, 0, sizeof *picture);
      picture->width = s->width;
      picture->height = s->height;
      picture->bpp = bits_a_pixel (s->format);
      picture->big_endian = (s->format & FORMAT_BIG_ENDIAN) != 0;
      picture->line_bytes = s->stride_bytes;
      picture->start = span.off_;
      uint64_t first = span.off_ >> VT_PAGE_SHIFT, last = (span.off_ + bytes - 1) >> VT_PAGE_SHIFT;
      screen_watch (&ramfb->screen, span.ram_, first, last - first + 1);
    }
  vt_span_release (&span);
  return whole;
}

static void
show (Ramfb *ramfb)
{
  Picture picture;
  bool    found = find_picture (ramfb, &picture);
  vt_surface_set_blank (ramfb->screen.surface, !found);
  if (found)
    screen_show (&ramfb->screen, &picture);
  else if (ramfb->s.format != 0 && !ramfb->unreachable)
    {
      ramfb->unreachable = true;
      vt_guest_warn (&ramfb->dev, "the picture at 0x%" G_GINT64_MODIFIER "x is not in memory", ramfb->s.address);
    }
}

/* The other device goes first, once it has something to show. */
static bool
other_shows (const Ramfb *ramfb)
{
  return ramfb->other != NULL
         && (ramfb->s.format == 0 || ramfb->other->shows == NULL || ramfb->other->shows (ramfb->other_opaque));
}

static void
refresh (void *opaque)
{
  Ramfb *ramfb = opaque;
  bool   ours = !other_shows (ramfb);
  if (ours != ramfb->active)
    {
      /* The surface had another owner: its pixels are not where we saw them last. */
      screen_forget (&ramfb->screen);
      if (ramfb->other != NULL)
        ramfb->other->invalidate (ramfb->other_opaque);
    }
  ramfb->active = ours;
  if (ours)
    show (ramfb);
  else
    ramfb->other->refresh (ramfb->other_opaque);
}

static void
invalidate (void *opaque)
{
  Ramfb *ramfb = opaque;
  screen_forget (&ramfb->screen);
  if (ramfb->other != NULL)
    ramfb->other->invalidate (ramfb->other_opaque);
}

static void
monitor_changed (void *opaque)
{
  const Ramfb *ramfb = opaque;
  ramfb->other->monitor_changed (ramfb->other_opaque);
}

/* Whoever asks whether the guest hears of its monitor gets the other device's answer. */
static const VtSurfaceClient surface_client = { .refresh = refresh, .invalidate = invalidate };
static const VtSurfaceClient telling_client = { .refresh = refresh, .invalidate = invalidate,
                                                .monitor_changed = monitor_changed };

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
ramfb_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Ramfb               *ramfb = (Ramfb *) dev;
  const VtRamfbConfig *config = env->config;
  ramfb->dma = env->dma;
  ramfb->active = true;
  screen_init (&ramfb->screen, config->surface);
  if (config->surface == NULL)
    return true;
  ramfb->other = vt_surface_client (config->surface, &ramfb->other_opaque);
  ramfb->active = ramfb->other == NULL;
  bool tells = ramfb->other != NULL && ramfb->other->monitor_changed != NULL;
  vt_surface_connect (config->surface, tells ? &telling_client : &surface_client, ramfb);
  return true;
}

static void
ramfb_settle (VtDevice *dev)
{
  Ramfb *ramfb = (Ramfb *) dev;
  ramfb->screen.redraw = true;
  ramfb->unreachable = false;
}

static bool
ramfb_check (VtDevice *dev, const void *incoming, GError **error)
{
  const RamfbState *s = incoming;
  if (s->format == 0 || picture_bytes (s) != 0)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved picture is impossible", dev->path);
  return false;
}

static void
ramfb_finalize (VtDevice *dev)
{
  Ramfb *ramfb = (Ramfb *) dev;
  if (ramfb->screen.surface != NULL)
    vt_surface_connect (ramfb->screen.surface, ramfb->other, ramfb->other_opaque);
  screen_clear (&ramfb->screen);
}

static const void *
ramfb_test_config (void)
{
  static const VtRamfbConfig config;
  return &config;
}

const VtDeviceClass vt_ramfb_class = {
  .name = "ramfb",
  .summary = "Framebuffer in the guest's memory",
  .instance_size = sizeof (Ramfb),
  .state_off = offsetof (Ramfb, s),
  .state = VT_STATE (1, RamfbState, ramfb_fields, NULL),
  .realize = ramfb_realize,
  .settle = ramfb_settle,
  .check = ramfb_check,
  .finalize = ramfb_finalize,
  .test_config = ramfb_test_config,
};
