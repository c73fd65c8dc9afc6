/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scanout as display devices see it.
 *
 * The device draws XRGB8888 pixels (native-endian 0x00RRGGBB words) into a surface that it gets from vt_surface_set_mode(),
 * and reports damage.  The UI pulls finished frames (include/vitrine/display.h); it never calls into the device, except
 * that before each pull the machine asks the device, through refresh(), to bring the surface up to date.
 */
#pragma once

#include <stdbool.h>
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
/* Nothing to show (blanked, powered off): the UI draws a placeholder. */
void vt_surface_set_blank (VtSurface *surface, bool blank);

/* The device's side: called at frame rate while someone looks, and before a screenshot. */
typedef struct
{
  void (*refresh) (void *opaque);
  /* Redraw everything at the next refresh. */
  void (*invalidate) (void *opaque);
} VtSurfaceClient;
void vt_surface_connect (VtSurface *surface, const VtSurfaceClient *client, void *opaque);
