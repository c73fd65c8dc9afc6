/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames for the UI. */
#include "machine-private.h"

#define MONITOR_NAME "Vitrine"

unsigned
vt_machine_displays (const VtMachine *machine)
{
  return machine->n_surfaces;
}

static bool
acquire (VtMachine *machine, unsigned display, uint64_t seen, VtSurfaceFrame *out)
{
  if (display >= machine->n_surfaces)
    return false;
  vt_lock (&machine->lock);
  bool fresh = vt_surface_acquire (machine->surfaces[display], seen, out);
  vt_unlock (&machine->lock);
  return fresh;
}

bool
vt_display_acquire (VtMachine *machine, unsigned display, uint64_t seen, VtFrame *out)
{
  VtSurfaceFrame frame;
  if (!acquire (machine, display, seen, &frame))
    return false;
  *out = (VtFrame) { .pixels = frame.pixels,
                     .width = frame.width,
                     .height = frame.height,
                     .stride_bytes = frame.stride_bytes,
                     .damage = { frame.damage.x, frame.damage.y, frame.damage.width, frame.damage.height },
                     .sequence = frame.sequence,
                     .blank = frame.blank,
                     .hold = frame.hold };
  return true;
}

bool
vt_display_fresh (VtMachine *machine, unsigned display, uint64_t seen)
{
  if (display >= machine->n_surfaces)
    return false;
  vt_lock (&machine->lock);
  bool fresh = vt_surface_fresh (machine->surfaces[display], seen);
  vt_unlock (&machine->lock);
  return fresh;
}

bool
vt_display_announces (VtMachine *machine, unsigned display)
{
  if (display >= machine->n_surfaces)
    return false;
  vt_lock (&machine->lock);
  bool announces = vt_surface_announces (machine->surfaces[display]);
  vt_unlock (&machine->lock);
  return announces;
}

void
vt_display_release (VtMachine *machine, VtFrame *frame)
{
  VtSurfaceFrame held = { .hold = frame->hold };
  vt_surface_release (&held);
  *frame = (VtFrame) { 0 };
}

static bool
acquire_picture (VtMachine *machine, unsigned display, VtSurfaceFrame *frame, GError **error)
{
  if (acquire (machine, display, 0, frame))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "This machine has no screen to take a picture of");
  return false;
}

GBytes *
vt_display_png (VtMachine *machine, unsigned display, GError **error)
{
  VtSurfaceFrame frame;
  if (!acquire_picture (machine, display, &frame, error))
    return NULL;
  GBytes *png = vt_frame_png (&frame);
  vt_surface_release (&frame);
  return png;
}

bool
vt_display_screenshot (VtMachine *machine, unsigned display, const char *path, GError **error)
{
  VtSurfaceFrame frame;
  if (!acquire_picture (machine, display, &frame, error))
    return false;
  bool ok = vt_frame_write_png (&frame, path, error);
  vt_surface_release (&frame);
  return ok;
}

uint64_t
vt_display_hash (VtMachine *machine, unsigned display)
{
  VtSurfaceFrame frame;
  if (!acquire (machine, display, 0, &frame))
    return 0;
  uint64_t hash = vt_frame_hash (&frame);
  vt_surface_release (&frame);
  return hash;
}

char *
vt_display_text (VtMachine *machine, unsigned display)
{
  if (machine->screen_text == NULL || display != 0)
    return NULL;
  vt_lock (&machine->lock);
  char *text = machine->screen_text (machine);
  vt_unlock (&machine->lock);
  return text;
}

void
vt_display_set_monitor (VtMachine *machine, unsigned display, const VtMonitor *monitor)
{
  if (display >= machine->n_surfaces)
    return;
  VtMonitor own = monitor != NULL ? *monitor : (VtMonitor) { 0 };
  own.name = own.name != NULL ? own.name : MONITOR_NAME;
  vt_lock (&machine->lock);
  if (monitor != NULL)
    vt_surface_set_monitor (machine->surfaces[display], &own, machine->config.edid);
  else
    vt_surface_unplug (machine->surfaces[display]);
  vt_unlock (&machine->lock);
}

bool
vt_display_follows (VtMachine *machine, unsigned display)
{
  if (display >= machine->n_surfaces)
    return false;
  void *opaque;
  vt_lock (&machine->lock);
  const VtSurfaceClient *client = vt_surface_client (machine->surfaces[display], &opaque);
  bool                   follows = client != NULL && client->monitor_changed != NULL;
  vt_unlock (&machine->lock);
  return follows;
}

GBytes *
vt_display_edid (VtMachine *machine, unsigned display)
{
  if (display >= machine->n_surfaces)
    return NULL;
  vt_lock (&machine->lock);
  const VtSurfaceMonitor *monitor = vt_surface_monitor (machine->surfaces[display]);
  GBytes *edid = monitor->edid_bytes > 0 ? g_bytes_new (monitor->edid, monitor->edid_bytes) : NULL;
  vt_unlock (&machine->lock);
  return edid;
}

G_STATIC_ASSERT ((int) VT_CURSOR_EDGE == (int) VT_SURFACE_CURSOR_EDGE);

bool
vt_display_cursor (VtMachine *machine, unsigned display, uint64_t seen, VtCursor *out)
{
  if (display >= machine->n_surfaces)
    return false;
  g_autofree VtSurfaceCursor *shape = g_new (VtSurfaceCursor, 1);
  out->serial = seen;
  vt_lock (&machine->lock);
  VtSurfacePointer pointer = vt_surface_pointer (machine->surfaces[display], &out->serial, shape);
  vt_unlock (&machine->lock);
  out->x = pointer.x;
  out->y = pointer.y;
  out->visible = pointer.visible;
  if (out->serial == seen)
    return true;
  out->width = shape->width;
  out->height = shape->height;
  out->hot_x = shape->hot_x;
  out->hot_y = shape->hot_y;
  memcpy (out->pixels, shape->pixels, sizeof out->pixels);
  return true;
}

VtSurface *
vt_machine_add_surface (VtMachine *machine)
{
  const VtConfig *config = &machine->config;
  g_assert (machine->n_surfaces < VT_MAX_HEADS);
  VtSurface *surface = machine->surfaces[machine->n_surfaces++] = vt_surface_new ();
  VtMonitor monitor = { .width = config->xres != 0 ? config->xres : 1280,
                        .height = config->yres != 0 ? config->yres : 800,
                        .name = MONITOR_NAME };
  vt_surface_set_monitor (surface, &monitor, config->edid);
  return surface;
}
