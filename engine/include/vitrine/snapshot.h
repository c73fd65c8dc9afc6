/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole-machine save and restore. */
#pragma once

#include "machine.h"

/* Writes RAM, devices and processors to `path` (temporary file, then rename). The machine is paused while it happens and
 * goes on after, if it ran. Blocks for the time of the write. */
bool vt_machine_save (VtMachine *machine, const char *path, GError **error);
/* Into a machine just made from the same configuration, never started. All or nothing: after an error the machine must be
 * freed. The file is treated as hostile. */
bool vt_machine_restore (VtMachine *machine, const char *path, GError **error);
