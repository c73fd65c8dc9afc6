/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input-queue.h"

#include <string.h>

#include "bits.h"

/* An event in one word: x, y, code, then down and kind. */
#define EVENT_Y    16
#define EVENT_CODE 32
#define EVENT_DOWN 48
#define EVENT_KIND 56

static uint64_t
pack (const VtInputEvent *event)
{
  return (uint16_t) event->x | (uint64_t) (uint16_t) event->y << EVENT_Y | (uint64_t) event->code << EVENT_CODE
         | (uint64_t) event->down << EVENT_DOWN | (uint64_t) event->kind << EVENT_KIND;
}

static VtInputEvent
unpack (uint64_t word)
{
  VtInputEvent event = { .kind = (VtInputKind) (word >> EVENT_KIND), .code = word >> EVENT_CODE & 0xffff,
                         .down = word >> EVENT_DOWN & 1 };
  bool         is_signed = event.kind == VT_INPUT_MOTION || event.kind == VT_INPUT_WHEEL;
  uint16_t     x = (uint16_t) word, y = (uint16_t) (word >> EVENT_Y);
  event.x = is_signed ? (int16_t) x : x;
  event.y = is_signed ? (int16_t) y : y;
  return event;
}

static int32_t
within (int64_t value)
{
  return (int32_t) CLAMP (value, -INT16_MAX, INT16_MAX);
}

/* --- In ----------------------------------------------------------------------------------------------------------- */

static bool
append (VtInputQueue *queue, VtInputEvent event)
{
  if (queue->count == VT_INPUT_EVENTS)
    return false;
  queue->events[(queue->head + queue->count++) % VT_INPUT_EVENTS] = pack (&event);
  return true;
}

static void
tell_key (VtInputQueue *queue, unsigned code, bool down)
{
  if (append (queue, (VtInputEvent) { VT_INPUT_KEY, code, down, 0, 0 }))
    vt_bitmap_set (queue->told, code, down);
  else
    queue->overrun = true;
}

static void
tell_buttons (VtInputQueue *queue, uint8_t mask)
{
  if (append (queue, (VtInputEvent) { VT_INPUT_BUTTONS, 0, false, mask, mask ^ queue->buttons_told }))
    queue->buttons_told = mask;
  else
    queue->overrun = true;
}

void
vt_input_queue_key (VtInputQueue *queue, VtInputHeld *held, unsigned code, bool down)
{
  if (code >= VT_INPUT_KEYS)
    return;
  vt_bitmap_set (held->held, code, down);
  if (vt_bitmap_get (queue->told, code) != down)   /* else the host's own key repeat */
    tell_key (queue, code, down);
}

void
vt_input_queue_buttons (VtInputQueue *queue, VtInputHeld *held, uint32_t mask)
{
  held->buttons = (uint8_t) (mask & VT_INPUT_BUTTONS_MASK);
  if (held->buttons != queue->buttons_told)
    tell_buttons (queue, held->buttons);
}

/* The last event, when it is of this kind and may still change. */
static uint64_t *
last_of (VtInputQueue *queue, VtInputKind kind)
{
  if (queue->count == 0 || (queue->count == 1 && queue->position > 0))
    return NULL;
  uint64_t *word = &queue->events[(queue->head + queue->count - 1u) % VT_INPUT_EVENTS];
  return *word >> EVENT_KIND == kind ? word : NULL;
}

/* Movement that finds no room is lost: the next one brings the pointer where it belongs, or nearly. */
static void
move (VtInputQueue *queue, VtInputKind kind, int32_t x, int32_t y)
{
  uint64_t    *last = last_of (queue, kind);
  VtInputEvent event = { .kind = kind };
  if (last != NULL && kind != VT_INPUT_PLACE)
    event = unpack (*last);
  event.x = kind == VT_INPUT_PLACE ? CLAMP (x, 0, UINT16_MAX) : within ((int64_t) event.x + x);
  event.y = kind == VT_INPUT_PLACE ? CLAMP (y, 0, UINT16_MAX) : within ((int64_t) event.y + y);
  if (last != NULL)
    *last = pack (&event);
  else
    (void) append (queue, event);
}

