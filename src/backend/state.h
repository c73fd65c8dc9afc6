/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine is doing, as people and D-Bus hear of it. */
#pragma once

#include <glib.h>

typedef enum
{
  VITRINE_STATE_OFF,
  VITRINE_STATE_STARTING,   /* its process runs, the machine not yet */
  VITRINE_STATE_RUNNING,
  VITRINE_STATE_PAUSED,
  VITRINE_STATE_BLOCKED,    /* waits for a person, the message says for what */
  VITRINE_STATE_SUSPENDING, /* its memory is being written: nobody can talk to it */
  VITRINE_STATE_FAILED,     /* did not start, the message says why */
  VITRINE_STATE_DIED,       /* the guest stopped in a way it cannot leave */
  VITRINE_STATE_CRASHED,    /* the machine's process ended without a word */
  VITRINE_STATE_BROKEN,     /* the definition cannot be read */
  VITRINE_STATE_BUSY,       /* it is copied, moved or exported, or a snapshot of it is worked on */
} VitrineState;

const char  *vitrine_state_to_nick (VitrineState state);     /* "running": on D-Bus and in vitrinectl */
VitrineState vitrine_state_from_nick (const char *nick);     /* OFF when unknown */
const char  *vitrine_state_to_label (VitrineState state);    /* "Running", translated */
gboolean     vitrine_state_is_alive (VitrineState state);    /* there is a guest to talk to */
gboolean     vitrine_state_has_process (VitrineState state); /* there is a window to present */
