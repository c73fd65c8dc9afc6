/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small pictures of running machines, for the library. */
#pragma once

#include <cairo.h>
#include <gio/gio.h>

/* Scales now, writes the PNG in a thread, replacing @path at the end. Errors are only logged: a picture is not worth a notice. */
void vitrine_thumbnail_save_async (cairo_surface_t *screen, const char *path);
