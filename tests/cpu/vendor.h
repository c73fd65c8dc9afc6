/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results on which processors of different makers differ, by the manuals or by observation. */
#pragma once

#include "forms.h"

/* Rules of this instruction, for Case.vendor. */
uint32_t vendor_rules (const Decoded *d);
/* Encodings that this host's maker and the interpreter take for different instructions, so that nothing can be compared;
 * in a sequence also those that differ too early to go on behind them. */
bool vendor_avoids (const Decoded *d, bool sequence);
/* Makes `got` equal to `want` in what the case's rules leave open. */
void vendor_excuse (const Case *c, const Result *want, Result *got, const uint8_t *want_window, uint8_t *got_window);
