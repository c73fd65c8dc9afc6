/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames of the guest's screen: shared memory, pulled by the UI at its own pace, never pushed. */
#pragma once

#include "edid.h"
#include "machine.h"

typedef struct
{
  int32_t x, y, width, height;
} VtDamage;

typedef struct
{
  const uint8_t *pixels;        /* XRGB8888 words, host byte order (cairo's CAIRO_FORMAT_RGB24); valid until release */
  uint32_t       width, height; /* device pixels */
  uint32_t       stride_bytes;
  VtDamage       damage;        /* bounding box of what changed since the frame `seen` */
  uint64_t       sequence;      /* pass as `seen` next time */
  bool           blank;         /* nothing to show */
  void          *hold;          /* keeps the pixels alive; private */
} VtFrame;

unsigned vt_machine_displays (const VtMachine *machine);   /* 0 with --video none; otherwise one for each head */
/* Brings the surface up to date and locks it. False when nothing changed since `seen` (0: first time). Any one thread. */
bool vt_display_acquire (VtMachine *machine, unsigned display, uint64_t seen, VtFrame *out);
void vt_display_release (VtMachine *machine, VtFrame *frame);
/* Whether acquire would give something, were it called: draws, and copies nothing. Any one thread. */
bool vt_display_fresh (VtMachine *machine, unsigned display, uint64_t seen);
/* Does the device tell whenever it has something new, through what set_notify sets? If not, now and then someone has to ask with
 * vt_display_fresh(). Changes while the machine runs; where it becomes false, there is a notice. Any thread. */
bool vt_display_announces (VtMachine *machine, unsigned display);
/* Called on the machine's context, at most once until the next acquire, when there is something new to pull. */
void vt_display_set_notify (VtMachine *machine, unsigned display, void (*damaged) (void *opaque), void *opaque);
/* The monitor that the guest sees from now on: what the window is, in device pixels and millimetres. A guest whose driver
 * listens (virtio) switches to it; others find it when they look again. Name and serial NULL: as they were. A NULL monitor
 * is unplugged. */
void vt_display_set_monitor (VtMachine *machine, unsigned display, const VtMonitor *monitor);
/* Does the video device tell its guest about another monitor? */
bool vt_display_follows (VtMachine *machine, unsigned display);
/* What the guest would read as EDID now; NULL with edid off or without such a display. */
GBytes *vt_display_edid (VtMachine *machine, unsigned display);

/* The guest's own pointer, to be drawn over the frame. Damage notices come for it too. */
enum { VT_CURSOR_EDGE = 64 };
typedef struct
{
  int32_t  x, y;                /* of the hot spot, in the frame */
  bool     visible;
  uint64_t serial;              /* of the shape; pass as `seen` next time */
  uint32_t width, height, hot_x, hot_y;
  uint32_t pixels[VT_CURSOR_EDGE * VT_CURSOR_EDGE];   /* ARGB32, colours multiplied by alpha; row after row of width */
} VtCursor;
/* Fills everything but, when the shape is the one `seen`, its size and pixels. False: no such display. */
bool vt_display_cursor (VtMachine *machine, unsigned display, uint64_t seen, VtCursor *out);

/* PNG of the whole screen at guest resolution; NULL without a display. */
GBytes *vt_display_png (VtMachine *machine, unsigned display, GError **error);
/* The same into a file, written atomically. */
bool vt_display_screenshot (VtMachine *machine, unsigned display, const char *path, GError **error);
/* A crude but stable fingerprint of the screen's contents, for tests that wait for a picture. */
uint64_t vt_display_hash (VtMachine *machine, unsigned display);
/* Text-mode contents as UTF-8 lines, for tests, accessibility and `vitrinectl console --screen`; NULL in graphics modes. */
char *vt_display_text (VtMachine *machine, unsigned display);
