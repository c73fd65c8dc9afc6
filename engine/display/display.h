/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's side of a surface (interfaces/surface.h): frames with damage for whoever looks, pictures,
 * fingerprints.
 *
 * Pixels live in reference-counted buffers, so a mode change never pulls them away from under a frame that is being
 * shown. Calls marked "machine lock" may call into the device. */
#pragma once

#include <glib.h>
#include "surface.h"
#include "vitrine/edid.h"

VtSurface *vt_surface_new (void);
void       vt_surface_free (VtSurface *surface);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtSurface, vt_surface_free)

typedef struct
{
  const uint8_t *pixels;        /* XRGB8888; NULL before the first mode */
  uint32_t       width, height;
  uint32_t       stride_bytes;
  VtRect         damage;        /* bounding box of what changed since the frame `seen` */
  uint64_t       sequence;
  bool           blank;
  void          *hold;          /* keeps the pixels alive */
} VtSurfaceFrame;

/* Asks the device to draw (machine lock), then hands out the current frame; there is no notice of that. False, and nothing to release, when nothing
 * changed since `seen`. Sequences start at 1: seen 0 always gets the whole frame. */
bool vt_surface_acquire (VtSurface *surface, uint64_t seen, VtSurfaceFrame *out);
/* Whether acquire would give a frame. Asks the device to draw (machine lock); leaves the notice as it is. */
bool vt_surface_fresh (VtSurface *surface, uint64_t seen);
/* False: someone has to ask, or there will be no notice of what the device would draw. Machine lock. */
bool vt_surface_announces (const VtSurface *surface);
/* Any thread, no lock needed. */
void vt_surface_release (VtSurfaceFrame *frame);
/* fn runs under the machine lock, on whichever thread draws or announces; once, until the next acquire. */
void vt_surface_set_notify (VtSurface *surface, void (*fn) (void *opaque), void *opaque);
/* The next refresh redraws everything. Machine lock. */
void vt_surface_invalidate (VtSurface *surface);

/* The monitor that the guest sees; strings are copied. Sizes as vt_edid_build() takes them. with_edid: the guest is
 * shown its EDID. Machine lock. */
void vt_surface_set_monitor (VtSurface *surface, const VtMonitor *monitor, bool with_edid);
/* Nothing is connected, until there is a monitor again. Machine lock. */
void vt_surface_unplug (VtSurface *surface);

/* The guest's pointer: *shape is filled in when its serial differs from *serial, which is then updated; serials start
 * at 1. Machine lock. */
typedef struct
{
  int32_t x, y;                 /* of the hot spot */
  bool    visible;
} VtSurfacePointer;
VtSurfacePointer vt_surface_pointer (const VtSurface *surface, uint64_t *serial, VtSurfaceCursor *shape);

/* Of a frame; any thread. A blank frame is a black picture. */
uint64_t vt_frame_hash (const VtSurfaceFrame *frame);
GBytes  *vt_frame_png (const VtSurfaceFrame *frame);
bool     vt_frame_write_png (const VtSurfaceFrame *frame, const char *path, GError **error);
