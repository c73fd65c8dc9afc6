/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bus with memory and a screen that somebody looks at, for the tests of display devices. */
#pragma once

#include "display.h"
#include "pci-rig.h"

typedef struct
{
  PciRig     pci;
  VtSurface *surface;
  uint64_t   seen;       /* 0: the next look sees all anew */
} ScreenRig;

static inline void
screen_rig_init (ScreenRig *rig)
{
  *rig = (ScreenRig) { .surface = vt_surface_new () };
  pci_rig_init (&rig->pci);
}

/* The devices are freed before. */
static inline void
screen_rig_clear (ScreenRig *rig)
{
  vt_surface_free (rig->surface);
  pci_rig_clear (&rig->pci);
}

/* The next frame; false when nothing changed. */
static inline bool
screen_rig_look (ScreenRig *rig, VtSurfaceFrame *frame)
{
  if (!vt_surface_acquire (rig->surface, rig->seen, frame))
    return false;
  rig->seen = frame->sequence;
  return true;
}

static inline uint32_t
frame_pixel (const VtSurfaceFrame *frame, unsigned x, unsigned y)
{
  return (uint32_t) vt_load_le (frame->pixels + (size_t) y * frame->stride_bytes + x * 4, 4);
}