void
vt_input_queue_motion (VtInputQueue *queue, int32_t dx, int32_t dy)
{
  move (queue, VT_INPUT_MOTION, dx, dy);
}

void
vt_input_queue_place (VtInputQueue *queue, uint32_t x, uint32_t y)
{
  move (queue, VT_INPUT_PLACE, (int32_t) MIN (x, UINT16_MAX), (int32_t) MIN (y, UINT16_MAX));
}

void
vt_input_queue_wheel (VtInputQueue *queue, int32_t clicks_x, int32_t clicks_y)
{
  move (queue, VT_INPUT_WHEEL, clicks_x, clicks_y);
}

void
vt_input_queue_compare (VtInputQueue *queue, const VtInputHeld *held)
{
  queue->overrun = false;
  for (unsigned code = 0; code < VT_INPUT_KEYS && !queue->overrun; code++)
    if (vt_bitmap_get (queue->told, code) != vt_bitmap_get (held->held, code))
      tell_key (queue, code, vt_bitmap_get (held->held, code));
  if (queue->buttons_told != held->buttons)
    tell_buttons (queue, held->buttons);
}

/* --- A device's end ------------------------------------------------------------------------------------------------ */

static bool
listening (void *opaque)
{
  const VtInputSource *source = opaque;
  return source->listening (source->opaque);
}

static void
arrived (VtInputSource *source)
{
  source->arrived (source->opaque);
}

static void
key (void *opaque, unsigned code, bool down)
{
  VtInputSource *source = opaque;
  vt_input_queue_key (source->queue, &source->held, code, down);
  arrived (source);
}

static void
buttons (void *opaque, uint32_t mask)
{
  VtInputSource *source = opaque;
  vt_input_queue_buttons (source->queue, &source->held, mask);
  arrived (source);
}

static void
motion (void *opaque, int32_t dx, int32_t dy)
{
  vt_input_queue_motion (((VtInputSource *) opaque)->queue, dx, dy);
  arrived (opaque);
}

static void
place (void *opaque, uint32_t x, uint32_t y)
{
  vt_input_queue_place (((VtInputSource *) opaque)->queue, x, y);
  arrived (opaque);
}

static void
wheel (void *opaque, int32_t clicks_x, int32_t clicks_y)
{
  vt_input_queue_wheel (((VtInputSource *) opaque)->queue, clicks_x, clicks_y);
  arrived (opaque);
}

const VtInputOps vt_input_keyboard_ops = { .listening = listening, .key = key };
const VtInputOps vt_input_mouse_ops = { .listening = listening, .buttons = buttons, .motion = motion, .wheel = wheel };
const VtInputOps vt_input_tablet_ops = { .listening = listening, .buttons = buttons, .place = place, .wheel = wheel };

/* --- Out ---------------------------------------------------------------------------------------------------------- */

bool
vt_input_queue_peek (VtInputQueue *queue, const VtInputHeld *held, VtInputEvent *event)
{
  if (queue->count == 0 && queue->overrun)
    vt_input_queue_compare (queue, held);
  if (queue->count == 0)
    return false;
  *event = unpack (queue->events[queue->head]);
  return true;
}

void
vt_input_queue_take (VtInputQueue *queue)
{
  g_assert (queue->count > 0);
  queue->head = (queue->head + 1) % VT_INPUT_EVENTS;
  queue->count--;
  queue->position = 0;
}

void
vt_input_queue_clear (VtInputQueue *queue)
{
  memset (queue, 0, sizeof *queue);
}

bool
vt_input_queue_valid (const VtInputQueue *queue)
{
  if (queue->head >= VT_INPUT_EVENTS || queue->count > VT_INPUT_EVENTS || queue->buttons_told > VT_INPUT_BUTTONS_MASK
      || (queue->count == 0 && queue->position > 0))
    return false;
  for (unsigned i = 0; i < queue->count; i++)
    {
      VtInputEvent event = unpack (queue->events[(queue->head + i) % VT_INPUT_EVENTS]);
      if (event.kind >= VT_INPUT_KINDS || event.code >= VT_INPUT_KEYS
          || (event.kind == VT_INPUT_BUTTONS && ((event.x | event.y) & ~VT_INPUT_BUTTONS_MASK) != 0))
        return false;
    }
  return true;
}
