/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums of VHDX files, so that what a fuzzer changed behind them is looked at. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Headers, tables of regions, and entries of the log get the sums that they should have, where they are. */
void vhdx_mend (uint8_t *bytes, size_t len);
