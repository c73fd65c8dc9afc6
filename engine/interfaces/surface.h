/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scanout as display devices see it.
 *
 * The device draws XRGB8888 pixels (native-endian 0x00RRGGBB words) into a surface that it gets from vt_surface_set_mode(),
 * and reports damage.  The UI pulls finished frames (include/vitrine/display.h); it never calls into the device, except
 * that before each pull the machine asks the device, through refresh(), to bring the surface up to date.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct VtSurface VtSurface;

typedef struct
{
  uint32_t width, height;   /* device pixels, 1..16384 each */
  uint32_t stride_bytes;    /* of the surface, a multiple of 4 */
  uint8_t *pixels;          /* valid until the next set_mode */
} VtSurfaceMode;

typedef struct
{
  int32_t x, y, width, height;
} VtRect;

/* Machine lock held for all. False when the size is absurd; the old mode stays. */
bool vt_surface_set_mode (VtSurface *surface, uint32_t width, uint32_t height, VtSurfaceMode *mode);
void vt_surface_damage (VtSurface *surface, VtRect rect);
/* The next refresh will have something new. */
void vt_surface_touch (VtSurface *surface);
/* Nothing to show (blanked, powered off): the UI draws a placeholder. */
void vt_surface_set_blank (VtSurface *surface, bool blank);

/* The monitor at the other end of the cable, never NULL; valid until monitor_changed(). */
typedef struct
{
  bool           connected;             /* false: there is a socket, and nothing in it */
  uint32_t       width, height;         /* what it would like to be sent, device pixels */
  uint32_t       width_mm, height_mm;
  const uint8_t *edid;
  size_t         edid_bytes;            /* 0: it does not say */
} VtSurfaceMonitor;
const VtSurfaceMonitor *vt_surface_monitor (const VtSurface *surface);

/* A pointer that the viewer draws over the picture. */
enum
{
  VT_SURFACE_CURSOR_EDGE = 64,
};
typedef struct
{
  uint32_t width, height;               /* 0: none, otherwise at most VT_SURFACE_CURSOR_EDGE */
  uint32_t hot_x, hot_y;
  uint32_t pixels[VT_SURFACE_CURSOR_EDGE * VT_SURFACE_CURSOR_EDGE];   /* ARGB8888, colours multiplied by alpha */
} VtSurfaceCursor;
void vt_surface_set_cursor (VtSurface *surface, const VtSurfaceCursor *cursor);   /* copied; NULL: none */
void vt_surface_move_cursor (VtSurface *surface, int32_t x, int32_t y);           /* of the hot spot */

/* The device's side: called at frame rate while someone looks, and before a screenshot. */
typedef struct
{
  void (*refresh) (void *opaque);
  /* Ask for the mode again and redraw everything at the next refresh. */
  void (*invalidate) (void *opaque);
  /* Another monitor, or another size of it. Nullable. */
  void (*monitor_changed) (void *opaque);
  /* Does the device have a picture to show? Nullable: it always has. */
  bool (*shows) (void *opaque);
  /* Does it touch the surface whenever there is something new, so that nobody need ask? Nullable: it does not. */
  bool (*announces) (void *opaque);
} VtSurfaceClient;
/* A NULL client disconnects. */
void vt_surface_connect (VtSurface *surface, const VtSurfaceClient *client, void *opaque);
const VtSurfaceClient *vt_surface_client (const VtSurface *surface, void **opaque);
