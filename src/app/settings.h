/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

/* org.vitrine.Vitrine, from the installed schemas or, run from a build folder, from the one beside the program. NULL with a
 * message on standard error when there is neither. */
GSettings *vitrine_settings_new (void);
