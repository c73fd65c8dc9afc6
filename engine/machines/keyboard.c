/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input from a person. */
#include "machine-private.h"

static void
note_key (VtMachine *machine, unsigned code, bool down)
{
  for (guint i = 0; i < machine->keys_down->len; i++)
    if (g_array_index (machine->keys_down, unsigned, i) == code)
      {
        if (!down)
          g_array_remove_index_fast (machine->keys_down, i);
        return;
      }
  if (down)
    g_array_append_val (machine->keys_down, code);
}

void
vt_input_key (VtMachine *machine, unsigned evdev_code, bool down)
{
  vt_lock (&machine->lock);
  note_key (machine, evdev_code, down);
  if (machine->keyboard.ops != NULL && machine->keyboard.ops->key != NULL)
    machine->keyboard.ops->key (machine->keyboard.opaque, evdev_code, down);
  vt_unlock (&machine->lock);
}

void
vt_input_release_all (VtMachine *machine)
{
  vt_lock (&machine->lock);
  while (machine->keys_down->len > 0)
    vt_input_key (machine, g_array_index (machine->keys_down, unsigned, 0), false);
  if (machine->buttons_down != 0)
    vt_input_buttons (machine, 0);
  vt_unlock (&machine->lock);
}

/* The pointing device that takes a kind of event: the tablet where there is one. */
#define POINTER_CALL(machine, member, ...)                                                                               \
  G_STMT_START                                                                                                           \
  {                                                                                                                      \
    vt_lock (&(machine)->lock);                                                                                 \
    if ((machine)->tablet.ops != NULL && (machine)->tablet.ops->member != NULL)                                          \
      (machine)->tablet.ops->member ((machine)->tablet.opaque, __VA_ARGS__);                                             \
    else if ((machine)->mouse.ops != NULL && (machine)->mouse.ops->member != NULL)                                       \
      (machine)->mouse.ops->member ((machine)->mouse.opaque, __VA_ARGS__);                                               \
    vt_unlock (&(machine)->lock);                                                                               \
  }                                                                                                                      \
  G_STMT_END

void
vt_input_motion (VtMachine *machine, int32_t dx, int32_t dy)
{
  POINTER_CALL (machine, motion, dx, dy);
}

void
vt_input_place (VtMachine *machine, uint32_t x, uint32_t y)
{
  POINTER_CALL (machine, place, x, y);
}

void
vt_input_buttons (VtMachine *machine, uint32_t mask)
{
  machine->buttons_down = mask;
  POINTER_CALL (machine, buttons, mask);
}

void
vt_input_wheel (VtMachine *machine, int32_t clicks_x, int32_t clicks_y)
{
  POINTER_CALL (machine, wheel, clicks_x, clicks_y);
}

bool
vt_input_absolute (const VtMachine *machine)
{
  return machine->tablet.ops != NULL && machine->tablet.ops->place != NULL;
}
