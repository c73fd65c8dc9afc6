/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Per cent at the terminal, and Ctrl-C as a wish to stop in order. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* From here on the signals that end a program only make the functions below say FALSE. @quiet: nothing is shown. */
void     vitrine_ctl_progress_begin (gboolean quiet);
/* What is written next has a line of its own. Nothing, if nothing was shown. */
void     vitrine_ctl_progress_end (void);
/* A VitrineProgress and a VtImageProgress. */
gboolean vitrine_ctl_progress (gpointer unused, double fraction);
bool     vitrine_ctl_image_progress (void *unused, uint64_t done, uint64_t whole);
