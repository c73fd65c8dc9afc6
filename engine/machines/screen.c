/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames for the UI. */
#include "machine-private.h"

unsigned
vt_machine_displays (const VtMachine *machine)
{
  return machine->surface != NULL ? 1 : 0;
}

static bool
acquire (VtMachine *machine, uint64_t seen, VtSurfaceFrame *out)
{
  if (machine->surface == NULL)
    return false;
  vt_lock (&machine->lock);
  bool fresh = vt_surface_acquire (machine->surface, seen, out);
  vt_unlock (&machine->lock);
  return fresh;
}

bool
vt_display_acquire (VtMachine *machine, unsigned display, uint64_t seen, VtFrame *out)
{
  VtSurfaceFrame frame;
  if (!acquire (machine, seen, &frame))
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

void
vt_display_release (VtMachine *machine, VtFrame *frame)
{
  VtSurfaceFrame held = { .hold = frame->hold };
  vt_surface_release (&held);
  *frame = (VtFrame) { 0 };
}

static bool
acquire_picture (VtMachine *machine, VtSurfaceFrame *frame, GError **error)
{
  if (acquire (machine, 0, frame))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "This machine has no screen to take a picture of");
  return false;
}

GBytes *
vt_display_png (VtMachine *machine, unsigned display, GError **error)
{
  VtSurfaceFrame frame;
  if (!acquire_picture (machine, &frame, error))
    return NULL;
  GBytes *png = vt_frame_png (&frame);
  vt_surface_release (&frame);
  return png;
}

bool
vt_display_screenshot (VtMachine *machine, unsigned display, const char *path, GError **error)
{
  VtSurfaceFrame frame;
  if (!acquire_picture (machine, &frame, error))
    return false;
  bool ok = vt_frame_write_png (&frame, path, error);
  vt_surface_release (&frame);
  return ok;
}

uint64_t
vt_display_hash (VtMachine *machine, unsigned display)
{
  VtSurfaceFrame frame;
  if (!acquire (machine, 0, &frame))
    return 0;
  uint64_t hash = vt_frame_hash (&frame);
  vt_surface_release (&frame);
  return hash;
}

char *
vt_display_text (VtMachine *machine, unsigned display)
{
  if (machine->screen_text == NULL)
    return NULL;
  vt_lock (&machine->lock);
  char *text = machine->screen_text (machine);
  vt_unlock (&machine->lock);
  return text;
}
