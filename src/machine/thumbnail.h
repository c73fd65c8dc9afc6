/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small pictures of running machines, for the library. */
#pragma once

#include "backend.h"

/* Copies now; scales, and writes the PNG, in a thread, replacing @path at the end. Errors are only logged: a picture is not worth
 * a notice. */
void vitrine_thumbnail_save_async (const VitrineFrame *frame, const char *path);
