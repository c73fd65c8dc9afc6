/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a machine's sound card plays. */
#include "machine-private.h"

#include "sounds.h"

bool
vt_machine_open_sound (VtMachine *machine, GError **error)
{
  const VtConfig *config = &machine->config;
  if (config->sound == VT_SOUND_NONE || config->sound_output == VT_SOUND_TO_NOBODY)
    return true;
  machine->sound = config->sound_output == VT_SOUND_TO_FILE ? vt_file_sound_new (config->sound_path, error)
                                                            : vt_pulse_sound_new (config->name != NULL ? config->name : "Vitrine", error);
  return machine->sound != NULL;
}

void
vt_machine_close_sound (VtMachine *machine)
{
  if (machine->sound != NULL)
    machine->sound->ops->close (machine->sound);
}
