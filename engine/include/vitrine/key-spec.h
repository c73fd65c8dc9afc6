/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key sequences written as text: "ctrl-alt-delete", "text:hello", "#30". Nothing of a machine is in here, so that keys for
 * machines that other programs run are written alike. Any thread. */
#pragma once

#include <glib.h>

#define VT_KEY_CHORD_MAX 8u

/* One step of a sequence: keys pressed in order, released in reverse. Codes are evdev's. */
typedef struct
{
  unsigned codes[VT_KEY_CHORD_MAX];
  unsigned n;
} VtKeyChord;

/* How they are written is in <vitrine/input.h>. Of VtKeyChord; NULL and an error that names the word that is not understood. */
GArray *vt_key_spec_parse (const char *spec, GError **error);
