/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typing key sequences, one step after the other. */
#include <vitrine/key-spec.h>

#include "machine-private.h"

typedef struct
{
  VtMachine *machine;
  VtTimer   *timer;
  GArray    *chords;
  guint      next;
  bool       down;
} Typing;

#define KEY_STEP_NS G_GINT64_CONSTANT (20000000)   /* guests poll slowly, and queues are short */

static void
typing_free (gpointer data)
{
  Typing *typing = data;
  vt_timer_free (typing->timer);
  g_array_unref (typing->chords);
  g_free (typing);
}

/* Machine lock held. */
static void
type_step (void *opaque, int64_t late_ns)
{
  Typing *typing = opaque;
  if (typing->next == typing->chords->len)
    {
      g_ptr_array_remove (typing->machine->typings, typing);
      return;
    }
  const VtKeyChord *chord = &g_array_index (typing->chords, VtKeyChord, typing->next);
  typing->down = !typing->down;
  for (unsigned i = 0; i < chord->n; i++)
    vt_input_key (typing->machine, chord->codes[typing->down ? i : chord->n - 1 - i], typing->down);
  if (!typing->down)
    typing->next++;
  vt_timer_arm (typing->timer, vt_clock_now (typing->machine->clock) + KEY_STEP_NS);
}

GPtrArray *
vt_typings_new (void)
{
  return g_ptr_array_new_with_free_func (typing_free);
}

bool
vt_input_send_spec (VtMachine *machine, const char *spec, GError **error)
{
  GArray *chords = vt_key_spec_parse (spec, error);
  if (chords == NULL)
    return false;
  Typing *typing = g_new0 (Typing, 1);
  typing->machine = machine;
  typing->chords = chords;
  vt_lock (&machine->lock);
  g_ptr_array_add (machine->typings, typing);
  typing->timer = vt_timer_new (machine->clock, "typing", 10, type_step, typing);
  vt_timer_arm (typing->timer, vt_clock_now (machine->clock));
  vt_unlock (&machine->lock);
  return true;
}
