/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What builds a machine in this process: the engine, or a test card in the application's own tests. */
#pragma once

#include <vitrine/config.h>

#include "backend.h"

/* The machine is paused. May block for the time of opening its files. */
typedef VitrineBackend *(*VitrineOpenBackend) (const VtConfig *config, GError **error);
