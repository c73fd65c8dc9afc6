/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine is doing. */
#include "state.h"

#include <glib/gi18n-lib.h>

static const struct
{
  const char *nick;
  const char *label;
  gboolean    alive, process;
} states[] = {
  [VITRINE_STATE_OFF] = { "off", N_("Powered off"), FALSE, FALSE },
  [VITRINE_STATE_STARTING] = { "starting", N_("Starting"), FALSE, TRUE },
  [VITRINE_STATE_RUNNING] = { "running", N_("Running"), TRUE, TRUE },
  [VITRINE_STATE_PAUSED] = { "paused", N_("Paused"), TRUE, TRUE },
  [VITRINE_STATE_BLOCKED] = { "blocked", N_("Needs attention"), TRUE, TRUE },
  [VITRINE_STATE_SUSPENDING] = { "suspending", N_("Suspending"), FALSE, TRUE },
  [VITRINE_STATE_FAILED] = { "failed", N_("Could not start"), FALSE, TRUE },
  [VITRINE_STATE_DIED] = { "died", N_("Stopped by a fault"), FALSE, TRUE },
  [VITRINE_STATE_CRASHED] = { "crashed", N_("Crashed"), FALSE, FALSE },
  [VITRINE_STATE_BROKEN] = { "broken", N_("Damaged definition"), FALSE, FALSE },
  [VITRINE_STATE_BUSY] = { "busy", N_("Being worked on"), FALSE, FALSE },
};

const char *
vitrine_state_to_nick (VitrineState state)
{
  return states[state].nick;
}

VitrineState
vitrine_state_from_nick (const char *nick)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_strcmp0 (states[i].nick, nick) == 0)
      return (VitrineState) i;
  return VITRINE_STATE_OFF;
}

const char *
vitrine_state_to_label (VitrineState state)
{
  return _(states[state].label);
}

gboolean
vitrine_state_is_alive (VitrineState state)
{
  return states[state].alive;
}

gboolean
vitrine_state_has_process (VitrineState state)
{
  return states[state].process;
}
