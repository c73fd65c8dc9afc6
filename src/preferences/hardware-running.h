/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a running machine takes from one definition to the other: discs and cables. */
#pragma once

#include "machine.h"

/* Blocks for a moment. */
gboolean vitrine_hardware_change_running (VitrineMachine *machine, VitrineDomain *before, VitrineDomain *after, GError **error);
