/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input as devices receive it. Keys are Linux evdev codes (linux/input-event-codes.h): positions, not letters. Machine
 * lock held. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum
{
  VT_BUTTON_LEFT   = 1u << 0,
  VT_BUTTON_RIGHT  = 1u << 1,
  VT_BUTTON_MIDDLE = 1u << 2,
  VT_BUTTON_SIDE   = 1u << 3,
  VT_BUTTON_EXTRA  = 1u << 4,
};

typedef struct
{
  /* Has the guest a driver that hears it? NULL: always. */
  bool (*listening) (void *opaque);
  /* Each other member may be NULL: the device does not take that kind. */
  void (*key)     (void *opaque, unsigned evdev_code, bool down);
  void (*motion)  (void *opaque, int32_t dx, int32_t dy);                 /* device pixels, down and right are positive */
  void (*place)   (void *opaque, uint32_t x, uint32_t y);                 /* 0..65535 across the screen */
  void (*buttons) (void *opaque, uint32_t mask);                          /* all buttons held now */
  void (*wheel)   (void *opaque, int32_t clicks_x, int32_t clicks_y);     /* away from the person, to the right: positive */
} VtInputOps;

typedef struct
{
  const VtInputOps *ops;
  void             *opaque;
} VtInputSink;

/* Keyboard lights, told by the device when the guest changes them. */
enum
{
  VT_LED_SCROLL = 1u << 0,
  VT_LED_NUM    = 1u << 1,
  VT_LED_CAPS   = 1u << 2,
};

typedef struct
{
  void (*leds) (void *opaque, unsigned mask);
  void *opaque;
} VtLedSink;

/* Told by a device when what its `listening` says has changed. */
typedef struct
{
  void (*changed) (void *opaque);
  void *opaque;
} VtListeningSink;
