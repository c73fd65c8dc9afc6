/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input from a person, and which device gets it.
 *
 * A machine can have several keyboards and pointers: PS/2 for firmware and old systems, others for those that have a driver.
 * An event goes to the last one added that takes its kind and that the guest listens to, so the way changes by itself when a
 * system starts; keys and buttons that are held are let go on the old way. All under the machine lock. */
#include "machine-private.h"

void
vt_machine_add_input (VtMachine *machine, VtInputSink sink)
{
  g_assert (machine->n_inputs < MAX_INPUTS);
  machine->inputs[machine->n_inputs++] = sink;
}

static bool
hears (const VtInputSink *sink)
{
  return sink->ops->listening == NULL || sink->ops->listening (sink->opaque);
}

/* Member of VtInputOps by its offset: is it there? */
static bool
takes (const VtInputSink *sink, size_t member)
{
  void (*function) (void);
  memcpy (&function, (const char *) sink->ops + member, sizeof function);
  return function != NULL && hears (sink);
}

static const VtInputSink *
find (const VtMachine *machine, size_t member)
{
  for (unsigned i = machine->n_inputs; i > 0; i--)
    if (takes (&machine->inputs[i - 1], member))
      return &machine->inputs[i - 1];
  return NULL;
}
#define FIND(machine, member) find (machine, offsetof (VtInputOps, member))

/* --- Keys --------------------------------------------------------------------------------------------------------- */

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

static void
use_keyboard (VtMachine *machine, const VtInputSink *keyboard)
{
  const VtInputSink *old = machine->keyboard;
  machine->keyboard = keyboard;
  if (old == NULL || old == keyboard)
    return;
  for (guint i = 0; i < machine->keys_down->len; i++)
    old->ops->key (old->opaque, g_array_index (machine->keys_down, unsigned, i), false);
}

void
vt_input_key (VtMachine *machine, unsigned evdev_code, bool down)
{
  vt_lock (&machine->lock);
  use_keyboard (machine, FIND (machine, key));
  note_key (machine, evdev_code, down);
  if (machine->keyboard != NULL)
    machine->keyboard->ops->key (machine->keyboard->opaque, evdev_code, down);
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

/* --- Pointers ----------------------------------------------------------------------------------------------------- */

/* Buttons and wheel belong to the pointer that moved last: a tablet and a mouse may both be there. */
static void
use_pointer (VtMachine *machine, const VtInputSink *pointer)
{
  const VtInputSink *old = machine->pointer;
  machine->pointer = pointer;
  if (old != NULL && old != pointer && machine->buttons_down != 0)
    old->ops->buttons (old->opaque, 0);
}

static const VtInputSink *
pointer_in_use (VtMachine *machine)
{
  if (machine->pointer == NULL || !hears (machine->pointer))
    use_pointer (machine, FIND (machine, buttons));
  return machine->pointer;
}

void
vt_input_motion (VtMachine *machine, int32_t dx, int32_t dy)
{
  vt_lock (&machine->lock);
  const VtInputSink *mouse = FIND (machine, motion);
  if (mouse != NULL)
    {
      use_pointer (machine, mouse);
      mouse->ops->motion (mouse->opaque, dx, dy);
    }
  vt_unlock (&machine->lock);
}

void
vt_input_place (VtMachine *machine, uint32_t x, uint32_t y)
{
  vt_lock (&machine->lock);
  const VtInputSink *tablet = FIND (machine, place);
  if (tablet != NULL)
    {
      use_pointer (machine, tablet);
      tablet->ops->place (tablet->opaque, x, y);
    }
  vt_unlock (&machine->lock);
}

void
vt_input_buttons (VtMachine *machine, uint32_t mask)
{
  vt_lock (&machine->lock);
  const VtInputSink *pointer = pointer_in_use (machine);
  machine->buttons_down = mask;
  if (pointer != NULL)
    pointer->ops->buttons (pointer->opaque, mask);
  vt_unlock (&machine->lock);
}

void
vt_input_wheel (VtMachine *machine, int32_t clicks_x, int32_t clicks_y)
{
  vt_lock (&machine->lock);
  const VtInputSink *pointer = pointer_in_use (machine);
  if (pointer != NULL && pointer->ops->wheel != NULL)
    pointer->ops->wheel (pointer->opaque, clicks_x, clicks_y);
  vt_unlock (&machine->lock);
}

bool
vt_input_absolute (VtMachine *machine)
{
  vt_lock (&machine->lock);
  bool absolute = FIND (machine, place) != NULL;
  vt_unlock (&machine->lock);
  return absolute;
}

/* --- What devices say ----------------------------------------------------------------------------------------------- */

static void
tell_leds (Listeners *listeners, int value, const char *message)
{
  g_atomic_int_set (&listeners->leds.waiting, FALSE);
  if (listeners->events.leds != NULL)
    listeners->events.leds (listeners->opaque, (unsigned) g_atomic_int_get (&listeners->leds.value));
}

static void
leds_changed (void *opaque, unsigned mask)
{
  VtMachine *machine = opaque;
  g_atomic_int_set (&machine->listeners->leds.value, (gint) mask);
  if (g_atomic_int_compare_and_exchange (&machine->listeners->leds.waiting, FALSE, TRUE))
    vt_machine_tell (machine, tell_leds, 0, NULL);
}

VtLedSink
vt_machine_leds (VtMachine *machine)
{
  return (VtLedSink) { leds_changed, machine };
}

unsigned
vt_input_leds (VtMachine *machine)
{
  return (unsigned) g_atomic_int_get (&machine->listeners->leds.value);
}

static void
tell_pointer (Listeners *listeners, int value, const char *message)
{
  g_atomic_int_set (&listeners->absolute.waiting, FALSE);
  if (listeners->events.pointer_changed != NULL)
    listeners->events.pointer_changed (listeners->opaque, g_atomic_int_get (&listeners->absolute.value) != 0);
}

static void
listening_changed (void *opaque)
{
  VtMachine *machine = opaque;
  g_atomic_int_set (&machine->listeners->absolute.value, vt_input_absolute (machine));
  if (g_atomic_int_compare_and_exchange (&machine->listeners->absolute.waiting, FALSE, TRUE))
    vt_machine_tell (machine, tell_pointer, 0, NULL);
}

VtListeningSink
vt_machine_listening (VtMachine *machine)
{
  return (VtListeningSink) { listening_changed, machine };
}
