/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "forms.h"

/* Case `number` of a form, for the slot at that address. False when no encoding of the form worked out (then the form
 * has a fault worth finding: the caller counts). */
bool generate_case (Case *c, const Form *form, unsigned form_index, uint64_t seed, uint64_t number, uint32_t slot);

/* Sequence `number`, of the given forms, for a slot of LAYOUT_SEQUENCE_SIZE. */
void generate_sequence (Case *c, const GPtrArray *forms, Mode mode, uint64_t seed, uint64_t number, uint32_t slot);
/* Random bytes. False: an instruction that cannot be compared; take the next number. */
bool generate_raw (Case *c, Mode mode, uint64_t seed, uint64_t number, uint32_t slot);
