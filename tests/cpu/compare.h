/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "case.h"

/* After a run on both: registers, exception and memory agree, but for what the case ignores. May adjust `got` where a
 * result is allowed to be near. */
bool compare_equal (const Case *c, const Result *want, Result *got, const uint8_t *want_window, uint8_t *got_window);

/* Prints instructions, input and what differs, on stdout. */
void compare_report (const Case *c, const char *form, const Result *want, const Result *got, const uint8_t *before,
                     const uint8_t *want_window, const uint8_t *got_window);
