/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which accelerator a machine gets, and why. */
#pragma once

#include "accel.h"

#include <vitrine/config.h>

typedef struct
{
  VtAccelChoice choice;
  const VtAccel *accel;
  bool on_request; /* `auto` does not consider it */
} VtAccelRow;

/* Built in at all? VT_ACCEL_AUTO is. */
bool vt_accel_exists (VtAccelChoice choice);

/* NULL with a sentence when what was asked for cannot be used here. *sentence (free it) names the accelerator and says
 * why it was taken: "interp (…)". */
const VtAccel *vt_accel_choose (VtAccelChoice choice, char **sentence, GError **error);
/* The same from another table, best first. */
const VtAccel *
vt_accel_choose_from (const VtAccelRow *rows, size_t n_rows, VtAccelChoice choice, char **sentence, GError **error);
