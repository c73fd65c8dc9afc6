/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State changes, and telling whoever listens: always on the context that the machine was made on. */
#include "machine-private.h"

typedef struct
{
  Listeners *listeners;
  Tell       tell;
  int        value;
  char      *message;
} Telling;

static gboolean
deliver (gpointer data)
{
  Telling *telling = data;
  if (!telling->listeners->dead)
    telling->tell (telling->listeners, telling->value, telling->message);
  return G_SOURCE_REMOVE;
}

static void
free_telling (gpointer data)
{
  Telling *telling = data;
  g_atomic_rc_box_release (telling->listeners);
  g_free (telling->message);
  g_free (telling);
}

void
vt_machine_tell (VtMachine *machine, Tell tell, int value, const char *message)
{
  Telling *telling = g_new (Telling, 1);
  *telling = (Telling) { g_atomic_rc_box_acquire (machine->listeners), tell, value, g_strdup (message) };
  GSource *source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deliver, telling, free_telling);
  g_source_attach (source, machine->context);
  g_source_unref (source);
}

static void
tell_state (Listeners *listeners, int value, const char *message)
{
  if (listeners->events.state_changed != NULL)
    listeners->events.state_changed (listeners->opaque, (VtMachineState) value, message);
}

void
vt_machine_set_state (VtMachine *machine, VtMachineState state, int exit_status, const char *message)
{
  vt_lock (&machine->lock);
  bool changed = machine->state != state;
  machine->state = state;
  if (state == VT_MACHINE_OFF || state == VT_MACHINE_DIED)
    machine->exit_status = exit_status;
  vt_unlock (&machine->lock);
  if (state == VT_MACHINE_OFF || state == VT_MACHINE_DIED)
    vt_machine_end_removals (machine);
  if (changed)
    vt_machine_tell (machine, tell_state, state, message);
}

void
vt_machine_set_events (VtMachine *machine, const VtMachineEvents *events, void *opaque)
{
  machine->listeners->events = events != NULL ? *events : (VtMachineEvents) { 0 };
  machine->listeners->opaque = opaque;
}

static void
tell_damaged (Listeners *listeners, int value, const char *message)
{
  if (listeners->display[value].damaged != NULL)
    listeners->display[value].damaged (listeners->display[value].opaque);
}

/* Machine lock held, any thread. */
static void
surface_damaged (void *opaque)
{
  const SurfaceRef *ref = opaque;
  vt_machine_tell (ref->machine, tell_damaged, (int) ref->display, NULL);
}

void
vt_display_set_notify (VtMachine *machine, unsigned display, void (*damaged) (void *opaque), void *opaque)
{
  if (display >= machine->n_surfaces)
    return;
  vt_lock (&machine->lock);
  machine->listeners->display[display].damaged = damaged;
  machine->listeners->display[display].opaque = opaque;
  machine->surface_ref[display] = (SurfaceRef) { machine, display };
  vt_surface_set_notify (machine->surfaces[display], damaged != NULL ? surface_damaged : NULL, &machine->surface_ref[display]);
  vt_unlock (&machine->lock);
}
