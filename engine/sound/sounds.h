/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What sound cards play into. Closing frees. */
#pragma once

#include <glib.h>

#include "sound.h"

/* The person's loudspeakers and microphone, by PulseAudio or PipeWire. Without a server there is silence, and at the next stream
 * another try. @name: of the machine, for the desktop's volume control. NULL with an error: no thread for it. */
VtSound *vt_pulse_sound_new (const char *name, GError **error);
/* What is played goes into a WAV file, at the rate of the first stream; streams of another rate are left out. Nothing is recorded. */
VtSound *vt_file_sound_new (const char *path, GError **error);
