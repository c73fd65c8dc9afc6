/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person did, in order, until the guest takes it: for devices that hand on events or reports (virtio, USB).
 *
 * The queue is bounded. Movement is added to movement that still waits; when keys or buttons find no room they are lost whole,
 * and as soon as the queue is empty the guest is told the difference between what it believes and what is held: nothing
 * sticks. */
#pragma once

#include "input-sink.h"
#include "state.h"

enum
{
  VT_INPUT_EVENTS = 64,
  VT_INPUT_KEYS   = 256,    /* evdev codes of keyboards */
  VT_INPUT_BUTTONS_MASK = VT_BUTTON_LEFT | VT_BUTTON_RIGHT | VT_BUTTON_MIDDLE | VT_BUTTON_SIDE | VT_BUTTON_EXTRA,
};

typedef enum
{
  VT_INPUT_KEY,        /* code, down */
  VT_INPUT_BUTTONS,    /* x: all that are down; y: those that changed */
  VT_INPUT_MOTION,     /* x, y: -32767..32767 */
  VT_INPUT_PLACE,      /* x, y: 0..65535 */
  VT_INPUT_WHEEL,      /* x, y: -32767..32767 */
  VT_INPUT_KINDS,
} VtInputKind;

typedef struct
{
  VtInputKind kind;
  unsigned    code;
  bool        down;
  int32_t     x, y;
} VtInputEvent;

/* Guest-visible state: part of a device's state block. */
typedef struct
{
  uint64_t events[VT_INPUT_EVENTS];    /* ring */
  uint8_t  told[VT_INPUT_KEYS / 8];    /* keys that are down as of the last event of the ring */
  uint8_t  buttons_told;
  uint8_t  head, count;
  uint8_t  position;                   /* the device's own: how much of the first event is out. Not 0: it stays as it is. */
  bool     overrun;
  uint8_t  pad_[3];
} VtInputQueue;

#define VT_INPUT_QUEUE_FIELDS(T, m)                                                                                    \
  VT_FIELD (T, m.events), VT_FIELD (T, m.told), VT_FIELD (T, m.buttons_told), VT_FIELD (T, m.head),                    \
    VT_FIELD (T, m.count), VT_FIELD (T, m.position), VT_FIELD (T, m.overrun), VT_FIELD (T, m.pad_)

/* The person's side, and no part of the state: keys and buttons that are held now. Zero at first. */
typedef struct
{
  uint8_t held[VT_INPUT_KEYS / 8];
  uint8_t buttons;
} VtInputHeld;

void vt_input_queue_key     (VtInputQueue *queue, VtInputHeld *held, unsigned code, bool down);
void vt_input_queue_buttons (VtInputQueue *queue, VtInputHeld *held, uint32_t mask);
void vt_input_queue_motion  (VtInputQueue *queue, int32_t dx, int32_t dy);
void vt_input_queue_place   (VtInputQueue *queue, uint32_t x, uint32_t y);
void vt_input_queue_wheel   (VtInputQueue *queue, int32_t clicks_x, int32_t clicks_y);

/* The first event that waits. After an overrun, the difference to `held` comes when the rest is through. */
bool vt_input_queue_peek (VtInputQueue *queue, const VtInputHeld *held, VtInputEvent *event);
/* It is out. */
void vt_input_queue_take (VtInputQueue *queue);
/* The person may have let go while nobody looked: a restored state, a pause. */
void vt_input_queue_compare (VtInputQueue *queue, const VtInputHeld *held);
/* The guest starts anew and believes that nothing is held. */
void vt_input_queue_clear (VtInputQueue *queue);
/* Could a saved queue be one of ours? */
bool vt_input_queue_valid (const VtInputQueue *queue);
